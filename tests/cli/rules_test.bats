#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# postern rules test, scan --verify, and what the parser and the supervisor make of ld.so.preload and of sshd's libraries.
bats_require_minimum_version 1.5.0

setup_file() {
        # shellcheck source=tests/lib/all.bash
        . "$BATS_TEST_DIRNAME/../lib/all.bash"
        file_setup
}

setup() {
        # shellcheck source=tests/lib/all.bash
        . "$BATS_TEST_DIRNAME/../lib/all.bash"
        test_setup
        P=$BATS_FILE_TMPDIR
}

teardown() {
        test_teardown
}

postern() {
        run --separate-stderr "$P/bin/postern" "$@"
        echo "status $status: $output / $stderr"
}

@test "the rules in use are tested by the marker and its clean twin" {
        postern rules test --config "$policy"
        [ "$status" = 0 ]
        [[ $output == "the test rule matches the marked file, and nothing matches its clean twin" ]]
        [ -z "$(find /tmp -maxdepth 1 -name 'postern-test-*' -newer "$policy")" ]
}

@test "a directory's matches are printed, compared with libyara where asked" {
        mark usr/bin/evil
        postern rules test --config "$policy" "$root"
        [ "$status" = 0 ]
        [[ $output == *"usr/bin/evil: POSTERN-TEST-001"* ]]
        [[ $output == *" 1 matches, 1 rules asked of libyara" ]]
        postern rules test --config "$policy" --verify "$root"
        [ "$status" = 0 ]
        [[ $output == *"1 matches, 1 rules asked of libyara, all compared with it" ]]
}

@test "rules without the test rule are said to be broken" {
        echo 'rule other { condition: false }' >"$T/other.yar"
        postern rules test --config "$policy" --rules "$T/other.yar"
        [ "$status" = 3 ]
        [[ $stderr == *"test marker is not found by these rules"* ]]
}

@test "a rule that matches the clean twin fails the test" {
        cat "$RULES/postern_test.yar" >"$T/noisy.yar"
        echo 'rule noisy { condition: filesize < 1000 }' >>"$T/noisy.yar"
        postern rules test --config "$policy" --rules "$T/noisy.yar"
        [ "$status" = 1 ]
        [[ $stderr == *"rules match where the test rule alone must match one file"* ]]
}

@test "a missing directory and a missing worker are named" {
        postern rules test --config "$policy" "$T/nowhere"
        [ "$status" = 2 ]
        [[ $stderr == *"$T/nowhere"*"No such file or directory"* ]]
        postern rules test --config "$policy" --worker "$T/nobody"
        [ "$status" = 2 ]
        [[ $stderr == *"$T/nobody"* ]]
}

@test "scan --verify agrees with itself, and finds the same" {
        mark usr/bin/evil
        postern scan --config "$policy" --verify "$root"
        [ "$status" = 1 ]
        [[ $output == *"usr/bin/evil: POSTERN-TEST-001"* ]]
        [[ $stderr != *verify* ]]
}

@test "rules that are newer than what was compiled are named beside the verdict" {
        mkdir -p "$T/rules"
        cp "$RULES/postern_test.yar" "$T/rules/"
        chmod 755 "$T/rules"
        mkdir -m 700 "$T/state"
        policy_write --arg r "$T/rules" --arg s "$T/state" '.rules = [$r] | .state_dir = $s'
        "$P/bin/postern" rules compile --config "$policy"
        postern scan --config "$policy" "$root"
        [ "$status" = 0 ]
        [[ $stderr != *"older than their source"* ]]
        echo 'rule newer { condition: true }' >"$T/rules/newer.yar"
        postern scan --config "$policy" "$root"
        [ "$status" = 0 ]
        [[ $stderr == *"g-000001 are older than their source"*"rules compile"* ]]
}

@test "etc/ld.so.preload that names a library is reported, and does not refuse" {
        echo '/usr/lib/libx.so' >"$root/etc/ld.so.preload"
        postern scan --config "$policy" "$root"
        [ "$status" = 0 ]
        [[ $output == *"etc/ld.so.preload: ELF-PRELOAD-001 (medium severity"* ]]
        echo '# nothing' >"$root/etc/ld.so.preload"
        postern scan --config "$policy" "$root"
        [[ $output != *ELF-PRELOAD* ]]
        mkdir -p "$root/opt/etc"
        echo '/usr/lib/libx.so' >"$root/opt/etc/ld.so.preload"
        postern scan --config "$policy" "$root"
        [[ $output != *ELF-PRELOAD* ]]
}
