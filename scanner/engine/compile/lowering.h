/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_LOWERING_H
#define PN_COMPILE_LOWERING_H

/* What the parts of pn_string_lower() share: one string on its way. Functions that return bool say false when
 * memory ran out and nothing else. */

#include "scanner/engine/compile/lower.h"

struct pn_lowering {
        const struct pn_yr_string *string;
        const struct pn_grams *grams;
        struct pn_arena *arena;
        struct pn_lowered *ret; /* `variant` has room for PN_LOWER_VARIANTS_MAX */
};

/* Adds a variant of one segment without masks, as `bytes` are (kept, not copied). */
bool pn_lowering_add(struct pn_lowering *lowering, uint8_t flags, const uint8_t *bytes, uint32_t len);

/* Each byte followed by a zero, in the arena; NULL when memory ran out. */
const uint8_t *pn_lowering_wide(struct pn_arena *arena, const uint8_t *bytes, uint32_t len);

/* A copy with ASCII letters in lower case; *ret_letters: there are some. NULL when memory ran out. */
const uint8_t *pn_lowering_fold(struct pn_arena *arena, const uint8_t *bytes, uint32_t len,
                                bool *ret_letters);

bool pn_lower_text(struct pn_lowering *lowering);
bool pn_lower_base64(struct pn_lowering *lowering);
bool pn_lower_hex(struct pn_lowering *lowering);

/* ---------------------------------------------------------------- windows.c */

/* One window of a variant, and how bad it is: its expected hits and, because a short window slows the whole
 * filter down, a price for each byte it lacks. */
struct pn_pick {
        uint32_t segment, offset;
        struct pn_window window;
        double hits_per_gb, cost;
};

/* The cheapest window of the variant, XORed with `key`. False when no byte of it is fixed. */
bool pn_window_pick(const struct pn_variant *variant, uint8_t key, const struct pn_grams *grams,
                    struct pn_pick *ret);

/* Chooses the anchors of all variants; without any for one of them the string is PN_STRING_UNANCHORED. */
bool pn_lowering_anchor(struct pn_lowering *lowering);

#endif
