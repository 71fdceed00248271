/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_HOOK_PROCESS_H
#define PN_HOOK_PROCESS_H

#include <stdbool.h>

#include "scanner/base/err.h"

/* Makes the process that a runtime has started fit to be relied on: signal mask and dispositions (crun blocks 60 of
 * 64), descriptors above 2, umask, environment, working directory, core dumps, and descriptors 0 to 2 where they are
 * missing. *ret_stdin_open tells whether there was a standard input. Then rlimits, which under crun are the
 * container's: raised where that is allowed; where what is left is too little to work with, -1 with
 * PN_FAULT_TARGET and the limit's name. */
int pn_process_prepare(bool *ret_stdin_open, struct pn_err *err);

/* jansson drops what it has no memory for (a string that is being read loses a byte) and goes on: with this, a JSON
 * text is read whole or the process ends with "out of memory" and `status`. For main() only. */
void pn_process_guard_json(int status);

/* The path of postern-worker: beside this program, else in the installation's libexec directory. The caller's to
 * free; NULL when memory ran out. */
char *pn_process_worker_path(void);

#endif
