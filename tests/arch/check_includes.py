#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_includes.py [ROOT [ROOMS]]: holds the include directions of rooms.txt.

Every #include "..." is written from the root and stays inside what its room may include; every library header is
one of libc or of a library the room may name; every C file below hook/, scanner/ and policy/ lives in a room; no file
is included that does not exist. Prints one line per violation; exit 1 when there is one."""

import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include(?:_next)?[ \t]*(.*?)[ \t]*(?:/[/*].*)?$')
LIBRARIES = [  # header prefix, library
    ("yara.h", "yara"), ("yara/", "yara"), ("openssl/", "crypto"), ("archive.h", "archive"),
    ("archive_entry.h", "archive"), ("seccomp.h", "seccomp"), ("sys/capability.h", "cap"), ("jansson.h", "jansson"),
    ("hs/", "hs"), ("Zydis/", "zydis"),
]
# libc and kernel headers in use; dlfcn.h, netdb.h, iconv.h and the like are missing on purpose: they load code or
# files, or reach the network.
LIBC = set("""assert ctype dirent elf endian errno fcntl getopt grp inttypes limits locale malloc math poll pthread sched setjmp signal
stdarg stdatomic stdbool stddef stdint stdio stdlib string strings syslog termios time unistd""".split())
LIBC_FOLDERS = ("sys/", "linux/", "asm/")


class Room:
    def __init__(self, name, folder, rooms, libraries):
        self.name, self.folder = name, folder
        self.rooms = {name} | set(rooms.split(",")) - {"-"}
        self.libraries = [entry.partition("@") for entry in libraries.split(",") if entry != "-"]

    def may_name(self, library, stem):
        return any(name == library and stem.startswith(only) for name, _, only in self.libraries)


def read_rooms(path):
    rooms = {}
    for line in path.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            room = Room(*line.split())
            rooms[room.folder] = room
    unknown = {n for r in rooms.values() for n in r.rooms} - {r.name for r in rooms.values()}
    if unknown:
        raise SystemExit(f"{path}: no room is named {', '.join(sorted(unknown))}")
    return rooms


def library_of(header):
    for prefix, library in LIBRARIES:
        if header.startswith(prefix):
            return library
    libc = header.startswith(LIBC_FOLDERS) or header.removesuffix(".h") in LIBC
    return "" if libc else None


def check_own(root, room, rooms, target):
    there = rooms.get(str(Path(target).parent))
    if there is None:
        return f'"{target}" is not in a room (write it from the root)'
    if not (root / target).is_file():
        return f'"{target}" does not exist'
    if there.name not in room.rooms:
        return f'room {room.name} may not include room {there.name} ("{target}")'
    return None


def check_system(room, stem, header):
    library = library_of(header)
    if library is None:
        return f"<{header}> is neither libc nor a library of rooms.txt"
    if library and not room.may_name(library, stem):
        return f"room {room.name} may not name {library} here (<{header}>)"
    return None


def check_line(root, room, rooms, path, what):
    if what[:1] == '"' and what.endswith('"'):
        return check_own(root, room, rooms, what[1:-1])
    if what[:1] == "<" and what.endswith(">"):
        return check_system(room, path.stem, what[1:-1])
    return f"{what}: an include must be a plain name"


def check_file(root, rooms, path):
    folder = str(path.relative_to(root).parent)
    room = rooms.get(folder)
    if room is None:
        yield 1, f"{folder}/ is not a room of rooms.txt"
        return
    text = path.read_text(errors="replace").replace("\\\n", "")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            wrong = check_line(root, room, rooms, path, match.group(1))
            if wrong:
                yield number, wrong


def main(arguments):
    root = Path(arguments[0] if arguments else Path(__file__).parents[2]).resolve()
    rooms = read_rooms(Path(arguments[1]) if len(arguments) > 1 else Path(__file__).with_name("rooms.txt"))
    files = sorted(p for top in ("hook", "scanner", "policy") for p in (root / top).rglob("*.[ch]"))
    if not files:
        print(f"{root}: no C files below hook/, scanner/ and policy/")
        return 1
    wrong = [(f, *w) for f in files for w in check_file(root, rooms, f)]
    for path, number, text in wrong:
        print(f"{path.relative_to(root)}:{number}: {text}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
