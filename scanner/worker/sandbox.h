/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_WORKER_SANDBOX_H
#define PN_WORKER_SANDBOX_H

/* The jail of the three roles of a scan, and of the compiler of rules. Content is touched only behind it; failing to
 * enter it is fatal. The order of the steps and the system call lists were measured; each row of the table in sandbox.c has its
 * reason. See seccomp(2), capabilities(7), landlock(7), prctl(2). */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "scanner/base/err.h"

enum pn_role {
        PN_ROLE_WALK = 1, /* opens names; CAP_DAC_READ_SEARCH alone; may not reach a file by handle */
        PN_ROLE_RAW,      /* reads descriptors: no capability, no open */
        PN_ROLE_PARSE,    /* the same with more memory */
        PN_ROLE_COMPILE,  /* no wire: reads and writes the memory files it has been started with (scanner/compiler) */
};

/* The uid and gid of one scan's workers, or of a compiler: this and the parent's pid (at most 2^22). Nobody else has it:
 * descriptors under way are counted per user (unix(7), ETOOMANYREFS), and a container that runs as `nobody` could otherwise
 * use up what we may send; nor can anybody else, another scan's workers among them, trace or signal us as the same user. */
#define PN_WORKER_ID_FIRST 0xe0000000U

struct pn_sandbox {
        enum pn_role role;
        pid_t parent;           /* must still be the parent at the end: dies with it */
        unsigned id;            /* uid and gid to have; 0: 65534 */
        uint64_t memory_bytes;  /* RLIMIT_AS */
        uint64_t cpu_s;         /* RLIMIT_CPU */
        uint64_t files;         /* RLIMIT_NOFILE */
        uint64_t file_bytes;    /* RLIMIT_FSIZE of COMPILE; the others write no file */
        const int *readable;    /* WALK: directories or files (O_PATH) below which Landlock lets it read */
        unsigned readable_count;
};

/* What holds after entering. */
struct pn_walls {
        int landlock_abi; /* 0: this kernel has none */
        bool uid_dropped; /* false only without privilege to begin with, or where no such uid has a mapping */
};

/* First half: uid, capabilities, securebits, parent death signal, no_new_privs, not dumpable, rlimits. The
 * walker has opened its roots before. Second half: Landlock, then seccomp.
 * A step that fails returns -1 with PN_FAULT_HOST and the step's name; the caller must then report and exit.
 * In a build with PN_TEST_NOJAIL both do nothing and say so in `walls`; pn_sandbox_compiled_in() is then false. */
int pn_sandbox_drop(const struct pn_sandbox *box, struct pn_walls *walls, struct pn_err *err);
int pn_sandbox_close(const struct pn_sandbox *box, struct pn_walls *walls, struct pn_err *err);
bool pn_sandbox_compiled_in(void);

#endif
