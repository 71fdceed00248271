#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `postern rules compile` with a compiler that does its work, fails, or lies. The real one: tests of the whole way.
bats_require_minimum_version 1.5.0
load ../lib/all
load ../lib/compiler

setup_file() {
        compilers_setup
}

setup() {
        rules_setup
}

in_use() {
        readlink "$state/rules/current"
}

manifest() { # JQ-FILTER
        jq -er "$1" "$state/rules/current/manifest.json"
}

# What was in use before is in use, and nothing half-made is left.
unchanged() {
        [ "$(in_use)" = g-000001 ]
        [ "$(ls -A "$state/rules")" = $'current\ng-000001\nlock' ]
}

@test "compile stores a generation, puts it in use and says so in one line" {
        compile good
        [ "$status" = 0 ]
        [ "$output" = "compiled 3 rules into g-000001: 9 windows, 0 weak" ]
        [ "$(in_use)" = g-000001 ]
        [ "$(stat -c %a "$state" "$state/rules" "$state/rules/g-000001")" = $'700\n700\n700' ]
        compile good
        [ "$output" = "compiled 3 rules into g-000002: 9 windows, 0 weak" ]
        [ "$(in_use)" = g-000002 ]
        [ "$(readlink "$state/rules/previous")" = g-000001 ]
}

