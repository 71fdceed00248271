# SPDX-License-Identifier: Apache-2.0
"""The wild half of rulegen.py: rules at the edges of the language, and files at the edges of the matcher. Files are made
before conditions, so that conditions can ask for the very offsets and lengths that occur, and for those beside them."""

import base64
import random
import subprocess
from pathlib import Path

import rulegen
from rulegen import BLOCK, ELF, escape

LONG = 5000  # longer than what the matcher keeps of the block before
LETTERS = b"abcABC01_"
ALPHABET = "!@#$%^&*(){}[].,|ABCDEFGHIJ\x09LMNOPQRSTUVWXYZabcdefghijklmnopqrstu"


# ---------------------------------------------------------------- strings


class Text(rulegen.Text):
    """All modifiers in all combinations, on texts that overlap themselves and each other."""

    def __init__(self, r):
        super().__init__(r)
        self.low = self.high = 0
        kind = r.random()
        n = r.choice([1, 2, 2, 3, 3, 4, 4, 5, 6, 8, 8, 9, 17, 60, LONG if r.random() < 0.1 else 12])
        if kind < 0.35:
            self.data = bytes(r.choice(LETTERS) for _ in range(n))
        elif kind < 0.5:
            self.data = (bytes([r.choice(LETTERS)]) * r.choice([1, 2, 3]) + bytes([r.choice(LETTERS)])) * 40
            self.data = self.data[: min(n, 80)]
        elif kind < 0.6:
            self.data = b"\0".join(bytes([r.choice(LETTERS)]) for _ in range(max(1, n // 2))) + r.choice([b"", b"\0"])
        elif kind < 0.7:
            self.data = r.choice([bytes(n), bytes(n - 1) + b"x", b"x" + bytes(n - 1), bytes([r.randrange(256)]) * n])
        elif kind < 0.85:
            self.data = bytes(r.choice(rulegen.ALPHA) for _ in range(n))
        else:
            self.data = r.randbytes(n)
        self.alphabet = None
        self.mods = {m for m, p in (("wide", 0.35), ("ascii", 0.35), ("fullword", 0.4), ("private", 0.1)) if r.random() < p}
        roll = r.random()
        if roll < 0.35:
            self.mods.add("nocase")
        elif roll < 0.55:
            self.low, self.high = sorted((r.choice([0, 1, 0x20, r.randrange(256)]), r.choice([0, 5, 255, r.randrange(256)])))
            self.mods.add(r.choice(["xor", f"xor({self.low}-{self.high})", f"xor({self.low}-{self.high})", f"xor({self.low})"]))
            if "xor" in self.mods:
                self.low, self.high = 0, 255
            if f"xor({self.low})" in self.mods:
                self.high = self.low
        elif roll < 0.7 and n >= 3:
            self.mods -= {"fullword"}
            self.alphabet = r.choice([None, None, ALPHABET])
            self.mods |= set(r.choice([["base64"], ["base64wide"], ["base64", "base64wide"]]))

    def source(self):
        shown = f'("{escape(self.alphabet.encode())}")' if self.alphabet else ""
        mods = [m + shown if m.startswith("base64") else m for m in sorted(self.mods)]
        return f'"{escape(self.data)}" ' + " ".join(mods)

    def make(self, r):
        data = super().make(r) if not self.mods & {"base64", "base64wide"} else self.encoded(r)
        return data + data[-r.randrange(1, 4):] if r.random() < 0.1 else data

    def encoded(self, r):
        data = self.data
        if "wide" in self.mods and ("ascii" not in self.mods or r.random() < 0.5):
            data = b"".join(bytes([b, 0]) for b in data)
        data = base64.b64encode(r.randbytes(r.randrange(3)) + data + r.randbytes(r.randrange(3)))
        if self.alphabet:
            usual = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
            data = data.translate(bytes.maketrans(usual, self.alphabet.encode()))
        if "base64wide" in self.mods and ("base64" not in self.mods or r.random() < 0.5):
            data = b"".join(bytes([b, 0]) for b in data)
        return data


class Hex(rulegen.Hex):
    """Few byte values, nested alternatives of many lengths, jumps of all sizes."""

    def __init__(self, r):
        self.few = r.random() < 0.5
        self.parts = self.tokens(r, r.choice([1, 2, 3, 4, 6, 10, 16, 40, 600 if r.random() < 0.1 else 8]), 0)

    def byte(self, r):
        return ("byte", r.choice([0, 0x41, 0x42, 0x61, 0xff]) if self.few else r.randrange(256))

    def tokens(self, r, n, depth):
        out = [self.byte(r)]
        for _ in range(n):
            roll = r.random()
            if roll < 0.66:
                out.append(self.byte(r))
            elif roll < 0.74:
                out.append(("any",))
            elif roll < 0.82:
                out.append((r.choice(["low", "high"]), r.randrange(16)))
            elif roll < 0.9 and out[-1][0] != "jump":
                out += [self.jump(r, depth), self.byte(r)]
            elif depth < 3:
                out.append(("alt", [self.tokens(r, r.choice([0, 0, 1, 2]), depth + 1) for _ in range(r.choice([2, 2, 3]))]))
        return out + [self.byte(r)] if r.random() < 0.9 or out[-1][0] == "jump" else out

    @staticmethod
    def jump(r, depth):
        low = r.choice([0, 0, 1, 2, 5, 199, 200, 201] if depth == 0 else [0, 1, 2])
        high = low + r.choice([0, 0, 1, 3, 30, 199, 300, 5000, 70000, 300000] if depth == 0 else [0, 1, 3])
        return ("jump", low, None if depth == 0 and r.random() < 0.1 else high)

    def make(self, r):
        # the shortest and the longest of a jump are where it goes wrong
        return self.fill([(p[0], p[1], p[1] if r.random() < 0.3 else p[2]) if p[0] == "jump" else p for p in self.parts], r)

    def fill(self, parts, r):
        out = []
        for p in parts:
            if p[0] == "jump":
                high = p[1] + r.choice([3, 1000, 70000]) if p[2] is None else p[2]
                n = r.choice([p[1], high, high, r.randint(p[1], high)])
                out.append(r.randbytes(n) if n < 300 or r.random() < 0.3 else bytes(n))
            else:
                out.append(super().fill([p], r))
        return b"".join(out)


class Regex:
    """A tree of parts; `make` walks it."""

    def __init__(self, r):
        self.flags = r.choice(["", "", "", "i", "s", "is"])
        self.mods = set(r.choice([[], [], [], ["nocase"], ["wide"], ["ascii", "wide"], ["fullword"], ["fullword", "wide"],
                                  ["fullword", "ascii", "wide", "nocase"]]))
        self.lazy = r.random() < 0.3  # libyara refuses a mixture
        self.tree = self.row(r, 0)
        self.head, self.tail = r.choice(["", "", "", "", "^", "\\b"]), r.choice(["", "", "", "", "$", "\\b"])

    def row(self, r, depth):
        return [self.part(r, depth) for _ in range(r.choice([1, 2, 3, 4] if depth else [2, 3, 4, 5]))]

    def part(self, r, depth):
        roll = r.random()
        if roll < 0.45:
            one = ("word", bytes(r.choice(b"abcdefxyzABC_019/=-") for _ in range(r.choice([1, 2, 3, 4, 5, 8, 12]))))
            if len(one[1]) > 1:
                return one
        elif roll < 0.6:
            one = r.choice([("set", "\\d", b"0123456789"), ("set", "\\w", b"azAZ09_"), ("set", "\\s", b" \t\r\n"),
                            ("set", "[a-f]", b"abcdef"), ("set", "[^a]", b"bcA\x00\xff"), ("set", "[xY]", b"xY"),
                            ("set", "\\x41", b"A"), ("set", "\\.", b"."), ("set", "[\\]\\-a]", b"]-a"), ("set", "\\W", b" .-"),
                            ("set", "[A-Z]", b"ABZ"), ("set", "\\D", b"aA "), ("set", "[0-9a-fA-F]", b"09afAF"),
                            ("set", "\\x00", b"\0"), ("set", "\\n", b"\n"), ("set", "\\S", b"aA1")])
        elif roll < 0.7:
            return ("set", ".", b"abz .\x01") if r.random() < 0.7 else ("times", ("set", ".", b"abz .\x01"), (0, 9, "*?" if self.lazy else "{0,9}"))
        elif depth < 3:
            one = ("group", [self.row(r, depth + 1) for _ in range(r.choice([1, 2, 2, 3]))])
        else:
            one = ("word", b"deep")
            return one
        if one[0] == "group":  # repetition in repetition is what libyara gives up on
            return ("times", one, (0, 1, "?" * (1 + self.lazy))) if r.random() < 0.3 else one
        times = r.choice([None, None, None, (0, 1, "?"), (0, 9, "*"), (1, 9, "+"), (2, 2, "{2}"), (1, 3, "{1,3}"), (0, 2, "{,2}"),
                          (3, 9, "{3,}"), (9, 12, "{9,12}"), (1, 1, "{1}"), (1, 2, "{1,2}")])
        return ("times", one, (*times[:2], times[2] + "?" * self.lazy)) if times else one

    def write(self, row):
        out = ""
        for p in row:
            if p[0] == "word":
                out += p[1].decode().replace("/", "\\/")
            elif p[0] == "set":
                out += p[1]
            elif p[0] == "group":
                out += "(" + "|".join(self.write(a) for a in p[1]) + ")"
            else:
                out += self.write([p[1]]) + p[2][2]
        return out

    def source(self):
        return f"/{self.head}{self.write(self.tree)}{self.tail}/{self.flags} " + " ".join(sorted(self.mods))

    def fill(self, row, r):
        out = b""
        for p in row:
            if p[0] == "word":
                out += p[1]
            elif p[0] == "set":
                out += bytes([r.choice(p[2])])
            elif p[0] == "group":
                out += self.fill(r.choice(p[1]), r)
            else:
                out += b"".join(self.fill([p[1]], r) for _ in range(r.choice([p[2][0], p[2][1], r.randint(*p[2][:2])])))
        return out

    def make(self, r):
        data = self.fill(self.tree, r)
        if "i" in self.flags or "nocase" in self.mods:
            data = bytes(b ^ 0x20 if chr(b).isalpha() and b < 128 and r.random() < 0.5 else b for b in data)
        data = r.choice([b"", b" ", b"\0", b"a"]) + data + r.choice([b"", b" ", b"\0", b"a"])
        wide = "wide" in self.mods and ("ascii" not in self.mods or r.random() < 0.5)
        return b"".join(bytes([b, 0]) for b in data) if wide else data


class Like:
    """A string that has to do with another one: its beginning, its end, its other case."""

    def __init__(self, r, other):
        cut = r.randrange(len(other.data))
        self.data = r.choice([other.data[: cut + 1], other.data[cut:], other.data.swapcase(), other.data + b"a"])
        self.mods = r.choice(["", "nocase", "wide", "ascii wide", "fullword", "wide fullword", "nocase ascii wide fullword"])

    def source(self):
        return f'"{escape(self.data)}" {self.mods}'

    def make(self, r):
        return b"".join(bytes([b, 0]) for b in self.data) if "wide" in self.mods and r.random() < 0.7 else self.data


def strings(r):
    out = []
    for _ in range(r.choice([1, 2, 3, 4, 6])):
        roll = r.random()
        texts = [s for s in out if hasattr(s, "data")]
        if texts and roll < 0.15:
            out.append(Like(r, r.choice(texts)))
        else:
            out.append(Text(r) if roll < 0.55 else Hex(r) if roll < 0.8 else Regex(r))
    return out


# ---------------------------------------------------------------- files


def pieces(r, own, everything, places, start):
    """Rows of strings, dense or with gaps; notes where each begins and ends."""
    out, at = [], start
    for _ in range(r.choice([1, 2, 4, 10, 30])):
        if at > 600000:
            break
        data = bytearray(r.choice(own if r.random() < 0.85 else everything).make(r))
        if data and r.random() < 0.12:
            data[r.randrange(len(data))] ^= r.choice([1, 0x20, 0x80])
        places |= {at, at + len(data)}
        out.append(bytes(data))
        at += len(data)
        gap = r.choice([0, 0, 0, 1, 1, 2, 9, 300])
        out.append(r.choice([bytes(gap), b"\n" * gap, b"a" * gap, b"a\0" * (gap // 2), r.randbytes(gap)]))
        at += len(out[-1])
        if r.random() < 0.15:  # one right behind itself: overlaps and counts
            out.append(bytes(data) * (r.choice([1, 2, 5]) if len(data) < 9000 else 1))
            at += len(out[-1])
    return b"".join(out)


def small(r, own, everything, places):
    head = r.choice([b"", b"", ELF, b"a", b"\0"])
    return [(0, head + pieces(r, own, everything, places, len(head)))]


def edges(r, own, everything, places):
    """Strings that lie across the edges of blocks, between noise."""
    blocks = r.choice([1, 1, 1, 2])
    fill = r.choice([b"\0", b"a", b"\n", b"\x90"])
    data = bytearray(fill * (BLOCK * blocks + r.choice([0, 1, 7, 8, 5000])))
    for edge in range(1, blocks + 1):
        piece = r.choice(own).make(r)[: BLOCK // 2]
        at = BLOCK * edge - r.choice([0, 1, 2, len(piece) // 2, len(piece), len(piece) + 1, max(0, len(piece) - 1)])
        end = min(len(data), at + len(piece))
        data[at:end] = piece[: end - at]
        places |= {at, at + len(piece)}
        if r.random() < 0.5:
            extra = r.choice(everything).make(r)[:1000]
            at = BLOCK * edge - r.randrange(1, 70000)
            data[at : at + len(extra)] = extra
            places.add(at)
    return [(0, bytes(data))]


def sparse(r, own, everything, places):
    """Holes, and data right before and behind them."""
    out, at = [], r.choice([0, 4096, 65536, 1 << 20])
    for _ in range(r.choice([1, 2, 3])):
        piece = r.choice(own).make(r)[: 1 << 18]
        lead = r.choice([0, 1, 4096 - len(piece) % 4096, 100])
        out.append((at + lead, piece))
        places |= {at + lead, at + lead + len(piece)}
        at = (at + lead + len(piece) + r.choice([4096, 8192, 20000, 300000, 1 << 20])) // 4096 * 4096
    out.append((at, r.choice([b"", b"a", r.choice(everything).make(r)[:5000]])))
    return out


def tiny(r, own, everything, places):
    del everything, places
    return [(0, r.choice([b"", b"", b"a", b"\0", r.choice(own).make(r)[:1], r.choice(own).make(r)]))]


def many(r, own, everything, places):
    """More places of one string than the matcher keeps."""
    piece = min((r.choice(own).make(r) for _ in range(4)), key=len)[:40] or b"a"
    places.add(len(piece))
    return [(0, piece * r.choice([4095, 4096, 4097, 5000])), (1 << 18, pieces(r, own, everything, places, 1 << 18))]


def write_file(path, parts):
    size = 0
    with open(path, "wb") as f:
        for at, data in parts:
            f.seek(at)
            f.write(data)
            size = max(size, at + len(data))
        f.truncate(max([size] + [at for at, _ in parts]))
        return f.seek(0, 2)


# ---------------------------------------------------------------- conditions


class Words:
    """What conditions of one rule are made of."""

    def __init__(self, r, names, numbers, rules):
        self.r, self.names, self.numbers, self.rules = r, names, numbers, rules
        self.loop = []  # variables of the loops around
        self.of = False

    def s(self):
        return self.r.choice(self.names)[1:]

    def const(self):
        r = self.r
        return str(r.choice([0, 0, 1, 1, 2, 3, 5, 63, 64, 65, 255, 256, 4096, 65536, 2147483647, 2147483648, 4294967295,
                             9223372036854775807] + r.sample(self.numbers, min(9, len(self.numbers)))))

    def number(self, depth=0):
        r = self.r
        roll = r.random()
        s = self.s()
        if self.loop and r.random() < 0.3:
            return r.choice(self.loop)
        if depth > 2 or roll < 0.3:
            return self.const()
        if roll < 0.36:
            return "filesize"
        if roll < 0.46:
            return "#" + s
        if roll < 0.58:
            return r.choice([f"@{s}", f"@{s}[1]", f"@{s}[2]", f"@{s}[#{s}]", f"@{s}[{self.number(depth + 1)}]"])
        if roll < 0.64:
            return r.choice([f"!{s}", f"!{s}[1]", f"!{s}[#{s}]", f"!{s}[{self.number(depth + 1)}]"])
        if roll < 0.76:
            kind = r.choice(["uint8", "uint16", "uint32", "int8", "int16", "int32"]) + r.choice(["", "be"])
            where = r.choice([f"filesize - {r.randrange(6)}", self.number(depth + 1), str(r.randrange(20)), "0 - 1", f"@{s}"])
            return f"{kind}({where})"
        if roll < 0.8:
            return f"#{s} in ({self.number(depth + 2)}..{self.number(depth + 2)})"
        if roll < 0.84:
            return r.choice(["-", "~"]) + f"({self.number(depth + 1)})"
        op = r.choice(["+", "+", "-", "-", "*", "\\", "%", "&", "|", "^", "<<", ">>"])
        right = self.number(depth + 1)
        if op in "\\%":  # a constant zero is refused, and the smallest number by -1 ends libyara 4.2
            right = r.choice(["3", "7", "1", "filesize", f"#{s}", f"uint8({self.number(depth + 2)})", f"(filesize & {r.randrange(4)})"])
        if op in "<>" or op in ("<<", ">>"):
            right = r.choice(["0", "1", "31", "32", "63", "64", "100", f"#{s}", f"(#{s} - 1)", f"uint8({self.number(depth + 2)})"])
        return f"({self.number(depth + 1)} {op} {right})"

    def quantifier(self, n):
        r = self.r
        s = self.s()
        return r.choice(["any", "any", "all", "all", "none", "none", "0", "1", "2", str(n), str(n + 1), f"#{s}", f"@{s}", "50%", "1%",
                         "33%", "34%", "66%", "67%", "100%", f"(#{s} - 1)", f"uint8({self.number(2)})", f"(filesize % 3)"])

    def members(self):
        r = self.r
        some = [r.choice(self.names) for _ in range(r.choice([1, 2, 3, 5]))]  # doubles count twice
        return r.choice(["them", "(" + ", ".join(some) + ")", "($s*)", "(" + ", ".join(some[:1] + ["$s*"]) + ")"])

    def place(self):
        r = self.r
        s = self.s()
        return r.choice([self.number(), self.const(), self.const(), f"@{s}", f"@{s} + !{s}", f"filesize - {r.randrange(40)}",
                         f"(@{s}[2] - 1)", "filesize - 1", f"@{s}[{self.number(1)}]"])

    def range(self):
        r = self.r
        a = self.place()
        return r.choice([f"({a}..{self.place()})", f"({a}..{a})", f"({a}..({a}) + {r.randrange(3)})", f"(0..{a})", f"({a}..filesize)"])

    def condition(self, depth=0):
        r = self.r
        roll = r.random()
        s = self.s()
        if depth > 3 or roll < 0.16:
            return r.choice(["$" + s, "$" + s, r.choice(["$", "# > 1", "@ < 300", "! == 4"]) if self.of else "$" + s])
        if roll < 0.32:
            return "(" + r.choice([" and ", " or "]).join(self.condition(depth + 1) for _ in range(r.choice([2, 2, 3]))) + ")"
        if roll < 0.40:
            return f"not {self.condition(depth + 1)}"
        if roll < 0.50:
            return f"{self.quantifier(len(self.names))} of {self.members()}" + (f" in {self.range()}" if r.random() < 0.2 else "")
        if roll < 0.57:
            return f"{'$' if self.of and r.random() < 0.6 else '$' + s} at {self.place()}"
        if roll < 0.63:
            return f"{'$' if self.of and r.random() < 0.6 else '$' + s} in {self.range()}"
        if roll < 0.74:
            return f"{self.number()} {r.choice(['<', '<=', '>', '>=', '==', '!=', '=='])} {self.number()}"
        if roll < 0.80:
            return self.for_of(depth)
        if roll < 0.87:
            return self.for_in(depth)
        if roll < 0.90:
            return r.choice([f"defined {self.number()}", f"not defined {self.number()}", "true", "false", self.number(),
                             f"(defined @{s}[{self.number()}])", f"defined ({self.condition(depth + 2)})"])
        if roll < 0.94 and self.rules:
            some = [r.choice(self.rules) for _ in range(r.choice([1, 2, 3]))]
            return r.choice([some[0], some[0], f"not {some[0]}", f"{r.choice(['any', 'all', 'none', '1', '2', '50%'])} of ({', '.join(some)})",
                             some[0], f"{r.choice(['any', 'all', '2'])} of ({r.choice('pqr')}*)"])
        if roll < 0.97:
            return r.choice(["math.entropy(0, filesize) > 4.0", "math.min(filesize, 10) == 10", "elf.machine == elf.EM_X86_64",
                             f"elf.sections[{self.number(1)}].name == \".text\"", "elf.type != 3", "pe.is_pe", "not pe.is_pe",
                             "time.now() > 1000", 'hash.md5(0, filesize) != "d41d8cd98f00b204e9800998ecf8427e"',
                             f"math.abs({self.number(1)} - 3) > 5", "math.in_range(math.mean(0, filesize), 10.0, 200.0)",
                             f"math.to_number({self.condition(3)}) == 1", f"1.5 * {self.number(1)} < 7.25",
                             f"for any sec in elf.sections : ( sec.size > {self.number(2)} )", f"elf.number_of_sections > {self.number(1)}"])
        return f"filesize {r.choice(['<', '>', '==', '!=', '<=', '>='])} {r.choice([self.const(), self.const(), '300KB', '1MB'])}"

    def for_of(self, depth):
        inner, self.of = self.of, True
        body = self.condition(depth + 1)
        self.of = inner
        return f"for {self.quantifier(len(self.names))} of {self.members()} : ( {body} )"

    def for_in(self, depth):
        r = self.r
        counted = f"(1..#{self.s()})" if not self.loop and not self.of else f"(0..#{self.s()} & 7)"
        where = r.choice([f"({r.randrange(3)}..{r.randrange(3, 9)})", counted, "(0..3)", "(7..7)",
                          f"({self.number(2)}, {self.number(2)}, {self.number(2)})", f"({self.number(2)} & 7..{self.number(2)} & 15)"])
        quantifier = self.quantifier(3)
        name = "ijkl"[len(self.loop)] if len(self.loop) < 3 else None
        if not name:
            return "true"
        self.loop.append(name)
        body = self.condition(depth + 1)
        self.loop.pop()
        return f"for {quantifier} {name} in {where} : ( {body} )"


# ---------------------------------------------------------------- the whole

IMPORTS = "".join(f'import "{m}"\n' for m in ("elf", "math", "hash", "time", "pe"))


def compiles(folder, text):
    path = folder / "try.txt"
    path.write_text(text, encoding="latin-1")
    run = subprocess.run(["yarac", "-w", *sum((["-d", f"{n}=x"] for n in ("filename", "filepath", "extension", "filetype")), []),
                          str(path), "/dev/null"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    path.unlink()
    return run.returncode == 0


def rule_text(r, name, own, numbers, rules, names_too):
    kinds = ["$s0"] + [f"$s{k}" if r.random() < 0.95 else "$" for k in range(1, len(own))]
    names = [n for n in kinds if n != "$"]
    words = Words(r, names, numbers, rules)
    cond = words.condition()
    if r.random() < 0.5:
        cond = f"{cond} {r.choice(['and', 'or'])} {words.condition()}"
    if names_too and r.random() < 0.5:
        value = r.choice(["f0001", "f0002.so", ".so", "/tmp", "F00", ""])
        op = r.choice(["==", "!=", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "iequals"])
        cond = f"({cond}) {r.choice(['and', 'or'])} {r.choice(['filename', 'filepath', 'extension', 'filetype'])} {op} \"{value}\""
    flags = r.choice(["", "", "", "", "private "])
    if r.random() < 0.03:  # one that is rarely true hides all others
        cond, flags = f"({cond}) or #s0 < {r.choice([2, 5])}", r.choice(["global ", "private global ", "global "])
    used = "".join(f" or #{n[1:]} > 999999999" for n in names) + (" or for any of ($) : (# > 999999999)" if "$" in kinds else "")
    body = "\n        ".join(f"{n} = {s.source()}" for n, s in zip(kinds, own))
    return f"{flags}rule {name}\n{{\n    strings:\n        {body}\n    condition:\n        ({cond}){used}\n}}\n"


def generate(seed, folder, rule_count, file_count, names_too=False):
    r = random.Random(seed)
    (folder / "files").mkdir(parents=True)
    sets = [strings(r) for _ in range(rule_count)]
    everything = [s for own in sets for s in own]
    numbers, sizes = [], []
    shapes = [small] * 12 + [edges] * 3 + [sparse] * 2 + [tiny, many]
    for i in range(file_count):
        places = set()
        own = r.choice(sets)
        path = folder / "files" / (f"f{i:04}" + r.choice(["", "", ".so"]))
        size = write_file(path, r.choice(shapes)(r, own, everything, places))
        sizes.append(size)
        numbers += r.sample(sorted(places), min(20, len(places))) + [size, size - 1, size + 1]
    numbers += [n + d for n in r.sample(numbers, min(40, len(numbers))) for d in (-1, 1)]
    numbers = [n for n in numbers if n >= 0]
    write_rules(r, folder, sets, numbers, names_too)
    print(f"seed {seed}: {rule_count} rules, {file_count} files")


def write_rules(r, folder, sets, numbers, names_too):
    """Several files, each a namespace of its own; one of them may include another."""
    files = r.choice([1, 1, 2, 3])
    text = [IMPORTS] * files
    rules = [[] for _ in range(files)]
    for i, own in enumerate(sets):
        at = r.randrange(files)
        for _ in range(6):
            name = r.choice("pqr") + str(i)  # behind a use of `p*` no rule may begin with p
            rule = rule_text(r, name, own, numbers, rules[at] + ([name] if r.random() < 0.1 else []), names_too)
            if compiles(folder, text[at] + rule):
                text[at] += rule
                rules[at].append(name)
                break
    if r.random() < 0.3:
        half = text[0].find("\nrule ", len(text[0]) // 2)
        if half > 0:
            (folder / "first.inc").write_text(text[0][: half + 1], encoding="latin-1")
            text[0] = 'include "first.inc"\n' + text[0][half + 1 :]
    for i, one in enumerate(text):
        (folder / f"rules{i}.yar").write_text(one, encoding="latin-1")
