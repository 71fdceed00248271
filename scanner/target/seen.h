/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TARGET_SEEN_H
#define PN_TARGET_SEEN_H

#include <stddef.h>
#include <stdint.h>

/* The files of one run that were told already: hard links and the same tree under several mounts. */
struct pn_seen {
        struct pn_seen_key {
                uint64_t dev, ino;
                uint64_t changed; /* ctime: a number that is used again while we walk is another file */
        } *slot; /* open addressing; ino 0 is an empty slot (no honest file system uses it) */
        size_t slots, used;
};

/* 1 when it is new, 0 when it was there, -1 when memory ran out. */
int pn_seen_add(struct pn_seen *seen, uint64_t dev, uint64_t ino, uint64_t changed);
void pn_seen_clear(struct pn_seen *seen);

#endif
