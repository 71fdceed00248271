/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/target/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/target/pseudofs.h"
#include "scanner/target/seen.h"

#define READ_DIR (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

#define LEASE_PAUSE_NS 10000000 /* between two tries to open a file under a lease */
#define LEASE_TRIES    200      /* two seconds a walk: holders answer at once or not at all */
#define LOOK_TRIES     3        /* at a name in a volume that others change */
#define OVERLAY_MAGIC  0x794c7630
#define XINO_SHIFT 55 /* overlayfs has 500 layers at most: their indexes stand in the bits from here on */

/* One directory of the chain from the root to where we are. */
struct frame {
        int fd; /* -1: closed for want of descriptors, found again by ".." */
        struct pn_walk_id id;
        bool honest;        /* its file system's inode numbers tell files apart */
        bool cut;           /* its path was too long already */
        size_t path_len;    /* of the path up to and with this directory */
        size_t names_first; /* where its subdirectories' names stand in walk->names */
        size_t names_next;
};

struct pn_walk {
        struct pn_limits limits;
        int fds_dir;
        struct pn_walk_id host_root, root;
        struct pn_walk_sink sink;
        struct pn_walk_counts counts;
        struct pn_seen seen;
        struct frame *frame;
        size_t depth, frame_slots;
        char *names; /* NUL-terminated names of directories still to be entered */
        size_t names_len, names_slots;
        uint64_t issues;
        uint64_t *met; /* ids of the mounts that were entered */
        size_t met_count;
        unsigned lease_tries;
        bool gone;    /* what was looked at is not there any more, or was never there under this name */
        bool volume;  /* the root itself is the source of a bind mount */
        bool stopped; /* a limit was reached and told: end well, but incomplete */
        char path[PN_PATH_BYTES_MAX + NAME_MAX + 2];
        size_t path_len;
        bool cut;
        char entries[64U << 10] __attribute__((aligned(8))); /* of getdents64(2) */
};

int pn_walk_identify(int fd, struct pn_walk_id *ret, uint32_t *ret_mode, uint64_t *ret_size)
{
        struct statx st;

        if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, 
                  STATX_TYPE | STATX_MODE | STATX_INO | STATX_SIZE | STATX_CTIME | STATX_MNT_ID, &st) < 0)
                return -1;
        *ret = (struct pn_walk_id){makedev(st.stx_dev_major, st.stx_dev_minor), st.stx_ino,
                                   st.stx_mask & STATX_MNT_ID ? st.stx_mnt_id : 0,
                                   (uint64_t)st.stx_ctime.tv_sec * 1000000000U + st.stx_ctime.tv_nsec};
        if (ret_mode)
                *ret_mode = st.stx_mode;
        if (ret_size)
                *ret_size = st.stx_size;
        return 0;
}

static bool same(struct pn_walk_id a, struct pn_walk_id b)
{
        return a.dev == b.dev && a.ino == b.ino && a.mount == b.mount;
}

static struct pn_path here(struct pn_walk *walk)
{
        return (struct pn_path){walk->path, (uint32_t)walk->path_len, walk->cut};
}

/* Appends a component to the path; what does not fit is left out and the path is marked as cut. */
static void path_push(struct pn_walk *walk, const char *name)
{
        size_t len = strlen(name), need = len + (walk->path_len > 0 ? 1 : 0);

        if (walk->cut || walk->path_len + need > PN_PATH_BYTES_MAX) {
                walk->cut = true;
                return;
        }
        if (walk->path_len > 0)
                walk->path[walk->path_len++] = '/';
        memcpy(walk->path + walk->path_len, name, len);
        walk->path_len += len;
}

static void path_reset(struct pn_walk *walk, const struct frame *frame)
{
        walk->path_len = frame->path_len;
        walk->cut = frame->cut;
}

