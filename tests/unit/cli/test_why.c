/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/cli/cmd.h"
#include "hook/report/lookup.h"
#include "hook/report/report.h"

#define ENGINE_ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define WHEN 1763759792 /* 2025-11-21T21:16:32Z */

/* What a file of 60 MiB may cost. AddressSanitizer keeps 256 MiB of freed memory, so there it says nothing.
 */
#ifdef __SANITIZE_ADDRESS__
#define SLACK_KIB (1L << 20)
#else
#define SLACK_KIB (16L << 10)
#endif

struct fixture {
        char dir[64];
        char audit[96];
        char rotated[128];
        struct pn_finding finding;
        struct pn_findings all;
        struct pn_decision decision;
        struct pn_outcome outcome;
        int code;
        char *out;
        char *err;
};

static int begin(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        strcpy(f->dir, "/tmp/postern-why.XXXXXX");
        if (!mkdtemp(f->dir))
                return -1;
        snprintf(f->audit, sizeof(f->audit), "%s/audit.jsonl", f->dir);
        snprintf(f->rotated, sizeof(f->rotated), "%s.1", f->audit);
        f->finding = (struct pn_finding){
                .severity = PN_SEVERITY_CRITICAL,
                .confidence = PN_CONFIDENCE_HIGH,
                .detector = "yara",
                .rule = "XZ-BACKDOOR-001",
                .title = "back door in liblzma",
                .remedy = "rebuild the image from clean packages",
                .source = "CVE-2024-3094",
                .path = {.bytes = (char *)(uintptr_t) "usr/lib/liblzma.so.5", .len = 20},
                .size_bytes = 258888,
                .has_sha256 = true,
                .sha256 = {0xab},
                .evidence_count = 1,
                .evidence = {{.string = "$prologue",
                              .offset = 4096,
                              .match_bytes = 40,
                              .kept = 4,
                              .bytes = "\xf3Hi!"}},
        };
        f->decision = (struct pn_decision){
                .verdict = PN_VERDICT_REFUSED, .admitted_by = "", .why = "", .refusing = 1};
        f->outcome = (struct pn_outcome){.program = "postern-hook",
                                         .id = "web-server",
                                         .bundle = "/run/b",
                                         .root = "/run/b/rootfs",
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
        char command[128];

        snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
        pn_findings_clear(&f->all);
        free(f->out);
        free(f->err);
        free(f);
        return system(command);
}

static void append_text(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static void append_record(struct fixture *f, const char *path)
{
        json_t *record = pn_record_make(&f->outcome);
        char *text = pn_record_text(record);

        append_text(path, text);
        append_text(path, "\n");
        json_decref(record);
        free(text);
}

/* A refusal by the finding of the fixture. */
static void append_refusal(struct fixture *f, const char *id)
{
        pn_findings_clear(&f->all);
        assert_int_equal(pn_findings_add(&f->all, &f->finding), 0);
        f->decision.finding = &f->all.finding[0];
        f->outcome.id = id;
        append_record(f, f->audit);
}

static char *take(FILE *file)
{
        size_t cap = 4 << 20, n;
        char *text = malloc(cap);

        rewind(file);
        n = fread(text, 1, cap - 1, file);
        text[n] = '\0';
        fclose(file);
        return text;
}

/* Runs `postern why ARG...` (up to NULL). All it prints is printable ASCII. */
static void why(struct fixture *f, ...)
{
        char *argv[16] = {(char *)(uintptr_t) "why"};
        int argc = 1, out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
        FILE *to_out = tmpfile(), *to_err = tmpfile();
        va_list ap;

        va_start(ap, f);
        while ((argv[argc] = va_arg(ap, char *)))
                argc++;
        va_end(ap);
        fflush(stdout);
        dup2(fileno(to_out), STDOUT_FILENO);
        dup2(fileno(to_err), STDERR_FILENO);
        f->code = pn_cmd_why(argc, argv);
        fflush(stdout);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        close(out);
        close(err);
        free(f->out);
        free(f->err);
        f->out = take(to_out);
        f->err = take(to_err);
        for (const char *text = f->out; *text; text++)
                assert_true(*text == '\n' || (*text >= 0x20 && *text <= 0x7e));
        for (const char *text = f->err; *text; text++)
                assert_true(*text == '\n' || (*text >= 0x20 && *text <= 0x7e));
}

static void assert_has(const char *text, const char *part)
{
        if (!strstr(text, part))
                fail_msg("`%s` is not in:\n%s", part, text);
}

static void assert_lacks(const char *text, const char *part)
{
        if (strstr(text, part))
                fail_msg("`%s` is in:\n%s", part, text);
}

/* The exceptions file that was proposed. */
static json_t *proposed(const struct fixture *f)
{
        const char *begins = strstr(f->out, "{\n");
        json_t *file = begins ? json_loads(begins, JSON_DISABLE_EOF_CHECK, NULL) : NULL;

        if (!file)
                fail_msg("no exceptions file in:\n%s", f->out);
        return file;
}

static void why_tells_a_refusal_in_words(void **state)
{
        static const char *const parts[] = {
                "container web-server was refused: it holds what this node refuses\n",
                "reason       usr/lib/liblzma.so.5 matches XZ-BACKDOOR-001 (critical, high confidence)\n",
                "when         2025-11-21T21:16:32Z\n",
                "mode         enforce\n",
                "exit code    10\n",
                "bundle       /run/b\n",
                "root         /run/b/rootfs\n",
                "decided by XZ-BACKDOOR-001: back door in liblzma\n",
                "file         usr/lib/liblzma.so.5 (258888 bytes)\n",
                "how sure     severity critical, confidence high, detector yara\n",
                "bytes        $prologue at offset 4096, 40 bytes: f3 48 69 21  |.Hi!|\n",
                "sha256       ab00000000000000000000000000000000000000000000000000000000000000\n",
                "source       CVE-2024-3094\n",
                "what to do   rebuild the image from clean packages\n",
        };
        struct fixture *f = *state;

        append_refusal(f, "web-server");
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 0);
        assert_string_equal(f->err, "");
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                assert_has(f->out, parts[i]);
        assert_lacks(f->out, "older record");
}

static void why_says_would_refuse_and_what_admitted_it(void **state)
{
        struct fixture *f = *state;

        f->outcome.mode = PN_MODE_MONITOR;
        f->outcome.exit_code = 0;
        f->decision.admitted = f->decision.would_refuse = true;
        f->decision.admitted_by = "monitor mode";
        append_refusal(f, "web-server");
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_has(
                f->out,
                "web-server was started, postern would refuse it (admitted by monitor mode): it holds what");
        assert_has(f->out, "mode         monitor\n");
}

static void why_tells_an_admission(void **state)
{
        struct fixture *f = *state;

        f->outcome.exit_code = 0;
        f->decision = (struct pn_decision){
                .verdict = PN_VERDICT_CLEAN, .admitted = true, .admitted_by = "policy", .why = ""};
        f->all.tally = (struct pn_tally){.objects_seen = 812, .parse_asked = 310, .bytes = 12345};
        append_record(f, f->audit);
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_has(f->out, "container web-server was admitted: nothing was found");
        assert_has(f->out, "scanned      812 files, 310 of them ELF, 12345 bytes in 0 ms\n");
        assert_lacks(f->out, "exception");
}

static void why_says_what_was_not_decided_what_to_do_and_what_was_not_looked_at(void **state)
{
        struct fixture *f = *state;
        struct pn_path path = {.bytes = (char *)(uintptr_t) "bin/x\n", .len = 6};

        assert_int_equal(pn_findings_add_issue(&f->all, PN_ISSUE_LIMIT, &path, "limits.depth reached"), 0);
        assert_int_equal(pn_findings_add_issue(&f->all, PN_ISSUE_NODE, NULL, "no rules"), 0);
        for (int i = 0; i < 30; i++)
                assert_int_equal(pn_findings_add_note(&f->all, &path, "a proc file system"), 0);
        f->decision = (struct pn_decision){
                .verdict = PN_VERDICT_UNDECIDED, .admitted_by = "", .why = "", .issue = &f->all.issue[0]};
        append_record(f, f->audit);
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_has(f->out, "was refused: the scan has no complete answer");
        assert_has(f->out, "\nno complete answer, because\n  bin/x\\x0a: limits.depth reached (limit)\n  no "
                           "rules (node)\n");
        assert_has(f->out, "what to do   make the image smaller, or raise that key of `limits` in "
                           "/etc/postern/policy.json");
        assert_has(f->out, "what to do   repair this node");
        assert_has(f->out, "\nnot looked at\n  bin/x\\x0a: a proc file system\n");
        assert_has(f->out, "  and 14 more\n");
        assert_lacks(f->out, "exception");
}

static void why_tells_an_error_and_whose_fault_it_was(void **state)
{
        struct fixture *f = *state;
        struct pn_err err = PN_ERR_INIT;

        (void)pn_err_set(&err, PN_FAULT_CONFIG, 0, "policy.json: limits.depth: unknown key");
        f->outcome.decision = NULL;
        f->outcome.findings = NULL;
        f->outcome.error = &err;
        f->outcome.id = "";
        f->outcome.exit_code = 100;
        append_record(f, f->audit);
        why(f, "--audit", f->audit, "--last", NULL);
        assert_int_equal(f->code, 0);
        assert_has(f->out, "error        policy.json: limits.depth: unknown key\n");
        assert_has(f->out, "fault of     config\n");
        assert_has(f->out, "what to do   repair what the error names");
        assert_has(f->out, "exit code    100\n");
}

static void why_proposes_an_exception_that_a_policy_takes(void **state)
{
        struct fixture *f = *state;
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;
        char *list, *text = NULL;
        json_t *whole;

        f->finding.path = (struct pn_path){.bytes = (char *)(uintptr_t) "usr/l\xc3\xa4\x7f\n/x", .len = 11};
        append_refusal(f, "web-server");
        why(f, "--audit", f->audit, "web-server", NULL);
        whole = proposed(f);
        assert_has(f->out, "save as\n/etc/postern/exceptions.d/NAME.json");
        list = json_dumps(json_object_get(whole, "exceptions"), JSON_COMPACT);
        assert_true(asprintf(&text, "{\"mode\": \"enforce\", \"exceptions\": %s}", list) > 0);
        if (pn_policy_parse("policy.json", text, strlen(text), &policy, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(policy->exception_count, 1);
        assert_string_equal(policy->exception[0].rule, "XZ-BACKDOOR-001");
        assert_string_equal(policy->exception[0].path, "usr/l\xc3\xa4\x7f\n/x");
        assert_int_equal(policy->exception[0].sha256[0], 0xab);
        pn_policy_free(policy);
        free(text);
        free(list);
        json_decref(whole);
}

static void why_proposes_no_exception_where_there_can_be_none(void **state)
{
        static const struct {
                const char *name, *rule, *path;
                bool digest, cut;
                enum pn_confidence confidence;
        } rows[] = {
                {"the test marker", PN_TEST_RULE, "bin/x", true, false, PN_CONFIDENCE_HIGH},
                {"no digest", "R", "bin/x", false, false, PN_CONFIDENCE_HIGH},
                {"a path that was cut", "R", "bin/x", true, true, PN_CONFIDENCE_HIGH},
                {"a path that is not UTF-8", "R", "bin/\xff", true, false, PN_CONFIDENCE_HIGH},
                {"low confidence", "R", "bin/x", true, false, PN_CONFIDENCE_LOW},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                print_message("%s\n", rows[i].name);
                snprintf(f->finding.rule, sizeof(f->finding.rule), "%s", rows[i].rule);
                f->finding.path = (struct pn_path){.bytes = (char *)(uintptr_t)rows[i].path,
                                                   .len = (uint32_t)strlen(rows[i].path),
                                                   .cut = rows[i].cut};
                f->finding.has_sha256 = rows[i].digest;
                f->finding.confidence = rows[i].confidence;
                append_refusal(f, "web-server");
                why(f, "--audit", f->audit, "web-server", NULL);
                assert_int_equal(f->code, 0);
                assert_has(f->out, "\nno exception can be written for this\n");
                assert_lacks(f->out, "\"exceptions\"");
        }
}

static void why_says_that_an_exception_no_longer_fits(void **state)
{
        struct fixture *f = *state;
        char rule[] = "R", path[] = "bin/x", reason[] = "tested", owner[] = "ops", file[] = "/etc/x.json";
        struct pn_exception stale = {.rule = rule,
                                     .path = path,
                                     .reason = reason,
                                     .owner = owner,
                                     .expires_s = WHEN,
                                     .file = file};

        f->decision.stale = &stale;
        append_refusal(f, "web-server");
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_has(f->out, "fits in all but its digest or its expiry");
        assert_has(f->out, "file         /etc/x.json\n");
        assert_has(f->out, "expires      2025-11-21T21:16:32Z\n");
}

static void why_prints_the_first_of_a_flood_and_counts_the_rest(void **state)
{
        struct fixture *f = *state;
        unsigned shown = 0;

        for (int i = 0; i < 300; i++)
                assert_int_equal(pn_findings_add(&f->all, &f->finding), 0);
        f->decision.finding = &f->all.finding[0];
        append_record(f, f->audit);
        why(f, "--audit", f->audit, "web-server", NULL);
        for (const char *at = f->out; (at = strstr(at, "how sure")); at++)
                shown++;
        assert_int_equal(shown, 8);
        assert_has(f->out, "\n300 findings in all");
}

static void why_prints_the_record_as_json(void **state)
{
        struct fixture *f = *state;
        json_t *wanted, *got;

        append_refusal(f, "web-server");
        why(f, "--audit", f->audit, "--json", "web-server", NULL);
        assert_int_equal(f->code, 0);
        wanted = json_load_file(f->audit, 0, NULL);
        got = json_loads(f->out, 0, NULL);
        assert_non_null(got);
        assert_true(json_equal(wanted, got));
        json_decref(wanted);
        json_decref(got);
}

static void why_takes_the_newest_record_and_counts_the_others_in_both_files(void **state)
{
        struct fixture *f = *state;

        append_record(f, f->rotated);
        append_record(f, f->rotated);
        f->outcome.bundle = "/run/newer";
        append_refusal(f, "web-server");
        f->outcome.bundle = "/run/other";
        append_refusal(f, "other");
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_has(f->out, "bundle       /run/newer\n");
        assert_has(f->out, "\n2 older records of this container in the audit file\n");
        why(f, "--audit", f->audit, "--last", NULL);
        assert_has(f->out, "bundle       /run/other\n");
        assert_lacks(f->out, "older record");
}

static void why_finds_what_only_the_rotated_file_has(void **state)
{
        struct fixture *f = *state;

        append_record(f, f->rotated);
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 0);
        append_refusal(f, "other");
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 0);
        assert_has(f->out, "container web-server");
}

static void why_takes_the_short_id_that_engines_show(void **state)
{
        struct fixture *f = *state;

        append_refusal(f, ENGINE_ID);
        why(f, "--audit", f->audit, "0123456789ab", NULL);
        assert_int_equal(f->code, 0);
        assert_has(f->out, "container " ENGINE_ID " was refused");
        why(f, "--audit", f->audit, "012345", NULL);
        assert_int_equal(f->code, 0);
}

static void why_takes_no_shorter_beginning_and_no_other_part(void **state)
{
        static const char *const ids[] = {"01234", "123456", "0123456789ac", ENGINE_ID "0", "0"};
        struct fixture *f = *state;

        append_refusal(f, ENGINE_ID);
        for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
                why(f, "--audit", f->audit, ids[i], NULL);
                assert_int_equal(f->code, 1);
                assert_string_equal(f->out, "");
                assert_has(f->err, "no record of container `");
        }
}

