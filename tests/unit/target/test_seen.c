/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/target/seen.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void seen_tells_a_file_once(void **state)
{
        struct pn_seen seen = {0};

        (void)state;
        assert_int_equal(pn_seen_add(&seen, 1, 2, 0), 1);
        assert_int_equal(pn_seen_add(&seen, 1, 2, 0), 0);
        assert_int_equal(pn_seen_add(&seen, 1, 2, 9), 1); /* the number was used again */
        assert_int_equal(pn_seen_add(&seen, 1, 2, 9), 0);
        assert_int_equal(pn_seen_add(&seen, 2, 1, 0), 1); /* another device */
        assert_int_equal(pn_seen_add(&seen, 2, 2, 0), 1);
        assert_int_equal(pn_seen_add(&seen, 1, 1, 0), 1);
        assert_int_equal(pn_seen_add(&seen, 2, 2, 0), 0);
        pn_seen_clear(&seen);
}

static void seen_knows_all_after_growing(void **state)
{
        const uint64_t count = 50000;
        struct pn_seen seen = {0};

        (void)state;
        for (uint64_t i = 1; i <= count; i++)
                assert_int_equal(pn_seen_add(&seen, i % 7, i, 0), 1);
        for (uint64_t i = 1; i <= count; i++)
                assert_int_equal(pn_seen_add(&seen, i % 7, i, 0), 0);
        assert_int_equal(seen.used, count);
        assert_true(seen.slots >= 2 * seen.used); /* or looking up would become slow */
        pn_seen_clear(&seen);
}

/* Numbers that differ in few high bits only must not fall into one place. */
static void seen_stays_fast_with_numbers_far_apart(void **state)
{
        struct pn_seen seen = {0};

        (void)state;
        for (uint64_t i = 1; i <= 20000; i++)
                assert_int_equal(pn_seen_add(&seen, 0xfd00000000000001ULL, i << 32, 0), 1);
        for (uint64_t i = 1; i <= 20000; i++)
                assert_int_equal(pn_seen_add(&seen, i << 40, 12, 0), 1);
        assert_int_equal(pn_seen_add(&seen, 20000ULL << 40, 12, 0), 0);
        pn_seen_clear(&seen);
}

static void seen_never_skips_a_file_without_a_number(void **state)
{
        struct pn_seen seen = {0};

        (void)state;
        assert_int_equal(pn_seen_add(&seen, 5, 0, 0), 1);
        assert_int_equal(pn_seen_add(&seen, 5, 0, 0), 1);
        assert_int_equal(pn_seen_add(&seen, 0, 7, 0), 1);
        assert_int_equal(pn_seen_add(&seen, 0, 7, 0), 0);
        assert_int_equal(seen.used, 1);
        pn_seen_clear(&seen);
}

static void seen_that_was_cleared_has_seen_nothing(void **state)
{
        struct pn_seen seen = {0};

        (void)state;
        pn_seen_clear(&seen);
        assert_int_equal(pn_seen_add(&seen, 1, 2, 0), 1);
        pn_seen_clear(&seen);
        assert_int_equal(seen.slots, 0);
        assert_int_equal(pn_seen_add(&seen, 1, 2, 0), 1);
        pn_seen_clear(&seen);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(seen_tells_a_file_once),
                cmocka_unit_test(seen_knows_all_after_growing),
                cmocka_unit_test(seen_stays_fast_with_numbers_far_apart),
                cmocka_unit_test(seen_never_skips_a_file_without_a_number),
                cmocka_unit_test(seen_that_was_cleared_has_seen_nothing),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
