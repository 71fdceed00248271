/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yara.h>

#include "scanner/engine/check.h"
#include "tests/unit/engine/filter_kit.h"
#include "tests/unit/engine/pack_kit.h"
#include "tests/unit/engine/spec_kit.h"

#define PLENTY (1ULL << 40)

/* One string in one rule, opened. */
struct one {
        struct kit *kit;
        struct pn_pack pack;
};

static void open_one(struct one *one)
{
        struct pn_err err = PN_ERR_INIT;
        uint32_t node = kit_leaf(one->kit, PN_OP_STRING, 0);

        kit_formula(one->kit, node);
        if (pn_pack_open(kit_finish(one->kit), &one->pack, &err) < 0)
                fail_msg("%s", err.text);
}

static void begin_one(struct one *one, uint32_t flags)
{
        one->kit = kit_new();
        kit_rule(one->kit, "r", 0);
        kit_string(one->kit, "$a", flags);
}

/* What pn_check_hit() says of every window, as places; the worst answer that is neither yes nor no. */
static unsigned hits(const struct pn_pack *pack, struct pn_piece piece, struct pn_place *ret, unsigned room,
                     enum pn_check *ret_worst)
{
        unsigned count = 0;

        *ret_worst = PN_CHECK_NO;
        for (uint32_t a = 0; a < pack->anchors; a++) {
                const struct pn_pack_anchor *anchor = &pack->anchor[a];

                for (uint64_t at = piece.base; at + anchor->len <= piece.base + piece.len; at++) {
                        const uint8_t *bytes = piece.data + (at - piece.base);
                        uint64_t budget = PLENTY;
                        enum pn_check check;
                        bool same = true;

                        for (unsigned i = 0; i < anchor->len; i++) {
                                uint8_t byte = bytes[i];

                                if (anchor->nocase && byte >= 'A' && byte <= 'Z')
                                        byte |= 0x20;
                                same = same && byte == anchor->bytes[i];
                        }
                        if (!same)
                                continue;
                        assert_true(count < room);
                        check = pn_check_hit(pack, a, &piece, at, &budget, &ret[count]);
                        count += check == PN_CHECK_YES;
                        *ret_worst = check > *ret_worst && check != PN_CHECK_YES ? check : *ret_worst;
                }
        }
        return count;
}

static struct pn_piece whole_of(const void *data, size_t len)
{
        return (struct pn_piece){data, len, 0, len, true};
}

/* ---------------------------------------------------------------- against libyara */

static void random_bytes(uint64_t *seed, const struct spec *spec, uint8_t *buf, size_t len)
{
        static const uint8_t letters[] = {'a', 'A', 'b', 'B', '0', '_', '.', 0, 0};
        uint8_t key = spec->xor &&below(seed, 2) ? (uint8_t)below(seed, 48) : 0;

        for (size_t i = 0; i < len; i++)
                buf[i] = letters[below(seed, sizeof(letters))];
        for (unsigned n = below(seed, 4); n > 0; n--) {
                size_t step = 1 + below(seed, 2), at = below(seed, (uint32_t)len);

                for (uint32_t i = 0; i < spec->len && at + i * step < len; i++) {
                        buf[at + i * step] = (uint8_t)spec->text[i] ^ key;
                        if (step == 2 && at + i * step + 1 < len)
                                buf[at + i * step + 1] = key;
                }
        }
}

struct told {
        unsigned count;
        struct pn_place place[256];
};

static int on_message(YR_SCAN_CONTEXT *context, int message, void *data, void *user_data)
{
        struct told *told = user_data;
        const YR_RULE *rule = data;
        const YR_STRING *string;

        if (message != CALLBACK_MSG_RULE_MATCHING)
                return CALLBACK_CONTINUE;
        yr_rule_strings_foreach(rule, string)
        {
                YR_MATCH match;

                for (const YR_MATCH *packed = context->matches[string->idx].head; packed;
                     packed = match.next) {
                        memcpy(&match, packed, sizeof(match)); /* libyara packs them without alignment */
                        assert_true(told->count < 256);
                        told->place[told->count++] = (struct pn_place){(uint64_t)(match.base + match.offset),
                                                                       0, (uint32_t)match.match_length, true};
                }
        }
        return CALLBACK_CONTINUE;
}

