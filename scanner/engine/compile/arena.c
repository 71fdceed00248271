/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/arena.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES (256UL << 10) /* of one chunk; what is larger gets one of its own */

struct chunk {
        struct chunk *next;
        size_t used, size;
        _Alignas(max_align_t) uint8_t data[];
};

struct pn_arena {
        struct chunk *chunk; /* the one that is filled */
        size_t bytes;        /* of all chunks */
};

struct pn_arena *pn_arena_new(void)
{
        return calloc(1, sizeof(struct pn_arena));
}

struct pn_arena *pn_arena_free(struct pn_arena *arena)
{
        struct chunk *chunk, *next;

        for (chunk = arena ? arena->chunk : NULL; chunk; chunk = next) {
                next = chunk->next;
                free(chunk);
        }
        free(arena);
        return NULL;
}

/* A chunk that has room for `size` bytes. A large one goes behind the one that is filled, which stays in use.
 */
static struct chunk *grow(struct pn_arena *arena, size_t size)
{
        size_t want = size > CHUNK_BYTES / 4 ? size : CHUNK_BYTES;
        struct chunk *chunk;

        if (want > PN_ARENA_BYTES_MAX || PN_ARENA_BYTES_MAX - want < arena->bytes)
                return NULL;
        chunk = calloc(1, sizeof(*chunk) + want);
        if (!chunk)
                return NULL;
        chunk->size = want;
        arena->bytes += want;
        if (want == CHUNK_BYTES || !arena->chunk) {
                chunk->next = arena->chunk;
                arena->chunk = chunk;
        } else {
                chunk->next = arena->chunk->next;
                arena->chunk->next = chunk;
        }
        return chunk;
}

void *pn_arena_get(struct pn_arena *arena, size_t count, size_t size)
{
        const size_t align = _Alignof(max_align_t);
        struct chunk *chunk = arena->chunk;
        size_t bytes;
        void *ret;

        if (__builtin_mul_overflow(count, size, &bytes) || bytes > PN_ARENA_BYTES_MAX)
                return NULL;
        bytes = (bytes + (bytes == 0) + align - 1) / align * align;
        if (!chunk || chunk->size - chunk->used < bytes)
                chunk = grow(arena, bytes);
        if (!chunk)
                return NULL;
        ret = chunk->data + chunk->used;
        chunk->used += bytes;
        return ret;
}

char *pn_arena_copy(struct pn_arena *arena, const void *bytes, size_t len)
{
        char *ret = len < PN_ARENA_BYTES_MAX ? pn_arena_get(arena, len + 1, 1) : NULL;

        if (ret && len > 0)
                memcpy(ret, bytes, len);
        return ret;
}
