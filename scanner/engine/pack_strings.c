/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/fd.h"
#include "scanner/engine/pack_check.h"

#define STRING_FLAGS (PN_STRING_LOOSE | PN_STRING_UNANCHORED | PN_STRING_CLAUSE | PN_STRING_PRIVATE)
#define VARIANT_FLAGS (PN_VARIANT_NOCASE | PN_VARIANT_FULLWORD | PN_VARIANT_WIDE | PN_VARIANT_XOR)

static int wrong(struct pn_err *err, const char *table, uint32_t number, const char *why)
{
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "pack: %s %u: %s", table, number, why);
}

static const char *why_not_segment(const struct pn_pack *pack, const struct pn_pack_segment *segment)
{
        if (segment->len == 0)
                return "is empty";
        if (segment->bytes > pack->byte_count || pack->byte_count - segment->bytes < segment->len)
                return "its bytes are outside";
        if (segment->masks != PN_NONE &&
            (segment->masks > pack->byte_count || pack->byte_count - segment->masks < segment->len))
                return "its masks are outside";
        return segment->jump_min > segment->jump_max ? "jumps backwards" : NULL;
}

static const char *why_not_variant(const struct pn_pack *pack, uint32_t number)
{
        const struct pn_pack_variant *variant = &pack->variant[number];
        const struct pn_pack_segment *first;

        if (variant->string >= pack->strings)
                return "there is no such string";
        if ((variant->flags & ~VARIANT_FLAGS) != 0)
                return "unknown flag";
        if (variant->xor_min > variant->xor_max)
                return "its keys are none";
        if (variant->segments.count == 0 || !pn_run_fits(variant->segments, pack->segments))
                return "its segments are outside";
        first = &pack->segment[variant->segments.first];
        if (first->jump_min != 0 || first->jump_max != 0)
                return "begins with a jump";
        if ((pack->string[variant->string].flags & PN_STRING_LOOSE) == 0 && variant->segments.count != 1)
                return "a string that is not loose has jumps";
        return NULL;
}

static bool is_letter(uint8_t byte)
{
        return byte >= 'a' && byte <= 'z';
}

/* Would the filter's window be there wherever this byte of the segment is? */
static bool tells(const struct pn_pack_anchor *anchor, const struct pn_pack_variant *variant, uint8_t window,
                  uint8_t byte, uint8_t mask)
{
        bool nocase = (variant->flags & PN_VARIANT_NOCASE) != 0;

        if (anchor->nocase && is_letter(window))
                return (mask | 0x20U) == 0xffU && ((byte ^ anchor->key ^ window) & mask & ~0x20U) == 0;
        if (nocase && is_letter(byte))
                return false;
        return mask == 0xff && (byte ^ anchor->key) == window;
}

static bool anchor_tells(const struct pn_pack *pack, const struct pn_pack_anchor *anchor,
                         const struct pn_pack_variant *variant, const struct pn_pack_segment *segment)
{
        for (uint32_t i = 0; i < anchor->len; i++) {
                uint32_t at = anchor->offset + i;
                uint8_t mask = segment->masks == PN_NONE ? 0xff : pack->bytes[segment->masks + at];

                if (!tells(anchor, variant, anchor->bytes[i], pack->bytes[segment->bytes + at], mask))
                        return false;
        }
        return true;
}

static const char *why_not_anchor(const struct pn_pack *pack, const struct pn_pack_anchor *anchor)
{
        const struct pn_pack_variant *variant;
        const struct pn_pack_segment *segment;
        bool keyed;

        if (anchor->variant >= pack->variants)
                return "there is no such variant";
        variant = &pack->variant[anchor->variant];
        if (anchor->segment >= variant->segments.count)
                return "there is no such segment";
        segment = &pack->segment[variant->segments.first + anchor->segment];
        if (anchor->len == 0 || anchor->len > PN_WINDOW_MAX || anchor->nocase > 1)
                return "no such window";
        if (anchor->offset > segment->len || segment->len - anchor->offset < anchor->len)
                return "is outside its segment";
        keyed = (variant->flags & PN_VARIANT_XOR) != 0;
        if (keyed ? anchor->key < variant->xor_min || anchor->key > variant->xor_max : anchor->key != 0)
                return "has a key that its variant has not";
        return anchor_tells(pack, anchor, variant, segment) ? NULL : "its window is not what stands there";
}

static int check_parts(const struct pn_pack *pack, struct pn_err *err)
{
        const char *why;

        for (uint32_t i = 0; i < pack->segments; i++)
                if ((why = why_not_segment(pack, &pack->segment[i])))
                        return wrong(err, "segment", i, why);
        for (uint32_t i = 0; i < pack->variants; i++)
                if ((why = why_not_variant(pack, i)))
                        return wrong(err, "variant", i, why);
        for (uint32_t i = 0; i < pack->anchors; i++)
                if ((why = why_not_anchor(pack, &pack->anchor[i])))
                        return wrong(err, "anchor", i, why);
        return 0;
}

