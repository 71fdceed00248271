/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_CLI_RULES_RUN_H
#define PN_CLI_RULES_RUN_H

/* Runs postern-compiler (scanner/compiler/README.md) on rules and believes nothing of what it says before it
 * is checked: the compiler has read rules, which are content. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hook/cli/rules_report.h"
#include "scanner/base/err.h"
#include "scanner/generation/generation.h"
#include "scanner/scan/scan.h"

#define PN_RULES_DEADLINE_MS 300000       /* of one run: thousands of rules take seconds */
#define PN_RULES_SOURCES_MAX (256U << 20) /* bytes of all sources together */
#define PN_RULES_PART_MAX (1ULL << 30)    /* bytes of one part; also the compiler's RLIMIT_FSIZE */
#define PN_RULES_RESULT_MAX (1U << 20)    /* bytes of the result object */
#define PN_RULES_REPORT_MAX (64U << 20)

struct pn_rules_job {
        const char *compiler; /* path; root's or the caller's, and writable by nobody else */
        const char *grams;    /* path of the table of 4-grams; NULL: none */
        const struct pn_scan_rules *rules;
        unsigned rules_count;
        int64_t deadline_ms; /* pn_clock_now_ms() value */
};

/* What came out: sealed memory, nobody else can change it any more. */
struct pn_rules_made {
        struct pn_generation_part
                part[PN_PARTS]; /* fd -1 for FILTER_HS when there is none, and for DENY; no digests */
        uint32_t rules, windows;
        char libyara[32], hyperscan[64]; /* `hyperscan` is "" for none */
        char **note;                     /* NULL-terminated, printable ASCII; owned */
        struct pn_rules_report report;
};

/* Returns 0, or -1: PN_FAULT_CONFIG when the rules do not compile ("file:line:column: reason"), else the
 * compiler's or the host's. *ret is the caller's, for pn_rules_made_clear(). */
int pn_rules_run(const struct pn_rules_job *job, struct pn_rules_made *ret, struct pn_err *err);
void pn_rules_made_clear(struct pn_rules_made *made);

#endif
