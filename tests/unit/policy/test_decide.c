/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/decide.h"

#define NOW 1000000
#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

/* ---------------------------------------------------------------- rows */

struct fin {
        enum pn_severity severity;
        enum pn_confidence confidence;
        const char *rule; /* NULL: "R" */
        const char *path; /* NULL: "a/b" */
        bool cut;
        bool no_digest;
        uint8_t digest; /* every byte of it */
};

struct exc {
        const char *rule; /* NULL ends the list */
        const char *path;
        uint8_t digest;
        int64_t expires_s;
};

struct row {
        const char *name;
        const char *policy; /* more keys of policy.json, after the mode */
        bool monitor;
        bool break_glass;
        struct fin finding[4]; /* ends at severity 0 */
        struct exc exception[3];
        enum pn_issue_class issue[4];
        unsigned issues;
        void (*spoil)(struct pn_findings *all); /* the scan, after it was made whole */
        enum pn_verdict verdict;
        bool admitted;
        bool would_refuse;
        const char *admitted_by;
        int worst; /* index of ret->finding + 1, 0 for none */
        int first; /* index of ret->issue + 1, 0 for none */
        const char *why;
        unsigned refusing, excepted, reported;
        int stale; /* index of ret->stale + 1, 0 for none */
};

#define CRIT_HIGH                                                                                            \
        {                                                                                                    \
                PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH                                                     \
        }
#define ADMITTED .verdict = PN_VERDICT_CLEAN, .admitted = true, .admitted_by = "policy", .why = ""
#define REFUSED .verdict = PN_VERDICT_REFUSED, .admitted_by = "", .why = ""
#define STOPPED(v) .verdict = v, .admitted_by = "", .why = ""
#define MISSING(txt) .verdict = PN_VERDICT_UNDECIDED, .admitted_by = "", .why = txt
#define ON_ERROR(cls, action) ", \"on_error\": {\"" cls "\": \"" action "\"}"
#define ALL_REPORT                                                                                           \
        ", \"actions\": {\"critical\": {\"high\": \"report\", \"medium\": \"report\"}, \"high\": "           \
        "{\"high\": "                                                                                        \
        "\"report\", \"medium\": \"report\"}}"

static void lose_walker(struct pn_findings *all)
{
        all->tally.walk_ended = false;
}

static void lose_answer(struct pn_findings *all)
{
        all->tally.raw_answers--;
        all->tally.raw_counted--;
}

static void unclassed_error(struct pn_findings *all)
{
        all->tally.errors++;
}

static void errors_not_summed(struct pn_findings *all)
{
        all->tally.errors = 0;
}

static void one_more_finding(struct pn_findings *all)
{
        all->finding_total++;
}

static void dropped_mild(struct pn_findings *all)
{
        all->finding_total += 3;
        all->dropped[PN_SEVERITY_MEDIUM][PN_CONFIDENCE_HIGH] = 1;
        all->dropped[PN_SEVERITY_CRITICAL][PN_CONFIDENCE_LOW] = 2;
}

static void dropped_grave(struct pn_findings *all)
{
        dropped_mild(all);
        all->finding_total++;
        all->dropped[PN_SEVERITY_HIGH][PN_CONFIDENCE_MEDIUM] = 1;
}

static void one_more_content_error(struct pn_findings *all)
{
        all->issue_total[PN_ISSUE_CONTENT]++;
        all->tally.errors++;
}

static void spoiled_class(struct pn_findings *all)
{
        all->issue[0].cls = (enum pn_issue_class)99;
}

static void spoiled_severity(struct pn_findings *all)
{
        all->finding[0].severity = (enum pn_severity)9;
}

static void spoiled_confidence(struct pn_findings *all)
{
        all->finding[0].confidence = (enum pn_confidence)9;
}

static void no_severity(struct pn_findings *all)
{
        all->finding[0].severity = (enum pn_severity)0;
}

static void no_confidence(struct pn_findings *all)
{
        all->finding[0].confidence = (enum pn_confidence)0;
}