static int by_offset(const void *a, const void *b)
{
        const struct pn_place *left = a, *right = b;

        return left->offset < right->offset ? -1 : left->offset > right->offset;
}

/* Hits, and looks at every offset, find what libyara tells. */
static void compare(const struct pn_pack *pack, bool ambiguous, YR_RULES *rules, const char *rule,
                    const uint8_t *buf, size_t len)
{
        struct told told = {0};
        struct pn_place place[256], at;
        enum pn_check worst;
        unsigned count = hits(pack, whole_of(buf, len), place, 256, &worst), seen = 0;

        assert_int_equal(yr_rules_scan_mem(rules, buf, len, 0, on_message, &told, 10), ERROR_SUCCESS);
        qsort(place, count, sizeof(place[0]), by_offset);
        if (worst == PN_CHECK_MAY && ambiguous)
                return;
        if (count != told.count || worst != PN_CHECK_NO)
                fail_msg("%s: %u places instead of %u", rule, count, told.count);
        for (uint64_t i = 0; i <= len; i++) {
                uint64_t budget = PLENTY;
                struct pn_piece piece = whole_of(buf, len);
                bool yes = pn_check_at(pack, 0, &piece, i, &budget, &at) == PN_CHECK_YES;

                if (yes != (seen < count && place[seen].offset == i))
                        fail_msg("%s: hits and looks disagree at %llu", rule, (unsigned long long)i);
                seen += yes;
        }
        for (unsigned i = 0; i < count; i++)
                if (place[i].offset != told.place[i].offset ||
                    (place[i].len_known && place[i].len != told.place[i].len))
                        fail_msg("%s: place %u at %llu+%u instead of %llu+%u", rule, i,
                                 (unsigned long long)place[i].offset, place[i].len,
                                 (unsigned long long)told.place[i].offset, told.place[i].len);
}

static void random_texts_occur_where_libyara_says(void **state)
{
        uint64_t seed = seed_of_this_run();

        (void)state;
        assert_int_equal(yr_initialize(), ERROR_SUCCESS);
        for (unsigned n = 0; n < 300; n++) {
                struct spec spec;
                struct one one;
                char text[200], rule[256];
                YR_COMPILER *compiler = NULL;
                YR_RULES *rules = NULL;

                random_spec(&seed, &spec);
                begin_one(&one, 0);
                add_string(one.kit, &spec);
                open_one(&one);
                yara_of(&spec, text, sizeof(text));
                (void)snprintf(rule, sizeof(rule), "rule r { strings: $a = %s condition: #a >= 0 }", text);
                assert_int_equal(yr_compiler_create(&compiler), ERROR_SUCCESS);
                if (yr_compiler_add_string(compiler, rule, NULL) != 0)
                        fail_msg("%s", rule);
                assert_int_equal(yr_compiler_get_rules(compiler, &rules), ERROR_SUCCESS);
                for (unsigned k = 0; k < 60; k++) {
                        size_t len = 1 + below(&seed, 48);
                        uint8_t *buf = malloc(len); /* of just this size, for the sanitizer */

                        assert_non_null(buf);
                        random_bytes(&seed, &spec, buf, len);
                        compare(&one.pack, is_ambiguous(&spec), rules, rule, buf, len);
                        free(buf);
                }
                (void)yr_rules_destroy(rules);
                yr_compiler_destroy(compiler);
                kit_free(one.kit);
        }
        assert_int_equal(yr_finalize(), ERROR_SUCCESS);
}

/* ---------------------------------------------------------------- masks, jumps */

/* "ab" jump "cd" jump "ef", anchored in the middle or at an end. */
static void open_chain(struct one *one, uint32_t anchored, uint32_t min, uint32_t max)
{
        static const char *const parts[] = {"ab", "cd", "ef"};

        begin_one(one, PN_STRING_LOOSE);
        kit_variant(one->kit, 0, parts[0], NULL, 2);
        kit_segment(one->kit, min, max, parts[1], NULL, 2);
        kit_segment(one->kit, min, max, parts[2], NULL, 2);
        kit_anchor(one->kit, anchored, 0, 2, 0);
        open_one(one);
}

