#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `postern rules check`: which rules it names, and when it says no.
bats_require_minimum_version 1.5.0
load ../lib/all
load ../lib/compiler

setup_file() {
        compilers_setup
}

setup() {
        rules_setup
}

check() { # ARG...
        rules check --compiler "$(compiler good)" "$@"
}

@test "rules that are not weak are good, in one line" {
        check
        [ "$status" = 0 ]
        [ "$output" = "3 rules, 9 windows, 300.5 hits per GB: 0 weak, 0 too dear" ]
        [ ! -e "$state" ]
}

@test "a weak rule is named with its place and what would help" {
        printf '\nrule short_one {}\n' >"$T/rules.d/c.yar"
        check
        [ "$status" = 0 ]
        [ "${lines[0]}" = "$T/rules.d/c.yar:1: short_one: short, 15.5 hits per GB" ]
        [ "${lines[1]}" = "4 rules, 12 windows, 400.5 hits per GB: 1 weak, 0 too dear" ]
}

@test "a rule over the budget makes the exit code 1" {
        printf 'rule noisy_one {}\n' >"$T/rules.d/c.yar"
        check
        [ "$status" = 1 ]
        [ "${lines[0]}" = "$T/rules.d/c.yar:1: noisy_one: noisy, 5e+04 hits per GB, over the budget: its string is common; name a longer one" ]
        check --budget 60000
        [ "$status" = 0 ]
        check --budget 13
        [ "$status" = 1 ]
        [[ $output == *"plain_two: not weak, 13.5 hits per GB, over the budget"* ]]
}

@test "a rule for which libyara must see every file makes the exit code 1, and its words are shown as text" {
        printf 'rule always_one {}\n' >"$T/rules.d/c.yar"
        check --budget 1e9
        [ "$status" = 1 ]
        [ "${lines[0]}" = "$T/rules.d/c.yar:1: always_one: always, 15.5 hits per GB, every file goes to libyara: no string must be there\\x01; add one" ]
}

@test "--json is one object that says the same" {
        printf 'rule noisy_one {}\nrule always_one {}\nrule short_one {}\n' >"$T/rules.d/c.yar"
        check --json
        [ "$status" = 1 ]
        [ "$(jq -c '[.schema, .ok, .rules, .windows, .budget_per_gb == 20000, .notes]' <<<"$output")" = '[1,false,6,18,true,[]]' ]
        [ "$(jq -c '[.weak[] | [.rule, .over_budget, .to_libyara]]' <<<"$output")" = \
                '[["noisy_one",true,false],["always_one",false,true],["short_one",false,false]]' ]
}

@test "named files and directories are checked instead of the policy's, whoever owns them" {
        mkdir "$T/mine"
        printf 'rule mine_one {}\n' >"$T/mine/a.yar"
        printf 'rule noisy_but_no_rule_file {}\n' >"$T/mine/a.txt"
        printf 'rule short_named {}\n' >"$T/named"
        chmod 666 "$T/named" "$T/mine/a.yar"
        chown 65534 "$T/named"
        run --separate-stderr "$BIN/postern" rules check --config /none --compiler "$(compiler good)" "$T/mine" "$T/named"
        [ "$status" = 0 ]
        [ "${lines[0]}" = "$T/named:1: short_named: short, 13.5 hits per GB" ]
        [[ ${lines[1]} == "2 rules, 6 windows, "* ]]
}

@test "what is named and cannot be read is an error of its own" {
        check "$T/none"
        [ "$status" = 3 ]
        [ "$(wc -l <<<"$stderr")" = 1 ]
        [[ $stderr == "postern: rules: \`$T/none\`: No such file or directory" ]]
        mkdir "$T/empty"
        check "$T/empty"
        [ "$status" = 3 ]
        [[ $stderr == *"holds no *.yar and no *.yara"* ]]
        mkfifo "$T/pipe"
        check "$T/pipe"
        [ "$status" = 3 ]
        [[ $stderr == *"is not a regular file"* ]]
}

@test "rules that do not compile are exit code 3" {
        printf 'BROKEN\n' >"$T/rules.d/c.yar"
        check
        [ "$status" = 3 ]
        [ -z "$output" ]
        [[ $stderr == *"$T/rules.d/c.yar:1:1: syntax error"* ]]
}

@test "a compiler that lies is exit code 2" {
        rules check --compiler "$(compiler no-parts)"
        [ "$status" = 2 ]
        [ -z "$output" ]
}

@test "what cannot be written to standard output is an error" {
        run --separate-stderr bash -c '"$@" >/dev/full' - "$BIN/postern" rules check --config "$policy" \
                --compiler "$(compiler good)"
        [ "$status" = 2 ]
        [[ $stderr == *"write to standard output: No space left on device"* ]]
}