/* clang-format off */
static const struct row rows[] = {
        /* nothing found */
        {"clean_scan_is_admitted", ADMITTED},
        {"clean_scan_is_admitted_by_policy_in_monitor_mode", .monitor = true, ADMITTED},
        {"clean_scan_is_admitted_by_policy_under_break_glass", .break_glass = true, ADMITTED},

        /* severity and confidence, by default */
        {"critical_high_refuses", .finding = {CRIT_HIGH}, REFUSED, .worst = 1, .refusing = 1},
        {"critical_medium_refuses", .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_MEDIUM}}, REFUSED, .worst = 1, .refusing = 1},
        {"high_high_refuses", .finding = {{PN_SEVERITY_HIGH, PN_CONFIDENCE_HIGH}}, REFUSED, .worst = 1, .refusing = 1},
        {"high_medium_refuses", .finding = {{PN_SEVERITY_HIGH, PN_CONFIDENCE_MEDIUM}}, REFUSED, .worst = 1, .refusing = 1},
        {"medium_high_is_reported", .finding = {{PN_SEVERITY_MEDIUM, PN_CONFIDENCE_HIGH}}, ADMITTED, .reported = 1},
        {"medium_medium_is_reported", .finding = {{PN_SEVERITY_MEDIUM, PN_CONFIDENCE_MEDIUM}}, ADMITTED, .reported = 1},
        {"low_high_is_reported", .finding = {{PN_SEVERITY_LOW, PN_CONFIDENCE_HIGH}}, ADMITTED, .reported = 1},
        {"low_medium_is_reported", .finding = {{PN_SEVERITY_LOW, PN_CONFIDENCE_MEDIUM}}, ADMITTED, .reported = 1},
        {"low_confidence_never_refuses", .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_LOW}}, ADMITTED, .reported = 1},
        {"action_report_lets_critical_pass", .policy = ALL_REPORT, .finding = {CRIT_HIGH}, ADMITTED, .reported = 1},
        {"action_refuse_stops_low", .policy = ", \"actions\": {\"low\": {\"medium\": \"refuse\"}}",
         .finding = {{PN_SEVERITY_LOW, PN_CONFIDENCE_MEDIUM}}, REFUSED, .worst = 1, .refusing = 1},
        {"severity_out_of_range_refuses", .policy = ALL_REPORT, .finding = {CRIT_HIGH}, .spoil = spoiled_severity, REFUSED, .worst = 1, .refusing = 1},
        {"confidence_out_of_range_refuses", .policy = ALL_REPORT, .finding = {CRIT_HIGH}, .spoil = spoiled_confidence, REFUSED, .worst = 1, .refusing = 1},
        {"severity_zero_refuses", .policy = ALL_REPORT, .finding = {CRIT_HIGH}, .spoil = no_severity, REFUSED, .worst = 1, .refusing = 1},
        {"confidence_zero_refuses", .policy = ALL_REPORT, .finding = {CRIT_HIGH}, .spoil = no_confidence, REFUSED, .worst = 1, .refusing = 1},

        /* the worst of many */
        {"worst_is_by_severity_first", .finding = {{PN_SEVERITY_HIGH, PN_CONFIDENCE_HIGH}, {PN_SEVERITY_CRITICAL, PN_CONFIDENCE_MEDIUM}},
         REFUSED, .worst = 2, .refusing = 2},
        {"worst_is_by_confidence_second", .finding = {{PN_SEVERITY_HIGH, PN_CONFIDENCE_MEDIUM}, {PN_SEVERITY_HIGH, PN_CONFIDENCE_HIGH}},
         REFUSED, .worst = 2, .refusing = 2},
        {"worst_stays_when_a_milder_one_follows", .finding = {CRIT_HIGH, {PN_SEVERITY_HIGH, PN_CONFIDENCE_HIGH}}, REFUSED, .worst = 1, .refusing = 2},
        {"worst_of_equals_is_the_first", .finding = {CRIT_HIGH, CRIT_HIGH}, REFUSED, .worst = 1, .refusing = 2},
        {"worst_is_never_one_that_is_only_reported",
         .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_LOW}, {PN_SEVERITY_HIGH, PN_CONFIDENCE_MEDIUM}},
         REFUSED, .worst = 2, .refusing = 1, .reported = 1},

        /* exceptions */
        {"exception_covers_its_finding", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 0, NOW + 1}}, ADMITTED, .excepted = 1},
        {"exception_covers_a_denied_hash", .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, .rule = "deny-hash:x"}},
         .exception = {{"deny-hash:x", "a/b", 0, NOW + 1}}, ADMITTED, .excepted = 1},
        {"exception_for_one_leaves_the_other", .finding = {CRIT_HIGH, {PN_SEVERITY_HIGH, PN_CONFIDENCE_HIGH, .rule = "S"}},
         .exception = {{"R", "a/b", 0, NOW + 1}}, REFUSED, .worst = 2, .refusing = 1, .excepted = 1},
        {"exceptions_are_all_looked_at", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 7, NOW + 1}, {"R", "a/b", 0, NOW + 1}},
         ADMITTED, .excepted = 1},
        {"exception_for_another_rule_does_not_count", .finding = {CRIT_HIGH}, .exception = {{"S", "a/b", 0, NOW + 1}}, REFUSED, .worst = 1, .refusing = 1},
        {"exception_for_a_longer_rule_does_not_count", .finding = {CRIT_HIGH}, .exception = {{"RR", "a/b", 0, NOW + 1}}, REFUSED, .worst = 1, .refusing = 1},
        {"exception_for_another_path_does_not_count", .finding = {CRIT_HIGH}, .exception = {{"R", "a/c", 0, NOW + 1}}, REFUSED, .worst = 1, .refusing = 1},
        {"exception_for_a_directory_does_not_cover_its_files", .finding = {CRIT_HIGH}, .exception = {{"R", "a", 0, NOW + 1}}, REFUSED, .worst = 1, .refusing = 1},
        {"exception_for_a_longer_path_does_not_count", .finding = {CRIT_HIGH}, .exception = {{"R", "a/bc", 0, NOW + 1}}, REFUSED, .worst = 1, .refusing = 1},
        {"exception_never_fits_an_empty_path", .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, .path = ""}},
         .exception = {{"R", "", 0, NOW + 1}}, REFUSED, .worst = 1, .refusing = 1},
        {"exception_never_fits_a_cut_path", .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, .cut = true}},
         .exception = {{"R", "a/b", 0, NOW + 1}}, REFUSED, .worst = 1, .refusing = 1},
        {"exception_for_other_bytes_is_stale", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 7, NOW + 1}},
         REFUSED, .worst = 1, .refusing = 1, .stale = 1},
        {"exception_without_a_digest_to_compare_is_stale", .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, .no_digest = true}},
         .exception = {{"R", "a/b", 0, NOW + 1}}, REFUSED, .worst = 1, .refusing = 1, .stale = 1},
        {"exception_ends_at_its_expiry", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 0, NOW}},
         REFUSED, .worst = 1, .refusing = 1, .stale = 1},
        {"exception_long_expired_is_stale", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 0, 1}}, REFUSED, .worst = 1, .refusing = 1, .stale = 1},
        {"stale_is_the_first_that_nearly_fits", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 7, NOW + 1}, {"R", "a/b", 0, 1}},
         REFUSED, .worst = 1, .refusing = 1, .stale = 1},
        {"stale_is_of_the_worst_finding", .finding = {{PN_SEVERITY_HIGH, PN_CONFIDENCE_HIGH, .path = "c"}, CRIT_HIGH},
         .exception = {{"R", "c", 0, 1}, {"R", "a/b", 0, 1}}, REFUSED, .worst = 2, .refusing = 2, .stale = 2},
        {"stale_of_a_milder_finding_is_told_when_the_worst_has_none", .finding = {CRIT_HIGH, {PN_SEVERITY_HIGH, PN_CONFIDENCE_HIGH, .path = "c"}},
         .exception = {{"R", "c", 0, 1}}, REFUSED, .worst = 1, .refusing = 2, .stale = 1},
        {"stale_of_the_worst_stays_when_a_milder_follows", .finding = {CRIT_HIGH, {PN_SEVERITY_HIGH, PN_CONFIDENCE_HIGH, .path = "c"}},
         .exception = {{"R", "c", 0, 1}, {"R", "a/b", 0, 1}}, REFUSED, .worst = 1, .refusing = 2, .stale = 2},
        {"stale_is_told_of_a_reported_finding", .finding = {{PN_SEVERITY_LOW, PN_CONFIDENCE_HIGH}}, .exception = {{"R", "a/b", 0, 1}},
         ADMITTED, .reported = 1, .stale = 1},
        {"stale_is_not_told_of_a_covered_finding", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 0, 1}, {"R", "a/b", 0, NOW + 1}},
         ADMITTED, .excepted = 1},

        /* the test rule */
        {"test_rule_refuses_with_low_confidence", .finding = {{PN_SEVERITY_LOW, PN_CONFIDENCE_LOW, .rule = PN_TEST_RULE}}, REFUSED, .worst = 1, .refusing = 1},
        {"test_rule_refuses_although_actions_report", .policy = ALL_REPORT,
         .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, .rule = PN_TEST_RULE}}, REFUSED, .worst = 1, .refusing = 1},
        {"test_rule_is_never_excepted", .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, .rule = PN_TEST_RULE}},
         .exception = {{PN_TEST_RULE, "a/b", 0, NOW + 1}}, REFUSED, .worst = 1, .refusing = 1},
        {"rule_that_begins_like_the_test_rule_is_an_ordinary_one",
         .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_LOW, .rule = PN_TEST_RULE "1"}}, ADMITTED, .reported = 1},

        /* issues */
        {"content_error_refuses", .issue = {PN_ISSUE_CONTENT}, .issues = 1, STOPPED(PN_VERDICT_UNDECIDED), .first = 1},
        {"malformed_file_refuses", .issue = {PN_ISSUE_MALFORMED}, .issues = 1, STOPPED(PN_VERDICT_UNDECIDED), .first = 1},
        {"limit_refuses", .issue = {PN_ISSUE_LIMIT}, .issues = 1, STOPPED(PN_VERDICT_UNDECIDED), .first = 1},
        {"deadline_refuses_as_deadline", .issue = {PN_ISSUE_DEADLINE}, .issues = 1, STOPPED(PN_VERDICT_DEADLINE), .first = 1},
        {"node_error_refuses_as_node", .issue = {PN_ISSUE_NODE}, .issues = 1, STOPPED(PN_VERDICT_NODE), .first = 1},
        {"unscannable_file_is_tolerated", .issue = {PN_ISSUE_UNSCANNABLE}, .issues = 1, ADMITTED},
        {"unscannable_file_refuses_when_asked", .policy = ON_ERROR("unscannable", "refuse"), .issue = {PN_ISSUE_UNSCANNABLE}, .issues = 1,
         STOPPED(PN_VERDICT_UNDECIDED), .first = 1},
        {"content_error_is_tolerated_when_asked", .policy = ON_ERROR("content", "report"), .issue = {PN_ISSUE_CONTENT}, .issues = 1, ADMITTED},
        {"malformed_file_is_tolerated_when_asked", .policy = ON_ERROR("malformed", "report"), .issue = {PN_ISSUE_MALFORMED}, .issues = 1, ADMITTED},
        {"limit_is_tolerated_when_asked", .policy = ON_ERROR("limit", "report"), .issue = {PN_ISSUE_LIMIT}, .issues = 1, ADMITTED},
        {"deadline_is_tolerated_when_asked", .policy = ON_ERROR("deadline", "report"), .issue = {PN_ISSUE_DEADLINE}, .issues = 1, ADMITTED},
        {"node_error_is_tolerated_when_asked", .policy = ON_ERROR("node", "report"), .issue = {PN_ISSUE_NODE}, .issues = 1, ADMITTED},
        {"tolerated_class_does_not_cover_another", .policy = ON_ERROR("content", "report"), .issue = {PN_ISSUE_CONTENT, PN_ISSUE_LIMIT}, .issues = 2,
         STOPPED(PN_VERDICT_UNDECIDED), .first = 2},
        {"deadline_goes_before_node_and_content", .issue = {PN_ISSUE_CONTENT, PN_ISSUE_NODE, PN_ISSUE_DEADLINE}, .issues = 3,
         STOPPED(PN_VERDICT_DEADLINE), .first = 3},
        {"node_goes_before_content", .issue = {PN_ISSUE_CONTENT, PN_ISSUE_NODE}, .issues = 2, STOPPED(PN_VERDICT_NODE), .first = 2},
        {"other_issues_go_in_their_order", .issue = {PN_ISSUE_LIMIT, PN_ISSUE_CONTENT}, .issues = 2, STOPPED(PN_VERDICT_UNDECIDED), .first = 1},
        {"tolerated_deadline_does_not_lead", .policy = ON_ERROR("deadline", "report"), .issue = {PN_ISSUE_DEADLINE, PN_ISSUE_CONTENT}, .issues = 2,
         STOPPED(PN_VERDICT_UNDECIDED), .first = 2},
        {"issue_that_was_not_kept_still_refuses", .spoil = one_more_content_error,
         MISSING("an error was counted that is not among those kept")},
        {"issue_that_was_not_kept_still_refuses_behind_tolerated_ones", .issue = {PN_ISSUE_UNSCANNABLE}, .issues = 1, .spoil = one_more_content_error,
         MISSING("an error was counted that is not among those kept")},
        {"issue_of_no_class_is_never_shown_and_its_total_refuses", .issue = {PN_ISSUE_CONTENT}, .issues = 1, .spoil = spoiled_class,
         MISSING("an error was counted that is not among those kept")},

        /* findings and issues together */
        {"finding_goes_before_issue", .finding = {CRIT_HIGH}, .issue = {PN_ISSUE_DEADLINE}, .issues = 1, REFUSED, .worst = 1, .first = 1, .refusing = 1},
        {"reported_finding_does_not_hide_an_issue", .finding = {{PN_SEVERITY_LOW, PN_CONFIDENCE_LOW}}, .issue = {PN_ISSUE_CONTENT}, .issues = 1,
         STOPPED(PN_VERDICT_UNDECIDED), .first = 1, .reported = 1},
        {"excepted_finding_does_not_hide_an_issue", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 0, NOW + 1}}, .issue = {PN_ISSUE_NODE}, .issues = 1,
         STOPPED(PN_VERDICT_NODE), .first = 1, .excepted = 1},

        /* the acceptance sentence */
        {"silent_walker_is_undecided", .spoil = lose_walker, MISSING("the walker did not reach its end")},
        {"missing_answer_is_undecided", .spoil = lose_answer, MISSING("the raw matcher left files unanswered")},
        {"error_of_no_class_is_undecided", .spoil = unclassed_error, MISSING("an error was reported")},
        {"error_of_no_class_is_undecided_beside_a_tolerated_one", .policy = ON_ERROR("content", "report"), .issue = {PN_ISSUE_CONTENT}, .issues = 1,
         .spoil = unclassed_error, MISSING("an error was reported")},
        {"tolerated_content_error_accounts_for_a_missing_answer", .policy = ON_ERROR("content", "report"), .issue = {PN_ISSUE_CONTENT}, .issues = 1,
         .spoil = lose_answer, ADMITTED},
        {"tolerated_limit_accounts_for_a_walk_that_ended_early", .policy = ON_ERROR("limit", "report"), .issue = {PN_ISSUE_LIMIT}, .issues = 1,
         .spoil = lose_walker, ADMITTED},
        {"tolerated_deadline_accounts_for_a_missing_answer", .policy = ON_ERROR("deadline", "report"), .issue = {PN_ISSUE_DEADLINE}, .issues = 1,
         .spoil = lose_answer, ADMITTED},
        {"tolerated_node_error_accounts_for_a_missing_answer", .policy = ON_ERROR("node", "report"), .issue = {PN_ISSUE_NODE}, .issues = 1,
         .spoil = lose_answer, ADMITTED},
        {"unscannable_file_does_not_account_for_a_silent_walker", .issue = {PN_ISSUE_UNSCANNABLE}, .issues = 1, .spoil = lose_walker,
         MISSING("the walker did not reach its end")},
        {"malformed_file_does_not_account_for_a_missing_answer", .policy = ON_ERROR("malformed", "report"), .issue = {PN_ISSUE_MALFORMED}, .issues = 1,
         .spoil = lose_answer, MISSING("the raw matcher left files unanswered")},
        {"errors_that_the_tally_forgot_do_not_wrap_around", .issue = {PN_ISSUE_UNSCANNABLE}, .issues = 1, .spoil = errors_not_summed, ADMITTED},
        {"finding_that_was_not_kept_is_undecided", .spoil = one_more_finding, MISSING("a finding was lost")},
        {"finding_that_was_not_kept_is_undecided_although_all_is_tolerated", .policy = ON_ERROR("content", "report"), .issue = {PN_ISSUE_CONTENT},
         .issues = 1, .spoil = one_more_finding, MISSING("a finding was lost")},
        {"mild_findings_that_were_not_kept_are_reported", .spoil = dropped_mild, ADMITTED, .reported = 3},
        {"grave_finding_that_was_not_kept_refuses", .spoil = dropped_grave, .verdict = PN_VERDICT_REFUSED, .admitted_by = "",
         .why = "there are more findings than were kept", .refusing = 1, .reported = 3},
        {"grave_finding_that_was_not_kept_refuses_behind_excepted_ones", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 0, NOW + 1}},
         .spoil = dropped_grave, .verdict = PN_VERDICT_REFUSED, .admitted_by = "", .why = "there are more findings than were kept", .excepted = 1,
         .refusing = 1, .reported = 3},
        {"excepted_finding_does_not_hide_a_silent_walker", .finding = {CRIT_HIGH}, .exception = {{"R", "a/b", 0, NOW + 1}}, .spoil = lose_walker,
         MISSING("the walker did not reach its end"), .excepted = 1},

        /* who admits what would be refused */
        {"monitor_admits_a_finding_and_says_so", .monitor = true, .finding = {CRIT_HIGH}, .verdict = PN_VERDICT_REFUSED, .admitted = true,
         .would_refuse = true, .admitted_by = "monitor mode", .worst = 1, .why = "", .refusing = 1},
        {"monitor_admits_the_test_rule_and_says_so", .monitor = true, .finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, .rule = PN_TEST_RULE}},
         .verdict = PN_VERDICT_REFUSED, .admitted = true, .would_refuse = true, .admitted_by = "monitor mode", .worst = 1, .why = "", .refusing = 1},
        {"monitor_admits_an_issue_and_says_so", .monitor = true, .issue = {PN_ISSUE_NODE}, .issues = 1, .verdict = PN_VERDICT_NODE, .admitted = true,
         .would_refuse = true, .admitted_by = "monitor mode", .first = 1, .why = ""},
        {"monitor_admits_an_incomplete_scan_and_says_so", .monitor = true, .spoil = lose_walker, .verdict = PN_VERDICT_UNDECIDED, .admitted = true,
         .would_refuse = true, .admitted_by = "monitor mode", .why = "the walker did not reach its end"},
        {"monitor_goes_before_break_glass", .monitor = true, .break_glass = true, .finding = {CRIT_HIGH}, .verdict = PN_VERDICT_REFUSED,
         .admitted = true, .would_refuse = true, .admitted_by = "monitor mode", .worst = 1, .why = "", .refusing = 1},
        {"break_glass_admits_a_finding_and_says_so", .break_glass = true, .finding = {CRIT_HIGH}, .verdict = PN_VERDICT_REFUSED, .admitted = true,
         .would_refuse = true, .admitted_by = "break-glass", .worst = 1, .why = "", .refusing = 1},
        {"break_glass_admits_a_deadline_and_says_so", .break_glass = true, .issue = {PN_ISSUE_DEADLINE}, .issues = 1,
         .verdict = PN_VERDICT_DEADLINE, .admitted = true, .would_refuse = true, .admitted_by = "break-glass", .first = 1, .why = ""},
};
/* clang-format on */

