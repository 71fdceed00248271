/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/text.h"
#include "scanner/base/view.h"
#include "scanner/engine/compile/compile.h"
#include "scanner/finding/finding.h"

static const char *const weakness_words[] = {
        [PN_WEAK_NONE] = "none",   [PN_WEAK_SHORT] = "short",   [PN_WEAK_NOISY] = "noisy",
        [PN_WEAK_LOOSE] = "loose", [PN_WEAK_ALWAYS] = "always",
};

struct report {
        FILE *out;
        bool failed; /* no memory for a name */
};

/* Any bytes: first the encoder for everything that people read, which leaves printable ASCII, then JSON's two
 * escapes. */
static void write_text(struct report *report, const char *key, const char *text)
{
        size_t len = strlen(text), cap = 4 * len + 8;
        char *shown = malloc(cap);

        if (!shown) {
                report->failed = true;
                return;
        }
        (void)pn_text_escape(shown, cap, text, len);
        (void)fprintf(report->out, "\"%s\": \"", key);
        for (const char *p = shown; *p; p++) {
                if (*p == '"' || *p == '\\')
                        (void)fputc('\\', report->out);
                (void)fputc(*p, report->out);
        }
        (void)fputc('"', report->out);
        free(shown);
}

static void write_number(struct report *report, const char *key, double number)
{
        (void)fprintf(report->out, "\"%s\": %.6g", key, number >= 0 && number < 1e300 ? number : 0);
}

static void write_flag(struct report *report, const char *key, bool flag)
{
        (void)fprintf(report->out, "\"%s\": %s", key, flag ? "true" : "false");
}

static void write_rarest(struct report *report, const struct pn_cost_rule *cost)
{
        char hex[2 * PN_WINDOW_MAX + 1];

        (void)fputs("\"rarest\": [", report->out);
        for (uint32_t i = 0; i < cost->rarest_count; i++) {
                pn_text_hex(hex, sizeof(hex), cost->rarest[i].bytes, cost->rarest[i].len);
                (void)fprintf(report->out, "%s\"%s\"", i ? ", " : "", hex);
        }
        (void)fputc(']', report->out);
}

static void write_rule(struct report *report, const struct pn_yr_set *set, const struct pn_pack *pack,
                       const struct pn_cost_rule *cost)
{
        const struct pn_yr_rule *rule = &set->rule[cost->rule];
        const struct pn_pack_rule *packed = &pack->rule[cost->rule];

        (void)fputc('{', report->out);
        write_text(report, "rule", rule->name);
        (void)fputs(", ", report->out);
        write_text(report, "file", set->file[rule->place.file].name);
        (void)fprintf(report->out, ", \"line\": %u, ", rule->place.line);
        write_text(report, "id", pack->text + packed->id);
        (void)fprintf(report->out, ", \"severity\": \"%s\", \"confidence\": \"%s\", ",
                      pn_severity_name(packed->severity), pn_confidence_name(packed->confidence));
        write_flag(report, "private", rule->flags & PN_YR_RULE_PRIVATE);
        (void)fprintf(report->out, ", \"windows\": %u, ", cost->windows);
        write_rarest(report, cost);
        (void)fputs(", ", report->out);
        write_number(report, "hits_per_gb", cost->hits_per_gb);
        (void)fputs(", ", report->out);
        write_number(report, "share", cost->share);
        (void)fprintf(report->out, ", \"weakness\": \"%s\", ", weakness_words[cost->weakness]);
        write_flag(report, "to_libyara", cost->to_libyara);
        (void)fputs(", ", report->out);
        write_text(report, "words", cost->words);
        (void)fputc('}', report->out);
}

int pn_cost_report(const struct pn_yr_set *set, const struct pn_compiled *compiled, char **ret,
                   size_t *ret_len, struct pn_err *err)
{
        struct report report = {.failed = false};
        struct pn_pack pack;
        char *text = NULL;
        size_t len = 0;
        bool wrote;

        if (pn_pack_open((struct pn_view){compiled->pack, compiled->pack_len}, &pack, err) < 0)
                return pn_err_wrap(err, "read what was compiled");
        report.out = open_memstream(&text, &len);
        if (!report.out)
                return pn_err_set(err, PN_FAULT_HOST, errno, "write a report");
        (void)fputs("{\"schema\": 1, \"rules\": [", report.out);
        for (uint32_t i = 0; i < compiled->cost_count; i++) {
                (void)fputs(i ? ",\n" : "\n", report.out);
                write_rule(&report, set, &pack, &compiled->cost[i]);
        }
        (void)fprintf(report.out, "\n], \"windows\": %u, ", compiled->window_count);
        write_number(&report, "hits_per_gb", compiled->hits_per_gb);
        (void)fputs("}\n", report.out);
        wrote = !ferror(report.out);
        if (fclose(report.out) != 0 || !wrote || report.failed) {
                free(text);
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "write a report");
        }
        *ret = text;
        *ret_len = len;
        return 0;
}
