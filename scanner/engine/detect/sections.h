/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_SECTIONS_H
#define PN_DETECT_SECTIONS_H

/* The section table. Nobody who starts a program reads it: it may say anything, and a lie in it is a finding,
 * not an error. */

#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/detect/image.h"

struct pn_section {
        uint32_t name, type, link, info;
        uint64_t flags, vaddr, offset, bytes, entry_bytes;
};

/* Is there a section table that lies within the file? */
bool pn_sections_begin(struct pn_image *image, struct pn_image_table *ret);

/* 1 with the next section, 0 behind the last, -1 as pn_image_peek(). */
int pn_sections_next(struct pn_image_table *table, struct pn_section *ret, struct pn_err *err);

/* Has every section that takes memory lost its bytes (objcopy --only-keep-debug)? 1, 0, -1 as
 * pn_image_peek(). */
int pn_sections_emptied(struct pn_image *image, struct pn_err *err);

#endif
