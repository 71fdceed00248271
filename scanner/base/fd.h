/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_BASE_FD_H
#define PN_BASE_FD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "scanner/base/err.h"

/* A descriptor that closes with its scope; -1 is "none", 0 is a descriptor. */
void pn_fd_cleanup(int *fd);
#define pn_autofd __attribute__((cleanup(pn_fd_cleanup))) int

/* Memory that is freed with its scope. */
void pn_free_cleanup(void *ptr);
#define pn_autofree __attribute__((cleanup(pn_free_cleanup)))

/* Hands a descriptor over: the variable becomes -1. */
static inline int pn_steal_fd(int *fd)
{
        int ret = *fd;

        *fd = -1;
        return ret;
}

/* Opens the single component `name` below `dirfd` with O_PATH, following nothing: openat2(2) with
 * RESOLVE_BENEATH|NO_SYMLINKS|NO_MAGICLINKS, or openat(2) with O_NOFOLLOW where openat2 is missing (before
 * Linux 5.6). A link gives a descriptor of the link itself. Returns the descriptor, or -1 with errno. */
int pn_fd_open_entry(int dirfd, const char *name);

/* Resolves `path` with the directory `rootfd` as "/" the way a process rooted there would (openat2(2) with
 * RESOLVE_IN_ROOT|NO_MAGICLINKS) and opens it with O_PATH. Returns the descriptor, or -1 with errno: ENOSYS
 * before Linux 5.6, where only a process that may chroot(2) itself can do the same. */
int pn_fd_open_in_root(int rootfd, const char *path);

/* Reads `fd` to its end into a fresh buffer with a NUL behind it; more than `max` bytes is EFBIG.
 * *ret_data is the caller's to free. Returns 0, or -1 with errno. */
int pn_fd_read_all(int fd, size_t max, char **ret_data, size_t *ret_len);

/* pread(2) until `len` bytes or the end of the file. Returns the bytes read, or -1 with errno. */
ssize_t pn_fd_pread_full(int fd, void *buf, size_t len, uint64_t offset);

/* A file that only root can have put there: opens `path` (relative to `dirfd`) O_RDONLY|O_NOFOLLOW|O_NONBLOCK
 * and refuses what is not a regular file, is not owned by root or by the caller's own effective uid, or can be
 * written by group or others. *ret_fd is the caller's. Returns 0, or -1 with PN_FAULT_CONFIG. */
int pn_fd_open_trusted(int dirfd, const char *path, int *ret_fd, struct pn_err *err);

/* pn_fd_open_trusted() + pn_fd_read_all(). */
int pn_fd_read_trusted(int dirfd, const char *path, size_t max_bytes, char **ret_data, size_t *ret_len,
                       struct pn_err *err);

#endif
