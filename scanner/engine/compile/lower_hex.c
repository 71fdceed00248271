/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/lowering.h"

#include <string.h>

#include "scanner/engine/pack.h"

/* libyara cuts a string at longer jumps and matches the parts one by one, so that a match may be missed: such
 * a string is loose. A string without jumps but with wildcards is matched within some 4 KB, so a longer one
 * is loose, too. */
#define JUMP_CHAINED 200U
#define EXACT_MAX 2048U

#define KEEP_TRIES 8U /* places with alternatives that are tried when not all can be followed */
#define ITEMS_MAX                                                                                            \
        (1U << 20) /* tokens of all variants of one string together; above it alternatives become jumps */

/* One token of one way through a hex string: a byte, or a jump. */
struct item {
        bool jump;
        uint8_t value, mask;
        uint32_t min, max;
};

struct path {
        struct item *item;
        uint32_t count, room;
};

struct paths {
        struct path *path;
        uint32_t count;
};

/* What a list of tokens comes to. */
struct extent {
        uint64_t ways, items, min, max; /* max above UINT32_MAX: no end */
};

struct expansion {
        struct pn_arena *arena;       /* of the paths, gone when they are variants */
        const struct pn_yr_hex *keep; /* the one alternative at the top that is followed; NULL: none */
        bool all;                     /* every alternative is */
        bool loose;                   /* a path means more than the string says */
};

#define MANY (1ULL << 40) /* ceiling of every sum here */

/* A jump that is as many bytes with mask 0. */
static bool is_inline(uint32_t min, uint32_t max)
{
        return min == max && max <= JUMP_CHAINED;
}

static uint64_t capped(uint64_t value)
{
        return value < MANY ? value : MANY;
}

static struct extent list_extent(const struct pn_yr_hex *hex, unsigned depth);

static struct extent alt_extent(const struct pn_yr_hex *hex, unsigned depth)
{
        struct extent sum = {0, 0, MANY, 0};

        for (uint32_t i = 0; i < hex->alt_count; i++) {
                const struct extent one = list_extent(hex->alt[i], depth + 1);

                sum.ways = capped(sum.ways + one.ways);
                sum.items = capped(sum.items + one.items);
                sum.min = one.min < sum.min ? one.min : sum.min;
                sum.max = one.max > sum.max ? one.max : sum.max;
        }
        return sum;
}

/* Alternatives that are too deep count as too many ways. */
static struct extent list_extent(const struct pn_yr_hex *hex, unsigned depth)
{
        struct extent sum = {1, 0, 0, 0};

        for (; hex != NULL; hex = hex->next) {
                struct extent one = {1, 1, 1, 1};

                if (hex->kind == PN_YR_HEX_JUMP)
                        one = (struct extent){1, 1 + (is_inline(hex->min, hex->max) ? hex->min : 0), hex->min,
                                              hex->max == UINT32_MAX ? MANY : hex->max};
                else if (hex->kind == PN_YR_HEX_ALT && depth > PN_YR_DEPTH_MAX)
                        one = (struct extent){MANY, 1, 0, MANY};
                else if (hex->kind == PN_YR_HEX_ALT)
                        one = alt_extent(hex, depth);
                sum.ways = sum.ways > MANY / (one.ways == 0 ? 1 : one.ways) ? MANY : sum.ways * one.ways;
                sum.items = capped(sum.items + one.items);
                sum.min = capped(sum.min + one.min);
                sum.max = capped(sum.max + one.max);
        }
        return sum;
}

static bool expandable(struct extent extent)
{
        return extent.ways <= PN_LOWER_VARIANTS_MAX && extent.ways * (extent.items + 1) <= ITEMS_MAX;
}

/* ---------------------------------------------------------------- ways through */

static bool path_append(struct expansion *ex, struct path *path, const struct item *item, uint32_t count)
{
        if (path->room - path->count < count) {
                const uint32_t room = (path->count + count) * 2;
                struct item *grown = pn_arena_get(ex->arena, room, sizeof(*grown));

                if (grown == NULL)
                        return false;
                if (path->count != 0)
                        memcpy(grown, path->item, path->count * sizeof(*grown));
                path->item = grown;
                path->room = room;
        }
        if (count != 0)
                memcpy(path->item + path->count, item, count * sizeof(*item));
        path->count += count;
        return true;
}

static bool paths_append(struct expansion *ex, struct paths *paths, struct item item)
{
        for (uint32_t i = 0; i < paths->count; i++)
                if (!path_append(ex, &paths->path[i], &item, 1))
                        return false;
        return true;
}

