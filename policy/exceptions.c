/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/exceptions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/field.h"
#include "scanner/base/jsonx.h"
#include "scanner/base/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char out_of_memory[] = "out of memory"; /* by its address: not the file's fault */

static const char *keep(char **dst, const char *text)
{
        *dst = strdup(text);
        return *dst ? NULL : out_of_memory;
}

/* Each checks one value and keeps it in `e`. NULL, or what it must be. */

static const char *take_rule(const char *text, struct pn_exception *e)
{
        const char *problem = pn_field_words(text);

        if (problem)
                return problem;
        if (strlen(text) >= PN_RULE_ID_MAX)
                return "must be shorter than 64 bytes";
        if (strcmp(text, PN_TEST_RULE) == 0)
                return "the test rule cannot be excepted";
        return keep(&e->rule, text);
}

/* The walker's paths have no leading slash, no empty, "." or ".." component: an exception that has one would
 * never fit, and its author would believe that it does. */
static const char *take_path(const char *text, struct pn_exception *e)
{
        if (text[0] == '\0')
                return "must not be empty";
        if (text[0] == '/')
                return "must not begin with a slash: it is relative to the root of the container";
        if (strlen(text) > PN_PATH_BYTES_MAX)
                return "must be at most 8192 bytes";
        for (const char *part = text; part; part = strchr(part, '/')) {
                size_t len;

                part += *part == '/';
                len = strcspn(part, "/");
                if (len == 0 || (len == 1 && part[0] == '.') ||
                    (len == 2 && part[0] == '.' && part[1] == '.'))
                        return "must not have an empty, `.` or `..` component";
        }
        return keep(&e->path, text);
}

static const char *take_sha256(const char *text, struct pn_exception *e)
{
        return pn_text_unhex(e->sha256, PN_SHA256_BYTES, text, strlen(text)) ? NULL : "must be 64 hex digits";
}

static const char *take_reason(const char *text, struct pn_exception *e)
{
        return pn_field_words(text) ?: keep(&e->reason, text);
}

static const char *take_owner(const char *text, struct pn_exception *e)
{
        return pn_field_words(text) ?: keep(&e->owner, text);
}

static const char *take_expires(const char *text, struct pn_exception *e)
{
        if (pn_field_time(text, &e->expires_s) || pn_field_day(text, &e->expires_s))
                return NULL;
        return "must be a date of the calendar, YYYY-MM-DDTHH:MM:SSZ or YYYY-MM-DD";
}

const char *const pn_exception_keys[] = {"rule", "path", "sha256", "reason", "owner", "expires", NULL};

static const char *(*const takers[])(const char *text, struct pn_exception *e) = {
        take_rule, take_path, take_sha256, take_reason, take_owner, take_expires,
};

_Static_assert(COUNT(pn_exception_keys) == COUNT(takers) + 1, "one for every key, in the same order");

static void exception_clear(struct pn_exception *e)
{
        free(e->rule);
        free(e->path);
        free(e->reason);
        free(e->owner);
        free(e->file);
}

void pn_exceptions_clear(struct pn_policy *policy)
{
        for (size_t i = 0; i < policy->exception_count; i++)
                exception_clear(&policy->exception[i]);
        free(policy->exception);
        policy->exception = NULL;
        policy->exception_count = 0;
}

static int complain(const char *file, const char *at, const char *problem, struct pn_err *err)
{
        if (problem == out_of_memory)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "%s: %s", file, at);
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s: %s: %s", file, at, problem);
}

static int decode(const char *file, const char *prefix, const json_t *object, struct pn_exception *e,
                  struct pn_err *err)
{
        const char *problem;

        for (size_t i = 0; i < COUNT(takers); i++) {
                char at[64];
                json_t *value;

                if (pn_jsonx_get(file, prefix, object, pn_exception_keys[i], PN_JSONX_STRING, true,
                                 PN_FAULT_CONFIG, &value, err) < 0)
                        return -1;
                (void)snprintf(at, sizeof(at), "%.40s%s", prefix, pn_exception_keys[i]);
                problem = takers[i](json_string_value(value), e);
                if (problem)
                        return complain(file, at, problem, err);
        }
        problem = keep(&e->file, file);
        return problem ? complain(file, "exceptions", problem, err) : 0;
}

static int add_one(struct pn_policy *policy, const char *file, size_t index, const json_t *object,
                   struct pn_err *err)
{
        struct pn_exception e = {0};
        char prefix[48];

        if (!json_is_object(object))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s: exceptions[%zu]: must be an object", file,
                                  index);
        (void)snprintf(prefix, sizeof(prefix), "exceptions[%zu].", index);
        if (pn_jsonx_known(file, prefix, object, pn_exception_keys, PN_FAULT_CONFIG, err) < 0)
                return -1;
        if (decode(file, prefix, object, &e, err) < 0) {
                exception_clear(&e);
                return -1;
        }
        policy->exception[policy->exception_count++] = e;
        return 0;
}

int pn_exceptions_add(struct pn_policy *policy, const char *file, const json_t *list, struct pn_err *err)
{
        size_t more = json_array_size(list);
        struct pn_exception *room;

        if (more == 0)
                return 0;
        if (more > PN_EXCEPTIONS_MAX - policy->exception_count)
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "%s: exceptions: must be at most %d in all files together", file,
                                  PN_EXCEPTIONS_MAX);
        room = reallocarray(policy->exception, policy->exception_count + more, sizeof(*room));
        if (!room)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read the exceptions of `%s`", file);
        policy->exception = room;
        for (size_t i = 0; i < more; i++)
                if (add_one(policy, file, i, json_array_get(list, i), err) < 0)
                        return -1;
        return 0;
}

int pn_exceptions_parse(struct pn_policy *policy, const char *file, const char *json, size_t len,
                        struct pn_err *err)
{
        static const char *const known[] = {"exceptions", NULL};
        json_auto_t *root = NULL;
        json_t *list;

        if (pn_jsonx_load(file, json, len, PN_FAULT_CONFIG, &root, err) < 0)
                return -1;
        if (pn_jsonx_known(file, "", root, known, PN_FAULT_CONFIG, err) < 0)
                return -1;
        if (pn_jsonx_get(file, "", root, known[0], PN_JSONX_ARRAY, true, PN_FAULT_CONFIG, &list, err) < 0)
                return -1;
        return pn_exceptions_add(policy, file, list, err);
}
