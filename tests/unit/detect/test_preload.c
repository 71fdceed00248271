/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/preload.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/base/view.h"

static const struct {
        const char *name, *text;
        const char *wanted; /* NULL: none is named */
        size_t at;
} rows[] = {
        {"a library", "/usr/lib/libx.so\n", "/usr/lib/libx.so", 0},
        {"without a newline", "/usr/lib/libx.so", "/usr/lib/libx.so", 0},
        {"a name alone", "libx.so", "libx.so", 0},
        {"behind blank lines", "\n \t\n/lib/x.so", "/lib/x.so", 4},
        {"behind a comment", "# nothing here\n/lib/x.so\n", "/lib/x.so", 15},
        {"before a comment", "/lib/x.so# or here\n", "/lib/x.so", 0},
        {"the first of several", "/lib/x.so:/lib/y.so /lib/z.so\n", "/lib/x.so", 0},
        {"behind colons", ":::/lib/x.so", "/lib/x.so", 3},
        {"an empty file", "", NULL, 0},
        {"blanks", " \n\t\n", NULL, 0},
        {"a comment", "# /lib/x.so\n", NULL, 0},
        {"a comment without an end", "#/lib/x.so", NULL, 0},
        {"comments and colons", ":: # /lib/x.so\n#\n", NULL, 0},
};

static void a_library_that_is_named_is_told(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct pn_view view = {(const uint8_t *)rows[i].text, strlen(rows[i].text)};
                struct pn_finding finding = {0};
                struct pn_err err = PN_ERR_INIT;
                struct pn_object file;

                print_message("%s\n", rows[i].name);
                pn_object_from_view(&file, &view);
                assert_int_equal(pn_preload_look(&file, &finding, &err), rows[i].wanted ? 1 : 0);
                if (!rows[i].wanted)
                        continue;
                assert_string_equal(finding.rule, "ELF-PRELOAD-001");
                assert_string_equal(finding.detector, "elf");
                assert_int_equal(finding.severity, PN_SEVERITY_MEDIUM); /* the default policy reports it */
                assert_true(finding.title[0] && finding.remedy[0] && finding.source[0]);
                assert_int_equal(finding.evidence_count, 1);
                assert_int_equal(finding.evidence[0].offset, rows[i].at);
                assert_int_equal(finding.evidence[0].match_bytes, strlen(rows[i].wanted));
                assert_memory_equal(finding.evidence[0].bytes, rows[i].wanted, finding.evidence[0].kept);
        }
}

static void a_name_behind_too_much_comment_is_one_that_somebody_hid(void **state)
{
        char *text = malloc(2UL * PN_PRELOAD_BYTES_MAX);
        struct pn_view view = {(const uint8_t *)text, 2UL * PN_PRELOAD_BYTES_MAX};
        struct pn_finding finding;
        struct pn_err err = PN_ERR_INIT;
        struct pn_object file;

        (void)state;
        assert_non_null(text);
        memset(text, '#', view.len);
        pn_object_from_view(&file, &view);
        assert_int_equal(pn_preload_look(&file, &finding, &err), 1);
        view.len = PN_PRELOAD_BYTES_MAX - 1;
        pn_object_from_view(&file, &view);
        assert_int_equal(pn_preload_look(&file, &finding, &err), 0);
        free(text);
}

static void a_long_name_keeps_its_first_bytes(void **state)
{
        char text[300];
        const struct pn_view view = {(const uint8_t *)text, sizeof(text)};
        struct pn_finding finding;
        struct pn_err err = PN_ERR_INIT;
        struct pn_object file;

        (void)state;
        memset(text, 'x', sizeof(text));
        pn_object_from_view(&file, &view);
        assert_int_equal(pn_preload_look(&file, &finding, &err), 1);
        assert_int_equal(finding.evidence[0].match_bytes, sizeof(text));
        assert_int_equal(finding.evidence[0].kept, PN_EVIDENCE_BYTES);
}

static ssize_t failing(void *from, void *buf, size_t len, uint64_t offset)
{
        (void)from;
        (void)buf;
        (void)len;
        (void)offset;
        errno = EIO;
        return -1;
}

static void what_cannot_be_read_is_an_error(void **state)
{
        struct pn_object file = {.size_bytes = 10, .read_at = failing};
        struct pn_finding finding;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_preload_look(&file, &finding, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_int_equal(err.code, EIO);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_library_that_is_named_is_told),
                cmocka_unit_test(a_name_behind_too_much_comment_is_one_that_somebody_hid),
                cmocka_unit_test(a_long_name_keeps_its_first_bytes),
                cmocka_unit_test(what_cannot_be_read_is_an_error),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
