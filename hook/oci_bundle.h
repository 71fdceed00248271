/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_HOOK_OCI_BUNDLE_H
#define PN_HOOK_OCI_BUNDLE_H

/* config.json of a bundle: OCI runtime specification 1.2, config.md "Root" and "Mounts". */

#include <stdbool.h>
#include <stddef.h>

#include "scanner/base/err.h"

#define PN_CONFIG_BYTES_MAX (16U << 20)
#define PN_MOUNTS_MAX       16384

struct pn_mount {
        char *destination; /* absolute, in the container; ".." is left in */
        char *type;        /* "" when absent */
        char *source;      /* of a bind: absolute on the host (a relative one is taken from the bundle); of others: as
                            * written, a word such as "tmpfs", "" when absent */
        bool bind;         /* type bind, or an option bind or rbind */
};

struct pn_bundle {
        char *root_path; /* absolute: root.path, taken from the bundle when it is relative; neither
                          * links nor ".." are resolved */
        struct pn_mount *mount;
        size_t mount_count;
};

/* Reads <bundle_dir>/config.json through a descriptor of the bundle directory (absolute path, opened O_PATH).
 * Only the last component is opened without following; a directory, a FIFO or a device in its place is an error.
 * -1 with PN_FAULT_HOST: no such bundle, not a directory, config.json missing or unreadable, broken JSON,
 * duplicate keys, no root object, no root.path or an empty one, a mount without destination, a bind without source.
 * PN_FAULT_TARGET: over the ceilings. Errors name file and key ("config.json: mounts[3].destination: missing"). */
int pn_bundle_read(const char *bundle_dir, struct pn_bundle *ret, struct pn_err *err);

/* The same from memory; nothing is opened. A `bundle_dir` that is not absolute is PN_FAULT_BUG. */
int pn_bundle_parse(const char *bundle_dir, const char *json, size_t len, struct pn_bundle *ret,
                    struct pn_err *err);
void pn_bundle_clear(struct pn_bundle *bundle);

#endif
