/* SPDX-License-Identifier: Apache-2.0 */
#include <glob.h>

#include "scanner/engine/compile/lexer.h"
#include "tests/unit/compile/yr_kit.h"

#define ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!?"
#define TWISTED "BACDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!?"

/* ---------------------------------------------------------------- rules */

static void rules_keep_flags_tags_meta_and_place(void **state)
{
        static const char text[] =
                "// first\nrule a { condition: true }\n"
                "  private global rule b : t1 t2\n{\n meta: s = \"x\\x00y\" i = 5 n = - 6 t = true\n"
                " f = false s = \"again\" condition: a }";
        const struct pn_yr_rule *rule;
        struct pn_yr_set set;

        (void)state;
        kit_parse_ok(text, &set);
        assert_int_equal(set.rule_count, 2);
        assert_int_equal(set.rule[0].flags, 0);
        rule = &set.rule[1];
        assert_string_equal(rule->name, "b");
        assert_int_equal(rule->flags, PN_YR_RULE_PRIVATE | PN_YR_RULE_GLOBAL);
        assert_int_equal(rule->place.line, 3);
        assert_int_equal(rule->place.column, 23);
        assert_int_equal(rule->tag_count, 2);
        assert_string_equal(rule->tag[0], "t1");
        assert_string_equal(rule->tag[1], "t2");
        assert_int_equal(rule->meta_count, 6);
        assert_string_equal(rule->meta[0].name, "s");
        assert_int_equal(rule->meta[0].kind, PN_YR_META_TEXT);
        assert_int_equal(rule->meta[0].text.len, 3);
        assert_memory_equal(rule->meta[0].text.data, "x\0y", 4);
        assert_int_equal(rule->meta[1].kind, PN_YR_META_INT);
        assert_int_equal(rule->meta[1].number, 5);
        assert_int_equal(rule->meta[2].number, -6);
        assert_int_equal(rule->meta[3].kind, PN_YR_META_BOOL);
        assert_int_equal(rule->meta[3].number, 1);
        assert_int_equal(rule->meta[4].number, 0);
        pn_yr_free(&set);
        assert_null(set.arena);
}

static void rules_text_is_cut_with_modifiers_and_brace(void **state)
{
        static const char *const cut[] = {"rule a{condition:true}",
                                          "private /* } */ rule b // }\n{ strings: $a = { 01 }\n"
                                          "$b = \"}\" condition: all of them }",
                                          "global private rule c{condition:b}"};
        char text[512];
        struct pn_yr_set set;

        (void)state;
        (void)snprintf(text, sizeof(text), "/* x */%s%s\n\timport \"elf\"%s // end", cut[0], cut[1], cut[2]);
        kit_parse_ok(text, &set);
        assert_int_equal(set.rule_count, 3);
        for (unsigned i = 0; i < 3; i++) {
                const struct pn_yr_rule *rule = &set.rule[i];

                assert_int_equal(rule->end - rule->begin, strlen(cut[i]));
                assert_memory_equal(text + rule->begin, cut[i], strlen(cut[i]));
        }
        pn_yr_free(&set);
}

static void rules_know_what_they_need(void **state)
{
        static const char text[] = "import \"elf\" import \"pe\" import \"math\"\n"
                                   "rule a1 { condition: elf.type == 1 }\n"
                                   "rule a2 { condition: a1 or a1 or pe.x(math.y(pe.z)) }\n"
                                   "rule b { condition: a2 or any of (a*) or b or all of (b*) }\n"
                                   "rule c { condition: for any s in elf.sections : (s.x == elf.y) and for "
                                   "any a1 in (1..2) : (a1) }\n";
        const struct pn_yr_rule *rule;
        struct pn_yr_set set;

        (void)state;
        kit_parse_ok(text, &set);
        rule = set.rule;
        assert_int_equal(rule[0].needs_count, 0);
        assert_int_equal(rule[0].module_count, 1);
        assert_string_equal(rule[0].module[0], "elf");
        assert_int_equal(rule[1].needs_count, 1);
        assert_int_equal(rule[1].needs[0], 0);
        assert_int_equal(rule[1].module_count, 2);
        assert_string_equal(rule[1].module[0], "pe");
        assert_string_equal(rule[1].module[1], "math");
        assert_int_equal(rule[2].needs_count, 2);
        assert_int_equal(rule[2].needs[0], 1);
        assert_int_equal(rule[2].needs[1], 0);
        assert_int_equal(rule[2].module_count, 0);
        assert_int_equal(rule[3].needs_count, 0);
        assert_int_equal(rule[3].module_count, 1);
        assert_int_equal(set.file[0].import_count, 3);
        assert_string_equal(set.file[0].import[0], "elf");
        assert_string_equal(set.file[0].import[2], "math");
        pn_yr_free(&set);
}

