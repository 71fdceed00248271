/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/cli/rules_result.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/base/jsonx.h"
#include "scanner/base/text.h"

#define NOTES_MAX 10000U /* one for each rule of the largest sets */

static const char name[] = "the compiler's result";

static int lie(struct pn_err *err, const char *what)
{
        return pn_err_set(err, PN_FAULT_BUG, 0, "%s: %s", name, what);
}

/* Text of at most `cap` - 1 bytes, printable ASCII. */
static int copy_word(const json_t *value, char *dst, size_t cap, const char *what, struct pn_err *err)
{
        const char *text = json_string_value(value);
        size_t len = json_string_length(value);

        if (!text || len == 0 || len >= cap)
                return lie(err, what);
        for (size_t i = 0; i < len; i++)
                if (text[i] < 0x20 || text[i] > 0x7e)
                        return lie(err, what);
        memcpy(dst, text, len + 1);
        return 0;
}

static int get_count(const json_t *root, const char *key, int64_t max, uint64_t *ret, struct pn_err *err)
{
        json_t *value;

        if (pn_jsonx_get(name, "", root, key, PN_JSONX_INTEGER, true, PN_FAULT_BUG, &value, err) < 0)
                return -1;
        if (json_integer_value(value) < 0 || json_integer_value(value) > max)
                return pn_err_set(err, PN_FAULT_BUG, 0, "%s: %s: is not in its range", name, key);
        *ret = (uint64_t)json_integer_value(value);
        return 0;
}

/* ---------------------------------------------------------------- a failure */

static int read_failure(const json_t *root, struct pn_err *err)
{
        static const char *const known[] = {"ok", "fault", "error", NULL};
        char shown[PN_ERR_TEXT_MAX];
        json_t *fault, *error;
        enum pn_fault code = PN_FAULT_BUG;

        if (pn_jsonx_known(name, "", root, known, PN_FAULT_BUG, err) < 0 ||
            pn_jsonx_get(name, "", root, "fault", PN_JSONX_STRING, true, PN_FAULT_BUG, &fault, err) < 0 ||
            pn_jsonx_get(name, "", root, "error", PN_JSONX_STRING, true, PN_FAULT_BUG, &error, err) < 0)
                return -1;
        for (enum pn_fault i = PN_FAULT_TARGET; i <= PN_FAULT_BUG; i++)
                if (strcmp(pn_fault_name(i), json_string_value(fault)) == 0)
                        code = i;
        if (json_string_length(error) == 0)
                return lie(err, "an error without words");
        (void)pn_text_escape(shown, sizeof(shown), json_string_value(error), json_string_length(error));
        return pn_err_set(err, code, 0, "%s", shown);
}

/* ---------------------------------------------------------------- a success */

static int read_notes(const json_t *root, struct pn_rules_made *made, struct pn_err *err)
{
        json_t *list, *item;
        size_t i;

        if (pn_jsonx_get(name, "", root, "notes", PN_JSONX_ARRAY, true, PN_FAULT_BUG, &list, err) < 0)
                return -1;
        if (json_array_size(list) > NOTES_MAX)
                return lie(err, "too many notes");
        made->note = calloc(json_array_size(list) + 1, sizeof(*made->note));
        if (!made->note)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "%s", name);
        json_array_foreach(list, i, item)
        {
                size_t cap = 4 * json_string_length(item) + 8;

                if (!json_is_string(item))
                        return lie(err, "a note that is no text");
                made->note[i] = malloc(cap);
                if (!made->note[i])
                        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "%s", name);
                (void)pn_text_escape(made->note[i], cap, json_string_value(item), json_string_length(item));
        }
        return 0;
}

