/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_HOOK_ADMIT_H
#define PN_HOOK_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "hook/exitcode.h"
#include "scanner/base/err.h"

struct pn_admit {
        const char *config; /* policy.json */
        const char *worker; /* postern-worker */
        int state_fd;       /* where the runtime's state comes from; -1: there is none */
        int64_t begin_ms;   /* pn_clock_now_ms() when the process began */
        bool verbose;       /* tell of plain admissions too */
        const struct pn_err *unfit; /* why the process is not fit to work (pn_process_prepare()), or NULL */
};

/* The product in one function: state, bundle, view, scan, decision, report. Returns the exit code. Whatever goes
 * wrong on the way becomes an issue of its class and is decided upon like all others; only a policy that cannot be
 * read decides for itself (PN_EXIT_CONFIG). */
enum pn_exit pn_admit(const struct pn_admit *admit);

#endif
