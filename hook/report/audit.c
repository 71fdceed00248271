/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/report/report.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"

#define WAIT_MS 200 /* for the lock, and for a rotation by another start to settle */
#define RETRY_NS 2000000L
#define FILE_MODE 0600

/* The audit file as a name in a directory, so that all steps are about the same directory. */
struct place {
        const char *path; /* for messages */
        int dirfd;
        const char *name;
        char rotated[NAME_MAX + 1];
};

static int place_split(const char *path, struct place *ret, struct pn_err *err)
{
        const char *slash = strrchr(path, '/');
        int n;

        ret->path = path;
        ret->name = slash ? slash + 1 : path;
        n = snprintf(ret->rotated, sizeof(ret->rotated), "%s.1", ret->name);
        if (ret->name[0] == '\0')
                return pn_err_set(err, PN_FAULT_HOST, EISDIR, "open `%s`", path);
        if (n < 0 || (size_t)n >= sizeof(ret->rotated))
                return pn_err_set(err, PN_FAULT_HOST, ENAMETOOLONG, "open `%s`", path);
        return 0;
}

/* The directory of `p`. Returns a descriptor, or -1. */
static int directory_open(const struct place *p, struct pn_err *err)
{
        size_t len = (size_t)(p->name - p->path);
        char *dir = len > 0 ? strndup(p->path, len) : strdup(".");
        int fd = dir ? open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

        if (fd < 0)
                (void)pn_err_set(err, PN_FAULT_HOST, dir ? errno : ENOMEM, "open directory `%s`",
                                 dir ? dir : p->path);
        free(dir);
        return fd;
}

static int file_check(const struct place *p, int fd, struct stat *st, struct pn_err *err)
{
        if (fstat(fd, st) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "stat `%s`", p->path);
        if (!S_ISREG(st->st_mode))
                return pn_err_set(err, PN_FAULT_HOST, 0, "`%s` is not a regular file", p->path);
        if (st->st_uid != 0 && st->st_uid != geteuid())
                return pn_err_set(err, PN_FAULT_HOST, 0, "`%s` is not owned by root (uid %u)", p->path,
                                  (unsigned)st->st_uid);
        if (st->st_nlink > 1) /* a second name may be a file that somebody wants us to write to */
                return pn_err_set(err, PN_FAULT_HOST, 0, "`%s` has more than one name", p->path);
        return 0;
}

/* A link, a FIFO without a reader, a device: O_NOFOLLOW and O_NONBLOCK keep us from following or waiting. */
static int file_open(const struct place *p, int *ret_fd, struct stat *ret_st, struct pn_err *err)
{
        pn_autofd fd = openat(p->dirfd, p->name,
                              O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                              FILE_MODE);

        if (fd < 0 && errno == ELOOP)
                return pn_err_set(err, PN_FAULT_HOST, 0, "`%s` is a link", p->path);
        if (fd < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open `%s`", p->path);
        if (file_check(p, fd, ret_st, err) < 0)
                return -1;
        *ret_fd = pn_steal_fd(&fd);
        return 0;
}

static int file_lock(const struct place *p, int fd, int64_t deadline_ms, struct pn_err *err)
{
        static const struct timespec pause = {.tv_nsec = RETRY_NS};

        while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                if (errno != EWOULDBLOCK && errno != EINTR)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "lock `%s`", p->path);
                if (pn_clock_left_ms(deadline_ms) == 0)
                        return pn_err_set(err, PN_FAULT_HOST, 0, "lock `%s`: held by another for %d ms",
                                          p->path, WAIT_MS);
                (void)nanosleep(&pause, NULL);
        }
        return 0;
}

/* Does the name still mean the file that was opened? Another start may have renamed it before we had the
 * lock. */
static bool still_there(const struct place *p, const struct stat *opened)
{
        struct stat now;

        return fstatat(p->dirfd, p->name, &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_dev == opened->st_dev &&
               now.st_ino == opened->st_ino;
}

/* Opens and locks the file that the next `len` bytes belong in. */
static int file_take(const struct place *p, uint64_t max_bytes, size_t len, int *ret_fd, struct stat *ret_st,
                     struct pn_err *err)
{
        int64_t deadline_ms = pn_clock_now_ms() + WAIT_MS;

        for (;;) {
                pn_autofd fd = -1;

                if (file_open(p, &fd, ret_st, err) < 0 || file_lock(p, fd, deadline_ms, err) < 0 ||
                    file_check(p, fd, ret_st, err) < 0)
                        return -1;
                if (still_there(p, ret_st)) {
                        if (ret_st->st_size == 0 || (uint64_t)ret_st->st_size + len <= max_bytes) {
                                *ret_fd = pn_steal_fd(&fd);
                                return 0;
                        }
                        if (renameat(p->dirfd, p->name, p->dirfd, p->rotated) < 0)
                                return pn_err_set(err, PN_FAULT_HOST, errno, "rename `%s` to `%s`", p->path,
                                                  p->rotated);
                }
                if (pn_clock_left_ms(deadline_ms) == 0)
                        return pn_err_set(err, PN_FAULT_HOST, 0,
                                          "open `%s`: renamed again and again for %d ms", p->path, WAIT_MS);
        }
}

/* A machine that died in the middle of a record leaves a line without an end. */
static bool torn(int fd, const struct stat *st)
{
        char last;

        return st->st_size > 0 && pn_fd_pread_full(fd, &last, 1, (uint64_t)st->st_size - 1) == 1 &&
               last != '\n';
}

/* One write: a reader that does not lock sees whole lines. What a full disk took of it is taken back, so that
 * the file ends in a whole line; where that is not allowed (chattr +a) the next record heals it. */
static int file_write(const struct place *p, int fd, const struct stat *st, const char *line, size_t len,
                      struct pn_err *err)
{
        static const char newline[] = "\n";
        bool heal = torn(fd, st);
        struct iovec parts[] = {
                {(void *)(uintptr_t)newline, heal ? 1 : 0},
                {(void *)(uintptr_t)line, len},
                {(void *)(uintptr_t)newline, 1},
        };
        size_t all = len + 1 + (heal ? 1 : 0);
        ssize_t n;

        do
                n = writev(fd, parts, sizeof(parts) / sizeof(parts[0]));
        while (n < 0 && errno == EINTR);
        if (n >= 0 && (size_t)n == all)
                return 0;
        if (n < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "write to `%s`", p->path);
        (void)!ftruncate(fd, st->st_size);
        return pn_err_set(err, PN_FAULT_HOST, 0, "write to `%s`: no room, %zd of %zu bytes taken", p->path, n,
                          all);
}

int pn_audit_append(const char *path, uint64_t max_bytes, const char *line, size_t len, struct pn_err *err)
{
        struct place p = {.dirfd = -1};
        pn_autofd dirfd = -1, fd = -1;
        struct stat st;

        if (memchr(line, '\n', len))
                return pn_err_set(err, PN_FAULT_BUG, 0, "a record for `%s` has more than one line", path);
        if (place_split(path, &p, err) < 0)
                return -1;
        dirfd = directory_open(&p, err);
        p.dirfd = dirfd;
        if (dirfd < 0)
                return -1;
        if (file_take(&p, max_bytes, len + 2, &fd, &st, err) < 0)
                return -1;
        return file_write(&p, fd, &st, line, len, err);
}
