/* SPDX-License-Identifier: Apache-2.0 */
/* postern rules explain-cost: what each rule in use costs the first sieve, and by which bytes. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hook/cli/rules.h"
#include "hook/cli/rules_in_use.h"
#include "hook/exitcode.h"
#include "scanner/base/fd.h"
#include "scanner/base/text.h"

#define WINDOW_MAX 64 /* bytes of one window that are shown */

static const char help[] =
        "usage: postern rules explain-cost [--config FILE] [--state DIR] [--json] [RULE]\n"
        "\n"
        "Shows what the rules in use cost, the dearest first, or RULE (its name or id) alone: the windows "
        "that are\n"
        "looked for in every file, how often they are expected in a gigabyte of clean binaries, the share of "
        "the\n"
        "filter's extra work, and in words why a rule is weak.\n"
        "  --config FILE  policy (default " PN_SYSCONFDIR "/policy.json)\n"
        "  --state DIR    state directory (default: the policy's state_dir)\n"
        "  --json         one JSON object on standard output\n"
        "Exit codes: 0 shown, 2 error or no such rule, 3 rules missing or broken, 64 usage.\n";

static bool is_asked(const struct pn_rules_cost *cost, const char *rule)
{
        return !rule || strcmp(cost->rule, rule) == 0 || strcmp(cost->id, rule) == 0;
}

/* Dearest first; those that libyara must see before all that the filter can hold back. */
static int by_cost(const void *a, const void *b)
{
        const struct pn_rules_cost *x = a, *y = b;

        if (x->to_libyara != y->to_libyara)
                return x->to_libyara ? -1 : 1;
        if (x->hits_per_gb != y->hits_per_gb)
                return x->hits_per_gb > y->hits_per_gb ? -1 : 1;
        return strcmp(x->rule, y->rule);
}

static void print_window(const char *hex)
{
        uint8_t bytes[WINDOW_MAX];
        size_t len = strlen(hex) / 2;
        char text[WINDOW_MAX + 1];

        if (len > WINDOW_MAX)
                len = WINDOW_MAX;
        if (!pn_text_unhex(bytes, len, hex, 2 * len))
                return;
        for (size_t i = 0; i < len; i++)
                text[i] = bytes[i] >= 0x20 && bytes[i] < 0x7f ? (char)bytes[i] : '.';
        text[len] = '\0';
        (void)printf("    %.*s  |%s|\n", (int)(2 * len), hex, text);
}

static void print_rule(const struct pn_rules_cost *cost)
{
        const json_t *hex;
        size_t i;

        (void)printf("%12.4g  %6.2f%%  %-7.7s  ", cost->hits_per_gb, 100 * cost->share,
                     cost->weak ? cost->weakness : "-");
        pn_rules_print(stdout, cost->rule);
        if (cost->id[0]) {
                (void)fputs(" (", stdout);
                pn_rules_print(stdout, cost->id);
                (void)fputs(")", stdout);
        }
        (void)printf("%s\n", cost->to_libyara ? ", every file goes to libyara" : "");
        json_array_foreach((json_t *)(uintptr_t)cost->rarest, i, hex) print_window(json_string_value(hex));
        if (cost->windows > json_array_size(cost->rarest))
                (void)printf("    and %" PRIu64 " more\n", cost->windows - json_array_size(cost->rarest));
        if (cost->words[0]) {
                (void)fputs("    ", stdout);
                pn_rules_print(stdout, cost->words);
                (void)puts("");
        }
}

static void print_table(const struct pn_rules_in_use *in_use, const char *rule)
{
        const struct pn_rules_report *report = &in_use->report;

        (void)printf("%s: %.4g hits per GB of clean binaries, %" PRIu64 " windows\n\n",
                     in_use->generation.name, report->hits_per_gb, report->windows);
        (void)printf("%12s  %7s  %-7s  %s\n", "hits per GB", "share", "weak", "rule");
        for (size_t i = 0; i < report->count; i++)
                if (is_asked(&report->cost[i], rule))
                        print_rule(&report->cost[i]);
}

static void print_json(const struct pn_rules_in_use *in_use, const char *rule)
{
        const struct pn_rules_report *report = &in_use->report;
        json_auto_t *root = NULL;
        json_t *list = json_array();

        for (size_t i = 0; i < report->count; i++)
                if (is_asked(&report->cost[i], rule))
                        (void)json_array_append(list, (json_t *)(uintptr_t)report->cost[i].row);
        root = json_pack("{s:i,s:s,s:I,s:f,s:o}", "schema", 1, "generation", in_use->generation.name,
                         "windows", (json_int_t)report->windows, "hits_per_gb", report->hits_per_gb, "rules",
                         list);
        (void)json_dumpf(root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)puts("");
}

static int tell(struct pn_rules_in_use *in_use, const struct pn_rules_options *options)
{
        const char *rule = options->operand_count > 0 ? options->operand[0] : NULL;
        size_t asked = 0;

        for (size_t i = 0; i < in_use->report.count; i++)
                asked += is_asked(&in_use->report.cost[i], rule);
        if (rule && asked == 0)
                return pn_rules_complain(PN_CLI_INCOMPLETE, "no rule in `%s` has the name or id `%s`",
                                         in_use->generation.name, rule);
        qsort(in_use->report.cost, in_use->report.count, sizeof(*in_use->report.cost), by_cost);
        if (options->json)
                print_json(in_use, rule);
        else
                print_table(in_use, rule);
        return pn_rules_finish(PN_CLI_CLEAN);
}

static int run(const struct pn_rules_options *options)
{
        struct pn_rules_in_use in_use;
        int got = pn_rules_in_use_open(options, &in_use);

        if (got != 0)
                return got;
        got = tell(&in_use, options);
        pn_rules_in_use_close(&in_use);
        return got;
}

const struct pn_rules_command pn_rules_explain_cost = {
        .name = "explain-cost",
        .words = "show what each rule in use costs, and why",
        .help = help,
        .options = PN_RULES_CONFIG | PN_RULES_STATE | PN_RULES_JSON,
        .operands_max = 1,
        .run = run,
};
