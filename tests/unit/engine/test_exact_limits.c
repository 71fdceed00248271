/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/exact_kit.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

#ifndef UNDER_ASAN
/* This program's malloc(3), also libyara's: the n-th allocation fails, or that and all behind it. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);

static struct {
        unsigned count, fails_at;
        bool for_ever;
} allocations;

static bool allocation_fails(void)
{
        allocations.count++;
        if (allocations.fails_at == 0 || allocations.count < allocations.fails_at ||
            (allocations.count > allocations.fails_at && !allocations.for_ever))
                return false;
        errno = ENOMEM;
        return true;
}

void *malloc(size_t size)
{
        return allocation_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
        return allocation_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *ptr, size_t size)
{
        return allocation_fails() ? NULL : __libc_realloc(ptr, size);
}
#endif

/* ---------------------------------------------------------------- limits */

static void too_many_matches_are_an_error_that_names_the_rule(void **state)
{
        static const struct {
                const char *name;
                uint64_t limit;
                size_t size;
                uint32_t block;
                bool error;
        } rows[] = {
                {"as many as allowed", 100, 100, 0, false},
                {"one more", 100, 101, 0, true},
                {"one more, in two blocks", 9000, 9001, 8192, true},
                {"as many as allowed, in two blocks", 9000, 9000, 8192, false},
                {"more than libyara counts", 2 * YR_MAX_STRING_MATCHES, YR_MAX_STRING_MATCHES + 1, 0, true},
                {"more than libyara counts, in blocks", 2 * YR_MAX_STRING_MATCHES, YR_MAX_STRING_MATCHES + 1,
                 1 << 19, true},
        };
        char *text = malloc(YR_MAX_STRING_MATCHES + 1);

        (void)state;
        assert_non_null(text);
        memset(text, 'Q', YR_MAX_STRING_MATCHES + 1);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_exact *exact = with_rules(
                        "private rule dense { strings: $q = \"Q\" condition: #q < 5 }\n"
                        "rule other { strings: $q = { 51 51 } condition: uint8(0) == 0x51 or $q at 0 }");
                struct pn_exact_limits limits = {rows[i].limit, 60};
                struct pn_view view = {(const uint8_t *)text, rows[i].size};
                struct pn_object object;
                static struct told told;
                struct pn_err err = PN_ERR_INIT;
                uint64_t bytes;

                told.count = 0;
                if (rows[i].block)
                        pn_exact_set_blocks(exact, rows[i].block, 1000);
                pn_object_from_view(&object, &view);
                if (pn_exact_scan(exact, &object, NULL, &limits, take, &told, &bytes, &err) !=
                    (rows[i].error ? -1 : 0))
                        fail_msg("%s: %s", rows[i].name, err.text);
                if (rows[i].error)
                        expect_error(&err, PN_FAULT_TARGET,
                                     "rule `dense`: string `$q` matches in too many places");
                assert_non_null(find_told(&told, "other"));
                scan_text(exact, "QQ", &told); /* the string is looked for again */
                assert_non_null(find_told(&told, "other"));
                assert_int_equal(find_told(&told, "other")->evidence_count, 1);
                (void)pn_exact_free(exact);
        }
        free(text);
}

static void a_rule_that_fails_on_a_file_is_named_as_its_fault(void **state)
{
        struct pn_exact *exact =
                with_rules("rule a { strings: $r = "
                           "/a(b|c|d|e|f)?(b|c)?(b|d)?x{1,200}.{1,200}.{1,200}y{0,90}z/ condition: $r }");
        static struct told told;
        struct pn_err err;
        static char text[8192];
        struct pn_view view = {(const uint8_t *)text, sizeof(text)};
        struct pn_object object;

        (void)state;
        memset(text, 'x', sizeof(text));
        text[0] = 'a';
        pn_object_from_view(&object, &view);
        if (scan(exact, &object, &told, &err) < 0)
                expect_error(&err, PN_FAULT_TARGET, "rule `a`: ");
        else
                skip();
        (void)pn_exact_free(exact);
}

static void rules_that_take_too_long_are_over_budget(void **state)
{
        static const struct {
                const char *name, *rule;
                uint64_t size;
                bool sparse;
                int timeout_s;
        } rows[] = {
                {"loops in a condition",
                 "rule a { condition: for all i in (0..filesize - 1) : ( for all j in (0..filesize - 1) : "
                 "(uint8(j) != 1 or i == j) ) }",
                 1 << 20, false, 1},
                {"a digest of a large hole",
                 "import \"hash\" rule a { condition: hash.md5(0, filesize) == \"x\" }", 1ULL << 44, true, 1},
                {"steps over a huge hole", "rule a { condition: uint8(filesize - 1) == 9 }", 1ULL << 62, true,
                 1},
                {"no time left", "rule a { condition: true }", 10, false,
                 0}, /* which is for ever to libyara */
                {"less than none", "rule a { condition: true }", 10, false, -5},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_exact *exact = with_rules(rows[i].rule);
                struct pn_exact_limits limits = {YR_MAX_STRING_MATCHES, rows[i].timeout_s};
                struct fake fake = {.size = rows[i].size};
                struct pn_object object = fake_object(&fake);
                static struct told told;
                struct pn_err err = PN_ERR_INIT;
                int64_t from = pn_clock_now_ms();
                uint64_t bytes;

                told.count = 0;
                if (rows[i].sparse)
                        fake.data[0][1] = 1;
                if (pn_exact_scan(exact, &object, NULL, &limits, take, &told, &bytes, &err) == 0)
                        fail_msg("%s: no error", rows[i].name);
                if (err.fault != PN_FAULT_BUDGET || pn_clock_now_ms() - from > 8000)
                        fail_msg("%s: %s after %lld ms", rows[i].name, err.text,
                                 (long long)(pn_clock_now_ms() - from));
                if (rows[i].timeout_s <= 0)
                        expect_error(&err, PN_FAULT_BUDGET, "no time is left");
                (void)pn_exact_free(exact);
        }
}

