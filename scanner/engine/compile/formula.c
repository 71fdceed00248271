/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/formula.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/compile/lower_expr.h"
#include "scanner/engine/names.h"

uint32_t pn_lower_string(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        uint32_t string = expr->string == PN_YR_NO_STRING ? scope->string : expr->string;

        return string == PN_YR_NO_STRING ? PN_NONE : scope->all->string[scope->rule] + string;
}

/* What a condition calls a rule's match is its own condition, whatever the global rules say; and where those
 * decide, they decide for the rule that asks too. So the formula with the global rules in it is as good. */
uint32_t pn_lower_rule(const struct pn_scope *scope, uint32_t rule)
{
        uint32_t ret;

        if (rule == scope->rule)
                return PN_NODE_FALSE; /* its own verdict is not there yet */
        if (rule >= scope->set->rule_count || scope->all->node[rule] == PN_NONE)
                return PN_NODE_MAYBE;
        ret = pn_node_rule(scope->build, rule, scope->all->node[rule]);
        if (ret != PN_NODE_MAYBE)
                pn_rules_add(scope->refers, rule);
        return ret;
}

/* ---------------------------------------------------------------- texts */

static bool find_name(struct pn_yr_bytes text, uint32_t *ret)
{
        for (*ret = 0; *ret < PN_NAMES; ++*ret)
                if (strlen(pn_name_words[*ret]) == text.len &&
                    memcmp(pn_name_words[*ret], text.data, text.len) == 0)
                        return true;
        return false;
}

static const struct {
        enum pn_op op;
        bool either_way; /* the literal may stand first */
} text_op[] = {
        [PN_YR_E_EQ] = {PN_OP_TEXT_EQ, true},
        [PN_YR_E_NE] = {PN_OP_TEXT_NE, true},
        [PN_YR_E_CONTAINS] = {PN_OP_TEXT_CONTAINS, false},
        [PN_YR_E_ICONTAINS] = {PN_OP_TEXT_ICONTAINS, false},
        [PN_YR_E_STARTSWITH] = {PN_OP_TEXT_STARTSWITH, false},
        [PN_YR_E_ISTARTSWITH] = {PN_OP_TEXT_ISTARTSWITH, false},
        [PN_YR_E_ENDSWITH] = {PN_OP_TEXT_ENDSWITH, false},
        [PN_YR_E_IENDSWITH] = {PN_OP_TEXT_IENDSWITH, false},
        [PN_YR_E_IEQUALS] = {PN_OP_TEXT_IEQUALS, true},
};

/* An external variable and a literal; anything else is unknown. So is an order (`<`): libyara compares bytes
 * as signed where char is, and what a literal with a NUL means is libyara's to say. */
static uint32_t text_compare(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        const struct pn_yr_expr *name = expr->a, *literal = expr->b;
        enum pn_op op = text_op[expr->kind].op;
        uint32_t ref;

        if (op == PN_OP_FALSE)
                return PN_NODE_MAYBE;
        if (text_op[expr->kind].either_way && name->kind == PN_YR_E_TEXT) {
                name = expr->b;
                literal = expr->a;
        }
        if (name->kind != PN_YR_E_EXTERNAL || literal->kind != PN_YR_E_TEXT || !find_name(name->text, &ref) ||
            (literal->text.len > 0 && memchr(literal->text.data, 0, literal->text.len)))
                return PN_NODE_MAYBE;
        return pn_node_leaf(scope->build, op, ref,
                            pn_build_text(scope->build, literal->text.data, literal->text.len));
}

/* ---------------------------------------------------------------- truth values */

static uint32_t compare(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        static const enum pn_op op[] = {PN_OP_LT, PN_OP_LE, PN_OP_GT, PN_OP_GE, PN_OP_EQ, PN_OP_NE};
        enum pn_type a = pn_lower_type(scope, expr->a), b = pn_lower_type(scope, expr->b);
        uint32_t ret;

        if (a == PN_TYPE_TEXT || b == PN_TYPE_TEXT || expr->kind > PN_YR_E_NE)
                return text_compare(scope, expr);
        if (a == PN_TYPE_BOOL || b == PN_TYPE_BOOL)
                return PN_NODE_MAYBE;
        ret = pn_node_compare(scope->build, op[expr->kind - PN_YR_E_LT], pn_lower_number(scope, expr->a),
                              pn_lower_number(scope, expr->b));
        /* of fractions `<` is false where the others are undefined */
        return a == PN_TYPE_INT && b == PN_TYPE_INT ? ret : pn_lower_oneway(scope, ret);
}

/* A value that is no truth value: true when it is not 0 and not "". */
static uint32_t value_as_truth(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        enum pn_type type = pn_lower_type(scope, expr);
        uint32_t ret, ref;

        if (expr->kind == PN_YR_E_TEXT)
                return expr->text.len > 0 ? PN_NODE_TRUE : PN_NODE_FALSE;
        if (expr->kind == PN_YR_E_EXTERNAL)
                return find_name(expr->text, &ref) ? pn_node_leaf(scope->build, PN_OP_TEXT_NE, ref, 0)
                                                   : PN_NODE_MAYBE;
        ret = pn_node_compare(scope->build, PN_OP_NE, pn_lower_number(scope, expr),
                              pn_node_int(scope->build, 0));
        return type == PN_TYPE_INT ? ret : pn_lower_oneway(scope, ret);
}

