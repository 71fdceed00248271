/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_WORKER_ROLE_H
#define PN_WORKER_ROLE_H

/* What the three roles share: three sockets and the setup that came over the first. */

#include "scanner/base/err.h"
#include "scanner/finding/limits.h"
#include "scanner/ipc/fdpass.h"
#include "scanner/target/walk.h"
#include "scanner/worker/sandbox.h"

#define PN_WORKER_CONTROL 3 /* to and from the supervisor */
#define PN_WORKER_INPUT 4   /* files to look at; the walker has none */
#define PN_WORKER_OUTPUT 5  /* files for the next role; the parser has none */
#define PN_WORKER_NAME_CUT "rules ask about its name, which is too long for them"
#define PN_WORKER_ROOTS 16400U /* as many as a config.json may have mounts, and the root itself */

struct pn_worker_root {
        enum pn_root_kind kind;
        int in_fd; /* VIEW: /proc/PID/root; else -1 */
        int fd;    /* O_PATH of what `path` is, or -1 */
        char *path, *label;
};

/* A part of the generation of rules, see proto.h. */
struct pn_worker_part {
        int fd; /* -1: not given */
        uint64_t bytes, head_bytes;
        uint8_t sha256[PN_SHA256_BYTES];
};

struct pn_worker {
        enum pn_role role;
        pid_t parent;
        struct pn_limits limits;
        int64_t deadline_ms;
        struct pn_worker_root *root;
        unsigned root_count;
        struct pn_walk_id node_root; /* the node's own "/" */
        int rules_fd;
        uint64_t rules_files;
        struct pn_worker_part part[PN_PART_KINDS];
        uint64_t flags; /* PN_GO_... */
        struct pn_msg_out out; /* the message being written */
        uint8_t in[PN_MSG_BYTES_MAX];
};

/* Sends worker->out over the control socket. -1: the supervisor is gone. */
int pn_worker_tell(struct pn_worker *worker, struct pn_err *err);

/* ISSUE about object `number` (PN_MSG_NONE: about `path`, or about nothing when that is NULL). */
int pn_worker_tell_issue(struct pn_worker *worker, enum pn_issue_class cls, uint64_t number, const char *text,
                         const struct pn_path *path, struct pn_err *err);
int pn_worker_tell_ready(struct pn_worker *worker, const struct pn_walls *walls, struct pn_err *err);

/* Closes the jail with the ceilings of the role. */
int pn_worker_jail_drop(struct pn_worker *worker, struct pn_walls *walls, struct pn_err *err);
int pn_worker_jail_close(struct pn_worker *worker, struct pn_walls *walls, struct pn_err *err);

/* The roles. Each enters the jail, works to its end record and returns 0; -1 when it had to give up. */
int pn_worker_walk(struct pn_worker *worker, struct pn_err *err);
int pn_worker_raw(struct pn_worker *worker, struct pn_err *err);
int pn_worker_parse(struct pn_worker *worker, struct pn_err *err);

/* Is the descriptor still what `before` says of it? The raw matcher and the parser ask around every file. */
struct stat;
bool pn_worker_unchanged(int fd, const struct stat *before);

#endif
