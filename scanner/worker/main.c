/* SPDX-License-Identifier: Apache-2.0 */
/* postern-worker ROLE PARENT: one of the three roles of a scan. Only the hook and the command line program
 * start it; it finds its sockets as descriptors 3 to 5. */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/worker/role.h"

static const struct {
        const char *name;
        enum pn_role role;
        int (*run)(struct pn_worker *worker, struct pn_err *err);
} roles[] = {
        {"walk", PN_ROLE_WALK, pn_worker_walk},
        {"raw", PN_ROLE_RAW, pn_worker_raw},
        {"parse", PN_ROLE_PARSE, pn_worker_parse},
};

static char *take_string(struct pn_msg_in *in, size_t max)
{
        struct pn_view part = pn_msg_get_bytes(in, max);

        return part.data ? strndup((const char *)part.data, part.len) : strdup("");
}

static int take_root(struct pn_worker *worker, struct pn_msg_in *in, int fd, struct pn_err *err)
{
        struct pn_worker_root *more;

        if (in->number == 0 || in->number >= PN_ROOT_KINDS || worker->root_count >= PN_WORKER_ROOTS)
                return pn_err_set(err, PN_FAULT_BUG, 0, "root of kind %llu", (unsigned long long)in->number);
        more = reallocarray(worker->root, worker->root_count + 1U, sizeof(*more));
        if (!more)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a root");
        worker->root = more;
        more += worker->root_count++;
        *more = (struct pn_worker_root){.kind = (enum pn_root_kind)in->number, .in_fd = fd, .fd = -1};
        more->path = take_string(in, 4096);
        more->label = take_string(in, PN_PATH_BYTES_MAX);
        if (!more->path || !more->label)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a root");
        return 0;
}

/* Takes the setup up to GO. */
static int set_up(struct pn_worker *worker, struct pn_err *err)
{
        for (;;) {
                struct pn_msg_in in;
                int fds[PN_MSG_BATCH_MAX];
                unsigned fd_count;
                uint64_t time_ms;
                int got = pn_fdpass_recv(PN_WORKER_CONTROL, false, worker->in, &in, fds, &fd_count, err);

                if (got == 0)
                        return pn_err_set(err, PN_FAULT_HOST, 0, "the supervisor is gone");
                if (got < 0)
                        return -1;
                switch (in.type) {
                case PN_MSG_LIMITS:
                        pn_msg_get_limits(&in, &worker->limits, &time_ms);
                        worker->deadline_ms = pn_clock_now_ms() + (int64_t)(time_ms & INT32_MAX);
                        break;
                case PN_MSG_ROOT:
                        if (take_root(worker, &in, fd_count ? fds[0] : -1, err) < 0)
                                return -1;
                        break;
                case PN_MSG_RULES:
                        worker->rules_fd = fds[0];
                        worker->rules_files = in.number;
                        break;
                case PN_MSG_GO:
                        return pn_msg_done(&in, err);
                default:
                        return pn_err_set(err, PN_FAULT_BUG, 0, "%s message during setup",
                                          pn_msg_name(in.type));
                }
                if (pn_msg_done(&in, err) < 0)
                        return -1;
        }
}

/* The last word of a worker that has to give up; if even that fails, its death says the same. */
static void tell_fail(struct pn_worker *worker, const struct pn_err *err)
{
        struct pn_err ignored = PN_ERR_INIT;

        pn_msg_begin(&worker->out, PN_MSG_FAIL, 0, err->fault);
        pn_msg_bytes(&worker->out, err->text, strnlen(err->text, PN_WORDS_MAX - 1));
        (void)pn_worker_tell(worker, &ignored);
}

int main(int argc, char **argv)
{
        static struct pn_worker worker = {.rules_fd = -1};
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
                if (set_up(&worker, &err) == 0 && roles[i].run(&worker, &err) == 0)
                        return 0;
                tell_fail(&worker, &err);
                return 1;
        }
        (void)fputs("postern-worker: is started by postern-hook and postern, not by hand\n", stderr);
        return 64;
}
