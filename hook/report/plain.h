/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_REPORT_PLAIN_H
#define PN_REPORT_PLAIN_H

/* What leaves this room for people's eyes: printable ASCII, whatever went in. */

#include <stddef.h>

#include "scanner/finding/finding.h"

/* A message of ours: its values have been through pn_text_escape() where it was made, so it stays as it is while
 * all of it is printable. A message that is not had a value that slipped by: all of it is escaped. Both end in
 * "..." when `cap` is too small. Every `cap` here is at least 16. */
void pn_plain_text(char *dst, size_t cap, const char *text);

/* A path by pn_text_escape(); one that does not fit begins with "..." and keeps its end, where the name of the
 * file is. Of a path that was cut before it came here the end is not known: it ends in "...". */
void pn_plain_path(char *dst, size_t cap, const struct pn_path *path);

/* Characters that pn_plain_path() needs for all of `path`, without the NUL. */
size_t pn_plain_path_length(const struct pn_path *path);

#endif
