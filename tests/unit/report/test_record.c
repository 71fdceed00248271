/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "hook/report/record.h"

/* 2025-11-21T21:16:32Z */
#define WHEN 1763759792

struct fixture {
        struct pn_findings all;
        struct pn_decision decision;
        struct pn_outcome outcome;
        json_t *record;
        char *text;
};

static int begin(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        f->decision = (struct pn_decision){.verdict = PN_VERDICT_CLEAN, .admitted_by = "", .why = ""};
        f->outcome = (struct pn_outcome){.program = "postern-hook",
                                         .id = "web1",
                                         .bundle = "/run/b",
                                         .root = "/run/b/rootfs",
                                         .pid = 4711,
                                         .when_s = WHEN,
                                         .mode = PN_MODE_ENFORCE,
                                         .exit_code = 10,
                                         .decision = &f->decision,
                                         .findings = &f->all,
                                         .break_glass = "",
                                         .warning = ""};
        *state = f;
        return 0;
}

static int end(void **state)
{
        struct fixture *f = *state;

        pn_findings_clear(&f->all);
        json_decref(f->record);
        free(f->text);
        free(f);
        return 0;
}

static void add_finding(struct fixture *f, const char *rule, const char *path, size_t len)
{
        struct pn_finding one = {
                .severity = PN_SEVERITY_CRITICAL,
                .confidence = PN_CONFIDENCE_HIGH,
                .detector = "yara",
                .title = "back door in liblzma",
                .remedy = "rebuild the image from clean packages",
                .source = "CVE-2024-3094",
                .path = {.bytes = (char *)(uintptr_t)path, .len = (uint32_t)len},
                .size_bytes = 258888,
                .has_sha256 = true,
                .evidence_count = 1,
                .evidence = {{.string = "$prologue",
                              .offset = 4096,
                              .match_bytes = 40,
                              .kept = 4,
                              .bytes = {0xf3, 0x0f, 0x1e, 0xfa}}},
        };

        snprintf(one.rule, sizeof(one.rule), "%s", rule);
        one.sha256[0] = 0xab;
        assert_int_equal(pn_findings_add(&f->all, &one), 0);
}

/* Makes the record again. Holds for every record: it is bounded, printable ASCII, and reads back as what it
 * was. */
static json_t *record(struct fixture *f)
{
        json_t *again;

        json_decref(f->record);
        free(f->text);
        f->record = pn_record_make(&f->outcome);
        assert_non_null(f->record);
        f->text = pn_record_text(f->record);
        assert_non_null(f->text);
        assert_true(strlen(f->text) < PN_RECORD_BYTES_MAX);
        for (const char *c = f->text; *c; c++)
                assert_in_range(*c, 0x20, 0x7e);
        again = json_loads(f->text, JSON_REJECT_DUPLICATES, NULL);
        assert_true(json_equal(again, f->record));
        json_decref(again);
        return f->record;
}

static const char *text(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_string(value))
                fail_msg("`%s` is not a string", key);
        return json_string_value(value);
}

static json_int_t number(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_integer(value))
                fail_msg("`%s` is not a number", key);
        return json_integer_value(value);
}

static bool flag(const json_t *object, const char *key)
{
        const json_t *value = json_object_get(object, key);

        if (!json_is_boolean(value))
                fail_msg("`%s` is not a boolean", key);
        return json_is_true(value);
}

static const json_t *item(const json_t *object, const char *key, size_t i)
{
        const json_t *value = json_array_get(json_object_get(object, key), i);

        if (!value)
                fail_msg("`%s` has no item %zu", key, i);
        return value;
}

static void record_has_every_key_of_the_table(void **state)
{
        /* Those of hook/report/README.md, in this order: what a short log keeps comes first. */
        static const char *const keys[] = {
                "schema",
                "verdict",
                "id",
                "reason",
                "time",
                "program",
                "version",
                "bundle",
                "root",
                "pid",
                "mode",
                "admitted",
                "would_refuse",
                "admitted_by",
                "exit_code",
                "refusing",
                "excepted",
                "reported",
                "error",
                "break_glass",
                "warning",
                "stale_exception",
                "findings",
                "findings_dropped",
                "findings_total",
                "issues_total",
                "issues",
                "issues_dropped",
                "notes",
                "notes_dropped",
                "notes_total",
                "counts",
                "view",
                "walls",
                "elapsed_ms",
        };
        json_t *r = record(*state), *value;
        const char *key;
        size_t i = 0;

        json_object_foreach(r, key, value)
        {
                assert_true(i < sizeof(keys) / sizeof(keys[0]));
                assert_string_equal(key, keys[i++]);
        }
        assert_int_equal(i, sizeof(keys) / sizeof(keys[0]));
}

