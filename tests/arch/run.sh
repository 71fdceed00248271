#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# run.sh [BUILD_DIR]   the walls between the rooms, tested. BUILD_DIR is a release build with its programs; without
# it, build/release.
# Prints "ok - …" and "not ok - …" lines; exit 1 when there is a "not ok".
set -u
here=$(cd "$(dirname "$0")" && pwd)
build=${1:-$here/../../build/release}
dir=$(mktemp -d) || exit 2
trap 'rm -rf "$dir"' EXIT
failed=0

check() { # what, command...
        what=$1
        shift
        if "$@" >"$dir/said" 2>&1; then
                echo "ok - $what"
        else
                echo "not ok - $what"
                sed 's/^/#   /' "$dir/said"
                failed=1
        fi
}

check "includes follow the directions of rooms.txt" "$here/check_includes.py"
check "programs link what they may and are hardened" "$here/check_links.sh" "$build"
check "files stand where they belong" "$here/check_layout.sh"
"$here/selftest.sh" "$build" || failed=1
exit $failed
