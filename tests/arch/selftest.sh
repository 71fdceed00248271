#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# selftest.sh BUILD_DIR   plants one violation at a time in a small copy and demands that its check sees that one.
set -u
build=$(cd "${1:?usage: selftest.sh BUILD_DIR}" && pwd) || exit 2
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0
spdx='/* SPDX-License-Identifier: Apache-2.0 */'

# A tree of a few files that all checks accept.
plain_tree() {
        rm -rf "$dir/tree"
        mkdir -p "$dir"/tree/{packaging,tests,.ci,build}
        (cd "$dir/tree" && touch CMakeLists.txt CMakePresets.json LICENSE README.md .clang-format .clang-tidy .gitignore)
        while read -r room folder _; do
                [[ $room == '#'* || -z $room ]] && continue
                mkdir -p "$dir/tree/$folder"
                printf '# %s\n\nUsed by: x. Uses: y. Never: z.\n' "$room" >"$dir/tree/$folder/README.md"
                printf '%s\n' "$spdx" >"$dir/tree/$folder/$room.h"
                printf '%s\n#include "%s/%s.h"\n#include <stdio.h>\n' "$spdx" "$folder" "$room" >"$dir/tree/$folder/$room.c"
        done <"$here/rooms.txt"
}

plain_build() {
        rm -rf "$dir/build"
        mkdir -p "$dir/build"
        cp -r "$build/bin" "$build"/libpn_*.a "$dir/build/"
}

report() { # ok?, what
        if [ "$1" = 0 ]; then
                echo "ok - $2"
        else
                echo "not ok - $2"
                sed 's/^/#   /' "$dir/said"
                failed=1
        fi
}

accepts() { # what, check, argument
        "$2" "$3" >"$dir/said" 2>&1
        report $? "$1"
}

refuses() { # what, words it must say, check, argument
        "$3" "$4" >"$dir/said" 2>&1
        [ $? -eq 1 ] && grep -qF -- "$2" "$dir/said" && [ "$(wc -l <"$dir/said")" -eq 1 ]
        report $? "$1"
}

include_case() { # file, line, words
        plain_tree
        printf '%s\n' "$2" >>"$dir/tree/$1"
        refuses "includes: $1 may not say: $2" "$3" "$here/check_includes.py" "$dir/tree"
}

layout_case() { # what, words; the violation is planted already
        refuses "layout: $1" "$2" "$here/check_layout.sh" "$dir/tree"
}

links_case() { # what, words; the violation is planted already
        refuses "links: $1" "$2" "$here/check_links.sh" "$dir/build"
}

plain_tree
accepts "includes: a plain tree is accepted" "$here/check_includes.py" "$dir/tree"
accepts "layout: a plain tree is accepted" "$here/check_layout.sh" "$dir/tree"

include_case scanner/engine/engine.c '#include "scanner/target/target.h"' 'room engine may not include room target'
include_case scanner/target/target.c '#include "scanner/engine/engine.h"' 'room target may not include room engine'
include_case policy/policy.c '#include "scanner/scan/scan.h"' 'room policy may not include room scan'
include_case scanner/scan/scan.c '#include "policy/policy.h"' 'room scan may not include room policy'
include_case scanner/scan/scan.c '#include "scanner/engine/engine.h"' 'room scan may not include room engine'
include_case hook/hook.c '#include "scanner/engine/engine.h"' 'room hook may not include room engine'
include_case hook/hook.c '#include "scanner/worker/worker.h"' 'room hook may not include room worker'
include_case hook/report/report.h '#include "hook/hook.h"' 'room report may not include room hook'
include_case scanner/base/base.h '  #  include "scanner/finding/finding.h" /* why */' 'room base may not include room finding'
include_case hook/cli/cli.c '#include "scanner/worker/worker.h"' 'room cli may not include room worker'
include_case hook/hook.c '#include "process.h"' 'is not in a room'
include_case hook/hook.c '#include "../scanner/base/base.h"' 'is not in a room'
include_case hook/hook.c '#include "hook/gone.h"' 'does not exist'
include_case hook/hook.c '#include HEADER' 'must be a plain name'
include_case hook/hook.c '#include <yara.h>' 'room hook may not name yara'
include_case hook/hook.c '#include <openssl/evp.h>' 'room hook may not name crypto'
include_case scanner/worker/worker.c '#include <yara/types.h>' 'room worker may not name yara'
include_case scanner/engine/engine.c '#include <seccomp.h>' 'room engine may not name seccomp'
include_case scanner/target/target.c '#include <sys/capability.h>' 'room target may not name cap'
include_case scanner/scan/scan.c '#include <archive.h>' 'room scan may not name archive'
include_case scanner/base/base.c '#include <jansson.h>' 'room base may not name jansson'
include_case scanner/engine/engine.c '#include <dlfcn.h>' 'neither libc nor a library'
plain_tree
mkdir "$dir/tree/scanner/loose" && printf '%s\n' "$spdx" >"$dir/tree/scanner/loose/x.c"
refuses "includes: a C file outside every room" "scanner/loose/ is not a room" "$here/check_includes.py" "$dir/tree"

