/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes on the two sockets. That a real journal and a real syslog daemon take them: test_journald.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "hook/report/report.h"
#include "scanner/base/clock.h"

#define RECEIVED_MAX (1U << 20)

/* A journal and a syslog daemon of our own, both listening until a test takes one away. */
struct fixture {
        char dir[64];
        char journal[96];
        char syslog[96];
        int journal_fd;
        int syslog_fd;
        json_t *record;
        struct pn_err err;
        char *received;
        size_t len;
};

static int listen_at(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        strcpy(address.sun_path, path);
        return bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 ? fd : -1;
}

static int begin(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        strcpy(f->dir, "/tmp/postern-journal.XXXXXX");
        if (!mkdtemp(f->dir))
                return -1;
        snprintf(f->journal, sizeof(f->journal), "%s/journal", f->dir);
        snprintf(f->syslog, sizeof(f->syslog), "%s/log", f->dir);
        f->journal_fd = listen_at(f->journal);
        f->syslog_fd = listen_at(f->syslog);
        f->record =
                json_pack("{s:s, s:s, s:[{s:s, s:s}], s:[]}", "verdict", "refused", "id", "web1", "findings",
                          "rule", "XZ-BACKDOOR-001", "path", "usr/lib/liblzma.so.5", "issues");
        f->received = malloc(RECEIVED_MAX + 1);
        *state = f;
        return f->journal_fd < 0 || f->syslog_fd < 0 ? -1 : 0;
}

static int end(void **state)
{
        struct fixture *f = *state;

        (void)unlink(f->journal);
        (void)unlink(f->syslog);
        close(f->journal_fd);
        close(f->syslog_fd);
        json_decref(f->record);
        free(f->received);
        (void)rmdir(f->dir);
        free(f);
        return 0;
}

static int send_record(struct fixture *f, const char *message)
{
        f->err = (struct pn_err)PN_ERR_INIT;
        return pn_journal_send(f->journal, f->syslog, message, 3, f->record, &f->err);
}

