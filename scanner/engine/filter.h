/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_FILTER_H
#define PN_ENGINE_FILTER_H

/* The first sieve: where do thousands of short literals ("windows") occur in a buffer? One interface, two
 * backends:
 *
 *   hyperscan  Vectorscan or Hyperscan, runtime library only (libhs_runtime); its database is made by the
 *              compiler
 *   gram       our own: every `stride`-th position, 4 bytes or 3, one bit of a table, then where in a window
 *              they can be, then a hash table of windows (Wu-Manber's idea with sampled q-grams); needs no
 *              special processor, is built in microseconds for a handful of windows, and is the other one's
 *              oracle
 *
 * Both report every occurrence of every window at least once, in any order. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/base/view.h"

#define PN_WINDOW_MIN  3U /* bytes: shorter ones are not for a filter */
#define PN_WINDOW_MAX 8U
#define PN_WINDOWS_MAX (1U << 20)

/* `nocase`: ASCII letters of either case match; `bytes` are then lower case. */
struct pn_window {
        uint8_t bytes[PN_WINDOW_MAX];
        uint8_t len;
        bool nocase;
};

enum pn_filter_kind { PN_FILTER_HYPERSCAN = 1, PN_FILTER_GRAM };

struct pn_filter;

/* Loads a database, which must outlive the filter (aligned to 64 bytes). Checks all of it that a scan relies
 * on: a wrong one is PN_FAULT_CONFIG, also one for another processor or library version; PN_FAULT_HOST when
 * memory ran out, PN_FAULT_BUG when it is not aligned. Needs nothing but memory, so it may be called inside
 * the jail. */
int pn_filter_open(enum pn_filter_kind kind, struct pn_view database, struct pn_filter **ret,
                   struct pn_err *err);
struct pn_filter *pn_filter_free(struct pn_filter *filter);

/* Window number `window` (its place in the list that was built) ends just before `end`, an offset in the
 * buffer. Returning false ends the scan of this buffer. May not scan with the same filter. */
typedef bool pn_filter_hit(void *ctx, uint32_t window, size_t end);

/* Scans `len` bytes (less than 4 GiB). Returns 0 (also when a hit ended it), or -1 with PN_FAULT_BUG. */
int pn_filter_scan(struct pn_filter *filter, const uint8_t *buf, size_t len, pn_filter_hit *hit, void *ctx,
                   struct pn_err *err);

/* Builds the gram database; windows must be distinct. *ret is the caller's to free(), aligned to 64. `count`
 * may be 0. Returns 0, or -1 with PN_FAULT_CONFIG (a window of a wrong length) or PN_FAULT_HOST. */
int pn_filter_gram_build(const struct pn_window *windows, uint32_t count, uint8_t **ret, size_t *ret_len,
                         struct pn_err *err);

#endif
