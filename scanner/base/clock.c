/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/clock.h"

#include <limits.h>
#include <time.h>

int64_t pn_clock_now_ms(void)
{
        struct timespec ts = {0, 0};

        (void)clock_gettime(CLOCK_MONOTONIC, &ts);
        return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

int64_t pn_clock_wall_s(void)
{
        struct timespec ts = {0, 0};

        (void)clock_gettime(CLOCK_REALTIME, &ts);
        return (int64_t)ts.tv_sec;
}

int pn_clock_left_ms(int64_t deadline_ms)
{
        int64_t left = deadline_ms - pn_clock_now_ms();

        if (left <= 0)
                return 0;
        return left > INT_MAX ? INT_MAX : (int)left;
}
