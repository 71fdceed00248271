/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/compile/lower_kit.h"

#define SEED 0xd1b54a32d192ed03ULL
#define STRINGS 800
#define BUFFERS 10

/* ---------------------------------------------------------------- a random hex string */

struct made {
        struct pn_yr_string string;
        struct pn_arena *arena;
        char source[1 << 15];
        size_t len;
};

static void write_text(struct made *made, const char *text)
{
        const size_t len = strlen(text);

        assert_true(made->len + len < sizeof(made->source));
        memcpy(made->source + made->len, text, len + 1);
        made->len += len;
}

static struct pn_yr_hex *token(struct made *made, struct pn_yr_hex ***tail, enum pn_yr_hex_kind kind)
{
        struct pn_yr_hex *hex = pn_arena_get(made->arena, 1, sizeof(*hex));

        assert_non_null(hex);
        hex->kind = kind;
        **tail = hex;
        *tail = &hex->next;
        return hex;
}

static void make_byte(struct made *made, struct pn_yr_hex ***tail, bool fixed)
{
        static const uint8_t masks[] = {0x00, 0x0f, 0xf0};
        struct pn_yr_hex *hex = token(made, tail, PN_YR_HEX_BYTE);
        const uint8_t byte = kit_byte();
        char text[8];

        hex->mask = fixed || !kit_chance(5) ? 0xff : masks[kit_random(3)];
        hex->value = byte & hex->mask;
        (void)snprintf(text, sizeof(text), "%02X ", byte);
        if ((hex->mask & 0xf0) == 0)
                text[0] = '?';
        if ((hex->mask & 0x0f) == 0)
                text[1] = '?';
        write_text(made, text);
}

static void make_jump(struct made *made, struct pn_yr_hex ***tail, bool inner)
{
        struct pn_yr_hex *hex = token(made, tail, PN_YR_HEX_JUMP);
        char text[40];

        hex->min = kit_random(4);
        hex->max = hex->min + kit_random(4);
        if (hex->max == 0)
                hex->max = 1;
        if (kit_chance(3) && hex->min != 0)
                hex->max = hex->min;
        if (kit_chance(12) && !inner)
                hex->min = hex->max = 201 + kit_random(4); /* libyara cuts the string here */
        if (kit_chance(12) && !inner)
                hex->max = UINT32_MAX;
        if (hex->max == UINT32_MAX)
                (void)snprintf(text, sizeof(text), "[%u-] ", hex->min);
        else if (hex->min == hex->max && kit_chance(2))
                (void)snprintf(text, sizeof(text), "[%u] ", hex->min);
        else
                (void)snprintf(text, sizeof(text), "[%u-%u] ", hex->min, hex->max);
        write_text(made, text);
}

static struct pn_yr_hex *make_list(struct made *made, unsigned depth);

static void make_alt(struct made *made, struct pn_yr_hex ***tail, unsigned depth)
{
        struct pn_yr_hex *hex = token(made, tail, PN_YR_HEX_ALT);

        hex->alt_count = 2 + kit_random(kit_chance(6) ? 6 : 2);
        hex->alt = pn_arena_get(made->arena, hex->alt_count, sizeof(struct pn_yr_hex *));
        assert_non_null(hex->alt);
        for (uint32_t i = 0; i < hex->alt_count; i++) {
                write_text(made, i == 0 ? "( " : "| ");
                hex->alt[i] = make_list(made, depth + 1);
        }
        write_text(made, ") ");
}

static struct pn_yr_hex *make_list(struct made *made, unsigned depth)
{
        struct pn_yr_hex *head = NULL, **tail = &head;
        const uint32_t count = 1 + kit_random(depth == 0 ? 8 : 3);

        make_byte(made, &tail, depth == 0 && !kit_chance(6));
        for (uint32_t i = 0; i < count; i++) {
                const uint32_t kind = kit_random(10);

                if (kind == 0 && depth < 2)
                        make_alt(made, &tail, depth);
                else if (kind == 1)
                        make_jump(made, &tail, depth != 0);
                make_byte(made, &tail, depth == 0 && kit_chance(2));
        }
        return head;
}

static void make_hex(struct made *made)
{
        made->string = (struct pn_yr_string){.kind = PN_YR_HEX, .name = "$a"};
        made->len = 0;
        write_text(made, "{ ");
        made->string.hex = make_list(made, 0);
        write_text(made, "}");
}

