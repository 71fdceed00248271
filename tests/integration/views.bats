#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The container's view: volumes, tmpfs, files hidden under mounts, layers, pseudo file systems.
load ../lib/all

setup_file() {
        file_setup
}

setup() {
        test_setup
        mkdir -p "$T/volume/deep"
        echo data >"$T/volume/deep/data"
        bundle_edit "$bundle" '.process.args = ["/bin/sh", "-c", "echo RAN"]'
}

teardown() {
        test_teardown
}

@test "a clean volume starts" {
        bundle_mount "$bundle" bind "$T/volume" /vol rbind ro
        hook_add
        start
        admitted
        record '(.view | startswith("container"))'
}

@test "a marked file in a volume is refused, by its path in the container" {
        cp "$P/marked" "$T/volume/deep/tool"
        bundle_mount "$bundle" bind "$T/volume" /vol rbind ro
        hook_add
        start
        refused
        record '.findings[] | select(.path == "vol/deep/tool")'
}

@test "a marked file in a writable volume is refused" {
        cp "$P/marked" "$T/volume/tool"
        bundle_mount "$bundle" bind "$T/volume" /vol bind rw
        hook_add
        start
        refused
}

@test "a marked file that is itself the bind mount is refused" {
        cp "$P/marked" "$T/one"
        : >"$root/etc/one"
        bundle_mount "$bundle" bind "$T/one" /etc/one bind ro
        hook_add
        start
        refused
        record '.findings[] | select(.path == "etc/one")'
}

@test "a marked file below a volume in a volume is refused" {
        mkdir -p "$T/inner" "$T/volume/inner"
        cp "$P/marked" "$T/inner/tool"
        bundle_mount "$bundle" bind "$T/volume" /vol bind
        bundle_mount "$bundle" bind "$T/inner" /vol/inner bind
        hook_add
        start
        refused
        record '.findings[] | select(.path == "vol/inner/tool")'
}

@test "a mount below the source of an rbind is seen" {
        mkdir -p "$T/volume/sub"
        mount -t tmpfs pn "$T/volume/sub"
        cp "$P/marked" "$T/volume/sub/tool"
        bundle_mount "$bundle" bind "$T/volume" /vol rbind ro
        hook_add
        start
        refused
}

@test "a marked file hidden under a volume cannot run and starts" {
        mark vol/hidden
        bundle_mount "$bundle" bind "$T/volume" /vol rbind ro
        hook_add
        start
        admitted
}

@test "a marked file hidden under a tmpfs cannot run and starts" {
        mark vol/hidden
        bundle_mount "$bundle" tmpfs tmpfs /vol nosuid
        hook_add
        start
        admitted
}

@test "what a tmpfs copies up from the image is seen" {
        mark vol/copied
        bundle_mount "$bundle" tmpfs tmpfs /vol nosuid tmpcopyup
        hook_add
        start
        refused
        record '.findings[] | select(.path == "vol/copied")'
}

@test "a marked lower layer of an overlay is refused" {
        overlay
        cp "$P/marked" "$T/lower/usr/lib/x"
        overlay_mount
        start
        refused
}

@test "a marked upper layer of an overlay is refused" {
        overlay
        mkdir -p "$T/upper/usr/lib"
        cp "$P/marked" "$T/upper/usr/lib/x"
        overlay_mount
        start
        refused
}

@test "a marked file that the upper layer deletes is not in the container and starts" {
        overlay
        cp "$P/marked" "$T/lower/usr/lib/x"
        mkdir -p "$T/upper/usr/lib"
        mknod "$T/upper/usr/lib/x" c 0 0
        overlay_mount
        start
        admitted
}

overlay() {
        mkdir -p "$T/upper" "$T/work" "$T/merged"
        cp -al "$P/small" "$T/lower"
        bundle_edit "$bundle" --arg r "$T/merged" '.root.path = $r'
        hook_add
}

overlay_mount() {
        mount -t overlay pn "$T/merged" -o "lowerdir=$T/lower,upperdir=$T/upper,workdir=$T/work"
}

@test "pseudo file systems are passed by, and the record says so" {
        hook_add
        start
        admitted
        record '[.notes[].path] | index("proc") and index("sys")'
}

@test "a tmpfs on /dev is looked into" {
        bundle_mount "$bundle" bind "$T/volume" /dev/vol bind
        cp "$P/marked" "$T/volume/tool"
        hook_add
        start
        refused
        record '.findings[] | select(.path == "dev/vol/tool")'
}

@test "the host's own root bound into the container is not walked, and the record says so" {
        mkdir -p "$root/host"
        bundle_mount "$bundle" bind / /host bind ro
        hook_add
        start
        admitted
        record '.notes[] | select(.path == "host")'
        record '.counts.files < 1000'
}

@test "a marked file beside the host's root is still refused" {
        mkdir -p "$root/host"
        mark usr/lib/x
        bundle_mount "$bundle" bind / /host rbind ro
        hook_add
        start
        refused
}

@test "a bind of the tree into itself ends" {
        mkdir -p "$root/loop"
        bundle_mount "$bundle" bind "$root" /loop rbind ro
        bundle_mount "$bundle" bind "$root" /loop/loop rbind ro
        hook_add
        start
        admitted
}

# ---------------------------------------------------------------- mounts below what is rightly skipped

@test "a marked volume below /sys or /proc is refused" {
        cp "$P/marked" "$T/volume/tool"
        bundle_mount "$bundle" bind "$T/volume" /sys/kernel/debug rbind
        hook_add
        start
        refused
        record '.findings[] | select(.path == "sys/kernel/debug/tool")'
}

@test "a marked file bound onto a file of /proc is refused" {
        cp "$P/marked" "$T/one"
        bundle_mount "$bundle" bind "$T/one" /proc/uptime bind
        hook_add
        start
        refused
}

@test "a marked volume below the node's own root is refused" {
        cp "$P/marked" "$T/volume/tool"
        bundle_mount "$bundle" bind / /host rbind
        bundle_mount "$bundle" bind "$T/volume" /host/mnt rbind
        hook_add
        start
        refused
        record '.findings[] | select(.path == "host/mnt/tool")'
}

@test "harmless mounts below /proc and /sys start" {
        echo 1.0 2.0 >"$T/uptime"
        bundle_mount "$bundle" bind "$T/uptime" /proc/uptime bind ro
        bundle_mount "$bundle" bind "$T/volume" /sys/firmware rbind ro
        hook_add
        start
        admitted
        record '(.view | startswith("container"))'
}
