/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/lowering.h"

#include <string.h>

#include "scanner/engine/pack.h"

/* Looking for the best window in more places than these would not find a better one, only take longer. */
#define STARTS_MAX 4096U
#define STARTS_XOR_MAX 128U /* there it is done for each key */

/* What a window of that many bytes costs besides its hits, in hits per GB. Below PN_WINDOW_MIN it cannot be
 * looked for by a filter at all. */
static const double price[PN_WINDOW_MAX + 1] = {1e12, 1e11, 1e10, 3.2e5, 1.6e5, 8e4, 4e4, 2e4, 0};

static bool is_letter(uint8_t c)
{
        return c >= 'a' && c <= 'z';
}

/* The sum over every place where a filter that samples may look. */
static double three_hits(const uint8_t *bytes, const struct pn_grams *grams)
{
        uint8_t four[4] = {bytes[0], bytes[1], bytes[2], 0};
        double sum = 0;

        do /* whatever stands behind them */
                sum += pn_grams_per_gb(grams, four);
        while (++four[3] != 0);
        return sum;
}

static double window_hits(const uint8_t *bytes, uint32_t len, const struct pn_grams *grams)
{
        double sum = 0;

        if (len < PN_WINDOW_MIN)
                return pn_grams_guess_per_gb(bytes, len);
        if (len == 3)
                return three_hits(bytes, grams);
        for (uint32_t i = 0; i + 4 <= len; i++)
                sum += pn_grams_per_gb(grams, bytes + i);
        return sum;
}

static void window_set(struct pn_window *window, const uint8_t *bytes, uint32_t len, uint8_t key)
{
        *window = (struct pn_window){.len = (uint8_t)len};
        for (uint32_t i = 0; i < len; i++)
                window->bytes[i] = bytes[i] ^ key;
}

static bool window_has_letters(const struct pn_window *window)
{
        for (uint32_t i = 0; i < window->len; i++)
                if (is_letter(window->bytes[i]))
                        return true;
        return false;
}

/* Tries every window in a run of fixed bytes; *starts is what may still be tried. */
static void run_pick(const struct pn_segment *segment, uint32_t begin, uint32_t end, uint8_t key,
                     const struct pn_grams *grams, uint32_t *starts, uint32_t number, struct pn_pick *best)
{
        const uint32_t len = end - begin < PN_WINDOW_MAX ? end - begin : PN_WINDOW_MAX;
        struct pn_pick pick = {.segment = number};

        for (uint32_t at = begin; len != 0 && at <= end - len && *starts != 0; at++, --*starts) {
                pick.offset = at;
                window_set(&pick.window, segment->bytes + at, len, key);
                pick.hits_per_gb = window_hits(pick.window.bytes, len, grams);
                pick.cost = pick.hits_per_gb + price[len];
                if (best->window.len == 0 || pick.cost < best->cost)
                        *best = pick;
        }
}

bool pn_window_pick(const struct pn_variant *variant, uint8_t key, const struct pn_grams *grams,
                    struct pn_pick *ret)
{
        uint32_t starts = variant->flags & PN_VARIANT_XOR ? STARTS_XOR_MAX : STARTS_MAX;
        struct pn_pick best = {.window.len = 0};

        for (uint32_t i = 0; i < variant->segment_count; i++) {
                const struct pn_segment *segment = &variant->segment[i];
                uint32_t begin = 0;

                for (uint32_t at = 0; at <= segment->len; at++) {
                        if (at < segment->len && (segment->masks == NULL || segment->masks[at] == 0xff))
                                continue;
                        run_pick(segment, begin, at, key, grams, &starts, i, &best);
                        begin = at + 1;
                }
        }
        if (best.window.len == 0)
                return false;
        best.window.nocase = (variant->flags & PN_VARIANT_NOCASE) && window_has_letters(&best.window);
        *ret = best;
        return true;
}

/* ---------------------------------------------------------------- anchors */

static void anchor_add(struct pn_lowered *ret, uint32_t variant, uint8_t key, const struct pn_pick *pick)
{
        bool known = false;

        for (uint32_t i = 0; i < ret->anchor_count && !known; i++)
                known = memcmp(&ret->anchor[i].window, &pick->window, sizeof(pick->window)) == 0;
        if (!known)
                ret->hits_per_gb += pick->hits_per_gb;
        ret->anchor[ret->anchor_count++] = (struct pn_anchor){
                .variant = variant,
                .segment = pick->segment,
                .offset = pick->offset,
                .key = key,
                .window = pick->window,
        };
}

static uint32_t anchors_needed(const struct pn_lowered *ret)
{
        uint32_t sum = 0;

        for (uint32_t i = 0; i < ret->variant_count; i++) {
                const struct pn_variant *variant = &ret->variant[i];

                sum += variant->flags & PN_VARIANT_XOR ? (uint32_t)(variant->xor_max - variant->xor_min) + 1
                                                       : 1;
        }
        return sum;
}

bool pn_lowering_anchor(struct pn_lowering *lowering)
{
        struct pn_lowered *ret = lowering->ret;
        const uint32_t needed = anchors_needed(ret);
        struct pn_pick pick;

        if (needed == 0 || needed > PN_LOWER_ANCHORS_MAX) {
                ret->flags |= PN_STRING_UNANCHORED | PN_STRING_LOOSE;
                return true;
        }
        ret->anchor = pn_arena_get(lowering->arena, needed, sizeof(*ret->anchor));
        if (ret->anchor == NULL)
                return false;
        for (uint32_t i = 0; i < ret->variant_count; i++) {
                const struct pn_variant *variant = &ret->variant[i];
                const bool xors = variant->flags & PN_VARIANT_XOR;

                for (unsigned key = xors ? variant->xor_min : 0; key <= (xors ? variant->xor_max : 0U);
                     key++) {
                        if (!pn_window_pick(variant, (uint8_t)key, lowering->grams, &pick)) {
                                ret->flags |= PN_STRING_UNANCHORED | PN_STRING_LOOSE;
                                ret->anchor_count = 0;
                                ret->hits_per_gb = 0;
                                return true;
                        }
                        anchor_add(ret, i, (uint8_t)key, &pick);
                }
        }
        return true;
}
