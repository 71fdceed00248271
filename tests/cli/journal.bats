#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What postern-hook says arrives: in a real systemd-journald, in a real syslogd (busybox), in the audit file. The
# daemons run in a mount namespace of each test's own. Debian packages: systemd, busybox-static, jq.

setup() {
        : "${POSTERN_BIN:?is the directory of the programs}"
        export STATE='{"ociVersion":"1.0.2","id":"web1","status":"creating","bundle":"/nonexistent"}'
}

# private SCRIPT: runs SCRIPT with /run, /var/log and /dev of its own; `hook` runs the hook without a policy.
private() {
        run timeout 60 unshare -m bash -c '
                set -e
                null=$(mktemp -d)
                mount -t tmpfs none "$null"
                mknod -m 666 "$null/null" c 1 3
                echo 0123456789abcdef0123456789abcdef > "$null/machine-id"
                mount --bind "$null/machine-id" /etc/machine-id
                for dir in /run /var/log; do mount -t tmpfs none $dir; done
                mkdir -p /run/systemd/journal /run/log /var/log/postern
                mount --move "$null" /dev
                rmdir "$null"
                hook() {
                        echo "$STATE" | "$POSTERN_BIN/postern-hook" --config /nonexistent/policy.json || echo "hook: $?"
                }
                wait_for() { for _ in $(seq 200); do "$@" && return; sleep 0.05; done; echo "not there: $*"; return 1; }
                trap "kill \$(jobs -p) 2> /dev/null || :; wait" EXIT
                '"$1"
        echo "$output"
}

@test "journald has the verdict, the line and the record of a start" {
        private '
                /lib/systemd/systemd-journald 2> /dev/null &
                wait_for test -S /run/systemd/journal/socket
                hook
                entries() { journalctl -D /run/log/journal -a -o json SYSLOG_IDENTIFIER=postern 2> /dev/null; }
                there() { entries | grep -q POSTERN_RECORD; }
                wait_for there
                entries | jq -r "[.PRIORITY, .POSTERN_VERDICT, .MESSAGE, (.POSTERN_RECORD | fromjson | .exit_code)] | @tsv"'
        [ "$status" -eq 0 ]
        [[ "${lines[0]}" == "postern: error"*"/nonexistent"* ]]
        [ "${lines[1]}" = "hook: 100" ]
        [[ "${lines[2]}" == $'3\terror\tpostern: error'*"/nonexistent"*$'\t100' ]]
        [ "${#lines[@]}" -eq 3 ]
}

@test "syslogd has the record when there is no journald" {
        private '
                busybox syslogd -n -O /run/messages &
                wait_for test -S /dev/log
                hook
                there() { grep -q " postern\[" /run/messages; }
                wait_for there
                cat /run/messages'
        [ "$status" -eq 0 ]
        [[ "$output" == *" daemon.err postern["*"]: {\"schema\":1,\"verdict\":\"error\",\"id\":\""* ]]
        [[ "$output" == *"hook: 100"* ]]
        [[ "$output" != *"warning: journal"* ]]
}

@test "dead sinks are named and change no exit code" {
        private '
                rmdir /var/log/postern
                hook'
        [ "$status" -eq 0 ]
        [[ "${lines[0]}" == "postern: error"* ]]
        [[ "$output" == *"warning: audit file: open directory "*"No such file or directory, ignoring"* ]]
        [[ "$output" == *"warning: journal: "*"No such file or directory, ignoring"* ]]
        [[ "$output" == *"hook: 100"* ]]
}

@test "a full disk is named and changes no exit code" {
        private '
                mount -t tmpfs -o size=4k none /var/log/postern
                mknod -m 666 /dev/zero c 1 5
                head -c 1M /dev/zero > /var/log/postern/filler 2> /dev/null || :
                hook'
        [ "$status" -eq 0 ]
        [[ "$output" == *"warning: audit file: "*"No space left on device, ignoring"* ]]
        [[ "$output" == *"hook: 100"* ]]
}

@test "the audit file has one whole record for each of 20 parallel starts" {
        private '
                for _ in $(seq 20); do hook > /dev/null 2>&1 & done
                wait
                jq -r .verdict /var/log/postern/audit.jsonl | sort | uniq -c | xargs
                stat -c %a /var/log/postern/audit.jsonl'
        [ "$status" -eq 0 ]
        [ "${lines[0]}" = "20 error" ]
        [ "${lines[1]}" = 600 ]
}
