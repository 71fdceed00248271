/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/truth.h"

#include <stdlib.h>
#include <string.h>

/* libyara's undefined is a number, and a calculation that comes out at it is undefined. */
#define UNDEFINED_NUMBER ((int64_t)0xFFFABADAFABADAFFULL)

enum kind { UNDEFINED, KNOWN, UNKNOWN };

/* Truth values are the numbers 0 and 1; an unknown value may be undefined. */
struct value {
        enum kind kind;
        int64_t number;
};

struct memory {
        uint32_t stamp;
        struct value value; /* unknown while its formula is evaluated: it may refer to itself */
};

struct pn_truths {
        const struct pn_pack *pack;
        const struct pn_truth_source *source;
        struct memory *rule;
        uint32_t stamp, depth, steps;
};

static const struct value unknown = {UNKNOWN, 0}, undefined = {UNDEFINED, 0};

static struct value known(int64_t number)
{
        return number == UNDEFINED_NUMBER ? undefined : (struct value){KNOWN, number};
}

static struct value truth(bool is)
{
        return (struct value){KNOWN, is};
}

struct pn_truths *pn_truths_new(const struct pn_pack *pack)
{
        struct pn_truths *truths = calloc(1, sizeof(*truths));

        if (!truths)
                return NULL;
        truths->pack = pack;
        truths->rule = calloc((size_t)pack->rules + 1, sizeof(*truths->rule));
        return truths->rule ? truths : pn_truths_free(truths);
}

struct pn_truths *pn_truths_free(struct pn_truths *truths)
{
        if (truths)
                free(truths->rule);
        free(truths);
        return NULL;
}

void pn_truths_start(struct pn_truths *truths, const struct pn_truth_source *source)
{
        truths->source = source;
        if (++truths->stamp == 0) {
                memset(truths->rule, 0, truths->pack->rules * sizeof(*truths->rule));
                truths->stamp = 1;
        }
}

/* ---------------------------------------------------------------- nodes */

static struct value eval(struct pn_truths *truths, uint32_t number);

static struct value kid(struct pn_truths *truths, const struct pn_pack_node *node, uint32_t i)
{
        return eval(truths, truths->pack->index[node->kids.first + i]);
}

static struct pn_string_facts facts_of(const struct pn_truths *truths, uint32_t string)
{
        struct pn_string_facts facts = {PN_SEEN_UNKNOWN, false, false, 0, NULL};

        truths->source->string(truths->source->ctx, string, &facts);
        return facts;
}

/* `decisive` is what ends it: false for `and`, true for `or`. Undefined reads as false. */
static struct value eval_list(struct pn_truths *truths, const struct pn_pack_node *node, bool decisive)
{
        bool open = false;

        for (uint32_t i = 0; i < node->kids.count; i++) {
                struct value value = kid(truths, node, i);

                if (value.kind == UNKNOWN)
                        open = true;
                else if ((value.kind == KNOWN && value.number != 0) == decisive)
                        return truth(decisive);
        }
        return open ? unknown : truth(!decisive);
}

/* libyara 4.2 takes an undefined number of strings for "all" and 0 for "none", and its versions differ: a
 * number below one decides nothing. */
static struct value eval_at_least(struct pn_truths *truths, const struct pn_pack_node *node)
{
        struct value want = kid(truths, node, 0);
        uint32_t yes = 0, left = node->kids.count - 1;

        if (want.kind != KNOWN || want.number < 1)
                return unknown;
        for (uint32_t i = 1; i < node->kids.count && yes < want.number && left >= want.number; i++) {
                struct value value = kid(truths, node, i);

                if (value.kind == KNOWN && value.number != 0)
                        yes++;
                else if (value.kind != UNKNOWN)
                        left--;
        }
        if (yes >= want.number)
                return truth(true);
        return left < want.number ? truth(false) : unknown;
}

