/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/worker/setup.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"

/* A string of the supervisor's: without a NUL, or another path would be opened than was meant. */
static char *take_string(struct pn_msg_in *in, size_t max)
{
        struct pn_view part = pn_msg_get_bytes(in, max);

        if (part.len > 0 && memchr(part.data, '\0', part.len))
                in->bad = true;
        return part.len > 0 ? strndup((const char *)part.data, part.len) : strdup("");
}

/* Each takes the descriptor over, if there is one, by setting *fd to -1. */

static int take_limits(struct pn_worker *worker, struct pn_msg_in *in, int *fd, struct pn_err *err)
{
        uint64_t time_ms;

        (void)fd;
        (void)err;
        pn_msg_get_limits(in, &worker->limits, &time_ms);
        worker->deadline_ms = pn_clock_now_ms() + (int64_t)(time_ms < INT_MAX ? time_ms : INT_MAX);
        return 0;
}

static int take_root(struct pn_worker *worker, struct pn_msg_in *in, int *fd, struct pn_err *err)
{
        struct pn_worker_root *more;

        if (in->number == 0 || in->number >= PN_ROOT_KINDS || worker->root_count >= PN_WORKER_ROOTS)
                return pn_err_set(err, PN_FAULT_BUG, 0, "root of kind %llu", (unsigned long long)in->number);
        more = reallocarray(worker->root, worker->root_count + 1U, sizeof(*more));
        if (!more)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a root");
        worker->root = more;
        more += worker->root_count++;
        *more = (struct pn_worker_root){.kind = (enum pn_root_kind)in->number, .in_fd = pn_steal_fd(fd), .fd = -1};
        more->path = take_string(in, PATH_MAX);
        more->label = take_string(in, PN_PATH_BYTES_MAX);
        if (!more->path || !more->label)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a root");
        return 0;
}

static int take_rules(struct pn_worker *worker, struct pn_msg_in *in, int *fd, struct pn_err *err)
{
        if (worker->rules_fd >= 0)
                return pn_err_set(err, PN_FAULT_BUG, 0, "rules twice");
        worker->rules_fd = pn_steal_fd(fd);
        worker->rules_files = in->number;
        return 0;
}

static int take_part(struct pn_worker *worker, struct pn_msg_in *in, int *fd, struct pn_err *err)
{
        struct pn_worker_part *part;
        struct pn_view sha256;

        if (in->number == 0 || in->number >= PN_PART_KINDS || worker->part[in->number].fd >= 0)
                return pn_err_set(err, PN_FAULT_BUG, 0, "part %llu of the rules, or twice", (unsigned long long)in->number);
        part = &worker->part[in->number];
        part->bytes = pn_msg_get_u64(in);
        part->head_bytes = pn_msg_get_u64(in);
        sha256 = pn_msg_get_raw(in, sizeof(part->sha256));
        if (in->bad)
                return pn_err_set(err, PN_FAULT_BUG, 0, "part of the rules without its digest");
        memcpy(part->sha256, sha256.data, sizeof(part->sha256));
        part->fd = pn_steal_fd(fd);
        return 0;
}

static int take_go(struct pn_worker *worker, struct pn_msg_in *in, int *fd, struct pn_err *err)
{
        (void)fd;
        if (worker->deadline_ms == 0)
                return pn_err_set(err, PN_FAULT_BUG, 0, "setup without limits");
        worker->flags = in->number;
        return 1;
}

static const struct {
        enum pn_msg_type type;
        int (*take)(struct pn_worker *worker, struct pn_msg_in *in, int *fd, struct pn_err *err);
} table[] = {
        {PN_MSG_LIMITS, take_limits},
        {PN_MSG_ROOT, take_root},
        {PN_MSG_RULES, take_rules},
        {PN_MSG_PART, take_part},
        {PN_MSG_GO, take_go},
};

/* 1 at GO, 0 to go on, -1. */
static int take(struct pn_worker *worker, struct pn_msg_in *in, int *fd, struct pn_err *err)
{
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                int ret;

                if (table[i].type != in->type)
                        continue;
                ret = table[i].take(worker, in, fd, err);
                return ret >= 0 && pn_msg_done(in, err) < 0 ? -1 : ret;
        }
        return pn_err_set(err, PN_FAULT_BUG, 0, "%s message during setup", pn_msg_name(in->type));
}

int pn_worker_set_up(struct pn_worker *worker, int sock, struct pn_err *err)
{
        int ret = 0;

        while (ret == 0) {
                struct pn_msg_in in;
                int fds[PN_MSG_BATCH_MAX] = {-1};
                unsigned count;
                int got = pn_fdpass_recv(sock, false, worker->in, &in, fds, &count, err);

                if (got == 0)
                        return pn_err_set(err, PN_FAULT_HOST, 0, "the supervisor is gone");
                if (got < 0)
                        return -1;
                ret = take(worker, &in, &fds[0], err);
                pn_fdpass_close_all(fds, count);
        }
        return ret < 0 ? -1 : 0;
}

void pn_worker_clear(struct pn_worker *worker)
{
        for (unsigned i = 0; i < worker->root_count; i++) {
                pn_fd_cleanup(&worker->root[i].in_fd);
                pn_fd_cleanup(&worker->root[i].fd);
                free(worker->root[i].path);
                free(worker->root[i].label);
        }
        free(worker->root);
        pn_fd_cleanup(&worker->rules_fd);
        for (unsigned i = 0; i < PN_PART_KINDS; i++)
                pn_fd_cleanup(&worker->part[i].fd);
        worker->root = NULL;
        worker->root_count = 0;
}
