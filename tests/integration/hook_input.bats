#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What comes in over standard input, the environment and the bundle, each on a marked tree: whatever else may
# happen, it is never admitted.
load ../lib/all

setup_file() {
        file_setup
}

setup() {
        test_setup
        mark usr/lib/libmarked.so
}

teardown() {
        test_teardown
}

decent() {
        line_is_decent "$T/stderr"
}

@test "a good state: refused, in one decent line that names container, file and rule" {
        hook "$(state)"
        refused
        decent
        [[ $out == "postern: refused by-hand: usr/lib/libmarked.so matches POSTERN-TEST-001"* ]]
        [ ! -s "$T/stdout" ]
        no_stray "$P"
}

# ---------------------------------------------------------------- standard input

@test "closed standard input is refused" {
        hook_stdin <&-
        refused_with 111
        decent
}

@test "standard input, output and error all closed: refused" {
        code=0
        env -i "$P/bin/postern-hook" --config "$policy" <&- >&- 2>&- || code=$?
        refused_with 111
}

@test "closed output and error do not let descriptors of ours take their numbers" {
        code=0
        state | env -i "$P/bin/postern-hook" --config "$policy" >&- 2>&- || code=$?
        refused
        record '.verdict == "refused"'
        code=0
        state | env -i strace -qq -y -e trace=write,writev -o "$T/trace" "$P/bin/postern-hook" --config "$policy" >&- 2>&- || code=$?
        refused
        grep -q 'write(2</dev/null' "$T/trace"
        [ "$(grep 'write(2<' "$T/trace" | grep -vc '/dev/null')" = 0 ]
}

@test "/dev/null as standard input is refused" {
        hook_stdin </dev/null
        refused_with 111
        decent
}

@test "a directory as standard input is refused" {
        hook_stdin <"$T"
        refused_with 111
}

@test "a writer that never ends its state is waited for at most ten seconds" {
        hook_stdin < <(printf '{"id":'; exec sleep 20)
        refused_with 12 111
        [ "$took_ms" -lt 12000 ]
        decent
}

@test "a writer that never ends its state is waited for no longer than the deadline" {
        policy_write '.deadline_ms = 500'
        hook_stdin < <(printf '{"id":'; exec sleep 20)
        refused_with 12
        [ "$took_ms" -lt 2000 ]
}

@test "states that are not good are refused, each in one decent line" {
        while IFS= read -r line; do
                echo "state: $line"
                hook "$line"
                refused_with 111 11
                decent
        done <<STATES
{
[]
null
"text"
{}
{"id":"x"}
{"bundle":"$bundle"}
{"id":"x","bundle":5}
{"id":5,"bundle":"$bundle"}
{"id":"x","bundle":"relative"}
{"id":"x","bundle":""}
{"id":"x","bundle":"/nowhere"}
{"id":"x","bundle":"$bundle/config.json"}
{"id":"x","bundle":"$bundle","bundle":"$T"}
{"id":"x","bundle":"$bundle","pid":"1"}
{"id":"x","bundle":"$bundle","pid":-1}
{"id":"x","bundle":"$bundle","pid":99999999999999999999}
{"id":"x","bundle":"$bundle"} trailing
{"id":"x","bundle":"$bundle\u0000/etc"}
STATES
}

@test "garbage and binary as a state are refused" {
        for n in 1 2 3 4 5; do
                hook_stdin < <(head -c $((n * 1000)) /dev/urandom)
                refused_with 111 11
                decent
        done
}

@test "fifteen megabytes of annotations are read" {
        state '.annotations.big = ("x" * 15000000)' >"$T/state.json"
        hook_stdin <"$T/state.json"
        refused
        decent
}

@test "a state over the ceiling is drained and refused" {
        { printf '{"id":"x","bundle":"%s","a":"' "$bundle"; head -c 40000000 /dev/zero | tr '\0' x; printf '"}'; } >"$T/state.json"
        code=0
        cat "$T/state.json" | { env -i "$P/bin/postern-hook" --config "$policy" 2>"$T/stderr" || echo "$?" >"$T/code"; }
        code=$(cat "$T/code")
        refused_with 11 111
        decent
}

@test "deeply nested JSON is refused" {
        hook_stdin < <(printf '{"id":"x","bundle":"%s","a":' "$bundle"; head -c 2000000 /dev/zero | tr '\0' '[')
        refused_with 111
        decent
}

@test "an id of newlines, escapes, quotes and formats stays one decent line" {
        hook "$(state '.id = "a\nb\u001b]0;x\u0007\u009b31m%n%s\"}\\{\u202e \u00e9"')"
        refused
        decent
        hook "$(state '.id = ("\n" * 1000)')"
        refused_with 10 111
        decent
}

