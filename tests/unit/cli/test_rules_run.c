/* SPDX-License-Identifier: Apache-2.0 */
/* The compiler's process: programs of every system stand in for it. What it writes:
 * tests/cli/rules_compile.bats. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/wait.h>

#include "hook/cli/rules_digest.h"
#include "hook/cli/rules_run.h"
#include "scanner/base/clock.h"

static const struct pn_scan_rules rules = {"a.yar", "rule a { condition: false }", 27};

static unsigned open_descriptors(void)
{
        DIR *dir = opendir("/proc/self/fd");
        unsigned count = 0;

        assert_non_null(dir);
        while (readdir(dir))
                count++;
        (void)closedir(dir);
        return count;
}

/* Runs `program`, which fails; no process and no descriptor is left of it. */
static void fails(const char *program, int64_t time_ms, enum pn_fault fault, const char *text)
{
        struct pn_rules_job job = {.compiler = program,
                                   .rules = &rules,
                                   .rules_count = 1,
                                   .deadline_ms = pn_clock_now_ms() + time_ms};
        unsigned before = open_descriptors();
        struct pn_rules_made made;
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(-1, pn_rules_run(&job, &made, &err));
        if (!strstr(err.text, text) || err.fault != fault)
                fail_msg("%s: %s: %s", program, pn_fault_name(err.fault), err.text);
        assert_int_equal(before, open_descriptors());
        assert_int_equal(-1, waitpid(-1, NULL, WNOHANG));
        assert_int_equal(ECHILD, errno);
}

static void a_compiler_without_an_end_is_killed_at_the_deadline(void **state)
{
        int64_t begin = pn_clock_now_ms();

        (void)state;
        fails("/usr/bin/yes", 300, PN_FAULT_BUDGET, "the compiler was killed: it had no answer in time");
        assert_in_range(pn_clock_now_ms() - begin, 290, 5000);
}

static void a_deadline_that_has_passed_is_kept(void **state)
{
        (void)state;
        fails("/usr/bin/yes", -1000, PN_FAULT_BUDGET, "no answer in time");
}

static void a_compiler_that_says_nothing_has_no_result(void **state)
{
        (void)state;
        fails("/usr/bin/true", 20000, PN_FAULT_BUG, "the compiler's result: there is none");
}

static void a_compiler_that_fails_has_its_status_told(void **state)
{
        (void)state;
        fails("/usr/bin/false", 20000, PN_FAULT_BUG, "the compiler ended with exit status 1 and no result");
}

static void a_compiler_that_cannot_be_run_is_told(void **state)
{
        (void)state;
        fails("/no/such/compiler", 20000, PN_FAULT_HOST, "compiler: open `/no/such/compiler`: No such file");
        fails("/etc/passwd", 20000, PN_FAULT_BUG, "exit status 127");
        fails("/usr/bin", 20000, PN_FAULT_HOST, "`/usr/bin` is not a regular file");
}

static void digests_are_those_of_the_standard(void **state)
{
        static const uint8_t abc[] = {0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea};
        uint8_t digest[32] = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(0, pn_rules_digest_bytes("abc", 3, digest, &err));
        assert_memory_equal(abc, digest, sizeof(abc));
        assert_int_equal(0xad, digest[31]);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_compiler_without_an_end_is_killed_at_the_deadline),
                cmocka_unit_test(a_deadline_that_has_passed_is_kept),
                cmocka_unit_test(a_compiler_that_says_nothing_has_no_result),
                cmocka_unit_test(a_compiler_that_fails_has_its_status_told),
                cmocka_unit_test(a_compiler_that_cannot_be_run_is_told),
                cmocka_unit_test(digests_are_those_of_the_standard),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
