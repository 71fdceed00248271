/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/formula_kit.h"

#include <math.h>

#include "scanner/base/jsonx.h"
#include "scanner/engine/compile/cost.h"

static const struct pn_cost_rule *cost_of(const struct kit *kit, const char *rule)
{
        return &kit->compiled.cost[kit_rule(kit, rule)];
}

struct row {
        const char *rule;
        enum pn_weakness weakness;
        bool to_libyara;
        const char *words; /* a part of them; NULL: there are none */
};

static const char rules[] = "import \"elf\"\n"
                            "private rule hidden { condition: filesize > 1 }\n"
                            "rule good { strings: $a = \"01234567\" condition: $a }\n"
                            "rule shorter { strings: $five = \"13579\" condition: $five }\n"
                            "rule nothing { condition: filesize < 100 }\n"
                            "rule negative { strings: $a = \"01234567\" condition: not $a }\n"
                            "rule tiny { strings: $two = \"02\" condition: $two }\n"
                            "rule regex { strings: $re = /[a-f]+/ condition: $re }\n"
                            "rule module { condition: elf.number_of_sections > 3 }\n"
                            "rule never { strings: $a = \"01234567\" condition: $a and false }\n";

static void each_weakness_is_named_in_words(void **state)
{
        static const struct row rows[] = {
                {"hidden", PN_WEAK_NONE, false, NULL},
                {"good", PN_WEAK_NONE, false, NULL},
                {"shorter", PN_WEAK_SHORT, false, "`$five` has windows of only 5 bytes"},
                {"nothing", PN_WEAK_ALWAYS, true, "no string must occur"},
                {"negative", PN_WEAK_ALWAYS, true, "no string must occur"},
                {"tiny", PN_WEAK_ALWAYS, false, "`$two`"},
                {"regex", PN_WEAK_ALWAYS, true, "`$re`"},
                {"module", PN_WEAK_ALWAYS, true, "`elf`"},
                {"never", PN_WEAK_NONE, false, "never true"},
        };
        struct kit kit;

        (void)state;
        kit_make(&kit, rules);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct pn_cost_rule *cost = cost_of(&kit, rows[i].rule);

                if (cost->weakness != rows[i].weakness || cost->to_libyara != rows[i].to_libyara ||
                    (rows[i].words ? !strstr(cost->words, rows[i].words) : cost->words[0] != '\0'))
                        fail_msg("%s: %d %d %s", rows[i].rule, cost->weakness, cost->to_libyara, cost->words);
        }
        kit_clear(&kit);
}

/* ---------------------------------------------------------------- numbers */

/* Four megabytes of anything, so that what was counted often is still one thing among many. */
static void add_noise(struct pn_gram_count *count)
{
        static uint8_t noise[4U << 20];
        uint64_t state = 1;

        for (size_t i = 0; i < sizeof(noise); i++) {
                state = state * 6364136223846793005ULL + 1442695040888963407ULL;
                noise[i] = (uint8_t)(state >> 56);
        }
        pn_gram_count_add(count, noise, sizeof(noise));
}

/* Compiles with a table in which "oftenoftenoften" was counted again and again. */
static void compile_with_grams(const char *text, struct pn_yr_set *set, struct pn_compiled *ret)
{
        struct pn_gram_count *count = pn_gram_count_new();
        struct pn_err err = PN_ERR_INIT;
        struct pn_grams *grams = NULL;
        uint8_t *file = NULL;
        size_t len = 0;

        assert_non_null(count);
        for (unsigned i = 0; i < 200; i++)
                pn_gram_count_add(count, (const uint8_t *)"oftenoftenoften.", 16);
        add_noise(count);
        assert_int_equal(pn_gram_count_file(count, &file, &len, &err), 0);
        assert_int_equal(pn_grams_open((struct pn_view){file, len}, &grams, &err), 0);
        assert_int_equal(pn_yr_parse(&(struct pn_yr_source){"a.yar", text, strlen(text)}, 1, set, &err), 0);
        assert_int_equal(pn_compile(set, grams, ret, &err), 0);
        (void)pn_grams_free(grams);
        (void)pn_gram_count_free(count);
        free(file);
}

static void what_is_common_is_noisy_and_costs_most(void **state)
{
        struct pn_compiled compiled;
        struct pn_yr_set set;

        (void)state;
        compile_with_grams("rule common { strings: $often = \"oftenoften\" condition: $often }\n"
                           "rule rare { strings: $a = \"01234567\" condition: $a }\n"
                           "rule loose { strings: $re = /[0-9]oftenoften[0-9]/ condition: $re }",
                           &set, &compiled);
        assert_int_equal(compiled.cost[0].weakness, PN_WEAK_NOISY);
        assert_non_null(strstr(compiled.cost[0].words, "`$often` is common in clean binaries: about "));
        assert_non_null(strstr(compiled.cost[0].words, ",000 places per GB"));
        assert_int_equal(compiled.cost[1].weakness, PN_WEAK_NONE);
        assert_int_equal(compiled.cost[2].weakness, PN_WEAK_LOOSE);
        assert_true(compiled.cost[0].hits_per_gb > PN_COST_NOISY_PER_GB);
        assert_true(compiled.cost[0].share > 100 * compiled.cost[1].share);
        assert_true(compiled.hits_per_gb >= compiled.cost[0].hits_per_gb);
        pn_compiled_clear(&compiled);
        pn_yr_free(&set);
}

