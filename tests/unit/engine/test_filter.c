/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/filter_kit.h"

#include "scanner/base/fd.h"
#include "scanner/engine/filter_state.h"

static struct pn_filter *open_gram(const struct pn_window *windows, uint32_t count, uint8_t **ret_database)
{
        struct pn_filter *filter = NULL;
        struct pn_err err = PN_ERR_INIT;
        size_t len = 0;

        if (pn_filter_gram_build(windows, count, ret_database, &len, &err) < 0)
                fail_msg("%s", err.text);
        if (pn_filter_open(PN_FILTER_GRAM, (struct pn_view){*ret_database, len}, &filter, &err) < 0)
                fail_msg("%s", err.text);
        return filter;
}

/* ---------------------------------------------------------------- what is found */

static void filter_finds_what_a_simple_search_finds(void **state)
{
        uint64_t random = seed_of_this_run();
        static const uint32_t counts[] = {1, 2, 7, 40, 300};
        struct pn_window windows[300];

        (void)state;
        for (uint32_t round = 0; round < 60; round++) {
                uint32_t shortest = PN_WINDOW_MIN + round % 6, wanted = counts[round / 5 % 5];
                uint32_t count = draw_windows(&random, shortest, wanted, windows);
                uint8_t *database = NULL;
                struct pn_filter *filter = open_gram(windows, count, &database);

                expect_scans("gram", filter, windows, count, &random);
                filter->plain = true;
                expect_scans("gram, plain", filter, windows, count, &random);
                assert_null(pn_filter_free(filter));
                free(database);
        }
}

/* More than one turn of each set, with windows over the edges; and so many short windows that their grams are
 * of another size. */
static void filter_finds_all_in_large_buffers_and_with_many_windows(void **state)
{
        enum { BYTES = 50000, MANY = 4000 };
        static const struct {
                uint32_t shortest, count;
                size_t bytes;
        } rows[] = {{4, 25, BYTES}, {5, 25, BYTES}, {8, 25, BYTES}, {4, MANY, 1000}, {6, MANY, 1000}};
        uint64_t random = seed_of_this_run();
        struct pn_window *windows = calloc(MANY, sizeof(*windows));
        uint8_t *buf = malloc(BYTES);

        (void)state;
        assert_true(windows && buf);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint32_t count = draw_windows(&random, rows[i].shortest, rows[i].count, windows);
                uint8_t *database = NULL;
                struct pn_filter *filter = open_gram(windows, count, &database);

                for (uint32_t round = 0; round < 4; round++) {
                        draw_buffer(&random, windows, count, buf, rows[i].bytes);
                        filter->plain = round % 2;
                        expect_scan("gram", filter, windows, count, buf, rows[i].bytes);
                }
                (void)pn_filter_free(filter);
                free(database);
        }
        free(windows);
        free(buf);
}

static void windows_are_found_at_every_place(void **state)
{
        static const struct {
                const char *name, *window;
                bool nocase;
                const char *text;
                bool found;
        } rows[] = {
                {"eight bytes", "/tmp/.x1", false, "/tmp/.x1", true},
                {"four bytes", "x86!", false, "x86!", true},
                {"five bytes", "x86!.", false, "x86!.", true},
                {"six bytes", "x86!.6", false, "x86!.6", true},
                {"seven bytes", "x86!.67", false, "x86!.67", true},
                {"other case", "/tmp/.x1", false, "/TMP/.x1", false},
                {"other case, nocase", "/tmp/.x1", true, "/TmP/.X1", true},
                {"a byte that differs by the bit of the case", "[[[[[[[[", true, "{{{{{{{{", false},
                {"the reverse", "````@@@@", true, "@@@@````", false},
                {"control characters are no letters", "\x01\x01\x01\x01\x01\x01\x01\x01", true, "!!!!!!!!",
                 false},
                {"letters of Latin-1 have no case", "\xe4\xf6\xfc\xdf\xe4\xf6\xfc\xdf", true,
                 "\xc4\xd6\xdc\xdf\xc4\xd6\xdc\xdf", false},
                {"last byte differs", "/tmp/.x1", false, "/tmp/.x2", false},
                {"first byte differs", "/tmp/.x1", false, "_tmp/.x1", false},
                {"all bits", "\xff\xff\xff\xff\xff\xff\xff\xff", false, "\xff\xff\xff\xff\xff\xff\xff\xff",
                 true},
                {"a letter is not its neighbour of the fold", "abcdefgh", true, "abcdefg\x08", false},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_window window = {.len = (uint8_t)strlen(rows[i].window), .nocase = rows[i].nocase};
                uint8_t *database = NULL, buf[100];
                struct pn_filter *filter;
                struct pn_err err = PN_ERR_INIT;

                memcpy(window.bytes, rows[i].window, window.len);
                filter = open_gram(&window, 1, &database);
                for (size_t at = 0; at + window.len <= sizeof(buf); at++) {
                        struct places have = {0};

                        memset(buf, '.', sizeof(buf));
                        memcpy(buf + at, rows[i].text, window.len);
                        assert_int_equal(pn_filter_scan(filter, buf, sizeof(buf), take_place, &have, &err),
                                         0);
                        if (have.count != rows[i].found)
                                fail_msg("%s: %zu hits at %zu", rows[i].name, have.count, at);
                        if (rows[i].found)
                                assert_true(have.place[0].end == at + window.len &&
                                            have.place[0].window == 0);
                        free(have.place);
                }
                (void)pn_filter_free(filter);
                free(database);
        }
}

