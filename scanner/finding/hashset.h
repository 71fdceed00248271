/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_FINDING_HASHSET_H
#define PN_FINDING_HASHSET_H

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
 *     name, source = text without TAB or control characters
 */
struct pn_hashset;

/* An empty set. Returns NULL when memory runs out. */
struct pn_hashset *pn_hashset_new(void);
struct pn_hashset *pn_hashset_free(struct pn_hashset *set);

/* Adds the entries of `text` (one deny file, `name` for messages). The set keeps what it needs; on error the set
 * is unchanged and `err` (PN_FAULT_CONFIG) names file, line and column. */
int pn_hashset_add(struct pn_hashset *set, const char *name, const char *text, size_t len, struct pn_err *err);

size_t pn_hashset_count(const struct pn_hashset *set);

/* If `digest` is denied, fills detector, rule ("deny-hash:<name>"), title, remedy, source, severity, confidence
 * and the digest of `ret` and returns true; a known-good digest and an unknown one return false. */
bool pn_hashset_find(const struct pn_hashset *set, const uint8_t digest[PN_SHA256_BYTES], struct pn_finding *ret);

#endif