static void jumps_are_followed_both_ways(void **state)
{
        static const struct {
                const char *text;
                uint32_t min, max;
                enum pn_check want;
        } rows[] = {
                {"ab.cd.ef", 1, 1, PN_CHECK_MAY},
                {"ab..cd..ef", 1, 1, PN_CHECK_NO},
                {"ab..cd..ef", 1, 2, PN_CHECK_MAY},
                {"abcdef", 0, 1, PN_CHECK_MAY},
                {"abcdef", 1, 2, PN_CHECK_NO},
                {"cdefab", 0, UINT32_MAX, PN_CHECK_NO},
                {"ab......cd..ef", 2, UINT32_MAX, PN_CHECK_MAY},
                {"ab.cdcd.ef", 1, 1, PN_CHECK_NO},
                {"ab.cd.cd.ef", 1, 4, PN_CHECK_MAY},
                {"ab.cd.e", 1, 1, PN_CHECK_NO},
                {"b.cd.ef", 1, 1, PN_CHECK_NO},
                {"abcd.ef", 1, 1, PN_CHECK_NO},
                {"ef.cd.ab", 1, 1, PN_CHECK_NO},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                for (uint32_t anchored = 0; anchored < 3; anchored++) {
                        size_t len = strlen(rows[i].text);
                        char *text = malloc(len);
                        struct pn_place place[8];
                        enum pn_check worst;
                        struct one one;

                        assert_non_null(text);
                        memcpy(text, rows[i].text, len);
                        open_chain(&one, anchored, rows[i].min, rows[i].max);
                        assert_int_equal(hits(&one.pack, whole_of(text, len), place, 8, &worst), 0);
                        if (worst != rows[i].want)
                                fail_msg("%s from %u: %d", rows[i].text, anchored, worst);
                        kit_free(one.kit);
                        free(text);
                }
        }
}

static void nibbles_and_any_bytes_fit_by_their_masks(void **state)
{
        static const uint8_t bytes[] = {0x12, 0x34, 0x00, 0x50, 0x06},
                             masks[] = {0xff, 0xff, 0x00, 0xf0, 0x0f};
        static const struct {
                uint8_t bytes[5];
                bool yes;
        } rows[] = {{{0x12, 0x34, 0xff, 0x5f, 0xf6}, true},
                    {{0x12, 0x34, 0x00, 0x50, 0x06}, true},
                    {{0x12, 0x34, 0x00, 0x60, 0x06}, false},
                    {{0x12, 0x34, 0x00, 0x50, 0x07}, false}};
        struct one one;

        (void)state;
        begin_one(&one, 0);
        kit_variant(one.kit, 0, bytes, masks, 5);
        kit_anchor(one.kit, 0, 0, 2, 0);
        open_one(&one);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_place place[4];
                enum pn_check worst;

                assert_int_equal(hits(&one.pack, whole_of(rows[i].bytes, 5), place, 4, &worst), rows[i].yes);
                assert_int_equal(worst, PN_CHECK_NO);
        }
        kit_free(one.kit);
}

static void a_length_that_several_variants_claim_is_not_known(void **state)
{
        struct pn_place place[4];
        enum pn_check worst;
        struct one one;

        (void)state;
        begin_one(&one, 0);
        kit_variant(one.kit, 0, "abc", NULL, 3);
        kit_anchor(one.kit, 0, 0, 3, 0);
        kit_variant(one.kit, 0, "abcd", NULL, 4);
        kit_anchor(one.kit, 0, 0, 4, 0);
        open_one(&one);
        assert_int_equal(hits(&one.pack, whole_of("abcd.abc.", 9), place, 4, &worst), 2);
        assert_int_equal(place[0].offset, 0);
        assert_false(place[0].len_known);
        assert_int_equal(place[1].offset, 5);
        assert_true(place[1].len_known);
        assert_int_equal(place[1].len, 3);
        kit_free(one.kit);
}

/* ---------------------------------------------------------------- pieces of a file */

/* Whatever piece of the file is there, the answer is that of the whole, or a request for more; and with what
 * pn_check_span() names there is an answer. */
