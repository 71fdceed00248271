#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""wire_seeds.py [CORPUS]: writes the seeds of the fuzz targets proto, session and setup into CORPUS/*/."""
import struct
import sys
from pathlib import Path

LIMITS, ROOT, RULES, GO, READY, VIEW, OBJECTS, NOTE, ISSUE, RAW, FINDING, PARSED, END, FAIL, FILES, PART, PAIRS, LINKS = range(1, 19)
NONE = 2**64 - 1
WALK, RAWS, PARSE = range(3)
DATAGRAM, WITH_FDS, MESSAGE, HEAR, EXIT = range(5)


def u32(*values):
    return struct.pack(f"={len(values)}I", *values)


def u64(*values):
    return struct.pack(f"={len(values)}Q", *values)


def text(value):
    return u32(len(value)) + value


def message(kind, number=0, count=0, body=b""):
    return struct.pack("=IHHQ", 0x31574E50, kind, count, number) + body


def finding():
    words = b"".join(text(w) for w in (b"yara", b"a_rule", b"a title", b"a remedy", b"a source"))
    return u32(4, 3) + words + u32(1) + text(b"$a") + u64(64) + u32(4) + text(b"\x7fELF")


FILE = u64(0, 10) + u32(1, 0) + text(b"usr/bin/a")
LINK = u32(0) + text(b"liba.so.1") + text(b"$ORIGIN") + u32(1) + text(b"libc.so.6")
OBJECT = u64(10) + u32(0) + text(b"usr/lib/a.so")
BODIES = {  # what an honest scan sends, without its header
    LIMITS: (0, u64(1, 2, 3, 4, 5, 6, 7)), ROOT: (0, text(b"/root") + text(b"mnt/v")), RULES: (0, b""), GO: (0, b""),
    READY: (0, text(b"0.1.0")), VIEW: (0, u64(7)), OBJECTS: (2, 2 * OBJECT), NOTE: (0, text(b"proc") + text(b"proc") + u32(0)),
    ISSUE: (0, u32(2) + text(b"words") + text(b"a/path") + u32(1)), RAW: (2, 2 * (u32(6) + u64(10) + u32(1, 1) + bytes(32))),
    FINDING: (0, finding()), PARSED: (0, u64(10) + u32(1)), END: (0, u64(1, 2, 3)), FAIL: (0, text(b"a reason")), FILES: (2, 2 * FILE),
    PART: (0, u64(10, 4) + bytes(32)), PAIRS: (0, u32(2, 5, 0x80000007)), LINKS: (0, LINK),
}


def proto():
    for kind, (count, body) in BODIES.items():
        yield f"message-{kind:02}", message(kind, 1, count, body)


def step(what, role, data=b""):
    return bytes([what * 3 + role, len(data)]) + data


def say(role, kind, number=0, count=0, body=b""):
    return step(MESSAGE, role, bytes([kind, count, number]) + body)


def session():
    ready = b"".join(say(role, READY) for role in range(3)) + say(WALK, VIEW, 2, body=u64(7))
    heard = b"".join(step(HEAR, role) for role in range(3))
    gone = b"".join(step(EXIT, role) for role in range(3))
    clean, elf = u32(0) + u64(10) + u32(0, 0) + bytes(32), u32(6) + u64(10) + u32(0, 0) + bytes(32)
    asked = u32(6) + u64(10) + u32(2, 1) + bytes(32)
    files = say(WALK, OBJECTS, 0, 2, 2 * OBJECT) + say(RAWS, RAW, 0, 1, clean) + say(RAWS, RAW, 1, 1, elf)
    answer = say(PARSE, FINDING, 1, body=finding()) + say(PARSE, PARSED, 1, body=u64(10) + u32(0))
    ends = [say(role, END, number, body=u64(0, 0, 0)) for role, number in ((WALK, 2), (RAWS, 2), (PARSE, 1))]
    note = say(WALK, NOTE, 8, body=BODIES[NOTE][1])
    yield "honest", ready + files + answer + b"".join(ends) + heard + gone
    yield "honest-heard-late", ready + files + note + answer + b"".join(ends) + gone
    yield "parser-first", ready + files + answer + step(HEAR, PARSE) + b"".join(ends) + heard + gone
    yield "no-answer", ready + files + b"".join(ends) + heard + gone
    yield "after-end", ready + files + answer + b"".join(ends) + note + heard + gone
    yield "exits-badly", ready + files + answer + b"".join(ends) + heard + step(EXIT, RAWS, b"\x03") + gone
    yield "not-parsed", ready + files + b"".join(ends[:2]) + say(PARSE, END, 0, body=u64(0, 0, 0)) + heard + gone
    yield "answered-twice", ready + files + say(RAWS, RAW, 1, 1, clean) + answer + b"".join(ends) + heard + gone
    yield "issue", ready + files + say(RAWS, ISSUE, 1, body=BODIES[ISSUE][1]) + answer + b"".join(ends) + heard + gone
    told = say(WALK, OBJECTS, 0, 2, 2 * OBJECT) + say(RAWS, RAW, 0, 1, clean) + say(RAWS, RAW, 1, 1, asked)
    told += say(RAWS, FINDING, 1, body=finding())
    links, decided = say(PARSE, LINKS, 1, body=LINK), say(PARSE, PARSED, 1, body=u64(10) + u32(2))
    yield "pairs", ready + told + links + decided + b"".join(ends) + heard + gone
    yield "pairs-parser-first", ready + told + links + decided + step(HEAR, PARSE) + b"".join(ends) + heard + gone
    yield "pairs-undecided", ready + told + answer + b"".join(ends) + heard + gone
    yield "links-twice", ready + told + links + links + decided + b"".join(ends) + heard + gone
    yield "fails", ready + files + say(PARSE, FAIL, 0, body=text(b"x")) + step(EXIT, PARSE, b"\x01") + heard + gone
    yield "descriptors", ready + step(WITH_FDS, WALK, message(END)) + heard
    yield "datagram", ready + step(DATAGRAM, WALK, message(OBJECTS, 0, 1, OBJECT)) + heard


def setup():
    def tell(data, fds=0):
        return struct.pack("<BH", fds, len(data)) + data

    limits, go = tell(message(LIMITS, body=BODIES[LIMITS][1])), tell(message(GO))
    host = tell(message(ROOT, 2, body=text(b"/var/lib/x/merged") + text(b"")))
    view = tell(message(ROOT, 1, body=text(b"/var/lib/x/merged") + text(b"")), 1)
    bind = tell(message(ROOT, 3, body=text(b"/srv") + text(b"mnt/v")))
    yield "walk", limits + host + view + bind + go
    yield "raw", limits + go
    yield "parse", limits + tell(message(RULES, 2), 1) + go
    part = tell(message(PART, 1, body=BODIES[PART][1]), 1)
    yield "parts", limits + part + tell(message(PART, 5, body=BODIES[PART][1]), 1) + go
    yield "part-twice", limits + 2 * part + go
    yield "rules-twice", limits + 2 * tell(message(RULES, 2), 1) + go
    yield "no-limits", host + go
    yield "no-go", limits + view


def main():
    corpus = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "corpus")
    for target in (proto, session, setup):
        folder = corpus / target.__name__
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in target():
            (folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
