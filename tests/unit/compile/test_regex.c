/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/lower_kit.h"

#include "scanner/engine/compile/regex.h"

#define SEED 0xbf58476d1ce4e5b9ULL
#define STRINGS 1000
#define BUFFERS 8

/* ---------------------------------------------------------------- random expressions and what matches them
 *
 * One walk writes the expression, the same walk with the same `shape` again makes a string that matches it.
 */

struct walk {
        uint64_t shape; /* decides the expression */
        char *source;   /* where it is written, or NULL */
        size_t len;
        struct kit_buf *text; /* where a match is written, or NULL */
        uint32_t flags;
};

#define SOURCE_MAX 8192U

static uint32_t shape(struct walk *walk, uint32_t below)
{
        const uint64_t mine = kit_seed;
        uint32_t ret;

        kit_seed = walk->shape;
        ret = kit_random(below);
        walk->shape = kit_seed;
        kit_seed = mine;
        return ret;
}

static void write_source(struct walk *walk, const char *text)
{
        for (; walk->source != NULL && *text != '\0' && walk->len + 1 < SOURCE_MAX; text++)
                walk->source[walk->len++] = *text;
}

static void match_byte(struct walk *walk, uint8_t byte)
{
        if (walk->text == NULL)
                return;
        if ((walk->flags & PN_YR_NOCASE) && kit_chance(2) && byte < 0x80)
                byte = (uint8_t)(isupper(byte) ? tolower(byte) : toupper(byte));
        kit_put(walk->text, byte);
        if (walk->flags & PN_YR_WIDE)
                kit_put(walk->text, 0);
}

static void walk_alt(struct walk *walk, unsigned depth);

static void walk_literal(struct walk *walk)
{
        static const char letters[] = "abcdABCD019 _-,:;<>@{}]&%!=";
        const char text[2] = {letters[shape(walk, sizeof(letters) - 1)], '\0'};

        write_source(walk, text);
        match_byte(walk, (uint8_t)text[0]);
}

static void walk_escape(struct walk *walk)
{
        static const struct {
                const char *source;
                uint8_t byte;
        } escapes[] = {{"\\x41", 'A'}, {"\\x00", 0},   {"\\.", '.'},  {"\\n", '\n'},  {"\\/", '/'},
                       {"\\\\", '\\'}, {"\\w", '_'},   {"\\d", '7'},  {"\\s", ' '},   {"\\W", '-'},
                       {"\\D", 'd'},   {"\\S", 'S'},   {"\\t", '\t'}, {"\\xfe", 254}, {"\\x7f", 127},
                       {"\\{", '{'},   {"\\x6a", 'j'}, {"\\a", '\a'}};
        const uint32_t i = shape(walk, sizeof(escapes) / sizeof(escapes[0]));

        write_source(walk, escapes[i].source);
        match_byte(walk, escapes[i].byte);
}

static void walk_class(struct walk *walk)
{
        static const struct {
                const char *source;
                const char *members;
        } classes[] = {{"[ab]", "ab"},         {"[a-d]", "abcd"},  {"[^a]", "bc!"},
                       {"[]x]", "]x"},         {"[^]x]", "ab"},    {"[a-c0-9_]", "b7_"},
                       {"[\\x61-\\x63]", "c"}, {"[a\\-z]", "a-z"}, {"[\\w]", "k_"},
                       {"[\\d.]", "5."},       {"[A-]", "A-"},     {"[\\]a]", "]a"},
                       {"[\\n\\t]", "\n\t"},   {"[^\\d]", "x"},    {"[!-\\x2f]", "/!"},
                       {"[\\w-z]", "wxyz"},    {"[aA]", "aA"},     {"[a]-[b]", NULL}};
        const uint32_t i = shape(walk, sizeof(classes) / sizeof(classes[0]));
        const char *members = classes[i].members;

        write_source(walk, classes[i].source);
        if (members != NULL) {
                match_byte(walk, (uint8_t)members[kit_random((uint32_t)strlen(members))]);
                return;
        }
        match_byte(walk, 'a');
        match_byte(walk, '-');
        match_byte(walk, 'b');
}

