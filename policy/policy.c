/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "policy/exceptions.h"
#include "policy/keys.h"
#include "policy/trust.h"
#include "scanner/base/fd.h"
#include "scanner/base/jsonx.h"

static void free_list(char **list)
{
        for (char **entry = list; entry && *entry; entry++)
                free(*entry);
        free(list);
}

struct pn_policy *pn_policy_free(struct pn_policy *policy)
{
        if (!policy)
                return NULL;
        pn_exceptions_clear(policy);
        free_list(policy->rules);
        free_list(policy->deny_hashes);
        free_list(policy->exceptions_dirs);
        free(policy->state_dir);
        free(policy->audit_file);
        free(policy->break_glass_file);
        free(policy->origin);
        free(policy);
        return NULL;
}

static struct pn_policy *policy_new(const char *origin)
{
        struct pn_policy *policy = calloc(1, sizeof(*policy));

        if (!policy)
                return NULL;
        policy->origin = strdup(origin);
        if (!policy->origin)
                return pn_policy_free(policy);
        for (int severity = PN_SEVERITY_LOW; severity <= PN_SEVERITY_CRITICAL; severity++)
                policy->action[severity][PN_CONFIDENCE_LOW] = PN_ACTION_REPORT;
        return policy;
}

int pn_policy_parse(const char *name, const char *json, size_t len, struct pn_policy **ret,
                    struct pn_err *err)
{
        struct pn_policy *policy = policy_new(name);
        struct pn_keys_job job = {name, policy, err};
        json_auto_t *root = NULL;

        if (!policy)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read `%s`", name);
        if (pn_jsonx_load(name, json, len, PN_FAULT_CONFIG, &root, err) < 0 ||
            pn_keys_apply(&job, root) < 0) {
                (void)pn_policy_free(policy);
                return -1;
        }
        *ret = policy;
        return 0;
}

static int read_exceptions(struct pn_policy *policy, struct pn_err *err)
{
        for (char **dir = policy->exceptions_dirs; *dir; dir++)
                if (pn_exceptions_read_dir(policy, *dir, err) < 0)
                        return -1;
        return 0;
}

int pn_policy_load(const char *path, struct pn_policy **ret, struct pn_err *err)
{
        pn_autofree char *data = NULL;
        struct pn_policy *policy = NULL;
        size_t len = 0;

        if (pn_trust_read(path, PN_POLICY_BYTES_MAX, &data, &len, err) < 0)
                return -1;
        if (pn_policy_parse(path, data, len, &policy, err) < 0)
                return -1;
        if (read_exceptions(policy, err) < 0) {
                (void)pn_policy_free(policy);
                return -1;
        }
        *ret = policy;
        return 0;
}
