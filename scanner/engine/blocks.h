/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_BLOCKS_H
#define PN_ENGINE_BLOCKS_H

/* A file of any size through one small buffer: first the blocks that are worth scanning, then, as often as
 * somebody asks, all of the file. A file that fits into one block is one block. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/engine/object.h"

/* Bytes before its own part that a block holds beside the overlap, so that a match at the first byte of its
 * own part sees what stands in front of it (whole words look back two bytes, word borders one). */
#define PN_BLOCK_LEAD_BYTES 16U

/* `len` bytes at `base`. What begins in [own_from, own_to) is this block's to tell: there it sees as much
 * before and behind as if the file were one block. The own parts of two blocks never share a byte. */
struct pn_block {
        uint64_t base, own_from, own_to;
        size_t len;
        bool hole; /* zeros that the file system does not store; never scanned */
};

struct pn_blocks {
        uint32_t block_bytes, overlap_bytes;
        const struct pn_object *file;
        uint64_t size_bytes; /* of the file; less when it ended earlier */
        bool ended_early;
        uint64_t read_bytes; /* of the file that were loaded to be scanned, each counted once */
        size_t read_count;   /* blocks they came in */

        struct pn_block *list; /* the blocks to scan, as far as they are planned; owned */
        size_t count, room;
        uint64_t planned_to; /* end of the last of them */
        uint64_t data_to;    /* the next data is to be looked for here */
        uint64_t run_to;     /* end of the run of data and its margins that is being cut into blocks */

        size_t walk_next; /* the next of `list` to walk over */
        uint64_t walk_to;
        struct pn_block hole; /* the one that is being walked over */

        uint8_t *buffer; /* one for all files; owned */
        size_t buffer_bytes;
        const struct pn_block *loaded; /* NULL or what `buffer` holds */
        uint8_t *zeros; /* block_bytes of them, made when the first hole is walked over; owned */
};

/* `block_bytes` must be at least 4 * (overlap_bytes + PN_BLOCK_LEAD_BYTES). */
void pn_blocks_init(struct pn_blocks *blocks, uint32_t block_bytes, uint32_t overlap_bytes);
void pn_blocks_clear(struct pn_blocks *blocks);

/* Begins with `file`, which must live until the last block was used. */
void pn_blocks_start(struct pn_blocks *blocks, const struct pn_object *file);

/* The next block to scan. Holes that are longer than two overlaps are left out but for one overlap of zeros
 * on each side of the data; at least one block is given. 1, 0 behind the last one, or -1 with errno. */
int pn_blocks_next(struct pn_blocks *blocks, struct pn_block **ret);

/* After the last pn_blocks_next(): from the first byte of the file to the last, holes too. The next block,
 * good until the next call, or NULL behind the last one. */
void pn_blocks_rewind(struct pn_blocks *blocks);
struct pn_block *pn_blocks_walk(struct pn_blocks *blocks);

/* The bytes of `block`, valid until the next call. When the file has become shorter, `block` does too, and
 * zeros stand behind it. NULL with errno when reading failed. */
const uint8_t *pn_blocks_load(struct pn_blocks *blocks, struct pn_block *block);

#endif
