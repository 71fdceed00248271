#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns a fact file (JSON with "sources" and "entries") into a deny file (scanner/finding/hashset.h).

    convert.py [--at-most SEVERITY] FACTS.json... > NAME.tsv

Read are the lists "entries" and "known_good". An entry has sha256, confidence, source (ids of the table "sources"), "verdict" or "class", and "name" or "names".
A verdict, class or source that is not in the tables is an error: nothing is guessed and nothing is dropped.
"""
import argparse
import json
import re
import sys

# what the fact file says -> severity; the confidence is the fact's own
SEVERITY = {
    "malicious": "critical", "rekeyed": "critical", "backdoor": "critical", "rootkit": "critical",
    "researcher-build": "high", "malicious-source": "high",
    "malware": "high", "trojan": "high", "miner": "high", "worm": "high", "ransomware": "high",
    "virus": "high", "shellcode": "high", "downloader": "high", "webshell": "high",
    "tool": "medium", "exploit": "medium", "suspected": "medium",
    "clean-control": "low", "known-good": "low",
}
RANK = ["low", "medium", "high", "critical"]
NEVER_BLOCKS = {"suspected"}  # whatever confidence the fact has
NAME_MAX = 53                 # with "deny-hash:" and a NUL it fits PN_RULE_ID_MAX
SOURCE_MAX = 200


def fail(where, what):
    sys.exit(f"convert.py: {where}: {what}")


def ascii_words(text):
    return re.sub(r"\s+", " ", re.sub(r"[^\x20-\x7e]", "?", text.replace("\t", " "))).strip()


def joined(parts, limit):
    """As many of `parts` as fit, separated by commas; the first is cut when it alone is too long."""
    out = ascii_words(parts[0])[:limit]
    for part in map(ascii_words, parts[1:]):
        if len(out) + 2 + len(part) <= limit:
            out += ", " + part
    return out


def line_of(where, entry, sources, at_most):
    verdict = entry.get("verdict") or entry.get("class")
    names = entry.get("names") or [entry.get("name") or ""]
    ids = entry.get("source") or []
    if verdict not in SEVERITY:
        fail(where, f"unknown verdict or class {verdict!r}")
    if not re.fullmatch(r"[0-9a-f]{64}", entry.get("sha256", "")):
        fail(where, "sha256 is not 64 lower-case hex digits")
    if entry.get("confidence") not in ("low", "medium", "high"):
        fail(where, f"unknown confidence {entry.get('confidence')!r}")
    if not ids or any(i not in sources for i in ids):
        fail(where, f"source {ids!r} is not in the table of sources")
    if not names[0]:
        fail(where, "no name")
    severity = min(SEVERITY[verdict], at_most, key=RANK.index)
    confidence = "low" if verdict in NEVER_BLOCKS else entry["confidence"]
    source = ",".join(ids) + (f" ({entry['verified']})" if entry.get("verified") else "")
    if entry.get("cve"):
        source = entry["cve"] + ": " + source
    return "\t".join([entry["sha256"], verdict, severity, confidence, joined(names, NAME_MAX),
                      ascii_words(source)[:SOURCE_MAX]])


def source_line(ident, facts):
    words = [facts.get("repo"), facts.get("url"), facts.get("path"), facts.get("note")]
    text = " ".join(w for w in words if w)
    if facts.get("commit"):
        text += " at " + facts["commit"]
    return ascii_words(f"#   {ident}: {text}; licence: {facts.get('license', 'none stated; single facts only')}")


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--at-most", choices=RANK, default="critical", help="lower more severe entries to this")
    args.add_argument("facts", nargs="+")
    opt = args.parse_args()
    lines, head, used = [], [], {}
    for path in opt.facts:
        with open(path, encoding="utf-8") as file:
            facts = json.load(file)
        for table in ("entries", "known_good"):
            for number, entry in enumerate(facts.get(table, [])):
                if table == "known_good":
                    entry = {**entry, "verdict": "known-good"}
                lines.append(line_of(f"{path}: {table}[{number}]", entry, facts["sources"], opt.at_most))
                used.update({i: facts["sources"][i] for i in entry["source"]})
        head.append(ascii_words(f"# {facts['title']}; collected {facts['collected']}"))
    print("# SPDX-License-Identifier: Apache-2.0")
    print("# Made by policy/deny/convert.py; the format is in scanner/finding/hashset.h.")
    print("\n".join(head))
    print("# Facts only (a digest and what it names); the ids in the last column:")
    print("\n".join(source_line(i, used[i]) for i in sorted(used)))
    print("\n".join(sorted(set(lines))))


if __name__ == "__main__":
    main()
