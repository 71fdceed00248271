/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_TARGET_TOLD_H
#define PN_TEST_TARGET_TOLD_H

/* A place for trees (a tmpfs of its own, in a mount name space of the test's), a walk over it, and all it
 * told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/target/walk.h"

#define TOLD_MAX 20000

struct told {
        struct one {
                char *path;
                size_t len;
                bool cut;
                uint64_t ino, size, mount;
                enum pn_issue_class cls;
                char text[PN_WORDS_MAX];
        } file[TOLD_MAX], note[TOLD_MAX], issue[TOLD_MAX];
        size_t files, notes, issues;
        struct pn_walk_counts counts;
        struct pn_err err;
        size_t fds_most;                   /* descriptors open at once, with the test's own */
        void (*on_file)(const char *path); /* what somebody else does meanwhile */
        int file_ret;
};

struct place {
        char dir[64];
        int outside, tree; /* two directories of it */
        struct pn_limits limits;
        struct pn_walk_id host_root;
};

/* The tests need somewhere to mount and one walk at a time. */
static struct place place;
static struct told told;

static inline size_t open_fds(void)
{
        DIR *dir = opendir("/proc/self/fd");
        size_t count = 0;

        assert_non_null(dir);
        while (readdir(dir))
                count++;
        (void)closedir(dir);
        return count - 3; /* ".", ".." and the directory itself */
}

static inline void remember(struct one *list, size_t *count, const struct pn_path *path, struct one one)
{
        assert_true(*count < TOLD_MAX);
        assert_true(path->len <= PN_PATH_BYTES_MAX);
        one.path = strndup(path->bytes, path->len);
        one.len = path->len;
        one.cut = path->cut;
        assert_non_null(one.path);
        list[(*count)++] = one;
}

static inline int tell_file(void *ctx, int fd, uint64_t size, const struct pn_path *path, struct pn_err *err)
{
        struct stat st;
        size_t fds = told.on_file ? open_fds() : 0;

        assert_ptr_equal(ctx, &told);
        assert_int_equal(fstat(fd, &st), 0);
        assert_true(S_ISREG(st.st_mode));
        assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_PATH), O_RDONLY);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        (void)close(fd);
        told.fds_most = fds > told.fds_most ? fds : told.fds_most;
        remember(told.file, &told.files, path, (struct one){.ino = st.st_ino, .size = size});
        if (told.on_file)
                told.on_file(told.file[told.files - 1].path);
        return told.file_ret < 0 ? pn_err_set(err, PN_FAULT_NONE, EPIPE, "nobody listens") : 0;
}

static inline int tell_note(void *ctx, uint64_t mount, const char *text, const struct pn_path *path,
                            struct pn_err *err)
{
        struct one one = {.mount = mount};

        (void)ctx;
        (void)err;
        (void)snprintf(one.text, sizeof(one.text), "%s", text);
        remember(told.note, &told.notes, path, one);
        return 0;
}

static inline int tell_issue(void *ctx, enum pn_issue_class cls, const char *text, const struct pn_path *path,
                             struct pn_err *err)
{
        struct one one = {.cls = cls};

        (void)ctx;
        (void)err;
        (void)snprintf(one.text, sizeof(one.text), "%s", text);
        remember(told.issue, &told.issues, path, one);
        return 0;
}

static inline void told_clear(void)
{
        for (size_t i = 0; i < told.files; i++)
                free(told.file[i].path);
        for (size_t i = 0; i < told.notes; i++)
                free(told.note[i].path);
        for (size_t i = 0; i < told.issues; i++)
                free(told.issue[i].path);
        told.files = told.notes = told.issues = 0;
        told.fds_most = 0;
        told.counts = (struct pn_walk_counts){0};
        told.err = (struct pn_err)PN_ERR_INIT;
}

