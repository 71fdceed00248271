/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/generation/manifest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/jsonx.h"
#include "scanner/base/text.h"
#include "scanner/generation/dir.h"

#define SHA256_BYTES 32

const char *const pn_part_names[PN_PARTS] = {
        [PN_PART_PACK] = "rules.pack",         [PN_PART_FILTER_HS] = "filter.hs",
        [PN_PART_FILTER_GRAM] = "filter.gram", [PN_PART_EXACT] = "exact.store",
        [PN_PART_DENY] = "deny.tsv",           [PN_PART_REPORT] = "report.json",
};

/* What is being read, for messages. */
struct job {
        const char *file;
        struct pn_err *err;
};

static int must_be(const struct job *job, const char *prefix, const char *key, const char *what)
{
        return pn_err_set(job->err, PN_FAULT_CONFIG, 0, "%s: %s%s: must be %s", job->file, prefix, key, what);
}

static int get(const struct job *job, const char *prefix, const json_t *object, const char *key,
               enum pn_jsonx_kind kind, json_t **ret)
{
        return pn_jsonx_get(job->file, prefix, object, key, kind, true, PN_FAULT_CONFIG, ret, job->err);
}

/* ---------------------------------------------------------------- values */

static int get_number(const struct job *job, const char *prefix, const json_t *object, const char *key,
                      int64_t max, int64_t *ret)
{
        json_t *value;
        int64_t number;

        if (get(job, prefix, object, key, PN_JSONX_INTEGER, &value) < 0)
                return -1;
        number = json_integer_value(value);
        if (number < 0 || number > max)
                return must_be(job, prefix, key, "in its range");
        *ret = number;
        return 0;
}

static int get_digest(const struct job *job, const char *prefix, const json_t *object, const char *key,
                      uint8_t ret[SHA256_BYTES])
{
        json_t *value;

        if (get(job, prefix, object, key, PN_JSONX_STRING, &value) < 0)
                return -1;
        if (!pn_text_unhex(ret, SHA256_BYTES, json_string_value(value), json_string_length(value)))
                return must_be(job, prefix, key, "64 hex digits");
        return 0;
}

/* Printable ASCII of at most `max` bytes, at least one. */
static bool is_word(const json_t *value, size_t max)
{
        const char *text = json_string_value(value);
        size_t len = json_string_length(value);

        if (!text || len == 0 || len > max)
                return false;
        for (size_t i = 0; i < len; i++)
                if (text[i] < 0x20 || text[i] > 0x7e)
                        return false;
        return true;
}

static int get_word(const struct job *job, const json_t *object, const char *key, size_t max,
                    const char **ret)
{
        json_t *value;

        if (get(job, "", object, key, PN_JSONX_STRING, &value) < 0)
                return -1;
        if (!is_word(value, max))
                return must_be(job, "", key, "short printable ASCII");
        *ret = json_string_value(value);
        return 0;
}

static int get_word_or_null(const struct job *job, const json_t *object, const char *key, size_t max,
                            const char **ret)
{
        *ret = NULL;
        if (json_is_null(json_object_get(object, key)))
                return 0;
        return get_word(job, object, key, max, ret);
}

static bool is_path(const json_t *value)
{
        return is_word(value, PN_MANIFEST_PATH_MAX - 1) && json_string_value(value)[0] == '/';
}

/* ---------------------------------------------------------------- places, sources, parts */

static int get_places(const struct job *job, const json_t *places, const char *key, const json_t **ret)
{
        json_t *list, *item;
        size_t i;

        if (get(job, "places.", places, key, PN_JSONX_ARRAY, &list) < 0)
                return -1;
        json_array_foreach(list, i, item) if (!is_path(item)) return must_be(job, "places.", key,
                                                                             "absolute paths");
        *ret = list;
        return 0;
}

static int read_places(const struct job *job, const json_t *root, struct pn_manifest *ret)
{
        static const char *const known[] = {"rules", "deny_hashes", NULL};
        json_t *places;

        if (get(job, "", root, "places", PN_JSONX_OBJECT, &places) < 0 ||
            pn_jsonx_known(job->file, "places.", places, known, PN_FAULT_CONFIG, job->err) < 0)
                return -1;
        if (get_places(job, places, known[0], &ret->rules) < 0)
                return -1;
        return get_places(job, places, known[1], &ret->deny);
}

static int read_source(const struct job *job, size_t index, const json_t *source)
{
        static const char *const known[] = {"path", "bytes", "mtime_ns", "sha256", NULL};
        uint8_t digest[SHA256_BYTES];
        char prefix[48];
        json_t *value;
        int64_t bytes;

        (void)snprintf(prefix, sizeof(prefix), "sources[%zu]", index);
        if (!json_is_object(source))
                return must_be(job, prefix, "", "an object");
        (void)snprintf(prefix, sizeof(prefix), "sources[%zu].", index);
        if (pn_jsonx_known(job->file, prefix, source, known, PN_FAULT_CONFIG, job->err) < 0 ||
            get(job, prefix, source, "path", PN_JSONX_STRING, &value) < 0)
                return -1;
        if (!is_path(value))
                return must_be(job, prefix, "path", "an absolute path");
        if (get_number(job, prefix, source, "bytes", INT64_MAX, &bytes) < 0 ||
            get(job, prefix, source, "mtime_ns", PN_JSONX_INTEGER, &value) < 0)
                return -1;
        return get_digest(job, prefix, source, "sha256", digest);
}