static void why_refuses_a_beginning_of_two_containers_and_names_them(void **state)
{
        struct fixture *f = *state;

        append_refusal(f, "web-server-1");
        append_refusal(f, "web-server-2");
        append_refusal(f, "web-server-2");
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 1);
        assert_string_equal(f->out, "");
        assert_has(f->err, "`web-server` is the beginning of more than one container");
        assert_has(f->err, "  web-server-1\n");
        assert_has(f->err, "  web-server-2\n");
}

static void why_takes_an_exact_id_before_longer_ones(void **state)
{
        struct fixture *f = *state;

        append_refusal(f, "web-server");
        append_refusal(f, "web-server-2");
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 0);
        assert_has(f->out, "container web-server was refused");
        assert_lacks(f->out, "older record");
}

static void why_finds_a_hostile_id_raw_and_as_it_is_shown(void **state)
{
        struct fixture *f = *state;

        append_refusal(f, "a\nb\x1b[2J\"\\");
        why(f, "--audit", f->audit, "a\nb\x1b[2J\"\\", NULL);
        assert_int_equal(f->code, 0);
        assert_has(f->out, "container a\\x0ab\\x1b[2J\"\\x5c was refused");
        why(f, "--audit", f->audit, "a\\x0ab\\x1b[2J\"\\x5c", NULL);
        assert_int_equal(f->code, 0);
        append_refusal(f, "\x01"); /* too short to be found by its beginning */
        why(f, "--audit", f->audit, "\x01", NULL);
        assert_int_equal(f->code, 0);
        why(f, "--audit", f->audit, "\n\x1b[2J", NULL);
        assert_int_equal(f->code, 1);
        assert_has(f->err, "`\\x0a\\x1b[2J`");
}

