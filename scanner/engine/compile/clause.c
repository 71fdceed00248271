/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/clause.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/compile/node.h"

#define FEW         4 /* bytes of a window: its expected hits are hits; of longer ones they only bound them */
#define LOOSE_LEAST 3 /* bytes: what may occur wherever fewer of them stand may occur in every file */

/* Of a truth value: it is true only when one of the strings occurs. Of a number: it is defined only then. */
struct finder {
        const struct pn_build *build;
        const uint32_t *formula;
        const struct pn_lowered *lowered;
        struct pn_arena *arena;
        struct pn_clause *set; /* by node */
        uint32_t *mark;        /* by string: the union that took it last */
        uint32_t unions;
        bool any_length;
        bool failed;
};

#define NOTHING_KNOWN ((struct pn_clause){.found = false})

bool pn_clause_may_hold(const struct pn_lowered *string, bool any_length)
{
        unsigned least = !any_length ? PN_WINDOW_MIN : string->flags & PN_STRING_LOOSE ? LOOSE_LEAST : 1;

        for (uint32_t i = 0; i < string->anchor_count; i++) {
                const uint32_t len = string->anchor[i].window.len;

                if (len < least || (!any_length && len <= FEW && string->hits_per_gb > PN_COST_FILTER_PER_GB))
                        return false;
        }
        return (string->flags & PN_STRING_UNANCHORED) == 0 && string->anchor_count > 0;
}

double pn_clause_cost(const struct pn_lowered *string)
{
        double cost = string->hits_per_gb;

        for (uint32_t i = 0; i < string->anchor_count; i++)
                cost += PN_COST_SHORT_PER_GB * (PN_WINDOW_MAX - string->anchor[i].window.len);
        return cost;
}

static struct pn_clause one_string(struct finder *finder, uint32_t string)
{
        struct pn_clause ret = {.found = true, .count = 1};

        if (!pn_clause_may_hold(&finder->lowered[string], finder->any_length))
                return NOTHING_KNOWN;
        ret.string = pn_arena_get(finder->arena, 1, sizeof(*ret.string));
        if (!ret.string) {
                finder->failed = true;
                return NOTHING_KNOWN;
        }
        ret.string[0] = string;
        ret.cost = pn_clause_cost(&finder->lowered[string]);
        return ret;
}

static bool is_cheaper(const struct pn_clause *a, const struct pn_clause *b)
{
        if (!a->found || !b->found)
                return a->found && !b->found;
        return a->cost < b->cost || (a->cost <= b->cost && a->count < b->count);
}

static struct pn_clause cheaper(struct pn_clause a, struct pn_clause b)
{
        return is_cheaper(&b, &a) ? b : a;
}

static int by_number(const void *a, const void *b)
{
        uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

        return (left > right) - (left < right);
}

static void take(struct finder *finder, struct pn_clause *into, const struct pn_clause *more)
{
        for (uint32_t i = 0; i < more->count; i++) {
                if (finder->mark[more->string[i]] == finder->unions)
                        continue;
                finder->mark[more->string[i]] = finder->unions;
                into->string[into->count++] = more->string[i];
                into->cost += pn_clause_cost(&finder->lowered[more->string[i]]);
        }
}

/* All strings of `count` clauses; none is known when one of them is not. */
static struct pn_clause unite(struct finder *finder, const struct pn_clause *part, uint32_t count)
{
        struct pn_clause ret = {.found = true};
        size_t room = 0;

        if (count == 1)
                return part[0];
        for (uint32_t i = 0; i < count; i++) {
                if (!part[i].found)
                        return NOTHING_KNOWN;
                room += part[i].count;
        }
        ret.string = pn_arena_get(finder->arena, room, sizeof(*ret.string));
        if (!ret.string) {
                finder->failed = true;
                return NOTHING_KNOWN;
        }
        finder->unions++;
        for (uint32_t i = 0; i < count; i++)
                take(finder, &ret, &part[i]);
        qsort(ret.string, ret.count, sizeof(*ret.string), by_number);
        return ret;
}

static struct pn_clause best_kid(struct finder *finder, const struct pn_pack_node *node)
{
        const struct pn_clause *best = NULL;

