/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_MATCH_H
#define PN_ENGINE_MATCH_H

/* Which rules can match a file, and which do: everything before libyara. For one file:
 *
 *   first pass    all of it, in blocks, through the filter of clause windows; the exact check of a string at
 *                 its window
 *   candidates    rules with a string of their clause, and those that are `always`: formula with what is known
 *   second pass   only if a formula is still open: the strings that it asks for, by a gram filter made for them
 *   answer        of each rule that is not false: certain or possible (libyara decides)
 *
 * Bytes are hostile; nothing here parses structure, opens, or keeps anything from one file to the next. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/filter.h"
#include "scanner/engine/names.h"
#include "scanner/engine/object.h"
#include "scanner/engine/pack.h"
#include "scanner/finding/finding.h"

struct pn_match;

/* Takes what pn_pack_open() and pn_filter_open() gave; both are borrowed and must outlive it. `windows` of
 * the filter are those of the pack. Returns 0, or -1 with PN_FAULT_HOST (memory). */
int pn_match_new(const struct pn_pack *pack, struct pn_filter *filter, struct pn_match **ret,
                 struct pn_err *err);
struct pn_match *pn_match_free(struct pn_match *match);

/* Sees every byte of the file once, in order, holes as zeros: for the digest. -1 ends the scan. */
typedef int pn_match_tap(void *ctx, const uint8_t *bytes, size_t len, struct pn_err *err);

struct pn_match_request {
        const struct pn_object *file;
        const struct pn_names *names;
        uint64_t matches; /* limits.matches: a string with more places is libyara's, which then says too many */
        pn_match_tap *tap; /* or NULL: then holes are skipped */
        void *tap_ctx;
};

struct pn_match_pair {
        uint32_t rule;
        bool certain; /* the formula is true on strings that are exact; libyara is asked all the same */
};

/* What came of one file; pairs of private rules are not told. */
struct pn_match_answer {
        const struct pn_match_pair *pair; /* valid until the next call */
        uint32_t pair_count;
        uint64_t read_bytes; /* of the file, by the first pass, each once */
        bool ended_early;    /* the file was shorter than its size */
        /* for the bench and `rules test`: */
        uint64_t window_hits, string_checks, strings_found;
        uint32_t candidates, evaluated;
        bool second_pass;
};

/* Returns 0 when every rule has an answer; else -1: PN_FAULT_HOST with errno (reading failed, memory),
 * PN_FAULT_BUG. */
int pn_match_file(struct pn_match *match, const struct pn_match_request *request, struct pn_match_answer *ret,
                  struct pn_err *err);

/* After pn_match_file(), for a pair that is certain: the finding (all but path, size, digest) with up to
 * PN_EVIDENCE_MAX places, whose bytes are read again: what the object reads from must still be there. */
void pn_match_tell(const struct pn_match *match, uint32_t rule, struct pn_finding *ret);

/* The built-in sample with the test marker must be certain of PN_TEST_RULE, and an empty file must not be (of
 * other rules it may: `filesize < 10` is one). Returns 0, or -1 with PN_FAULT_CONFIG. */
int pn_match_selftest(struct pn_match *match, struct pn_err *err);

#endif
