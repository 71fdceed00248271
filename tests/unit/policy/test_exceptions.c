/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/exceptions.h"
#include "policy/policy.h"
#include "tests/unit/policy/scratch.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

#define HEX "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"
#define RULE "\"rule\":\"XZ-BACKDOOR-001\""
#define PATH "\"path\":\"usr/lib/liblzma.so.5\""
#define SHA256 "\"sha256\":\"" HEX "\""
#define REASON "\"reason\":\"sample of the course\""
#define OWNER "\"owner\":\"alice\""
#define EXPIRES "\"expires\":\"2026-03-31T12:00:00Z\""

#define ALL_BUT_RULE PATH "," SHA256 "," REASON "," OWNER "," EXPIRES
#define ALL_BUT_PATH RULE "," SHA256 "," REASON "," OWNER "," EXPIRES
#define ALL_BUT_SHA256 RULE "," PATH "," REASON "," OWNER "," EXPIRES
#define ALL_BUT_REASON RULE "," PATH "," SHA256 "," OWNER "," EXPIRES
#define ALL_BUT_OWNER RULE "," PATH "," SHA256 "," REASON "," EXPIRES
#define ALL_BUT_EXPIRES RULE "," PATH "," SHA256 "," REASON "," OWNER
#define WHOLE "{" RULE "," ALL_BUT_RULE "}"

#define FILE_OF(list) "{\"exceptions\":[" list "]}"

/* ---------------------------------------------------------------- one exception */