static void record_says_who_when_and_how_it_ended(void **state)
{
        struct fixture *f = *state;
        json_t *r;

        f->decision.verdict = PN_VERDICT_REFUSED;
        f->outcome.warning = "w";
        f->outcome.break_glass = "g";
        f->all.elapsed_ms = 412;
        strcpy(f->all.view, "container");
        strcpy(f->all.walls, "seccomp, landlock 7");
        r = record(f);
        assert_int_equal(number(r, "schema"), 1);
        assert_string_equal(text(r, "time"), "2025-11-21T21:16:32Z");
        assert_string_equal(text(r, "program"), "postern-hook");
        assert_string_equal(text(r, "version"), PN_VERSION);
        assert_string_equal(text(r, "id"), "web1");
        assert_string_equal(text(r, "bundle"), "/run/b");
        assert_string_equal(text(r, "root"), "/run/b/rootfs");
        assert_int_equal(number(r, "pid"), 4711);
        assert_string_equal(text(r, "mode"), "enforce");
        assert_string_equal(text(r, "verdict"), "refused");
        assert_int_equal(number(r, "exit_code"), 10);
        assert_string_equal(text(r, "warning"), "w");
        assert_string_equal(text(r, "break_glass"), "g");
        assert_string_equal(text(r, "view"), "container");
        assert_string_equal(text(r, "walls"), "seccomp, landlock 7");
        assert_int_equal(number(r, "elapsed_ms"), 412);
        assert_false(flag(r, "admitted"));
        assert_true(json_is_null(json_object_get(r, "error")));
        assert_true(json_is_null(json_object_get(r, "stale_exception")));
}

static void record_of_monitor_mode_says_would_refuse(void **state)
{
        struct fixture *f = *state;
        json_t *r;

        f->outcome.mode = PN_MODE_MONITOR;
        f->outcome.exit_code = 0;
        f->decision = (struct pn_decision){.verdict = PN_VERDICT_REFUSED,
                                           .admitted = true,
                                           .would_refuse = true,
                                           .admitted_by = "monitor mode",
                                           .why = "",
                                           .refusing = 3,
                                           .excepted = 2,
                                           .reported = 1};
        r = record(f);
        assert_string_equal(text(r, "mode"), "monitor");
        assert_string_equal(text(r, "verdict"), "refused");
        assert_true(flag(r, "admitted"));
        assert_true(flag(r, "would_refuse"));
        assert_string_equal(text(r, "admitted_by"), "monitor mode");
        assert_int_equal(number(r, "refusing"), 3);
        assert_int_equal(number(r, "excepted"), 2);
        assert_int_equal(number(r, "reported"), 1);
}

static void record_without_decision_has_the_error_and_is_not_admitted(void **state)
{
        struct fixture *f = *state;
        struct pn_err err = PN_ERR_INIT;
        json_t *r;

        (void)pn_err_set(&err, PN_FAULT_CONFIG, 0, "policy.json: limits.depth: unknown key");
        f->outcome.decision = NULL;
        f->outcome.findings = NULL;
        f->outcome.error = &err;
        f->outcome.mode = 0;
        f->outcome.exit_code = 100;
        r = record(f);
        assert_string_equal(text(r, "verdict"), "error");
        assert_string_equal(text(r, "reason"), "policy.json: limits.depth: unknown key");
        assert_string_equal(text(json_object_get(r, "error"), "fault"), "config");
        assert_string_equal(text(json_object_get(r, "error"), "text"),
                            "policy.json: limits.depth: unknown key");
        assert_true(json_is_null(json_object_get(r, "mode")));
        assert_false(flag(r, "admitted"));
        assert_int_equal(number(json_object_get(r, "counts"), "files"), 0);
}

