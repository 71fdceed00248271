/* SPDX-License-Identifier: Apache-2.0 */
/* The walker: opens the roots, enters the jail, hands every regular file's descriptor to the raw matcher and
 * its name to the supervisor. Never reads a byte of content. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/target/walk.h"
#include "scanner/worker/role.h"

#define FILE_BYTES   28U  /* of one file in FILES beside its path */
#define FILES_NEEDED 256U /* beside the roots: batches, directories of the walk, sockets */

struct batch {
        struct pn_worker *worker;
        struct pn_msg_out objects, files;
        int fd[PN_MSG_BATCH_MAX];
        uint16_t count;
        uint64_t first; /* number of the first object in it */
};

static int flush(struct batch *batch, struct pn_err *err)
{
        int ret;

        if (batch->count == 0)
                return 0;
        pn_msg_set_count(&batch->objects, batch->count);
        pn_msg_set_count(&batch->files, batch->count);
        /* the name first: the supervisor must know an object before anybody answers for it */
        ret = pn_fdpass_send(PN_WORKER_CONTROL, &batch->objects, NULL, 0, err);
        if (ret == 0)
                ret = pn_fdpass_send(PN_WORKER_OUTPUT, &batch->files, batch->fd, batch->count, err);
        pn_fdpass_close_all(batch->fd, batch->count);
        batch->first += batch->count;
        batch->count = 0;
        return ret;
}

static int on_file(void *ctx, int fd, uint64_t size_bytes, const struct pn_path *path, struct pn_err *err)
{
        struct batch *batch = ctx;
        bool cut = path->cut || path->len > PN_MSG_LINK_PATH;
        uint32_t shown = cut && path->len > PN_MSG_LINK_PATH ? PN_MSG_LINK_PATH : path->len;

        if (batch->count == PN_MSG_BATCH_MAX ||
            (batch->count > 0 && (sizeof(batch->objects.bytes) - batch->objects.len < path->len + 16U ||
                                  PN_MSG_LINK_BYTES - batch->files.len < shown + FILE_BYTES)))
                if (flush(batch, err) < 0) {
                        (void)close(fd);
                        return -1;
                }
        if (batch->count == 0) {
                pn_msg_begin(&batch->objects, PN_MSG_OBJECTS, 0, batch->first);
                pn_msg_begin(&batch->files, PN_MSG_FILES, 0, 0);
        }
        pn_msg_u64(&batch->objects, size_bytes);
        pn_msg_u32(&batch->objects, path->cut ? PN_FLAG_CUT : 0);
        pn_msg_bytes(&batch->objects, path->bytes, path->len);
        pn_msg_u64(&batch->files, batch->first + batch->count);
        pn_msg_u64(&batch->files, size_bytes);
        pn_msg_u32(&batch->files, 0);
        pn_msg_u32(&batch->files, cut ? PN_FLAG_CUT : 0);
        pn_msg_bytes(&batch->files, path->bytes + (path->len - shown), shown); /* the end: it has the file's own name */
        batch->fd[batch->count++] = fd;
        return 0;
}

static int on_note(void *ctx, uint64_t mount, const char *text, const struct pn_path *path,
                   struct pn_err *err)
{
        struct pn_worker *worker = ((struct batch *)ctx)->worker;

        pn_msg_begin(&worker->out, PN_MSG_NOTE, 0, mount);
        pn_msg_bytes(&worker->out, text, strnlen(text, PN_WORDS_MAX - 1));
        pn_msg_bytes(&worker->out, path->bytes, path->len);
        pn_msg_u32(&worker->out, path->cut ? PN_FLAG_CUT : 0);
        return pn_worker_tell(worker, err);
}

static int on_issue(void *ctx, enum pn_issue_class cls, const char *text, const struct pn_path *path,
                    struct pn_err *err)
{
        return pn_worker_tell_issue(((struct batch *)ctx)->worker, cls, PN_MSG_NONE, text, path, err);
}

/* The container's view needs the path to be resolved as a process there would. Before Linux 5.6 (no openat2)
 * only chroot(2) does that: in, and back out to `node`. */
static int open_view(const struct pn_worker_root *root, int node, struct pn_err *err)
{
        int fd = pn_fd_open_in_root(root->in_fd, root->path);

        if (fd >= 0 || errno != ENOSYS)
                return fd;
        if (fchdir(root->in_fd) == 0 && chroot(".") == 0)
                fd = open(root->path, O_PATH | O_CLOEXEC);
        if (fchdir(node) < 0 || chroot(".") < 0) {
                pn_fd_cleanup(&fd);
                return pn_err_set(err, PN_FAULT_HOST, errno, "return from the container's root");
        }
        return fd;
}