/* ---------------------------------------------------------------- satisfying it, without the code under test
 */

static void satisfy(struct kit_buf *buf, const struct pn_yr_hex *hex)
{
        for (; hex != NULL; hex = hex->next) {
                if (hex->kind == PN_YR_HEX_BYTE) {
                        kit_put(buf, (uint8_t)(hex->value | (kit_byte() & ~hex->mask)));
                } else if (hex->kind == PN_YR_HEX_JUMP) {
                        const uint32_t span = hex->max - hex->min;

                        kit_noise(buf, hex->min + kit_random(span < 40 ? span + 1 : 40));
                } else {
                        satisfy(buf, hex->alt[kit_random(hex->alt_count)]);
                }
        }
}

static void fill(struct kit_buf *buf, const struct made *made)
{
        const uint32_t places = 1 + kit_random(4);

        buf->len = 0;
        kit_noise(buf, kit_random(10));
        for (uint32_t i = 0; i < places; i++) {
                const size_t begin = buf->len;

                satisfy(buf, made->string.hex);
                if (kit_chance(3) && buf->len > begin)
                        buf->bytes[begin + kit_random((uint32_t)(buf->len - begin))] = kit_byte();
                kit_noise(buf, kit_random(3));
        }
}

struct tally {
        unsigned taken, exact, anchored;
};

static void try_one(uint64_t seed, struct tally *tally)
{
        static struct made made;
        struct pn_lowered lowered;
        struct kit_buf buf;
        YR_RULES *rules;

        made.arena = pn_arena_new();
        kit_seed = seed;
        make_hex(&made);
        rules = kit_compile(made.source);
        lowered = kit_lower(&made.string, made.arena);
        tally->taken += rules != NULL;
        tally->exact += rules != NULL && !(lowered.flags & PN_STRING_LOOSE);
        tally->anchored += rules != NULL && !(lowered.flags & PN_STRING_UNANCHORED);
        for (unsigned i = 0; i < BUFFERS && rules != NULL; i++) {
                fill(&buf, &made);
                kit_compare(made.source, seed, &lowered, rules, &buf);
        }
        if (rules != NULL)
                yr_rules_destroy(rules);
        pn_arena_free(made.arena);
}

static void hex_means_what_libyara_finds(void **state)
{
        struct tally tally = {0, 0, 0};

        (void)state;
        for (uint64_t i = 0; i < STRINGS; i++)
                try_one(SEED + i * 0x7654321, &tally);
        assert_true(tally.taken > STRINGS / 2);
        assert_true(tally.exact > tally.taken / 4);
        assert_true(tally.anchored > tally.taken / 10 * 9);
}

/* ---------------------------------------------------------------- rows */

/* Of the test's own: "41", "4?", "~41" are bytes, "[1-2]" and "[3-]" jumps, "(" "|" ")" alternatives, all
 * with spaces. */
static struct pn_yr_hex *parse(struct pn_arena *arena, const char **at)
{
        struct pn_yr_hex *head = NULL, **tail = &head;

        while (**at != '\0' && **at != '|' && **at != ')') {
                struct pn_yr_hex *hex = pn_arena_get(arena, 1, sizeof(*hex));
                int used = 0;

                assert_non_null(hex);
                *tail = hex;
                tail = &hex->next;
                if (**at == '[') {
                        hex->kind = PN_YR_HEX_JUMP;
                        hex->max = UINT32_MAX;
                        if (sscanf(*at, "[%u-%u]%n", &hex->min, &hex->max, &used) < 2)
                                assert_true(sscanf(*at, "[%u-]%n", &hex->min, &used) == 1);
                        *at += used;
                } else if (**at == '(') {
                        hex->kind = PN_YR_HEX_ALT;
                        hex->alt = pn_arena_get(arena, 128, sizeof(struct pn_yr_hex *));
                        do {
                                *at += 2;
                                hex->alt[hex->alt_count++] = parse(arena, at);
                        } while (**at == '|');
                        *at += 1;
                } else {
                        hex->kind = PN_YR_HEX_BYTE;
                        hex->negated = **at == '~';
                        *at += hex->negated;
                        for (int i = 0; i < 2; i++, ++*at) {
                                const char digit[2] = {**at, '\0'};

                                hex->mask = (uint8_t)(hex->mask << 4 | (**at == '?' ? 0 : 0xf));
                                hex->value = (uint8_t)(hex->value << 4 |
                                                       (**at == '?' ? 0 : (uint8_t)strtoul(digit, NULL, 16)));
                        }
                }
                while (**at == ' ')
                        ++*at;
        }
        return head;
}

