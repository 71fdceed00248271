/* SPDX-License-Identifier: Apache-2.0 */
/* postern rules list: the generation in use, and what is in it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "hook/cli/rules.h"
#include "hook/cli/rules_in_use.h"
#include "hook/exitcode.h"
#include "scanner/base/clock.h"

#define TIME_MAX 32

static const char help[] =
        "usage: postern rules list [--config FILE] [--state DIR] [--json]\n"
        "\n"
        "Shows the compiled rules in use: when they were made, whether their sources have changed since, "
        "what would\n"
        "be used instead if they were damaged, and each rule with severity, confidence and place.\n"
        "  --config FILE  policy (default " PN_SYSCONFDIR "/policy.json)\n"
        "  --state DIR    state directory (default: the policy's state_dir)\n"
        "  --json         one JSON object on standard output\n"
        "Exit codes: 0 shown, 2 error, 3 rules missing or broken, 64 usage.\n";

static void time_words(int64_t seconds, char ret[TIME_MAX])
{
        time_t when = (time_t)seconds;
        struct tm tm;

        if (!gmtime_r(&when, &tm) || strftime(ret, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                (void)snprintf(ret, TIME_MAX, "%" PRId64, seconds);
}

/* "3 hours": the largest unit of which there is at least one. */
static void age_words(int64_t seconds, char ret[TIME_MAX])
{
        static const struct {
                int64_t seconds;
                const char *name;
        } units[] = {{86400, "day"}, {3600, "hour"}, {60, "minute"}, {1, "second"}};
        size_t i = 0;

        while (i < 3 && seconds < units[i].seconds)
                i++;
        seconds /= units[i].seconds;
        (void)snprintf(ret, TIME_MAX, "%" PRId64 " %s%s", seconds, units[i].name, seconds == 1 ? "" : "s");
}

static int64_t age_of(const struct pn_generation *generation)
{
        int64_t age = pn_clock_wall_s() - generation->made_s;

        return age > 0 ? age : 0;
}

static void print_head(const struct pn_rules_in_use *in_use)
{
        const struct pn_generation *generation = &in_use->generation;
        char made[TIME_MAX], age[TIME_MAX];

        time_words(generation->made_s, made);
        age_words(age_of(generation), age);
        (void)printf("%s: %u rule%s, %u window%s, libyara %s, %s%s\n", generation->name, generation->rules,
                     generation->rules == 1 ? "" : "s", generation->windows,
                     generation->windows == 1 ? "" : "s", generation->libyara,
                     generation->hyperscan[0] ? "hyperscan " : "no hyperscan", generation->hyperscan);
        (void)printf("made:     %s, %s ago\n", made, age);
        (void)printf("sources:  %s\n", generation->stale ? generation->stale_why : "as they were");
        (void)printf("fallback: %s\n\n", in_use->fallback[0] ? in_use->fallback : "none");
}

static void print_rule(const struct pn_rules_cost *cost)
{
        pn_rules_print(stdout, cost->id[0] ? cost->id : cost->rule);
        (void)fputs("  ", stdout);
        pn_rules_print(stdout, cost->severity[0] ? cost->severity : "-");
        (void)fputs("  ", stdout);
        pn_rules_print(stdout, cost->confidence[0] ? cost->confidence : "-");
        (void)fputs("  ", stdout);
        pn_rules_print(stdout, cost->file);
        (void)printf(":%" PRIu64 "%s\n", cost->line, cost->is_private ? "  (private)" : "");
}

static json_t *rows(const struct pn_rules_report *report)
{
        static const char *const keys[] = {"rule", "id", "severity", "confidence", "file", "line", "private"};
        json_t *list = json_array();

        for (size_t i = 0; i < report->count; i++) {
                json_t *row = json_object();

                for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
                        (void)json_object_set(row, keys[k], json_object_get(report->cost[i].row, keys[k]));
                (void)json_array_append_new(list, row);
        }
        return list;
}

static json_t *text_or_null(const char *text)
{
        return text[0] ? json_string(text) : json_null();
}

static void print_json(const struct pn_rules_in_use *in_use)
{
        const struct pn_generation *generation = &in_use->generation;
        json_auto_t *root =
                json_pack("{s:i,s:s,s:I,s:I,s:b,s:o,s:o,s:o,s:s,s:o,s:I,s:o}", "schema", 1, "generation",
                          generation->name, "made_s", (json_int_t)generation->made_s, "age_s",
                          (json_int_t)age_of(generation), "stale", generation->stale, "stale_why",
                          text_or_null(generation->stale_why), "fallback", text_or_null(in_use->fallback),
                          "warning", text_or_null(in_use->warning), "libyara", generation->libyara,
                          "hyperscan", text_or_null(generation->hyperscan), "windows",
                          (json_int_t)generation->windows, "rules", rows(&in_use->report));

        (void)json_dumpf(root, stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
        (void)puts("");
}

static int run(const struct pn_rules_options *options)
{
        struct pn_rules_in_use in_use;
        int got = pn_rules_in_use_open(options, &in_use);

        if (got != 0)
                return got;
        if (options->json) {
                print_json(&in_use);
        } else {
                print_head(&in_use);
                for (size_t i = 0; i < in_use.report.count; i++)
                        print_rule(&in_use.report.cost[i]);
        }
        pn_rules_in_use_close(&in_use);
        return pn_rules_finish(PN_CLI_CLEAN);
}

const struct pn_rules_command pn_rules_list = {
        .name = "list",
        .words = "show the compiled rules in use",
        .help = help,
        .options = PN_RULES_CONFIG | PN_RULES_STATE | PN_RULES_JSON,
        .run = run,
};
