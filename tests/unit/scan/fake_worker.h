/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_SCAN_FAKE_WORKER_H
#define PN_TEST_SCAN_FAKE_WORKER_H

/* The test program itself as a worker, when it is started under the name ROLE-BEHAVIOUR (role any: all
 * three). In the other roles it is honest: the walker names two files, the raw matcher passes the second on,
 * the parser answers. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/ipc/fdpass.h"

extern char **environ;

struct fake {
        const char *role;
        struct pn_msg_out out;
        struct pn_msg_in in;
        uint8_t buffer[PN_MSG_BYTES_MAX];
        int fds[PN_MSG_BATCH_MAX];
        unsigned count;
        char setup[PN_WORDS_MAX]; /* what was set up, in words */
};

static struct fake fake;

static inline void fake_send(int sock, const int *fds, unsigned count)
{
        struct pn_err err = PN_ERR_INIT;

        if (pn_fdpass_send(sock, &fake.out, fds, count, &err) < 0)
                _exit(90);
}

static inline void fake_fail(const char *text)
{
        pn_msg_begin(&fake.out, PN_MSG_FAIL, 0, PN_FAULT_HOST);
        pn_msg_bytes(&fake.out, text, strnlen(text, PN_WORDS_MAX - 1));
        fake_send(3, NULL, 0);
        _exit(1);
}

static inline int fake_receive(int sock)
{
        struct pn_err err = PN_ERR_INIT;

        return pn_fdpass_recv(sock, false, fake.buffer, &fake.in, fake.fds, &fake.count, &err);
}

static inline void fake_note(const char *what, uint64_t number, struct pn_view a, struct pn_view b)
{
        size_t len = strlen(fake.setup);

        (void)snprintf(fake.setup + len, sizeof(fake.setup) - len, "%s %llu %.*s %.*s;", what,
                       (unsigned long long)number, (int)a.len, (const char *)a.data, (int)b.len,
                       (const char *)b.data);
}

static inline void fake_note_rules(void)
{
        static uint8_t rules[4096];
        ssize_t n = pn_fd_pread_full(fake.fds[0], rules, sizeof(rules), 0);
        struct pn_msg_in in = {.body = {rules, n > 0 ? (size_t)n : 0}};
        int seals = fcntl(fake.fds[0], F_GET_SEALS);

        for (uint64_t i = 0; i < fake.in.number; i++) {
                struct pn_view name = pn_msg_get_bytes(&in, 100), text = pn_msg_get_bytes(&in, 1000);

                fake_note("rules", i, name, text);
        }
        if (in.bad || in.body.len != 0 ||
            seals != (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) ||
            write(fake.fds[0], "x", 1) != -1)
                _exit(91);
}

/* The setup up to GO. */
static inline void fake_set_up(void)
{
        const struct pn_view none = {(const uint8_t *)"", 0};
        struct pn_limits limits;
        uint64_t time_ms;

        for (;;) {
                if (fake_receive(3) != 1)
                        _exit(92);
                if (fake.in.type == PN_MSG_LIMITS) {
                        pn_msg_get_limits(&fake.in, &limits, &time_ms);
                        fake_note(time_ms > 0 && time_ms < 600000 ? "limits" : "no time", limits.files, none,
                                  none);
                } else if (fake.in.type == PN_MSG_ROOT) {
                        struct pn_view path = pn_msg_get_bytes(&fake.in, 4096);

                        fake_note(fake.count ? "root with fd" : "root", fake.in.number, path,
                                  pn_msg_get_bytes(&fake.in, 4096));
                } else if (fake.in.type == PN_MSG_RULES) {
                        fake_note_rules();
                } else {
                        return;
                }
                pn_fdpass_close_all(fake.fds, fake.count);
        }
}

static inline void fake_ready(void)
{
        pn_msg_begin(&fake.out, PN_MSG_READY, 0, 0);
        pn_msg_bytes(&fake.out, PN_WIRE_VERSION, strlen(PN_WIRE_VERSION));
        fake_send(3, NULL, 0);
}

static inline void fake_end(uint64_t files)
{
        pn_msg_begin(&fake.out, PN_MSG_END, 0, files);
        for (int i = 0; i < 3; i++)
                pn_msg_u64(&fake.out, 0);
        fake_send(3, NULL, 0);
        _exit(0);
}

static inline void fake_file(uint64_t object, const char *path)
{
        pn_msg_u64(&fake.out, object);
        pn_msg_u64(&fake.out, 1);
        pn_msg_u32(&fake.out, 0);
        pn_msg_u32(&fake.out, 0);
        pn_msg_bytes(&fake.out, path, strlen(path));
}

