#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# check_layout.sh [ROOT]   where things stand and what they are called. One line per violation; exit 1 when there is one.
set -u
here=$(cd "$(dirname "$0")" && pwd)
cd "${1:-$here/../..}" || exit 2
wrong=0

complain() {
        echo "$*"
        wrong=1
}

source_files() { # every file of ours, NUL-terminated; corpora are other people's bytes by design
        find . \( -path ./.git -o -path ./build -o -path ./tests/fuzz/corpus \) -prune -o -type f -print0
}

c_files() {
        find . \( -path ./.git -o -path ./build \) -prune -o -type f -name '*.[ch]' -print
}

check_top() {
        local want=' CMakeLists.txt CMakePresets.json LICENSE README.md hook scanner policy packaging tests .ci .clang-format .clang-tidy .gitignore '
        local name

        for name in $want; do
                [ -e "$name" ] || complain "$name: missing at the top"
        done
        while read -r name; do
                [[ $want == *" $name "* || $name == .git || $name == build ]] || complain "$name: does not belong at the top"
        done < <(ls -A)
}

check_c_files() {
        local file lines

        while read -r file; do
                [ "$(head -n 1 "$file")" = '/* SPDX-License-Identifier: Apache-2.0 */' ] ||
                        complain "$file: the first line is not the licence line"
                lines=$(wc -l <"$file")
                [ "$lines" -le 700 ] || complain "$file: $lines lines, at most 700"
        done < <(c_files)
}

# A room's README says within 25 lines who uses it, what it uses and what it never does. Only those that also document
# a format (policy keys, records, commands) may go on after that.
check_readmes() {
        local room folder file word

        while read -r room folder _; do
                [[ $room == '#'* || -z $room ]] && continue
                file=$folder/README.md
                [ -f "$file" ] || { complain "$file: missing"; continue; }
                for word in 'used by' 'uses' 'never'; do
                        head -n 25 "$file" | grep -qiw "$word" || complain "$file: does not say \`$word\` in its first 25 lines"
                done
                [[ $folder =~ ^(policy|hook/report|hook/cli)$ ]] || [ "$(wc -l <"$file")" -le 25 ] ||
                        complain "$file: longer than 25 lines"
        done <"$here/rooms.txt"
}

check_names() {
        local file stem

        while IFS= read -r -d '' file; do
                stem=${file##*/}
                stem=${stem%%.*}
                [[ ${stem,,} =~ ^(utils?|misc|common|helpers?|stuff)$ ]] && complain "$file: a name that says nothing"
        done < <(source_files)
}

# The patterns are written so that they do not find themselves.
check_words() {
        local found

        found=$(source_files | xargs -0 grep -nIE "(^|[^A-Za-z0-9_.-])/(wor[k]/|hom[e]/[a-z]+/(src|git|projects?)|tmp/b[sr][a-z]*-)" --)
        [ -z "$found" ] || complain "a path of somebody's machine: $found"
        found=$(source_files | grep -zv '^\./LICENSE$' |
                xargs -0 grep -nIiE '@autho[r]|^[ /*#]*autho[r]s?:|copyrigh[t] \(|signed-off-b[y]' --)
        [ -z "$found" ] || complain "an author's name: $found"
}

check_top
check_c_files
check_readmes
check_names
check_words
exit $wrong
