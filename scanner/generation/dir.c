/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/generation/dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/base/text.h"

#define DIGITS_MAX 15 /* of a number: far from the end of 64 bits */

static bool is_ours(const struct stat *st)
{
        return st->st_uid == 0 || st->st_uid == geteuid();
}

/* `fd` is a directory that only root, or who runs us, can change. Unlike a directory of rules it may not even
 * be sticky: whoever can make names here could keep the next writer from making them. */
static int check_dir(int fd, const char *path, struct pn_err *err)
{
        struct stat st;

        if (fstat(fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "stat directory `%s`", path);
        if (!is_ours(&st))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "directory `%s` is not owned by root (uid %u)",
                                  path, (unsigned)st.st_uid);
        if (st.st_mode & (S_IWGRP | S_IWOTH))
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "directory `%s` can be written by group or others (mode %04o)", path,
                                  (unsigned)(st.st_mode & 07777));
        return 0;
}

/* 1, or 0 when it is missing; -1 with `err`. */
static int open_dir(int at, const char *path, int flags, int *ret_fd, struct pn_err *err)
{
        pn_autofd fd = openat(at, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC | flags);

        if (fd < 0 && errno == ENOENT)
                return 0;
        if (fd < 0)
                return pn_err_set(err, errno == ELOOP || errno == ENOTDIR ? PN_FAULT_CONFIG : PN_FAULT_HOST,
                                  errno, "open directory `%s`", path);
        if (check_dir(fd, path, err) < 0)
                return -1;
        *ret_fd = pn_steal_fd(&fd);
        return 1;
}

static int make_dir(int at, const char *path, struct pn_err *err)
{
        if (mkdirat(at, path, 0700) == 0 || errno == EEXIST)
                return 0;
        return pn_err_set(err, PN_FAULT_HOST, errno, "make directory `%s`", path);
}

int pn_gendir_open(const char *state_dir, bool create, int *ret_fd, struct pn_err *err)
{
        pn_autofd state = -1, rules = -1;
        int got = open_dir(AT_FDCWD, state_dir, 0, &state, err);

        if (got == 0 && create) {
                if (make_dir(AT_FDCWD, state_dir, err) < 0)
                        return -1;
                got = open_dir(AT_FDCWD, state_dir, 0, &state, err);
        }
        if (got <= 0)
                return got;
        got = open_dir(state, "rules", O_NOFOLLOW, &rules, err);
        if (got == 0 && create) {
                if (make_dir(state, "rules", err) < 0)
                        return pn_err_wrap(err, "in `%s`", state_dir);
                if (fsync(state) < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "flush directory `%s`", state_dir);
                got = open_dir(state, "rules", O_NOFOLLOW, &rules, err);
        }
        if (got < 0)
                return pn_err_wrap(err, "in `%s`", state_dir);
        *ret_fd = pn_steal_fd(&rules);
        return got;
}

int pn_gendir_enter(int rules_fd, const char *name, int *ret_fd, struct pn_err *err)
{
        int got = open_dir(rules_fd, name, O_NOFOLLOW, ret_fd, err);

        if (got == 0)
                return pn_err_set(err, PN_FAULT_CONFIG, ENOENT, "open directory `%s`", name);
        return got < 0 ? -1 : 0;
}

bool pn_gendir_number(const char *name, uint64_t *ret)
{
        char again[PN_GENDIR_NAME_MAX];
        uint64_t number = 0;
        size_t digits = 0;

        if (strncmp(name, "g-", 2) != 0)
                return false;
        for (const char *c = name + 2; *c; c++, digits++) {
                if (*c < '0' || *c > '9' || digits >= DIGITS_MAX)
                        return false;
                number = 10 * number + (uint64_t)(*c - '0');
        }
        pn_gendir_name(number, again);
        if (strcmp(again, name) != 0)
                return false;
        *ret = number;
        return true;
}

void pn_gendir_name(uint64_t number, char ret[PN_GENDIR_NAME_MAX])
{
        (void)snprintf(ret, PN_GENDIR_NAME_MAX, "g-%06" PRIu64, number);
}

int pn_gendir_link(int rules_fd, const char *link, char ret_name[PN_GENDIR_NAME_MAX], struct pn_err *err)
{
        char target[PN_GENDIR_NAME_MAX];
        struct stat st;
        uint64_t number;
        ssize_t len;

        if (fstatat(rules_fd, link, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                if (errno == ENOENT)
                        return 0;
                return pn_err_set(err, PN_FAULT_HOST, errno, "stat `%s`", link);
        }
        if (!S_ISLNK(st.st_mode))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "`%s` is not a symbolic link", link);
        if (!is_ours(&st))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "`%s` is not owned by root (uid %u)", link,
                                  (unsigned)st.st_uid);
        len = readlinkat(rules_fd, link, target, sizeof(target) - 1);
        if (len < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read the link `%s`", link);
        target[len] = '\0';
        if (!pn_gendir_number(target, &number))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "`%s` does not point to a generation", link);
        memcpy(ret_name, target, (size_t)len + 1);
        return 1;
}

int pn_gendir_each(int dirfd, void (*each)(int dirfd, const char *name, void *data), void *data)
{
        int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* closedir() closes it */
        struct dirent *entry;
        DIR *dir;
        int failed;

        if (copy < 0)
                return -1;
        dir = fdopendir(copy);
        if (!dir) {
                (void)close(copy);
                return -1;
        }
        for (errno = 0; (entry = readdir(dir)) != NULL; errno = 0)
                if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                        each(dirfd, entry->d_name, data);
        failed = errno;
        (void)closedir(dir);
        errno = failed;
        return failed ? -1 : 0;
}

struct numbers {
        uint64_t *item;
        size_t count;
        bool no_memory;
};

static void add_number(int dirfd, const char *name, void *data)
{
        struct numbers *all = data;
        uint64_t number, *more;

        (void)dirfd;
        if (!pn_gendir_number(name, &number))
                return;
        more = reallocarray(all->item, all->count + 1, sizeof(*more));
        if (!more) {
                all->no_memory = true;
                return;
        }
        all->item = more;
        all->item[all->count++] = number;
}

static int greatest_first(const void *a, const void *b)
{
        const uint64_t *x = a, *y = b;

        return (*x < *y) - (*x > *y);
}

int pn_gendir_list(int rules_fd, uint64_t **ret, size_t *ret_count, struct pn_err *err)
{
        struct numbers all = {0};
        int got = pn_gendir_each(rules_fd, add_number, &all);

        if (got < 0 || all.no_memory) {
                got = got < 0 ? errno : ENOMEM;
                free(all.item);
                return pn_err_set(err, PN_FAULT_HOST, got, "read directory `rules`");
        }
        if (all.count > 1)
                qsort(all.item, all.count, sizeof(*all.item), greatest_first);
        *ret = all.item;
        *ret_count = all.count;
        return 0;
}
