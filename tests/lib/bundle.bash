# SPDX-License-Identifier: Apache-2.0
# OCI bundles and the runtimes that start them. No rlimits are set unless a test asks for them, so that it also
# works where CAP_SYS_RESOURCE is missing.

# crun refuses "cgroups in hybrid mode": there it runs without /sys/fs/cgroup/unified, which is taken away in a
# mount namespace of its own. Elsewhere it is just crun.
runtime() { # runc|crun ARG...
        if [ "$1" != crun ] || ! mountpoint -q /sys/fs/cgroup/unified 2>/dev/null; then
                "$@"
                return
        fi
        shift
        unshare -m sh -c 'umount /sys/fs/cgroup/unified; exec crun "$@"' crun "$@"
}

bundle_edit() { # BUNDLE JQ-ARG...
        local bundle=$1
        shift
        jq "$@" <"$bundle/config.json" >"$bundle/config.json.new" && mv "$bundle/config.json.new" "$bundle/config.json"
}

# A bundle whose root is ROOT as it stands, and that runs COMMAND with sh -c.
bundle_make() { # BUNDLE ROOT COMMAND
        mkdir -p "$1"
        rm -f "$1/config.json"
        (cd "$1" && runc spec) || return 1
        bundle_edit "$1" --arg root "$2" --arg cmd "$3" '
                .root = {path: $root, readonly: true}
                | .process.terminal = false
                | .process.args = ["/bin/sh", "-c", $cmd]
                | del(.process.rlimits)'
}

bundle_hook() { # BUNDLE STAGE PATH [ARG...]
        local bundle=$1 stage=$2 path=$3
        shift 3
        bundle_edit "$bundle" --arg stage "$stage" --arg path "$path" '
                .hooks[$stage] += [{path: $path, args: ([$path] + $ARGS.positional), timeout: 60,
                                    env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]}]' --args -- "$@"
}

bundle_mount() { # BUNDLE TYPE SOURCE DESTINATION OPTION...
        local bundle=$1 type=$2 source=$3 destination=$4
        shift 4
        bundle_edit "$bundle" --arg t "$type" --arg s "$source" --arg d "$destination" '
                .mounts += [{type: $t, source: $s, destination: $d, options: $ARGS.positional}]' --args -- "$@"
}
