/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/marker.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/base/fd.h"

static bool holds_marker(const char *path)
{
        pn_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
        pn_autofree char *data = NULL;
        char marker[PN_MARKER_BYTES];
        size_t len;

        assert_true(fd >= 0);
        assert_int_equal(pn_fd_read_all(fd, 256U << 20, &data, &len), 0);
        pn_marker_fill(marker);
        return memmem(data, len, marker, sizeof(marker)) != NULL;
}

static void marker_is_64_printable_bytes_that_need_no_escapes(void **state)
{
        char marker[PN_MARKER_BYTES + 1] = "";

        (void)state;
        pn_marker_fill(marker);
        assert_int_equal(strspn(marker, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"), PN_MARKER_BYTES);
        assert_memory_equal(marker, "POSTERN-", 8);
}

static void marker_is_the_one_of_the_rule(void **state)
{
        (void)state;
        assert_true(holds_marker(PN_SOURCE_DIR "/policy/rules/postern_test.yar"));
}

static void marker_is_not_in_a_program_that_makes_it(void **state)
{
        (void)state;
        assert_false(holds_marker("/proc/self/exe"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(marker_is_64_printable_bytes_that_need_no_escapes),
                cmocka_unit_test(marker_is_the_one_of_the_rule),
                cmocka_unit_test(marker_is_not_in_a_program_that_makes_it),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