/* ---------------------------------------------------------------- from a row to the arguments */

static struct pn_policy *make_policy(const struct row *row)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_policy *policy = NULL;
        char json[1024];
        int len = snprintf(json, sizeof(json), "{\"mode\": \"%s\"%s}", row->monitor ? "monitor" : "enforce",
                           row->policy ? row->policy : "");

        if (pn_policy_parse("row", json, (size_t)len, &policy, &err) < 0)
                fail_msg("%s", err.text);
        return policy;
}

static size_t make_exceptions(const struct row *row, struct pn_exception *dst)
{
        size_t count = 0;

        for (const struct exc *e = row->exception; count < ROWS(row->exception) && e->rule; e++) {
                dst[count] = (struct pn_exception){.rule = (char *)(uintptr_t)e->rule,
                                                   .path = (char *)(uintptr_t)e->path,
                                                   .expires_s = e->expires_s};
                memset(dst[count].sha256, e->digest, PN_SHA256_BYTES);
                count++;
        }
        return count;
}

static void add_finding(struct pn_findings *all, const struct fin *fin)
{
        const char *path = fin->path ? fin->path : "a/b";
        struct pn_finding f = {.severity = fin->severity,
                               .confidence = fin->confidence,
                               .has_sha256 = !fin->no_digest,
                               .path = {(char *)(uintptr_t)path, (uint32_t)strlen(path), fin->cut}};

        (void)snprintf(f.rule, sizeof(f.rule), "%s", fin->rule ? fin->rule : "R");
        memset(f.sha256, fin->digest, sizeof(f.sha256));
        assert_int_equal(0, pn_findings_add(all, &f));
}