static void rules_without_text_are_a_set_without_rules(void **state)
{
        static const char *const texts[] = {"", " \r\n\t", "// c", "/* c */", "/* open", "import \"elf\""};
        struct pn_yr_set set;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                kit_parse_ok(texts[i], &set);
                assert_int_equal(set.rule_count, 0);
                assert_int_equal(set.file_count, 1);
                pn_yr_free(&set);
        }
        assert_int_equal(pn_yr_parse(NULL, 0, &set, &err), 0);
        assert_int_equal(set.file_count, 0);
        pn_yr_free(&set);
}

/* ---------------------------------------------------------------- strings */

static void strings_keep_bytes_and_modifiers(void **state)
{
        static const struct {
                const char *text;
                uint32_t flags, len;
                const char *bytes;
        } rows[] = {
                {"\"abc\"", PN_YR_ASCII, 3, "abc"},
                {"\"\\\"\\\\\\t\\n\\r\\x00\\xfF\"", PN_YR_ASCII, 7, "\"\\\t\n\r\0\xff"},
                {"\"\xc3\xa9\x01\t\"", PN_YR_ASCII, 4, "\xc3\xa9\x01\t"},
                {"\"// /* {\"", PN_YR_ASCII, 7, "// /* {"},
                {"\"a\" ascii", PN_YR_ASCII, 1, "a"},
                {"\"a\"wide", PN_YR_WIDE, 1, "a"},
                {"\"a\" wide ascii", PN_YR_WIDE | PN_YR_ASCII, 1, "a"},
                {"\"a\" nocase fullword private", PN_YR_ASCII | PN_YR_NOCASE | PN_YR_FULLWORD | PN_YR_PRIVATE,
                 1, "a"},
                {"\"a\" xor wide fullword", PN_YR_WIDE | PN_YR_XOR | PN_YR_FULLWORD, 1, "a"},
                {"\"a\" base64 base64wide", PN_YR_ASCII | PN_YR_BASE64 | PN_YR_BASE64WIDE, 1, "a"},
                {"\"a\" base64 wide", PN_YR_WIDE | PN_YR_BASE64, 1, "a"},
                {"/a/", PN_YR_ASCII, 1, "a"},
                {"/a\\/\\.\\\\/", PN_YR_ASCII, 6, "a/\\.\\\\"},
                {"/a/i", PN_YR_ASCII | PN_YR_NOCASE, 1, "a"},
                {"/a/is wide", PN_YR_WIDE | PN_YR_NOCASE | PN_YR_DOTALL, 1, "a"},
                {"/a/s nocase fullword private",
                 PN_YR_ASCII | PN_YR_NOCASE | PN_YR_DOTALL | PN_YR_FULLWORD | PN_YR_PRIVATE, 1, "a"},
                {"/a/i nocase", PN_YR_ASCII | PN_YR_NOCASE, 1, "a"},
                {"{ 01 } private", PN_YR_PRIVATE, 0, ""},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_yr_set set;
                char text[256];

                (void)snprintf(text, sizeof(text),
                               "rule r { strings: $a = %s $b = \"next\" condition: all of them }",
                               rows[i].text);
                kit_parse_ok(text, &set);
                assert_int_equal(set.rule[0].string_count, 2);
                assert_string_equal(set.rule[0].string[0].name, "$a");
                if (set.rule[0].string[0].flags != rows[i].flags)
                        fail_msg("%s: 0x%x", rows[i].text, set.rule[0].string[0].flags);
                assert_int_equal(set.rule[0].string[0].text.len, rows[i].len);
                if (rows[i].len > 0)
                        assert_memory_equal(set.rule[0].string[0].text.data, rows[i].bytes, rows[i].len);
                pn_yr_free(&set);
        }
}

static void strings_keep_keys_and_alphabets(void **state)
{
        static const char text[] =
                "rule r { strings: $a = \"x\" xor $b = \"x\" xor(7) wide $c = \"x\" xor(0x10-255)"
                " $d = \"x\" base64 $e = \"x\" base64(\"" ALPHABET "\") base64wide(\"" ALPHABET
                "\") $f = \"x\" condition: all of them }";
        const struct pn_yr_string *string;
        struct pn_yr_set set;

        (void)state;
        kit_parse_ok(text, &set);
        string = set.rule[0].string;
        assert_int_equal(string[0].xor_min, 0);
        assert_int_equal(string[0].xor_max, 255);
        assert_int_equal(string[1].xor_min, 7);
        assert_int_equal(string[1].xor_max, 7);
        assert_int_equal(string[2].xor_min, 16);
        assert_int_equal(string[2].xor_max, 255);
        assert_null(string[3].alphabet);
        assert_memory_equal(string[4].alphabet, ALPHABET, 64);
        assert_int_equal(string[4].flags, PN_YR_ASCII | PN_YR_BASE64 | PN_YR_BASE64WIDE);
        assert_null(string[5].alphabet);
        pn_yr_free(&set);
}

