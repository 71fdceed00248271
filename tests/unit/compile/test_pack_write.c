/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/formula_kit.h"

#include "scanner/engine/compile/pack_write.h"

static const struct pn_pack_rule *rule_of(const struct kit *kit, const char *name)
{
        return &kit->pack.rule[kit_rule(kit, name)];
}

static const struct pn_pack_string *string_of(const struct kit *kit, const char *rule, uint32_t number)
{
        return &kit->pack.string[rule_of(kit, rule)->strings.first + number];
}

static void expect_text(const struct kit *kit, uint32_t text, const char *want)
{
        assert_string_equal(kit->pack.text + text, want);
}

/* ---------------------------------------------------------------- what is told of a rule */

static void metadata_become_words(void **state)
{
        struct kit kit;

        (void)state;
        kit_make(&kit,
                 "private rule plain { meta: severity = 3 id = \"\" id = \"second\" condition: true }\n"
                 "rule full { meta: id = \"X-1\" description = \"what\" remedy = \"do\" source = \"where\" "
                 "severity = \"low\" confidence = \"high\" condition: plain }");
        expect_text(&kit, rule_of(&kit, "full")->id, "X-1");
        expect_text(&kit, rule_of(&kit, "full")->title, "what");
        expect_text(&kit, rule_of(&kit, "full")->remedy, "do");
        expect_text(&kit, rule_of(&kit, "full")->source, "where");
        expect_text(&kit, rule_of(&kit, "full")->space, "kit.yar");
        assert_int_equal(rule_of(&kit, "full")->severity, PN_SEVERITY_LOW);
        assert_int_equal(rule_of(&kit, "full")->confidence, PN_CONFIDENCE_HIGH);
        assert_int_equal(rule_of(&kit, "full")->exact, 1);
        expect_text(&kit, rule_of(&kit, "plain")->id, "plain");
        expect_text(&kit, rule_of(&kit, "plain")->title, "");
        assert_int_equal(rule_of(&kit, "plain")->severity, PN_SEVERITY_HIGH);
        assert_int_equal(rule_of(&kit, "plain")->confidence, PN_CONFIDENCE_MEDIUM);
        assert_int_equal(rule_of(&kit, "plain")->flags, PN_RULE_PRIVATE);
        kit_clear(&kit);
}

static void long_words_are_cut_and_long_ids_stay_different(void **state)
{
        char source[2048], words[600], one[PN_RULE_ID_MAX], other[PN_RULE_ID_MAX];
        struct kit kit;

        (void)state;
        memset(words, 'w', sizeof(words));
        words[sizeof(words) - 1] = '\0';
        (void)snprintf(source, sizeof(source),
                       "rule r { meta: description = \"%s\" id = \"%s\" condition: true }", words, words);
        kit_make(&kit, source);
        assert_int_equal(strlen(kit.pack.text + rule_of(&kit, "r")->title), PN_WORDS_MAX - 1);
        assert_int_equal(strlen(kit.pack.text + rule_of(&kit, "r")->id), PN_RULE_ID_MAX - 1);
        kit_clear(&kit);
        pn_pack_id(one, words);
        words[sizeof(words) - 2] = 'v';
        pn_pack_id(other, words);
        assert_memory_equal(one, other, PN_RULE_ID_MAX - 17);
        assert_string_not_equal(one, other);
        words[PN_RULE_ID_MAX - 1] = '\0';
        pn_pack_id(one, words);
        assert_string_equal(one, words);
}

/* ---------------------------------------------------------------- windows and candidates */

static void equal_windows_are_there_once(void **state)
{
        struct kit kit;
        const struct pn_pack *pack = &kit.pack;
        uint32_t strings = 0;

        (void)state;
        kit_make(&kit, "rule a { strings: $a = \"01234567\" condition: $a }\n"
                       "rule b { strings: $a = \"01234567\" $b = \"98765432\" condition: $a or $b }\n"
                       "rule c { strings: $a = \"ABCDEFGH\" nocase condition: $a }\n"
                       "rule d { strings: $a = \"abcdefgh\" condition: $a }\n"
                       "rule e { strings: $a = \"notused!\" $b = \"01234567\" condition: $a in (0..#b) and "
                       "$b and not $a }");
        assert_int_equal(kit.compiled.window_count, pack->windows);
        for (uint32_t i = 0; i < pack->windows; i++)
                for (uint32_t k = 0; k < pack->window[i].anchors.count; k++) {
                        const struct pn_pack_anchor *anchor =
                                &pack->anchor[pack->index[pack->window[i].anchors.first + k]];

                        assert_memory_equal(anchor->bytes, kit.compiled.window[i].bytes, PN_WINDOW_MAX);
                        assert_int_equal(anchor->len, kit.compiled.window[i].len);
                        assert_int_equal(anchor->nocase, kit.compiled.window[i].nocase);
                        strings++;
                }
        assert_int_equal(pack->windows, 4);
        assert_int_equal(strings, 6);
        assert_true(string_of(&kit, "d", 0)->flags & PN_STRING_CLAUSE);
        assert_int_equal(string_of(&kit, "e", 0)->flags & PN_STRING_CLAUSE, 0);
        kit_clear(&kit);
}

