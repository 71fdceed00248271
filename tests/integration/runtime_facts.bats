#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What runtimes do to a hook, and what it must make of it.
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

rlimit() { # TYPE SOFT [HARD]
        bundle_edit "$bundle" --arg t "$1" --argjson s "$2" --argjson h "${3:-$2}" \
                '.process.rlimits += [{type: $t, soft: $s, hard: $h}]'
}

# Under the rlimits of the container (crun gives them to hooks) the marked tree must not start, and what the hook
# says is the right verdict or a named refusal.
never_admitted() {
        start
        [ "$code" != 0 ]
        if [ "$RUNTIME" = runc ]; then
                refused # runc gives the hook its own
        elif [ -n "$code" ] && [ "$code" != 10 ] && [ -s "$audit" ]; then
                record '.exit_code != 0 and (.reason | contains("RLIMIT_"))'
        fi
        no_stray "$P"
}

@test "the hook's own deadline fires although the runtime blocks signals" {
        policy_write '.deadline_ms = 300'
        worker_bad any-silent
        hook_add createRuntime --worker "$P/bin/any-silent"
        start
        refused_with 12
        [ "$took_ms" -lt 3000 ]
        no_stray "$P"
}

@test "twenty descriptors for the container: marked is refused" {
        mark usr/lib/libmarked.so
        rlimit RLIMIT_NOFILE 20
        hook_add
        never_admitted
}

@test "sixty-four descriptors for the container: clean starts, or is refused by name" {
        rlimit RLIMIT_NOFILE 64
        hook_add
        start
        refused_with 0 11 111
        [ "$code" = 0 ] || record '.reason | contains("RLIMIT_NOFILE")'
}

@test "limits that the hook may raise it raises: clean starts, marked is refused" {
        rlimit RLIMIT_AS $((64 << 20)) $((1 << 40))
        rlimit RLIMIT_NOFILE 64 1024
        rlimit RLIMIT_CPU 1 1000
        rlimit RLIMIT_FSIZE 4096 $((1 << 30))
        hook_add
        start
        admitted
        mark usr/lib/libmarked.so
        start
        refused
}

@test "no signal is blocked in the hook and its workers, and none ignored but two" {
        policy_write '.deadline_ms = 1500'
        worker_bad any-silent
        hook_add createRuntime --worker "$P/bin/any-silent"
        (cd "$bundle" && runtime "$RUNTIME" --root "$T/state" run "mask$BASHPID" >"$T/out" 2>&1 </dev/null) &
        wait_until 10 three_run "$P/bin/any-silent"
        for pid in $(procs_of "$P"); do
                grep '^Sig' "/proc/$pid/status"
                grep -q '^SigBlk:[[:space:]]*0*$' "/proc/$pid/status"
                grep -qE '^SigIgn:[[:space:]]*0*1001000$' "/proc/$pid/status" # SIGPIPE, SIGXFSZ
        done
        wait || :
}

@test "one second of processor time for the container: marked is refused" {
        mark usr/lib/libmarked.so
        rlimit RLIMIT_CPU 1
        hook_add
        never_admitted
}

@test "64 MiB of address space for the container: marked is refused" {
        mark usr/lib/libmarked.so
        rlimit RLIMIT_AS $((64 << 20))
        hook_add
        never_admitted
}

@test "no file may grow in the container: marked is refused all the same" {
        mark usr/lib/libmarked.so
        rlimit RLIMIT_FSIZE 0
        hook_add
        never_admitted
}

@test "no process more for the container: marked is refused" {
        mark usr/lib/libmarked.so
        rlimit RLIMIT_NPROC 1
        hook_add
        never_admitted
}

@test "a hanging worker holds nothing of the runtime's: the start fails in time" {
        policy_write '.deadline_ms = 500'
        worker_bad any-stubborn
        hook_add createRuntime --worker "$P/bin/any-stubborn"
        start
        refused_with 12
        [ "$took_ms" -lt 3500 ]
        no_stray "$P"
}