/* Every key of an XOR variant needs an anchor of its own, every other variant one. */
static bool variant_is_anchored(const struct pn_pack *pack, const struct pn_pack_string *string,
                                uint32_t number)
{
        const struct pn_pack_variant *variant = &pack->variant[number];
        bool keyed = (variant->flags & PN_VARIANT_XOR) != 0, seen[256] = {false};
        unsigned keys = 0;

        for (uint32_t i = 0; i < string->anchors.count; i++) {
                const struct pn_pack_anchor *anchor = &pack->anchor[string->anchors.first + i];

                if (anchor->variant != number || seen[anchor->key])
                        continue;
                seen[anchor->key] = true;
                keys++;
        }
        return keys == (keyed ? 1U + variant->xor_max - variant->xor_min : 1U);
}

static const char *why_not_anchors(const struct pn_pack *pack, const struct pn_pack_string *string)
{
        if (!pn_run_fits(string->anchors, pack->anchors))
                return "its anchors are outside";
        if ((string->flags & PN_STRING_UNANCHORED) != 0)
                return string->anchors.count > 0                 ? "has anchors and says that it has none"
                       : (string->flags & PN_STRING_CLAUSE) != 0 ? "is in a clause and has no anchor"
                                                                 : NULL;
        for (uint32_t i = 0; i < string->anchors.count; i++) {
                const struct pn_pack_anchor *anchor = &pack->anchor[string->anchors.first + i];

                if (anchor->variant - string->variants.first >= string->variants.count)
                        return "has an anchor of another string";
                if ((string->flags & PN_STRING_CLAUSE) != 0 && anchor->len < PN_WINDOW_MIN)
                        return "is in a clause with an anchor too short for a filter";
        }
        for (uint32_t i = 0; i < string->variants.count; i++)
                if (!variant_is_anchored(pack, string, string->variants.first + i))
                        return "has a variant without an anchor";
        return string->variants.count > 0 ? NULL : "has no variant";
}

static const char *why_not_string(const struct pn_pack *pack, uint32_t number)
{
        const struct pn_pack_string *string = &pack->string[number];

        if (string->rule >= pack->rules)
                return "there is no such rule";
        if (string->name >= pack->text_bytes)
                return "its name is outside";
        if ((string->flags & ~STRING_FLAGS) != 0)
                return "unknown flag";
        if (!pn_run_fits(string->variants, pack->variants))
                return "its variants are outside";
        for (uint32_t i = 0; i < string->variants.count; i++)
                if (pack->variant[string->variants.first + i].string != number)
                        return "has a variant of another string";
        if (!pn_run_points(pack, string->candidates, pack->rules))
                return "its candidates are outside";
        return why_not_anchors(pack, string);
}

/* `seen` has a byte for every anchor. */
static const char *why_not_window(const struct pn_pack *pack, const struct pn_pack_window *window,
                                  uint8_t *seen)
{
        const struct pn_pack_anchor *first = NULL;

        if (window->anchors.count == 0 || !pn_run_points(pack, window->anchors, pack->anchors))
                return "its anchors are outside";
        for (uint32_t i = 0; i < window->anchors.count; i++) {
                uint32_t number = pack->index[window->anchors.first + i];
                const struct pn_pack_anchor *anchor = &pack->anchor[number];

                first = first ? first : anchor;
                if (anchor->len < PN_WINDOW_MIN || anchor->len != first->len ||
                    anchor->nocase != first->nocase || memcmp(anchor->bytes, first->bytes, anchor->len) != 0)
                        return "has an anchor with another window";
                seen[number] = 1;
        }
        return NULL;
}

/* A clause string with an anchor that no window leads to would be missed in silence. */
static int check_windows(const struct pn_pack *pack, struct pn_err *err)
{
        pn_autofree uint8_t *seen = calloc((size_t)pack->anchors + 1, 1);
        const char *why;

        if (!seen)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "check a pack");
        for (uint32_t i = 0; i < pack->windows; i++)
                if ((why = why_not_window(pack, &pack->window[i], seen)))
                        return wrong(err, "window", i, why);
        for (uint32_t i = 0; i < pack->anchors; i++) {
                const struct pn_pack_string *string =
                        &pack->string[pack->variant[pack->anchor[i].variant].string];

                if (!seen[i] && (string->flags & PN_STRING_CLAUSE) != 0)
                        return wrong(err, "anchor", i, "is of a clause, and no window leads to it");
        }
        return 0;
}

int pn_pack_check_strings(const struct pn_pack *pack, struct pn_err *err)
{
        const char *why;

        if (check_parts(pack, err) < 0)
                return -1;
        for (uint32_t i = 0; i < pack->strings; i++)
                if ((why = why_not_string(pack, i)))
                        return wrong(err, "string", i, why);
        return check_windows(pack, err);
}
