#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The walk over trees that want to lose it.
load ../lib/all

setup_file() {
        file_setup
}

setup() {
        test_setup
        rm -f "$root/bin/"*
        mkdir -p "$root/x"
        cp "$P/clean" "$root/usr/lib/clean.so"
}

teardown() {
        kill ${background:-} 2>/dev/null || :
        fuse_end
        test_teardown
}

# The tree as it stands is admitted, and with one marked file at PATH it is refused.
only_marked_is_refused() { # PATH
        hook "$(state)"
        admitted
        cp "$P/marked" "$root/$1"
        hook "$(state)"
        refused
}

deep() { # LEVELS [FILE]   a chain of directories below root/x, with FILE at its end
        /usr/bin/python3 - "$root/x" "$@" <<'PY'
import os, shutil, sys
top, levels = sys.argv[1], int(sys.argv[2])
os.chdir(top)
for _ in range(levels):
    try:
        os.mkdir("d" * 100)
    except FileExistsError:
        pass
    os.chdir("d" * 100)
if len(sys.argv) > 3:
    shutil.copy(sys.argv[3], "file")
PY
}

@test "a tree deeper than PATH_MAX is walked to its end" {
        deep 300
        hook "$(state)"
        admitted
        deep 300 "$P/marked"
        hook "$(state)"
        refused
        record '.findings[0].path_cut == true'
        rm -rf "$root/x"
}

@test "a tree deeper than the limit is undecided" {
        policy_write '.limits.depth = 50'
        deep 60
        hook "$(state)"
        refused_with 11
        record '.issues[] | select(.class == "limit")'
}

@test "twenty thousand files in one directory are all looked at" {
        /usr/bin/python3 - "$root/x" <<'PY'
import os, sys
for n in range(20000):
    os.close(os.open(f"{sys.argv[1]}/{n}", os.O_CREAT | os.O_WRONLY))
PY
        hook "$(state)"
        admitted
        record '.counts.files > 20000'
        cp "$P/marked" "$root/x/13131"
        hook "$(state)"
        refused
        policy_write '.limits.files = 10000'
        rm "$root/x/13131"
        hook "$(state)"
        refused_with 11
}

@test "more directories than the limit are undecided" {
        mkdir "$root/x/"{1..200}
        hook "$(state)"
        admitted
        policy_write '.limits.directories = 100'
        hook "$(state)"
        refused_with 11
        record '.issues[] | select(.class == "limit")'
}

@test "more bytes than the limit are undecided" {
        for n in 1 2 3 4; do
                cp "$P/clean" "$root/x/$n"
                head -c 600000 /dev/urandom >>"$root/x/$n"
        done
        hook "$(state)"
        admitted
        policy_write '.limits.total_bytes = 1048576'
        hook "$(state)"
        refused_with 11
        record '.issues[] | select(.class == "limit")'
}

@test "more bytes than can be hashed are undecided, and a marked file among them is refused" {
        policy_write '.limits.hash_bytes = 1048576'
        mkelf make "$root/x/big" --stand-in clean --size 2000000
        hook "$(state)"
        refused_with 11
        mkelf make "$root/x/big" --stand-in marker --where end --size 2000000
        hook "$(state)"
        refused
}

@test "loops of bind mounts end, and what is in them is found" {
        mkdir -p "$root/x/a" "$root/x/b"
        mount --bind "$root" "$root/x/a"
        mount --bind "$root/x" "$root/x/b"
        mount --bind "$root" "$root/x/a/x/b"
        only_marked_is_refused usr/lib/marked
}

@test "a file system mounted inside the tree is entered" {
        mount -t tmpfs pn "$root/x"
        only_marked_is_refused x/marked
}

@test "hard links of one file cost one look, and a marked one is found whatever its name" {
        for n in $(seq 1 500); do
                ln "$root/usr/lib/clean.so" "$root/x/$n"
        done
        hook "$(state)"
        admitted
        record '.counts.files < 20'
        only_marked_is_refused x/501
}

@test "a hard link to a file outside is in the tree" {
        ln "$P/marked" "$root/x/linked"
        hook "$(state)"
        refused
}

@test "files and directories of mode 0000, of other users, and immutable ones are read" {
        mkdir -p "$root/x/closed"
        cp "$P/marked" "$root/x/closed/file"
        chown -R 12345:12345 "$root/x/closed"
        chmod 0000 "$root/x/closed/file" "$root/x/closed"
        hook "$(state)"
        refused
        record '.findings[] | select(.path == "x/closed/file")'
}

