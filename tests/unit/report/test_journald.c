/* SPDX-License-Identifier: Apache-2.0 */
/* Entries that a real systemd-journald and a real syslogd (busybox) have taken, as their own readers show
 * them. Both run in a mount namespace of this program's own, so that nothing reaches the journal of the
 * machine. Needs root and the Debian packages systemd and busybox-static; without them it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook/report/report.h"
#include "scanner/base/clock.h"

#define JOURNALD "/lib/systemd/systemd-journald"
#define DEV_LOG "/run/systemd/journal/dev-log" /* journald's own syslog socket */
#define PATIENCE_S 20
#define OUTPUT (4U << 20)

static char place[] = "/tmp/postern-journald.XXXXXX";
static char output[OUTPUT];
static pid_t journald = -1;

static pid_t daemon_start(char *const argv[], const char *ready)
{
        int64_t deadline_ms = pn_clock_now_ms() + PATIENCE_S * 1000;
        pid_t pid = fork();

        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                execv(argv[0], argv);
                _exit(127);
        }
        while (access(ready, F_OK) < 0) {
                if (waitpid(pid, NULL, WNOHANG) == pid || pn_clock_left_ms(deadline_ms) == 0)
                        return -1;
                usleep(10000);
        }
        return pid;
}

static int tmpfs(const char *dir)
{
        return access(dir, F_OK) < 0 ? 0 : mount("tmpfs", dir, "tmpfs", 0, "mode=0755");
}

/* A machine-id of our own: a system that was never booted has none. */
static int machine_id(void)
{
        char file[64];
        FILE *out;

        snprintf(file, sizeof(file), "%s/machine-id", place);
        out = fopen(file, "we");
        if (!out || fputs("0123456789abcdef0123456789abcdef\n", out) < 0 || fclose(out) != 0)
                return -1;
        return mount(file, "/etc/machine-id", NULL, MS_BIND, NULL);
}

/* /dev without the machine's own /dev/log: a syslog daemon removes and makes it. */
static int own_dev(void)
{
        if (tmpfs("/dev") < 0)
                return -1;
        return mknod("/dev/null", S_IFCHR | 0666, makedev(1, 3));
}

static int begin_all(void **state)
{
        char *argv[] = {(char *)(uintptr_t)JOURNALD, NULL};

        (void)state;
        if (!mkdtemp(place) || unshare(CLONE_NEWNS) < 0 ||
            mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 || tmpfs(place) < 0 || machine_id() < 0 ||
            own_dev() < 0 || tmpfs("/run") < 0 || tmpfs("/var/log") < 0 || mkdir("/run/systemd", 0755) < 0 ||
            mkdir("/run/systemd/journal", 0755) < 0 || mkdir("/run/log", 0755) < 0) {
                print_error("set up a place for the daemons: %s\n", strerror(errno));
                return -1;
        }
        journald = daemon_start(argv, PN_JOURNAL_SOCKET);
        if (journald < 0)
                print_error("%s does not start (apt-get install systemd)\n", JOURNALD);
        return journald < 0 ? -1 : 0;
}

static int end_all(void **state)
{
        (void)state;
        if (journald > 0) {
                kill(journald, SIGTERM);
                waitpid(journald, NULL, 0);
        }
        (void)umount2(place, MNT_DETACH);
        return rmdir(place);
}

/* The output of a command, without its errors. */
static const char *run(const char *command)
{
        FILE *in = popen(command, "re");
        size_t n = fread(output, 1, sizeof(output) - 1, in);

        output[n] = '\0';
        (void)pclose(in);
        return output;
}

/* The one entry that matches, as journalctl shows it; journald writes it a moment after it was sent. */
static json_t *entry(const char *match)
{
        int64_t deadline_ms = pn_clock_now_ms() + PATIENCE_S * 1000;
        char command[256];
        json_t *found = NULL;

        snprintf(command, sizeof(command), "journalctl -D /run/log/journal -a -o json %s 2>/dev/null", match);
        while (!found && pn_clock_left_ms(deadline_ms) > 0) {
                found = json_loads(run(command), 0, NULL);
                if (!found)
                        usleep(100000);
        }
        if (!found)
                fail_msg("no single entry with %s: `%s`", match, output);
        return found;
}

static void assert_field(const json_t *found, const char *key, const char *expected)
{
        const char *value = json_string_value(json_object_get(found, key));

        if (!value || strcmp(value, expected) != 0)
                fail_msg("%s is `%.200s`, not `%.200s`", key, value ? value : "(missing)", expected);
}

static json_t *record_make(const char *id, size_t fat)
{
        json_t *record = json_pack("{s:s, s:s, s:[{s:s, s:s}]}", "verdict", "refused", "id", id, "findings",
                                   "rule", "XZ-BACKDOOR-001", "path", "usr/lib/\\x0aliblzma.so.5");
        char *text = malloc(fat + 1);

        memset(text, 'x', fat);
        text[fat] = '\0';
        json_object_set_new(record, "fat", json_string(text));
        free(text);
        return record;
}

