/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/exact_kit.h"

/* ---------------------------------------------------------------- blocks */

/* One needle at each of these offsets and nowhere else: counted once each, at the right place. */
static void a_string_is_counted_once_wherever_it_lies(void **state)
{
        static const uint64_t offsets[] = {
                0,
                (1 << 12) - 4,
                (1 << 16) - 4,
                1 << 20,
                1 << 24,
                BLOCK - OVER - 40,
                BLOCK - OVER - 16, /* where the second block begins */
                BLOCK - OVER - 4,  /* across the line between the own parts */
                BLOCK - OVER + 8,
                BLOCK - OVER / 2, /* in the overlap, whole in both */
                BLOCK - 12,
                BLOCK - 4, /* across the edge */
                BLOCK + 4,
                2 * BLOCK - 2 * OVER - 20,
                2 * BLOCK - OVER - 20,
                2 * BLOCK - OVER - 4,
                1 << 26,
                2 * BLOCK + 12345,
        };
        size_t count = sizeof(offsets) / sizeof(offsets[0]);
        struct fake fake = {.size = 2 * BLOCK + OVER + 5};
        struct pn_object object;
        static struct told told;
        struct pn_err err;
        struct pn_exact *exact;
        char source[4096];
        int len = snprintf(source, sizeof(source),
                           "rule exact_places { strings: $a = \"NEEDLE_7\" condition: #a == %zu", count + 1);

        (void)state;
        for (size_t i = 0; i < count; i++) {
                plant(&fake, offsets[i], "NEEDLE_7", 8);
                len += snprintf(source + len, sizeof(source) - (size_t)len,
                                " and @a[%zu] == %llu and $a at %llu", i + 1, (unsigned long long)offsets[i],
                                (unsigned long long)offsets[i]);
        }
        plant(&fake, fake.size - 8, "NEEDLE_7", 8); /* to the last byte */
        (void)snprintf(
                source + len, sizeof(source) - (size_t)len,
                " and $a at filesize - 8 and #a in (0..%llu) == 1 }\nrule last { strings: $a = \"NEEDLE_7\" "
                "condition: $a at filesize - 8 and !a[2] == 8 }",
                (1ULL << 12) - 5);
        exact = with_rules(source);
        object = fake_object(&fake);
        if (scan(exact, &object, &told, &err) < 0)
                fail_msg("%s", err.text);
        assert_non_null(find_told(&told, "last"));
        assert_non_null(find_told(&told, "exact_places"));
        assert_int_equal(find_told(&told, "last")->evidence[0].offset, 0);
        (void)pn_exact_free(exact);
}

/* Real block sizes: what a condition can ask about a file that is never in memory at once. */
static void a_condition_sees_the_whole_file(void **state)
{
        static const struct {
                const char *name, *rule;
                bool hits;
        } rows[] = {
                {"size", "condition: filesize == 68157440", true},
                {"first_bytes", "condition: uint16(0) == 0x5a4d", true},
                {"across_the_edge", "condition: uint32(33554430) == 0x54474445", true},
                {"last_bytes", "condition: uint32be(filesize - 4) == 0x54414953", true},
                {"behind_the_end", "condition: uint32(filesize - 3) >= 0", false},
                {"whole_word", "strings: $a = \"word\" fullword condition: #a == 1 and @a == 33654433", true},
                {"begin_of_file", "strings: $a = /^MZ/ condition: #a == 1 and @a == 0", true},
                {"begin_of_a_block", "strings: $a = /^wor/ condition: $a", false},
                {"end_of_file", "strings: $a = /TAIS$/ condition: #a == 1 and @a == filesize - 4", true},
                {"end_of_a_block", "strings: $a = /wor$/ condition: $a", false},
                {"same_distance", "strings: $a = \"MZ\" condition: #a == 3", true},
                {"gap", "strings: $a = { 47 41 50 [300-500] 50 41 47 } condition: #a == 1 and !a == 406",
                 true},
                {"gap_of_two_blocks", "strings: $a = { 48 44 [100-900] 58 58 58 } condition: $a", false},
        };
        struct fake fake = {.size = 65 * MIB};
        struct pn_object object;
        static struct told told;
        struct pn_err err;
        struct pn_exact *exact;
        char source[4096];
        int len = 0;

        (void)state;
        plant(&fake, 0, "MZ", 2);
        plant(&fake, 777, "MZ", 2);
        plant(&fake, BLOCK - OVER - 16 + 777, "MZ", 2); /* as far behind the second block's begin */
        plant(&fake, BLOCK - OVER - 16 + 1300, "XXX",
              3);                                    /* in reach of the first MZ, if offsets were mixed up */
        plant(&fake, BLOCK - OVER - 17, "xword", 5); /* a word to one that begins behind the x */
        plant(&fake, BLOCK - 2, "EDGT", 4);
        plant(&fake, BLOCK + 100000, ".word.", 6);
        plant(&fake, 2 * BLOCK - OVER - 16 - 4, "wordy", 5); /* a word to one that ends before the y */
        plant(&fake, 2 * BLOCK - OVER - 600, "GAP", 3); /* and a string with a long gap across that edge */
        plant(&fake, 2 * BLOCK - OVER - 600 + 403, "PAG", 3);
        plant(&fake, fake.size - 4, "TAIS", 4);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                len += snprintf(source + len, sizeof(source) - (size_t)len, "rule %s { %s }\n", rows[i].name,
                                rows[i].rule);
        exact = with_rules(source);
        object = fake_object(&fake);
        if (scan(exact, &object, &told, &err) < 0)
                fail_msg("%s", err.text);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (!find_told(&told, rows[i].name) == rows[i].hits)
                        fail_msg("%s: %s", rows[i].name, rows[i].hits ? "missed" : "hit");
        (void)pn_exact_free(exact);
}

