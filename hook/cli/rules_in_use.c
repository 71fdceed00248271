/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/cli/rules_in_use.h"

#include <stdio.h>
#include <string.h>

#include "hook/cli/rules_input.h"
#include "hook/exitcode.h"

static void look_for_fallback(const char *state, const struct pn_policy *policy, struct pn_rules_in_use *ret)
{
        struct pn_generation older;

        if (pn_generation_open_older(state, policy->rules, policy->deny_hashes, ret->generation.name, &older,
                                     NULL) != 1)
                return;
        memcpy(ret->fallback, older.name, sizeof(ret->fallback));
        pn_generation_close(&older);
}

static int open_for(const struct pn_rules_options *options, const struct pn_policy *policy,
                    struct pn_rules_in_use *ret)
{
        const char *state = pn_rules_state_dir(options, policy);
        struct pn_err err = PN_ERR_INIT;
        int got = pn_generation_open(state, policy->rules, policy->deny_hashes, &ret->generation, &err);

        if (got < 0)
                return pn_rules_complain_err(&err);
        if (got == 0)
                return pn_rules_complain(
                        PN_CLI_NO_RULES,
                        "no compiled rules for this policy in `%s`; `postern rules compile` makes them",
                        state);
        memcpy(ret->warning, err.text, sizeof(ret->warning));
        err = (struct pn_err)PN_ERR_INIT;
        if (pn_rules_report_read(&ret->generation, &ret->report, &err) < 0) {
                pn_generation_close(&ret->generation);
                return pn_rules_complain_err(&err);
        }
        look_for_fallback(state, policy, ret);
        return 0;
}

int pn_rules_in_use_open(const struct pn_rules_options *options, struct pn_rules_in_use *ret)
{
        struct pn_rules_input input;
        struct pn_err err = PN_ERR_INIT;
        int got;

        *ret = (struct pn_rules_in_use){0};
        if (pn_rules_input_policy(options->config, &input, &err) < 0)
                return pn_rules_complain(PN_CLI_INCOMPLETE, "%s", err.text);
        got = open_for(options, input.policy, ret);
        pn_rules_input_clear(&input);
        if (got == 0 && ret->warning[0])
                (void)pn_rules_complain(0, "warning: %s", ret->warning);
        return got;
}

void pn_rules_in_use_close(struct pn_rules_in_use *in_use)
{
        pn_rules_report_clear(&in_use->report);
        pn_generation_close(&in_use->generation);
}
