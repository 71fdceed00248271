/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_DIGEST_H
#define PN_ENGINE_DIGEST_H

#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"

#define PN_DIGEST_BYTES 32

/* SHA-256 (FIPS 180-4) by libcrypto. One context serves any number of files, one after the other. */
struct pn_digest;

/* Fetches the algorithm without reading any configuration file, so that it can be called before the jail closes
 * and nothing is loaded lazily after. Returns 0, or -1 with PN_FAULT_HOST. */
int pn_digest_new(struct pn_digest **ret, struct pn_err *err);
struct pn_digest *pn_digest_free(struct pn_digest *digest);

/* start, add any number of times, end. Each returns 0, or -1 with PN_FAULT_BUG. */
int pn_digest_start(struct pn_digest *digest, struct pn_err *err);
int pn_digest_add(struct pn_digest *digest, const void *bytes, size_t len, struct pn_err *err);
int pn_digest_end(struct pn_digest *digest, uint8_t ret[PN_DIGEST_BYTES], struct pn_err *err);

#endif
