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
