/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "hook/report/plain.h"
#include "hook/report/record.h"

#define ENGINE_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define A16 "aaaaaaaaaaaaaaaa"
#define A64 A16 A16 A16 A16
#define A256 A64 A64 A64 A64

/* A refusal by a finding at `path`, of a container `id`; the test changes what it is about. */
struct fixture {
        struct pn_finding finding;
        struct pn_issue issue;
        struct pn_findings all;
        struct pn_decision decision;
        struct pn_err err;
        struct pn_outcome outcome;
        char line[PN_LINE_BYTES_MAX];
};

static struct pn_path path_of(const char *text)
{
        return (struct pn_path){.bytes = (char *)(uintptr_t)text, .len = (uint32_t)strlen(text)};
}

static void begin(struct fixture *f, const char *id, const char *path)
{
        *f = (struct fixture){
                .finding = {.severity = PN_SEVERITY_CRITICAL,
                            .confidence = PN_CONFIDENCE_HIGH,
                            .path = path_of(path)},
                .decision = {.verdict = PN_VERDICT_REFUSED, .admitted_by = "", .why = "", .refusing = 1},
                .outcome = {.program = "postern-hook",
                            .id = id,
                            .bundle = "",
                            .root = "",
                            .mode = PN_MODE_ENFORCE,
                            .exit_code = 10,
                            .break_glass = "",
                            .warning = ""},
        };
        strcpy(f->finding.rule, "XZ-BACKDOOR-001");
        f->decision.finding = &f->finding;
        f->outcome.decision = &f->decision;
        f->outcome.findings = &f->all;
}

static void begin_issue(struct fixture *f, const char *id, const char *path, enum pn_issue_class cls,
                        const char *text)
{
        begin(f, id, path);
        f->issue.cls = cls;
        f->issue.path = path_of(path);
        snprintf(f->issue.text, sizeof(f->issue.text), "%s", text);
        f->decision.verdict = PN_VERDICT_UNDECIDED;
        f->decision.finding = NULL;
        f->decision.issue = &f->issue;
}

/* Also holds for every line of every test: one line, not too long, printable. */
static const char *line(struct fixture *f)
{
        memset(f->line, '\n', sizeof(f->line));
        pn_record_line(&f->outcome, f->line, sizeof(f->line));
        assert_true(strnlen(f->line, sizeof(f->line)) < PN_LINE_BYTES_MAX);
        for (const char *c = f->line; *c; c++)
                assert_in_range(*c, 0x20, 0x7e);
        assert_int_equal(strncmp(f->line, "postern: ", 9), 0);
        return f->line;
}

static void assert_has(const char *text, const char *part)
{
        if (!strstr(text, part))
                fail_msg("`%s` is not in `%s`", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
        if (strstr(text, part))
                fail_msg("`%s` is in `%s`", part, text);
}

static void line_of_a_refusal_names_container_path_rule_and_how_sure(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "web1", "usr/lib/liblzma.so.5");
        assert_string_equal(line(&f), "postern: refused web1: usr/lib/liblzma.so.5 matches XZ-BACKDOOR-001 "
                                      "(critical, high confidence); why: postern why web1");
}

static void line_counts_further_findings(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "web1", "a");
        f.decision.refusing = 4;
        assert_has(line(&f), "a matches XZ-BACKDOOR-001 (critical, high confidence) and 3 more; why:");
}

static void line_of_an_undecided_scan_has_path_words_and_class(void **state)
{
        static const struct {
                const char *name;
                enum pn_verdict verdict;
                enum pn_issue_class cls;
                const char *path, *text, *expected;
        } rows[] = {
                {"malformed", PN_VERDICT_UNDECIDED, PN_ISSUE_MALFORMED, "usr/bin/x",
                 "program headers end at 4096 of 512 bytes",
                 "postern: undecided c: usr/bin/x: program headers end at 4096 of 512 bytes (malformed); "
                 "why: postern why c"},
                {"deadline", PN_VERDICT_DEADLINE, PN_ISSUE_DEADLINE, "", "10 s have passed",
                 "postern: undecided c: 10 s have passed (deadline); why: postern why c"},
                {"node", PN_VERDICT_NODE, PN_ISSUE_NODE, "", "no rules",
                 "postern: undecided c: no rules (node); why: postern why c"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct fixture f;

                begin_issue(&f, "c", rows[i].path, rows[i].cls, rows[i].text);
                f.decision.verdict = rows[i].verdict;
                print_message("%s\n", rows[i].name);
                assert_string_equal(line(&f), rows[i].expected);
        }
}

static void line_says_what_the_acceptance_sentence_misses(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "c", "");
        f.decision = (struct pn_decision){.verdict = PN_VERDICT_UNDECIDED,
                                          .admitted_by = "",
                                          .why = "the raw matcher left files unanswered"};
        assert_string_equal(line(&f),
                            "postern: undecided c: incomplete: the raw matcher left files unanswered; "
                            "why: postern why c");
}