static void record_of_a_finding_has_rule_place_bytes_and_remedy(void **state)
{
        struct fixture *f = *state;
        const json_t *one, *evidence;

        add_finding(f, "XZ-BACKDOOR-001", "usr/lib/liblzma.so.5", 20);
        f->decision.finding = &f->all.finding[0];
        f->decision.verdict = PN_VERDICT_REFUSED;
        one = item(record(f), "findings", 0);
        assert_string_equal(text(f->record, "reason"),
                            "usr/lib/liblzma.so.5 matches XZ-BACKDOOR-001 (critical, high confidence)");
        assert_string_equal(text(one, "rule"), "XZ-BACKDOOR-001");
        assert_string_equal(text(one, "title"), "back door in liblzma");
        assert_string_equal(text(one, "severity"), "critical");
        assert_string_equal(text(one, "confidence"), "high");
        assert_string_equal(text(one, "detector"), "yara");
        assert_true(flag(one, "decides"));
        assert_string_equal(text(one, "path"), "usr/lib/liblzma.so.5");
        assert_string_equal(text(one, "path_b64"), "dXNyL2xpYi9saWJsem1hLnNvLjU=");
        assert_false(flag(one, "path_cut"));
        assert_int_equal(number(one, "size_bytes"), 258888);
        assert_string_equal(text(one, "sha256"),
                            "ab00000000000000000000000000000000000000000000000000000000000000");
        assert_string_equal(text(one, "source"), "CVE-2024-3094");
        assert_string_equal(text(one, "remedy"), "rebuild the image from clean packages");
        evidence = item(one, "evidence", 0);
        assert_string_equal(text(evidence, "string"), "$prologue");
        assert_int_equal(number(evidence, "offset"), 4096);
        assert_int_equal(number(evidence, "match_bytes"), 40);
        assert_string_equal(text(evidence, "bytes"), "f30f1efa");
}

static void record_of_a_finding_without_digest_has_null(void **state)
{
        struct fixture *f = *state;

        add_finding(f, "R", "a", 1);
        f->all.finding[0].has_sha256 = false;
        assert_true(json_is_null(json_object_get(item(record(f), "findings", 0), "sha256")));
}

static void record_keeps_the_hostile_path_whole_in_base64(void **state)
{
        static const char path[] = "a\n\xff\x1b\0b\\";
        struct fixture *f = *state;
        const json_t *one;

        add_finding(f, "R", path, sizeof(path) - 1);
        one = item(record(f), "findings", 0);
        assert_string_equal(text(one, "path"), "a\\x0a\\xff\\x1b\\x00b\\x5c");
        assert_string_equal(text(one, "path_b64"), "YQr/GwBiXA==");
}

static void record_escapes_whatever_is_not_ours(void **state)
{
        struct fixture *f = *state;
        json_t *r;

        f->outcome.id = "a\n\"b\\\xe2\x80\xae";
        f->outcome.bundle = "/b\x1b[0m";
        f->outcome.root = "/r\xff";
        f->outcome.warning = "w\r";
        assert_int_equal(pn_findings_add_note(&f->all, NULL, "n\a"), 0);
        assert_int_equal(pn_findings_add_issue(&f->all, PN_ISSUE_CONTENT, NULL, "i\x7f"), 0);
        r = record(f);
        assert_string_equal(text(r, "id"), "a\\x0a\"b\\x5c\\xe2\\x80\\xae");
        assert_string_equal(text(r, "bundle"), "/b\\x1b[0m");
        assert_string_equal(text(r, "root"), "/r\\xff");
        assert_string_equal(text(r, "warning"), "w\\x0d");
        assert_string_equal(text(item(r, "notes", 0), "text"), "n\\x07");
        assert_string_equal(text(item(r, "issues", 0), "text"), "i\\x7f");
}

static void record_keeps_the_longest_id_whole(void **state)
{
        struct fixture *f = *state;
        char id[1024 + 1] = "";

        memset(id, '\n', sizeof(id) - 1);
        f->outcome.id = id;
        assert_int_equal(strlen(text(record(f), "id")), 4096);
}

static void record_counts_issues_by_class_and_what_was_seen(void **state)
{
        struct fixture *f = *state;
        const json_t *counts, *totals;
        struct pn_path path = {.bytes = (char[]){'x'}, .len = 1};

        f->all.tally = (struct pn_tally){.objects_seen = 812,
                                         .parse_asked = 310,
                                         .directories = 90,
                                         .links = 80,
                                         .specials = 7,
                                         .bytes = 123456789012};
        assert_int_equal(pn_findings_add_issue(&f->all, PN_ISSUE_MALFORMED, &path, "lies"), 0);
        assert_int_equal(pn_findings_add_issue(&f->all, PN_ISSUE_CONTENT, &path, "first"), 0);
        assert_int_equal(pn_findings_add_issue(&f->all, PN_ISSUE_CONTENT, &path, "second"), 0);
        f->decision.issue = &f->all.issue[1];
        f->decision.verdict = PN_VERDICT_UNDECIDED;
        totals = json_object_get(record(f), "issues_total");
        assert_int_equal(number(totals, "content"), 2);
        assert_int_equal(number(totals, "malformed"), 1);
        assert_int_equal(number(totals, "deadline"), 0);
        assert_string_equal(text(item(f->record, "issues", 0), "text"), "first");
        assert_string_equal(text(item(f->record, "issues", 0), "class"), "content");
        assert_true(flag(item(f->record, "issues", 0), "decides"));
        assert_string_equal(text(item(f->record, "issues", 1), "text"), "lies");
        assert_string_equal(text(item(f->record, "issues", 1), "path_b64"), "eA==");
        assert_false(flag(item(f->record, "issues", 1), "decides"));
        counts = json_object_get(f->record, "counts");
        assert_int_equal(number(counts, "files"), 812);
        assert_int_equal(number(counts, "elf"), 310);
        assert_int_equal(number(counts, "directories"), 90);
        assert_int_equal(number(counts, "links"), 80);
        assert_int_equal(number(counts, "special_files"), 7);
        assert_int_equal(number(counts, "bytes"), 123456789012);
}

