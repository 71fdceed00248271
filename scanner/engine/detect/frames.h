/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_FRAMES_H
#define PN_DETECT_FRAMES_H

/* Where functions begin, by the sorted table of .eh_frame_hdr (PT_GNU_EH_FRAME):
 *
 *     header = version(1) encodings{3} eh_frame:s32 count:u32 *(start:s32 frame:s32)    relative to the
 * header */

#include <stdbool.h>
#include <stdint.h>

#include "scanner/engine/detect/image.h"

struct pn_frames {
        uint64_t vaddr;    /* of the header */
        uint32_t count;    /* 0: there is no table of the form that linkers write */
        uint64_t from, to; /* the function found last */
};

/* 0 or -1 as pn_image_peek(). */
int pn_frames_open(struct pn_image *image, struct pn_frames *ret, struct pn_err *err);

/* Where the function that holds `vaddr` begins. 1, 0 when the table knows none, -1 as pn_image_peek(). */
int pn_frames_find(struct pn_image *image, struct pn_frames *frames, uint64_t vaddr, uint64_t *ret_start,
                   struct pn_err *err);

#endif
