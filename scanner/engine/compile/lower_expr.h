/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_LOWER_EXPR_H
#define PN_COMPILE_LOWER_EXPR_H

/* One condition on its way to nodes: what formula.c, formula_number.c and formula_loop.c share. */

#include "scanner/engine/compile/formula.h"

enum pn_type { PN_TYPE_BOOL, PN_TYPE_INT, PN_TYPE_DOUBLE, PN_TYPE_TEXT, PN_TYPE_UNKNOWN };

/* A variable of a loop. */
struct pn_bound {
        struct pn_yr_bytes name;
        enum pn_type type;
        uint32_t node; /* its value: MAYBE when it is not one of a few */
        const struct pn_bound *outer;
};

struct pn_scope;
const struct pn_bound *pn_bound_find(const struct pn_scope *scope, struct pn_yr_bytes name);

/* A set of rules. */
struct pn_rules {
        bool *has; /* by rule */
        uint32_t *rule, count;
};
void pn_rules_add(struct pn_rules *rules, uint32_t rule);

/* Where in the condition we are; copied where something changes further in. */
struct pn_scope {
        const struct pn_yr_set *set;
        uint32_t rule;
        struct pn_build *build;
        struct pn_arena *arena;
        const struct pn_formulas *all;
        struct pn_rules *refers;      /* rules in the formula so far */
        uint32_t string;              /* that `$` stands for, or PN_YR_NO_STRING */
        const struct pn_bound *bound; /* innermost first */
        bool exact;                   /* below `not`: what is false must be false and not undefined */
        bool nameless; /* in a loop whose variable's name is not known: no other loop's can be told then */
        unsigned level;
        uint32_t first_node; /* of the rule */
};

uint32_t pn_lower_truth(const struct pn_scope *scope, const struct pn_yr_expr *expr);
uint32_t pn_lower_number(const struct pn_scope *scope, const struct pn_yr_expr *expr);
uint32_t pn_lower_of(const struct pn_scope *scope, const struct pn_yr_expr *expr);
uint32_t pn_lower_for_of(const struct pn_scope *scope, const struct pn_yr_expr *expr);
uint32_t pn_lower_for_in(const struct pn_scope *scope, const struct pn_yr_expr *expr);
uint32_t pn_lower_rule(const struct pn_scope *scope, uint32_t rule);

/* What kind of value an expression has. */
enum pn_type pn_lower_type(const struct pn_scope *scope, const struct pn_yr_expr *expr);

/* The string of the pack that an expression is about, or PN_NONE: a `$` that stands for none that is known.
 */
uint32_t pn_lower_string(const struct pn_scope *scope, const struct pn_yr_expr *expr);

/* A node that may be false where libyara's value is undefined, or the other way round: not below `not`. */
static inline uint32_t pn_lower_oneway(const struct pn_scope *scope, uint32_t node)
{
        return scope->exact ? PN_NODE_MAYBE : node;
}

#endif
