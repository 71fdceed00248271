/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/scan/objects.h"

#include <stdlib.h>

static struct pn_object_entry **slot(struct pn_objects *objects, uint64_t number)
{
        return &objects->entry[number & (objects->slots - 1)];
}

static int grow(struct pn_objects *objects)
{
        struct pn_objects more = *objects;

        more.slots = objects->slots ? 2 * objects->slots : 256;
        more.entry = calloc(more.slots, sizeof(struct pn_object_entry *));
        if (!more.entry)
                return -1;
        for (uint64_t i = objects->first; i < objects->end; i++)
                *slot(&more, i) = *slot(objects, i);
        free(objects->entry);
        *objects = more;
        return 0;
}

int pn_objects_add(struct pn_objects *objects, struct pn_path path, uint64_t size_bytes)
{
        struct pn_object_entry *entry = calloc(1, sizeof(*entry));

        if (!entry || (objects->end - objects->first == objects->slots && grow(objects) < 0)) {
                free(entry);
                free(path.bytes);
                return -1;
        }
        entry->path = path;
        entry->size_bytes = size_bytes;
        *slot(objects, objects->end++) = entry;
        objects->open++;
        objects->open_bytes += path.len;
        return 0;
}

struct pn_object_entry *pn_objects_get(struct pn_objects *objects, uint64_t number)
{
        return number >= objects->first && number < objects->end ? *slot(objects, number) : NULL;
}

void pn_objects_done(struct pn_objects *objects, uint64_t number)
{
        struct pn_object_entry *entry = pn_objects_get(objects, number);

        if (!entry)
                return;
        objects->open--;
        objects->open_bytes -= entry->path.len;
        free(entry->path.bytes);
        free(entry);
        *slot(objects, number) = NULL;
        while (objects->first < objects->end && !*slot(objects, objects->first))
                objects->first++;
}

struct pn_object_entry *pn_objects_oldest(struct pn_objects *objects)
{
        return objects->first < objects->end ? *slot(objects, objects->first) : NULL;
}

void pn_objects_clear(struct pn_objects *objects)
{
        while (objects->first < objects->end)
                pn_objects_done(objects, objects->first);
        free(objects->entry);
        *objects = (struct pn_objects){0};
}
