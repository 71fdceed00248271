/* SPDX-License-Identifier: Apache-2.0 */
/* postern-worker ROLE PARENT: one of the three roles of a scan. Only the hook and the command line program
 * start it; it finds its sockets as descriptors 3 to 5. */

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scanner/base/text.h"
#include "scanner/worker/setup.h"

static const struct {
        const char *name;
        enum pn_role role;
        int (*run)(struct pn_worker *worker, struct pn_err *err);
} roles[] = {
        {"walk", PN_ROLE_WALK, pn_worker_walk},
        {"raw", PN_ROLE_RAW, pn_worker_raw},
        {"parse", PN_ROLE_PARSE, pn_worker_parse},
};

/* The last word of a worker that has to give up; if even that fails, its death says the same. Names of files of rules
 * and of roots may be in it, in any letters: on the wire text is printable ASCII. */
static void tell_fail(struct pn_worker *worker, const struct pn_err *err)
{
        struct pn_err ignored = PN_ERR_INIT;
        char text[PN_WORDS_MAX];

        (void)pn_text_escape(text, sizeof(text), err->text, strlen(err->text));
        pn_msg_begin(&worker->out, PN_MSG_FAIL, 0, err->fault);
        pn_msg_bytes(&worker->out, text, strlen(text));
        (void)pn_worker_tell(worker, &ignored);
}

int main(int argc, char **argv)
{
        static struct pn_worker worker = PN_WORKER_INIT;
        struct pn_err err = PN_ERR_INIT;

        for (size_t i = 0; argc == 3 && i < sizeof(roles) / sizeof(roles[0]); i++) {
                int type = 0;
                socklen_t len = sizeof(type);

                if (strcmp(argv[1], roles[i].name) != 0)
                        continue;
                if (getsockopt(PN_WORKER_CONTROL, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
                    type != SOCK_SEQPACKET)
                        break;
                worker.role = roles[i].role;
                worker.parent = (pid_t)strtol(argv[2], NULL, 10);
                /* until the jail says it again: nothing of us outlives the supervisor */
                if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != worker.parent)
                        return 1;
                if (pn_worker_set_up(&worker, PN_WORKER_CONTROL, &err) == 0 && roles[i].run(&worker, &err) == 0)
                        return 0;
                tell_fail(&worker, &err);
                return 1;
        }
        (void)fputs("postern-worker: is started by postern-hook and postern, not by hand\n", stderr);
        return 64;
}
