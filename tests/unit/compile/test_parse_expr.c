/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/yr_kit.h"

/* Conditions of a rule with the strings $a $b $c $ab (0 to 3), behind the rules ra and rb (0 and 1). */
static void condition(char *text, size_t cap, const char *expr)
{
        int n = snprintf(
                text, cap,
                "import \"elf\" import \"math\" import \"pe\" rule ra { condition: true } "
                "rule rb { condition: ra }\n"
                "rule r { strings: $a = \"aa\" $b = \"bb\" $c = { 01 02 } $ab = /ab/ condition:\n%s\n"
                "and (any of them or true) }",
                expr);

        assert_true(n > 0 && (size_t)n < cap);
}

struct row {
        const char *expr, *tree; /* refused: the reason */
};

static const struct row trees[] = {
        {"true", "1?"},
        {"false", "0?"},
        {"filesize", "(filesize)"},
        {"entrypoint", "(entrypoint)"},
        {"1.5", "(double)"},
        {"\"a\\x41\\t\"", "'aA\t'"},
        {"/a\\/b\\./is", "/a/b\\./is"},
        {"/a/s", "/a/s"},
        /* numbers */
        {"10KB", "10240"},
        {"2MB", "2097152"},
        {"0x1F", "31"},
        {"0o17", "15"},
        {"007", "7"},
        {"9223372036854775807", "9223372036854775807"},
        {"0x7fffffffffffffff", "9223372036854775807"},
        {"-1", "(neg 1)"},
        {"- -1", "(neg (neg 1))"},
        {"~~1", "(~ (~ 1))"},
        /* strength: | ^ & << + * sign, all to the left */
        {"1 | 2 ^ 3 & 4 << 5 + 6 * 7", "(| 1 (^ 2 (& 3 (<< 4 (+ 5 (* 6 7))))))"},
        {"1 * 2 + 3 << 4 & 5 ^ 6 | 7", "(| (^ (& (<< (+ (* 1 2) 3) 4) 5) 6) 7)"},
        {"10 - 4 - 3", "(- (- 10 4) 3)"},
        {"10 \\ 4 * 3 % 2", "(% (* (\\ 10 4) 3) 2)"},
        {"1 << 2 >> 3", "(>> (<< 1 2) 3)"},
        {"1 - -1", "(- 1 (neg 1))"},
        {"1--1", "(- 1 (neg 1))"},
        {"-1 * ~2", "(* (neg 1) (~ 2))"},
        {"(1 + 2) * 3", "(* (+ 1 2) 3)"},
        {"1 & 2 == 3 | 4", "(== (& 1 2) (| 3 4))"},
        /* relations */
        {"1 < 2", "(< 1 2)"},
        {"1 <= 2", "(<= 1 2)"},
        {"1 > 2", "(> 1 2)"},
        {"1 >= 2", "(>= 1 2)"},
        {"1 == 2", "(== 1 2)"},
        {"1 != 2", "(!= 1 2)"},
        {"filename contains \"x\"", "(contains (external filename) 'x')"},
        {"filepath icontains \"x\"", "(icontains (external filepath) 'x')"},
        {"extension startswith \"x\"", "(starts (external extension) 'x')"},
        {"filetype istartswith \"x\"", "(istarts (external filetype) 'x')"},
        {"filename endswith \"x\"", "(ends (external filename) 'x')"},
        {"filename iendswith \"x\"", "(iends (external filename) 'x')"},
        {"filename iequals \"x\"", "(iequals (external filename) 'x')"},
        {"filename matches /x/i", "(matches (external filename) /x/i)"},
        /* logic */
        {"(1 or 2 and 3 or 4)", "(or 1 (and 2 3) 4)"},
        {"(1 and 2 and 3)", "(and 1 2 3)"},
        {"((1 or 2) and 3)", "(and (or 1 2) 3)"},
        {"(not 1 and not not 2)", "(and (not 1) (not (not 2)))"},
        {"not 1 == 2", "(not (== 1 2))"},
        {"(defined 1 == 2 and 3)", "(and (defined (== 1 2)) 3)"},
        {"(not defined not 1 or 2)", "(or (not (defined (not 1))) 2)"},
        /* strings */
        {"$a", "($0)"},
        {"$ab", "($3)"},
        {"$a at 1 + 2", "(at $0 (+ 1 2))"},
        {"$b in (0..filesize - 1)", "(in $1 0 (- (filesize) 1))"},
        {"#a == 1", "(== (#0) 1)"},
        {"#c in (1..2) > 1", "(> (in #2 1 2) 1)"},
        {"@a < @b[2 + 1]", "(< (@0) (@1 (+ 2 1)))"},
        {"!ab[1] == !a", "(== (!3 1) (!0))"},
        {"1 !=@a", "(!= 1 (@0))"},
        /* integers in the file */
        {"uint8(0) == int16(1)", "(== (int8u 0) (int16s 1))"},
        {"int32be(@a) == uint32(4)", "(== (int32sbe (@0)) (int32u 4))"},
        {"uint16be(uint32(60)) == 5", "(== (int16ube (int32u 60)) 5)"},
        /* rules and modules */
        {"ra", "(rule0)"},
        {"r", "(rule2)"},
        {"elf.type == elf.ET_EXEC", "(== (module elf) (module elf))"},
        {"elf.sections[#a + 1].name == \"x\"", "(== (module elf (+ (#0) 1)) 'x')"},
        {"math.entropy(0, filesize) >= 7.5", "(>= (module math 0 (filesize)) (double))"},
        {"math.to_number(1 == 1 and true) == 1", "(== (module math (and (== 1 1) 1?)) 1)"},
        {"pe.a.b[\"k\"].c(/x/, 2)(3)[4] . d", "(module pe 'k' /x/ 2 3 4)"},
        {"pe.is_dll()", "(module pe)"},
        /* sets */
        {"all of them", "(of all [0,1,2,3])"},
        {"any of ($a*)", "(of any [0,3])"},
        {"none of ($*)", "(of none [0,1,2,3])"},
        {"2 of ($a, $b, $a)", "(of  [0,1,0] 2)"},
        {"#a + 1 of ($a,$b*)", "(of  [0,1] (+ (#0) 1))"},
        {"50% of them", "(of % [0,1,2,3] 50)"},
        {"10 * 5 % of them", "(of % [0,1,2,3] (* 10 5))"},
        {"(10 % 3) of them", "(of  [0,1,2,3] (% 10 3))"},
        {"any of them in (1..2)", "(of any [0,1,2,3] 1 2)"},
        {"any of them at 5 + 6", "(of any [0,1,2,3] (+ 5 6))"},
        {"any of (ra, rb)", "(of any rules[0,1])"},
        {"50% of (r*)", "(of % rules[0,1,2] 50)"},
        {"none of (rb*, ra)", "(of none rules[1,0])"},
        {"not any of them", "(not (of any [0,1,2,3]))"},
        /* loops */
        {"for any of ($a, $b) : ($ at 5 and # > 1 and @ < @[2] and ! == ![1])",
         "(for-of any [0,1] : (and (at $ 5) (> (#) 1) (< (@) (@ 2)) (== (!) (! 1))))"},
        {"for 2 of them : ($)", "(for-of  [0,1,2,3] 2 : ($))"},
        {"for all i in (1..#a) : (@a[i] < i)", "(for-in all 1..(#0) : (< (@0 (variable i)) (variable i)))"},
        {"for any i in (1, 2, 3) : (i == 2)", "(for-in any 1 2 3 : (== (variable i) 2))"},
        {"for 1 + 1 i in (5) : (i)", "(for-in  (+ 1 1) 5 : (variable i))"},
        {"for any s in elf.sections : (s.name == \"x\" and s.a[1])",
         "(for-in any (module elf) : (and (== (variable s) 'x') (variable s 1)))"},
        {"for all k, v in pe.version_info : (k == v)",
         "(for-in all (module pe) : (== (variable k) (variable v)))"},
        {"for any of them : (for all i in (1..#) : (for any j in (1..i) : ($ at j)))",
         "(for-of any [0,1,2,3] : (for-in all 1..(#) : (for-in any 1..(variable i) : (at $ (variable j)))))"},
        {"for any of them : (any of them)", "(for-of any [0,1,2,3] : (of any [0,1,2,3]))"},
        {"for any filename in (1..2) : (filename == 1)", "(for-in any 1..2 : (== (variable filename) 1))"},
        {"for any ra in (1..2) : (true)", "(for-in any 1..2 : 1?)"},
        {"for any s in pe.a : (for any f in s.b : (f.c))",
         "(for-in any (module pe) : (for-in any (variable s) : (variable f)))"},
        {"(for any i in (1) : (1) or for any i in (1) : (2) or for any i in (1) : (3) or for any i in (1) : "
         "(4) or "
         "for any i in (1) : (5))",
         "(or (for-in any 1 : 1) (for-in any 1 : 2) (for-in any 1 : 3) (for-in any 1 : 4) (for-in any 1 : "
         "5))"},
        {"(for any i in (1..2) : (true) or for any i in (1..2) : (true))",
         "(or (for-in any 1..2 : 1?) (for-in any 1..2 : 1?))"},
};

