/* SPDX-License-Identifier: Apache-2.0 */
/* postern: what people, timers and CI call. One table of commands; each is a file beside this one. */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "hook/cli/cmd.h"
#include "hook/exitcode.h"
#include "hook/process.h"

static int cmd_version(int argc, char **argv);
static int cmd_help(int argc, char **argv);

static const struct {
        const char *name, *words;
        int (*run)(int argc, char **argv);
} commands[] = {
        {"scan", "scan a directory as if it were a container's root file system", pn_cmd_scan},
        {"rules", "compile rules and show what they cost", pn_cmd_rules},
        {"why", "say in words why a container was refused or admitted", pn_cmd_why},
        {"version", "print the version", cmd_version},
        {"help", "print this", cmd_help},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int cmd_version(int argc, char **argv)
{
        (void)argc;
        (void)argv;
        (void)puts("postern " PN_VERSION);
        return PN_CLI_CLEAN;
}

static int cmd_help(int argc, char **argv)
{
        (void)argc;
        (void)argv;
        (void)puts("usage: postern COMMAND [ARGUMENT...]\n");
        for (size_t i = 0; i < COMMANDS; i++)
                (void)printf("  %-8s %s\n", commands[i].name, commands[i].words);
        (void)puts("\n`postern COMMAND --help` says more. Exit codes: 0 clean, 1 findings, 2 error or incomplete,\n"
                   "3 rules missing or broken, 64 usage.");
        return PN_CLI_CLEAN;
}

int main(int argc, char **argv)
{
        (void)signal(SIGPIPE, SIG_IGN);
        pn_process_guard_json(PN_CLI_INCOMPLETE);
        if (argc < 2) {
                (void)fputs("postern: a command is missing; try `postern help`\n", stderr);
                return PN_CLI_USAGE;
        }
        for (size_t i = 0; i < COMMANDS; i++)
                if (strcmp(argv[1], commands[i].name) == 0)
                        return commands[i].run(argc - 1, argv + 1);
        if (strcmp(argv[1], "--help") == 0)
                return cmd_help(0, NULL);
        if (strcmp(argv[1], "--version") == 0)
                return cmd_version(0, NULL);
        (void)fprintf(stderr, "postern: there is no command `%.64s`; try `postern help`\n", argv[1]);
        return PN_CLI_USAGE;
}
