// SPDX-License-Identifier: Apache-2.0
//
// The marker that proves that the whole way works. It does nothing. It always refuses in enforce mode, and no
// exception covers it. scanner/finding/marker.h holds the same bytes, XORed.

rule postern_test
{
    meta:
        id = "POSTERN-TEST-001"
        description = "postern's test marker: harmless, and refused to prove that the hook works"
        severity = "critical"
        confidence = "high"
        remedy = "Nothing is wrong: remove the file that holds the marker when the test is over."
        source = "postern"
    strings:
        $marker = "POSTERN-STANDARD-ANTIBACKDOOR-TEST-MARKER-7BH5C2W960FNXZD7L0XP35"
    condition:
        $marker
}
