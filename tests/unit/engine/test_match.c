/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/finding/sample.h"
#include "scanner/finding/marker.h"
#include "tests/unit/engine/match_kit.h"

enum { NO, POSSIBLE, CERTAIN };

#define BLOCK (256U << 10) /* of the matcher: its edges are where things break */

/* One rule: `$a` occurs. */
static void open_text(struct bench *bench, const char *text, uint32_t flags, uint8_t rule_flags)
{
        struct kit *kit = kit_new();

        kit_rule(kit, "r", rule_flags);
        kit_plain(kit, "$a", flags, text);
        kit_formula(kit, kit_leaf(kit, PN_OP_STRING, 0));
        bench_open(bench, kit);
}

/* ---------------------------------------------------------------- where */

static void a_text_is_found_wherever_it_stands(void **state)
{
        static const char text[] = "find-me-wherever-i-am";
        const size_t len = sizeof(text) - 1, total = 2 * BLOCK + 1000;
        static const size_t ends[] = {BLOCK, 2 * BLOCK};
        uint8_t *bytes = calloc(1, total);
        struct bench bench;

        (void)state;
        assert_non_null(bytes);
        open_text(&bench, text, PN_STRING_CLAUSE, 0);
        for (size_t e = 0; e < 2; e++) {
                for (size_t at = ends[e] - len - 2; at <= ends[e] + 2; at++) {
                        struct pn_match_answer answer;

                        memcpy(bytes + at, text, len);
                        answer = bench_file(&bench, bytes, total);
                        assert_int_equal(verdict(&answer, 0), CERTAIN);
                        assert_int_equal(answer.strings_found, 1);
                        assert_int_equal(answer.read_bytes, total);
                        answer = bench_file(&bench, bytes, at + len); /* the last byte of the file */
                        assert_int_equal(verdict(&answer, 0), CERTAIN);
                        answer = bench_file(&bench, bytes, at + len - 1);
                        assert_int_equal(verdict(&answer, 0), NO);
                        memset(bytes + at, 0, len);
                }
        }
        memcpy(bytes, text, len);
        struct pn_match_answer answer = bench_file(&bench, bytes, len);
        assert_int_equal(verdict(&answer, 0), CERTAIN);
        assert_false(answer.second_pass);
        bench_close(&bench);
        free(bytes);
}

/* Every place counts once, however the blocks fall: strings as long as a window and shorter, one on another.
 */
static void places_across_blocks_count_once(void **state)
{
        static const char *const texts[] = {"abcdefgh", "abcd", "abc", "a", "abab", "aaaa"};
        const size_t total = BLOCK + 64;
        uint64_t seed = seed_of_this_run();
        uint8_t *bytes = malloc(total);

        (void)state;
        assert_non_null(bytes);
        for (size_t i = 0; i < total; i++)
                bytes[i] = (uint8_t)(i < BLOCK - 64 ? '.' : "aaaabcdefgh"[below(&seed, 11)]);
        for (size_t t = 0; t < 2 * sizeof(texts) / sizeof(texts[0]); t++) {
                const char *text = texts[t / 2];
                size_t len = strlen(text);
                struct kit *kit = kit_new();
                struct pn_match_answer answer;
                struct bench bench;
                int64_t want = 0;
                uint32_t count;

                memcpy(bytes + BLOCK - 10, "aaaaaaaaaaaaaaaaaaaa", 20);
                if (t % 2 == 0)
                        memcpy(bytes + BLOCK - 7, "abababcdefgh", 12);
                for (size_t i = 0; i + len <= total; i++)
                        want += memcmp(bytes + i, text, len) == 0;
                kit_rule(kit, "r", PN_RULE_ALWAYS);
                kit_plain(kit, "$a", 0, text);
                count = kit_leaf(kit, PN_OP_COUNT, 0);
                kit_formula(kit, kit_two(kit, PN_OP_EQ, 0, count, kit_int(kit, want)));
                bench_open(&bench, kit);
                answer = bench_file(&bench, bytes, total);
                if (verdict(&answer, 0) != CERTAIN)
                        fail_msg("`%s` is not there %lld times", text, (long long)want);
                assert_true(answer.second_pass);
                bench_close(&bench);
        }
        free(bytes);
}

/* ---------------------------------------------------------------- holes */