/* Every path of `a` continued by every one of `b`. */
static bool paths_cross(struct expansion *ex, struct paths *a, const struct paths *b)
{
        struct paths ret = {pn_arena_get(ex->arena, (size_t)a->count * b->count + 1, sizeof(*ret.path)), 0};

        if (ret.path == NULL)
                return false;
        for (uint32_t i = 0; i < a->count; i++) {
                for (uint32_t j = 0; j < b->count; j++) {
                        struct path *path = &ret.path[ret.count++];

                        if (!path_append(ex, path, a->path[i].item, a->path[i].count) ||
                            !path_append(ex, path, b->path[j].item, b->path[j].count))
                                return false;
                }
        }
        *a = ret;
        return true;
}

static bool expand(struct expansion *ex, const struct pn_yr_hex *hex, bool top, struct paths *ret);

static bool expand_alt(struct expansion *ex, const struct pn_yr_hex *hex, struct paths *paths)
{
        struct paths all = {pn_arena_get(ex->arena, PN_LOWER_VARIANTS_MAX, sizeof(*all.path)), 0};

        for (uint32_t i = 0; i < hex->alt_count; i++) {
                struct paths one;

                if (all.path == NULL || !expand(ex, hex->alt[i], false, &one))
                        return false;
                for (uint32_t j = 0; j < one.count && all.count < PN_LOWER_VARIANTS_MAX; j++)
                        all.path[all.count++] = one.path[j];
        }
        return all.path != NULL && paths_cross(ex, paths, &all);
}

/* In place of alternatives, any bytes of their lengths. */
static struct item relaxed(struct expansion *ex, const struct pn_yr_hex *hex)
{
        const struct extent extent = alt_extent(hex, 0);

        ex->loose = true;
        return (struct item){.jump = true,
                             .min = extent.min > UINT32_MAX ? UINT32_MAX : (uint32_t)extent.min,
                             .max = extent.max > UINT32_MAX ? UINT32_MAX : (uint32_t)extent.max};
}

static struct item item_of(struct expansion *ex, const struct pn_yr_hex *hex)
{
        if (hex->kind == PN_YR_HEX_JUMP)
                return (struct item){.jump = true, .min = hex->min, .max = hex->max};
        ex->loose |= hex->negated;
        return (struct item){.value = hex->negated ? 0 : hex->value & hex->mask,
                             .mask = hex->negated ? 0 : hex->mask};
}

/* Only called on what is expandable() as far as it is followed, which bounds depth and size. */
static bool expand(struct expansion *ex, const struct pn_yr_hex *hex, bool top, struct paths *ret)
{
        *ret = (struct paths){pn_arena_get(ex->arena, 1, sizeof(*ret->path)), 1};
        if (ret->path == NULL)
                return false;
        for (; hex != NULL; hex = hex->next) {
                const bool follow = hex->kind == PN_YR_HEX_ALT && (ex->all || !top || hex == ex->keep);
                bool fine;

                if (follow)
                        fine = expand_alt(ex, hex, ret);
                else
                        fine = paths_append(ex, ret,
                                            hex->kind == PN_YR_HEX_ALT ? relaxed(ex, hex) : item_of(ex, hex));
                if (!fine)
                        return false;
        }
        return true;
}

/* ---------------------------------------------------------------- from a way to a variant */

/* A variant that is being written. */
struct draft {
        struct pn_segment *segment;
        uint8_t *bytes, *masks;
        uint32_t count, used; /* segments; bytes of all of them */
        uint64_t min, max;    /* of the jump before the next byte */
        bool masked;          /* some byte is not fixed */
};

static void draft_byte(struct draft *draft, uint8_t value, uint8_t mask)
{
        if (draft->count == 0 || draft->max != 0) {
                struct pn_segment *segment = &draft->segment[draft->count++];

                segment->bytes = draft->bytes + draft->used;
                segment->masks = draft->masks + draft->used;
                if (draft->count > 1) { /* what jumps over the beginning says nothing */
                        segment->jump_min = draft->min > UINT32_MAX ? UINT32_MAX : (uint32_t)draft->min;
                        segment->jump_max = draft->max > UINT32_MAX ? UINT32_MAX : (uint32_t)draft->max;
                }
                draft->min = draft->max = 0;
        }
        draft->masked |= mask != 0xff;
        draft->bytes[draft->used] = value;
        draft->masks[draft->used++] = mask;
        draft->segment[draft->count - 1].len++;
}

static void draft_jump(struct draft *draft, const struct item *item, bool *loose)
{
        if (is_inline(item->min, item->max) && draft->max == 0 && draft->count != 0) {
                for (uint32_t i = 0; i < item->min; i++)
                        draft_byte(draft, 0, 0);
                return;
        }
        *loose = true;
        draft->min += item->min;
        draft->max += item->max == UINT32_MAX ? MANY : item->max;
}

/* Bytes of a path, when short fixed jumps are bytes. */
static size_t path_bytes(const struct path *path)
{
        size_t sum = 0;

        for (uint32_t i = 0; i < path->count; i++) {
                const struct item *item = &path->item[i];

                sum += item->jump ? (is_inline(item->min, item->max) ? item->min : 0) : 1;
        }
        return sum;
}

