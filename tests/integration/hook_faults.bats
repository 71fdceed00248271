#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# One fault in one system call, at its first, third and ninth time, and from the fourth on, in the hook and all its
# workers: a marked tree is never admitted and nothing hangs. (strace puts the fault in before seccomp looks, so a
# jailed worker may die of it: that is a fault like any other.)
load ../lib/all

setup_file() {
        file_setup
}

setup() {
        test_setup
        policy_write '.deadline_ms = 3000'
        mark usr/lib/zz/marked
}

teardown() {
        test_teardown
}

sweep() { # ERRNO CALL...
        local call when wrong=0 tried=0
        local errno=$1
        shift
        state >"$T/state.json"
        for call; do
                for when in ${WHEN:-1 3 9 4+}; do
                        code=0
                        HOOK_FAULT="inject=$call:error=$errno:when=$when"
                        env -i timeout -k 1 15 strace -f -qq -o /dev/null -e trace="$call" -e "$HOOK_FAULT" \
                                "$P/bin/postern-hook" --config "$policy" <"$T/state.json" >/dev/null 2>"$T/stderr" || code=$?
                        tried=$((tried + 1))
                        case $code in
                        0 | 124 | 137)
                                wrong=$((wrong + 1))
                                echo "$HOOK_FAULT: exit code $code: $(cat "$T/stderr")"
                                ;;
                        esac
                done
        done
        echo "$tried faults"
        [ "$tried" -gt 0 ]
        [ "$wrong" = 0 ]
        no_stray "$P"
}

@test "without a fault strace changes nothing" {
        state >"$T/state.json"
        code=0
        env -i strace -f -qq -o "$T/trace" "$P/bin/postern-hook" --config "$policy" <"$T/state.json" 2>"$T/stderr" || code=$?
        out=$(cat "$T/stderr")
        refused
}

@test "names that cannot be opened or looked at" {
        sweep EIO openat openat2 statx
        sweep ENOENT openat openat2 statx
        sweep EMFILE openat openat2
}

@test "directories that cannot be read" {
        sweep EIO getdents64
        sweep ENOENT getdents64
}

@test "bytes that cannot be read" {
        sweep EIO pread64 read
        WHEN='1 2 5' sweep EINTR pread64 read # for ever would be no fault of this world
}

@test "messages that do not arrive" {
        sweep EIO recvmsg sendmsg
        sweep ENOBUFS sendmsg recvmsg
        WHEN='1 2 5' sweep ECONNRESET recvmsg
}

@test "memory and processes that are not there" {
        sweep ENOMEM mmap brk
        sweep EAGAIN clone clone3 vfork fork execve
        sweep ENOMEM socketpair memfd_create
        sweep EMFILE socketpair memfd_create pidfd_open
}

@test "walls that cannot be built" {
        sweep EPERM prctl capset setresuid setresgid setgroups prlimit64
        sweep EINVAL seccomp prctl landlock_restrict_self close_range
}

@test "waiting that fails" {
        WHEN='1 2 5' sweep EINTR poll ppoll waitid wait4
        sweep ENOMEM poll ppoll
        sweep ECHILD waitid wait4
}

@test "descriptors that cannot be looked at" {
        sweep EIO fstat newfstatat lseek
        sweep EBADF fcntl
}

# A false success: the call is said to have done what it did not do.
@test "calls that lie about their success" {
        local call wrong=0
        state >"$T/state.json"
        for call in getdents64 recvmsg sendmsg pread64 seccomp capset prctl poll; do
                for when in 1 2 5; do
                        code=0
                        env -i timeout -k 1 15 strace -f -qq -o /dev/null -e trace="$call" -e "inject=$call:retval=0:when=$when" \
                                "$P/bin/postern-hook" --config "$policy" <"$T/state.json" >/dev/null 2>"$T/stderr" || code=$?
                        case $code in 0 | 124 | 137)
                                # an empty directory is what getdents64 says then, and no one can tell it from a true one
                                [ "$call" != getdents64 ] || [ "$code" != 0 ] || continue
                                wrong=$((wrong + 1))
                                echo "$call retval=0 when=$when: exit code $code: $(cat "$T/stderr")"
                                ;;
                        esac
                done
        done
        [ "$wrong" = 0 ]
}

@test "SIGKILL at a system call of any process" {
        local call wrong=0
        state >"$T/state.json"
        for call in openat openat2 getdents64 pread64 recvmsg sendmsg mmap close exit_group; do
                for when in 1 4 12; do
                        code=0
                        env -i timeout -k 1 15 strace -f -qq -o /dev/null -e trace="$call" -e "inject=$call:signal=SIGKILL:when=$when" \
                                "$P/bin/postern-hook" --config "$policy" <"$T/state.json" >/dev/null 2>"$T/stderr" || code=$?
                        [ "$code" != 0 ] || {
                                wrong=$((wrong + 1))
                                echo "SIGKILL at $call $when: admitted"
                        }
                done
        done
        [ "$wrong" = 0 ]
        no_stray "$P"
}
