/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/check.h"

#include <string.h>

#define SEGMENTS_MAX                                                                                         \
        64U             /* of one variant that are followed, each by a call of its own; the rest may occur   \
                         */
#define BORDER_BYTES 2U /* looked at beside a whole word */

/* One question about one variant. */
struct look {
        const struct pn_pack *pack;
        const struct pn_piece *piece;
        const struct pn_pack_variant *variant;
        uint8_t key;
        uint64_t *budget;
};

static uint8_t lower(uint8_t byte)
{
        return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20U) : byte;
}

/* isalnum(3) of the C locale. */
static bool is_word(uint8_t byte)
{
        return (byte >= '0' && byte <= '9') || (lower(byte) >= 'a' && lower(byte) <= 'z');
}

static uint64_t plus(uint64_t a, uint64_t b)
{
        return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static bool pay(struct look *look, uint64_t bytes)
{
        uint64_t price = 1 + bytes / 16;

        if (*look->budget < price) {
                *look->budget = 0;
                return false;
        }
        *look->budget -= price;
        return true;
}

/* ---------------------------------------------------------------- bytes */

static bool fits(const struct look *look, const struct pn_pack_segment *segment, const uint8_t *at)
{
        const uint8_t *want = look->pack->bytes + segment->bytes;
        const uint8_t *mask = look->pack->bytes + (segment->masks == PN_NONE ? 0 : segment->masks);
        bool masked = segment->masks != PN_NONE, nocase = (look->variant->flags & PN_VARIANT_NOCASE) != 0;

        if (!masked && !nocase && look->key == 0)
                return memcmp(want, at, segment->len) == 0;
        for (uint32_t i = 0; i < segment->len; i++) {
                uint8_t byte = (uint8_t)(at[i] ^ look->key);

                if (nocase)
                        byte = lower(byte);
                if ((masked ? byte & mask[i] : byte) != want[i])
                        return false;
        }
        return true;
}

/* Of NO, YES, MAY, OUTSIDE: is this segment at `offset`? */
static enum pn_check segment_at(struct look *look, const struct pn_pack_segment *segment, uint64_t offset)
{
        const struct pn_piece *piece = look->piece;

        if (offset > piece->file_bytes || piece->file_bytes - offset < segment->len)
                return PN_CHECK_NO;
        if (offset < piece->base || offset - piece->base > piece->len ||
            piece->len - (offset - piece->base) < segment->len)
                return piece->last_try ? PN_CHECK_MAY : PN_CHECK_OUTSIDE;
        if (!pay(look, segment->len))
                return PN_CHECK_MAY;
        return fits(look, segment, piece->data + (offset - piece->base)) ? PN_CHECK_YES : PN_CHECK_NO;
}

/* ---------------------------------------------------------------- whole words */

/* The `count` bytes at `offset`, or NULL when they are not in the piece. */
static const uint8_t *in_piece(const struct pn_piece *piece, uint64_t offset, size_t count)
{
        if (offset < piece->base || offset - piece->base > piece->len ||
            piece->len - (offset - piece->base) < count)
                return NULL;
        return piece->data + (offset - piece->base);
}

/* libyara looks at one byte beside a word and at two beside a wide one, as far as the file has them. */
static enum pn_check word_beside(const struct pn_piece *piece, uint64_t offset, size_t count)
{
        const uint8_t *byte = in_piece(piece, offset, count);

        if (!byte)
                return piece->last_try ? PN_CHECK_MAY : PN_CHECK_OUTSIDE;
        return is_word(byte[0]) && (count == 1 || byte[1] == 0) ? PN_CHECK_YES : PN_CHECK_NO;
}

static enum pn_check whole_word(const struct look *look, uint64_t start, uint32_t len)
{
        size_t count = (look->variant->flags & PN_VARIANT_WIDE) != 0 ? 2 : 1;
        uint64_t end = start + len;
        enum pn_check before = PN_CHECK_NO, behind = PN_CHECK_NO;

        if ((look->variant->flags & PN_VARIANT_FULLWORD) == 0)
                return PN_CHECK_YES;
        if (start >= count)
                before = word_beside(look->piece, start - count, count);
        if (look->piece->file_bytes - end >= count)
                behind = word_beside(look->piece, end, count);
        if (before == PN_CHECK_YES || behind == PN_CHECK_YES)
                return PN_CHECK_NO;
        if (before == PN_CHECK_NO && behind == PN_CHECK_NO)
                return PN_CHECK_YES;
        return look->piece->last_try ? PN_CHECK_MAY : PN_CHECK_OUTSIDE;
}

/* ---------------------------------------------------------------- one variant at one offset */

/* Its only segment at `offset`, by its bytes alone; an XOR variant's key is taken from the first byte. */
static enum pn_check variant_at(struct look *look, uint64_t offset)
{
        const struct pn_pack_segment *segment = &look->pack->segment[look->variant->segments.first];
        const uint8_t *first;

        look->key = 0;
        if ((look->variant->flags & PN_VARIANT_XOR) != 0) {
                if (offset >= look->piece->file_bytes)
                        return PN_CHECK_NO;
                first = in_piece(look->piece, offset, 1);
                if (!first)
                        return look->piece->last_try ? PN_CHECK_MAY : PN_CHECK_OUTSIDE;
                look->key = (uint8_t)(*first ^ look->pack->bytes[segment->bytes]);
                if (look->key < look->variant->xor_min || look->key > look->variant->xor_max)
                        return PN_CHECK_NO;
        }
        return segment_at(look, segment, offset);
}

static uint32_t variant_len(const struct look *look)
{
        return look->pack->segment[look->variant->segments.first].len;
}

/* Variant `chosen` is at `offset`. Another one that is there too tells nothing new, but its length may be
 * libyara's; and of whole words, which of them must have a border depends on how libyara looked for them. */
static enum pn_check tell_place(struct look *look, const struct pn_pack_string *string, uint32_t chosen,
                                uint64_t offset, struct pn_place *ret)
{
        bool word = (look->variant->flags & PN_VARIANT_FULLWORD) != 0;

        *ret = (struct pn_place){offset, look->variant->string, variant_len(look), true};
        for (uint32_t i = string->variants.first; i < string->variants.first + string->variants.count; i++) {
                look->variant = &look->pack->variant[i];
                if (i == chosen || variant_at(look, offset) == PN_CHECK_NO)
                        continue;
                if (word)
                        return PN_CHECK_MAY;
                ret->len_known = ret->len_known && variant_len(look) == ret->len;
        }
        return PN_CHECK_YES;
}

/* Do the bytes of a variant before `chosen` stand at `offset` too? */
static enum pn_check earlier_at(struct look *look, const struct pn_pack_string *string, uint32_t chosen,
                                uint64_t offset)
{
        const struct pn_pack_variant *variant = look->variant;
        enum pn_check result = PN_CHECK_NO;

        for (uint32_t i = string->variants.first; i < chosen && result == PN_CHECK_NO; i++) {
                look->variant = &look->pack->variant[i];
                result = variant_at(look, offset);
        }
        look->variant = variant;
        return result;
}

enum pn_check pn_check_at(const struct pn_pack *pack, uint32_t number, const struct pn_piece *piece,
                          uint64_t offset, uint64_t *budget, struct pn_place *ret_place)
{
        const struct pn_pack_string *string = &pack->string[number];
        struct look look = {pack, piece, NULL, 0, budget};
        enum pn_check result, border;

        for (uint32_t i = string->variants.first; i < string->variants.first + string->variants.count; i++) {
                look.variant = &pack->variant[i];
                result = variant_at(&look, offset);
                if (result == PN_CHECK_NO)
                        continue;
                if (result != PN_CHECK_YES)
                        return result;
                border = whole_word(&look, offset, variant_len(&look));
                result = tell_place(&look, string, i, offset, ret_place);
                return result == PN_CHECK_YES ? border : result;
        }
        return PN_CHECK_NO;
}

/* ---------------------------------------------------------------- jumps */

static uint64_t at_most(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

static enum pn_check follow(struct look *look, uint32_t number, uint64_t offset, int step);

/* Segment `number` begins at one offset of [from, to], and all that are further on in this direction are
 * there too. */
static enum pn_check find(struct look *look, uint32_t number, uint64_t from, uint64_t to, int step)
{
        const struct pn_pack_segment *segment = &look->pack->segment[look->variant->segments.first + number];
        const struct pn_piece *piece = look->piece;
        enum pn_check unsure = piece->last_try ? PN_CHECK_MAY : PN_CHECK_OUTSIDE;
        uint64_t end = plus(piece->base, piece->len);
        bool cut = from < piece->base || (to >= end && end < piece->file_bytes);

        from = from < piece->base ? piece->base : from;
        to = at_most(to, end);
        for (uint64_t at = from; at <= to && piece->file_bytes - at >= segment->len; at++) {
                enum pn_check result = segment_at(look, segment, at);

                if (result == PN_CHECK_YES)
                        result = follow(look, number, at, step);
                if (result == PN_CHECK_YES || result == PN_CHECK_MAY)
                        return result;
                cut = cut || result == PN_CHECK_OUTSIDE;
                if (result == PN_CHECK_OUTSIDE && step > 0)
                        break;
        }
        return cut ? unsure : PN_CHECK_NO;
}

/* Segment `number` is at `offset`: are those behind (step 1) or before it (step -1) there? */
static enum pn_check follow(struct look *look, uint32_t number, uint64_t offset, int step)
{
        const struct pn_pack_segment *all = &look->pack->segment[look->variant->segments.first];
        const struct pn_pack_segment *here = &all[number], *other;
        uint64_t nearest, farthest, end = offset + here->len;

        if (step > 0) {
                if (number + 1 == look->variant->segments.count)
                        return PN_CHECK_YES;
                other = here + 1;
                farthest = other->jump_max == UINT32_MAX ? UINT64_MAX : plus(end, other->jump_max);
                return find(look, number + 1, plus(end, other->jump_min), farthest, step);
        }
        if (number == 0)
                return PN_CHECK_YES;
        other = here - 1;
        if (offset < other->len || offset - other->len < here->jump_min)
                return PN_CHECK_NO;
        nearest = offset - other->len - here->jump_min;
        farthest = offset - other->len;
        farthest = here->jump_max < farthest ? farthest - here->jump_max : 0;
        return find(look, number - 1, farthest, nearest, step);
}

/* ---------------------------------------------------------------- a hit */

static enum pn_check loose_hit(struct look *look, const struct pn_pack_anchor *anchor, uint64_t offset)
{
        enum pn_check behind, before;

        if (look->variant->segments.count > SEGMENTS_MAX)
                return PN_CHECK_MAY;
        if (look->variant->segments.count == 1) {
                behind = whole_word(look, offset, variant_len(look));
                return behind == PN_CHECK_YES ? PN_CHECK_MAY : behind;
        }
        behind = follow(look, anchor->segment, offset, 1);
        if (behind == PN_CHECK_NO)
                return PN_CHECK_NO;
        before = follow(look, anchor->segment, offset, -1);
        if (before == PN_CHECK_NO)
                return PN_CHECK_NO;
        return behind == PN_CHECK_OUTSIDE || before == PN_CHECK_OUTSIDE ? PN_CHECK_OUTSIDE : PN_CHECK_MAY;
}

/* One occurrence may hold several anchors: the first of its variant and key tells it. */
static bool told_by_another(const struct pn_pack *pack, const struct pn_pack_string *string, uint32_t number)
{
        const struct pn_pack_anchor *anchor = &pack->anchor[number];

        for (uint32_t i = string->anchors.first; i < number; i++)
                if (pack->anchor[i].variant == anchor->variant && pack->anchor[i].key == anchor->key)
                        return true;
        return false;
}

static enum pn_check exact_hit(struct look *look, uint32_t number, uint64_t offset,
                               struct pn_place *ret_place)
{
        const struct pn_pack *pack = look->pack;
        const struct pn_pack_string *string = &pack->string[look->variant->string];
        uint32_t chosen = pack->anchor[number].variant;
        enum pn_check border, result;

        if (told_by_another(pack, string, number))
                return PN_CHECK_NO;
        result = earlier_at(look, string, chosen, offset);
        if (result != PN_CHECK_NO) /* that one's own hit tells */
                return result == PN_CHECK_YES ? PN_CHECK_NO : result;
        border = whole_word(look, offset, variant_len(look));
        result = tell_place(look, string, chosen, offset, ret_place);
        return result == PN_CHECK_YES ? border : result;
}

enum pn_check pn_check_hit(const struct pn_pack *pack, uint32_t number, const struct pn_piece *piece,
                           uint64_t at, uint64_t *budget, struct pn_place *ret_place)
{
        const struct pn_pack_anchor *anchor = &pack->anchor[number];
        const struct pn_pack_variant *variant = &pack->variant[anchor->variant];
        const struct pn_pack_segment *segment = &pack->segment[variant->segments.first + anchor->segment];
        struct look look = {pack, piece, variant, anchor->key, budget};
        enum pn_check result;

        if (at < anchor->offset)
                return PN_CHECK_NO;
        result = segment_at(&look, segment, at - anchor->offset);
        if (result != PN_CHECK_YES)
                return result;
        if ((pack->string[variant->string].flags & PN_STRING_LOOSE) != 0)
                return loose_hit(&look, anchor, at - anchor->offset);
        return exact_hit(&look, number, at - anchor->offset, ret_place);
}

/* ---------------------------------------------------------------- what a second try needs */

static void widen(uint64_t middle, uint64_t before, uint64_t behind, uint64_t *ret_from, uint64_t *ret_to)
{
        before = at_most(before, PN_CHECK_SIDE_BYTES);
        *ret_from = middle > before ? middle - before : 0;
        *ret_to = plus(middle, at_most(behind, PN_CHECK_SIDE_BYTES));
}

static uint32_t longest_variant(const struct pn_pack *pack, const struct pn_pack_string *string)
{
        uint32_t longest = 0;

        for (uint32_t i = string->variants.first; i < string->variants.first + string->variants.count; i++) {
                uint32_t len = pack->segment[pack->variant[i].segments.first].len;

                longest = len > longest ? len : longest;
        }
        return longest;
}

void pn_check_span(const struct pn_pack *pack, uint32_t number, uint64_t at, uint64_t *ret_from,
                   uint64_t *ret_to)
{
        const struct pn_pack_anchor *anchor = &pack->anchor[number];
        const struct pn_pack_variant *variant = &pack->variant[anchor->variant];
        uint64_t longest = longest_variant(pack, &pack->string[variant->string]);

        if (variant->segments.count > 1)
                widen(at, UINT64_MAX, UINT64_MAX, ret_from, ret_to);
        else
                widen(at, (uint64_t)anchor->offset + BORDER_BYTES, longest + BORDER_BYTES, ret_from, ret_to);
}

void pn_check_span_at(const struct pn_pack *pack, uint32_t number, uint64_t offset, uint64_t *ret_from,
                      uint64_t *ret_to)
{
        widen(offset, BORDER_BYTES, (uint64_t)longest_variant(pack, &pack->string[number]) + BORDER_BYTES,
              ret_from, ret_to);
}
