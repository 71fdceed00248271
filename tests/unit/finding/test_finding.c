/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/finding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void findings_keep_256_and_count_the_rest(void **state)
{
        struct pn_findings all = {0};
        char name[] = "usr/lib/x";

        (void)state;
        for (unsigned i = 0; i < PN_FINDINGS_KEPT + 44; i++) {
                struct pn_finding one = {
                        .severity = PN_SEVERITY_HIGH, .size_bytes = i, .path = {name, 9, false}};

                assert_int_equal(pn_findings_add(&all, &one), 0);
        }
        assert_int_equal(all.finding_count, 256);
        assert_int_equal(all.finding_total, 300);
        assert_int_equal(all.finding[0].size_bytes, 0); /* the first ones are kept */
        assert_int_equal(all.finding[255].size_bytes, 255);
        assert_int_equal(all.tally.errors, 0);
        pn_findings_clear(&all);
        assert_null(all.finding);
        assert_int_equal(all.finding_total, 0);
}

static void add(struct pn_findings *all, enum pn_severity severity, enum pn_confidence confidence, const char *rule)
{
        char name[] = "usr/lib/x";
        struct pn_finding one = {.severity = severity, .confidence = confidence, .path = {name, 9, false}};

        (void)strncpy(one.rule, rule, sizeof(one.rule) - 1);
        assert_int_equal(pn_findings_add(all, &one), 0);
}

static void flood_of_weak_findings_hides_no_strong_one(void **state)
{
        struct pn_findings all = {0};

        (void)state;
        for (unsigned i = 0; i < PN_FINDINGS_KEPT + 10; i++)
                add(&all, PN_SEVERITY_LOW, PN_CONFIDENCE_HIGH, "weak");
        add(&all, PN_SEVERITY_LOW, PN_CONFIDENCE_LOW, "weaker");
        add(&all, PN_SEVERITY_CRITICAL, PN_CONFIDENCE_MEDIUM, "strong");
        assert_int_equal(all.finding_count, PN_FINDINGS_KEPT);
        assert_int_equal(all.finding_total, PN_FINDINGS_KEPT + 12);
        assert_int_equal(all.dropped[PN_SEVERITY_LOW][PN_CONFIDENCE_HIGH], 11);
        assert_int_equal(all.dropped[PN_SEVERITY_LOW][PN_CONFIDENCE_LOW], 1);
        assert_string_equal(all.finding[0].rule, "strong");
        pn_findings_clear(&all);
}

static void test_marker_is_kept_among_findings_as_bad(void **state)
{
        struct pn_findings all = {0};

        (void)state;
        for (unsigned i = 0; i < PN_FINDINGS_KEPT; i++)
                add(&all, PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, "bad");
        add(&all, PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, PN_TEST_RULE);
        assert_string_equal(all.finding[0].rule, PN_TEST_RULE);
        assert_int_equal(all.dropped[PN_SEVERITY_CRITICAL][PN_CONFIDENCE_HIGH], 1);
        pn_findings_clear(&all);
}

static void findings_copy_the_path_with_all_its_bytes(void **state)
{
        struct pn_findings all = {0};
        char name[] = "a\0\n\xff";
        struct pn_finding one = {.path = {name, 4, true}};

        (void)state;
        assert_int_equal(pn_findings_add(&all, &one), 0);
        memset(name, 'z', sizeof(name));
        assert_ptr_not_equal(all.finding[0].path.bytes, name);
        assert_int_equal(all.finding[0].path.len, 4);
        assert_memory_equal(all.finding[0].path.bytes, "a\0\n\xff", 4);
        assert_true(all.finding[0].path.cut);
        one.path = (struct pn_path){NULL, 0, false};
        assert_int_equal(pn_findings_add(&all, &one), 0);
        assert_null(all.finding[1].path.bytes);
        assert_false(all.finding[1].path.cut);
        pn_findings_clear(&all);
}

static void issues_keep_64_count_by_class_and_make_the_tally_incomplete(void **state)
{
        struct pn_findings all = {0};
        char name[] = "etc/f";
        struct pn_path path = {name, 5, false};

        (void)state;
        for (int cls = 0; cls < PN_ISSUE_CLASSES; cls++)
                for (int i = 0; i <= cls * 10; i++)
                        assert_int_equal(
                                pn_findings_add_issue(&all, (enum pn_issue_class)cls, &path, "no %d", i), 0);
        assert_int_equal(all.issue_count, 64);
        for (int cls = 0; cls < PN_ISSUE_CLASSES; cls++)
                assert_int_equal(all.issue_total[cls], cls * 10 + 1);
        assert_int_equal(all.tally.errors, 156);
        assert_int_equal(all.issue[2].cls, PN_ISSUE_MALFORMED);
        assert_string_equal(all.issue[2].text, "no 1");
        assert_memory_equal(all.issue[2].path.bytes, "etc/f", 5);
        pn_findings_clear(&all);
        assert_int_equal(all.tally.errors, 0);
}

