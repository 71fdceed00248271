/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_ARENA_H
#define PN_COMPILE_ARENA_H

#include <stddef.h>

/* Memory that is freed all at once. */
struct pn_arena;

#define PN_ARENA_BYTES_MAX (1UL << 30) /* of one arena: a set of rules that needs more is refused */

struct pn_arena *pn_arena_new(void);
struct pn_arena *pn_arena_free(struct pn_arena *arena);

/* Zeroed memory for `count` things of `size` bytes, aligned for anything; NULL when memory or the ceiling is reached. */
void *pn_arena_get(struct pn_arena *arena, size_t count, size_t size);

/* A copy with a NUL behind it. */
char *pn_arena_copy(struct pn_arena *arena, const void *bytes, size_t len);

#endif
