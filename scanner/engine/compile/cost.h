/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_COST_H
#define PN_COMPILE_COST_H

/* What each rule costs; the report of it is in compile.h. */

#include "scanner/engine/compile/clause.h"
#include "scanner/engine/compile/compile.h"
#include "scanner/engine/compile/formula.h"

#define PN_COST_LOOSE_PER_GB 1000.0 /* hits that only libyara can check: above it a rule is called loose */

/* What is known of a set when its windows are chosen. */
struct pn_cost_view {
        const struct pn_build *build;
        const struct pn_formulas *formulas;
        const struct pn_clause *clause;   /* by rule */
        const struct pn_clause *decided;  /* by rule: with strings that are too short for the filter */
        const struct pn_lowered *lowered; /* by string of the pack */
        const uint32_t *of_anchor;        /* by anchor: its window, or PN_NONE */
};

/* Fills cost, cost_count and hits_per_gb of *ret, whose windows are there. Returns 0, or -1 with
 * PN_FAULT_HOST. */
int pn_cost_find(const struct pn_yr_set *set, const struct pn_cost_view *view, struct pn_compiled *ret,
                 struct pn_err *err);

#endif