#define TEN "( 30 | 31 | 32 | 33 | 34 | 35 | 36 | 37 | 38 | 39 ) "

static const struct row {
        const char *name, *text;
        uint32_t variants, segments, flags; /* segments of the first variant */
        uint8_t window_len;
        uint32_t window_offset;
} rows[] = {
        {"bytes", "41 42 43 44 45 46 47 48", 1, 1, 0, 8, 0},
        {"wildcards are masks", "41 ?? 43 44 45 46", 1, 1, 0, 4, 2},
        {"nibbles are no window", "41 42 43 44 4? 45 46 47 48 49", 1, 1, 0, 5, 5},
        {"a jump of one length is masks", "41 42 43 44 [3-3] 45 46", 1, 1, 0, 4, 0},
        {"a jump of two lengths is loose", "41 42 43 44 [3-4] 45 46", 1, 2, PN_STRING_LOOSE, 4, 0},
        {"a jump without end", "41 42 43 44 [3-] 45 46", 1, 2, PN_STRING_LOOSE, 4, 0},
        {"a long jump of one length", "41 42 43 44 [300-300] 45 46", 1, 2, PN_STRING_LOOSE, 4, 0},
        {"the longer run wins", "41 42 43 44 45 [3-4] 51 52 53 54 55 56 57", 1, 2, PN_STRING_LOOSE, 7, 0},
        {"no byte", "41 42 43 44 [0-0] 45 46 47 48", 1, 1, 0, 8, 0},
        {"negated", "41 42 43 44 ~45", 1, 1, PN_STRING_LOOSE, 4, 0},
        {"alternatives", "41 42 43 ( 44 | 45 ) 46", 2, 1, 0, 5, 0},
        {"alternatives of other lengths that never meet", "41 42 43 ( 44 | 45 46 ) 47", 2, 1, 0, 5, 0},
        {"alternatives of other lengths that meet", "41 42 43 44 ( 45 | 45 46 )", 2, 1, PN_STRING_LOOSE, 5,
         0},
        {"alternatives that meet", "41 42 43 44 ( 45 | 4? )", 2, 1, PN_STRING_LOOSE, 5, 0},
        {"the same twice", "41 42 43 44 ( 45 | 45 )", 1, 1, 0, 5, 0},
        {"alternatives in alternatives", "( 41 ( 42 | 43 ) | 44 ) 45 46 47 48", 3, 1, 0, 6, 0},
        {"100 ways become a gap", "41 42 43 44 " TEN TEN "45", 1, 1, PN_STRING_LOOSE, 4, 0},
        {"100 ways with jumps become a jump",
         "41 42 43 44 " TEN "( 31 | 32 33 | 3? | 34 35 36 | 37 | 38 | 39 )", 1, 1, PN_STRING_LOOSE, 4, 0},
        {"100 ways around, one place is followed",
         TEN TEN "( 51 52 53 54 55 56 57 58 | 61 62 63 64 65 66 67 69 )", 2, 1, PN_STRING_LOOSE, 8, 0},
        {"nothing fixed", "?? 4? [1-2] ?4", 1, 2, PN_STRING_LOOSE | PN_STRING_UNANCHORED, 0, 0},
        {"one way is not fixed", "( 41 42 43 44 | ?? )", 2, 1, PN_STRING_LOOSE | PN_STRING_UNANCHORED, 0, 0},
        {"ways alone that are too many", TEN TEN, 10, 1, PN_STRING_LOOSE, 1, 0},
        {"short", "41 ?? 42 43", 1, 1, 0, 2, 2},
};

