/* SPDX-License-Identifier: Apache-2.0 */
/* All sinks together, with the places that stand in the program: in a mount namespace of this program's own.
 */
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
#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hook/report/report.h"
#include "scanner/base/clock.h"

#define AUDIT_DIR "/var/log/postern"
#define FILLED (1U << 20)

struct fixture {
        struct pn_finding finding;
        struct pn_findings all;
        struct pn_decision decision;
        struct pn_outcome outcome;
        struct pn_policy policy;
        char printed[4096];
};

static int begin_all(void **state)
{
        (void)state;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                print_error("a mount namespace: %s\n", strerror(errno));
                return -1;
        }
        return 0;
}

/* Nothing there: no journal, no syslog, no directory for the audit file. */
static int begin(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        *state = f;
        strcpy(f->finding.rule, "XZ-BACKDOOR-001");
        f->finding.path = (struct pn_path){.bytes = (char *)(uintptr_t) "bin/x", .len = 5};
        f->finding.severity = PN_SEVERITY_CRITICAL;
        f->finding.confidence = PN_CONFIDENCE_HIGH;
        f->decision = (struct pn_decision){.verdict = PN_VERDICT_REFUSED,
                                           .admitted_by = "",
                                           .why = "",
                                           .finding = &f->finding,
                                           .refusing = 1};
        f->outcome = (struct pn_outcome){.program = "postern-hook",
                                         .id = "web1",
                                         .bundle = "",
                                         .root = "",
                                         .mode = PN_MODE_ENFORCE,
                                         .exit_code = 10,
                                         .decision = &f->decision,
                                         .findings = &f->all,
                                         .break_glass = "",
                                         .warning = ""};
        f->policy = (struct pn_policy){.mode = PN_MODE_ENFORCE, .audit_max_bytes = 1U << 20};
        return mount("tmpfs", "/var/log", "tmpfs", 0, "size=1m") < 0 ||
               mount("tmpfs", "/run", "tmpfs", 0, "") < 0 || mount("tmpfs", "/dev", "tmpfs", 0, "") < 0;
}

static int end(void **state)
{
        free(*state);
        return umount2("/var/log", MNT_DETACH) < 0 || umount2("/run", MNT_DETACH) < 0 ||
               umount2("/dev", MNT_DETACH) < 0;
}

/* What pn_report() prints; each line of it is whole, short and printable. */
static const char *report(struct fixture *f, const struct pn_policy *policy, bool verbose)
{
        int ends[2], old = dup(STDERR_FILENO);
        ssize_t n;

        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
        pn_report(&f->outcome, policy, verbose);
        assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
        n = read(ends[0], f->printed, sizeof(f->printed) - 1);
        f->printed[n > 0 ? n : 0] = '\0';
        close(ends[0]);
        close(ends[1]);
        close(old);
        for (char *at = f->printed, *next; *at; at = next + 1) {
                next = strchr(at, '\n');
                assert_non_null(next);
                assert_in_range(next + 1 - at, 1, PN_LINE_BYTES_MAX);
                for (; at < next; at++)
                        assert_in_range(*at, 0x20, 0x7e);
        }
        return f->printed;
}

static json_t *audited(const char *path)
{
        json_t *record = json_load_file(path, JSON_DISABLE_EOF_CHECK, NULL);

        if (!record)
                fail_msg("no record in `%s`", path);
        return record;
}

static int listen_at(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        strcpy(address.sun_path, path);
        assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
        return fd;
}

#define LINE                                                                                                 \
        "postern: refused web1: bin/x matches XZ-BACKDOOR-001 (critical, high confidence); why: postern "    \
        "why web1\n"

static void report_prints_the_line_and_writes_the_audit_file(void **state)
{
        struct fixture *f = *state;
        char file[] = "/run/audit.jsonl";
        json_t *record;

        f->policy.audit_file = file;
        assert_string_equal(report(f, &f->policy, false), LINE);
        record = audited(file);
        assert_string_equal(json_string_value(json_object_get(record, "verdict")), "refused");
        assert_string_equal(json_string_value(json_object_get(record, "reason")),
                            "bin/x matches XZ-BACKDOOR-001 (critical, high confidence)");
        json_decref(record);
}