static void a_piece_never_changes_an_answer(void **state)
{
        static const char text[] = "..word word. xwordx wor";
        const size_t len = sizeof(text) - 1;
        struct one one;

        (void)state;
        begin_one(&one, 0);
        kit_variant(one.kit, PN_VARIANT_FULLWORD, "word", NULL, 4);
        kit_anchor(one.kit, 0, 1, 3, 0);
        open_one(&one);
        for (uint64_t at = 0; at < len; at++) {
                struct pn_piece whole = whole_of(text, len);
                uint64_t budget = PLENTY, from, to;
                struct pn_place place;
                enum pn_check truth = pn_check_hit(&one.pack, 0, &whole, at, &budget, &place);

                for (size_t begin = 0; begin <= len; begin++) {
                        for (size_t end = begin; end <= len; end++) {
                                struct pn_piece piece = {(const uint8_t *)text + begin, end - begin, begin,
                                                         len, false};
                                enum pn_check check = pn_check_hit(&one.pack, 0, &piece, at, &budget, &place);

                                assert_true(check == truth || check == PN_CHECK_OUTSIDE);
                                piece.last_try = true;
                                check = pn_check_hit(&one.pack, 0, &piece, at, &budget, &place);
                                assert_true(check == truth || check == PN_CHECK_MAY);
                        }
                }
                pn_check_span(&one.pack, 0, at, &from, &to);
                to = to < len ? to : len;
                struct pn_piece side = {(const uint8_t *)text + from, to - from, from, len, true};
                assert_int_equal(pn_check_hit(&one.pack, 0, &side, at, &budget, &place), truth);
        }
        kit_free(one.kit);
}

static void what_lies_behind_the_piece_may_occur(void **state)
{
        static const char text[] = "ab.cd...";
        struct pn_piece piece = {(const uint8_t *)text, 8, 0, 1000, true};
        uint64_t budget = PLENTY;
        struct pn_place place;
        struct one one;

        (void)state;
        open_chain(&one, 0, 1, UINT32_MAX);
        assert_int_equal(pn_check_hit(&one.pack, 0, &piece, 0, &budget, &place), PN_CHECK_MAY);
        piece.last_try = false;
        assert_int_equal(pn_check_hit(&one.pack, 0, &piece, 0, &budget, &place), PN_CHECK_OUTSIDE);
        piece.file_bytes = 8;
        assert_int_equal(pn_check_hit(&one.pack, 0, &piece, 0, &budget, &place), PN_CHECK_NO);
        kit_free(one.kit);
}

static void without_budget_everything_may_occur(void **state)
{
        uint64_t budget = 0;
        struct pn_piece piece = whole_of("abcdefgh", 8);
        struct pn_place place;
        struct one one;

        (void)state;
        begin_one(&one, 0);
        kit_variant(one.kit, 0, "abcdefgX", NULL, 8);
        kit_anchor(one.kit, 0, 0, 4, 0);
        open_one(&one);
        assert_int_equal(pn_check_hit(&one.pack, 0, &piece, 0, &budget, &place), PN_CHECK_MAY);
        budget = 1000;
        assert_int_equal(pn_check_hit(&one.pack, 0, &piece, 0, &budget, &place), PN_CHECK_NO);
        assert_true(budget < 1000);
        kit_free(one.kit);
}

static void work_is_bounded_by_the_budget(void **state)
{
        enum { SEGMENTS = 20, LEN = 4096 };
        static uint8_t text[LEN];
        struct pn_piece piece = whole_of(text, LEN);
        uint64_t budget = 100000;
        struct pn_place place;
        struct one one;

        (void)state;
        memset(text, 'a', LEN);
        begin_one(&one, PN_STRING_LOOSE);
        kit_variant(one.kit, 0, "a", NULL, 1);
        for (unsigned i = 0; i < SEGMENTS; i++)
                kit_segment(one.kit, 0, 100, "a", NULL, 1);
        kit_segment(one.kit, 0, 100, "b", NULL, 1); /* 100^20 ways to find out that there is none */
        kit_anchor(one.kit, 0, 0, 1, 0);
        open_one(&one);
        assert_int_equal(pn_check_hit(&one.pack, 0, &piece, 0, &budget, &place), PN_CHECK_MAY);
        assert_int_equal(budget, 0);
        kit_free(one.kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(random_texts_occur_where_libyara_says),
                cmocka_unit_test(jumps_are_followed_both_ways),
                cmocka_unit_test(nibbles_and_any_bytes_fit_by_their_masks),
                cmocka_unit_test(a_length_that_several_variants_claim_is_not_known),
                cmocka_unit_test(a_piece_never_changes_an_answer),
                cmocka_unit_test(what_lies_behind_the_piece_may_occur),
                cmocka_unit_test(without_budget_everything_may_occur),
                cmocka_unit_test(work_is_bounded_by_the_budget),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