static struct pn_worker_root *find_root(struct pn_worker *worker, enum pn_root_kind kind)
{
        for (unsigned i = 0; i < worker->root_count; i++)
                if (worker->root[i].kind == kind)
                        return &worker->root[i];
        return NULL;
}

/* A mount of config.json, which the container has at `label`. */
static bool is_asked_mount(const struct pn_worker_root *root)
{
        return root->kind == PN_ROOT_BIND || root->kind == PN_ROOT_MOUNT;
}

/* Is something mounted at `label` below the view's root, and not that root itself? Linux tells since 5.8; before, no
 * view with mounts in it can be told from a host process's. */
static bool is_mounted(int view, uint64_t view_mount, const char *label)
{
        pn_autofd fd = pn_fd_open_in_root(view, label);
        struct statx st;

        return fd >= 0 && statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_TYPE | STATX_MNT_ID, &st) == 0 &&
               (st.stx_mask & STATX_MNT_ID) && st.stx_mnt_id != view_mount &&
               (st.stx_attributes_mask & st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

/* Is the view what the container will see? Its root must be the directory that the host's root.path is: else
 * /proc/PID is a sandbox that shows its own files (gVisor). And every mount of config.json must be mounted in it: else it is a
 * process of the host with a mount namespace of its own (a pid used again, a service, a kernel thread), where the root
 * is the same directory and the container's volumes are not. */
static bool view_is_true(const struct pn_worker *worker, const struct pn_worker_root *view, struct pn_walk_id host)
{
        struct pn_walk_id id;

        if (view->fd < 0 || pn_walk_identify(view->fd, &id, NULL, NULL) < 0 || id.dev != host.dev ||
            id.ino != host.ino)
                return false;
        for (unsigned i = 0; i < worker->root_count; i++)
                if (is_asked_mount(&worker->root[i]) && !is_mounted(view->fd, id.mount, worker->root[i].label))
                        return false;
        return true;
}

static int check_host(struct pn_worker_root *host, struct pn_walk_id node_root, struct pn_walk_id *ret,
                      struct pn_err *err)
{
        uint32_t mode;

        if (host->fd < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open the root file system `%.128s`", host->path);
        if (pn_walk_identify(host->fd, ret, &mode, NULL) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "stat the root file system `%.128s`", host->path);
        if (!S_ISDIR(mode))
                return pn_err_set(err, PN_FAULT_HOST, 0, "the root file system `%.128s` is not a directory",
                                  host->path);
        if (ret->dev == node_root.dev && ret->ino == node_root.ino)
                return pn_err_set(err, PN_FAULT_HOST, 0, "the root file system `%.128s` is this node's own /",
                                  host->path);
        return 0;
}

/* Every bind source may have to be open at once. Where the limit cannot be raised, opening says so. */
static void raise_files(const struct pn_worker *worker)
{
        struct rlimit files;

        if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= worker->root_count + FILES_NEEDED)
                return;
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
}

/* Opens what is to be walked: the container's view, when there is one and it is true; else the host's path and the
 * source of every bind mount. */
static int open_roots(struct pn_worker *worker, const struct pn_worker_root **ret_main, struct pn_err *err)
{
        struct pn_worker_root *host = find_root(worker, PN_ROOT_HOST), *view = find_root(worker, PN_ROOT_VIEW);
        pn_autofd node = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct pn_walk_id host_id;

        if (!host)
                return pn_err_set(err, PN_FAULT_BUG, 0, "no root to walk");
        if (node < 0 || pn_walk_identify(node, &worker->node_root, NULL, NULL) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open /");
        raise_files(worker);
        host->fd = open(host->path, O_PATH | O_CLOEXEC);
        if (check_host(host, worker->node_root, &host_id, err) < 0)
                return -1;
        if (view)
                view->fd = open_view(view, node, err);
        if (err->fault != PN_FAULT_NONE)
                return -1;
        *ret_main = view && view_is_true(worker, view, host_id) ? view : host;
        for (unsigned i = 0; i < worker->root_count && *ret_main == host; i++)
                if (worker->root[i].kind == PN_ROOT_BIND)
                        worker->root[i].fd = open(worker->root[i].path, O_PATH | O_CLOEXEC);
        return 0;
}

static int tell_root(struct batch *batch, const struct pn_worker_root *root, const char *text, struct pn_err *err)
{
        struct pn_path path = {root->label, (uint32_t)strlen(root->label), false};

        return on_issue(batch, PN_ISSUE_CONTENT, text, &path, err);
}

/* The view, and after it every mount of config.json that the walk has not met: one below a mount that is rightly
 * skipped (/proc, /sys, the host's root) hides nothing behind it. */
static int walk_view(struct pn_worker *worker, const struct pn_worker_root *view, struct pn_walk *walk,
                     struct batch *batch, struct pn_err *err)
{
        int ret = pn_walk_run(walk, view->fd, view->label, err);

        for (unsigned i = 0; i < worker->root_count && ret == 0; i++) {
                const struct pn_worker_root *root = &worker->root[i];
                struct pn_walk_id id;
                pn_autofd fd = -1;

                if (!is_asked_mount(root))
                        continue;
                fd = pn_fd_open_in_root(view->fd, root->label);
                if (fd < 0 || pn_walk_identify(fd, &id, NULL, NULL) < 0)
                        ret = tell_root(batch, root, "a mount that was there is gone", err);
                else if (!pn_walk_met(walk, id.mount))
                        ret = pn_walk_run(walk, fd, root->label, err);
        }
        return ret;
}

/* For want of a view: the host's path and the source of every bind mount. */
static int walk_sources(struct pn_worker *worker, struct pn_walk *walk, struct batch *batch, struct pn_err *err)
{
        int ret = 0;

        for (unsigned i = 0; i < worker->root_count && ret == 0; i++) {
                const struct pn_worker_root *root = &worker->root[i];

                if (root->kind == PN_ROOT_VIEW)
                        continue;
                if (root->kind == PN_ROOT_MOUNT)
                        ret = tell_root(batch, root, "a mount that only the container's own view shows", err);
                else if (root->fd < 0)
                        ret = tell_root(batch, root, "the source of a bind mount cannot be opened", err);
                else
                        ret = pn_walk_run(walk, root->fd, root->label, err);
        }
        return ret;
}

static int tell_view(struct pn_worker *worker, const struct pn_worker_root *root, struct pn_err *err)
{
        struct pn_walk_id id = {0};

        (void)pn_walk_identify(root->fd, &id, NULL, NULL);
        pn_msg_begin(&worker->out, PN_MSG_VIEW, 0, root->kind);
        pn_msg_u64(&worker->out, id.mount);
        return pn_worker_tell(worker, err);
}

static int tell_end(struct pn_worker *worker, const struct pn_walk_counts *counts, struct pn_err *err)
{
        pn_msg_begin(&worker->out, PN_MSG_END, 0, counts->files);
        pn_msg_u64(&worker->out, counts->directories);
        pn_msg_u64(&worker->out, counts->links);
        pn_msg_u64(&worker->out, counts->specials);
        return pn_worker_tell(worker, err);
}

int pn_worker_walk(struct pn_worker *worker, struct pn_err *err)
{
        struct batch batch = {.worker = worker};
        const struct pn_walk_sink sink = {&batch, on_file, on_note, on_issue};
        struct pn_walls walls = {0};
        struct pn_walk *walk = NULL;
        pn_autofd fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        const struct pn_worker_root *root = NULL;
        int ret;

        if (fds < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open /proc/self/fd");
        if (open_roots(worker, &root, err) < 0 || pn_worker_jail_drop(worker, &walls, err) < 0 ||
            pn_worker_jail_close(worker, &walls, err) < 0 || pn_worker_tell_ready(worker, &walls, err) < 0 ||
            tell_view(worker, root, err) < 0 ||
            pn_walk_new(&worker->limits, fds, worker->node_root, &sink, &walk, err) < 0)
                return -1;
        ret = root->kind == PN_ROOT_VIEW ? walk_view(worker, root, walk, &batch, err)
                                         : walk_sources(worker, walk, &batch, err);
        if (ret == 0)
                ret = flush(&batch, err);
        if (ret == 0)
                ret = tell_end(worker, pn_walk_counted(walk), err);
        pn_fdpass_close_all(batch.fd, batch.count);
        (void)pn_walk_free(walk);
        (void)close(PN_WORKER_OUTPUT);
        return ret;
}
