/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_GRAMS_H
#define PN_COMPILE_GRAMS_H

/* How often four bytes stand together in clean binaries: what makes one window better than another. A table
 * of 2^22 buckets, two halves with a hash each of the four bytes (ASCII letters folded to lower case), of
 * which the lesser one counts; each an 8-bit logarithm of a count:
 *
 *     file = magic:u32 version:u32 bits:u32 pad:u32 positions:u64 *u8      ; positions: 4-grams counted
 *
 *     value v of a bucket: 0 never seen, else about 2^((v - 1) / 8) times
 *
 * Made by the program `postern-ngrams` from a list of files; read by the compiler, not by the scanner. */

#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/base/view.h"

#define PN_GRAMS_MAGIC 0x4d524750U
#define PN_GRAMS_BITS 22U

struct pn_grams;

/* Takes the file's bytes, which must outlive the table; an empty view is the table that knows nothing.
 * Returns 0, or -1 with PN_FAULT_CONFIG (not such a file) or PN_FAULT_HOST. */
int pn_grams_open(struct pn_view file, struct pn_grams **ret, struct pn_err *err);
struct pn_grams *pn_grams_free(struct pn_grams *grams);

/* Expected occurrences of these four bytes (case does not count) in a gigabyte of clean binaries; what was
 * never seen is less than one. */
double pn_grams_per_gb(const struct pn_grams *grams, const uint8_t bytes[4]);

/* The same for 1 to 4 bytes without any table: from how common each byte is, and runs of one byte. */
double pn_grams_guess_per_gb(const uint8_t *bytes, unsigned len);

/* Counting: one byte string after the other, then the file. *ret is the caller's to free(). */
struct pn_gram_count;
struct pn_gram_count *pn_gram_count_new(void);
struct pn_gram_count *pn_gram_count_free(struct pn_gram_count *count);
void pn_gram_count_add(struct pn_gram_count *count, const uint8_t *bytes, size_t len);
int pn_gram_count_file(const struct pn_gram_count *count, uint8_t **ret, size_t *ret_len, struct pn_err *err);

#endif
