/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TARGET_WALK_H
#define PN_TARGET_WALK_H

/* The walk over a hostile tree: descriptors first, no path is ever resolved, no link followed, nothing but a regular
 * file opened for reading. Iterative, with its own stack and at most PN_WALK_FDS_MAX directories open. */

#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/finding/finding.h"
#include "scanner/finding/limits.h"

#define PN_WALK_FDS_MAX     32U         /* open directories of the chain; farther ones are found again by ".." */
#define PN_WALK_NAMES_BYTES (64U << 20) /* names of directories still to be entered */
#define PN_WALK_ISSUES_MAX  4096U       /* unreadable things told one by one; one more ends the walk */

/* Identity of a directory or file while it is looked at. */
struct pn_walk_id {
        uint64_t dev, ino, mount;
        uint64_t changed; /* ctime in ns: not part of who it is, but of whether it was seen */
};

struct pn_walk_counts {
        uint64_t files, directories, links, specials;
};

/* Who is told. Each returns 0, or -1 to end the walk with `err` set. `path` is borrowed. */
struct pn_walk_sink {
        void *ctx;
        /* One regular file, opened O_RDONLY|O_NONBLOCK; the descriptor is the sink's. */
        int (*file)(void *ctx, int fd, uint64_t size_bytes, const struct pn_path *path, struct pn_err *err);
        /* Something that is rightly not looked at. */
        int (*note)(void *ctx, uint64_t mount, const char *text, const struct pn_path *path, struct pn_err *err);
        /* Something that should have been looked at and was not. */
        int (*issue)(void *ctx, enum pn_issue_class cls, const char *text, const struct pn_path *path,
                     struct pn_err *err);
};

struct pn_walk;

/* `fds_dir` is an open /proc/self/fd (the caller's): a file found with O_PATH is opened for reading through it, so
 * that what is read is what was looked at. `host_root` is the node's own "/": it is noted and never entered.
 * -1 with PN_FAULT_HOST. */
int pn_walk_new(const struct pn_limits *limits, int fds_dir, struct pn_walk_id host_root,
                const struct pn_walk_sink *sink, struct pn_walk **ret, struct pn_err *err);
struct pn_walk *pn_walk_free(struct pn_walk *walk);

/* Walks the tree (or the single file) that `root_fd` (O_PATH, the caller's) is; names are told below `label`, which
 * is "" or a path without a slash at either end. May be called for several roots; a file that was told once is not
 * told again on file systems with honest inode numbers.
 * Returns 0 when the end was reached (issues may have been told), or -1: the sink's error, PN_FAULT_HOST (no
 * descriptors or memory left). */
int pn_walk_run(struct pn_walk *walk, int root_fd, const char *label, struct pn_err *err);

/* Was the mount with this id entered by the walk (and not skipped, nor out of reach below one that was)? */
bool pn_walk_met(const struct pn_walk *walk, uint64_t mount);

const struct pn_walk_counts *pn_walk_counted(const struct pn_walk *walk);

/* Identity by statx(2) of an O_PATH descriptor; `mount` is 0 where the kernel does not tell it (before 5.8).
 * *ret_mode and *ret_size may be NULL. Returns 0, or -1 with errno. */
int pn_walk_identify(int fd, struct pn_walk_id *ret, uint32_t *ret_mode, uint64_t *ret_size);


#endif
