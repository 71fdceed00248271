/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

#include <errno.h>

#include "scanner/engine/detect/image.h"

#define FILE_BYTES 40000U

static uint8_t file_bytes[FILE_BYTES];
static const struct pn_view view = {file_bytes, FILE_BYTES};

/*      segment     offset  address         file    memory */
static struct pn_elf_segment segments[] = {
        {PT_LOAD, PF_R | PF_X, 0, 0x10000, 0x1800, 0x1800, 4096},
        {PT_LOAD, PF_R | PF_W, 0x2800, 0x13800, 0x400, 0x2000, 4096},
        {PT_LOAD, PF_R, 0x4000, 0x20000, 0x3000, 0x3000, 4096},
        {PT_LOAD, PF_R | PF_W, 0x8000, 0x21000, 0x800, 0x800, 4096}, /* over the middle of the one before */
        {PT_LOAD, PF_R, 0x7fffffff0000, 0x40000, 0x1000, 0x1000, 4096},
        {PT_LOAD, PF_R, 0x1000, UINT64_MAX - 0x800, 0x1000, 0x1000, 4096}, /* round the end of memory */
        {PT_DYNAMIC, PF_R, 0x1000, 0x50000, 0x1000, 0x1000, 4096},
};
static const struct pn_elf elf = {.is64 = true, .segment_count = 7, .segment = segments};

static void image_maps_as_the_loader_does(void **state)
{
        static const struct {
                const char *name;
                uint64_t vaddr;
                enum pn_image_kind kind;
                uint64_t offset, len;
        } rows[] = {
                {"first byte", 0x10000, PN_IMAGE_FILE, 0, 0x2000},
                {"behind the segment, in its last page", 0x11900, PN_IMAGE_FILE, 0x1900, 0x700},
                {"behind its last page", 0x12000, PN_IMAGE_NONE, 0, 0},
                {"before a segment, in its first page", 0x13100, PN_IMAGE_FILE, 0x2100, 0xb00},
                {"last byte of the file's", 0x13bff, PN_IMAGE_FILE, 0x2bff, 1},
                {"zeros behind it", 0x13c00, PN_IMAGE_ZERO, 0, 0x2400},
                {"before what lies over it", 0x20ff0, PN_IMAGE_FILE, 0x4ff0, 0x10},
                {"what lies over it", 0x21010, PN_IMAGE_FILE, 0x8010, 0xff0},
                {"behind what lies over it", 0x22000, PN_IMAGE_FILE, 0x6000, 0x1000},
                {"a segment outside of the file", 0x40000, PN_IMAGE_NONE, 0, 0},
                {"a segment round the end", UINT64_MAX - 0x7ff, PN_IMAGE_NONE, 0, 0},
                {"the start of memory", 0, PN_IMAGE_NONE, 0, 0},
                {"what is no PT_LOAD", 0x50000, PN_IMAGE_NONE, 0, 0},
        };
        static struct pn_image image;
        struct pn_object object;
        struct pn_err err;

        (void)state;
        pn_object_from_view(&object, &view);
        assert_int_equal(pn_image_open(&image, &object, &elf, &err), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint64_t offset = 0, len = 0;
                enum pn_image_kind kind = pn_image_map(&image, rows[i].vaddr, &offset, &len, NULL);

                if (kind != rows[i].kind || (kind != PN_IMAGE_NONE && len != rows[i].len) ||
                    (kind == PN_IMAGE_FILE && offset != rows[i].offset))
                        fail_msg("%s: kind %d, offset %#lx, %#lx bytes", rows[i].name, kind,
                                 (unsigned long)offset, (unsigned long)len);
        }
        assert_int_equal(pn_image_flags(&image, 0x21010), PF_R | PF_W);
        assert_int_equal(pn_image_flags(&image, 0x22000), PF_R);
        assert_int_equal(pn_image_flags(&image, 0), 0);
        pn_image_close(&image);
}

static void image_reads_over_pages_and_zeros(void **state)
{
        static struct pn_image image;
        uint8_t buf[0x1000];
        char text[16];
        struct pn_object object;
        struct pn_err err;
        bool cut;

        (void)state;
        for (size_t i = 0; i < FILE_BYTES; i++)
                file_bytes[i] = (uint8_t)(i * 7 + i / 256 + 1) | 1;
        pn_object_from_view(&object, &view);
        assert_int_equal(pn_image_open(&image, &object, &elf, &err), 0);
        assert_int_equal(pn_image_file(&image, 16384 - 100, buf, 200, &err), 1);
        assert_memory_equal(buf, file_bytes + 16384 - 100, 200);
        assert_int_equal(pn_image_file(&image, FILE_BYTES - 10, buf, 11, &err), 0);
        assert_int_equal(pn_image_mem(&image, 0x13bf0, buf, 32, &err), 1);
        assert_memory_equal(buf, file_bytes + 0x2bf0, 16);
        for (int i = 16; i < 32; i++)
                assert_int_equal(buf[i], 0);
        assert_int_equal(pn_image_mem(&image, 0x11ff0, buf, 32, &err), 0);

        memcpy(file_bytes + 0x100, "word", 5);
        pn_image_close(&image);
        assert_int_equal(pn_image_open(&image, &object, &elf, &err), 0);
        assert_int_equal(pn_image_string(&image, 0x10100, text, sizeof(text), &cut, &err), 1);
        assert_string_equal(text, "word");
        assert_false(cut);
        assert_int_equal(pn_image_string(&image, 0x10100, text, 5, &cut, &err), 1);
        assert_false(cut);
        assert_int_equal(pn_image_string(&image, 0x10100, text, 4, &cut, &err), 1);
        assert_string_equal(text, "wor");
        assert_true(cut);
        assert_int_equal(pn_image_string(&image, 0x11ffa, text, sizeof(text), &cut, &err), 0);
        assert_int_equal(pn_image_string(&image, 0x12000, text, sizeof(text), &cut, &err), 0);
        pn_image_close(&image);
}

