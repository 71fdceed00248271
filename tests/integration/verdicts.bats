#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A start under the real runtime: what stops it, what does not, and what is said.
load ../lib/all

setup_file() {
        file_setup
}

setup() {
        test_setup
}

teardown() {
        test_teardown
}

@test "a clean container starts" {
        hook_add
        start
        admitted
        [ "$rc" = 0 ]
        record '.verdict == "clean" and .exit_code == 0'
        no_stray "$P"
}

@test "a marked library stops it with exit code 10, and the record names file and rule" {
        mark usr/lib/libmarked.so
        hook_add
        start
        refused
        [ "$rc" != 0 ]
        record '.findings[] | select(.path == "usr/lib/libmarked.so" and .rule == "POSTERN-TEST-001")'
        no_stray "$P"
}

@test "at prestart as well" {
        mark usr/lib/libmarked.so
        hook_add prestart
        start
        refused
}

@test "at prestart a clean container starts" {
        hook_add prestart
        start
        admitted
        record '(.view | startswith("container"))'
}

@test "what was scanned is the container's view" {
        hook_add
        start
        admitted
        record '(.view | startswith("container"))'
}

@test "runc shows the one line, crun the hook's path and the exit code" {
        mark usr/lib/libmarked.so
        hook_add
        start
        if [ "$RUNTIME" = runc ]; then
                [[ $out == *"postern: refused "*"usr/lib/libmarked.so matches POSTERN-TEST-001"* ]]
        else
                [[ $out == *"$P/bin/postern-hook"*"exit code: 10"* ]]
        fi
}

@test "crun's annotation for the hook's standard error shows the same line" {
        [ "$RUNTIME" = crun ] || bundle_edit "$bundle" .
        mark usr/lib/libmarked.so
        bundle_edit "$bundle" --arg f "$T/line" '.annotations["run.oci.hooks.stderr"] = $f'
        hook_add
        start
        refused
        [ "$RUNTIME" = runc ] || line_is_decent "$T/line"
}

@test "postern why tells of the container that was refused" {
        mark usr/lib/libmarked.so
        hook_add
        start
        refused
        id=$(record .id)
        "$P/bin/postern" why --audit "$audit" "$id" >"$T/why"
        grep -q POSTERN-TEST-001 "$T/why"
        grep -q usr/lib/libmarked.so "$T/why"
}

@test "monitor mode admits and records that it would refuse" {
        policy_write '.mode = "monitor"'
        mark usr/lib/libmarked.so
        hook_add
        start
        admitted
        record '.would_refuse == true and .verdict == "refused" and .exit_code == 0'
}

@test "monitor mode admits what is undecided and records it" {
        policy_write '.mode = "monitor" | .limits.files = 1'
        hook_add
        start
        admitted
        record '.would_refuse == true and .verdict == "undecided"'
}

@test "a marked text file is no ELF file and starts" {
        { echo "text"; marker; } >"$root/etc/motd"
        hook_add
        start
        admitted
}

@test "a truncated ELF file is undecided: exit code 11" {
        head -c 100 /bin/busybox >"$root/usr/lib/cut"
        hook_add
        start
        refused_with 11
        record '.verdict == "undecided"'
}

@test "a policy that cannot be read stops the start with exit code 100" {
        echo '{"mode": "enforce", "surprise": 1}' >"$policy"
        hook_add
        start
        refused_with 100
}

@test "a hook without its worker stops the start with exit code 111" {
        hook_add createRuntime --worker "$T/none"
        start
        refused_with 111
}

@test "sixteen starts at once all end as they must" {
        hook_add
        mark_bundle=$T/marked-bundle
        cp -al "$P/small" "$T/root2"
        cp "$P/marked" "$T/root2/usr/lib/x"
        bundle_make "$mark_bundle" "$T/root2" 'echo RAN'
        bundle_hook "$mark_bundle" createRuntime "$P/bin/postern-hook" --config "$policy"
        for n in 1 2 3 4 5 6 7 8; do
                (cd "$bundle" && runtime "$RUNTIME" --root "$T/state" run "clean$n-$BASHPID" >"$T/clean.$n" 2>&1 </dev/null) &
                (cd "$mark_bundle" && runtime "$RUNTIME" --root "$T/state" run "mark$n-$BASHPID" >"$T/mark.$n" 2>&1 </dev/null) &
        done
        wait
        [ "$(cat "$T"/clean.* | grep -c RAN)" = 8 ]
        [ "$(cat "$T"/mark.* | grep -c RAN)" = 0 ]
        [ "$(wc -l <"$audit")" = 16 ]
        [ "$(jq -r .exit_code "$audit" | sort | uniq -c | tr -s ' \n' ' ')" = " 8 0 8 10 " ]
        no_stray "$P"
}
