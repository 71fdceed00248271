/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/lower_kit.h"

#define SEED 0x9e3779b97f4a7c15ULL
#define STRINGS 800
#define BUFFERS 12
#define TEXT_MAX 24

/* ---------------------------------------------------------------- against libyara */

struct made {
        struct pn_yr_string string;
        uint8_t text[TEXT_MAX];
        char source[2 * KIT_BUF];
};

static void make_text(struct made *made)
{
        made->string.text.data = made->text;
        made->string.text.len = 1 + kit_random(kit_chance(3) ? 4 : TEXT_MAX - 1);
        for (uint32_t i = 0; i < made->string.text.len; i++)
                made->text[i] = kit_byte();
}

static void make_flags(struct made *made)
{
        static const uint32_t places[] = {PN_YR_ASCII, PN_YR_ASCII, PN_YR_WIDE, PN_YR_ASCII | PN_YR_WIDE};
        uint32_t *flags = &made->string.flags;

        *flags = places[kit_random(4)];
        switch (kit_random(6)) {
        case 0:
        case 1:
                *flags |= PN_YR_NOCASE | (kit_chance(2) ? PN_YR_FULLWORD : 0);
                break;
        case 2:
                *flags |= PN_YR_XOR | (kit_chance(4) ? PN_YR_FULLWORD : 0);
                made->string.xor_max = kit_chance(2) ? 255 : (uint8_t)kit_random(256);
                made->string.xor_min = kit_chance(2) ? 0 : (uint8_t)kit_random(made->string.xor_max + 1U);
                break;
        case 3:
                *flags |= kit_chance(2) ? PN_YR_BASE64 : PN_YR_BASE64WIDE;
                *flags |= kit_chance(4) ? PN_YR_BASE64 | PN_YR_BASE64WIDE : 0;
                break;
        default:
                *flags |= kit_chance(2) ? PN_YR_FULLWORD : 0;
        }
}

static void write_source(struct made *made)
{
        static const struct {
                uint32_t flag;
                const char *word;
        } words[] = {{PN_YR_ASCII, " ascii"},   {PN_YR_WIDE, " wide"},
                     {PN_YR_NOCASE, " nocase"}, {PN_YR_FULLWORD, " fullword"},
                     {PN_YR_BASE64, " base64"}, {PN_YR_BASE64WIDE, " base64wide"}};
        char *at = made->source;

        at += sprintf(at, "\"");
        for (uint32_t i = 0; i < made->string.text.len; i++)
                at += sprintf(at, "\\x%02x", made->text[i]);
        at += sprintf(at, "\"");
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (made->string.flags & words[i].flag)
                        at += sprintf(at, "%s", words[i].word);
        if (made->string.flags & PN_YR_XOR)
                (void)sprintf(at, " xor(%u-%u)", made->string.xor_min, made->string.xor_max);
}

/* One way to satisfy a variant, sometimes with another case, sometimes spoilt, sometimes between letters. */
static void synthesise(struct kit_buf *buf, const struct pn_variant *variant)
{
        const uint8_t key = variant->flags & PN_VARIANT_XOR ? (uint8_t)kit_random(256) : 0;

        for (uint32_t s = 0; s < variant->segment_count; s++) {
                const struct pn_segment *segment = &variant->segment[s];
                const uint32_t span = segment->jump_max - segment->jump_min;

                if (s != 0)
                        kit_noise(buf, segment->jump_min + kit_random(span < 20 ? span + 1 : 20));
                for (uint32_t i = 0; i < segment->len; i++) {
                        const uint8_t mask = segment->masks == NULL ? 0xff : segment->masks[i];
                        uint8_t byte = (segment->bytes[i] | ((uint8_t)kit_random(256) & ~mask)) ^ key;

                        if ((variant->flags & PN_VARIANT_NOCASE) && kit_chance(2) && byte < 0x80)
                                byte = (uint8_t)toupper(byte);
                        kit_put(buf, kit_chance(60) ? kit_byte() : byte);
                }
        }
}

static void fill(struct kit_buf *buf, const struct pn_lowered *lowered)
{
        buf->len = 0;
        kit_noise(buf, kit_random(12));
        for (unsigned i = kit_random(6) + 1; i != 0 && lowered->variant_count != 0; i--) {
                synthesise(buf, &lowered->variant[kit_random(lowered->variant_count)]);
                kit_noise(buf, kit_chance(2) ? 0 : kit_random(8));
        }
}

