# SPDX-License-Identifier: Apache-2.0
# The hook itself: its policy, its states, what it says. Every test has
#   P       this file's copy of the programs (P/bin)          T       this test's directory
#   root    its root file system, a copy of the small one     bundle  its bundle
#   policy  its policy file: enforce, our rules, compiled     audit   the audit file that the policy names
# A test whose policy names other rules is about rules from source: no generation was made for those.
# and, after `start` or `hook`: code (the hook's exit code), out (what was printed), took_ms.

file_setup() {
        P=$BATS_FILE_TMPDIR
        programs_copy "$P"
        tree_small "$P/small"
        mkelf make "$P/marked" --stand-in marker
        mkelf make "$P/clean" --stand-in clean
        rules_compile "$P"
        export P
}

test_setup() {
        T=$BATS_TEST_TMPDIR root=$T/root bundle=$T/bundle policy=$T/etc/policy.json audit=$T/log/audit.jsonl
        mkdir -p "$T/etc" "$T/log"
        chmod 755 "$T/etc"
        cp -al "$P/small" "$root"
        policy_write .
        bundle_make "$bundle" "$root" 'echo RAN'
}

test_teardown() {
        procs_end "$P"
        grep -F " $T/" /proc/self/mountinfo | cut -d ' ' -f 5 | tac | while read -r mounted; do
                umount -l "$(printf '%b' "$mounted")" || :
        done
}

# A generation of our rules below DIR/state.
rules_compile() { # DIR
        local policy=$1/compile.json audit=/dev/null P=$1
        mkdir -p "$1/state"
        policy_write .
        "$1/bin/postern" rules compile --config "$policy" >"$1/compile.log" 2>&1 || { cat "$1/compile.log" >&2; return 1; }
}

policy_write() { # JQ-ARG...   edits what enforce with our rules looks like
        jq -n --arg rules "$RULES" --arg deny "$DENY" --arg audit "$audit" --arg state "$P/state" '
                {mode: "enforce", rules: [$rules], deny_hashes: [$deny], deadline_ms: 20000, state_dir: $state,
                 exceptions_dirs: [], break_glass_file: null,
                 report: {audit_file: $audit, journal: false}}' | jq "$@" >"$policy"
        chmod 644 "$policy"
}

# Puts a file that must be refused at PATH of the root (our test marker in an ELF file).
mark() { # PATH
        mkdir -p "$(dirname "$root/$1")"
        cp "$P/marked" "$root/$1"
}

# A worker that misbehaves as its name says (tests/hostile/bad_worker.c), beside the real one.
worker_bad() { # ROLE-BEHAVIOUR
        [ -e "$P/bad_worker" ] || cc -O2 -o "$P/bad_worker" "$TOP/tests/hostile/bad_worker.c"
        cp "$P/bad_worker" "$P/bin/$1"
}

hook_add() { # [STAGE [ARG...]]
        local stage=${1:-createRuntime}
        shift || :
        bundle_hook "$bundle" "$stage" "$P/bin/postern-hook" --config "$policy" "$@"
}

# Starts the bundle under $RUNTIME. `code` is 0 when the container ran, the hook's exit code when that stopped it,
# and empty when something else did.
start() {
        local begin
        begin=$(now_ms)
        rc=0
        out=$(cd "$bundle" && runtime "$RUNTIME" --root "$T/state" run "pn$BASHPID.$RANDOM" 2>&1 </dev/null) || rc=$?
        took_ms=$(($(now_ms) - begin))
        code=
        if [[ $out == *RAN* ]]; then
                code=0
        elif [[ $out =~ (exit status |exit code: )([0-9]+) ]]; then
                code=${BASH_REMATCH[2]}
        fi
        echo "$RUNTIME: rc=$rc code=$code in $took_ms ms: $out"
}

# Runs the hook by hand on STATE; `out` is its standard error.
hook() { # STATE [ARG...]
        local state=$1
        shift
        hook_stdin "$@" < <(printf '%s' "$state")
}

# The same with standard input as it is.
hook_stdin() { # [ARG...]
        local begin
        begin=$(now_ms)
        code=0
        env -i "${HOOK_ENV[@]}" /usr/bin/timeout -k 1 "${HOOK_PATIENCE:-40}" "$P/bin/postern-hook" --config "$policy" "$@" \
                >"$T/stdout" 2>"$T/stderr" || code=$?
        took_ms=$(($(now_ms) - begin))
        out=$(cat "$T/stderr")
        echo "code=$code in $took_ms ms: $out"
}
HOOK_ENV=(PATH=/usr/sbin:/usr/bin:/sbin:/bin)

state() { # [JQ-FILTER]   a state as a runtime writes it, of a container without a process
        jq -cn --arg bundle "$bundle" \
                '{ociVersion: "1.0.2", id: "by-hand", status: "creating", bundle: $bundle, annotations: {}}
                 | '"${1:-.}"
}

# A FUSE file system of our own (tests/fixtures/hang_fuse.py), until fuse_end.
fuse_at() { # DIRECTORY BEHAVIOUR [CONTENT]
        mkdir -p "$1"
        coproc SERVER { exec /usr/bin/python3 "$TOP/tests/fixtures/hang_fuse.py" "$@" 2>"$T/fuse.log"; }
        server=$SERVER_PID
        read -r -t 5 -u "${SERVER[0]}" ready
        [ "$ready" = ready ]
}

fuse_end() {
        [ -z "${server:-}" ] || { kill "$server" && wait "$server"; } 2>/dev/null || :
        server=
}

# Asks the last record of the audit file; prints the answer.
record() { # JQ-FILTER
        tail -n 1 "$audit" | jq -er "$1"
}

admitted() {
        [ "$code" = 0 ] || { echo "not admitted: code=$code $out" >&2; return 1; }
}

refused_with() { # CODE...
        local want
        for want; do
                [ "$code" != "$want" ] || return 0
        done
        echo "wanted exit code $*, got \`$code\`: $out" >&2
        return 1
}

refused() {
        refused_with 10
}

# One line, verdict first; more lines only for sinks that failed. None over 300 bytes with its newline, and nothing
# but printable ASCII.
line_is_decent() { # FILE
        local good=0
        head -n 1 "$1" | grep -qE '^postern: (refused|undecided|would refuse|admitted|error)' || good=1
        tail -n +2 "$1" | grep -qv '^postern: warning: ' && good=1
        LC_ALL=C grep -q '[^ -~]' "$1" && good=1
        awk 'length($0) > 299 { exit 1 }' "$1" || good=1
        [ "$good" = 0 ] || echo "not decent: $(cat -v "$1")" >&2
        return "$good"
}
