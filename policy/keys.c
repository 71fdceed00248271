/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/keys.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/exceptions.h"
#include "scanner/base/jsonx.h"

/* ---------------------------------------------------------------- values */

static int must_be(const struct pn_keys_job *job, const char *at, const char *what)
{
        return pn_err_set(job->err, PN_FAULT_CONFIG, 0, "%s: %s: must be %s", job->file, at, what);
}

static int no_memory(const struct pn_keys_job *job, const char *at)
{
        return pn_err_set(job->err, PN_FAULT_HOST, ENOMEM, "%s: %s", job->file, at);
}

static void *place(const struct pn_keys_job *job, const struct pn_key *key)
{
        return (char *)job->policy + key->offset;
}

/* The number of the word `value` is, or 0. */
static unsigned word_of(const struct pn_key *key, const json_t *value)
{
        if (!json_is_string(value))
                return 0;
        for (unsigned i = 1; key->words[i]; i++)
                if (strcmp(key->words[i], json_string_value(value)) == 0)
                        return i;
        return 0;
}

static int set_mode(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                    const json_t *value)
{
        enum pn_mode mode = (enum pn_mode)word_of(key, value);

        if (!mode)
                return must_be(job, at, "\"monitor\" or \"enforce\"");
        *(enum pn_mode *)place(job, key) = mode;
        return 0;
}

static int set_digests(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                       const json_t *value)
{
        enum pn_digests digests = (enum pn_digests)word_of(key, value);

        if (!digests)
                return must_be(job, at, "\"all\" or \"flagged\"");
        *(enum pn_digests *)place(job, key) = digests;
        return 0;
}

static int set_action(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                      const json_t *value)
{
        enum pn_action action = (enum pn_action)word_of(key, value);

        if (!action)
                return must_be(job, at, "\"report\" or \"refuse\"");
        *(enum pn_action *)place(job, key) = action;
        return 0;
}

/* int64_t and uint64_t alike: no range of ours reaches 2^63. */
static int set_number(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                      const json_t *value)
{
        json_int_t number = json_integer_value(value);

        if (!json_is_integer(value))
                return must_be(job, at, "a whole number");
        if (number < key->min || number > key->max)
                return pn_err_set(job->err, PN_FAULT_CONFIG, 0,
                                  "%s: %s: must be between %" JSON_INTEGER_FORMAT
                                  " and %" JSON_INTEGER_FORMAT,
                                  job->file, at, key->min, key->max);
        *(int64_t *)place(job, key) = number;
        return 0;
}

static int set_flag(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                    const json_t *value)
{
        if (!json_is_boolean(value))
                return must_be(job, at, "true or false");
        *(bool *)place(job, key) = json_is_true(value);
        return 0;
}

/* An absolute path in a fresh copy. A relative one would mean another file for every runtime: the hook's
 * working directory is the bundle, which is not ours. */
static int copy_path(const struct pn_keys_job *job, const char *at, const json_t *value, char **ret)
{
        const char *text = json_string_value(value);

        if (!text || text[0] != '/')
                return must_be(job, at, "an absolute path");
        if (strlen(text) >= PATH_MAX)
                return must_be(job, at, "shorter than 4096 bytes");
        for (const char *c = text; *c; c++)
                if ((unsigned char)*c < 0x20 || *c == 0x7f)
                        return must_be(job, at, "a path without control characters");
        *ret = strdup(text);
        return *ret ? 0 : no_memory(job, at);
}

static int set_path(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                    const json_t *value)
{
        return copy_path(job, at, value, place(job, key));
}

static int set_path_or_none(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                            const json_t *value)
{
        char *path = NULL;

        if (!json_is_null(value) && copy_path(job, at, value, &path) < 0)
                return -1;
        *(char **)place(job, key) = path;
        return 0;
}

static int set_paths(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                     const json_t *value)
{
        json_int_t count = (json_int_t)json_array_size(value);
        char item[PN_KEY_PATH_MAX];
        char **list;

        if (!json_is_array(value))
                return must_be(job, at, "an array of absolute paths");
        if (count < key->min || count > key->max)
                return pn_err_set(job->err, PN_FAULT_CONFIG, 0,
                                  "%s: %s: must have between %" JSON_INTEGER_FORMAT
                                  " and %" JSON_INTEGER_FORMAT " entries",
                                  job->file, at, key->min, key->max);
        list = calloc((size_t)count + 1, sizeof(*list));
        if (!list)
                return no_memory(job, at);
        *(char ***)place(job, key) = list; /* from here on pn_policy_free() frees it */
        for (size_t i = 0; i < (size_t)count; i++) {
                (void)snprintf(item, sizeof(item), "%.100s[%zu]", at, i);
                if (copy_path(job, item, json_array_get(value, i), &list[i]) < 0)
                        return -1;
        }
        return 0;
}

