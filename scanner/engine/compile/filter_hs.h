/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_FILTER_HS_H
#define PN_COMPILE_FILTER_HS_H

#include "scanner/engine/filter.h"

/* Builds the Hyperscan database (hs_compile_multi with every byte as \xHH, because hs_compile_lit_multi of
 * some versions refuses a literal that begins with NUL) for this processor, or for any when `generic`,
 * serialised. *ret is the caller's to free(), aligned to 64. `count` may be 0. Returns 0, or -1 with
 * PN_FAULT_CONFIG (a window of a wrong length, built without the library) or PN_FAULT_HOST (no such
 * processor support, no memory). */
int pn_filter_hs_build(const struct pn_window *windows, uint32_t count, bool generic, uint8_t **ret,
                       size_t *ret_len, struct pn_err *err);

/* Of the library, for the manifest: "5.4.9 2023-03-23"; "none" without it. */
const char *pn_filter_hs_version(void);

#endif
