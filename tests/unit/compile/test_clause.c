/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/formula_kit.h"

#include "scanner/engine/compile/clause.h"

/* $a to $d have windows of 8 bytes and, without a table of grams, cost the same, since all digits do; $s has
 * 5 bytes, $t 3, $x has none. */
static const char strings[] =
        "strings: $a = \"01234567\" $b = \"12345678\" $c = \"23456789\" $d = \"98765432\" $s = \"13579\" "
        "$t = \"02\" $x = /[a-f]+/ ";

static const char *clause_of(const char *condition, char *ret, size_t cap)
{
        char source[4096];
        struct kit kit;
        const char *clause;

        (void)snprintf(source, sizeof(source),
                       "import \"math\"\nprivate rule p { strings: $p = \"11335577\" condition: $p }\n"
                       "rule r { %s condition: (%s) and (for all of them : ( # >= 0 )) }",
                       strings, condition);
        kit_make(&kit, source);
        clause = kit_clause(&kit, kit_rule(&kit, "r"), ret, cap);
        kit_clear(&kit);
        return clause; /* a constant, or in `ret` */
}

struct row {
        const char *condition, *clause;
};

static void expect(const struct row *row, size_t count)
{
        char clause[256];

        for (size_t i = 0; i < count; i++)
                if (strcmp(clause_of(row[i].condition, clause, sizeof(clause)), row[i].clause) != 0)
                        fail_msg("`%s` and not `%s`: %s", clause, row[i].clause, row[i].condition);
}
#define EXPECT(rows) expect(rows, sizeof(rows) / sizeof((rows)[0]))

static void what_must_occur_is_found(void **state)
{
        static const struct row rows[] = {
                {"$a", "$a"},
                {"$a at 5", "$a"},
                {"$a in (0..5)", "$a"},
                {"$a or $b", "$a $b"},
                {"($a or $b) and $c", "$c"},
                {"$a and filename matches /x/", "$a"},
                {"any of ($a, $b)", "$a $b"},
                {"all of ($a, $b, $c)", "$a"},
                {"2 of ($a, $b, $c)", "$a $b"},
                {"3 of ($a, $b, $c, $d)", "$a $b"},
                {"2 of ($a, $a, $b)", "$a"},
                {"50% of ($a, $b, $c, $d)", "$a $b $c"},
                {"for any of ($a, $b) : ( $ at 0 )", "$a $b"},
                {"for any i in (1..#a) : ( @b[i] > 5 )", "$b"},
                {"for all i in (1..3) : ( @a[i] > 5 )", "$a"},
                {"#a > 0", "$a"},
                {"#a >= 2", "$a"},
                {"3 == #a", "$a"},
                {"#a != 0", "$a"},
                {"#a", "$a"},
                {"#a + #b > 1", "$a $b"},
                {"#a > #b", "$a"},
                {"#a > filesize", "$a"},
                {"#a in (0..9) > 2", "$a"},
                {"not #a == 0", "$a"},
                {"not #a < 1", "$a"},
                {"@a < 100", "$a"},
                {"@a != 100", "$a"},
                {"@a[2] + 4 > @b", "$a"},
                {"not @a < 100", "$a"},
                {"!a[1] > 3", "$a"},
                {"uint32(@a) == 5", "$a"},
                {"uint8(@a + 4) + uint8(3) == 1", "$a"},
                {"defined @a", "$a"},
                {"$t at @a", "$a"},
                {"math.entropy(@a, 100) > 5.0", "$a"},
                {"p", "$p"},
                {"p or $a", "$p $a"},
                {"$s or $a", "$a $s"},
                {"$s and $a", "$a"},
                {"$s", "$s"},
                {"$a or false", "$a"},
        };

        (void)state;
        EXPECT(rows);
}

static void what_need_not_occur_is_not_in_it(void **state)
{
        static const struct row rows[] = {
                {"not $a", "always"},
                {"not ($a and $b)", "always"},
                {"$a or filesize < 100", "always"},
                {"$a or not $b", "always"},
                {"$a or filename matches /x/", "always"},
                {"#a >= 0", "always"},
                {"#a == 0", "always"},
                {"#a < 5", "always"},
                {"#a != 3", "always"},
                {"#a + 5 > 1", "always"},
                {"#a > int8(0)", "always"},
                {"not #a > 0", "always"},
                {"not #a != 0", "always"},
                {"0 of ($a, $b)", "always"},
                {"none of ($a, $b)", "always"},
                {"-1 of ($a, $b)", "always"},
                {"(#c) of ($a, $b)", "always"},
                {"for none of ($a) : ( $ )", "always"},
                {"not (not $a)", "always"},
                {"not defined @a", "always"},
                {"uint32(0) == 5", "always"},
                {"not math.entropy(@a, 100) > 5.0", "always"},
                {"for any i in (1..#a) : ( i > 0 )", "always"},
        };

        (void)state;
        EXPECT(rows);
}