static void line_of_monitor_mode_says_would_refuse_and_by_what_it_was_admitted(void **state)
{
        static const char *const by[] = {"monitor mode", "break-glass"};

        (void)state;
        for (size_t i = 0; i < 2; i++) {
                struct fixture f;
                char expected[PN_LINE_BYTES_MAX];

                begin(&f, "web1", "bin/x");
                f.decision.admitted = f.decision.would_refuse = true;
                f.decision.admitted_by = by[i];
                snprintf(expected, sizeof(expected),
                         "postern: would refuse web1: bin/x matches XZ-BACKDOOR-001 (critical, high "
                         "confidence) (%s); "
                         "why: postern why web1",
                         by[i]);
                assert_string_equal(line(&f), expected);
        }
}

static void line_of_an_admission_counts_files_and_gives_no_hint(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "web1", "");
        f.all.tally = (struct pn_tally){.objects_seen = 812, .parse_asked = 310};
        f.decision = (struct pn_decision){
                .verdict = PN_VERDICT_CLEAN, .admitted = true, .admitted_by = "policy", .why = ""};
        assert_string_equal(line(&f), "postern: admitted web1: 812 files, 310 ELF");
        f.decision.reported = 2;
        f.decision.excepted = 1;
        assert_string_equal(line(&f), "postern: admitted web1: 812 files, 310 ELF, 2 reported, 1 excepted");
}

static void line_of_an_error_needs_neither_container_nor_decision(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "", "");
        (void)pn_err_set(&f.err, PN_FAULT_CONFIG, 0, "policy.json: limits.depth: unknown key");
        f.outcome.decision = NULL;
        f.outcome.findings = NULL;
        f.outcome.error = &f.err;
        f.outcome.mode = 0;
        assert_string_equal(line(&f), "postern: error: policy.json: limits.depth: unknown key");
        f.outcome.id = "web1";
        assert_string_equal(line(&f), "postern: error web1: policy.json: limits.depth: unknown key; "
                                      "why: postern why web1");
        f.outcome.error = NULL;
        assert_has(line(&f), "no decision");
}

static void line_names_the_root_of_a_scan_without_container(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "", "bin/x");
        f.outcome.root = "/srv/rootfs";
        assert_string_equal(line(&f), "postern: refused /srv/rootfs: bin/x matches XZ-BACKDOOR-001 "
                                      "(critical, high confidence)");
}

static void line_escapes_everything_that_others_wrote(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "a\nb\x1b[31m", "x\\y\r\xe2\x80\xae%n/\x7f");
        assert_has(line(&f),
                   "refused a\\x0ab\\x1b[31m: x\\x5cy\\x0d\\xe2\\x80\\xae%n/\\x7f matches XZ-BACKDOOR-001");
        begin_issue(&f, "c", "p", PN_ISSUE_CONTENT, "open `a\nb`");
        assert_has(line(&f), "undecided c: p: open `a\\x0ab` (content)");
        begin(&f, "", "");
        (void)pn_err_set(&f.err, PN_FAULT_CONFIG, 0, "`\x1b]0;x\a`");
        f.outcome.decision = NULL;
        f.outcome.error = &f.err;
        assert_string_equal(line(&f), "postern: error: `\\x1b]0;x\\x07`");
}

static void line_keeps_escapes_of_messages_as_they_are(void **state)
{
        struct fixture f;

        (void)state;
        begin_issue(&f, "c", "p", PN_ISSUE_CONTENT, "open `a\\x0ab`");
        assert_has(line(&f), ": open `a\\x0ab` (content)");
}

static void line_shortens_the_head_of_a_long_path_and_keeps_its_end(void **state)
{
        struct fixture f;
        size_t room;

        (void)state;
        begin(&f, ENGINE_ID, "usr/" A256 "/" A64 "/liblzma.so.5");
        assert_has(line(&f), "refused " ENGINE_ID ": ...");
        assert_has(f.line, "/liblzma.so.5 matches XZ-BACKDOOR-001 (critical, high confidence)");
        assert_lacks(f.line, "usr/");
        room = strlen(f.line);
        assert_in_range(room, 280 - 80,
                        PN_LINE_BYTES_MAX - 1); /* a component that does not fit goes as a whole */
}

