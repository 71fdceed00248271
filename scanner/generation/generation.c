/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/generation/generation.h"

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
#include "scanner/generation/dir.h"
#include "scanner/generation/manifest.h"

#define SWITCHES_MAX 16 /* generations that may come into use while we look for one */

/* Who asks, and for what. */
struct wish {
        int rules_fd;
        char *const *rules, *const *deny;
        struct pn_generation *ret;
};

static void forget(struct pn_generation *generation)
{
        *generation = (struct pn_generation){0};
        for (enum pn_part i = 0; i < PN_PARTS; i++)
                generation->part[i].fd = -1;
}

void pn_generation_close(struct pn_generation *generation)
{
        for (enum pn_part i = 0; i < PN_PARTS; i++)
                if (generation->part[i].fd >= 0)
                        (void)close(generation->part[i].fd);
        forget(generation);
}

/* ---------------------------------------------------------------- one generation */

static int open_part(int dirfd, enum pn_part kind, struct pn_generation_part *part, struct pn_err *err)
{
        pn_autofd fd = -1;
        struct stat st;

        if (pn_fd_open_trusted(dirfd, pn_part_names[kind], &fd, err) < 0)
                return -1;
        if (fstat(fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "stat `%s`", pn_part_names[kind]);
        if ((uint64_t)st.st_size != part->bytes)
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "`%s` has %lld bytes, and the manifest says %" PRIu64, pn_part_names[kind],
                                  (long long)st.st_size, part->bytes);
        part->fd = pn_steal_fd(&fd);
        return 0;
}

static int open_parts(int dirfd, const struct pn_manifest *manifest, struct pn_generation *ret,
                      struct pn_err *err)
{
        for (enum pn_part i = 0; i < PN_PARTS; i++) {
                if (!manifest->has[i])
                        continue;
                ret->part[i] = manifest->part[i];
                if (open_part(dirfd, i, &ret->part[i], err) < 0)
                        return -1;
        }
        return 0;
}

static void keep(const struct pn_manifest *manifest, struct pn_generation *ret)
{
        (void)snprintf(ret->name, sizeof(ret->name), "%s", manifest->name);
        (void)snprintf(ret->libyara, sizeof(ret->libyara), "%s", manifest->libyara);
        (void)snprintf(ret->hyperscan, sizeof(ret->hyperscan), "%s", manifest->hyperscan ?: "");
        ret->rules = manifest->rule_count;
        ret->windows = manifest->window_count;
        ret->made_s = manifest->made_s;
}

/* What cannot be listed is not known to be the same. */
static void look_for_changes(const struct wish *wish, const struct pn_manifest *manifest)
{
        struct pn_generation_source *now = NULL;
        struct pn_err why = PN_ERR_INIT;
        struct pn_generation *ret = wish->ret;
        size_t count = 0;

        if (pn_generation_sources(wish->rules, wish->deny, &now, &count, &why) < 0) {
                ret->stale = true;
                (void)snprintf(ret->stale_why, sizeof(ret->stale_why), "%.*s",
                               (int)sizeof(ret->stale_why) - 1, why.text);
                return;
        }
        ret->stale = pn_manifest_is_stale(manifest, now, count, ret->stale_why, sizeof(ret->stale_why));
        pn_generation_sources_free(now, count);
}

static int read_manifest(int dirfd, const char *name, struct pn_manifest *ret, struct pn_err *err)
{
        pn_autofree char *text = NULL;
        char shown[64];
        size_t len = 0;

        if (pn_fd_read_trusted(dirfd, PN_MANIFEST_NAME, PN_MANIFEST_BYTES_MAX, &text, &len, err) < 0 ||
            pn_manifest_parse(PN_MANIFEST_NAME, text, len, ret, err) < 0)
                return -1;
        if (strcmp(ret->name, name) == 0 && strcmp(ret->postern, PN_VERSION) == 0)
                return 0;
        (void)pn_text_escape(shown, sizeof(shown), ret->postern, strlen(ret->postern));
        if (strcmp(ret->name, name) != 0)
                pn_err_fill(err, PN_FAULT_CONFIG, 0, PN_MANIFEST_NAME ": name: is `%s`", ret->name);
        else
                pn_err_fill(err, PN_FAULT_CONFIG, 0, "made by postern %s, and this is " PN_VERSION, shown);
        pn_manifest_clear(ret);
        return -1;
}

/* 1 when `name` is whole and made for these places; 0 when it was made for others; -1 with what is wrong with
 * it. */
