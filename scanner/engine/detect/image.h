/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_IMAGE_H
#define PN_DETECT_IMAGE_H

/* An ELF file as it would lie in memory: addresses become file offsets by PT_LOAD, as the kernel and ld.so
 * map them (whole pages, the later segment over the earlier). Reads go through a small cache of file pages
 * and count. */

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "scanner/base/err.h"
#include "scanner/engine/elf.h"
#include "scanner/engine/object.h"

#define PN_IMAGE_LOADS_MAX 256     /* PT_LOAD; stock files have at most 10, ld.so keeps them on its stack */
#define PN_IMAGE_PAGE_BYTES 16384U /* one pread: the tables of most files fit into two of them */
#define PN_IMAGE_PAGES 256U        /* kept at once: 4 MiB, memory of the worker */
#define PN_IMAGE_MIN_BYTES (8ULL << 20)   /* may always be read, whatever the file's size */
#define PN_IMAGE_MAX_BYTES (512ULL << 20) /* may be read of one file: an eighth of a second */

struct pn_image_page {
        uint64_t number; /* of the file; valid when `bytes` is set */
        uint32_t len;    /* less at the end of the file */
        uint8_t *bytes;  /* owned */
};

struct pn_image {
        const struct pn_object *file;
        const struct pn_elf *elf;
        const struct pn_elf_segment *load[PN_IMAGE_LOADS_MAX];
        unsigned load_count;
        uint64_t read_bytes, may_read_bytes;
        struct pn_image_page page[PN_IMAGE_PAGES];
};

/* What one byte of memory is. */
enum pn_image_kind { PN_IMAGE_NONE, PN_IMAGE_FILE, PN_IMAGE_ZERO };

/* `file` and `elf` must outlive it. Returns 0, to be closed; or -1 with PN_FAULT_TARGET. */
int pn_image_open(struct pn_image *image, const struct pn_object *file, const struct pn_elf *elf,
                  struct pn_err *err);
void pn_image_close(struct pn_image *image);

/* Where `vaddr` lies: its segment and offset when it is of the file, and how many bytes behind it go on the
 * same way. */
enum pn_image_kind pn_image_map(const struct pn_image *image, uint64_t vaddr, uint64_t *ret_offset,
                                uint64_t *ret_len, const struct pn_elf_segment **ret_segment);

/* Flags (PF_R, PF_W, PF_X) of the segment that maps `vaddr`, 0 for none. */
uint32_t pn_image_flags(const struct pn_image *image, uint64_t vaddr);

/* The bytes at `offset` of the file that lie in one page: *ret points into the cache until the next read,
 * *ret_len > 0. 1, 0 behind the end of the file, or -1: PN_FAULT_BUDGET (too much read, no memory),
 * PN_FAULT_HOST. */
int pn_image_peek(struct pn_image *image, uint64_t offset, const uint8_t **ret, size_t *ret_len,
                  struct pn_err *err);

/* All of `len` bytes at `offset`, or at `vaddr`. 1, 0 when they are not all there, -1 as pn_image_peek(). */
int pn_image_file(struct pn_image *image, uint64_t offset, void *buf, size_t len, struct pn_err *err);
int pn_image_mem(struct pn_image *image, uint64_t vaddr, void *buf, size_t len, struct pn_err *err);

/* An unsigned number of the file's byte order, of 2, 4 or 8 bytes. By whole words: tables have millions of
 * them. */
static inline uint64_t pn_image_uint(const struct pn_image *image, const uint8_t *bytes, unsigned size)
{
        bool big = image->elf->big_endian;
        uint16_t two;
        uint32_t four;
        uint64_t eight;

        switch (size) {
        case 2:
                memcpy(&two, bytes, sizeof(two));
                return big ? be16toh(two) : le16toh(two);
        case 4:
                memcpy(&four, bytes, sizeof(four));
                return big ? be32toh(four) : le32toh(four);
        default:
                memcpy(&eight, bytes, sizeof(eight));
                return big ? be64toh(eight) : le64toh(eight);
        }
}

/* The string at `vaddr`, cut to `room` - 1 bytes. 1, 0 when it has no end within the mapped bytes (or begins
 * nowhere), -1 as pn_image_peek(); *ret_cut says whether it was longer. */
int pn_image_string(struct pn_image *image, uint64_t vaddr, char *buf, size_t room, bool *ret_cut,
                    struct pn_err *err);

/* A table of entries of one size, one after the other: in memory at a vaddr or in the file at an offset. */
struct pn_image_table {
        struct pn_image *image;
        bool in_file;
        uint64_t at, left;    /* of the next entry; entries left */
        unsigned entry_bytes; /* at most 64 */
        const uint8_t *run;   /* what of it lies in the cache; good until somebody else reads */
        size_t run_len;
        uint64_t reads; /* image->read_bytes when `run` was taken */
        uint8_t straddling[64];
};

/* The next entry, good until the next read. 1, 0 behind the last one, -1 with PN_FAULT_TARGET when it is not
 * mapped, or as pn_image_peek(). */
int pn_image_next(struct pn_image_table *table, const uint8_t **ret, struct pn_err *err);

#endif
