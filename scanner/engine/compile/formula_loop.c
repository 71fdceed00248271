/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/lower_expr.h"

#include <string.h>

/* How many of `count` make a quantifier true. */
struct need {
        enum { NEED_SOME, NEED_NONE, NEED_NUMBER, NEED_UNKNOWN } kind;
        uint32_t least;  /* SOME: 0 to count + 1 */
        uint32_t number; /* NUMBER: node */
};

/* libyara divides as fractions, so that rounding sometimes asks for one more than the percentage does. */
static uint32_t percent_of(int64_t percent, uint32_t count)
{
        uint32_t least = 0;

        while (least <= count && (double)least / count * 100 < (double)percent)
                least++;
        return least;
}

static struct need find_need(const struct pn_scope *scope, const struct pn_yr_expr *expr, uint32_t count)
{
        struct need need = {.kind = NEED_UNKNOWN, .number = PN_NODE_MAYBE};
        int64_t number;

        if (expr->quantifier == PN_YR_Q_ANY)
                return (struct need){.kind = NEED_SOME, .least = 1};
        if (expr->quantifier == PN_YR_Q_ALL)
                return (struct need){.kind = NEED_SOME, .least = count};
        if (expr->quantifier == PN_YR_Q_NONE)
                return (struct need){.kind = NEED_NONE};
        if (!expr->count || pn_lower_type(scope, expr->count) != PN_TYPE_INT)
                return need;
        need.number = pn_lower_number(scope, expr->count);
        if (!pn_node_is_int(scope->build, need.number, &number)) {
                need.kind = expr->quantifier == PN_YR_Q_NUMBER ? NEED_NUMBER : NEED_UNKNOWN;
                return need;
        }
        if (expr->quantifier == PN_YR_Q_PERCENT)
                return (struct need){.kind = number > 0 && number <= 100 ? NEED_SOME : NEED_UNKNOWN,
                                     .least = percent_of(number, count)};
        if (number == 0)
                return (struct need){.kind = NEED_NONE};
        return (struct need){.kind = NEED_SOME,
                             .least = number < 0       ? 0
                                      : number > count ? count + 1
                                                       : (uint32_t)number};
}

/* ---------------------------------------------------------------- of */

/* A quantifier that only the file knows: undefined means all, 0 means none, as libyara has it. */
static uint32_t quantify_number(const struct pn_scope *scope, uint32_t number, const uint32_t *kids,
                                uint32_t count)
{
        struct pn_build *build = scope->build;
        uint32_t zero = pn_node_int(build, 0), *all = pn_arena_get(scope->arena, count + 1, sizeof(*all));
        uint32_t pair[2], choice[3];

        if (!all) {
                build->failed = true;
                return PN_NODE_MAYBE;
        }
        all[0] = number;
        for (uint32_t i = 0; i < count; i++)
                all[i + 1] = kids[i];
        pair[0] = pn_node_not(build, pn_node_defined(build, number));
        pair[1] = pn_node_and(build, kids, count);
        choice[0] = pn_node_and(build, pair, 2);
        pair[0] = pn_node_compare(build, PN_OP_EQ, number, zero);
        pair[1] = pn_node_not(build, pn_node_or(build, kids, count));
        choice[1] = pn_node_and(build, pair, 2);
        pair[0] = pn_node_compare(build, PN_OP_NE, number, zero);
        pair[1] = pn_node_make(build, PN_OP_ATLEAST, 0, all, count + 1);
        choice[2] = pn_node_and(build, pair, 2);
        return pn_node_or(build, choice, 3);
}

/* One member: it occurs, there; or the rule matches. */
static uint32_t member(const struct pn_scope *scope, const struct pn_yr_expr *expr, uint32_t i,
                       const uint32_t *place)
{
        uint32_t string;

        if (expr->of_rules)
                return pn_lower_rule(scope, expr->member[i]);
        string = scope->all->string[scope->rule] + expr->member[i];
        if (expr->at)
                return pn_node_make(scope->build, PN_OP_STRING_AT, string, place, 1);
        if (expr->a && expr->b)
                return pn_node_make(scope->build, PN_OP_STRING_IN, string, place, 2);
        return pn_node_leaf(scope->build, PN_OP_STRING, string, 0);
}

