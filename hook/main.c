/* SPDX-License-Identifier: Apache-2.0 */
/* postern-hook: a container runtime calls it at createRuntime (or prestart) with the container's state on standard
 * input; its exit code lets the container start or not. Everything it is told comes from its own arguments, which
 * root has written into the hook's configuration. */

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook/admit.h"
#include "hook/process.h"
#include "scanner/base/clock.h"

static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},  {"worker", required_argument, NULL, 'w'},
        {"verbose", no_argument, NULL, 'v'},       {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
};

static int usage(void)
{
        static const char text[] = "postern: error: usage: postern-hook [--config FILE] [--worker FILE] [--verbose]"
                                   " < state.json\n";

        (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
        return PN_EXIT_CONFIG;
}

int main(int argc, char **argv)
{
        struct pn_admit admit = {.config = PN_SYSCONFDIR "/policy.json", .begin_ms = pn_clock_now_ms()};
        struct pn_err unfit = PN_ERR_INIT;
        bool stdin_open;
        int option;

        pn_process_guard_json(PN_EXIT_HOST);
        if (pn_process_prepare(&stdin_open, &unfit) < 0)
                admit.unfit = &unfit;
        admit.state_fd = stdin_open ? STDIN_FILENO : -1;
        opterr = 0;
        while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
                switch (option) {
                case 'c':
                        admit.config = optarg;
                        break;
                case 'w':
                        admit.worker = optarg;
                        break;
                case 'v':
                        admit.verbose = true;
                        break;
                case 'V':
                        (void)puts("postern-hook " PN_VERSION);
                        return 0;
                default:
                        return usage();
                }
        }
        if (optind != argc || admit.config[0] != '/')
                return usage();
        if (!admit.worker)
                admit.worker = pn_process_worker_path();
        if (!admit.worker || admit.worker[0] != '/')
                return usage();
        return pn_admit(&admit);
}