static inline void fake_walk(void)
{
        const int files[2] = {0, 1};

        pn_msg_begin(&fake.out, PN_MSG_VIEW, 0, PN_ROOT_HOST);
        pn_msg_u64(&fake.out, 0);
        fake_send(3, NULL, 0);
        pn_msg_begin(&fake.out, PN_MSG_OBJECTS, 2, 0);
        for (int i = 0; i < 2; i++) {
                pn_msg_u64(&fake.out, 1);
                pn_msg_u32(&fake.out, 0);
                pn_msg_bytes(&fake.out, i ? "b" : "a", 1);
        }
        fake_send(3, NULL, 0);
        pn_msg_begin(&fake.out, PN_MSG_FILES, 2, 0);
        for (uint64_t i = 0; i < 2; i++)
                fake_file(i, i ? "b" : "a");
        fake_send(5, files, 2);
        fake_end(2);
}

static inline void fake_raw(void)
{
        static const uint8_t digest[PN_SHA256_BYTES];
        uint64_t files = 0;

        while (fake_receive(4) == 1) {
                pn_msg_begin(&fake.out, PN_MSG_RAW, fake.in.count, files);
                for (unsigned i = 0; i < fake.in.count; i++) {
                        pn_msg_u32(&fake.out, (files + i) % 2 ? PN_FLAG_ELF : 0);
                        pn_msg_u64(&fake.out, 1);
                        pn_msg_u32(&fake.out, 0);
                        pn_msg_u32(&fake.out, 0);
                        pn_msg_raw(&fake.out, digest, sizeof(digest));
                }
                fake_send(3, NULL, 0);
                pn_msg_begin(&fake.out, PN_MSG_FILES, 1, 0);
                fake_file(files + 1, "b");
                fake_send(5, fake.fds + 1, 1);
                files += fake.in.count;
        }
        fake_end(files);
}

static inline void fake_parse(void)
{
        uint64_t files = 0;

        while (fake_receive(4) == 1) {
                uint64_t object = pn_msg_get_u64(&fake.in);

                pn_msg_begin(&fake.out, PN_MSG_PARSED, 0, object);
                pn_msg_u64(&fake.out, 1);
                pn_msg_u32(&fake.out, 0);
                fake_send(3, NULL, 0);
                files++;
        }
        fake_end(files);
}

static inline void fake_honest(void)
{
        fake_set_up();
        fake_ready();
        if (strcmp(fake.role, "walk") == 0)
                fake_walk();
        else if (strcmp(fake.role, "raw") == 0)
                fake_raw();
        else
                fake_parse();
}

/* ---------------------------------------------------------------- behaviours */

static inline void fake_hang(void)
{
        for (;;)
                (void)pause();
}

static inline void fake_leaves(void)
{
        _exit(0);
}

static inline void fake_fails(void)
{
        _exit(3);
}

static inline void fake_is_killed(void)
{
        (void)kill(getpid(), SIGKILL);
}

static inline void fake_stops(void)
{
        (void)kill(getpid(), SIGSTOP);
        _exit(0);
}

static inline void fake_is_deaf(void)
{
        for (int sig = 1; sig < NSIG; sig++)
                (void)signal(sig, SIG_IGN);
        fake_hang();
}

static inline void fake_closes(void)
{
        for (int fd = 0; fd < 10; fd++)
                (void)close(fd);
        fake_hang();
}

static inline void fake_hangs_when_ready(void)
{
        fake_set_up();
        fake_ready();
        fake_hang();
}

static inline void fake_floods(void)
{
        static const uint8_t zeros[1000];

        for (;;)
                (void)send(3, zeros, sizeof(zeros), MSG_NOSIGNAL);
}

static inline void fake_floods_with_issues(void)
{
        fake_set_up();
        fake_ready();
        for (;;) {
                pn_msg_begin(&fake.out, PN_MSG_ISSUE, 0, PN_MSG_NONE);
                pn_msg_u32(&fake.out, PN_ISSUE_MALFORMED);
                pn_msg_bytes(&fake.out, "x", 1);
                pn_msg_bytes(&fake.out, "x", 1);
                pn_msg_u32(&fake.out, 0);
                fake_send(3, NULL, 0);
        }
}

static inline void fake_ends_and_stays(void)
{
        fake_set_up();
        fake_ready();
        pn_msg_begin(&fake.out, PN_MSG_END, 0, 0);
        for (int i = 0; i < 3; i++)
                pn_msg_u64(&fake.out, 0);
        fake_send(3, NULL, 0);
        fake_hang();
}

/* A grandchild that keeps the sockets. */
static inline void fake_leaves_a_child(void)
{
        if (fork() == 0) {
                (void)setsid();
                (void)sleep(2);
        }
        _exit(0);
}

static inline void fake_tells_setup(void)
{
        fake_set_up();
        for (char *p = fake.setup; *p; p++)
                if (*p < 0x20 || *p > 0x7e)
                        *p = '?';
        fake_fail(fake.setup);
}

