/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/view.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint8_t bytes[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0xf8, 0x09};

/* The bytes in a block of their own, so that the sanitizer sees a read past them. */
static struct pn_view own(void)
{
        uint8_t *data = malloc(sizeof(bytes));

        assert_non_null(data);
        memcpy(data, bytes, sizeof(bytes));
        return (struct pn_view){data, sizeof(bytes)};
}

static void view_gives_numbers_of_both_byte_orders(void **ctx)
{
        static const struct {
                uint64_t off;
                unsigned size;
                uint64_t little, big;
        } rows[] = {
                {0, 1, 0x01, 0x01},
                {8, 1, 0x09, 0x09},
                {1, 2, 0x0302, 0x0203},
                {7, 2, 0x09f8, 0xf809},
                {5, 4, 0x09f80706, 0x0607f809},
                {0, 8, 0xf807060504030201, 0x01020304050607f8},
                {1, 8, 0x09f8070605040302, 0x020304050607f809},
        };
        struct pn_view v = own();

        (void)ctx;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint64_t value = 0;

                assert_true(pn_view_uint(v, rows[i].off, rows[i].size, false, &value));
                assert_true(value == rows[i].little);
                assert_true(pn_view_uint(v, rows[i].off, rows[i].size, true, &value));
                assert_true(value == rows[i].big);
        }
        free((void *)(uintptr_t)v.data);
}

static void view_refuses_numbers_past_its_end(void **ctx)
{
        static const struct {
                uint64_t off;
                unsigned size;
        } rows[] = {
                {9, 1},
                {8, 2},
                {6, 4},
                {2, 8},
                {10, 1},
                {UINT64_MAX, 1},
                {UINT64_MAX - 7, 8},
                {UINT64_MAX - 3, 4},
        };
        struct pn_view v = own(), none = {NULL, 0};

        (void)ctx;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint64_t value = 42;

                assert_false(pn_view_uint(v, rows[i].off, rows[i].size, false, &value));
                assert_false(pn_view_uint(none, rows[i].off, rows[i].size, true, &value));
                assert_true(value == 42);
        }
        free((void *)(uintptr_t)v.data);
}

static void view_gives_parts_of_itself(void **ctx)
{
        struct pn_view v = own(), part = {NULL, 0};

        (void)ctx;
        assert_true(pn_view_sub(v, 0, 9, &part));
        assert_true(part.data == v.data && part.len == 9);
        assert_true(pn_view_sub(v, 3, 4, &part));
        assert_true(part.data == v.data + 3 && part.len == 4);
        assert_true(pn_view_sub(v, 9, 0, &part));
        assert_int_equal(part.len, 0);
        free((void *)(uintptr_t)v.data);
}

static void view_refuses_parts_past_its_end(void **ctx)
{
        static const struct {
                uint64_t off, len;
        } rows[] = {
                {0, 10}, {9, 1}, {10, 0}, {1, UINT64_MAX}, {UINT64_MAX, 2}, {UINT64_MAX, UINT64_MAX}, {5, 5},
        };
        struct pn_view v = own();

        (void)ctx;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_view part = {NULL, 42};

                assert_false(pn_view_sub(v, rows[i].off, rows[i].len, &part));
                assert_int_equal(part.len, 42);
        }
        free((void *)(uintptr_t)v.data);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(view_gives_numbers_of_both_byte_orders),
                cmocka_unit_test(view_refuses_numbers_past_its_end),
                cmocka_unit_test(view_gives_parts_of_itself),
                cmocka_unit_test(view_refuses_parts_past_its_end),
        };

        return cmocka_run_group_tests_name("view", tests, NULL, NULL);
}