@test "an id like a path leads nowhere" {
        hook "$(state '.id = "../../../../etc/passwd"')"
        refused
        decent
}

# ---------------------------------------------------------------- environment, descriptors, process

@test "nothing in the environment changes the verdict, nor where the policy is read" {
        mkdir -p "$T/evil"
        echo '{"mode":"monitor"}' >"$T/evil/policy.json"
        HOOK_ENV=(PATH="$T/evil" GCONV_PATH="$T/evil" OPENSSL_CONF="$T/evil/openssl.cnf" OPENSSL_MODULES="$T/evil" TMPDIR=/nonexistent
                HOME=/nonexistent MALLOC_PERTURB_=165 MALLOC_CHECK_=3 MALLOC_ARENA_MAX=1 LANG=tr_TR.UTF-8 LC_ALL=xx LANGUAGE=xx
                POSTERN_CONFIG="$T/evil/policy.json" POSTERN_MODE=monitor POSTERN_WORKER=/bin/true XDG_CONFIG_HOME="$T/evil"
                YARA_PATH="$T/evil" JANSSON=1 TZ=../../../../../etc/passwd NLSPATH="$T/evil/%N" LOCPATH="$T/evil" 'BASH_FUNC_x%%=() { :; }')
        hook "$(state)"
        refused
        HOOK_ENV=(PATH=/usr/bin:/bin)
}

@test "no file that the environment names is opened" {
        state >"$T/state.json"
        code=0
        env -i TZ=":$T/evil-tz" LOCPATH="$T/evil" TMPDIR="$T/evil" OPENSSL_CONF="$T/evil.cnf" GCONV_PATH="$T/evil" NLSPATH="$T/evil" \
                strace -f -qq -e trace=openat,open,stat,newfstatat,access,readlink -o "$T/trace" \
                "$P/bin/postern-hook" --config "$policy" <"$T/state.json" 2>"$T/stderr" || code=$?
        out=$(cat "$T/stderr")
        refused
        grep -q policy.json "$T/trace"
        [ "$(grep -c evil "$T/trace")" = 0 ]
}

@test "an environment of a megabyte changes nothing" {
        HOOK_ENV=(PATH=/usr/bin:/bin)
        for n in 1 2 3 4 5 6 7 8 9; do
                HOOK_ENV+=("V$n=$(head -c 100000 /dev/zero | tr '\0' x)")
        done
        hook "$(state)"
        refused
        HOOK_ENV=(PATH=/usr/bin:/bin)
}

@test "the workers see nothing of the hook's environment" {
        worker_bad any-silent
        policy_write '.deadline_ms = 1500'
        state | env -i SECRET=hidden "$P/bin/postern-hook" --config "$policy" --worker "$P/bin/any-silent" 2>/dev/null &
        wait_until 5 three_run "$P/bin/any-silent"
        looked=0
        for pid in $(procs_of "$P"); do
                if [ "$(readlink "/proc/$pid/exe")" != "$P/bin/postern-hook" ]; then
                        [ "$(grep -ca SECRET "/proc/$pid/environ")" = 0 ]
                        looked=$((looked + 1))
                fi
        done
        [ "$looked" = 3 ]
        wait || :
}