/* What the filter cannot find is not in a clause, and neither is what depends on it. */
static void strings_without_windows_are_not_in_it(void **state)
{
        static const struct row rows[] = {
                {"$t", "always"},
                {"$x", "always"},
                {"$a or $t", "always"},
                {"$a or $x", "always"},
                {"$a and $t and $x", "$a"},
                {"2 of ($a, $b, $t)", "$a $b"},
                {"1 of ($a, $b, $t)", "always"},
                {"2 of ($a, $t, $x)", "always"},
                {"3 of ($a, $t, $x)", "$a"},
        };

        (void)state;
        EXPECT(rows);
}

static void what_is_never_true_needs_no_string(void **state)
{
        static const struct row rows[] = {
                {"false", "never"},     {"$a and false", "never"}, {"6 == 7", "never"},
                {"8 of them", "never"}, {"filesize < 0", "never"}, {"uint8(0) > 255", "never"},
        };

        (void)state;
        EXPECT(rows);
}

/* A nocase window of frequent letters against rare bytes: with a table of grams the rare one is taken. */
static void the_cheapest_is_taken(void **state)
{
        static const char text[] =
                "rule r { strings: $often = \"oftenoften\" $rare = \"rarely!!\" $short = \"shrt!\"\n"
                "condition: $often and $rare and $short }";
        struct pn_gram_count *count = pn_gram_count_new();
        struct pn_compiled compiled;
        struct pn_err err = PN_ERR_INIT;
        struct pn_grams *grams = NULL;
        struct pn_yr_set set;
        uint8_t *file = NULL;
        size_t len = 0;

        (void)state;
        assert_non_null(count);
        for (unsigned i = 0; i < 20000; i++)
                pn_gram_count_add(count, (const uint8_t *)"oftenoftenoften", 15);
        assert_int_equal(pn_gram_count_file(count, &file, &len, &err), 0);
        assert_int_equal(pn_grams_open((struct pn_view){file, len}, &grams, &err), 0);
        assert_int_equal(pn_yr_parse(&(struct pn_yr_source){"a.yar", text, sizeof(text) - 1}, 1, &set, &err),
                         0);
        assert_int_equal(pn_compile(&set, grams, &compiled, &err), 0);
        assert_int_equal(compiled.window_count, 1);
        assert_memory_equal(compiled.window[0].bytes, "rarely!!", 8);
        pn_compiled_clear(&compiled);
        pn_yr_free(&set);
        (void)pn_grams_free(grams);
        (void)pn_gram_count_free(count);
        free(file);
}

static void short_windows_cost_more(void **state)
{
        struct pn_anchor anchor = {.window = {.len = 8}};
        struct pn_lowered lowered = {.anchor = &anchor, .anchor_count = 1, .hits_per_gb = 10};
        double cost = pn_clause_cost(&lowered);

        (void)state;
        assert_true(pn_clause_may_hold(&lowered, false));
        for (uint8_t len = 7; len >= PN_WINDOW_MIN; len--) {
                anchor.window.len = len;
                assert_true(pn_clause_cost(&lowered) > cost && pn_clause_may_hold(&lowered, false));
                cost = pn_clause_cost(&lowered);
        }
        anchor.window.len = PN_WINDOW_MIN - 1;
        assert_false(pn_clause_may_hold(&lowered, false));
        assert_true(pn_clause_may_hold(&lowered, true));
        lowered.flags = PN_STRING_UNANCHORED;
        assert_false(pn_clause_may_hold(&lowered, true));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_must_occur_is_found),
                cmocka_unit_test(what_need_not_occur_is_not_in_it),
                cmocka_unit_test(strings_without_windows_are_not_in_it),
                cmocka_unit_test(what_is_never_true_needs_no_string),
                cmocka_unit_test(the_cheapest_is_taken),
                cmocka_unit_test(short_windows_cost_more),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
