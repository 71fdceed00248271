/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_POLICY_TRUST_H
#define PN_POLICY_TRUST_H

/* Files that decide what starts on this node: only root may be able to change them, or to put others in their
 * place. scanner/base/fd.h looks at the file, this at the directory that it stands in. */

#include <stddef.h>

#include "scanner/base/err.h"

/* Opens the directory `path`. Refuses what is not owned by root or by the caller's own effective uid, and
 * what group or others can write to, unless it is sticky. *ret_fd is the caller's. Returns 0, or -1 with
 * PN_FAULT_CONFIG; err->code is ENOENT exactly when there is nothing of that name. */
int pn_trust_open_dir(const char *path, int *ret_fd, struct pn_err *err);

/* pn_trust_open_dir() of the directory part of `path`, pn_fd_read_trusted() of the rest. */
int pn_trust_read(const char *path, size_t max_bytes, char **ret_data, size_t *ret_len, struct pn_err *err);

#endif
