/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/break_glass.h"
#include "tests/unit/policy/scratch.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

#define NOON 1774958400 /* 2026-03-31T12:00:00Z */
#define WHO "\"reason\":\"registry is down\",\"owner\":\"alice\""
#define AT(day) "{\"expires\":\"" day "\"," WHO "}"
#define GOOD AT("2026-03-31T18:00:00Z")

static const struct row {
        const char *name;
        const char *json;
        const char *text; /* the error; NULL: it counts */
} rows[] = {
        {"one_second_ahead_counts", AT("2026-03-31T12:00:01Z"), NULL},
        {"24_hours_ahead_count", AT("2026-04-01T12:00:00Z"), NULL},
        {"more_than_24_hours_ahead_do_not", AT("2026-04-01T12:00:01Z"),
         "b.json: expires: must be at most 24 hours ahead (2026-04-01T12:00:01Z)"},
        {"years_ahead_do_not", AT("9999-12-31T23:59:59Z"),
         "b.json: expires: must be at most 24 hours ahead (9999-12-31T23:59:59Z)"},
        {"this_second_does_not", AT("2026-03-31T12:00:00Z"),
         "b.json: expires: has passed (2026-03-31T12:00:00Z)"},
        {"the_past_does_not", AT("2026-03-31T11:59:59Z"),
         "b.json: expires: has passed (2026-03-31T11:59:59Z)"},
        {"a_day_is_no_time", AT("2026-03-31"), "b.json: expires: must be a time YYYY-MM-DDTHH:MM:SSZ"},
        {"another_zone_is_no_time", AT("2026-03-31T14:00:00+02:00"),
         "b.json: expires: must be a time YYYY-MM-DDTHH:MM:SSZ"},
        {"expires_is_a_string", "{\"expires\":1774958401," WHO "}", "b.json: expires: must be a string"},
        {"expires_is_required", "{" WHO "}", "b.json: expires: missing"},
        {"reason_is_required", "{\"expires\":\"2026-03-31T18:00:00Z\",\"owner\":\"a\"}",
         "b.json: reason: missing"},
        {"owner_is_required", "{\"expires\":\"2026-03-31T18:00:00Z\",\"reason\":\"r\"}",
         "b.json: owner: missing"},
        {"reason_is_not_blank", "{\"expires\":\"2026-03-31T18:00:00Z\",\"reason\":\" \",\"owner\":\"a\"}",
         "b.json: reason: must not be empty"},
        {"owner_has_no_control_characters",
         "{\"expires\":\"2026-03-31T18:00:00Z\",\"reason\":\"r\",\"owner\":\"a\\u001b[2J\"}",
         "b.json: owner: must not hold control characters"},
        {"unknown_key", "{\"expires\":\"2026-03-31T18:00:00Z\"," WHO ",\"forever\":true}",
         "b.json: forever: unknown key"},
        {"array", "[]", "b.json: must be an object"},
};

static void counts_or_not(void **state)
{
        const struct row *row = *state;
        char reason[PN_WORDS_MAX] = "";
        struct pn_err err = PN_ERR_INIT;
        int ret = pn_break_glass_parse("b.json", row->json, strlen(row->json), NOON, reason, &err);

        assert_int_equal(row->text ? -1 : 0, ret);
        assert_string_equal(row->text ? row->text : "", err.text);
        assert_int_equal(row->text ? PN_FAULT_CONFIG : PN_FAULT_NONE, err.fault);
        assert_int_equal(row->text == NULL, reason[0] != '\0');
}

static void reason_says_who_and_until_when(void **state)
{
        char reason[PN_WORDS_MAX];
        struct pn_err err = PN_ERR_INIT;
        const char *path = scratch_write(*state, "break-glass.json", 0644, GOOD);

        assert_true(pn_policy_break_glass(path, NOON, reason, &err));
        assert_string_equal("registry is down, says alice, until 2026-03-31T18:00:00Z", reason);
        assert_int_equal(PN_FAULT_NONE, err.fault);
}

/* The expiry must be readable however much is said before it. */
static void long_words_do_not_push_the_expiry_out(void **state)
{
        char reason[PN_WORDS_MAX], json[1024];
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        (void)snprintf(json, sizeof(json),
                       "{\"expires\":\"2026-03-31T18:00:00Z\",\"reason\":\"%0255d\",\"owner\":\"%0255d\"}", 0,
                       0);
        assert_int_equal(0, pn_break_glass_parse("b.json", json, strlen(json), NOON, reason, &err));
        assert_non_null(strstr(reason, "0, says 0"));
        assert_non_null(strstr(reason, "0, until 2026-03-31T18:00:00Z"));
}

