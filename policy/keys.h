/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_POLICY_KEYS_H
#define PN_POLICY_KEYS_H

/* The keys of policy.json, a row each. README, schema and default.json say the same, and a test holds them to
 * it. */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "policy/policy.h"
#include "scanner/base/err.h"

#define PN_KEYS_MAX 16      /* rows of one table */
#define PN_KEY_PATH_MAX 128 /* bytes of "actions.critical.medium" with the NUL; the names are ours */

/* What is being read, and into what. */
struct pn_keys_job {
        const char *file; /* for messages */
        struct pn_policy *policy;
        struct pn_err *err;
};

struct pn_key {
        const char *name; /* NULL ends a table */
        /* Checks `value` and stores it; `at` is the key's path. 0, or -1 with PN_FAULT_CONFIG. */
        int (*set)(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                   const json_t *value);
        size_t offset;            /* in struct pn_policy */
        const char *fallback;     /* the value when the key is absent, as JSON; NULL: required */
        const struct pn_key *sub; /* of an object: its keys; `set` and `fallback` are then NULL */
        json_int_t min, max;      /* of a number, and of the entries of a list */
        const char *const *words; /* of a word: the enum's names, [0] unused, NULL-terminated */
};

extern const struct pn_key pn_policy_keys[];

/* Puts the keys of `root`, and the fallbacks of those that are absent, into job->policy.
 * Returns 0, or -1 with "<file>: <key>: ..."; what was stored so far stays in job->policy. */
int pn_keys_apply(const struct pn_keys_job *job, const json_t *root);

#endif