static void make_findings(const struct row *row, struct pn_findings *all)
{
        *all = (struct pn_findings){.tally = {.walk_ended = true,
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
                                              .parse_counted = 2}};
        for (size_t i = 0; i < ROWS(row->finding) && row->finding[i].severity; i++)
                add_finding(all, &row->finding[i]);
        for (unsigned i = 0; i < row->issues; i++)
                assert_int_equal(0, pn_findings_add_issue(all, row->issue[i], NULL, "because"));
        if (row->spoil)
                row->spoil(all);
}

static void check(const struct row *row, const struct pn_decision *d, const struct pn_findings *all,
                  const struct pn_exception *exceptions)
{
        assert_string_equal(pn_verdict_name(row->verdict), pn_verdict_name(d->verdict));
        assert_int_equal(row->admitted, d->admitted);
        assert_int_equal(row->would_refuse, d->would_refuse);
        assert_string_equal(row->admitted_by, d->admitted_by);
        assert_int_equal(row->worst, d->finding ? d->finding - all->finding + 1 : 0);
        assert_int_equal(row->first, d->issue ? d->issue - all->issue + 1 : 0);
        assert_string_equal(row->why, d->why);
        assert_int_equal(row->refusing, d->refusing);
        assert_int_equal(row->excepted, d->excepted);
        assert_int_equal(row->reported, d->reported);
        assert_int_equal(row->stale, d->stale ? d->stale - exceptions + 1 : 0);
}

