/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_SCAN_SCAN_H
#define PN_SCAN_SCAN_H

/* The supervisor's side of a scan: starts the three workers, checks every word they say, and never touches a path
 * of the tree itself, so that no hung file system can hold it. */

#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/finding/finding.h"
#include "scanner/finding/hashset.h"
#include "scanner/finding/limits.h"
#include "scanner/ipc/proto.h"

struct pn_scan_root {
        enum pn_root_kind kind;
        int in_fd;         /* VIEW: /proc/PID/root, O_PATH; else -1. Borrowed */
        const char *path;  /* absolute */
        const char *label; /* what names in it are told below: "" or a path without outer slashes */
};

struct pn_scan_rules {
        const char *name; /* of the file, for messages */
        const char *text;
        size_t len;
};

/* One part of a generation of compiled rules, see proto.h. */
struct pn_scan_part {
        int fd; /* -1: absent; borrowed */
        uint64_t bytes, head_bytes;
        uint8_t sha256[PN_SHA256_BYTES];
};

struct pn_scan_request {
        const char *worker; /* absolute path of postern-worker; root's and writable by nobody else */
        int64_t deadline_ms; /* pn_clock_now_ms() value */
        int runtime_fd;      /* pidfd of who waits for us; -1: nobody. When it ends, so does the scan */
        struct pn_limits limits;
        const struct pn_scan_root *root; /* one HOST; one VIEW or none; then BINDs for want of a view */
        unsigned root_count;
        const struct pn_scan_part *part; /* PN_PART_KINDS of them, by kind; NULL: there is no generation, and libyara
                                            matches every rule against every file */
        const struct pn_scan_rules *rules; /* source; of no use beside parts but for `verify` */
        unsigned rules_count;
        bool verify;       /* libyara matches every rule against every file too, and a difference is an issue */
        bool digest_flagged; /* digests only of files that a rule may match: then nothing is denied by its digest alone */
        const struct pn_hashset *denied;
        const char *mountinfo; /* text of the container's /proc/PID/mountinfo, or NULL: names mounts in notes */
        size_t mountinfo_len;
};

/* Runs the scan to its end or to the deadline. Whatever happens is in *ret (which starts out zeroed): findings,
 * issues, notes and the tally; there is no other way to fail. When it returns, no worker of it lives, but for one
 * that hangs in the kernel: that one is killed and dies when the kernel lets it go. */
void pn_scan_run(const struct pn_scan_request *request, struct pn_findings *ret);

#endif