/* No break-glass from `path`, and `words` in the error; NULL: no error either. */
static void no_break_glass(const char *path, const char *words)
{
        char reason[PN_WORDS_MAX] = "left over";
        struct pn_err err = PN_ERR_INIT;

        assert_false(pn_policy_break_glass(path, NOON, reason, &err));
        assert_string_equal("", reason);
        assert_int_equal(words ? PN_FAULT_CONFIG : PN_FAULT_NONE, err.fault);
        if (words)
                assert_says(err, words);
}

static void no_file_is_no_error(void **state)
{
        no_break_glass(scratch_path(*state, "break-glass.json"), NULL);
}

static void no_directory_is_no_error(void **state)
{
        no_break_glass(scratch_path(*state, "none/break-glass.json"), NULL);
}

static void no_path_is_no_error(void **state)
{
        (void)state;
        no_break_glass(NULL, NULL);
}

static void error_may_be_null(void **state)
{
        char reason[PN_WORDS_MAX];

        assert_false(pn_policy_break_glass(scratch_write(*state, "b", 0666, GOOD), NOON, reason, NULL));
}

static void file_that_others_can_write_is_ignored(void **state)
{
        no_break_glass(scratch_write(*state, "b", 0646, GOOD), "`b` can be written by group or others");
}

static void file_of_another_user_is_ignored(void **state)
{
        const char *path = scratch_write(*state, "b", 0644, GOOD);

        scratch_give_away(path);
        no_break_glass(path, "`b` is not owned by root (uid 12345)");
}

static void file_in_a_directory_that_others_can_write_is_ignored(void **state)
{
        struct scratch *scratch = *state;
        const char *path = scratch_write(scratch, "b", 0644, GOOD);

        assert_int_equal(0, chmod(scratch->dir, 0777));
        no_break_glass(path, "can be written by group or others (mode 0777)");
}

static void link_is_ignored(void **state)
{
        struct scratch *scratch = *state;

        (void)scratch_write(scratch, "real", 0644, GOOD);
        assert_int_equal(0, symlink("real", scratch_path(scratch, "b")));
        no_break_glass(scratch->path, "open `b`: Too many levels of symbolic links");
}

static void dangling_link_is_told(void **state)
{
        struct scratch *scratch = *state;

        assert_int_equal(0, symlink("nowhere", scratch_path(scratch, "b")));
        no_break_glass(scratch->path, "open `b`: Too many levels of symbolic links");
}

static void expired_file_is_ignored_and_named(void **state)
{
        no_break_glass(scratch_write(*state, "b", 0644, AT("2026-03-31T12:00:00Z")),
                       "/b: expires: has passed");
}

static void broken_file_is_ignored_and_named(void **state)
{
        no_break_glass(scratch_write(*state, "b", 0644, "{\"expires\":"), "/b: line 1");
}

static void file_that_is_too_large_is_ignored(void **state)
{
        const char *path = scratch_write(*state, "b", 0644, GOOD);

        assert_int_equal(0, truncate(path, PN_BREAK_GLASS_BYTES_MAX + 1));
        no_break_glass(path, "read `b` (at most 65536 bytes)");
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_new, scratch_free)

int main(void)
{
        static const struct CMUnitTest fixed[] = {
                cmocka_unit_test(long_words_do_not_push_the_expiry_out),
                cmocka_unit_test(no_path_is_no_error),
                IN_SCRATCH(reason_says_who_and_until_when),
                IN_SCRATCH(no_file_is_no_error),
                IN_SCRATCH(no_directory_is_no_error),
                IN_SCRATCH(error_may_be_null),
                IN_SCRATCH(file_that_others_can_write_is_ignored),
                IN_SCRATCH(file_of_another_user_is_ignored),
                IN_SCRATCH(file_in_a_directory_that_others_can_write_is_ignored),
                IN_SCRATCH(link_is_ignored),
                IN_SCRATCH(dangling_link_is_told),
                IN_SCRATCH(expired_file_is_ignored_and_named),
                IN_SCRATCH(broken_file_is_ignored_and_named),
                IN_SCRATCH(file_that_is_too_large_is_ignored),
        };
        struct CMUnitTest tests[ROWS(fixed) + ROWS(rows)];

        memcpy(tests, fixed, sizeof(fixed));
        for (size_t i = 0; i < ROWS(rows); i++)
                tests[ROWS(fixed) + i] = (struct CMUnitTest){rows[i].name, counts_or_not, NULL, NULL,
                                                             (void *)(uintptr_t)&rows[i]};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
