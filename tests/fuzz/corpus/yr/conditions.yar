import "elf" import "math"
private rule ra { condition: filesize > 1KB and not entrypoint == 0x10 }
global rule rb { condition: any of (r*) or 50% of (ra, rb) }
rule r { strings: $a = "aa" $b = "bb" condition:
  for any i, j in elf.sections : (i.name contains "x" and math.entropy(0, filesize) >= 7.5)
  or for all of ($a, $b) : ($ at 5 + 1 and # > 1 and @[1] < ! and $ in (0..uint16be(4)))
  or for 2 i in (1, -2, ~3) : (@a[i] == i << 1 | 2 ^ 3 & 4 % 5 \ 6 * 7)
  or #a in (1..2) of them or filename matches /x/i or defined elf.type or any of them in (0..9) }
