/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_EXACT_STORE_H
#define PN_ENGINE_EXACT_STORE_H

/* The last sieve: rules in libyara's own form, each alone (with the rules it refers to and the global rules of its
 * namespace), loaded when one is asked for.
 *
 *     store = magic:u32 version:u32 count:u32 pad:u32 sample:u32 pad:u32 *entry *form
 *     entry = offset:u64 length:u64 rule:u32 flags:u32 sha256          ; rule: number of the reported rule in the form
 *     form  = yr_rules_save_stream() of libyara
 *
 * Compiled YARA has no check of its own (flipped bits silently miss), so every form is loaded only when its SHA-256 is the
 * one in its entry, and the entries count only because the manifest has the digest of the part before the forms. */

#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/exact.h"
#include "scanner/engine/names.h"
#include "scanner/engine/object.h"

#define PN_STORE_MAGIC 0x53585950U
#define PN_STORE_VERSION 1U
/* Entry flag: the block is to be as large as may be, because the rule sees more in one block than in many: modules elf and
 * pe and `entrypoint` look at one block only, and a string with a long jump may be longer than blocks overlap. */
#define PN_STORE_BIG 1U

/* In native byte order. */
struct pn_store_head {
        uint32_t magic, version, count, pad, sample, pad2; /* sample: number of the form that holds the test rule */
};

struct pn_store_entry {
        uint64_t offset, length;
        uint32_t rule, flags;
        uint8_t sha256[32];
};

_Static_assert(sizeof(struct pn_store_head) == 24 && sizeof(struct pn_store_entry) == 56, "the format has no gaps");

struct pn_store;

/* Before the jail closes: libyara, OpenSSL without configuration file. */
int pn_store_new(struct pn_store **ret, struct pn_err *err);
struct pn_store *pn_store_free(struct pn_store *store);

/* Reads the entries from `fd` (borrowed, must outlive the store); `sha256` is that of everything before the first form.
 * Returns 0, or -1 with PN_FAULT_CONFIG (digest, magic, version, an entry outside the file) or PN_FAULT_HOST. */
int pn_store_open(struct pn_store *store, int fd, const uint8_t sha256[32], struct pn_err *err);
uint32_t pn_store_count(const struct pn_store *store);

/* Loads rule `number`, checks it, scans `file` (as pn_exact_scan() does: blocks, limits, errors), frees it. *ret_matched:
 * does the reported rule match? `sink` (may be NULL) is called once if so. An error is this rule's alone. */
int pn_store_scan(struct pn_store *store, uint32_t number, const struct pn_object *file, const struct pn_names *names,
                  const struct pn_exact_limits *limits, pn_exact_sink *sink, void *ctx, bool *ret_matched,
                  uint64_t *ret_bytes, struct pn_err *err);

/* The form of the test rule must hit the built-in sample. */
int pn_store_selftest(struct pn_store *store, struct pn_err *err);

#endif