static void each_kind_of_hex_has_its_variants_and_windows(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct row *row = &rows[i];
                struct pn_arena *arena = pn_arena_new();
                const char *at = row->text;
                const struct pn_yr_string string = {
                        .kind = PN_YR_HEX, .name = "$a", .hex = parse(arena, &at)};
                const struct pn_lowered lowered = kit_lower(&string, arena);

                if (lowered.variant_count != row->variants || lowered.flags != row->flags ||
                    lowered.variant[0].segment_count != row->segments)
                        fail_msg("%s: %u variants of %u segments, flags %u", row->name, lowered.variant_count,
                                 lowered.variant_count != 0 ? lowered.variant[0].segment_count : 0,
                                 lowered.flags);
                if ((row->window_len == 0) != (lowered.anchor_count == 0))
                        fail_msg("%s: %u anchors", row->name, lowered.anchor_count);
                if (row->window_len != 0 && (lowered.anchor[0].window.len != row->window_len ||
                                             lowered.anchor[0].offset != row->window_offset))
                        fail_msg("%s: window of %u at %u", row->name, lowered.anchor[0].window.len,
                                 lowered.anchor[0].offset);
                pn_arena_free(arena);
        }
}

static void jumps_in_a_row_add_up(void **state)
{
        static const struct {
                const char *text;
                uint32_t min, max;
        } cases[] = {
                {"41 42 43 44 [3-5] [1-2] 45", 4, 7},
                {"41 42 43 44 [1-2] [3-3] 45", 4, 5},
                {"41 42 43 44 [1-2] [3-] 45", 4, UINT32_MAX},
                {"41 42 43 44 [250-250] [3-4] 45", 253, 254},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct pn_arena *arena = pn_arena_new();
                const char *at = cases[i].text;
                const struct pn_yr_string string = {
                        .kind = PN_YR_HEX, .name = "$a", .hex = parse(arena, &at)};
                const struct pn_lowered lowered = kit_lower(&string, arena);

                assert_int_equal(lowered.variant[0].segment_count, 2);
                assert_int_equal(lowered.variant[0].segment[0].jump_max, 0);
                assert_int_equal(lowered.variant[0].segment[1].jump_min, cases[i].min);
                assert_int_equal(lowered.variant[0].segment[1].jump_max, cases[i].max);
                pn_arena_free(arena);
        }
}

static void what_is_too_deep_is_unanchored(void **state)
{
        struct pn_arena *arena = pn_arena_new();
        struct pn_yr_hex byte = {.kind = PN_YR_HEX_BYTE, .value = 0x41, .mask = 0xff}, *inner = &byte;
        struct pn_yr_string string = {.kind = PN_YR_HEX, .name = "$a"};
        struct pn_lowered lowered;

        (void)state;
        for (unsigned i = 0; i < 5000; i++) {
                struct pn_yr_hex *alt = pn_arena_get(arena, 1, sizeof(*alt));

                alt->kind = PN_YR_HEX_ALT;
                alt->alt = pn_arena_get(arena, 1, sizeof(struct pn_yr_hex *));
                alt->alt[0] = inner;
                alt->alt_count = 1;
                inner = alt;
        }
        string.hex = inner;
        lowered = kit_lower(&string, arena);
        assert_int_equal(lowered.flags, PN_STRING_LOOSE | PN_STRING_UNANCHORED);
        pn_arena_free(arena);
}

static void a_masked_string_longer_than_libyara_looks_is_loose(void **state)
{
        static const struct {
                uint32_t bytes;
                uint8_t mask;
                uint32_t flags;
        } cases[] = {{2000, 0xf0, 0}, {4000, 0xf0, PN_STRING_LOOSE}, {4000, 0xff, 0}};

        (void)state;
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                struct pn_arena *arena = pn_arena_new();
                struct pn_yr_hex *hex = pn_arena_get(arena, cases[i].bytes, sizeof(*hex));
                const struct pn_yr_string string = {.kind = PN_YR_HEX, .name = "$a", .hex = hex};

                for (uint32_t k = 0; k < cases[i].bytes; k++) {
                        hex[k] = (struct pn_yr_hex){.kind = PN_YR_HEX_BYTE, .value = 0x40, .mask = 0xff};
                        hex[k].next = k + 1 < cases[i].bytes ? &hex[k + 1] : NULL;
                }
                hex[8].mask = cases[i].mask;
                assert_int_equal(kit_lower(&string, arena).flags, cases[i].flags);
                pn_arena_free(arena);
        }
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
                cmocka_unit_test(each_kind_of_hex_has_its_variants_and_windows),
                cmocka_unit_test(jumps_in_a_row_add_up),
                cmocka_unit_test(what_is_too_deep_is_unanchored),
                cmocka_unit_test(a_masked_string_longer_than_libyara_looks_is_loose),
                cmocka_unit_test(hex_means_what_libyara_finds),
        };

        return cmocka_run_group_tests(tests, begin, end);
}
