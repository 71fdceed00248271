/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/lookup.h"

#include <stdlib.h>
#include <string.h>

static uint32_t hash(uint32_t kind, const char *name, size_t len)
{
        uint64_t h = 0xcbf29ce484222325ULL ^ kind;

        for (size_t i = 0; i < len; i++)
                h = (h ^ (uint8_t)name[i]) * 0x100000001b3ULL;
        h ^= h >> 32;
        return (uint32_t)(h * 0x9e3779b97f4a7c15ULL >> 32);
}

/* Where the name is, or the free place where it belongs. The table is never full. */
static struct pn_lookup_entry *place(const struct pn_lookup *lookup, uint32_t kind, const char *name,
                                     size_t len)
{
        for (uint32_t at = hash(kind, name, len);; at++) {
                struct pn_lookup_entry *entry = &lookup->entry[at & (lookup->size - 1)];

                if (!entry->name || entry->round != lookup->round)
                        return entry;
                if (entry->kind == kind && entry->len == len && memcmp(entry->name, name, len) == 0)
                        return entry;
        }
}

bool pn_lookup_get(const struct pn_lookup *lookup, uint32_t kind, const char *name, size_t len, uint32_t *ret)
{
        const struct pn_lookup_entry *entry;

        if (lookup->count == 0)
                return false;
        entry = place(lookup, kind, name, len);
        if (!entry->name || entry->round != lookup->round)
                return false;
        *ret = entry->value;
        return true;
}

static bool grow(struct pn_lookup *lookup)
{
        struct pn_lookup larger = {.size = lookup->size ? lookup->size * 2 : 64, .round = lookup->round};

        if (larger.size > 1U << 30)
                return false;
        larger.entry = calloc(larger.size, sizeof(*larger.entry));
        if (!larger.entry)
                return false;
        larger.count = lookup->count;
        for (uint32_t i = 0; i < lookup->size; i++) {
                const struct pn_lookup_entry *old = &lookup->entry[i];

                if (old->name && old->round == lookup->round)
                        *place(&larger, old->kind, old->name, old->len) = *old;
        }
        free(lookup->entry);
        *lookup = larger;
        return true;
}

bool pn_lookup_put(struct pn_lookup *lookup, uint32_t kind, const char *name, size_t len, uint32_t value)
{
        if (len > UINT32_MAX)
                return false;
        if (lookup->count >= lookup->size / 2 && !grow(lookup))
                return false;
        *place(lookup, kind, name, len) =
                (struct pn_lookup_entry){name, (uint32_t)len, kind, value, lookup->round};
        lookup->count++;
        return true;
}

void pn_lookup_clear(struct pn_lookup *lookup)
{
        lookup->count = 0;
        if (++lookup->round == 0 && lookup->entry)
                memset(lookup->entry, 0, lookup->size * sizeof(*lookup->entry));
}

void pn_lookup_free(struct pn_lookup *lookup)
{
        free(lookup->entry);
        *lookup = (struct pn_lookup){0};
}
