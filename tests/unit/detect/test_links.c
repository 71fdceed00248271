/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

static void links_tell_what_ld_so_reads(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        kit_dynamic(kit, DT_NEEDED, kit_string(kit, "libfirst.so.1"));
        kit_dynamic(kit, DT_SONAME, kit_string(kit, "libwrong.so.1"));
        kit_dynamic(kit, DT_NEEDED, kit_string(kit, "libc.so.6"));
        kit_dynamic(kit, DT_RPATH, kit_string(kit, "/old"));
        kit_dynamic(kit, DT_RUNPATH, kit_string(kit, "$ORIGIN/../lib"));
        kit_dynamic(kit, DT_SONAME, kit_string(kit, "libright.so.1")); /* the last one counts */
        kit_expect(kit, "links", "");
        assert_string_equal(kit->links.soname, "libright.so.1");
        assert_int_equal(kit->links.needed_count, 2);
        assert_string_equal(kit->links.needed[0], "libfirst.so.1");
        assert_string_equal(kit->links.needed[1], "libc.so.6");
        assert_string_equal(kit->links.runpath, "$ORIGIN/../lib");
        assert_false(kit->links.cut);
        free(kit);
}

static void links_fall_back_to_rpath(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        kit_dynamic(kit, DT_RPATH, kit_string(kit, "/old"));
        kit_expect(kit, "rpath", "");
        assert_string_equal(kit->links.runpath, "/old");
        assert_string_equal(kit->links.soname, "");
        assert_int_equal(kit->links.needed_count, 0);
        free(kit);
}

static void links_of_a_static_program_are_empty(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        kit_put(kit, 56, 2, kit->segments);
        kit->finished = true;
        kit_expect(kit, "static", "");
        assert_string_equal(kit->links.soname, "");
        assert_string_equal(kit->links.runpath, "");
        assert_int_equal(kit->links.needed_count, 0);
        assert_false(kit->links.cut);
        free(kit);
}

/* A name that does not fit is cut and said to be; so is one that is not there, and more libraries than there
 * is room. */
static void links_say_what_they_leave_out(void **state)
{
        char longer[161] = "";
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (int i = 0; i < 160; i++)
                longer[i] = (char)('a' + i % 26);
        kit_init(kit);
        kit_dynamic(kit, DT_NEEDED, kit_string(kit, longer));
        kit_expect(kit, "long name", "");
        assert_true(kit->links.cut);
        assert_int_equal(strlen(kit->links.needed[0]), PN_LINK_NAME - 1);
        assert_memory_equal(kit->links.needed[0], longer, PN_LINK_NAME - 1);

        kit_init(kit);
        kit_dynamic(kit, DT_NEEDED, 0x7fffffff);
        kit_expect(kit, "name outside", "");
        assert_true(kit->links.cut);
        assert_int_equal(kit->links.needed_count, 0);

        kit_init(kit);
        for (int i = 0; i <= PN_LINKS_MAX; i++)
                kit_dynamic(kit, DT_NEEDED, 0);
        kit_expect(kit, "many", "");
        assert_true(kit->links.cut);
        assert_int_equal(kit->links.needed_count, PN_LINKS_MAX);
        free(kit);
}

/* The same file as 32 bit, big-endian. */
static void links_are_read_of_either_class_and_order(void **state)
{
        struct pn_view view;
        struct pn_object object;
        struct pn_elf elf = {.is64 = false, .big_endian = true, .type = ET_DYN, .machine = EM_PPC};
        struct pn_elf_segment segments[2] = {{PT_LOAD, PF_R, 0, 0x10000, 256, 256, 4096},
                                             {PT_DYNAMIC, PF_R, 64, 0x10040, 40, 40, 4}};
        static struct pn_names names;
        struct pn_stage_input input = {&object, &elf, &names};
        static struct pn_stage_links links;
        struct pn_err err = PN_ERR_INIT;
        uint8_t bytes[256] = {0};
        const uint32_t words[] = {DT_STRTAB, 0x10080, DT_NEEDED, 1, DT_SONAME, 7, DT_NULL, 0};

        (void)state;
        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                for (unsigned j = 0; j < 4; j++)
                        bytes[64 + 4 * i + j] = (uint8_t)(words[i] >> 8 * (3 - j));
        memcpy(bytes + 128, "\0first\0second", 14);
        view = (struct pn_view){bytes, sizeof(bytes)};
        pn_object_from_view(&object, &view);
        pn_names_set(&names, "lib/x.so", 8);
        elf.segment = segments;
        elf.segment_count = 2;
        assert_int_equal(pn_stages_run(&input, kit_sink, NULL, &links, &err), 0);
        assert_string_equal(links.soname, "second");
        assert_int_equal(links.needed_count, 1);
        assert_string_equal(links.needed[0], "first");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(links_tell_what_ld_so_reads),
                cmocka_unit_test(links_fall_back_to_rpath),
                cmocka_unit_test(links_of_a_static_program_are_empty),
                cmocka_unit_test(links_say_what_they_leave_out),
                cmocka_unit_test(links_are_read_of_either_class_and_order),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
