/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "tests/unit/policy/scratch.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static int parse(const char *json, struct pn_policy **ret, struct pn_err *err)
{
        return pn_policy_parse("policy.json", json, strlen(json), ret, err);
}

static struct pn_policy *parsed(const char *json)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_policy *policy = NULL;

        if (parse(json, &policy, &err) < 0)
                fail_msg("%s", err.text);
        return policy;
}

/* ---------------------------------------------------------------- what is refused, by its key */

static const struct refusal {
        const char *name;
        const char *json;
        const char *text; /* the whole message */
} refusals[] = {
        {"mode_is_required", "{}", "policy.json: mode: missing"},
        {"mode_null_is_no_mode", "{\"mode\":null}", "policy.json: mode: must be \"monitor\" or \"enforce\""},
        {"mode_is_one_of_two_words", "{\"mode\":\"off\"}",
         "policy.json: mode: must be \"monitor\" or \"enforce\""},
        {"mode_is_case_sensitive", "{\"mode\":\"Enforce\"}",
         "policy.json: mode: must be \"monitor\" or \"enforce\""},
        {"mode_is_a_word", "{\"mode\":1}", "policy.json: mode: must be \"monitor\" or \"enforce\""},
        {"array_is_no_policy", "[]", "policy.json: must be an object"},
        {"unknown_key_at_the_top", "{\"mode\":\"monitor\",\"Mode\":\"enforce\"}",
         "policy.json: Mode: unknown key"},
        {"unknown_key_below", "{\"mode\":\"monitor\",\"limits\":{\"dept\":3}}",
         "policy.json: limits.dept: unknown key"},
        {"unknown_key_two_below", "{\"mode\":\"monitor\",\"actions\":{\"high\":{\"hihg\":\"refuse\"}}}",
         "policy.json: actions.high.hihg: unknown key"},
        {"unknown_key_is_escaped", "{\"mode\":\"monitor\",\"a\\nb\":1}", "policy.json: a\\x0ab: unknown key"},
        {"confidence_low_has_no_key",
         "{\"mode\":\"enforce\",\"actions\":{\"critical\":{\"low\":\"refuse\"}}}",
         "policy.json: actions.critical.low: unknown key"},
        {"action_is_one_of_two_words", "{\"mode\":\"enforce\",\"actions\":{\"low\":{\"high\":\"block\"}}}",
         "policy.json: actions.low.high: must be \"report\" or \"refuse\""},
        {"action_null_is_no_default", "{\"mode\":\"enforce\",\"actions\":{\"low\":{\"high\":null}}}",
         "policy.json: actions.low.high: must be \"report\" or \"refuse\""},
        {"actions_are_an_object", "{\"mode\":\"enforce\",\"actions\":\"refuse\"}",
         "policy.json: actions: must be an object"},
        {"actions_null_is_no_default", "{\"mode\":\"enforce\",\"actions\":null}",
         "policy.json: actions: must be an object"},
        {"action_of_a_severity_is_an_object", "{\"mode\":\"enforce\",\"actions\":{\"high\":\"refuse\"}}",
         "policy.json: actions.high: must be an object"},
        {"on_error_is_one_of_two_words", "{\"mode\":\"enforce\",\"on_error\":{\"node\":false}}",
         "policy.json: on_error.node: must be \"report\" or \"refuse\""},
        {"on_error_class_is_known", "{\"mode\":\"enforce\",\"on_error\":{\"timeout\":\"report\"}}",
         "policy.json: on_error.timeout: unknown key"},
        {"number_in_quotes_is_no_number", "{\"mode\":\"enforce\",\"deadline_ms\":\"20000\"}",
         "policy.json: deadline_ms: must be a whole number"},
        {"number_with_a_point_is_no_number", "{\"mode\":\"enforce\",\"deadline_ms\":20000.0}",
         "policy.json: deadline_ms: must be a whole number"},
        {"number_null_is_no_default", "{\"mode\":\"enforce\",\"deadline_ms\":null}",
         "policy.json: deadline_ms: must be a whole number"},
        {"negative_number_is_out_of_range", "{\"mode\":\"enforce\",\"limits\":{\"files\":-1}}",
         "policy.json: limits.files: must be between 1 and 1000000000"},
        {"rules_are_an_array", "{\"mode\":\"enforce\",\"rules\":\"/r\"}",
         "policy.json: rules: must be an array of absolute paths"},
        {"rules_are_not_empty", "{\"mode\":\"enforce\",\"rules\":[]}",
         "policy.json: rules: must have between 1 and 64 entries"},
        {"rules_path_is_absolute", "{\"mode\":\"enforce\",\"rules\":[\"/r\",\"r\"]}",
         "policy.json: rules[1]: must be an absolute path"},
        {"deny_path_is_not_empty", "{\"mode\":\"enforce\",\"deny_hashes\":[\"\"]}",
         "policy.json: deny_hashes[0]: must be an absolute path"},
        {"deny_path_is_a_string", "{\"mode\":\"enforce\",\"deny_hashes\":[7]}",
         "policy.json: deny_hashes[0]: must be an absolute path"},
        {"path_has_no_control_characters", "{\"mode\":\"enforce\",\"rules\":[\"/r\\n\"]}",
         "policy.json: rules[0]: must be a path without control characters"},
        {"path_has_no_delete", "{\"mode\":\"enforce\",\"rules\":[\"/r\\u007f\"]}",
         "policy.json: rules[0]: must be a path without control characters"},
        {"exceptions_dir_is_absolute", "{\"mode\":\"enforce\",\"exceptions_dirs\":[\"exceptions.d\"]}",
         "policy.json: exceptions_dirs[0]: must be an absolute path"},
        {"exceptions_are_an_array", "{\"mode\":\"enforce\",\"exceptions\":{}}",
         "policy.json: exceptions: must be an array"},
        {"audit_file_is_absolute", "{\"mode\":\"enforce\",\"report\":{\"audit_file\":\"audit\"}}",
         "policy.json: report.audit_file: must be an absolute path"},
        {"audit_file_is_no_flag", "{\"mode\":\"enforce\",\"report\":{\"audit_file\":false}}",
         "policy.json: report.audit_file: must be an absolute path"},
        {"journal_is_a_flag", "{\"mode\":\"enforce\",\"report\":{\"journal\":\"yes\"}}",
         "policy.json: report.journal: must be true or false"},
        {"state_dir_is_absolute", "{\"mode\":\"enforce\",\"state_dir\":\"state\"}",
         "policy.json: state_dir: must be an absolute path"},
        {"state_dir_is_always_there", "{\"mode\":\"enforce\",\"state_dir\":null}",
         "policy.json: state_dir: must be an absolute path"},
        {"break_glass_file_is_absolute", "{\"mode\":\"enforce\",\"break_glass_file\":\"./b\"}",
         "policy.json: break_glass_file: must be an absolute path"},
};