static bool add_path(struct pn_lowering *lowering, const struct path *path, bool *loose)
{
        struct pn_variant *variant = &lowering->ret->variant[lowering->ret->variant_count];
        const size_t bytes = path_bytes(path);
        struct draft draft = {
                .segment = pn_arena_get(lowering->arena, path->count + 1, sizeof(*draft.segment)),
                .bytes = pn_arena_get(lowering->arena, bytes + 1, 1),
                .masks = pn_arena_get(lowering->arena, bytes + 1, 1),
        };

        if (draft.segment == NULL || draft.bytes == NULL || draft.masks == NULL)
                return false;
        for (uint32_t i = 0; i < path->count; i++) {
                if (path->item[i].jump)
                        draft_jump(&draft, &path->item[i], loose);
                else
                        draft_byte(&draft, path->item[i].value, path->item[i].mask);
        }
        *loose |= draft.count != 1 || (draft.masked && draft.used > EXACT_MAX);
        for (uint32_t i = 0; i < draft.count && !draft.masked; i++)
                draft.segment[i].masks = NULL;
        *variant = (struct pn_variant){.segment = draft.segment, .segment_count = draft.count};
        lowering->ret->variant_count++;
        return true;
}

/* ---------------------------------------------------------------- which alternatives to follow */

static bool same_variant(const struct pn_variant *a, const struct pn_variant *b)
{
        if (a->segment_count != b->segment_count)
                return false;
        for (uint32_t i = 0; i < a->segment_count; i++) {
                const struct pn_segment *s = &a->segment[i], *t = &b->segment[i];

                if (s->len != t->len || s->jump_min != t->jump_min || s->jump_max != t->jump_max ||
                    (s->masks == NULL) != (t->masks == NULL) || memcmp(s->bytes, t->bytes, s->len) != 0 ||
                    (s->masks != NULL && memcmp(s->masks, t->masks, s->len) != 0))
                        return false;
        }
        return true;
}

/* Alternatives that say the same are one variant. */
static void drop_double(struct pn_lowered *ret)
{
        for (uint32_t i = 0; i + 1 < ret->variant_count; i++) {
                if (same_variant(&ret->variant[i], &ret->variant[ret->variant_count - 1])) {
                        ret->variant_count--;
                        return;
                }
        }
}

/* Makes the variants, in place of those that are there. *ret_cost: of their windows together; negative: one
 * has none. */
static bool follow(struct pn_lowering *lowering, struct expansion *ex, double *ret_cost)
{
        struct pn_lowered *ret = lowering->ret;
        struct paths paths;

        ret->variant_count = 0;
        ex->loose = false;
        *ret_cost = 0;
        if (!expand(ex, lowering->string->hex, true, &paths))
                return false;
        for (uint32_t i = 0; i < paths.count && i < PN_LOWER_VARIANTS_MAX; i++) {
                if (!add_path(lowering, &paths.path[i], &ex->loose))
                        return false;
                drop_double(ret);
        }
        for (uint32_t i = 0; i < ret->variant_count && *ret_cost >= 0; i++) {
                struct pn_pick pick;

                *ret_cost = pn_window_pick(&ret->variant[i], 0, lowering->grams, &pick)
                                    ? *ret_cost + pick.cost
                                    : -1;
        }
        return true;
}

/* Too many ways: none of the alternatives, or those of one place, whichever gives the better windows. */
static bool follow_best(struct pn_lowering *lowering, struct expansion *ex)
{
        const struct pn_yr_hex *best = NULL;
        unsigned tries = 0;
        double best_cost, cost;

        if (!follow(lowering, ex, &best_cost))
                return false;
        for (const struct pn_yr_hex *hex = lowering->string->hex; hex != NULL && tries < KEEP_TRIES;
             hex = hex->next) {
                if (hex->kind != PN_YR_HEX_ALT || !expandable(alt_extent(hex, 0)))
                        continue;
                ex->keep = hex;
                tries++;
                if (!follow(lowering, ex, &cost))
                        return false;
                if (cost >= 0 && (best_cost < 0 || cost < best_cost)) {
                        best = hex;
                        best_cost = cost;
                }
        }
        ex->keep = best;
        return follow(lowering, ex, &cost);
}

bool pn_lower_hex(struct pn_lowering *lowering)
{
        struct expansion ex = {.arena = pn_arena_new()};
        double cost;
        bool fine;

        if (ex.arena == NULL)
                return false;
        ex.all = expandable(list_extent(lowering->string->hex, 0));
        fine = ex.all ? follow(lowering, &ex, &cost) : follow_best(lowering, &ex);
        if (ex.loose)
                lowering->ret->flags |= PN_STRING_LOOSE;
        for (uint32_t i = 0; i < lowering->ret->variant_count; i++)
                if (lowering->ret->variant[i].segment_count == 0) /* jumps alone: nothing is known */
                        lowering->ret->variant_count = 0;
        pn_arena_free(ex.arena);
        return fine;
}