static bool same_finding(const struct pn_finding *a, const struct pn_finding *b)
{
        if (strcmp(a->rule, b->rule) != 0 || a->evidence_count != b->evidence_count)
                return false;
        for (unsigned i = 0; i < a->evidence_count; i++)
                if (a->evidence[i].offset != b->evidence[i].offset ||
                    a->evidence[i].match_bytes != b->evidence[i].match_bytes ||
                    a->evidence[i].kept != b->evidence[i].kept ||
                    strcmp(a->evidence[i].string, b->evidence[i].string) != 0 ||
                    memcmp(a->evidence[i].bytes, b->evidence[i].bytes, a->evidence[i].kept) != 0)
                        return false;
        return true;
}

/* What a scan in blocks and a scan in one piece must agree about, to the last count and offset. */
static void expect_same(struct pn_exact *pieces, struct pn_exact *whole, const struct pn_object *object)
{
        static struct told a, b;
        struct pn_err err_a, err_b;
        int result_a = scan(pieces, object, &a, &err_a), result_b = scan(whole, object, &b, &err_b);

        if (result_a != 0 || result_b != 0)
                fail_msg("in blocks: %s; in one piece: %s", err_a.text, err_b.text);
        for (unsigned i = 0; i < a.count && i < b.count; i++)
                if (!same_finding(&a.finding[i], &b.finding[i]))
                        fail_msg("in blocks: %s at %llu; in one piece: %s at %llu", a.finding[i].rule,
                                 (unsigned long long)a.finding[i].evidence[0].offset, b.finding[i].rule,
                                 (unsigned long long)b.finding[i].evidence[0].offset);
        assert_int_equal(a.count, b.count);
}

/* For each string, rules that spell out a number made of its count, its last offset and its last length. */
static void spell_out(char *source, size_t cap, const char *const *strings, size_t count)
{
        size_t len = (size_t)snprintf(source, cap, "import \"hash\" import \"math\"\n");

        for (size_t i = 0; i < count; i++) {
                for (int bit = 0; bit < 8; bit++)
                        len += (size_t)snprintf(source + len, cap - len,
                                                "rule s%zu_%d { strings: $a = %s condition: #a > 0 and "
                                                "((#a * 31 + @a[#a] * 7 + !a[#a]) >> %d) & 1 == 1 }\n",
                                                i, bit, strings[i], bit);
                len += (size_t)snprintf(
                        source + len, cap - len,
                        "rule h%zu { strings: $a = %s condition: hash.md5(@a[1], filesize - @a[1]) == "
                        "hash.md5(@a[#a], filesize - @a[#a]) or math.entropy(@a[#a], 5000) < 2 or "
                        "uint16(@a[#a] + 1) & 7 == 2 }\n",
                        i, strings[i]);
        }
        assert_true(len < cap);
}

static uint32_t roll(uint32_t *seed)
{
        *seed = *seed * 1664525U + 1013904223U;
        return *seed >> 16;
}

