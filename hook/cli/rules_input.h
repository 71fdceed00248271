/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_CLI_RULES_INPUT_H
#define PN_CLI_RULES_INPUT_H

/* Where rules come from: the policy's places, or files and directories that are named on the command line. */

#include "hook/cli/rules.h"
#include "hook/cli/rules_run.h"
#include "hook/content.h"
#include "policy/policy.h"
#include "scanner/base/err.h"

struct pn_rules_input {
        struct pn_policy *policy;  /* NULL for named files */
        struct pn_content content; /* of the policy, with its deny files; or the named files alone */
};

/* Reads the policy alone; with pn_rules_input_content() what it names, from root's files only
 * (hook/content.h). Each returns 0, or -1. *ret is the caller's, for pn_rules_input_clear(). */
int pn_rules_input_policy(const char *config, struct pn_rules_input *ret, struct pn_err *err);
int pn_rules_input_content(struct pn_rules_input *input, struct pn_err *err);

/* Named files as they are, of directories every *.yar and *.yara in the order of their names; whoever owns
 * them, because nothing of it is stored. NULL-terminated `paths`. */
int pn_rules_input_paths(const char *const *paths, struct pn_rules_input *ret, struct pn_err *err);
void pn_rules_input_clear(struct pn_rules_input *input);

/* Runs the compiler that the options name, or the installed one, on what was read. */
int pn_rules_input_run(const struct pn_rules_input *input, const struct pn_rules_options *options,
                       struct pn_rules_made *ret, struct pn_err *err);

/* The state directory: of the options, else of the policy. */
const char *pn_rules_state_dir(const struct pn_rules_options *options, const struct pn_policy *policy);

#endif
