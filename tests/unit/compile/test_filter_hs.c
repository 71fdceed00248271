/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/filter_kit.h"

#include "scanner/base/fd.h"
#include "scanner/engine/compile/filter_hs.h"
#include "scanner/engine/filter_state.h"

#ifdef PN_HAVE_HYPERSCAN

#define WINDOWS 300

/* Both backends over the same windows. */
struct both {
        uint8_t *database[2];
        struct pn_filter *filter[2];
};

static void both_open(struct both *both, const struct pn_window *windows, uint32_t count, bool generic)
{
        struct pn_err err = PN_ERR_INIT;
        size_t len[2];

        memset(both, 0, sizeof(*both));
        if (pn_filter_hs_build(windows, count, generic, &both->database[0], &len[0], &err) < 0 ||
            pn_filter_gram_build(windows, count, &both->database[1], &len[1], &err) < 0)
                fail_msg("%s", err.text);
        if (pn_filter_open(PN_FILTER_HYPERSCAN, (struct pn_view){both->database[0], len[0]}, &both->filter[0],
                           &err) < 0 ||
            pn_filter_open(PN_FILTER_GRAM, (struct pn_view){both->database[1], len[1]}, &both->filter[1],
                           &err) < 0)
                fail_msg("%s", err.text);
}

static void both_clear(struct both *both)
{
        for (size_t i = 0; i < 2; i++) {
                assert_null(pn_filter_free(both->filter[i]));
                free(both->database[i]);
        }
}

static void both_backends_find_what_a_simple_search_finds(void **state)
{
        uint64_t random = seed_of_this_run();
        static const uint32_t counts[] = {1, 3, 12, 60, WINDOWS};
        struct pn_window windows[WINDOWS];

        (void)state;
        for (uint32_t round = 0; round < 50; round++) {
                uint32_t shortest = PN_WINDOW_MIN + round % 6;
                uint32_t count = draw_windows(&random, shortest, counts[round / 5 % 5], windows);
                struct both both;

                both_open(&both, windows, count, round % 3 == 0);
                expect_scans("hyperscan", both.filter[0], windows, count, &random);
                expect_scans("gram", both.filter[1], windows, count, &random);
                both_clear(&both);
        }
}

/* Larger than any simple search can follow. */
static void both_backends_agree_on_large_buffers(void **state)
{
        enum { BYTES = 1 << 20 };
        uint64_t random = seed_of_this_run();
        struct pn_window windows[WINDOWS];
        uint8_t *buf = malloc(BYTES);

        (void)state;
        assert_non_null(buf);
        for (uint32_t round = 0; round < 10; round++) {
                uint32_t count = draw_windows(&random, PN_WINDOW_MIN + round % 6, WINDOWS, windows);
                struct both both;
                struct places found[2] = {{0}, {0}};
                struct pn_err err = PN_ERR_INIT;

                draw_buffer(&random, windows, count, buf, BYTES);
                both_open(&both, windows, count, false);
                for (size_t i = 0; i < 2; i++) {
                        assert_int_equal(
                                pn_filter_scan(both.filter[i], buf, BYTES, take_place, &found[i], &err), 0);
                        places_sort(&found[i]);
                }
                assert_true(found[0].count > 1000);
                expect_same("gram against hyperscan", windows, &found[0], &found[1]);
                for (size_t i = 0; i < 2; i++)
                        free(found[i].place);
                both_clear(&both);
        }
        free(buf);
}

static void no_windows_find_nothing(void **state)
{
        uint8_t buf[64] = {0};

        (void)state;
        for (int generic = 0; generic < 2; generic++) {
                struct both both;

                both_open(&both, NULL, 0, generic);
                expect_scan("hyperscan", both.filter[0], NULL, 0, buf, sizeof(buf));
                both_clear(&both);
        }
}

static void hit_that_says_no_ends_the_scan(void **state)
{
        struct pn_window window = {.bytes = "abcdefgh", .len = 8};
        uint8_t buf[4000];
        struct both both;

        (void)state;
        for (size_t i = 0; i < sizeof(buf); i++)
                buf[i] = (uint8_t)("abcdefgh"[i % 8]);
        both_open(&both, &window, 1, true);
        for (size_t stop = 1; stop <= 3; stop++) {
                struct places have = {.stop_after = stop};
                struct pn_err err = PN_ERR_INIT;

                assert_int_equal(pn_filter_scan(both.filter[0], buf, sizeof(buf), take_place, &have, &err),
                                 0);
                assert_int_equal(have.count, stop);
                free(have.place);
        }
        both_clear(&both);
}

static bool scan_again(void *ctx, uint32_t window, size_t end)
{
        struct both *both = ctx;
        struct places have = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)window;
        (void)end;
        assert_int_equal(
                pn_filter_scan(both->filter[0], (const uint8_t *)"abcdefgh", 8, take_place, &have, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUG);
        free(have.place);
        return true;
}