/* What came, and the descriptor that came with it or -1. False when nothing came. */
static bool receive(struct fixture *f, int sock, int *ret_fd)
{
        char control[CMSG_SPACE(sizeof(int))];
        struct iovec data = {f->received, RECEIVED_MAX};
        struct msghdr message = {
                .msg_iov = &data, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
        ssize_t n = recvmsg(sock, &message, MSG_CMSG_CLOEXEC);
        struct cmsghdr *c;

        *ret_fd = -1;
        if (n < 0)
                return false;
        c = CMSG_FIRSTHDR(&message);
        if (c && c->cmsg_type == SCM_RIGHTS)
                memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
        f->len = (size_t)n;
        f->received[n] = '\0';
        return true;
}

/* A value of the native protocol: NAME=value or NAME, 64 bits of length, value. NULL when there is no such
 * field. */
static char *field(const struct fixture *f, const char *name)
{
        const char *at = f->received, *stop = f->received + f->len;

        while (at < stop) {
                const char *line = memchr(at, '\n', (size_t)(stop - at));
                const char *equals = line ? memchr(at, '=', (size_t)(line - at)) : NULL;
                const char *value = equals ? equals + 1 : line ? line + 1 + 8 : NULL;
                size_t name_len, len;
                uint64_t wire;

                assert_non_null(line);
                if (equals) {
                        len = (size_t)(line - value);
                } else {
                        memcpy(&wire, line + 1, sizeof(wire));
                        len = le64toh(wire);
                        assert_true(value + len < stop);
                        assert_int_equal(value[len], '\n');
                }
                name_len = (size_t)((equals ? equals : line) - at);
                if (name_len == strlen(name) && memcmp(at, name, name_len) == 0)
                        return strndup(value, len);
                at = value + len + 1;
        }
        return NULL;
}

static void assert_field(const struct fixture *f, const char *name, const char *expected)
{
        char *value = field(f, name);

        if (!value || strcmp(value, expected) != 0)
                fail_msg("%s is `%s`, not `%s`", name, value ? value : "(missing)", expected);
        free(value);
}

static void journal_entry_has_a_field_for_everything_people_search(void **state)
{
        struct fixture *f = *state;
        char *json = pn_record_text(f->record);
        int fd;

        assert_int_equal(send_record(f, "postern: refused web1"), 0);
        assert_true(receive(f, f->journal_fd, &fd));
        assert_int_equal(fd, -1);
        assert_field(f, "MESSAGE", "postern: refused web1");
        assert_field(f, "PRIORITY", "3");
        assert_field(f, "SYSLOG_IDENTIFIER", "postern");
        assert_field(f, "MESSAGE_ID", "5c0e5a3c7f0b4c52a5a0d2c6f1b7e893");
        assert_field(f, "POSTERN_VERDICT", "refused");
        assert_field(f, "POSTERN_CONTAINER", "web1");
        assert_field(f, "POSTERN_RULE", "XZ-BACKDOOR-001");
        assert_field(f, "POSTERN_PATH", "usr/lib/liblzma.so.5");
        assert_field(f, "POSTERN_RECORD", json);
        free(json);
        assert_false(receive(f, f->syslog_fd, &fd)); /* and it is told once */
        assert_false(receive(f, f->journal_fd, &fd));
}

static void journal_entry_without_finding_has_the_path_of_the_issue(void **state)
{
        struct fixture *f = *state;
        int fd;

        json_decref(f->record);
        f->record = json_pack("{s:s, s:s, s:[], s:[{s:s}]}", "verdict", "undecided", "id", "", "findings",
                              "issues", "path", "usr/bin/x");
        assert_int_equal(send_record(f, "m"), 0);
        assert_true(receive(f, f->journal_fd, &fd));
        assert_field(f, "POSTERN_CONTAINER", "");
        assert_field(f, "POSTERN_RULE", "");
        assert_field(f, "POSTERN_PATH", "usr/bin/x");
}

static void journal_value_with_a_newline_is_sent_by_its_length(void **state)
{
        struct fixture *f = *state;
        int fd;

        assert_int_equal(send_record(f, "a\nPRIORITY=0\nb"), 0);
        assert_true(receive(f, f->journal_fd, &fd));
        assert_int_equal(memcmp(f->received, "MESSAGE\n\x0e\0\0\0\0\0\0\0a\nPRIORITY=0\nb\n", 8 + 8 + 15), 0);
        assert_field(f, "MESSAGE", "a\nPRIORITY=0\nb");
        assert_field(f, "PRIORITY", "3");
}

/* Larger than any datagram: the kernel's ceiling is net.core.wmem_max. */
static void fatten(struct fixture *f, char with)
{
        const size_t len = 900000;
        char *fat = malloc(len + 1);

        memset(fat, with, len);
        fat[len] = '\0';
        json_object_set_new(f->record, "fat", json_string(fat));
        free(fat);
}

static void journal_gets_what_is_too_large_for_a_datagram_as_a_sealed_memfd(void **state)
{
        struct fixture *f = *state;
        char *json;
        int fd;

        fatten(f, 'x');
        json = pn_record_text(f->record);
        assert_int_equal(send_record(f, "m"), 0);
        assert_true(receive(f, f->journal_fd, &fd));
        assert_int_equal(f->len, 0);
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
        f->len = (size_t)pread(fd, f->received, RECEIVED_MAX, 0);
        close(fd);
        assert_field(f, "POSTERN_RECORD", json);
        assert_field(f, "POSTERN_VERDICT", "refused");
        free(json);
}

static void syslog_gets_one_line_when_there_is_no_journal(void **state)
{
        struct fixture *f = *state;
        char *json = pn_record_text(f->record), expected[64], month[8];
        int fd, day, hour, minute, second, used = 0;

        assert_int_equal(unlink(f->journal), 0);
        assert_int_equal(send_record(f, "m"), 0);
        assert_true(receive(f, f->syslog_fd, &fd));
        assert_int_equal(sscanf(f->received, "<27>%3s %2d %2d:%2d:%2d %n", month, &day, &hour, &minute,
                                &second, &used),
                         5);
        assert_int_equal(used, strlen("<27>Mmm dd hh:mm:ss "));
        assert_non_null(strstr("JanFebMarAprMayJunJulAugSepOctNovDec", month));
        snprintf(expected, sizeof(expected), "postern[%d]: ", (int)getpid());
        assert_int_equal(strncmp(f->received + used, expected, strlen(expected)), 0);
        assert_string_equal(f->received + used + strlen(expected), json);
        free(json);
}

static void syslog_line_has_a_day_of_two_columns_in_english(void **state)
{
        struct fixture *f = *state;
        int fd;

        assert_int_equal(unlink(f->journal), 0);
        assert_int_equal(send_record(f, "m"), 0);
        assert_true(receive(f, f->syslog_fd, &fd));
        assert_int_equal(f->received[7], ' ');
        assert_true(f->received[8] == ' ' || (f->received[8] >= '1' && f->received[8] <= '3'));
        assert_in_range(f->received[9], '0', '9');
        assert_int_equal(f->received[10], ' ');
}

static void syslog_gets_it_when_the_journal_is_dead(void **state)
{
        struct fixture *f = *state;
        int fd;

        close(f->journal_fd); /* its socket stays behind */
        f->journal_fd = -1;
        assert_int_equal(send_record(f, "m"), 0);
        assert_true(receive(f, f->syslog_fd, &fd));
}

static void syslog_line_is_cut_when_the_socket_does_not_take_it(void **state)
{
        struct fixture *f = *state;
        int fd;

        fatten(f, 'x');
        assert_int_equal(unlink(f->journal), 0);
        assert_int_equal(send_record(f, "m"), 0);
        assert_true(receive(f, f->syslog_fd, &fd));
        assert_int_equal(f->len, 8192);
        assert_non_null(strstr(f->received, "\"verdict\":\"refused\""));
}

static void journal_names_both_sockets_when_both_fail(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(unlink(f->journal), 0);
        close(f->syslog_fd);
        f->syslog_fd = -1;
        assert_int_equal(send_record(f, "m"), -1);
        assert_int_equal(f->err.fault, PN_FAULT_HOST);
        assert_non_null(strstr(f->err.text, f->journal));
        assert_non_null(strstr(f->err.text, "No such file or directory"));
        assert_non_null(strstr(f->err.text, f->syslog));
        assert_non_null(strstr(f->err.text, "Connection refused"));
}

static void journal_never_waits_for_a_journal_that_does_not_read(void **state)
{
        struct fixture *f = *state;
        int64_t before = pn_clock_now_ms();
        int sent = 0;

        while (send_record(f, "m") == 0)
                assert_true(++sent < 100000);
        assert_non_null(strstr(f->err.text, "Resource temporarily unavailable"));
        assert_in_range(pn_clock_now_ms() - before, 0, 5000);
}

static void journal_never_waits_with_a_memfd_either(void **state)
{
        struct fixture *f = *state;
        int sent = 0;

        fatten(f, 'x');
        while (send_record(f, "m") == 0)
                assert_true(++sent < 5000);
        assert_non_null(
                strstr(f->err.text, "`: Re")); /* resource temporarily unavailable, or too many references */
}

static void journal_refuses_a_name_that_is_too_long_for_a_socket(void **state)
{
        struct fixture *f = *state;
        char name[200];
        int fd;

        memset(name, 'x', sizeof(name) - 1);
        name[sizeof(name) - 1] = '\0';
        assert_int_equal(pn_journal_send(name, f->syslog, "m", 3, f->record, &f->err), 0);
        assert_true(receive(f, f->syslog_fd, &fd));
        assert_int_equal(pn_journal_send(name, name, "m", 3, f->record, &f->err), -1);
        assert_non_null(strstr(f->err.text, "File name too long"));
}

static void journal_keeps_no_descriptor(void **state)
{
        struct fixture *f = *state;
        int before = dup(0), after;

        close(before);
        fatten(f, 'x');
        assert_int_equal(send_record(f, "m"), 0);
        assert_int_equal(unlink(f->journal), 0);
        assert_int_equal(send_record(f, "m"), 0);
        assert_int_equal(unlink(f->syslog), 0);
        assert_int_equal(send_record(f, "m"), -1);
        after = dup(0);
        close(after);
        assert_int_equal(before, after);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(journal_entry_has_a_field_for_everything_people_search),
                TEST(journal_entry_without_finding_has_the_path_of_the_issue),
                TEST(journal_value_with_a_newline_is_sent_by_its_length),
                TEST(journal_gets_what_is_too_large_for_a_datagram_as_a_sealed_memfd),
                TEST(syslog_gets_one_line_when_there_is_no_journal),
                TEST(syslog_line_has_a_day_of_two_columns_in_english),
                TEST(syslog_gets_it_when_the_journal_is_dead),
                TEST(syslog_line_is_cut_when_the_socket_does_not_take_it),
                TEST(journal_names_both_sockets_when_both_fail),
                TEST(journal_never_waits_for_a_journal_that_does_not_read),
                TEST(journal_never_waits_with_a_memfd_either),
                TEST(journal_refuses_a_name_that_is_too_long_for_a_socket),
                TEST(journal_keeps_no_descriptor),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
