/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_SCAN_SPAWN_H
#define PN_SCAN_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

#include "scanner/base/err.h"

/* In the order in which files go from one to the next. */
enum pn_peer_role { PN_PEER_WALK, PN_PEER_RAW, PN_PEER_PARSE, PN_PEERS };

struct pn_peer {
        pid_t pid;   /* 0: not started, or reaped */
        int pid_fd;  /* pidfd_open(2) */
        int control; /* our end of its control socket */
        bool exited;
        int status; /* as of waitpid(2), when exited */
};

/* Starts the three workers with their sockets: descriptors 0..2 are /dev/null (nobody keeps the runtime's pipes
 * open), 3 to 5 the sockets, the environment is empty, the signal mask is empty. -1 with PN_FAULT_HOST or, for a
 * worker that is not root's alone, PN_FAULT_CONFIG; what was started must be ended by pn_spawn_end() all the same. */
int pn_spawn(const char *worker, struct pn_peer peers[PN_PEERS], struct pn_err *err);

/* Collects the exit status if the worker has ended; never waits. */
void pn_spawn_reap(struct pn_peer *peer);

/* Kills what still lives, waits at most `grace_ms` for each to be gone, closes everything. */
void pn_spawn_end(struct pn_peer peers[PN_PEERS], int grace_ms);

#endif
