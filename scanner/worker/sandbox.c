/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/worker/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scanner/worker/walls.h"

/* The only switch there is, and it is the compiler's: sanitizers die under the filter and under RLIMIT_AS. */
#ifdef PN_TEST_NOJAIL
#define JAIL false
__attribute__((used)) static const char jail_note[] = "jail compiled out";
#else
#define JAIL true
#endif

#define FILES_MIN 32U            /* the wires, and one batch of descriptors while it is looked at */
#define MEMORY_MIN (48ULL << 20) /* code and libraries of the worker alone take 20 MiB */
#define STACK_MAX (8ULL << 20)

bool pn_sandbox_compiled_in(void)
{
        return JAIL;
}

struct limit {
        int resource;
        const char *name;
        rlim_t soft;
        rlim_t grace; /* of the hard limit above the soft one */
        rlim_t least; /* a worker cannot run with less */
};

static int limit_lower(const struct limit *limit, struct pn_err *err)
{
        struct rlimit now, want;

        if (getrlimit(limit->resource, &now) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read the limit on %s", limit->name);
        want.rlim_cur = limit->soft < now.rlim_max ? limit->soft : now.rlim_max;
        want.rlim_max = now.rlim_max;
        if (now.rlim_max > limit->soft && now.rlim_max - limit->soft > limit->grace)
                want.rlim_max = limit->soft + limit->grace;
        if (want.rlim_cur < limit->soft && want.rlim_cur < limit->least)
                return pn_err_set(err, PN_FAULT_HOST, 0, "hard limit on %s is %llu, a worker needs %llu",
                                  limit->name, (unsigned long long)now.rlim_max,
                                  (unsigned long long)limit->least);
        if (setrlimit(limit->resource, &want) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "lower the limit on %s", limit->name);
        if (getrlimit(limit->resource, &now) < 0 || now.rlim_cur != want.rlim_cur ||
            now.rlim_max != want.rlim_max)
                return pn_err_set(err, PN_FAULT_HOST, 0, "the limit on %s is not the one set", limit->name);
        return 0;
}

/* Never above what `box` asks, never above the hard limits in force: raising those takes CAP_SYS_RESOURCE. */
static int limits_lower(const struct pn_sandbox *box, struct pn_err *err)
{
        const struct limit limits[] = {
                {RLIMIT_CORE, "core files", 0},
                {RLIMIT_FSIZE, "file size", box->role == PN_ROLE_COMPILE ? box->file_bytes : 0},
                {RLIMIT_NPROC, "processes", 0},
                {RLIMIT_STACK, "stack", STACK_MAX},
                {RLIMIT_NOFILE, "open files", box->files, .least = FILES_MIN},
                {RLIMIT_AS, "address space", box->memory_bytes, .least = MEMORY_MIN},
                /* SIGXCPU, which has a name, before SIGKILL */
                {RLIMIT_CPU, "processor time", box->cpu_s, .grace = 1},
        };

        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
                if (limit_lower(&limits[i], err) < 0)
                        return -1;
        return 0;
}

/* Set and read back: a kernel, an LSM or a filter around us may take the call and do nothing. */
static int attribute_set(int set, unsigned long value, int get, const char *name, struct pn_err *err)
{
        if (prctl(set, value, 0, 0, 0) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "set %s", name);
        if ((unsigned long)prctl(get, 0, 0, 0, 0) != value)
                return pn_err_set(err, PN_FAULT_HOST, 0, "%s is not set", name);
        return 0;
}

/* setresuid clears the signal, so it comes after; a parent that died before it is seen by getppid. */
static int die_with_parent(pid_t parent, struct pn_err *err)
{
        int signal = 0;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "set the parent death signal");
        if (prctl(PR_GET_PDEATHSIG, &signal) < 0 || signal != SIGKILL)
                return pn_err_set(err, PN_FAULT_HOST, 0, "the parent death signal is not set");
        if (getppid() != parent)
                return pn_err_set(err, PN_FAULT_HOST, ESRCH, "parent process %d is gone", (int)parent);
        return 0;
}

static int box_check(const struct pn_sandbox *box, struct pn_err *err)
{
        if (box->role < PN_ROLE_WALK || box->role > PN_ROLE_COMPILE)
                return pn_err_set(err, PN_FAULT_BUG, 0, "no such role: %d", (int)box->role);
        if (box->memory_bytes == 0 || box->cpu_s == 0 || box->files == 0)
                return pn_err_set(err, PN_FAULT_BUG, 0, "a worker without memory, time or descriptors");
        return 0;
}

int pn_sandbox_drop(const struct pn_sandbox *box, struct pn_walls *walls, struct pn_err *err)
{
        *walls = (struct pn_walls){0};
        if (box_check(box, err) < 0)
                return -1;
        if (JAIL && pn_privilege_drop(box->role == PN_ROLE_WALK, box->id ? box->id : PN_NOBODY, &walls->uid_dropped, err) < 0)
                return -1;
        if (die_with_parent(box->parent, err) < 0)
                return -1;
        if (!JAIL)
                return 0;
        if (attribute_set(PR_SET_NO_NEW_PRIVS, 1, PR_GET_NO_NEW_PRIVS, "no_new_privs", err) < 0 ||
            attribute_set(PR_SET_DUMPABLE, 0, PR_GET_DUMPABLE, "non-dumpable", err) < 0)
                return -1;
        return limits_lower(box, err);
}

int pn_sandbox_close(const struct pn_sandbox *box, struct pn_walls *walls, struct pn_err *err)
{
        const unsigned readable = box->role == PN_ROLE_WALK ? box->readable_count : 0;

        if (box_check(box, err) < 0)
                return -1;
        if (!JAIL)
                return 0;
        if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
                return pn_err_set(err, PN_FAULT_BUG, 0, "the jail closes before privilege was dropped");
        if (pn_landlock_enter(box->readable, readable, &walls->landlock_abi, err) < 0 ||
            pn_seccomp_enter(box->role, NULL, err) < 0)
                return -1;
        /* the filter answers now, not the kernel */
        if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != -1 || errno != EACCES)
                return pn_err_set(err, PN_FAULT_HOST, 0, "the system call filter is not in force");
        return 0;
}
