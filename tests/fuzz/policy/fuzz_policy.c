/* SPDX-License-Identifier: Apache-2.0 */
/* Every input is read as policy.json, as a file of exceptions and as a break-glass file. Whatever is taken
 * must keep the promises of its header; whatever is refused must say why. */
#include <stdlib.h>
#include <string.h>

#include "policy/break_glass.h"
#include "policy/decide.h"
#include "policy/exceptions.h"

#define NOW 1774958400 /* 2026-03-31T12:00:00Z */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(int holds)
{
        if (!holds)
                abort();
}

static void check_exceptions(const struct pn_policy *policy)
{
        for (size_t i = 0; i < policy->exception_count; i++) {
                const struct pn_exception *e = &policy->exception[i];

                promise(e->rule && e->path && e->reason && e->owner && e->file);
                promise(strcmp(e->rule, PN_TEST_RULE) != 0 && strlen(e->rule) < PN_RULE_ID_MAX);
                promise(e->path[0] != '\0' && e->path[0] != '/' && e->expires_s >= 0);
        }
}

static void check_list(char *const *list)
{
        size_t count = 0;

        for (; list[count]; count++)
                promise(list[count][0] == '/');
        promise(count <= PN_PATHS_MAX);
}

static void check_actions(const struct pn_policy *policy)
{
        for (int s = PN_SEVERITY_LOW; s <= PN_SEVERITY_CRITICAL; s++) {
                promise(policy->action[s][PN_CONFIDENCE_LOW] == PN_ACTION_REPORT);
                for (int c = PN_CONFIDENCE_LOW; c <= PN_CONFIDENCE_HIGH; c++)
                        promise(policy->action[s][c] == PN_ACTION_REPORT ||
                                policy->action[s][c] == PN_ACTION_REFUSE);
        }
        for (int cls = 0; cls < PN_ISSUE_CLASSES; cls++)
                promise(policy->on_error[cls] == PN_ACTION_REPORT ||
                        policy->on_error[cls] == PN_ACTION_REFUSE);
}

/* No policy lets the test rule pass, and none makes a clean answer of a scan that never was. */
static void check_decisions(const struct pn_policy *policy)
{
        char path[] = "a";
        struct pn_finding test = {.severity = PN_SEVERITY_LOW,
                                  .confidence = PN_CONFIDENCE_LOW,
                                  .rule = PN_TEST_RULE,
                                  .path = {path, 1, false},
                                  .has_sha256 = true};
        struct pn_findings all = {.finding = &test, .finding_count = 1, .finding_total = 1};
        struct pn_findings none = {0};
        struct pn_decision d;

        pn_policy_decide(policy, &all, NOW, false, &d);
        promise(d.verdict == PN_VERDICT_REFUSED && d.finding == &test);
        promise(d.admitted == (policy->mode == PN_MODE_MONITOR));
        pn_policy_decide(policy, &none, NOW, false, &d);
        promise(d.verdict == PN_VERDICT_UNDECIDED && d.would_refuse == d.admitted);
}

static void as_policy(const char *text, size_t size)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_policy *policy = NULL;

        if (pn_policy_parse("policy.json", text, size, &policy, &err) < 0) {
                promise(policy == NULL && err.fault != PN_FAULT_NONE && err.text[0] != '\0');
                return;
        }
        promise(policy->mode == PN_MODE_MONITOR || policy->mode == PN_MODE_ENFORCE);
        promise(policy->deadline_ms >= 100 && policy->deadline_ms <= 110000);
        promise(policy->limits.hash_bytes >= 1 << 20 && policy->limits.files > 0 && policy->limits.depth > 0);
        check_list(policy->rules);
        check_list(policy->deny_hashes);
        check_list(policy->exceptions_dirs);
        promise(policy->rules[0] != NULL);
        check_actions(policy);
        check_exceptions(policy);
        check_decisions(policy);
        (void)pn_policy_free(policy);
}

static void as_exceptions(const char *text, size_t size)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_policy policy = {0};

        if (pn_exceptions_parse(&policy, "e.json", text, size, &err) < 0)
                promise(err.fault != PN_FAULT_NONE && err.text[0] != '\0');
        check_exceptions(&policy);
        pn_exceptions_clear(&policy);
}

static void as_break_glass(const char *text, size_t size)
{
        struct pn_err err = PN_ERR_INIT;
        char reason[PN_WORDS_MAX] = "";

        if (pn_break_glass_parse("b.json", text, size, NOW, reason, &err) < 0)
                promise(reason[0] == '\0' && err.fault != PN_FAULT_NONE);
        else
                promise(strstr(reason, ", says ") && strstr(reason, ", until 2026-0"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        const char *text = (const char *)data;

        as_policy(text, size);
        as_exceptions(text, size);
        as_break_glass(text, size);
        return 0;
}
