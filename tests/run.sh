#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [PART...]   builds and runs the tests; without PART all of them, in this order:
#   unit         unit tests of the release build (jailed)
#   sanitize     the same with ASan and UBSan
#   arch         include directions, linkage, hardening: tests/arch/run.sh
#   cli          command tests: tests/cli/*.bats
#   integration  real runc and real crun: tests/integration/*.bats
#   match        the matcher says what yara says: tests/match.sh
#   fuzz         every target for FUZZ_SECONDS (30) from its kept corpus; new inputs stay in build/
#   lint         gcc -fanalyzer, cppcheck, clang-tidy, shellcheck
# Debian 12, root. A part that is missing or cannot run is a failure, never a skip. Last line: N passed, N failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/lib/all.bash
. tests/lib/all.bash
export POSTERN_BIN=$BIN
FUZZ_SECONDS=${FUZZ_SECONDS:-30}
JOBS=$(nproc)
OUT=$TOP/build/tests
passed=0 failed=0 broken=()

pass() { # NAME
        passed=$((passed + 1))
        echo "ok   $1"
}

fail() { # NAME [LOG]
        failed=$((failed + 1))
        broken+=("$1")
        echo "FAIL $1"
        [ -z "${2:-}" ] || tail -n 25 "$2" | sed 's/^/     /'
}

# One check is one command; its output is shown when it fails.
check() { # NAME COMMAND...
        local name=$1 log
        shift
        log=$OUT/$(printf '%s' "$name" | tr -c 'A-Za-z0-9._-' _).log
        if "$@" >"$log" 2>&1 </dev/null; then
                pass "$name"
        else
                fail "$name" "$log"
        fi
}

heading() {
        printf '== %s (%d s)\n' "$*" "$SECONDS"
}

build() { # PRESET [TARGET...]
        local preset=$1
        shift
        cmake --preset "$preset" && cmake --build --preset "$preset" ${1:+--target "$@"}
}

# Several parts need the same build: it is made and counted once.
declare -A built
need_build() { # PRESET [TARGET...]
        [ -z "${built[$1]:-}" ] || return 0
        built[$1]=yes
        check "build $1" build "$@"
}

# Adds up TAP lines; a test that was skipped has not passed, and no test at all is a failure.
count_tap() { # NAME LOG
        local ok=0 line
        while IFS= read -r line; do
                case $line in
                'ok '*'# skip'* | 'not ok '*)
                        fail "$1: ${line#*ok }"
                        ;;
                'ok '*) ok=$((ok + 1)) ;;
                esac
        done <"$2"
        passed=$((passed + ok))
        echo "ok   $1: $ok"
        grep -q '^1\.\.[1-9]' "$2" || fail "$1 ran no test" "$2"
}

# ---------------------------------------------------------------- unit tests

# cmocka's own lines are counted; a program that failed in another way counts once.
ctest_words() { # LOG   what the programs that failed said, without the tests that passed
        local number
        for number in $(sed -nE 's/^ *[0-9]+\/[0-9]+ Test +#([0-9]+): .*(\*\*\*|Not Run).*/\1/p' "$1"); do
                grep -E "^$number: " "$1" | grep -vE '\[ (RUN|      OK) ' | tail -n 30 | sed 's/^/     /'
        done
}

run_ctest() { # PRESET
        local log=$OUT/ctest-$1.log ok wrong programs
        # The sanitizers' own checks of the process (ptrace for leaks) take time: ctest bounds each program.
        ctest --test-dir "build/$1" --verbose -j "$JOBS" --timeout 180 >"$log" 2>&1 </dev/null
        ok=$(grep -cE '^[0-9]+: \[ +OK \]' "$log")
        wrong=$(grep -cE '^[0-9]+: \[  (FAILED|ERROR) +\] [a-z]' "$log")
        programs=$(grep -cE '^ *[0-9]+/[0-9]+ Test .*(\*\*\*|Not Run)' "$log")
        passed=$((passed + ok))
        echo "ok   unit tests of $1: $ok"
        if [ "$wrong" != 0 ] || [ "$programs" != 0 ] || [ "$ok" = 0 ]; then
                ctest_words "$log"
                fail "unit tests of $1 (see ${log#"$TOP"/})"
                failed=$((failed - 1 + (wrong > programs ? wrong : (programs > 0 ? programs : 1))))
        fi
}