static void report_of_a_plain_admission_prints_nothing_but_is_recorded(void **state)
{
        struct fixture *f = *state;
        char file[] = "/run/audit.jsonl";

        f->policy.audit_file = file;
        f->decision = (struct pn_decision){
                .verdict = PN_VERDICT_CLEAN, .admitted = true, .admitted_by = "policy", .why = ""};
        assert_string_equal(report(f, &f->policy, false), "");
        json_decref(audited(file));
        assert_string_equal(report(f, &f->policy, true), "postern: admitted web1: 0 files, 0 ELF\n");
        f->outcome.warning = "no rules were loaded from `x`";
        assert_string_equal(
                report(f, &f->policy, false),
                "postern: admitted web1: 0 files, 0 ELF; warning: no rules were loaded from `x`\n");
        f->outcome.warning = "";
        f->outcome.break_glass = "storm";
        assert_string_equal(report(f, &f->policy, false), "postern: admitted web1: 0 files, 0 ELF\n");
        f->outcome.break_glass = "";
        f->decision.would_refuse = true;
        f->decision.admitted_by = "monitor mode";
        assert_non_null(strstr(report(f, &f->policy, false), "postern: would refuse web1"));
}

static void report_without_policy_uses_the_journal_and_the_usual_file(void **state)
{
        struct fixture *f = *state;
        char received[65536];
        ssize_t n;
        int fd;

        assert_int_equal(mkdir("/run/systemd", 0755) + mkdir("/run/systemd/journal", 0755), 0);
        assert_int_equal(mkdir(AUDIT_DIR, 0700), 0);
        fd = listen_at("/run/systemd/journal/socket");
        assert_string_equal(report(f, NULL, false), LINE);
        n = read(fd, received, sizeof(received) - 1);
        assert_true(n > 0);
        received[n] = '\0';
        assert_int_equal(strncmp(received, "MESSAGE=postern: refused web1: bin/x", 36), 0);
        assert_non_null(strstr(received, "\nPRIORITY=3\n"));
        close(fd);
        json_decref(audited(AUDIT_DIR "/audit.jsonl"));
}

static void report_falls_back_to_dev_log(void **state)
{
        struct fixture *f = *state;
        char received[65536] = "";
        int fd = listen_at("/dev/log");

        f->policy.journal = true;
        assert_string_equal(report(f, &f->policy, false), LINE);
        assert_true(read(fd, received, sizeof(received) - 1) > 0);
        assert_int_equal(strncmp(received, "<27>", 4), 0);
        close(fd);
}

static void report_names_every_sink_that_fails_in_one_more_line(void **state)
{
        struct fixture *f = *state;
        const char *line = report(f, NULL, false);

        assert_int_equal(strncmp(line, LINE, strlen(LINE)), 0);
        line += strlen(LINE);
        assert_string_equal(
                line, "postern: warning: audit file: open directory `/var/log/postern/`: No such file or "
                      "directory, ignoring\n"
                      "postern: warning: journal: send to `/run/systemd/journal/socket`: No such file or "
                      "directory; send to `/dev/log`: No such file or directory, ignoring\n");
}

static void report_asks_no_sink_that_the_policy_has_turned_off(void **state)
{
        struct fixture *f = *state;

        f->policy.journal = false;
        f->policy.audit_file = NULL;
        assert_string_equal(report(f, &f->policy, false), LINE);
}

static void report_escapes_the_name_of_a_sink_that_fails(void **state)
{
        struct fixture *f = *state;
        char file[600];

        memset(file, '\n', sizeof(file));
        memcpy(file, "/run/\x1b[2J", 9);
        file[sizeof(file) - 1] = '\0';
        f->policy.audit_file = file;
        assert_non_null(strstr(report(f, &f->policy, false), "\\x1b[2J\\x0a"));
}