/* The library's room to work in is one per filter. */
static void scan_inside_a_scan_is_refused(void **state)
{
        struct pn_window window = {.bytes = "abcdefgh", .len = 8};
        struct pn_err err = PN_ERR_INIT;
        struct both both;

        (void)state;
        both_open(&both, &window, 1, true);
        assert_int_equal(
                pn_filter_scan(both.filter[0], (const uint8_t *)"abcdefgh", 8, scan_again, &both, &err), 0);
        both_clear(&both);
}

static void windows_of_wrong_length_are_refused(void **state)
{
        static const uint8_t lengths[] = {0, 2, 9, 255};
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(lengths); i++) {
                struct pn_window windows[] = {{.bytes = "abcdefgh", .len = 8},
                                              {.bytes = "abcdefgh", .len = lengths[i]}};
                uint8_t *database = NULL;
                size_t len = 77;

                assert_int_equal(pn_filter_hs_build(windows, 2, true, &database, &len, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_CONFIG);
                assert_non_null(strstr(err.text, "window 1 has"));
                assert_true(database == NULL && len == 77);
        }
        {
                struct pn_window window = {.len = 8};
                uint8_t *database = NULL;
                size_t len = 0;

                assert_int_equal(pn_filter_hs_build(&window, PN_WINDOWS_MAX + 1, true, &database, &len, &err),
                                 -1);
                assert_int_equal(err.fault, PN_FAULT_CONFIG);
        }
}

static void expect_refused(const uint8_t *database, size_t len, const char *name)
{
        struct pn_filter *filter = NULL;
        struct pn_err err = PN_ERR_INIT;

        if (pn_filter_open(PN_FILTER_HYPERSCAN, (struct pn_view){database, len}, &filter, &err) == 0)
                fail_msg("%s: taken", name);
        if (err.fault != PN_FAULT_CONFIG || err.text[0] == '\0' || filter)
                fail_msg("%s: fault %d, `%s`", name, (int)err.fault, err.text);
}

#define HEADER(field)                                                                                        \
        offsetof(struct pn_filter_hs_header, field), sizeof(((struct pn_filter_hs_header *)0)->field)

static void damaged_database_is_refused(void **state)
{
        static const struct {
                const char *name;
                size_t offset, size;
                uint64_t value;
        } rows[] = {
                {"magic", HEADER(magic), 1},
                {"version", HEADER(version), 2},
                {"more windows", HEADER(windows), 100},
                {"no windows", HEADER(windows), 0},
                {"windows without end", HEADER(windows), UINT32_MAX},
                {"offset behind the end", HEADER(offset), 1U << 30},
                {"offset without end", HEADER(offset), UINT64_MAX},
                {"bytes", HEADER(bytes), 64},
                {"bytes without end", HEADER(bytes), UINT64_MAX},
                {"length of a window", sizeof(struct pn_filter_hs_header), 1, 2},
                {"length of another window", sizeof(struct pn_filter_hs_header) + 1, 1, 9},
                {"the library's own magic", 64, 4, 0},
                {"the library's own version", 68, 4, 0},
                {"one byte of the library's part", 64 + 512, 1, 0x5a},
        };
        struct pn_window windows[] = {{.bytes = "abcdefgh", .len = 8}, {.bytes = "ijkl", .len = 4}};
        pn_autofree uint8_t *database = NULL;
        size_t len = 0;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_filter_hs_build(windows, 2, true, &database, &len, &err), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                pn_autofree uint8_t *copy = aligned_alloc(PN_FILTER_ALIGN, pn_filter_aligned(len));

                assert_non_null(copy);
                memcpy(copy, database, len);
                memcpy(copy + rows[i].offset, &rows[i].value, rows[i].size);
                expect_refused(copy, len, rows[i].name);
        }
        for (size_t cut = 0; cut < len; cut += cut < 100 ? 1 : 61)
                expect_refused(database, cut, "cut");
}

static void version_names_the_library(void **state)
{
        (void)state;
        assert_true(pn_filter_hs_version()[0] >= '1' && pn_filter_hs_version()[0] <= '9');
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(both_backends_find_what_a_simple_search_finds),
                cmocka_unit_test(both_backends_agree_on_large_buffers),
                cmocka_unit_test(no_windows_find_nothing),
                cmocka_unit_test(hit_that_says_no_ends_the_scan),
                cmocka_unit_test(scan_inside_a_scan_is_refused),
                cmocka_unit_test(windows_of_wrong_length_are_refused),
                cmocka_unit_test(damaged_database_is_refused),
                cmocka_unit_test(version_names_the_library),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

/* Built without the library: nothing is built, and nothing is opened. */
static void without_the_library_it_is_refused_by_name(void **state)
{
        struct pn_window window = {.bytes = "abcdefgh", .len = 8};
        struct pn_filter *filter = NULL;
        uint8_t *database = NULL;
        size_t len = 0;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_filter_hs_build(&window, 1, true, &database, &len, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        assert_non_null(strstr(err.text, "built without"));
        assert_int_equal(pn_filter_open(PN_FILTER_HYPERSCAN, (struct pn_view){NULL, 0}, &filter, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        assert_non_null(strstr(err.text, "built without"));
        assert_string_equal(pn_filter_hs_version(), "none");
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(without_the_library_it_is_refused_by_name)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
