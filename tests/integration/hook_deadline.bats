#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Time: file systems that hang, drip, fail or lie about sizes, trees too large for the time there is, and pipes that
# nobody may hold open.
load ../lib/all

setup_file() {
        file_setup
}

setup() {
        test_setup
        mkdir "$root/fuse"
        policy_write '.deadline_ms = 500'
}

teardown() {
        fuse_end
        test_teardown
}

fuse() { # BEHAVIOUR [CONTENT]
        fuse_at "$root/fuse" "$@"
}

in_time() { # MILLISECONDS
        [ "$took_ms" -lt "$1" ] || { echo "took $took_ms ms" >&2; return 1; }
}

@test "a FUSE file system that works is scanned like any other" {
        policy_write .
        fuse ok "$P/clean"
        hook "$(state)"
        admitted
        record '.counts.files > 2'
}

@test "a marked file on a FUSE file system is refused" {
        policy_write .
        fuse ok "$P/marked"
        hook "$(state)"
        refused
}

@test "a tree that hangs in read meets the deadline, and the hook returns at once" {
        fuse hang-read "$P/clean"
        hook "$(state)"
        refused_with 12
        in_time 1500
        line_is_decent "$T/stderr"
}

@test "a tree that hangs in open meets the deadline" {
        fuse hang-open "$P/clean"
        hook "$(state)"
        refused_with 12
        in_time 1500
}

@test "a tree that hangs in the look-up of a name meets the deadline" {
        fuse hang-lookup "$P/clean"
        hook "$(state)"
        refused_with 12
        in_time 1500
}

@test "a tree that hangs in the list of a directory meets the deadline" {
        fuse hang-readdir "$P/clean"
        hook "$(state)"
        refused_with 12
        in_time 1500
}

@test "the deadline is written down in the record" {
        fuse hang-read "$P/clean"
        hook "$(state)"
        refused_with 12
        record '.verdict == "deadline" and .exit_code == 12'
}

@test "what hung is gone when the file system is" {
        fuse hang-read "$P/clean"
        hook "$(state)"
        refused_with 12
        kill "$server"
        no_stray "$P"
}

@test "a marked file beside the hanging one is refused or late, never admitted" {
        mark usr/lib/marked
        fuse hang-read "$P/clean"
        hook "$(state)"
        refused_with 10 12
}

@test "a file that drips meets the deadline or is read in time" {
        head -c 3000000 /dev/zero >"$T/content"
        cat "$P/clean" "$T/content" >"$T/dripping"
        fuse drip "$T/dripping"
        hook "$(state)"
        refused_with 12
        in_time 2600
}

@test "a file that cannot be read is undecided, by name" {
        policy_write .
        fuse eio-read "$P/clean"
        hook "$(state)"
        refused_with 11
        record '.issues[] | select(.class == "content" and .path == "fuse/second")'
}

@test "a file shorter than it says is undecided, by name" {
        policy_write .
        fuse short "$P/clean"
        hook "$(state)"
        refused_with 11
        record '.issues[] | select(.path == "fuse/second")'
}

@test "a huge tree in a hundred milliseconds meets the deadline" {
        policy_write '.deadline_ms = 100'
        mkdir "$root/x"
        for n in 1 2 3 4 5 6 7 8; do
                head -c 64M /dev/urandom | cat "$P/clean" - >"$root/x/$n"
        done
        hook "$(state)"
        refused_with 12
        in_time 1500
        no_stray "$P"
}

@test "where the policy reports the deadline, what was not scanned in time is admitted and recorded" {
        policy_write '.deadline_ms = 500 | .on_error.deadline = "report"'
        fuse hang-read "$P/clean"
        hook "$(state)"
        admitted
        record '.issues_total.deadline >= 1'
}

@test "the reader of the hook's standard error and output is let go when the hook ends" {
        fuse hang-read "$P/clean"
        state >"$T/state.json"
        begin=$(now_ms)
        env -i "$P/bin/postern-hook" --config "$policy" <"$T/state.json" 2>&1 | timeout 10 cat >"$T/out"
        took_ms=$(($(now_ms) - begin))
        in_time 1500
        grep -q '^postern: ' "$T/out"
}

@test "the same with workers that ignore every signal" {
        worker_bad any-stubborn
        state >"$T/state.json"
        begin=$(now_ms)
        env -i "$P/bin/postern-hook" --config "$policy" --worker "$P/bin/any-stubborn" <"$T/state.json" 2>&1 | timeout 10 cat >"$T/out"
        took_ms=$(($(now_ms) - begin))
        in_time 1500
}