static void walk_one(struct walk *walk, unsigned depth)
{
        switch (shape(walk, depth < 3 ? 12 : 9)) {
        case 0:
                write_source(walk, ".");
                match_byte(walk, '.');
                break;
        case 1:
                walk_class(walk);
                break;
        case 2:
                walk_escape(walk);
                break;
        case 9:
        case 10:
                write_source(walk, "(");
                walk_alt(walk, depth + 1);
                write_source(walk, ")");
                break;
        default:
                for (uint32_t i = 1 + shape(walk, 5); i != 0; i--)
                        walk_literal(walk);
        }
}

/* The same part several times, or not at all. */
static void walk_times(struct walk *walk, unsigned depth, uint32_t times)
{
        const uint64_t begin = walk->shape;
        struct kit_buf *text = walk->text;

        walk->text = times == 0 ? NULL : text;
        walk_one(walk, depth);
        walk->text = text;
        for (; times > 1 && text != NULL; times--) {
                walk->shape = begin;
                walk_one(walk, depth);
        }
}

static void walk_repeat(struct walk *walk, unsigned depth)
{
        static const struct {
                const char *source;
                uint32_t min, max;
        } quantifiers[] = {{"*", 0, 3},     {"+", 1, 4},        {"?", 0, 1},     {"{2}", 2, 2},
                           {"{1,3}", 1, 3}, {"{,2}", 0, 2},     {"{2,}", 2, 6},  {"*?", 0, 3},
                           {"+?", 1, 3},    {"??", 0, 1},       {"{0,1}", 0, 1}, {"{9}", 9, 9},
                           {"{1}", 1, 1},   {"{12,20}", 12, 20}};
        const uint32_t i = shape(walk, 4 * sizeof(quantifiers) / sizeof(quantifiers[0]));
        const bool some = i < sizeof(quantifiers) / sizeof(quantifiers[0]);

        if (!some) {
                walk_one(walk, depth);
                return;
        }
        /* a group, because a literal of several characters is one here and not for the quantifier */
        write_source(walk, "(");
        walk_times(walk, depth, quantifiers[i].min + kit_random(quantifiers[i].max - quantifiers[i].min + 1));
        write_source(walk, ")");
        write_source(walk, quantifiers[i].source);
}

static void walk_edge(struct walk *walk)
{
        static const char *const edges[] = {"\\b", "\\B", "^", "$"};

        if (shape(walk, 25) == 0)
                write_source(walk, edges[shape(walk, 4)]);
}

static void walk_cat(struct walk *walk, unsigned depth)
{
        walk_edge(walk);
        for (uint32_t i = 1 + shape(walk, depth == 0 ? 6 : 3); i != 0; i--)
                walk_repeat(walk, depth);
        walk_edge(walk);
}

static void walk_alt(struct walk *walk, unsigned depth)
{
        const uint32_t count = shape(walk, depth == 0 ? 6 : 3) == 0 ? 2 + shape(walk, 3) : 1;
        const uint32_t taken = kit_random(count);
        struct kit_buf *text = walk->text;

        for (uint32_t i = 0; i < count; i++) {
                write_source(walk, i == 0 ? "" : "|");
                walk->text = i == taken ? text : NULL;
                walk_cat(walk, depth);
        }
        walk->text = text;
}

/* ---------------------------------------------------------------- against libyara */

static void make_source(struct walk *walk, struct pn_yr_string *string, char *source)
{
        static char regex[SOURCE_MAX], bare[SOURCE_MAX];
        struct walk writing = *walk;
        uint32_t len = 0;

        writing.source = regex;
        walk_alt(&writing, 0);
        regex[writing.len] = '\0';
        (void)snprintf(source, 2 * SOURCE_MAX, "/%s/%s%s%s%s", regex, string->flags & PN_YR_NOCASE ? "i" : "",
                       string->flags & PN_YR_DOTALL ? "s" : "", string->flags & PN_YR_ASCII ? " ascii" : "",
                       string->flags & PN_YR_WIDE ? " wide" : "");
        for (size_t i = 0; i < writing.len; i++) /* as the parser of rules hands it over */
                if (regex[i] != '\\' || regex[i + 1] != '/')
                        bare[len++] = regex[i];
        string->text = (struct pn_yr_bytes){(const uint8_t *)bare, len};
}