static void conditions_become_trees(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(trees) / sizeof(trees[0]); i++) {
                struct kit_out out = {0};
                struct pn_yr_set set;
                char text[2048];

                condition(text, sizeof(text), trees[i].expr);
                kit_parse_ok(text, &set);
                assert_int_equal(set.rule_count, 3);
                assert_int_equal(set.rule[2].condition->kind, PN_YR_E_AND);
                kit_tree(&out, set.rule[2].condition->list[0]);
                if (strcmp(out.text, trees[i].tree) != 0)
                        fail_msg("%s\n%s, expected %s", trees[i].expr, out.text, trees[i].tree);
                pn_yr_free(&set);
        }
}

static const struct row refused[] = {
        {"", "4:1: `and`, expected an expression"},
        {"1 ==", "expected an expression"},
        {"1 == 1 == 1", "`==`, expected an operator or `}`"},
        {"(1 == 1) == 1", "3:4: a test where a value is expected"},
        {"1 == (1 == 1)", "a test where a value is expected"},
        {"1 == true", "expected an expression"},
        {"1 + not 1", "expected an expression"},
        {"true + 1", "expected an operator"},
        {"(true) + 1", "a test where a value is expected"},
        {"-(true)", "a test where a value is expected"},
        {"$a + 1", "expected an operator"},
        {"$a == 1", "expected an operator"},
        {"$a at $b", "expected an expression"},
        {"($a) at 1", "`at`, expected an operator"},
        {"$a in 1", "expected `(`"},
        {"$a in (1, 2)", "expected `..`"},
        {"$a in (1..2", "expected `)`"},
        {"$a*", "`$a*`, expected an expression"},
        {"1 2", "expected an operator"},
        {"(1", "expected an operator or `)`"},
        {"1)", "expected an operator or `}`"},
        {"()", "expected an expression"},
        {"1 = 1", "`=`, expected an operator"},
        {"1 && 1", "`&`, expected an expression"},
        {"@a[]", "expected an expression"},
        {"@a[1", "expected `]`"},
        {"uint8", "expected `(`"},
        {"uint8(1, 2)", "expected `)`"},
        {"uint8(true)", "expected an expression"},
        {"filename matches \"x\"", "expected a regular expression"},
        {"filename.x", "not a structure"},
        {"ra[1]", "not a structure"},
        {"ra()", "not a structure"},
        /* numbers */
        {"9223372036854775808", "integer overflow"},
        {"0x8000000000000000", "integer overflow"},
        {"0o1000000000000000000000", "integer overflow"},
        {"9007199254740992KB", "integer overflow"},
        {"1GB", "expected an operator"},
        {"0o8", "expected an operator"},
        {"1.", "expected an operator"},
        /* names */
        {"nope", "3:1: undefined identifier \"nope\""},
        {"dotnet.x", "undefined identifier \"dotnet\""},
        {"uint64(0)", "undefined identifier \"uint64\""},
        {"$nope", "undefined string \"$nope\""},
        {"#nope", "undefined string \"$nope\""},
        {"@nope", "undefined string \"$nope\""},
        {"!nope", "undefined string \"$nope\""},
        {"$", "`$` outside of a loop"},
        {"#", "`#` outside of a loop"},
        {"for any i in (1..2) : (@)", "`@` outside of a loop"},
        {"(for any of them : ($) and !)", "`!` outside of a loop"},
        {"(for any i in (1..2) : (i) and i)", "undefined identifier \"i\""},
        {"elf.1", "expected the name of a field"},
        {"elf.a(1", "expected `,` or `)`"},
        {"elf.a(1,)", "expected an argument"},
        {"elf.a[1 == 1]", "expected `]`"},
        {"elf.a[true]", "expected an expression"},
        /* sets */
        {"any", "expected `of`"},
        {"them", "expected an expression"},
        {"any of", "expected `them` or `(`"},
        {"any of $a", "expected `them` or `(`"},
        {"any of ()", "expected the name of a string"},
        {"any of ($a $b)", "expected `,` or `)`"},
        {"any of ($a, ra)", "expected the name of a string"},
        {"any of (ra, $a)", "expected the name of a rule"},
        {"any of ($x*)", "undefined string \"$x*\""},
        {"any of ($nope)", "undefined string \"$nope\""},
        {"any of ($)", "undefined string \"$\""},
        {"any of (x*)", "undefined identifier \"x*\""},
        {"any of (nope)", "undefined identifier \"nope\""},
        {"any of (filename)", "undefined identifier \"filename\""},
        {"any of (elf)", "undefined identifier \"elf\""},
        {"any of (ra) in (1..2)", "`in`, expected an operator"},
        {"any of them == 1", "`==`, expected an operator"},
        {"10 + 5 % of them", "parentheses around the percentage"},
        {"1 == 1 of them", "`of`, expected an operator"},
        {"true of them", "`of`, expected an operator"},
        {"(1 == 1) of them", "a test where a value is expected"},
        /* loops */
        {"for any of them : $", "expected `(`"},
        {"for any of (ra) : (true)", "expected the name of a string"},
        {"for 50% of them : ($)", "`%`, expected the name of a variable"},
        {"for any i in 1..2 : (true)", "expected a name"},
        {"for any i in (1..2, 3) : (true)", "expected `)`"},
        {"for any i in () : (true)", "expected an expression"},
        {"for any i in (1,) : (true)", "expected an expression"},
        {"for any i in filename : (true)", "not iterable"},
        {"for any i in ra : (true)", "not iterable"},
        {"for any i in (1..2) : ()", "expected an expression"},
        {"for any i, j, k in (1..2) : (true)", "more than 2 variables"},
        {"for any i, i in (1..2) : (true)", "duplicated loop identifier \"i\""},
        {"for any i in (1..2) : (for any i in (1..2) : (true))", "duplicated loop identifier \"i\""},
        {"for any of them : (for any of them : ($))", "a loop over strings inside of one"},
        {"for any a in (1..2) : (for any b in (1..2) : (for any c in (1..2) : (for any d in (1..2) : ("
         "for any e in (1..2) : (true)))))",
         "more than 4 loops"},
};

