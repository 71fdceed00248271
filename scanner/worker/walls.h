/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_WORKER_WALLS_H
#define PN_WORKER_WALLS_H

/* The walls one by one, for sandbox.c, which alone knows their order. */

#include <stdbool.h>
#include <stddef.h>

#include "scanner/base/err.h"
#include "scanner/worker/sandbox.h"

#define PN_NOBODY 65534 /* uid and gid where a user namespace has no better one: owns no file of the node */

/* Drops user, groups and capabilities for good and reads back what is left. With `keep_search`
 * CAP_DAC_READ_SEARCH stays, where it was there to begin with. A step is skipped only when the privilege it
 * takes is missing, and then there is nothing it could have dropped. `id` is the uid and gid to have; PN_NOBODY is
 * taken where it has no mapping. *ret_uid_dropped: one of the two was had. Returns 0, or -1 with PN_FAULT_HOST and the step's name. */
int pn_privilege_drop(bool keep_search, unsigned id, bool *ret_uid_dropped, struct pn_err *err);

/* Landlock: nothing may be opened but what lies below `readable`, and that for reading only.
 * *ret_abi: version in force, 0 where the kernel has none. -1 with PN_FAULT_HOST for any other failure. */
int pn_landlock_enter(const int *readable, unsigned count, int *ret_abi, struct pn_err *err);

/* The system call filter of `role`, on all threads. The process may not fork afterwards, so it is built for
 * this very process. *ret_instructions may be NULL. -1 with PN_FAULT_HOST. */
int pn_seccomp_enter(enum pn_role role, size_t *ret_instructions, struct pn_err *err);

#endif
