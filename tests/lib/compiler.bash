# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034,SC2154 # used by the tests; set by bats
# For the commands of `postern rules`: a policy with rules and deny hashes of its own, a state directory, and compilers
# that behave as their file names say (tests/hostile/fake_compiler.c). Load after all.bash.

compilers_setup() { # once for a file
        export FAKE=$BATS_FILE_TMPDIR/fake
        mkdir -p "$FAKE"
        cc -D_GNU_SOURCE -O1 -w -o "$FAKE/good" "$TOP/tests/hostile/fake_compiler.c"
        chmod 755 "$FAKE/good"
}

compiler() { # BEHAVIOUR   its path
        [ -e "$FAKE/$1" ] || cp "$FAKE/good" "$FAKE/$1"
        echo "$FAKE/$1"
}

rules_setup() { # once for a test: T, policy, state, and places rules.d, deny.d
        T=$BATS_TEST_TMPDIR policy=$T/policy.json state=$T/state
        umask 022
        mkdir -p "$T/rules.d" "$T/deny.d"
        printf 'rule plain_one { condition: false }\nrule plain_two { condition: false }\n' >"$T/rules.d/a.yar"
        printf '# none\nrule plain_three { condition: false }\n' >"$T/rules.d/b.yara"
        printf '# no digest\n' >"$T/deny.d/a.tsv"
        rules_policy .
}

rules_policy() { # JQ-FILTER
        jq -n --arg t "$T" '{mode: "enforce", rules: [$t + "/rules.d"], deny_hashes: [$t + "/deny.d"],
                exceptions_dirs: [], break_glass_file: null, state_dir: ($t + "/state"),
                report: {audit_file: null, journal: false}}' | jq "$1" >"$policy"
}

# Runs `postern rules COMMAND`; bats's `run` leaves status, output and stderr.
rules() { # COMMAND ARG...
        local command=$1
        shift
        run --separate-stderr "$BIN/postern" rules "$command" --config "$policy" "$@"
        echo "status $status: $output / $stderr"
}

compile() { # BEHAVIOUR ARG...
        local how=$1
        shift
        rules compile --compiler "$(compiler "$how")" "$@"
}
