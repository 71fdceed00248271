# SPDX-License-Identifier: Apache-2.0
# shellcheck disable=SC2034 # used by the other parts
# Where things are. Everything a test makes is under build/ or its own temporary directory.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
unset CDPATH
TOP=$(cd "${BASH_SOURCE[0]%/*}/../.." && pwd)
BIN=${POSTERN_BIN:-$TOP/build/release/bin}
TREES=$TOP/build/trees
RUNTIME=${RUNTIME:-runc}
RULES=$TOP/policy/rules
DENY=$TOP/policy/deny

mkelf() {
        /usr/bin/python3 "$TOP/tests/fixtures/mkelf.py" "$@"
}

# The programs under other names than everybody else's, so that a test finds its own processes: DIR/bin.
programs_copy() { # DIR
        mkdir -p "$1/bin"
        cp "$BIN/postern-hook" "$BIN/postern-worker" "$BIN/postern-compiler" "$BIN/postern" "$BIN/grams.bin" "$1/bin/"
}