static void image_walks_tables_over_page_borders(void **state)
{
        static struct pn_image image;
        struct pn_image_table table = {
                .image = &image, .in_file = true, .at = 16, .left = 1600, .entry_bytes = 24};
        struct pn_object object;
        struct pn_err err;
        const uint8_t *entry;
        unsigned count = 0;

        (void)state;
        for (size_t i = 0; i < FILE_BYTES; i++)
                file_bytes[i] = (uint8_t)(i / 24);
        pn_object_from_view(&object, &view);
        assert_int_equal(pn_image_open(&image, &object, &elf, &err), 0);
        for (; pn_image_next(&table, &entry, &err) > 0; count++)
                assert_memory_equal(entry, file_bytes + 16 + 24 * (size_t)count, 24);
        assert_int_equal(count, 1600);
        table = (struct pn_image_table){.image = &image, .at = 0x11ff8, .left = 2, .entry_bytes = 8};
        assert_int_equal(pn_image_next(&table, &entry, &err), 1);
        assert_int_equal(pn_image_next(&table, &entry, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
        pn_image_close(&image);
}

/* ---------------------------------------------------------------- ceilings and faults */

static ssize_t endless_read(void *from, void *buf, size_t len, uint64_t offset)
{
        (void)from;
        (void)offset;
        memset(buf, 1, len);
        return (ssize_t)len;
}

static ssize_t failing_read(void *from, void *buf, size_t len, uint64_t offset)
{
        (void)from;
        (void)buf;
        (void)len;
        (void)offset;
        errno = EIO;
        return -1;
}

static void image_stops_reading_at_its_ceiling(void **state)
{
        static struct pn_image image;
        struct pn_object object = {.size_bytes = 1ULL << 40, .read_at = endless_read};
        struct pn_err err = PN_ERR_INIT;
        uint64_t pages = 0;
        uint8_t byte;

        (void)state;
        assert_int_equal(pn_image_open(&image, &object, &elf, &err), 0);
        while (pn_image_file(&image, 16384 * pages, &byte, 1, &err) > 0)
                pages++;
        assert_int_equal(err.fault, PN_FAULT_BUDGET);
        assert_int_equal(pages, PN_IMAGE_MAX_BYTES / PN_IMAGE_PAGE_BYTES);
        pn_image_close(&image);

        object.size_bytes =
                5U << 20; /* twice the file, and what is always allowed: two pages that share a place */
        assert_int_equal(pn_image_open(&image, &object, &elf, &err), 0);
        for (pages = 0; pn_image_file(&image, (pages % 2) * PN_IMAGE_PAGES * 16384ULL, &byte, 1, &err) > 0;)
                pages++;
        assert_int_equal(err.fault, PN_FAULT_BUDGET);
        assert_int_equal(pages, (PN_IMAGE_MIN_BYTES + 2 * object.size_bytes) / PN_IMAGE_PAGE_BYTES);
        pn_image_close(&image);
}

static void image_says_when_reading_fails(void **state)
{
        static struct pn_image image;
        struct pn_object object = {.size_bytes = 100, .read_at = failing_read};
        struct pn_err err = PN_ERR_INIT;
        uint8_t byte;

        (void)state;
        assert_int_equal(pn_image_open(&image, &object, &elf, &err), 0);
        assert_int_equal(pn_image_file(&image, 0, &byte, 1, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_int_equal(err.code, EIO);
        pn_image_close(&image);
}

static void image_refuses_more_segments_than_it_keeps(void **state)
{
        static struct pn_image image;
        static struct pn_elf_segment many[PN_IMAGE_LOADS_MAX + 1];
        struct pn_elf large = {.is64 = true, .segment_count = PN_IMAGE_LOADS_MAX, .segment = many};
        struct pn_object object;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        for (size_t i = 0; i <= PN_IMAGE_LOADS_MAX; i++)
                many[i] = (struct pn_elf_segment){PT_LOAD, PF_R, 0, 0x1000 * i, 1, 1, 1};
        pn_object_from_view(&object, &view);
        assert_int_equal(pn_image_open(&image, &object, &large, &err), 0);
        pn_image_close(&image);
        large.segment_count++;
        assert_int_equal(pn_image_open(&image, &object, &large, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
        pn_image_close(&image);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(image_maps_as_the_loader_does),
                cmocka_unit_test(image_reads_over_pages_and_zeros),
                cmocka_unit_test(image_walks_tables_over_page_borders),
                cmocka_unit_test(image_stops_reading_at_its_ceiling),
                cmocka_unit_test(image_says_when_reading_fails),
                cmocka_unit_test(image_refuses_more_segments_than_it_keeps),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
