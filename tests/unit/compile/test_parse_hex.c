/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/yr_kit.h"

/* Tokens as text: `01 ?2 [1-2] (03|04)`. */
static void print_hex(struct kit_out *out, const struct pn_yr_hex *hex)
{
        for (const struct pn_yr_hex *at = hex; at; at = at->next) {
                kit_print(out, at == hex ? "" : " ");
                switch (at->kind) {
                case PN_YR_HEX_BYTE:
                        kit_print(out, "%s%02x&%02x", at->negated ? "~" : "", at->value, at->mask);
                        break;
                case PN_YR_HEX_JUMP:
                        kit_print(out, "[%u-%u]", at->min, at->max);
                        break;
                case PN_YR_HEX_ALT:
                        for (uint32_t i = 0; i < at->alt_count; i++) {
                                kit_print(out, i ? "|" : "(");
                                print_hex(out, at->alt[i]);
                        }
                        kit_print(out, ")");
                        break;
                }
        }
}

static void rule_of(char *text, size_t cap, const char *hex)
{
        int n = snprintf(text, cap, "rule r { strings:\n$a = {%s}\ncondition: $a }", hex);

        assert_true(n > 0 && (size_t)n < cap);
}

static const struct {
        const char *hex, *tokens;
} accepted[] = {
        {"01", "01&ff"},
        {"01aBCd", "01&ff ab&ff cd&ff"},
        {" ?? 1? ?f ", "00&00 10&f0 0f&0f"},
        {"01 ~02 ~3? ~?4", "01&ff ~02&ff ~30&f0 ~04&0f"},
        {"01 [5] 02", "01&ff [5-5] 02&ff"},
        {"01 [1-2] 02", "01&ff [1-2] 02&ff"},
        {"01[ 1\n-\t2 ]02", "01&ff [1-2] 02&ff"},
        {"01 [0-0] 02", "01&ff [0-0] 02&ff"},
        {"01 [3-] 02", "01&ff [3-4294967295] 02&ff"},
        {"01 [-] 02", "01&ff [0-4294967295] 02&ff"},
        {"01 [1][2-] 02", "01&ff [1-1] [2-4294967295] 02&ff"},
        {"01 [5-2147483647] 02", "01&ff [5-4294967295] 02&ff"},
        {"01 [0-2147483646] 02", "01&ff [0-2147483646] 02&ff"},
        {"01 [99999999999] 02", "01&ff [1215752191-1215752191] 02&ff"}, /* as libyara: 32 bits of it */
        {"01 [0-4294967296] 02", "01&ff [0-0] 02&ff"},
        {"(01)", "(01&ff)"},
        {"(01|02 03) 04", "(01&ff|02&ff 03&ff) 04&ff"},
        {"01 ( 02 [1-200] 03 | ( ?? | 04 ) 05 ) 06", "01&ff (02&ff [1-200] 03&ff|(00&00|04&ff) 05&ff) 06&ff"},
        {"01 // } 99\n02 /* } 99 ** / **/ 03 // 99\n", "01&ff 02&ff 03&ff"},
        {"01 \r\n 02\t", "01&ff 02&ff"},
        {"/**/01/***/02/*/*/", "01&ff 02&ff"},
};

static void hex_strings_become_tokens(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
                struct kit_out out = {0};
                struct pn_yr_set set;
                char text[512];

                rule_of(text, sizeof(text), accepted[i].hex);
                kit_parse_ok(text, &set);
                assert_int_equal(set.rule[0].string[0].kind, PN_YR_HEX);
                assert_int_equal(set.rule[0].string[0].flags, 0);
                print_hex(&out, set.rule[0].string[0].hex);
                if (strcmp(out.text, accepted[i].tokens) != 0)
                        fail_msg("{%s}\n%s, expected %s", accepted[i].hex, out.text, accepted[i].tokens);
                pn_yr_free(&set);
        }
}

