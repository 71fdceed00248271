/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/report/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/base/jsonx.h"
#include "scanner/base/text.h"

/* What has been seen of one way to fit. */
struct match {
        json_t *newest;
        uint64_t count;
};

struct search {
        const char *id; /* raw; NULL for any */
        char *escaped;  /* as it would stand in a record; NULL likewise */
        struct match exact;
        struct match prefix;
        struct pn_lookup *ret;
};

static void match_keep(struct match *m, json_t *record)
{
        json_decref(m->newest);
        m->newest = json_incref(record);
        m->count++;
}

static int id_remember(struct pn_lookup *ret, const char *id)
{
        for (unsigned i = 0; i < ret->id_count; i++)
                if (strcmp(ret->id[i], id) == 0)
                        return 0;
        if (ret->id_count == PN_LOOKUP_IDS_MAX)
                return 0;
        ret->id[ret->id_count] = strdup(id);
        if (!ret->id[ret->id_count])
                return -1;
        ret->id_count++;
        return 0;
}

static bool begins(const char *id, const char *with)
{
        size_t len = strlen(with);

        return len >= PN_LOOKUP_PREFIX_MIN && strncmp(id, with, len) == 0;
}

static int record_weigh(struct search *s, json_t *record, const char *id)
{
        if (!s->id || strcmp(id, s->id) == 0 || strcmp(id, s->escaped) == 0) {
                match_keep(&s->exact, record);
                return 0;
        }
        if (!begins(id, s->id) && !begins(id, s->escaped))
                return 0;
        match_keep(&s->prefix, record);
        return id_remember(s->ret, id);
}

static int line_take(struct search *s, const char *line, size_t len)
{
        struct pn_err ignored = PN_ERR_INIT;
        json_t *record = NULL;
        const char *id = NULL;
        int ret = 0;

        if (len == 0)
                return 0;
        if (pn_jsonx_load("record", line, len, PN_FAULT_CONFIG, &record, &ignored) == 0)
                id = json_string_value(json_object_get(record, "id"));
        if (id && json_is_string(json_object_get(record, "verdict")))
                ret = record_weigh(s, record, id);
        else
                s->ret->broken++;
        json_decref(record);
        return ret;
}

/* Takes the whole lines of `buf` and returns how many bytes they had. */
static ssize_t lines_take(struct search *s, const char *buf, size_t len, bool *skipping)
{
        size_t done = 0;
        const char *end;

        while ((end = memchr(buf + done, '\n', len - done))) {
                size_t line = (size_t)(end - buf) - done;

                if (!*skipping && line_take(s, buf + done, line) < 0)
                        return -1;
                *skipping = false;
                done += line + 1;
        }
        return (ssize_t)done;
}

/* Reads `fd` line by line; of a line that is longer than `buf` the rest is skipped. -1 with errno. */
static int file_scan(struct search *s, int fd, char *buf)
{
        size_t len = 0;
        bool skipping = false;

        for (;;) {
                ssize_t n = read(fd, buf + len, PN_LOOKUP_LINE_MAX - len), done;

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -1;
                if (n == 0)
                        break;
                len += (size_t)n;
                done = lines_take(s, buf, len, &skipping);
                if (done < 0)
                        return -1;
                len -= (size_t)done;
                memmove(buf, buf + done, len);
                if (len == PN_LOOKUP_LINE_MAX || skipping) {
                        s->ret->broken += skipping ? 0 : 1;
                        skipping = true;
                        len = 0;
                }
        }
        return skipping ? 0 : line_take(s, buf, len);
}

/* Missing is no error: *ret_fd is -1. Records that others could have written would tell people what to
 * accept. */
static int file_open(const char *path, int *ret_fd, struct pn_err *err)
{
        if (pn_fd_open_trusted(AT_FDCWD, path, ret_fd, err) == 0)
                return 0;
        *ret_fd = -1;
        return err->code == ENOENT ? 0 : -1;
}

static bool same_file(int a, int b)
{
        struct stat x, y;

        return a >= 0 && b >= 0 && fstat(a, &x) == 0 && fstat(b, &y) == 0 && x.st_dev == y.st_dev &&
               x.st_ino == y.st_ino;
}

/* The newer file is opened first: one that is renamed in between is then met twice, never missed. */
static int files_scan(struct search *s, const char *path, const char *rotated, char *buf, struct pn_err *err)
{
        pn_autofd newer = -1, older = -1;

        if (file_open(path, &newer, err) < 0 || file_open(rotated, &older, err) < 0)
                return -1;
        s->ret->files = (newer >= 0) + (older >= 0);
        if (older >= 0 && !same_file(older, newer) && file_scan(s, older, buf) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read `%s`", rotated);
        if (newer >= 0 && file_scan(s, newer, buf) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read `%s`", path);
        return 0;
}

static void search_end(struct search *s)
{
        struct match *best = s->exact.newest ? &s->exact : &s->prefix;

        if (best == &s->exact || s->ret->id_count == 1) {
                s->ret->record = json_incref(best->newest);
                s->ret->older = best->count ? best->count - 1 : 0;
        }
        json_decref(s->exact.newest);
        json_decref(s->prefix.newest);
        free(s->escaped);
}

int pn_lookup_find(const char *path, const char *id, struct pn_lookup *ret, struct pn_err *err)
{
        struct search s = {.id = id, .ret = ret};
        size_t cap = 4 * (id ? strlen(id) : 0) + 8;
        char *buf = malloc(PN_LOOKUP_LINE_MAX), *rotated = NULL;
        int n = -1;

        *ret = (struct pn_lookup){0};
        s.escaped = malloc(cap);
        if (!buf || !s.escaped || asprintf(&rotated, "%s.1", path) < 0) {
                (void)pn_err_set(err, PN_FAULT_HOST, ENOMEM, "search `%s`", path);
                rotated = NULL;
        } else {
                (void)pn_text_escape(s.escaped, cap, id ? id : "", id ? strlen(id) : 0);
                n = files_scan(&s, path, rotated, buf, err);
        }
        search_end(&s);
        free(rotated);
        free(buf);
        if (n < 0)
                pn_lookup_clear(ret);
        return n;
}

void pn_lookup_clear(struct pn_lookup *lookup)
{
        for (unsigned i = 0; i < lookup->id_count; i++)
                free(lookup->id[i]);
        json_decref(lookup->record);
        *lookup = (struct pn_lookup){0};
}
