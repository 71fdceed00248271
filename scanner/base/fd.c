/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

void pn_fd_cleanup(int *fd)
{
        int saved = errno;

        if (*fd >= 0)
                (void)close(*fd);
        *fd = -1;
        errno = saved;
}

void pn_free_cleanup(void *ptr)
{
        void *block;

        memcpy(&block, ptr, sizeof(block));
        free(block);
}

#define RACES_MAX 100000U /* tries to resolve a path while others rename; each is some microseconds */

static int open_how(int dirfd, const char *path, uint64_t flags, uint64_t resolve)
{
        struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};

        return (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));
}

int pn_fd_open_entry(int dirfd, const char *name)
{
        int fd;

        if (name[0] == '\0' || strchr(name, '/')) {
                errno = EINVAL;
                return -1;
        }
        fd = open_how(dirfd, name, O_PATH | O_NOFOLLOW,
                      RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS);
        if (fd < 0 && errno == ENOSYS) {
                if (strcmp(name, "..") == 0) {
                        errno = EXDEV; /* as RESOLVE_BENEATH has it */
                        return -1;
                }
                fd = openat(dirfd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        }
        return fd;
}

int pn_fd_open_in_root(int rootfd, const char *path)
{
        int fd = -1;

        /* EAGAIN: a rename or mount anywhere on the node while ".." was being resolved */
        for (unsigned tries = 0; fd < 0 && tries < RACES_MAX; tries++) {
                fd = open_how(rootfd, path, O_PATH, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
                if (fd < 0 && errno != EAGAIN)
                        break;
        }
        return fd;
}

int pn_fd_read_all(int fd, size_t max, char **ret_data, size_t *ret_len)
{
        size_t cap = 4096, len = 0;
        pn_autofree char *data = malloc(cap + 1);

        while (data) {
                ssize_t n;

                if (len == cap) {
                        char *more = realloc(data, 2 * cap + 1);

                        if (!more)
                                break;
                        data = more;
                        cap *= 2;
                }
                n = read(fd, data + len, cap - len);
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                if (n == 0) {
                        data[len] = '\0';
                        *ret_data = data;
                        *ret_len = len;
                        data = NULL;
                        return 0;
                }
                len += (size_t)n;
                if (len > max) {
                        errno = EFBIG;
                        return -1;
                }
        }
        errno = ENOMEM;
        return -1;
}

ssize_t pn_fd_pread_full(int fd, void *buf, size_t len, uint64_t offset)
{
        size_t done = 0;

        while (done < len) {
                ssize_t n = pread(fd, (char *)buf + done, len - done, (off_t)(offset + done));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                if (n == 0)
                        break;
                done += (size_t)n;
        }
        return (ssize_t)done;
}

int pn_fd_open_trusted(int dirfd, const char *path, int *ret_fd, struct pn_err *err)
{
        pn_autofd fd = openat(dirfd, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        struct stat st;

        if (fd < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "open `%s`", path);
        if (fstat(fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "stat `%s`", path);
        if (!S_ISREG(st.st_mode))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "`%s` is not a regular file", path);
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "`%s` is not owned by root (uid %u)", path,
                                  (unsigned)st.st_uid);
        if (st.st_mode & (S_IWGRP | S_IWOTH))
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "`%s` can be written by group or others (mode %04o)", path,
                                  (unsigned)(st.st_mode & 07777));
        *ret_fd = pn_steal_fd(&fd);
        return 0;
}

int pn_fd_read_trusted(int dirfd, const char *path, size_t max_bytes, char **ret_data, size_t *ret_len,
                       struct pn_err *err)
{
        pn_autofd fd = -1;

        if (pn_fd_open_trusted(dirfd, path, &fd, err) < 0)
                return -1;
        if (pn_fd_read_all(fd, max_bytes, ret_data, ret_len) < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "read `%s` (at most %zu bytes)", path,
                                  max_bytes);
        return 0;
}