static int set_exceptions(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                          const json_t *value)
{
        (void)key;
        if (!json_is_array(value))
                return must_be(job, at, "an array");
        return pn_exceptions_add(job->policy, job->file, value, job->err);
}

/* ---------------------------------------------------------------- tables */

static const char *const modes[] = {NULL, "monitor", "enforce", NULL};
static const char *const actions[] = {NULL, "report", "refuse", NULL};
static const char *const digest_words[] = {NULL, "all", "flagged", NULL};

#define AT(member) offsetof(struct pn_policy, member)
#define ACTION(key, member, value)                                                                           \
        {                                                                                                    \
                .name = (key), .set = set_action, .offset = AT(member), .fallback = (value),                 \
                .words = actions                                                                             \
        }
#define NUMBER(key, member, value, low, high)                                                                \
        {                                                                                                    \
                .name = (key), .set = set_number, .offset = AT(member), .fallback = (value), .min = (low),   \
                .max = (high)                                                                                \
        }
#define PATH(key, member, value)                                                                             \
        {                                                                                                    \
                .name = (key), .set = set_path_or_none, .offset = AT(member), .fallback = (value)            \
        }
#define PATHS(key, member, low, value)                                                                       \
        {                                                                                                    \
                .name = (key), .set = set_paths, .offset = AT(member), .fallback = (value), .min = (low),    \
                .max = PN_PATHS_MAX                                                                          \
        }
#define OBJECT(key, table)                                                                                   \
        {                                                                                                    \
                .name = (key), .sub = (table)                                                                \
        }
#define END                                                                                                  \
        {                                                                                                    \
                .name = NULL                                                                                 \
        }

#define REFUSE "\"refuse\""
#define REPORT "\"report\""

/* Confidence low has no key: it never refuses. */
static const struct pn_key critical_keys[] = {
        ACTION("high", action[PN_SEVERITY_CRITICAL][PN_CONFIDENCE_HIGH], REFUSE),
        ACTION("medium", action[PN_SEVERITY_CRITICAL][PN_CONFIDENCE_MEDIUM], REFUSE),
        END,
};
static const struct pn_key high_keys[] = {
        ACTION("high", action[PN_SEVERITY_HIGH][PN_CONFIDENCE_HIGH], REFUSE),
        ACTION("medium", action[PN_SEVERITY_HIGH][PN_CONFIDENCE_MEDIUM], REFUSE),
        END,
};
static const struct pn_key medium_keys[] = {
        ACTION("high", action[PN_SEVERITY_MEDIUM][PN_CONFIDENCE_HIGH], REPORT),
        ACTION("medium", action[PN_SEVERITY_MEDIUM][PN_CONFIDENCE_MEDIUM], REPORT),
        END,
};
static const struct pn_key low_keys[] = {
        ACTION("high", action[PN_SEVERITY_LOW][PN_CONFIDENCE_HIGH], REPORT),
        ACTION("medium", action[PN_SEVERITY_LOW][PN_CONFIDENCE_MEDIUM], REPORT),
        END,
};
static const struct pn_key action_keys[] = {
        OBJECT("critical", critical_keys),
        OBJECT("high", high_keys),
        OBJECT("medium", medium_keys),
        OBJECT("low", low_keys),
        END,
};

/* Only what clean images commonly hold is reported by default; the rest an attacker can bring about at will.
 */
static const struct pn_key on_error_keys[] = {
        ACTION("content", on_error[PN_ISSUE_CONTENT], REFUSE),
        ACTION("malformed", on_error[PN_ISSUE_MALFORMED], REFUSE),
        ACTION("limit", on_error[PN_ISSUE_LIMIT], REFUSE),
        ACTION("unscannable", on_error[PN_ISSUE_UNSCANNABLE], REPORT),
        ACTION("deadline", on_error[PN_ISSUE_DEADLINE], REFUSE),
        ACTION("node", on_error[PN_ISSUE_NODE], REFUSE),
        END,
};

#define MIB (1LL << 20)
#define TIB (1LL << 40)
#define PIB (1LL << 50)

/* The lower ends keep a slip of the pen from refusing or passing over every image: a hash_bytes of 0, say,
 * would take the digests away and the deny hashes with them. libyara keeps no more matches than our upper
 * end. */
