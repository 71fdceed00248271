/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_FORMULA_H
#define PN_COMPILE_FORMULA_H

/* From the conditions of a set of rules to formulas (scanner/engine/pack.h). What a condition says that a
 * formula cannot say becomes MAYBE, so that a formula is false only when libyara says no.
 *
 * Loops are unrolled while they are small. What is left of the others is that their body must be possible.
 * Below `not` nothing is said that holds in one direction only. */

#include "scanner/engine/compile/arena.h"
#include "scanner/engine/compile/ast.h"
#include "scanner/engine/compile/node.h"

#define PN_UNROLL_MAX 64U          /* turns of one loop */
#define PN_UNROLL_NODES_MAX 16384U /* nodes of one rule, above which its loops are MAYBE */
#define PN_FORMULA_LEVELS                                                                                    \
        80U /* expressions in each other; deeper ones are MAYBE (the parser has a ceiling too) */

struct pn_formulas {
        uint32_t *node;   /* of each rule */
        uint32_t *string; /* of each rule: the number of its first string in the pack */
        struct pn_needs { /* of each rule: the rules in its formula, at any depth, ascending */
                uint32_t *rule;
                uint32_t count;
        } * needs;
};

/* One formula for each rule; everything in *ret lives in `arena`. A global rule is part of the formulas of
 * all rules of its namespace but of those that global rules refer to, whose formula is their own condition
 * alone: else a rule would stand below itself. They stay possible when a global rule is false, and libyara
 * says no. Returns 0, or -1 with PN_FAULT_HOST. */
int pn_formulas_make(const struct pn_yr_set *set, struct pn_build *build, struct pn_arena *arena,
                     struct pn_formulas *ret, struct pn_err *err);

#endif
