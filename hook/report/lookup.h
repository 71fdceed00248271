/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_REPORT_LOOKUP_H
#define PN_REPORT_LOOKUP_H

/* Reads back what pn_audit_append() wrote: <path>.1, then <path>, oldest record first. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"

#define PN_LOOKUP_PREFIX_MIN 6          /* characters of an id that stand for it; engines show 12 */
#define PN_LOOKUP_IDS_MAX    8          /* ids kept that begin alike */
#define PN_LOOKUP_LINE_MAX   (1U << 20) /* bytes of a line: four times what a record may have */

struct pn_lookup {
        json_t *record;              /* the newest, or NULL */
        uint64_t older;              /* more records of the same container */
        uint64_t broken;             /* lines that are no records: torn, too long, not ours */
        unsigned files;              /* of the two files were there */
        unsigned id_count;           /* containers whose ids begin alike; over 1 and no record: which one? */
        char *id[PN_LOOKUP_IDS_MAX]; /* the first of them, as recorded */
};

/* Finds the newest record of the container `id`, raw or as it was recorded (escaped): exact, or else the one
 * container whose id begins with it, when it has at least PN_LOOKUP_PREFIX_MIN characters. NULL finds the newest
 * record of all. Memory is bounded by one line, whatever the size of the files. *ret is the caller's
 * (pn_lookup_clear). Returns 0, found or not, or -1: PN_FAULT_CONFIG when a file cannot be trusted or opened,
 * PN_FAULT_HOST when it cannot be read. */
int pn_lookup_find(const char *path, const char *id, struct pn_lookup *ret, struct pn_err *err);

void pn_lookup_clear(struct pn_lookup *lookup);

#endif