static void record_names_the_exception_that_no_longer_fits(void **state)
{
        struct fixture *f = *state;
        char rule[] = "R", path[] = "usr/bin/\x01", reason[] = "tested", owner[] = "ops",
             file[] = "/etc/x.json";
        struct pn_exception stale = {.rule = rule,
                                     .path = path,
                                     .sha256 = {1},
                                     .reason = reason,
                                     .owner = owner,
                                     .expires_s = WHEN,
                                     .file = file};
        const json_t *s;

        f->decision.stale = &stale;
        s = json_object_get(record(f), "stale_exception");
        assert_string_equal(text(s, "file"), "/etc/x.json");
        assert_string_equal(text(s, "rule"), "R");
        assert_string_equal(text(s, "path"), "usr/bin/\\x01");
        assert_string_equal(text(s, "expires"), "2025-11-21T21:16:32Z");
        assert_string_equal(text(s, "owner"), "ops");
        assert_string_equal(text(s, "reason"), "tested");
}

/* The worst that a scan can hand over: every list full, every path at its ceiling and of bytes that escape.
 */
static void flood(struct fixture *f, char *path)
{
        struct pn_path long_path = {.bytes = path, .len = PN_PATH_BYTES_MAX, .cut = true};
        char words[PN_WORDS_MAX];

        memset(path, '\\', PN_PATH_BYTES_MAX);
        memset(words, '\x01', sizeof(words) - 1);
        words[sizeof(words) - 1] = '\0';
        for (int i = 0; i < 2 * PN_FINDINGS_KEPT; i++)
                add_finding(f, "FLOOD", path, PN_PATH_BYTES_MAX);
        for (int i = 0; i < PN_FINDINGS_KEPT; i++) {
                struct pn_finding *one = &f->all.finding[i];

                memcpy(one->title, words, sizeof(words));
                memcpy(one->remedy, words, sizeof(words));
                memcpy(one->source, words, sizeof(words));
                one->size_bytes = UINT64_MAX;
                one->evidence_count = PN_EVIDENCE_MAX + 1;
                for (int e = 0; e < PN_EVIDENCE_MAX; e++)
                        one->evidence[e] = (struct pn_evidence){.offset = UINT64_MAX, .kept = 255};
        }
        for (int i = 0; i < 2 * PN_ISSUES_KEPT; i++) {
                assert_int_equal(pn_findings_add_issue(&f->all, PN_ISSUE_CONTENT, &long_path, "%s", words),
                                 0);
                assert_int_equal(pn_findings_add_note(&f->all, &long_path, "%s", words), 0);
        }
}

static void record_stays_below_its_ceiling_and_counts_what_it_left_out(void **state)
{
        static char path[PN_PATH_BYTES_MAX], id[1025];
        struct fixture *f = *state;
        size_t findings, issues, notes;
        json_t *r;

        flood(f, path);
        memset(id, '\x01', sizeof(id) - 1);
        f->outcome.id = f->outcome.bundle = f->outcome.root = id;
        f->outcome.warning = f->outcome.break_glass = f->outcome.program = id;
        r = record(f);
        findings = json_array_size(json_object_get(r, "findings"));
        issues = json_array_size(json_object_get(r, "issues"));
        notes = json_array_size(json_object_get(r, "notes"));
        assert_in_range(findings, 1, PN_FINDINGS_KEPT - 1);
        assert_in_range(issues, 1, PN_ISSUES_KEPT - 1);
        assert_in_range(notes, 1, PN_ISSUES_KEPT - 1);
        assert_int_equal(number(r, "findings_total"), 2 * PN_FINDINGS_KEPT);
        assert_int_equal(number(r, "findings_dropped"), 2 * PN_FINDINGS_KEPT - findings);
        assert_int_equal(number(r, "issues_dropped"), 2 * PN_ISSUES_KEPT - issues);
        assert_int_equal(number(r, "notes_total"), 2 * PN_ISSUES_KEPT);
        assert_int_equal(number(r, "notes_dropped"), 2 * PN_ISSUES_KEPT - notes);
        assert_true(strlen(f->text) > PN_RECORD_BYTES_MAX / 2); /* and no more was left out than had to be */
        assert_int_equal(number(item(r, "findings", 0), "size_bytes"), INT64_MAX);
}

