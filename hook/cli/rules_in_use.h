/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_CLI_RULES_IN_USE_H
#define PN_CLI_RULES_IN_USE_H

/* The generation in use, for the commands that tell about it. */

#include "hook/cli/rules.h"
#include "hook/cli/rules_report.h"
#include "scanner/generation/generation.h"

struct pn_rules_in_use {
        struct pn_generation generation;
        struct pn_rules_report report;
        char fallback[32];             /* "" for none */
        char warning[PN_ERR_TEXT_MAX]; /* "" when all is well */
};

/* Reads policy, generation and report. 0, or the exit code after the error was printed; *ret is the caller's
 * when it is 0.
 */
int pn_rules_in_use_open(const struct pn_rules_options *options, struct pn_rules_in_use *ret);
void pn_rules_in_use_close(struct pn_rules_in_use *in_use);

#endif
