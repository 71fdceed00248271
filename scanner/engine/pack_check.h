/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_PACK_CHECK_H
#define PN_ENGINE_PACK_CHECK_H

/* The two halves of pn_pack_open() behind the header; pack.c's alone. Tables are inside the blob already. */

#include "scanner/engine/pack.h"

static inline bool pn_run_fits(struct pn_run run, uint32_t records)
{
        return run.first <= records && records - run.first >= run.count;
}

/* Is `run` a run of `index` whose entries are all below `limit`? */
static inline bool pn_run_points(const struct pn_pack *pack, struct pn_run run, uint32_t limit)
{
        if (!pn_run_fits(run, pack->indexes))
                return false;
        for (uint32_t i = 0; i < run.count; i++)
                if (pack->index[run.first + i] >= limit)
                        return false;
        return true;
}

/* Segments, variants, anchors, strings, windows. */
int pn_pack_check_strings(const struct pn_pack *pack, struct pn_err *err);

/* Text, nodes, rules, the rules that are `always`. */
int pn_pack_check_rules(const struct pn_pack *pack, struct pn_err *err);

#endif
