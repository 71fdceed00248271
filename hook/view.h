/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_HOOK_VIEW_H
#define PN_HOOK_VIEW_H

#include <stddef.h>
#include <stdint.h>

/* The container's own view of its files, before it pivots: /proc/PID/root of its init process. */
struct pn_view_of {
        int root_fd;         /* O_PATH; -1 when there is no view */
        const char *missing; /* why not; "" when there is one */
        char *mountinfo;     /* text of /proc/PID/mountinfo, or of our own; NULL when unreadable */
        size_t mountinfo_len;
};

/* Opens the view of process `pid`. There is none when the process is gone, or when it shares our mount namespace
 * (then it is not the container: its pid was used again, or the state is wrong). Touches nothing below the root. */
void pn_view_open(int64_t pid, struct pn_view_of *ret);
void pn_view_close(struct pn_view_of *view);

#endif
