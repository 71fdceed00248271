/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/base/fd.h"
#include "scanner/engine/compile/grams.h"

/* A table of `times` repetitions of a text. */
static uint8_t *table_of(const char *text, size_t times, size_t *ret_len)
{
        struct pn_gram_count *count = pn_gram_count_new();
        struct pn_err err = PN_ERR_INIT;
        uint8_t *file = NULL;

        assert_non_null(count);
        for (size_t i = 0; i < times; i++)
                pn_gram_count_add(count, (const uint8_t *)text, strlen(text));
        assert_int_equal(pn_gram_count_file(count, &file, ret_len, &err), 0);
        pn_gram_count_free(count);
        return file;
}

static double per_gb(const struct pn_grams *grams, const char *four)
{
        return pn_grams_per_gb(grams, (const uint8_t *)four);
}

static void what_was_counted_is_expected_as_often(void **state)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_grams *grams = NULL;
        size_t len = 0;
        pn_autofree uint8_t *file = table_of("abcdEFGH", 1000, &len);

        (void)state;
        assert_int_equal(pn_grams_open((struct pn_view){file, len}, &grams, &err), 0);
        /* five grams in each, so each is a fifth of all positions; a step of the logarithm is 9 % */
        assert_true(per_gb(grams, "abcd") > 0.2e9 * 0.92 && per_gb(grams, "abcd") < 0.2e9 * 1.09);
        assert_true(per_gb(grams, "bcde") == per_gb(grams, "BCdE"));
        assert_true(per_gb(grams, "dabc") < 1); /* never two texts at once */
        assert_true(per_gb(grams, "zzzq") < 1 && per_gb(grams, "zzzq") > 0);
        pn_grams_free(grams);
}

static void rare_and_common_keep_their_order(void **state)
{
        struct pn_gram_count *count = pn_gram_count_new();
        struct pn_err err = PN_ERR_INIT;
        struct pn_grams *grams = NULL;
        pn_autofree uint8_t *file = NULL;
        double before = 0;
        size_t len = 0;

        (void)state;
        for (unsigned i = 0; i < 8; i++)
                for (unsigned k = 0; k < 1U << (2 * i); k++) {
                        const uint8_t gram[4] = {(uint8_t)i, 0x91, 0x92, 0x93};

                        pn_gram_count_add(count, gram, 4);
                }
        assert_int_equal(pn_gram_count_file(count, &file, &len, &err), 0);
        assert_int_equal(pn_grams_open((struct pn_view){file, len}, &grams, &err), 0);
        for (unsigned i = 0; i < 8; i++) {
                const uint8_t gram[4] = {(uint8_t)i, 0x91, 0x92, 0x93};
                const double now = pn_grams_per_gb(grams, gram);

                assert_true(now > before);
                assert_true(i == 0 || (now / before > 3.9 && now / before < 4.1));
                before = now;
        }
        pn_grams_free(grams);
        pn_gram_count_free(count);
}

static void without_a_table_what_is_common_is_worse_than_random_bytes(void **state)
{
        static const char *const common[] = {"\0\0\0",
                                             "    ",
                                             "\xff\xff\xff\xff",
                                             "\x90\x90\x90\x90",
                                             "\xcc\xcc\xcc\xcc",
                                             "tion",
                                             "erro",
                                             "\177ELF",
                                             "libc",
                                             "UH\x89\xe5",
                                             "name",
                                             "str_",
                                             "the ",
                                             "\0\0\0\1"};
        static const char *const random[] = {"\x9e\x37\xb9\xf4", "\x7c\xd1\x66\xab", "Q~#\xa6",
                                             "\x5d\xbe\xee\x7b"};
        struct pn_err err = PN_ERR_INIT;
        struct pn_grams *grams = NULL;

        (void)state;
        assert_int_equal(pn_grams_open((struct pn_view){NULL, 0}, &grams, &err), 0);
        for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
                for (size_t k = 0; k < sizeof(random) / sizeof(random[0]); k++)
                        if (per_gb(grams, common[i]) <= per_gb(grams, random[k]))
                                fail_msg("`%s` is not worse than random bytes %zu", common[i], k);
        assert_true(per_gb(grams, "\0\0\0") > 1e6);
        assert_true(per_gb(grams, "\0\0\0") <= 1e9);
        pn_grams_free(grams);
}

static void a_file_that_is_no_table_is_refused(void **state)
{
        static const struct {
                const char *name;
                size_t cut, at;
                uint8_t byte;
        } rows[] = {
                {"cut", 1, 0, 0},           {"without values", 1UL << 22, 0, 0},
                {"magic", 0, 0, 'X'},       {"version", 0, 4, 2},
                {"bits", 0, 8, 21},         {"head only in part", (1UL << 22) + 8, 0, 0},
                {"no positions", 0, 16, 0},
        };
        size_t len = 0;
        pn_autofree uint8_t *file = table_of("abcd", 1, &len);

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const uint8_t kept = file[rows[i].at];
                struct pn_err err = PN_ERR_INIT;
                struct pn_grams *grams = NULL;

                if (rows[i].cut == 0)
                        file[rows[i].at] = rows[i].byte;
                if (pn_grams_open((struct pn_view){file, len - rows[i].cut}, &grams, &err) != -1)
                        fail_msg("%s: taken", rows[i].name);
                assert_int_equal(err.fault, PN_FAULT_CONFIG);
                assert_null(grams);
                file[rows[i].at] = kept;
        }
}

static void a_table_of_nothing_is_not_made(void **state)
{
        struct pn_gram_count *count = pn_gram_count_new();
        struct pn_err err = PN_ERR_INIT;
        uint8_t *file = NULL;
        size_t len = 0;

        (void)state;
        pn_gram_count_add(count, (const uint8_t *)"abc", 3); /* no four bytes */
        assert_int_equal(pn_gram_count_file(count, &file, &len, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        assert_null(file);
        pn_gram_count_free(count);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_was_counted_is_expected_as_often),
                cmocka_unit_test(rare_and_common_keep_their_order),
                cmocka_unit_test(without_a_table_what_is_common_is_worse_than_random_bytes),
                cmocka_unit_test(a_file_that_is_no_table_is_refused),
                cmocka_unit_test(a_table_of_nothing_is_not_made),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
