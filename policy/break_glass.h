/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_POLICY_BREAK_GLASS_H
#define PN_POLICY_BREAK_GLASS_H

#include <stddef.h>
#include <stdint.h>

#include "policy/policy.h"
#include "scanner/base/err.h"

#define PN_BREAK_GLASS_BYTES_MAX (64U << 10) /* of the file */
#define PN_BREAK_GLASS_MAX_S 86400 /* how far ahead it may reach: one that is forgotten ends by itself */

/* The checks of pn_policy_break_glass() on a file in memory, `name` for messages.
 * Returns 0, or -1 with PN_FAULT_CONFIG when it does not count. */
int pn_break_glass_parse(const char *name, const char *json, size_t len, int64_t now_s,
                         char ret_reason[PN_WORDS_MAX], struct pn_err *err);

#endif