static void windows_that_reach_into_a_hole_are_seen(void **state)
{
        static const uint8_t text[] = {0, 0, 0, 0, 0, 0, 'x', 'y', 'z', 0, 0, 0, 0, 0, 0};
        static uint8_t bytes[16384];
        struct bench bench;

        (void)state;
        for (unsigned edge = 0; edge < 2; edge++) {
                for (uint32_t offset = 0; offset <= sizeof(text) - 8; offset++) {
                        struct fake fake = fake_of(bytes, sizeof(bytes));
                        struct pn_object file;
                        struct pn_match_answer answer;
                        struct kit *kit = kit_new();

                        memset(bytes, 'p', sizeof(bytes));
                        memcpy(bytes + (edge ? 8192 : 8189), "xyz", 3); /* behind the hole, or before it */
                        fake.hole_from = 8192;
                        fake.hole_to = 8192 + (1U << 20);
                        file = object_of(&fake);
                        kit_rule(kit, "r", 0);
                        kit_string(kit, "$a", PN_STRING_CLAUSE);
                        if (edge)
                                kit_variant(kit, 0, text, NULL, 9);
                        else
                                kit_variant(kit, 0, text + 6, NULL, 9);
                        kit_anchor(kit, 0, offset < 2 ? offset : 1, 8, 0);
                        kit_formula(kit, kit_leaf(kit, PN_OP_STRING, 0));
                        bench_open(&bench, kit);
                        assert_int_equal(bench_run(&bench, &file, &answer, NULL), 0);
                        assert_int_equal(verdict(&answer, 0), CERTAIN);
                        assert_true(answer.read_bytes < 100000); /* the hole was not read */
                        bench_close(&bench);
                }
        }
}

static void what_a_skipped_hole_may_hold_is_possible(void **state)
{
        static const uint8_t zeros[12];
        static uint8_t bytes[16384];
        struct fake fake = fake_of(bytes, sizeof(bytes));
        struct kit *kit = kit_new();
        struct pn_match_answer answer;
        struct pn_object file;
        struct bench bench;
        uint32_t count;

        (void)state;
        memset(bytes, 'p', sizeof(bytes));
        kit_rule(kit, "zeros", 0);
        kit_string(kit, "$a", PN_STRING_CLAUSE);
        kit_variant(kit, 0, zeros, NULL, 12);
        kit_anchor(kit, 0, 2, 8, 0);
        count = kit_leaf(kit, PN_OP_COUNT, 0);
        kit_formula(kit, kit_two(kit, PN_OP_GT, 0, count, kit_int(kit, 1000)));
        kit_rule(kit, "no_zeros", PN_RULE_ALWAYS);
        kit_string(kit, "$b", 0);
        kit_variant(kit, 0, zeros, NULL, 12);
        kit_anchor(kit, 0, 2, 8, 0);
        kit_formula(kit, kit_one(kit, PN_OP_NOT, 0, kit_leaf(kit, PN_OP_STRING, 1)));
        bench_open(&bench, kit);
        file = object_of(&fake);
        assert_int_equal(bench_run(&bench, &file, &answer, NULL), 0);
        assert_int_equal(verdict(&answer, 0), NO);
        assert_int_equal(verdict(&answer, 1), CERTAIN);
        fake.hole_from = 4096;
        fake.hole_to = 4096 + 100000;
        file = object_of(&fake);
        assert_int_equal(bench_run(&bench, &file, &answer, NULL), 0);
        assert_int_equal(verdict(&answer, 0), POSSIBLE); /* only the margins were counted */
        assert_int_equal(verdict(&answer, 1), NO);
        fake = fake_of(bytes, 0);
        fake.hole_to = 100000;
        file = object_of(&fake);
        assert_int_equal(bench_run(&bench, &file, &answer, NULL), 0);
        assert_int_equal(answer.read_bytes, 0);
        assert_int_equal(verdict(&answer, 0), POSSIBLE);
        assert_int_equal(verdict(&answer, 1), POSSIBLE);
        bench_close(&bench);
}

static void the_tap_sees_every_byte_once_and_in_order(void **state)
{
        const size_t len = 2 * BLOCK + 77;
        uint8_t *bytes = calloc(1, len);
        struct fake fake = fake_of(bytes, len);
        struct pn_match_request request = {.matches = 10, .tap = tap};
        struct tapped tapped = {0};
        struct pn_match_answer answer;
        struct pn_object file;
        struct bench bench;
        uint64_t sum = 0;

        (void)state;
        assert_non_null(bytes);
        for (size_t i = 0; i < len; i++)
                bytes[i] = (uint8_t)(i * 7 + i / 251);
        fake.hole_from = 100;
        fake.hole_to = 100 + 3 * BLOCK;
        file = object_of(&fake);
        for (size_t i = 0; i < file.size_bytes; i++) {
                uint8_t byte = 0;

                (void)fake_read(&fake, &byte, 1, i);
                sum = sum * 31 + byte;
        }
        open_text(&bench, "nothing of this kind", PN_STRING_CLAUSE, 0);
        request.file = &file;
        request.names = &bench.names;
        request.tap_ctx = &tapped;
        assert_int_equal(pn_match_file(bench.match, &request, &answer, NULL), 0);
        assert_int_equal(tapped.bytes, file.size_bytes);
        assert_int_equal(tapped.sum, sum);
        assert_int_equal(answer.read_bytes, file.size_bytes);
        bench_close(&bench);
        free(bytes);
}