static uint32_t string_at(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        uint32_t string = pn_lower_string(scope, expr), kid = pn_lower_number(scope, expr->a), ret;

        if (string == PN_NONE)
                return PN_NODE_MAYBE;
        ret = pn_node_make(scope->build, PN_OP_STRING_AT, string, &kid, 1);
        return pn_node_is_defined(scope->build, kid) ? ret : pn_lower_oneway(scope, ret);
}

static uint32_t string_in(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        const uint32_t kids[] = {pn_lower_number(scope, expr->a), pn_lower_number(scope, expr->b)};
        uint32_t string = pn_lower_string(scope, expr);

        return string == PN_NONE ? PN_NODE_MAYBE
                                 : pn_node_make(scope->build, PN_OP_STRING_IN, string, kids, 2);
}

static uint32_t string_occurs(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        uint32_t string = pn_lower_string(scope, expr);

        return string == PN_NONE ? PN_NODE_MAYBE : pn_node_leaf(scope->build, PN_OP_STRING, string, 0);
}

static uint32_t rule_matches(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        return pn_lower_rule(scope, expr->rule);
}

static uint32_t constant(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        (void)scope;
        return expr->number ? PN_NODE_TRUE : PN_NODE_FALSE;
}

static uint32_t negation(const struct pn_scope *outer, const struct pn_yr_expr *expr)
{
        struct pn_scope scope = *outer;

        scope.exact = true;
        return pn_node_not(scope.build, pn_lower_truth(&scope, expr->a));
}

/* Whether truth values are defined depends on what was cut in them, so that is left to libyara. */
static uint32_t defined(const struct pn_scope *outer, const struct pn_yr_expr *expr)
{
        struct pn_scope scope = *outer;
        enum pn_type type = pn_lower_type(outer, expr->a);
        uint32_t number;

        scope.exact = true;
        if (expr->a->kind == PN_YR_E_STRING || type == PN_TYPE_TEXT)
                return PN_NODE_TRUE;
        if (type == PN_TYPE_BOOL)
                return PN_NODE_MAYBE;
        number = pn_lower_number(&scope, expr->a);
        return number == PN_NODE_MAYBE ? PN_NODE_MAYBE : pn_node_defined(scope.build, number);
}

static uint32_t junction(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        uint32_t *kids = pn_arena_get(scope->arena, expr->list_count, sizeof(*kids));

        if (!kids) {
                scope->build->failed = true;
                return PN_NODE_MAYBE;
        }
        for (uint32_t i = 0; i < expr->list_count; i++)
                kids[i] = pn_lower_truth(scope, expr->list[i]);
        return expr->kind == PN_YR_E_AND ? pn_node_and(scope->build, kids, expr->list_count)
                                         : pn_node_or(scope->build, kids, expr->list_count);
}

static uint32_t unknown(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        (void)scope;
        (void)expr;
        return PN_NODE_MAYBE;
}

typedef uint32_t lower_truth(const struct pn_scope *scope, const struct pn_yr_expr *expr);

/* What is not here is a value, not a truth value. */
static lower_truth *const truth_of[PN_YR_E_FOR_IN + 1] = {
        [PN_YR_E_BOOL] = constant,
        [PN_YR_E_REGEX] = unknown,
        [PN_YR_E_STRING] = string_occurs,
        [PN_YR_E_STRING_AT] = string_at,
        [PN_YR_E_STRING_IN] = string_in,
        [PN_YR_E_RULE] = rule_matches,
        [PN_YR_E_NOT] = negation,
        [PN_YR_E_DEFINED] = defined,
        [PN_YR_E_AND] = junction,
        [PN_YR_E_OR] = junction,
        [PN_YR_E_LT... PN_YR_E_NE] = compare,
        [PN_YR_E_CONTAINS... PN_YR_E_IEQUALS] = compare,
        [PN_YR_E_MATCHES] = unknown,
        [PN_YR_E_OF] = pn_lower_of,
        [PN_YR_E_FOR_OF] = pn_lower_for_of,
        [PN_YR_E_FOR_IN] = pn_lower_for_in,
};

uint32_t pn_lower_truth(const struct pn_scope *outer, const struct pn_yr_expr *expr)
{
        struct pn_scope scope = *outer;

        if (++scope.level > PN_FORMULA_LEVELS || expr->kind > PN_YR_E_FOR_IN)
                return PN_NODE_MAYBE;
        return truth_of[expr->kind] ? truth_of[expr->kind](&scope, expr) : value_as_truth(&scope, expr);
}

/* ---------------------------------------------------------------- the rules of a set */

void pn_rules_add(struct pn_rules *rules, uint32_t rule)
{
        if (rules->has[rule])
                return;
        rules->has[rule] = true;
        rules->rule[rules->count++] = rule;
}