static void window_of_zeros_is_found_in_zeros(void **state)
{
        struct pn_window window = {.len = 8};
        uint8_t *database = NULL, *zeros = calloc(1, 4096);
        struct pn_filter *filter = open_gram(&window, 1, &database);

        (void)state;
        assert_non_null(zeros);
        expect_scan("zeros", filter, &window, 1, zeros, 4096);
        (void)pn_filter_free(filter);
        free(database);
        free(zeros);
}

/* A window's bytes cut off by the end are not found by reading what lies behind. */
static void window_cut_by_the_end_is_not_found(void **state)
{
        struct pn_window windows[] = {{.bytes = "truncate", .len = 8}, {.bytes = "abcd", .len = 4}};
        static const char text[] = "....truncateabcd";

        (void)state;
        for (uint32_t count = 1; count <= 2; count++) {
                uint8_t *database = NULL;
                struct pn_filter *filter = open_gram(windows, count, &database);

                for (size_t len = 0; len < sizeof(text); len++)
                        expect_scan("cut", filter, windows, count, (const uint8_t *)text, len);
                (void)pn_filter_free(filter);
                free(database);
        }
}

static void same_bytes_with_and_without_case_are_two_windows(void **state)
{
        struct pn_window windows[] = {{.bytes = "postgres", .len = 8},
                                      {.bytes = "postgres", .len = 8, .nocase = true}};
        static const uint8_t text[] = "postgres POSTGRES";
        struct places have = {0};
        struct pn_err err = PN_ERR_INIT;
        uint8_t *database = NULL;
        struct pn_filter *filter = open_gram(windows, 2, &database);

        (void)state;
        assert_int_equal(pn_filter_scan(filter, text, sizeof(text), take_place, &have, &err), 0);
        places_sort(&have);
        assert_int_equal(have.count, 3);
        assert_true(have.place[0].end == 8 && have.place[0].window == 0);
        assert_true(have.place[1].end == 8 && have.place[1].window == 1);
        assert_true(have.place[2].end == 17 && have.place[2].window == 1);
        free(have.place);
        (void)pn_filter_free(filter);
        free(database);
}

static void no_windows_find_nothing(void **state)
{
        uint8_t *database = NULL, buf[256] = {0};
        struct pn_filter *filter = open_gram(NULL, 0, &database);

        (void)state;
        expect_scan("none", filter, NULL, 0, buf, sizeof(buf));
        (void)pn_filter_free(filter);
        free(database);
}

static void hit_that_says_no_ends_the_scan(void **state)
{
        struct pn_window window = {.bytes = "abcdefgh", .len = 8};
        uint8_t buf[2000];
        struct pn_err err = PN_ERR_INIT;
        uint8_t *database = NULL;
        struct pn_filter *filter = open_gram(&window, 1, &database);

        (void)state;
        for (size_t i = 0; i < sizeof(buf); i++)
                buf[i] = (uint8_t)("abcdefgh"[i % 8]);
        for (size_t stop = 1; stop <= 3; stop++) {
                struct places have = {.stop_after = stop};

                assert_int_equal(pn_filter_scan(filter, buf, sizeof(buf), take_place, &have, &err), 0);
                assert_int_equal(have.count, stop);
                free(have.place);
        }
        (void)pn_filter_free(filter);
        free(database);
}

/* ---------------------------------------------------------------- what it costs */

/* A filter is made for the rules of one file: a handful of windows must not cost a table for thousands. */
static void database_of_few_windows_is_small(void **state)
{
        struct pn_window windows[100];
        struct pn_err err = PN_ERR_INIT;
        static const struct {
                uint32_t count;
                size_t bytes_max;
        } rows[] = {{0, 8192}, {10, 16384}, {100, 65536}};

        (void)state;
        for (uint32_t i = 0; i < 100; i++)
                windows[i] = (struct pn_window){.bytes = {(uint8_t)i, 'f', 'e', 'w'}, .len = 8};
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                pn_autofree uint8_t *database = NULL;
                size_t len = 0;

                assert_int_equal(pn_filter_gram_build(windows, rows[i].count, &database, &len, &err), 0);
                assert_true(len <= rows[i].bytes_max);
        }
}

