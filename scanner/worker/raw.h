/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_WORKER_RAW_H
#define PN_WORKER_RAW_H

/* What raw.c and raw_rules.c share. */

#include "scanner/engine/digest.h"
#include "scanner/engine/match.h"
#include "scanner/worker/role.h"

/* The raw matcher's part of a generation, in memory. */
struct pn_raw_rules {
        uint8_t *pack_bytes, *filter_bytes; /* owned */
        struct pn_pack pack;
        struct pn_filter *filter;
        struct pn_match *match; /* NULL: there is no generation */
        bool uses_names;        /* a rule asks about the file's name */
};

struct raw {
        struct pn_worker *worker;
        struct pn_digest *digest;
        uint8_t *block;
        struct pn_raw_rules rules;
        struct pn_names names;
        uint64_t read_bytes; /* in this scan */
        uint64_t files;
        uint32_t *pair; /* of a batch, for the parser */
        size_t pair_count, pair_room;
        struct pn_finding *told; /* of a batch, certain */
        size_t told_count, told_room;
        struct pn_msg_out on; /* for the parser, being written */
        bool over;            /* limits.total_bytes was reached and told */
};

/* Loads what the setup brought: nothing, or pack and filter, each only when its bytes have the digest they must have, and
 * only when the sample hits. Vectorscan's database is taken where it fits this processor and library, else our own.
 * Returns 0, or -1 with PN_FAULT_CONFIG: this generation cannot be used. */
int pn_raw_rules_load(struct pn_worker *worker, struct pn_digest *digest, struct pn_raw_rules *ret, struct pn_err *err);
void pn_raw_rules_clear(struct pn_raw_rules *rules);

#endif
