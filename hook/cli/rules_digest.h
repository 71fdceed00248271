/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_CLI_RULES_DIGEST_H
#define PN_CLI_RULES_DIGEST_H

/* SHA-256 for the manifest of a generation: the one use of libcrypto in this room, and none in postern-hook.
 */

#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"

/* Each returns 0, or -1 with PN_FAULT_HOST. `fd` is read from 0; it must have `bytes` bytes. */
int pn_rules_digest_bytes(const void *bytes, size_t len, uint8_t ret[32], struct pn_err *err);
int pn_rules_digest_fd(int fd, uint64_t bytes, uint8_t ret[32], struct pn_err *err);

#endif
