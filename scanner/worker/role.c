/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/worker/role.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scanner/base/clock.h"

/* Address space and descriptors each role may use: measured need and some room, far below what would hurt a
 * node. */
static const struct {
        uint64_t memory_bytes, files;
} ceilings[] = {
        [PN_ROLE_WALK] = {512U << 20, 256}, /* names and file identities of millions of files */
        /* pack and filter of 2,000 rules of ten strings take 14 MiB, and public collections have 20 times as many;
         * more descriptors than can be under way, see scan/spawn.c */
        [PN_ROLE_RAW] = {512U << 20, 256},
        [PN_ROLE_PARSE] = {512U << 20, 256}, /* one block of a file, libyara's rules and matches */
};

int pn_worker_tell(struct pn_worker *worker, struct pn_err *err)
{
        return pn_fdpass_send(PN_WORKER_CONTROL, &worker->out, NULL, 0, err);
}

int pn_worker_tell_issue(struct pn_worker *worker, enum pn_issue_class cls, uint64_t number, const char *text,
                         const struct pn_path *path, struct pn_err *err)
{
        pn_msg_begin(&worker->out, PN_MSG_ISSUE, 0, number);
        pn_msg_u32(&worker->out, cls);
        pn_msg_words(&worker->out, text, PN_WORDS_MAX);
        pn_msg_bytes(&worker->out, path ? path->bytes : NULL, path ? path->len : 0);
        pn_msg_u32(&worker->out, path && path->cut ? PN_FLAG_CUT : 0);
        return pn_worker_tell(worker, err);
}

int pn_worker_tell_ready(struct pn_worker *worker, const struct pn_walls *walls, struct pn_err *err)
{
        pn_msg_begin(&worker->out, PN_MSG_READY, 0, (uint64_t)walls->landlock_abi);
        pn_msg_bytes(&worker->out, PN_WIRE_VERSION, strlen(PN_WIRE_VERSION));
        return pn_worker_tell(worker, err);
}

static struct pn_sandbox box_of(struct pn_worker *worker)
{
        struct pn_sandbox box = {.role = worker->role, .parent = worker->parent};

        box.id = PN_WORKER_ID_FIRST + (unsigned)worker->parent;
        box.memory_bytes = ceilings[worker->role].memory_bytes;
        box.files = ceilings[worker->role].files + worker->root_count;
        box.cpu_s = (uint64_t)(pn_clock_left_ms(worker->deadline_ms) / 1000) + 2;
        return box;
}

int pn_worker_jail_drop(struct pn_worker *worker, struct pn_walls *walls, struct pn_err *err)
{
        struct pn_sandbox box = box_of(worker);

        return pn_sandbox_drop(&box, walls, err);
}

int pn_worker_jail_close(struct pn_worker *worker, struct pn_walls *walls, struct pn_err *err)
{
        struct pn_sandbox box = box_of(worker);
        int *readable = calloc(worker->root_count + 1U, sizeof(*readable));
        int ret;

        if (!readable)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "close the jail");
        for (unsigned i = 0; i < worker->root_count; i++)
                if (worker->root[i].fd >= 0)
                        readable[box.readable_count++] = worker->root[i].fd;
        box.readable = readable;
        ret = pn_sandbox_close(&box, walls, err);
        free(readable);
        return ret;
}

bool pn_worker_unchanged(int fd, const struct stat *before)
{
        struct stat now;

        return fstat(fd, &now) == 0 && now.st_size == before->st_size &&
               now.st_mtim.tv_sec == before->st_mtim.tv_sec &&
               now.st_mtim.tv_nsec == before->st_mtim.tv_nsec &&
               now.st_ctim.tv_sec == before->st_ctim.tv_sec && now.st_ctim.tv_nsec == before->st_ctim.tv_nsec;
}
