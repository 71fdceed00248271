// SPDX-License-Identifier: Apache-2.0

rule packed_upx
{
    meta:
        id = "PACKED-UPX-001"
        description = "packed with UPX: what the program holds cannot be seen before it runs"
        severity = "low"
        confidence = "medium"
        remedy = "Ship the program unpacked (upx -d), so that it can be scanned."
        source = "UPX file format: the magic of its loader header stands behind the program headers"
    strings:
        $magic = "UPX!"
    condition:
        $magic in (0..1023)
}
