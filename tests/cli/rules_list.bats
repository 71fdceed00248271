#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `postern rules list` and `postern rules explain-cost`: what is in use, how old it is, and what it costs.
bats_require_minimum_version 1.5.0
load ../lib/all
load ../lib/compiler

setup_file() {
        compilers_setup
}

setup() {
        rules_setup
}

@test "list shows the generation in use and each of its rules" {
        compile good
        rules list
        [ "$status" = 0 ]
        [ "${lines[0]}" = "g-000001: 3 rules, 9 windows, libyara 4.2.3, hyperscan 5.4.0" ]
        [[ ${lines[1]} =~ ^made:\ +20[0-9-]+T[0-9:]+Z,\ [0-9]+\ seconds?\ ago$ ]]
        [ "${lines[2]}" = "sources:  as they were" ]
        [ "${lines[3]}" = "fallback: none" ]
        [ "${lines[4]}" = "ID-plain_one  high  -  $T/rules.d/a.yar:1" ]
        [ "${lines[6]}" = "ID-plain_three  high  -  $T/rules.d/b.yara:2" ]
        [ -z "$stderr" ]
}

@test "list says why the rules are stale, and what they fall back to" {
        compile good
        compile good
        printf 'rule more {}\n' >"$T/rules.d/c.yar"
        rules list
        [ "$status" = 0 ]
        [[ $output == *"sources:  \`$T/rules.d/c.yar\` is new"* ]]
        [[ $output == *"fallback: g-000001"* ]]
        rules list --json
        [ "$(jq -c '[.generation, .stale, .fallback, .libyara, .hyperscan, .windows, (.rules | length)]' <<<"$output")" = \
                '["g-000002",true,"g-000001","4.2.3","5.4.0",9,3]' ]
        [[ $(jq -r .stale_why <<<"$output") == *"c.yar\` is new" ]]
        [ "$(jq -c '.rules[0]' <<<"$output")" = \
                '{"rule":"plain_one","id":"ID-plain_one","severity":"high","confidence":null,"file":"'"$T"'/rules.d/a.yar","line":1,"private":false}' ]
}

@test "list without a generation is exit code 3 and says how to make one" {
        rules list
        [ "$status" = 3 ]
        [ "$stderr" = "postern: rules: no compiled rules for this policy in \`$state\`; \`postern rules compile\` makes them" ]
        compile good
        rules_policy '.deny_hashes = []'
        rules list
        [ "$status" = 3 ]
}

@test "a damaged generation is told, and the last good one listed" {
        compile good
        compile good
        : >"$state/rules/g-000002/rules.pack"
        rules list
        [ "$status" = 0 ]
        [[ ${lines[0]} == "g-000001: "* ]]
        [[ $stderr == "postern: rules: warning: in \`$state/rules\`, \`g-000001\` is used instead of the newest: generation \`g-000002\`: \`rules.pack\` has 0 bytes"* ]]
        rm "$state/rules/g-000001/rules.pack"
        rules list
        [ "$status" = 3 ]
        [[ $stderr == *"\`rules.pack\` has 0 bytes, and the manifest says 4095" ]]
}

@test "a report that is not what was stored is refused" {
        compile good
        sed -i 's/plain_one/plain_uno/' "$state/rules/current/report.json"
        rules list
        [ "$status" = 3 ]
        [[ $stderr == *"report.json is not what was stored" ]]
        rules explain-cost
        [ "$status" = 3 ]
}

@test "explain-cost shows windows as hex and text, the dearest rule first" {
        printf 'rule noisy_one {}\nrule always_one {}\n' >"$T/rules.d/c.yar"
        compile good
        rules explain-cost
        [ "$status" = 0 ]
        [[ ${lines[0]} == "g-000001: 500.5 hits per GB of clean binaries, 15 windows" ]]
        [[ ${lines[2]} == *"16.5   25.00%  always   always_one (ID-always_one), every file goes to libyara" ]]
        [ "${lines[3]}" = "    4142430001ff2044  |ABC... D|" ]
        [ "${lines[4]}" = "    and 2 more" ]
        [ "${lines[5]}" = "    no string must be there\\x01; add one" ]
        [[ ${lines[6]} == *"5e+04   25.00%  noisy    noisy_one (ID-noisy_one)" ]]
        [[ ${lines[10]} == *"14.5   25.00%  -        plain_three (ID-plain_three)" ]]
}

@test "explain-cost shows one rule by name or id, and knows no other" {
        compile good
        for name in plain_two ID-plain_two; do
                rules explain-cost --json "$name"
                [ "$status" = 0 ]
                [ "$(jq -c '[.generation, .windows, [.rules[].rule]]' <<<"$output")" = '["g-000001",9,["plain_two"]]' ]
        done
        rules explain-cost plain
        [ "$status" = 2 ]
        [ -z "$output" ]
        [ "$stderr" = "postern: rules: no rule in \`g-000001\` has the name or id \`plain\`" ]
}

@test "what cannot be written to standard output is an error" {
        compile good
        for command in list explain-cost; do
                run --separate-stderr bash -c '"$@" >/dev/full' - "$BIN/postern" rules "$command" --config "$policy"
                [ "$status" = 2 ]
                [[ $stderr == *"write to standard output: No space left on device"* ]]
        done
}
