/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_LOOKUP_H
#define PN_COMPILE_LOOKUP_H

/* Numbers by name, in several kinds of names at once: rules, strings, modules, files. Emptied in constant
 * time. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pn_lookup_entry {
        const char *name; /* the caller's, must outlive the entry */
        uint32_t len, kind, value, round;
};

/* All zeros is an empty one; pn_lookup_free() takes it back to that. */
struct pn_lookup {
        struct pn_lookup_entry *entry;
        uint32_t size, count, round; /* entries of other rounds are void */
};

bool pn_lookup_get(const struct pn_lookup *lookup, uint32_t kind, const char *name, size_t len,
                   uint32_t *ret);

/* Adds a name that is not there yet. Returns false when memory ran out. */
bool pn_lookup_put(struct pn_lookup *lookup, uint32_t kind, const char *name, size_t len, uint32_t value);

void pn_lookup_clear(struct pn_lookup *lookup);
void pn_lookup_free(struct pn_lookup *lookup);

#endif