static void refuses(void **state)
{
        const struct refusal *row = *state;
        struct pn_policy *policy = (void *)state; /* must stay as it is */
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(-1, parse(row->json, &policy, &err));
        assert_string_equal(row->text, err.text);
        assert_int_equal(PN_FAULT_CONFIG, err.fault);
        assert_ptr_equal((void *)state, policy);
}

/* ---------------------------------------------------------------- both ends of every range */

static const struct range {
        const char *key;
        const char *head, *tail; /* of the policy, around the number */
        long long min, max;
        size_t offset; /* in struct pn_policy, of 64 bits */
} ranges[] = {
        {"deadline_ms", "{\"mode\":\"enforce\",\"deadline_ms\":", "}", 100, 110000,
         offsetof(struct pn_policy, deadline_ms)},
        {"limits.files", "{\"mode\":\"enforce\",\"limits\":{\"files\":", "}}", 1, 1000000000,
         offsetof(struct pn_policy, limits.files)},
        {"limits.directories", "{\"mode\":\"enforce\",\"limits\":{\"directories\":", "}}", 1, 1000000000,
         offsetof(struct pn_policy, limits.directories)},
        {"limits.depth", "{\"mode\":\"enforce\",\"limits\":{\"depth\":", "}}", 1, 1000000,
         offsetof(struct pn_policy, limits.depth)},
        {"limits.total_bytes", "{\"mode\":\"enforce\",\"limits\":{\"total_bytes\":", "}}", 1048576,
         1125899906842624, offsetof(struct pn_policy, limits.total_bytes)},
        {"limits.hash_bytes", "{\"mode\":\"enforce\",\"limits\":{\"hash_bytes\":", "}}", 1048576,
         1125899906842624, offsetof(struct pn_policy, limits.hash_bytes)},
        {"limits.matches", "{\"mode\":\"enforce\",\"limits\":{\"matches\":", "}}", 1, 1000000,
         offsetof(struct pn_policy, limits.matches)},
        {"report.audit_max_bytes", "{\"mode\":\"enforce\",\"report\":{\"audit_max_bytes\":", "}}", 1048576,
         1099511627776, offsetof(struct pn_policy, audit_max_bytes)},
};

