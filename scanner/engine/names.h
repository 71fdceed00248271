/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_NAMES_H
#define PN_ENGINE_NAMES_H

/* The external variables that rules may ask about, as the scanners LOKI and THOR define them: the file's own name, its
 * directory below the container's root with a leading slash ("/usr/bin"; "/" for the root itself), the name's ending
 * with its dot ("" without one), and "ELF". Hostile bytes, NUL-terminated; what a path holds is what the image wrote. */

#include <stddef.h>
#include <stdint.h>

#define PN_NAMES_PATH_MAX 8192

enum pn_name { PN_NAME_FILENAME, PN_NAME_FILEPATH, PN_NAME_EXTENSION, PN_NAME_FILETYPE, PN_NAMES };

struct pn_names {
        const char *value[PN_NAMES]; /* point into `room` or to constants */
        char room[3 * (PN_NAMES_PATH_MAX + 2)];
};

/* "filename", "filepath", "extension", "filetype". */
extern const char *const pn_name_words[PN_NAMES];

/* Cuts `path` (no leading slash, as in struct pn_path) into names. */
void pn_names_set(struct pn_names *names, const void *path, size_t len);

#endif
