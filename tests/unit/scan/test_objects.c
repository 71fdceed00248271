/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/scan/objects.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void add(struct pn_objects *objects, const char *name, uint64_t size)
{
        assert_int_equal(
                pn_objects_add(objects, (struct pn_path){strdup(name), (uint32_t)strlen(name), false}, size),
                0);
}

static void objects_are_found_by_their_number(void **state)
{
        struct pn_objects objects = {0};

        (void)state;
        assert_null(pn_objects_get(&objects, 0));
        assert_null(pn_objects_oldest(&objects));
        add(&objects, "a", 1);
        add(&objects, "bb", 2);
        assert_int_equal(pn_objects_get(&objects, 0)->size_bytes, 1);
        assert_int_equal(pn_objects_get(&objects, 1)->path.len, 2);
        assert_ptr_equal(pn_objects_oldest(&objects), pn_objects_get(&objects, 0));
        assert_int_equal(objects.open, 2);
        assert_int_equal(objects.open_bytes, 3);
        pn_objects_clear(&objects);
        assert_int_equal(objects.open, 0);
}

static void objects_never_named_or_answered_are_none(void **state)
{
        static const uint64_t numbers[] = {0, 3, 4, 255, 256, 257, 1ULL << 32, UINT64_MAX};
        struct pn_objects objects = {0};

        (void)state;
        for (int i = 0; i < 3; i++)
                add(&objects, "x", 0);
        pn_objects_done(&objects, 0);
        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
                assert_null(pn_objects_get(&objects, numbers[i]));
                pn_objects_done(&objects, numbers[i]); /* does no harm */
        }
        assert_int_equal(objects.first, 1);
        assert_int_equal(objects.end, 3);
        assert_int_equal(objects.open, 2);
        pn_objects_clear(&objects);
}

static void objects_answered_out_of_order_are_forgotten_in_order(void **state)
{
        struct pn_objects objects = {0};

        (void)state;
        for (int i = 0; i < 4; i++)
                add(&objects, "x", (uint64_t)i);
        pn_objects_done(&objects, 2);
        pn_objects_done(&objects, 1);
        assert_int_equal(objects.first, 0);
        assert_int_equal(pn_objects_oldest(&objects)->size_bytes, 0);
        pn_objects_done(&objects, 0);
        assert_int_equal(objects.first, 3);
        assert_int_equal(pn_objects_oldest(&objects)->size_bytes, 3);
        pn_objects_done(&objects, 3);
        assert_null(pn_objects_oldest(&objects));
        add(&objects, "y", 44); /* numbers go on */
        assert_int_equal(pn_objects_get(&objects, 4)->size_bytes, 44);
        pn_objects_clear(&objects);
}

/* The ring grows while its beginning stands anywhere in it. */
static void objects_keep_their_numbers_when_the_ring_grows(void **state)
{
        (void)state;
        for (uint64_t answered = 0; answered < 300; answered += 37) {
                struct pn_objects objects = {0};

                for (uint64_t i = 0; i < answered; i++) {
                        add(&objects, "x", i);
                        pn_objects_done(&objects, i);
                }
                for (uint64_t i = answered; i < answered + 2000; i++)
                        add(&objects, "x", i);
                pn_objects_done(&objects, answered + 700);
                for (uint64_t i = answered; i < answered + 2000; i++) {
                        struct pn_object_entry *entry = pn_objects_get(&objects, i);

                        if (i == answered + 700)
                                assert_null(entry);
                        else
                                assert_int_equal(entry->size_bytes, i);
                }
                assert_int_equal(objects.open, 1999);
                assert_true(objects.slots <= 4096);
                pn_objects_clear(&objects);
        }
}

static void objects_answered_as_they_come_need_no_more_room(void **state)
{
        struct pn_objects objects = {0};

        (void)state;
        for (uint64_t i = 0; i < 100000; i++) {
                add(&objects, "x", i);
                if (i >= 200)
                        pn_objects_done(&objects, i - 200);
        }
        assert_int_equal(objects.slots, 256);
        assert_null(pn_objects_get(&objects, 99999 - 256)); /* its place is another's now */
        assert_int_equal(objects.open, 200);
        pn_objects_clear(&objects);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(objects_are_found_by_their_number),
                cmocka_unit_test(objects_never_named_or_answered_are_none),
                cmocka_unit_test(objects_answered_out_of_order_are_forgotten_in_order),
                cmocka_unit_test(objects_keep_their_numbers_when_the_ring_grows),
                cmocka_unit_test(objects_answered_as_they_come_need_no_more_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
