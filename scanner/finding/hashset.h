/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_FINDING_HASHSET_H
#define PN_FINDING_HASHSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/finding/finding.h"

/* The deny set: SHA-256 digests of files that are known to be bad.
 *
 *     file   = *line
 *     line   = comment / entry, ended by LF
 *     comment= "#" anything                                  ; empty lines too
 *     entry  = sha256 TAB verdict TAB severity TAB confidence TAB name TAB source
 *     sha256 = 64 hex digits
 *     verdict= a lower-case word; "clean-control" and "known-good" entries are never flagged, in whatever
 *              file and line another entry names the same digest
 *     severity = low | medium | high | critical      confidence = low | medium | high
 *     name, source = printable ASCII, not empty
 *
 * A file that ends inside a line was cut and is refused. Of several entries for one digest the good ones win,
 * then one that may refuse, then the more severe, then the surer, then the first.
 */
#define PN_HASHSET_ENTRIES_MAX (1U << 20) /* all files together; about 100 bytes each, in every worker */
#define PN_HASHSET_LINE_MAX    1024       /* bytes of a line without its LF */

struct pn_hashset;

/* An empty set. Returns NULL when memory runs out. */
struct pn_hashset *pn_hashset_new(void);
struct pn_hashset *pn_hashset_free(struct pn_hashset *set);

/* Adds the entries of `text` (one deny file, `name` for messages). The set keeps what it needs; on error the set
 * is unchanged and `err` names file, line and column (PN_FAULT_CONFIG), or says that memory ran out
 * (PN_FAULT_HOST). */
int pn_hashset_add(struct pn_hashset *set, const char *name, const char *text, size_t len, struct pn_err *err);

/* Distinct digests, the good ones too. */
size_t pn_hashset_count(const struct pn_hashset *set);

/* If `digest` is denied, fills detector, rule ("deny-hash:<name>", cut to what fits), title, remedy, source,
 * severity, confidence and the digest of `ret`, leaves the rest of it alone and returns true; a known-good digest
 * and an unknown one return false and leave all of it alone. */
bool pn_hashset_find(const struct pn_hashset *set, const uint8_t digest[PN_SHA256_BYTES], struct pn_finding *ret);

#endif
