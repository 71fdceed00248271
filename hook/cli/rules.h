/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_CLI_RULES_H
#define PN_CLI_RULES_H

/* What the commands of `postern rules` have in common: the table of their options, and the commands
 * themselves. */

#include <stdbool.h>
#include <stddef.h>

#include "scanner/base/err.h"

#define PN_RULES_BUDGET_PER_GB 20000.0 /* hits of one rule's windows in a gigabyte of clean binaries */

enum pn_rules_option {
        PN_RULES_CONFIG = 1,
        PN_RULES_STATE = 2,
        PN_RULES_COMPILER = 4,
        PN_RULES_GRAMS = 8,
        PN_RULES_BUDGET = 16,
        PN_RULES_JSON = 32,
        PN_RULES_VERIFY = 64,
        PN_RULES_RULES = 128,
        PN_RULES_WORKER = 256,
};

#define PN_RULES_SETS_MAX 64U /* --rules that one command line may have */

struct pn_rules_options {
        const char *config, *state, *compiler, *grams,
                *worker;                          /* NULL: not given; `config` always has a value */
        const char *rules[PN_RULES_SETS_MAX + 1]; /* NULL-terminated */
        unsigned rules_count;
        double budget_per_gb;
        bool json, verify;
        char **operand; /* what follows the options, NULL-terminated */
        int operand_count;
};

/* One command of `postern rules`. */
struct pn_rules_command {
        const char *name, *words;                           /* as typed; one line about it */
        const char *help;                                   /* all about it */
        unsigned options;                                   /* of enum pn_rules_option */
        int operands_max;                                   /* -1: any number */
        int (*run)(const struct pn_rules_options *options); /* returns one of enum pn_cli_exit */
};

/* Reads a command line. 0, or -1 after the error was printed; *ret_help when --help was asked for. */
int pn_rules_options_read(int argc, char **argv, const struct pn_rules_command *command,
                          struct pn_rules_options *ret, bool *ret_help);

/* Prints "postern: rules: <text>", printable ASCII whatever the text is made of. Returns `status`. */
int pn_rules_complain(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for an error: 3 for rules that are missing or broken (PN_FAULT_CONFIG), else 2. */
int pn_rules_complain_err(const struct pn_err *err);
/* Ends what was written to standard output: `status`, or 2 when it could not be written. */
int pn_rules_finish(int status);

/* The rows of the table in cmd_rules.c. */
extern const struct pn_rules_command pn_rules_compile, pn_rules_check, pn_rules_list, pn_rules_test,
        pn_rules_explain_cost;

#endif