/* Thousands of windows with one gram in common, and a buffer full of that gram: the work for a byte does not
 * grow with the windows. */
static void windows_that_share_a_gram_are_not_tried_one_by_one(void **state)
{
        enum { MANY = 20000, BYTES = 1 << 20 };
        struct pn_window *windows = calloc(MANY, sizeof(*windows));
        uint8_t *buf = malloc(BYTES), *database = NULL;
        struct places have = {0};
        struct pn_err err = PN_ERR_INIT;
        struct pn_filter *filter;
        clock_t before;

        (void)state;
        assert_true(windows && buf);
        for (uint32_t i = 0; i < MANY; i++) {
                windows[i] = (struct pn_window){.bytes = "same", .len = 8};
                for (uint32_t digit = 0, left = i; digit < 4; digit++, left /= 13)
                        windows[i].bytes[4 + digit] = (uint8_t)('a' + left % 13);
        }
        for (size_t i = 0; i < BYTES; i++)
                buf[i] = (uint8_t)("samezzzz"[i % 8]);
        filter = open_gram(windows, MANY, &database);
        before = clock();
        assert_int_equal(pn_filter_scan(filter, buf, BYTES, take_place, &have, &err), 0);
        assert_int_equal(have.count, 0);
        /* 26,000 places, each with 20,000 windows, would take a second and more */
        assert_true((double)(clock() - before) / CLOCKS_PER_SEC < 0.25);
        (void)pn_filter_free(filter);
        free(database);
        free(windows);
        free(buf);
}

/* ---------------------------------------------------------------- refusals */

