#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Workers that do not do their work: silent, dead, flooding, lying, killed at any moment. Never an admission, always
# in time, nothing left behind.
load ../lib/all

setup_file() {
        file_setup
}

setup() {
        test_setup
        policy_write '.deadline_ms = 700'
}

teardown() {
        test_teardown
}

# Clean tree: a bad worker makes even that undecided. The line must be one and decent, nothing may stay.
bad() { # ROLE-BEHAVIOUR
        worker_bad "$1"
        hook "$(state)" --worker "$P/bin/$1"
        refused_with 11 12 111
        line_is_decent "$T/stderr"
        [ "$took_ms" -lt 2500 ]
        no_stray "$P"
}

for_roles() { # BEHAVIOUR
        local role
        for role in any walk raw parse; do
                bad "$role-$1"
        done
}

@test "the bad worker in no role at all is the real one" {
        policy_write .
        worker_bad nobody-silent
        hook "$(state)" --worker "$P/bin/nobody-silent"
        admitted
}

@test "a worker that says nothing meets the deadline" {
        for_roles silent
        refused_with 12
}

@test "a worker that ignores every signal meets the deadline and is ended" {
        for_roles stubborn
}

@test "a worker that closes its sockets and stays is ended" {
        for_roles closes
}

@test "a worker that leaves at once with exit status 0 is no clean answer" {
        for_roles leaves
}

@test "a worker that fails, aborts or crashes is no clean answer" {
        for_roles fails
        for_roles aborts
        for_roles crashes
}

@test "a worker that sends text, zeros or lengths past the end is no clean answer" {
        for_roles garbles
        for_roles zeros
        for_roles lies
        for_roles garbles-leaves
}

@test "a worker that floods its sockets is ended" {
        for_roles floods
}

@test "a worker that echoes what it is told is no clean answer" {
        for_roles echoes
}

@test "a worker that says it is done before it began is no clean answer" {
        for_roles ends
        for_roles ends-leaves
}

@test "a worker that sends descriptors nobody asked for is no clean answer" {
        for_roles smuggles
}

@test "a worker that leaves a child behind does not hold the hook up" {
        worker_bad any-leaves-child
        hook "$(state)" --worker "$P/bin/any-leaves-child"
        refused_with 11 12 111
        [ "$took_ms" -lt 2500 ]
        wait_until 6 none_of "$P"
}

@test "a worker that cannot be started is the node's fault" {
        for worker in /nonexistent "$T" /etc/passwd /dev/null "$P/clean-but-no-program"; do
                hook "$(state)" --worker "$worker"
                refused_with 11 111
                line_is_decent "$T/stderr"
        done
}

@test "a worker built without its jail is the node's fault, and nothing is admitted by it" {
        hook "$(state)" --worker "$TOP/build/sanitize/bin/postern-worker"
        refused_with 111
        [[ $out == *"without a jail"* ]]
}

@test "other programs as a worker are no clean answer" {
        for worker in /bin/true /bin/false /bin/cat /usr/bin/yes; do
                hook "$(state)" --worker "$worker"
                refused_with 11 12 111
                [ "$took_ms" -lt 2500 ]
        done
}

@test "the worker does not run by hand" {
        for arguments in '' walk 'walk 1' 'raw 1' 'parse 1' 'nonsense 1'; do
                rc=0
                # shellcheck disable=SC2086
                timeout 5 "$P/bin/postern-worker" $arguments </dev/null >/dev/null 2>&1 || rc=$?
                [ "$rc" != 0 ]
                [ "$rc" -lt 124 ]
        done
}

# Kills one worker of a run on a marked tree after DELAY seconds; whatever that hits, it is never admitted.
killed() { # ROLE DELAY SIGNAL
        local pid victim hook_pid
        state >"$T/state.json"
        env -i "$P/bin/postern-hook" --config "$policy" <"$T/state.json" 2>"$T/stderr" &
        hook_pid=$!
        sleep "$2"
        for pid in $(procs_of "$P"); do
                victim=$(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || continue
                case $victim in *postern-worker*" $1 "* | *worker*" $1 "*) kill "-$3" "$pid" 2>/dev/null || : ;; esac
        done
        code=0
        wait "$hook_pid" || code=$?
        out=$(cat "$T/stderr")
        refused_with 10 11 12 111
}

@test "kill -9 of each worker at many moments never admits a marked tree" {
        policy_write '.deadline_ms = 5000'
        mark usr/lib/zz/marked
        for n in $(seq 1 60); do
                cp "$P/clean" "$root/usr/lib/$n"
        done
        for role in walk raw parse; do
                for delay in 0.001 0.003 0.006 0.010 0.015 0.020 0.030 0.040 0.060; do
                        killed "$role" "$delay" KILL
                done
        done
        no_stray "$P"
}

@test "a worker that is stopped meets the deadline, and is ended" {
        policy_write '.deadline_ms = 600'
        mark usr/lib/marked
        for role in walk raw parse; do
                killed "$role" 0.004 STOP
        done
        no_stray "$P"
}

@test "kill -9 of the hook leaves no worker, even one that waits for another that still lives" {
        policy_write '.deadline_ms = 20000'
        worker_bad raw-silent
        state | env -i "$P/bin/postern-hook" --config "$policy" --worker "$P/bin/raw-silent" 2>/dev/null &
        wait_until 5 one_runs "$P/bin/postern-worker"
        wait_until 5 one_runs "$P/bin/raw-silent"
        kill -9 "$(procs_running "$P/bin/postern-hook" | head -n 1)"
        wait || :
        wait_until 2 none_runs "$P/bin/postern-worker"
}
