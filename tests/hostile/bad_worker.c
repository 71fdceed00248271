/* SPDX-License-Identifier: Apache-2.0 */
/* A worker that does not do its work, for `postern-hook --worker`. Its own file name, ROLE-BEHAVIOUR, says
 * which of the roles misbehaves (walk, raw, parse, or any) and how; in the other roles it becomes the real
 * worker, which stands beside it as `postern-worker`. Never part of the product. */

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define FDS_LOOKED_AT 64
#define FLOOD_BYTES 4096

static void each_socket(void (*act)(int fd))
{
        struct stat st;

        for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
                if (fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode))
                        act(fd);
}

static void send_text(int fd)
{
        (void)send(fd, "no such message", 15, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_zeros(int fd)
{
        static const uint8_t zeros[FLOOD_BYTES];

        (void)send(fd, zeros, sizeof(zeros), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* The right magic and nothing right behind it: every type, with lengths that reach far past the end. */
static void send_lies(int fd)
{
        struct {
                uint32_t magic;
                uint16_t type, count;
                uint64_t number;
                uint32_t lengths[8];
        } message = {.magic = 0x31574e50U, .count = UINT16_MAX, .number = UINT64_MAX - 1};

        memset(message.lengths, 0xff, sizeof(message.lengths));
        for (message.type = 0; message.type < 20; message.type++)
                (void)send(fd, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* A well-formed END (type 13) of a tree without files, from whoever is asked. */
static void send_end(int fd)
{
        struct {
                uint32_t magic;
                uint16_t type, count;
                uint64_t number, rest[3];
        } message = {.magic = 0x31574e50U, .type = 13};

        (void)send(fd, &message, sizeof(message), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_descriptors(int fd)
{
        union {
                struct cmsghdr head;
                char room[CMSG_SPACE(32 * sizeof(int))];
        } control;
        char byte = 0;
        struct iovec io = {&byte, 1};
        struct msghdr message = {
                .msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
        int fds[32];

        memset(&control, 0, sizeof(control));
        for (unsigned i = 0; i < 32; i++)
                fds[i] = STDIN_FILENO;
        control.head = (struct cmsghdr){
                .cmsg_len = CMSG_LEN(sizeof(fds)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), fds, sizeof(fds));
        (void)sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_echo(int fd)
{
        static uint8_t bytes[1 << 16];
        ssize_t got = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

        if (got > 0)
                (void)send(fd, bytes, (size_t)got, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void hang(void)
{
        for (;;)
                (void)pause();
}

static void be_silent(void)
{
        hang();
}

static void be_stubborn(void)
{
        for (int sig = 1; sig < NSIG; sig++)
                (void)signal(sig, SIG_IGN);
        hang();
}

static void close_and_hang(void)
{
        for (int fd = 0; fd < FDS_LOOKED_AT; fd++)
                (void)close(fd);
        hang();
}

static void garble(void)
{
        each_socket(send_text);
        hang();
}

static void zero(void)
{
        each_socket(send_zeros);
        hang();
}

static void lie(void)
{
        each_socket(send_lies);
        hang();
}

static void finish_early(void)
{
        each_socket(send_end);
        hang();
}

static void finish_and_leave(void)
{
        each_socket(send_end);
        _exit(0);
}

static void smuggle(void)
{
        each_socket(send_descriptors);
        hang();
}

static void flood(void)
{
        for (;;)
                each_socket(send_zeros);
}

static void echo(void)
{
        for (;;) {
                each_socket(send_echo);
                (void)usleep(1000);
        }
}

static void leave(void)
{
        _exit(0);
}

static void leave_admitting(void)
{
        each_socket(send_text);
        _exit(0);
}

static void fail(void)
{
        _exit(3);
}

static void crash(void)
{
        (void)raise(SIGSEGV);
        _exit(0);
}

static void grab_memory(void)
{
        for (;;) {
                void *taken = malloc(1 << 20);

                if (!taken)
                        abort();
                memset(taken, 1, 1 << 20);
        }
}

/* A child in a session of its own that keeps every descriptor for three seconds. */
static void leave_child(void)
{
        if (fork() == 0) {
                (void)setsid();
                (void)sleep(3);
        }
        _exit(0);
}

static const struct behaviour {
        const char *name;
        void (*act)(void);
} behaviours[] = {
        {"silent", be_silent},
        {"stubborn", be_stubborn},
        {"closes", close_and_hang},
        {"garbles", garble},
        {"zeros", zero},
        {"lies", lie},
        {"ends", finish_early},
        {"ends-leaves", finish_and_leave},
        {"smuggles", smuggle},
        {"floods", flood},
        {"echoes", echo},
        {"leaves", leave},
        {"garbles-leaves", leave_admitting},
        {"fails", fail},
        {"aborts", abort},
        {"crashes", crash},
        {"grabs-memory", grab_memory},
        {"leaves-child", leave_child},
};

static int become_real(const char *own, char **argv)
{
        char path[PATH_MAX], copy[PATH_MAX];

        (void)snprintf(copy, sizeof(copy), "%s", own);
        if (snprintf(path, sizeof(path), "%s/postern-worker", dirname(copy)) >= (int)sizeof(path))
                return 126;
        (void)execv(path, argv);
        return 126;
}

int main(int argc, char **argv)
{
        char own[PATH_MAX] = "", *name, *behaviour;
        ssize_t len = readlink("/proc/self/exe", own, sizeof(own) - 1);

        if (len <= 0)
                return 125;
        name = strrchr(own, '/') + 1;
        behaviour = strchr(name, '-');
        if (!behaviour)
                return 125;
        if (strncmp(name, "any-", 4) != 0) {
                size_t role = (size_t)(behaviour - name);

                if (argc < 2 || strlen(argv[1]) != role || strncmp(argv[1], name, role) != 0)
                        return become_real(own, argv);
        }
        for (size_t i = 0; i < sizeof(behaviours) / sizeof(behaviours[0]); i++)
                if (strcmp(behaviours[i].name, behaviour + 1) == 0)
                        behaviours[i].act();
        return 125;
}