static void decides(void **state)
{
        const struct row *row = *state;
        struct pn_exception exceptions[ROWS(row->exception)];
        struct pn_policy *policy = make_policy(row);
        struct pn_decision decision;
        struct pn_findings all;

        policy->exception = exceptions;
        policy->exception_count = make_exceptions(row, exceptions);
        make_findings(row, &all);
        memset(&decision, 0xff, sizeof(decision)); /* whatever stood there does not matter */
        pn_policy_decide(policy, &all, NOW, row->break_glass, &decision);
        check(row, &decision, &all, exceptions);
        policy->exception = NULL;
        policy->exception_count = 0;
        pn_findings_clear(&all);
        (void)pn_policy_free(policy);
}

/* ---------------------------------------------------------------- what is no row */

static void policy_that_says_nothing_refuses(void **state)
{
        static const struct pn_policy nothing = {0};
        struct pn_findings all;
        struct pn_decision d;

        (void)state;
        make_findings(&(struct row){.finding = {{PN_SEVERITY_LOW, PN_CONFIDENCE_HIGH}}}, &all);
        pn_policy_decide(&nothing, &all, NOW, false, &d);
        assert_int_equal(PN_VERDICT_REFUSED, d.verdict);
        assert_false(d.admitted);
        pn_findings_clear(&all);
        make_findings(&(struct row){.issue = {PN_ISSUE_UNSCANNABLE}, .issues = 1}, &all);
        pn_policy_decide(&nothing, &all, NOW, false, &d);
        assert_int_equal(PN_VERDICT_UNDECIDED, d.verdict);
        assert_false(d.admitted);
        pn_findings_clear(&all);
}

