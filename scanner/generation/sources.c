/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/base/text.h"
#include "scanner/generation/dir.h"
#include "scanner/generation/manifest.h"

/* The same files in the same order as hook/content.c reads: a test of the command holds both together. */
static const char *const rule_suffixes[] = {".yar", ".yara", NULL};
static const char *const digest_suffixes[] = {".tsv", NULL};

struct list {
        struct pn_generation_source *item;
        size_t count;
        const char *const *suffixes; /* of the kind of files being listed */
        const char *place;           /* the directory being listed */
        int failed;                  /* errno, 0 as long as all is well */
};

static void add(struct list *all, char *path, const struct stat *st)
{
        struct pn_generation_source *more = path && all->count < PN_MANIFEST_SOURCES_MAX
                                                    ? reallocarray(all->item, all->count + 1, sizeof(*more))
                                                    : NULL;

        if (!more) {
                all->failed = path && all->count >= PN_MANIFEST_SOURCES_MAX ? E2BIG : ENOMEM;
                free(path);
                return;
        }
        all->item = more;
        all->item[all->count++] = (struct pn_generation_source){
                .path = path,
                .bytes = (uint64_t)st->st_size,
                .mtime_ns = (int64_t)((uint64_t)st->st_mtim.tv_sec * 1000000000U +
                                      (uint64_t)st->st_mtim.tv_nsec), /* of any year: it is only compared */
        };
}

static bool fits(const char *const *suffixes, const char *name)
{
        size_t len = strlen(name);

        for (; name[0] != '.' && *suffixes; suffixes++)
                if (len > strlen(*suffixes) && strcmp(name + len - strlen(*suffixes), *suffixes) == 0)
                        return true;
        return false;
}

static void add_entry(int dirfd, const char *name, void *data)
{
        struct list *all = data;
        char *path = NULL;
        struct stat st;

        if (all->failed || !fits(all->suffixes, name))
                return;
        if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
                if (errno != ENOENT) /* else it has gone since: the list without it is right */
                        all->failed = errno;
                return;
        }
        if (asprintf(&path, "%s/%s", all->place, name) < 0)
                path = NULL;
        add(all, path, &st);
}

static int by_path(const void *a, const void *b)
{
        const struct pn_generation_source *x = a, *y = b;

        return strcmp(x->path, y->path);
}

/* Returns errno, or 0. A place that is not there holds nothing. */
static int add_place(struct list *all, const char *place)
{
        size_t before = all->count;
        pn_autofd dirfd = -1;
        struct stat st;

        if (stat(place, &st) < 0)
                return errno == ENOENT ? 0 : errno;
        if (!S_ISDIR(st.st_mode)) {
                if (lstat(place, &st) < 0)
                        return errno;
                add(all, strdup(place), &st);
                return all->failed;
        }
        dirfd = open(place, O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC);
        all->place = place;
        if (dirfd < 0 || pn_gendir_each(dirfd, add_entry, all) < 0)
                return errno;
        if (all->count - before > 1)
                qsort(all->item + before, all->count - before, sizeof(*all->item), by_path);
        return all->failed;
}

static int add_places(struct list *all, char *const *places, const char *const *suffixes, struct pn_err *err)
{
        all->suffixes = suffixes;
        for (; *places; places++) {
                int failed = add_place(all, *places);

                if (failed)
                        return pn_err_set(err, failed == ENOMEM ? PN_FAULT_HOST : PN_FAULT_CONFIG, failed,
                                          "list the files of `%s`", *places);
        }
        return 0;
}

int pn_generation_sources(char *const *rules, char *const *deny, struct pn_generation_source **ret,
                          size_t *ret_count, struct pn_err *err)
{
        struct list all = {0};

        if (add_places(&all, rules, rule_suffixes, err) < 0 ||
            add_places(&all, deny, digest_suffixes, err) < 0) {
                pn_generation_sources_free(all.item, all.count);
                return -1;
        }
        *ret = all.item;
        *ret_count = all.count;
        return 0;
}

void pn_generation_sources_free(struct pn_generation_source *source, size_t count)
{
        for (size_t i = 0; i < count; i++)
                free((void *)(uintptr_t)source[i].path);
        free(source);
}

/* ---------------------------------------------------------------- against a manifest */

/* Is `path` what `value`, an escaped path of a manifest, says? */
static bool is_path(const json_t *value, const char *path, char *room)
{
        return pn_text_escape(room, PN_MANIFEST_PATH_MAX, path, strlen(path)) &&
               strcmp(room, json_string_value(value)) == 0;
}

bool pn_manifest_is_for(const struct pn_manifest *manifest, char *const *rules, char *const *deny)
{
        const json_t *lists[] = {manifest->rules, manifest->deny};
        char *const *places[] = {rules, deny};
        char room[PN_MANIFEST_PATH_MAX];

        for (int k = 0; k < 2; k++) {
                size_t i = 0;

                for (; places[k][i]; i++)
                        if (i >= json_array_size(lists[k]) ||
                            !is_path(json_array_get(lists[k], i), places[k][i], room))
                                return false;
                if (i != json_array_size(lists[k]))
                        return false;
        }
        return true;
}

static bool stale(char *why, size_t cap, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static bool stale(char *why, size_t cap, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(why, cap, fmt, ap);
        va_end(ap);
        return true;
}

/* Two lists that should have been the same part at `index`: which side has what the other has not? */
static bool parted(const struct pn_manifest *manifest, const struct pn_generation_source *now, size_t count,
                   size_t index, char *why, size_t cap)
{
        char room[PN_MANIFEST_PATH_MAX];
        const char *made;

        if (index >= json_array_size(manifest->sources)) {
                (void)pn_text_escape(room, sizeof(room), now[index].path, strlen(now[index].path));
                return stale(why, cap, "`%s` is new", room);
        }
        made = json_string_value(json_object_get(json_array_get(manifest->sources, index), "path"));
        for (size_t i = index; i < count; i++)
                if (pn_text_escape(room, sizeof(room), now[i].path, strlen(now[i].path)) &&
                    strcmp(room, made) == 0) {
                        (void)pn_text_escape(room, sizeof(room), now[index].path, strlen(now[index].path));
                        return stale(why, cap, "`%s` is new", room);
                }
        return stale(why, cap, "`%s` is gone", made);
}

bool pn_manifest_is_stale(const struct pn_manifest *manifest, const struct pn_generation_source *now,
                          size_t count, char *why, size_t cap)
{
        size_t made_count = json_array_size(manifest->sources);
        char room[PN_MANIFEST_PATH_MAX];

        for (size_t i = 0; i < count || i < made_count; i++) {
                const json_t *made = json_array_get(manifest->sources, i);

                if (i >= count || i >= made_count ||
                    !is_path(json_object_get(made, "path"), now[i].path, room))
                        return parted(manifest, now, count, i, why, cap);
                if ((uint64_t)json_integer_value(json_object_get(made, "bytes")) != now[i].bytes)
                        return stale(why, cap, "`%s` has another size", room);
                if (json_integer_value(json_object_get(made, "mtime_ns")) != now[i].mtime_ns)
                        return stale(why, cap, "`%s` has been written since", room);
        }
        why[0] = '\0';
        return false;
}
