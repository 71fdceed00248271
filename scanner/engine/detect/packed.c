/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <string.h>

#include "scanner/engine/detect/work.h"

#define TAIL_BYTES 128U     /* UPX ends a file with a header of 32 bytes and up to a few words */
#define SAMPLE_BYTES 16384U /* of code, to see whether it looks random */
#define SAMPLE_LEAST 4096U

static bool holds(const uint8_t *bytes, size_t len, const char *word, size_t word_len)
{
        return memmem(bytes, len, word, word_len) != NULL;
}

/* UPX writes l_info behind the program headers (checksum, "UPX!", sizes, version, format), and its header at
 * the end. */
int pn_stage_upx(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        const struct pn_elf *elf = work->input->elf;
        uint64_t size = work->input->file->size_bytes, at;
        uint64_t behind =
                elf->segments_offset +
                (uint64_t)elf->segment_count * (elf->is64 ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));
        uint8_t bytes[TAIL_BYTES];
        int result;

        if (elf->segment_count == 0)
                return 0;
        result = pn_image_file(&work->image, behind, bytes, 12, err);
        at = behind + 4;
        if ((result > 0 && memcmp(bytes + 4, "UPX!", 4) != 0) || result == 0) {
                if (elf->section_count > 0 || size < TAIL_BYTES)
                        return 0; /* UPX leaves no section table */
                at = size - TAIL_BYTES;
                result = pn_image_file(&work->image, at, bytes, TAIL_BYTES, err);
                if (result > 0 && !holds(bytes, TAIL_BYTES, "UPX!", 4))
                        result = 0;
        }
        if (result > 0)
                pn_places_add_file(ret_places, work, "upx", at, 16);
        return result;
}

/* Sum of squares of how often each byte comes: 1/256 of n * n for random bytes, 1/60 and more for code.
 * Below 1.25/256 it is compressed or encrypted. */
static int looks_random(struct pn_work *work, const struct pn_elf_segment *load, struct pn_err *err)
{
        uint64_t left = load->file_bytes, at = load->offset + left / 4, total = 0, sum = 0;
        unsigned count[256] = {0};

        if (left < SAMPLE_LEAST)
                return 0;
        left = left / 2 < SAMPLE_BYTES ? left / 2 : SAMPLE_BYTES;
        while (total < left) {
                const uint8_t *bytes;
                size_t there;
                int result = pn_image_peek(&work->image, at + total, &bytes, &there, err);

                if (result <= 0)
                        return result;
                if (there > left - total)
                        there = (size_t)(left - total);
                for (size_t i = 0; i < there; i++)
                        count[bytes[i]]++;
                total += there;
        }
        for (unsigned i = 0; i < 256; i++)
                sum += (uint64_t)count[i] * count[i];
        return sum * 256 * 4 < total * total * 5;
}

/* A program that unpacks itself, whatever it calls its packer: nothing for tools or for ld.so to read, and
 * bytes that may run and look random, or memory that may be written and run at once with random bytes
 * somewhere. */
int pn_stage_packed(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        const struct pn_elf *elf = work->input->elf;

        if ((elf->type != ET_EXEC && elf->type != ET_DYN) || elf->section_count > 0 || work->dynamic.there ||
            elf->entry == 0)
                return 0;
        for (unsigned i = 0; i < work->image.load_count; i++) {
                const struct pn_elf_segment *load = work->image.load[i];
                int result = load->flags & PF_X ? looks_random(work, load, err) : 0;

                if (result > 0)
                        pn_places_add_file(ret_places, work, "segment", load->offset + load->file_bytes / 4,
                                           32);
                if (result != 0)
                        return result;
        }
        return 0;
}
