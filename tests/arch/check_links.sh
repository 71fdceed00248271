#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_links.sh BUILD_DIR   looks at the programs of a release build: what they link, how they are hardened, and that
# no worker without a jail is among them. One line per violation; exit 1 when there is one.
set -u
build=${1:?usage: check_links.sh BUILD_DIR}
bin=$build/bin
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
wrong=0

complain() {
        echo "$*"
        wrong=1
}

# program, the only libraries it may need (shell patterns; libc and the loader always)
needs() {
        program=$1
        shift
        readelf -dW "$bin/$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$dir/needed"
        [ -s "$dir/needed" ] || complain "$program: needs no library at all: not the dynamic program it should be"
        while read -r library; do
                for allowed in 'libc.so.*' 'ld-linux*' "$@"; do
                        # shellcheck disable=SC2254 # a pattern is meant
                        case $library in $allowed) continue 2 ;; esac
                done
                complain "$program: links $library"
        done <"$dir/needed"
        if readelf -dW "$bin/$program" | grep -qE '\((RPATH|RUNPATH)\)'; then
                complain "$program: has an RPATH or RUNPATH"
        fi
}

hardened() {
        program=$1
        readelf -hlW "$bin/$program" >"$dir/head"
        readelf -dW "$bin/$program" >"$dir/dynamic"
        grep -q 'FLAGS_1.*PIE' "$dir/dynamic" || complain "$program: not position independent"
        grep -q 'BIND_NOW' "$dir/dynamic" || complain "$program: binds lazily"
        grep -q 'GNU_RELRO' "$dir/head" || complain "$program: no RELRO"
        grep -q 'GNU_STACK.* RW  *0x' "$dir/head" || complain "$program: executable stack, or none declared"
        if grep -q 'LOAD.* RWE ' "$dir/head"; then
                complain "$program: a segment is writable and executable"
        fi
        readelf --dyn-syms -W "$bin/$program" | grep -oE '__[a-z_]+_chk(_fail)?' | sort -u >"$dir/checks"
        grep -qx '__stack_chk_fail' "$dir/checks" || complain "$program: no stack protector"
        grep -qvx '__stack_chk_fail' "$dir/checks" || complain "$program: no fortified call"
}

# The C library's start files on Debian carry no CET note, so a linked program has none: the objects must.
cet() {
        readelf -hW "$bin/postern-hook" | grep -q 'Machine:.*X86-64' || return 0
        for library in "$build"/libpn_*.a; do
                [ -e "$library" ] || { complain "$build: no libpn_*.a"; return; }
                objects=$(ar t "$library" | wc -l)
                notes=$(readelf -nW "$library" | grep -c 'x86 feature: IBT, SHSTK')
                [ "$objects" -eq "$notes" ] || complain "${library##*/}: $notes of $objects objects have the CET note"
        done
}

for program in postern-hook postern-worker postern; do
        [ -f "$bin/$program" ] || { complain "$bin/$program: missing"; continue; }
        hardened "$program"
done
[ "$wrong" = 0 ] || exit 1
needs postern-hook 'libjansson.so.*'
needs postern 'libjansson.so.*' 'libcrypto.so.*'
needs postern-worker 'libyara.so.*' 'libcrypto.so.*' 'libarchive.so.*' 'libseccomp.so.*' 'libcap.so.*' \
        'libhs_runtime.so.*' 'libZydis.so.*'
cet
for program in postern-hook postern-worker postern; do
        if grep -aq 'jail compiled out' "$bin/$program"; then
                complain "$program: built without its jail"
        fi
        if readelf --dyn-syms -W "$bin/$program" | grep -qE '__(asan|ubsan|sanitizer)_'; then
                complain "$program: built with sanitizers"
        fi
done
# A node that guards itself must not refuse our own programs: none of them holds the test marker.
found=$(yara "$(dirname "$0")/../../policy/rules/postern_test.yar" "$bin" 2>&1) || complain "yara: $found"
[ -z "$found" ] || complain "the test marker is in a program: $found"
exit $wrong
