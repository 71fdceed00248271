/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_TRUTH_H
#define PN_ENGINE_TRUTH_H

/* A rule's formula over what is known of a file. What libyara 4.2 does with undefined values, overflow and
 * shifts is done here too; where its versions differ, or it dies (the smallest number divided by -1), the
 * value is unknown. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/check.h"
#include "scanner/engine/names.h"
#include "scanner/engine/pack.h"

#define PN_TRUTH_DEPTH_MAX                                                                                   \
        1000U /* nodes on the way down, rules that rules refer to included: below is MAYBE */
#define PN_TRUTH_STEPS_MAX (1U << 20) /* nodes looked at for one rule; what is left is MAYBE */

enum pn_truth { PN_FALSE, PN_TRUE, PN_MAYBE };

enum pn_seen {
        PN_SEEN_UNKNOWN, /* not looked for */
        PN_SEEN_NO,
        PN_SEEN_MAY,
        PN_SEEN_YES,
};

/* What is known of a string. */
struct pn_string_facts {
        enum pn_seen seen;
        bool counted; /* `count` is the number of its places */
        bool placed;  /* `place` are all of them, by offset */
        uint64_t count;
        const struct pn_place *place;
};

/* Who knows it. */
struct pn_truth_source {
        uint64_t file_bytes;
        const struct pn_names *names; /* NULL: nothing is known of them */
        void *ctx;
        void (*string)(void *ctx, uint32_t string, struct pn_string_facts *ret);
        /* Of a string that is not loose, by looking there; never OUTSIDE. */
        enum pn_check (*string_at)(void *ctx, uint32_t string, uint64_t offset);
        /* `len` (at most 4) bytes inside the file; false when they cannot be had: then the answer is unknown.
         */
        bool (*read)(void *ctx, uint64_t offset, uint8_t *buf, size_t len);
};

struct pn_truths; /* remembers rules that others refer to */

struct pn_truths *pn_truths_new(const struct pn_pack *pack); /* NULL: no memory */
struct pn_truths *pn_truths_free(struct pn_truths *truths);

/* Begins anew: another file, or more is known. `source` must live until the last pn_truths_of(). */
void pn_truths_start(struct pn_truths *truths, const struct pn_truth_source *source);
enum pn_truth pn_truths_of(struct pn_truths *truths, uint32_t rule);

/* An operator of PN_OP_TEXT_... on the value of a variable and a constant. */
bool pn_truth_text(enum pn_op op, const char *value, const char *constant);

#endif