part_unit() {
        need_build release
        run_ctest release
}

part_sanitize() {
        need_build sanitize
        ASAN_OPTIONS=detect_leaks=1:abort_on_error=1 UBSAN_OPTIONS=print_stacktrace=1 run_ctest sanitize
}

# ---------------------------------------------------------------- arch, commands, runtimes

part_arch() {
        local log=$OUT/arch.log rc=0 ok wrong
        if [ ! -x tests/arch/run.sh ]; then
                fail "tests/arch/run.sh is missing"
                return
        fi
        need_build release
        tests/arch/run.sh >"$log" 2>&1 </dev/null || rc=$?
        if grep -qE '^[0-9]+ passed, [0-9]+ failed$' "$log"; then
                grep -vE '^ok|^[0-9]+ passed' "$log"
                read -r ok _ wrong _ < <(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$log" | tail -n 1)
                passed=$((passed + ok)) failed=$((failed + wrong))
                echo "ok   arch: $ok"
                [ "$wrong" = 0 ] || broken+=("arch: $wrong")
        fi
        [ "$rc" = 0 ] || [ "${wrong:-0}" != 0 ] || fail "tests/arch/run.sh" "$log"
}

# Each file in a mount namespace of its own, so that nothing that a test mounts outlives it.
bats_one() { # LOG RUNTIME FILE
        RUNTIME=$2 timeout -k 10 400 unshare -m --propagation private bats --formatter tap "$3" >"$1" 2>&1 </dev/null
        echo "# exit status $?" >>"$1"
}

# Runs every "RUNTIME FILE" of the list, as many at a time as there are processors.
run_bats() { # LABEL LINE...
        local label=$1 line log
        shift
        if [ $# = 0 ]; then
                fail "$label: no tests"
                return
        fi
        for line; do
                set -- $line
                log=$OUT/bats-$1-$(basename "$2" .bats).log
                while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
                        wait -n
                done
                bats_one "$log" "$1" "$2" &
        done
        wait
}

report_bats() { # LINE...
        local line log name
        for line; do
                set -- $line
                name=$(basename "$2" .bats)
                log=$OUT/bats-$1-$name.log
                count_tap "$name${3:+ ($1)}" "$log"
                grep -A 30 '^not ok' "$log" | sed 's/^/     /' | head -n 120
                # bats leaves with 1 when a test failed: those are counted. Anything else is its own failure.
                grep -qE '^# exit status [01]$' "$log" || fail "$name: bats itself" "$log"
        done
}

part_cli() {
        local list=()
        need_build release
        for file in tests/cli/*.bats; do
                [ ! -e "$file" ] || list+=("- $file")
        done
        run_bats "tests/cli" "${list[@]}"
        report_bats "${list[@]}"
}

# tests/integration/hook_*.bats drive the hook by hand and run once; the others run under both runtimes.
part_integration() {
        local list=() file
        need_build release
        check "Debian root file system" tree_debian
        check "a worker without its jail, to be refused" build sanitize postern-worker
        for file in tests/integration/*.bats; do
                case $file in
                */hook_*) list+=("- $file") ;;
                *.bats) list+=("runc $file runtime" "crun $file runtime") ;;
                esac
        done
        check "runc is there" runc --version
        check "crun is there" crun --version
        run_bats "tests/integration" "${list[@]}"
        report_bats "${list[@]}"
}

# ---------------------------------------------------------------- the matcher against yara

part_match() {
        local log=$OUT/match.log
        need_build release
        timeout -k 10 900 tests/match.sh >"$log" 2>&1 </dev/null
        count_tap match "$log"
        grep -A 20 '^not ok' "$log" | sed 's/^/     /' | head -n 80
}

