/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/image.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define MAP_BYTES 4096ULL /* what the kernel maps in; larger pages of other machines only map more */

int pn_image_open(struct pn_image *image, const struct pn_object *file, const struct pn_elf *elf,
                  struct pn_err *err)
{
        uint64_t may = PN_IMAGE_MIN_BYTES;

        image->file = file;
        image->elf = elf;
        image->load_count = 0;
        image->read_bytes = 0;
        memset(image->page, 0, sizeof(image->page));
        may += file->size_bytes < PN_IMAGE_MAX_BYTES ? 2 * file->size_bytes : 2 * PN_IMAGE_MAX_BYTES;
        image->may_read_bytes = may < PN_IMAGE_MAX_BYTES ? may : PN_IMAGE_MAX_BYTES;
        for (uint32_t i = 0; i < elf->segment_count; i++) {
                if (elf->segment[i].type != PT_LOAD || elf->segment[i].mem_bytes == 0)
                        continue;
                if (image->load_count == PN_IMAGE_LOADS_MAX)
                        return pn_err_set(err, PN_FAULT_TARGET, 0,
                                          "more than %d PT_LOAD in the program headers at %" PRIu64,
                                          PN_IMAGE_LOADS_MAX, elf->segments_offset);
                image->load[image->load_count++] = &elf->segment[i];
        }
        return 0;
}

void pn_image_close(struct pn_image *image)
{
        for (size_t i = 0; i < PN_IMAGE_PAGES; i++)
                free(image->page[i].bytes);
        memset(image->page, 0, sizeof(image->page));
}

/* ---------------------------------------------------------------- addresses */

/* The pages that a segment covers, [*ret_from, *ret_to); a segment that wraps round the address space covers
 * none. */
static bool covered(const struct pn_elf_segment *load, uint64_t *ret_from, uint64_t *ret_to)
{
        uint64_t end;

        if (__builtin_add_overflow(load->vaddr, load->mem_bytes, &end) || end > UINT64_MAX - MAP_BYTES)
                return false;
        *ret_from = load->vaddr & ~(MAP_BYTES - 1);
        *ret_to = (end + MAP_BYTES - 1) & ~(MAP_BYTES - 1);
        return true;
}

/* Within a segment: file bytes to the end of the last page it reads from the file, zeros where memory is
 * larger. */
static enum pn_image_kind within_segment(const struct pn_image *image, const struct pn_elf_segment *load,
                                         uint64_t vaddr, uint64_t to, uint64_t *ret_offset, uint64_t *ret_len)
{
        uint64_t file_end = load->vaddr + load->file_bytes, offset;

        if (load->mem_bytes <= load->file_bytes)
                file_end = to;
        if (vaddr >= file_end) {
                *ret_len = to - vaddr;
                return PN_IMAGE_ZERO;
        }
        /* the first page may begin before the segment; offset and address agree modulo the page, or nothing
         * loads it */
        if (vaddr < load->vaddr ? load->offset < load->vaddr - vaddr
                                : load->offset > UINT64_MAX - (vaddr - load->vaddr))
                return PN_IMAGE_NONE;
        offset = load->offset + (vaddr - load->vaddr);
        if (offset >= image->file->size_bytes)
                return PN_IMAGE_NONE;
        *ret_offset = offset;
        *ret_len = file_end - vaddr;
        if (*ret_len > image->file->size_bytes - offset)
                *ret_len = image->file->size_bytes - offset;
        return PN_IMAGE_FILE;
}

enum pn_image_kind pn_image_map(const struct pn_image *image, uint64_t vaddr, uint64_t *ret_offset,
                                uint64_t *ret_len, const struct pn_elf_segment **ret_segment)
{
        uint64_t from, to, limit = UINT64_MAX;
        enum pn_image_kind kind;

        for (unsigned i = image->load_count; i-- > 0;) {
                if (!covered(image->load[i], &from, &to))
                        continue;
                if (vaddr < from && from < limit)
                        limit = from; /* from there on a later segment lies over this one */
                if (vaddr < from || vaddr >= to)
                        continue;
                kind = within_segment(image, image->load[i], vaddr, to, ret_offset, ret_len);
                if (kind != PN_IMAGE_NONE && *ret_len > limit - vaddr)
                        *ret_len = limit - vaddr;
                if (ret_segment)
                        *ret_segment = image->load[i];
                return kind;
        }
        return PN_IMAGE_NONE;
}

uint32_t pn_image_flags(const struct pn_image *image, uint64_t vaddr)
{
        const struct pn_elf_segment *segment = NULL;
        uint64_t offset, len;

        return pn_image_map(image, vaddr, &offset, &len, &segment) == PN_IMAGE_NONE ? 0 : segment->flags;
}

/* ---------------------------------------------------------------- reading */

static int load_page(struct pn_image *image, struct pn_image_page *page, uint64_t number, struct pn_err *err)
{
        ssize_t n;

        if (image->read_bytes + PN_IMAGE_PAGE_BYTES > image->may_read_bytes)
                return pn_err_set(err, PN_FAULT_BUDGET, 0,
                                  "the structure takes more than %" PRIu64 " bytes to read",
                                  image->may_read_bytes);
        if (!page->bytes)
                page->bytes = malloc(PN_IMAGE_PAGE_BYTES);
        if (!page->bytes)
                return pn_err_set(err, PN_FAULT_BUDGET, ENOMEM, "read a page of the structure");
        page->len = 0;
        page->number = number;
        image->read_bytes += PN_IMAGE_PAGE_BYTES;
        n = image->file->read_at(image->file->from, page->bytes, PN_IMAGE_PAGE_BYTES,
                                 number * PN_IMAGE_PAGE_BYTES);
        if (n < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read %u bytes at %" PRIu64, PN_IMAGE_PAGE_BYTES,
                                  number * PN_IMAGE_PAGE_BYTES);
        page->len = (uint32_t)n;
        return 0;
}