/* The findings that a scan keeps are full of what is only reported: the one behind them must not slip
 * through. */
static void flood_of_mild_findings_does_not_hide_one_that_refuses(void **state)
{
        struct pn_policy *policy = make_policy(&(struct row){0});
        struct pn_findings all;
        struct pn_decision d;

        (void)state;
        make_findings(&(struct row){0}, &all);
        for (int i = 0; i < PN_FINDINGS_KEPT; i++)
                add_finding(&all, &(struct fin){PN_SEVERITY_LOW, PN_CONFIDENCE_LOW});
        add_finding(&all, &(struct fin)CRIT_HIGH);
        pn_policy_decide(policy, &all, NOW, false, &d);
        assert_false(d.admitted);
        pn_findings_clear(&all);
        (void)pn_policy_free(policy);
}

static void flood_of_tolerated_issues_does_not_hide_one_that_refuses(void **state)
{
        struct pn_policy *policy = make_policy(&(struct row){0});
        struct pn_findings all;
        struct pn_decision d;

        (void)state;
        make_findings(&(struct row){0}, &all);
        for (int i = 0; i < PN_ISSUES_KEPT; i++)
                assert_int_equal(0, pn_findings_add_issue(&all, PN_ISSUE_UNSCANNABLE, NULL, "a disk image"));
        pn_policy_decide(policy, &all, NOW, false, &d);
        assert_true(d.admitted);
        assert_int_equal(0, pn_findings_add_issue(&all, PN_ISSUE_DEADLINE, NULL, "late"));
        pn_policy_decide(policy, &all, NOW, false, &d);
        assert_int_equal(PN_VERDICT_DEADLINE, d.verdict);
        assert_false(d.admitted);
        pn_findings_clear(&all);
        (void)pn_policy_free(policy);
}

