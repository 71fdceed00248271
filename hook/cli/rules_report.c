/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/cli/rules_report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "hook/cli/rules_digest.h"
#include "hook/cli/rules_run.h"
#include "scanner/base/fd.h"
#include "scanner/base/jsonx.h"
#include "scanner/base/text.h"

static const char name[] = "the compiler's report";

struct job {
        const char *prefix;
        const json_t *object;
        struct pn_err *err;
};

static int must_be(const struct job *job, const char *key, const char *what)
{
        return pn_err_set(job->err, PN_FAULT_BUG, 0, "%s: %s%s: must be %s", name, job->prefix, key, what);
}

static int get_number(const struct job *job, const char *key, uint64_t *ret)
{
        json_t *value = json_object_get(job->object, key);

        if (!json_is_integer(value) || json_integer_value(value) < 0)
                return must_be(job, key, "a whole number");
        *ret = (uint64_t)json_integer_value(value);
        return 0;
}

static int get_real(const struct job *job, const char *key, double *ret)
{
        json_t *value = json_object_get(job->object, key);

        if (!json_is_number(value) || !(json_number_value(value) >= 0))
                return must_be(job, key, "a number");
        *ret = json_number_value(value);
        return 0;
}

static int get_flag(const struct job *job, const char *key, bool *ret)
{
        json_t *value = json_object_get(job->object, key);

        if (!json_is_boolean(value))
                return must_be(job, key, "true or false");
        *ret = json_is_true(value);
        return 0;
}

static int get_text(const struct job *job, const char *key, bool may_be_null, const char **ret)
{
        json_t *value = json_object_get(job->object, key);

        if (!json_is_string(value) && !(may_be_null && json_is_null(value)))
                return must_be(job, key, "a string");
        *ret = json_string_value(value) ?: "";
        return 0;
}

static int get_hex_list(const struct job *job, const char *key, const json_t **ret)
{
        json_t *list = json_object_get(job->object, key), *item;
        size_t i;

        if (!json_is_array(list))
                return must_be(job, key, "an array");
        json_array_foreach(list, i, item) if (!json_is_string(item) ||
                                              strspn(json_string_value(item), "0123456789abcdefABCDEF") !=
                                                      json_string_length(item) ||
                                              json_string_length(item) % 2 !=
                                                      0) return must_be(job, key, "hex strings");
        *ret = list;
        return 0;
}

static int read_row(size_t index, const json_t *row, struct pn_rules_cost *ret, struct pn_err *err)
{
        char prefix[48];
        struct job job = {prefix, row, err};

        (void)snprintf(prefix, sizeof(prefix), "rules[%zu].", index);
        *ret = (struct pn_rules_cost){.row = row};
        if (!json_is_object(row))
                return must_be(&job, "", "an object");
        if (get_text(&job, "rule", false, &ret->rule) < 0 || get_text(&job, "file", false, &ret->file) < 0 ||
            get_text(&job, "id", true, &ret->id) < 0 ||
            get_text(&job, "severity", true, &ret->severity) < 0 ||
            get_text(&job, "confidence", true, &ret->confidence) < 0 ||
            get_text(&job, "weakness", false, &ret->weakness) < 0 ||
            get_text(&job, "words", true, &ret->words) < 0 || get_number(&job, "line", &ret->line) < 0 ||
            get_number(&job, "windows", &ret->windows) < 0 ||
            get_real(&job, "hits_per_gb", &ret->hits_per_gb) < 0 ||
            get_real(&job, "share", &ret->share) < 0 || get_flag(&job, "to_libyara", &ret->to_libyara) < 0 ||
            get_flag(&job, "private", &ret->is_private) < 0)
                return -1;
        ret->weak = strcmp(ret->weakness, "none") != 0;
        return get_hex_list(&job, "rarest", &ret->rarest);
}

static int read_rows(const json_t *list, struct pn_rules_report *ret, struct pn_err *err)
{
        ret->cost = calloc(json_array_size(list) + 1, sizeof(*ret->cost));
        if (!ret->cost)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "%s", name);
        ret->count = json_array_size(list);
        for (size_t i = 0; i < ret->count; i++)
                if (read_row(i, json_array_get(list, i), &ret->cost[i], err) < 0)
                        return -1;
        return 0;
}

static int read_root(const json_t *root, struct pn_rules_report *ret, struct pn_err *err)
{
        struct job job = {"", root, err};
        const json_t *list = json_object_get(root, "rules");
        uint64_t schema = 0;

        if (get_number(&job, "schema", &schema) < 0)
                return -1;
        if (schema != 1)
                return must_be(&job, "schema", "1");
        if (!json_is_array(list))
                return must_be(&job, "rules", "an array");
        if (get_number(&job, "windows", &ret->windows) < 0 ||
            get_real(&job, "hits_per_gb", &ret->hits_per_gb) < 0)
                return -1;
        return read_rows(list, ret, err);
}

int pn_rules_report_parse(const char *text, size_t len, struct pn_rules_report *ret, struct pn_err *err)
{
        struct pn_rules_report report = {0};

        if (pn_jsonx_load(name, text, len, PN_FAULT_BUG, &report.root, err) < 0)
                return -1;
        if (read_root(report.root, &report, err) < 0) {
                pn_rules_report_clear(&report);
                return -1;
        }
        *ret = report;
        return 0;
}

void pn_rules_report_clear(struct pn_rules_report *report)
{
        free(report->cost);
        json_decref(report->root);
        *report = (struct pn_rules_report){0};
}

int pn_rules_report_read(const struct pn_generation *generation, struct pn_rules_report *ret,
                         struct pn_err *err)
{
        const struct pn_generation_part *part = &generation->part[PN_PART_REPORT];
        pn_autofree char *text = NULL;
        uint8_t digest[32];

        if (part->bytes > PN_RULES_REPORT_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "generation `%s`: report.json has %llu bytes",
                                  generation->name, (unsigned long long)part->bytes);
        text = malloc((size_t)part->bytes + 1);
        if (!text)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "generation `%s`: report.json",
                                  generation->name);
        if (pn_fd_pread_full(part->fd, text, (size_t)part->bytes, 0) != (ssize_t)part->bytes)
                return pn_err_set(err, PN_FAULT_HOST, errno, "generation `%s`: read report.json",
                                  generation->name);
        if (pn_rules_digest_bytes(text, (size_t)part->bytes, digest, err) < 0)
                return -1;
        if (memcmp(digest, part->sha256, sizeof(digest)) != 0)
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "generation `%s`: report.json is not what was stored", generation->name);
        return pn_rules_report_parse(text, (size_t)part->bytes, ret, err);
}

void pn_rules_print(FILE *out, const char *text)
{
        size_t len = strlen(text), cap = 4 * len + 8;
        pn_autofree char *shown = malloc(cap);

        if (!shown)
                return;
        (void)pn_text_escape(shown, cap, text, len);
        (void)fputs(shown, out);
}
