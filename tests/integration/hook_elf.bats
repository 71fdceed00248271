#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What is in the files: where the marker may hide in an ELF file, what every stand-in is called, what is no ELF
# file, and what cannot be decided. One row, one tree, one run of the hook.
load ../lib/all

setup_file() {
        file_setup
}

setup() {
        test_setup
        rm -f "$root/bin/"*
        mkdir -p "$root/x"
}

teardown() {
        test_teardown
}

# One file made by mkelf at x/file; `row` is for the message.
row() { # MKELF-ARG...
        rm -f "$root/x/file"
        mkelf "${1}" "${@:2}"
        echo "row: $*"
        hook "$(state)"
}

made() { # MKELF-ARG...
        row make "$root/x/file" "$@"
}

@test "the marker is found wherever in the file it is" {
        for where in rodata note overlay end 5000 1048540 4194290; do
                made --stand-in marker --where "$where"
                refused
        done
        made --stand-in marker --where end --size 20000000
        refused
}

@test "the marker is found across the edge of every block" {
        for power in 12 13 14 15 16 17 18 19 20 21 22 23 24; do
                made --stand-in marker --where $(((1 << power) - 30))
                refused
        done
}

@test "the marker is found in every class, byte order, type and machine" {
        for class in 32 64; do
                for data in little big; do
                        for type in rel exec dyn; do
                                made --stand-in marker --class "$class" --data "$data" --type "$type"
                                refused
                        done
                done
        done
        made --stand-in marker --machine s390 --class 64 --data big
        refused
        made --stand-in marker --machine 65535
        refused
}

@test "the same files without the marker are admitted" {
        while read -r class data machine; do
                for type in rel exec dyn; do
                        made --stand-in clean --class "$class" --data "$data" --machine "$machine" --type "$type"
                        admitted
                done
        done <<ROWS
32 little 386
64 little x86-64
32 big mips
64 big s390
ROWS
}

@test "a marked file whose headers lie is refused by the marker, not only undecided" {
        for break in lying-class lying-data phdr-past-end segment-past-end; do
                made --stand-in marker --break "$break"
                refused
        done
}

@test "a file whose headers lie or end too early is undecided" {
        for break in truncated short-header phdr-past-end segment-past-end; do
                made --stand-in clean --break "$break"
                refused_with 11
                record '.issues[] | select(.class == "malformed" and .path == "x/file")'
        done
}

@test "malformed files are admitted where the policy says so" {
        policy_write '.on_error.malformed = "report"'
        made --stand-in clean --break truncated
        admitted
        record '.issues[] | select(.class == "malformed")'
}

@test "every stand-in is refused under its rule" {
        while read -r stand_in rule; do
                made --stand-in "$stand_in"
                refused
                record ".findings[] | select(.path == \"x/file\" and (.rule | startswith(\"$rule\")))"
        done <<ROWS
xz XZ-
xz-rekeyed XZ-
php PHP-
proftpd PROFTPD-BACKDOOR-
miner CRYPTOMINER-
kinsing KINSING-
marker POSTERN-TEST-001
ROWS
}

@test "one indicator alone and the text of rules do not refuse" {
        for stand_in in xz-single php-single proftpd-single miner-single kinsing-single rule-text clean; do
                made --stand-in "$stand_in"
                admitted
        done
}

@test "the marker in what is no ELF file is admitted: text, empty magic, magic at an offset" {
        marker >"$root/x/text"
        { printf '\177EL'; marker; } >"$root/x/nearly"
        { printf 'x'; cat "$P/marked"; } >"$root/x/shifted"
        hook "$(state)"
        admitted
}

@test "neither name nor mode decide what an ELF file is" {
        for name in readme.txt .hidden a.o lib.so.1 module.ko 'a b' -rf; do
                rm -rf "$root/x"/* "$root/x"/.[a-z]*
                cp "$P/marked" "$root/x/$name"
                chmod 0000 "$root/x/$name"
                echo "name: $name"
                hook "$(state)"
                refused
        done
}

@test "a text of four bytes that are the magic is malformed, not clean" {
        printf '\177ELF' >"$root/x/file"
        hook "$(state)"
        refused_with 11
}

@test "planted into a real library it is found, and the library itself is clean" {
        library=$(tree_debian)/$(tree_liblzma "$(tree_debian)")
        for where in section overlay; do
                row plant "$library" "$root/x/file" --stand-in marker --where "$where"
                refused
        done
        cp "$library" "$root/x/file"
        hook "$(state)"
        admitted
}

@test "a denied digest is refused, and the same file with one byte more is not" {
        mkdir "$T/deny"
        made --stand-in clean
        admitted
        digest=$(sha256sum "$root/x/file" | cut -d ' ' -f 1)
        printf '%s\tmalware\tcritical\thigh\tsample of the test\tthis test\n' "$digest" >"$T/deny/one.tsv"
        policy_write --arg d "$T/deny" '.deny_hashes = [$d]'
        hook "$(state)"
        refused
        record ".findings[] | select(.detector == \"hash\" and .sha256 == \"$digest\")"
        printf x >>"$root/x/file"
        hook "$(state)"
        admitted
}

@test "a terabyte of hole with a marked head is refused, and ends" {
        cp "$P/marked" "$root/x/file"
        truncate -s 1T "$root/x/file"
        hook "$(state)"
        refused
        [ "$took_ms" -lt 15000 ]
}

@test "a terabyte of hole with a marked tail is refused, and ends" {
        cp "$P/clean" "$root/x/file"
        truncate -s 1T "$root/x/file"
        marker >>"$root/x/file"
        hook "$(state)"
        refused
        [ "$took_ms" -lt 15000 ]
}
