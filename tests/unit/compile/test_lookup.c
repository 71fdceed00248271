/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/engine/compile/lookup.h"

#define MANY 5000

static char names[MANY][8];

static void lookup_finds_what_was_put_by_name_and_kind(void **state)
{
        struct pn_lookup lookup = {0};
        uint32_t value;

        (void)state;
        assert_false(pn_lookup_get(&lookup, 1, "a", 1, &value));
        for (uint32_t i = 0; i < MANY; i++) {
                (void)snprintf(names[i], sizeof(names[i]), "%u", i);
                assert_true(pn_lookup_put(&lookup, i % 3, names[i], strlen(names[i]), i));
        }
        for (uint32_t i = 0; i < MANY; i++) {
                assert_true(pn_lookup_get(&lookup, i % 3, names[i], strlen(names[i]), &value));
                assert_int_equal(value, i);
                assert_false(pn_lookup_get(&lookup, 3, names[i], strlen(names[i]), &value));
        }
        assert_false(pn_lookup_get(&lookup, 0, "5000", 4, &value));
        assert_false(pn_lookup_get(&lookup, 0, "", 0, &value));
        assert_true(pn_lookup_put(&lookup, 0, "", 0, 7));
        assert_true(pn_lookup_get(&lookup, 0, "x", 0, &value));
        assert_int_equal(value, 7);
        pn_lookup_free(&lookup);
        assert_null(lookup.entry);
}

static void lookup_forgets_what_was_before_it_was_cleared(void **state)
{
        struct pn_lookup lookup = {0};
        uint32_t value;

        (void)state;
        pn_lookup_clear(&lookup);
        for (uint32_t round = 0; round < 3; round++) {
                for (uint32_t i = 0; i < 30; i++)
                        assert_true(pn_lookup_put(&lookup, round, names[i], strlen(names[i]), i));
                pn_lookup_clear(&lookup);
                assert_false(pn_lookup_get(&lookup, round, names[0], strlen(names[0]), &value));
                assert_int_equal(lookup.size, 64);
        }
        /* growing does not bring them back */
        for (uint32_t i = 0; i < 40; i++)
                assert_true(pn_lookup_put(&lookup, 9, names[i], strlen(names[i]), i));
        for (uint32_t i = 0; i < 30; i++)
                assert_false(pn_lookup_get(&lookup, 2, names[i], strlen(names[i]), &value));
        for (uint32_t i = 0, used = 0; i < lookup.size; i++) {
                used += lookup.entry[i].name != NULL;
                assert_in_range(used, 0, 40);
        }
        pn_lookup_free(&lookup);
}

static void lookup_survives_the_end_of_its_rounds(void **state)
{
        struct pn_lookup lookup = {0};
        uint32_t value;

        (void)state;
        assert_true(pn_lookup_put(&lookup, 1, "old", 3, 5));
        lookup.round = UINT32_MAX;
        pn_lookup_clear(&lookup);
        assert_int_equal(lookup.round, 0);
        assert_true(pn_lookup_put(&lookup, 1, "new", 3, 6));
        assert_false(pn_lookup_get(&lookup, 1, "old", 3, &value));
        pn_lookup_free(&lookup);
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(lookup_finds_what_was_put_by_name_and_kind),
                cmocka_unit_test(lookup_forgets_what_was_before_it_was_cleared),
                cmocka_unit_test(lookup_survives_the_end_of_its_rounds),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
