/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_POLICY_SCRATCH_H
#define PN_TEST_POLICY_SCRATCH_H

/* A directory of its own for each test, with files of a given mode in it. Include after cmocka.h. */

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct scratch {
        char dir[64];
        char path[256]; /* of what was written last */
};

static inline int scratch_new(void **state)
{
        struct scratch *scratch = calloc(1, sizeof(*scratch));

        if (!scratch)
                return -1;
        (void)snprintf(scratch->dir, sizeof(scratch->dir), "/tmp/postern-test-policy-XXXXXX");
        if (!mkdtemp(scratch->dir)) {
                free(scratch);
                return -1;
        }
        *state = scratch;
        return 0;
}

static inline int scratch_remove_one(const char *path, const struct stat *st, int flag, struct FTW *at)
{
        (void)st;
        (void)flag;
        (void)at;
        return remove(path);
}

static inline int scratch_free(void **state)
{
        struct scratch *scratch = *state;
        int failed = nftw(scratch->dir, scratch_remove_one, 8, FTW_DEPTH | FTW_PHYS);

        free(scratch);
        return failed;
}

/* The path of `name` in the directory. */
static inline const char *scratch_path(struct scratch *scratch, const char *name)
{
        (void)snprintf(scratch->path, sizeof(scratch->path), "%s/%s", scratch->dir, name);
        return scratch->path;
}

static inline const char *scratch_mkdir(struct scratch *scratch, const char *name, mode_t mode)
{
        const char *path = scratch_path(scratch, name);

        assert_int_equal(0, mkdir(path, 0700));
        assert_int_equal(0, chmod(path, mode));
        return path;
}

static inline const char *scratch_write(struct scratch *scratch, const char *name, mode_t mode,
                                        const char *text)
{
        const char *path = scratch_path(scratch, name);
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(0, fclose(file));
        assert_int_equal(0, chmod(path, mode));
        return path;
}

/* Gives `path` to a user that is neither root nor us; only root can. */
static inline void scratch_give_away(const char *path)
{
        if (geteuid() != 0)
                skip();
        assert_int_equal(0, chown(path, 12345, (gid_t)-1));
}

#define assert_says(err, words)                                                                              \
        do {                                                                                                 \
                if (!strstr((err).text, words))                                                              \
                        fail_msg("`%s` does not say `%s`", (err).text, words);                               \
        } while (0)

#endif