/* A buffer that has an ascii form with any key, and behind it what could be the rest of a wide form. */
static void fill_crossed(struct kit_buf *buf, const struct made *made)
{
        const uint8_t key = (uint8_t)kit_random(256), other = made->string.xor_min;
        const uint32_t len = made->string.text.len;

        buf->len = 0;
        kit_noise(buf, kit_random(4));
        for (uint32_t i = 0; i < len; i++)
                kit_put(buf, made->text[i] ^ key);
        for (uint32_t i = len; i < 2 * len; i++)
                kit_put(buf, (i % 2 == 0 ? made->text[i / 2] : 0) ^ other);
}

/* Returns whether libyara took the string; *exact and *anchored count. */
static bool try_one(uint64_t seed, unsigned *exact, unsigned *anchored)
{
        struct made made = {.string = {.kind = PN_YR_TEXT, .name = "$a"}};
        struct pn_arena *arena = pn_arena_new();
        struct pn_lowered lowered;
        struct kit_buf buf;
        YR_RULES *rules;

        kit_seed = seed;
        make_text(&made);
        make_flags(&made);
        write_source(&made);
        rules = kit_compile(made.source);
        lowered = kit_lower(&made.string, arena);
        *exact += rules != NULL && !(lowered.flags & PN_STRING_LOOSE);
        *anchored += rules != NULL && !(lowered.flags & PN_STRING_UNANCHORED);
        for (unsigned i = 0; i < BUFFERS && rules != NULL; i++) {
                if ((made.string.flags & PN_YR_XOR) && kit_chance(4))
                        fill_crossed(&buf, &made);
                else
                        fill(&buf, &lowered);
                kit_compare(made.source, seed, &lowered, rules, &buf);
        }
        if (rules != NULL)
                yr_rules_destroy(rules);
        pn_arena_free(arena);
        return rules != NULL;
}

static void text_means_what_libyara_finds(void **state)
{
        unsigned taken = 0, exact = 0, anchored = 0;

        (void)state;
        for (uint64_t i = 0; i < STRINGS; i++)
                taken += try_one(SEED + i * 0x1234567, &exact, &anchored);
        assert_true(taken > STRINGS / 2);
        assert_true(exact > taken / 2);
        assert_int_equal(anchored, taken);
}

/* ---------------------------------------------------------------- rows */

#define ASCII PN_YR_ASCII
#define WIDE PN_YR_WIDE