static void report_goes_on_with_the_journal_when_the_disk_is_full(void **state)
{
        struct fixture *f = *state;
        static char zeros[FILLED];
        char received[65536];
        int fd, filler;

        assert_int_equal(mkdir(AUDIT_DIR, 0700), 0);
        filler = open("/var/log/filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(write(filler, zeros, sizeof(zeros)) > 0);
        assert_int_equal(close(filler), 0);
        assert_int_equal(mkdir("/run/systemd", 0755) + mkdir("/run/systemd/journal", 0755), 0);
        fd = listen_at("/run/systemd/journal/socket");
        assert_string_equal(
                report(f, NULL, false),
                LINE "postern: warning: audit file: write to `/var/log/postern/audit.jsonl`: No space left "
                     "on device, ignoring\n");
        assert_true(read(fd, received, sizeof(received)) > 0);
        close(fd);
}

static void report_tells_the_journal_how_bad_it_is(void **state)
{
        static const struct {
                const char *name;
                enum pn_verdict verdict;
                bool admitted, would_refuse;
                unsigned reported;
                const char *priority;
        } rows[] = {
                {"refused", PN_VERDICT_REFUSED, false, false, 0, "\nPRIORITY=3\n"},
                {"undecided", PN_VERDICT_UNDECIDED, false, false, 0, "\nPRIORITY=3\n"},
                {"would refuse", PN_VERDICT_REFUSED, true, true, 0, "\nPRIORITY=4\n"},
                {"admitted with findings", PN_VERDICT_CLEAN, true, false, 1, "\nPRIORITY=5\n"},
                {"admitted", PN_VERDICT_CLEAN, true, false, 0, "\nPRIORITY=6\n"},
        };
        struct fixture *f = *state;
        int fd;

        assert_int_equal(mkdir("/run/systemd", 0755) + mkdir("/run/systemd/journal", 0755), 0);
        fd = listen_at("/run/systemd/journal/socket");
        f->policy.journal = true;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char received[65536];
                ssize_t n;

                print_message("%s\n", rows[i].name);
                f->decision.verdict = rows[i].verdict;
                f->decision.admitted = rows[i].admitted;
                f->decision.would_refuse = rows[i].would_refuse;
                f->decision.reported = rows[i].reported;
                f->decision.finding = rows[i].verdict == PN_VERDICT_REFUSED ? &f->finding : NULL;
                (void)report(f, &f->policy, false);
                n = read(fd, received, sizeof(received) - 1);
                received[n > 0 ? n : 0] = '\0';
                assert_non_null(strstr(received, rows[i].priority));
        }
        close(fd);
}

static void report_does_not_wait_for_a_runtime_that_does_not_read(void **state)
{
        struct fixture *f = *state;
        char file[] = "/run/audit.jsonl", full[4096] = "";
        int ends[2], old = dup(STDERR_FILENO);
        int64_t before;

        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        while (write(ends[1], full, sizeof(full)) > 0)
                ;
        assert_int_equal(fcntl(ends[1], F_SETFL, 0), 0); /* a write would now wait for ever */
        f->policy.audit_file = file;
        assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
        before = pn_clock_now_ms();
        pn_report(&f->outcome, &f->policy, false);
        before = pn_clock_now_ms() - before;
        assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
        close(old);
        close(ends[0]);
        close(ends[1]);
        assert_in_range(before, 0, 1000);
        json_decref(audited(file));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(report_prints_the_line_and_writes_the_audit_file),
                TEST(report_of_a_plain_admission_prints_nothing_but_is_recorded),
                TEST(report_without_policy_uses_the_journal_and_the_usual_file),
                TEST(report_falls_back_to_dev_log),
                TEST(report_names_every_sink_that_fails_in_one_more_line),
                TEST(report_asks_no_sink_that_the_policy_has_turned_off),
                TEST(report_escapes_the_name_of_a_sink_that_fails),
                TEST(report_goes_on_with_the_journal_when_the_disk_is_full),
                TEST(report_tells_the_journal_how_bad_it_is),
                TEST(report_does_not_wait_for_a_runtime_that_does_not_read),
        };

        return cmocka_run_group_tests(tests, begin_all, NULL);
}