static void conditions_that_libyara_refuses_are_refused(void **state)
{
        unsigned wrong = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                char text[2048];

                condition(text, sizeof(text), refused[i].expr);
                wrong += !kit_is_refused(text, refused[i].tree);
        }
        assert_int_equal(wrong, 0);
}

static void repeat(char *text, const char *what, unsigned count)
{
        size_t len = strlen(text), step = strlen(what);

        for (unsigned i = 0; i < count; i++)
                memcpy(text + len + i * step, what, step + 1);
}

static void expressions_have_a_ceiling_of_depth(void **state)
{
        static const struct {
                const char *open, *middle, *close;
        } rows[] = {
                {"(", "1", ")"}, {"not ", "true", ""}, {"-", "1", ""}, {"~", "1", ""}, {"defined ", "1", ""}};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                for (unsigned depth = 90; depth <= 110000; depth = depth == 90 ? 101 : depth * 11) {
                        char *text = calloc(1, 100 + depth * 16);
                        struct pn_yr_set set;

                        assert_non_null(text);
                        strcpy(text, "rule r { condition: ");
                        repeat(text, rows[i].open, depth);
                        strcat(text, rows[i].middle);
                        repeat(text, rows[i].close, depth);
                        strcat(text, " }");
                        if (depth == 90) {
                                kit_parse_ok(text, &set);
                                pn_yr_free(&set);
                        } else {
                                kit_refused(text, "nested deeper than 100");
                        }
                        free(text);
                }
}

static void chains_are_flat_and_sums_have_a_ceiling_of_height(void **state)
{
        char *text = calloc(1, 1 << 20);
        struct pn_yr_set set;

        (void)state;
        assert_non_null(text);
        strcpy(text, "rule r { condition: true");
        repeat(text, " and true", 50000);
        strcat(text, " }");
        kit_parse_ok(text, &set);
        assert_int_equal(set.rule[0].condition->list_count, 50001);
        assert_int_equal(set.rule[0].condition->height, 2);
        pn_yr_free(&set);
        strcpy(text, "rule r { condition: 1");
        repeat(text, " + 1", 998);
        strcat(text, " }");
        kit_parse_ok(text, &set);
        assert_int_equal(set.rule[0].condition->height, 999);
        pn_yr_free(&set);
        strcpy(text, "rule r { condition: 1");
        repeat(text, " + 1", 1000);
        strcat(text, " }");
        kit_refused(text, "higher than 1000");
        free(text);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(conditions_become_trees),
                cmocka_unit_test(conditions_that_libyara_refuses_are_refused),
                cmocka_unit_test(expressions_have_a_ceiling_of_depth),
                cmocka_unit_test(chains_are_flat_and_sums_have_a_ceiling_of_height),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