static const struct {
        const char *hex, *reason;
} refused[] = {
        {" ", "2:8: invalid hex string: empty"},
        {"", "`{`, expected a text"},
        {"0", "2:7: invalid hex string: half of a byte"},
        {"01 0", "half of a byte"},
        {"0 1", "half of a byte"},
        {"0/**/1", "half of a byte"},
        {"01\n\n 2?3", "4:4: invalid hex string: half of a byte"},
        {"01 /* \n */ 0", "3:5: invalid hex string: half of a byte"},
        {"?", "half of a byte"},
        {"? ?", "half of a byte"},
        {"0g", "expected a text"},
        {"0x01", "expected a text"},
        {"01 ~ 02", "expected a byte"},
        {"01 ~?? 02", "`~` of any byte"},
        {"01 ~", "expected a byte"},
        {"01-02", "expected a byte"},
        {"01 ] 02", "expected a byte"},
        {"01 | 02", "alternatives need parentheses"},
        {"01 ) 02", "alternatives need parentheses"},
        {"(01", "expected `)`"},
        {"()", "empty"},
        {"(01|)", "empty"},
        {"(|01)", "empty"},
        {"((01)", "expected `)`"},
        {"[1] 02", "begins with a jump"},
        {"01 [1]", "ends with a jump"},
        {"[1]", "begins with a jump"},
        {"(01|[1] 02) 03", "begins with a jump"},
        {"(01 [1]|02) 03", "ends with a jump"},
        {"01 [0] 02", "invalid jump length"},
        {"01 [] 02", "invalid jump length"},
        {"01 [ ] 02", "invalid jump length"},
        {"01 [2-1] 02", "invalid jump range"},
        {"01 [-2] 02", "a jump with an end"},
        {"01 [1--2] 02", "invalid character in a jump"},
        {"01 [1-2-3] 02", "invalid character in a jump"},
        {"01 [1 2] 02", "invalid character in a jump"},
        {"01 [a] 02", "invalid character in a jump"},
        {"01 [1 /**/ - 2] 02", "invalid character in a jump"},
        {"01 [1", "invalid character in a jump"},
        {"01 [1-2", "invalid character in a jump"},
        {"01 [2147483648] 02", "negative jump"},
        {"01 [0-4294967295] 02", "negative jump"},
        {"01 [0-99999999999999999999999] 02", "negative jump"},
        {"01 (02 [1-] 03) 04", "unbounded jump inside alternatives"},
        {"01 (02 [-] 03) 04", "unbounded jump inside alternatives"},
        {"01 (02 [201] 03) 04", "jump over 200 inside alternatives"},
        {"01 (02 [1-201] 03) 04", "jump over 200 inside alternatives"},
        {"01 // }", "a comment holds the closing brace"},
        {"01 /* 02", "expected a text"},
};

static void hex_strings_that_libyara_refuses_are_refused(void **state)
{
        unsigned wrong = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                char text[512];

                rule_of(text, sizeof(text), refused[i].hex);
                wrong += !kit_is_refused(text, refused[i].reason);
        }
        assert_int_equal(wrong, 0);
}

static void hex_strings_have_ceilings(void **state)
{
        static char hex[4 * PN_YR_TEXT_MAX], text[sizeof(hex) + 100];
        struct pn_yr_set set;

        (void)state;
        for (unsigned depth = 100; depth <= 101; depth++) {
                memset(hex, '(', depth);
                memcpy(hex + depth, "01", 2);
                memset(hex + depth + 2, ')', depth);
                hex[2 * depth + 2] = '\0';
                rule_of(text, sizeof(text), hex);
                if (depth == 101)
                        kit_refused(text, "nested too deep");
                else
                        kit_parse_ok(text, &set);
        }
        pn_yr_free(&set);
        memset(hex, '7', 2 * PN_YR_TEXT_MAX);
        hex[2 * PN_YR_TEXT_MAX] = '\0';
        rule_of(text, sizeof(text), hex);
        kit_parse_ok(text, &set);
        pn_yr_free(&set);
        strcpy(hex + 2 * PN_YR_TEXT_MAX, "77");
        rule_of(text, sizeof(text), hex);
        kit_refused(text, "too long");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(hex_strings_become_tokens),
                cmocka_unit_test(hex_strings_that_libyara_refuses_are_refused),
                cmocka_unit_test(hex_strings_have_ceilings),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
