/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES_MIN                                                                                     \
        (64U << 10) /* most files of an image are smaller; growing in steps below is waste                   \
                     */

static uint64_t least(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

/* a + b, or the largest number when that is less. */
static uint64_t plus(uint64_t a, uint64_t b)
{
        return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

void pn_blocks_init(struct pn_blocks *blocks, uint32_t block_bytes, uint32_t overlap_bytes)
{
        *blocks = (struct pn_blocks){.block_bytes = block_bytes, .overlap_bytes = overlap_bytes};
}

void pn_blocks_clear(struct pn_blocks *blocks)
{
        free(blocks->list);
        free(blocks->buffer);
        free(blocks->zeros);
        *blocks = (struct pn_blocks){0};
}

void pn_blocks_start(struct pn_blocks *blocks, const struct pn_object *file)
{
        blocks->file = file;
        blocks->size_bytes = file->size_bytes;
        blocks->ended_early = false;
        blocks->read_bytes = 0;
        blocks->read_count = 0;
        blocks->count = 0;
        blocks->planned_to = blocks->data_to = blocks->run_to = 0;
        blocks->loaded = NULL;
        pn_blocks_rewind(blocks);
}

/* data_at() of the file, held to what it promises: a file system that does not move forward would keep us
 * here for ever. */
static int data_at(const struct pn_blocks *blocks, uint64_t *ret_start, uint64_t *ret_end)
{
        const struct pn_object *file = blocks->file;
        uint64_t start = 0, end = 0;
        int n;

        if (blocks->data_to >= blocks->size_bytes)
                return 0;
        n = file->data_at(file->from, blocks->data_to, &start, &end);
        if (n <= 0)
                return n;
        if (start < blocks->data_to || end <= start) {
                errno = EIO;
                return -1;
        }
        if (start >= blocks->size_bytes)
                return 0;
        *ret_start = start;
        *ret_end = least(end, blocks->size_bytes);
        return 1;
}

static void run_reaches(struct pn_blocks *blocks, uint64_t data_end)
{
        blocks->data_to = data_end;
        blocks->run_to = least(plus(data_end, blocks->overlap_bytes), blocks->size_bytes);
}

/* Lets the run grow over holes that are too short to be worth a new block, until it is known whether it
 * reaches beyond `want`. */
static int extend_run(struct pn_blocks *blocks, uint64_t want)
{
        uint64_t start, end;
        int n = 1;

        while (n > 0 && blocks->run_to <= want && blocks->run_to < blocks->size_bytes) {
                n = data_at(blocks, &start, &end);
                if (n > 0 && start > plus(blocks->run_to, blocks->overlap_bytes))
                        return 0;
                if (n > 0)
                        run_reaches(blocks, end);
        }
        return n;
}

static int begin_run(struct pn_blocks *blocks, struct pn_block *block)
{
        uint64_t start = 0, end = 0, margin = blocks->overlap_bytes;
        int n = data_at(blocks, &start, &end);

        if (n < 0 || (n == 0 && blocks->count > 0))
                return n;
        block->base = start > margin ? start - margin : 0;
        if (block->base < blocks->planned_to)
                block->base = blocks->planned_to;
        block->own_from = block->base > 0 ? block->base + PN_BLOCK_LEAD_BYTES : 0;
        run_reaches(blocks, end); /* a file that is one hole: the margin at its start stands for it */
        return 1;
}

/* libyara's modules take a block that begins like an ELF file for one, wherever it stands in the file, and
 * the last one wins: a second header at the right place would hide the real one from a rule. */
static int continue_run(struct pn_blocks *blocks, struct pn_block *block)
{
        static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
        const struct pn_object *file = blocks->file;
        uint8_t head[sizeof(magic)] = {0};

        block->own_from = blocks->planned_to - blocks->overlap_bytes;
        block->base = block->own_from - PN_BLOCK_LEAD_BYTES;
        if (file->read_at(file->from, head, sizeof(head), block->base) < 0)
                return -1;
        if (memcmp(head, magic, sizeof(magic)) == 0)
                block->base--;
        return 1;
}

static int plan(struct pn_blocks *blocks, struct pn_block *block)
{
        uint64_t limit, end;
        int n;

        if (blocks->count == 0 && blocks->size_bytes <= blocks->block_bytes) {
                *block = (struct pn_block){0, 0, UINT64_MAX, (size_t)blocks->size_bytes, false};
                blocks->planned_to = blocks->data_to = blocks->run_to = blocks->size_bytes;
                return 1;
        }
        if (blocks->planned_to >= blocks->size_bytes)
                return 0;
        n = blocks->planned_to < blocks->run_to ? continue_run(blocks, block) : begin_run(blocks, block);
        if (n <= 0)
                return n;
        limit = plus(block->base, blocks->block_bytes);
        if (extend_run(blocks, limit) < 0)
                return -1;
        end = least(limit, blocks->run_to);
        if (end >= blocks->size_bytes)
                block->own_to = UINT64_MAX;
        else
                block->own_to = end - (end < blocks->run_to ? blocks->overlap_bytes : PN_BLOCK_LEAD_BYTES);
        block->len = (size_t)(end - block->base);
        blocks->planned_to = end;
        return 1;
}

int pn_blocks_next(struct pn_blocks *blocks, struct pn_block **ret)
{
        struct pn_block block = {0};
        int n = plan(blocks, &block);

        if (n <= 0)
                return n;
        if (blocks->count == blocks->room) {
                size_t room = blocks->room ? 2 * blocks->room : 16;
                struct pn_block *more = reallocarray(blocks->list, room, sizeof(*more));

                if (!more)
                        return -1;
                blocks->loaded = NULL;
                blocks->list = more;
                blocks->room = room;
        }
        blocks->list[blocks->count] = block;
        *ret = &blocks->list[blocks->count++];
        return 1;
}

void pn_blocks_rewind(struct pn_blocks *blocks)
{
        blocks->walk_next = 0;
        blocks->walk_to = 0;
}

struct pn_block *pn_blocks_walk(struct pn_blocks *blocks)
{
        struct pn_block *listed = blocks->walk_next < blocks->count ? &blocks->list[blocks->walk_next] : NULL;
        uint64_t until = listed ? listed->base : blocks->size_bytes;

        if (listed && until <= blocks->walk_to) {
                blocks->walk_next++;
                blocks->walk_to = listed->base + listed->len;
                return listed;
        }
        if (blocks->walk_to >= until)
                return NULL;
        blocks->hole = (struct pn_block){.base = blocks->walk_to, .hole = true};
        blocks->hole.len = (size_t)least(until - blocks->walk_to, blocks->block_bytes);
        blocks->walk_to += blocks->hole.len;
        return &blocks->hole;
}

/* The old bytes are not wanted any more, so this is no realloc(3): both never exist at once. */
static int reserve(struct pn_blocks *blocks, size_t len)
{
        size_t want = BUFFER_BYTES_MIN;

        while (want < len)
                want = least(2 * want, blocks->block_bytes);
        if (blocks->buffer && len <= blocks->buffer_bytes)
                return 0;
        free(blocks->buffer);
        blocks->loaded = NULL;
        blocks->buffer = malloc(want);
        blocks->buffer_bytes = blocks->buffer ? want : 0;
        return blocks->buffer ? 0 : -1;
}

static const uint8_t *zeros(struct pn_blocks *blocks)
{
        if (!blocks->zeros)
                blocks->zeros = calloc(1, blocks->block_bytes);
        return blocks->zeros;
}

/* Blocks are scanned in their order, and once; later loads are for conditions that look again. */
static void count_read(struct pn_blocks *blocks, const struct pn_block *block)
{
        uint64_t from = block->base, to = block->base + block->len;

        if (block != blocks->list + blocks->read_count)
                return;
        if (blocks->read_count++ > 0 && block[-1].base + block[-1].len > from)
                from = block[-1].base + block[-1].len;
        blocks->read_bytes += to > from ? to - from : 0;
}

const uint8_t *pn_blocks_load(struct pn_blocks *blocks, struct pn_block *block)
{
        ssize_t n;

        if (block->hole)
                return zeros(blocks);
        if (blocks->loaded == block)
                return blocks->buffer;
        if (reserve(blocks, block->len) < 0)
                return NULL;
        blocks->loaded = NULL;
        n = blocks->file->read_at(blocks->file->from, blocks->buffer, block->len, block->base);
        if (n < 0)
                return NULL;
        if ((size_t)n < block->len) {
                memset(blocks->buffer + n, 0, block->len - (size_t)n);
                block->len = (size_t)n;
                blocks->ended_early = true;
                blocks->size_bytes = least(blocks->size_bytes, block->base + block->len);
        }
        blocks->loaded = block;
        count_read(blocks, block);
        return blocks->buffer;
}
