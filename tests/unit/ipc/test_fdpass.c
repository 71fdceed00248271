/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/ipc/fdpass.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scanner/base/clock.h"

struct pair {
        int here, there; /* `there` is the peer, which may say what it wants */
        int file[2 * PN_MSG_BATCH_MAX];
        size_t before; /* open descriptors, with these */
        uint8_t buffer[PN_MSG_BYTES_MAX];
        struct pn_msg_out out;
        struct pn_msg_in in;
        int fds[PN_MSG_BATCH_MAX];
        unsigned count;
        struct pn_err err;
};

static size_t open_fds(void)
{
        DIR *dir = opendir("/proc/self/fd");
        size_t count = 0;

        assert_non_null(dir);
        while (readdir(dir))
                count++;
        (void)closedir(dir);
        return count - 3;
}

static int pair_make(void **state)
{
        struct pair *p = calloc(1, sizeof(*p));
        int sockets[2];

        if (!p || pn_fdpass_pair(sockets, 0, &p->err) < 0)
                return -1;
        p->here = sockets[0];
        p->there = sockets[1];
        for (size_t i = 0; i < 2 * PN_MSG_BATCH_MAX; i++)
                p->file[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        p->before = open_fds();
        *state = p;
        return 0;
}

static int pair_remove(void **state)
{
        struct pair *p = *state;

        (void)close(p->here);
        if (p->there >= 0)
                (void)close(p->there);
        pn_fdpass_close_all(p->file, 2 * PN_MSG_BATCH_MAX);
        free(p);
        return 0;
}

/* Whatever a hostile worker can put into sendmsg(2). */
static void send_raw(const struct pair *p, const void *bytes, size_t len, unsigned fd_count)
{
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(2 * PN_MSG_BATCH_MAX * sizeof(int))];
        } control = {0};
        struct iovec iov = {(void *)(uintptr_t)bytes, len};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        if (fd_count > 0) {
                struct cmsghdr *head;

                msg.msg_control = control.bytes;
                msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
                head = CMSG_FIRSTHDR(&msg);
                *head = (struct cmsghdr){CMSG_LEN(fd_count * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
                memcpy(CMSG_DATA(head), p->file, fd_count * sizeof(int));
        }
        assert_int_equal(sendmsg(p->there, &msg, MSG_NOSIGNAL), len);
}

static void send_typed(struct pair *p, enum pn_msg_type type, uint16_t parts, uint64_t number,
                       unsigned fd_count)
{
        pn_msg_begin(&p->out, type, parts, number);
        send_raw(p, p->out.bytes, p->out.len, fd_count);
}

static int receive(struct pair *p, bool nonblock)
{
        p->err = (struct pn_err)PN_ERR_INIT;
        p->count = 99;
        return pn_fdpass_recv(p->here, nonblock, p->buffer, &p->in, p->fds, &p->count, &p->err);
}

static int receive_none(struct pair *p)
{
        p->err = (struct pn_err)PN_ERR_INIT;
        return pn_fdpass_recv(p->here, true, p->buffer, &p->in, NULL, NULL, &p->err);
}

/* Nothing came of it, and nothing is left of it. */
static void refused(const struct pair *p, const char *words)
{
        assert_int_equal(p->err.fault, PN_FAULT_TARGET);
        assert_non_null(strstr(p->err.text, words));
        assert_int_equal(open_fds(), p->before);
}

/* ---------------------------------------------------------------- what goes well */

static void a_pair_is_close_on_exec_and_keeps_messages_apart(void **state)
{
        struct pair *p = *state;
        int type = 0;
        socklen_t len = sizeof(type);

        assert_int_equal(fcntl(p->here, F_GETFD), FD_CLOEXEC);
        assert_int_equal(fcntl(p->there, F_GETFD), FD_CLOEXEC);
        assert_int_equal(getsockopt(p->here, SOL_SOCKET, SO_TYPE, &type, &len), 0);
        assert_int_equal(type, SOCK_SEQPACKET);
        send_typed(p, PN_MSG_GO, 0, 1, 0);
        send_typed(p, PN_MSG_GO, 0, 2, 0);
        for (unsigned i = 1; i <= 2; i++) {
                assert_int_equal(receive(p, false), 1);
                assert_int_equal(p->in.type, PN_MSG_GO);
                assert_int_equal(p->in.number, i);
                assert_int_equal(p->count, 0);
        }
}

static void descriptors_arrive_close_on_exec_and_are_the_same_files(void **state)
{
        struct pair *p = *state;
        char name[] = "/tmp/postern-fdpass-XXXXXX";
        int file = mkstemp(name);
        struct stat sent, got;

        assert_true(file >= 0);
        (void)unlink(name);
        assert_int_equal(fstat(file, &sent), 0);
        for (unsigned count = 1; count <= PN_MSG_BATCH_MAX; count++) {
                int fds[PN_MSG_BATCH_MAX];

                for (unsigned i = 0; i < count; i++)
                        fds[i] = file;
                pn_msg_begin(&p->out, PN_MSG_FILES, (uint16_t)count, 0);
                assert_int_equal(pn_fdpass_send(p->there, &p->out, fds, count, &p->err), 0);
                assert_int_equal(receive(p, false), 1);
                assert_int_equal(p->count, count);
                for (unsigned i = 0; i < count; i++) {
                        assert_int_equal(fcntl(p->fds[i], F_GETFD), FD_CLOEXEC);
                        assert_int_equal(fstat(p->fds[i], &got), 0);
                        assert_int_equal(got.st_ino, sent.st_ino);
                }
                pn_fdpass_close_all(p->fds, p->count);
                assert_int_equal(p->fds[0], -1);
                assert_int_equal(open_fds(), p->before + 1);
        }
        (void)close(file);
}

static void the_longest_message_goes_through(void **state)
{
        static const uint8_t zeros[PN_MSG_BYTES_MAX];
        struct pair *p = *state;

        pn_msg_begin(&p->out, PN_MSG_NOTE, 0, 0);
        pn_msg_raw(&p->out, zeros, PN_MSG_BYTES_MAX - p->out.len);
        assert_int_equal(pn_fdpass_send(p->there, &p->out, NULL, 0, &p->err), 0);
        assert_int_equal(receive(p, false), 1);
        assert_int_equal(p->in.body.len, PN_MSG_BYTES_MAX - 16);
}

static void the_end_and_nothing_yet_are_told_apart(void **state)
{
        struct pair *p = *state;

        assert_int_equal(receive(p, true), -2);
        assert_int_equal(p->count, 0);
        send_typed(p, PN_MSG_GO, 0, 0, 0);
        (void)close(p->there);
        p->there = -1;
        assert_int_equal(receive(p, true), 1);
        for (int i = 0; i < 3; i++)
                assert_int_equal(receive(p, i % 2), 0);
        assert_int_equal(p->count, 0);
}

/* A peer that dies with our words unread: its own last words still count. */
static void the_last_words_of_a_peer_that_died_are_heard(void **state)
{
        struct pair *p = *state;

        pn_msg_begin(&p->out, PN_MSG_GO, 0, 0);
        assert_int_equal(pn_fdpass_send(p->here, &p->out, NULL, 0, &p->err), 0);
        send_typed(p, PN_MSG_FAIL, 0, 4, 0);
        (void)close(p->there);
        p->there = -1;
        assert_int_equal(receive_none(p), 1);
        assert_int_equal(p->in.type, PN_MSG_FAIL);
        assert_int_equal(receive_none(p), 0);
}

/* A datagram of no bytes cannot be told from the end: it ends what its sender has to say, no more. */
static void an_empty_datagram_is_the_end(void **state)
{
        struct pair *p = *state;

        send_raw(p, "", 0, 0);
        assert_int_equal(receive(p, true), 0);
        assert_int_equal(receive(p, true), -2);
        send_raw(p, "", 0, 3); /* but not with descriptors */
        assert_int_equal(receive(p, true), -1);
        refused(p, "without its magic");
        send_raw(p, "", 0, 3);
        assert_int_equal(receive_none(p), -1);
        refused(p, "descriptors were lost");
}

/* ---------------------------------------------------------------- what a hostile peer sends */

static const struct carry {
        enum pn_msg_type type;
        uint16_t parts;
        uint64_t number;
        unsigned fds;
        bool good;
} carries[] = {
        {PN_MSG_FILES, 1, 0, 1, true},
        {PN_MSG_FILES, 1, 0, 0, false},
        {PN_MSG_FILES, 1, 0, 2, false},
        {PN_MSG_FILES, 16, 0, 15, false},
        {PN_MSG_RULES, 0, 3, 1, true},
        {PN_MSG_RULES, 0, 3, 0, false},
        {PN_MSG_RULES, 0, 3, 2, false},
        {PN_MSG_ROOT, 0, PN_ROOT_VIEW, 1, true},
        {PN_MSG_ROOT, 0, PN_ROOT_VIEW, 0, false},
        {PN_MSG_ROOT, 0, PN_ROOT_VIEW, 2, false},
        {PN_MSG_ROOT, 0, PN_ROOT_HOST, 0, true},
        {PN_MSG_ROOT, 0, PN_ROOT_HOST, 1, false},
        {PN_MSG_ROOT, 0, PN_ROOT_BIND, 1, false},
        {PN_MSG_LIMITS, 0, 0, 1, false},
        {PN_MSG_GO, 0, 0, 1, false},
        {PN_MSG_READY, 0, 0, 1, false},
        {PN_MSG_VIEW, 0, 1, 1, false},
        {PN_MSG_OBJECTS, 1, 0, 1, false},
        {PN_MSG_NOTE, 0, 0, 1, false},
        {PN_MSG_ISSUE, 0, 0, 1, false},
        {PN_MSG_RAW, 1, 0, 1, false},
        {PN_MSG_FINDING, 0, 0, 16, false},
        {PN_MSG_PARSED, 0, 0, 1, false},
        {PN_MSG_END, 0, 0, 1, false},
        {PN_MSG_FAIL, 0, 0, 16, false},
};

static void descriptors_that_do_not_belong_are_refused_and_closed(void **state)
{
        struct pair *p = *state;

        for (size_t i = 0; i < sizeof(carries) / sizeof(carries[0]); i++) {
                const struct carry *row = &carries[i];
                char words[64];

                print_message("%s with %u\n", pn_msg_name(row->type), row->fds);
                send_typed(p, row->type, row->parts, row->number, row->fds);
                assert_int_equal(receive(p, true), row->good ? 1 : -1);
                assert_int_equal(p->count, row->good ? row->fds : 0);
                pn_fdpass_close_all(p->fds, p->count);
                if (row->good)
                        continue;
                (void)snprintf(words, sizeof(words), "%s message with %u descriptors", pn_msg_name(row->type),
                               row->fds);
                refused(p, words);
        }
}

/* Whoever may not hold descriptors never does, or closing one could hang in its file system. */
static void a_receiver_that_takes_no_descriptors_gets_none(void **state)
{
        struct pair *p = *state;

        for (unsigned fds = 1; fds <= 2 * PN_MSG_BATCH_MAX; fds += 5) {
                send_typed(p, PN_MSG_END, 0, 0, fds);
                assert_int_equal(receive_none(p), -1);
                refused(p, "descriptors were lost");
        }
        send_typed(p, PN_MSG_RULES, 0, 1, 1); /* not even with a type that has one */
        assert_int_equal(receive_none(p), -1);
        refused(p, "descriptors were lost");
        send_typed(p, PN_MSG_RULES, 0, 1, 0);
        assert_int_equal(receive_none(p), -1);
        refused(p, "RULES message with 0 descriptors");
        send_typed(p, PN_MSG_END, 0, 0, 0);
        assert_int_equal(receive_none(p), 1);
}

static void too_many_descriptors_are_refused_and_closed(void **state)
{
        struct pair *p = *state;

        for (unsigned fds = PN_MSG_BATCH_MAX + 1; fds <= 2 * PN_MSG_BATCH_MAX; fds++) {
                send_typed(p, PN_MSG_FILES, PN_MSG_BATCH_MAX, 0, fds);
                assert_int_equal(receive(p, true), -1);
                assert_int_equal(p->count, 0);
                refused(p, "over its ceiling");
        }
}

/* Without room in our table of descriptors some are lost: then the message is none. */
static void descriptors_that_do_not_fit_our_table_are_no_message(void **state)
{
        struct pair *p = *state;
        struct rlimit before, few;
        int top = dup(p->here), ret;

        assert_true(top >= 0);
        (void)close(top);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        few = (struct rlimit){(rlim_t)top + 2, before.rlim_max};
        send_typed(p, PN_MSG_FILES, 4, 0, 4);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        ret = receive(p, true);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        assert_int_equal(ret, -1);
        refused(p, "descriptors were lost");
}

static void bytes_that_are_no_message_are_refused(void **state)
{
        static uint8_t long_one[PN_MSG_BYTES_MAX + 1];
        struct pair *p = *state;

        pn_msg_begin(&p->out, PN_MSG_NOTE, 0, 0);
        memcpy(long_one, p->out.bytes, p->out.len);
        send_raw(p, long_one, sizeof(long_one), 0);
        assert_int_equal(receive(p, true), -1);
        refused(p, "over its ceiling");
        send_raw(p, long_one, sizeof(long_one), 5);
        assert_int_equal(receive_none(p), -1);
        refused(p, "over its ceiling");
        send_raw(p, "hello", 5, PN_MSG_BATCH_MAX);
        assert_int_equal(receive(p, true), -1);
        refused(p, "without its magic");
        send_raw(p, long_one, 15, 1);
        assert_int_equal(receive(p, true), -1);
        refused(p, "shorter than its header");
}

/* ---------------------------------------------------------------- sending */

static void what_did_not_fit_is_never_sent(void **state)
{
        struct pair *p = *state;

        pn_msg_begin(&p->out, PN_MSG_GO, 0, 0);
        p->out.full = true;
        assert_int_equal(pn_fdpass_send(p->there, &p->out, NULL, 0, &p->err), -1);
        assert_int_equal(p->err.fault, PN_FAULT_BUG);
        pn_msg_begin(&p->out, PN_MSG_FILES, 16, 0);
        p->err = (struct pn_err)PN_ERR_INIT;
        assert_int_equal(pn_fdpass_send(p->there, &p->out, p->file, PN_MSG_BATCH_MAX + 1, &p->err), -1);
        assert_int_equal(p->err.fault, PN_FAULT_BUG);
        assert_int_equal(receive(p, true), -2);
}

static void a_peer_that_is_gone_is_nobodys_fault_here(void **state)
{
        struct pair *p = *state;

        (void)close(p->there);
        p->there = -1;
        pn_msg_begin(&p->out, PN_MSG_GO, 0, 0);
        for (int i = 0; i < 2; i++) { /* and no SIGPIPE */
                p->err = (struct pn_err){.fault = PN_FAULT_BUG};
                assert_int_equal(pn_fdpass_send(p->here, &p->out, NULL, 0, &p->err), -1);
                assert_int_equal(p->err.fault, PN_FAULT_NONE);
                assert_int_equal(p->err.code, EPIPE);
        }
}

static void a_descriptor_that_is_none_is_the_hosts_fault(void **state)
{
        struct pair *p = *state;
        int none = -1;

        pn_msg_begin(&p->out, PN_MSG_RULES, 0, 1);
        assert_int_equal(pn_fdpass_send(p->there, &p->out, &none, 1, &p->err), -1);
        assert_int_equal(p->err.fault, PN_FAULT_HOST);
        assert_int_equal(p->err.code, EBADF);
}

/* Fills the queue towards `here`; how many messages that took. */
static unsigned fill(struct pair *p)
{
        unsigned sent = 0;

        pn_msg_begin(&p->out, PN_MSG_GO, 0, 0);
        while (send(p->there, p->out.bytes, p->out.len, MSG_DONTWAIT | MSG_NOSIGNAL) > 0)
                sent++;
        assert_int_equal(errno, EAGAIN);
        return sent;
}

static void whoever_owns_the_deadline_waits_no_longer_for_room(void **state)
{
        struct pair *p = *state;
        int64_t begin;
        pid_t pid;

        pn_msg_begin(&p->out, PN_MSG_GO, 0, 0);
        assert_int_equal(pn_fdpass_send_until(p->there, 0, &p->out, NULL, 0, &p->err), 0); /* there is room */
        (void)fill(p);
        begin = pn_clock_now_ms();
        assert_int_equal(pn_fdpass_send_until(p->there, begin + 60, &p->out, NULL, 0, &p->err), -1);
        assert_int_equal(p->err.fault, PN_FAULT_BUDGET);
        assert_true(pn_clock_now_ms() - begin >= 60 && pn_clock_now_ms() - begin < 400);
        pid = fork(); /* a reader that comes late is waited for */
        if (pid == 0) {
                (void)usleep(50000);
                while (recv(p->here, p->buffer, sizeof(p->buffer), MSG_DONTWAIT) > 0)
                        ;
                _exit(0);
        }
        assert_int_equal(pn_fdpass_send_until(p->there, pn_clock_now_ms() + 5000, &p->out, NULL, 0, &p->err),
                         0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* The system has too many descriptors of this user's under way (ETOOMANYREFS): 0 when that ended with the
 * deadline. */
static int flood_with_descriptors(struct pair *p)
{
        const struct rlimit few = {p->file[2 * PN_MSG_BATCH_MAX - 1] + 5U,
                                   p->file[2 * PN_MSG_BATCH_MAX - 1] + 5U};
        int64_t begin = pn_clock_now_ms();

        if (setresuid(65534, 65534, 65534) < 0 || setrlimit(RLIMIT_NOFILE, &few) < 0)
                return 1;
        for (unsigned i = 0; i < 100; i++) {
                pn_msg_begin(&p->out, PN_MSG_FILES, PN_MSG_BATCH_MAX, 0);
                if (pn_fdpass_send_until(p->there, begin + 100, &p->out, p->file, PN_MSG_BATCH_MAX,
                                         &p->err) == 0)
                        continue;
                if (p->err.fault != PN_FAULT_BUDGET)
                        return 2;
                return pn_clock_now_ms() - begin < 1000 ? 0 : 3;
        }
        return 4;
}

static void too_many_descriptors_under_way_do_not_outlast_the_deadline(void **state)
{
        struct pair *p = *state;
        pid_t pid = fork();
        int status;

        if (pid == 0)
                _exit(flood_with_descriptors(p));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_short_queue_holds_a_sender_back(void **state)
{
        struct pair *p = *state;
        unsigned wide = fill(p), narrow;
        int sockets[2];
        struct pair small = *p;

        assert_int_equal(pn_fdpass_pair(sockets, 1, &p->err), 0);
        small.here = sockets[0];
        small.there = sockets[1];
        narrow = fill(&small);
        assert_true(narrow >= 1 && narrow <= 8 && narrow < wide / 8);
        pn_fdpass_close_all(sockets, 2);
        assert_int_equal(open_fds(), p->before);
}

#define PAIRED(test) cmocka_unit_test_setup_teardown(test, pair_make, pair_remove)

int main(void)
{
        const struct CMUnitTest tests[] = {
                PAIRED(a_pair_is_close_on_exec_and_keeps_messages_apart),
                PAIRED(descriptors_arrive_close_on_exec_and_are_the_same_files),
                PAIRED(the_longest_message_goes_through),
                PAIRED(the_end_and_nothing_yet_are_told_apart),
                PAIRED(the_last_words_of_a_peer_that_died_are_heard),
                PAIRED(an_empty_datagram_is_the_end),
                PAIRED(descriptors_that_do_not_belong_are_refused_and_closed),
                PAIRED(a_receiver_that_takes_no_descriptors_gets_none),
                PAIRED(too_many_descriptors_are_refused_and_closed),
                PAIRED(descriptors_that_do_not_fit_our_table_are_no_message),
                PAIRED(bytes_that_are_no_message_are_refused),
                PAIRED(what_did_not_fit_is_never_sent),
                PAIRED(a_peer_that_is_gone_is_nobodys_fault_here),
                PAIRED(a_descriptor_that_is_none_is_the_hosts_fault),
                PAIRED(whoever_owns_the_deadline_waits_no_longer_for_room),
                PAIRED(too_many_descriptors_under_way_do_not_outlast_the_deadline),
                PAIRED(a_short_queue_holds_a_sender_back),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