static void issues_take_no_path_and_cut_long_texts(void **state)
{
        struct pn_findings all = {0};
        char text[2 * PN_WORDS_MAX];

        (void)state;
        memset(text, 'x', sizeof(text));
        text[sizeof(text) - 1] = '\0';
        assert_int_equal(pn_findings_add_issue(&all, PN_ISSUE_NODE, NULL, "%s", text), 0);
        assert_int_equal(strlen(all.issue[0].text), PN_WORDS_MAX - 1);
        assert_null(all.issue[0].path.bytes);
        assert_int_equal(all.issue[0].path.len, 0);
        pn_findings_clear(&all);
}

static void notes_keep_64_and_are_no_errors(void **state)
{
        struct pn_findings all = {0};
        char name[] = "proc";
        struct pn_path path = {name, 4, false};

        (void)state;
        for (int i = 0; i < 70; i++)
                assert_int_equal(pn_findings_add_note(&all, i ? &path : NULL, "pseudo file system %d", i), 0);
        assert_int_equal(all.note_count, 64);
        assert_int_equal(all.note_total, 70);
        assert_int_equal(all.tally.errors, 0);
        assert_string_equal(all.note[63].text, "pseudo file system 63");
        assert_memory_equal(all.note[63].path.bytes, "proc", 4);
        assert_null(all.note[0].path.bytes);
        pn_findings_clear(&all);
        assert_int_equal(all.note_total, 0);
}

static void findings_are_cleared_twice_without_harm(void **state)
{
        struct pn_findings all = {0};

        (void)state;
        pn_findings_clear(&all);
        assert_int_equal(pn_findings_add_note(&all, NULL, "x"), 0);
        pn_findings_clear(&all);
        pn_findings_clear(&all);
        assert_null(all.note);
}

static void words_name_each_value_and_parse_back(void **state)
{
        static const char *const severity[] = {"low", "medium", "high", "critical"};
        static const char *const confidence[] = {"low", "medium", "high"};
        static const char *const cls[] = {"content", "malformed", "limit", "unscannable", "deadline", "node"};

        (void)state;
        for (unsigned i = 0; i < 4; i++) {
                assert_string_equal(pn_severity_name((enum pn_severity)(i + 1)), severity[i]);
                assert_int_equal(pn_severity_parse(severity[i]), i + 1);
        }
        for (unsigned i = 0; i < 3; i++) {
                assert_string_equal(pn_confidence_name((enum pn_confidence)(i + 1)), confidence[i]);
                assert_int_equal(pn_confidence_parse(confidence[i]), i + 1);
        }
        for (unsigned i = 0; i < PN_ISSUE_CLASSES; i++)
                assert_string_equal(pn_issue_class_name((enum pn_issue_class)i), cls[i]);
}

static void words_refuse_what_is_none_of_them(void **state)
{
        static const char *const no[] = {"", "LOW", "hig", "highh", " high", "none", "critical "};

        (void)state;
        for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
                assert_int_equal(pn_severity_parse(no[i]), 0);
                assert_int_equal(pn_confidence_parse(no[i]), 0);
        }
        assert_int_equal(pn_confidence_parse("critical"), 0);
        assert_null(pn_severity_name((enum pn_severity)0));
        assert_null(pn_severity_name((enum pn_severity)5));
        assert_null(pn_confidence_name((enum pn_confidence)0));
        assert_null(pn_confidence_name((enum pn_confidence)4));
        assert_null(pn_issue_class_name(PN_ISSUE_CLASSES));
        assert_null(pn_severity_name((enum pn_severity) - 1));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(findings_keep_256_and_count_the_rest),
                cmocka_unit_test(flood_of_weak_findings_hides_no_strong_one),
                cmocka_unit_test(test_marker_is_kept_among_findings_as_bad),
                cmocka_unit_test(findings_copy_the_path_with_all_its_bytes),
                cmocka_unit_test(issues_keep_64_count_by_class_and_make_the_tally_incomplete),
                cmocka_unit_test(issues_take_no_path_and_cut_long_texts),
                cmocka_unit_test(notes_keep_64_and_are_no_errors),
                cmocka_unit_test(findings_are_cleared_twice_without_harm),
                cmocka_unit_test(words_name_each_value_and_parse_back),
                cmocka_unit_test(words_refuse_what_is_none_of_them),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
