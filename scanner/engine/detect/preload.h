/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_PRELOAD_H
#define PN_DETECT_PRELOAD_H

/* etc/ld.so.preload: ld.so(8) loads every library it names into every program, which is how user-land rootkits get in.
 * The file is a list of paths separated by blanks, colons or newlines; "#" begins a comment (elf/rtld.c of glibc). */

#include "scanner/base/err.h"
#include "scanner/engine/object.h"
#include "scanner/finding/finding.h"

#define PN_PRELOAD_PATH      "etc/ld.so.preload"
#define PN_PRELOAD_BYTES_MAX (64U << 10) /* more is not a list of libraries, and is told as one all the same */

/* 1 and *ret (all but path, size, digest) when `file` names a library, 0 when it names none, -1 with PN_FAULT_HOST and errno
 * when it cannot be read. */
int pn_preload_look(const struct pn_object *file, struct pn_finding *ret, struct pn_err *err);

#endif
