/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/engine/names.h"

static void a_path_is_cut_into_names(void **state)
{
        static const struct {
                const char *path, *name, *directory, *extension;
        } rows[] = {
                {"usr/lib/liblzma.so.5", "liblzma.so.5", "/usr/lib", ".5"},
                {"init", "init", "/", ""},
                {"etc/passwd", "passwd", "/etc", ""},
                {"a.d/b", "b", "/a.d", ""},
                {"a/.profile", ".profile", "/a", ".profile"},
                {"a/b.", "b.", "/a", "."},
                {"a//b.c", "b.c", "/a/", ".c"},
                {"a/", "", "/a", ""},
                {"", "", "/", ""},
                {"\xff\xfe/\x01.\x80", "\x01.\x80", "/\xff\xfe", ".\x80"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_names names;
                size_t len = strlen(rows[i].path);
                char *path = malloc(len + 1); /* without a NUL behind it */

                assert_non_null(path);
                memcpy(path, rows[i].path, len);
                memset(names.room, 'X', sizeof(names.room));
                pn_names_set(&names, path, len);
                assert_string_equal(names.value[PN_NAME_FILENAME], rows[i].name);
                assert_string_equal(names.value[PN_NAME_FILEPATH], rows[i].directory);
                assert_string_equal(names.value[PN_NAME_EXTENSION], rows[i].extension);
                assert_string_equal(names.value[PN_NAME_FILETYPE], "ELF");
                free(path);
        }
}

static void a_path_ends_at_the_ceiling(void **state)
{
        static char path[PN_NAMES_PATH_MAX + 100];
        static struct pn_names names;

        (void)state;
        memset(path, 'p', sizeof(path));
        pn_names_set(&names, path, sizeof(path)); /* one long name */
        assert_int_equal(strlen(names.value[PN_NAME_FILENAME]), PN_NAMES_PATH_MAX);
        assert_string_equal(names.value[PN_NAME_FILEPATH], "/");
        path[PN_NAMES_PATH_MAX - 1] = '/';
        pn_names_set(&names, path, sizeof(path)); /* one long directory */
        assert_string_equal(names.value[PN_NAME_FILENAME], "");
        assert_int_equal(strlen(names.value[PN_NAME_FILEPATH]), PN_NAMES_PATH_MAX);
        path[PN_NAMES_PATH_MAX - 1] = 'p';
        path[PN_NAMES_PATH_MAX / 2] = '/';
        path[PN_NAMES_PATH_MAX - 2] = '.';
        pn_names_set(&names, path, sizeof(path));
        assert_string_equal(names.value[PN_NAME_EXTENSION], ".p");
}

static void every_name_has_its_word(void **state)
{
        (void)state;
        assert_string_equal(pn_name_words[PN_NAME_FILENAME], "filename");
        assert_string_equal(pn_name_words[PN_NAME_FILEPATH], "filepath");
        assert_string_equal(pn_name_words[PN_NAME_EXTENSION], "extension");
        assert_string_equal(pn_name_words[PN_NAME_FILETYPE], "filetype");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_path_is_cut_into_names),
                cmocka_unit_test(a_path_ends_at_the_ceiling),
                cmocka_unit_test(every_name_has_its_word),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
