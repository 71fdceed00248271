/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/node.h"

#include <stdlib.h>

const struct pn_pack_node *pn_node_at(const struct pn_build *build, uint32_t node)
{
        return (const struct pn_pack_node *)pn_build_rows(build, PN_PACK_NODES) + node;
}

uint32_t pn_node_kid(const struct pn_build *build, const struct pn_pack_node *node, uint32_t kid)
{
        return ((const uint32_t *)pn_build_rows(build, PN_PACK_INDEX))[node->kids.first + kid];
}

bool pn_node_is_int(const struct pn_build *build, uint32_t node, int64_t *ret)
{
        const struct pn_pack_node *at = pn_node_at(build, node);

        if (at->op != PN_OP_INT)
                return false;
        *ret = at->number;
        return true;
}

/* `pad` holds the depth while a pack is made; a rule counts with its formula. */
static uint32_t add(struct pn_build *build, struct pn_pack_node node, uint32_t below, const uint32_t *kids,
                    uint32_t count)
{
        uint32_t depth = below;

        for (uint32_t i = 0; i < count; i++)
                if (pn_node_at(build, kids[i])->pad > depth)
                        depth = pn_node_at(build, kids[i])->pad;
        if (depth >= PN_PACK_DEPTH_MAX - 1)
                return PN_NODE_MAYBE;
        node.pad = (uint16_t)(depth + 1);
        if (count > 0)
                node.kids = (struct pn_run){pn_build_add(build, PN_PACK_INDEX, kids, count), count};
        if (build->failed)
                return PN_NODE_MAYBE;
        return pn_build_add(build, PN_PACK_NODES, &node, 1);
}

void pn_node_forget_depths(struct pn_build *build)
{
        struct pn_pack_node *node = pn_build_rows(build, PN_PACK_NODES);

        for (uint32_t i = 0; i < pn_build_count(build, PN_PACK_NODES); i++)
                node[i].pad = 0;
}

uint32_t pn_node_leaf(struct pn_build *build, enum pn_op op, uint32_t ref, int64_t number)
{
        return add(build, (struct pn_pack_node){.op = (uint16_t)op, .ref = ref, .number = number}, 0, NULL,
                   0);
}

uint32_t pn_node_int(struct pn_build *build, int64_t number)
{
        return pn_node_leaf(build, number == PN_NUMBER_UNDEFINED ? PN_OP_UNDEFINED : PN_OP_INT, 0,
                            number == PN_NUMBER_UNDEFINED ? 0 : number);
}

uint32_t pn_node_make(struct pn_build *build, enum pn_op op, uint32_t ref, const uint32_t *kids,
                      uint32_t count)
{
        return add(build, (struct pn_pack_node){.op = (uint16_t)op, .ref = ref}, 0, kids, count);
}

uint32_t pn_node_rule(struct pn_build *build, uint32_t rule, uint32_t formula)
{
        return add(build, (struct pn_pack_node){.op = PN_OP_RULE, .ref = rule},
                   pn_node_at(build, formula)->pad, NULL, 0);
}

/* ---------------------------------------------------------------- truth values */

#define SMALL (INT64_C(1) << 40)

/* Can it be nothing but a number that is far from libyara's sign for undefined, with one more of them added,
 * too? A size is not below 0, but may be anything above it. */
static bool is_small(const struct pn_build *build, uint32_t number, bool or_size)
{
        const struct pn_pack_node *node = pn_node_at(build, number);

        if (node->op == PN_OP_INT)
                return node->number > -SMALL && node->number < SMALL;
        return node->op == PN_OP_COUNT || (or_size && node->op == PN_OP_FILESIZE);
}

/* What is computed may come out at libyara's sign for undefined, and is undefined then. */
static bool is_computed_defined(const struct pn_build *build, const struct pn_pack_node *node)
{
        uint32_t left = pn_node_kid(build, node, 0), right = pn_node_kid(build, node, 1);
        int64_t divisor;

        if (!is_small(build, left, true) || !is_small(build, right, false))
                return false;
        if (node->op == PN_OP_ADD || node->op == PN_OP_SUB)
                return true;
        return pn_node_is_int(build, right, &divisor) && divisor != 0 && divisor != -1;
}

bool pn_node_is_defined(const struct pn_build *build, uint32_t number)
{
        const struct pn_pack_node *node = pn_node_at(build, number);

        switch (node->op) {
        case PN_OP_MAYBE:
        case PN_OP_UNDEFINED:
        case PN_OP_OFFSET:
        case PN_OP_LENGTH:
        case PN_OP_INT_AT:
        case PN_OP_NEGATIVE:
        case PN_OP_BIT_NOT:
        case PN_OP_MUL:
        case PN_OP_BIT_AND:
        case PN_OP_BIT_OR:
        case PN_OP_BIT_XOR:
        case PN_OP_SHL:
        case PN_OP_SHR:
                return false;
        case PN_OP_ADD:
        case PN_OP_SUB:
        case PN_OP_DIV:
        case PN_OP_MOD:
                return is_computed_defined(build, node);
        case PN_OP_AND:
        case PN_OP_OR:
        case PN_OP_ATLEAST:
        case PN_OP_DEFINED:
                return true;
        default:
                break;
        }
        for (uint32_t i = 0; i < node->kids.count; i++)
                if (!pn_node_is_defined(build, pn_node_kid(build, node, i)))
                        return false;
        return true;
}

