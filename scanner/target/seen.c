/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/target/seen.h"

#include <stdbool.h>
#include <stdlib.h>

#define FIRST_SLOTS 4096U

static bool same(const struct pn_seen_key *a, const struct pn_seen_key *b)
{
        return a->ino == b->ino && a->dev == b->dev && a->changed == b->changed;
}

static size_t place(const struct pn_seen *seen, const struct pn_seen_key *key)
{
        uint64_t hash = (key->ino ^ (key->dev << 32 | key->dev >> 32) ^ key->changed) * 0x9e3779b97f4a7c15ULL; /* Fibonacci hashing, Knuth 6.4 */
        size_t at = (size_t)(hash >> 20) & (seen->slots - 1);

        while (seen->slot[at].ino != 0 && !same(&seen->slot[at], key))
                at = (at + 1) & (seen->slots - 1);
        return at;
}

static int grow(struct pn_seen *seen)
{
        struct pn_seen old = *seen;

        seen->slots = old.slots ? 2 * old.slots : FIRST_SLOTS;
        seen->slot = calloc(seen->slots, sizeof(*seen->slot));
        if (!seen->slot) {
                *seen = old;
                return -1;
        }
        for (size_t i = 0; i < old.slots; i++)
                if (old.slot[i].ino != 0)
                        seen->slot[place(seen, &old.slot[i])] = old.slot[i];
        free(old.slot);
        return 0;
}

int pn_seen_add(struct pn_seen *seen, uint64_t dev, uint64_t ino, uint64_t changed)
{
        const struct pn_seen_key key = {dev, ino, changed};
        size_t at;

        if (ino == 0)
                return 1;
        if (2 * (seen->used + 1) > seen->slots && grow(seen) < 0)
                return -1;
        at = place(seen, &key);
        if (seen->slot[at].ino != 0)
                return 0;
        seen->slot[at] = key;
        seen->used++;
        return 1;
}

void pn_seen_clear(struct pn_seen *seen)
{
        free(seen->slot);
        *seen = (struct pn_seen){0};
}
