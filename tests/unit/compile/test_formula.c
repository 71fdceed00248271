/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/formula_kit.h"

#include <yara.h>

#include "scanner/engine/compile/formula.h"
#include "tests/unit/compile/conditions.h"

/* ---------------------------------------------------------------- against libyara */

static int on_match(YR_SCAN_CONTEXT *context, int message, void *data, void *user)
{
        (void)context;
        if (message == CALLBACK_MSG_RULE_MATCHING && strcmp(((YR_RULE *)data)->identifier, "r") == 0)
                *(bool *)user = true;
        return CALLBACK_CONTINUE;
}

/* NULL when libyara does not take it. */
static YR_RULES *compile(const char *text, const struct pn_names *names)
{
        YR_COMPILER *compiler = NULL;
        YR_RULES *rules = NULL;

        assert_int_equal(yr_compiler_create(&compiler), ERROR_SUCCESS);
        for (unsigned i = 0; i < PN_NAMES; i++)
                assert_int_equal(
                        yr_compiler_define_string_variable(compiler, pn_name_words[i], names->value[i]),
                        ERROR_SUCCESS);
        if (yr_compiler_add_string(compiler, text, NULL) == 0)
                assert_int_equal(yr_compiler_get_rules(compiler, &rules), ERROR_SUCCESS);
        yr_compiler_destroy(compiler);
        return rules;
}

static const char head[] =
        "import \"math\"\n"
        "private rule p0 { strings: $a = \"STRING_0\" condition: $a }\n"
        "%s rule p1 { strings: $a = \"STRING_1\" condition: #a > 1 or filesize < 20 }\n"
        "%s\n"
        "rule r { strings: $_0 = \"STRING_0\" $_1 = \"STRING_1\" $_2 = \"STRING_2\" $_3 = \"RING\"\n"
        "condition: (%s) and #_0 + #_1 + #_2 + #_3 >= 0 }\n";

struct tally {
        unsigned taken, files, matched, decided, candidates, errors;
};

static size_t random_file(struct random_text *from, char *file)
{
        size_t len = 0;

        for (unsigned i = pick(from, 7); i > 0; i--) {
                for (unsigned filler = pick(from, 6); filler > 0; filler--)
                        file[len++] = (char)pick(from, 256);
                if (pick(from, 4))
                        len += (size_t)sprintf(file + len, "STRING_%u", pick(from, 3));
        }
        return len;
}

static void compare(struct kit *kit, YR_RULES *rules, struct random_text *from, const char *text,
                    struct tally *tally)
{
        static struct kit_facts facts;
        char file[256];
        size_t len = random_file(from, file);
        uint32_t rule = kit_rule(kit, "r");
        bool matches = false;
        enum pn_truth truth;

        kit_look(&facts, kit, file, len);
        if (yr_rules_scan_mem(rules, (const uint8_t *)file, len, 0, on_match, &matches, 10) !=
            ERROR_SUCCESS) {
                tally->errors++;
                return;
        }
        truth = kit_truth(kit, &facts, rule);
        if (matches ? truth == PN_FALSE : truth == PN_TRUE)
                fail_msg("libyara %d, formula %d: %s", matches, truth, text);
        if (matches && !kit_is_candidate(kit, &facts, rule))
                fail_msg("libyara matches, and no string of the clause occurs: %s", text);
        facts.blind = pick(from, 256);
        if (matches && kit_truth(kit, &facts, rule) == PN_FALSE)
                fail_msg("libyara matches, and strings that may occur say no: %s", text);
        tally->files++;
        tally->matched += matches;
        tally->decided += truth != PN_MAYBE;
        tally->candidates += kit_is_candidate(kit, &facts, rule);
}

