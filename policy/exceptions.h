/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_POLICY_EXCEPTIONS_H
#define PN_POLICY_EXCEPTIONS_H

/* Exceptions, from policy.json and from the files of exceptions_dirs:
 *
 *     file      = { "exceptions": [ *exception ] }
 *     exception = { "rule", "path", "sha256", "reason", "owner", "expires" }     ; all of them, nothing else
 *
 * The values are described in policy/README.md and policy/schema/exceptions.schema.json. */

#include <jansson.h>
#include <stddef.h>

#include "policy/policy.h"
#include "scanner/base/err.h"

#define PN_EXCEPTION_FILES_MAX                                                                               \
        1024 /* in one directory: a runaway generator shall not eat the start's deadline */

/* The keys of one exception, NULL-terminated. */
extern const char *const pn_exception_keys[];

/* Appends the array `list` to the exceptions of `policy`; `file` is kept with each and stands in messages
 * ("<file>: exceptions[2].sha256: ..."). On error a part of them may have been added.
 * Returns 0, or -1 with PN_FAULT_CONFIG (PN_FAULT_HOST when memory ran out). */
int pn_exceptions_add(struct pn_policy *policy, const char *file, const json_t *list, struct pn_err *err);

/* One exceptions file from memory, appended likewise. */
int pn_exceptions_parse(struct pn_policy *policy, const char *file, const char *json, size_t len,
                        struct pn_err *err);

/* Every *.json of the directory `path` in the order of their names, appended likewise; names with a leading
 * dot are left alone. A directory that is missing has no exceptions; one that others can write, and a file
 * that is not root's or not whole, is an error. */
int pn_exceptions_read_dir(struct pn_policy *policy, const char *path, struct pn_err *err);

/* Frees the exceptions of `policy`. */
void pn_exceptions_clear(struct pn_policy *policy);

#endif
