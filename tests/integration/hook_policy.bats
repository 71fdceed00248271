#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The policy through the whole chain: what counts as one, exceptions, break-glass, and sinks that fail.
load ../lib/all

setup_file() {
        file_setup
}

setup() {
        test_setup
        mkelf make "$root/usr/lib/xz.so" --stand-in xz
        digest=$(sha256sum "$root/usr/lib/xz.so" | cut -d ' ' -f 1)
}

teardown() {
        test_teardown
}

decent() {
        line_is_decent "$T/stderr"
}

exception() { # JQ-FILTER   an exception for the stand-in, edited
        policy_write --arg d "$digest" --arg until "$(date -u -d '+1 day' +%F)" '.exceptions = [
                {rule: "XZ-BACKDOOR-001", path: "usr/lib/xz.so", sha256: $d, reason: "a test", owner: "tests", expires: $until}
                | '"$1"']'
}

# ---------------------------------------------------------------- whose policy counts

@test "a policy that others may write is refused with exit code 100" {
        for mode in 666 664 620 602; do
                chmod "$mode" "$policy"
                hook "$(state)"
                refused_with 100
                decent
        done
        chmod 600 "$policy"
        hook "$(state)"
        refused
}

@test "a policy in a directory that others may write is refused" {
        chmod 777 "$T/etc"
        hook "$(state)"
        refused_with 100
}

@test "a policy of another user, a link, a directory and a FIFO are refused" {
        chown 1000 "$policy"
        hook "$(state)"
        refused_with 100
        chown 0 "$policy"
        mv "$policy" "$T/etc/real.json"
        ln -s real.json "$policy"
        hook "$(state)"
        refused_with 100
        rm "$policy"
        mkdir "$policy"
        hook "$(state)"
        refused_with 100
        rmdir "$policy"
        mkfifo "$policy"
        hook "$(state)"
        refused_with 100
        rm "$policy"
        hook "$(state)"
        refused_with 100
}

@test "a policy with an unknown key names it" {
        policy_write '.limits.breadth = 5'
        hook "$(state)"
        refused_with 100
        decent
        [[ $out == *policy.json*limits.breadth* ]]
}

@test "a policy with a wrong value names its key" {
        policy_write '.deadline_ms = "soon"'
        hook "$(state)"
        refused_with 100
        [[ $out == *policy.json*deadline_ms* ]]
}

@test "a policy that ends in the middle is refused" {
        head -c 40 "$policy" >"$policy.new"
        mv "$policy.new" "$policy"
        hook "$(state)"
        refused_with 100
        decent
}

@test "no policy admits by its absence: monitor mode must be said" {
        policy_write 'del(.mode)'
        hook "$(state)"
        refused_with 100
}

# ---------------------------------------------------------------- rules

@test "without rules nothing is admitted" {
        mkdir "$T/norules"
        rm "$root/usr/lib/xz.so"
        for path in "$T/norules" "$T/none"; do
                policy_write --arg r "$path" '.rules = [$r]'
                hook "$(state)"
                refused_with 100 111
                decent
        done
}

@test "a rule that does not compile, and one that others may write, stop every start by name" {
        mkdir "$T/rules"
        rm "$root/usr/lib/xz.so"
        policy_write --arg r "$T/rules" '.rules = [$r]'
        echo 'rule broken { condition: nonsense }' >"$T/rules/broken.yar"
        hook "$(state)"
        refused_with 100 111
        [[ $out == *broken.yar* ]]
        cp "$RULES/postern_test.yar" "$T/rules/broken.yar"
        hook "$(state)"
        admitted
        chmod 666 "$T/rules/broken.yar"
        hook "$(state)"
        refused_with 100 111
        [[ $out == *broken.yar* ]]
}

@test "a rule of the admin's own refuses" {
        mkdir "$T/rules"
        cat >"$T/rules/own.yar" <<'RULE'
rule own { meta: id = "OWN-001" severity = "high" confidence = "high" description = "a test" remedy = "none" source = "test"
           strings: $a = "an own indicator" condition: $a }
RULE
        policy_write --arg r "$T/rules" '.rules += [$r]'
        rm "$root/usr/lib/xz.so"
        mkelf make "$root/x" --text 'an own indicator'
        hook "$(state)"
        refused
        record '.findings[] | select(.rule == "OWN-001")'
}

@test "a deny file that ends inside a line stops every start" {
        mkdir "$T/deny"
        printf '%s\tmalware\tcrit' "$digest" >"$T/deny/cut.tsv"
        policy_write --arg d "$T/deny" '.deny_hashes = [$d]'
        rm "$root/usr/lib/xz.so"
        hook "$(state)"
        refused_with 100 111
        [[ $out == *cut.tsv* ]]
}

# ---------------------------------------------------------------- actions and exceptions

@test "a finding whose action is report is admitted and recorded" {
        policy_write '.actions.critical = {high: "report", medium: "report"}'
        hook "$(state)"
        admitted
        record '.reported == 1 and .findings[0].rule == "XZ-BACKDOOR-001"'
}