        for (uint32_t i = 0; i < node->kids.count; i++) {
                const struct pn_clause *kid = &finder->set[pn_node_kid(finder->build, node, i)];

                if (!best || is_cheaper(kid, best))
                        best = kid;
        }
        return best ? *best : NOTHING_KNOWN;
}

static int by_cost(const void *a, const void *b)
{
        const struct pn_clause *left = a, *right = b;

        if (left->found != right->found)
                return left->found ? -1 : 1;
        return (left->cost > right->cost) - (left->cost < right->cost);
}

/* `k` of the kids from `first` on are true, so one of any n - k + 1 is. */
static struct pn_clause some_kids(struct finder *finder, const struct pn_pack_node *node, uint32_t first,
                                  int64_t k)
{
        uint32_t count = node->kids.count - first;
        struct pn_clause *part, ret;

        if (k <= 0)
                return NOTHING_KNOWN;
        if (k > count)
                return (struct pn_clause){.found = true};
        part = malloc(count * sizeof(*part));
        if (!part) {
                finder->failed = true;
                return NOTHING_KNOWN;
        }
        for (uint32_t i = 0; i < count; i++)
                part[i] = finder->set[pn_node_kid(finder->build, node, first + i)];
        qsort(part, count, sizeof(*part), by_cost);
        ret = unite(finder, part, count - (uint32_t)k + 1);
        free(part);
        return ret;
}

/* ---------------------------------------------------------------- comparisons */

/* The least and the greatest value a number can have. */
struct range {
        int64_t low, high;
};

static const struct range anything = {INT64_MIN, INT64_MAX};

static struct range range_of_bits(uint32_t ref)
{
        uint32_t bits = ref & 0xffU;

        if (ref & PN_INT_SIGNED)
                return (struct range){-(INT64_C(1) << (bits - 1)), (INT64_C(1) << (bits - 1)) - 1};
        return (struct range){0, (INT64_C(1) << bits) - 1};
}

/* `absent`: when no string occurs. */
static struct range range_of(const struct pn_build *build, uint32_t number, bool absent)
{
        const struct pn_pack_node *node = pn_node_at(build, number);
        struct range a, b, ret;

        switch (node->op) {
        case PN_OP_INT:
                return (struct range){node->number, node->number};
        case PN_OP_COUNT:
        case PN_OP_COUNT_IN:
                return (struct range){0, absent ? 0 : INT32_MAX}; /* libyara counts in an int32_t */
        case PN_OP_FILESIZE:
                return (struct range){0, INT64_MAX};
        case PN_OP_INT_AT:
                return range_of_bits(node->ref);
        case PN_OP_ADD:
                a = range_of(build, pn_node_kid(build, node, 0), absent);
                b = range_of(build, pn_node_kid(build, node, 1), absent);
                if (__builtin_add_overflow(a.low, b.low, &ret.low) ||
                    __builtin_add_overflow(a.high, b.high, &ret.high))
                        return anything;
                return ret;
        default:
                return anything;
        }
}

/* Is there no pair of values for which the comparison is true? */
static bool never(enum pn_op op, struct range a, struct range b)
{
        switch (op) {
        case PN_OP_LT:
                return a.low >= b.high;
        case PN_OP_LE:
                return a.low > b.high;
        case PN_OP_GT:
                return a.high <= b.low;
        case PN_OP_GE:
                return a.high < b.low;
        case PN_OP_EQ:
                return a.high < b.low || b.high < a.low;
        default:
                return a.low == a.high && b.low == b.high && a.low == b.low;
        }
}

/* The strings whose counts are added up in a number. */
static struct pn_clause counted(struct finder *finder, uint32_t number)
{
        const struct pn_pack_node *node = pn_node_at(finder->build, number);
        struct pn_clause kid[2];

        if (node->op == PN_OP_COUNT || node->op == PN_OP_COUNT_IN)
                return one_string(finder, node->ref);
        if (node->op != PN_OP_ADD)
                return (struct pn_clause){.found = true};
        kid[0] = counted(finder, pn_node_kid(finder->build, node, 0));
        kid[1] = counted(finder, pn_node_kid(finder->build, node, 1));
        return unite(finder, kid, 2);
}