static void strings_without_name_are_told_apart(void **state)
{
        static const char text[] =
                "rule r { strings: $ = \"x\" $a = \"y\" $ = \"z\" condition: any of ($) or $a }";
        const struct pn_yr_expr *any;
        struct pn_yr_set set;

        (void)state;
        kit_parse_ok(text, &set);
        assert_int_equal(set.rule[0].string_count, 3);
        assert_true(set.rule[0].string[0].flags & PN_YR_ANONYMOUS);
        assert_false(set.rule[0].string[1].flags & PN_YR_ANONYMOUS);
        any = set.rule[0].condition->list[0];
        assert_int_equal(any->member_count, 2);
        assert_int_equal(any->member[0], 0);
        assert_int_equal(any->member[1], 2);
        pn_yr_free(&set);
}

static void strings_with_an_underscore_need_no_use(void **state)
{
        struct pn_yr_set set;

        (void)state;
        kit_parse_ok("rule r { strings: $_a = \"x\" $_ = \"y\" condition: true }", &set);
        assert_int_equal(set.rule[0].string_count, 2);
        pn_yr_free(&set);
}

/* ---------------------------------------------------------------- refusals */

#define RULE(strings, condition) "rule r {\nstrings: " strings "\ncondition: " condition " }"
#define OF(strings) RULE(strings, "any of them")
#define OK "{ condition: true }"

