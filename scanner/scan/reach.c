/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/scan/reach.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/text.h"

#define PROGRAM "sshd"

/* One file: its path, the name others ask for it by, and what it asks for; strings of one allocation. */
struct file {
        char *path; /* with a NUL */
        uint32_t path_len;
        const char *base, *soname;
        const char *needed; /* `needed_count` strings, one after the other */
        unsigned needed_count;
        bool reached;
};

struct pn_reach {
        struct file *file;
        size_t count, room, bytes;
        bool cut; /* something was left out */
};

struct pn_reach *pn_reach_new(void)
{
        return calloc(1, sizeof(struct pn_reach));
}

struct pn_reach *pn_reach_free(struct pn_reach *reach)
{
        if (!reach)
                return NULL;
        for (size_t i = 0; i < reach->count; i++)
                free(reach->file[i].path);
        free(reach->file);
        free(reach);
        return NULL;
}

static struct file *grow(struct pn_reach *reach)
{
        struct file *more;

        if (reach->count < reach->room)
                return &reach->file[reach->count];
        more = reallocarray(reach->file, reach->room * 2 + 64, sizeof(*more));
        if (!more)
                return NULL;
        reach->file = more;
        reach->room = reach->room * 2 + 64;
        return &reach->file[reach->count];
}

static const char *last_part(const char *name)
{
        const char *slash = strrchr(name, '/'); /* ld.so takes a name with a slash as a path */

        return slash ? slash + 1 : name;
}

void pn_reach_add(struct pn_reach *reach, const struct pn_path *path, const struct pn_reach_file *file)
{
        size_t bytes = path->len + 1 + PN_REACH_NAME_MAX + strlen(file->soname) + 1;
        const char *base;
        struct file *to;
        bool whole;
        char *at;

        if (!reach)
                return;
        for (unsigned i = 0; i < file->needed_count; i++)
                bytes += strlen(file->needed[i]) + 1;
        to = reach->bytes + bytes + sizeof(*to) > PN_REACH_BYTES_MAX ? NULL : grow(reach);
        at = to ? malloc(bytes) : NULL;
        reach->cut = reach->cut || !at || file->cut;
        if (!at)
                return;
        reach->bytes += bytes + sizeof(*to);
        *to = (struct file){.path = at, .path_len = path->len, .needed_count = file->needed_count};
        if (path->len > 0)
                memcpy(at, path->bytes, path->len);
        at[path->len] = '\0';
        base = last_part(at);
        at += path->len + 1;
        /* as the names come that others ask for it by: the wire has printable text alone */
        whole = pn_text_escape(at, PN_REACH_NAME_MAX, base, strlen(base));
        reach->cut = reach->cut || !whole;
        to->base = at;
        at += PN_REACH_NAME_MAX;
        to->soname = at;
        at = stpcpy(at, file->soname) + 1;
        to->needed = at;
        for (unsigned i = 0; i < file->needed_count; i++)
                at = stpcpy(at, file->needed[i]) + 1;
        reach->count++;
}

/* A name that a file is loaded by. */
struct name {
        const char *text;
        uint32_t file;
        bool done; /* of the first one of those that are equal: all have been marked */
};

static int by_text(const void *a, const void *b)
{
        return strcmp(((const struct name *)a)->text, ((const struct name *)b)->text);
}

static struct name *sort_names(const struct pn_reach *reach, size_t *ret_count)
{
        struct name *names = calloc(2 * reach->count + 1, sizeof(*names));

        *ret_count = names ? 2 * reach->count : 0;
        for (size_t i = 0; i < *ret_count / 2; i++) {
                names[2 * i] = (struct name){reach->file[i].base, (uint32_t)i, false};
                names[2 * i + 1] = (struct name){reach->file[i].soname, (uint32_t)i, false};
        }
        if (names)
                qsort(names, *ret_count, sizeof(*names), by_text);
        return names;
}

/* What a walk over all files needs: the names, and a list of the files that were reached and not yet looked
 * at. */
struct closure {
        struct pn_reach *reach;
        struct name *name;
        size_t names;
        uint32_t *todo;
        size_t todo_count;
};

static void reach_file(struct closure *closure, uint32_t number)
{
        struct file *file = &closure->reach->file[number];

        if (file->reached)
                return;
        file->reached = true;
        closure->todo[closure->todo_count++] = number;
}

/* Every name is looked up once, however many ask for it: linear in what the image can write. */
static void reach_name(struct closure *closure, const char *text)
{
        const struct name wanted = {last_part(text), 0, false};
        size_t low = 0, high = closure->names;

        while (low < high) {
                size_t middle = low + (high - low) / 2;

                if (by_text(&closure->name[middle], &wanted) < 0)
                        low = middle + 1;
                else
                        high = middle;
        }
        if (low == closure->names || wanted.text[0] == '\0' || closure->name[low].done)
                return;
        closure->name[low].done = by_text(&closure->name[low], &wanted) == 0;
        for (; low < closure->names && by_text(&closure->name[low], &wanted) == 0; low++)
                reach_file(closure, closure->name[low].file);
}

/* False when memory ran out. */
static bool reach_all(struct pn_reach *reach)
{
        struct closure closure = {.reach = reach};
        bool whole;

        closure.name = sort_names(reach, &closure.names);
        closure.todo = calloc(reach->count + 1, sizeof(*closure.todo));
        for (uint32_t i = 0; closure.name && closure.todo && i < reach->count; i++)
                if (strcmp(reach->file[i].base, PROGRAM) == 0)
                        reach_file(&closure, i);
        while (closure.name && closure.todo && closure.todo_count > 0) {
                const struct file *file = &reach->file[closure.todo[--closure.todo_count]];
                const char *needed = file->needed;

                for (unsigned k = 0; k < file->needed_count; k++, needed += strlen(needed) + 1)
                        reach_name(&closure, needed);
        }
        whole = closure.name && closure.todo;
        free(closure.name);
        free(closure.todo);
        return whole;
}

static bool is_reached(const struct pn_reach *reach, const struct pn_path *path)
{
        for (size_t i = 0; i < reach->count; i++)
                if (reach->file[i].reached && reach->file[i].path_len == path->len &&
                    memcmp(reach->file[i].path, path->bytes, path->len) == 0)
                        return true;
        return false;
}

static void raise(struct pn_finding *finding)
{
        size_t len = strlen(finding->title);

        if (finding->severity < PN_SEVERITY_CRITICAL)
                finding->severity++;
        (void)snprintf(finding->title + len, sizeof(finding->title) - len,
                       "; the sshd of this root loads it");
}

void pn_reach_judge(struct pn_reach *reach, struct pn_findings *all)
{
        if (!reach || all->finding_count == 0)
                return;
        reach->cut = !reach_all(reach) || reach->cut;
        for (size_t i = 0; i < all->finding_count; i++)
                if (is_reached(reach, &all->finding[i].path))
                        raise(&all->finding[i]);
        if (reach->cut)
                (void)pn_findings_add_note(
                        all, NULL, "which libraries the sshd of this root loads is not known in full");
}