# ---------------------------------------------------------------- fuzz

fuzz_one() { # NAME
        local name=$1 work=$TOP/build/fuzz/work/$1
        mkdir -p "$work/new" "$work/bad"
        timeout -k 10 $((FUZZ_SECONDS + 60)) "build/fuzz/bin/fuzz_$name" -max_total_time="$FUZZ_SECONDS" -timeout=20 -rss_limit_mb=2048 \
                -print_final_stats=1 -artifact_prefix="$work/bad/" "$work/new" "tests/fuzz/corpus/$name" \
                >"$work/log" 2>&1 </dev/null
        echo $? >"$work/rc"
}

part_fuzz() {
        local targets target name work
        mapfile -t targets < <(find tests/fuzz -name 'fuzz_*.c' -printf '%f\n' | sort)
        need_build fuzz "${targets[@]%.c}"
        [ ${#targets[@]} != 0 ] || fail "no fuzz targets"
        for target in "${targets[@]}"; do
                name=${target#fuzz_} name=${name%.c}
                rm -rf "build/fuzz/work/$name"
                if [ -z "$(ls -A "tests/fuzz/corpus/$name" 2>/dev/null)" ]; then
                        fail "fuzz $name has no corpus in tests/fuzz/corpus/$name"
                        continue
                fi
                while [ "$(jobs -rp | wc -l)" -ge "$JOBS" ]; do
                        wait -n
                done
                fuzz_one "$name" &
        done
        wait
        for target in "${targets[@]}"; do
                name=${target#fuzz_} name=${name%.c} work=build/fuzz/work/$name
                [ -e "$work/rc" ] || continue
                if [ "$(cat "$work/rc")" = 0 ] && [ -z "$(ls -A "$work/bad")" ]; then
                        pass "fuzz $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log") runs"
                else
                        fail "fuzz $name: $(ls "$work/bad")" "$work/log"
                fi
        done
}

# ---------------------------------------------------------------- lint

product_sources() {
        find hook policy scanner -name '*.c' | sort
}

tidy() {
        product_sources | xargs -P "$JOBS" -n 4 timeout 240 clang-tidy -p build/release --quiet
}

cpp_check() {
        # leaks are left to the sanitizers: cppcheck does not know attribute cleanup
        timeout 240 cppcheck -q -j "$JOBS" --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
                --std=c11 --library=posix --suppress=missingIncludeSystem --suppress=preprocessorErrorDirective:policy/keys.c --suppress=memleak --suppress=resourceLeak \
                -D_GNU_SOURCE '-Djson_array_foreach(array, index, value)=for (; next(array, &index, &value);)' \
                '-Djson_object_foreach(object, key, value)=for (; next(object, &key, &value);)' -I. hook policy scanner
}

shell_check() {
        find packaging tests .ci '(' -name '*.sh' -o -name '*.bash' -o -path .ci/run ')' -print0 |
                xargs -0 shellcheck -x -S warning
}

part_lint() {
        check "gcc -fanalyzer" timeout 400 bash -c 'cmake --preset analyze && cmake --build --preset analyze'
        check "compile commands" cmake --preset release
        check "cppcheck" cpp_check
        check "clang-tidy" tidy
        check "shellcheck" shell_check
}

# ---------------------------------------------------------------- all of it

all=(unit sanitize arch cli integration match fuzz lint)
for part; do
        case " ${all[*]} " in
        *" $part "*) ;;
        *) echo "run.sh: no part \`$part\`; there are: ${all[*]}" >&2; exit 64 ;;
        esac
done
[ "$(id -u)" = 0 ] || { echo "run.sh: needs root: it starts containers" >&2; exit 1; }
packaging/install-build-deps.sh || exit 1
mkdir -p "$OUT"
[ $# != 0 ] || set -- "${all[@]}"
for part; do
        heading "$part"
        "part_$part"
done
heading "done"
[ ${#broken[@]} = 0 ] || printf 'broken: %s\n' "${broken[@]}"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