@test "a worker that leaves a child behind does not hold the start up" {
        worker_bad any-leaves-child
        hook_add createRuntime --worker "$P/bin/any-leaves-child"
        start
        refused_with 11 111
        [ "$took_ms" -lt 2500 ]
}

@test "when the runtime is killed the hook ends by itself, and its workers with it" {
        policy_write '.deadline_ms = 3000'
        worker_bad any-silent
        hook_add createRuntime --worker "$P/bin/any-silent"
        (cd "$bundle" && runtime "$RUNTIME" --root "$T/state" run "killed$BASHPID" >"$T/out" 2>&1 </dev/null) &
        wait_until 10 one_runs "$P/bin/any-silent"
        pid=$(procs_running "$P/bin/postern-hook" | head -n 1)
        kill -9 "$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pid/status")"
        wait || :
        wait_until 8 none_of "$P"
}

@test "300 kB of annotations reach the hook and change nothing" {
        bundle_edit "$bundle" '.annotations.big = ("x" * 300000) | .annotations["io.kubernetes.cri.container-type"] = "sandbox"'
        mark usr/lib/libmarked.so
        hook_add
        start
        refused
}

@test "annotations, environment and labels of the container do not exempt it" {
        mark usr/lib/libmarked.so
        bundle_edit "$bundle" '.annotations = {"io.kubernetes.cri.container-type": "sandbox",
                "io.kubernetes.cri-o.ContainerType": "sandbox", "io.container.manager": "libpod", "postern.skip": "true"}
                | .process.env += ["POSTERN_MODE=monitor", "POSTERN_CONFIG=/dev/null", "POSTERN_DISABLE=1"]'
        hook_add
        start
        refused
}

@test "the environment that the hook entry gives it changes nothing" {
        mark usr/lib/libmarked.so
        mkdir -p "$T/gconv"
        hook_add
        bundle_edit "$bundle" --arg t "$T" '.hooks.createRuntime[0].env += ["GCONV_PATH=\($t)/gconv",
                "OPENSSL_CONF=\($t)/none.cnf", "TMPDIR=/nonexistent", "MALLOC_ARENA_MAX=1", "MALLOC_PERTURB_=42",
                "LANG=xx_YY.UTF-8", "LC_ALL=tr_TR", "POSTERN_CONFIG=/dev/null", "POSTERN_MODE=monitor", "HOME=/nonexistent"]'
        start
        refused
}

@test "a user namespace for the container changes nothing" {
        chmod 755 "$BATS_RUN_TMPDIR" "$BATS_FILE_TMPDIR" "$T" "$(dirname "$T")"
        mark usr/lib/libmarked.so
        bundle_edit "$bundle" '.linux.namespaces += [{type: "user"}]
                | .linux.uidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
                | .linux.gidMappings = [{containerID: 0, hostID: 100000, size: 65536}]
                | .mounts |= map(select(.type != "mqueue" and .type != "devpts"))'
        hook_add
        start
        refused
}

@test "a relative root.path is the bundle's" {
        mv "$root" "$bundle/rootfs"
        root=$bundle/rootfs
        mark usr/lib/libmarked.so
        bundle_edit "$bundle" '.root.path = "rootfs"'
        hook_add
        start
        refused
        record '(.view | startswith("container"))'
}

@test "a relative root.path: clean starts" {
        mv "$root" "$bundle/rootfs"
        bundle_edit "$bundle" '.root.path = "rootfs"'
        hook_add
        start
        admitted
        record '(.view | startswith("container")) and .counts.files > 0'
}

@test "a root.path through links is followed to where the runtime follows it" {
        mark usr/lib/libmarked.so
        ln -s "$T" "$T/way"
        ln -s way/root "$T/link"
        bundle_edit "$bundle" --arg r "$T/link" '.root.path = $r'
        hook_add
        start
        if [ "$RUNTIME" = runc ]; then
                [[ $code != 0 && $out == *symlink* ]] # refuses that by itself
        else
                refused
        fi
}