/* What libyara says yes to is never false and always a candidate, and what is true it says yes to. */
static void random_conditions_agree_with_libyara(void **state)
{
        const char *seeds = getenv("POSTERN_SEED"), *rounds = getenv("POSTERN_ROUNDS");
        struct random_text *text = calloc(1, sizeof(*text));
        uint64_t seed = seeds ? strtoull(seeds, NULL, 0) : 20240329,
                 count = rounds ? strtoull(rounds, NULL, 0) : 600;
        static char source[8192];
        struct tally tally = {0};
        struct pn_names names;
        struct kit kit;

        (void)state;
        assert_non_null(text);
        pn_names_set(&names, "usr/bin/abc.so", 14);
        for (uint64_t i = 0; i < count; i++) {
                YR_RULES *rules;

                *text = (struct random_text){.seed = seed + i * 1000003};
                put_truth(text, 1 + pick(text, 4));
                (void)snprintf(source, sizeof(source), head, pick(text, 8) ? "" : "global",
                               pick(text, 8) ? ""
                                             : "private global rule g { condition: filesize > 5 and p1 }",
                               text->text);
                rules = compile(source, &names);
                if (!rules)
                        continue;
                tally.taken++;
                kit_make(&kit, source);
                for (unsigned k = 0; k < 12; k++)
                        compare(&kit, rules, text, source, &tally);
                kit_clear(&kit);
                yr_rules_destroy(rules);
        }
        print_message(
                "seed %llu: %u conditions, %u files, %u matched, %u decided, %u candidates, %u errors\n",
                (unsigned long long)seed, tally.taken, tally.files, tally.matched, tally.decided,
                tally.candidates, tally.errors);
        free(text);
        /* of nearly all: else the test says nothing */
        assert_true(tally.taken > count / 2 && tally.matched > tally.files / 10 &&
                    tally.matched < tally.files * 9 / 10);
        assert_true(tally.decided > tally.files / 2 && tally.candidates < tally.files);
}

/* ---------------------------------------------------------------- one by one */

static const char strings[] = "strings: $a = \"AAAAaaaa\" $b = \"BBBBbbbb\" $c = \"CCCCcccc\"";
static const char sample[] = "..AAAAaaaa....AAAAaaaa..BBBBbbbb"; /* $a at 2 and 14, $b at 24; 32 bytes */

static enum pn_truth truth_of(const char *condition)
{
        static struct kit_facts facts;
        char source[8192];
        enum pn_truth ret;
        struct kit kit;

        (void)snprintf(source, sizeof(source),
                       "import \"math\" import \"pe\"\nprivate rule p { condition: filesize == 32 }\nrule r "
                       "{ %s condition: (%s) and for all of them : ( # >= 0 ) }",
                       strings, condition);
        kit_make(&kit, source);
        kit_look(&facts, &kit, sample, sizeof(sample) - 1);
        ret = kit_truth(&kit, &facts, kit_rule(&kit, "r"));
        kit_clear(&kit);
        return ret;
}

struct row {
        const char *condition;
        enum pn_truth want;
};

static void expect(const struct row *row, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (truth_of(row[i].condition) != row[i].want)
                        fail_msg("%d and not %d: %s", truth_of(row[i].condition), row[i].want,
                                 row[i].condition);
}
#define EXPECT(rows) expect(rows, sizeof(rows) / sizeof((rows)[0]))

/* Nothing of this is left to libyara. */
static void what_is_known_is_certain(void **state)
{
        static const struct row rows[] = {
                {"$a and not $c and p", PN_TRUE},
                {"2 of ($a, $b, $c) and 66% of them", PN_TRUE},
                {"67% of them", PN_FALSE},
                {"0 of ($c) and none of ($c) and -1 of ($a)", PN_TRUE},
                {"0 of ($a)", PN_FALSE},
                {"(#c) of ($a)", PN_FALSE},
                {"(#c) of ($c)", PN_TRUE},
                {"uint8(filesize) of ($a, $b)", PN_TRUE},
                {"uint8(filesize) of them", PN_FALSE},
                {"(#a) of them", PN_TRUE},
                {"4 of them", PN_FALSE},
                {"any of them in (0..3) and none of ($b) in (0..3)", PN_TRUE},
                {"for any of them : ( $ at 14 )", PN_TRUE},
                {"for all of ($a, $b) : ( @ > 1 and # < 3 and !  == 8 )", PN_TRUE},
                {"for 2 of them : ( $ in (0..10) )", PN_FALSE},
                {"for all i in (1..2) : ( @a[i] == 12 * i - 10 )", PN_TRUE},
                {"for any i in (5..1) : ( true )", PN_FALSE},
                {"for 2 i in (1, #a, uint8(filesize)) : ( i > 0 )", PN_TRUE},
                {"for any i in (1..2) : ( for any j in (3..4) : ( j == 3 ) )", PN_MAYBE},
                {"for any i in (1..2) : ( for any of them : ( @[i] == 14 ) )", PN_TRUE},
                {"#a in (0..13) == 1", PN_TRUE},
                {"@a[3] > 0 or not @a[3] > 0", PN_FALSE},
                {"not (@a[3] > 0 and true)", PN_TRUE},
                {"not (not (@a[3] > 0 or false) and true)", PN_FALSE},
                {"not $c in (0..uint8(filesize)) or not #c in (0..uint8(filesize)) == 0", PN_FALSE},
                {"defined @a[2] and not defined @c", PN_TRUE},
                {"not defined (filesize - 32 - 1483400188077313)", PN_TRUE}, /* libyara's sign for undefined */
                {"(filesize - 32 - 1483400188077313) of ($a, $a) and defined (filesize - 31 - 1483400188077313)", PN_TRUE},
                {"1 << (-1) == 0 or not 1 << (-1) == 0 or not 1 >> (-1) == 0", PN_FALSE},
                {"1 << 64 == 0 and -7 \\ 2 == -3 and 1 << 63 < 0", PN_TRUE},
                {"#a \\ #c == 0 or not #a \\ #c == 0", PN_FALSE},
                {"uint16be(0) == 0x2e2e and uint8(31) == 0x62", PN_TRUE},
                {"uint16(31) == 0 or uint8(-1) == 0", PN_FALSE},
                {"filename and \"abc.so\" == filename and filepath startswith \"/usr\"", PN_TRUE},
                {"#c", PN_FALSE},
                {"not #c", PN_TRUE},
                {"all of (p*)", PN_TRUE},
                {"r or none of (r)", PN_TRUE},
                {"r", PN_FALSE},
        };

        (void)state;
        EXPECT(rows);
}