plain_tree && rm "$dir/tree/LICENSE" && layout_case "a file missing at the top" "LICENSE: missing"
plain_tree && touch "$dir/tree/notes.txt" && layout_case "a stranger at the top" "notes.txt: does not belong"
plain_tree && sed -i 1d "$dir/tree/hook/hook.c" && layout_case "a C file without licence line" "hook/hook.c: the first line"
plain_tree && yes '' | head -n 700 >>"$dir/tree/hook/hook.c" && layout_case "a C file of 703 lines" "hook/hook.c: 703 lines"
plain_tree && rm "$dir/tree/hook/README.md" && layout_case "a room without README" "hook/README.md: missing"
plain_tree && sed -i 's/Never/Now/' "$dir/tree/hook/README.md" && layout_case "a README without its never" "\`never\`"
plain_tree && yes x | head -n 30 >>"$dir/tree/hook/README.md" && layout_case "a README that goes on" "longer than 25 lines"
plain_tree && touch "$dir/tree/hook/misc.txt" && layout_case "a name that says nothing" "./hook/misc.txt: a name"
plain_tree && echo "see /""work/x" >>"$dir/tree/README.md" && layout_case "a path of a machine" "a path of somebody's machine"
plain_tree && echo "# Auth""or: A. Person" >>"$dir/tree/README.md" && layout_case "an author's name" "an author's name"

plain_build
accepts "links: the build as it is" "$here/check_links.sh" "$dir/build"
fake() { # program, compiler and linker arguments...
        local program=$1
        shift
        printf '#include <stdio.h>\nint main(int c, char **v)\n{\n        char b[64];\n        snprintf(b, c, "%%s", v[0]);\n        return puts(b);\n}\n' >"$dir/fake.c"
        plain_build
        rm -f "$dir/build/bin/$program"
        "${CC:-cc}" -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE -pie -Wl,-z,relro,-z,now,-z,noexecstack "$dir/fake.c" \
                -o "$dir/build/bin/$program" "$@"
}
fake postern-hook -ljansson && accepts "links: a stand-in built as it should be" "$here/check_links.sh" "$dir/build"
fake postern-hook -Wl,--no-as-needed -lyara && links_case "the hook with a matcher" "postern-hook: links libyara"
fake postern-hook -Wl,--no-as-needed -lcrypto && links_case "the hook with libcrypto" "postern-hook: links libcrypto"
fake postern -Wl,--no-as-needed -lseccomp && links_case "the CLI with libseccomp" "postern: links libseccomp"
fake postern-worker -Wl,--no-as-needed -ljansson && links_case "the worker with jansson" "postern-worker: links libjansson"
fake postern-hook -Wl,-rpath,/opt/x && links_case "an RPATH" "has an RPATH or RUNPATH"
fake postern-hook -no-pie && links_case "not PIE" "not position independent"
fake postern-hook -Wl,-z,lazy && links_case "lazy binding" "binds lazily"
fake postern-hook -Wl,-z,norelro && links_case "no RELRO" "no RELRO"
fake postern-hook -Wl,-z,execstack && links_case "an executable stack" "executable stack"
fake postern-hook -fno-stack-protector && links_case "no stack protector" "no stack protector"
fake postern-hook -U_FORTIFY_SOURCE && links_case "no fortified call" "no fortified call"
fake postern-worker && printf 'jail compiled out' >>"$dir/build/bin/postern-worker" &&
        links_case "a worker without its jail" "postern-worker: built without its jail"
plain_build && rm "$dir/build/bin/postern-worker" && links_case "a program missing" "postern-worker: missing"
if readelf -hW "$build/bin/postern-hook" | grep -q 'Machine:.*X86-64'; then
        plain_build && (cd "$dir" && echo 'int pn_x(void); int pn_x(void) { return 1; }' >x.c && "${CC:-cc}" -c -fcf-protection=none x.c &&
                ar q build/libpn_base.a x.o) && links_case "an object without CET" "libpn_base.a: "
fi
exit $failed