static int try_one(const struct wish *wish, const char *name, struct pn_err *err)
{
        struct pn_manifest manifest;
        pn_autofd dirfd = -1;
        int got;

        forget(wish->ret);
        if (pn_gendir_enter(wish->rules_fd, name, &dirfd, err) < 0)
                return -1;
        if (read_manifest(dirfd, name, &manifest, err) < 0)
                return pn_err_wrap(err, "generation `%s`", name);
        got = pn_manifest_is_for(&manifest, wish->rules, wish->deny) ? 1 : 0;
        if (got == 1 && open_parts(dirfd, &manifest, wish->ret, err) < 0)
                got = pn_err_wrap(err, "generation `%s`", name);
        if (got == 1) {
                keep(&manifest, wish->ret);
                look_for_changes(wish, &manifest);
        } else {
                pn_generation_close(wish->ret);
        }
        pn_manifest_clear(&manifest);
        return got;
}

/* ---------------------------------------------------------------- the one to use */

/* The newest that will do, but for `skip` and all from `below` on. 1, 0, or -1 when the directory cannot be
 * read. */
static int try_all(const struct wish *wish, const char *skip, uint64_t below, struct pn_err *err)
{
        pn_autofree uint64_t *numbers = NULL;
        size_t count = 0;

        if (pn_gendir_list(wish->rules_fd, &numbers, &count, err) < 0)
                return -1;
        for (size_t i = 0; i < count; i++) {
                char name[PN_GENDIR_NAME_MAX];

                pn_gendir_name(numbers[i], name);
                if (numbers[i] < below && strcmp(name, skip) != 0 && try_one(wish, name, NULL) == 1)
                        return 1;
        }
        return 0;
}

/* *ret_seen is the name that `current` had, "" for none. *ret_whole tells whether `err` was left alone. */
static int open_once(const struct wish *wish, char ret_seen[PN_GENDIR_NAME_MAX], bool *ret_whole,
                     struct pn_err *err)
{
        struct pn_err why = PN_ERR_INIT;
        int link, got;

        ret_seen[0] = '\0';
        link = pn_gendir_link(wish->rules_fd, "current", ret_seen, &why);
        got = link == 1 ? try_one(wish, ret_seen, &why) : link;
        *ret_whole = link == 1 && got >= 0;
        if (got == 1)
                return 1;
        if (link == 0)
                pn_err_fill(&why, PN_FAULT_CONFIG, ENOENT, "open `current`");
        got = try_all(wish, ret_seen, UINT64_MAX, &why);
        if (err && (got < 0 || !*ret_whole))
                *err = why;
        if (got == 0 && !*ret_whole)
                return link == 0 ? 0 : -1;
        return got;
}

/* Has a writer come and gone since `current` was `seen`? Then what we met may have been its broom. */
static bool has_moved(int rules_fd, const char *seen)
{
        char now[PN_GENDIR_NAME_MAX] = "";

        return pn_gendir_link(rules_fd, "current", now, NULL) == 1 && strcmp(now, seen) != 0;
}

int pn_generation_open(const char *state_dir, char *const *rules, char *const *deny,
                       struct pn_generation *ret, struct pn_err *err)
{
        struct pn_err why = PN_ERR_INIT;
        struct wish wish = {.rules = rules, .deny = deny, .ret = ret};
        char seen[PN_GENDIR_NAME_MAX];
        pn_autofd rules_fd = -1;
        bool whole = false;
        int got;

        forget(ret);
        got = pn_gendir_open(state_dir, false, &rules_fd, err);
        if (got <= 0)
                return got;
        wish.rules_fd = rules_fd;
        for (unsigned tries = 0; tries < SWITCHES_MAX; tries++) {
                pn_generation_close(ret);
                why = (struct pn_err)PN_ERR_INIT;
                got = open_once(&wish, seen, &whole, &why);
                if ((got == 1 && whole) || !has_moved(rules_fd, seen))
                        break;
        }
        if (got == 0 || why.fault == PN_FAULT_NONE)
                return got;
        if (got == 1)
                pn_err_prefix(&why, "in `%s/rules`, `%s` is used instead of the newest", state_dir,
                              ret->name);
        else
                pn_err_prefix(&why, "in `%s/rules`", state_dir);
        if (err)
                *err = why;
        return got;
}

int pn_generation_open_older(const char *state_dir, char *const *rules, char *const *deny,
                             const char *older_than, struct pn_generation *ret, struct pn_err *err)
{
        struct wish wish = {.rules = rules, .deny = deny, .ret = ret};
        pn_autofd rules_fd = -1;
        uint64_t below;
        int got;

        forget(ret);
        if (!pn_gendir_number(older_than, &below))
                return pn_err_set(err, PN_FAULT_BUG, 0, "`%.32s` is no generation's name", older_than);
        got = pn_gendir_open(state_dir, false, &rules_fd, err);
        if (got <= 0)
                return got;
        wish.rules_fd = rules_fd;
        return try_all(&wish, "", below, err);
}
