# SPDX-License-Identifier: Apache-2.0
# Processes: waiting for them, finding those left behind, ending only our own.

# Waits at most SECONDS until COMMAND succeeds.
wait_until() { # SECONDS COMMAND...
        local end=$((SECONDS + $1))
        shift
        until "$@"; do
                [ "$SECONDS" -lt "$end" ] || return 1
                sleep 0.05
        done
}

# Ids of the processes whose program is below DIR (a zombie has none and is the kernel's business).
procs_of() { # DIR
        find /proc/[0-9]*/exe -maxdepth 0 -lname "$1/*" -printf '%h\n' 2>/dev/null | sed 's|/proc/||'
}

# Ids of those that run the program PATH.
procs_running() { # PATH
        find /proc/[0-9]*/exe -maxdepth 0 -lname "$1" -printf '%h\n' 2>/dev/null | sed 's|/proc/||'
}

one_runs() { # PATH
        [ -n "$(procs_running "$1")" ]
}

three_run() { # PATH
        [ "$(procs_running "$1" | wc -l)" = 3 ]
}

none_runs() { # PATH
        [ -z "$(procs_running "$1")" ]
}

none_of() { # DIR
        [ -z "$(procs_of "$1")" ]
}

# Succeeds when every process of DIR's programs ends by itself within two seconds.
no_stray() { # DIR
        wait_until 2 none_of "$1" && return 0
        echo "left behind: $(procs_of "$1" | while read -r pid; do
                echo "$pid ($(tr '\0' ' ' <"/proc/$pid/cmdline"))"; done)" >&2
        return 1
}

# Ends, by id, whatever of DIR's programs still runs.
procs_end() { # DIR
        local pid
        for pid in $(procs_of "$1"); do
                kill -9 "$pid" 2>/dev/null || :
        done
}

now_ms() {
        local now=${EPOCHREALTIME/./}
        echo $((now / 1000))
}