/* policy.json cannot say it; whoever builds a policy by hand cannot either. */
static void low_confidence_never_refuses_whatever_the_policy_says(void **state)
{
        struct pn_policy *policy = make_policy(&(struct row){0});
        struct pn_findings all;
        struct pn_decision d;

        (void)state;
        policy->action[PN_SEVERITY_CRITICAL][PN_CONFIDENCE_LOW] = PN_ACTION_REFUSE;
        make_findings(&(struct row){.finding = {{PN_SEVERITY_CRITICAL, PN_CONFIDENCE_LOW}}}, &all);
        pn_policy_decide(policy, &all, NOW, false, &d);
        assert_int_equal(PN_VERDICT_CLEAN, d.verdict);
        assert_int_equal(1, d.reported);
        pn_findings_clear(&all);
        (void)pn_policy_free(policy);
}

static void verdicts_have_names(void **state)
{
        (void)state;
        assert_string_equal("clean", pn_verdict_name(PN_VERDICT_CLEAN));
        assert_string_equal("refused", pn_verdict_name(PN_VERDICT_REFUSED));
        assert_string_equal("undecided", pn_verdict_name(PN_VERDICT_UNDECIDED));
        assert_string_equal("deadline", pn_verdict_name(PN_VERDICT_DEADLINE));
        assert_string_equal("node error", pn_verdict_name(PN_VERDICT_NODE));
        assert_string_equal("unknown", pn_verdict_name((enum pn_verdict)0));
        assert_string_equal("unknown", pn_verdict_name((enum pn_verdict)99));
}

int main(void)
{
        struct CMUnitTest tests[ROWS(rows) + 5] = {
                cmocka_unit_test(policy_that_says_nothing_refuses),
                cmocka_unit_test(flood_of_mild_findings_does_not_hide_one_that_refuses),
                cmocka_unit_test(flood_of_tolerated_issues_does_not_hide_one_that_refuses),
                cmocka_unit_test(low_confidence_never_refuses_whatever_the_policy_says),
                cmocka_unit_test(verdicts_have_names),
        };

        for (size_t i = 0; i < ROWS(rows); i++)
                tests[i + 5] = (struct CMUnitTest){.name = rows[i].name,
                                                   .test_func = decides,
                                                   .initial_state = (void *)(uintptr_t)&rows[i]};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
