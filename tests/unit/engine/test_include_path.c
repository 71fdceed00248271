/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/include_path.h"

#include "scanner/engine/exact.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void paths_are_joined_as_text_in_one_spelling(void **state)
{
        static const struct {
                const char *includer, *written, *want;
        } rows[] = {
                {"a.yar", "b.yar", "b.yar"},
                {"a.yar", "./b.yar", "b.yar"},
                {"dir/a.yar", "b.yar", "dir/b.yar"},
                {"dir/a.yar", "../b.yar", "b.yar"},
                {"./dir//a.yar", ".//./b.yar", "dir/b.yar"},
                {"x/dir/a.yar", "../y/../../b.yar", "b.yar"},
                {"a.yar", "../b.yar", "../b.yar"},
                {"dir/a.yar", "../../../b.yar", "../../b.yar"},
                {"../a.yar", "../b.yar", "../../b.yar"},
                {"../a.yar", "x/../b.yar", "../b.yar"},
                {"/etc/r/a.yar", "b.yar", "/etc/r/b.yar"},
                {"/etc/r/a.yar", "../b.yar", "/etc/b.yar"},
                {"/etc/r/a.yar", "../../../../b.yar", "/b.yar"},
                {"/a.yar", "b.yar", "/b.yar"},
                {"/a.yar", "../b.yar", "/b.yar"},
                {"dir/a.yar", "/etc/./b.yar", "/etc/b.yar"},
                {"dir/a.yar", "..b/...", "dir/..b/..."},
                {"dir/a.yar", "", "dir"},
                {"a.yar", "", ""},
        };
        char got[PN_INCLUDE_PATH_MAX];

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                assert_true(pn_include_path(rows[i].includer, rows[i].written, got));
                assert_string_equal(got, rows[i].want);
        }
}

static void names_are_compared_by_what_they_mean(void **state)
{
        static const struct {
                const char *resolved, *name;
                bool same;
        } rows[] = {
                {"dir/b.yar", "dir/b.yar", true},
                {"dir/b.yar", "./dir//x/../b.yar", true},
                {"/etc/b.yar", "//etc/b.yar", true},
                {"dir/b.yar", "/dir/b.yar", false},
                {"b.yar", "dir/b.yar", false},
                {"b.yar", "b.yar2", false},
                {"b.yar", "b.ya", false},
                {"../b.yar", "b.yar", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (pn_include_path_is(rows[i].resolved, rows[i].name) != rows[i].same)
                        fail_msg("%s and %s", rows[i].resolved, rows[i].name);
}

static void paths_that_are_too_long_are_refused(void **state)
{
        static char name[2 * PN_INCLUDE_PATH_MAX], got[PN_INCLUDE_PATH_MAX];

        (void)state;
        memset(name, 'x', PN_INCLUDE_PATH_MAX - 1);
        assert_true(pn_include_path("a.yar", name, got));
        assert_true(pn_include_path_is(name, name));
        assert_false(pn_include_path("d/a.yar", name, got));
        name[PN_INCLUDE_PATH_MAX - 1] = 'x';
        assert_false(pn_include_path("a.yar", name, got));
        assert_false(pn_include_path_is(name, name));
        for (size_t i = 0; i + 3 < sizeof(name); i += 3)
                memcpy(name + i, "../", 3);
        assert_false(pn_include_path("a.yar", name, got));
}

static void only_the_word_itself_includes(void **state)
{
        static const struct {
                const char *text;
                bool included;
        } rows[] = {
                {"include \"b.yar\"", true},
                {"include\t \"./b.yar\"", true},
                {"rule a { condition: true }include \"b.yar\"", true},
                {"include \"c.yar\" include \"b.yar\"", true},
                {"/* a\n \" */ include \"b.yar\"", true},
                {"/**/include \"b.yar\"", true},
                {"// \" /*\ninclude \"b.yar\"", true},
                {"rule a { strings: $a = \"\\\"\" $b = /\"\\// condition: $a } include \"b.yar\"", true},
                {"rule a { strings: $a = \"open\ninclude \"b.yar\"", true},
                {"rule a { condition: 1 \\ 1 } include \"b.yar\"", true},
                {"", false},
                {"include", false},
                {"include \"", false},
                {"include \"b.yar", false},
                {"include\"b.yar\"", false}, /* to libyara too these are two tokens */
                {"include\n\"b.yar\"", false},
                {"include \"xb.yar\"", false},
                {"xinclude \"b.yar\"", false},
                {"include_ \"b.yar\"", false},
                {"// include \"b.yar\"", false},
                {"/* x\n include \"b.yar\" */", false},
                {"/* x / include \"b.yar\" / */", false},
                {"rule a { strings: $a = \"x include \\\"b.yar\\\" \" condition: $a }", false},
                {"rule a { strings: $a = /x include \"b.yar\"/ condition: $a }", false},
                {"rule a { strings: $a = /x\\/ include \"b.yar\"/ condition: $a }", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct pn_exact_source source[] = {{"a.yar", rows[i].text, strlen(rows[i].text)},
                                                         {"b.yar", NULL, 0}};

                if (pn_exact_is_included(source, 2, 1) != rows[i].included)
                        fail_msg("%s", rows[i].text);
                assert_false(pn_exact_is_included(source, 2, 0));
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(paths_are_joined_as_text_in_one_spelling),
                cmocka_unit_test(names_are_compared_by_what_they_mean),
                cmocka_unit_test(paths_that_are_too_long_are_refused),
                cmocka_unit_test(only_the_word_itself_includes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