static void windows_of_wrong_length_are_refused(void **state)
{
        static const uint8_t lengths[] = {0, 1, 9, 255};
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        for (size_t i = 0; i < sizeof(lengths); i++) {
                struct pn_window windows[] = {{.bytes = "abcdefgh", .len = 8},
                                              {.bytes = "abcdefgh", .len = lengths[i]}};
                uint8_t *database = NULL;
                size_t len = 77;

                assert_int_equal(pn_filter_gram_build(windows, 2, &database, &len, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_CONFIG);
                assert_non_null(strstr(err.text, "window 1 has"));
                assert_true(database == NULL && len == 77);
        }
}

static void more_windows_than_the_limit_are_refused(void **state)
{
        struct pn_window window = {.len = 8};
        uint8_t *database = NULL;
        size_t len = 0;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_filter_gram_build(&window, PN_WINDOWS_MAX + 1, &database, &len, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
}

/* One field of the database is overwritten with `value`. */
struct damage {
        const char *name;
        size_t offset, size;
        uint64_t value;
};

#define HEADER(field) offsetof(struct pn_gram_header, field), sizeof(((struct pn_gram_header *)0)->field)
#define SET(n, field) HEADER(set[n].field)

static void expect_refused(const uint8_t *database, size_t len, const char *name, const char *words)
{
        struct pn_filter *filter = NULL;
        struct pn_err err = PN_ERR_INIT;

        if (pn_filter_open(PN_FILTER_GRAM, (struct pn_view){database, len}, &filter, &err) == 0)
                fail_msg("%s: taken", name);
        if (err.fault != PN_FAULT_CONFIG || !strstr(err.text, words) || filter)
                fail_msg("%s: fault %d, `%s`", name, (int)err.fault, err.text);
}

static void damaged_database_is_refused(void **state)
{
        static const struct damage rows[] = {
                {"magic", HEADER(magic), 0x52474e51},
                {"version", HEADER(version), 2},
                {"length", HEADER(bytes), 64},
                {"more windows", HEADER(windows), 60},
                {"fewer windows", HEADER(windows), 1},
                {"windows without end", HEADER(windows), UINT32_MAX},
                {"windows do not add up", SET(0, windows), 19},
                {"windows of a set without end", SET(0, windows), UINT32_MAX},
                {"windows of a set that is not there", SET(1, windows), 1},
                {"no stride", SET(0, stride), 0},
                {"large stride", SET(0, stride), PN_GRAM_STRIDE_MAX + 1},
                {"windows of two bytes", SET(0, lengths), 1U << 8 | 1U << 2},
                {"windows of nine bytes", SET(0, lengths), 1U << 9},
                {"no bits", SET(0, bits_log), 0},
                {"bits without end", SET(0, bits_log), 64},
                {"twice the bits", SET(0, bits_log), PN_GRAM_LOG_MIN + 9},
                {"no offsets", SET(0, offsets_log), 1},
                {"offsets without end", SET(0, offsets_log), UINT32_MAX},
                {"no starts", SET(0, starts_log), 0},
                {"starts without end", SET(0, starts_log), 27},
        };
        struct pn_window windows[20];
        pn_autofree uint8_t *database = NULL;
        size_t len = 0;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        for (uint32_t i = 0; i < 20; i++)
                windows[i] = (struct pn_window){.bytes = {(uint8_t)i, 'r', 'o', 't'}, .len = 8};
        assert_int_equal(pn_filter_gram_build(windows, 20, &database, &len, &err), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                pn_autofree uint8_t *copy = aligned_alloc(PN_FILTER_ALIGN, pn_filter_aligned(len));

                assert_non_null(copy);
                memcpy(copy, database, len);
                memcpy(copy + rows[i].offset, &rows[i].value, rows[i].size);
                expect_refused(copy, len, rows[i].name, i < 2 ? "database" : "sizes");
        }
        for (size_t cut = 0; cut < len; cut += cut < 100 ? 1 : 61)
                expect_refused(database, cut, "cut", cut < sizeof(struct pn_gram_header) ? "bytes" : "sizes");
}

/* Tables that a scan follows. */
static void database_with_wrong_tables_is_refused(void **state)
{
        struct pn_window windows[] = {{.bytes = "abcdefgh", .len = 8}, {.bytes = "ijklmnop", .len = 8}};
        pn_autofree uint8_t *database = NULL;
        size_t len = 0;
        struct pn_err err = PN_ERR_INIT;
        struct pn_gram_layout layout;
        uint32_t *starts;
        struct pn_gram_entry *entry, kept;

        (void)state;
        assert_int_equal(pn_filter_gram_build(windows, 2, &database, &len, &err), 0);
        layout = pn_gram_layout(&((const struct pn_gram_header *)database)->set[0],
                                pn_filter_aligned(sizeof(struct pn_gram_header)));
        starts = (uint32_t *)(database + layout.starts);
        entry = (struct pn_gram_entry *)(database + layout.entries);
        starts[0] = 1;
        expect_refused(database, len, "a run begins behind the first entry", "runs");
        starts[0] = 0;
        starts[1] = 3;
        expect_refused(database, len, "a run goes down", "runs");
        starts[1] = UINT32_MAX;
        expect_refused(database, len, "a run of everything", "runs");
        starts[1] = 0;
        kept = entry[1];
        for (uint32_t len_of_entry = 0; len_of_entry < 12; len_of_entry += len_of_entry == 2 ? 7 : 1) {
                entry[1].len = len_of_entry;
                expect_refused(database, len, "length of an entry", "entry 1");
        }
        entry[1] = kept;
        entry[1].window = 2;
        expect_refused(database, len, "number of an entry", "entry 1");
}

static void database_that_is_not_aligned_is_our_own_mistake(void **state)
{
        struct pn_window window = {.bytes = "abcdefgh", .len = 8};
        pn_autofree uint8_t *database = NULL;
        struct pn_filter *filter = NULL;
        size_t len = 0;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_filter_gram_build(&window, 1, &database, &len, &err), 0);
        assert_int_equal(
                pn_filter_open(PN_FILTER_GRAM, (struct pn_view){database + 8, len - 8}, &filter, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUG);
}

static void database_of_the_other_kind_is_refused(void **state)
{
        struct pn_window window = {.bytes = "abcdefgh", .len = 8};
        pn_autofree uint8_t *database = NULL;
        struct pn_filter *filter = NULL;
        size_t len = 0;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_filter_gram_build(&window, 1, &database, &len, &err), 0);
        for (int kind = 0; kind <= 3; kind++) {
                if (kind == PN_FILTER_GRAM)
                        continue;
                assert_int_equal(pn_filter_open(kind, (struct pn_view){database, len}, &filter, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_CONFIG);
                assert_null(filter);
        }
        assert_null(pn_filter_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(filter_finds_what_a_simple_search_finds),
                cmocka_unit_test(filter_finds_all_in_large_buffers_and_with_many_windows),
                cmocka_unit_test(windows_are_found_at_every_place),
                cmocka_unit_test(window_of_zeros_is_found_in_zeros),
                cmocka_unit_test(window_cut_by_the_end_is_not_found),
                cmocka_unit_test(same_bytes_with_and_without_case_are_two_windows),
                cmocka_unit_test(no_windows_find_nothing),
                cmocka_unit_test(hit_that_says_no_ends_the_scan),
                cmocka_unit_test(database_of_few_windows_is_small),
                cmocka_unit_test(windows_that_share_a_gram_are_not_tried_one_by_one),
                cmocka_unit_test(windows_of_wrong_length_are_refused),
                cmocka_unit_test(more_windows_than_the_limit_are_refused),
                cmocka_unit_test(damaged_database_is_refused),
                cmocka_unit_test(database_with_wrong_tables_is_refused),
                cmocka_unit_test(database_that_is_not_aligned_is_our_own_mistake),
                cmocka_unit_test(database_of_the_other_kind_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
