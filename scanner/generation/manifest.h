/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_GENERATION_MANIFEST_H
#define PN_GENERATION_MANIFEST_H

/* manifest.json as text and as a struct; the format is in generation.h. No I/O. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/generation/generation.h"

#define PN_MANIFEST_SCHEMA 1
#define PN_MANIFEST_NAME "manifest.json"
#define PN_MANIFEST_SOURCES_MAX                                                                              \
        40000U /* what one JSON text of ours may hold (scanner/base/jsonx.h) at 5 values each */
/* A path as it stands in the manifest, by pn_text_escape(): a file in a directory that a policy may name. */
#define PN_MANIFEST_PATH_MAX (4U * (4096U + 256U) + 1U)

struct pn_manifest {
        json_t *root; /* owned; what follows points into it */
        const char *name, *postern, *libyara;
        const char *hyperscan;      /* NULL: none */
        const json_t *rules, *deny; /* arrays of escaped absolute paths */
        const json_t *sources;      /* array of {"path", "bytes", "mtime_ns", "sha256"}, checked */
        int64_t made_s;
        uint32_t rule_count, window_count;
        bool has[PN_PARTS];
        struct pn_generation_part part[PN_PARTS]; /* fd is -1 */
};

/* Strict: schema 1, every key there, none else, every value in its range. `file` is for messages. 0, or -1
 * with PN_FAULT_CONFIG. */
int pn_manifest_parse(const char *file, const char *text, size_t len, struct pn_manifest *ret,
                      struct pn_err *err);
void pn_manifest_clear(struct pn_manifest *manifest);

/* The manifest of `new` under `name`. *ret is the caller's to free(). -1 with PN_FAULT_HOST, or PN_FAULT_BUG
 * for a `new` that no reader would take. */
int pn_manifest_make(const struct pn_generation_new *new, const char *name, char **ret, size_t *ret_len,
                     struct pn_err *err);

/* Was it made for these places, in this order? */
bool pn_manifest_is_for(const struct pn_manifest *manifest, char *const *rules, char *const *deny);

/* Compares its sources with those that are there now; fills `why` and returns true when they are not the
 * same. */
bool pn_manifest_is_stale(const struct pn_manifest *manifest, const struct pn_generation_source *now,
                          size_t count, char *why, size_t cap);

#endif
