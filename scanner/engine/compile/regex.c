/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/lowering.h"

#include <math.h>
#include <string.h>

#include "scanner/engine/compile/regex.h"
#include "scanner/engine/pack.h"

/* Of every part of a regular expression: is what it matches one of few strings (then which), how may a match
 * begin and end, and which set of strings is the best of which a match always holds one. Parts are put
 * together from the inside out; a set that grows too large is weighed and then forgotten but for its ends. */

#define FINITE_MAX 256U /* bytes of one string of a set */
#define ENDS_MAX 64U    /* of the beginning or end of something longer */
#define WHOLE_MAX 1024U /* of a run of characters that is weighed alone */
#define COPIES_MAX 8U   /* of something repeated that are written out */

struct set {
        struct pn_yr_bytes *string;
        uint32_t count; /* 0: no set */
};

struct part {
        bool finite;           /* it matches exactly the strings of `begin`, which is `end` then, too */
        struct set begin, end; /* a match begins, and ends, with one of them; "" says nothing */
        struct set best;
        double cost; /* of `best`; INFINITY: none */
};

struct study {
        struct pn_arena *arena;
        const struct pn_grams *grams;
        uint32_t flags, strings_max;
        bool failed; /* memory ran out */
};

static struct set set_room(struct study *st, uint32_t count)
{
        struct set set = {pn_arena_get(st->arena, (size_t)count + 1, sizeof(*set.string)), 0};

        st->failed |= set.string == NULL;
        return set;
}

static void set_add(struct set *set, struct pn_yr_bytes string)
{
        for (uint32_t i = 0; i < set->count; i++)
                if (set->string[i].len == string.len &&
                    memcmp(set->string[i].data, string.data, string.len) == 0)
                        return;
        set->string[set->count++] = string;
}

static struct set set_one(struct study *st, const uint8_t *bytes, uint32_t len)
{
        struct set set = set_room(st, 1);

        if (!st->failed)
                set_add(&set, (struct pn_yr_bytes){bytes, len});
        return set;
}

static struct set set_nothing_known(struct study *st)
{
        return set_one(st, (const uint8_t *)"", 0);
}

/* Every string of `a` continued by every one of `b`; no set when that is too much. */
static struct set set_cross(struct study *st, struct set a, struct set b)
{
        struct set ret;

        if (a.count * b.count > st->strings_max)
                return (struct set){NULL, 0};
        ret = set_room(st, a.count * b.count);
        for (uint32_t i = 0; i < a.count && !st->failed; i++) {
                for (uint32_t j = 0; j < b.count; j++) {
                        const struct pn_yr_bytes x = a.string[i], y = b.string[j];
                        uint8_t *both = pn_arena_get(st->arena, (size_t)x.len + y.len + 1, 1);

                        st->failed |= both == NULL;
                        if (x.len + y.len > FINITE_MAX || both == NULL)
                                return (struct set){NULL, 0};
                        memcpy(both, x.data, x.len);
                        memcpy(both + x.len, y.data, y.len);
                        set_add(&ret, (struct pn_yr_bytes){both, x.len + y.len});
                }
        }
        return ret;
}

static struct set set_union(struct study *st, struct set a, struct set b)
{
        struct set ret;

        if (a.count == 0 || b.count == 0 || a.count + b.count > 2 * st->strings_max)
                return (struct set){NULL, 0};
        ret = set_room(st, a.count + b.count);
        for (uint32_t i = 0; i < a.count && !st->failed; i++)
                set_add(&ret, a.string[i]);
        for (uint32_t i = 0; i < b.count && !st->failed; i++)
                set_add(&ret, b.string[i]);
        return ret.count <= st->strings_max ? ret : (struct set){NULL, 0};
}

/* The first or last bytes of each. */
static struct set set_cut(struct study *st, struct set set, bool tail)
{
        struct set ret = set_room(st, set.count);

        for (uint32_t i = 0; i < set.count && !st->failed; i++) {
                const struct pn_yr_bytes s = set.string[i];
                const uint32_t len = s.len < ENDS_MAX ? s.len : ENDS_MAX;

                set_add(&ret, (struct pn_yr_bytes){tail ? s.data + (s.len - len) : s.data, len});
        }
        return ret;
}

/* ---------------------------------------------------------------- what a set is worth */

