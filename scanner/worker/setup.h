/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_WORKER_SETUP_H
#define PN_WORKER_SETUP_H

/* What the supervisor tells a worker before the jail closes: LIMITS, for the walker the ROOTs, for the others
 * their PARTs of the generation, for the parser RULES, then GO (scanner/ipc/proto.h). */

#include "scanner/base/err.h"
#include "scanner/worker/role.h"

/* Takes the setup from `sock` up to GO into `worker`, which starts out as PN_WORKER_INIT. -1: PN_FAULT_HOST when the
 * supervisor is gone or memory ran out, PN_FAULT_TARGET or PN_FAULT_BUG for a message that cannot be. Either way
 * what was taken is in `worker`, for pn_worker_clear(). */
#define PN_WORKER_INIT {.rules_fd = -1, .part = {[0 ... PN_PART_KINDS - 1] = {.fd = -1}}}
int pn_worker_set_up(struct pn_worker *worker, int sock, struct pn_err *err);

/* Closes and frees what the setup brought. */
void pn_worker_clear(struct pn_worker *worker);

#endif
