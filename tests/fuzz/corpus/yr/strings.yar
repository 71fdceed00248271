rule r : t u {
  meta: a = "b\x00" c = -5 d = true
  strings:
    $a = "xyz\t\"" wide ascii fullword
    $b = "key" xor(1-0x20) private
    $c = "abc" base64 base64wide
    $ = /a[b-c]+\/d/is nocase
  condition: all of them or 2 of ($a*, $b)
}
