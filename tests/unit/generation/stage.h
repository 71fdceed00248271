/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_GENERATION_STAGE_H
#define PN_TEST_GENERATION_STAGE_H

/* A state directory of its own for each test, places with sources in them, and generations whose parts say by
 * their content which one they belong to. Include after cmocka.h. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/generation/generation.h"

#define STRANGER 65534U    /* a user who is neither root nor us */
#define PART_BYTES 200000U /* more than one read */

struct stage {
        char dir[64], state[80], rules_dir[80], deny_dir[80];
        char *rules[2], *deny[2];
        char path[512]; /* of what was asked for last */
};

/* The path below the stage's directory. */
static inline const char *at(struct stage *stage, const char *name)
{
        (void)snprintf(stage->path, sizeof(stage->path), "%s/%s", stage->dir, name);
        return stage->path;
}

/* The path of `name` in the directory of the generations. */
static inline const char *in_rules(struct stage *stage, const char *name)
{
        (void)snprintf(stage->path, sizeof(stage->path), "%s/state/rules/%s", stage->dir, name);
        return stage->path;
}

static inline void write_text(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal((ssize_t)strlen(text), write(fd, text, strlen(text)));
        assert_int_equal(0, close(fd));
}

static inline void stage_fill(struct stage *stage)
{
        (void)snprintf(stage->state, sizeof(stage->state), "%s/state", stage->dir);
        (void)snprintf(stage->rules_dir, sizeof(stage->rules_dir), "%s/rules.d", stage->dir);
        (void)snprintf(stage->deny_dir, sizeof(stage->deny_dir), "%s/deny.d", stage->dir);
        stage->rules[0] = stage->rules_dir;
        stage->deny[0] = stage->deny_dir;
        assert_int_equal(0, mkdir(stage->rules_dir, 0700));
        assert_int_equal(0, mkdir(stage->deny_dir, 0700));
        write_text(at(stage, "rules.d/b.yar"), "rule b { condition: false }\n");
        write_text(at(stage, "rules.d/a.yara"), "rule a { condition: false }\n");
        write_text(at(stage, "rules.d/a.txt"), "not a rule\n");
        write_text(at(stage, "rules.d/.hidden.yar"), "not one either\n");
        write_text(at(stage, "deny.d/d.tsv"), "# none\n");
}

static inline int stage_new(void **state)
{
        static struct stage stage;

        stage = (struct stage){0};
        (void)snprintf(stage.dir, sizeof(stage.dir), "%s/postern-test-generation-XXXXXX",
                       access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
        if (!mkdtemp(stage.dir))
                return -1;
        stage_fill(&stage);
        *state = &stage;
        return 0;
}

static inline int stage_remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
        (void)st;
        (void)flag;
        (void)where;
        return remove(path);
}

static inline int stage_free(void **state)
{
        struct stage *stage = *state;

        return nftw(stage->dir, stage_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The byte of which part `kind` of the `tag`th generation consists. */
static inline uint8_t stage_byte(unsigned tag, enum pn_part kind)
{
        return (uint8_t)(tag * PN_PARTS + kind + 1);
}

static inline int part_fd(unsigned tag, enum pn_part kind)
{
        int fd = memfd_create("part", MFD_CLOEXEC);
        static uint8_t bytes[PART_BYTES];

        assert_true(fd >= 0);
        memset(bytes, stage_byte(tag, kind), sizeof(bytes));
        assert_int_equal(sizeof(bytes), write(fd, bytes, sizeof(bytes)));
        return fd;
}

/* What the tag-th generation is stored from; stage_new_free() when it is. */
static inline void new_fill(struct stage *stage, unsigned tag, struct pn_generation_new *ret)
{
        struct pn_generation_source *source;
        struct pn_err err = PN_ERR_INIT;

        *ret = (struct pn_generation_new){.rules = stage->rules,
                                          .deny = stage->deny,
                                          .libyara = "4.2.3",
                                          .hyperscan = "5.4.0",
                                          .rule_count = 100 + tag,
                                          .window_count = 200 + tag,
                                          .made_s = 1774958400 + tag};
        assert_int_equal(0,
                         pn_generation_sources(stage->rules, stage->deny, &source, &ret->source_count, &err));
        ret->source = source;
        for (enum pn_part i = 0; i < PN_PARTS; i++) {
                ret->part[i] = (struct pn_generation_part){.fd = part_fd(tag, i), .bytes = PART_BYTES};
                memset(ret->part[i].sha256, (int)(0x10 + i), sizeof(ret->part[i].sha256));
        }
        ret->part[PN_PART_EXACT].head_bytes = 77;
        memset(ret->part[PN_PART_EXACT].head_sha256, 0x99, 32);
}

static inline void new_free(struct pn_generation_new *new)
{
        for (enum pn_part i = 0; i < PN_PARTS; i++)
                if (new->part[i].fd >= 0)
                        (void)close(new->part[i].fd);
        pn_generation_sources_free((struct pn_generation_source *)(uintptr_t) new->source, new->source_count);
}

/* Stores the tag-th; its name is in `ret_name` when it is not NULL. */
static inline int store(struct stage *stage, unsigned tag, char *ret_name, struct pn_err *err)
{
        struct pn_generation_new new;
        char name[32] = "";
        int ret;

        new_fill(stage, tag, &new);
        ret = pn_generation_store(stage->state, &new, ret_name ?: name, err);
        new_free(&new);
        return ret;
}

static inline void must_store(struct stage *stage, unsigned tag, const char *want_name)
{
        struct pn_err err = PN_ERR_INIT;
        char name[32] = "";

        if (store(stage, tag, name, &err) < 0)
                fail_msg("%s", err.text);
        assert_string_equal(want_name, name);
}

static inline int open_in_use(struct stage *stage, struct pn_generation *ret, struct pn_err *err)
{
        *err = (struct pn_err)PN_ERR_INIT;
        return pn_generation_open(stage->state, stage->rules, stage->deny, ret, err);
}

/* The tag of the generation that is open: every part must be of that one, whole. */
static inline unsigned tag_of(const struct pn_generation *generation)
{
        static uint8_t bytes[PART_BYTES + 1];
        unsigned tag = generation->rules - 100;

        assert_int_equal(200 + tag, generation->windows);
        for (enum pn_part i = 0; i < PN_PARTS; i++) {
                assert_true(generation->part[i].fd >= 0);
                assert_int_equal(PART_BYTES,
                                 pn_fd_pread_full(generation->part[i].fd, bytes, sizeof(bytes), 0));
                for (size_t k = 0; k < PART_BYTES; k++)
                        if (bytes[k] != stage_byte(tag, i))
                                fail_msg("%s: byte %zu is not of generation %u", pn_part_names[i], k, tag);
        }
        return tag;
}

#endif
