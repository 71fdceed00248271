#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# each_nth.sh [--may-die] LIBRARY -- COMMAND ARG...
# Runs COMMAND with its 1st, 2nd, 3rd … allocation failing (LIBRARY is fail_nth.so), once alone and once with all
# that follow, until there is no allocation left to fail. Each run must do one of two things: end with 0 and say what
# the undisturbed run says, or end with another status of its own (no signal) and a reason on standard error.
# With --may-die a run may also end by a signal (a runtime refuses such a start); how many did is said.
# MAX_NTH (default 20000) bounds the loop; reaching it is a failure.
set -u
may_die=
[ "${1-}" != --may-die ] || { may_die=1; shift; }
if [ $# -lt 3 ] || [ "$2" != -- ]; then
        echo "usage: each_nth.sh [--may-die] LIBRARY -- COMMAND ARG..." >&2
        exit 2
fi
library=$1
shift 2
[ -r "$library" ] || { echo "each_nth.sh: no library $library" >&2; exit 2; }
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

"$@" >"$dir/want" 2>"$dir/err" || { echo "each_nth.sh: fails undisturbed: $(cat "$dir/err")" >&2; exit 1; }

failed=0 refused=0 died=0
for sticky in '' 1; do
        n=0
        while :; do
                n=$((n + 1))
                [ "$n" -le "${MAX_NTH:-20000}" ] || { echo "not ok - no end after $((n - 1)) allocations"; exit 1; }
                rm -f "$dir/mark"
                env LD_PRELOAD="$library" POSTERN_FAIL_NTH=$n POSTERN_FAIL_MARK="$dir/mark" \
                        ${sticky:+POSTERN_FAIL_STICKY=1} "$@" >"$dir/out" 2>"$dir/err"
                status=$?
                [ -e "$dir/mark" ] || break
                if [ "$status" -ge 128 ] && [ -n "$may_die" ]; then
                        died=$((died + 1))
                        continue
                elif [ "$status" -ge 126 ]; then
                        echo "not ok - allocation $n${sticky:+ and all after it}: status $status"
                elif [ "$status" -ne 0 ] && [ ! -s "$dir/err" ]; then
                        echo "not ok - allocation $n${sticky:+ and all after it}: status $status without a reason"
                elif [ "$status" -eq 0 ] && ! cmp -s "$dir/want" "$dir/out"; then
                        echo "not ok - allocation $n${sticky:+ and all after it}: another answer"
                else
                        [ "$status" -eq 0 ] || refused=$((refused + 1))
                        continue
                fi
                failed=$((failed + 1))
        done
        [ "$n" -gt 1 ] || { echo "not ok - nothing was ever allocated"; exit 1; }
        echo "ok - ${sticky:+from the n-th on, }$((n - 1)) allocations failed in turn, $died ended by a signal"
done
[ "$refused" -gt 0 ] || { echo "not ok - no failing allocation was ever noticed"; exit 1; }
[ "$failed" -eq 0 ]
