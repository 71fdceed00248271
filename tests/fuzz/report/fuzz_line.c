/* SPDX-License-Identifier: Apache-2.0 */
/* Hostile ids, paths and messages: the line stays one short printable line that begins with the verdict and
 * holds the rule, the record stays below its ceiling and reads back. The input is cut in pieces at each 0xff.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hook/report/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next piece, with a NUL behind it; freed by the caller. */
static char *piece(const uint8_t **data, size_t *size, size_t *ret_len)
{
        const uint8_t *end = *size ? memchr(*data, 0xff, *size) : NULL;
        size_t len = end ? (size_t)(end - *data) : *size;
        char *text = malloc(len + 1);

        if (len)
                memcpy(text, *data, len);
        text[len] = '\0';
        *data += len + (end ? 1 : 0);
        *size -= len + (end ? 1 : 0);
        *ret_len = len;
        return text;
}

static void check(const char *text, size_t max)
{
        if (strlen(text) >= max)
                abort();
        for (; *text; text++)
                if (*text < 0x20 || *text > 0x7e)
                        abort();
}

static void check_record(const struct pn_outcome *outcome)
{
        json_t *record = pn_record_make(outcome), *again;
        char *text = record ? pn_record_text(record) : NULL;

        if (!text)
                abort();
        check(text, PN_RECORD_BYTES_MAX);
        again = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
        if (!json_equal(record, again))
                abort();
        json_decref(again);
        json_decref(record);
        free(text);
}

static void check_line(const struct pn_outcome *outcome, const char *rule)
{
        char line[PN_LINE_BYTES_MAX], reason[PN_LINE_BYTES_MAX];

        pn_record_line(outcome, line, sizeof(line));
        pn_record_reason(outcome, reason, sizeof(reason));
        check(line, sizeof(line));
        if (strncmp(line, "postern: ", 9) != 0 || !strstr(line, reason) || !strstr(line, rule))
                abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct pn_findings all = {0};
        struct pn_finding finding = {
                .severity = PN_SEVERITY_HIGH, .confidence = PN_CONFIDENCE_HIGH, .rule = "RULE"};
        uint8_t how = size ? data[0] : 0;
        size_t len, path_len, ignored;
        char *id, *path, *words;
        struct pn_err err = PN_ERR_INIT;

        data += size ? 1 : 0;
        size -= size ? 1 : 0;
        id = piece(&data, &size, &len);
        path = piece(&data, &size, &path_len);
        words = piece(&data, &size, &ignored);
        id[len < 1024 ? len : 1024] = '\0'; /* PN_STATE_ID_MAX */
        finding.path = (struct pn_path){
                path, (uint32_t)(path_len < PN_PATH_BYTES_MAX ? path_len : PN_PATH_BYTES_MAX), how & 1};
        (void)pn_err_set(&err, PN_FAULT_HOST, 0, "%s", words);
        (void)pn_findings_add(&all, &finding);
        (void)pn_findings_add_issue(&all, PN_ISSUE_CONTENT, &finding.path, "%s", words);
        (void)pn_findings_add_note(&all, &finding.path, "%s", words);
        struct pn_decision decision = {.verdict = how & 2 ? PN_VERDICT_REFUSED : PN_VERDICT_UNDECIDED,
                                       .admitted = how & 4,
                                       .would_refuse = how & 4,
                                       .admitted_by = how & 4 ? "monitor mode" : "",
                                       .finding = how & 2 ? all.finding : NULL,
                                       .issue = all.issue,
                                       .why = "",
                                       .refusing = how};
        struct pn_outcome outcome = {.program = "postern-hook",
                                     .id = id,
                                     .bundle = id,
                                     .root = path,
                                     .decision = how & 8 ? NULL : &decision,
                                     .findings = how & 8 ? NULL : &all,
                                     .error = how & 8 ? &err : NULL,
                                     .break_glass = words,
                                     .warning = how & 16 ? words : ""};
        check_line(&outcome, (how & 10) == 2 ? "RULE" : "");
        check_record(&outcome);
        pn_findings_clear(&all);
        free(id);
        free(path);
        free(words);
        return 0;
}