static double form_cost(struct study *st, const uint8_t *bytes, uint32_t len, uint8_t flags)
{
        struct pn_segment segment = {.bytes = bytes, .len = len};
        const struct pn_variant variant = {.flags = flags, .segment = &segment, .segment_count = 1};
        struct pn_pick pick;

        return bytes != NULL && pn_window_pick(&variant, 0, st->grams, &pick) ? pick.cost : INFINITY;
}

static double string_cost(struct study *st, struct pn_yr_bytes s)
{
        uint8_t wide[2 * WHOLE_MAX] = {0};
        double cost = 0;

        if (st->flags & PN_YR_WIDE) {
                const uint32_t len = s.len < WHOLE_MAX ? s.len : WHOLE_MAX;

                for (uint32_t i = 0; i < len; i++)
                        wide[2 * i] = s.data[i];
                cost += form_cost(st, wide, 2 * len, 0);
        }
        return st->flags & PN_YR_ASCII ? cost + form_cost(st, s.data, s.len, 0) : cost;
}

#define STRING_PRICE 30.0 /* hits per GB that a window must be worth to be looked for at all */

static void weigh(struct study *st, struct part *part, struct set set)
{
        double cost = set.count == 0 ? INFINITY : 0;

        for (uint32_t i = 0; i < set.count && cost < part->cost; i++)
                cost += STRING_PRICE + (set.string[i].len == 0 ? INFINITY : string_cost(st, set.string[i]));
        if (cost < part->cost) {
                part->cost = cost;
                part->best = set;
        }
}

/* ---------------------------------------------------------------- parts */

static struct part part_finite(struct set set)
{
        return (struct part){.finite = true, .begin = set, .end = set, .cost = INFINITY};
}

static struct part part_gap(struct study *st)
{
        struct set nothing = set_nothing_known(st);

        return (struct part){.begin = nothing, .end = nothing, .cost = INFINITY};
}

static void take_best(struct part *part, const struct part *other)
{
        if (other->cost < part->cost) {
                part->cost = other->cost;
                part->best = other->best;
        }
}

/* It may be more than its strings: what stands between beginning and end is weighed and forgotten. */
static void part_open(struct study *st, struct part *part)
{
        if (part->finite)
                weigh(st, part, part->begin);
        part->finite = false;
        part->begin = set_cut(st, part->begin, false);
        part->end = set_cut(st, part->end, true);
}

/* `a`, then `b`. */
static struct part part_cat(struct study *st, struct part a, struct part b)
{
        const struct set middle = set_cross(st, a.end, b.begin);
        struct part ret = {.finite = a.finite && b.finite && middle.count != 0, .cost = INFINITY};

        take_best(&ret, &a);
        take_best(&ret, &b);
        if (middle.count != 1 || !ret.finite) { /* each alone may do better, or there is nothing else */
                if (a.finite)
                        weigh(st, &ret, a.begin);
                if (b.finite)
                        weigh(st, &ret, b.begin);
        }
        if (ret.finite) {
                ret.begin = ret.end = middle;
                return ret;
        }
        weigh(st, &ret, middle);
        ret.begin = a.begin;
        ret.end = b.end;
        if (a.finite && middle.count != 0)
                ret.begin = middle;
        if (b.finite && middle.count != 0)
                ret.end = middle;
        part_open(st, &ret);
        return ret;
}

/* One or the other. */
static struct part part_alt(struct study *st, struct part a, struct part b)
{
        struct part ret = {.finite = a.finite && b.finite, .cost = INFINITY};

        ret.begin = set_union(st, a.begin, b.begin);
        ret.end = ret.finite ? ret.begin : set_union(st, a.end, b.end);
        if (ret.finite && ret.begin.count != 0)
                return ret;
        part_open(st, &a);
        part_open(st, &b);
        ret.finite = false;
        ret.begin = set_union(st, a.begin, b.begin);
        ret.end = set_union(st, a.end, b.end);
        if (ret.begin.count == 0)
                ret.begin = set_nothing_known(st);
        if (ret.end.count == 0)
                ret.end = set_nothing_known(st);
        if (a.cost < INFINITY && b.cost < INFINITY)
                weigh(st, &ret, set_union(st, a.best, b.best));
        return ret;
}

