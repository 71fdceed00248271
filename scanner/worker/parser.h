/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_WORKER_PARSER_H
#define PN_WORKER_PARSER_H

/* What parser.c and parser_rules.c share. */

#include "scanner/engine/exact.h"
#include "scanner/engine/exact_store.h"
#include "scanner/engine/names.h"
#include "scanner/worker/role.h"

/* The rules, in either form or both (to compare). */
struct pn_parser_rules {
        struct pn_store *store; /* one by one; NULL: there is no generation */
        struct pn_exact *all;   /* the whole set at once; NULL: not asked for */
        bool asks_names;        /* its source has the word for a file's name, its directory or its ending */
};

/* Before the jail closes, and behind it. -1 with PN_FAULT_CONFIG: these rules cannot be used. */
int pn_parser_rules_prepare(const struct pn_worker *worker, struct pn_parser_rules *ret, struct pn_err *err);
int pn_parser_rules_load(struct pn_worker *worker, struct pn_parser_rules *rules, struct pn_err *err);
void pn_parser_rules_clear(struct pn_parser_rules *rules);

/* One file and the rules the raw matcher asks about. */
struct pn_parser_file {
        const struct pn_object *file;
        const struct pn_names *names;
        uint64_t object;
        const uint32_t *pair;
        size_t pair_count;
        bool name_cut; /* `names` are those of the end of a path */
};

/* Decides every pair, and matches the whole set where that was asked for. Findings and issues are told; *ret_read is what
 * was read. -1: the supervisor is gone. */
int pn_parser_rules_decide(struct pn_worker *worker, const struct pn_parser_rules *rules,
                           const struct pn_parser_file *file, uint64_t *ret_read, struct pn_err *err);

#endif