/* Walks the roots one after the other, under the labels, and keeps what was told. Nothing may stay open. */
static inline int walk_roots(const int *roots, const char *const *labels, size_t count)
{
        const struct pn_walk_sink sink = {&told, tell_file, tell_note, tell_issue};
        size_t before = open_fds();
        int fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC), ret = 0;
        struct pn_walk *walk;

        told_clear();
        assert_true(fds >= 0);
        assert_int_equal(pn_walk_new(&place.limits, fds, place.host_root, &sink, &walk, &told.err), 0);
        for (size_t i = 0; i < count && ret == 0; i++)
                ret = pn_walk_run(walk, roots[i], labels[i], &told.err);
        told.counts = *pn_walk_counted(walk);
        assert_null(pn_walk_free(walk));
        (void)close(fds);
        assert_int_equal(open_fds(), before);
        return ret;
}

static inline int walk_tree(const char *label)
{
        return walk_roots(&place.tree, &label, 1);
}

static inline const struct one *find(const struct one *list, size_t count, const char *path)
{
        for (size_t i = 0; i < count; i++)
                if (list[i].len == strlen(path) && memcmp(list[i].path, path, list[i].len) == 0)
                        return &list[i];
        return NULL;
}

static inline bool told_file(const char *path)
{
        return find(told.file, told.files, path) != NULL;
}

/* The tree was walked to its end and nothing was left out. */
static inline void whole(size_t files)
{
        assert_int_equal(told.issues, 0);
        assert_int_equal(told.files, files);
        assert_int_equal(told.counts.files, files);
}

/* ---------------------------------------------------------------- making trees */

static inline void put_file(int dir, const char *name)
{
        pn_autofd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, name, 1), 1);
}

static inline int put_dir(int dir, const char *name)
{
        int fd;

        assert_int_equal(mkdirat(dir, name, 0700), 0);
        fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(fd >= 0);
        return fd;
}

static inline void put_dirs(int dir, const char *name)
{
        pn_autofd fd = put_dir(dir, name);

        assert_true(fd >= 0);
}

/* A chain of `levels` directories "d", each with a file "f" in it; returns the last one. */
static inline int put_chain(unsigned levels)
{
        int at = dup(place.tree);

        for (unsigned i = 0; i < levels; i++) {
                int next = put_dir(at, "d");

                (void)close(at);
                at = next;
                if (i % 100 == 0 || i + 1 == levels)
                        put_file(at, "f");
        }
        return at;
}

static inline const char *path_of(const char *name)
{
        static char path[2][256];
        static unsigned turn;

        turn ^= 1;
        (void)snprintf(path[turn], sizeof(path[turn]), "%s/%s", place.dir, name);
        return path[turn];
}

static inline void put_mount(const char *source, const char *name, const char *type, unsigned long flags,
                             const char *data)
{
        if (mount(source, path_of(name), type, flags, data) < 0)
                fail_msg("mount %s on %s: %s", source, name, strerror(errno));
}

static inline int place_group(void **state)
{
        (void)state;
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
                print_error("this test mounts: run it as root (%s)\n", strerror(errno));
                return -1;
        }
        return 0;
}

static inline int place_make(void **state)
{
        (void)state;
        (void)snprintf(place.dir, sizeof(place.dir), "/tmp/postern-walk-XXXXXX");
        if (!mkdtemp(place.dir) || mount("place", place.dir, "tmpfs", 0, "nr_inodes=200000") < 0 ||
            mkdir(path_of("outside"), 0700) < 0 || mkdir(path_of("tree"), 0755) < 0 ||
            chmod(place.dir, 0755) < 0)
                return -1;
        place.outside = open(path_of("outside"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        place.tree = open(path_of("tree"), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        place.limits = (struct pn_limits){.files = 100000, .directories = 100000, .depth = 10000};
        told.on_file = NULL;
        told.file_ret = 0;
        return place.outside < 0 || place.tree < 0 ||
               pn_walk_identify(AT_FDCWD, &place.host_root, NULL, NULL) < 0;
}

static inline int place_remove(void **state)
{
        (void)state;
        told_clear();
        (void)close(place.outside);
        (void)close(place.tree);
        if (umount2(place.dir, MNT_DETACH) < 0)
                return -1;
        return rmdir(place.dir);
}

#endif
