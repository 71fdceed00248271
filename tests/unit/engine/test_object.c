/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scanner/base/fd.h"
#include "scanner/base/view.h"
#include "scanner/engine/object.h"

static int scratch_file(void)
{
        char path[] = "/var/tmp/pn-object-XXXXXX";
        int fd = mkstemp(path);

        assert_true(fd >= 0);
        assert_int_equal(unlink(path), 0);
        return fd;
}

static void reading_stops_at_the_end_and_nowhere_before(void **state)
{
        static const char text[] = "0123456789";
        static const struct {
                uint64_t offset;
                size_t len;
                ssize_t n;
        } rows[] = {{0, 10, 10}, {0, 4, 4},  {8, 10, 2},         {9, 1, 1},
                    {10, 1, 0},  {11, 5, 0}, {1ULL << 40, 5, 0}, {3, 0, 0}};
        pn_autofd fd = scratch_file();
        struct pn_view view = {(const uint8_t *)text, 10};
        struct pn_object objects[2];

        (void)state;
        assert_int_equal(write(fd, text, 10), 10);
        pn_object_from_fd(&objects[0], &fd, 10);
        pn_object_from_view(&objects[1], &view);
        for (size_t k = 0; k < 2; k++) {
                assert_int_equal(objects[k].size_bytes, 10);
                for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                        char buf[16] = "";

                        assert_int_equal(
                                objects[k].read_at(objects[k].from, buf, rows[i].len, rows[i].offset),
                                rows[i].n);
                        if (rows[i].n > 0)
                                assert_memory_equal(buf, text + rows[i].offset, (size_t)rows[i].n);
                        assert_int_equal(buf[rows[i].n], 0);
                }
        }
}

static void an_offset_that_no_file_has_is_an_error(void **state)
{
        pn_autofd fd = scratch_file();
        struct pn_object object;
        uint64_t start, end;
        char buf[4];

        (void)state;
        pn_object_from_fd(&object, &fd, UINT64_MAX);
        errno = 0;
        assert_int_equal(object.read_at(object.from, buf, sizeof(buf), 1ULL << 63), -1);
        assert_int_equal(errno, EOVERFLOW);
        assert_int_equal(object.data_at(object.from, 1ULL << 63, &start, &end), 0);
}

static void reading_a_bad_descriptor_is_an_error(void **state)
{
        int fd = -1;
        struct pn_object object;
        uint64_t start, end;
        char buf[4];

        (void)state;
        pn_object_from_fd(&object, &fd, 10);
        assert_int_equal(object.read_at(object.from, buf, sizeof(buf), 0), -1);
        assert_int_equal(errno, EBADF);
        assert_int_equal(object.data_at(object.from, 0, &start, &end), -1);
        assert_int_equal(errno, EBADF);
}

static void holes_are_skipped_and_data_never(void **state)
{
        pn_autofd fd = scratch_file();
        struct pn_object object;
        uint64_t start = 0, end = 0, mib = 1 << 20;

        (void)state;
        assert_int_equal(pwrite(fd, "x", 1, (off_t)(5 * mib)), 1);
        assert_int_equal(ftruncate(fd, (off_t)(20 * mib)), 0);
        pn_object_from_fd(&object, &fd, 20 * mib);
        assert_int_equal(object.data_at(object.from, 0, &start, &end), 1);
        assert_true(start <= 5 * mib && end > 5 * mib && end <= 20 * mib);
        assert_true(start > 0); /* the scratch file system knows holes */
        assert_int_equal(object.data_at(object.from, 5 * mib, &start, &end), 1);
        assert_int_equal(start, 5 * mib);
        assert_int_equal(object.data_at(object.from, 10 * mib, &start, &end), 0);
        assert_int_equal(object.data_at(object.from, 30 * mib, &start, &end), 0);
}

/* procfs knows no holes: lseek(2) answers EINVAL, and everything must count as data. */
static void a_file_system_without_holes_is_all_data(void **state)
{
        pn_autofd fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
        struct pn_object object;
        uint64_t start = 7, end = 7;

        (void)state;
        assert_true(fd >= 0);
        pn_object_from_fd(&object, &fd, 1000);
        assert_int_equal(object.data_at(object.from, 3, &start, &end), 1);
        assert_int_equal(start, 3);
        assert_true(end >= 1000);
}

static void memory_is_all_data(void **state)
{
        static const char text[] = "0123456789";
        struct pn_view view = {(const uint8_t *)text, 10};
        struct pn_object object;
        uint64_t start = 0, end = 0;

        (void)state;
        pn_object_from_view(&object, &view);
        assert_int_equal(object.data_at(object.from, 4, &start, &end), 1);
        assert_int_equal(start, 4);
        assert_int_equal(end, 10);
        assert_int_equal(object.data_at(object.from, 10, &start, &end), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(reading_stops_at_the_end_and_nowhere_before),
                cmocka_unit_test(an_offset_that_no_file_has_is_an_error),
                cmocka_unit_test(reading_a_bad_descriptor_is_an_error),
                cmocka_unit_test(holes_are_skipped_and_data_never),
                cmocka_unit_test(a_file_system_without_holes_is_all_data),
                cmocka_unit_test(memory_is_all_data),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
