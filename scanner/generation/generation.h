/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_GENERATION_GENERATION_H
#define PN_GENERATION_GENERATION_H

/* Generations of compiled rules, below a state directory that only root can write:
 *
 *     <state>/rules/current            a symbolic link to the generation in use ("g-000042")
 *     <state>/rules/previous           to the one before it
 *     <state>/rules/g-NNNNNN/manifest.json
 *                            rules.pack filter.hs filter.gram exact.store deny.tsv report.json
 *
 * A generation is written under a name that begins with ".new-", every file and the directory flushed,
 * renamed, and then `current` is replaced by rename(2): kill -9 at any moment leaves the old one or the new
 * one, complete. What a killed writer left is removed by the next one. Writers exclude each other by flock(2)
 * on <state>/rules/lock. At most PN_GENERATIONS_KEPT stay.
 *
 *     manifest = {"schema": 1, "name": "g-000042", "made_s": seconds, "postern": version,
 *                 "libyara": version, "hyperscan": version or null,
 *                 "places": {"rules": [the policy's entries], "deny_hashes": [the policy's entries]},
 *                 "sources": [{"path", "bytes", "mtime_ns", "sha256"}], "rules": n, "windows": n,
 *                 "parts": {"rules.pack": part, "filter.hs": part or absent, "filter.gram": part,
 *                           "exact.store": {"bytes", "sha256", "head", "head_sha256"}, "deny.tsv": part,
 *                           "report.json": part}}
 *     part     = {"bytes", "sha256"}
 *
 * Paths stand there by pn_text_escape(): a file name may be any bytes, JSON may not.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"

#define PN_GENERATIONS_KEPT 3
#define PN_MANIFEST_BYTES_MAX (16U << 20)

enum pn_part {
        PN_PART_PACK,
        PN_PART_FILTER_HS, /* may be absent: no such library, or no such processor, where it was made */
        PN_PART_FILTER_GRAM,
        PN_PART_EXACT,
        PN_PART_DENY, /* lines of every deny file, one after the other (scanner/finding/hashset.h) */
        PN_PART_REPORT,
        PN_PARTS,
};

extern const char *const pn_part_names[PN_PARTS]; /* file names */

struct pn_generation_part {
        int fd; /* O_RDONLY, or -1: absent */
        uint64_t bytes;
        uint8_t sha256[32];
        uint64_t head_bytes; /* EXACT: what stands before the forms */
        uint8_t head_sha256[32];
};

struct pn_generation {
        char name[32];
        char libyara[32], hyperscan[64];
        uint32_t rules, windows;
        int64_t made_s;
        struct pn_generation_part part[PN_PARTS];
        bool stale; /* a source is not what it was when this was made (size, mtime), or one is new or gone */
        char stale_why[256];
};

/* Opens the generation in use, if it was made for these `places` (NULL-terminated lists, the policy's `rules`
 * and `deny_hashes`) by this postern: 1. 0 when there is none for them. When `current` is not whole (missing
 * part, wrong size, bad manifest, another version), the newest other one that is: then 1 with `err` set to
 * what was wrong, as a warning; if there is none, -1 with PN_FAULT_CONFIG. Digests are not computed here:
 * whoever loads a part does. */
int pn_generation_open(const char *state_dir, char *const *rules, char *const *deny,
                       struct pn_generation *ret, struct pn_err *err);
/* The next older whole one than `older_than` (its name), for the same places: 1, or 0; -1 when the directory
 * itself is not to be read. */
int pn_generation_open_older(const char *state_dir, char *const *rules, char *const *deny,
                             const char *older_than, struct pn_generation *ret, struct pn_err *err);
void pn_generation_close(struct pn_generation *generation);

struct pn_generation_source {
        const char *path;
        uint64_t bytes;
        int64_t mtime_ns;
        uint8_t sha256[32];
};

/* The files that these places hold now, as pn_content_load() reads them and in that order: directories by
 * suffix, sorted; what is not there holds nothing. Contents are not read, `sha256` is zero. *ret is the
 * caller's, for pn_generation_sources_free(). -1 with PN_FAULT_CONFIG or PN_FAULT_HOST. */
int pn_generation_sources(char *const *rules, char *const *deny, struct pn_generation_source **ret,
                          size_t *ret_count, struct pn_err *err);
void pn_generation_sources_free(struct pn_generation_source *source, size_t count);

/* What pn_generation_store() writes down; `part[i].fd` are read from 0 to `bytes`. */
struct pn_generation_new {
        char *const *rules, *const *deny;
        const struct pn_generation_source *source;
        size_t source_count;
        const char *libyara, *hyperscan;
        uint32_t rule_count, window_count;
        int64_t made_s;
        struct pn_generation_part part[PN_PARTS];
};

/* Stores and switches; `ret_name` gets the name. -1 with PN_FAULT_HOST (errno: ENOSPC, EROFS …) or
 * PN_FAULT_CONFIG (the directory is not root's alone); then nothing has changed. */
int pn_generation_store(const char *state_dir, const struct pn_generation_new *new, char ret_name[32],
                        struct pn_err *err);

#endif