/* ---------------------------------------------------------------- what formulas need */

static void a_string_that_only_the_second_pass_knows_decides(void **state)
{
        struct kit *kit = kit_new();
        struct pn_match_answer answer;
        struct bench bench;
        uint32_t a, b;

        (void)state;
        kit_rule(kit, "both", 0);
        kit_plain(kit, "$a", PN_STRING_CLAUSE, "the clause");
        kit_plain(kit, "$b", 0, "XY");
        a = kit_leaf(kit, PN_OP_STRING, 0);
        b = kit_leaf(kit, PN_OP_STRING, 1);
        kit_formula(kit, kit_two(kit, PN_OP_AND, 0, a, b));
        kit_rule(kit, "without", 0);
        kit_plain(kit, "$a", PN_STRING_CLAUSE, "the clause");
        kit_plain(kit, "$b", 0, "other text");
        a = kit_leaf(kit, PN_OP_STRING, 2);
        b = kit_one(kit, PN_OP_NOT, 0, kit_leaf(kit, PN_OP_STRING, 3));
        kit_formula(kit, kit_two(kit, PN_OP_AND, 0, a, b));
        bench_open(&bench, kit);
        answer = bench_file(&bench, "..the clause.XY.", 16);
        assert_int_equal(verdict(&answer, 0), CERTAIN);
        assert_int_equal(verdict(&answer, 1), CERTAIN);
        assert_true(answer.second_pass);
        assert_int_equal(answer.candidates, 2);
        answer = bench_file(&bench, "..the clause.X.Yother text", 26);
        assert_int_equal(answer.pair_count, 0);
        answer = bench_file(&bench, "XY.other text.XY", 16);
        assert_int_equal(answer.candidates, 0);
        assert_int_equal(answer.evaluated, 0);
        bench_close(&bench);
}

static void a_place_that_is_named_needs_no_second_pass(void **state)
{
        struct kit *kit = kit_new();
        struct pn_match_answer answer;
        struct bench bench;
        uint32_t at;

        (void)state;
        kit_rule(kit, "magic", PN_RULE_ALWAYS);
        kit_plain(kit, "$mz", 0, "MZ");
        at = kit_int(kit, 3);
        kit_formula(kit, kit_one(kit, PN_OP_STRING_AT, 0, at));
        bench_open(&bench, kit);
        answer = bench_file(&bench, "...MZ", 5);
        assert_int_equal(verdict(&answer, 0), CERTAIN);
        assert_false(answer.second_pass);
        answer = bench_file(&bench, "...M", 4);
        assert_int_equal(verdict(&answer, 0), NO);
        answer = bench_file(&bench, "..MZ.MZ", 7);
        assert_int_equal(verdict(&answer, 0), NO);
        bench_close(&bench);
}

static void counts_stay_exact_when_places_are_not_kept(void **state)
{
        enum { PLACES = 10000 };
        static uint8_t bytes[PLACES * 8];
        struct kit *kit = kit_new();
        struct pn_match_answer answer;
        struct bench bench;
        uint32_t a, b;

        (void)state;
        for (unsigned i = 0; i < PLACES; i++)
                memcpy(bytes + 8UL * i, "abcdef..", 8);
        kit_rule(kit, "count", 0);
        kit_plain(kit, "$a", PN_STRING_CLAUSE, "abcdef");
        a = kit_leaf(kit, PN_OP_COUNT, 0);
        kit_formula(kit, kit_two(kit, PN_OP_EQ, 0, a, kit_int(kit, PLACES)));
        kit_rule(kit, "offset", 0);
        kit_plain(kit, "$a", PN_STRING_CLAUSE, "abcdef");
        b = kit_int(kit, 2);
        a = kit_one(kit, PN_OP_OFFSET, 1, b);
        kit_formula(kit, kit_two(kit, PN_OP_EQ, 0, a, kit_int(kit, 8)));
        bench_open(&bench, kit);
        answer = bench_file(&bench, bytes, sizeof(bytes));
        assert_int_equal(verdict(&answer, 0), CERTAIN);
        assert_int_equal(verdict(&answer, 1), POSSIBLE);
        answer = bench_file(&bench, bytes, 8UL * 4096);
        assert_int_equal(verdict(&answer, 0), NO);
        assert_int_equal(verdict(&answer, 1), CERTAIN);
        bench_close(&bench);
}

