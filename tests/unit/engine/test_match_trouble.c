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

/* ---------------------------------------------------------------- files that misbehave */

static void a_file_that_ends_early_says_so(void **state)
{
        struct fake fake = fake_of("only in the first", 17);
        struct pn_object file = object_of(&fake);
        struct pn_match_answer answer;
        struct bench bench;

        (void)state;
        open_text(&bench, "only in the first", PN_STRING_CLAUSE, 0);
        file.size_bytes = 5UL * BLOCK;
        assert_int_equal(bench_run(&bench, &file, &answer, NULL), 0);
        assert_true(answer.ended_early);
        assert_int_equal(answer.read_bytes, 17);
        assert_int_equal(verdict(&answer, 0), CERTAIN);
        file.size_bytes = 17;
        assert_int_equal(bench_run(&bench, &file, &answer, NULL), 0);
        assert_false(answer.ended_early);
        bench_close(&bench);
}

static void a_read_that_fails_is_the_hosts_fault(void **state)
{
        uint8_t *bytes = calloc(1, 3UL * BLOCK);
        struct fake fake = fake_of(bytes, 3UL * BLOCK);
        struct pn_object file = object_of(&fake);
        struct pn_match_request request = {.file = &file, .matches = 10};
        struct pn_match_answer answer = {0};
        struct bench bench;
        static const struct {
                uint64_t fails_at;
                bool data_fails, data_goes_back, tap_fails;
                enum pn_fault fault;
                int code;
        } rows[] = {{2 * BLOCK, false, false, false, PN_FAULT_HOST, EIO},
                    {1, false, false, false, PN_FAULT_HOST, EIO},
                    {0, true, false, false, PN_FAULT_HOST, EBADF},
                    {0, false, true, false, PN_FAULT_HOST, EIO},
                    {0, false, false, true, PN_FAULT_BUDGET, 0}};

        (void)state;
        assert_non_null(bytes);
        open_text(&bench, "some text", PN_STRING_CLAUSE, 0);
        request.names = &bench.names;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct tapped tapped = {.fails = true};
                struct pn_err err = PN_ERR_INIT;

                fake.fails_at = rows[i].fails_at;
                fake.data_fails = rows[i].data_fails;
                fake.data_goes_back = rows[i].data_goes_back;
                request.tap = rows[i].tap_fails ? tap : NULL;
                request.tap_ctx = &tapped;
                assert_int_equal(pn_match_file(bench.match, &request, &answer, &err), -1);
                assert_int_equal(err.fault, rows[i].fault);
                assert_int_equal(err.code, rows[i].code);
                assert_null(answer.pair);
        }
        fake = fake_of(bytes, 3UL * BLOCK);
        request.tap = NULL;
        assert_int_equal(pn_match_file(bench.match, &request, &answer, NULL), 0);
        bench_close(&bench);
        free(bytes);
}