static const struct row {
        const char *name, *text;
        uint32_t len, flags;
        uint8_t xor_min, xor_max;
        uint32_t variants, anchors, ret_flags;
        uint8_t window_len;
        bool nocase;
} rows[] = {
        {"plain", "Plain text", 10, ASCII, 0, 0, 1, 1, 0, 8, false},
        {"wide", "wide", 4, WIDE, 0, 0, 1, 1, 0, 8, false},
        {"both", "both forms", 10, ASCII | WIDE, 0, 0, 2, 2, 0, 8, false},
        {"nocase", "No Case!", 8, ASCII | PN_YR_NOCASE, 0, 0, 1, 1, 0, 8, true},
        {"nocase without letters", "1234-5678", 9, ASCII | PN_YR_NOCASE, 0, 0, 1, 1, 0, 8, false},
        {"short", "abcde", 5, ASCII, 0, 0, 1, 1, 0, 5, false},
        {"too short for a filter", "abc", 3, ASCII, 0, 0, 1, 1, 0, 3, false},
        {"one letter in both forms has two lengths at one place", "a", 1, ASCII | WIDE, 0, 0, 2, 2,
         PN_STRING_LOOSE, 1, false},
        {"zeros in both forms", "a\0\0\0\0", 5, ASCII | WIDE, 0, 0, 2, 2, PN_STRING_LOOSE, 5, false},
        {"private", "of no evidence", 14, ASCII | PN_YR_PRIVATE, 0, 0, 1, 1, PN_STRING_PRIVATE, 8, false},
        {"xor", "with a key", 10, ASCII | PN_YR_XOR, 0, 255, 1, 256, 0, 8, false},
        {"xor of few keys", "with a key", 10, ASCII | PN_YR_XOR, 3, 5, 1, 3, 0, 8, false},
        {"xor in both forms", "with a key", 10, ASCII | WIDE | PN_YR_XOR, 0, 255, 2, 512, 0, 8, false},
        {"xor of few keys in both forms takes any key for ascii", "with a key", 10, ASCII | WIDE | PN_YR_XOR,
         3, 5, 2, 259, PN_STRING_LOOSE, 8, false},
        {"xor of few keys where four bytes are alike in both forms takes any key", "q!tU!U", 6,
         ASCII | WIDE | PN_YR_XOR, 3, 5, 2, 512, PN_STRING_LOOSE, 6, false},
        {"wide xor takes ascii too", "with a key", 10, WIDE | PN_YR_XOR, 0, 255, 2, 512, PN_STRING_LOOSE, 8,
         false},
        {"base64", "long enough text", 16, ASCII | PN_YR_BASE64, 0, 0, 3, 3, PN_STRING_LOOSE, 8, false},
        {"base64 in all forms", "long enough text", 16, ASCII | WIDE | PN_YR_BASE64 | PN_YR_BASE64WIDE, 0, 0,
         12, 12, PN_STRING_LOOSE, 8, false},
        {"nothing", "", 0, ASCII, 0, 0, 0, 0, PN_STRING_LOOSE | PN_STRING_UNANCHORED, 0, false},
        {"nothing in base64", "", 0, ASCII | PN_YR_BASE64, 0, 0, 0, 0, PN_STRING_LOOSE | PN_STRING_UNANCHORED,
         0, false},
        {"xor with nocase, which libyara refuses", "text", 4, ASCII | PN_YR_XOR | PN_YR_NOCASE, 0, 255, 0, 0,
         PN_STRING_LOOSE | PN_STRING_UNANCHORED, 0, false},
        {"xor without any key", "text", 4, ASCII | PN_YR_XOR, 5, 3, 0, 0,
         PN_STRING_LOOSE | PN_STRING_UNANCHORED, 0, false},
};

static void each_kind_of_text_has_its_variants_and_anchors(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct row *row = &rows[i];
                const struct pn_yr_string string = {
                        .kind = PN_YR_TEXT,
                        .name = "$a",
                        .flags = row->flags,
                        .xor_min = row->xor_min,
                        .xor_max = row->xor_max,
                        .text = {(const uint8_t *)row->text, row->len},
                };
                struct pn_arena *arena = pn_arena_new();
                const struct pn_lowered lowered = kit_lower(&string, arena);

                if (lowered.variant_count != row->variants || lowered.anchor_count != row->anchors ||
                    lowered.flags != row->ret_flags)
                        fail_msg("%s: %u variants, %u anchors, flags %u", row->name, lowered.variant_count,
                                 lowered.anchor_count, lowered.flags);
                for (uint32_t k = 0; k < lowered.anchor_count; k++)
                        if (lowered.anchor[k].window.nocase != row->nocase ||
                            lowered.anchor[k].window.len > PN_WINDOW_MAX ||
                            lowered.anchor[k].window.len == 0 ||
                            (k == 0 && lowered.anchor[k].window.len != row->window_len))
                                fail_msg("%s: window of %u bytes", row->name, lowered.anchor[k].window.len);
                pn_arena_free(arena);
        }
}

/* What a window says must be in its segment, with the key in it. */
static void a_key_is_in_its_window(void **state)
{
        const struct pn_yr_string string = {.kind = PN_YR_TEXT,
                                            .name = "$a",
                                            .flags = PN_YR_ASCII | PN_YR_XOR,
                                            .xor_min = 1,
                                            .xor_max = 255,
                                            .text = {(const uint8_t *)"secret words", 12}};
        struct pn_arena *arena = pn_arena_new();
        const struct pn_lowered lowered = kit_lower(&string, arena);

        (void)state;
        assert_int_equal(lowered.anchor_count, 255);
        for (uint32_t i = 0; i < lowered.anchor_count; i++) {
                const struct pn_anchor *anchor = &lowered.anchor[i];

                assert_int_equal(anchor->key, i + 1);
                for (uint32_t k = 0; k < anchor->window.len; k++)
                        assert_int_equal(anchor->window.bytes[k] ^ anchor->key,
                                         "secret words"[anchor->offset + k]);
        }
        pn_arena_free(arena);
}

