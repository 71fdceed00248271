#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2086 # lists of names are split on purpose
# install-build-deps.sh [--list]   installs what it takes to build, test, fuzz and show postern on Debian 12.
# Looks first what is missing: where nothing is, it needs neither network nor root. --list only prints the names.
set -euo pipefail

# package            what it is for
wanted() {
        sed 's/[[:space:]].*//' <<'LIST'
gcc                  the compiler of what is shipped
libc6-dev            its headers
cmake                the build
ninja-build          the build
pkg-config           finds the libraries
libjansson-dev       runtime state, config.json, policy and records are JSON
libseccomp-dev       the worker's system call filter
libcap-dev           the worker drops its capabilities
libssl-dev           SHA-256 of what is scanned
libarchive-dev       members of ar archives and packages
libyara-dev          the exact match of rules
libvectorscan-dev    the first sieve of the matcher
libzydis-dev         reads the code of IFUNC resolvers
libcmocka-dev        unit tests
bats                 command and integration tests
clang                fuzz targets
libclang-rt-dev      their sanitizers
llvm                 readable traces of what they find
clang-tidy           lint
cppcheck             lint
shellcheck           lint
binutils             what the programs link and how they are hardened
python3              makes the fixtures
yara                 whether the rules mean to yara what they mean to us
jq                   edits bundles, reads records
strace               faults in system calls
procps               processes that must not be left behind
util-linux           private mount namespaces
mount                tmpfs, binds
busybox-static       the small root file system, a syslogd
systemd              a journald
runc                 the real runtimes
crun                 the real runtimes
mmdebstrap           a real Debian root file system
ca-certificates      for a mirror over https
LIST
}

missing() {
        comm -23 <(wanted | sort -u) \
                <(dpkg-query -W -f='${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii //p' | sort -u)
}

if [ "${1:-}" = --list ]; then
        wanted
        exit 0
fi
command -v dpkg-query >/dev/null || { echo "install-build-deps.sh: needs Debian" >&2; exit 1; }
names=$(missing)
[ -n "$names" ] || exit 0
if [ "$(id -u)" != 0 ]; then
        echo "install-build-deps.sh: needs root to install:" $names >&2
        exit 1
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "install-build-deps.sh: installing" $names
export DEBIAN_FRONTEND=noninteractive
if ! { apt-get update -q && apt-get install -y -q --no-install-recommends $names; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        echo "install-build-deps.sh: apt-get failed" >&2
        exit 1
fi
names=$(missing)
[ -z "$names" ] || { echo "install-build-deps.sh: still missing:" $names >&2; exit 1; }
