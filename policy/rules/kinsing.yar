// SPDX-License-Identifier: Apache-2.0
//
// Names of functions that Go keeps in its tables, also in a stripped program. RC4 and masscan are names that
// others choose as well: together they are no pair.

rule kinsing
{
    meta:
        id = "KINSING-001"
        description = "Kinsing, a worm that brings miners into containers: two of its function names"
        severity = "high"
        confidence = "high"
        remedy = "Do not run this image, and look for the worm on hosts and in registries that had it."
        source = "elastic/protections-artifacts, pan-unit42/iocs, stamparm/maltrail (names only)"
    strings:
        $redis = "main.redisBrute" fullword
        $connect = "main.backconnect" fullword
        $c2 = "ActiveC2CUrl"
        $rc4 = "main.RC4" fullword
        $masscan = "main.masscan" fullword
    condition:
        2 of them and any of ($redis, $connect, $c2)
}

rule kinsing_single
{
    meta:
        id = "KINSING-002"
        description = "one function name of Kinsing, a worm that brings miners into containers"
        severity = "medium"
        confidence = "low"
        remedy = "Look at what the program is for; scanners hold such names too."
        source = "elastic/protections-artifacts, pan-unit42/iocs, stamparm/maltrail (names only)"
    strings:
        $redis = "main.redisBrute" fullword
        $c2 = "ActiveC2CUrl"
        $others_connect = "main.backconnect" fullword
        $others_rc4 = "main.RC4" fullword
        $others_masscan = "main.masscan" fullword
    condition:
        ($redis or $c2) and not 2 of them
}
