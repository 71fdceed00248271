/* SPDX-License-Identifier: Apache-2.0 */
/* postern rules check: which rules are weak, how, and what their authors can do about it. Stores nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hook/cli/rules.h"
#include "hook/cli/rules_input.h"
#include "hook/exitcode.h"

static const char help[] =
        "usage: postern rules check [--config FILE] [--compiler FILE] [--grams FILE] [--budget PER-GB] "
        "[--json]\n"
        "                           [FILE|DIR...]\n"
        "\n"
        "Compiles the rules of FILE and DIR, or the policy's, stores nothing, and names each rule that is "
        "weak: short\n"
        "or common strings, strings that only libyara can check, no string that must be there.\n"
        "  --config FILE    policy (default " PN_SYSCONFDIR "/policy.json), when nothing is named\n"
        "  --compiler FILE  postern-compiler (default: beside this program, else " PN_LIBEXECDIR ")\n"
        "  --grams FILE     table of 4-grams (default: grams.bin beside this program, else " PN_DATADIR ")\n"
        "  --budget PER-GB  hits of one rule in a gigabyte of clean binaries that are too many (default "
        "20000)\n"
        "  --json           one JSON object on standard output\n"
        "Exit codes: 0 good, 1 a rule is over the budget or libyara must see every file for it, 2 error,\n"
        "3 rules missing or broken, 64 usage.\n";

static bool is_over(const struct pn_rules_cost *cost, const struct pn_rules_options *options)
{
        return cost->hits_per_gb > options->budget_per_gb;
}

static bool is_named(const struct pn_rules_cost *cost, const struct pn_rules_options *options)
{
        return cost->weak || cost->to_libyara || is_over(cost, options);
}

/* ---------------------------------------------------------------- for people */

static void print_one(const struct pn_rules_cost *cost, const struct pn_rules_options *options)
{
        pn_rules_print(stdout, cost->file);
        (void)printf(":%llu: ", (unsigned long long)cost->line);
        pn_rules_print(stdout, cost->rule);
        (void)printf(": %s", cost->weak ? "" : "not weak");
        if (cost->weak)
                pn_rules_print(stdout, cost->weakness);
        (void)printf(", %.4g hits per GB%s%s", cost->hits_per_gb,
                     is_over(cost, options) ? ", over the budget" : "",
                     cost->to_libyara ? ", every file goes to libyara" : "");
        if (cost->words[0]) {
                (void)fputs(": ", stdout);
                pn_rules_print(stdout, cost->words);
        }
        (void)puts("");
}

static void print_all(const struct pn_rules_made *made, const struct pn_rules_options *options, size_t bad)
{
        size_t weak = 0;

        for (char **note = made->note; *note; note++)
                (void)pn_rules_complain(0, "%s", *note);
        for (size_t i = 0; i < made->report.count; i++) {
                weak += made->report.cost[i].weak;
                if (is_named(&made->report.cost[i], options))
                        print_one(&made->report.cost[i], options);
        }
        (void)printf("%u rule%s, %u window%s, %.4g hits per GB: %zu weak, %zu too dear\n", made->rules,
                     made->rules == 1 ? "" : "s", made->windows, made->windows == 1 ? "" : "s",
                     made->report.hits_per_gb, weak, bad);
}

/* ---------------------------------------------------------------- for programs */

static json_t *weak_rows(const struct pn_rules_made *made, const struct pn_rules_options *options)
{
        json_t *list = json_array();

        for (size_t i = 0; i < made->report.count; i++) {
                const struct pn_rules_cost *cost = &made->report.cost[i];
                json_t *row;

                if (!is_named(cost, options))
                        continue;
                row = json_copy((json_t *)(uintptr_t)cost->row);
                (void)json_object_set_new(row, "over_budget", json_boolean(is_over(cost, options)));
                (void)json_array_append_new(list, row);
        }
        return list;
}

static void print_json(const struct pn_rules_made *made, const struct pn_rules_options *options, size_t bad)
{
        json_auto_t *notes = json_array(), *root = NULL;

        for (char **note = made->note; *note; note++)
                (void)json_array_append_new(notes, json_string(*note));
        root = json_pack("{s:i,s:b,s:I,s:I,s:f,s:f,s:O,s:o}", "schema", 1, "ok", bad == 0, "rules",
                         (json_int_t)made->rules, "windows", (json_int_t)made->windows, "hits_per_gb",
                         made->report.hits_per_gb, "budget_per_gb", options->budget_per_gb, "notes", notes,
                         "weak", weak_rows(made, options));
        (void)json_dumpf(root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)puts("");
}

/* ---------------------------------------------------------------- the command */

static int tell(const struct pn_rules_made *made, const struct pn_rules_options *options)
{
        size_t bad = 0;

        for (size_t i = 0; i < made->report.count; i++)
                bad += made->report.cost[i].to_libyara || is_over(&made->report.cost[i], options);
        if (options->json)
                print_json(made, options, bad);
        else
                print_all(made, options, bad);
        return pn_rules_finish(bad > 0 ? PN_CLI_FOUND : PN_CLI_CLEAN);
}

static int check(const struct pn_rules_input *input, const struct pn_rules_options *options)
{
        struct pn_rules_made made;
        struct pn_err err = PN_ERR_INIT;
        int ret;

        if (pn_rules_input_run(input, options, &made, &err) < 0)
                return pn_rules_complain_err(&err);
        ret = tell(&made, options);
        pn_rules_made_clear(&made);
        return ret;
}

static int run(const struct pn_rules_options *options)
{
        struct pn_rules_input input = {0};
        struct pn_err err = PN_ERR_INIT;
        int ret = 0;

        if (options->operand_count > 0)
                ret = pn_rules_input_paths((const char *const *)options->operand, &input, &err);
        else if (pn_rules_input_policy(options->config, &input, &err) < 0)
                return pn_rules_complain(PN_CLI_INCOMPLETE, "%s", err.text);
        else
                ret = pn_rules_input_content(&input, &err);
        ret = ret < 0 ? pn_rules_complain_err(&err) : check(&input, options);
        pn_rules_input_clear(&input);
        return ret;
}

const struct pn_rules_command pn_rules_check = {
        .name = "check",
        .words = "name the rules that are slow, noisy, or always left to libyara",
        .help = help,
        .options = PN_RULES_CONFIG | PN_RULES_COMPILER | PN_RULES_GRAMS | PN_RULES_BUDGET | PN_RULES_JSON,
        .operands_max = -1,
        .run = run,
};
