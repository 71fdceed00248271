// SPDX-License-Identifier: Apache-2.0
//
// Router firmware; of use where firmware is unpacked into images. Scanners hold the string, so it needs the name
// of the server beside it.

rule dlink_thttpd
{
    meta:
        id = "DLINK-THTTPD-001"
        description = "D-Link thttpd 1.13A: a User-Agent that skips the login"
        severity = "high"
        confidence = "medium"
        remedy = "Do not run this web server; there is no fixed version of it."
        source = "D-Link thttpd 1.13A, read in binsec/rosarum"
    strings:
        $agent = "xmlset_roodkcableoj28840ybtide\x00"
        $server = "thttpd"
    condition:
        all of them
}

rule dlink_thttpd_single
{
    meta:
        id = "DLINK-THTTPD-002"
        description = "the User-Agent that skips the login of D-Link thttpd 1.13A, outside of that server"
        severity = "medium"
        confidence = "low"
        remedy = "Compare the file with its package; tools that look for the back door hold the string too."
        source = "D-Link thttpd 1.13A, read in binsec/rosarum"
    strings:
        $agent = "xmlset_roodkcableoj28840ybtide"
        $agent_c = "xmlset_roodkcableoj28840ybtide\x00"
        $server = "thttpd"
    condition:
        $agent and not ($agent_c and $server)
}
