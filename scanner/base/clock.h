/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_BASE_CLOCK_H
#define PN_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC in milliseconds; a clock set back or forward does not move it. */
int64_t pn_clock_now_ms(void);

/* Wall clock in seconds since 1970, for records and expiry dates only. */
int64_t pn_clock_wall_s(void);

/* What is left until `deadline_ms` (a pn_clock_now_ms() value), for poll(2): 0 when it has passed, never -1. */
int pn_clock_left_ms(int64_t deadline_ms);

#endif