static inline bool fake_has_null(int fd)
{
        struct stat st;

        return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3) &&
               (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR;
}

/* What it was born with. */
static inline void fake_tells_birth(void)
{
        char text[PN_WORDS_MAX], fds[64] = "";
        unsigned blocked = 0, null = 0;
        sigset_t mask;

        (void)sigprocmask(SIG_BLOCK, NULL, &mask);
        for (int sig = 1; sig < NSIG; sig++)
                blocked += sigismember(&mask, sig) == 1;
        for (int fd = 0; fd < 1000; fd++) {
                size_t len = strlen(fds);

                if (fcntl(fd, F_GETFD) >= 0 && len + 8 < sizeof(fds))
                        (void)snprintf(fds + len, sizeof(fds) - len, " %d", fd);
        }
        for (int fd = 0; fd < 3; fd++)
                null += fake_has_null(fd);
        (void)snprintf(text, sizeof(text), "fds%s, %u null, %u blocked, environment %s", fds, null, blocked,
                       environ[0] ? environ[0] : "empty");
        fake_set_up();
        fake_fail(text);
}

static const struct behaviour {
        const char *name;
        void (*act)(void);
        bool hangs; /* only the deadline ends it */
} fake_behaviours[] = {
        {"leaves", fake_leaves, false},
        {"fails", fake_fails, false},
        {"is-killed", fake_is_killed, false},
        {"floods", fake_floods, false},
        {"floods-with-issues", fake_floods_with_issues, false},
        {"leaves-a-child", fake_leaves_a_child, false},
        {"hangs", fake_hang, true},
        {"hangs-when-ready", fake_hangs_when_ready, true},
        {"stops", fake_stops, true},
        {"is-deaf", fake_is_deaf, true},
        {"closes", fake_closes, true},
        {"ends-and-stays", fake_ends_and_stays, true},
        {"tells-setup", fake_tells_setup, false},
        {"tells-birth", fake_tells_birth, false},
};

static inline bool fake_concerns(const char *name, const char *dash)
{
        size_t len = (size_t)(dash - name);

        return strncmp(name, "any-", 4) == 0 ||
               (strlen(fake.role) == len && strncmp(name, fake.role, len) == 0);
}

/* To be called first in main(): does not return when this process is a worker. */
static inline void fake_worker(int argc, char **argv)
{
        char own[PATH_MAX] = "", *name, *dash;

        if (argc != 3 || strcmp(argv[0], "postern-worker") != 0 ||
            readlink("/proc/self/exe", own, PATH_MAX - 1) <= 0)
                return;
        fake.role = argv[1];
        if (strtol(argv[2], NULL, 10) != getppid())
                _exit(93);
        name = strrchr(own, '/') + 1;
        dash = strchr(name, '-');
        for (size_t i = 0;
             dash && fake_concerns(name, dash) && i < sizeof(fake_behaviours) / sizeof(fake_behaviours[0]);
             i++)
                if (strcmp(dash + 1, fake_behaviours[i].name) == 0)
                        fake_behaviours[i].act();
        fake_honest();
        _exit(94);
}

/* ---------------------------------------------------------------- the test's side */

static char fake_dir[64];

static inline int fake_group_begin(void **state)
{
        (void)state;
        (void)snprintf(fake_dir, sizeof(fake_dir), "/tmp/postern-fake-XXXXXX");
        return mkdtemp(fake_dir) ? 0 : -1;
}

static inline int fake_group_end(void **state)
{
        DIR *dir = opendir(fake_dir);
        struct dirent *entry;

        (void)state;
        while (dir && (entry = readdir(dir)) != NULL)
                (void)unlinkat(dirfd(dir), entry->d_name, 0);
        if (dir)
                (void)closedir(dir);
        return rmdir(fake_dir);
}

static inline int fake_copy(const char *path)
{
        pn_autofd from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC), to = -1;
        static char block[1 << 16];
        ssize_t n;

        to = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
        while ((n = read(from, block, sizeof(block))) > 0)
                if (write(to, block, (size_t)n) != n)
                        return -1;
        return (int)n;
}

/* This program under the name ROLE-BEHAVIOUR: the worker for a scan. */
static inline const char *fake_path(const char *role, const char *behaviour)
{
        static char path[PATH_MAX];
        char own[PATH_MAX] = "";

        (void)snprintf(path, sizeof(path), "%s/%s-%s", fake_dir, role, behaviour);
        if (access(path, X_OK) == 0)
                return path;
        if (readlink("/proc/self/exe", own, sizeof(own) - 1) <= 0 ||
            (link(own, path) < 0 && fake_copy(path) < 0))
                return NULL;
        return path;
}

#endif