#ifndef UNDER_ASAN
/* What earlier tests have freed is room too: takes that, as a list, so that nothing is lost. */
static void exhaust_memory(void)
{
        static void **taken;
        void **more;

        while ((more = malloc(MIB))) {
                *more = taken;
                taken = more;
        }
}
#endif

/* In a child, so that the ceiling is the child's. Exit status 0: the scan failed with PN_FAULT_BUDGET. */
static void memory_that_runs_out_is_an_error_and_no_crash(void **state)
{
#ifdef UNDER_ASAN
        (void)state;
        skip(); /* the shadow needs more address space than any ceiling that makes sense */
#else
        struct pn_exact *exact = with_rules("rule a { strings: $a = \"NEEDLE_7\" condition: $a }");
        int status = 0;
        pid_t pid = fork();

        (void)state;
        assert_true(pid >= 0);
        if (pid == 0) {
                struct rlimit ceiling = {1 << 20, 1 << 20};
                struct fake fake = {.size = 65 * MIB};
                struct pn_object object = fake_object(&fake);
                static struct told told;
                struct pn_err err;

                if (setrlimit(RLIMIT_AS, &ceiling) < 0)
                        _exit(10);
                exhaust_memory();
                _exit(scan(exact, &object, &told, &err) == -1 && err.fault == PN_FAULT_BUDGET ? 0 : 11);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        (void)pn_exact_free(exact);
#endif
}

#ifndef UNDER_ASAN
enum { TOLD = 0, BUDGET = 1, SILENT = 2 };

static int scan_starved(struct pn_exact *exact, unsigned fails_at, bool for_ever)
{
        struct fake fake = {.size = 20000};
        struct pn_object object = fake_object(&fake);
        static struct told told;
        struct pn_err err;
        int result;

        plant(&fake, 10, "NEEDLE_7", 8);
        allocations.count = 0;
        allocations.fails_at = fails_at;
        allocations.for_ever = for_ever;
        result = scan(exact, &object, &told, &err);
        allocations.fails_at = 0;
        if (result < 0)
                return err.fault == PN_FAULT_BUDGET ? BUDGET : SILENT;
        return find_told(&told, "a") ? TOLD : SILENT;
}
#endif

/* A module without memory calls its value undefined and the rule does not match: that must not pass for an
 * answer. A crash is one, the worker's death is seen. */
static void an_allocation_that_fails_never_hides_a_hit(void **state)
{
#ifdef UNDER_ASAN
        (void)state;
        skip(); /* malloc(3) belongs to the sanitizer */
#else
        struct pn_exact *exact = with_rules("import \"hash\" import \"math\" rule a { strings: $a = "
                                            "\"NEEDLE_7\" $b = /x(y|z)+/ condition: $a and not $b "
                                            "and math.entropy(0, filesize) < 3 and hash.md5(0, 9) != \"x\" "
                                            "and hash.sha256(0, 9) != \"y\" and "
                                            "math.mean(0, 10) > 1 and hash.crc32(0, 9) > 1 }");
        unsigned count, budget = 0;

        (void)state;
        pn_exact_set_blocks(exact, 8192, 1000);
        assert_int_equal(scan_starved(exact, 0, false), TOLD);
        count = allocations.count;
        assert_true(count > 10);
        for (unsigned i = 1; i <= 2 * count; i++) {
                int status = 0;
                pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0) {
                        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's would run the other tests again */
                        _exit(scan_starved(exact, 1 + i / 2, i % 2));
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                if (WIFEXITED(status) && WEXITSTATUS(status) == SILENT)
                        fail_msg("allocation %u of %u fails, and nobody is told", 1 + i / 2, count);
                budget += WIFEXITED(status) && WEXITSTATUS(status) == BUDGET;
        }
        assert_true(budget > count);
        (void)pn_exact_free(exact);
#endif
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(too_many_matches_are_an_error_that_names_the_rule),
                cmocka_unit_test(a_rule_that_fails_on_a_file_is_named_as_its_fault),
                cmocka_unit_test(rules_that_take_too_long_are_over_budget),
                cmocka_unit_test(memory_that_runs_out_is_an_error_and_no_crash),
                cmocka_unit_test(an_allocation_that_fails_never_hides_a_hit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
