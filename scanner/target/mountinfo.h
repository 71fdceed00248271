/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TARGET_MOUNTINFO_H
#define PN_TARGET_MOUNTINFO_H

#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/view.h"

/* One line of /proc/PID/mountinfo, proc_pid_mountinfo(5):
 *
 *     id parent major:minor root point options *optional "-" type source super-options
 *
 * Fields are separated by single spaces; space, tab, newline and backslash inside them are octal-escaped. The
 * views point into the line and are still escaped. */
struct pn_mountinfo {
        uint64_t id, parent;
        uint32_t major, minor;
        struct pn_view root, point, options, type, source, super;
};

/* Takes the next line off the front of `text`. 1 with a record, 0 at the end, -1 when the line is not of this form
 * (it is taken off all the same). */
int pn_mountinfo_next(struct pn_view *text, struct pn_mountinfo *ret);

/* The mount with `id`; false when there is none. */
bool pn_mountinfo_find(struct pn_view text, uint64_t id, struct pn_mountinfo *ret);

/* Undoes the octal escapes of one field into `dst` (not NUL-terminated); `cap` is at least field.len.
 * Returns the length. An escape that is none of three octal digits up to 377 stays as it is. */
size_t pn_mountinfo_unescape(struct pn_view field, char *dst, size_t cap);

#endif
