/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_COMPILE_H
#define PN_COMPILE_COMPILE_H

/* From rules to a pack (scanner/engine/pack.h) and a report of what each rule costs.
 *
 *     ast -> formula (formula.c) -> clause (clause.c) -> windows, pack (pack_write.c)
 *                                                    \-> cost.c -> report
 */

#include "scanner/base/err.h"
#include "scanner/engine/compile/ast.h"
#include "scanner/engine/compile/grams.h"
#include "scanner/engine/compile/lower.h"
#include "scanner/engine/pack.h"

/* Why a rule is weak, worst last. */
enum pn_weakness {
        PN_WEAK_NONE,
        PN_WEAK_SHORT,  /* its best windows are shorter than 8 bytes */
        PN_WEAK_NOISY,  /* its windows are common in clean binaries: more than PN_COST_NOISY_PER_GB */
        PN_WEAK_LOOSE,  /* a hit cannot be checked without libyara */
        PN_WEAK_ALWAYS, /* no necessary literal: evaluated on every file, by libyara if the formula stays open */
};

#define PN_COST_NOISY_PER_GB 20000.0

struct pn_cost_rule {
        uint32_t rule; /* in the set */
        enum pn_weakness weakness;
        bool to_libyara;    /* libyara sees it on every file that the cheap predicates let through */
        uint32_t windows;
        struct pn_window rarest[4]; /* some of its windows, for people */
        uint32_t rarest_count;
        double hits_per_gb; /* expected, of its clause in clean binaries */
        double share;       /* of the filter's expected extra work, 0 to 1 */
        char words[256];    /* for the author: what is weak and what would help; "" when nothing is */
};

struct pn_compiled {
        uint8_t *pack; /* owned, aligned to 64 */
        size_t pack_len;
        struct pn_window *window; /* owned; of the first pass, in the filter's order */
        uint32_t window_count;
        struct pn_cost_rule *cost; /* owned; one per rule of the set */
        uint32_t cost_count;
        double hits_per_gb; /* of all windows together */
};

/* Returns 0, or -1 with PN_FAULT_CONFIG (the set has no rule) or PN_FAULT_HOST. `first_exact` numbers: rule i of the set
 * has the libyara form i. */
int pn_compile(const struct pn_yr_set *set, const struct pn_grams *grams, struct pn_compiled *ret, struct pn_err *err);
void pn_compiled_clear(struct pn_compiled *compiled);

/* The report of the compiler, JSON, one object; names are escaped as scanner/base/text.h does it, words are in README.md:
 *     {"schema": 1, "rules": [{"rule", "file", "line", "id", "severity", "confidence", "private", "windows", "rarest": [hex],
 *      "hits_per_gb", "share", "weakness": "none"|..., "to_libyara", "words"}], "windows", "hits_per_gb"}
 * *ret is the caller's to free(). */
int pn_cost_report(const struct pn_yr_set *set, const struct pn_compiled *compiled, char **ret, size_t *ret_len,
                   struct pn_err *err);

#endif
