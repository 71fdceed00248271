# SPDX-License-Identifier: Apache-2.0
for part in places tree procs bundle hook; do
        # shellcheck source=/dev/null
        . "${BASH_SOURCE[0]%/*}/$part.bash"
done
unset part