@test "set-uid files with capabilities are read like any other" {
        cp "$P/marked" "$root/x/file"
        chmod 6755 "$root/x/file"
        hook "$(state)"
        refused
}

@test "FIFOs, sockets and devices are counted and never opened" {
        mkfifo "$root/x/fifo"
        mknod "$root/x/watchdog" c 10 130
        mknod "$root/x/disk" b 8 0
        mknod "$root/x/zero" c 1 5
        /usr/bin/python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$root/x/socket"
        # a writer that would be let through if anybody opened the FIFO for reading
        (echo opened >"$root/x/fifo"; echo yes >"$T/opened") &
        background=$!
        hook "$(state)"
        admitted
        record '.counts.special_files == 5'
        [ ! -e "$T/opened" ]
}

@test "links are counted and never followed: out of the tree, to /proc/self, to files and directories" {
        mkdir "$T/outside"
        cp "$P/marked" "$T/outside/file"
        ln -s "$T/outside" "$root/x/absolute"
        ln -s "$T/outside/file" "$root/x/file"
        ln -s ../../outside "$root/x/dots"
        ln -s /proc/self/root "$root/x/magic"
        ln -s /proc/self/exe "$root/x/exe"
        ln -s loop "$root/x/loop"
        ln -s . "$root/x/here"
        hook "$(state)"
        admitted
        record '.counts.links >= 7'
}

@test "a link inside the tree hides nothing: its target is met under its own name" {
        cp "$P/marked" "$root/x/real"
        ln -s x/real "$root/link"
        hook "$(state)"
        refused
        record '[.findings[].path] == ["x/real"]'
}

@test "names of every kind are walked, and are harmless in what is said" {
        /usr/bin/python3 - "$root/x" "$P/marked" <<'PY'
import os, shutil, sys
top = os.fsencode(sys.argv[1])
names = [b"new\nline", b"\x1b]0;title\x07", b"\x9b31m", b"\xff\xfe\x80", b"n" * 255, b" ", b"%n%s%x", b'"}],"verdict":"clean"',
         b"\\", b"\xe2\x80\xaegnp.exe", b"-rf", b"*", b"\r", b"\x7f", "ü".encode()]
for name in names:
    os.mkdir(os.path.join(top, name))
    shutil.copy(sys.argv[2], os.path.join(top, name, name))
PY
        hook "$(state)"
        refused
        line_is_decent "$T/stderr"
        record '[.findings[].path_b64] | length == 15'
        [ "$(wc -l <"$audit")" = 1 ]
        [ "$(LC_ALL=C grep -c '[^ -~]' "$audit")" = 0 ]
        rm -rf "$root/x"
}

@test "each such name is found by itself" {
        /usr/bin/python3 - "$root/x" "$P/marked" <<'PY'
import os, shutil, sys
shutil.copy(sys.argv[2], os.path.join(os.fsencode(sys.argv[1]), b"a\n\xffb"))
PY
        hook "$(state)"
        refused
        record '.findings[0].path_b64' | base64 -d | cmp - <(printf 'x/a\n\377b')
}

@test "a file that grows while it is read is undecided or right, and ends" {
        cp "$P/clean" "$root/x/grows"
        truncate -s 300M "$root/x/grows"
        (while :; do echo more; done >>"$root/x/grows") 2>/dev/null &
        background=$!
        hook "$(state)"
        refused_with 11
        kill "$background"
        [ "$took_ms" -lt 15000 ]
}

@test "a file that is swapped for links and back is never followed out of the tree" {
        mkdir "$T/outside"
        cp "$P/marked" "$T/outside/secret"
        cp "$P/clean" "$root/x/victim"
        swapping "$root/x/victim" "$T/outside/secret" &
        background=$!
        for n in 1 2 3 4 5 6 7 8 9 10; do
                hook "$(state)"
                refused_with 0 11
                [ "$code" = 11 ] || record '[.findings[]] == []'
        done
        kill "$background"
}

swapping() { # PATH OUTSIDE
        exec /usr/bin/python3 - "$@" <<'PY'
import os, sys
path, outside = sys.argv[1:]
keep = path + ".keep"
os.link(path, keep)
while True:
    os.symlink(outside, path + ".l")
    os.rename(path + ".l", path)
    os.link(keep, path + ".f")
    os.rename(path + ".f", path)
PY
}

@test "files that come and go while the tree is walked end in the right answer or none" {
        (while :; do mkdir -p "$root/x/go/on"; : >"$root/x/go/on/file"; rm -rf "$root/x/go"; done) 2>/dev/null &
        background=$!
        cp "$P/marked" "$root/usr/lib/zz"
        for n in 1 2 3 4 5; do
                hook "$(state)"
                refused
        done
        kill "$background"
}