static void fill_is_no_window_where_there_is_something_else(void **state)
{
        static const struct {
                const char *text;
                uint32_t len, first, last; /* offsets that are right */
        } cases[] = {
                {"\0\0\0\0\0\0\0\0\0\0\0\0qZ7~kW2@", 20, 11, 12},
                {"qZ7~kW2@                    ", 28, 0, 1},
                {"\x90\x90\x90\x90\x90\x90\x90\x90\x90\x90qZ7~kW2@\xff\xff\xff\xff\xff\xff", 24, 9, 11},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct pn_yr_string string = {.kind = PN_YR_TEXT,
                                                    .name = "$a",
                                                    .flags = PN_YR_ASCII,
                                                    .text = {(const uint8_t *)cases[i].text, cases[i].len}};
                struct pn_arena *arena = pn_arena_new();
                const struct pn_lowered lowered = kit_lower(&string, arena);

                assert_int_equal(lowered.anchor_count, 1);
                assert_in_range(lowered.anchor[0].offset, cases[i].first, cases[i].last);
                assert_null(lowered.weakness);
                pn_arena_free(arena);
        }
}

static void weakness_is_said_in_words(void **state)
{
        static const struct {
                const char *text, *words;
                uint32_t len;
        } cases[] = {
                {"ab", "no 3 bytes in a row are fixed", 2},
                {"abc", "no more than 3 bytes in a row are fixed", 3},
                {"abcdef", "no more than 6 bytes in a row are fixed", 6},
                {"\0\0\0\0\0\0\0\0\0", "common in clean binaries", 9},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct pn_yr_string string = {.kind = PN_YR_TEXT,
                                                    .name = "$a",
                                                    .flags = PN_YR_ASCII,
                                                    .text = {(const uint8_t *)cases[i].text, cases[i].len}};
                struct pn_arena *arena = pn_arena_new();
                const struct pn_lowered lowered = kit_lower(&string, arena);

                assert_non_null(lowered.weakness);
                assert_non_null(strstr(lowered.weakness, cases[i].words));
                pn_arena_free(arena);
        }
}

static void base64_uses_the_alphabet_it_is_given(void **state)
{
        static const char alphabet[] = "!@#$%^&*(){}[].,|ABCDEFGHIJ\x09LMNOPQRSTUVWXYZabcdefghijklmnopqrstu";
        const struct pn_yr_string string = {.kind = PN_YR_TEXT,
                                            .name = "$a",
                                            .flags = PN_YR_ASCII | PN_YR_BASE64,
                                            .alphabet = alphabet,
                                            .text = {(const uint8_t *)"foobarfoobar", 12}};
        struct pn_arena *arena = pn_arena_new();
        const struct pn_lowered lowered = kit_lower(&string, arena);
        YR_RULES *rules =
                kit_compile("\"foobarfoobar\" "
                            "base64(\"!@#$%^&*(){}[].,|ABCDEFGHIJ\\tLMNOPQRSTUVWXYZabcdefghijklmnopqrstu\")");
        struct kit_found found;
        struct kit_buf buf;

        (void)state;
        assert_non_null(rules);
        assert_int_equal(lowered.variant_count, 3);
        for (uint32_t i = 0; i < 3; i++) {
                buf.len = lowered.variant[i].segment[0].len;
                memcpy(buf.bytes, lowered.variant[i].segment[0].bytes, buf.len);
                assert_true(kit_scan(rules, &buf, &found));
                assert_int_equal(found.count, 1);
                assert_int_equal(found.at[0].len, buf.len);
        }
        yr_rules_destroy(rules);
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
                cmocka_unit_test(each_kind_of_text_has_its_variants_and_anchors),
                cmocka_unit_test(a_key_is_in_its_window),
                cmocka_unit_test(fill_is_no_window_where_there_is_something_else),
                cmocka_unit_test(weakness_is_said_in_words),
                cmocka_unit_test(base64_uses_the_alphabet_it_is_given),
                cmocka_unit_test(text_means_what_libyara_finds),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
