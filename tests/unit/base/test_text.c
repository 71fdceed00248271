/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define BYTES(literal) (literal), sizeof(literal) - 1

static const struct {
        const char *name, *in;
        size_t len;
        const char *out;
} escapes[] = {
        {"nothing", BYTES(""), ""},
        {"plain", BYTES("usr/lib/x.so.5 ~"), "usr/lib/x.so.5 ~"},
        {"newline and return", BYTES("a\n\rb"), "a\\x0a\\x0db"},
        {"terminal escape", BYTES("\x1b[31mred\x1b]0;t\x07"), "\\x1b[31mred\\x1b]0;t\\x07"},
        {"C1 control",
         BYTES("a\x9b"
               "2J"),
         "a\\x9b2J"},
        {"bidi override",
         BYTES("\xe2\x80\xae"
               "gpj.exe"),
         "\\xe2\\x80\\xaegpj.exe"},
        {"invalid UTF-8", BYTES("\xff\xfe\xc3("), "\\xff\\xfe\\xc3("},
        {"valid UTF-8", BYTES("\xc3\xa9"), "\\xc3\\xa9"},
        {"backslash", BYTES("a\\x41\\"), "a\\x5cx41\\x5c"},
        {"format directives", BYTES("%n%s%%"), "%n%s%%"},
        {"JSON breakers", BYTES("\"},{'"), "\"},{'"},
        {"NUL inside", BYTES("a\0b"), "a\\x00b"},
        {"delete", BYTES("\x7f"), "\\x7f"},
};

static void text_escapes_what_a_terminal_or_log_would_act_on(void **ctx)
{
        char dst[PN_TEXT_SHOWN_MAX];

        (void)ctx;
        for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
                if (!pn_text_escape(dst, sizeof(dst), escapes[i].in, escapes[i].len))
                        fail_msg("%s: cut", escapes[i].name);
                if (strcmp(dst, escapes[i].out) != 0)
                        fail_msg("%s: `%s`, not `%s`", escapes[i].name, dst, escapes[i].out);
        }
}

static void text_escapes_every_byte_value_by_the_rule(void **ctx)
{
        (void)ctx;
        for (unsigned byte = 0; byte < 256; byte++) {
                uint8_t in = (uint8_t)byte;
                char dst[8], want[8];

                if (byte >= 0x20 && byte <= 0x7e && byte != '\\')
                        (void)snprintf(want, sizeof(want), "%c", (int)byte);
                else
                        (void)snprintf(want, sizeof(want), "\\x%02x", byte);
                assert_true(pn_text_escape(dst, sizeof(dst), &in, 1));
                assert_string_equal(dst, want);
        }
}

static const struct {
        const char *name, *in;
        size_t len, cap;
        const char *out;
        bool whole;
} cuts[] = {
        {"fits to the byte", BYTES("abcdefg"), 8, "abcdefg", true},
        {"one too many", BYTES("abcdefgh"), 8, "abcd...", false},
        {"escape fits to the byte", BYTES("abc\n"), 8, "abc\\x0a", true},
        {"escape would be split", BYTES("abcd\n"), 8, "abcd...", false},
        {"escape before the dots", BYTES("\nabcd"), 8, "\\x0a...", false},
        {"dots never split an escape", BYTES("ab\nxy"), 8, "ab...", false},
        {"only escapes", BYTES("\n\n"), 8, "\\x0a...", false},
        {"own dots are kept", BYTES("ab..."), 8, "ab...", true},
        {"last byte is an escape", BYTES("abcdefgh\n"), 12, "abcdefgh...", false},
};

static void text_cut_ends_in_dots_and_splits_nothing(void **ctx)
{
        (void)ctx;
        for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
                char dst[32];

                memset(dst, 0x5a, sizeof(dst));
                assert_int_equal(pn_text_escape(dst, cuts[i].cap, cuts[i].in, cuts[i].len), cuts[i].whole);
                if (strcmp(dst, cuts[i].out) != 0)
                        fail_msg("%s: `%s`, not `%s`", cuts[i].name, dst, cuts[i].out);
                for (size_t k = cuts[i].cap; k < sizeof(dst); k++)
                        assert_int_equal(dst[k], 0x5a);
        }
}

static void text_of_the_longest_name_is_cut_to_what_is_shown(void **ctx)
{
        char name[255], dst[PN_TEXT_SHOWN_MAX];

        (void)ctx;
        memset(name, 'n', sizeof(name));
        assert_true(pn_text_escape(dst, sizeof(dst), name, sizeof(name)));
        assert_int_equal(strlen(dst), 255);
        memset(name, '\n', sizeof(name));
        assert_false(pn_text_escape(dst, sizeof(dst), name, sizeof(name)));
        assert_int_equal(strlen(dst), 4 * 63 + 3);
        assert_string_equal(dst + 4 * 62, "\\x0a...");
}

static void base64_matches_rfc_4648(void **ctx)
{
        static const struct {
                const char *in;
                size_t len;
                const char *out;
        } rows[] = {
                {BYTES(""), ""},
                {BYTES("f"), "Zg=="},
                {BYTES("fo"), "Zm8="},
                {BYTES("foo"), "Zm9v"},
                {BYTES("foob"), "Zm9vYg=="},
                {BYTES("fooba"), "Zm9vYmE="},
                {BYTES("foobar"), "Zm9vYmFy"},
                {BYTES("\xfb\xff\xbf\0"), "+/+/AA=="},
        };

        (void)ctx;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char dst[16];
                size_t cap = 4 * ((rows[i].len + 2) / 3) + 1;

                memset(dst, 0x5a, sizeof(dst));
                pn_text_base64(dst, cap, rows[i].in, rows[i].len);
                assert_string_equal(dst, rows[i].out);
                assert_int_equal(dst[cap], 0x5a);
        }
}

static void hex_and_back(void **ctx)
{
        static const uint8_t in[] = {0x00, 0x09, 0xa0, 0xff, 0x10};
        uint8_t back[sizeof(in)];
        char dst[2 * sizeof(in) + 2];

        (void)ctx;
        memset(dst, 0x5a, sizeof(dst));
        pn_text_hex(dst, 2 * sizeof(in) + 1, in, sizeof(in));
        assert_string_equal(dst, "0009a0ff10");
        assert_int_equal(dst[2 * sizeof(in) + 1], 0x5a);
        assert_true(pn_text_unhex(back, sizeof(back), dst, strlen(dst)));
        assert_memory_equal(back, in, sizeof(in));
        assert_true(pn_text_unhex(back, 2, "AbfF", 4));
        assert_memory_equal(back, "\xab\xff", 2);
}

static void unhex_refuses_all_but_exactly_its_digits(void **ctx)
{
        static const char *const rows[] = {
                "",     "0",    "000",  "00000", "0g00", "00 0", "0x00",
                "00/0", "00:0", "@000", "`000",  "G000", "-100", "\xff\xff\xff\xff"};

        (void)ctx;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint8_t dst[2];

                if (pn_text_unhex(dst, sizeof(dst), rows[i], strlen(rows[i])))
                        fail_msg("`%s` accepted", rows[i]);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(text_escapes_what_a_terminal_or_log_would_act_on),
                cmocka_unit_test(text_escapes_every_byte_value_by_the_rule),
                cmocka_unit_test(text_cut_ends_in_dots_and_splits_nothing),
                cmocka_unit_test(text_of_the_longest_name_is_cut_to_what_is_shown),
                cmocka_unit_test(base64_matches_rfc_4648),
                cmocka_unit_test(hex_and_back),
                cmocka_unit_test(unhex_refuses_all_but_exactly_its_digits),
        };

        return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
