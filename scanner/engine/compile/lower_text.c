/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/lowering.h"

#include <string.h>

#include "scanner/engine/pack.h"

const uint8_t *pn_lowering_wide(struct pn_arena *arena, const uint8_t *bytes, uint32_t len)
{
        uint8_t *wide = pn_arena_get(arena, (size_t)len * 2 + 1, 1);

        for (uint32_t i = 0; wide != NULL && i < len; i++)
                wide[2 * i] = bytes[i];
        return wide;
}

const uint8_t *pn_lowering_fold(struct pn_arena *arena, const uint8_t *bytes, uint32_t len, bool *ret_letters)
{
        uint8_t *folded = pn_arena_get(arena, (size_t)len + 1, 1);

        *ret_letters = false;
        for (uint32_t i = 0; folded != NULL && i < len; i++) {
                folded[i] = bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i];
                *ret_letters |= folded[i] >= 'a' && folded[i] <= 'z';
        }
        return folded;
}

bool pn_lowering_add(struct pn_lowering *lowering, uint8_t flags, const uint8_t *bytes, uint32_t len)
{
        struct pn_variant *variant = &lowering->ret->variant[lowering->ret->variant_count];
        struct pn_segment *segment = pn_arena_get(lowering->arena, 1, sizeof(*segment));

        if (bytes == NULL || segment == NULL)
                return false;
        *segment = (struct pn_segment){.bytes = bytes, .len = len};
        *variant = (struct pn_variant){.flags = flags, .segment = segment, .segment_count = 1};
        lowering->ret->variant_count++;
        return true;
}

/* ---------------------------------------------------------------- xor */

/* libyara finds a candidate by up to four bytes of one form, ascii or wide, with a key that was asked for,
 * and then takes either form with whatever key fits there. Four bytes of the wide form may stand behind a
 * whole ascii form, so that this counts with any key, asked for or not. Four bytes of the ascii form stand
 * inside the wide form: they must be alike but for a key to make it count. */
static bool forms_meet(struct pn_yr_bytes text)
{
        for (uint32_t at = 0; at + 4 <= text.len; at++) {
                bool meet = true;
                uint8_t key = 0;

                for (uint32_t i = at; i < at + 4; i++) {
                        const uint8_t here = text.data[i] ^ (i % 2 == 0 ? text.data[i / 2] : 0);

                        meet = meet && (i == at || here == key);
                        key = here;
                }
                if (meet)
                        return true;
        }
        return false;
}

static bool add_xor(struct pn_lowering *lowering, uint8_t flags, const uint8_t *bytes, uint32_t len,
                    bool any_key)
{
        struct pn_variant *variant = &lowering->ret->variant[lowering->ret->variant_count];

        if (!pn_lowering_add(lowering, flags | PN_VARIANT_XOR, bytes, len))
                return false;
        variant->xor_min = any_key ? 0 : lowering->string->xor_min;
        variant->xor_max = any_key ? UINT8_MAX : lowering->string->xor_max;
        return true;
}

static bool lower_xor(struct pn_lowering *lowering)
{
        const struct pn_yr_string *string = lowering->string;
        const struct pn_yr_bytes text = string->text;
        const uint8_t word = string->flags & PN_YR_FULLWORD ? PN_VARIANT_FULLWORD : 0;
        const bool all = string->xor_min == 0 && string->xor_max == UINT8_MAX;

        if (string->xor_min > string->xor_max)
                return true; /* libyara refuses it */
        if (!(string->flags & PN_YR_WIDE))
                return add_xor(lowering, word, text.data, text.len, false);
        /* which bytes make a wide string with a key a whole word differs between versions of libyara */
        if (word || !all || !(string->flags & PN_YR_ASCII))
                lowering->ret->flags |= PN_STRING_LOOSE;
        return add_xor(lowering, 0, text.data, text.len, true) &&
               add_xor(lowering, PN_VARIANT_WIDE, pn_lowering_wide(lowering->arena, text.data, text.len),
                       text.len * 2, forms_meet(text));
}

