/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/exact_kit.h"
#include "tests/unit/engine/store_kit.h"

static struct made made;

/* A store of these forms, which its descriptor outlives. */
static struct pn_store *opened(int *fd, const struct form_row *rows, uint32_t count)
{
        struct pn_store *store = NULL;
        struct pn_err err = PN_ERR_INIT;

        made_store(&made, rows, count);
        *fd = made_fd(&made);
        assert_int_equal(pn_store_new(&store, &err), 0);
        if (pn_store_open(store, *fd, made.sha256, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(pn_store_count(store), count);
        return store;
}

static int look(struct pn_store *store, uint32_t number, const struct pn_object *object, struct told *told,
                bool *matched, struct pn_err *err)
{
        uint64_t bytes = 0;
        int result;

        *told = (struct told){0};
        *err = (struct pn_err)PN_ERR_INIT;
        *matched = false;
        result = pn_store_scan(store, number, object, NULL, &roomy, take, told, matched, &bytes, err);
        if (result == 0)
                assert_true(bytes > 0 || object->size_bytes == 0);
        return result;
}

static bool says(struct pn_store *store, uint32_t number, const void *bytes, size_t len, struct told *told)
{
        struct pn_view view = {bytes, len};
        struct pn_object object;
        struct pn_err err;
        bool matched;

        pn_object_from_view(&object, &view);
        if (look(store, number, &object, told, &matched, &err) < 0)
                fail_msg("form %u: %s", number, err.text);
        assert_int_equal(told->count, matched);
        return matched;
}

/* ---------------------------------------------------------------- verdicts */

static void only_the_reported_rule_counts(void **state)
{
        static const struct form_row rows[] = {
                {"rule other { condition: true } rule r { strings: $a = \"AAAA\" condition: other and $a }",
                 "r", 0},
                {"rule r { strings: $a = \"AAAA\" condition: $a } rule other { condition: true }", "r", 0},
                {"global rule g { condition: filesize > 6 } rule r { condition: true }", "r", 0},
                {"global rule g { condition: filesize > 6 } rule r { condition: true }", "g", 0},
                {"private rule r { strings: $a = \"AAAA\" condition: $a }", "r", 0},
        };
        static const struct {
                const char *text;
                bool matches[5];
        } files[] = {
                {"..AAAA....", {true, true, true, true, true}},
                {"..BBBB....", {false, false, true, true, false}},
                {"AAAA", {true, true, false, false, true}},
                {"", {false, false, false, false, false}},
        };
        int fd;
        struct pn_store *store = opened(&fd, rows, 5);
        static struct told told;

        (void)state;
        for (uint32_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
                for (uint32_t k = 0; k < 5; k++) {
                        if (says(store, k, files[i].text, strlen(files[i].text), &told) !=
                            files[i].matches[k])
                                fail_msg("form %u of `%s`", k, files[i].text);
                        if (told.count > 0)
                                assert_string_equal(told.finding[0].rule, rows[k].rule);
                }
        (void)pn_store_free(store);
        (void)close(fd);
}

static void the_finding_is_the_one_of_the_whole_set(void **state)
{
        static const char source[] =
                "rule full { meta: id = \"X-1\" description = \"what\" severity = \"low\" "
                "strings: $a = \"AAAA\" $b = \"BB\" condition: any of them }";
        static const struct form_row rows[] = {{source, "full", 0}};
        int fd;
        struct pn_store *store = opened(&fd, rows, 1);
        struct pn_exact *exact = with_rules(source);
        static struct told one, whole;

        (void)state;
        assert_true(says(store, 0, "BB..AAAA.BB", 11, &one));
        scan_text(exact, "BB..AAAA.BB", &whole);
        assert_int_equal(whole.count, 1);
        assert_memory_equal(&one.finding[0], &whole.finding[0], sizeof(one.finding[0]));
        assert_int_equal(one.finding[0].evidence_count, 3);
        (void)pn_exact_free(exact);
        (void)pn_store_free(store);
        (void)close(fd);
}

static void a_rule_may_ask_for_the_names_of_the_file(void **state)
{
        static const struct form_row rows[] = {
                {"rule r { condition: filename == \"sshd\" and filepath == \"/usr/sbin\" and extension == "
                 "\"\" and "
                 "filetype == \"ELF\" }",
                 "r", 0},
                {"rule r { condition: filename == \"\" and filepath == \"\" and extension == \"\" and "
                 "filetype == "
                 "\"ELF\" }",
                 "r", 0},
        };
        static const struct {
                const char *path;
                bool matches[2];
        } files[] = {
                {"usr/sbin/sshd", {true, false}},
                {"usr/bin/sshd", {false, false}},
                {NULL, {false, true}},
                {"usr/sbin/sshd", {true, false}},
        };
        int fd;
        struct pn_store *store = opened(&fd, rows, 2);
        const struct pn_view view = {(const uint8_t *)"x", 1};
        static struct pn_names names;
        struct pn_object object;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        pn_object_from_view(&object, &view);
        for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
                for (uint32_t k = 0; k < 2; k++) {
                        bool matched = !files[i].matches[k];
                        uint64_t bytes;

                        if (files[i].path)
                                pn_names_set(&names, files[i].path, strlen(files[i].path));
                        if (pn_store_scan(store, k, &object, files[i].path ? &names : NULL, &roomy, NULL,
                                          NULL, &matched, &bytes, &err) < 0)
                                fail_msg("%s", err.text);
                        if (matched != files[i].matches[k])
                                fail_msg("form %u of `%s`", k, files[i].path ? files[i].path : "nothing");
                }
        (void)pn_store_free(store);
        (void)close(fd);
}

static void big_rules_see_a_large_file_in_one_block(void **state)
{
        static const char jump[] = "rule r { strings: $j = { 41 42 43 44 [-] 45 46 47 48 } condition: $j }";
        static const struct form_row rows[] = {{jump, "r", PN_STORE_BIG}, {jump, "r", 0}};
        struct fake fake = {.size = 40 * MIB};
        struct pn_object object = fake_object(&fake);
        int fd;
        struct pn_store *store = opened(&fd, rows, 2);
        static struct told told;
        struct pn_err err;
        bool matched;

        (void)state;
        plant(&fake, 1 * MIB, "ABCD", 4);
        plant(&fake, 39 * MIB, "EFGH", 4);
        assert_int_equal(look(store, 0, &object, &told, &matched, &err), 0);
        assert_true(matched);
        assert_int_equal(look(store, 1, &object, &told, &matched, &err), 0);
        assert_false(matched); /* so that the flag is what makes it so */
        (void)pn_store_free(store);
        (void)close(fd);
}

static void strings_on_every_edge_of_the_blocks_are_found(void **state)
{
        static const struct form_row rows[] = {
                {"rule r { strings: $a = \"NEEDLE_7\" fullword condition: #a == 7 and $a at filesize - 8 }",
                 "r", 0}};
        static const uint64_t at[] = {
                0, 15 * MIB - 4, 16 * MIB - 30, 16 * MIB - 4, 16 * MIB + 12, 31 * MIB - 20};
        struct fake fake = {.size = 48 * MIB + 5};
        struct pn_object object = fake_object(&fake);
        int fd;
        struct pn_store *store = opened(&fd, rows, 1);
        static struct told told;
        struct pn_err err;
        bool matched = false;

        (void)state;
        for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
                if (at[i] > 0)
                        plant(&fake, at[i] - 1, ".", 1);
                plant(&fake, at[i], "NEEDLE_7.", 9);
        }
        plant(&fake, fake.size - 9, ".NEEDLE_7", 9);
        plant(&fake, 20 * MIB, "xNEEDLE_7", 9);
        if (look(store, 0, &object, &told, &matched, &err) < 0)
                fail_msg("%s", err.text);
        assert_true(matched);
        (void)pn_store_free(store);
        (void)close(fd);
}

static void the_test_rule_finds_the_sample(void **state)
{
        const struct form_row rows[] = {{"rule a { condition: true }", "a", 0}, marker_row()};
        struct pn_err err = PN_ERR_INIT;
        int fd;
        struct pn_store *store = opened(&fd, rows, 2);

        (void)state;
        if (pn_store_selftest(store, &err) < 0)
                fail_msg("%s", err.text);
        (void)pn_store_free(store);
        (void)close(fd);
}

static void a_test_rule_that_misses_the_sample_is_refused(void **state)
{
        static const struct form_row rows[] = {
                {"rule a { condition: true }", "a", 0},
                {"rule a { meta: id = \"POSTERN-TEST-001\" condition: false }", "a", 0},
        };

        (void)state;
        for (uint32_t i = 0; i < 2; i++) {
                struct pn_err err = PN_ERR_INIT;
                int fd;
                struct pn_store *store = opened(&fd, &rows[i], 1);

                assert_int_equal(pn_store_selftest(store, &err), -1);
                expect_error(&err, PN_FAULT_CONFIG, "the test marker is not found");
                (void)pn_store_free(store);
                (void)close(fd);
        }
}

/* ---------------------------------------------------------------- errors are one rule's */

static void errors_name_the_reported_rule_and_spare_the_others(void **state)
{
        static const struct form_row rows[] = {
                {"rule dense { strings: $q = \"Q\" condition: #q > 5 }", "dense", 0},
                {"private rule inner { strings: $q = \"Q\" condition: #q > 5 } rule outer { condition: inner "
                 "}",
                 "outer", 0},
                {"rule inside { strings: $a = \"QQ\" condition: #a in (filesize - 1024..filesize) > 0 }",
                 "inside", 0},
                {"rule fibers { strings: $a = /Q(Q{1,300}Q{1,300}){1,300}x/ condition: $a }", "fibers", 0},
                {"rule slow { condition: for all i in (1..100000): (for all j in (1..100000): "
                 "(uint8(i) + uint8(j) + 1 != 0)) }",
                 "slow", 0},
                {"rule fine { strings: $a = \"QQQQQQQZ\" condition: $a }", "fine", 0},
        };
        static const struct {
                uint32_t number;
                uint64_t matches;
                int timeout_s;
                enum pn_fault fault;
                const char *words;
        } cases[] = {
                {0, 100, 60, PN_FAULT_TARGET, "rule `dense`: string `$q` matches in too many places"},
                {1, 100, 60, PN_FAULT_TARGET,
                 "rule `outer`: string `$q` of rule `inner` matches in too many places"},
                {2, 1000000, 60, PN_FAULT_TARGET, "rule `inside`: a condition fails on this file (libyara error 31)"},
                {3, 1000000, 60, PN_FAULT_TARGET, "rule `fibers`: a regular expression branches too often"},
                {4, 1000000, 1, PN_FAULT_BUDGET, "rule `slow`: rules took "},
                {5, 1000000, 0, PN_FAULT_BUDGET, "rule `fine`: no time is left"},
        };
        int fd;
        struct pn_store *store = opened(&fd, rows, 6);
        static uint8_t text[100000];
        const struct pn_view view = {text, sizeof(text)};
        static struct told told;
        struct pn_object object;

        (void)state;
        memset(text, 'Q', sizeof(text));
        text[sizeof(text) - 1] = 'Z';
        pn_object_from_view(&object, &view);
        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                const struct pn_exact_limits limits = {cases[i].matches, cases[i].timeout_s};
                struct pn_err err = PN_ERR_INIT;
                bool matched = true;
                uint64_t bytes;

                assert_int_equal(pn_store_scan(store, cases[i].number, &object, NULL, &limits, take, &told,
                                               &matched, &bytes, &err),
                                 -1);
                expect_error(&err, cases[i].fault, cases[i].words);
                assert_true(matched); /* untouched */
                assert_true(says(store, 5, text, sizeof(text), &told));
        }
        (void)pn_store_free(store);
        (void)close(fd);
}

static void reading_that_fails_is_the_hosts_fault(void **state)
{
        static const struct form_row rows[] = {{"rule a { condition: true }", "a", 0}};
        struct fake fake = {.size = MIB, .fails_at = 1000};
        struct pn_object object = fake_object(&fake);
        int fd;
        struct pn_store *store = opened(&fd, rows, 1);
        static struct told told;
        struct pn_err err;
        bool matched;

        (void)state;
        assert_int_equal(look(store, 0, &object, &told, &matched, &err), -1);
        expect_error(&err, PN_FAULT_HOST, "read file");
        assert_int_equal(err.code, ESTALE);
        (void)pn_store_free(store);
        (void)close(fd);
}

static void a_finding_that_is_not_taken_is_an_error(void **state)
{
        static const struct form_row rows[] = {{"rule a { condition: true }", "a", 0}};
        const struct pn_view view = {(const uint8_t *)"x", 1};
        struct told told = {.refuse = true};
        struct pn_err err = PN_ERR_INIT;
        struct pn_object object;
        int fd;
        struct pn_store *store = opened(&fd, rows, 1);
        bool matched;
        uint64_t bytes;

        (void)state;
        pn_object_from_view(&object, &view);
        assert_int_equal(pn_store_scan(store, 0, &object, NULL, &roomy, take, &told, &matched, &bytes, &err),
                         -1);
        expect_error(&err, PN_FAULT_BUG, "rule `a`: the finding was not taken");
        (void)pn_store_free(store);
        (void)close(fd);
}

/* ---------------------------------------------------------------- wrong stores */

static void every_flipped_byte_is_refused_before_libyara_sees_it(void **state)
{
        static const struct form_row rows[] = {{"rule a { strings: $a = \"AAAA\" condition: $a }", "a", 0}};
        const struct pn_view view = {(const uint8_t *)"AAAA", 4};
        struct pn_store *store = NULL;
        struct pn_object object;
        struct pn_err err = PN_ERR_INIT;
        static struct told told;

        (void)state;
        made_store(&made, rows, 1);
        assert_int_equal(pn_store_new(&store, &err), 0);
        pn_object_from_view(&object, &view);
        for (size_t i = 0; i <= made.len; i++) {
                pn_autofd fd = -1;
                bool matched = false;
                int result;

                if (i < made.len)
                        made.bytes[i] ^= (uint8_t)(1U << (i & 7));
                fd = made_fd(&made);
                err = (struct pn_err)PN_ERR_INIT;
                result = pn_store_open(store, fd, made.sha256, &err);
                assert_int_equal(result, i < made.head ? -1 : 0);
                if (result == 0)
                        result = look(store, 0, &object, &told, &matched, &err);
                assert_int_equal(result, i < made.len ? -1 : 0);
                assert_int_equal(matched, i == made.len);
                if (i < made.len)
                        expect_error(&err, PN_FAULT_CONFIG, "store");
                if (i >= made.head && i < made.len)
                        expect_error(&err, PN_FAULT_CONFIG,
                                     "form 0 of the store of rules: the digest is not the one");
                if (i < made.len)
                        made.bytes[i] ^= (uint8_t)(1U << (i & 7));
        }
        (void)pn_store_free(store);
}

static void a_store_that_ends_early_is_refused(void **state)
{
        static const struct form_row rows[] = {{"rule a { condition: true }", "a", 0}};
        struct pn_store *store = NULL;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        made_store(&made, rows, 1);
        assert_int_equal(pn_store_new(&store, &err), 0);
        for (size_t len = 0; len < made.len; len += len < made.head + 10 ? 1 : 997) {
                pn_autofd fd = made_fd(&made);

                assert_int_equal(ftruncate(fd, (off_t)len), 0);
                err = (struct pn_err)PN_ERR_INIT;
                assert_int_equal(pn_store_open(store, fd, made.sha256, &err), -1);
                expect_error(&err, PN_FAULT_CONFIG, "store");
                assert_int_equal(pn_store_count(store), 0);
        }
        (void)pn_store_free(store);
}

/* Head and entries that are wrong though their digest is right. */
static void heads_that_are_wrong_are_refused(void **state)
{
        enum { E = sizeof(struct pn_store_head) };
        static const struct {
                const char *name;
                size_t at, size;
                uint64_t value;
                const char *words;
        } rows[] = {
                {"magic", 0, 4, 1, "not a store"},
                {"version", 4, 4, PN_STORE_VERSION + 1, "not a store"},
                {"no form", 8, 4, 0, "has 0 forms"},
                {"too many forms", 8, 4, (1U << 18) + 1, "has 262145 forms"},
                {"more forms than bytes", 8, 4, 1U << 18, "ends at"},
                {"sample", 16, 4, 1, "test rule 1 is not one of 1"},
                {"offset in the head", E, 8, 0, "form 0 lies outside"},
                {"offset in the entries", E, 8, E + 55, "form 0 lies outside"},
                {"offset behind the end", E, 8, 1ULL << 40, "form 0 lies outside"},
                {"offset that wraps", E, 8, UINT64_MAX, "form 0 lies outside"},
                {"length over the end", E + 8, 8, 1 << 20, "form 0 lies outside"},
                {"length that wraps", E + 8, 8, UINT64_MAX, "form 0 lies outside"},
                {"length 0", E + 8, 8, 0, "form 0 of the store has 0 bytes"},
                {"flags", E + 20, 4, 2, "form 0 of the store has flags 0x2"},
        };
        static const struct form_row form[] = {{"rule a { condition: true }", "a", 0}};
        struct pn_store *store = NULL;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_store_new(&store, &err), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                pn_autofd fd = -1;

                made_store(&made, form, 1);
                memcpy(made.bytes + rows[i].at, &rows[i].value, rows[i].size);
                made_seal(&made);
                fd = made_fd(&made);
                err = (struct pn_err)PN_ERR_INIT;
                if (pn_store_open(store, fd, made.sha256, &err) == 0)
                        fail_msg("%s: accepted", rows[i].name);
                expect_error(&err, PN_FAULT_CONFIG, rows[i].words);
        }
        (void)pn_store_free(store);
}