static void send_and_check(const char *id, size_t fat, const char *message)
{
        struct pn_err err = PN_ERR_INIT;
        json_t *record = record_make(id, fat), *found;
        char *text = pn_record_text(record), match[128];

        if (pn_journal_send(PN_JOURNAL_SOCKET, "/nonexistent", message, 3, record, &err) < 0)
                fail_msg("%s", err.text);
        snprintf(match, sizeof(match), "POSTERN_CONTAINER=%s", id);
        found = entry(match);
        assert_field(found, "MESSAGE", message);
        assert_field(found, "PRIORITY", "3");
        assert_field(found, "SYSLOG_IDENTIFIER", "postern");
        assert_field(found, "MESSAGE_ID", "5c0e5a3c7f0b4c52a5a0d2c6f1b7e893");
        assert_field(found, "POSTERN_VERDICT", "refused");
        assert_field(found, "POSTERN_RULE", "XZ-BACKDOOR-001");
        assert_field(found, "POSTERN_PATH", "usr/lib/\\x0aliblzma.so.5");
        assert_field(found, "POSTERN_RECORD", text);
        assert_field(found, "_TRANSPORT", "journal");
        json_decref(found);
        json_decref(record);
        free(text);
}

static void journald_keeps_all_fields_of_an_entry(void **state)
{
        (void)state;
        send_and_check("web1", 10,
                       "postern: refused web1: usr/lib/\\x0aliblzma.so.5 matches XZ-BACKDOOR-001");
}

static void journald_keeps_a_record_of_the_largest_size(void **state)
{
        (void)state;
        send_and_check("large", PN_RECORD_BYTES_MAX, "m");
}

static void journald_keeps_what_comes_as_a_memfd(void **state)
{
        (void)state;
        send_and_check("memfd", 900000, "m");
}

static void journald_takes_no_field_from_inside_a_value(void **state)
{
        (void)state;
        send_and_check("lines", 10, "one\nPRIORITY=0\nPOSTERN_VERDICT=clean\n");
}

static void journald_reads_the_syslog_line(void **state)
{
        struct pn_err err = PN_ERR_INIT;
        json_t *record = record_make("bysyslog", 10), *found;
        char *text = pn_record_text(record), pid[16];

        (void)state;
        if (pn_journal_send("/nonexistent", DEV_LOG, "m", 4, record, &err) < 0)
                fail_msg("%s", err.text);
        found = entry("_TRANSPORT=syslog");
        snprintf(pid, sizeof(pid), "%d", (int)getpid());
        assert_field(found, "MESSAGE", text);
        assert_field(found, "PRIORITY", "4");
        assert_field(found, "SYSLOG_FACILITY", "3");
        assert_field(found, "SYSLOG_IDENTIFIER", "postern");
        assert_field(found, "SYSLOG_PID", pid);
        json_decref(found);
        json_decref(record);
        free(text);
}

static const char *wait_for(const char *file, const char *part)
{
        int64_t deadline_ms = pn_clock_now_ms() + PATIENCE_S * 1000;
        char command[128];

        snprintf(command, sizeof(command), "cat %s", file);
        while (!strstr(run(command), part))
                if (pn_clock_left_ms(deadline_ms) == 0)
                        fail_msg("no `%s` in `%s`", part, output);
                else
                        usleep(50000);
        return strstr(output, part);
}

static void syslogd_keeps_verdict_container_and_reason(void **state)
{
        static char log_file[] = "/run/messages";
        char *argv[] = {(char *)(uintptr_t) "/bin/busybox",
                        (char *)(uintptr_t) "syslogd",
                        (char *)(uintptr_t) "-n",
                        (char *)(uintptr_t) "-O",
                        log_file,
                        NULL};
        pid_t pid = daemon_start(argv, PN_SYSLOG_SOCKET);
        struct pn_err err = PN_ERR_INIT;
        struct pn_decision decision = {
                .verdict = PN_VERDICT_UNDECIDED, .admitted_by = "", .why = "no answer"};
        struct pn_outcome outcome = {.program = "postern-hook",
                                     .id = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
                                     .bundle = "",
                                     .root = "",
                                     .decision = &decision,
                                     .break_glass = "",
                                     .warning = ""};
        json_t *record = pn_record_make(&outcome);
        const char *line;
        char tag[64];

        (void)state;
        if (pid < 0)
                fail_msg("busybox syslogd does not start (apt-get install busybox-static)");
        if (pn_journal_send("/nonexistent", PN_SYSLOG_SOCKET, "m", 3, record, &err) < 0)
                fail_msg("%s", err.text);
        snprintf(tag, sizeof(tag), " daemon.err postern[%d]: {\"schema\":1,", (int)getpid());
        line = wait_for(log_file, tag);
        assert_non_null(strstr(line, "\"verdict\":\"undecided\""));
        assert_non_null(
                strstr(line, "\"id\":\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\""));
        assert_non_null(strstr(line, "\"reason\":\"incomplete: no answer\""));
        kill(pid, SIGTERM);
        waitpid(pid, NULL, 0);
        json_decref(record);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(journald_keeps_all_fields_of_an_entry),
                cmocka_unit_test(journald_keeps_a_record_of_the_largest_size),
                cmocka_unit_test(journald_keeps_what_comes_as_a_memfd),
                cmocka_unit_test(journald_takes_no_field_from_inside_a_value),
                cmocka_unit_test(journald_reads_the_syslog_line),
                cmocka_unit_test(syslogd_keeps_verdict_container_and_reason),
        };

        return cmocka_run_group_tests(tests, begin_all, end_all);
}
