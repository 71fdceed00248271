/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_LOWER_KIT_H
#define PN_TEST_LOWER_KIT_H

/* For the tests of lowering: random numbers that a seed brings back, a plain and slow reading of what
 * variants mean, and libyara as the one who is right. */

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yara.h>

#include "scanner/engine/compile/lower.h"
#include "scanner/engine/pack.h"

#define KIT_BUF 1024U /* bytes of a buffer that is searched */
#define KIT_FOUND 4096U

/* ---------------------------------------------------------------- chance */

static uint64_t kit_seed;

static uint32_t kit_random(uint32_t below)
{
        kit_seed ^= kit_seed << 13;
        kit_seed ^= kit_seed >> 7;
        kit_seed ^= kit_seed << 17;
        return (uint32_t)((kit_seed >> 16) % below);
}

static bool kit_chance(uint32_t of)
{
        return kit_random(of) == 0;
}

/* Few different bytes, so that things meet. */
static uint8_t kit_byte(void)
{
        static const uint8_t few[] = "abAB\0\x01 \x61\x62z";

        return kit_chance(12) ? (uint8_t)kit_random(256) : few[kit_random(sizeof(few) - 1)];
}

/* ---------------------------------------------------------------- what variants mean */

struct kit_buf {
        uint8_t bytes[KIT_BUF];
        size_t len;
};

static bool kit_byte_fits(const struct pn_variant *variant, const struct pn_segment *segment, uint32_t i,
                          uint8_t key, uint8_t b)
{
        const uint8_t mask = segment->masks == NULL ? 0xff : segment->masks[i];

        b ^= key;
        if ((variant->flags & PN_VARIANT_NOCASE) && b < 0x80)
                b = (uint8_t)tolower(b);
        return (b & mask) == segment->bytes[i];
}

static bool kit_segment_fits(const struct pn_variant *variant, uint32_t number, uint8_t key,
                             const struct kit_buf *buf, size_t at)
{
        const struct pn_segment *segment = &variant->segment[number];

        if (at > buf->len || buf->len - at < segment->len)
                return false;
        for (uint32_t i = 0; i < segment->len; i++)
                if (!kit_byte_fits(variant, segment, i, key, buf->bytes[at + i]))
                        return false;
        return true;
}

/* Are `anchor`'s bytes at its place, when its segment is at `at`? */
static bool kit_anchor_fits(const struct pn_anchor *anchor, const struct kit_buf *buf, size_t at)
{
        if (at > buf->len || buf->len - at < anchor->offset + anchor->window.len)
                return false;
        for (uint32_t i = 0; i < anchor->window.len; i++) {
                uint8_t b = buf->bytes[at + anchor->offset + i];

                if (anchor->window.nocase && b < 0x80)
                        b = (uint8_t)tolower(b);
                if (b != anchor->window.bytes[i])
                        return false;
        }
        return true;
}

/* Do the segments from `number` on fit, that one at `at`, and does the anchor, if its segment is among them?
 */
static bool kit_tail_fits(const struct pn_lowered *lowered, const struct pn_anchor *anchor, uint32_t number,
                          const struct kit_buf *buf, size_t at)
{
        const struct pn_variant *variant = &lowered->variant[anchor->variant];
        const struct pn_segment *next = &variant->segment[number + 1];

        if (!kit_segment_fits(variant, number, anchor->key, buf, at))
                return false;
        if (number == anchor->segment && !kit_anchor_fits(anchor, buf, at))
                return false;
        if (number + 1 == variant->segment_count)
                return true;
        at += variant->segment[number].len;
        for (uint64_t jump = next->jump_min; jump <= next->jump_max && at + jump <= buf->len; jump++)
                if (kit_tail_fits(lowered, anchor, number + 1, buf, at + jump))
                        return true;
        return false;
}

static bool kit_alnum(const struct kit_buf *buf, size_t at)
{
        return at < buf->len && buf->bytes[at] < 0x80 && isalnum(buf->bytes[at]);
}

static bool kit_zero(const struct kit_buf *buf, size_t at)
{
        return at < buf->len && buf->bytes[at] == 0;
}

static bool kit_whole_word(const struct pn_variant *variant, const struct kit_buf *buf, size_t at)
{
        const size_t end = at + variant->segment[0].len;

        if (!(variant->flags & PN_VARIANT_FULLWORD))
                return true;
        if (variant->flags & PN_VARIANT_WIDE)
                return !(at >= 2 && kit_zero(buf, at - 1) && kit_alnum(buf, at - 2)) &&
                       !(kit_alnum(buf, end) && kit_zero(buf, end + 1));
        return !(at >= 1 && kit_alnum(buf, at - 1)) && !kit_alnum(buf, end);
}

/* Length of the first segment when the string is at `at` by this anchor, else 0. */
static uint32_t kit_fits_at(const struct pn_lowered *lowered, const struct pn_anchor *anchor,
                            const struct kit_buf *buf, size_t at)
{
        const struct pn_variant *variant = &lowered->variant[anchor->variant];

        if (!kit_tail_fits(lowered, anchor, 0, buf, at) || !kit_whole_word(variant, buf, at))
                return 0;
        return variant->segment[0].len;
}

/* ---------------------------------------------------------------- libyara */

struct kit_found {
        size_t count;
        struct {
                size_t offset, len;
        } at[KIT_FOUND];
};

static void kit_complain(int level, const char *file, int line, const YR_RULE *rule, const char *text,
                         void *ctx)
{
        (void)level, (void)file, (void)line, (void)rule, (void)text, (void)ctx;
}

