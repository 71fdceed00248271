/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"

int pn_trust_open_dir(const char *path, int *ret_fd, struct pn_err *err)
{
        pn_autofd fd = open(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
        struct stat st;

        if (fd < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "open directory `%s`", path);
        if (fstat(fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "stat directory `%s`", path);
        if (st.st_uid != 0 && st.st_uid != geteuid())
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "directory `%s` is not owned by root (uid %u)",
                                  path, (unsigned)st.st_uid);
        if ((st.st_mode & (S_IWGRP | S_IWOTH)) && !(st.st_mode & S_ISVTX))
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "directory `%s` can be written by group or others (mode %04o)", path,
                                  (unsigned)(st.st_mode & 07777));
        *ret_fd = pn_steal_fd(&fd);
        return 0;
}

/* The part before the last slash; the caller's to free. NULL when memory ran out. */
static char *directory_of(const char *path)
{
        const char *slash = strrchr(path, '/');

        if (!slash)
                return strdup(".");
        return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

int pn_trust_read(const char *path, size_t max_bytes, char **ret_data, size_t *ret_len, struct pn_err *err)
{
        pn_autofree char *directory = directory_of(path);
        const char *slash = strrchr(path, '/');
        pn_autofd dirfd = -1;

        if (!directory)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read `%s`", path);
        if (pn_trust_open_dir(directory, &dirfd, err) < 0)
                return -1;
        if (pn_fd_read_trusted(dirfd, slash ? slash + 1 : path, max_bytes, ret_data, ret_len, err) < 0)
                return pn_err_wrap(err, "in `%s`", directory);
        return 0;
}
