/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_SCAN_OBJECTS_H
#define PN_SCAN_OBJECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/finding/finding.h"

/* The files the walker has named and not everybody has answered for: a queue by number. */
struct pn_object_entry {
        struct pn_path path;
        uint64_t size_bytes;
        uint8_t sha256[PN_SHA256_BYTES];
        bool has_sha256, parse_asked, linked;
        uint32_t findings;
        uint32_t pairs;    /* rules that the parser is to decide */
        uint32_t told_due; /* findings of the raw matcher that are still to come */
};

struct pn_objects {
        struct pn_object_entry **entry; /* ring; NULL: answered */
        size_t slots;                   /* a power of two */
        uint64_t first, end;            /* numbers in it: [first, end) */
        size_t open, open_bytes;        /* not answered by all, and the bytes of their paths */
};

/* Appends the object with the number `end`; takes `path` over. -1 when memory ran out (the path is freed). */
int pn_objects_add(struct pn_objects *objects, struct pn_path path, uint64_t size_bytes);

/* The object, or NULL when it was never named or is answered. */
struct pn_object_entry *pn_objects_get(struct pn_objects *objects, uint64_t number);

/* Answered by all: forgotten. */
void pn_objects_done(struct pn_objects *objects, uint64_t number);

/* The oldest one without all answers, for messages; NULL when there is none. */
struct pn_object_entry *pn_objects_oldest(struct pn_objects *objects);
void pn_objects_clear(struct pn_objects *objects);

#endif