static void line_keeps_the_end_of_a_long_name_of_escapes(void **state)
{
        char path[255 + 1];
        struct fixture f;

        (void)state;
        memset(path, '\n', 255);
        memcpy(path + 240, "-the-end.so.123", sizeof("-the-end.so.123"));
        begin(&f, ENGINE_ID, path);
        assert_has(line(&f), ": ...\\x0a\\x0a");
        assert_has(f.line, "\\x0a-the-end.so.123 matches XZ-BACKDOOR-001");
}

static void line_says_that_a_path_was_cut(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "c", "usr/bin/x");
        f.finding.path.cut = true;
        assert_has(line(&f), ": usr/bin/x... matches");
        begin(&f, "c", A256 A256);
        f.finding.path.cut = true;
        assert_has(line(&f), "aaaa... matches XZ-BACKDOOR-001");
}

static void line_keeps_verdict_path_end_and_rule_at_their_longest(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, A256, A256 "/the-name-of-the-file.so");
        memset(f.finding.rule, 'R', PN_RULE_ID_MAX - 1);
        f.finding.confidence = PN_CONFIDENCE_MEDIUM;
        f.decision.refusing = UINT32_MAX;
        f.decision.admitted = f.decision.would_refuse = true;
        f.decision.admitted_by = "monitor mode";
        f.outcome.warning = A256;
        assert_has(line(&f), "postern: would refuse aaaa");
        assert_has(f.line, "/the-name-of-the-file.so matches RRRR");
        assert_has(f.line, f.finding.rule);
        assert_has(f.line, " (critical, medium confidence) and 4294967294 more (monitor mode)");
        assert_lacks(f.line, "postern why");
}

static void line_keeps_class_and_path_beside_the_longest_words(void **state)
{
        struct fixture f;

        (void)state;
        begin_issue(&f, ENGINE_ID, A256 "/name.so", PN_ISSUE_UNSCANNABLE,
                    A64 A64 A64 "bbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
        assert_has(line(&f), "undecided " ENGINE_ID ": .../name.so: aaaa");
        assert_has(f.line, "... (unscannable); why: postern why 0123456789ab");
}

static void line_gives_the_short_id_of_an_engine_in_its_hint(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, ENGINE_ID, "bin/x");
        assert_has(line(&f), "; why: postern why 0123456789ab");
        assert_string_equal(strrchr(f.line, ' '), " 0123456789ab");
}

static void line_repeats_no_id_that_a_shell_would_run(void **state)
{
        static const char *const ids[] = {"$(reboot)", "a;reboot", "a b", "--audit=x", "`x`",
                                          "a\nb",      "a|b",      "a&b", "~x"};

        (void)state;
        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
                struct fixture f;

                begin(&f, ids[i], "bin/x");
                assert_string_equal(strstr(line(&f), "; why: "), "; why: postern why --last");
        }
}

static void line_gives_up_its_hint_before_the_end_of_the_path(void **state)
{
        static const char id[] = A16 A16 A16 "aaaaaaaaaaaa"; /* 60 characters, twice in a line with a hint */
        struct fixture f;

        (void)state;
        begin(&f, id, A256 "/" A64 "/the-name.so");
        f.decision.admitted = f.decision.would_refuse = true;
        f.decision.admitted_by = "monitor mode";
        assert_has(line(&f), "/" A64 "/the-name.so matches XZ-BACKDOOR-001");
        assert_lacks(f.line, "postern why");
}

static void line_ends_in_the_warning_when_there_is_room(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "web1", "bin/x");
        f.outcome.warning = "break-glass file is too old";
        assert_has(line(&f), "why: postern why web1; warning: break-glass file is too old");
        f.outcome.warning = A256;
        assert_int_equal(strlen(line(&f)), PN_LINE_BYTES_MAX - 1);
        assert_string_equal(f.line + strlen(f.line) - 3, "...");
        f.outcome.warning = "a\x1b[2J";
        assert_has(line(&f), "; warning: a\\x1b[2J");
}

