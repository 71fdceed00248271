/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_HOOK_OCI_STATE_H
#define PN_HOOK_OCI_STATE_H

/* The state of a container, as a runtime writes it to a hook's standard input:
 * OCI runtime specification 1.2, runtime.md "State". */

#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"

#define PN_STATE_BYTES_MAX (16U << 20) /* annotations come from users: 300 kB were seen to pass */
#define PN_STATE_ID_MAX    1024

struct pn_state {
        char *id;      /* chosen by users: never printed unescaped, never part of a path */
        char *bundle;  /* absolute */
        int64_t pid;   /* 0 when absent or null, else 1..INT_MAX */
        char *status;  /* "creating" (runc), "created" (crun), "" */
};

/* Reads `fd` to its end, at most PN_STATE_BYTES_MAX and until `deadline_ms` (pn_clock_now_ms()), and keeps
 * draining (without storing) what is over the ceiling, so that the runtime never sees a broken pipe.
 * A closed or missing descriptor, an empty input, broken JSON, duplicate keys, a missing or empty id or bundle, a
 * bundle that is not absolute, a negative pid: -1 with PN_FAULT_HOST. Over a ceiling: PN_FAULT_TARGET. Deadline:
 * PN_FAULT_BUDGET. Keys that are not ours are left alone: crun writes some that the specification does not have.
 * Errors name the key. */
int pn_state_read(int fd, int64_t deadline_ms, struct pn_state *ret, struct pn_err *err);

/* The same from memory. */
int pn_state_parse(const char *json, size_t len, struct pn_state *ret, struct pn_err *err);
void pn_state_clear(struct pn_state *state);

#endif
