#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `postern scan`: the hook's scan by hand, on a directory.
bats_require_minimum_version 1.5.0
load ../lib/all

setup_file() {
        export MARKED=$BATS_FILE_TMPDIR/marked CLEAN=$BATS_FILE_TMPDIR/clean SINGLE=$BATS_FILE_TMPDIR/single
        mkelf make "$MARKED" --stand-in marker
        mkelf make "$CLEAN" --stand-in clean
        mkelf make "$SINGLE" --stand-in kinsing-single
}

setup() {
        T=$BATS_TEST_TMPDIR root=$T/root policy=$T/policy.json
        mkdir -p "$root/bin"
        chmod 755 "$T"
        cp "$CLEAN" "$root/bin/clean"
        policy_is .
}

policy_is() { # JQ-FILTER
        jq -n --arg rules "$RULES" --arg deny "$DENY" --arg audit "$T/audit.jsonl" '
                {mode: "enforce", rules: [$rules], deny_hashes: [$deny], exceptions_dirs: [], break_glass_file: null,
                 report: {audit_file: $audit, journal: false}}' | jq "$1" >"$policy"
        chmod 644 "$policy"
}

scan() { # ARG...
        run --separate-stderr "$BIN/postern" scan --config "$policy" "$@"
}

@test "a clean directory is clean, and says so in one line" {
        scan "$root"
        [ "$status" = 0 ]
        [ "$stderr" = "postern: clean $root: 1 file, 1 ELF" ]
        [ -z "$output" ]
}

@test "a marked file is named with its rule, and the exit code is 1" {
        cp "$MARKED" "$root/bin/evil"
        scan "$root"
        [ "$status" = 1 ]
        [[ $output == "bin/evil: POSTERN-TEST-001 (critical severity, high confidence): "* ]]
        [[ $stderr == "postern: refused $root: bin/evil matches POSTERN-TEST-001 (critical, high confidence)" ]]
}

@test "monitor mode changes nothing about a scan by hand" {
        policy_is '.mode = "monitor"'
        cp "$MARKED" "$root/bin/evil"
        scan "$root"
        [ "$status" = 1 ]
}

@test "a finding that is only reported is clean, unless --fail-on asks for it" {
        cp "$SINGLE" "$root/bin/single"
        scan "$root"
        [ "$status" = 0 ]
        [[ $output == *"(medium severity"* ]]
        scan --fail-on medium "$root"
        [ "$status" = 1 ]
        scan --fail-on high "$root"
        [ "$status" = 0 ]
}

@test "--json prints the whole record and nothing else" {
        cp "$MARKED" "$root/bin/evil"
        scan --json "$root"
        [ "$status" = 1 ]
        [ "$(jq -r '[.program, .verdict, .exit_code, .findings[0].rule, .findings[0].path, .counts.files] | @csv' \
                <<<"$output")" = '"postern scan","refused",1,"POSTERN-TEST-001","bin/evil",2' ]
        [ -z "$stderr" ]
}

@test "a file that lies makes the scan incomplete, and is named" {
        head -c 30 "$CLEAN" >"$root/bin/cut"
        scan "$root"
        [ "$status" = 2 ]
        [[ $output == *"bin/cut: "*"(malformed)"* ]]
}

@test "an empty directory is no clean one" {
        rm "$root/bin/clean"
        scan "$root"
        [ "$status" = 2 ]
        [[ $stderr == *"holds no file at all"* ]]
}

@test "a directory that is missing, a file, and the node's own root are errors" {
        for place in "$T/missing" "$root/bin/clean" /; do
                scan "$place"
                [ "$status" = 2 ]
                [[ $stderr == "postern: "* ]]
        done
}

@test "a limit that is reached is incomplete" {
        cp "$CLEAN" "$root/bin/another"
        policy_is '.limits.files = 1'
        scan "$root"
        [ "$status" = 2 ]
        [[ $output == *"limits.files (1) reached"* ]]
}

@test "rules that are missing or broken are exit code 3" {
        policy_is ".rules = [\"$T/none\"]"
        scan "$root"
        [ "$status" = 3 ]
        mkdir "$T/rules"
        printf 'rule broken { condition: no_such_thing }\n' >"$T/rules/broken.yar"
        policy_is ".rules = [\"$T/rules\"]"
        scan "$root"
        [ "$status" = 3 ]
        [[ $output$stderr == *"broken.yar:1: "* ]]
}

@test "a policy with an unknown key is an error that names it" {
        policy_is '.limits.deepness = 1'
        scan "$root"
        [ "$status" = 2 ]
        [[ $stderr == *"limits.deepness: unknown key"* ]]
}

@test "usage errors are exit code 64, and --help says what there is" {
        for words in "" "--nonsense $root" "--fail-on nothing $root" "$root $root"; do
                scan $words
                [ "$status" = 64 ]
        done
        run "$BIN/postern" scan --help
        [ "$status" = 0 ]
        [[ $output == "usage: postern scan "* ]]
}

@test "a scan by hand writes no audit record" {
        cp "$MARKED" "$root/bin/evil"
        scan "$root"
        [ "$status" = 1 ]
        [ ! -e "$T/audit.jsonl" ]
}

@test "names with escapes and newlines stay one printable line" {
        cp "$MARKED" "$root/bin/$(printf 'a\nb\033[31m')"
        scan "$root"
        [ "$status" = 1 ]
        [[ $output == 'bin/a\x0ab\x1b[31m: POSTERN-TEST-001'* ]]
}