static int read_sources(const struct job *job, const json_t *root, struct pn_manifest *ret)
{
        json_t *list, *item;
        size_t i;

        if (get(job, "", root, "sources", PN_JSONX_ARRAY, &list) < 0)
                return -1;
        if (json_array_size(list) > PN_MANIFEST_SOURCES_MAX)
                return must_be(job, "", "sources", "fewer");
        json_array_foreach(list, i, item) if (read_source(job, i, item) < 0) return -1;
        ret->sources = list;
        return 0;
}

static int read_part(const struct job *job, const json_t *parts, enum pn_part kind,
                     struct pn_generation_part *ret)
{
        static const char *const known[] = {"bytes", "sha256", NULL};
        static const char *const with_head[] = {"bytes", "sha256", "head", "head_sha256", NULL};
        int64_t bytes = 0, head = 0;
        char prefix[48];
        json_t *part;

        if (get(job, "parts.", parts, pn_part_names[kind], PN_JSONX_OBJECT, &part) < 0)
                return -1;
        (void)snprintf(prefix, sizeof(prefix), "parts.%s.", pn_part_names[kind]);
        if (pn_jsonx_known(job->file, prefix, part, kind == PN_PART_EXACT ? with_head : known,
                           PN_FAULT_CONFIG, job->err) < 0 ||
            get_number(job, prefix, part, "bytes", INT64_MAX, &bytes) < 0 ||
            get_digest(job, prefix, part, "sha256", ret->sha256) < 0)
                return -1;
        if (kind == PN_PART_EXACT && (get_number(job, prefix, part, "head", bytes, &head) < 0 ||
                                      get_digest(job, prefix, part, "head_sha256", ret->head_sha256) < 0))
                return -1;
        ret->bytes = (uint64_t)bytes;
        ret->head_bytes = (uint64_t)head;
        return 0;
}

static int read_parts(const struct job *job, const json_t *root, struct pn_manifest *ret)
{
        const char *known[PN_PARTS + 1] = {NULL};
        json_t *parts;

        memcpy(known, pn_part_names, sizeof(pn_part_names));
        if (get(job, "", root, "parts", PN_JSONX_OBJECT, &parts) < 0 ||
            pn_jsonx_known(job->file, "parts.", parts, known, PN_FAULT_CONFIG, job->err) < 0)
                return -1;
        for (enum pn_part i = 0; i < PN_PARTS; i++) {
                ret->part[i].fd = -1;
                if (i == PN_PART_FILTER_HS && !json_object_get(parts, pn_part_names[i]))
                        continue;
                if (read_part(job, parts, i, &ret->part[i]) < 0)
                        return -1;
                ret->has[i] = true;
        }
        return 0;
}

/* ---------------------------------------------------------------- the whole */

static int read_schema(const struct job *job, const json_t *root)
{
        json_t *schema;

        if (get(job, "", root, "schema", PN_JSONX_INTEGER, &schema) < 0)
                return -1;
        if (json_integer_value(schema) != PN_MANIFEST_SCHEMA)
                return pn_err_set(job->err, PN_FAULT_CONFIG, 0,
                                  "%s: schema: is %" JSON_INTEGER_FORMAT ", and this postern knows %d alone",
                                  job->file, json_integer_value(schema), PN_MANIFEST_SCHEMA);
        return 0;
}

static int read_root(const struct job *job, const json_t *root, struct pn_manifest *ret)
{
        static const char *const known[] = {"schema", "name",    "made_s", "postern", "libyara", "hyperscan",
                                            "places", "sources", "rules",  "windows", "parts",   NULL};
        int64_t rules = 0, windows = 0;
        uint64_t number;

        /* another schema has other keys: the number is what tells */
        if (read_schema(job, root) < 0 ||
            pn_jsonx_known(job->file, "", root, known, PN_FAULT_CONFIG, job->err) < 0 ||
            get_word(job, root, "name", PN_GENDIR_NAME_MAX - 1, &ret->name) < 0)
                return -1;
        if (!pn_gendir_number(ret->name, &number))
                return must_be(job, "", "name", "a generation's");
        if (get_number(job, "", root, "made_s", INT64_MAX, &ret->made_s) < 0 ||
            get_word(job, root, "postern", 63, &ret->postern) < 0 ||
            get_word(job, root, "libyara", sizeof(((struct pn_generation *)0)->libyara) - 1, &ret->libyara) <
                    0 ||
            get_word_or_null(job, root, "hyperscan", sizeof(((struct pn_generation *)0)->hyperscan) - 1,
                             &ret->hyperscan) < 0 ||
            get_number(job, "", root, "rules", UINT32_MAX, &rules) < 0 ||
            get_number(job, "", root, "windows", UINT32_MAX, &windows) < 0)
                return -1;
        ret->rule_count = (uint32_t)rules;
        ret->window_count = (uint32_t)windows;
        if (read_places(job, root, ret) < 0 || read_sources(job, root, ret) < 0)
                return -1;
        return read_parts(job, root, ret);
}

int pn_manifest_parse(const char *file, const char *text, size_t len, struct pn_manifest *ret,
                      struct pn_err *err)
{
        struct pn_manifest manifest = {0};
        struct job job = {file, err};

        if (pn_jsonx_load(file, text, len, PN_FAULT_CONFIG, &manifest.root, err) < 0)
                return -1;
        if (read_root(&job, manifest.root, &manifest) < 0) {
                pn_manifest_clear(&manifest);
                return -1;
        }
        *ret = manifest;
        return 0;
}

void pn_manifest_clear(struct pn_manifest *manifest)
{
        json_decref(manifest->root);
        *manifest = (struct pn_manifest){0};
}
