/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/base/text.h"
#include "scanner/engine/digest.h"

static void expect_digest(struct pn_digest *digest, const char *bytes, size_t len, size_t step,
                          const char *hex)
{
        uint8_t value[PN_DIGEST_BYTES];
        char shown[2 * PN_DIGEST_BYTES + 1];
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(pn_digest_start(digest, &err), 0);
        for (size_t at = 0; at < len; at += step)
                assert_int_equal(pn_digest_add(digest, bytes + at, len - at < step ? len - at : step, &err),
                                 0);
        assert_int_equal(pn_digest_end(digest, value, &err), 0);
        pn_text_hex(shown, sizeof(shown), value, sizeof(value));
        assert_string_equal(shown, hex);
}

/* FIPS 180-4 examples; one context for all of them, in pieces of any size. */
static void known_values_come_out(void **state)
{
        static const struct {
                const char *text, *hex;
        } rows[] = {
                {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        };
        struct pn_digest *digest = NULL;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_digest_new(&digest, &err), 0);
        for (size_t step = 1; step < 70; step += 13)
                for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                        expect_digest(digest, rows[i].text, strlen(rows[i].text), step, rows[i].hex);
        digest = pn_digest_free(digest);
        assert_null(digest);
}

static void a_million_bytes_come_out(void **state)
{
        struct pn_digest *digest = NULL;
        struct pn_err err = PN_ERR_INIT;
        char *text = malloc(1000000);

        (void)state;
        assert_non_null(text);
        memset(text, 'a', 1000000);
        assert_int_equal(pn_digest_new(&digest, &err), 0);
        expect_digest(digest, text, 1000000, 65536,
                      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
        (void)pn_digest_free(digest);
        free(text);
}

/* A file that was given up in the middle leaves nothing in the digest of the next one. */
static void starting_again_forgets(void **state)
{
        struct pn_digest *digest = NULL;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_digest_new(&digest, &err), 0);
        assert_int_equal(pn_digest_start(digest, &err), 0);
        assert_int_equal(pn_digest_add(digest, "leftover", 8, &err), 0);
        expect_digest(digest, "abc", 3, 3,
                      "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        (void)pn_digest_free(digest);
}

static void adding_and_ending_need_a_start(void **state)
{
        struct pn_digest *digest = NULL;
        struct pn_err err = PN_ERR_INIT;
        uint8_t value[PN_DIGEST_BYTES] = {1}, untouched[PN_DIGEST_BYTES] = {1};

        (void)state;
        assert_int_equal(pn_digest_new(&digest, &err), 0);
        assert_int_equal(pn_digest_add(digest, "x", 1, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUG);
        assert_int_equal(pn_digest_end(digest, value, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUG);
        assert_memory_equal(value, untouched, sizeof(value));
        assert_int_equal(pn_digest_start(digest, &err), 0);
        assert_int_equal(pn_digest_end(digest, value, &err), 0);
        assert_int_equal(pn_digest_end(digest, value, &err), -1); /* twice */
        assert_int_equal(pn_digest_add(digest, "x", 1, &err), -1);
        (void)pn_digest_free(digest);
        assert_null(pn_digest_free(NULL));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(known_values_come_out),
                cmocka_unit_test(a_million_bytes_come_out),
                cmocka_unit_test(starting_again_forgets),
                cmocka_unit_test(adding_and_ending_need_a_start),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