/* What only libyara knows is neither true nor false, and takes nothing with it that is certain. */
static void what_is_unknown_stays_so(void **state)
{
        static const struct row rows[] = {
                {"math.entropy(0, filesize) > 1.0", PN_MAYBE},
                {"math.entropy(0, filesize) > 1.0 and $c", PN_FALSE},
                {"math.entropy(0, filesize) > 1.0 or $a", PN_TRUE},
                {"math.entropy(@c, 5) > 1.0", PN_FALSE},
                {"math.entropy(@a, 5) > 1.0", PN_MAYBE},
                {"not math.entropy(@c, 5) > 1.0", PN_MAYBE},
                {"not uint8(filesize) < 1.5", PN_MAYBE},
                {"uint8(filesize) < 1.5", PN_FALSE},
                {"not $a at uint8(filesize)", PN_MAYBE},
                {"$a at uint8(filesize)", PN_FALSE},
                {"not $a at 2", PN_FALSE},
                {"not $a at (filesize - 32 - 1483400188077313)", PN_MAYBE},
                {"entrypoint == 0", PN_MAYBE},
                {"filename matches /x/", PN_MAYBE},
                {"filename < \"b\"", PN_MAYBE},
                {"filename == \"a\\x00b\"", PN_MAYBE},
                {"pe.number_of_sections > 3", PN_MAYBE},
                {"pe.is_pe and $c", PN_FALSE},
                {"for none of ($b) : ( @ < 3 )", PN_MAYBE},
                {"for 0 of ($b) : ( @ < 3 )", PN_MAYBE},
                {"for (#c) of ($b) : ( @ < 3 )", PN_MAYBE},
                {"for -1 of ($b) : ( @ < 3 )", PN_MAYBE},
                {"for -1 i in (1..#a) : ( @c[i] == 14 )", PN_MAYBE},
                {"for 3 of ($a, $b) : ( # )", PN_MAYBE},
                {"for 2 of ($a) : ( # or false )", PN_MAYBE},
                {"for any i in (1..#a) : ( @a[i] == 14 )", PN_MAYBE},
                {"for any i in (1..#a) : ( @c[i] == 14 )", PN_FALSE},
                {"not for any i in (1..#a) : ( @c[i] == 14 )", PN_MAYBE},
                {"for all i in (1..100) : ( i > 0 )", PN_MAYBE},
                {"for 1 i in (6, #a) : ( for all j in (1, 2) : ( i > 5 ) )", PN_MAYBE},
                {"for any i in (6..#b * 7) : ( for all j in (1, 2) : ( i > 5 ) )", PN_MAYBE},
                {"for any s in pe.sections : ( s.name == \"x\" )", PN_MAYBE},
                {"defined (@c > 1)", PN_MAYBE},
        };

        (void)state;
        EXPECT(rows);
}

/* Deeper than the evaluator goes: MAYBE, and not a pack that is refused. */
static void too_deep_is_maybe(void **state)
{
        static struct kit_facts facts;
        char condition[4096] = "";
        struct kit kit;

        (void)state;
        for (unsigned i = 0; i < 90; i++)
                strcat(condition, "not ");
        strcat(condition, "$c");
        assert_int_equal(truth_of(condition), PN_MAYBE);
        strcat(condition, " and $c");
        assert_int_equal(truth_of(condition), PN_FALSE);
        (void)strcpy(condition, "rule r0 { condition: filesize == 1 }\n");
        for (unsigned i = 1; i < 110; i++)
                (void)sprintf(condition + strlen(condition), "rule r%u { condition: r%u }\n", i, i - 1);
        kit_make(&kit, condition);
        kit_look(&facts, &kit, "", 0);
        assert_int_equal(kit_truth(&kit, &facts, kit_rule(&kit, "r80")), PN_FALSE);
        assert_int_equal(kit_truth(&kit, &facts, kit_rule(&kit, "r109")), PN_MAYBE);
        kit_clear(&kit);
}

