#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# demo.sh   a container with a back door does not start; its clean twin does. Debian 12, root.
# Installs what it needs, builds, makes a Debian root file system with openssh-server (once, in build/), plants a
# harmless stand-in for the xz back door into a copy of it, and starts both under the real runc and the real crun.
# Exits 0 only when all four starts end as they must.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "demo.sh: needs root: it starts containers" >&2; exit 1; }
# shellcheck source=tests/lib/all.bash
. tests/lib/all.bash

DEMO=$TOP/build/demo
export P=$DEMO # where policy_write puts the state directory
failures=0

say() {
        printf '\n\033[1m== %s\033[0m\n' "$*"
}

build() {
        say "build"
        cmake --preset release >"$DEMO/build.log" 2>&1 && cmake --build --preset release >>"$DEMO/build.log" 2>&1 ||
                { tail -n 30 "$DEMO/build.log" >&2; return 1; }
        ls -l build/release/bin/postern*
}

make_trees() {
        local library
        say "a Debian root file system with openssh-server, and a twin with a back door"
        clean=$(tree_debian)
        twin=$DEMO/twin
        rm -rf "$twin"
        cp -a "$clean" "$twin"
        library=$(tree_liblzma "$twin")
        mkelf plant "$twin/$library" "$DEMO/planted" --stand-in xz
        cat "$DEMO/planted" >"$twin/$library"
        printf 'clean: %s\ntwin:  %s, stand-in planted in %s\n' "${clean#"$TOP"/}" "${twin#"$TOP"/}" "$library"
}

write_policy() {
        policy=$DEMO/policy.json audit=$DEMO/audit.jsonl
        rm -f "$audit"
        policy_write .
        say "policy"
        cat "$policy"
        say "compiled rules"
        mkdir -p "$DEMO/state"
        "$BIN/postern" rules compile --config "$policy"
}

# What the container does when it may: shows that sshd and its libraries are whole.
INSIDE='mkdir -p /run/sshd && ssh-keygen -q -t ed25519 -N "" -f /run/key && /usr/sbin/sshd -t -h /run/key &&
echo "RAN: $(ssh -V 2>&1), sshd accepts its configuration, and links $(ldd /usr/sbin/sshd | grep -o "/[^ ]*lzma[^ ]*")"'

# One start; NAME is also the container's id.
start_one() { # RUNTIME NAME TREE
        local bundle=$DEMO/bundle-$1-$2 out rc=0
        bundle_make "$bundle" "$3" "$INSIDE"
        bundle_mount "$bundle" tmpfs tmpfs /run nosuid nodev mode=755
        bundle_hook "$bundle" createRuntime "$BIN/postern-hook" --config "$policy" --verbose
        say "$1 run $2-$1"
        out=$(cd "$bundle" && runtime "$1" --root "$DEMO/state-$1" run "$2-$1" 2>&1 </dev/null) || rc=$?
        printf '%s\nexit status %s\n' "$out" "$rc"
        outcome=other
        if [ "$rc" = 0 ] && [[ $out == *RAN* ]]; then
                outcome=running
        elif [[ $out != *RAN* && $out =~ (exit status |exit code: )10([^0-9]|$) ]]; then
                outcome=refused
        fi
}

expect() { # RUNTIME NAME TREE OUTCOME
        start_one "$1" "$2" "$3"
        if [ "$outcome" = "$4" ]; then
                summary+="  ok    $1: $2 $outcome"$'\n'
        else
                summary+="  WRONG $1: $2 is \`$outcome\`, must be \`$4\`"$'\n'
                failures=$((failures + 1))
        fi
}

packaging/install-build-deps.sh
mkdir -p "$DEMO"
chmod 755 "$DEMO"
build
make_trees
write_policy
summary=
for runtime in runc crun; do
        expect "$runtime" twin "$twin" refused
        expect "$runtime" clean "$clean" running
done
say "postern why twin-runc"
"$BIN/postern" why --audit "$audit" twin-runc || failures=$((failures + 1))
say "summary"
printf '%s' "$summary"
[ "$failures" = 0 ]