@test "descriptors that the runtime leaves open reach no worker" {
        worker_bad any-silent
        policy_write '.deadline_ms = 1500'
        state >"$T/state.json"
        (
                exec 7<"$T/state.json" 9>"$T/leak-write" 63<"$T"
                exec env -i "$P/bin/postern-hook" --config "$policy" --worker "$P/bin/any-silent" <"$T/state.json" 2>"$T/stderr"
        ) &
        wait_until 5 three_run "$P/bin/any-silent"
        for pid in $(procs_of "$P"); do
                [ -z "$(find "/proc/$pid/fd" -lname "$T/*" ! -lname "$T/state.json" ! -lname "$T/stderr" -print)" ]
                [ "$(readlink "/proc/$pid/exe")" = "$P/bin/postern-hook" ] ||
                        [ -z "$(find "/proc/$pid/fd" -lname "$T/*" -print)" ]
        done
        wait || :
}

@test "a hundred descriptors open and a limit of 64: the right verdict or a named refusal" {
        code=0
        state >"$T/state.json"
        (
                for n in $(seq 10 59); do
                        eval "exec $n</dev/null"
                done
                ulimit -n 64
                exec env -i "$P/bin/postern-hook" --config "$policy" <"$T/state.json" 2>"$T/stderr"
        ) || code=$?
        out=$(cat "$T/stderr")
        refused_with 10 11 111
        decent
}

@test "with every signal blocked and ignored the deadline still fires" {
        policy_write '.deadline_ms = 300'
        worker_bad any-stubborn
        state >"$T/state.json"
        begin=$(now_ms)
        code=0
        /usr/bin/python3 - "$P/bin/postern-hook" "$policy" "$P/bin/any-stubborn" "$T/state.json" 2>"$T/stderr" <<'PY' || code=$?
import os, signal, sys
hook, policy, worker, state = sys.argv[1:]
for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
os.dup2(os.open(state, os.O_RDONLY), 0)
os.execve(hook, [hook, "--config", policy, "--worker", worker], {})
PY
        refused_with 12
        [ $(($(now_ms) - begin)) -lt 3000 ]
        no_stray "$P"
}

@test "umask, a removed working directory and a niced process change nothing" {
        mkdir "$T/gone"
        code=0
        state >"$T/state.json"
        (
                cd "$T/gone"
                rmdir "$T/gone"
                umask 777
                exec nice env -i "$P/bin/postern-hook" --config "$policy" <"$T/state.json" 2>"$T/stderr"
        ) || code=$?
        refused
        [ "$(stat -c %a "$audit")" = 600 ]
}

@test "a reader of the hook's standard error that has gone away changes nothing" {
        code=0
        state >"$T/state.json"
        { env -i "$P/bin/postern-hook" --config "$policy" <"$T/state.json" 2>&1 >/dev/null || echo $? >"$T/code"; } | :
        code=$(cat "$T/code")
        refused
}

@test "wrong arguments are refused with exit code 100" {
        for arguments in --nonsense --config "--config $T/none.json" "--worker" "stray" "--config= "; do
                code=0
                # shellcheck disable=SC2086
                state | env -i "$P/bin/postern-hook" $arguments >"$T/stdout" 2>"$T/stderr" || code=$?
                out=$(cat "$T/stderr")
                refused_with 100
                decent
        done
}

# ---------------------------------------------------------------- bundle and root.path

set_root() { # PATH
        bundle_edit "$bundle" --arg r "$1" '.root.path = $r'
}

@test "a relative root.path is below the bundle" {
        mv "$root" "$bundle/rootfs"
        set_root rootfs
        hook "$(state)"
        refused
}

@test "a root.path with dots and double slashes is followed" {
        set_root "$T//etc/.././root/"
        hook "$(state)"
        refused
}

@test "a root.path through links is followed" {
        ln -s "$T" "$T/a"
        ln -s a/root "$T/b"
        set_root "$T/b"
        hook "$(state)"
        refused
}

@test "the host's own root is never scanned and never admitted" {
        for path in / // /. /proc/self/root /proc/1/root /.. ; do
                set_root "$path"
                hook "$(state)"
                refused_with 111 11
                decent
        done
        ln -s / "$T/slash"
        set_root "$T/slash"
        hook "$(state)"
        refused_with 111 11
        mkdir "$T/bound"
        mount --bind / "$T/bound"
        set_root "$T/bound"
        hook "$(state)"
        refused_with 111 11
}

@test "a root.path that is missing, a file, a FIFO or a loop of links is refused by name" {
        : >"$T/file"
        mkfifo "$T/fifo"
        ln -s loop "$T/loop"
        for path in "$T/none" "$T/file" "$T/fifo" "$T/loop" /dev/null; do
                set_root "$path"
                hook "$(state)"
                refused_with 111 11
                decent
        done
}

@test "an empty directory as root.path is no container that could start: undecided" {
        mkdir "$T/empty"
        set_root "$T/empty"
        hook "$(state)"
        refused_with 11
        decent
}

@test "a config.json that is missing, broken, huge, a directory, a FIFO or without a root is refused by name" {
        rm "$bundle/config.json"
        hook "$(state)"
        refused_with 111
        for text in '{' '[]' '{}' '{"root":{}}' '{"root":{"path":""}}' '{"root":{"path":5}}' '{"root":null}' \
                "{\"root\":{\"path\":\"$root\"},\"root\":{\"path\":\"$T\"}}" \
                "{\"root\":{\"path\":\"$root\"},\"mounts\":{}}" "{\"root\":{\"path\":\"$root\"},\"mounts\":[{}]}"; do
                echo "$text" >"$bundle/config.json"
                hook "$(state)"
                refused_with 111
                decent
                [[ $out == *config.json* ]]
        done
        rm "$bundle/config.json"
        mkdir "$bundle/config.json"
        hook "$(state)"
        refused_with 111
        rmdir "$bundle/config.json"
        mkfifo "$bundle/config.json"
        hook "$(state)"
        refused_with 111
        rm "$bundle/config.json"
        truncate -s 20M "$bundle/config.json"
        hook "$(state)"
        refused_with 11 111
}

# ---------------------------------------------------------------- pid

with_bind() {
        rm "$root/usr/lib/libmarked.so"
        mkdir -p "$T/volume"
        cp "$P/marked" "$T/volume/tool"
        bundle_mount "$bundle" bind "$T/volume" /vol rbind
}

@test "without a pid the bind sources are scanned" {
        with_bind
        hook "$(state)"
        refused
        record '.findings[] | select(.path == "vol/tool")'
        record '.view | startswith("host path")'
}

@test "with a dead pid the bind sources are scanned" {
        with_bind
        sleep 0 &
        dead=$!
        wait "$dead"
        hook "$(state ".pid = $dead")"
        refused
}

@test "a pid that is some other process of the node does not hide the volumes" {
        with_bind
        sleep 20 &
        other=$!
        hook "$(state ".pid = $other")"
        kill "$other"
        refused
}

@test "pid 1, the hook's parent, and a kernel thread do not hide the volumes" {
        with_bind
        for pid in 1 2 $$ $BASHPID; do
                hook "$(state ".pid = $pid")"
                refused
        done
}

@test "a process of the node that has its own mount namespace does not hide the volumes" {
        with_bind
        unshare -m --propagation private sleep 20 &
        other=$!
        wait_until 5 sh -c "! cmp -s /proc/self/mountinfo /proc/$other/mountinfo"
        hook "$(state ".pid = $other")"
        kill "$other"
        refused
}

@test "a pid in another mount namespace that knows no such root does not hide the volumes" {
        with_bind
        unshare -m --propagation private sh -c 'mount -t tmpfs none "$1" && exec sleep 20' sh "$T" &
        other=$!
        wait_until 5 sh -c "! cmp -s /proc/self/mountinfo /proc/$other/mountinfo"
        sleep 0.2
        hook "$(state ".pid = $other")"
        kill "$other"
        refused
}

@test "a process of the node does not hide a mount that only the container sees" {
        mkdir "$T/low" "$T/low2"
        cp "$P/marked" "$T/low/evil"
        bundle_mount "$bundle" overlay overlay /vol "lowerdir=$T/low:$T/low2"
        unshare -m --propagation private sleep 20 &
        other=$!
        wait_until 5 sh -c "! cmp -s /proc/self/mountinfo /proc/$other/mountinfo"
        rm "$root/usr/lib/libmarked.so"
        hook "$(state ".pid = $other")"
        kill "$other"
        refused_with 11
}

@test "a destination that leads back to a mounted root is no proof of a view" {
        rm "$root/usr/lib/libmarked.so"
        mkdir "$T/vol"
        cp "$P/marked" "$T/vol/evil"
        mount --bind "$root" "$root"
        ln -s / "$root/lnk"
        bundle_mount "$bundle" bind "$T/vol" /lnk rbind
        unshare -m --propagation private sleep 20 &
        other=$!
        wait_until 5 sh -c "! cmp -s /proc/self/mountinfo /proc/$other/mountinfo"
        hook "$(state ".pid = $other")"
        kill "$other"
        refused
}

@test "a destination that is too long for a path is undecided" {
        rm "$root/usr/lib/libmarked.so"
        mkdir "$T/vol"
        cp "$P/marked" "$T/vol/evil"
        bundle_mount "$bundle" bind "$T/vol" "/$(printf './%.0s' $(seq 3000))vol" rbind
        hook "$(state)"
        refused_with 11
}

@test "keys of config.json that differ from known ones in case alone are refused" {
        for edit in '.root.Path = "/"' '.Root = {path: "/"}' '.Mounts = []' '.mounts[0].Source = "/x"'; do
                bundle_make "$bundle" "$root" true
                bundle_edit "$bundle" "$edit"
                hook "$(state)"
                refused_with 111
        done
}

@test "a bind source that is missing is undecided, never admitted" {
        rm "$root/usr/lib/libmarked.so"
        bundle_mount "$bundle" bind "$T/no-such-volume" /vol rbind
        hook "$(state)"
        refused_with 11
}

@test "the same tree without the marked file is admitted" {
        rm "$root/usr/lib/libmarked.so"
        hook "$(state)"
        admitted
        [ -z "$out" ]
        hook "$(state)" --verbose
        admitted
        decent
}
