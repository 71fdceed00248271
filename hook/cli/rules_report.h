/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_CLI_RULES_REPORT_H
#define PN_CLI_RULES_REPORT_H

/* The compiler's report of what each rule costs (pn_cost_report() of scanner/engine/compile/compile.h), read
 * strictly. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "scanner/base/err.h"
#include "scanner/generation/generation.h"

struct pn_rules_cost {
        const json_t *row; /* all of it, for --json */
        const char *rule, *file, *id, *severity, *confidence, *weakness,
                *words; /* "" where the report has null */
        uint64_t line, windows;
        double hits_per_gb, share;
        bool to_libyara, is_private, weak;
        const json_t *rarest; /* array of hex strings */
};

struct pn_rules_report {
        json_t *root;               /* owned; the rest points into it */
        struct pn_rules_cost *cost; /* owned, in the report's order */
        size_t count;
        uint64_t windows;
        double hits_per_gb;
};

/* -1 with PN_FAULT_BUG for anything that is not such a report. */
int pn_rules_report_parse(const char *text, size_t len, struct pn_rules_report *ret, struct pn_err *err);
void pn_rules_report_clear(struct pn_rules_report *report);

/* The report of a generation on disk, if its digest fits: -1 with PN_FAULT_CONFIG when it does not. */
int pn_rules_report_read(const struct pn_generation *generation, struct pn_rules_report *ret,
                         struct pn_err *err);

/* A name that rules or files chose, in printable ASCII. */
void pn_rules_print(FILE *out, const char *text);

#endif
