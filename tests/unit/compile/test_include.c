/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/yr_kit.h"

#define MAX 20

struct file {
        const char *name, *text;
};

static int parse(const struct file *files, struct pn_yr_set *ret, struct pn_err *err)
{
        struct pn_yr_source sources[MAX];
        uint32_t count = 0;

        for (; files[count].name; count++)
                sources[count] = (struct pn_yr_source){files[count].name, files[count].text,
                                                       strlen(files[count].text)};
        return pn_yr_parse(sources, count, ret, err);
}

/* "name@space:file" of every rule, in order. */
static void check_rules(const struct file *files, const char *expected)
{
        struct pn_err err = PN_ERR_INIT;
        struct kit_out out = {0};
        struct pn_yr_set set;

        if (parse(files, &set, &err) < 0)
                fail_msg("%s", err.text);
        for (uint32_t i = 0; i < set.rule_count; i++) {
                const struct pn_yr_rule *rule = &set.rule[i];

                kit_print(&out, "%s%s@%u:%u", i ? " " : "", rule->name, rule->space, rule->place.file);
                assert_memory_equal(set.file[rule->place.file].source + rule->begin, "rule", 4);
        }
        assert_string_equal(out.text, expected);
        pn_yr_free(&set);
}

static void check_refused(const struct file *files, const char *expected)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set = {0};

        assert_int_equal(parse(files, &set, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        assert_string_equal(err.text, expected);
        assert_null(set.arena);
}

#define A "rule a { condition: true } "
#define B "rule b { condition: a } "

static void files_are_namespaces(void **state)
{
        (void)state;
        check_rules((struct file[]){{"x.yar", A B}, {"y.yar", A}, {"z.yar", ""}, {0}}, "a@0:0 b@0:0 a@1:1");
        check_refused((struct file[]){{"x.yar", A}, {"y.yar", B}, {0}},
                      "y.yar:1:21: undefined identifier \"a\"");
        check_refused(
                (struct file[]){{"x.yar", "import \"elf\""}, {"y.yar", "rule x { condition: elf.x }"}, {0}},
                "y.yar:1:21: undefined identifier \"elf\"");
        check_refused((struct file[]){{"x.yar", A "rule u { condition: any of (a*) }"}, {"y.yar", A A}, {0}},
                      "y.yar:1:33: duplicated identifier \"a\"");
}

static void files_sets_of_rules_end_at_their_namespace(void **state)
{
        static const struct file files[] = {
                {"x", A}, {"y", "rule a1 { condition: true } rule r { condition: any of (a*) }"}, {0}};
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set;

        (void)state;
        assert_int_equal(parse(files, &set, &err), 0);
        assert_int_equal(set.rule[2].condition->member_count, 1);
        assert_int_equal(set.rule[2].condition->member[0], 1);
        pn_yr_free(&set);
        check_rules((struct file[]){{"x", "rule r { condition: any of (r*) }"},
                                    {"y", "rule r1 { condition: true }"},
                                    {0}},
                    "r@0:0 r1@1:1");
}

static void includes_belong_to_who_includes_them(void **state)
{
        (void)state;
        check_rules((struct file[]){{"d/x.yar", "include \"y.yar\"\n" B}, {"d/y.yar", A}, {0}},
                    "a@0:1 b@0:0");
        check_rules((struct file[]){{"y", A}, {"z", "include\t \"y\"" B}, {"x", A}, {0}},
                    "a@1:0 b@1:1 a@2:2");
        check_refused((struct file[]){{"x", B "include \"y\""}, {"y", A}, {0}},
                      "x:1:21: undefined identifier \"a\"");
}

static void includes_are_parsed_for_each_who_includes(void **state)
{
        static const struct file files[] = {{"common", "import \"elf\" " A},
                                            {"one", "include \"common\" " B},
                                            {"two", "include \"common\" rule c { condition: a and elf.x }"},
                                            {0}};
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set;

        (void)state;
        check_rules(files, "a@1:0 b@1:1 a@2:0 c@2:2");
        assert_int_equal(parse(files, &set, &err), 0);
        assert_true(set.file[0].included);
        assert_false(set.file[1].included);
        assert_int_equal(set.rule[1].needs[0], 0);
        assert_int_equal(set.rule[3].needs[0], 2);
        for (unsigned i = 0; i < 3; i++) {
                assert_int_equal(set.file[i].import_count, 1);
                assert_string_equal(set.file[i].import[0], "elf");
        }
        pn_yr_free(&set);
}

static void includes_find_files_by_their_path(void **state)
{
        static const struct {
                const char *includer, *path, *included;
        } rows[] = {
                {"x", "y", "y"},           {"d/x", "y", "d/y"},          {"d/x", "./y", "d/y"},
                {"d/x", "../y", "y"},      {"d/e/x", "../f/y", "d/f/y"}, {"d/x", "e//y", "d/e/y"},
                {"./d/x", "y", "d/y"},     {"/r/x", "y", "/r/y"},        {"/r/x", "../y", "/y"},
                {"/r/x", "../../y", "/y"}, {"/r/x", "/s/./y", "/s/y"},   {"x", "../y", "../y"},
                {"../x", "y", "../y"},     {"d/x", "../../y", "../y"},   {"d/x", "e/../y", "d//y"},
                {"d/../x", "y", "e/../y"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char text[64];

                (void)snprintf(text, sizeof(text), "include \"%s\"", rows[i].path);
                check_rules((struct file[]){{rows[i].includer, text}, {rows[i].included, A}, {0}}, "a@0:1");
        }
}

static void includes_outside_of_the_set_are_refused(void **state)
{
        (void)state;
        check_refused((struct file[]){{"d/x", "\n include \"y\""}, {"y", A}, {0}},
                      "d/x:2:2: include of a file that is not one of the rules: \"y\"");
        check_refused((struct file[]){{"d/x", "include \"/etc/passwd\""}, {0}},
                      "d/x:1:1: include of a file that is not one of the rules: \"/etc/passwd\"");
        check_refused((struct file[]){{"x", "include \"\""}, {0}},
                      "x:1:1: include of a file that is not one of the rules: \"\"");
        check_refused((struct file[]){{"d/y", ""}, {"d/z/../y", ""}, {0}},
                      "d/z/../y:1:1: the same file is given twice");
}

static void includes_that_go_in_circles_are_refused(void **state)
{
        (void)state;
        check_refused((struct file[]){{"x", "include \"x\""}, {0}},
                      "x:1:1: the file includes itself, directly or through others");
        check_refused((struct file[]){{"x", "include \"y\""}, {"y", "\ninclude \"x\""}, {0}},
                      "y:2:1: the file includes itself, directly or through others");
        check_refused(
                (struct file[]){{"r", "include \"x\""}, {"x", "include \"y\""}, {"y", " include \"x\""}, {0}},
                "y:1:2: the file includes itself, directly or through others");
        check_refused((struct file[]){{"r", A}, {"x", "include \"y\""}, {"y", "include \"x\""}, {0}},
                      "y:1:1: the file includes itself, directly or through others");
}

static void includes_have_a_ceiling_of_depth(void **state)
{
        static char names[MAX][16], texts[MAX][64];
        struct file files[MAX] = {0};

        (void)state;
        for (unsigned depth = 16; depth <= 17; depth++) {
                for (unsigned i = 0; i < depth; i++) {
                        (void)snprintf(names[i], sizeof(names[i]), "f%u", i);
                        (void)snprintf(texts[i], sizeof(texts[i]), "include \"f%u\"", i + 1);
                        files[i] = (struct file){names[i], i + 1 < depth ? texts[i] : A};
                }
                if (depth == 16)
                        check_rules(files, "a@0:15");
                else
                        check_refused(files, "f15:1:1: includes are nested deeper than 16 files");
        }
}

static void includes_have_a_ceiling_of_bytes(void **state)
{
        static char texts[16][400];
        struct pn_yr_source sources[16];
        static char names[16][8], large[1 << 20];
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set;

        (void)state;
        memset(large, ' ', sizeof(large));
        for (unsigned i = 0; i < 16; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "f%u", i);
                for (unsigned n = 0; n < 20; n++)
                        (void)snprintf(texts[i] + strlen(texts[i]), sizeof(texts[i]) - strlen(texts[i]),
                                       "include \"f%u\"\n", i + 1);
                sources[i] = (struct pn_yr_source){names[i], texts[i], strlen(texts[i])};
        }
        sources[15] = (struct pn_yr_source){names[15], large, sizeof(large)};
        assert_int_equal(pn_yr_parse(sources, 16, &set, &err), -1);
        assert_non_null(strstr(err.text, "includes read more than"));
}

static void includes_stand_between_rules_only(void **state)
{
        (void)state;
        check_refused((struct file[]){{"x", "rule r { include \"y\" condition: true }"}, {"y", ""}, {0}},
                      "x:1:10: `include \"y\"`, expected `condition`");
        check_refused((struct file[]){{"x", "private include \"y\""}, {"y", A}, {0}},
                      "x:1:9: `include \"y\"`, expected `rule`");
        check_refused((struct file[]){{"x", "include \"y\""}, {"y", "rule a {"}, {0}},
                      "y:1:9: end of file, expected `condition`");
        check_refused((struct file[]){{"x", "include \"y\" " A}, {"y", "/* open"}, {0}},
                      "x:1:1: the included file ends inside a comment");
        check_rules(
                (struct file[]){{"x", "// include \"y\"\n rule include { strings: $a = \"include \\\"y\\\"\" "
                                      "condition: $a }"},
                                {"y", A},
                                {0}},
                "include@0:0 a@1:1");
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(files_are_namespaces),
                cmocka_unit_test(files_sets_of_rules_end_at_their_namespace),
                cmocka_unit_test(includes_belong_to_who_includes_them),
                cmocka_unit_test(includes_are_parsed_for_each_who_includes),
                cmocka_unit_test(includes_find_files_by_their_path),
                cmocka_unit_test(includes_outside_of_the_set_are_refused),
                cmocka_unit_test(includes_that_go_in_circles_are_refused),
                cmocka_unit_test(includes_have_a_ceiling_of_depth),
                cmocka_unit_test(includes_have_a_ceiling_of_bytes),
                cmocka_unit_test(includes_stand_between_rules_only),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