static void record_keeps_what_decided_before_any_flood(void **state)
{
        static char path[PN_PATH_BYTES_MAX];
        struct fixture *f = *state;
        json_t *r;

        flood(f, path);
        strcpy(f->all.finding[PN_FINDINGS_KEPT - 1].rule, "THE-ONE");
        strcpy(f->all.issue[PN_ISSUES_KEPT - 1].text, "the one");
        f->decision.verdict = PN_VERDICT_REFUSED;
        f->decision.finding = &f->all.finding[PN_FINDINGS_KEPT - 1];
        f->decision.issue = &f->all.issue[PN_ISSUES_KEPT - 1];
        r = record(f);
        assert_string_equal(text(item(r, "findings", 0), "rule"), "THE-ONE");
        assert_true(flag(item(r, "findings", 0), "decides"));
        assert_false(flag(item(r, "findings", 1), "decides"));
        assert_string_equal(text(item(r, "issues", 0), "text"), "the one");
        assert_false(flag(item(r, "issues", 0), "decides")); /* a finding goes before it */
}

static void record_lists_a_finding_once(void **state)
{
        struct fixture *f = *state;

        add_finding(f, "A", "a", 1);
        add_finding(f, "B", "b", 1);
        f->decision.finding = &f->all.finding[1];
        assert_int_equal(json_array_size(json_object_get(record(f), "findings")), 2);
        assert_string_equal(text(item(f->record, "findings", 0), "rule"), "B");
        assert_string_equal(text(item(f->record, "findings", 1), "rule"), "A");
        assert_int_equal(number(f->record, "findings_dropped"), 0);
}

/* jansson asks for memory through these: the n-th request and all after it fail. */
static unsigned requests_left;

static void *stingy_malloc(size_t size)
{
        if (requests_left == 0)
                return NULL;
        requests_left--;
        return malloc(size);
}

static void record_is_missing_when_memory_runs_out_at_any_place(void **state)
{
        struct fixture *f = *state;
        json_t *r = NULL;

        add_finding(f, "A", "a", 1);
        assert_int_equal(pn_findings_add_issue(&f->all, PN_ISSUE_CONTENT, NULL, "i"), 0);
        assert_int_equal(pn_findings_add_note(&f->all, NULL, "n"), 0);
        json_set_alloc_funcs(stingy_malloc, free);
        for (unsigned n = 0; !r; n++) {
                assert_true(n < 10000);
                requests_left = n;
                r = pn_record_make(&f->outcome);
        }
        requests_left = UINT32_MAX;
        assert_non_null(
                json_object_get(r, "elapsed_ms")); /* the last key: a record is whole or there is none */
        assert_int_equal(json_array_size(json_object_get(r, "findings")), 1);
        assert_int_equal(json_array_size(json_object_get(item(r, "findings", 0), "evidence")), 1);
        assert_int_equal(json_array_size(json_object_get(r, "issues")), 1);
        assert_int_equal(json_array_size(json_object_get(r, "notes")), 1);
        json_decref(r);
        json_set_alloc_funcs(malloc, free);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(record_has_every_key_of_the_table),
                TEST(record_says_who_when_and_how_it_ended),
                TEST(record_of_monitor_mode_says_would_refuse),
                TEST(record_without_decision_has_the_error_and_is_not_admitted),
                TEST(record_of_a_finding_has_rule_place_bytes_and_remedy),
                TEST(record_of_a_finding_without_digest_has_null),
                TEST(record_keeps_the_hostile_path_whole_in_base64),
                TEST(record_escapes_whatever_is_not_ours),
                TEST(record_keeps_the_longest_id_whole),
                TEST(record_counts_issues_by_class_and_what_was_seen),
                TEST(record_names_the_exception_that_no_longer_fits),
                TEST(record_stays_below_its_ceiling_and_counts_what_it_left_out),
                TEST(record_keeps_what_decided_before_any_flood),
                TEST(record_lists_a_finding_once),
                TEST(record_is_missing_when_memory_runs_out_at_any_place),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