static const struct {
        const char *text, *reason;
} refused[] = {
        /* files */
        {"x", "1:1: `x`, expected `rule`, `import` or `include`"},
        {"rule a " OK ";", "1:27: `;`, expected `rule`"},
        {"\xef\xbb\xbfrule a " OK, "1:1: byte 0xef outside of a string"},
        {"rule \xc3\xa9 " OK, "byte 0xc3"},
        {"rule a \x01 " OK, "byte 0x01"},
        {"import elf", "expected the name of a module"},
        {"import \"\"", "invalid name of a module"},
        {"import \"a\\x00b\"", "invalid name of a module"},
        {"include\"x\"", "`include`, expected `rule`"},
        {"include \"x", "unterminated path"},
        /* rules */
        {"rule", "end of file, expected the name of the rule"},
        {"private rule", "end of file, expected the name of the rule"},
        {"private import \"elf\"", "expected `rule`"},
        {"rule 1 " OK, "`1`, expected the name of the rule"},
        {"rule wide " OK, "expected the name of the rule"},
        {"rule int8 " OK, "expected the name of the rule"},
        {"rule a", "end of file, expected `{`"},
        {"rule a {}", "expected `condition`"},
        {"rule a { }", "expected `{`"}, /* a hex string */
        {"rule a { condition true }", "expected `:`"},
        {"rule a { condition: }", "expected an expression"},
        {"rule a { condition: true", "end of file, expected an operator or `}`"},
        {"rule a { condition: true /* }", "end of file"},
        {"rule a { // }\ncondition: true }", "a comment holds the closing brace"},
        {"rule a { condition: true strings: $a = \"x\" }", "expected an operator or `}`"},
        {"rule a { strings: $a = \"x\" meta: b = 1 condition: $a }", "expected `condition`"},
        {"rule a " OK "\n rule a " OK, "2:7: duplicated identifier \"a\""},
        {"rule filename " OK, "duplicated identifier \"filename\""},
        {"rule b { condition: a } rule a " OK, "undefined identifier \"a\""},
        {"rule aa " OK " rule b { condition: any of (a*) }\nrule ab " OK,
         "2:6: rule \"ab\" comes behind a use of `a*`"},
        {"rule a : " OK, "expected a tag"},
        {"rule a : t t " OK, "duplicated tag \"t\""},
        {"rule a : wide " OK, "expected a tag"},
        /* meta */
        {"rule a { meta: condition: true }", "expected the name of a meta value"},
        {"rule a { meta: x condition: true }", "expected `=`"},
        {"rule a { meta: x = 1.5 condition: true }", "expected a text, a number"},
        {"rule a { meta: x = -true condition: true }", "expected a number"},
        {"rule a { meta: x = -\"a\" condition: true }", "expected a number"},
        {"rule a { meta: x = /a/ condition: true }", "expected a text, a number"},
        /* strings */
        {"rule r { strings: condition: true }", "expected the name of a string"},
        {OF("a = \"x\""), "`a`, expected the name of a string"},
        {OF("$a* = \"x\""), "`$a*`, expected the name of a string"},
        {OF("$a \"x\""), "expected `=`"},
        {OF("$a = 5"), "expected a text, a hex string"},
        {OF("$a = \"\""), "2:15: empty string \"$a\""},
        {OF("$a = \"x\" $a = \"y\""), "2:19: duplicated string \"$a\""},
        {OF("$a = \"x"), "2:15: unterminated string"},
        {OF("$a = \"x\\"), "illegal escape sequence"},
        {OF("$a = \"x\\q\""), "2:17: illegal escape sequence"},
        {OF("$a = \"\\x1\""), "illegal escape sequence"},
        {OF("$a = \"\\xg0\""), "illegal escape sequence"},
        {OF("$a = \"\\0\""), "illegal escape sequence"},
        {OF("$a = /x"), "2:15: unterminated regular expression"},
        {OF("$a = /x\\"), "unterminated regular expression"},
        {OF("$a = /x/si"), "`i`, expected `condition`"},
        {OF("$a = /x/ii"), "`i`, expected `condition`"},
        {OF("$a = //"), "expected a text"},
        {RULE("$a = \"x\"", "true"), "2:10: unreferenced string \"$a\""},
        {RULE("$a = \"x\" $b = \"x\"", "$b"), "unreferenced string \"$a\""},
        {RULE("$ = \"x\"", "true"), "unreferenced string \"$\""},
        {RULE("$a = \"x\" $ = \"y\"", "any of ($a*)"), "unreferenced string \"$\""},
        {"rule r { condition: any of them }", "`them` in a rule without strings"},
        /* modifiers */
        {OF("$a = \"x\" wide wide"), "duplicated modifier"},
        {OF("$a = \"x\" xor xor"), "duplicated modifier"},
        {OF("$a = \"x\" dotall"), "`dotall`, expected `condition`"},
        {OF("$a = /x/ xor"), "`xor`, expected `condition`"},
        {OF("$a = /x/ base64"), "`base64`, expected `condition`"},
        {OF("$a = /x/ ascii ascii"), "duplicated modifier"},
        {OF("$a = { 01 } wide"), "`wide`, expected `condition`"},
        {OF("$a = { 01 } nocase"), "`nocase`, expected `condition`"},
        {OF("$a = { 01 } private private"), "duplicated modifier"},
        {OF("$a = \"x\" xor nocase"), "xor nocase"},
        {OF("$a = \"x\" nocase base64"), "base64 nocase"},
        {OF("$a = \"x\" fullword base64"), "base64 fullword"},
        {OF("$a = \"x\" xor base64"), "base64 xor"},
        {OF("$a = \"x\" nocase base64wide"), "base64wide nocase"},
        {OF("$a = \"x\" fullword base64wide"), "base64wide fullword"},
        {OF("$a = \"x\" xor base64wide"), "base64wide xor"},
        {OF("$a = \"x\" xor()"), "expected a number"},
        {OF("$a = \"x\" xor(-1)"), "expected a number"},
        {OF("$a = \"x\" xor(256)"), "above 255"},
        {OF("$a = \"x\" xor(1-256)"), "above 255"},
        {OF("$a = \"x\" xor(2-1)"), "the lower key"},
        {OF("$a = \"x\" xor(1"), "expected `)`"},
        {OF("$a = \"x\" base64()"), "expected an alphabet"},
        {OF("$a = \"x\" base64(\"abc\")"), "has 64 bytes"},
        {OF("$a = \"x\" base64(\"" ALPHABET "\") base64wide"), "more than one alphabet"},
        {OF("$a = \"x\" base64wide base64(\"" ALPHABET "\")"), "more than one alphabet"},
        {OF("$a = \"x\" base64(\"" ALPHABET "\") base64wide(\"" TWISTED "\")"), "more than one alphabet"},
};

static void rules_that_libyara_refuses_are_refused(void **state)
{
        unsigned wrong = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
                wrong += !kit_is_refused(refused[i].text, refused[i].reason);
        assert_int_equal(wrong, 0);
}