static void why_names_the_files_that_have_no_such_record(void **state)
{
        struct fixture *f = *state;

        append_refusal(f, "other");
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 1);
        assert_has(f->err, "no record of container `web-server` in `");
        assert_has(f->err, f->audit);
        assert_has(f->err, f->rotated);
}

static void why_skips_broken_lines_and_counts_them(void **state)
{
        struct fixture *f = *state;
        char *fat = malloc(3 * PN_LOOKUP_LINE_MAX);

        append_refusal(f, "web-server");
        append_text(f->audit, "{\"id\":\"web-server\",\"verdict\":\"ref\n"); /* torn */
        append_text(f->audit, "{\"id\":\"web-server\"}\n");                  /* no record */
        append_text(f->audit, "{\"id\":5,\"verdict\":\"clean\"}\n[]\n");     /* two more */
        append_text(f->audit, "\n");                                         /* nothing */
        memset(fat, 'x', 3 * PN_LOOKUP_LINE_MAX);
        fat[3 * PN_LOOKUP_LINE_MAX - 1] = '\0';
        append_text(f->audit, fat);
        append_text(f->audit, "\n");
        free(fat);
        f->outcome.bundle = "/run/newest";
        append_refusal(f, "web-server");
        append_text(f->audit, "{\"id\":\"web-server\""); /* being written, or torn */
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 0);
        assert_has(f->out, "/run/newest");
        assert_has(f->out, "\n1 older record of this");
        assert_has(f->err, "postern: why: skipped 6 broken lines in `");
}