static bool find_place(const struct pn_scope *scope, const struct pn_yr_expr *expr, uint32_t place[2])
{
        bool defined = true;

        if (expr->at)
                place[0] = pn_lower_number(scope, expr->at);
        else if (expr->a && expr->b) {
                place[0] = pn_lower_number(scope, expr->a);
                place[1] = pn_lower_number(scope, expr->b);
                defined = pn_node_is_defined(scope->build, place[1]);
        } else {
                return true;
        }
        return defined && pn_node_is_defined(scope->build, place[0]);
}

uint32_t pn_lower_of(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        struct need need = find_need(scope, expr, expr->member_count);
        uint32_t *kids = pn_arena_get(scope->arena, expr->member_count, sizeof(*kids));
        uint32_t place[2] = {PN_NODE_MAYBE, PN_NODE_MAYBE};

        if (!kids) {
                scope->build->failed = true;
                return PN_NODE_MAYBE;
        }
        if (need.kind == NEED_UNKNOWN || expr->member_count == 0)
                return PN_NODE_MAYBE;
        /* with a place that is undefined libyara's `of` is undefined, whatever is asked for */
        if (!find_place(scope, expr, place) && (scope->exact || need.kind != NEED_SOME || need.least == 0))
                return PN_NODE_MAYBE;
        for (uint32_t i = 0; i < expr->member_count; i++)
                kids[i] = member(scope, expr, i, place);
        if (need.kind == NEED_NONE)
                return pn_node_not(scope->build, pn_node_or(scope->build, kids, expr->member_count));
        if (need.kind == NEED_NUMBER)
                return quantify_number(scope, need.number, kids, expr->member_count);
        return pn_node_atleast(scope->build, need.least, kids, expr->member_count);
}

/* ---------------------------------------------------------------- for */

/* A turn whose body is a number counts as that number, and so does `or` that has one in it. */
static bool counts_as_one(const struct pn_scope *scope, const struct pn_yr_expr *body)
{
        if (body->kind == PN_YR_E_OR)
                for (uint32_t i = 0; i < body->list_count; i++)
                        if (!counts_as_one(scope, body->list[i]))
                                return false;
        return pn_lower_type(scope, body) == PN_TYPE_BOOL;
}

static bool may_unroll(const struct pn_scope *scope, uint64_t turns)
{
        return turns <= PN_UNROLL_MAX &&
               pn_build_count(scope->build, PN_PACK_NODES) - scope->first_node < PN_UNROLL_NODES_MAX;
}

/* libyara 4.2 takes `none` and 0 of a loop as "0 or more", 4.3 as "not one": they are left to it, with a
 * number below 0 and with one that only the file knows. */
static bool needs_one_turn(struct need need)
{
        return need.kind == NEED_SOME && need.least > 0;
}

uint32_t pn_lower_for_of(const struct pn_scope *outer, const struct pn_yr_expr *expr)
{
        struct need need = find_need(outer, expr, expr->member_count);
        struct pn_scope scope = *outer;
        uint32_t kids[PN_UNROLL_MAX];

        if (expr->of_rules || !needs_one_turn(need) || expr->quantifier == PN_YR_Q_PERCENT ||
            !counts_as_one(&scope, expr->body))
                return PN_NODE_MAYBE;
        for (uint32_t i = 0; i < expr->member_count; i++) {
                if (!may_unroll(&scope, expr->member_count))
                        return PN_NODE_MAYBE;
                scope.string = expr->member[i];
                kids[i] = pn_lower_truth(&scope, expr->body);
        }
        return pn_node_atleast(scope.build, need.least, kids, expr->member_count);
}

