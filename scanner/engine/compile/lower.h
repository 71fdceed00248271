/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_LOWER_H
#define PN_COMPILE_LOWER_H

/* From a string of a rule to what can be looked for: variants, the exact check of each, and anchors. What the
 * records mean is said in scanner/engine/pack.h; here they still point instead of referring by index. */

#include "scanner/engine/compile/arena.h"
#include "scanner/engine/compile/ast.h"
#include "scanner/engine/compile/grams.h"
#include "scanner/engine/filter.h"

/* Alternatives multiply; above this the string is loose or unanchored. */
#define PN_LOWER_VARIANTS_MAX 64U
#define PN_LOWER_ANCHORS_MAX 1024U /* of one string: xor has one for each key */

struct pn_segment {
        uint32_t jump_min, jump_max;
        const uint8_t *bytes, *masks; /* masks NULL: all 0xff */
        uint32_t len;
};

struct pn_variant {
        uint8_t flags; /* PN_VARIANT_... */
        uint8_t xor_min, xor_max;
        struct pn_segment *segment;
        uint32_t segment_count;
};

struct pn_anchor {
        uint32_t variant, segment, offset;
        uint8_t key;
        struct pn_window window; /* len 1 to 8 */
};

struct pn_lowered {
        uint32_t flags; /* PN_STRING_LOOSE, PN_STRING_UNANCHORED, PN_STRING_PRIVATE */
        struct pn_variant *variant;
        uint32_t variant_count;
        struct pn_anchor *anchor; /* none when UNANCHORED */
        uint32_t anchor_count;
        double hits_per_gb;   /* expected, of all anchors together */
        const char *weakness; /* for the author, such as "no 4 bytes in a row are fixed"; or NULL */
};

/* Lowers one string; the windows are the rarest by `grams` (8 bytes where the string has them, else the
 * longest there are). What a hex string or a regular expression cannot be reduced to exactly becomes
 * necessary literals and PN_STRING_LOOSE. Returns 0, or -1 with PN_FAULT_HOST (memory). A regular expression
 * that cannot be understood is unanchored, never an error. */
int pn_string_lower(const struct pn_yr_string *string, const struct pn_grams *grams, struct pn_arena *arena,
                    struct pn_lowered *ret, struct pn_err *err);

/* The regular expression of a string alone, for it: adds loose variants, one for each of a set of literals of
 * which every match holds one (Navarro, Raffinot: Flexible Pattern Matching in Strings, 5). True when there
 * is such a set. */
struct pn_literals {
        struct pn_yr_bytes *literal;
        uint32_t count;
};
bool pn_regex_literals(struct pn_yr_bytes regex, uint32_t flags, const struct pn_grams *grams,
                       struct pn_arena *arena, struct pn_literals *ret);

#endif
