#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [BUILD_DIR]   the walls between the rooms, tested. BUILD_DIR is a release build with its programs; without
# it, build/release.
# Prints "ok - …" and "not ok - …" lines and "N passed, N failed"; exit 1 when there is a "not ok".
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build/release}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT

check() { # what, command...
        what=$1
        shift
        if "$@" >"$dir/said" 2>&1; then
                echo "ok - $what"
        else
                echo "not ok - $what"
                sed 's/^/#   /' "$dir/said"
        fi
}

all() {
        check "includes follow the directions of rooms.txt" "$here/check_includes.py"
        check "programs link what they may and are hardened" "$here/check_links.sh" "$build"
        check "files stand where they belong" "$here/check_layout.sh"
        "$here/selftest.sh" "$build" && echo "ok - each check sees what it is for" ||
                echo "not ok - each check sees what it is for"
}

all | tee "$dir/all"
passed=$(grep -c '^ok' "$dir/all")
failed=$(grep -c '^not ok' "$dir/all")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