static int tell_issue(struct pn_walk *walk, enum pn_issue_class cls, int code, const char *what, struct pn_err *err)
{
        struct pn_path path = here(walk);
        char text[PN_WORDS_MAX];

        if (++walk->issues > PN_WALK_ISSUES_MAX) {
                walk->stopped = true;
                return walk->sink.issue(walk->sink.ctx, PN_ISSUE_CONTENT, "too many unreadable files: the walk ended",
                                        &path, err);
        }
        (void)snprintf(text, sizeof(text), "%s%s%s", what, code ? ": " : "",
                       code ? strerrordesc_np(code) ?: "unknown error" : "");
        return walk->sink.issue(walk->sink.ctx, cls, text, &path, err);
}

static int tell_limit(struct pn_walk *walk, const char *key, uint64_t value, struct pn_err *err)
{
        struct pn_path path = here(walk);
        char text[PN_WORDS_MAX];

        walk->stopped = true;
        (void)snprintf(text, sizeof(text), "limits.%s (%llu) reached", key, (unsigned long long)value);
        return walk->sink.issue(walk->sink.ctx, PN_ISSUE_LIMIT, text, &path, err);
}

/* What could not be opened. Running out of descriptors or memory is ours, not the file's. A name that is gone was
 * there a moment ago: in a volume others may remove files (look() asks once more), in the image's own tree nobody
 * can. */
static int tell_unopened(struct pn_walk *walk, int code, const char *what, uint64_t mount, struct pn_err *err)
{
        if (code == EMFILE || code == ENFILE || code == ENOMEM)
                return pn_err_set(err, PN_FAULT_HOST, code, "%s", what);
        if ((code == ENOENT || code == ESTALE) && (walk->volume || (mount != walk->root.mount && mount != 0)))
                return walk->gone = true, 0;
        return tell_issue(walk, PN_ISSUE_CONTENT, code, what, err);
}

/* Opens what `fd` (O_PATH) is for reading: by the magic link, which leads to the very inode that was found, whatever
 * its name is by now. A file under a write lease (samba, nfsd; fcntl(2) F_SETLEASE) answers EAGAIN until its holder has
 * let go. */