@test "a pseudo file system in the tree is passed by and noted" {
        mkdir "$root/x/proc" "$root/x/sys"
        mount -t proc proc "$root/x/proc"
        mount -t sysfs sysfs "$root/x/sys"
        hook "$(state)"
        admitted
        record '[.notes[].path] | index("x/proc") and index("x/sys")'
}

@test "the tree is only read: no time of access to content, no owner, no mode changes, nothing new" {
        cp "$P/marked" "$root/x/file"
        before=$(cd "$root" && find . -printf '%p %m %u %g %s %T@ %C@\n' | sort | sha256sum)
        hook "$(state)"
        refused
        [ "$before" = "$(cd "$root" && find . -printf '%p %m %u %g %s %T@ %C@\n' | sort | sha256sum)" ]
}

@test "postern scan agrees with the hook on the same tree" {
        rc=0
        "$P/bin/postern" scan --config "$policy" "$root" || rc=$?
        [ "$rc" = 0 ]
        cp "$P/marked" "$root/x/file"
        "$P/bin/postern" scan --config "$policy" "$root" || rc=$?
        [ "$rc" = 1 ]
        hook "$(state)"
        refused
}

# ---------------------------------------------------------------- what a review found

@test "a directory whose name is longer than 255 bytes is entered" {
        fuse_at "$root/fuse" long-name "$P/clean"
        hook "$(state)"
        admitted
        fuse_end
        fuse_at "$root/fuse" long-name "$P/marked"
        hook "$(state)"
        refused
}

@test "two files of one FUSE below an overlay that claim one inode number are both read" {
        mkdir -p "$T/lower" "$root/vol"
        fuse_at "$T/lower" one-ino "$P/marked"
        mount -t overlay overlay -o "ro,lowerdir=$T/lower/l2:$T/lower/l1" "$root/vol"
        hook "$(state)"
        refused
        umount "$root/vol"
}

@test "directories that come and go in a volume do not refuse a start" {
        mkdir "$T/vol"
        cp -a "$P/small/bin/." "$root/bin/"
        bundle_mount "$bundle" bind "$T/vol" /vol rbind
        hook_add
        timeout 20 /usr/bin/python3 -c '
import itertools, os, sys
os.chdir(sys.argv[1])
for i in itertools.count():
    name = "d%d" % (i % 50)
    os.makedirs(name + "/s", exist_ok=True)
    os.rmdir(name + "/s")
    os.rmdir(name)' "$T/vol" &
        background=$!
        for _ in 1 2 3 4 5 6; do
                RUNTIME=runc start
                admitted
                hook "$(state '.pid = 0')"
                admitted
        done
}

@test "a file under a write lease is waited for" {
        cp "$P/marked" "$root/x/db"
        /usr/bin/python3 - "$root/x/db" <<'PY' &
import fcntl, os, signal, sys, time
held = os.open(sys.argv[1], os.O_RDWR)
def let_go(*_):
    time.sleep(0.2)
    fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_UNLCK)
signal.signal(signal.SIGIO, let_go)
fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print("held", flush=True)
time.sleep(10)
PY
        background=$!
        sleep 0.5
        hook "$(state)"
        refused
}

@test "300 bind mounts without a view are all read" {
        for i in $(seq 300); do mkdir -p "$T/binds/$i"; done
        bundle_edit "$bundle" --arg b "$T/binds" '.mounts += [range(1; 301)
                | {type: "bind", source: ($b + "/" + tostring), destination: ("/vol/" + tostring), options: ["rbind"]}]'
        hook "$(state '.pid = 0')"
        admitted
        cp "$P/marked" "$T/binds/300/x"
        hook "$(state '.pid = 0')"
        refused
}

@test "a mount that only the container can see refuses where there is no view" {
        cp -al "$P/small" "$T/other"
        cp "$P/marked" "$T/other/bin/evil"
        mkdir "$T/up" "$T/work"
        bundle_mount "$bundle" overlay overlay /vol "lowerdir=$T/other,upperdir=$T/up,workdir=$T/work"
        hook "$(state '.pid = 0')"
        refused_with 11
}

@test "a file of which the kernel remembers another is read by its name" {
        mkdir "$T/vol"
        fuse_at "$T/vol" stale "$P/marked"
        stat "$T/vol/second" >/dev/null
        bundle_mount "$bundle" bind "$T/vol" /vol rbind
        hook "$(state '.pid = 0')"
        refused
}