static void blocks_and_one_piece_agree(void **state)
{
        static const char *const strings[] = {
                "\"abc\"",
                "\"ab\" fullword",
                "\"ab\" wide fullword",
                "/^a+b/",
                "/[bc]+$/",
                "/\\ba?b\\b/",
                "\"Ab\" nocase",
                "{ 61 62 [0-3] 63 }",
                "{ 61 62 63 [205-260] 62 62 62 }",
                "/a.{1,8}c/s",
                "/(ab|ba){2,9}/",
                "\"abc\" xor(1-2)",
                "{ 61 61 61 [1-250] 62 62 63 [220-240] 61 61 }",
        };
        static const char alphabet[] = "aaabbbcc. \0\0";
        static char source[64 << 10];
        static char content[16 << 10];
        struct pn_exact *pieces, *whole;
        uint32_t seed = 7;

        (void)state;
        spell_out(source, sizeof(source), strings, sizeof(strings) / sizeof(strings[0]));
        pieces = with_rules(source);
        whole = with_rules(source);
        for (int round = 0; round < 40; round++) {
                struct pn_view view = {(const uint8_t *)content, 1 + roll(&seed) % sizeof(content)};
                struct pn_object object;

                pn_exact_set_blocks(pieces, 4096 + roll(&seed) % 999, 700 + roll(&seed) % 300);
                for (size_t i = 0; i < view.len; i++)
                        content[i] = alphabet[roll(&seed) % (sizeof(alphabet) - 1)];
                pn_object_from_view(&object, &view);
                expect_same(pieces, whole, &object);
        }
        (void)pn_exact_free(pieces);
        (void)pn_exact_free(whole);
}

static void holes_and_zeros_agree(void **state)
{
        static const char *const strings[] = {"\"abc\"", "\"ab\" fullword", "{ 61 62 63 [205-260] 63 00 }",
                                              "/c+\\x00{3}/"};
        static char source[64 << 10];
        struct pn_exact *pieces, *whole;
        uint32_t seed = 99;

        (void)state;
        spell_out(source, sizeof(source), strings, sizeof(strings) / sizeof(strings[0]));
        pieces = with_rules(source);
        whole = with_rules(source);
        pn_exact_set_blocks(pieces, 4096, 1000);
        for (int round = 0; round < 60; round++) {
                struct fake fake = {.size = 40000 + roll(&seed)};
                struct pn_object object = fake_object(&fake);
                uint64_t at = roll(&seed) % 3 ? roll(&seed) % 9000 : 0;

                for (size_t i = 0; i < 3; i++) {
                        fake.data[i][0] = at;
                        fake.data[i][1] = at + 1 + roll(&seed) % 6000;
                        for (unsigned k = 0; k < 5 && fake.data[i][1] - at > 8; k++)
                                plant(&fake, at + roll(&seed) % (fake.data[i][1] - at - 7),
                                      k % 2 ? " abc" : "abcc.ab", 7 - 3 * (k % 2));
                        at = fake.data[i][1] + 1 + roll(&seed) % 9000;
                }
                if (fake.size < fake.data[2][1])
                        fake.size = object.size_bytes = fake.data[2][1] + roll(&seed) % 2;
                object.size_bytes = fake.size;
                expect_same(pieces, whole, &object);
        }
        (void)pn_exact_free(pieces);
        (void)pn_exact_free(whole);
}

/* libyara's elf module believes the last block that begins like an ELF file. */
static void a_second_elf_header_does_not_hide_the_first(void **state)
{
        struct pn_exact *exact = with_rules("import \"elf\" rule e { condition: elf.type == elf.ET_DYN and "
                                            "elf.machine == elf.EM_X86_64 }");
        char header[2][64] = {{0}, {0}};
        struct fake fake = {.size = 20000};
        struct pn_object object = fake_object(&fake);
        static struct told told;
        struct pn_err err;

        (void)state;
        memcpy(header[0], "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\76\0\1", 21);
        memcpy(header[1], "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1", 21);
        pn_exact_set_blocks(exact, 8192, 1000);
        plant(&fake, 0, header[0], 64);
        plant(&fake, 8192 - 1000 - 16, header[1], 64);
        if (scan(exact, &object, &told, &err) < 0)
                fail_msg("%s", err.text);
        assert_non_null(find_told(&told, "e"));
        (void)pn_exact_free(exact);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_string_is_counted_once_wherever_it_lies),
                cmocka_unit_test(a_condition_sees_the_whole_file),
                cmocka_unit_test(blocks_and_one_piece_agree),
                cmocka_unit_test(holes_and_zeros_agree),
                cmocka_unit_test(a_second_elf_header_does_not_hide_the_first),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
