/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/clock.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void clock_counts_milliseconds(void **ctx)
{
        struct timespec pause = {0, 30000000};
        int64_t start = pn_clock_now_ms();

        (void)ctx;
        assert_true(start > 0);
        (void)nanosleep(&pause, NULL);
        assert_in_range(pn_clock_now_ms() - start, 30, 20000);
}

static void clock_is_the_monotonic_one(void **ctx)
{
        struct timespec ts;
        int64_t now = pn_clock_now_ms();

        (void)ctx;
        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        assert_in_range((int64_t)ts.tv_sec * 1000 + 1000 - now, 0, 20000);
}

static void wall_clock_is_of_this_century(void **ctx)
{
        int64_t now = (int64_t)time(NULL);

        (void)ctx;
        assert_in_range(pn_clock_wall_s() - now, 0, 20);
}

static void left_is_never_negative_and_never_for_ever(void **ctx)
{
        int64_t now = pn_clock_now_ms();

        (void)ctx;
        assert_int_equal(pn_clock_left_ms(now), 0);
        assert_int_equal(pn_clock_left_ms(now - 5000), 0);
        assert_int_equal(pn_clock_left_ms(0), 0);
        assert_int_equal(pn_clock_left_ms(INT64_MIN / 2), 0);
        assert_int_equal(pn_clock_left_ms(INT64_MAX), INT_MAX);
        assert_in_range(pn_clock_left_ms(now + 60000), 30000, 60000);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(clock_counts_milliseconds),
                cmocka_unit_test(clock_is_the_monotonic_one),
                cmocka_unit_test(wall_clock_is_of_this_century),
                cmocka_unit_test(left_is_never_negative_and_never_for_ever),
        };

        return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}
