// SPDX-License-Identifier: Apache-2.0
//
// The code that two commits of 2021-03-28 put into php-src (ext/zlib/zlib.c; never released): it evaluates the
// request header User-Agentt. Strings end in NUL as a C compiler leaves them: lists of indicators that are built
// into scanners hold the same words, but without it. No limit of size: a php or libphp is many megabytes.

rule php_zerodium
{
    meta:
        id = "PHP-ZERODIUM-001"
        description = "PHP with the zerodium back door of March 2021: runs code from the header User-Agentt"
        severity = "critical"
        confidence = "high"
        remedy = "Do not run this image; rebuild PHP from a release (the code was only in 8.1.0-dev)."
        source = "php-src c730aa26, 2b0f239b (reverted by 8d743d52); read in binsec/rosarum"
    strings:
        $header = "HTTP_USER_AGENTT\x00"
        $eval_name = "REMOVETHIS: sold to zerodium, mid 2017\x00"
    condition:
        all of them
}

rule php_zerodium_single
{
    meta:
        id = "PHP-ZERODIUM-002"
        description = "one of the two strings of the PHP zerodium back door of March 2021"
        severity = "medium"
        confidence = "low"
        remedy = "Compare the file with its package; tools that look for the back door hold such strings too."
        source = "php-src c730aa26, 2b0f239b (reverted by 8d743d52); read in binsec/rosarum"
    strings:
        $header = "HTTP_USER_AGENTT"
        $header_c = "HTTP_USER_AGENTT\x00"
        $eval_name = "REMOVETHIS: sold to zerodium, mid 2017"
        $eval_name_c = "REMOVETHIS: sold to zerodium, mid 2017\x00"
    condition:
        any of them and not ($header_c and $eval_name_c)
}