@test "the manifest has the digests of parts and sources as sha256sum has them" {
        compile good
        [ "$status" = 0 ]
        for part in $(manifest '.parts | keys[]'); do
                file=$state/rules/current/$part
                [ "$(manifest ".parts[\"$part\"].sha256")" = "$(sha256sum <"$file" | cut -d' ' -f1)" ]
                [ "$(manifest ".parts[\"$part\"].bytes")" = "$(stat -c %s "$file")" ]
        done
        [ "$(manifest '.parts["exact.store"].head_sha256')" = \
                "$(head -c 100 "$state/rules/current/exact.store" | sha256sum | cut -d' ' -f1)" ]
        [ "$(manifest '.sources[].path')" = "$T/rules.d/a.yar
$T/rules.d/b.yara
$T/deny.d/a.tsv" ]
        [ "$(manifest '.sources[2].sha256')" = "$(sha256sum <"$T/deny.d/a.tsv" | cut -d' ' -f1)" ]
        [ "$(manifest '.sources[0].mtime_ns / 1000000000 | floor')" = "$(stat -c %Y "$T/rules.d/a.yar")" ]
        [ "$(manifest '[.places.rules[], .places.deny_hashes[]] | join(" ")')" = "$T/rules.d $T/deny.d" ]
}

@test "the deny files stand one after the other in the generation" {
        printf '# another\n' >"$T/deny.d/b.tsv"
        compile good
        [ "$status" = 0 ]
        cat "$T/deny.d/a.tsv" "$T/deny.d/b.tsv" | cmp - "$state/rules/current/deny.tsv"
}

@test "without deny files and without hyperscan there is a generation all the same" {
        rules_policy '.deny_hashes = []'
        compile no-hyperscan
        [ "$status" = 0 ]
        [ ! -e "$state/rules/current/filter.hs" ]
        [ "$(manifest '.hyperscan == null')" = true ]
        [ "$(stat -c %s "$state/rules/current/deny.tsv")" = 0 ]
}

@test "--state is another place than the policy's" {
        compile good --state "$T/elsewhere"
        [ "$status" = 0 ]
        [ -e "$T/elsewhere/rules/current/rules.pack" ]
        [ ! -e "$state" ]
}

@test "weak rules are counted and notes told on standard error" {
        printf 'rule short_one {}\nrule always_one {}\nrule noisy_one {}\n' >"$T/rules.d/c.yar"
        compile notes
        [ "$status" = 0 ]
        [ "$output" = "compiled 6 rules into g-000001: 18 windows, 3 weak" ]
        [[ $stderr == *'postern: rules: a note\x0ain two lines'* ]]
}

@test "rules that do not compile are named with file, line and reason, and nothing changes" {
        compile good
        printf 'rule x {}\n BROKEN\n' >"$T/rules.d/c.yar"
        compile good
        [ "$status" = 3 ]
        [ -z "$output" ]
        [[ $stderr == "postern: rules: $T/rules.d/c.yar:2:1: syntax error\\x0a\\x1b[31m, unexpected BROKEN" ]]
        unchanged
}

@test "a compiler that fails or lies changes nothing, and the error says what it did" {
        local row how want
        compile good
        while read -r row; do
                how=${row%% *} want=${row#* }
                compile "$how"
                [ "$status" = 2 ]
                [ -z "$output" ]
                [[ $stderr == "postern: rules: "*"$want"* ]]
                [ "$(wc -l <<<"$stderr")" = 1 ]
                unchanged
        done <<'ROWS'
nothing the compiler's result: there is none
die the compiler died of signal 11 (SEGV)
exit-after the compiler ended with exit status 7 and no result
not-json the compiler's result: line 1
two-objects the compiler's result: line 1
half-result the compiler's result: line 1
unknown-key the compiler's result: more: unknown key
no-parts the compiler's result: `rules.pack` is empty
no-rules the compiler's result: no rule, and no error
no-version the compiler's result: libyara: is no version
other-rules the compiler's result: the report counts other rules or windows
other-windows the compiler's result: the report counts other rules or windows
head-too-long the compiler's result: `exact.store` is shorter than its head
filter-without-version the compiler's result: `filter.hs` and the version of its library do not go together
version-without-filter the compiler's result: `filter.hs` and the version of its library do not go together
bad-notes the compiler's result: a note that is no text
bad-report the compiler's report: line 1
endless-result read the compiler's result: File too large
left-behind seal exact.store: Device or resource busy
too-large the compiler died of signal 25 (XFSZ)
fault-host no memory for it
fault-of-nobody x
no-such-behaviour the compiler ended with exit status 60 and no result
ROWS
}

@test "an error without words is an error of the compiler" {
        compile good
        compile fault-without-words
        [ "$status" = 2 ]
        [[ $stderr == *"an error without words"* ]]
        unchanged
}

@test "when postern is killed, its compiler does not go on" {
        local pid
        "$BIN/postern" rules compile --config "$policy" --compiler "$(compiler hang)" 3>&- &
        pid=$!
        for _ in $(seq 100); do
                compiler_pid=$(pgrep -P "$pid" || :)
                [ -z "$compiler_pid" ] || [ "$(readlink "/proc/$compiler_pid/exe")" != "$FAKE/hang" ] || break
                sleep 0.05
        done
        [ -n "$compiler_pid" ]
        kill -9 "$pid"
        for _ in $(seq 100); do
                [ -e "/proc/$compiler_pid/exe" ] || return 0
                readlink "/proc/$compiler_pid/exe" >/dev/null || return 0
                sleep 0.05
        done
        kill -9 "$compiler_pid"
        return 1
}

@test "a compiler that others can write, or that is not there, is not run" {
        cp "$(compiler good)" "$T/good"
        chmod 777 "$T/good"
        rules compile --compiler "$T/good"
        [ "$status" = 2 ]
        [[ $stderr == *"compiler: \`$T/good\` can be written by group or others (mode 0777)"* ]]
        rules compile --compiler "$T/none"
        [[ $stderr == *"compiler: open \`$T/none\`: No such file or directory"* ]]
        [ "$status" = 2 ]
        [ ! -e "$state" ]
}

@test "a table of 4-grams that is named must be there" {
        compile good --grams "$T/none"
        [ "$status" = 2 ]
        [[ $stderr == *"table of 4-grams: open \`$T/none\`: No such file or directory"* ]]
        printf x >"$T/table"
        compile good --grams "$T/table"
        [ "$status" = 0 ]
}

@test "rules that only root should write are refused when others can" {
        chmod 666 "$T/rules.d/a.yar"
        compile good
        [ "$status" = 3 ]
        [[ $stderr == *"a.yar\` can be written by group or others (mode 0666)"* ]]
        [ ! -e "$state/rules/current" ]
}

@test "rules or digests that are missing or broken are exit code 3" {
        rules_policy '.rules = ["/no/such/rules"]'
        compile good
        [ "$status" = 3 ]
        [[ $stderr == *"/no/such/rules"* ]]
        rules_policy .
        printf 'no digest\n' >"$T/deny.d/b.tsv"
        compile good
        [ "$status" = 3 ]
        [[ $stderr == *"$T/deny.d/b.tsv"* ]]
}

@test "a policy that cannot be read is exit code 2" {
        run --separate-stderr "$BIN/postern" rules compile --config "$T/none.json"
        [ "$status" = 2 ]
        [[ $stderr == *"$T"* ]]
        [ "$(wc -l <<<"$stderr")" = 1 ]
}

@test "a state directory that others can write is refused" {
        mkdir "$state"
        chmod 777 "$state"
        compile good
        [ "$status" = 2 ]
        [[ $stderr == *"directory \`$state\` can be written by group or others (mode 0777)"* ]]
        [ -z "$(ls -A "$state")" ]
}

@test "a full or read-only disk is named and changes nothing" {
        mkdir -m 700 "$state"
        mount -t tmpfs -o mode=700,size=52k none "$state"
        compile good
        [ "$status" = 0 ]
        compile good
        [ "$status" = 2 ]
        [[ $stderr == *"No space left on device"* ]]
        unchanged
        mount -o remount,ro "$state"
        compile good
        [ "$status" = 2 ]
        [[ $stderr == *"Read-only file system"* ]]
        umount "$state"
}

@test "bad command lines are exit code 64 and one line" {
        local row args want
        while read -r row; do
                args=${row%%|*} want=${row#*|}
                # shellcheck disable=SC2086 # words are meant
                run --separate-stderr "$BIN/postern" rules $args
                echo "$args: $status $stderr"
                [ "$status" = 64 ]
                [ -z "$output" ]
                [ "$stderr" = "postern: rules: $want" ]
        done <<'ROWS'
|a command is missing; try `postern rules --help`
nonsense|there is no command `nonsense`; try `postern rules --help`
compile --nonsense|compile: unknown option `--nonsense`
compile --json|compile: unknown option `--json`
compile --config|compile: `--config` needs a value
compile --state=|compile: --state has an empty value
compile x|compile: `x` is one argument too many
list --compiler x|list: unknown option `--compiler`
list x|list: `x` is one argument too many
explain-cost a b|explain-cost: `b` is one argument too many
check --budget many|check: --budget must be a number of hits per gigabyte, not `many`
check --budget -1|check: --budget must be a number of hits per gigabyte, not `-1`
check --budget nan|check: --budget must be a number of hits per gigabyte, not `nan`
ROWS
}

@test "every command has a help that names its options and exit codes" {
        local command
        run --separate-stderr "$BIN/postern" rules --help
        [ "$status" = 0 ]
        for command in compile check list explain-cost; do
                [[ $output == *"  $command "* ]]
        done
        for command in compile check list explain-cost; do
                run --separate-stderr "$BIN/postern" rules "$command" --help
                [ "$status" = 0 ]
                [[ $output == "usage: postern rules $command "*"--config FILE"*"Exit codes: 0 "* ]]
        done
}