static void more_places_than_the_limit_are_left_to_libyara(void **state)
{
        struct fake fake = fake_of("abcd.abcd.abcd", 14);
        struct pn_object file = object_of(&fake);
        struct kit *kit = kit_new();
        struct bench bench;
        uint32_t a;

        (void)state;
        kit_rule(kit, "count", 0);
        kit_plain(kit, "$a", PN_STRING_CLAUSE, "abcd");
        a = kit_leaf(kit, PN_OP_COUNT, 0);
        kit_formula(kit, kit_two(kit, PN_OP_GT, 0, a, kit_int(kit, 5)));
        bench_open(&bench, kit);
        for (uint64_t limit = 1; limit < 5; limit++) {
                const struct pn_match_request request = {
                        .file = &file, .names = &bench.names, .matches = limit};
                struct pn_match_answer answer;

                assert_int_equal(pn_match_file(bench.match, &request, &answer, NULL), 0);
                assert_int_equal(verdict(&answer, 0), limit < 3 ? POSSIBLE : NO);
        }
        bench_close(&bench);
}

/* Its formula has the global rules before it, and libyara hides it for those behind it, too. */
static void a_global_rule_is_possible_and_never_certain(void **state)
{
        struct pn_match_answer answer;
        struct bench bench;

        (void)state;
        open_text(&bench, "find-me", PN_STRING_CLAUSE, PN_RULE_GLOBAL);
        answer = bench_file(&bench, "xxfind-mexx", 11);
        assert_int_equal(verdict(&answer, 0), POSSIBLE);
        answer = bench_file(&bench, "xxfind-m-xx", 11);
        assert_int_equal(verdict(&answer, 0), NO);
        bench_close(&bench);
}

static void what_is_loose_or_without_anchor_is_possible_and_never_certain(void **state)
{
        struct kit *kit = kit_new();
        struct pn_match_answer answer;
        struct bench bench;

        (void)state;
        kit_rule(kit, "loose", 0);
        kit_plain(kit, "$a", PN_STRING_CLAUSE | PN_STRING_LOOSE, "loose text");
        kit_formula(kit, kit_leaf(kit, PN_OP_STRING, 0));
        kit_rule(kit, "not_loose", PN_RULE_ALWAYS);
        kit_plain(kit, "$a", PN_STRING_LOOSE, "loose text");
        kit_formula(kit, kit_one(kit, PN_OP_NOT, 0, kit_leaf(kit, PN_OP_STRING, 1)));
        kit_rule(kit, "unanchored", PN_RULE_ALWAYS);
        kit_string(kit, "$a", PN_STRING_LOOSE | PN_STRING_UNANCHORED);
        kit_formula(kit, kit_leaf(kit, PN_OP_STRING, 2));
        kit_rule(kit, "not_unanchored", PN_RULE_ALWAYS);
        kit_string(kit, "$a", PN_STRING_LOOSE | PN_STRING_UNANCHORED);
        kit_formula(kit, kit_one(kit, PN_OP_NOT, 0, kit_leaf(kit, PN_OP_STRING, 3)));
        bench_open(&bench, kit);
        answer = bench_file(&bench, "..loose text", 12);
        for (uint32_t rule = 0; rule < 4; rule++)
                assert_int_equal(verdict(&answer, rule), POSSIBLE);
        answer = bench_file(&bench, "..nothing..", 11);
        assert_int_equal(verdict(&answer, 0), NO);
        assert_int_equal(verdict(&answer, 1), CERTAIN);
        assert_int_equal(verdict(&answer, 2), POSSIBLE);
        assert_int_equal(verdict(&answer, 3), POSSIBLE);
        bench_close(&bench);
}

