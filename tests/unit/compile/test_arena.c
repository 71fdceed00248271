/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/engine/compile/arena.h"

static void arena_gives_zeroed_aligned_memory_that_does_not_overlap(void **state)
{
        static const size_t sizes[] = {1, 7, 16, 1000, 70000, 3, 300000, 5, 65536, 250000, 9};
        struct pn_arena *arena = pn_arena_new();
        uint8_t *piece[200];

        (void)state;
        for (unsigned i = 0; i < 200; i++) {
                size_t size = sizes[i % 11];

                piece[i] = pn_arena_get(arena, size, 1);
                assert_non_null(piece[i]);
                assert_int_equal((uintptr_t)piece[i] % alignof(max_align_t), 0);
                for (size_t k = 0; k < size; k++)
                        assert_int_equal(piece[i][k], 0);
                memset(piece[i], (int)i + 1, size);
        }
        for (unsigned i = 0; i < 200; i++)
                for (size_t k = 0; k < sizes[i % 11]; k++)
                        assert_int_equal(piece[i][k], (uint8_t)(i + 1));
        assert_null(pn_arena_free(arena));
}

static void arena_keeps_filling_its_chunk_behind_a_large_piece(void **state)
{
        struct pn_arena *arena = pn_arena_new();
        uint8_t *first = pn_arena_get(arena, 16, 1), *second;

        (void)state;
        assert_non_null(pn_arena_get(arena, 1 << 20, 1));
        second = pn_arena_get(arena, 16, 1);
        assert_ptr_equal(second, first + 16);
        pn_arena_free(arena);
}

static void arena_copies_with_a_nul(void **state)
{
        struct pn_arena *arena = pn_arena_new();
        char *copy = pn_arena_copy(arena, "a\0b", 3), *empty = pn_arena_copy(arena, NULL, 0);

        (void)state;
        assert_memory_equal(copy, "a\0b", 4);
        assert_string_equal(empty, "");
        pn_arena_free(arena);
}

static void arena_refuses_more_than_its_ceiling(void **state)
{
        struct pn_arena *arena = pn_arena_new();

        (void)state;
        assert_null(pn_arena_get(arena, SIZE_MAX, 2));
        assert_null(pn_arena_get(arena, 1, SIZE_MAX));
        assert_null(pn_arena_get(arena, PN_ARENA_BYTES_MAX, 2));
        assert_null(pn_arena_copy(arena, "", SIZE_MAX));
        assert_non_null(pn_arena_get(arena, PN_ARENA_BYTES_MAX / 2, 1));
        assert_non_null(pn_arena_get(arena, 1, 1));
        assert_null(pn_arena_get(arena, PN_ARENA_BYTES_MAX / 2, 1));
        assert_non_null(pn_arena_get(arena, 0, 8));
        pn_arena_free(arena);
        assert_null(pn_arena_free(NULL));
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(arena_gives_zeroed_aligned_memory_that_does_not_overlap),
                cmocka_unit_test(arena_keeps_filling_its_chunk_behind_a_large_piece),
                cmocka_unit_test(arena_copies_with_a_nul),
                cmocka_unit_test(arena_refuses_more_than_its_ceiling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