static const struct refusal {
        const char *name;
        const char *object;
        const char *text; /* behind "e.json: exceptions[1]" */
} refusals[] = {
        {"exception_is_an_object", "7", ": must be an object"},
        {"exception_without_rule", "{" ALL_BUT_RULE "}", ".rule: missing"},
        {"exception_without_path", "{" ALL_BUT_PATH "}", ".path: missing"},
        {"exception_without_sha256", "{" ALL_BUT_SHA256 "}", ".sha256: missing"},
        {"exception_without_reason", "{" ALL_BUT_REASON "}", ".reason: missing"},
        {"exception_without_owner", "{" ALL_BUT_OWNER "}", ".owner: missing"},
        {"exception_without_expires", "{" ALL_BUT_EXPIRES "}", ".expires: missing"},
        {"exception_with_a_null", "{\"owner\":null," ALL_BUT_OWNER "}", ".owner: missing"},
        {"exception_with_an_unknown_key", "{\"image\":\"x\"," RULE "," ALL_BUT_RULE "}",
         ".image: unknown key"},
        {"rule_is_a_string", "{\"rule\":1," ALL_BUT_RULE "}", ".rule: must be a string"},
        {"rule_is_not_empty", "{\"rule\":\"\"," ALL_BUT_RULE "}", ".rule: must not be empty"},
        {"rule_is_not_the_test_rule", "{\"rule\":\"POSTERN-TEST-001\"," ALL_BUT_RULE "}",
         ".rule: the test rule cannot be excepted"},
        {"rule_has_a_ceiling",
         "{\"rule\":\"0123456789012345678901234567890123456789012345678901234567890123\"," ALL_BUT_RULE "}",
         ".rule: must be shorter than 64 bytes"},
        {"path_is_not_empty", "{\"path\":\"\"," ALL_BUT_PATH "}", ".path: must not be empty"},
        {"path_has_no_leading_slash", "{\"path\":\"/usr/x\"," ALL_BUT_PATH "}",
         ".path: must not begin with a slash: it is relative to the root of the container"},
        {"path_has_no_dot_dot", "{\"path\":\"usr/../x\"," ALL_BUT_PATH "}",
         ".path: must not have an empty, `.` or `..` component"},
        {"path_does_not_begin_with_dot_dot", "{\"path\":\"../x\"," ALL_BUT_PATH "}",
         ".path: must not have an empty, `.` or `..` component"},
        {"path_does_not_end_in_dot_dot", "{\"path\":\"usr/..\"," ALL_BUT_PATH "}",
         ".path: must not have an empty, `.` or `..` component"},
        {"path_is_not_dot_dot", "{\"path\":\"..\"," ALL_BUT_PATH "}",
         ".path: must not have an empty, `.` or `..` component"},
        {"path_does_not_begin_with_a_dot", "{\"path\":\"./x\"," ALL_BUT_PATH "}",
         ".path: must not have an empty, `.` or `..` component"},
        {"path_has_no_double_slash", "{\"path\":\"usr//x\"," ALL_BUT_PATH "}",
         ".path: must not have an empty, `.` or `..` component"},
        {"path_does_not_end_in_a_slash", "{\"path\":\"usr/\"," ALL_BUT_PATH "}",
         ".path: must not have an empty, `.` or `..` component"},
        {"sha256_is_not_short", "{\"sha256\":\"0011\"," ALL_BUT_SHA256 "}", ".sha256: must be 64 hex digits"},
        {"sha256_is_not_long", "{\"sha256\":\"" HEX "00\"," ALL_BUT_SHA256 "}",
         ".sha256: must be 64 hex digits"},
        {"sha256_is_hex",
         "{\"sha256\":\"0011223344556677889900112233445566778899001122334455667788990g\"," ALL_BUT_SHA256 "}",
         ".sha256: must be 64 hex digits"},
        {"reason_is_not_empty", "{\"reason\":\"\"," ALL_BUT_REASON "}", ".reason: must not be empty"},
        {"reason_is_not_blank", "{\"reason\":\"  \"," ALL_BUT_REASON "}", ".reason: must not be empty"},
        {"reason_has_no_newline", "{\"reason\":\"a\\nb\"," ALL_BUT_REASON "}",
         ".reason: must not hold control characters"},
        {"reason_has_no_delete", "{\"reason\":\"a\\u007fb\"," ALL_BUT_REASON "}",
         ".reason: must not hold control characters"},
        {"owner_is_not_empty", "{\"owner\":\"\"," ALL_BUT_OWNER "}", ".owner: must not be empty"},
        {"expires_is_no_number", "{\"expires\":1900000000," ALL_BUT_EXPIRES "}",
         ".expires: must be a string"},
        {"expires_is_not_never", "{\"expires\":\"never\"," ALL_BUT_EXPIRES "}",
         ".expires: must be a date of the calendar, YYYY-MM-DDTHH:MM:SSZ or YYYY-MM-DD"},
};

static void refuses(void **state)
{
        const struct refusal *row = *state;
        struct pn_policy policy = {0};
        struct pn_err err = PN_ERR_INIT;
        char json[2048], text[PN_ERR_TEXT_MAX];

        (void)snprintf(json, sizeof(json), FILE_OF(WHOLE ",%s"), row->object);
        (void)snprintf(text, sizeof(text), "e.json: exceptions[1]%s", row->text);
        assert_int_equal(-1, pn_exceptions_parse(&policy, "e.json", json, strlen(json), &err));
        assert_string_equal(text, err.text);
        assert_int_equal(PN_FAULT_CONFIG, err.fault);
        pn_exceptions_clear(&policy);
}

/* ---------------------------------------------------------------- dates */

