#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""rulegen.py random SEED DIR [RULES [FILES]]   rules of every kind of string, modifier and condition, and files made
                                              from their own strings, for comparison with yara
rulegen.py wild SEED DIR [RULES [FILES]]       the same at the edges of the language and of the matcher: rulewild.py
rulegen.py names SEED DIR [RULES [FILES]]      wild, with external variables: for compare-yara --names
rulegen.py real SEED RULES OUT FILE...         RULES rules of the shape that public Linux rules have, with strings taken
                                              from the files and changed, for benchmarks

Everything follows from SEED, which is printed. Nothing that comes out does anything: rules are made of random words and
bytes, files are rows of such strings."""

import base64
import os
import random
import re
import sys
from pathlib import Path

ELF = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\x00\x3e\x00\x01\x00\x00\x00"
BLOCK = 256 * 1024  # of the matcher's first pass: its edges are where strings are put


def escape(data):
    out = []
    for b in data:
        c = chr(b)
        out.append("\\" + c if c in '"\\' else c if 0x20 <= b < 0x7f else f"\\x{b:02x}")
    return "".join(out)


# ---------------------------------------------------------------- random strings, each with a way to write it

ALPHA = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.-% "


class Text:
    def __init__(self, r):
        n = r.choice([2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 24, 40, 80])
        kind = r.random()
        if kind < 0.6:
            self.data = bytes(r.choice(ALPHA) for _ in range(n))
        elif kind < 0.8:
            self.data = bytes(r.choice(b"abAB01") for _ in range(n))
        else:
            self.data = bytes(r.randrange(256) for _ in range(n))
        self.mods = set()
        if r.random() < 0.3:
            self.mods.add("nocase")
        if r.random() < 0.3:
            self.mods.add("wide")
            if r.random() < 0.6:
                self.mods.add("ascii")
        elif r.random() < 0.2:
            self.mods.add("ascii")
        if r.random() < 0.25:
            self.mods.add("fullword")
        self.low = self.high = 0
        roll = r.random()
        if roll < 0.10 and "nocase" not in self.mods:
            self.low = r.randrange(256)
            self.high = r.randrange(self.low, 256)
            self.mods.add(f"xor({self.low}-{self.high})" if r.random() < 0.8 else "xor")
            if "xor" in self.mods:
                self.low, self.high = 0, 255
        elif roll < 0.18 and not self.mods & {"nocase", "fullword"} and n >= 4:
            self.mods.add(r.choice(["base64", "base64wide"]))
            self.mods -= {"wide", "ascii"}
        if r.random() < 0.1:
            self.mods.add("private")

    def source(self):
        return f'"{escape(self.data)}" ' + " ".join(sorted(self.mods))

    def make(self, r):
        data = self.data
        if "nocase" in self.mods:
            data = bytes(b ^ 0x20 if chr(b).isascii() and chr(b).isalpha() and r.random() < 0.5 else b for b in data)
        if "wide" in self.mods and ("ascii" not in self.mods or r.random() < 0.5):
            data = b"".join(bytes([b, 0]) for b in data)
        if any(m.startswith("xor") for m in self.mods):
            key = r.randint(self.low, self.high)
            data = bytes(b ^ key for b in data)
        if "base64" in self.mods or "base64wide" in self.mods:
            data = base64.b64encode(bytes(r.randrange(256) for _ in range(r.randrange(3))) + data + b"xyz")
            if "base64wide" in self.mods:
                data = b"".join(bytes([b, 0]) for b in data)
        if "fullword" in self.mods and r.random() < 0.8:
            border = r.choice([b" ", b"\0", b".", b"\0\0", b"a", b"a\0", b"_"])
            data = border + data + r.choice([b" ", b"\0", b".", b"\0\0", b"a", b"a\0"])
        return data


class Hex:
    def __init__(self, r):
        self.parts = self.tokens(r, r.choice([4, 6, 8, 12, 20, 32]), 0)

    def tokens(self, r, n, depth):
        out, last = [("byte", r.randrange(256))], 0
        for _ in range(n):
            roll = r.random()
            if roll < 0.75:
                out.append(("byte", r.randrange(256)))
            elif roll < 0.82:
                out.append(("any",))
            elif roll < 0.88:
                out.append(("low", r.randrange(16)) if r.random() < 0.5 else ("high", r.randrange(16)))
            elif roll < 0.94 and out[-1][0] == "byte":
                low = r.choice([0, 1, 2, 5])
                high = low + r.choice([0, 1, 3, 30, 300] if depth == 0 else [0, 1, 3])
                out += [("jump", low, high if depth or r.random() < 0.95 else None), ("byte", r.randrange(256))]
            elif depth < 1:
                out.append(("alt", [self.tokens(r, r.choice([1, 2, 3]), depth + 1) for _ in range(r.choice([2, 3]))]))
        out.append(("byte", r.randrange(256)))
        return out

    def source(self):
        return "{ " + self.write(self.parts) + " }"

    def write(self, parts):
        words = []
        for p in parts:
            if p[0] == "byte":
                words.append(f"{p[1]:02x}")
            elif p[0] == "any":
                words.append("??")
            elif p[0] == "low":
                words.append(f"?{p[1]:x}")
            elif p[0] == "high":
                words.append(f"{p[1]:x}?")
            elif p[0] == "jump":
                words.append(f"[{p[1]}-]" if p[2] is None else f"[{p[1]}]" if p[1] == p[2] and p[1] else f"[{p[1]}-{p[2]}]")
            else:
                words.append("( " + " | ".join(self.write(a) for a in p[1]) + " )")
        return " ".join(words)

    def make(self, r):
        return self.fill(self.parts, r)

    def fill(self, parts, r):
        out = b""
        for p in parts:
            if p[0] == "byte":
                out += bytes([p[1]])
            elif p[0] == "any":
                out += bytes([r.randrange(256)])
            elif p[0] == "low":
                out += bytes([r.randrange(16) * 16 + p[1]])
            elif p[0] == "high":
                out += bytes([p[1] * 16 + r.randrange(16)])
            elif p[0] == "jump":
                out += bytes(r.randrange(256) for _ in range(r.randint(p[1], p[1] + 40 if p[2] is None else p[2])))
            else:
                out += self.fill(r.choice(p[1]), r)
        return out


class Regex:
    FORMS = [
        ("{a}[0-9]{{2,4}}{b}", lambda r, a, b: a + "".join(r.choice("0123456789") for _ in range(r.randint(2, 4))) + b),
        ("{a}.*{b}", lambda r, a, b: a + "".join(r.choice("xyz ") for _ in range(r.randrange(20))) + b),
        ("({a}|{b})\\d+", lambda r, a, b: r.choice([a, b]) + str(r.randrange(1000))),
        ("{a}\\s*=\\s*{b}", lambda r, a, b: a + " " * r.randrange(3) + "=" + " " * r.randrange(3) + b),
        ("\\b{a}\\b", lambda r, a, b: " " + a + r.choice([" ", "x"])),
        ("{a}?{b}", lambda r, a, b: a[: r.choice([len(a), len(a) - 1])] + b),
        ("[a-f]{{8,}}{a}", lambda r, a, b: "abcdefab" + a),
        ("{a}+({b})?", lambda r, a, b: a + b),
    ]

    def __init__(self, r):
        word = lambda: "".join(r.choice("abcdefghijklmnopqrstuvwxyz_") for _ in range(r.choice([3, 5, 8, 10])))
        self.a, self.b = word(), word()
        self.form, self.maker = r.choice(self.FORMS)
        self.mods = r.choice([[], [], ["nocase"], ["wide"], ["ascii", "wide"], ["fullword"]])
        self.flags = r.choice(["", "", "i", "s"])

    def source(self):
        return "/" + self.form.format(a=self.a, b=self.b) + "/" + self.flags + " " + " ".join(self.mods)

    def make(self, r):
        text = self.maker(r, self.a, self.b).encode()
        if "nocase" in self.mods or self.flags == "i":
            text = bytes(b ^ 0x20 if chr(b).isalpha() and r.random() < 0.3 else b for b in text)
        return b"".join(bytes([b, 0]) for b in text) if "wide" in self.mods and r.random() < 0.6 else text


def string(r):
    roll = r.random()
    return Text(r) if roll < 0.55 else Hex(r) if roll < 0.85 else Regex(r)


# ---------------------------------------------------------------- conditions

def number(r, n, depth=0):
    roll = r.random()
    s = r.choice(n)[1:]
    if depth > 2 or roll < 0.3:
        return str(r.choice([0, 1, 2, 3, 4, 7, 16, 100, 512, 4096, 70000]))
    if roll < 0.4:
        return "filesize"
    if roll < 0.5:
        return f"#{s}"
    if roll < 0.6:
        return r.choice([f"@{s}", f"@{s}[1]", f"@{s}[2]", f"@{s}[#{s}]"])
    if roll < 0.65:
        return r.choice([f"!{s}", f"!{s}[1]"])
    if roll < 0.75:
        kind = r.choice(["uint8", "uint16", "uint32", "int8", "int16", "int32", "uint16be", "uint32be", "int32be"])
        return f"{kind}({number(r, n, depth + 1)})"
    if roll < 0.8:
        return f"#{s} in ({r.choice([0, 10, 1000])}..{r.choice(['100', 'filesize', '300000'])})"
    op = r.choice(["+", "-", "*", "\\", "%", "&", "|", "^", "<<", ">>"])
    if op in "\\%":  # a constant zero is an error of the compiler
        return f"({number(r, n, depth + 1)} {op} {r.choice(['1', '3', '7', 'filesize', '#' + s])})"
    return f"({number(r, n, depth + 1)} {op} {number(r, n, depth + 1)})"


def condition(r, n, rules, depth=0):
    roll = r.random()
    s = r.choice(n)
    if depth > 3 or roll < 0.25:
        return s
    if roll < 0.37:
        return "(" + r.choice([" and ", " or "]).join(condition(r, n, rules, depth + 1) for _ in range(r.choice([2, 3]))) + ")"
    if roll < 0.42:
        return f"not {condition(r, n, rules, depth + 1)}"
    if roll < 0.62:
        some = sorted(set(r.choice(n) for _ in range(r.choice([1, 2, 4]))))
        what = r.choice(["them", "(" + ", ".join(some) + ")", "($s*)", "($s0*)"])
        return f"{r.choice(['any', 'all', 'none', '1', '2', '3', '0', '50%', '10%', '#' + s[1:]])} of {what}"
    if roll < 0.70:
        return f"{s} at {r.choice(['0', '20', number(r, n, 1)])}"
    if roll < 0.76:
        return f"{s} in ({r.choice(['0', '20', number(r, n, 2)])}..{r.choice(['100', 'filesize', number(r, n, 2)])})"
    if roll < 0.86:
        return f"{number(r, n)} {r.choice(['<', '<=', '>', '>=', '==', '!='])} {number(r, n)}"
    if roll < 0.90:
        body = r.choice(["$", "$ at 20", "# > 1", "@ < 300", "$ in (0..1000)", "! == 8", f"@ > @{s[1:]}"])
        return f"for {r.choice(['any', 'all', '2', 'none'])} of {r.choice(['them', '($s*)'])} : ( {body} )"
    if roll < 0.93:
        body = r.choice([f"@{s[1:]}[i] > 100", "uint8(i) == 0x45", f"{s} at i", "i > 2 and filesize > i"])
        return f"for {r.choice(['any', 'all', '2'])} i in {r.choice(['(1..3)', '(0, 1, 20)', '(1..#' + s[1:] + ')'])} : ( {body} )"
    if roll < 0.95:
        return r.choice(["true", "false", "uint32(0) == 0x464c457f", "defined @" + s[1:] + "[3]"])
    if rules and roll < 0.99:
        return r.choice([r.choice(rules), f"any of ({rules[0]}, {rules[-1]})" if len(rules) > 2 else r.choice(rules)])
    return f"filesize < {r.choice([100, 5000, '300KB', '1MB'])}"


def random_rules(r, count):
    rules, strings, text = [], [], []
    for i in range(count):
        own = [string(r) for _ in range(r.choice([1, 2, 3, 3, 5, 8]))]
        names = [f"$s{k}" for k in range(len(own))]
        cond = condition(r, names, rules)
        if len(own) > 1 and r.random() < 0.6:
            cond = f"{cond} {r.choice(['and', 'or'])} {condition(r, names, rules)}"
        used = " or ".join(f"(#{n[1:]} > 1000000)" for n in names)  # every string must be referred to
        flags = r.choice(["", "", "", "", "private "])
        body = "\n        ".join(f"{n} = {s.source()}" for n, s in zip(names, own))
        text.append(f"{flags}rule r{i}\n{{\n    strings:\n        {body}\n    condition:\n        ({cond}) or {used}\n}}\n")
        rules.append(f"r{i}")
        strings.append(own)
    return "\n".join(text), strings


def junk(r, n):
    return r.choice([bytes(n), bytes(r.randrange(256) for _ in range(min(n, 64))) * (n // 64 + 1)])[:n]


def random_file(r, strings):
    parts = [ELF if r.random() < 0.7 else b""]
    own = r.choice(strings)
    for _ in range(r.choice([1, 2, 5, 20, 60])):
        s = r.choice(own if r.random() < 0.8 else r.choice(strings))
        data = bytearray(s.make(r))
        if data and r.random() < 0.15:
            data[r.randrange(len(data))] ^= r.choice([1, 0x20, 0x80])
        if r.random() < 0.05:
            del data[r.randrange(len(data) + 1):]
        parts.append(bytes(data))
        if r.random() < 0.6:
            parts.append(junk(r, r.choice([0, 1, 2, 7, 100, 3000])))
    data = b"".join(parts)
    if r.random() < 0.15:  # across the edges of blocks
        s = r.choice(own)
        piece = s.make(r)
        edge = BLOCK * r.choice([1, 2])
        cut = r.randrange(len(piece) + 1)
        data = data[: edge - cut].ljust(max(0, edge - cut), r.choice([b"\0", b"\x90"])) + piece + data[:5000]
    if r.random() < 0.1:
        data += r.choice(own).make(r)  # the very end
    return data


def generate_random(seed, folder, rule_count, file_count):
    r = random.Random(seed)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "files").mkdir(exist_ok=True)
    text, strings = random_rules(r, rule_count)
    (folder / "rules.yar").write_text(text, encoding="latin-1")
    for i in range(file_count):
        (folder / "files" / f"f{i:04}").write_bytes(random_file(r, strings))
    print(f"seed {seed}: {rule_count} rules, {file_count} files")


# ---------------------------------------------------------------- rules of realistic shape

WORD = re.compile(rb"[\x20-\x7e]{8,60}")


def pools(r, paths):
    words, code = [], []
    for path in paths:
        data = Path(path).read_bytes() if Path(path).is_file() else b""
        if not data.startswith(b"\x7fELF") or len(data) < 4096:
            continue
        found = WORD.findall(data[: 4 << 20])
        words += r.sample(found, min(len(found), 400))
        for _ in range(200):
            at = r.randrange(len(data) - 64)
            piece = data[at : at + r.randint(12, 44)]
            if len(set(piece)) > len(piece) // 2:
                code.append(piece)
    if len(words) < 1000 or len(code) < 1000:
        sys.exit("rulegen.py: too few files to take strings from")
    return words, code


def changed(r, data):
    """The same kind of bytes, but of no file: two or three of them are others, of the same kind."""
    out = bytearray(data)
    for at in r.sample(range(len(out)), min(len(out), max(2, len(out) // 5))):
        b = out[at]
        if 0x61 <= b <= 0x7a:
            out[at] = r.randrange(0x61, 0x7b)
        elif 0x30 <= b <= 0x39:
            out[at] = r.randrange(0x30, 0x3a)
        else:
            out[at] = r.randrange(0x41, 0x5b) if 0x20 <= b < 0x7f else r.randrange(256)
    return bytes(out)


def real_string(r, words, code):
    if r.random() < 0.55:
        tokens = [f"{b:02x}" for b in changed(r, r.choice(code))]
        for _ in range(r.choice([0, 0, 0, 0, 1, 3])):
            tokens[r.randrange(1, len(tokens) - 1)] = "??"
        if r.random() < 0.05 and len(tokens) > 20:
            tokens.insert(len(tokens) // 2, f"[{r.choice([2, 4])}-{r.choice([6, 8])}]")
        return "{ " + " ".join(tokens) + " }"
    if r.random() < 0.06:
        word = re.sub(rb"[^a-zA-Z0-9 ]", b"", changed(r, r.choice(words))).decode() or "nothing at all"
        return f"/{word[:10]}[0-9]{{1,5}}{word[10:20]}/"
    mods = "".join(m for m, p in ((" fullword", 0.2), (" ascii", 0.1), (" wide ascii", 0.05), (" nocase", 0.03)) if r.random() < p)
    return f'"{escape(changed(r, r.choice(words)))}"' + (mods.replace(" ascii wide ascii", " wide ascii"))


def generate_real(seed, count, out, paths):
    r = random.Random(seed)
    words, code = pools(r, paths)
    with open(out, "w", encoding="latin-1") as f:
        for i in range(count):
            n = r.choice([1, 1, 1, 1, 1, 2, 2, 3, 4, 6])
            strings = "\n".join(f"        $a{k} = {real_string(r, words, code)}" for k in range(n))
            # about one and a half windows a rule, as measured on public rules for Linux
            which = "all of them" if n == 1 else r.choice(["all of them", "all of them", "all of them", "1 of them",
                                                           f"{r.randint(1, n)} of them", "$a0 and 1 of ($a*)"])
            extra = r.choice(["", "", "", " and filesize < 2MB", " and uint16(0) == 0x457f", " and uint32(0) == 0x464c457f"])
            f.write(f"rule generated_{seed}_{i}\n{{\n    strings:\n{strings}\n    condition:\n        {which}{extra}\n}}\n\n")
    print(f"seed {seed}: {count} rules in {os.path.basename(out)}")


def main():
    if len(sys.argv) >= 4 and sys.argv[1] == "random":
        counts = [int(a) for a in sys.argv[4:]] + [20, 40][len(sys.argv) - 4 :]
        generate_random(int(sys.argv[2]), Path(sys.argv[3]), counts[0], counts[1])
    elif len(sys.argv) >= 4 and sys.argv[1] in ("wild", "names"):
        import rulewild

        counts = [int(a) for a in sys.argv[4:]] + [20, 40][len(sys.argv) - 4 :]
        rulewild.generate(int(sys.argv[2]), Path(sys.argv[3]), counts[0], counts[1], sys.argv[1] == "names")
    elif len(sys.argv) >= 6 and sys.argv[1] == "real":
        generate_real(int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
