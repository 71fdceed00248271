/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/tally.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

/* A scan of five files in which nothing is missing. */
static const struct pn_tally whole = {
        .walk_ended = true,
        .raw_ended = true,
        .parse_ended = true,
        .workers_started = 3,
        .workers_exited = 3,
        .walk_counted = 5,
        .objects_seen = 5,
        .raw_answers = 5,
        .raw_counted = 5,
        .parse_asked = 2,
        .parse_answers = 2,
        .parse_counted = 2,
        .pairs_asked = 4,
        .pairs_answered = 4,
};

static void tally_of_a_whole_scan_is_complete(void **state)
{
        const char *why = "unset";

        (void)state;
        assert_true(pn_tally_complete(&whole, &why));
        assert_string_equal(why, "");
}

static void tally_of_an_empty_tree_is_complete(void **state)
{
        struct pn_tally t = {.walk_ended = true,
                             .raw_ended = true,
                             .parse_ended = true,
                             .workers_started = 3,
                             .workers_exited = 3};
        const char *why;

        (void)state;
        assert_true(pn_tally_complete(&t, &why));
}

static void tally_of_a_scan_that_never_began_is_incomplete(void **state)
{
        const struct pn_tally t = {0};
        const char *why;

        (void)state;
        assert_false(pn_tally_complete(&t, &why));
        assert_string_equal(why, "the walker did not reach its end");
}

/* What is for people only decides nothing. */
static void tally_does_not_weigh_directories_links_specials_and_bytes(void **state)
{
        struct pn_tally t = whole;
        const char *why;

        (void)state;
        t.directories = t.links = t.specials = t.bytes = 99;
        assert_true(pn_tally_complete(&t, &why));
}

/* Each condition taken away alone, numbers both ways, with the reason that names it. */
static void tally_is_incomplete_when_any_one_condition_fails(void **state)
{
        struct pn_tally t[32];
        const char *says[32];
        unsigned rows = 0;

        (void)state;
#define ROW(change, reason)                                                                                  \
        do {                                                                                                 \
                t[rows] = whole;                                                                             \
                t[rows].change;                                                                              \
                says[rows++] = (reason);                                                                     \
        } while (0)
        ROW(errors = 1, "an error was reported");
        ROW(errors = UINT64_MAX, "an error was reported");
        ROW(walk_ended = false, "the walker did not reach its end");
        ROW(walk_counted = 6, "the walker counted other files than it handed over");
        ROW(walk_counted = 4, "the walker counted other files than it handed over");
        ROW(raw_ended = false, "the raw matcher did not reach its end");
        ROW(raw_answers = 4, "the raw matcher left files unanswered");
        ROW(raw_answers = 6, "the raw matcher left files unanswered");
        ROW(raw_counted = 4, "the raw matcher counted other files than it answered");
        ROW(raw_counted = 6, "the raw matcher counted other files than it answered");
        ROW(parse_ended = false, "the parser did not reach its end");
        ROW(parse_answers = 1, "the parser left files unanswered");
        ROW(parse_asked = 1, "the parser left files unanswered");
        ROW(parse_counted = 1, "the parser counted other files than it answered");
        ROW(parse_counted = 3, "the parser counted other files than it answered");
        ROW(pairs_answered = 3, "the parser left rules undecided");
        ROW(pairs_answered = 5, "the parser left rules undecided");
        ROW(workers_started = 2, "not every worker was started");
        ROW(workers_started = 4, "not every worker was started");
        ROW(workers_exited = 2, "a worker did not end well");
        ROW(workers_exited = 4, "a worker did not end well");
#undef ROW
        for (unsigned i = 0; i < rows; i++) {
                const char *why = "unset";

                if (pn_tally_complete(&t[i], &why) || strcmp(why, says[i]) != 0)
                        fail_msg("row %u: wanted `%s`, got `%s`", i, says[i], why);
        }
}

/* All three counts of a role must meet: two that agree do not cover for the third. */
static void tally_is_incomplete_when_the_walker_hides_files_from_both_counts(void **state)
{
        struct pn_tally t = whole;
        const char *why;

        (void)state;
        t.walk_counted = t.objects_seen = 6; /* one file more, which nobody answered */
        assert_false(pn_tally_complete(&t, &why));
        assert_string_equal(why, "the raw matcher left files unanswered");
        t = whole;
        t.raw_answers = t.raw_counted = 4; /* the matcher agrees with itself */
        assert_false(pn_tally_complete(&t, &why));
        assert_string_equal(why, "the raw matcher left files unanswered");
        t = whole;
        t.parse_answers = t.parse_counted = 1;
        assert_false(pn_tally_complete(&t, &why));
        assert_string_equal(why, "the parser left files unanswered");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(tally_of_a_whole_scan_is_complete),
                cmocka_unit_test(tally_of_an_empty_tree_is_complete),
                cmocka_unit_test(tally_of_a_scan_that_never_began_is_incomplete),
                cmocka_unit_test(tally_does_not_weigh_directories_links_specials_and_bytes),
                cmocka_unit_test(tally_is_incomplete_when_any_one_condition_fails),
                cmocka_unit_test(tally_is_incomplete_when_the_walker_hides_files_from_both_counts),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