static int open_content(struct pn_walk *walk, int fd)
{
        const struct timespec pause = {0, LEASE_PAUSE_NS};
        char number[16];
        int content;

        (void)snprintf(number, sizeof(number), "%d", fd);
        for (;;) {
                content = openat(walk->fds_dir, number, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
                if (content >= 0 || errno != EAGAIN || walk->lease_tries == LEASE_TRIES)
                        return content;
                walk->lease_tries++;
                (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        }
}

static int look_file(struct pn_walk *walk, int fd, struct pn_walk_id id, bool honest, uint64_t size,
                     struct pn_err *err)
{
        struct pn_path path = here(walk);
        int content, is_new;

        if (walk->counts.files >= walk->limits.files)
                return tell_limit(walk, "files", walk->limits.files, err);
        content = open_content(walk, fd);
        if (content < 0)
                return tell_unopened(walk, errno, "open", id.mount, err);
        /* seen is what was opened: a link to a file that could not be is tried again */
        is_new = honest ? pn_seen_add(&walk->seen, id.dev, id.ino, id.changed) : 1;
        if (is_new <= 0) {
                (void)close(content);
                return is_new == 0 ? 0 : pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a file");
        }
        walk->counts.files++;
        return walk->sink.file(walk->sink.ctx, content, size, &path, err);
}

static int meet(struct pn_walk *walk, uint64_t mount)
{
        uint64_t *more;

        if (pn_walk_met(walk, mount))
                return 0;
        more = reallocarray(walk->met, walk->met_count + 1, sizeof(*more));
        if (!more)
                return -1;
        walk->met = more;
        walk->met[walk->met_count++] = mount;
        return 0;
}

/* Is this mount one whose files are not content? Fills *ret_honest for those that are. */
static int look_mount(struct pn_walk *walk, int fd, struct pn_walk_id id, bool *ret_honest, bool *ret_skip,
                      struct pn_err *err)
{
        struct pn_path path = here(walk);
        struct statfs fs;
        const char *name;

        if (fstatfs(fd, &fs) < 0)
                return tell_unopened(walk, errno, "statfs", id.mount, err);
        name = pn_pseudofs_name((uint64_t)fs.f_type);
        /* an overlay that nobody can write may have no upper layer, and then all numbers may be those of one lower file
         * system that tells what it likes */
        *ret_honest = pn_pseudofs_honest_inodes((uint64_t)fs.f_type) &&
                      !(fs.f_type == OVERLAY_MAGIC && (fs.f_flags & ST_RDONLY));
        *ret_skip = name != NULL;
        if (!name && meet(walk, id.mount) < 0)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a mount");
        return name ? walk->sink.note(walk->sink.ctx, id.mount, name, &path, err) : 0;
}

static int push_name(struct pn_walk *walk, const char *name, struct pn_err *err)
{
        size_t len = strlen(name) + 1;

        if (walk->names_len + len > PN_WALK_NAMES_BYTES)
                return tell_limit(walk, "directories", walk->limits.directories, err);
        if (walk->names_len + len > walk->names_slots) {
                size_t slots = walk->names_slots ? 2 * walk->names_slots : 4096;
                char *more = realloc(walk->names, slots);

                if (!more)
                        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a directory");
                walk->names = more;
                walk->names_slots = slots;
        }
        memcpy(walk->names + walk->names_len, name, len);
        walk->names_len += len;
        return 0;
}

static int list(struct pn_walk *walk, struct pn_err *err);

/* Makes the directory `fd` (O_PATH) the end of the chain and tells what it holds. */
static int enter(struct pn_walk *walk, int fd, struct pn_walk_id id, bool honest, struct pn_err *err)
{
        pn_autofd listing = -1;
        struct frame *frame;

        if (id.dev == walk->host_root.dev && id.ino == walk->host_root.ino) {
                struct pn_path path = here(walk);

                return walk->sink.note(walk->sink.ctx, id.mount, "the host's own root", &path, err);
        }
        if (walk->depth >= walk->limits.depth)
                return tell_limit(walk, "depth", walk->limits.depth, err);
        if (walk->counts.directories >= walk->limits.directories)
                return tell_limit(walk, "directories", walk->limits.directories, err);
        listing = openat(fd, ".", READ_DIR);
        if (listing < 0)
                return tell_unopened(walk, errno, "open directory", id.mount, err);
        if (walk->depth == walk->frame_slots) {
                size_t slots = walk->frame_slots ? 2 * walk->frame_slots : 64;
                struct frame *more = reallocarray(walk->frame, slots, sizeof(*more));

                if (!more)
                        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a directory");
                walk->frame = more;
                walk->frame_slots = slots;
        }
        if (walk->depth >= PN_WALK_FDS_MAX) {
                frame = &walk->frame[walk->depth - PN_WALK_FDS_MAX];
                if (frame->fd >= 0)
                        (void)close(pn_steal_fd(&frame->fd));
        }
        walk->frame[walk->depth++] =
                (struct frame){pn_steal_fd(&listing), id, honest, walk->cut, walk->path_len, walk->names_len,
                               walk->names_len};
        walk->counts.directories++;
        return list(walk, err);
}

/* Is the inode number its file system's own? Not where overlayfs passes on that of a layer on another file system
 * than its upper one, which may be FUSE or squashfs: such a file has another device than its directory or, with xino,
 * the layer's index in the highest bits (Documentation/filesystems/overlayfs). */
static bool own_number(struct pn_walk_id file, struct pn_walk_id dir)
{
        return file.dev == dir.dev && file.ino >> XINO_SHIFT == 0;
}

/* One name of the directory at the end of the chain. Directories are entered when `descend`, else remembered: the
 * listing is read to its end first, so that no cursor has to survive a closed descriptor. */
static int look_once(struct pn_walk *walk, const char *name, bool descend, struct pn_err *err)
{
        const struct frame dir = walk->frame[walk->depth - 1];
        bool honest = dir.honest, skip = false;
        struct pn_walk_id id;
        uint32_t mode;
        uint64_t size;
        pn_autofd fd = -1;

        path_push(walk, name);
        fd = pn_fd_open_entry(dir.fd, name);
        if (fd < 0)
                return tell_unopened(walk, errno, "open", dir.id.mount, err);
        if (pn_walk_identify(fd, &id, &mode, &size) < 0)
                return tell_unopened(walk, errno, "stat", dir.id.mount, err);
        if (descend && !S_ISDIR(mode))
                return tell_issue(walk, PN_ISSUE_CONTENT, 0, "a directory was replaced during the scan", err);
        if (S_ISDIR(mode) && !descend)
                return push_name(walk, name, err);
        if (!S_ISDIR(mode) && !S_ISREG(mode)) {
                uint64_t *counter = S_ISLNK(mode) ? &walk->counts.links : &walk->counts.specials;

                if (++*counter > walk->limits.files)
                        return tell_limit(walk, "files", walk->limits.files, err);
                return 0;
        }
        if (id.mount != dir.id.mount || id.dev != dir.id.dev) {
                if (look_mount(walk, fd, id, &honest, &skip, err) < 0)
                        return -1;
                if (skip || walk->gone)
                        return 0;
        }
        if (S_ISDIR(mode))
                return enter(walk, fd, id, honest, err);
        return look_file(walk, fd, id, honest && own_number(id, dir.id), size, err);
}

static bool take_gone(struct pn_walk *walk)
{
        bool gone = walk->gone;

        walk->gone = false;
        return gone;
}

/* look_once(), and once more as long as what was found turns out to be gone while its name is still there: a file that
 * was replaced, or one of whose old self the kernel still had a memory (ESTALE; asking by name makes it forget). Only
 * a name that is not there by now was removed, and only that is no issue. */
static int look(struct pn_walk *walk, const char *name, bool descend, struct pn_err *err)
{
        const struct frame dir = walk->frame[walk->depth - 1];

        for (unsigned tries = 0; tries < LOOK_TRIES; tries++) {
                struct pn_path path;
                struct statx st;

                path_reset(walk, &dir);
                if (look_once(walk, name, descend, err) < 0)
                        return -1;
                if (!take_gone(walk))
                        return 0;
                path = here(walk);
                if (statx(dir.fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0 && errno == ENOENT)
                        return walk->sink.note(walk->sink.ctx, dir.id.mount, "removed during the scan", &path, err);
        }
        return tell_issue(walk, PN_ISSUE_CONTENT, 0, "replaced again and again during the scan", err);
}

/* The directory at the end of the chain cannot be read: was it removed, or is it still there? */
static int tell_unread(struct pn_walk *walk, int fd, struct pn_err *err)
{
        int code = errno;
        struct pn_path path = here(walk);
        struct stat st;

        if (code == ENOENT && fstat(fd, &st) == 0 && st.st_nlink == 0)
                return walk->sink.note(walk->sink.ctx, 0, "removed during the scan", &path, err);
        return tell_issue(walk, PN_ISSUE_CONTENT, code, "read directory", err);
}

/* Reads the directory at the end of the chain to its end. */
static int list(struct pn_walk *walk, struct pn_err *err)
{
        const struct frame dir = walk->frame[walk->depth - 1];

        while (!walk->stopped) {
                ssize_t n = getdents64(dir.fd, walk->entries, sizeof(walk->entries));

                if (n < 0)
                        return tell_unread(walk, dir.fd, err);
                if (n == 0)
                        break;
                for (ssize_t at = 0; at < n && !walk->stopped;) {
                        const struct dirent64 *entry = (const struct dirent64 *)(walk->entries + at);
                        int bad = 0;

                        at += entry->d_reclen;
                        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
                                bad = look(walk, entry->d_name, false, err);
                        path_reset(walk, &dir);
                        if (bad < 0)
                                return -1;
                }
        }
        return 0;
}

/* Leaves the directory at the end of the chain; its parent's descriptor is opened again if it was given up. */
static int leave(struct pn_walk *walk, struct pn_err *err)
{
        struct frame *top = &walk->frame[walk->depth - 1];
        pn_autofd fd = pn_steal_fd(&top->fd);
        struct frame *parent = walk->depth > 1 ? top - 1 : NULL;
        struct pn_walk_id id;

        walk->names_len = top->names_first;
        walk->depth--;
        if (!parent)
                return 0;
        path_reset(walk, parent);
        if (parent->fd >= 0)
                return 0;
        parent->fd = openat(fd, "..", READ_DIR);
        if (parent->fd < 0)
                return walk->stopped = true, tell_issue(walk, PN_ISSUE_CONTENT, errno, "open directory again", err);
        if (pn_walk_identify(parent->fd, &id, NULL, NULL) < 0 || !same(id, parent->id)) {
                walk->stopped = true;
                return tell_issue(walk, PN_ISSUE_CONTENT, 0, "a directory was moved during the scan", err);
        }
        return 0;
}

static int run_chain(struct pn_walk *walk, struct pn_err *err)
{
        while (walk->depth > 0 && !walk->stopped) {
                struct frame *top = &walk->frame[walk->depth - 1];
                size_t depth = walk->depth;
                const char *name;

                if (top->names_next == walk->names_len) {
                        if (leave(walk, err) < 0)
                                return -1;
                        continue;
                }
                name = walk->names + top->names_next; /* of any length: FUSE and others do not stop at NAME_MAX */
                top->names_next += strlen(name) + 1;
                if (look(walk, name, true, err) < 0)
                        return -1;
                if (walk->depth == depth)
                        path_reset(walk, &walk->frame[depth - 1]);
        }
        return 0;
}

/* The root itself, and what is below it. */
static int run(struct pn_walk *walk, int root_fd, uint32_t mode, uint64_t size, struct pn_err *err)
{
        bool honest = false, skip = false;
        int ret;

        if (look_mount(walk, root_fd, walk->root, &honest, &skip, err) < 0)
                return -1;
        if (skip || walk->stopped || walk->gone)
                return 0;
        if (S_ISREG(mode)) /* whose number it is cannot be asked without its directory */
                return look_file(walk, root_fd, walk->root, false, size, err);
        if (!S_ISDIR(mode)) {
                walk->counts.specials++;
                return 0;
        }
        ret = enter(walk, root_fd, walk->root, honest, err);
        if (ret == 0)
                ret = run_chain(walk, err);
        while (walk->depth > 0) {
                int fd = walk->frame[--walk->depth].fd;

                if (fd >= 0)
                        (void)close(fd);
        }
        walk->names_len = 0;
        return ret;
}

int pn_walk_run(struct pn_walk *walk, int root_fd, const char *label, struct pn_err *err)
{
        uint32_t mode;
        uint64_t size;

        if (pn_walk_identify(root_fd, &walk->root, &mode, &size) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "stat the root");
        walk->path_len = 0;
        walk->cut = false;
        walk->volume = label[0] != '\0';
        if (walk->volume)
                path_push(walk, label);
        if (run(walk, root_fd, mode, size, err) < 0)
                return -1;
        return take_gone(walk) ? tell_issue(walk, PN_ISSUE_CONTENT, 0, "gone while it was looked at", err) : 0;
}

int pn_walk_new(const struct pn_limits *limits, int fds_dir, struct pn_walk_id host_root,
                const struct pn_walk_sink *sink, struct pn_walk **ret, struct pn_err *err)
{
        struct pn_walk *walk = calloc(1, sizeof(*walk));

        if (!walk)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "begin the walk");
        walk->limits = *limits;
        walk->fds_dir = fds_dir;
        walk->host_root = host_root;
        walk->sink = *sink;
        *ret = walk;
        return 0;
}

struct pn_walk *pn_walk_free(struct pn_walk *walk)
{
        if (!walk)
                return NULL;
        pn_seen_clear(&walk->seen);
        free(walk->frame);
        free(walk->names);
        free(walk->met);
        free(walk);
        return NULL;
}

bool pn_walk_met(const struct pn_walk *walk, uint64_t mount)
{
        for (size_t i = 0; i < walk->met_count; i++)
                if (walk->met[i] == mount)
                        return true;
        return false;
}

const struct pn_walk_counts *pn_walk_counted(const struct pn_walk *walk)
{
        return &walk->counts;
}