static void line_and_reason_use_the_same_words(void **state)
{
        static const char *const ids[] = {"web1", ENGINE_ID, A256};
        static const char *const paths[] = {"bin/x", A256 "/x", ""};

        (void)state;
        for (size_t i = 0; i < 9; i++) {
                char reason[PN_LINE_BYTES_MAX];
                struct fixture f;

                begin(&f, ids[i / 3], paths[i % 3]);
                pn_record_reason(&f.outcome, reason, sizeof(reason));
                assert_has(reason, "XZ-BACKDOOR-001 (critical, high confidence)");
                assert_has(line(&f), reason);
        }
}

static void plain_path_fits_every_room(void **state)
{
        char dst[300];

        (void)state;
        for (size_t cap = 16; cap < sizeof(dst); cap++) {
                struct pn_path path = path_of("usr/\x01lib/" A64 "\xff/\n/" A64 "/liblzma.so.5");

                memset(dst, 'X', sizeof(dst));
                pn_plain_path(dst, cap, &path);
                assert_true(strlen(dst) < cap);
                assert_int_equal(dst[cap], 'X');
                assert_has(dst, "lzma.so.5");
                assert_int_equal(pn_plain_path_length(&path) < cap, strncmp(dst, "usr/", 4) == 0);
                path.cut = true;
                pn_plain_path(dst, cap, &path);
                assert_true(strlen(dst) < cap);
                assert_string_equal(dst + strlen(dst) - 3, "...");
        }
}

static void plain_path_never_begins_within_an_escape(void **state)
{
        char dst[64];
        struct pn_path path = path_of("\x01\x01\x01\x01\x01\x01\x01\x01");

        (void)state;
        for (size_t cap = 16; cap < 33; cap++) {
                pn_plain_path(dst, cap, &path);
                assert_int_equal((strlen(dst) - 3) % 4, 0);
                assert_int_equal(strncmp(dst, "...\\x01", 7), 0);
        }
}

static void line_of_a_scan_by_hand_admits_nothing_and_has_no_hint(void **state)
{
        struct fixture f;

        (void)state;
        begin(&f, "", "usr/lib/liblzma.so.5");
        f.outcome.by_hand = true;
        f.outcome.root = "/srv/tree";
        pn_record_line(&f.outcome, f.line, sizeof(f.line));
        assert_string_equal(f.line, "postern: refused /srv/tree: usr/lib/liblzma.so.5 matches XZ-BACKDOOR-001 "
                                    "(critical, high confidence)");
        f.decision = (struct pn_decision){
                .verdict = PN_VERDICT_CLEAN, .admitted = true, .admitted_by = "policy", .why = ""};
        pn_record_line(&f.outcome, f.line, sizeof(f.line));
        assert_string_equal(f.line, "postern: clean /srv/tree: 0 files, 0 ELF");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(line_of_a_scan_by_hand_admits_nothing_and_has_no_hint),
                cmocka_unit_test(line_of_a_refusal_names_container_path_rule_and_how_sure),
                cmocka_unit_test(line_counts_further_findings),
                cmocka_unit_test(line_of_an_undecided_scan_has_path_words_and_class),
                cmocka_unit_test(line_says_what_the_acceptance_sentence_misses),
                cmocka_unit_test(line_of_monitor_mode_says_would_refuse_and_by_what_it_was_admitted),
                cmocka_unit_test(line_of_an_admission_counts_files_and_gives_no_hint),
                cmocka_unit_test(line_of_an_error_needs_neither_container_nor_decision),
                cmocka_unit_test(line_names_the_root_of_a_scan_without_container),
                cmocka_unit_test(line_escapes_everything_that_others_wrote),
                cmocka_unit_test(line_keeps_escapes_of_messages_as_they_are),
                cmocka_unit_test(line_shortens_the_head_of_a_long_path_and_keeps_its_end),
                cmocka_unit_test(line_keeps_the_end_of_a_long_name_of_escapes),
                cmocka_unit_test(line_says_that_a_path_was_cut),
                cmocka_unit_test(line_keeps_verdict_path_end_and_rule_at_their_longest),
                cmocka_unit_test(line_keeps_class_and_path_beside_the_longest_words),
                cmocka_unit_test(line_gives_the_short_id_of_an_engine_in_its_hint),
                cmocka_unit_test(line_repeats_no_id_that_a_shell_would_run),
                cmocka_unit_test(line_gives_up_its_hint_before_the_end_of_the_path),
                cmocka_unit_test(line_ends_in_the_warning_when_there_is_room),
                cmocka_unit_test(line_and_reason_use_the_same_words),
                cmocka_unit_test(plain_path_fits_every_room),
                cmocka_unit_test(plain_path_never_begins_within_an_escape),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