bool pn_lower_text(struct pn_lowering *lowering)
{
        const struct pn_yr_string *string = lowering->string;
        const uint8_t *bytes = string->text.data;
        const uint32_t len = string->text.len;
        uint8_t flags = string->flags & PN_YR_FULLWORD ? PN_VARIANT_FULLWORD : 0;
        bool letters = false;

        if (len == 0)
                return true;
        if (string->flags & PN_YR_XOR)
                return (string->flags & PN_YR_NOCASE) || lower_xor(lowering);
        if (string->flags & PN_YR_NOCASE)
                bytes = pn_lowering_fold(lowering->arena, bytes, len, &letters);
        if (bytes == NULL)
                return false;
        if (letters)
                flags |= PN_VARIANT_NOCASE;
        if ((string->flags & PN_YR_ASCII) && !pn_lowering_add(lowering, flags, bytes, len))
                return false;
        return !(string->flags & PN_YR_WIDE) ||
               pn_lowering_add(lowering, flags | PN_VARIANT_WIDE,
                               pn_lowering_wide(lowering->arena, bytes, len), len * 2);
}

/* ---------------------------------------------------------------- base64 */

static const char usual[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The digits that depend on `text` alone when `shift` unknown bytes stand before it: of 8 * len bits, those
 * of whole groups of six. NULL when memory ran out. */
static const uint8_t *encode(struct pn_arena *arena, struct pn_yr_bytes text, const char *alphabet,
                             unsigned shift, uint32_t *ret_len)
{
        const uint64_t first = (8ULL * shift + 5) / 6, end = 8 * ((uint64_t)shift + text.len) / 6;
        uint8_t *digits = pn_arena_get(arena, end > first ? end - first : 1, 1);

        for (uint64_t i = first; digits != NULL && i < end; i++) {
                const uint64_t bit = 6 * i - 8ULL * shift;
                const uint64_t byte = bit / 8;
                const unsigned next = byte + 1 < text.len ? text.data[byte + 1] : 0;
                const unsigned pair = (unsigned)text.data[byte] << 8 | next;

                digits[i - first] = (uint8_t)alphabet[pair >> (10 - bit % 8) & 0x3f];
        }
        *ret_len = end > first ? (uint32_t)(end - first) : 0;
        return digits;
}

/* All three alignments of one text, as bytes or with zeros between. */
static bool add_encoded(struct pn_lowering *lowering, struct pn_yr_bytes text, bool wide)
{
        const char *alphabet = lowering->string->alphabet != NULL ? lowering->string->alphabet : usual;

        for (unsigned shift = 0; shift < 3; shift++) {
                uint32_t len;
                const uint8_t *digits = encode(lowering->arena, text, alphabet, shift, &len);

                if (digits == NULL)
                        return false;
                if (len == 0)
                        continue; /* so does libyara */
                if (wide)
                        digits = pn_lowering_wide(lowering->arena, digits, len);
                if (!pn_lowering_add(lowering, wide ? PN_VARIANT_WIDE : 0, digits, wide ? len * 2 : len))
                        return false;
        }
        return true;
}

bool pn_lower_base64(struct pn_lowering *lowering)
{
        const struct pn_yr_string *string = lowering->string;
        const struct pn_yr_bytes wide = {
                pn_lowering_wide(lowering->arena, string->text.data, string->text.len), string->text.len * 2};

        lowering->ret->flags |= PN_STRING_LOOSE;
        if (string->text.len == 0)
                return true;
        if (wide.data == NULL)
                return false;
        for (unsigned form = 0; form < 4; form++) {
                const struct pn_yr_bytes text = form & 1 ? wide : string->text;
                const uint32_t kind = form & 2 ? PN_YR_BASE64WIDE : PN_YR_BASE64;

                if ((string->flags & kind) && (string->flags & (form & 1 ? PN_YR_WIDE : PN_YR_ASCII)))
                        if (!add_encoded(lowering, text, form & 2))
                                return false;
        }
        return true;
}