static void takes_number(const struct range *row, long long number)
{
        struct pn_policy *policy;
        char json[128];
        int64_t kept;

        (void)snprintf(json, sizeof(json), "%s%lld%s", row->head, number, row->tail);
        policy = parsed(json);
        memcpy(&kept, (char *)policy + row->offset, sizeof(kept));
        assert_int_equal(number, kept);
        (void)pn_policy_free(policy);
}

static void refuses_number(const struct range *row, long long number)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_policy *policy = NULL;
        char json[128], text[128];

        (void)snprintf(json, sizeof(json), "%s%lld%s", row->head, number, row->tail);
        (void)snprintf(text, sizeof(text), "policy.json: %s: must be between %lld and %lld", row->key,
                       row->min, row->max);
        assert_int_equal(-1, parse(json, &policy, &err));
        assert_string_equal(text, err.text);
}

static void number_is_taken_at_both_ends_and_refused_beyond(void **state)
{
        const struct range *row = *state;

        takes_number(row, row->min);
        takes_number(row, row->max);
        refuses_number(row, row->min - 1);
        refuses_number(row, row->max + 1);
        refuses_number(row, INT64_MIN);
        refuses_number(row, INT64_MAX);
}

/* ---------------------------------------------------------------- where each word goes */

static const struct action {
        const char *key;
        const char *head, *tail; /* of the policy, around the word */
        size_t offset;
        enum pn_action fallback;
} actions[] = {
#define ACTION(severity, confidence, SEVERITY, CONFIDENCE, fallback)                                         \
        {                                                                                                    \
                "actions." severity "." confidence,                                                          \
                        "{\"mode\":\"enforce\",\"actions\":{\"" severity "\":{\"" confidence "\":\"",        \
                        "\"}}}",                                                                             \
                        offsetof(struct pn_policy,                                                           \
                                 action[PN_SEVERITY_##SEVERITY][PN_CONFIDENCE_##CONFIDENCE]),                \
                        fallback                                                                             \
        }
        ACTION("critical", "high", CRITICAL, HIGH, PN_ACTION_REFUSE),
        ACTION("critical", "medium", CRITICAL, MEDIUM, PN_ACTION_REFUSE),
        ACTION("high", "high", HIGH, HIGH, PN_ACTION_REFUSE),
        ACTION("high", "medium", HIGH, MEDIUM, PN_ACTION_REFUSE),
        ACTION("medium", "high", MEDIUM, HIGH, PN_ACTION_REPORT),
        ACTION("medium", "medium", MEDIUM, MEDIUM, PN_ACTION_REPORT),
        ACTION("low", "high", LOW, HIGH, PN_ACTION_REPORT),
        ACTION("low", "medium", LOW, MEDIUM, PN_ACTION_REPORT),
#define ON_ERROR(cls, CLASS, fallback)                                                                       \
        {                                                                                                    \
                "on_error." cls, "{\"mode\":\"enforce\",\"on_error\":{\"" cls "\":\"", "\"}}",               \
                        offsetof(struct pn_policy, on_error[PN_ISSUE_##CLASS]), fallback                     \
        }
        ON_ERROR("content", CONTENT, PN_ACTION_REFUSE),
        ON_ERROR("malformed", MALFORMED, PN_ACTION_REFUSE),
        ON_ERROR("limit", LIMIT, PN_ACTION_REFUSE),
        ON_ERROR("unscannable", UNSCANNABLE, PN_ACTION_REPORT),
        ON_ERROR("deadline", DEADLINE, PN_ACTION_REFUSE),
        ON_ERROR("node", NODE, PN_ACTION_REFUSE),
};

static enum pn_action action_at(const char *json, size_t offset)
{
        struct pn_policy *policy = parsed(json);
        enum pn_action action;

        memcpy(&action, (char *)policy + offset, sizeof(action));
        (void)pn_policy_free(policy);
        return action;
}

static void action_is_kept_where_it_belongs(void **state)
{
        const struct action *row = *state;
        char json[128];

        (void)snprintf(json, sizeof(json), "%s%s%s", row->head, "report", row->tail);
        assert_int_equal(PN_ACTION_REPORT, action_at(json, row->offset));
        (void)snprintf(json, sizeof(json), "%s%s%s", row->head, "refuse", row->tail);
        assert_int_equal(PN_ACTION_REFUSE, action_at(json, row->offset));
        assert_int_equal(row->fallback, action_at("{\"mode\":\"enforce\"}", row->offset));
}

/* ---------------------------------------------------------------- the rest of a policy */

static void policy_has_the_defaults_of_its_readme(void **state)
{
        struct pn_policy *policy = parsed(" {\"mode\":\"monitor\"}\n");

        (void)state;
        assert_int_equal(PN_MODE_MONITOR, policy->mode);
        assert_int_equal(20000, policy->deadline_ms);
        for (int severity = PN_SEVERITY_LOW; severity <= PN_SEVERITY_CRITICAL; severity++)
                assert_int_equal(PN_ACTION_REPORT, policy->action[severity][PN_CONFIDENCE_LOW]);
        assert_int_equal(2000000, policy->limits.files);
        assert_int_equal(500000, policy->limits.directories);
        assert_int_equal(10000, policy->limits.depth);
        assert_true(policy->limits.total_bytes == 64ULL << 30);
        assert_true(policy->limits.hash_bytes == 4ULL << 30);
        assert_int_equal(100000, policy->limits.matches);
        assert_string_equal(PN_DATADIR "/rules", policy->rules[0]);
        assert_string_equal(PN_SYSCONFDIR "/rules.d", policy->rules[1]);
        assert_null(policy->rules[2]);
        assert_string_equal(PN_DATADIR "/deny", policy->deny_hashes[0]);
        assert_string_equal(PN_SYSCONFDIR "/deny.d", policy->deny_hashes[1]);
        assert_null(policy->deny_hashes[2]);
        assert_int_equal(0, policy->exception_count);
        assert_string_equal(PN_SYSCONFDIR "/exceptions.d", policy->exceptions_dirs[0]);
        assert_null(policy->exceptions_dirs[1]);
        assert_string_equal("/var/lib/postern", policy->state_dir);
        assert_string_equal("/var/log/postern/audit.jsonl", policy->audit_file);
        assert_int_equal(64 << 20, policy->audit_max_bytes);
        assert_true(policy->journal);
        assert_string_equal(PN_SYSCONFDIR "/break-glass.json", policy->break_glass_file);
        assert_string_equal("policy.json", policy->origin);
        (void)pn_policy_free(policy);
}

static void policy_keeps_what_it_is_given(void **state)
{
        struct pn_policy *policy =
                parsed("{\"mode\":\"enforce\",\"rules\":[\"/r/1\",\"/r/2\",\"/r/3\"],\"deny_hashes\":[],"
                       "\"exceptions_dirs\":[],\"state_dir\":\"/s\",\"report\":{\"audit_file\":\"/a\",\"journal\":false},"
                       "\"break_glass_file\":\"/b\"}");

        (void)state;
        assert_int_equal(PN_MODE_ENFORCE, policy->mode);
        assert_string_equal("/r/1", policy->rules[0]);
        assert_string_equal("/r/3", policy->rules[2]);
        assert_null(policy->rules[3]);
        assert_null(policy->deny_hashes[0]);
        assert_null(policy->exceptions_dirs[0]);
        assert_string_equal("/s", policy->state_dir);
        assert_string_equal("/a", policy->audit_file);
        assert_false(policy->journal);
        assert_string_equal("/b", policy->break_glass_file);
        (void)pn_policy_free(policy);
}

static void null_means_none_for_the_two_files(void **state)
{
        struct pn_policy *policy =
                parsed("{\"mode\":\"monitor\",\"report\":{\"audit_file\":null},\"break_glass_file\":null}");

        (void)state;
        assert_null(policy->audit_file);
        assert_null(policy->break_glass_file);
        (void)pn_policy_free(policy);
}

/* A policy with `count` rule paths of `len` bytes. */
static int parse_paths(unsigned count, int len, struct pn_err *err)
{
        struct pn_policy *policy = NULL;
        char *json = calloc(1, 64 + (size_t)count * ((size_t)len + 3)), *end = json;
        int failed;

        assert_non_null(json);
        end += sprintf(end, "{\"mode\":\"monitor\",\"rules\":[");
        for (unsigned i = 0; i < count; i++)
                end += sprintf(end, "%s\"/%0*d\"", i ? "," : "", len - 1, 0);
        (void)sprintf(end, "]}");
        failed = parse(json, &policy, err);
        free(json);
        (void)pn_policy_free(policy);
        return failed;
}

static void list_of_paths_has_a_ceiling(void **state)
{
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(0, parse_paths(PN_PATHS_MAX, 9, &err));
        assert_int_equal(-1, parse_paths(PN_PATHS_MAX + 1, 9, &err));
        assert_string_equal("policy.json: rules: must have between 1 and 64 entries", err.text);
}

static void path_has_a_ceiling(void **state)
{
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(0, parse_paths(2, 4095, &err));
        assert_int_equal(-1, parse_paths(2, 4096, &err));
        assert_string_equal("policy.json: rules[0]: must be shorter than 4096 bytes", err.text);
}

/* The words are those of jansson. */
static void number_beyond_64_bits_is_refused_by_its_line(void **state)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_policy *policy = NULL;

        (void)state;
        assert_int_equal(
                -1, parse("{\"mode\":\"enforce\",\n\"deadline_ms\":99999999999999999999}", &policy, &err));
        assert_says(err, "policy.json: line 2, column ");
        assert_says(err, "too big integer");
}

static void free_takes_null(void **state)
{
        (void)state;
        assert_null(pn_policy_free(NULL));
}

/* ---------------------------------------------------------------- from a file */

#define NO_DIRS "{\"mode\":\"enforce\",\"exceptions_dirs\":[]}"

static void file_of_ours_is_read(void **state)
{
        const char *path = scratch_write(*state, "policy.json", 0644, NO_DIRS);
        struct pn_err err = PN_ERR_INIT;
        struct pn_policy *policy = NULL;

        if (pn_policy_load(path, &policy, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(PN_MODE_ENFORCE, policy->mode);
        assert_string_equal(path, policy->origin);
        (void)pn_policy_free(policy);
}

static void file_in_a_sticky_directory_is_read(void **state)
{
        struct scratch *scratch = *state;
        struct pn_err err = PN_ERR_INIT;
        struct pn_policy *policy = NULL;

        assert_int_equal(0, chmod(scratch->dir, 01777));
        assert_int_equal(0,
                         pn_policy_load(scratch_write(scratch, "policy.json", 0644, NO_DIRS), &policy, &err));
        (void)pn_policy_free(policy);
}

static void refuses_file(const char *path, const char *words)
{
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(-1, pn_policy_load(path, &policy, &err));
        assert_int_equal(PN_FAULT_CONFIG, err.fault);
        assert_says(err, words);
        assert_null(policy);
}

static void file_that_is_missing_is_refused(void **state)
{
        refuses_file(scratch_path(*state, "policy.json"), "open `policy.json`: No such file or directory");
}

static void directory_that_is_missing_is_refused(void **state)
{
        refuses_file(scratch_path(*state, "none/policy.json"), "/none`: No such file or directory");
}

static void file_below_the_root_directory_is_looked_up_there(void **state)
{
        (void)state;
        refuses_file("/postern-test-no-such-file.json", "in `/`: open `postern-test-no-such-file.json`");
}

static void file_that_group_can_write_is_refused(void **state)
{
        refuses_file(scratch_write(*state, "policy.json", 0664, NO_DIRS),
                     "`policy.json` can be written by group or others (mode 0664)");
}

static void file_that_others_can_write_is_refused(void **state)
{
        refuses_file(scratch_write(*state, "policy.json", 0646, NO_DIRS),
                     "`policy.json` can be written by group or others (mode 0646)");
}

static void file_of_another_user_is_refused(void **state)
{
        const char *path = scratch_write(*state, "policy.json", 0644, NO_DIRS);

        scratch_give_away(path);
        refuses_file(path, "`policy.json` is not owned by root (uid 12345)");
}

static void file_that_is_a_link_is_refused(void **state)
{
        struct scratch *scratch = *state;

        (void)scratch_write(scratch, "real.json", 0644, NO_DIRS);
        assert_int_equal(0, symlink("real.json", scratch_path(scratch, "policy.json")));
        refuses_file(scratch->path, "open `policy.json`: Too many levels of symbolic links");
}

static void file_that_is_a_directory_is_refused(void **state)
{
        refuses_file(scratch_mkdir(*state, "policy.json", 0755), "`policy.json` is not a regular file");
}

static void file_that_is_a_fifo_is_refused_at_once(void **state)
{
        const char *path = scratch_path(*state, "policy.json");

        assert_int_equal(0, mkfifo(path, 0600));
        refuses_file(path, "`policy.json` is not a regular file");
}

static void directory_that_others_can_write_is_refused(void **state)
{
        struct scratch *scratch = *state;
        const char *path = scratch_write(scratch, "policy.json", 0644, NO_DIRS);

        assert_int_equal(0, chmod(scratch->dir, 0757));
        refuses_file(path, "can be written by group or others (mode 0757)");
        assert_int_equal(0, chmod(scratch->dir, 0775));
        refuses_file(path, "can be written by group or others (mode 0775)");
}

static void directory_of_another_user_is_refused(void **state)
{
        struct scratch *scratch = *state;
        const char *path = scratch_write(scratch, "policy.json", 0644, NO_DIRS);

        scratch_give_away(scratch->dir);
        refuses_file(path, "is not owned by root (uid 12345)");
}

static void file_with_a_broken_key_is_refused_by_its_path(void **state)
{
        refuses_file(
                scratch_write(*state, "policy.json", 0644, "{\"mode\":\"enforce\",\"limits\":{\"depth\":0}}"),
                "/policy.json: limits.depth: must be between 1 and 1000000");
}

static void file_with_a_key_twice_is_refused(void **state)
{
        refuses_file(
                scratch_write(*state, "policy.json", 0644, "{\"mode\":\"enforce\",\"mode\":\"monitor\"}"),
                "duplicate object key");
}

static void file_that_is_cut_off_is_refused(void **state)
{
        refuses_file(scratch_write(*state, "policy.json", 0644, "{\"mode\":\"monitor\""),
                     "/policy.json: line 1");
}

static void file_with_something_behind_it_is_refused(void **state)
{
        refuses_file(scratch_write(*state, "policy.json", 0644, NO_DIRS "{}"), "/policy.json: line 1");
}

static void file_that_is_empty_is_refused(void **state)
{
        refuses_file(scratch_write(*state, "policy.json", 0644, ""), "/policy.json: line 1");
}

static void file_that_is_too_large_is_refused(void **state)
{
        const char *path = scratch_write(*state, "policy.json", 0644, NO_DIRS);

        assert_int_equal(0, truncate(path, PN_POLICY_BYTES_MAX + 1));
        refuses_file(path, "read `policy.json` (at most 4194304 bytes)");
}

static void relative_path_is_looked_up_here(void **state)
{
        struct scratch *scratch = *state;
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;
        char *home = getcwd(NULL, 0);

        (void)scratch_write(scratch, "policy.json", 0644, NO_DIRS);
        assert_int_equal(0, chdir(scratch->dir));
        assert_int_equal(0, pn_policy_load("policy.json", &policy, &err));
        (void)pn_policy_free(policy);
        assert_int_equal(0, chmod(".", 0777));
        refuses_file("policy.json", "directory `.` can be written by group or others");
        assert_int_equal(0, chdir(home));
        free(home);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_new, scratch_free)

int main(void)
{
        static const struct CMUnitTest fixed[] = {
                cmocka_unit_test(policy_has_the_defaults_of_its_readme),
                cmocka_unit_test(policy_keeps_what_it_is_given),
                cmocka_unit_test(null_means_none_for_the_two_files),
                cmocka_unit_test(list_of_paths_has_a_ceiling),
                cmocka_unit_test(path_has_a_ceiling),
                cmocka_unit_test(number_beyond_64_bits_is_refused_by_its_line),
                cmocka_unit_test(free_takes_null),
                IN_SCRATCH(file_of_ours_is_read),
                IN_SCRATCH(file_in_a_sticky_directory_is_read),
                IN_SCRATCH(file_that_is_missing_is_refused),
                IN_SCRATCH(directory_that_is_missing_is_refused),
                cmocka_unit_test(file_below_the_root_directory_is_looked_up_there),
                IN_SCRATCH(file_that_group_can_write_is_refused),
                IN_SCRATCH(file_that_others_can_write_is_refused),
                IN_SCRATCH(file_of_another_user_is_refused),
                IN_SCRATCH(file_that_is_a_link_is_refused),
                IN_SCRATCH(file_that_is_a_directory_is_refused),
                IN_SCRATCH(file_that_is_a_fifo_is_refused_at_once),
                IN_SCRATCH(directory_that_others_can_write_is_refused),
                IN_SCRATCH(directory_of_another_user_is_refused),
                IN_SCRATCH(file_with_a_broken_key_is_refused_by_its_path),
                IN_SCRATCH(file_with_a_key_twice_is_refused),
                IN_SCRATCH(file_that_is_cut_off_is_refused),
                IN_SCRATCH(file_with_something_behind_it_is_refused),
                IN_SCRATCH(file_that_is_empty_is_refused),
                IN_SCRATCH(file_that_is_too_large_is_refused),
                IN_SCRATCH(relative_path_is_looked_up_here),
        };
        struct CMUnitTest tests[ROWS(fixed) + ROWS(refusals) + ROWS(ranges) + ROWS(actions)];
        size_t n = ROWS(fixed);

        memcpy(tests, fixed, sizeof(fixed));
        for (size_t i = 0; i < ROWS(refusals); i++)
                tests[n++] = (struct CMUnitTest){refusals[i].name, refuses, NULL, NULL,
                                                 (void *)(uintptr_t)&refusals[i]};
        for (size_t i = 0; i < ROWS(ranges); i++)
                tests[n++] =
                        (struct CMUnitTest){ranges[i].key, number_is_taken_at_both_ends_and_refused_beyond,
                                            NULL, NULL, (void *)(uintptr_t)&ranges[i]};
        for (size_t i = 0; i < ROWS(actions); i++)
                tests[n++] = (struct CMUnitTest){actions[i].key, action_is_kept_where_it_belongs, NULL, NULL,
                                                 (void *)(uintptr_t)&actions[i]};
        return cmocka_run_group_tests(tests, NULL, NULL);
}