/* `for all i in (1..turns) : ( for any of them : ( @[i] > 1 and ... ) )` over `count` strings. */
static uint32_t nodes_of_loop(unsigned count, unsigned turns)
{
        struct random_text *text = calloc(1, sizeof(*text));
        struct kit kit;
        uint32_t nodes;

        assert_non_null(text);
        put(text, "rule r { strings:");
        for (unsigned i = 0; i < count; i++)
                put(text, " $%u = \"STRING%02u\"", i, i);
        put(text, " condition: for all i in (1..%u) : ( for any of them : (", turns);
        for (unsigned i = 0; i < 8; i++)
                put(text, " @[i] > %u and", i);
        put(text, " true ) ) }");
        kit_make(&kit, text->text);
        nodes = kit.pack.nodes;
        kit_clear(&kit);
        free(text);
        return nodes;
}

static void loops_do_not_grow_without_end(void **state)
{
        (void)state;
        assert_true(nodes_of_loop(10, 10) > 8 * 10 * 10);
        assert_true(nodes_of_loop(64, 1) > 8 * 64);
        assert_true(nodes_of_loop(65, 1) < 20);
        assert_true(nodes_of_loop(10, 65) < 8 * 10 * 10);
        assert_true(nodes_of_loop(64, 64) < PN_UNROLL_NODES_MAX + 64 * 64);
}

/* ---------------------------------------------------------------- rules of rules */

static bool needs(const struct kit *kit, const char *rule, const char *other)
{
        struct pn_run run = kit->pack.rule[kit_rule(kit, rule)].needs;

        for (uint32_t i = 0; i < run.count; i++)
                if (kit->pack.index[run.first + i] == kit_rule(kit, other))
                        return true;
        return false;
}

static void global_rules_are_part_of_their_namespace(void **state)
{
        static const char one[] =
                "rule early { condition: filesize == 3 }\n"
                "private global rule g { strings: $g = \"GGGGgggg\" condition: $g or early }\n"
                "rule late { condition: true }\n"
                "global rule h { condition: not g }";
        static const struct pn_yr_source files[] = {{"one.yar", one, sizeof(one) - 1},
                                                    {"two.yar", "rule other { condition: true }", 30}};
        static struct kit_facts facts;
        struct kit kit;

        (void)state;
        kit_make_files(&kit, files, 2);
        kit_look(&facts, &kit, "....", 4);
        assert_int_equal(kit_truth(&kit, &facts, kit_rule(&kit, "late")), PN_FALSE);
        assert_int_equal(kit_truth(&kit, &facts, kit_rule(&kit, "h")), PN_FALSE);
        assert_int_equal(kit_truth(&kit, &facts, kit_rule(&kit, "other")), PN_TRUE);
        kit_look(&facts, &kit, "...",
                 3); /* what a global rule asks is without them, or it would ask itself */
        assert_int_equal(kit_truth(&kit, &facts, kit_rule(&kit, "early")), PN_TRUE);
        assert_int_equal(kit_truth(&kit, &facts, kit_rule(&kit, "g")), PN_TRUE);
        kit_look(&facts, &kit, "GGGGgggg", 8);
        assert_int_equal(kit_truth(&kit, &facts, kit_rule(&kit, "g")), PN_TRUE);
        assert_int_equal(kit_truth(&kit, &facts, kit_rule(&kit, "late")), PN_FALSE);
        assert_true(needs(&kit, "late", "g") && needs(&kit, "late", "h") && needs(&kit, "late", "early"));
        assert_true(needs(&kit, "h", "g") && !needs(&kit, "g", "h") && !needs(&kit, "other", "g"));
        kit_clear(&kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_is_known_is_certain),
                cmocka_unit_test(what_is_unknown_stays_so),
                cmocka_unit_test(too_deep_is_maybe),
                cmocka_unit_test(loops_do_not_grow_without_end),
                cmocka_unit_test(global_rules_are_part_of_their_namespace),
                cmocka_unit_test(random_conditions_agree_with_libyara),
        };
        int result;

        (void)yr_initialize();
        result = cmocka_run_group_tests(tests, NULL, NULL);
        (void)yr_finalize();
        return result;
}