@test "the test marker refuses even where every action is report" {
        policy_write '.actions = {critical: {high: "report", medium: "report"}, high: {high: "report", medium: "report"}}'
        mark usr/lib/marked
        hook "$(state)"
        refused
}

@test "an exception for rule, path and digest admits" {
        exception .
        hook "$(state)"
        admitted
        record '.excepted == 1'
}

@test "an exception for other bytes, another path or another rule does not" {
        for edit in '.sha256 = "'"$(printf 0%.0s {1..64})"'"' '.path = "usr/lib/other.so"' '.rule = "XZ-BACKDOOR-002"'; do
                exception "$edit"
                hook "$(state)"
                refused
        done
}

@test "an exception for bytes that have changed does not admit, and an expired one neither" {
        exception .
        printf x >>"$root/usr/lib/xz.so"
        hook "$(state)"
        refused
        truncate -s -1 "$root/usr/lib/xz.so"
        exception '.expires = "2020-01-01"'
        hook "$(state)"
        refused_with 10 100
}

@test "an exception for the test marker is no policy" {
        exception '.rule = "POSTERN-TEST-001"'
        hook "$(state)"
        refused_with 100
}

@test "an exception for one file does not cover its twin" {
        exception .
        cp "$root/usr/lib/xz.so" "$root/usr/lib/twin.so"
        hook "$(state)"
        refused
        record '.excepted == 1'
}

# ---------------------------------------------------------------- break-glass

break_glass() { # EXPIRES
        policy_write --arg f "$T/etc/break-glass.json" '.break_glass_file = $f'
        jq -n --arg e "$1" '{expires: $e, reason: "a test", owner: "tests"}' >"$T/etc/break-glass.json"
        chmod 644 "$T/etc/break-glass.json"
}

@test "break-glass admits, and the record says by what" {
        break_glass "$(date -u -d '+1 hour' +%FT%TZ)"
        hook "$(state)"
        admitted
        record '.admitted_by == "break-glass" and .would_refuse == true and (.break_glass | contains("a test"))'
}

@test "break-glass that has expired, is too long, or is not root's alone admits nothing" {
        break_glass "$(date -u -d '-1 minute' +%FT%TZ)"
        hook "$(state)"
        refused
        break_glass "$(date -u -d '+25 hours' +%FT%TZ)"
        hook "$(state)"
        refused
        break_glass "$(date -u -d '+1 hour' +%FT%TZ)"
        chmod 666 "$T/etc/break-glass.json"
        hook "$(state)"
        refused
        chmod 644 "$T/etc/break-glass.json"
        chown 1000 "$T/etc/break-glass.json"
        hook "$(state)"
        refused
        chown 0 "$T/etc/break-glass.json"
        hook "$(state)"
        admitted
}

# ---------------------------------------------------------------- sinks that fail

same_verdicts() {
        hook "$(state)"
        refused
        rm "$root/usr/lib/xz.so"
        hook "$(state)"
        admitted
}

@test "a full disk under the audit file changes no verdict" {
        mount -t tmpfs -o size=4k pn "$T/log"
        head -c 100000 /dev/zero >"$T/log/filler" || :
        same_verdicts
}

@test "a disk without inodes under the audit file changes no verdict" {
        mount -t tmpfs -o nr_inodes=2 pn "$T/log"
        : >"$T/log/filler" || :
        same_verdicts
}

@test "a missing audit directory changes no verdict, and is said" {
        rm -rf "$T/log"
        hook "$(state)"
        refused
        grep -q audit "$T/stderr"
        mkdir "$T/log"
        rmdir "$T/log"
        same_verdicts
}

@test "an audit file that is read-only, a directory, a FIFO, /dev/full or a link changes no verdict and is not written" {
        mount -t tmpfs -o ro pn "$T/log"
        hook "$(state)"
        refused
        umount "$T/log"
        mkdir "$audit"
        hook "$(state)"
        refused
        rmdir "$audit"
        mkfifo "$audit"
        hook "$(state)"
        refused
        rm "$audit"
        echo precious >"$T/precious"
        ln -s "$T/precious" "$audit"
        hook "$(state)"
        refused
        [ "$(cat "$T/precious")" = precious ]
        policy_write '.report.audit_file = "/dev/full"'
        same_verdicts
}

@test "an audit file that somebody holds locked delays the verdict by less than two seconds" {
        : >"$audit"
        chmod 600 "$audit"
        flock "$audit" sleep 6 &
        holder=$!
        sleep 0.2
        hook "$(state)"
        refused
        [ "$took_ms" -lt 2000 ]
        kill "$holder"
}

@test "a torn last line in the audit file does not swallow the next record" {
        printf '{"torn": ' >"$audit"
        chmod 600 "$audit"
        hook "$(state)"
        refused
        record '.verdict == "refused"'
}

@test "with the journal asked for and none there the verdict is the same" {
        policy_write '.report.journal = true'
        same_verdicts
}