static const struct pn_key limit_keys[] = {
        NUMBER("files", limits.files, "2000000", 1, 1000000000),
        NUMBER("directories", limits.directories, "500000", 1, 1000000000),
        NUMBER("depth", limits.depth, "10000", 1, 1000000),
        NUMBER("total_bytes", limits.total_bytes, "68719476736", MIB, PIB),
        NUMBER("hash_bytes", limits.hash_bytes, "4294967296", MIB, PIB),
        NUMBER("matches", limits.matches, "100000", 1, 1000000),
        END,
};

static const struct pn_key report_keys[] = {
        PATH("audit_file", audit_file, "\"/var/log/postern/audit.jsonl\""),
        NUMBER("audit_max_bytes", audit_max_bytes, "67108864", MIB, TIB),
        {.name = "journal", .set = set_flag, .offset = AT(journal), .fallback = "true"},
        END,
};

/* deadline_ms stays below the two minutes after which a kubelet gives a start up and leaves the hook behind.
 */
const struct pn_key pn_policy_keys[] = {
        {.name = "mode", .set = set_mode, .offset = AT(mode), .words = modes},
        NUMBER("deadline_ms", deadline_ms, "20000", 100, 110000),
        OBJECT("actions", action_keys),
        OBJECT("on_error", on_error_keys),
        OBJECT("limits", limit_keys),
        PATHS("rules", rules, 1, "[\"" PN_DATADIR "/rules\", \"" PN_SYSCONFDIR "/rules.d\"]"),
        {.name = "digests", .set = set_digests, .offset = AT(digests), .fallback = "\"all\"", .words = digest_words},
        PATHS("deny_hashes", deny_hashes, 0, "[\"" PN_DATADIR "/deny\", \"" PN_SYSCONFDIR "/deny.d\"]"),
        {.name = "exceptions", .set = set_exceptions, .fallback = "[]", .max = PN_EXCEPTIONS_MAX},
        PATHS("exceptions_dirs", exceptions_dirs, 0, "[\"" PN_SYSCONFDIR "/exceptions.d\"]"),
        {.name = "state_dir", .set = set_path, .offset = AT(state_dir), .fallback = "\"/var/lib/postern\""},
        OBJECT("report", report_keys),
        PATH("break_glass_file", break_glass_file, "\"" PN_SYSCONFDIR "/break-glass.json\""),
        END,
};

/* ---------------------------------------------------------------- the walk through both */

static int check_known(const struct pn_keys_job *job, const struct pn_key *keys, const char *prefix,
                       const json_t *object)
{
        const char *known[PN_KEYS_MAX + 1] = {NULL};

        for (size_t i = 0; i < PN_KEYS_MAX && keys[i].name; i++)
                known[i] = keys[i].name;
        return pn_jsonx_known(job->file, prefix, object, known, PN_FAULT_CONFIG, job->err);
}

static int apply_object(const struct pn_keys_job *job, const struct pn_key *keys, const char *prefix,
                        const json_t *object);

/* `value` is NULL when the key is absent. An explicit null is a value: it counts only where the key allows
 * it. */
static int apply_key(const struct pn_keys_job *job, const struct pn_key *key, const char *at,
                     const json_t *value)
{
        json_auto_t *fallback = NULL;

        if (key->sub) {
                char prefix[PN_KEY_PATH_MAX];

                if (value && !json_is_object(value))
                        return must_be(job, at, "an object");
                (void)snprintf(prefix, sizeof(prefix), "%.100s.", at);
                return apply_object(job, key->sub, prefix, value);
        }
        if (value)
                return key->set(job, key, at, value);
        if (!key->fallback)
                return pn_err_set(job->err, PN_FAULT_CONFIG, 0, "%s: %s: missing", job->file, at);
        fallback = json_loads(key->fallback, JSON_DECODE_ANY, NULL);
        if (!fallback)
                return no_memory(job, at);
        return key->set(job, key, at, fallback);
}

/* `object` may be NULL: all keys are absent. The depth of the recursion is that of our own tables. */
static int apply_object(const struct pn_keys_job *job, const struct pn_key *keys, const char *prefix,
                        const json_t *object)
{
        char at[PN_KEY_PATH_MAX];

        if (object && check_known(job, keys, prefix, object) < 0)
                return -1;
        for (const struct pn_key *key = keys; key->name; key++) {
                (void)snprintf(at, sizeof(at), "%.60s%.60s", prefix, key->name);
                if (apply_key(job, key, at, object ? json_object_get(object, key->name) : NULL) < 0)
                        return -1;
        }
        return 0;
}

int pn_keys_apply(const struct pn_keys_job *job, const json_t *root)
{
        return apply_object(job, pn_policy_keys, "", root);
}