static void why_reads_a_large_file_with_bounded_memory(void **state)
{
        struct fixture *f = *state;
        struct rusage before, after;
        FILE *out;

        append_refusal(f, "web-server");
        out = fopen(f->audit, "ae");
        for (int i = 0; i < 40000; i++)
                fprintf(out, "{\"schema\":1,\"verdict\":\"clean\",\"id\":\"c%d\",\"pad\":\"%01500d\"}\n", i,
                        0);
        fclose(out);
        getrusage(RUSAGE_SELF, &before);
        why(f, "--audit", f->audit, "web-server", NULL);
        getrusage(RUSAGE_SELF, &after);
        assert_int_equal(f->code, 0);
        assert_true(after.ru_maxrss - before.ru_maxrss < SLACK_KIB);
}

static void why_fails_when_the_audit_file_cannot_be_trusted_or_read(void **state)
{
        struct fixture *f = *state;

        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 2);
        assert_has(f->err, "no audit file: neither `");
        append_refusal(f, "web-server");
        assert_int_equal(chmod(f->audit, 0666), 0);
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 2);
        assert_has(f->err, "can be written by group or others");
        assert_int_equal(chmod(f->audit, 0600) + chown(f->audit, 12345, 12345), 0);
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 2);
        assert_has(f->err, "is not owned by root");
        assert_int_equal(chown(f->audit, 0, 0) + mkdir(f->rotated, 0755), 0);
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_int_equal(f->code, 2);
        assert_has(f->err, "is not a regular file");
        assert_string_equal(f->out, "");
}

