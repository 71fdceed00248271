/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_HOOK_CONTENT_H
#define PN_HOOK_CONTENT_H

/* What a scan looks for: the rule sources and deny sets that the policy names, read from root's files. */

#include "policy/policy.h"
#include "scanner/finding/hashset.h"
#include "scanner/scan/scan.h"

#define PN_RULES_BYTES_MAX (64U << 20) /* of one file of rules or digests */
#define PN_RULES_FILES_MAX 16384U

struct pn_content {
        struct pn_scan_rules *rules; /* owned, with name and text of each */
        unsigned rules_count;
        struct pn_hashset *denied;
        bool keep_deny;             /* pn_content_load_all() */
        struct pn_scan_rules *deny; /* owned: the deny files themselves, with keep_deny only */
        unsigned deny_count;
};

/* Reads everything that `policy` names: files as they are; of directories every *.yar and *.yara (rules) or *.tsv
 * (digests) in the order of their names. What only root can have written, or nothing. The places for local additions
 * (rules.d and deny.d of the configuration directory) may be missing, anything else may not, and a set without any
 * rule is an error. Returns 0, or -1 with PN_FAULT_CONFIG (PN_FAULT_HOST when memory ran out). */
int pn_content_load(const struct pn_policy *policy, struct pn_content *ret, struct pn_err *err);

/* The same, and keeps the text of the deny files too: for what stores them (`postern rules compile`). */
int pn_content_load_all(const struct pn_policy *policy, struct pn_content *ret, struct pn_err *err);
void pn_content_clear(struct pn_content *content);

#endif