int pn_image_peek(struct pn_image *image, uint64_t offset, const uint8_t **ret, size_t *ret_len,
                  struct pn_err *err)
{
        uint64_t number = offset / PN_IMAGE_PAGE_BYTES;
        struct pn_image_page *page = &image->page[number % PN_IMAGE_PAGES];
        uint32_t skip = (uint32_t)(offset % PN_IMAGE_PAGE_BYTES);

        if (offset >= image->file->size_bytes)
                return 0;
        if ((!page->bytes || page->number != number || page->len == 0) &&
            load_page(image, page, number, err) < 0)
                return -1;
        if (skip >= page->len)
                return 0;
        *ret = page->bytes + skip;
        *ret_len = page->len - skip;
        return 1;
}

int pn_image_file(struct pn_image *image, uint64_t offset, void *buf, size_t len, struct pn_err *err)
{
        uint8_t *to = buf;

        while (len > 0) {
                const uint8_t *bytes;
                size_t there;
                int result = pn_image_peek(image, offset, &bytes, &there, err);

                if (result <= 0)
                        return result;
                if (there > len)
                        there = len;
                memcpy(to, bytes, there);
                to += there;
                len -= there;
                offset += there;
        }
        return 1;
}

int pn_image_mem(struct pn_image *image, uint64_t vaddr, void *buf, size_t len, struct pn_err *err)
{
        uint8_t *to = buf;

        while (len > 0) {
                uint64_t offset = 0, there = 0;
                enum pn_image_kind kind = pn_image_map(image, vaddr, &offset, &there, NULL);
                int result;

                if (kind == PN_IMAGE_NONE)
                        return 0;
                if (there > len)
                        there = len;
                if (kind == PN_IMAGE_ZERO) {
                        memset(to, 0, there);
                } else {
                        result = pn_image_file(image, offset, to, there, err);
                        if (result <= 0)
                                return result;
                }
                to += there;
                len -= there;
                vaddr += there;
        }
        return 1;
}

/* ---------------------------------------------------------------- strings and tables */

/* Bytes of the file that lie together in memory at `vaddr`. Zeros that are not in the file are no string and
 * no table: a few bytes of header could claim terabytes of them. */
static int peek_mem(struct pn_image *image, uint64_t vaddr, const uint8_t **ret, size_t *ret_len,
                    struct pn_err *err)
{
        uint64_t offset = 0, there = 0;
        enum pn_image_kind kind = pn_image_map(image, vaddr, &offset, &there, NULL);
        int result;

        if (kind != PN_IMAGE_FILE)
                return 0;
        result = pn_image_peek(image, offset, ret, ret_len, err);
        if (result > 0 && *ret_len > there)
                *ret_len = there;
        return result;
}

int pn_image_string(struct pn_image *image, uint64_t vaddr, char *buf, size_t room, bool *ret_cut,
                    struct pn_err *err)
{
        size_t len = 0;

        *ret_cut = false;
        while (len < room) {
                const uint8_t *bytes, *end;
                size_t there = 0, take;
                int result = peek_mem(image, vaddr, &bytes, &there, err);

                if (result <= 0)
                        return result;
                take = there < room - len ? there : room - len;
                end = memchr(bytes, 0, take);
                memcpy(buf + len, bytes, end ? (size_t)(end - bytes) + 1 : take);
                if (end)
                        return 1;
                len += take;
                vaddr += take;
        }
        buf[room - 1] = '\0';
        *ret_cut = true;
        return 1;
}

/* What of the table from `at` on lies together; and an entry that does not, put together. */
static int take_run(struct pn_image_table *table, struct pn_err *err)
{
        struct pn_image *image = table->image;
        int result = table->in_file ? pn_image_peek(image, table->at, &table->run, &table->run_len, err)
                                    : peek_mem(image, table->at, &table->run, &table->run_len, err);

        if (result <= 0 || table->run_len >= table->entry_bytes) {
                table->reads = image->read_bytes;
                return result;
        }
        result = table->in_file ? pn_image_file(image, table->at, table->straddling, table->entry_bytes, err)
                                : pn_image_mem(image, table->at, table->straddling, table->entry_bytes, err);
        table->run = table->straddling;
        table->run_len = table->entry_bytes;
        table->reads = image->read_bytes;
        return result;
}

int pn_image_next(struct pn_image_table *table, const uint8_t **ret, struct pn_err *err)
{
        int result;

        if (table->left == 0)
                return 0;
        if (table->run_len < table->entry_bytes || table->reads != table->image->read_bytes) {
                result = take_run(table, err);
                if (result < 0)
                        return -1;
                if (result == 0)
                        return pn_err_set(err, PN_FAULT_TARGET, 0,
                                          "a table has an entry at %s %" PRIu64 " that is not in the file",
                                          table->in_file ? "offset" : "address", table->at);
        }
        *ret = table->run;
        table->run += table->entry_bytes;
        table->run_len -= table->entry_bytes;
        table->at += table->entry_bytes;
        table->left--;
        return 1;
}