static void a_string_names_every_rule_that_it_makes_a_candidate(void **state)
{
        struct kit kit;
        const struct pn_pack_string *string;

        (void)state;
        kit_make(&kit, "private rule p { strings: $p = \"01234567\" condition: $p }\n"
                       "rule one { condition: p }\n"
                       "rule two { strings: $a = \"98765432\" condition: p and filesize > 3 or $a }\n"
                       "rule each { condition: filesize > 3 }\n"
                       "private rule never_told { condition: not p }");
        string = string_of(&kit, "p", 0);
        assert_int_equal(string->candidates.count, 2);
        assert_int_equal(kit.pack.index[string->candidates.first], kit_rule(&kit, "one"));
        assert_int_equal(kit.pack.index[string->candidates.first + 1], kit_rule(&kit, "two"));
        assert_int_equal(kit.pack.always.count, 1);
        assert_int_equal(kit.pack.index[kit.pack.always.first], kit_rule(&kit, "each"));
        assert_int_equal(rule_of(&kit, "never_told")->flags, PN_RULE_PRIVATE);
        assert_int_equal(rule_of(&kit, "each")->flags, PN_RULE_ALWAYS);
        assert_int_equal(rule_of(&kit, "two")->needs.count, 1);
        assert_int_equal(rule_of(&kit, "each")->needs.count, 0);
        kit_clear(&kit);
}

static void strings_keep_variants_segments_and_keys(void **state)
{
        struct kit kit;
        const struct pn_pack_string *string;
        const struct pn_pack_variant *variant;

        (void)state;
        kit_make(&kit, "rule r { strings: $x = \"keyedtext\" xor(1-3) $h = { 10 2? 30 40 50 60 70 80 90 } "
                       "$q = \"quietly!\" private condition: all of them }");
        string = string_of(&kit, "r", 0);
        expect_text(&kit, string->name, "$x");
        assert_int_equal(string->rule, 0);
        variant = &kit.pack.variant[string->variants.first];
        assert_true(variant->flags & PN_VARIANT_XOR);
        assert_int_equal(variant->xor_min, 1);
        assert_int_equal(variant->xor_max, 3);
        assert_int_equal(string->anchors.count, 3);
        variant = &kit.pack.variant[string_of(&kit, "r", 1)->variants.first];
        assert_int_equal(variant->segments.count, 1);
        assert_int_equal(kit.pack.segment[variant->segments.first].len, 9);
        assert_memory_equal(kit.pack.bytes + kit.pack.segment[variant->segments.first].bytes, "\x10\x20\x30",
                            3);
        assert_memory_equal(kit.pack.bytes + kit.pack.segment[variant->segments.first].masks, "\xff\xf0\xff",
                            3);
        assert_true(string_of(&kit, "r", 2)->flags & PN_STRING_PRIVATE);
        kit_clear(&kit);
}

/* ---------------------------------------------------------------- the tables themselves */

static void equal_texts_are_there_once(void **state)
{
        struct pn_build build;
        struct pn_err err = PN_ERR_INIT;
        uint32_t first[5000];
        char text[16];

        (void)state;
        assert_int_equal(pn_build_init(&build, &err), 0);
        for (unsigned round = 0; round < 2; round++)
                for (unsigned i = 5000; i-- > 0;) { /* what others begin with comes last */
                        uint32_t at = pn_build_text(&build, text, (size_t)sprintf(text, "t%u", i));

                        assert_true(round == 0 || first[i] == at);
                        assert_string_equal((char *)pn_build_rows(&build, PN_PACK_TEXT) + at, text);
                        first[i] = at;
                }
        assert_int_equal(pn_build_text(&build, "", 0), 0);
        assert_int_equal(pn_build_text(&build, "t1\0more", 7), first[1]);
        pn_build_clear(&build);
}

static void a_table_over_its_ceiling_is_refused(void **state)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_build build;
        uint8_t *blob = NULL;
        size_t len = 0;

        (void)state;
        assert_int_equal(pn_build_init(&build, &err), 0);
        assert_int_equal(pn_build_add(&build, PN_PACK_BYTES, "x", PN_PACK_BYTES_MAX + 1UL), 0);
        assert_true(build.failed);
        assert_int_equal(pn_build_finish(&build, &blob, &len, &err), -1);
        assert_null(blob);
        pn_build_clear(&build);
}

static void no_rules_are_no_pack(void **state)
{
        struct pn_compiled compiled = {.pack_len = 7};
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set = {.rule_count = 0};

        (void)state;
        assert_int_equal(pn_compile(&set, NULL, &compiled, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        assert_int_equal(compiled.pack_len, 7); /* untouched */
}

/* The same rules are the same bytes, wherever they lie in memory. */
static void a_pack_depends_on_nothing_but_its_rules(void **state)
{
        static const char text[] =
                "rule a { strings: $a = \"01234567\" wide ascii $b = /abcd[0-9]+efgh/ condition: 1 of them }";
        struct kit one, other;

        (void)state;
        kit_make(&one, text);
        kit_make(&other, text);
        assert_int_equal(one.compiled.pack_len, other.compiled.pack_len);
        assert_memory_equal(one.compiled.pack, other.compiled.pack, one.compiled.pack_len);
        assert_int_equal((uintptr_t)one.compiled.pack % 64, 0);
        kit_clear(&one);
        kit_clear(&other);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(metadata_become_words),
                cmocka_unit_test(long_words_are_cut_and_long_ids_stay_different),
                cmocka_unit_test(equal_windows_are_there_once),
                cmocka_unit_test(a_string_names_every_rule_that_it_makes_a_candidate),
                cmocka_unit_test(strings_keep_variants_segments_and_keys),
                cmocka_unit_test(equal_texts_are_there_once),
                cmocka_unit_test(a_table_over_its_ceiling_is_refused),
                cmocka_unit_test(no_rules_are_no_pack),
                cmocka_unit_test(a_pack_depends_on_nothing_but_its_rules),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
