#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# match.sh   does the matcher say what yara(1) says? Random rules over files made of their strings, with both filters; our
# own rules over the ELF files of this machine and over stand-ins of what they look for. Seeds are fixed, so that a
# failure comes again: `tests/bench/rulegen.py KIND SEED DIR 20 20`, then tests/bench/compare-yara. Needs the release build
# (or POSTERN_MATCH) and yara. Prints TAP; a reason follows each failure.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
export POSTERN_MATCH=${POSTERN_MATCH:-$PWD/build/release/bin/match}
RANDOM_SEEDS=(11 12 13 14 15 16 17 18)
WILD_SEEDS=(2 3 4 6 8 9 10 11 12 14 15 16) # none that keeps yara busy for long
NAMES_SEEDS=(22 24)
ELF_LEAST=1000 ELF_MOST=4000 # files of this machine
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
number=0 failed=0

say() { # STATUS NAME [LOG]
        number=$((number + 1))
        if [ "$1" = 0 ]; then
                echo "ok $number - $2"
        else
                failed=1
                echo "not ok $number - $2"
                [ -z "${3:-}" ] || sed 's/^/# /' "$3" | cut -c1-400 | head -n 12
        fi
}

# Every rule must have been compared: a file of rules that was left out is a failure.
compare() { # LOG ARGUMENT...
        local log=$1
        shift
        timeout -k 10 120 tests/bench/compare-yara "$@" >"$log" 2>&1 || return 1
        if grep -q '^left out: ' "$log"; then return 1; fi
}

# shellcheck disable=SC2317  # xargs calls it
one_seed() { # KIND SEED: generated once, compared with both filters
        local kind=$1 seed=$2 dir=$work/$1-$2 filter option=()
        [ "$kind" != names ] || option=(--names)
        if ! timeout 60 tests/bench/rulegen.py "$kind" "$seed" "$dir" 20 20 >"$dir.log" 2>&1; then
                echo 1 >"$dir.rc"
                return
        fi
        for filter in hyperscan gram; do
                if ! compare "$dir.log" --filter "$filter" "${option[@]}" "$dir" "$dir/files"; then
                        echo 1 >"$dir.rc"
                        return
                fi
        done
        rm -r "$dir"
        echo 0 >"$dir.rc"
}

all_seeds() {
        local seed
        {
                for seed in "${RANDOM_SEEDS[@]}"; do echo "random $seed"; done
                for seed in "${WILD_SEEDS[@]}"; do echo "wild $seed"; done
                for seed in "${NAMES_SEEDS[@]}"; do echo "names $seed"; done
        } >"$work/seeds"
        export -f one_seed compare
        export work
        # shellcheck disable=SC2016  # for the shell of xargs
        xargs -a "$work/seeds" -P "$(nproc)" -L 1 bash -c 'one_seed "$@"' one_seed
        while read -r kind seed; do
                say "$(cat "$work/$kind-$seed.rc" 2>/dev/null || echo 1)" "$kind rules and files of seed $seed, both filters" "$work/$kind-$seed.log"
        done <"$work/seeds"
}

# Links to ELF files below 4 MB, the same ones on the same machine.
gather_elves() {
        mkdir "$work/elves"
        find /usr /bin /sbin /lib /lib64 /opt -xdev -type f -size +0 -size -4096k ! -path '*/debug/*' 2>/dev/null | LC_ALL=C sort -u |
                python3 -c '
import sys
count = 0
for line in sys.stdin:
    try:
        with open(line.rstrip("\n"), "rb") as f:
            elf = f.read(4) == b"\x7fELF"
    except OSError:
        continue
    if elf:
        print(line, end="")
        count += 1
        if count == int(sys.argv[1]):
            break' "$ELF_MOST" >"$work/elves.list"
}

own_rules() {
        local filter count name
        gather_elves
        count=$(wc -l <"$work/elves.list")
        echo "# $count ELF files of this machine"
        [ "$count" -ge "$ELF_LEAST" ]
        say $? "there are $ELF_LEAST ELF files or more to match"
        for filter in hyperscan gram; do
                compare "$work/log" --filter "$filter" --list policy/rules "$work/elves.list"
                say $? "our rules over the ELF files of this machine, filter $filter" "$work/log"
                sed -n 's/^\([0-9]* rules, .*\)/# \1/p' "$work/log"
        done
        mkdir "$work/made"
        python3 tests/fixtures/mkelf.py list >"$work/names"
        while read -r name; do
                python3 tests/fixtures/mkelf.py make "$work/made/$name" --stand-in "$name"
                python3 tests/fixtures/mkelf.py make "$work/made/$name-end" --stand-in "$name" --where end --size 300000
                python3 tests/fixtures/mkelf.py plant "$POSTERN_MATCH" "$work/made/$name-planted" --stand-in "$name"
        done <"$work/names"
        for filter in hyperscan gram; do
                compare "$work/log" --filter "$filter" policy/rules "$work/made"
                say $? "our rules over stand-ins of what they look for, filter $filter" "$work/log"
        done
        grep -Eq ': [1-9][0-9]+ pairs by yara' "$work/log"
        say $? "the stand-ins are found, ten times or more" "$work/log"
}

# A comparison that cannot fail proves nothing.
can_fail() {
        compare "$work/log" --lose 5 policy/rules "$work/made"
        [ $? = 1 ] && grep -q '^missed: ' "$work/log"
        say $? "a matcher that drops every fifth pair is found out" "$work/log"
}

echo "1..$((${#RANDOM_SEEDS[@]} + ${#WILD_SEEDS[@]} + ${#NAMES_SEEDS[@]} + 7))"
[ -x "$POSTERN_MATCH" ] || { echo "Bail out! no $POSTERN_MATCH"; exit 1; }
all_seeds
own_rules
can_fail
exit $failed