@test "a user without privilege scans what that user may read" {
        cp "$MARKED" "$root/bin/evil"
        chmod -R a+rX "$BATS_RUN_TMPDIR"
        run setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/postern" scan --config "$policy" "$root"
        [ "$status" = 1 ]
        chmod 0 "$root/bin/evil"
        run setpriv --reuid 65534 --regid 65534 --clear-groups "$BIN/postern" scan --config "$policy" "$root"
        [ "$status" = 2 ]
}

# The same with the rules' source and with a generation made of it.
both_ways() { # FUNCTION
        rm -rf "$T/state"
        "$1"
        "$BIN/postern" rules compile --config "$policy"
        "$1"
}

own_rules() { # RULE... of the marker's file and these
        mkdir -p "$T/rules.d"
        cp "$RULES/postern_test.yar" "$T/rules.d/"
        printf '%s\n' "$@" >"$T/rules.d/own.yar"
        policy_is ".rules = [\"$T/rules.d\"] | .deny_hashes = [] | .state_dir = \"$T/state\" | .on_error = {content: \"report\"}"
}

@test "a rule whose words are in any letters refuses, also where content may not be decided" {
        own_rules 'rule one { meta: id = "É-1" description = "Détecte\t\"x\"" strings: $a = "ELF" condition: $a }' \
                'rule two { meta: description = "été" strings: $a = /E[K-M]F/ condition: for any i in (1..#a) : (@a[i] > 0) }'
        named() {
                scan "$root"
                [ "$status" = 1 ]
                [[ $output == *'bin/clean: \xc3\x89-1 (high severity, medium confidence): D\xc3\xa9tecte\x09"x"'* ]]
                [[ $output == *'bin/clean: two (high severity, medium confidence): \xc3\xa9t\xc3\xa9'* ]]
        }
        both_ways named
}

# DIR/d.../d.../bin, some 4,400 bytes long, is a copy of FILE.
deep_file() { # DIR FILE
        /usr/bin/python3 - "$@" <<'PY'
import os, sys
at = os.open(sys.argv[1], os.O_RDONLY)
for _ in range(18):
    os.mkdir("d" * 240, dir_fd=at)
    at = os.open("d" * 240, os.O_RDONLY, dir_fd=at)
with open(sys.argv[2], "rb") as source:
    os.write(os.open("bin", os.O_WRONLY | os.O_CREAT, 0o755, dir_fd=at), source.read())
PY
}

@test "a name that is too long for the rules that ask about it is undecided" {
        mkdir "$root/shm"
        deep_file "$root/shm" "$CLEAN"
        undecided() {
                scan "$root"
                [ "$status" = 2 ]
                [[ $output == *"/bin: rules ask about its name, which is too long for them (limit)"* ]]
        }
        own_rules 'rule name { condition: uint32(0) == 0x464c457f and filepath startswith "/shm/" }'
        both_ways undecided
        own_rules 'rule name { condition: uint32(0) == 0x464c457f and filepath matches /^\/shm\// }'
        both_ways undecided
}

@test "a name that is too long is nothing to rules that do not ask about it" {
        mkdir "$root/shm"
        deep_file "$root/shm" "$CLEAN"
        own_rules 'rule other { strings: $a = "not in the file" condition: $a }'
        clean() {
                scan "$root"
                [ "$status" = 0 ]
        }
        both_ways clean
}

@test "a deny list may be larger than the memory of a worker" {
        own_rules 'rule other { condition: false }'
        policy_is ".rules = [\"$T/rules.d\"] | .deny_hashes = [\"$T/deny.d\"] | .state_dir = \"$T/state\""
        mkdir "$T/deny.d"
        for i in 0 1 2 3 4; do
                awk -v i="$i" 'BEGIN { name = sprintf("%0900d", 0); for (n = 0; n < 56000; n++)
                        printf "%02x%062x\tmalware\tcritical\thigh\t%s\tlist\n", i, n, name }' >"$T/deny.d/$i.tsv"
        done
        printf '%s\tmalware\tcritical\thigh\tthis-one\tlist\n' "$(sha256sum <"$CLEAN" | cut -d' ' -f1)" >"$T/deny.d/z.tsv"
        "$BIN/postern" rules compile --config "$policy"
        [ "$(stat -c %s "$T/state/rules/current/deny.tsv")" -gt $((256 << 20)) ]
        scan "$root"
        [ "$status" = 1 ]
        [[ $output == "bin/clean: deny-hash:this-one (critical"* ]]
        rm -r "$T/state" "$T/deny.d"
}

@test "a rule whose form in the store is damaged is the node's fault, not the file's" {
        own_rules 'rule open { strings: $a = /E[K-M]F/ condition: for any i in (1..#a) : (uint8(@a[i]) == 0x45) }'
        "$BIN/postern" rules compile --config "$policy"
        scan "$root"
        [ "$status" = 1 ]
        [[ $output == "bin/clean: open ("* ]]
        /usr/bin/python3 - "$T/state/rules/current/exact.store" <<'PY'
import sys
with open(sys.argv[1], "r+b") as store: # the forms are in the order of their files: own.yar's is the first
    store.seek(400)
    byte = store.read(1)[0]
    store.seek(400)
    store.write(bytes([byte ^ 1]))
PY
        scan --json "$root"
        [ "$status" != 0 ] && [ "$status" != 1 ]
        jq -e '.verdict != "clean" and .issues[0].class == "node" and (.issues[0].text | test("^form 0 of the store"))' <<<"$output"
}
