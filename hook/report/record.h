/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_REPORT_RECORD_H
#define PN_REPORT_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/decide.h"
#include "scanner/base/err.h"
#include "scanner/finding/finding.h"

#define PN_LINE_BYTES_MAX   300           /* of the one line, with its newline: engines cut at about 1,000 */
#define PN_RECORD_BYTES_MAX (256U << 10)  /* of a record as text, so that one write(2) and one datagram take it */
#define PN_RECORD_SCHEMA    1             /* grows when the meaning of a key changes, not when one is added */

/* How one start ended, for all sinks alike. Pointers are borrowed. */
struct pn_outcome {
        const char *program;     /* "postern-hook" or "postern scan" */
        bool by_hand;            /* a scan that nothing waits for: nothing is admitted by it */
        const char *id;          /* the container's, raw; "" when unknown */
        const char *bundle;      /* raw; "" when unknown */
        const char *root;        /* raw; the root file system that was scanned; "" when unknown */
        int64_t pid;             /* of the container's init; 0 when unknown */
        int64_t when_s;          /* wall clock */
        enum pn_mode mode;       /* 0 when no policy could be read */
        int exit_code;           /* what the hook leaves with */
        const struct pn_decision *decision;  /* NULL when it never came to one: then `error` says why */
        const struct pn_findings *findings;  /* NULL likewise */
        const struct pn_err *error;          /* NULL, or why there is no decision */
        const char *break_glass;             /* reason of a break-glass file in force, or "" */
        const char *warning;                 /* one thing the operator should know, or "" */
};

/* The whole outcome as one JSON object; the keys are described in hook/report/README.md. Every string that is not
 * ours is escaped by pn_text_escape(); paths come with path_b64 beside them. Findings, issues and notes that would
 * take it over PN_RECORD_BYTES_MAX are left out and counted; what decided is never left out. The caller's
 * (json_decref); NULL when memory ran out. */
json_t *pn_record_make(const struct pn_outcome *outcome);

/* A record as the sinks get it: one line of printable ASCII. The caller's (free); NULL when memory ran out. */
char *pn_record_text(const json_t *record);

/* The one line for standard error, without its newline, verdict first, printable ASCII only:
 *
 *   postern: refused <id>: usr/lib/liblzma.so.5 matches XZ-BACKDOOR-001 (critical, high confidence); why: postern why <id>
 *   postern: undecided <id>: usr/bin/x: program headers end at 4096 of 512 bytes (malformed)
 *   postern: would refuse <id>: ... (monitor mode)
 *   postern: admitted <id>: 812 files, 310 ELF
 *   postern: error: policy.json: limits.depth: unknown key
 *
 * What is too long gives way in this order: the hint at `postern why`, the path's head, the words of an issue. The
 * verdict, the rule and the end of the path always stay. `cap` must be at least PN_LINE_BYTES_MAX. */
void pn_record_line(const struct pn_outcome *outcome, char *dst, size_t cap);

/* The part of the line that says what decided, in the same words, for the record. `cap` likewise. */
void pn_record_reason(const struct pn_outcome *outcome, char *dst, size_t cap);

#endif