/* NULL: libyara does not take the rule. `string` is what stands behind "$a = ". */
static YR_RULES *kit_compile(const char *string)
{
        static char rule[1 << 16];
        YR_COMPILER *compiler = NULL;
        YR_RULES *rules = NULL;

        (void)snprintf(rule, sizeof(rule), "rule r { strings: $a = %s condition: #a >= 0 }", string);
        assert_int_equal(yr_compiler_create(&compiler), ERROR_SUCCESS);
        yr_compiler_set_callback(compiler, kit_complain, NULL);
        if (yr_compiler_add_string(compiler, rule, NULL) == 0)
                assert_int_equal(yr_compiler_get_rules(compiler, &rules), ERROR_SUCCESS);
        yr_compiler_destroy(compiler);
        return rules;
}

/* libyara packs its matches without alignment. */
__attribute__((no_sanitize("alignment"))) static int kit_callback(YR_SCAN_CONTEXT *context, int message,
                                                                  void *data, void *ctx)
{
        const YR_RULE *rule = data;
        struct kit_found *found = ctx;
        YR_STRING *string;
        YR_MATCH *match;

        if (message != CALLBACK_MSG_RULE_MATCHING)
                return CALLBACK_CONTINUE;
        yr_rule_strings_foreach(rule, string)
        {
                yr_string_matches_foreach(context, string, match)
                {
                        assert_true(found->count < KIT_FOUND);
                        found->at[found->count].offset = (size_t)match->offset;
                        found->at[found->count++].len = (size_t)match->match_length;
                }
        }
        return CALLBACK_CONTINUE;
}

/* False when libyara gave up on this buffer. */
static bool kit_scan(YR_RULES *rules, const struct kit_buf *buf, struct kit_found *found)
{
        found->count = 0;
        return yr_rules_scan_mem(rules, buf->bytes, buf->len, 0, kit_callback, found, 10) == ERROR_SUCCESS;
}

/* ---------------------------------------------------------------- equality */

static void kit_fail(const char *string, uint64_t seed, const struct kit_buf *buf, size_t offset,
                     const char *what)
{
        char hex[2 * KIT_BUF + 1];

        for (size_t i = 0; i < buf->len; i++)
                (void)snprintf(hex + 2 * i, 3, "%02x", buf->bytes[i]);
        fail_msg("seed %#llx: %s: %s at %zu of %s", (unsigned long long)seed, string, what, offset, hex);
}

static bool kit_is_found(const struct kit_found *found, size_t offset, size_t len)
{
        for (size_t i = 0; i < found->count; i++)
                if (found->at[i].offset == offset && found->at[i].len == len)
                        return true;
        return false;
}

/* Does an anchor stand at or behind `offset`, before `end`, and its variant fit? `exact_len`: with that
 * length, at `offset` itself. */
static bool kit_explained(const struct pn_lowered *lowered, const struct kit_buf *buf, size_t offset,
                          size_t end, size_t exact_len)
{
        for (uint32_t i = 0; i < lowered->anchor_count; i++) {
                for (size_t at = offset; at < end; at++) {
                        const uint32_t len = kit_fits_at(lowered, &lowered->anchor[i], buf, at);

                        if (len != 0 && (exact_len == 0 || (at == offset && len == exact_len)))
                                return true;
                }
        }
        return false;
}

/* Everything libyara finds has an anchor and a variant that fits; of an exact string also the other way
 * round. */
static void kit_compare(const char *string, uint64_t seed, const struct pn_lowered *lowered, YR_RULES *rules,
                        const struct kit_buf *buf)
{
        static struct kit_found found;
        const bool loose = lowered->flags & PN_STRING_LOOSE;

        if ((lowered->flags & PN_STRING_UNANCHORED) || !kit_scan(rules, buf, &found))
                return;
        for (size_t i = 0; i < found.count; i++) {
                const size_t offset = found.at[i].offset, len = found.at[i].len;

                if (!kit_explained(lowered, buf, offset, offset + len, loose ? 0 : len))
                        kit_fail(string, seed, buf, offset, "libyara alone finds it");
        }
        for (uint32_t i = 0; i < lowered->anchor_count && !loose; i++) {
                for (size_t at = 0; at < buf->len; at++) {
                        const uint32_t len = kit_fits_at(lowered, &lowered->anchor[i], buf, at);

                        if (len != 0 && !kit_is_found(&found, at, len))
                                kit_fail(string, seed, buf, at, "libyara does not find it");
                }
        }
}

/* ---------------------------------------------------------------- buffers */

static void kit_put(struct kit_buf *buf, uint8_t byte)
{
        if (buf->len < KIT_BUF)
                buf->bytes[buf->len++] = byte;
}

static void kit_noise(struct kit_buf *buf, uint32_t count)
{
        while (count-- != 0)
                kit_put(buf, kit_byte());
}

/* ---------------------------------------------------------------- lowering */

static struct pn_grams *kit_grams(void)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_grams *grams = NULL;

        assert_int_equal(pn_grams_open((struct pn_view){NULL, 0}, &grams, &err), 0);
        return grams;
}

static struct pn_lowered kit_lower(const struct pn_yr_string *string, struct pn_arena *arena)
{
        struct pn_grams *grams = kit_grams();
        struct pn_lowered lowered = {0};
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(pn_string_lower(string, grams, arena, &lowered, &err), 0);
        pn_grams_free(grams);
        return lowered;
}

#endif