struct maker {
        const struct pn_yr_set *set;
        struct pn_build *build;
        struct pn_arena *arena;
        struct pn_formulas *ret;
        bool *early;            /* by rule: a global rule, or one that a global rule refers to */
        struct pn_rules global; /* ascending */
        struct pn_rules refers; /* of the rule that is made */
};

static void find_early(struct maker *maker)
{
        for (uint32_t i = 0; i < maker->set->rule_count; i++)
                if (maker->set->rule[i].flags & PN_YR_RULE_GLOBAL)
                        pn_rules_add(&maker->global, i);
        /* a rule refers to those before it alone */
        for (uint32_t i = maker->set->rule_count; i-- > 0;) {
                const struct pn_yr_rule *rule = &maker->set->rule[i];

                maker->early[i] |= maker->global.has[i];
                for (uint32_t k = 0; maker->early[i] && k < rule->needs_count; k++)
                        if (rule->needs[k] < i)
                                maker->early[rule->needs[k]] = true;
        }
}

/* A rule's own condition and the global rules of its namespace: of a global rule, those before it. */
static uint32_t make_formula(struct maker *maker, uint32_t number)
{
        const struct pn_yr_rule *rule = &maker->set->rule[number];
        struct pn_scope scope = {.set = maker->set,
                                 .rule = number,
                                 .build = maker->build,
                                 .arena = maker->arena,
                                 .all = maker->ret,
                                 .refers = &maker->refers,
                                 .string = PN_YR_NO_STRING,
                                 .first_node = pn_build_count(maker->build, PN_PACK_NODES)};
        uint32_t *kids = pn_arena_get(maker->arena, maker->global.count + 1, sizeof(*kids)), count = 1;
        bool global = maker->global.has[number];

        if (!kids) {
                maker->build->failed = true;
                return PN_NODE_MAYBE;
        }
        kids[0] = pn_lower_truth(&scope, rule->condition);
        for (uint32_t i = 0; i < maker->global.count && (global || !maker->early[number]); i++) {
                uint32_t other = maker->global.rule[i];

                if (maker->set->rule[other].space == rule->space && (!global || other < number))
                        kids[count++] = pn_lower_rule(&scope, other);
        }
        return pn_node_and(maker->build, kids, count);
}

static int by_number(const void *a, const void *b)
{
        uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

        return (left > right) - (left < right);
}

/* The rules that were referred to, and what those need. */
static bool collect_needs(struct maker *maker, uint32_t number)
{
        struct pn_needs *needs = &maker->ret->needs[number];
        struct pn_rules *refers = &maker->refers;

        for (uint32_t i = 0, direct = refers->count; i < direct; i++) {
                const struct pn_needs *more = &maker->ret->needs[refers->rule[i]];

                for (uint32_t k = 0; k < more->count; k++)
                        pn_rules_add(refers, more->rule[k]);
        }
        needs->count = refers->count;
        needs->rule = pn_arena_get(maker->arena, needs->count, sizeof(*needs->rule));
        if (!needs->rule)
                return false;
        for (uint32_t i = 0; i < needs->count; i++) {
                needs->rule[i] = refers->rule[i];
                refers->has[refers->rule[i]] = false;
        }
        refers->count = 0;
        qsort(needs->rule, needs->count, sizeof(*needs->rule), by_number);
        return true;
}

static int make_all(struct maker *maker, struct pn_err *err)
{
        for (int late = 0; late < 2; late++)
                for (uint32_t i = 0; i < maker->set->rule_count; i++) {
                        if (maker->early[i] != (late == 0))
                                continue;
                        maker->ret->node[i] = make_formula(maker, i);
                        if (!collect_needs(maker, i) || maker->build->failed)
                                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make the formula of `%.128s`",
                                                  maker->set->rule[i].name);
                }
        return 0;
}

static bool make_rules(struct pn_arena *arena, uint32_t count, struct pn_rules *ret)
{
        ret->has = pn_arena_get(arena, count, sizeof(*ret->has));
        ret->rule = pn_arena_get(arena, count, sizeof(*ret->rule));
        return ret->has && ret->rule;
}

int pn_formulas_make(const struct pn_yr_set *set, struct pn_build *build, struct pn_arena *arena,
                     struct pn_formulas *ret, struct pn_err *err)
{
        struct maker maker = {.set = set, .build = build, .arena = arena, .ret = ret};
        uint32_t strings = 0, rules = set->rule_count;

        maker.early = pn_arena_get(arena, rules, sizeof(*maker.early));
        ret->node = pn_arena_get(arena, rules, sizeof(*ret->node));
        ret->string = pn_arena_get(arena, rules, sizeof(*ret->string));
        ret->needs = pn_arena_get(arena, rules, sizeof(*ret->needs));
        if (!maker.early || !ret->node || !ret->string || !ret->needs ||
            !make_rules(arena, rules, &maker.global) || !make_rules(arena, rules, &maker.refers))
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make formulas");
        for (uint32_t i = 0; i < rules; i++) {
                ret->node[i] = PN_NONE;
                ret->string[i] = strings;
                strings += set->rule[i].string_count;
        }
        find_early(&maker);
        return make_all(&maker, err);
}