static struct part study_part(struct study *st, const struct pn_re *re);

static struct part study_repeat(struct study *st, const struct pn_re *re)
{
        const uint32_t copies = re->min < COPIES_MAX ? re->min : COPIES_MAX;
        struct part one, ret;

        if (re->min == 0 && re->max != 1)
                return part_gap(st);
        one = study_part(st, re->kid);
        if (re->min == 0)
                return part_alt(st, one, part_finite(set_nothing_known(st)));
        ret = one;
        for (uint32_t i = 1; i < copies; i++)
                ret = part_cat(st, ret, one);
        if (re->max != copies)
                part_open(st, &ret);
        return ret;
}

static struct part study_bytes(struct study *st, const struct pn_re *re)
{
        struct part ret = part_finite(set_one(st, re->bytes, re->len));

        if (re->len <= FINITE_MAX || st->failed)
                return ret;
        ret.begin = set_one(st, re->bytes, re->len < WHOLE_MAX ? re->len : WHOLE_MAX);
        part_open(st, &ret);
        ret.end = set_cut(st, set_one(st, re->bytes, re->len), true);
        return ret;
}

static struct part study_class(struct study *st, const struct pn_re *re)
{
        struct set set = set_room(st, re->len);

        for (uint32_t i = 0; i < re->len && !st->failed; i++)
                set_add(&set, (struct pn_yr_bytes){re->bytes + i, 1});
        return re->len <= st->strings_max ? part_finite(set) : part_gap(st);
}

/* Recursion ends at the parser's depth. After a failure parts hold nothing and everything is skipped. */
static struct part study_part(struct study *st, const struct pn_re *re)
{
        struct part ret = part_finite(set_nothing_known(st));
        const struct pn_re *kid = re->kid;

        switch (re->kind) {
        case PN_RE_EMPTY:
                break;
        case PN_RE_BYTES:
                return study_bytes(st, re);
        case PN_RE_CLASS:
                return study_class(st, re);
        case PN_RE_GAP:
                return part_gap(st);
        case PN_RE_REPEAT:
                return study_repeat(st, re);
        case PN_RE_CAT:
                for (; kid != NULL && !st->failed; kid = kid->next)
                        ret = part_cat(st, ret, study_part(st, kid));
                break;
        case PN_RE_ALT:
                ret = study_part(st, kid);
                for (kid = kid->next; kid != NULL && !st->failed; kid = kid->next)
                        ret = part_alt(st, ret, study_part(st, kid));
                break;
        }
        return ret;
}

/* ---------------------------------------------------------------- the answer */

static bool literals_copy(struct set set, struct pn_arena *arena, struct pn_literals *ret)
{
        struct pn_yr_bytes *literal = pn_arena_get(arena, set.count, sizeof(*literal));

        for (uint32_t i = 0; i < set.count && literal != NULL; i++) {
                literal[i].data =
                        (const uint8_t *)pn_arena_copy(arena, set.string[i].data, set.string[i].len);
                literal[i].len = set.string[i].len;
                if (literal[i].data == NULL)
                        return false;
        }
        *ret = (struct pn_literals){literal, set.count};
        return literal != NULL;
}

bool pn_regex_literals(struct pn_yr_bytes regex, uint32_t flags, const struct pn_grams *grams,
                       struct pn_arena *arena, struct pn_literals *ret)
{
        const bool both = (flags & PN_YR_ASCII) && (flags & PN_YR_WIDE);
        struct study st = {
                .arena = pn_arena_new(),
                .grams = grams,
                .flags = flags & (PN_YR_ASCII | PN_YR_WIDE) ? flags : flags | PN_YR_ASCII,
                .strings_max = both ? PN_LOWER_VARIANTS_MAX / 2 : PN_LOWER_VARIANTS_MAX,
        };
        const struct pn_re *re = st.arena == NULL ? NULL : pn_re_parse(regex, flags & PN_YR_NOCASE, st.arena);
        struct part whole = {.cost = INFINITY};
        bool found = false;

        if (re != NULL) {
                whole = study_part(&st, re);
                if (!st.failed)
                        part_open(&st, &whole);
        }
        if (!st.failed && whole.cost < INFINITY)
                found = literals_copy(whole.best, arena, ret);
        pn_arena_free(st.arena);
        return found;
}