static const struct date {
        const char *text;
        int64_t seconds; /* -1: no date */
} dates[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-03-31T12:00:00Z", 1774958400},
        {"2026-03-31", 1775001600}, /* 2026-04-01T00:00:00Z */
        {"2024-02-29T23:59:59Z", 1709251199},
        {"2000-02-29", 951868800},
        {"2026-12-31", 1798761600},
        {"9999-12-31T23:59:59Z", 253402300799},
        {"1969-12-31T23:59:59Z", -1},
        {"0000-01-01", -1},
        {"2026-02-29", -1},
        {"2100-02-29T00:00:00Z", -1},
        {"2026-04-31", -1},
        {"2026-00-10", -1},
        {"2026-13-10", -1},
        {"2026-01-00", -1},
        {"2026-01-32", -1},
        {"2026-01-01T24:00:00Z", -1},
        {"2026-01-01T23:60:00Z", -1},
        {"2026-12-31T23:59:60Z", -1},
        {"2026-01-01T00:00:00", -1},
        {"2026-01-01T00:00:00z", -1},
        {"2026-01-01t00:00:00Z", -1},
        {"2026-01-01 00:00:00Z", -1},
        {"2026-01-01T00:00:00+00:00", -1},
        {"2026-01-01T00:00:00.5Z", -1},
        {"2026-01-01T00:00Z", -1},
        {"2026-01-01Z", -1},
        {"2026-1-01", -1},
        {"2026-01-1", -1},
        {"26-01-01", -1},
        {"+026-01-01", -1},
        {"-026-01-01", -1},
        {" 2026-01-01", -1},
        {"2026-01-01 ", -1},
        {"2026/01/01", -1},
        {"20260101", -1},
        {"2026-01-0x", -1},
        {"", -1},
};

static void date_is_read_or_refused(void **state)
{
        const struct date *row = *state;
        struct pn_policy policy = {0};
        struct pn_err err = PN_ERR_INIT;
        char json[1024];

        (void)snprintf(json, sizeof(json), FILE_OF("{\"expires\":\"%s\"," ALL_BUT_EXPIRES "}"), row->text);
        assert_int_equal(row->seconds < 0 ? -1 : 0,
                         pn_exceptions_parse(&policy, "e.json", json, strlen(json), &err));
        assert_int_equal(row->seconds < 0 ? 0 : 1, policy.exception_count);
        if (row->seconds >= 0)
                assert_int_equal(row->seconds, policy.exception[0].expires_s);
        pn_exceptions_clear(&policy);
}

/* An expiry is UTC wherever the node stands. */
static void date_does_not_depend_on_the_zone_of_the_node(void **state)
{
        (void)state;
        assert_int_equal(0, setenv("TZ", "Pacific/Kiritimati", 1));
        for (size_t i = 0; i < ROWS(dates); i++) {
                void *row = (void *)(uintptr_t)&dates[i];

                date_is_read_or_refused(&row);
        }
        assert_int_equal(0, unsetenv("TZ"));
}

/* ---------------------------------------------------------------- whole files */

static const struct file {
        const char *name;
        const char *json;
        const char *text;
} files[] = {
        {"file_without_exceptions", "{}", "e.json: exceptions: missing"},
        {"file_with_null", "{\"exceptions\":null}", "e.json: exceptions: missing"},
        {"file_with_an_object", "{\"exceptions\":{}}", "e.json: exceptions: must be an array"},
        {"file_with_an_unknown_key", "{\"exceptions\":[],\"rules\":[]}", "e.json: rules: unknown key"},
        {"file_that_is_an_array", "[]", "e.json: must be an object"},
};

static void file_is_refused(void **state)
{
        const struct file *row = *state;
        struct pn_policy policy = {0};
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(-1, pn_exceptions_parse(&policy, "e.json", row->json, strlen(row->json), &err));
        assert_string_equal(row->text, err.text);
        assert_int_equal(0, policy.exception_count);
        pn_exceptions_clear(&policy);
}