static void why_prints_what_a_strange_record_has_and_no_more(void **state)
{
        static const char *const records[] = {
                "{\"id\":\"web-server\",\"verdict\":\"strange\"}\n",
                "{\"id\":\"web-server\",\"verdict\":\"refused\",\"findings\":[5,{},{\"rule\":\"R\","
                "\"sha256\":\"x\","
                "\"path_b64\":\"!!!\",\"evidence\":[{\"bytes\":\"zz\"},{\"bytes\":\"f\"},7]}],\"issues\":{},"
                "\"notes\":[[]],"
                "\"counts\":[],\"issues_total\":3,\"stale_exception\":\"x\",\"time\":7}\n",
                "{\"id\":\"web-server\",\"verdict\":\"re\\u001b[2Jfused\\u007f\\u202e\",\"reason\":"
                "\"\\n\\r\"}\n",
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
                append_text(f->audit, records[i]);
                why(f, "--audit", f->audit, "web-server", NULL);
                assert_int_equal(f->code, 0);
                assert_has(f->out, "container web-server was refused");
                why(f, "--audit", f->audit, "--json", "web-server", NULL);
                assert_int_equal(f->code, 0);
        }
        why(f, "--audit", f->audit, "web-server", NULL);
        assert_has(f->out, "verdict      re\\x1b[2Jfused\\x7f\\xe2\\x80\\xae\n");
        assert_has(f->out, "reason       \\x0a\\x0d\n");
}