static int read_numbers(const json_t *root, struct pn_rules_made *made, struct pn_err *err)
{
        struct pn_generation_part *exact = &made->part[PN_PART_EXACT];
        uint64_t rules = 0, windows = 0;
        json_t *version;

        if (get_count(root, "rules", UINT32_MAX, &rules, err) < 0 ||
            get_count(root, "windows", UINT32_MAX, &windows, err) < 0 ||
            get_count(root, "exact_head", INT64_MAX, &exact->head_bytes, err) < 0)
                return -1;
        made->rules = (uint32_t)rules;
        made->windows = (uint32_t)windows;
        version = json_object_get(root, "libyara");
        if (copy_word(version, made->libyara, sizeof(made->libyara), "libyara: is no version", err) < 0)
                return -1;
        version = json_object_get(root, "hyperscan");
        if (json_is_null(version))
                return 0;
        return copy_word(version, made->hyperscan, sizeof(made->hyperscan), "hyperscan: is no version", err);
}

static int read_report(struct pn_rules_made *made, struct pn_err *err)
{
        const struct pn_generation_part *part = &made->part[PN_PART_REPORT];
        pn_autofree char *text = NULL;

        if (part->bytes > PN_RULES_REPORT_MAX)
                return lie(err, "the report is too large");
        text = malloc((size_t)part->bytes + 1);
        if (!text)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "%s", name);
        if (pn_fd_pread_full(part->fd, text, (size_t)part->bytes, 0) != (ssize_t)part->bytes)
                return lie(err, "the report cannot be read");
        return pn_rules_report_parse(text, (size_t)part->bytes, &made->report, err);
}

/* Sizes and counts that the compiler told in two places. What is in the parts is checked by whoever loads
 * them. */
static int compare(struct pn_rules_made *made, struct pn_err *err)
{
        static const enum pn_part never_empty[] = {PN_PART_PACK, PN_PART_FILTER_GRAM, PN_PART_EXACT};
        struct pn_generation_part *hs = &made->part[PN_PART_FILTER_HS];

        for (size_t i = 0; i < sizeof(never_empty) / sizeof(never_empty[0]); i++)
                if (made->part[never_empty[i]].bytes == 0)
                        return pn_err_set(err, PN_FAULT_BUG, 0, "%s: `%s` is empty", name,
                                          pn_part_names[never_empty[i]]);
        if (made->part[PN_PART_EXACT].head_bytes > made->part[PN_PART_EXACT].bytes)
                return lie(err, "`exact.store` is shorter than its head");
        if ((hs->bytes > 0) != (made->hyperscan[0] != '\0'))
                return lie(err, "`filter.hs` and the version of its library do not go together");
        if (made->rules == 0)
                return lie(err, "no rule, and no error");
        if (made->report.count != made->rules || made->report.windows != made->windows)
                return lie(err, "the report counts other rules or windows");
        if (hs->bytes == 0)
                pn_fd_cleanup(&hs->fd);
        return 0;
}

static int read_success(const json_t *root, struct pn_rules_made *made, struct pn_err *err)
{
        static const char *const known[] = {"ok",        "rules",      "windows", "libyara",
                                            "hyperscan", "exact_head", "notes",   NULL};

        if (pn_jsonx_known(name, "", root, known, PN_FAULT_BUG, err) < 0 ||
            read_numbers(root, made, err) < 0 || read_notes(root, made, err) < 0 ||
            read_report(made, err) < 0)
                return -1;
        return compare(made, err);
}

int pn_rules_result_read(int fd, struct pn_rules_made *made, struct pn_err *err)
{
        pn_autofree char *text = NULL;
        json_auto_t *root = NULL;
        json_t *ok;
        size_t len = 0;

        if (lseek(fd, 0, SEEK_SET) < 0 || pn_fd_read_all(fd, PN_RULES_RESULT_MAX, &text, &len) < 0)
                return pn_err_set(err, PN_FAULT_BUG, errno, "read %s", name);
        if (len == 0)
                return lie(err, "there is none");
        if (pn_jsonx_load(name, text, len, PN_FAULT_BUG, &root, err) < 0 ||
            pn_jsonx_get(name, "", root, "ok", PN_JSONX_BOOLEAN, true, PN_FAULT_BUG, &ok, err) < 0)
                return -1;
        return json_is_true(ok) ? read_success(root, made, err) : read_failure(root, err);
}