static struct pn_clause comparison(struct finder *finder, enum pn_op op, const struct pn_pack_node *node)
{
        uint32_t left = pn_node_kid(finder->build, node, 0), right = pn_node_kid(finder->build, node, 1);
        struct pn_clause ret = cheaper(finder->set[left], finder->set[right]);
        struct range a = range_of(finder->build, left, false), b = range_of(finder->build, right, false);

        if (never(op, range_of(finder->build, left, true), b))
                ret = cheaper(ret, counted(finder, left));
        if (never(op, a, range_of(finder->build, right, true)))
                ret = cheaper(ret, counted(finder, right));
        return ret;
}

/* `not` leaves undefined what is undefined, so that it needs what the opposite needs. */
static struct pn_clause negation(struct finder *finder, const struct pn_pack_node *node)
{
        static const enum pn_op opposite[] = {PN_OP_GE, PN_OP_GT, PN_OP_LE, PN_OP_LT, PN_OP_NE, PN_OP_EQ};
        const struct pn_pack_node *kid = pn_node_at(finder->build, pn_node_kid(finder->build, node, 0));

        if (kid->op < PN_OP_LT || kid->op > PN_OP_NE)
                return NOTHING_KNOWN;
        return comparison(finder, opposite[kid->op - PN_OP_LT], kid);
}

static struct pn_clause atleast(struct finder *finder, const struct pn_pack_node *node)
{
        int64_t k;

        if (!pn_node_is_int(finder->build, pn_node_kid(finder->build, node, 0), &k))
                return NOTHING_KNOWN;
        return some_kids(finder, node, 1, k);
}

static struct pn_clause find(struct finder *finder, const struct pn_pack_node *node)
{
        switch (node->op) {
        case PN_OP_FALSE:
        case PN_OP_UNDEFINED:
                return (struct pn_clause){.found = true};
        case PN_OP_STRING:
        case PN_OP_STRING_AT:
        case PN_OP_STRING_IN:
        case PN_OP_OFFSET:
        case PN_OP_LENGTH:
                return cheaper(one_string(finder, node->ref), best_kid(finder, node));
        case PN_OP_RULE:
                return finder->set[finder->formula[node->ref]];
        case PN_OP_NOT:
                return negation(finder, node);
        case PN_OP_OR:
                return node->kids.count ? some_kids(finder, node, 0, 1) : (struct pn_clause){.found = true};
        case PN_OP_ATLEAST:
                return atleast(finder, node);
        case PN_OP_LT:
        case PN_OP_LE:
        case PN_OP_GT:
        case PN_OP_GE:
        case PN_OP_EQ:
        case PN_OP_NE:
                return comparison(finder, (enum pn_op)node->op, node);
        default: /* AND, and numbers, which are undefined when one of their kids is; a leaf needs nothing */
                return best_kid(finder, node);
        }
}

int pn_clauses_find(const struct pn_build *build, const uint32_t *formula, uint32_t count,
                    const struct pn_lowered *lowered, bool any_length, struct pn_arena *arena,
                    struct pn_clause **ret, struct pn_err *err)
{
        uint32_t nodes = pn_build_count(build, PN_PACK_NODES),
                 strings = pn_build_count(build, PN_PACK_STRINGS);
        struct finder finder = {.build = build,
                                .formula = formula,
                                .lowered = lowered,
                                .arena = arena,
                                .any_length = any_length};

        finder.set = pn_arena_get(arena, nodes, sizeof(*finder.set));
        finder.mark = pn_arena_get(arena, strings, sizeof(*finder.mark));
        *ret = pn_arena_get(arena, count, sizeof(**ret));
        if (!finder.set || !finder.mark || !*ret)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "find clauses");
        for (uint32_t i = 0; i < nodes; i++)
                finder.set[i] = find(&finder, pn_node_at(build, i));
        for (uint32_t i = 0; i < count; i++)
                (*ret)[i] = finder.set[formula[i]];
        return finder.failed ? pn_err_set(err, PN_FAULT_HOST, ENOMEM, "find clauses") : 0;
}
