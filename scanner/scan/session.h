/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_SCAN_SESSION_H
#define PN_SCAN_SESSION_H

/* One conversation with the three workers: every message is checked against the state table, every answer against
 * what was asked. A word out of place ends the scan as an issue; it never makes it shorter. */

#include <stdbool.h>
#include <stdint.h>

#include "scanner/scan/objects.h"
#include "scanner/scan/reach.h"
#include "scanner/scan/scan.h"
#include "scanner/scan/spawn.h"

#define PN_SESSION_EXTRAS_MAX   100000U /* notes, issues and findings of one worker: more is a flood */
#define PN_SESSION_PUMP_MAX     1024U   /* messages taken at once: more than a socket holds, so that all that
                                           waits is seen, and a flood cannot hide the deadline */
#define PN_SESSION_FINDINGS_MAX 10000U  /* findings in one file */
#define PN_SESSION_OPEN_MAX     65536U      /* files named and not answered: ten times what all sockets can hold */
#define PN_SESSION_OPEN_BYTES   (64U << 20) /* of their paths */

struct pn_session {
        const struct pn_scan_request *request;
        struct pn_findings *all;
        struct pn_peer peer[PN_PEERS];
        struct pn_objects objects;
        struct pn_reach *reach;
        bool said_ready[PN_PEERS], said_end[PN_PEERS], said_view;
        bool closed[PN_PEERS];  /* no more words can come */
        bool gave_up[PN_PEERS]; /* because the next one is gone: that one's death is the reason */
        bool gone[PN_PEERS];    /* the process has ended, well or not */
        uint64_t extras[PN_PEERS];
        bool failed;
        struct pn_msg_out out;
        uint8_t in[PN_PEERS][PN_MSG_BYTES_MAX]; /* one each: handling one role's word may need another's */
};

void pn_session_begin(struct pn_session *session, const struct pn_scan_request *request, struct pn_findings *ret);

/* Takes every message of one worker that is there. */
void pn_session_pump(struct pn_session *session, enum pn_peer_role role);

/* A worker's pidfd has become readable. */
void pn_session_exited(struct pn_session *session, enum pn_peer_role role);

/* Nothing more is to come: all three have ended, or the session failed. */
bool pn_session_over(const struct pn_session *session);

/* Ends the scan with an issue; the first one stands. */
void pn_session_fail(struct pn_session *session, enum pn_issue_class cls, const struct pn_path *path,
                     const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void pn_session_deadline(struct pn_session *session);

/* Last checks, once there is nothing more to come: what the acceptance sentence misses and nobody has told is an issue
 * of its own, so that an issue that policy tolerates cannot excuse it. Frees what the session holds. */
void pn_session_end(struct pn_session *session);

#endif
