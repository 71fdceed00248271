/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_BUILD_H
#define PN_COMPILE_BUILD_H

/* A pack while it is made: its tables as they grow. Adding never fails at the place where it is done; what
 * could not be added makes pn_build_finish() fail, and until then number 0 stands for it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/pack.h"

struct pn_build_table {
        uint8_t *data;
        size_t count, room; /* records */
};

struct pn_build {
        struct pn_build_table table[PN_PACK_TABLES];
        uint32_t *text_slot; /* a hash table of offsets in the texts; 0: free */
        size_t text_slots, texts;
        struct pn_run always;
        bool failed; /* memory ran out, or a table grew out of its ceiling */
};

/* Nodes 0 to 2 are FALSE, TRUE and MAYBE, the text at 0 is "". Returns 0, or -1 with PN_FAULT_HOST. */
int pn_build_init(struct pn_build *build, struct pn_err *err);
void pn_build_clear(struct pn_build *build);

/* Copies `count` records behind those of `table`; returns the number of the first. */
uint32_t pn_build_add(struct pn_build *build, enum pn_pack_table table, const void *records, size_t count);

/* The offset of a text that ends at its first NUL or after `len` bytes; equal texts are there once. */
uint32_t pn_build_text(struct pn_build *build, const void *text, size_t len);

static inline uint32_t pn_build_count(const struct pn_build *build, enum pn_pack_table table)
{
        return (uint32_t)build->table[table].count;
}

static inline void *pn_build_rows(const struct pn_build *build, enum pn_pack_table table)
{
        return build->table[table].data;
}

/* All of it in one block, aligned to 64; *ret is the caller's to free(). Returns 0, or -1 with PN_FAULT_HOST
 * (memory) or PN_FAULT_CONFIG (larger than PN_PACK_BYTES_MAX). */
int pn_build_finish(const struct pn_build *build, uint8_t **ret, size_t *ret_len, struct pn_err *err);

#endif