static void exception_is_kept_whole(void **state)
{
        static const char json[] = "{\"mode\":\"enforce\",\"exceptions\":[" WHOLE "]}";
        static const uint8_t digest[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa,
                                         0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55,
                                         0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(0, pn_policy_parse("policy.json", json, sizeof(json) - 1, &policy, &err));
        assert_int_equal(1, policy->exception_count);
        assert_string_equal("XZ-BACKDOOR-001", policy->exception[0].rule);
        assert_string_equal("usr/lib/liblzma.so.5", policy->exception[0].path);
        assert_memory_equal(digest, policy->exception[0].sha256, sizeof(digest));
        assert_string_equal("sample of the course", policy->exception[0].reason);
        assert_string_equal("alice", policy->exception[0].owner);
        assert_int_equal(1774958400, policy->exception[0].expires_s);
        assert_string_equal("policy.json", policy->exception[0].file);
        (void)pn_policy_free(policy);
}

/* Whether an exception for the path `path` is taken. */
static bool takes_path(const char *path)
{
        struct pn_policy policy = {0};
        struct pn_err err = PN_ERR_INIT;
        char *json = NULL;
        bool taken;

        assert_true(asprintf(&json, FILE_OF("{\"path\":\"%s\"," ALL_BUT_PATH "}"), path) > 0);
        taken = pn_exceptions_parse(&policy, "e.json", json, strlen(json), &err) == 0;
        if (!taken)
                assert_says(err, "exceptions[0].path: ");
        free(json);
        pn_exceptions_clear(&policy);
        return taken;
}

static void odd_but_real_paths_are_taken(void **state)
{
        static const char *const paths[] = {"x",     "...",  "..x",     "x..", ".x",
                                            "a/...", "a/.b", "a/..b/c", "a b", "ü"};

        (void)state;
        for (size_t i = 0; i < ROWS(paths); i++)
                if (!takes_path(paths[i]))
                        fail_msg("`%s` is refused", paths[i]);
}

static void path_has_a_ceiling(void **state)
{
        char path[PN_PATH_BYTES_MAX + 2];

        (void)state;
        memset(path, 'a', sizeof(path));
        path[PN_PATH_BYTES_MAX] = '\0';
        assert_true(takes_path(path));
        path[PN_PATH_BYTES_MAX] = 'a';
        path[PN_PATH_BYTES_MAX + 1] = '\0';
        assert_false(takes_path(path));
}

/* Whether a reason of `len` bytes is taken. */
static bool takes_reason(int len)
{
        struct pn_policy policy = {0};
        struct pn_err err = PN_ERR_INIT;
        char json[1024];
        bool taken;

        (void)snprintf(json, sizeof(json), FILE_OF("{\"reason\":\"%0*d\"," ALL_BUT_REASON "}"), len, 0);
        taken = pn_exceptions_parse(&policy, "e.json", json, strlen(json), &err) == 0;
        pn_exceptions_clear(&policy);
        return taken;
}

static void reason_has_a_ceiling(void **state)
{
        (void)state;
        assert_true(takes_reason(PN_WORDS_MAX - 1));
        assert_false(takes_reason(PN_WORDS_MAX));
}

/* Adds `count` exceptions in one file. */
static int add_many(struct pn_policy *policy, size_t count, struct pn_err *err)
{
        json_auto_t *one = json_loads(WHOLE, 0, NULL), *list = json_array();

        for (size_t i = 0; i < count; i++)
                assert_int_equal(0, json_array_append(list, one));
        return pn_exceptions_add(policy, "e.json", list, err);
}

static void exceptions_of_all_files_together_have_a_ceiling(void **state)
{
        struct pn_policy policy = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(0, add_many(&policy, PN_EXCEPTIONS_MAX - 1, &err));
        assert_int_equal(-1, add_many(&policy, 2, &err));
        assert_string_equal("e.json: exceptions: must be at most 4096 in all files together", err.text);
        assert_int_equal(0, add_many(&policy, 1, &err));
        assert_int_equal(PN_EXCEPTIONS_MAX, policy.exception_count);
        assert_int_equal(0, add_many(&policy, 0, &err));
        pn_exceptions_clear(&policy);
}

/* ---------------------------------------------------------------- directories */

#define NAMED(rule) FILE_OF("{\"rule\":\"" rule "\"," ALL_BUT_RULE "}")

/* Writes a policy that names the directory `dir` and loads it. */
static int load(struct scratch *scratch, const char *dir, struct pn_policy **ret, struct pn_err *err)
{
        char json[512];

        (void)snprintf(json, sizeof(json),
                       "{\"mode\":\"enforce\",\"exceptions_dirs\":[\"%s/%s\"],\"exceptions\":[" WHOLE "]}",
                       scratch->dir, dir);
        return pn_policy_load(scratch_write(scratch, "policy.json", 0644, json), ret, err);
}

static void refuses_dir(struct scratch *scratch, const char *words)
{
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(-1, load(scratch, "d", &policy, &err));
        assert_int_equal(PN_FAULT_CONFIG, err.fault);
        assert_says(err, words);
        assert_null(policy);
}

static void directory_is_read_in_the_order_of_its_names(void **state)
{
        struct scratch *scratch = *state;
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;

        (void)scratch_mkdir(scratch, "d", 0755);
        (void)scratch_write(scratch, "d/b.json", 0644, NAMED("B"));
        (void)scratch_write(scratch, "d/a.json", 0644, NAMED("A"));
        (void)scratch_write(scratch, "d/c.json", 0600, "{\"exceptions\":[]}");
        if (load(scratch, "d", &policy, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(3, policy->exception_count);
        assert_string_equal("XZ-BACKDOOR-001", policy->exception[0].rule);
        assert_string_equal("A", policy->exception[1].rule);
        assert_string_equal("B", policy->exception[2].rule);
        assert_string_equal(scratch_path(scratch, "policy.json"), policy->exception[0].file);
        assert_string_equal(scratch_path(scratch, "d/a.json"), policy->exception[1].file);
        (void)pn_policy_free(policy);
}

static void only_json_files_of_a_directory_are_read(void **state)
{
        struct scratch *scratch = *state;
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;

        (void)scratch_mkdir(scratch, "d", 0755);
        (void)scratch_write(scratch, "d/README", 0666, "not JSON");
        (void)scratch_write(scratch, "d/a.json~", 0644, "not JSON");
        (void)scratch_write(scratch, "d/.a.json", 0644, "not JSON");
        (void)scratch_write(scratch, "d/.json", 0644, "not JSON");
        (void)scratch_mkdir(scratch, "d/old", 0777);
        if (load(scratch, "d", &policy, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(1, policy->exception_count);
        (void)pn_policy_free(policy);
}

static void directory_that_is_missing_is_empty(void **state)
{
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;

        if (load(*state, "none", &policy, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(1, policy->exception_count);
        assert_string_equal("", err.text);
        (void)pn_policy_free(policy);
}

static void directory_that_is_a_file_is_refused(void **state)
{
        (void)scratch_write(*state, "d", 0644, "x");
        refuses_dir(*state, "/d`: Not a directory");
}

static void directory_that_others_can_write_is_refused(void **state)
{
        (void)scratch_mkdir(*state, "d", 0777);
        refuses_dir(*state, "/d` can be written by group or others (mode 0777)");
}

static void directory_of_another_user_is_refused(void **state)
{
        scratch_give_away(scratch_mkdir(*state, "d", 0755));
        refuses_dir(*state, "/d` is not owned by root (uid 12345)");
}

static void file_that_others_can_write_is_refused(void **state)
{
        (void)scratch_mkdir(*state, "d", 0755);
        (void)scratch_write(*state, "d/a.json", 0666, NAMED("A"));
        refuses_dir(*state, "/d`: `a.json` can be written by group or others (mode 0666)");
}

static void file_of_another_user_is_refused(void **state)
{
        (void)scratch_mkdir(*state, "d", 0755);
        scratch_give_away(scratch_write(*state, "d/a.json", 0644, NAMED("A")));
        refuses_dir(*state, "`a.json` is not owned by root (uid 12345)");
}

static void file_that_is_a_link_is_refused(void **state)
{
        struct scratch *scratch = *state;

        (void)scratch_mkdir(scratch, "d", 0755);
        (void)scratch_write(scratch, "real", 0644, NAMED("A"));
        assert_int_equal(0, symlink("../real", scratch_path(scratch, "d/a.json")));
        refuses_dir(scratch, "open `a.json`: Too many levels of symbolic links");
}

static void broken_file_is_refused_by_its_name_and_key(void **state)
{
        (void)scratch_mkdir(*state, "d", 0755);
        (void)scratch_write(*state, "d/a.json", 0644, NAMED("A"));
        (void)scratch_write(*state, "d/b.json", 0644, FILE_OF("{" ALL_BUT_OWNER "}"));
        refuses_dir(*state, "/d/b.json: exceptions[0].owner: missing");
}

static void broken_name_of_a_file_is_escaped(void **state)
{
        (void)scratch_mkdir(*state, "d", 0755);
        (void)scratch_write(*state, "d/a\nb.json", 0644, "{}");
        refuses_dir(*state, "/d/a\\x0ab.json: exceptions: missing");
}

static void directory_of_too_many_files_is_refused(void **state)
{
        char name[32];

        (void)scratch_mkdir(*state, "d", 0755);
        for (int i = 0; i <= PN_EXCEPTION_FILES_MAX; i++) {
                (void)snprintf(name, sizeof(name), "d/%d.json", i);
                (void)scratch_write(*state, name, 0644, "{\"exceptions\":[]}");
        }
        refuses_dir(*state, "/d` holds more than 1024 exceptions files");
}

/* ---------------------------------------------------------------- all together */

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_new, scratch_free)

int main(void)
{
        static const struct CMUnitTest fixed[] = {
                cmocka_unit_test(date_does_not_depend_on_the_zone_of_the_node),
                cmocka_unit_test(exception_is_kept_whole),
                cmocka_unit_test(odd_but_real_paths_are_taken),
                cmocka_unit_test(path_has_a_ceiling),
                cmocka_unit_test(reason_has_a_ceiling),
                cmocka_unit_test(exceptions_of_all_files_together_have_a_ceiling),
                IN_SCRATCH(directory_is_read_in_the_order_of_its_names),
                IN_SCRATCH(only_json_files_of_a_directory_are_read),
                IN_SCRATCH(directory_that_is_missing_is_empty),
                IN_SCRATCH(directory_that_is_a_file_is_refused),
                IN_SCRATCH(directory_that_others_can_write_is_refused),
                IN_SCRATCH(directory_of_another_user_is_refused),
                IN_SCRATCH(file_that_others_can_write_is_refused),
                IN_SCRATCH(file_of_another_user_is_refused),
                IN_SCRATCH(file_that_is_a_link_is_refused),
                IN_SCRATCH(broken_file_is_refused_by_its_name_and_key),
                IN_SCRATCH(broken_name_of_a_file_is_escaped),
                IN_SCRATCH(directory_of_too_many_files_is_refused),
        };
        struct CMUnitTest tests[ROWS(fixed) + ROWS(refusals) + ROWS(dates) + ROWS(files)];
        size_t n = ROWS(fixed);

        memcpy(tests, fixed, sizeof(fixed));
        for (size_t i = 0; i < ROWS(refusals); i++)
                tests[n++] = (struct CMUnitTest){refusals[i].name, refuses, NULL, NULL,
                                                 (void *)(uintptr_t)&refusals[i]};
        for (size_t i = 0; i < ROWS(dates); i++)
                tests[n++] = (struct CMUnitTest){dates[i].text, date_is_read_or_refused, NULL, NULL,
                                                 (void *)(uintptr_t)&dates[i]};
        for (size_t i = 0; i < ROWS(files); i++)
                tests[n++] = (struct CMUnitTest){files[i].name, file_is_refused, NULL, NULL,
                                                 (void *)(uintptr_t)&files[i]};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