static void why_refuses_a_wrong_command_line(void **state)
{
        static const struct {
                const char *name;
                const char *arg[4];
                const char *expected;
        } rows[] = {
                {"nothing", {NULL}, "one ID is needed"},
                {"two ids", {"a", "b"}, "one ID is needed"},
                {"an empty id", {""}, "the ID is empty"},
                {"an id and --last", {"--last", "a"}, "--last takes no ID"},
                {"an unknown option", {"--\x1b", "a"}, "unknown option `--\\x1b`"},
                {"an option without its value", {"a", "--audit"}, "`--audit` needs a value"},
                {"a value too many", {"--json=x", "a"}, "unknown option"},
        };
        struct fixture *f = *state;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                print_message("%s\n", rows[i].name);
                why(f, rows[i].arg[0], rows[i].arg[1], rows[i].arg[2], NULL);
                assert_int_equal(f->code, 64);
                assert_string_equal(f->out, "");
                assert_has(f->err, rows[i].expected);
                assert_has(f->err, "usage: postern why");
        }
        why(f, "--help", NULL);
        assert_int_equal(f->code, 0);
        assert_has(f->out, "usage: postern why");
}

static void why_takes_an_id_that_looks_like_an_option(void **state)
{
        struct fixture *f = *state;

        append_refusal(f, "--json");
        why(f, "--audit", f->audit, "--", "--json", NULL);
        assert_int_equal(f->code, 0);
        assert_has(f->out, "container --json was refused");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(why_tells_a_refusal_in_words),
                TEST(why_says_would_refuse_and_what_admitted_it),
                TEST(why_tells_an_admission),
                TEST(why_says_what_was_not_decided_what_to_do_and_what_was_not_looked_at),
                TEST(why_tells_an_error_and_whose_fault_it_was),
                TEST(why_proposes_an_exception_that_a_policy_takes),
                TEST(why_proposes_no_exception_where_there_can_be_none),
                TEST(why_says_that_an_exception_no_longer_fits),
                TEST(why_prints_the_first_of_a_flood_and_counts_the_rest),
                TEST(why_prints_the_record_as_json),
                TEST(why_takes_the_newest_record_and_counts_the_others_in_both_files),
                TEST(why_finds_what_only_the_rotated_file_has),
                TEST(why_takes_the_short_id_that_engines_show),
                TEST(why_takes_no_shorter_beginning_and_no_other_part),
                TEST(why_refuses_a_beginning_of_two_containers_and_names_them),
                TEST(why_takes_an_exact_id_before_longer_ones),
                TEST(why_finds_a_hostile_id_raw_and_as_it_is_shown),
                TEST(why_names_the_files_that_have_no_such_record),
                TEST(why_skips_broken_lines_and_counts_them),
                TEST(why_reads_a_large_file_with_bounded_memory),
                TEST(why_fails_when_the_audit_file_cannot_be_trusted_or_read),
                TEST(why_prints_what_a_strange_record_has_and_no_more),
                TEST(why_refuses_a_wrong_command_line),
                TEST(why_takes_an_id_that_looks_like_an_option),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
