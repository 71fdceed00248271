#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# `postern why`, the program, on audit files that postern-hook has written or that are written here by the table of
# hook/report/README.md. POSTERN_BIN is the directory of the programs.

setup() {
        : "${POSTERN_BIN:?is the directory of the programs}"
        audit="$BATS_TEST_TMPDIR/audit.jsonl"
        umask 077
}

# record ID VERDICT [REASON]: one line, as short as a record can be.
record() {
        jq -cn --arg id "$1" --arg verdict "$2" --arg reason "${3:-}" \
                '{schema: 1, verdict: $verdict, id: $id, reason: $reason, time: "2025-11-21T21:16:32Z",
                  mode: "enforce", admitted: ($verdict == "clean"), exit_code: 10, findings: [{
                    rule: "XZ-BACKDOOR-001", title: "back door", severity: "critical", confidence: "high",
                    decides: true, detector: "yara", path: "bin/x", path_b64: ("bin/x" | @base64), path_cut: false,
                    size_bytes: 5, sha256: ("a" * 64), evidence: [], source: "s", remedy: "rebuild"}]}'
}

why() {
        run "$POSTERN_BIN/postern" why --audit "$audit" "$@"
}

@test "why tells what matched, where, and what to do" {
        record web1-server refused "bin/x matches XZ-BACKDOOR-001" > "$audit"
        why web1-server
        [ "$status" -eq 0 ]
        [[ "$output" == "container web1-server was refused"* ]]
        [[ "$output" == *"decided by XZ-BACKDOOR-001: back door"* ]]
        [[ "$output" == *"what to do   rebuild"* ]]
        [[ "$output" == *'"path": "bin/x"'* ]]
}

@test "why prints the record that jq reads" {
        record web1-server refused > "$audit"
        "$POSTERN_BIN/postern" why --audit "$audit" --json web1-server | jq -S . > "$BATS_TEST_TMPDIR/out"
        jq -S . "$audit" | diff - "$BATS_TEST_TMPDIR/out"
}

@test "why takes the newest of both files and counts the others" {
        { record web1-server clean; record other clean; } > "$audit.1"
        record web1-server refused newest > "$audit"
        why web1-server
        [ "$status" -eq 0 ]
        [[ "$output" == *"reason       newest"* ]]
        [[ "$output" == *"1 older record of this container"* ]]
}

@test "why says nothing of a container that is not in the files, and names them" {
        record other refused > "$audit"
        why web1-server
        [ "$status" -eq 1 ]
        [[ "$output" == *"no record of container \`web1-server\` in \`$audit\` and \`$audit.1\`"* ]]
}

@test "why refuses an audit file that others can write" {
        record web1-server refused > "$audit"
        chmod 666 "$audit"
        why web1-server
        [ "$status" -eq 2 ]
        [[ "$output" == *"can be written by group or others"* ]]
}

@test "why fails without an audit file" {
        why web1-server
        [ "$status" -eq 2 ]
        [[ "$output" == *"no audit file"* ]]
}

@test "why refuses a command line without ID" {
        run "$POSTERN_BIN/postern" why
        [ "$status" -eq 64 ]
        [[ "$output" == *"usage: postern why"* ]]
}

@test "why fails when its output has no room" {
        record web1-server refused > "$audit"
        run bash -c '"$0" why --audit "$1" web1-server > /dev/full' "$POSTERN_BIN/postern" "$audit"
        [ "$status" -eq 2 ]
        [[ "$output" == *"No space left on device"* ]]
}

@test "why tells what postern-hook has written" {
        # In a mount namespace: the hook writes to /var/log/postern when it has no policy to name another file.
        run unshare -m bash -c '
                mount -t tmpfs none /var/log && mkdir /var/log/postern && mount -t tmpfs none /run || exit 99
                echo "{\"ociVersion\":\"1.0.2\",\"id\":\"web1\",\"status\":\"creating\",\"bundle\":\"/nonexistent\"}" |
                        "$0/postern-hook" --config /nonexistent/policy.json
                echo "hook: $?"
                "$0/postern" why --last; echo "why: $?"
                "$0/postern" why --json --last | jq -r .error.fault' "$POSTERN_BIN"
        [[ "$output" == *"hook: 100"* ]]
        [[ "$output" == *"was refused: it failed before there was a decision"* ]]
        [[ "$output" == *"/nonexistent"* ]]
        [[ "$output" == *"why: 0"* ]]
        [ "${lines[-1]}" = config ]
}