static void shares_are_of_one_whole(void **state)
{
        double sum = 0;
        struct kit kit;

        (void)state;
        kit_make(&kit, "rule a { strings: $a = \"01234567\" condition: $a }\n"
                       "rule b { strings: $a = \"01234567\" condition: $a }\n"
                       "rule c { strings: $a = \"98765432\" $b = \"01234567\" condition: $a or $b }\n"
                       "private rule d { strings: $a = \"24682468\" condition: $a }\n");
        for (uint32_t i = 0; i < kit.compiled.cost_count; i++)
                sum += kit.compiled.cost[i].share;
        assert_true(fabs(sum - 1) < 1e-9);
        assert_true(fabs(cost_of(&kit, "a")->share - cost_of(&kit, "b")->share) < 1e-9);
        assert_int_equal(cost_of(&kit, "c")->windows, 2);
        assert_int_equal(cost_of(&kit, "c")->rarest_count, 2);
        assert_int_equal(cost_of(&kit, "d")->windows, 0);
        assert_int_equal(kit.compiled.window_count, 2);
        kit_clear(&kit);
}

static void four_of_the_rarest_windows_are_kept(void **state)
{
        struct kit kit;
        const struct pn_cost_rule *cost;

        (void)state;
        kit_make(&kit,
                 "rule r { strings: $t = \"tenantsinontests\" $a = { B1 B2 B3 B4 B5 B6 B7 B8 } $e = \"esse\" "
                 "$b = { B2 B3 B4 B5 B6 B7 B8 B1 } $c = { B3 B4 B5 B6 B7 B8 B1 B2 } $d = { B4 B5 B6 B7 B8 B1 "
                 "B2 B3 } "
                 "condition: any of them }");
        cost = cost_of(&kit, "r");
        assert_int_equal(cost->windows, 6);
        assert_int_equal(cost->rarest_count, 4);
        for (uint32_t i = 0; i < 4; i++)
                assert_true(cost->rarest[i].len == 8 && cost->rarest[i].bytes[0] > 0xb0);
        kit_clear(&kit);
}

/* ---------------------------------------------------------------- the report */

static json_t *report_of(const struct kit *kit)
{
        struct pn_err err = PN_ERR_INIT;
        json_t *json = NULL;
        char *text = NULL;
        size_t len = 0;

        assert_int_equal(pn_cost_report(&kit->set, &kit->compiled, &text, &len, &err), 0);
        if (pn_jsonx_load("report", text, len, PN_FAULT_BUG, &json, &err) < 0)
                fail_msg("%s", err.text);
        free(text);
        return json;
}

static void the_report_is_json_whatever_names_are(void **state)
{
        static const char text[] = "rule r { meta: id = \"a\\\"b\\\\c\\x01\\xff\\n\" condition: true }";
        struct kit kit;
        json_t *json, *rule;

        (void)state;
        kit_make_files(&kit, &(struct pn_yr_source){"x\"y\\z\x01\xff\n.yar", text, sizeof(text) - 1}, 1);
        json = report_of(&kit);
        rule = json_array_get(json_object_get(json, "rules"), 0);
        assert_string_equal(json_string_value(json_object_get(rule, "file")),
                            "x\"y\\x5cz\\x01\\xff\\x0a.yar");
        assert_string_equal(json_string_value(json_object_get(rule, "id")), "a\"b\\x5cc\\x01\\xff\\x0a");
        json_decref(json);
        kit_clear(&kit);
}

static void the_report_says_what_the_header_promises(void **state)
{
        static const char *const keys[] = {"rule",       "file",     "line",       "id",     "severity",
                                           "confidence", "private",  "windows",    "rarest", "hits_per_gb",
                                           "share",      "weakness", "to_libyara", "words"};
        struct kit kit;
        json_t *json, *rule;

        (void)state;
        kit_make(&kit, rules);
        json = report_of(&kit);
        assert_int_equal(json_integer_value(json_object_get(json, "schema")), 1);
        assert_int_equal(json_integer_value(json_object_get(json, "windows")), kit.compiled.window_count);
        assert_int_equal(json_array_size(json_object_get(json, "rules")), kit.compiled.cost_count);
        rule = json_array_get(json_object_get(json, "rules"), kit_rule(&kit, "good"));
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
                assert_non_null(json_object_get(rule, keys[i]));
        assert_string_equal(json_string_value(json_array_get(json_object_get(rule, "rarest"), 0)),
                            "3031323334353637");
        assert_int_equal(json_integer_value(json_object_get(rule, "line")), 3);
        assert_string_equal(json_string_value(json_object_get(rule, "severity")), "high");
        assert_string_equal(json_string_value(json_object_get(rule, "weakness")), "none");
        rule = json_array_get(json_object_get(json, "rules"), kit_rule(&kit, "regex"));
        assert_string_equal(json_string_value(json_object_get(rule, "weakness")), "always");
        assert_true(json_is_true(json_object_get(rule, "to_libyara")));
        json_decref(json);
        kit_clear(&kit);
}

static void a_report_of_a_damaged_pack_is_refused(void **state)
{
        struct pn_err err = PN_ERR_INIT;
        struct kit kit;
        char *text = NULL;
        size_t len = 0;

        (void)state;
        kit_make(&kit, rules);
        kit.compiled.pack[0] ^= 1;
        assert_int_equal(pn_cost_report(&kit.set, &kit.compiled, &text, &len, &err), -1);
        assert_null(text);
        kit_clear(&kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_weakness_is_named_in_words),
                cmocka_unit_test(what_is_common_is_noisy_and_costs_most),
                cmocka_unit_test(shares_are_of_one_whole),
                cmocka_unit_test(four_of_the_rarest_windows_are_kept),
                cmocka_unit_test(the_report_is_json_whatever_names_are),
                cmocka_unit_test(the_report_says_what_the_header_promises),
                cmocka_unit_test(a_report_of_a_damaged_pack_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