static void fill(const struct walk *walk, uint32_t flags, struct kit_buf *buf)
{
        const uint32_t places = 1 + kit_random(3);

        buf->len = 0;
        for (uint32_t i = 0; i < places; i++) {
                struct walk matching = *walk;
                const size_t begin = buf->len;

                matching.text = buf;
                matching.flags = flags & ~(uint32_t)((flags & PN_YR_ASCII) && kit_chance(2) ? PN_YR_WIDE : 0);
                walk_alt(&matching, 0);
                if (kit_chance(3) && buf->len > begin)
                        buf->bytes[begin + kit_random((uint32_t)(buf->len - begin))] = kit_byte();
                if (kit_chance(2))
                        kit_noise(buf, kit_random(6));
        }
}

struct tally {
        unsigned taken, anchored, long_enough, found;
};

static void try_one(uint64_t seed, struct tally *tally)
{
        static const uint32_t places[] = {PN_YR_ASCII, PN_YR_ASCII, PN_YR_WIDE, PN_YR_ASCII | PN_YR_WIDE};
        static char source[2 * SOURCE_MAX];
        struct pn_yr_string string = {.kind = PN_YR_REGEX, .name = "$a"};
        struct walk walk = {.shape = seed | 1};
        struct pn_arena *arena = pn_arena_new();
        struct pn_lowered lowered;
        struct kit_buf buf;
        YR_RULES *rules;

        kit_seed = seed;
        string.flags = places[kit_random(4)] | (kit_chance(3) ? PN_YR_NOCASE : 0) |
                       (kit_chance(3) ? PN_YR_DOTALL : 0);
        make_source(&walk, &string, source);
        rules = kit_compile(source);
        lowered = kit_lower(&string, arena);
        assert_true(lowered.flags & PN_STRING_LOOSE);
        tally->taken += rules != NULL;
        tally->anchored += rules != NULL && lowered.anchor_count != 0;
        tally->long_enough += rules != NULL && lowered.weakness == NULL;
        for (unsigned i = 0; i < BUFFERS && rules != NULL; i++) {
                struct kit_found found;

                fill(&walk, string.flags, &buf);
                tally->found += kit_scan(rules, &buf, &found) && found.count != 0;
                kit_compare(source, seed, &lowered, rules, &buf);
        }
        if (rules != NULL)
                yr_rules_destroy(rules);
        pn_arena_free(arena);
}

static void every_match_of_libyara_holds_a_literal(void **state)
{
        struct tally tally = {0, 0, 0, 0};

        (void)state;
        for (uint64_t i = 0; i < STRINGS; i++)
                try_one(SEED + i * 0x3456789, &tally);
        if (getenv("KIT_TALLY") != NULL)
                print_message("taken %u, anchored %u, strong %u, buffers with a match %u\n", tally.taken,
                              tally.anchored, tally.long_enough, tally.found);
        assert_true(tally.taken > STRINGS / 2);
        assert_true(tally.anchored > tally.taken / 4 * 3);
        assert_true(tally.found > tally.taken * BUFFERS / 2);
}

/* ---------------------------------------------------------------- rows */

static const struct row {
        const char *regex, *literals; /* with "|" between; NULL: there is no such set */
        uint32_t flags;
} rows[] = {
        {"connect to host", "connect to host", 0},
        {"Connect To Host", "connect to host", PN_YR_NOCASE},
        {"backdoor[0-9]+sleeping", "sleeping", 0},
        {"abc.{2,5}longer literal", "longer literal", 0},
        {"(first choice|second one)", "first choice|second one", 0},
        {"(first choice|x*)", NULL, 0},
        {"(first choice|)", NULL, 0},
        {"(optional words)?needed words", "needed words", 0},
        {"(many words)*", NULL, 0},
        {"(many words)+", "many words", 0},
        {"(ab){4}", "abababab", 0},
        {"(abcdefgh){0,3}", NULL, 0},
        {"^/bin/s[hH]$", "/bin/s", 0},
        {"ab[12]cdefg", "ab1cdefg|ab2cdefg", 0},
        {"^/bin/s[hH]$", "/bin/sh", PN_YR_NOCASE},
        {"\\x41\\x42\\x43\\x44\\x00\\x01\\.\\n", "ABCD\001.\n", 0}, /* the zero is left out of this text */
        {"literal{brace}", "literal{brace}", 0},
        {"colou?red text", "red text", 0},
        {"[a-z]+", NULL, 0},
        {".*", NULL, 0},
        {"\\w{8}", NULL, 0},
        {"", NULL, 0},
        /* not understood, or not libyara's */
        {"(?:grouped words)", NULL, 0},
        {"unclosed (words", NULL, 0},
        {"unopened) words", NULL, 0},
        {"unclosed [words", NULL, 0},
        {"back \\1 reference", NULL, 0},
        {"half \\x4", NULL, 0},
        {"at the end \\", NULL, 0},
        {"twice**", NULL, 0},
        {"twice{2}{3}", NULL, 0},
        {"*begin", NULL, 0},
        {"{2}begin", NULL, 0},
        {"words{3,2}", NULL, 0},
        {"words{40000}", NULL, 0},
        {"words[z-a]words", NULL, 0},
};

