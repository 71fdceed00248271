/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void err_has_message_and_reason(void **ctx)
{
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(err.fault, PN_FAULT_NONE);
        assert_int_equal(pn_err_set(&err, PN_FAULT_HOST, ENOENT, "open `%s`", "x"), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_int_equal(err.code, ENOENT);
        assert_string_equal(err.text, "open `x`: No such file or directory");
}

static void err_without_code_has_no_reason(void **ctx)
{
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        (void)pn_err_set(&err, PN_FAULT_TARGET, 0, "%s", "100%s");
        assert_string_equal(err.text, "100%s");
        assert_int_equal(err.code, 0);
}

static void err_names_unknown_code(void **ctx)
{
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        (void)pn_err_set(&err, PN_FAULT_HOST, 99999, "call");
        assert_string_equal(err.text, "call: unknown error");
}

static void err_set_replaces_what_was_there(void **ctx)
{
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        (void)pn_err_set(&err, PN_FAULT_HOST, EIO, "a long first message");
        (void)pn_err_set(&err, PN_FAULT_BUDGET, 0, "b");
        assert_string_equal(err.text, "b");
        assert_int_equal(err.fault, PN_FAULT_BUDGET);
        assert_int_equal(err.code, 0);
}

static void err_wrap_keeps_fault_and_code(void **ctx)
{
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        (void)pn_err_set(&err, PN_FAULT_CONFIG, EACCES, "open `f`");
        assert_int_equal(pn_err_wrap(&err, "policy `%s`", "p"), -1);
        assert_int_equal(pn_err_wrap(&err, "start"), -1);
        assert_string_equal(err.text, "start: policy `p`: open `f`: Permission denied");
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        assert_int_equal(err.code, EACCES);
}

static void err_may_be_null(void **ctx)
{
        (void)ctx;
        assert_int_equal(pn_err_set(NULL, PN_FAULT_HOST, EIO, "x"), -1);
        assert_int_equal(pn_err_wrap(NULL, "x"), -1);
}

/* Text of `len` bytes 'x' between two guards. */
static void err_cuts_long_text_and_stays_in_its_bounds(void **ctx)
{
        static const size_t sizes[] = {PN_ERR_TEXT_MAX - 2, PN_ERR_TEXT_MAX - 1, PN_ERR_TEXT_MAX, 5000};
        char text[5001];

        (void)ctx;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                struct {
                        struct pn_err err;
                        char guard[16];
                } box;

                memset(&box, 0x5a, sizeof(box));
                memset(text, 'x', sizes[i]);
                text[sizes[i]] = '\0';
                (void)pn_err_set(&box.err, PN_FAULT_HOST, EIO, "%s", text);
                assert_int_equal(strnlen(box.err.text, PN_ERR_TEXT_MAX), PN_ERR_TEXT_MAX - 1);
                (void)pn_err_wrap(&box.err, "%s", text);
                assert_int_equal(strnlen(box.err.text, PN_ERR_TEXT_MAX), PN_ERR_TEXT_MAX - 1);
                assert_int_equal(box.err.text[0], 'x');
                for (size_t k = 0; k < sizeof(box.guard); k++)
                        assert_int_equal(box.guard[k], 0x5a);
        }
}

static void every_fault_has_its_word(void **ctx)
{
        static const struct {
                enum pn_fault fault;
                const char *word;
        } rows[] = {
                {PN_FAULT_NONE, "none"},     {PN_FAULT_TARGET, "target"}, {PN_FAULT_BUDGET, "budget"},
                {PN_FAULT_CONFIG, "config"}, {PN_FAULT_HOST, "host"},     {PN_FAULT_BUG, "bug"},
                {(enum pn_fault)77, "bug"},
        };

        (void)ctx;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_string_equal(pn_fault_name(rows[i].fault), rows[i].word);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(err_has_message_and_reason),
                cmocka_unit_test(err_without_code_has_no_reason),
                cmocka_unit_test(err_names_unknown_code),
                cmocka_unit_test(err_set_replaces_what_was_there),
                cmocka_unit_test(err_wrap_keeps_fault_and_code),
                cmocka_unit_test(err_may_be_null),
                cmocka_unit_test(err_cuts_long_text_and_stays_in_its_bounds),
                cmocka_unit_test(every_fault_has_its_word),
        };

        return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
