#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# policy/deny/convert.py: fact files to deny files, and what it refuses to guess.

setup() {
        root="$(cd "$BATS_TEST_DIRNAME/../.." && pwd)"
        CONVERT="$root/policy/deny/convert.py"
        cd "$BATS_TEST_TMPDIR"
}

# facts ENTRY...: a fact file with these entries; `A` stands for a digest.
facts() {
        local digest entries
        digest="$(printf 'a%.0s' {1..64})"
        entries="$(IFS=,; echo "$*")"
        printf '{"title": "T", "collected": "2026-08", "sources": {"s": {"repo": "o/r", "license": "MIT"}}, "entries": [%s]}' \
                "${entries//\"A\"/\"$digest\"}" > facts.json
}

entry() {
        printf '{"sha256": "A", "names": ["n"], "source": ["s"], "confidence": "%s", "%s": "%s"}' "$2" "$3" "$1"
}

# columns ARGS...: verdict, severity and confidence of the only line.
columns() {
        "$CONVERT" "$@" facts.json | grep -v '^#' | cut -f2-4 | tr '\t' ' '
}

@test "verdicts and classes become severities, and suspected never blocks" {
        local row got
        for row in malicious:critical rekeyed:critical backdoor:critical rootkit:critical researcher-build:high \
                malicious-source:high malware:high trojan:high miner:high worm:high ransomware:high virus:high \
                shellcode:high downloader:high webshell:high tool:medium exploit:medium; do
                facts "$(entry "${row%:*}" medium class)"
                [ "$(columns)" = "${row/:/ } medium" ]
                facts "$(entry "${row%:*}" high verdict)"
                [ "$(columns)" = "${row/:/ } high" ]
        done
        facts "$(entry suspected high verdict)"
        [ "$(columns)" = "suspected medium low" ]
        facts "$(entry malware low class)"
        [ "$(columns)" = "malware high low" ]
}

@test "a ceiling lowers severities and raises none" {
        facts "$(entry rootkit high class)"
        [ "$(columns --at-most medium)" = "rootkit medium high" ]
        facts "$(entry tool high class)"
        [ "$(columns --at-most high)" = "tool medium high" ]
}

@test "good files stay good, from either list" {
        facts "$(entry clean-control high verdict)"
        [ "$(columns)" = "clean-control low high" ]
        facts
        sed -i 's/"entries": \[\]/"known_good": [{"sha256": "'"$(printf 'b%.0s' {1..64})"'", "name": "n", "source": ["s"], "confidence": "high"}]/' facts.json
        [ "$(columns)" = "known-good low high" ]
}

@test "names become printable ASCII that fits a rule id, sources keep CVE and origin" {
        facts '{"sha256": "A", "names": ["\u00e9\t\u001bvil", "'"$(printf 'x%.0s' {1..60})"'", "second"], "source": ["s"],
                "confidence": "high", "class": "worm", "cve": "CVE-1-2", "verified": "primary"}'
        [ "$("$CONVERT" facts.json | grep -v '^#' | cut -f5)" = "? ?vil, second" ]
        [ "$("$CONVERT" facts.json | grep -v '^#' | cut -f6)" = "CVE-1-2: s (primary)" ]
        "$CONVERT" facts.json | grep -q '^#   s: o/r; licence: MIT$\|^# s: o/r; licence: MIT$'
}

@test "what is not in the tables is refused, with the place" {
        local bad
        for bad in 's/"class": "worm"/"class": "wurm"/' 's/"class": "worm"/"x": "worm"/' 's/"source": \["s"\]/"source": ["t"]/' \
                's/"source": \["s"\]/"source": []/' 's/"confidence": "high"/"confidence": "sure"/' 's/aaaa/gggg/' 's/aaaa//' \
                's/"names": \["n"\]/"names": [""]/'; do
                facts "$(entry worm high class)"
                "$CONVERT" facts.json > /dev/null
                sed -i "$bad" facts.json
                run "$CONVERT" facts.json
                [ "$status" -ne 0 ]
                [[ "$output" == *"facts.json: entries[0]: "* ]]
        done
}

@test "shipped lists are what the script writes: sorted, with a head that names every source" {
        local list
        for list in "$root"/policy/deny/*.tsv; do
                LC_ALL=C sort -c <(grep -v '^#' "$list")
                grep -v '^#' "$list" | cut -f6 | sed 's/^CVE-[0-9-]*: //; s/ (.*//' | tr , '\n' | sort -u > used
                sed -n 's/^# \([a-z0-9-]*\): .*; licence: .*/\1/p' "$list" | sort -u > named
                diff used named
        done
}
