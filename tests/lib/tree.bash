# SPDX-License-Identifier: Apache-2.0
# Root file systems: a real Debian one (made once, kept in build/trees) and a small one of busybox.

# A Debian with openssh-server, python3 and perl. Made aside and renamed, so that a broken run leaves nothing
# behind that looks whole.
tree_debian() { # prints its path
        local tree=$TREES/debian log=$TREES/debian.log
        mkdir -p "$TREES"
        (
                flock 9
                [ ! -e "$tree" ] || exit 0
                rm -rf "$tree.new"
                echo "making a Debian root file system in ${tree#"$TOP"/} (once)" >&2
                mmdebstrap --mode=root --variant=minbase \
                        --include=openssh-server,python3-minimal,perl-base bookworm "$tree.new" \
                        >"$log" 2>&1 </dev/null || { tail -n 5 "$log" >&2; exit 1; }
                rm -rf "$tree.new/var/cache/apt" "$tree.new/var/lib/apt/lists"
                mv "$tree.new" "$tree"
        ) 9>"$TREES/lock" || return 1
        echo "$tree"
}

# The real file behind liblzma.so.5 of a Debian tree, relative to it.
tree_liblzma() { # TREE
        local found
        found=$(cd "$1" && find usr/lib -path '*-linux-gnu*/liblzma.so.5.*' -type f | head -n 1)
        [ -n "$found" ] && echo "$found"
}

# /bin/busybox with the names that the tests use, and the directories a runtime mounts on.
tree_small() { # DIR
        local name
        mkdir -p "$1"/{bin,dev,etc,lib,proc,sys,tmp,usr/lib,vol}
        cp /bin/busybox "$1/bin/busybox"
        for name in sh true echo sleep cat ls; do
                ln -sf busybox "$1/bin/$name"
        done
        echo 'root:x:0:0:root:/:/bin/sh' >"$1/etc/passwd"
}

# The bytes of the test marker; no file of the sources holds them as they are.
marker() {
        /usr/bin/python3 -c 'import sys; sys.dont_write_bytecode = True; sys.path.insert(0, sys.argv[1])
import mkelf; sys.stdout.buffer.write(mkelf.MARKER)' "$TOP/tests/fixtures"
}
