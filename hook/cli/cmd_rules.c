/* SPDX-License-Identifier: Apache-2.0 */
/* postern rules: one table of commands, each a file rules_<name>.c beside this one. */
#include "hook/cli/cmd.h"

#include <stdio.h>
#include <string.h>

#include "hook/cli/rules.h"
#include "hook/exitcode.h"

static const struct pn_rules_command *const commands[] = {
        &pn_rules_compile,
        &pn_rules_check,
        &pn_rules_list,
        &pn_rules_test,
        &pn_rules_explain_cost,
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int help(void)
{
        (void)puts("usage: postern rules COMMAND [ARGUMENT...]\n");
        for (size_t i = 0; i < COMMANDS; i++)
                (void)printf("  %-13s %s\n", commands[i]->name, commands[i]->words);
        (void)puts("\n`postern rules COMMAND --help` says more. Exit codes: 0 good, 1 something was found, 2 "
                   "error,\n"
                   "3 rules missing or broken, 64 usage.");
        return pn_rules_finish(PN_CLI_CLEAN);
}

static int run(const struct pn_rules_command *command, int argc, char **argv)
{
        struct pn_rules_options options;
        bool asked = false;

        if (pn_rules_options_read(argc, argv, command, &options, &asked) < 0)
                return PN_CLI_USAGE;
        if (!asked)
                return command->run(&options);
        (void)fputs(command->help, stdout);
        return pn_rules_finish(PN_CLI_CLEAN);
}

int pn_cmd_rules(int argc, char **argv)
{
        if (argc < 2)
                return pn_rules_complain(PN_CLI_USAGE, "a command is missing; try `postern rules --help`");
        for (size_t i = 0; i < COMMANDS; i++)
                if (strcmp(argv[1], commands[i]->name) == 0)
                        return run(commands[i], argc - 1, argv + 1);
        if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
                return help();
        return pn_rules_complain(PN_CLI_USAGE, "there is no command `%.64s`; try `postern rules --help`",
                                 argv[1]);
}