static struct value eval_rule(struct pn_truths *truths, const struct pn_pack_node *node)
{
        struct memory *memory = &truths->rule[node->ref];

        if (memory->stamp == truths->stamp)
                return memory->value;
        *memory = (struct memory){truths->stamp, unknown};
        memory->value = eval(truths, truths->pack->rule[node->ref].formula);
        if (memory->value.kind != UNKNOWN) /* a rule did match or did not */
                memory->value = truth(memory->value.kind == KNOWN && memory->value.number != 0);
        return memory->value;
}

static struct value eval_not(struct value value)
{
        return value.kind == KNOWN ? truth(value.number == 0) : value;
}

/* ---------------------------------------------------------------- strings */

static struct value eval_string(const struct pn_truths *truths, const struct pn_pack_node *node)
{
        static const struct value values[] = {
                [PN_SEEN_UNKNOWN] = {UNKNOWN, 0},
                [PN_SEEN_NO] = {KNOWN, 0},
                [PN_SEEN_MAY] = {UNKNOWN, 0},
                [PN_SEEN_YES] = {KNOWN, 1},
        };

        return values[facts_of(truths, node->ref).seen];
}

/* Number of the first place at or behind `offset`. */
static uint64_t lower_bound(const struct pn_string_facts *facts, uint64_t offset)
{
        uint64_t low = 0, high = facts->count;

        while (low < high) {
                uint64_t middle = low + (high - low) / 2;

                if (facts->place[middle].offset < offset)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static uint64_t places_in(const struct pn_string_facts *facts, int64_t from, int64_t to)
{
        if (to < 0 || from > to)
                return 0;
        return lower_bound(facts, (uint64_t)to + 1) - lower_bound(facts, from < 0 ? 0 : (uint64_t)from);
}

static bool can_look_at(const struct pn_pack *pack, uint32_t number)
{
        const struct pn_pack_string *string = &pack->string[number];

        return (string->flags & PN_STRING_LOOSE) == 0 && string->variants.count > 0;
}

static struct value eval_string_at(struct pn_truths *truths, const struct pn_pack_node *node)
{
        struct value at = kid(truths, node, 0);
        struct pn_string_facts facts = facts_of(truths, node->ref);
        enum pn_check check;

        if (facts.seen == PN_SEEN_NO || at.kind == UNDEFINED)
                return truth(false);
        if (at.kind == UNKNOWN)
                return unknown;
        if (at.number < 0 || (uint64_t)at.number >= truths->source->file_bytes)
                return truth(false);
        if (facts.placed)
                return truth(places_in(&facts, at.number, at.number) > 0);
        if (!can_look_at(truths->pack, node->ref))
                return unknown;
        check = truths->source->string_at(truths->source->ctx, node->ref, (uint64_t)at.number);
        return check == PN_CHECK_MAY || check == PN_CHECK_OUTSIDE ? unknown : truth(check == PN_CHECK_YES);
}

/* COUNT_IN, or STRING_IN when `any`. */
static struct value eval_string_in(struct pn_truths *truths, const struct pn_pack_node *node, bool any)
{
        struct value from = kid(truths, node, 0), to = kid(truths, node, 1);
        struct pn_string_facts facts;
        uint64_t count;

        if (from.kind == UNDEFINED || to.kind == UNDEFINED)
                return undefined;
        if (from.kind == UNKNOWN || to.kind == UNKNOWN)
                return unknown;
        facts = facts_of(truths, node->ref);
        if (facts.seen == PN_SEEN_NO || to.number < 0 || from.number > to.number)
                return known(0);
        if (!facts.placed)
                return unknown;
        count = places_in(&facts, from.number, to.number);
        return any ? truth(count > 0) : known((int64_t)count);
}

static struct value eval_count(const struct pn_truths *truths, const struct pn_pack_node *node)
{
        struct pn_string_facts facts = facts_of(truths, node->ref);

        if (facts.seen == PN_SEEN_NO)
                return known(0);
        return facts.counted ? known((int64_t)facts.count) : unknown;
}

static struct value eval_place(struct pn_truths *truths, const struct pn_pack_node *node)
{
        struct value index = kid(truths, node, 0);
        struct pn_string_facts facts = facts_of(truths, node->ref);
        const struct pn_place *place;

        if (index.kind == UNDEFINED || facts.seen == PN_SEEN_NO)
                return undefined;
        if (index.kind == UNKNOWN)
                return unknown;
        if (index.number < 1 || (facts.counted && (uint64_t)index.number > facts.count))
                return undefined;
        if (!facts.placed)
                return unknown;
        place = &facts.place[index.number - 1];
        if (node->op == PN_OP_OFFSET)
                return known((int64_t)place->offset);
        return place->len_known ? known(place->len) : unknown;
}

/* ---------------------------------------------------------------- bytes and text */

static int64_t number_of(const uint8_t *bytes, uint32_t ref)
{
        unsigned bits = ref & ~(PN_INT_SIGNED | PN_INT_BIG);
        uint32_t value = 0;

        for (unsigned i = 0; i < bits / 8; i++)
                value |= (uint32_t)bytes[i] << ((ref & PN_INT_BIG) != 0 ? bits - 8 - 8 * i : 8 * i);
        if ((ref & PN_INT_SIGNED) == 0)
                return value;
        return bits == 8 ? (int8_t)value : bits == 16 ? (int16_t)value : (int32_t)value;
}

static struct value eval_int_at(struct pn_truths *truths, const struct pn_pack_node *node)
{
        const struct pn_truth_source *source = truths->source;
        struct value at = kid(truths, node, 0);
        size_t len = (node->ref & ~(PN_INT_SIGNED | PN_INT_BIG)) / 8;
        uint8_t bytes[4] = {0};

        if (at.kind != KNOWN)
                return at;
        if (at.number < 0 || source->file_bytes < len || (uint64_t)at.number > source->file_bytes - len)
                return undefined;
        if (!source->read(source->ctx, (uint64_t)at.number, bytes, len))
                return unknown;
        return known(number_of(bytes, node->ref));
}

static struct value eval_text(const struct pn_truths *truths, const struct pn_pack_node *node)
{
        const struct pn_names *names = truths->source->names;

        if (!names)
                return unknown;
        return truth(pn_truth_text(node->op, names->value[node->ref], truths->pack->text + node->number));
}

/* ---------------------------------------------------------------- numbers */

static struct value divide(enum pn_op op, int64_t a, int64_t b)
{
        if (b == 0)
                return undefined;
        if (a == INT64_MIN && b == -1)
                return unknown; /* undefined from libyara 4.3 on, a crash before */
        return known(op == PN_OP_DIV ? a / b : a % b);
}

static struct value shift(enum pn_op op, int64_t a, int64_t by)
{
        if (by < 0)
                return undefined;
        if (by >= 64)
                return known(0);
        return known(op == PN_OP_SHL ? (int64_t)((uint64_t)a << by) : a >> by);
}

static struct value calculate(enum pn_op op, int64_t a, int64_t b)
{
        uint64_t x = (uint64_t)a, y = (uint64_t)b; /* wraps, as libyara's do on every machine */

        switch (op) {
        case PN_OP_LT:
                return truth(a < b);
        case PN_OP_LE:
                return truth(a <= b);
        case PN_OP_GT:
                return truth(a > b);
        case PN_OP_GE:
                return truth(a >= b);
        case PN_OP_EQ:
                return truth(a == b);
        case PN_OP_NE:
                return truth(a != b);
        case PN_OP_ADD:
                return known((int64_t)(x + y));
        case PN_OP_SUB:
                return known((int64_t)(x - y));
        case PN_OP_MUL:
                return known((int64_t)(x * y));
        case PN_OP_BIT_AND:
                return known(a & b);
        case PN_OP_BIT_OR:
                return known(a | b);
        case PN_OP_BIT_XOR:
                return known(a ^ b);
        case PN_OP_DIV:
        case PN_OP_MOD:
                return divide(op, a, b);
        case PN_OP_SHL:
        case PN_OP_SHR:
                return shift(op, a, b);
        default:
                return unknown;
        }
}

static struct value eval_two(struct pn_truths *truths, const struct pn_pack_node *node)
{
        struct value a = kid(truths, node, 0), b = kid(truths, node, 1);

        if (a.kind == UNDEFINED || b.kind == UNDEFINED)
                return undefined;
        if (a.kind == UNKNOWN || b.kind == UNKNOWN)
                return unknown;
        return calculate(node->op, a.number, b.number);
}

static struct value eval_one(struct pn_truths *truths, const struct pn_pack_node *node)
{
        struct value a = kid(truths, node, 0);

        if (node->op == PN_OP_NOT)
                return eval_not(a);
        if (node->op == PN_OP_DEFINED)
                return a.kind == UNKNOWN ? a : truth(a.kind == KNOWN);
        if (a.kind != KNOWN)
                return a;
        return known(node->op == PN_OP_NEGATIVE ? (int64_t)(0 - (uint64_t)a.number) : ~a.number);
}

/* ---------------------------------------------------------------- all of them */

static struct value eval_node(struct pn_truths *truths, const struct pn_pack_node *node)
{
        switch ((enum pn_op)node->op) {
        case PN_OP_FALSE:
        case PN_OP_TRUE:
                return truth(node->op == PN_OP_TRUE);
        case PN_OP_NOT:
        case PN_OP_DEFINED:
        case PN_OP_NEGATIVE:
        case PN_OP_BIT_NOT:
                return eval_one(truths, node);
        case PN_OP_AND:
        case PN_OP_OR:
                return eval_list(truths, node, node->op == PN_OP_OR);
        case PN_OP_ATLEAST:
                return eval_at_least(truths, node);
        case PN_OP_RULE:
                return eval_rule(truths, node);
        case PN_OP_STRING:
                return eval_string(truths, node);
        case PN_OP_STRING_AT:
                return eval_string_at(truths, node);
        case PN_OP_STRING_IN:
        case PN_OP_COUNT_IN:
                return eval_string_in(truths, node, node->op == PN_OP_STRING_IN);
        case PN_OP_COUNT:
                return eval_count(truths, node);
        case PN_OP_OFFSET:
        case PN_OP_LENGTH:
                return eval_place(truths, node);
        case PN_OP_INT:
                return known(node->number);
        case PN_OP_UNDEFINED:
                return undefined;
        case PN_OP_FILESIZE:
                return known((int64_t)truths->source->file_bytes);
        case PN_OP_INT_AT:
                return eval_int_at(truths, node);
        case PN_OP_TEXT_EQ ... PN_OP_TEXT_IEQUALS:
                return eval_text(truths, node);
        case PN_OP_LT ... PN_OP_NE:
        case PN_OP_ADD ... PN_OP_SHR:
                return eval_two(truths, node);
        default:
                return unknown;
        }
}

static struct value eval(struct pn_truths *truths, uint32_t number)
{
        struct value value;

        if (truths->depth >= PN_TRUTH_DEPTH_MAX || truths->steps >= PN_TRUTH_STEPS_MAX)
                return unknown;
        truths->depth++;
        truths->steps++;
        value = eval_node(truths, &truths->pack->node[number]);
        truths->depth--;
        return value;
}

enum pn_truth pn_truths_of(struct pn_truths *truths, uint32_t rule)
{
        const struct pn_pack_node self = {.op = PN_OP_RULE, .ref = rule};
        struct value value;

        truths->depth = truths->steps = 0;
        value = eval_rule(truths, &self);
        if (value.kind == UNKNOWN)
                return PN_MAYBE;
        return value.number != 0 ? PN_TRUE : PN_FALSE;
}
