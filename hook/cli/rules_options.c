/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/cli/rules.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hook/exitcode.h"
#include "hook/report/plain.h"

#define COMPLAINT_MAX 2048 /* two file names of the command line, as people type them */

/* How an option's value is kept: in the string at `offset`, or by a function. */
static const struct row {
        const char *name;
        enum pn_rules_option bit;
        int has_value;
        size_t offset;
} rows[] = {
        {"config", PN_RULES_CONFIG, required_argument, offsetof(struct pn_rules_options, config)},
        {"state", PN_RULES_STATE, required_argument, offsetof(struct pn_rules_options, state)},
        {"compiler", PN_RULES_COMPILER, required_argument, offsetof(struct pn_rules_options, compiler)},
        {"grams", PN_RULES_GRAMS, required_argument, offsetof(struct pn_rules_options, grams)},
        {"worker", PN_RULES_WORKER, required_argument, offsetof(struct pn_rules_options, worker)},
        {"budget", PN_RULES_BUDGET, required_argument, 0},
        {"rules", PN_RULES_RULES, required_argument, 0},
        {"json", PN_RULES_JSON, no_argument, 0},
        {"verify", PN_RULES_VERIFY, no_argument, 0},
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

int pn_rules_complain(int status, const char *fmt, ...)
{
        char raw[COMPLAINT_MAX], plain[COMPLAINT_MAX];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(raw, sizeof(raw), fmt, ap);
        va_end(ap);
        pn_plain_text(plain, sizeof(plain), raw);
        (void)fprintf(stderr, "postern: rules: %s\n", plain);
        return status;
}

int pn_rules_complain_err(const struct pn_err *err)
{
        return pn_rules_complain(err->fault == PN_FAULT_CONFIG ? PN_CLI_NO_RULES : PN_CLI_INCOMPLETE, "%s",
                                 err->text);
}

int pn_rules_finish(int status)
{
        if (fflush(stdout) == 0 && !ferror(stdout))
                return status;
        return pn_rules_complain(PN_CLI_INCOMPLETE, "write to standard output: %s",
                                 strerrordesc_np(errno) ?: "failed");
}

static int take_budget(const char *name, struct pn_rules_options *ret)
{
        char *end = NULL;
        double budget = strtod(optarg, &end);

        if (end == optarg || *end || !(budget >= 0 && budget <= 1e15))
                return pn_rules_complain(-1, "%s: --budget must be a number of hits per gigabyte, not `%s`",
                                         name, optarg);
        ret->budget_per_gb = budget;
        return 0;
}

static int take_rules(const char *name, struct pn_rules_options *ret)
{
        if (ret->rules_count == PN_RULES_SETS_MAX)
                return pn_rules_complain(-1, "%s: more than %u times --rules", name, PN_RULES_SETS_MAX);
        ret->rules[ret->rules_count++] = optarg;
        return 0;
}

static int take(const struct row *row, const char *name, struct pn_rules_options *ret)
{
        if (row->has_value == required_argument && optarg[0] == '\0')
                return pn_rules_complain(-1, "%s: --%s has an empty value", name, row->name);
        switch (row->bit) {
        case PN_RULES_BUDGET:
                return take_budget(name, ret);
        case PN_RULES_RULES:
                return take_rules(name, ret);
        case PN_RULES_JSON:
                ret->json = true;
                return 0;
        case PN_RULES_VERIFY:
                ret->verify = true;
                return 0;
        default:
                memcpy((char *)ret + row->offset, &optarg, sizeof(optarg));
                return 0;
        }
}

/* What getopt_long(3) knows of this command: its options and --help. The value of each is its row and one
 * more. */
static void make_longs(unsigned options, struct option longs[ROWS + 2])
{
        size_t count = 0;

        for (size_t i = 0; i < ROWS; i++)
                if (options & rows[i].bit)
                        longs[count++] = (struct option){rows[i].name, rows[i].has_value, NULL, (int)i + 1};
        longs[count++] = (struct option){"help", no_argument, NULL, 'h'};
        longs[count] = (struct option){0};
}

int pn_rules_options_read(int argc, char **argv, const struct pn_rules_command *command,
                          struct pn_rules_options *ret, bool *ret_help)
{
        struct option longs[ROWS + 2];

        *ret = (struct pn_rules_options){.config = PN_SYSCONFDIR "/policy.json",
                                         .budget_per_gb = PN_RULES_BUDGET_PER_GB};
        make_longs(command->options, longs);
        opterr = 0;
        optind = 0; /* glibc: begin anew, another command line was read before */
        for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;) {
                if (c == 'h') {
                        *ret_help = true;
                        return 0;
                }
                if (c == ':' || c == '?')
                        return pn_rules_complain(
                                -1, c == ':' ? "%s: `%s` needs a value" : "%s: unknown option `%s`",
                                command->name, argv[optind - 1]);
                if (take(&rows[c - 1], command->name, ret) < 0)
                        return -1;
        }
        ret->operand = argv + optind;
        ret->operand_count = argc - optind;
        if (command->operands_max >= 0 && ret->operand_count > command->operands_max)
                return pn_rules_complain(-1, "%s: `%s` is one argument too many", command->name,
                                         ret->operand[command->operands_max]);
        return 0;
}
