/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_SPEC_KIT_H
#define PN_TEST_SPEC_KIT_H

/* Random text strings with their modifiers: as variants of a pack, and as YARA has them. */

#include <stdio.h>

#include "tests/unit/engine/filter_kit.h"
#include "tests/unit/engine/pack_kit.h"

struct spec {
        bool ascii, wide, nocase, fullword, xor;
        uint8_t xor_min, xor_max;
        char text[12];
        uint32_t len;
};

static inline void random_spec(uint64_t *seed, struct spec *spec)
{
        static const char letters[] = "aAbB0_.";

        *spec = (struct spec){.ascii = below(seed, 2), .wide = below(seed, 2), .fullword = below(seed, 2)};
        spec->ascii = spec->ascii || !spec->wide;
        if (below(seed, 3) == 0)
                spec->nocase = true;
        else if (below(seed, 3) == 0)
                spec->xor = true;
        spec->xor_min = (uint8_t)below(seed, 3);
        spec->xor_max = (uint8_t)(spec->xor_min + below(seed, 40));
        spec->len = 1 + below(seed, 9);
        for (uint32_t i = 0; i < spec->len; i++)
                spec->text[i] = letters[below(seed, sizeof(letters) - 1)];
        if (below(seed, 4) == 0 && !spec->xor &&spec->len > 1)
                spec->text[1 + below(seed, spec->len - 1)] = '\0';
}

/* A form of the text, with one anchor in the middle (one of each key), or two. */
static inline void add_variant(struct kit *kit, const struct spec *spec, bool wide)
{
        uint8_t flags =
                (uint8_t)((spec->nocase ? PN_VARIANT_NOCASE : 0) | (wide ? PN_VARIANT_WIDE : 0) |
                          (spec->fullword ? PN_VARIANT_FULLWORD : 0) | (spec->xor ? PN_VARIANT_XOR : 0));
        uint8_t bytes[24] = {0}, anchor;
        uint32_t len = wide ? 2 * spec->len : spec->len, offset;

        for (uint32_t i = 0; i < spec->len; i++) {
                uint8_t byte = (uint8_t)spec->text[i];

                bytes[wide ? 2 * i : i] = spec->nocase && byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
        }
        kit_variant(kit, flags, bytes, NULL, len);
        anchor = len < 4 ? (uint8_t)len : 4;
        offset = (len - anchor) / 2;
        if (spec->xor) {
                kit->variant[kit->variants - 1].xor_min = spec->xor_min;
                kit->variant[kit->variants - 1].xor_max = spec->xor_max;
                for (unsigned key = spec->xor_min; key <= spec->xor_max; key++)
                        kit_anchor(kit, 0, offset, anchor, (uint8_t)key);
                return;
        }
        kit_anchor(kit, 0, offset, anchor, 0);
        kit_anchor(kit, 0, 0, anchor, 0); /* a second one, that must not count twice */
}

static inline void add_string(struct kit *kit, const struct spec *spec)
{
        if (spec->ascii)
                add_variant(kit, spec, false);
        if (spec->wide)
                add_variant(kit, spec, true);
}

/* As YARA writes it, behind the "=". */
static inline void yara_of(const struct spec *spec, char *text, size_t cap)
{
        char hex[64] = "";

        for (uint32_t i = 0; i < spec->len; i++)
                (void)snprintf(hex + 4 * i, sizeof(hex) - 4 * i, "\\x%02x", (uint8_t)spec->text[i]);
        (void)snprintf(text, cap, "\"%s\"%s%s%s%s", hex, spec->ascii ? " ascii" : "",
                       spec->wide ? " wide" : "", spec->nocase ? " nocase" : "",
                       spec->fullword ? " fullword" : "");
        if (spec->xor)
                (void)snprintf(text + strlen(text), cap - strlen(text), " xor(0x%02x-0x%02x)", spec->xor_min,
                               spec->xor_max);
}

/* Of a whole word of one byte or with a NUL, narrow and wide may fit at one offset, and then it may occur. */
static inline bool is_ambiguous(const struct spec *spec)
{
        return spec->fullword && (spec->len == 1 || memchr(spec->text, 0, spec->len));
}

#endif
