// SPDX-License-Identifier: Apache-2.0
//
// ProFTPD 1.3.3c as it stood on a broken-into mirror in 2010: "HELP ACIDBITCHEZ" gives a root shell. Strings end
// in NUL as a C compiler leaves them; scanners and exploits hold the word alone.

rule proftpd_acidbitchez
{
    meta:
        id = "PROFTPD-BACKDOOR-001"
        description = "ProFTPD 1.3.3c with the HELP ACIDBITCHEZ back door (CVE-2010-20103)"
        severity = "critical"
        confidence = "high"
        remedy = "Do not run this image; rebuild it with a ProFTPD of your distribution."
        source = "CVE-2010-20103; src/help.c read in binsec/rosarum"
    strings:
        $word = "ACIDBITCHEZ\x00"
        $shell = "/bin/sh;/sbin/sh\x00"
    condition:
        all of them
}

rule proftpd_acidbitchez_single
{
    meta:
        id = "PROFTPD-BACKDOOR-002"
        description = "the word that opens the ProFTPD 1.3.3c back door, without the shell behind it"
        severity = "medium"
        confidence = "low"
        remedy = "Compare the file with its package; tools that look for the back door hold the word too."
        source = "CVE-2010-20103; src/help.c read in binsec/rosarum"
    strings:
        $word = "ACIDBITCHEZ"
        $word_c = "ACIDBITCHEZ\x00"
        $shell_c = "/bin/sh;/sbin/sh\x00"
    condition:
        $word and not ($word_c and $shell_c)
}