/* The values that a loop's variable takes one after the other, when they are few and numbers. */
static bool list_turns(const struct pn_scope *scope, const struct pn_yr_expr *expr, uint32_t *value,
                       uint32_t *ret)
{
        int64_t low, high;

        if (!expr->range) {
                for (uint32_t i = 0; i < expr->list_count; i++) {
                        if (i >= PN_UNROLL_MAX || pn_lower_type(scope, expr->list[i]) != PN_TYPE_INT)
                                return false;
                        value[i] = pn_lower_number(scope, expr->list[i]);
                }
                *ret = expr->list_count;
                return true;
        }
        if (expr->list_count != 2 || pn_lower_type(scope, expr->list[0]) != PN_TYPE_INT ||
            pn_lower_type(scope, expr->list[1]) != PN_TYPE_INT ||
            !pn_node_is_int(scope->build, pn_lower_number(scope, expr->list[0]), &low) ||
            !pn_node_is_int(scope->build, pn_lower_number(scope, expr->list[1]), &high))
                return false;
        if (high >= low && (uint64_t)high - (uint64_t)low >= PN_UNROLL_MAX)
                return false;
        for (*ret = 0; high >= low && *ret <= (uint64_t)high - (uint64_t)low; ++*ret)
                value[*ret] = pn_node_int(scope->build, low + *ret);
        return true;
}

/* The tree does not say what a loop's variable is called. It is the one variable in the body that no loop
 * around it has, since no two loops in each other have one of the same name. False when another loop is in
 * the body, whose variable it could be, or when it could be that of a loop around. */
static bool find_variable(const struct pn_scope *scope, const struct pn_yr_expr *expr,
                          struct pn_yr_bytes *name)
{
        const struct pn_yr_expr *const part[] = {expr->a, expr->b, expr->at, expr->count, expr->body};

        if (expr->kind == PN_YR_E_FOR_IN || scope->nameless)
                return false;
        if (expr->kind == PN_YR_E_VARIABLE && !pn_bound_find(scope, expr->text)) {
                if (name->len > 0 &&
                    (name->len != expr->text.len || memcmp(name->data, expr->text.data, name->len) != 0))
                        return false;
                *name = expr->text;
        }
        for (size_t i = 0; i < sizeof(part) / sizeof(part[0]); i++)
                if (part[i] && !find_variable(scope, part[i], name))
                        return false;
        for (uint32_t i = 0; i < expr->list_count; i++)
                if (!find_variable(scope, expr->list[i], name))
                        return false;
        return true;
}

/* Of a loop over what only the file knows: some turn's body is true, so the body is possible. */
static uint32_t some_turn(const struct pn_scope *outer, const struct pn_yr_expr *expr)
{
        struct pn_scope scope = *outer;
        struct pn_bound bound = {.type = PN_TYPE_INT, .node = PN_NODE_MAYBE, .outer = scope.bound};
        uint32_t kids[2] = {PN_NODE_MAYBE, PN_NODE_MAYBE};

        if (expr->range && find_variable(&scope, expr->body, &bound.name))
                scope.bound = &bound;
        else
                scope.nameless = true;
        if (!scope.exact && counts_as_one(&scope, expr->body) && may_unroll(&scope, 1))
                kids[1] = pn_lower_truth(&scope, expr->body);
        return pn_node_and(scope.build, kids, 2);
}

uint32_t pn_lower_for_in(const struct pn_scope *outer, const struct pn_yr_expr *expr)
{
        uint32_t value[PN_UNROLL_MAX], kids[PN_UNROLL_MAX], turns = 0;
        struct pn_scope scope = *outer;
        struct pn_bound bound = {.type = PN_TYPE_INT, .node = PN_NODE_MAYBE, .outer = scope.bound};
        bool few = list_turns(&scope, expr, value, &turns) && find_variable(&scope, expr->body, &bound.name);
        struct need need = find_need(&scope, expr, turns);

        /* `all` asks for one turn at least, which a loop that has none does not make true */
        if (expr->quantifier == PN_YR_Q_ALL && (turns == 0 || !few))
                need.least = 1;
        if (!needs_one_turn(need) || expr->quantifier == PN_YR_Q_PERCENT)
                return PN_NODE_MAYBE;
        if (!few)
                return some_turn(&scope, expr);
        scope.bound = &bound;
        if (!counts_as_one(&scope, expr->body))
                return PN_NODE_MAYBE;
        for (uint32_t i = 0; i < turns; i++) {
                if (!may_unroll(&scope, turns))
                        return PN_NODE_MAYBE;
                bound.node = value[i];
                kids[i] = pn_lower_truth(&scope, expr->body);
        }
        return turns == 0 ? PN_NODE_FALSE : pn_node_atleast(scope.build, need.least, kids, turns);
}
