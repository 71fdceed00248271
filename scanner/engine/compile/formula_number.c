/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/lower_expr.h"

#include <string.h>

#include "scanner/engine/names.h"

#define IS_BINARY(kind) ((kind) >= PN_YR_E_ADD && (kind) <= PN_YR_E_SHR)

const struct pn_bound *pn_bound_find(const struct pn_scope *scope, struct pn_yr_bytes name)
{
        const struct pn_bound *bound = scope->bound;

        while (bound && (bound->name.len != name.len || memcmp(bound->name.data, name.data, name.len) != 0))
                bound = bound->outer;
        return bound;
}

static enum pn_type wider(enum pn_type a, enum pn_type b)
{
        if (a == PN_TYPE_INT && b == PN_TYPE_INT)
                return PN_TYPE_INT;
        return a == PN_TYPE_DOUBLE && (b == PN_TYPE_INT || b == PN_TYPE_DOUBLE) ? PN_TYPE_DOUBLE
               : b == PN_TYPE_DOUBLE && a == PN_TYPE_INT                        ? PN_TYPE_DOUBLE
                                                                                : PN_TYPE_UNKNOWN;
}

static bool is_known_name(struct pn_yr_bytes text)
{
        for (unsigned i = 0; i < PN_NAMES; i++)
                if (strlen(pn_name_words[i]) == text.len &&
                    memcmp(pn_name_words[i], text.data, text.len) == 0)
                        return true;
        return false;
}

enum pn_type pn_lower_type(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        const struct pn_bound *bound;

        switch (expr->kind) {
        case PN_YR_E_INT:
        case PN_YR_E_FILESIZE:
        case PN_YR_E_ENTRYPOINT:
        case PN_YR_E_COUNT:
        case PN_YR_E_COUNT_IN:
        case PN_YR_E_OFFSET:
        case PN_YR_E_LENGTH:
        case PN_YR_E_INT_AT:
        case PN_YR_E_BIT_NOT:
                return PN_TYPE_INT;
        case PN_YR_E_DOUBLE:
                return PN_TYPE_DOUBLE;
        case PN_YR_E_TEXT:
                return PN_TYPE_TEXT;
        case PN_YR_E_EXTERNAL:
                return is_known_name(expr->text) ? PN_TYPE_TEXT : PN_TYPE_UNKNOWN;
        case PN_YR_E_VARIABLE:
                bound = pn_bound_find(scope, expr->text);
                return bound ? bound->type : PN_TYPE_UNKNOWN;
        case PN_YR_E_NEGATIVE:
                return wider(pn_lower_type(scope, expr->a), PN_TYPE_INT);
        case PN_YR_E_MODULE:
        case PN_YR_E_REGEX:
                return PN_TYPE_UNKNOWN;
        default:
                return IS_BINARY(expr->kind)
                               ? wider(pn_lower_type(scope, expr->a), pn_lower_type(scope, expr->b))
                               : PN_TYPE_BOOL;
        }
}

/* Unknown, and undefined when one of `count` numbers is: fractions, and what modules say of arguments. */
static uint32_t unknown_of(const struct pn_scope *scope, struct pn_yr_expr *const *list, uint32_t count)
{
        uint32_t ret = PN_NODE_MAYBE, number;

        for (uint32_t i = 0; i < count; i++) {
                if (pn_lower_type(scope, list[i]) != PN_TYPE_INT)
                        continue;
                number = pn_lower_number(scope, list[i]);
                if (!pn_node_is_defined(scope->build, number) && number != PN_NODE_MAYBE)
                        ret = pn_node_arithmetic(scope->build, PN_OP_ADD, ret, number);
        }
        return ret;
}

static uint32_t arithmetic(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        static const enum pn_op op[] = {PN_OP_ADD,     PN_OP_SUB,    PN_OP_MUL,     PN_OP_DIV, PN_OP_MOD,
                                        PN_OP_BIT_AND, PN_OP_BIT_OR, PN_OP_BIT_XOR, PN_OP_SHL, PN_OP_SHR};
        struct pn_yr_expr *const list[] = {expr->a, expr->b};

        if (pn_lower_type(scope, expr) != PN_TYPE_INT)
                return unknown_of(scope, list, 2);
        return pn_node_arithmetic(scope->build, op[expr->kind - PN_YR_E_ADD], pn_lower_number(scope, expr->a),
                                  pn_lower_number(scope, expr->b));
}

static uint32_t unary(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        struct pn_yr_expr *const list[] = {expr->a};

        if (pn_lower_type(scope, expr->a) != PN_TYPE_INT)
                return unknown_of(scope, list, 1);
        return pn_node_unary(scope->build, expr->kind == PN_YR_E_NEGATIVE ? PN_OP_NEGATIVE : PN_OP_BIT_NOT,
                             pn_lower_number(scope, expr->a));
}

/* An index or an offset; absent means the first. */
static uint32_t number_or_one(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        return expr ? pn_lower_number(scope, expr) : pn_node_int(scope->build, 1);
}

static uint32_t of_string(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        uint32_t string = pn_lower_string(scope, expr), kids[2];

        if (string == PN_NONE)
                return PN_NODE_MAYBE;
        if (expr->kind == PN_YR_E_COUNT)
                return pn_node_leaf(scope->build, PN_OP_COUNT, string, 0);
        if (expr->kind == PN_YR_E_COUNT_IN) {
                kids[0] = pn_lower_number(scope, expr->a);
                kids[1] = pn_lower_number(scope, expr->b);
                return pn_node_make(scope->build, PN_OP_COUNT_IN, string, kids, 2);
        }
        kids[0] = number_or_one(scope, expr->a);
        return pn_node_make(scope->build, expr->kind == PN_YR_E_OFFSET ? PN_OP_OFFSET : PN_OP_LENGTH, string,
                            kids, 1);
}

static uint32_t int_at(const struct pn_scope *scope, const struct pn_yr_expr *expr)
{
        uint32_t kid = pn_lower_number(scope, expr->a), ref = expr->bits;

        ref |= (expr->is_signed ? PN_INT_SIGNED : 0) | (expr->big_endian ? PN_INT_BIG : 0);
        return pn_node_make(scope->build, PN_OP_INT_AT, ref, &kid, 1);
}

/* A number, or MAYBE where no whole number is meant: a text, a truth value. */
uint32_t pn_lower_number(const struct pn_scope *outer, const struct pn_yr_expr *expr)
{
        const struct pn_bound *bound;
        struct pn_scope scope = *outer;

        if (++scope.level > PN_FORMULA_LEVELS)
                return PN_NODE_MAYBE;
        switch (expr->kind) {
        case PN_YR_E_INT:
                return pn_node_int(scope.build, expr->number);
        case PN_YR_E_FILESIZE:
                return pn_node_leaf(scope.build, PN_OP_FILESIZE, 0, 0);
        case PN_YR_E_COUNT:
        case PN_YR_E_COUNT_IN:
        case PN_YR_E_OFFSET:
        case PN_YR_E_LENGTH:
                return of_string(&scope, expr);
        case PN_YR_E_INT_AT:
                return int_at(&scope, expr);
        case PN_YR_E_NEGATIVE:
        case PN_YR_E_BIT_NOT:
                return unary(&scope, expr);
        case PN_YR_E_VARIABLE:
                bound = pn_bound_find(&scope, expr->text);
                return bound ? bound->node : PN_NODE_MAYBE;
        case PN_YR_E_MODULE:
                return unknown_of(&scope, expr->list, expr->list_count);
        default:
                return IS_BINARY(expr->kind) ? arithmetic(&scope, expr) : PN_NODE_MAYBE;
        }
}
