/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/frames.h"

#include <elf.h>
#include <string.h>

#define HEADER_BYTES 12U

int pn_frames_open(struct pn_image *image, struct pn_frames *ret, struct pn_err *err)
{
        static const uint8_t usual[4] = {1, 0x1b, 0x03, 0x3b}; /* pcrel|sdata4, udata4, datarel|sdata4 */
        uint8_t header[HEADER_BYTES];
        int result;

        *ret = (struct pn_frames){0};
        for (uint32_t i = 0; i < image->elf->segment_count; i++)
                if (image->elf->segment[i].type == PT_GNU_EH_FRAME)
                        ret->vaddr = image->elf->segment[i].vaddr;
        if (ret->vaddr == 0)
                return 0;
        result = pn_image_mem(image, ret->vaddr, header, sizeof(header), err);
        if (result > 0 && memcmp(header, usual, sizeof(usual)) == 0)
                ret->count = (uint32_t)pn_image_uint(image, header + 8, 4);
        if (ret->count > image->file->size_bytes / 8)
                ret->count = 0;
        return result < 0 ? -1 : 0;
}

static int start_of(struct pn_image *image, const struct pn_frames *frames, uint32_t row, uint64_t *ret,
                    struct pn_err *err)
{
        uint8_t bytes[4];
        int result =
                pn_image_mem(image, frames->vaddr + HEADER_BYTES + 8ULL * row, bytes, sizeof(bytes), err);

        if (result > 0)
                *ret = frames->vaddr + (uint64_t)(int64_t)(int32_t)(uint32_t)pn_image_uint(image, bytes, 4);
        return result;
}

int pn_frames_find(struct pn_image *image, struct pn_frames *frames, uint64_t vaddr, uint64_t *ret_start,
                   struct pn_err *err)
{
        uint32_t low = 0, high = frames->count;
        uint64_t from = 0, to = UINT64_MAX;

        if (vaddr - frames->from < frames->to - frames->from) {
                *ret_start = frames->from;
                return 1;
        }
        while (low < high) {
                uint32_t middle = low + (high - low) / 2;
                uint64_t start;
                int result = start_of(image, frames, middle, &start, err);

                if (result <= 0)
                        return result;
                if (start <= vaddr) {
                        from = start;
                        low = middle + 1;
                } else {
                        to = start;
                        high = middle;
                }
        }
        if (low == 0)
                return 0;
        frames->from = from;
        frames->to = to;
        *ret_start = from;
        return 1;
}