static void a_jump_is_followed_over_the_edge_of_a_block(void **state)
{
        const size_t total = BLOCK + 70000;
        uint8_t *bytes = calloc(1, total);
        struct kit *kit = kit_new();
        struct bench bench;
        static const struct {
                size_t head, tail;
                int want;
        } rows[] = {{BLOCK - 10, BLOCK + 10, POSSIBLE},
                    {BLOCK - 10, BLOCK + 40, NO},
                    {BLOCK - 30, BLOCK - 4, POSSIBLE},
                    {BLOCK - 2, BLOCK + 30, POSSIBLE}};

        (void)state;
        assert_non_null(bytes);
        kit_rule(kit, "r", 0);
        kit_string(kit, "$a", PN_STRING_CLAUSE | PN_STRING_LOOSE);
        kit_variant(kit, 0, "head", NULL, 4);
        kit_segment(kit, 5, 30, "tail", NULL, 4);
        kit_anchor(kit, 0, 0, 4, 0);
        kit_formula(kit, kit_leaf(kit, PN_OP_STRING, 0));
        bench_open(&bench, kit);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_match_answer answer;

                memset(bytes, 0, total);
                memcpy(bytes + rows[i].head, "head", 4);
                memcpy(bytes + rows[i].tail, "tail", 4);
                answer = bench_file(&bench, bytes, total);
                if (verdict(&answer, 0) != rows[i].want)
                        fail_msg("row %zu: %d", i, verdict(&answer, 0));
        }
        bench_close(&bench);
        free(bytes);
}

static void rules_that_are_private_are_asked_and_not_told(void **state)
{
        struct kit *kit = kit_new();
        struct pn_match_answer answer;
        struct bench bench;
        uint32_t a, b;

        (void)state;
        kit_rule(kit, "hidden", PN_RULE_PRIVATE);
        kit_plain(kit, "$a", PN_STRING_CLAUSE, "hidden text");
        kit_plain(kit, "$b", 0, "also this");
        a = kit_leaf(kit, PN_OP_STRING, 0);
        b = kit_leaf(kit, PN_OP_STRING, 1);
        kit_formula(kit, kit_two(kit, PN_OP_AND, 0, a, b));
        kit_rule(kit, "always_hidden", PN_RULE_PRIVATE | PN_RULE_ALWAYS);
        kit_formula(kit, kit_leaf(kit, PN_OP_TRUE, 0));
        kit_rule(kit, "told", PN_RULE_ALWAYS);
        kit->rule[2].needs = (struct pn_run){kit_index(kit, 0), 1};
        kit_formula(kit, kit_leaf(kit, PN_OP_RULE, 0));
        bench_open(&bench, kit);
        answer = bench_file(&bench, "hidden text, also this", 22);
        assert_int_equal(answer.pair_count, 1);
        assert_int_equal(verdict(&answer, 2), CERTAIN);
        answer = bench_file(&bench, "hidden text, also that", 22);
        assert_int_equal(answer.pair_count, 0);
        bench_close(&bench);
}

static void one_file_tells_nothing_of_the_next(void **state)
{
        struct pn_match_answer answer;
        struct bench bench;

        (void)state;
        open_text(&bench, "only in the first", PN_STRING_CLAUSE, 0);
        for (unsigned i = 0; i < 3; i++) {
                answer = bench_file(&bench, "only in the first", 17);
                assert_int_equal(verdict(&answer, 0), CERTAIN);
                answer = bench_file(&bench, "not in the second", 17);
                assert_int_equal(answer.pair_count, 0);
                assert_int_equal(answer.window_hits, 0);
                answer = bench_file(&bench, "", 0);
                assert_int_equal(answer.pair_count, 0);
        }
        bench_close(&bench);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_text_is_found_wherever_it_stands),
                cmocka_unit_test(places_across_blocks_count_once),
                cmocka_unit_test(windows_that_reach_into_a_hole_are_seen),
                cmocka_unit_test(what_a_skipped_hole_may_hold_is_possible),
                cmocka_unit_test(the_tap_sees_every_byte_once_and_in_order),
                cmocka_unit_test(a_string_that_only_the_second_pass_knows_decides),
                cmocka_unit_test(a_place_that_is_named_needs_no_second_pass),
                cmocka_unit_test(counts_stay_exact_when_places_are_not_kept),
                cmocka_unit_test(more_places_than_the_limit_are_left_to_libyara),
                cmocka_unit_test(what_is_loose_or_without_anchor_is_possible_and_never_certain),
                cmocka_unit_test(a_global_rule_is_possible_and_never_certain),
                cmocka_unit_test(a_jump_is_followed_over_the_edge_of_a_block),
                cmocka_unit_test(rules_that_are_private_are_asked_and_not_told),
                cmocka_unit_test(one_file_tells_nothing_of_the_next),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