static void rules_refuse_a_nul_wherever_it_stands(void **state)
{
        static const char *const texts[] = {"rule a { condition: true }\n/* @ */", "// @", "@",
                                            "rule a { strings: $a = \"@\" condition: $a }"};

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct pn_err err = PN_ERR_INIT;
                struct pn_yr_set set;
                char text[64];
                size_t len = strlen(texts[i]);

                memcpy(text, texts[i], len);
                *(char *)memchr(text, '@', len) = '\0';
                assert_int_equal(kit_parse(text, len, &set, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_CONFIG);
                assert_non_null(strstr(err.text, "NUL byte"));
                assert_int_equal(strncmp(err.text, i == 0 ? "r.yar:2:4:" : "r.yar:1:", i == 0 ? 10 : 8), 0);
        }
}

static void rules_have_ceilings(void **state)
{
        static char text[1 << 20];
        char *at = text;
        struct pn_yr_set set;

        (void)state;
        at += sprintf(at, "rule r { strings: ");
        for (unsigned i = 0; i < PN_YR_STRINGS_MAX; i++)
                at += sprintf(at, "$s%u = \"x\" ", i);
        strcpy(at, "condition: all of them }");
        kit_parse_ok(text, &set);
        assert_int_equal(set.rule[0].string_count, PN_YR_STRINGS_MAX);
        pn_yr_free(&set);
        strcpy(at, "$t = \"x\" condition: all of them }");
        kit_refused(text, "more than 10000 strings");
        at = text + sprintf(text, "rule r { strings: $a = \"");
        memset(at, 'x', PN_YR_TEXT_MAX + 1);
        strcpy(at + PN_YR_TEXT_MAX, "\" condition: $a }");
        kit_parse_ok(text, &set);
        assert_int_equal(set.rule[0].string[0].text.len, PN_YR_TEXT_MAX);
        pn_yr_free(&set);
        at[PN_YR_TEXT_MAX] = 'x';
        strcpy(at + PN_YR_TEXT_MAX + 1, "\" condition: $a }");
        kit_refused(text, "text is longer than 65536 bytes");
        (void)sprintf(text, "rule %0*d" OK, PN_YR_NAME_MAX, 0);
        memset(text + 5, 'a', PN_YR_NAME_MAX);
        kit_parse_ok(text, &set);
        pn_yr_free(&set);
        (void)sprintf(text, "rule %0*d" OK, PN_YR_NAME_MAX + 1, 0);
        memset(text + 5, 'a', PN_YR_NAME_MAX + 1);
        kit_refused(text, "identifier is longer than 128 bytes");
}

static void rules_of_ours_are_accepted(void **state)
{
        static struct pn_yr_source sources[64];
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set;
        glob_t found;

        (void)state;
        assert_int_equal(glob(PN_SOURCE_DIR "/policy/rules/*.yar", 0, NULL, &found), 0);
        assert_in_range(found.gl_pathc, 1, 64);
        for (size_t i = 0; i < found.gl_pathc; i++) {
                FILE *file = fopen(found.gl_pathv[i], "re");
                char *text = malloc(1 << 20);

                assert_true(file && text);
                sources[i] = (struct pn_yr_source){found.gl_pathv[i], text, fread(text, 1, 1 << 20, file)};
                (void)fclose(file);
        }
        if (pn_yr_parse(sources, (uint32_t)found.gl_pathc, &set, &err) < 0)
                fail_msg("%s", err.text);
        assert_true(set.rule_count >= found.gl_pathc);
        for (uint32_t i = 0; i < set.rule_count; i++) {
                const struct pn_yr_rule *rule = &set.rule[i];
                const char *text = set.file[rule->place.file].source;

                assert_int_equal(rule->space, rule->place.file);
                assert_true(strchr("rpg", text[rule->begin]) && text[rule->end - 1] == '}');
        }
        pn_yr_free(&set);
        for (size_t i = 0; i < found.gl_pathc; i++)
                free((void *)(uintptr_t)sources[i].text);
        globfree(&found);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_keep_flags_tags_meta_and_place),
                cmocka_unit_test(rules_text_is_cut_with_modifiers_and_brace),
                cmocka_unit_test(rules_know_what_they_need),
                cmocka_unit_test(rules_without_text_are_a_set_without_rules),
                cmocka_unit_test(strings_keep_bytes_and_modifiers),
                cmocka_unit_test(strings_keep_keys_and_alphabets),
                cmocka_unit_test(strings_without_name_are_told_apart),
                cmocka_unit_test(strings_with_an_underscore_need_no_use),
                cmocka_unit_test(rules_that_libyara_refuses_are_refused),
                cmocka_unit_test(rules_refuse_a_nul_wherever_it_stands),
                cmocka_unit_test(rules_have_ceilings),
                cmocka_unit_test(rules_of_ours_are_accepted),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
