rule r { strings: $a = { 01 ?2 ~3? [1-3] ( 04 | 05 [2] 06 | (07|08) ) // c
 /* d */ [-] 09 } condition: $a }