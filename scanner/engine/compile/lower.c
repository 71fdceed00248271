/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/lowering.h"

#include <errno.h>
#include <string.h>

#include "scanner/engine/compile/compile.h"
#include "scanner/engine/pack.h"

/* ---------------------------------------------------------------- two variants at one place */

static uint8_t byte_of(const struct pn_variant *variant, uint32_t at)
{
        return variant->segment[0].bytes[at];
}

static uint8_t mask_of(const struct pn_variant *variant, uint32_t at)
{
        return variant->segment[0].masks == NULL ? 0xff : variant->segment[0].masks[at];
}

/* Can both fit at one place, when their keys differ by `key`? */
static bool fit_together(const struct pn_variant *a, const struct pn_variant *b, uint8_t key)
{
        const bool nocase = (a->flags | b->flags) & PN_VARIANT_NOCASE;
        const uint32_t len = a->segment[0].len < b->segment[0].len ? a->segment[0].len : b->segment[0].len;

        for (uint32_t i = 0; i < len; i++) {
                const uint8_t differ = (byte_of(a, i) ^ byte_of(b, i) ^ key) & mask_of(a, i) & mask_of(b, i);

                if ((nocase ? differ & ~0x20 : differ) != 0)
                        return false;
        }
        return true;
}

/* A place has one length and counts once, so two variants that may both fit there make a string loose. */
static bool variants_overlap(const struct pn_lowered *ret)
{
        for (uint32_t i = 0; i < ret->variant_count; i++) {
                for (uint32_t j = 0; j < i; j++) {
                        const struct pn_variant *a = &ret->variant[i], *b = &ret->variant[j];
                        const unsigned keys = (a->flags | b->flags) & PN_VARIANT_XOR ? UINT8_MAX : 0;

                        for (unsigned key = 0; key <= keys; key++)
                                if (fit_together(a, b, (uint8_t)key))
                                        return true;
                }
        }
        return false;
}

/* ---------------------------------------------------------------- regular expressions */

static bool add_literal(struct pn_lowering *lowering, struct pn_yr_bytes literal)
{
        const uint32_t flags = lowering->string->flags;
        const uint8_t *bytes = literal.data;
        uint8_t variant = 0;
        bool letters = false;

        if (flags & PN_YR_NOCASE)
                bytes = pn_lowering_fold(lowering->arena, bytes, literal.len, &letters);
        if (bytes == NULL)
                return false;
        if (letters)
                variant = PN_VARIANT_NOCASE;
        if ((flags & PN_YR_ASCII) && !pn_lowering_add(lowering, variant, bytes, literal.len))
                return false;
        return !(flags & PN_YR_WIDE) ||
               pn_lowering_add(lowering, variant | PN_VARIANT_WIDE,
                               pn_lowering_wide(lowering->arena, bytes, literal.len), literal.len * 2);
}

static bool lower_regex(struct pn_lowering *lowering)
{
        struct pn_literals literals;

        lowering->ret->flags |= PN_STRING_LOOSE;
        if (!pn_regex_literals(lowering->string->text, lowering->string->flags, lowering->grams,
                               lowering->arena, &literals))
                return true;
        for (uint32_t i = 0; i < literals.count; i++)
                if (!add_literal(lowering, literals.literal[i]))
                        return false;
        return true;
}

/* ---------------------------------------------------------------- in words */

static unsigned shortest_window(const struct pn_lowered *ret)
{
        unsigned len = PN_WINDOW_MAX;

        for (uint32_t i = 0; i < ret->anchor_count; i++)
                if (ret->anchor[i].window.len < len)
                        len = ret->anchor[i].window.len;
        return len;
}

static const char *const unanchored_words[] = {
        [0] = "nothing is known of it",
        [PN_YR_TEXT] = "the text cannot be looked for",
        [PN_YR_HEX] = "no byte of it is fixed: wildcards and alternatives leave nothing to look for",
        [PN_YR_REGEX] =
                "no literal is in every match of the regular expression: add one of 8 characters or more",
};

static const char *const short_words[PN_WINDOW_MAX] = {
        [0] = "no byte in a row is fixed",
        [1] = "no 2 bytes in a row are fixed",
        [2] = "no 3 bytes in a row are fixed",
        [3] = "no more than 3 bytes in a row are fixed: 8 are as fast as it gets",
        [4] = "no more than 4 bytes in a row are fixed: 8 are as fast as it gets",
        [5] = "no more than 5 bytes in a row are fixed: 8 are as fast as it gets",
        [6] = "no more than 6 bytes in a row are fixed: 8 are as fast as it gets",
        [7] = "no more than 7 bytes in a row are fixed: 8 are as fast as it gets",
};

#define MANY_ANCHORS 16U /* from here on their number is what makes them noisy */

static const char *weakness(const struct pn_lowered *ret, enum pn_yr_string_kind kind)
{
        if (ret->flags & PN_STRING_UNANCHORED)
                return unanchored_words[kind <= PN_YR_REGEX ? kind : 0];
        if (shortest_window(ret) < PN_WINDOW_MAX)
                return short_words[shortest_window(ret)];
        if (ret->hits_per_gb > PN_COST_NOISY_PER_GB && ret->anchor_count > MANY_ANCHORS)
                return "it has many forms, and a window for each: narrow the keys of xor, or write out fewer "
                       "alternatives";
        if (ret->hits_per_gb > PN_COST_NOISY_PER_GB)
                return "even its rarest 8 bytes are common in clean binaries";
        return NULL;
}

/* ---------------------------------------------------------------- the whole */

static bool lower_kind(struct pn_lowering *lowering)
{
        switch (lowering->string->kind) {
        case PN_YR_TEXT:
                if (lowering->string->flags & (PN_YR_BASE64 | PN_YR_BASE64WIDE))
                        return pn_lower_base64(lowering);
                return pn_lower_text(lowering);
        case PN_YR_HEX:
                return pn_lower_hex(lowering);
        case PN_YR_REGEX:
                return lower_regex(lowering);
        }
        return true;
}

int pn_string_lower(const struct pn_yr_string *string, const struct pn_grams *grams, struct pn_arena *arena,
                    struct pn_lowered *ret, struct pn_err *err)
{
        struct pn_lowered lowered = {.flags = string->flags & PN_YR_PRIVATE ? PN_STRING_PRIVATE : 0};
        struct pn_lowering lowering = {string, grams, arena, &lowered};

        lowered.variant = pn_arena_get(arena, PN_LOWER_VARIANTS_MAX, sizeof(*lowered.variant));
        if (lowered.variant == NULL || !lower_kind(&lowering))
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "lower string `%s`", string->name);
        if (!(lowered.flags & PN_STRING_LOOSE) && variants_overlap(&lowered))
                lowered.flags |= PN_STRING_LOOSE;
        if (!pn_lowering_anchor(&lowering))
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "anchor string `%s`", string->name);
        lowered.weakness = weakness(&lowered, string->kind);
        *ret = lowered;
        return 0;
}