uint32_t pn_node_not(struct pn_build *build, uint32_t kid)
{
        if (kid == PN_NODE_MAYBE)
                return PN_NODE_MAYBE;
        if (kid == PN_NODE_FALSE || kid == PN_NODE_TRUE)
                return kid == PN_NODE_FALSE ? PN_NODE_TRUE : PN_NODE_FALSE;
        return pn_node_make(build, PN_OP_NOT, 0, &kid, 1);
}

uint32_t pn_node_defined(struct pn_build *build, uint32_t kid)
{
        if (pn_node_is_defined(build, kid))
                return PN_NODE_TRUE;
        return pn_node_make(build, PN_OP_DEFINED, 0, &kid, 1);
}

/* AND and OR alike: `none` changes nothing and goes, `all` decides. A single kid stays below its operator
 * when it may be undefined, because AND and OR never are. */
static uint32_t join(struct pn_build *build, enum pn_op op, uint32_t none, uint32_t all, const uint32_t *kids,
                     uint32_t count)
{
        uint32_t *left = malloc(count * sizeof(*left) + 1), ret, lefts = 0;

        if (!left) {
                build->failed = true;
                return PN_NODE_MAYBE;
        }
        ret = none;
        for (uint32_t i = 0; i < count && ret != all; i++) {
                if (kids[i] == all)
                        ret = all;
                else if (kids[i] != none)
                        left[lefts++] = kids[i];
        }
        if (ret != all && lefts == 1 && (left[0] == PN_NODE_MAYBE || pn_node_is_defined(build, left[0])))
                ret = left[0];
        else if (ret != all && lefts > 0)
                ret = pn_node_make(build, op, 0, left, lefts);
        free(left);
        return ret;
}

uint32_t pn_node_and(struct pn_build *build, const uint32_t *kids, uint32_t count)
{
        return join(build, PN_OP_AND, PN_NODE_TRUE, PN_NODE_FALSE, kids, count);
}

uint32_t pn_node_or(struct pn_build *build, const uint32_t *kids, uint32_t count)
{
        return join(build, PN_OP_OR, PN_NODE_FALSE, PN_NODE_TRUE, kids, count);
}

uint32_t pn_node_atleast(struct pn_build *build, uint32_t k, const uint32_t *kids, uint32_t count)
{
        uint32_t *all, ret;

        if (k == 0)
                return PN_NODE_TRUE;
        if (k > count)
                return PN_NODE_FALSE;
        if (k == 1)
                return pn_node_or(build, kids, count);
        if (k == count)
                return pn_node_and(build, kids, count);
        all = malloc(((size_t)count + 1) * sizeof(*all));
        if (!all) {
                build->failed = true;
                return PN_NODE_MAYBE;
        }
        all[0] = pn_node_int(build, k);
        for (uint32_t i = 0; i < count; i++)
                all[i + 1] = kids[i];
        ret = pn_node_make(build, PN_OP_ATLEAST, 0, all, count + 1);
        free(all);
        return ret;
}

/* ---------------------------------------------------------------- numbers */

uint32_t pn_node_compare(struct pn_build *build, enum pn_op op, uint32_t left, uint32_t right)
{
        const uint32_t kids[] = {left, right};
        int64_t a, b;
        bool is;

        if (!pn_node_is_int(build, left, &a) || !pn_node_is_int(build, right, &b))
                return pn_node_make(build, op, 0, kids, 2);
        is = op == PN_OP_LT   ? a < b
             : op == PN_OP_LE ? a <= b
             : op == PN_OP_GT ? a > b
             : op == PN_OP_GE ? a >= b
             : op == PN_OP_EQ ? a == b
                              : a != b;
        return is ? PN_NODE_TRUE : PN_NODE_FALSE;
}

/* False: left to the evaluator. Division of the smallest number by -1 is among it: libyara versions differ.
 */
static bool work_out(enum pn_op op, int64_t a, int64_t b, int64_t *ret)
{
        uint64_t x = (uint64_t)a, y = (uint64_t)b;

        switch (op) {
        case PN_OP_ADD:
                *ret = (int64_t)(x + y);
                return true;
        case PN_OP_SUB:
                *ret = (int64_t)(x - y);
                return true;
        case PN_OP_MUL:
                *ret = (int64_t)(x * y);
                return true;
        case PN_OP_DIV:
        case PN_OP_MOD:
                if (b == 0 || b == -1)
                        return false;
                *ret = op == PN_OP_DIV ? a / b : a % b;
                return true;
        case PN_OP_BIT_AND:
                *ret = a & b;
                return true;
        case PN_OP_BIT_OR:
                *ret = a | b;
                return true;
        case PN_OP_BIT_XOR:
                *ret = a ^ b;
                return true;
        case PN_OP_SHL:
                *ret = b < 64 ? (int64_t)(x << (y & 63)) : 0;
                return b >= 0;
        case PN_OP_SHR:
                *ret = b < 64 ? a >> (y & 63) : 0;
                return b >= 0;
        default:
                return false;
        }
}

uint32_t pn_node_arithmetic(struct pn_build *build, enum pn_op op, uint32_t left, uint32_t right)
{
        const uint32_t kids[] = {left, right};
        int64_t a, b, number;

        if (pn_node_is_int(build, left, &a) && pn_node_is_int(build, right, &b) &&
            work_out(op, a, b, &number))
                return pn_node_int(build, number);
        return pn_node_make(build, op, 0, kids, 2);
}

uint32_t pn_node_unary(struct pn_build *build, enum pn_op op, uint32_t kid)
{
        int64_t number;

        if (!pn_node_is_int(build, kid, &number))
                return pn_node_make(build, op, 0, &kid, 1);
        return pn_node_int(build, op == PN_OP_BIT_NOT ? ~number : (int64_t)(0 - (uint64_t)number));
}