/* The read that fails is the one of a formula. */
static void reads_behind_the_first_pass_fail_loudly(void **state)
{
        static uint8_t bytes[100];
        struct fake fake = fake_of(bytes, sizeof(bytes));
        struct pn_object file = object_of(&fake);
        struct pn_match_answer answer;
        struct pn_err err = PN_ERR_INIT;
        struct kit *kit = kit_new();
        struct bench bench;
        uint32_t at;

        (void)state;
        kit_rule(kit, "r", PN_RULE_ALWAYS);
        at = kit_int(kit, 90);
        kit_formula(kit, kit_one(kit, PN_OP_INT_AT, 8, at));
        bench_open(&bench, kit);
        fake.fails_at = 150; /* beyond what the first pass reads; formulas read 4096 at once */
        assert_int_equal(bench_run(&bench, &file, &answer, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_int_equal(err.code, EIO);
        bench_close(&bench);
}

/* Or the second look at a string that goes on behind its block. */
static void a_second_look_that_fails_is_an_error(void **state)
{
        uint8_t *bytes = calloc(1, 2UL * BLOCK);
        struct fake fake = fake_of(bytes, 2UL * BLOCK);
        struct pn_object file = object_of(&fake);
        struct pn_match_answer answer;
        struct pn_err err = PN_ERR_INIT;
        struct bench bench;

        (void)state;
        assert_non_null(bytes);
        memcpy(bytes + BLOCK - 9, "find-me-wherever", 16);
        open_text(&bench, "find-me-wherever", PN_STRING_CLAUSE, 0);
        fake.fails_below = 1000;
        assert_int_equal(bench_run(&bench, &file, &answer, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_int_equal(err.code, EIO);
        fake.fails_below = 0;
        assert_int_equal(bench_run(&bench, &file, &answer, &err), 0);
        assert_int_equal(verdict(&answer, 0), CERTAIN);
        bench_close(&bench);
        free(bytes);
}

/* Bytes made to nearly match: after its share of work a string is left to libyara. */
static void near_misses_cost_a_bounded_amount_of_work(void **state)
{
        enum { LEN = 20000 };
        const size_t total = 4U << 20;
        uint8_t *bytes = malloc(total), *text = malloc(LEN);
        struct kit *kit = kit_new();
        struct pn_match_answer answer;
        struct bench bench;

        (void)state;
        assert_non_null(bytes);
        assert_non_null(text);
        memset(bytes, 'a', total);
        memset(text, 'a', LEN);
        text[LEN - 1] = 'b';
        kit_rule(kit, "r", 0);
        kit_string(kit, "$a", PN_STRING_CLAUSE);
        kit_variant(kit, 0, text, NULL, LEN);
        kit_anchor(kit, 0, 0, 8, 0);
        kit_formula(kit, kit_leaf(kit, PN_OP_STRING, 0));
        kit_rule(kit, "other", 0);
        kit_plain(kit, "$a", PN_STRING_CLAUSE, "another text");
        kit_formula(kit, kit_leaf(kit, PN_OP_STRING, 1));
        memcpy(bytes + total - 12, "another text", 12);
        bench_open(&bench, kit);
        answer = bench_file(&bench, bytes, total);
        assert_int_equal(verdict(&answer, 0), POSSIBLE);
        assert_int_equal(verdict(&answer, 1), CERTAIN); /* which does not share the other one's budget */
        assert_true(answer.string_checks < 10000);
        bench_close(&bench);
        free(text);
        free(bytes);
}

/* A filter of more windows than the pack has. */
static void a_filter_of_other_rules_is_a_bug_and_no_crash(void **state)
{
        static const struct pn_window windows[2] = {{"abcd", 4, false}, {"efgh", 4, false}};
        struct fake fake = fake_of("..efgh", 6);
        struct pn_object file = object_of(&fake);
        struct pn_filter *filter = NULL;
        struct pn_match *match = NULL;
        struct pn_match_request request = {.file = &file, .matches = 10};
        struct pn_match_answer answer;
        struct pn_err err = PN_ERR_INIT;
        uint8_t *database = NULL;
        struct bench bench;
        size_t len = 0;

        (void)state;
        open_text(&bench, "abcd", PN_STRING_CLAUSE, 0);
        assert_int_equal(pn_filter_gram_build(windows, 2, &database, &len, NULL), 0);
        assert_int_equal(pn_filter_open(PN_FILTER_GRAM, (struct pn_view){database, len}, &filter, NULL), 0);
        assert_int_equal(pn_match_new(&bench.pack, filter, &match, NULL), 0);
        assert_int_equal(pn_match_file(match, &request, &answer, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUG);
        (void)pn_match_free(match);
        (void)pn_filter_free(filter);
        free(database);
        bench_close(&bench);
}

/* ---------------------------------------------------------------- what is told */

static void a_finding_has_its_words_and_places(void **state)
{
        static const char text[] = "..first text..second text..first text..first text.";
        struct fake fake = fake_of(text, sizeof(text) - 1);
        struct pn_object file = object_of(&fake);
        struct pn_match_answer answer;
        struct pn_finding finding;
        struct kit *kit = kit_new();
        struct bench bench;
        uint32_t a, b;

        (void)state;
        kit_rule(kit, "an_id", 0);
        kit->rule[0].severity = PN_SEVERITY_CRITICAL;
        kit->rule[0].remedy = kit_text(kit, "do this");
        kit->rule[0].source = kit_text(kit, "from there");
        kit_plain(kit, "$a", PN_STRING_CLAUSE, "first text");
        kit_plain(kit, "$b", PN_STRING_CLAUSE, "second text");
        kit_plain(kit, "$c", PN_STRING_CLAUSE | PN_STRING_PRIVATE, "text");
        a = kit_leaf(kit, PN_OP_COUNT, 0);
        a = kit_two(kit, PN_OP_EQ, 0, a, kit_int(kit, 3));
        b = kit_leaf(kit, PN_OP_STRING, 1);
        kit_formula(kit, kit_two(kit, PN_OP_AND, 0, a, b));
        bench_open(&bench, kit);
        assert_int_equal(bench_run(&bench, &file, &answer, NULL), 0);
        assert_int_equal(verdict(&answer, 0), CERTAIN);
        pn_match_tell(bench.match, 0, &finding);
        assert_string_equal(finding.detector, "yara");
        assert_string_equal(finding.rule, "an_id");
        assert_string_equal(finding.title, "a title");
        assert_string_equal(finding.remedy, "do this");
        assert_string_equal(finding.source, "from there");
        assert_int_equal(finding.severity, PN_SEVERITY_CRITICAL);
        assert_int_equal(finding.confidence, PN_CONFIDENCE_MEDIUM);
        assert_int_equal(finding.evidence_count, 4);
        assert_string_equal(finding.evidence[0].string, "$a");
        assert_int_equal(finding.evidence[0].offset, 2);
        assert_int_equal(finding.evidence[0].match_bytes, 10);
        assert_int_equal(finding.evidence[0].kept, 10);
        assert_memory_equal(finding.evidence[0].bytes, "first text", 10);
        assert_string_equal(finding.evidence[1].string, "$b");
        assert_int_equal(finding.evidence[1].offset, 14);
        assert_int_equal(finding.evidence[2].offset, 27);
        assert_int_equal(finding.evidence[3].offset, 39);
        bench_close(&bench);
}

static void an_id_that_is_too_long_is_cut_and_stays_its_own(void **state)
{
        char id[2][100];
        struct kit *kit = kit_new();
        struct pn_finding finding[2];
        struct bench bench;

        (void)state;
        for (unsigned i = 0; i < 2; i++) {
                memset(id[i], 'x', 99);
                id[i][98] = (char)('a' + i);
                id[i][99] = '\0';
                kit_rule(kit, id[i], PN_RULE_ALWAYS);
                kit_formula(kit, kit_leaf(kit, PN_OP_TRUE, 0));
        }
        bench_open(&bench, kit);
        assert_int_equal(bench_file(&bench, "x", 1).pair_count, 2);
        for (uint32_t i = 0; i < 2; i++) {
                pn_match_tell(bench.match, i, &finding[i]);
                assert_int_equal(strlen(finding[i].rule), PN_RULE_ID_MAX - 1);
                assert_int_equal(finding[i].rule[PN_RULE_ID_MAX - 18], '~');
        }
        assert_string_not_equal(finding[0].rule, finding[1].rule);
        bench_close(&bench);
}

static void the_selftest_wants_the_marker_and_no_noise(void **state)
{
        static const struct {
                const char *id;
                int kind; /* 0: the marker; 1: another text; 2: always */
                int want;
        } rows[] = {{PN_TEST_RULE, 0, 0}, {PN_TEST_RULE, 1, -1}, {"OTHER", 0, -1}, {PN_TEST_RULE, 2, -1}};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char marker[PN_MARKER_BYTES + 1] = "";
                struct pn_err err = PN_ERR_INIT;
                struct kit *kit = kit_new();
                struct bench bench;

                pn_marker_fill(marker);
                kit_rule(kit, rows[i].id, rows[i].kind == 2 ? PN_RULE_ALWAYS : 0);
                kit_plain(kit, "$a", rows[i].kind == 2 ? 0 : PN_STRING_CLAUSE,
                          rows[i].kind == 0 ? marker : "other text");
                kit_formula(kit, kit_leaf(kit, rows[i].kind == 2 ? PN_OP_TRUE : PN_OP_STRING, 0));
                kit_rule(kit, "small", PN_RULE_ALWAYS); /* no noise: a rule may be true of an empty file */
                kit_formula(kit, kit_leaf(kit, PN_OP_TRUE, 0));
                bench_open(&bench, kit);
                assert_int_equal(pn_match_selftest(bench.match, &err), rows[i].want);
                if (rows[i].want < 0)
                        assert_int_equal(err.fault, PN_FAULT_CONFIG);
                bench_close(&bench);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_file_that_ends_early_says_so),
                cmocka_unit_test(a_read_that_fails_is_the_hosts_fault),
                cmocka_unit_test(reads_behind_the_first_pass_fail_loudly),
                cmocka_unit_test(a_second_look_that_fails_is_an_error),
                cmocka_unit_test(near_misses_cost_a_bounded_amount_of_work),
                cmocka_unit_test(a_filter_of_other_rules_is_a_bug_and_no_crash),
                cmocka_unit_test(a_finding_has_its_words_and_places),
                cmocka_unit_test(an_id_that_is_too_long_is_cut_and_stays_its_own),
                cmocka_unit_test(the_selftest_wants_the_marker_and_no_noise),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
