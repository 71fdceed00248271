/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/compile/lower.h"
#include "scanner/engine/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

/* What pn_string_lower() promises of an anchor: it is in its segment, and its bytes are the window. */
static void check_anchor(const struct pn_lowered *lowered, const struct pn_anchor *anchor)
{
        const struct pn_variant *variant;
        const struct pn_segment *segment;

        require(anchor->variant < lowered->variant_count);
        variant = &lowered->variant[anchor->variant];
        require(anchor->segment < variant->segment_count);
        segment = &variant->segment[anchor->segment];
        require(anchor->window.len >= 1 && anchor->window.len <= PN_WINDOW_MAX);
        require(anchor->offset <= segment->len && segment->len - anchor->offset >= anchor->window.len);
        require(segment->masks == NULL && anchor->key == 0);
        require(memcmp(segment->bytes + anchor->offset, anchor->window.bytes, anchor->window.len) == 0);
}

/* The first byte chooses the flags, the rest is the expression. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct pn_yr_string string = {.kind = PN_YR_REGEX, .name = "$a"};
        struct pn_arena *arena = pn_arena_new();
        struct pn_err err = PN_ERR_INIT;
        struct pn_grams *grams = NULL;
        struct pn_lowered lowered;

        require(arena != NULL && pn_grams_open((struct pn_view){NULL, 0}, &grams, &err) == 0);
        if (size > 0) {
                string.flags = data[0] & (PN_YR_WIDE | PN_YR_NOCASE | PN_YR_FULLWORD);
                string.flags |= (string.flags & PN_YR_WIDE) && (data[0] & 1) ? 0 : PN_YR_ASCII;
                string.text = (struct pn_yr_bytes){data + 1, (uint32_t)size - 1};
        }
        require(pn_string_lower(&string, grams, arena, &lowered, &err) == 0);
        require(lowered.flags & PN_STRING_LOOSE);
        require(lowered.variant_count <= PN_LOWER_VARIANTS_MAX &&
                lowered.anchor_count <= PN_LOWER_ANCHORS_MAX);
        require((lowered.anchor_count == 0) == ((lowered.flags & PN_STRING_UNANCHORED) != 0));
        for (uint32_t i = 0; i < lowered.anchor_count; i++)
                check_anchor(&lowered, &lowered.anchor[i]);
        pn_grams_free(grams);
        pn_arena_free(arena);
        return 0;
}