static bool is_listed(const char *list, struct pn_yr_bytes literal)
{
        char text[64] = "";
        size_t len = 0;

        for (uint32_t i = 0; i < literal.len && len + 1 < sizeof(text); i++)
                if (literal.data[i] != 0)
                        text[len++] = (char)literal.data[i];
        for (const char *at = strstr(list, text); at != NULL; at = strstr(at + 1, text))
                if ((at == list || at[-1] == '|') && (at[len] == '\0' || at[len] == '|'))
                        return true;
        return false;
}

static void literals_are_the_best_that_every_match_holds(void **state)
{
        struct pn_grams *grams = kit_grams();

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_arena *arena = pn_arena_new();
                const struct pn_yr_bytes regex = {(const uint8_t *)rows[i].regex,
                                                  (uint32_t)strlen(rows[i].regex)};
                struct pn_literals literals = {NULL, 0};

                if (pn_regex_literals(regex, rows[i].flags, grams, arena, &literals) !=
                    (rows[i].literals != NULL))
                        fail_msg("/%s/: %u literals", rows[i].regex, literals.count);
                for (uint32_t k = 0; k < literals.count; k++)
                        if (!is_listed(rows[i].literals, literals.literal[k]))
                                fail_msg("/%s/: `%.*s`", rows[i].regex, (int)literals.literal[k].len,
                                         (const char *)literals.literal[k].data);
                pn_arena_free(arena);
        }
        pn_grams_free(grams);
}

static void depth_and_size_have_ceilings(void **state)
{
        static char deep[40000], wide[60000];
        struct pn_grams *grams = kit_grams();
        struct pn_arena *arena = pn_arena_new();
        struct pn_literals literals;

        (void)state;
        memset(deep, '(', 20000);
        memset(deep + 20000, ')', 20000);
        deep[19999] = 'x';
        assert_false(pn_regex_literals((struct pn_yr_bytes){(uint8_t *)deep, sizeof(deep)}, 0, grams, arena,
                                       &literals));
        for (size_t i = 0; i < sizeof(wide); i += 2)
                memcpy(wide + i, "x.", 2);
        assert_false(pn_regex_literals((struct pn_yr_bytes){(uint8_t *)wide, sizeof(wide)}, 0, grams, arena,
                                       &literals));
        memset(wide, 'q', sizeof(wide));
        assert_true(pn_regex_literals((struct pn_yr_bytes){(uint8_t *)wide, sizeof(wide)}, 0, grams, arena,
                                      &literals));
        pn_arena_free(arena);
        pn_grams_free(grams);
}

static void an_expression_that_is_not_understood_is_unanchored(void **state)
{
        const struct pn_yr_string string = {.kind = PN_YR_REGEX,
                                            .name = "$a",
                                            .flags = PN_YR_ASCII,
                                            .text = {(const uint8_t *)"(?:words of it)", 15}};
        struct pn_arena *arena = pn_arena_new();
        const struct pn_lowered lowered = kit_lower(&string, arena);

        (void)state;
        assert_int_equal(lowered.flags, PN_STRING_LOOSE | PN_STRING_UNANCHORED);
        assert_int_equal(lowered.anchor_count, 0);
        assert_non_null(strstr(lowered.weakness, "no literal"));
        pn_arena_free(arena);
}

static int begin(void **state)
{
        (void)state;
        return yr_initialize();
}

static int end(void **state)
{
        (void)state;
        return yr_finalize();
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(literals_are_the_best_that_every_match_holds),
                cmocka_unit_test(depth_and_size_have_ceilings),
                cmocka_unit_test(an_expression_that_is_not_understood_is_unanchored),
                cmocka_unit_test(every_match_of_libyara_holds_a_literal),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