static void a_rule_that_is_not_in_its_form_is_refused(void **state)
{
        static const struct form_row rows[] = {{"rule a { condition: true }", "nonesuch", 0}};
        const struct pn_view view = {(const uint8_t *)"x", 1};
        static struct told told;
        struct pn_object object;
        struct pn_err err;
        int fd;
        struct pn_store *store = opened(&fd, rows, 1);
        bool matched;

        (void)state;
        pn_object_from_view(&object, &view);
        assert_int_equal(look(store, 0, &object, &told, &matched, &err), -1);
        expect_error(&err, PN_FAULT_CONFIG, "form 0 of the store of rules: rule 4294967295 of 1");
        (void)pn_store_free(store);
        (void)close(fd);
}

static void numbers_outside_the_store_are_our_bug(void **state)
{
        static const struct form_row rows[] = {{"rule a { condition: true }", "a", 0}};
        const struct pn_view view = {(const uint8_t *)"x", 1};
        static struct told told;
        struct pn_object object;
        struct pn_err err = PN_ERR_INIT;
        struct pn_store *store = NULL;
        bool matched;
        int fd;

        (void)state;
        pn_object_from_view(&object, &view);
        assert_int_equal(pn_store_new(&store, &err), 0);
        assert_int_equal(look(store, 0, &object, &told, &matched, &err), -1); /* never opened */
        expect_error(&err, PN_FAULT_BUG, "rule 0 of a store of 0");
        assert_int_equal(pn_store_selftest(store, &err), -1);
        (void)pn_store_free(store);
        store = opened(&fd, rows, 1);
        assert_int_equal(look(store, 1, &object, &told, &matched, &err), -1);
        expect_error(&err, PN_FAULT_BUG, "rule 1 of a store of 1");
        (void)pn_store_free(store);
        (void)close(fd);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(only_the_reported_rule_counts),
                cmocka_unit_test(the_finding_is_the_one_of_the_whole_set),
                cmocka_unit_test(a_rule_may_ask_for_the_names_of_the_file),
                cmocka_unit_test(big_rules_see_a_large_file_in_one_block),
                cmocka_unit_test(strings_on_every_edge_of_the_blocks_are_found),
                cmocka_unit_test(the_test_rule_finds_the_sample),
                cmocka_unit_test(a_test_rule_that_misses_the_sample_is_refused),
                cmocka_unit_test(errors_name_the_reported_rule_and_spare_the_others),
                cmocka_unit_test(reading_that_fails_is_the_hosts_fault),
                cmocka_unit_test(a_finding_that_is_not_taken_is_an_error),
                cmocka_unit_test(every_flipped_byte_is_refused_before_libyara_sees_it),
                cmocka_unit_test(a_store_that_ends_early_is_refused),
                cmocka_unit_test(heads_that_are_wrong_are_refused),
                cmocka_unit_test(a_rule_that_is_not_in_its_form_is_refused),
                cmocka_unit_test(numbers_outside_the_store_are_our_bug),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
