/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_HOOK_EXITCODE_H
#define PN_HOOK_EXITCODE_H

/* The hook's exit codes: under crun they and the hook's path are all that a user sees. Any but 0 makes the
 * runtime refuse the start. 1, 2 and 126..165 are left to shells and signals. */
enum pn_exit {
        PN_EXIT_ADMITTED = 0,
        PN_EXIT_REFUSED = 10,   /* a finding refuses */
        PN_EXIT_UNDECIDED = 11, /* no complete answer, by the content's fault */
        PN_EXIT_DEADLINE = 12,  /* no complete answer in time */
        PN_EXIT_CONFIG = 100,   /* usage, policy file, rules, exceptions */
        PN_EXIT_BUG = 101,
        PN_EXIT_HOST = 111, /* kernel, runtime, worker, memory */
};

/* Of the command line program. */
enum pn_cli_exit {
        PN_CLI_CLEAN = 0,
        PN_CLI_FOUND = 1,      /* findings at or above --fail-on */
        PN_CLI_INCOMPLETE = 2, /* an error, or no complete answer */
        PN_CLI_NO_RULES = 3,   /* rules missing or broken */
        PN_CLI_USAGE = 64,     /* as EX_USAGE of sysexits.h */
};

#endif
