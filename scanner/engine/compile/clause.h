/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_CLAUSE_H
#define PN_COMPILE_CLAUSE_H

/* The clause of a rule: strings of which one must occur, or the rule does not match. Found from the leaves of
 * its formula upwards; where there is a choice (any part of an `and` will do) the cheapest is taken.
 *
 *     STRING, STRING_AT, STRING_IN     that string
 *     a comparison                     what one of its sides needs to be defined: @a, !a, uint32(@a); or the
 * strings whose count is in it, when a count of 0 makes it false: #a > 2 AND  the cheapest of its kids; OR
 * all kids' together; ATLEAST k of n  the n - k + 1 cheapest kids' RULE that rule's; FALSE  none is enough,
 * it never matches; NOT of a comparison  that of its opposite anything else                    there is none
 *
 * Only strings that the filter can find are in a clause: those with anchors, all of PN_WINDOW_MIN bytes or
 * more. */

#include "scanner/engine/compile/arena.h"
#include "scanner/engine/compile/build.h"
#include "scanner/engine/compile/lower.h"

#define PN_COST_SHORT_PER_GB 5000.0 /* what a window costs for each byte that it is shorter than 8, as hits  \
                                     */

struct pn_clause {
        bool found;       /* false: the rule is evaluated on every file */
        uint32_t *string; /* numbers in the pack, ascending; none at all: it never matches */
        uint32_t count;
        double cost;
};

bool pn_clause_may_hold(const struct pn_lowered *string, bool any_length);

#define PN_COST_FILTER_PER_GB 1e7 /* a string with more hits costs the filter more than a search of its own would */

/* What it costs to look for a string: expected hits, and more for short windows. */
double pn_clause_cost(const struct pn_lowered *string);

/* The clause of each of `count` formulas; formula[i] is that of rule i, lowered[s] is string s. A rule's node
 * comes before every node that refers to it. With `any_length` strings with short anchors count too: what is
 * not found then can be true without any string that a search of the file would decide. *ret lives in
 * `arena`. Returns 0, or -1 with PN_FAULT_HOST. */
int pn_clauses_find(const struct pn_build *build, const uint32_t *formula, uint32_t count,
                    const struct pn_lowered *lowered, bool any_length, struct pn_arena *arena,
                    struct pn_clause **ret, struct pn_err *err);

#endif
