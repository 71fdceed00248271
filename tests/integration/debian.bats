#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A real Debian with openssh-server, python3 and perl: admitted as it is, refused with a stand-in in it.
load ../lib/all

setup_file() {
        file_setup
        DEBIAN=$(tree_debian)
        export DEBIAN
}

setup() {
        test_setup
        root=$T/merged
        mkdir -p "$root" "$T/upper" "$T/work"
        mount -t overlay pn "$root" -o "lowerdir=$DEBIAN,upperdir=$T/upper,workdir=$T/work"
        bundle_edit "$bundle" --arg r "$root" '.root.path = $r'
        hook_add
}

teardown() {
        test_teardown
}

runs() { # COMMAND
        bundle_edit "$bundle" --arg c "$1" '.process.args = ["/bin/sh", "-c", $c]'
}

@test "the tree is whole" {
        for program in usr/sbin/sshd usr/bin/perl usr/bin/python3 "$(tree_liblzma "$DEBIAN")"; do
                [ -s "$DEBIAN/$program" ]
        done
}

@test "clean it starts, and its programs run" {
        runs 'ssh -V && perl -e "print qq(perl\n)" && python3 -c "print(1)" && echo RAN'
        start
        admitted
        record '.verdict == "clean" and .counts.files > 3000 and .counts.elf > 300 and .refusing == 0 and .reported == 0'
}

@test "with the xz stand-in in liblzma.so.5 it is refused, by path and rule" {
        library=$(tree_liblzma "$DEBIAN")
        mkelf plant "$DEBIAN/$library" "$T/planted" --stand-in xz
        cp "$T/planted" "$root/$library"
        runs 'echo RAN'
        start
        refused
        record ".findings[] | select(.path == \"$library\" and (.rule | startswith(\"XZ-BACKDOOR\")))"
}

@test "with the marker in any one of many programs it is refused" {
        for victim in usr/sbin/sshd usr/bin/perl usr/bin/python3.11 usr/bin/bash; do
                mkelf plant "$DEBIAN/$victim" "$T/planted" --stand-in marker
                cp "$T/planted" "$root/$victim"
                runs 'echo RAN'
                start
                refused
                record ".findings[] | select(.path == \"$victim\")"
                rm -rf "$T/planted"
                cp "$DEBIAN/$victim" "$root/$victim"
        done
}

@test "monitor mode starts the one with the stand-in and records that it would refuse" {
        policy_write '.mode = "monitor"'
        library=$(tree_liblzma "$DEBIAN")
        mkelf plant "$DEBIAN/$library" "$T/planted" --stand-in xz
        cp "$T/planted" "$root/$library"
        runs 'echo RAN'
        start
        admitted
        record '.would_refuse == true'
}
