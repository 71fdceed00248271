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
        char *destination; /* absolute, in the container */
        char *type;        /* "" when absent */
        char *source;      /* absolute on the host (relative ones are taken from the bundle), "" when absent */
        bool bind;         /* type bind, or an option bind or rbind */
};

struct pn_bundle {
        char *root_path; /* absolute: root.path, taken from the bundle when it is relative; links not resolved */
        struct pn_mount *mount;
        size_t mount_count;
};

/* Reads <bundle_dir>/config.json through a descriptor of the bundle directory (absolute path, opened O_PATH).
 * Only the last component is opened without following; a directory, a FIFO or a device in its place is an error.
 * -1 with PN_FAULT_HOST: no such bundle, not a directory, config.json missing or unreadable, broken JSON,
 * duplicate keys, no root object, no root.path or an empty one, a mount without destination. PN_FAULT_TARGET: over
 * the ceilings. Errors name file and key ("config.json: mounts[3].destination: missing"). */
int pn_bundle_read(const char *bundle_dir, struct pn_bundle *ret, struct pn_err *err);

/* The same from memory. */
int pn_bundle_parse(const char *bundle_dir, const char *json, size_t len, struct pn_bundle *ret,
                    struct pn_err *err);
void pn_bundle_clear(struct pn_bundle *bundle);

#endif
