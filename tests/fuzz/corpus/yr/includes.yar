import "elf" include "b"
rule x { condition: y }ÿinclude "./c"ÿrule y { condition: true }ÿrule z { condition: true }