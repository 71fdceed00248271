/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

#include <errno.h>

/* Hits of a warning, of what refuses, and one more: an IFUNC resolver that stores, named as liblzma's. */
static void make(struct kit *kit)
{
        uint32_t resolver;

        kit_init(kit);
        kit_reloc(kit, kit_slot(0), R_X86_64_RELATIVE, 0, KIT_CODE);
        resolver = kit->at;
        kit_lea(kit, resolver);
        kit_store(kit, kit_slot(0));
        kit_call_slot(kit, kit_slot(0));
        kit_ret(kit);
        (void)kit_symbol(kit, "lzma_crc32", STT_GNU_IFUNC, resolver);
}

static bool refuses(const struct pn_finding *finding)
{
        return finding->severity >= PN_SEVERITY_HIGH && finding->confidence >= PN_CONFIDENCE_MEDIUM;
}

static void stages_tell_every_finding_of_a_file(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        make(kit);
        kit_expect(kit, "all", "ELF-IFUNC-001 ELF-IFUNC-002 ELF-LZMA-001");
        assert_true(refuses(&kit->finding[0]) && refuses(&kit->finding[1]) && !refuses(&kit->finding[2]));
        free(kit);
}

static void stages_say_when_a_finding_is_not_taken(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        make(kit);
        kit->sink_says = -1;
        kit_expect_error(kit, "sink", PN_FAULT_BUG, "ELF-IFUNC-001");
        assert_int_equal(kit->found_count, 3); /* the others are offered all the same */
        free(kit);
}

/* An error in one place does not keep the others from looking, and is the one that is told. */
static void stages_go_on_after_an_error(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        make(kit);
        kit_dynamic(kit, 36, 0x7000000);
        kit_dynamic(kit, 35, 16);
        kit_put(kit, 24, 8, KIT_VARIABLES);
        kit_expect_error(kit, "packed", PN_FAULT_TARGET, "ELF-IFUNC-001: DT_RELR");
        assert_true(kit_has(kit, "ELF-LZMA-001") && kit_has(kit, "ELF-LIE-002"));

        kit_init(kit);
        kit_dynamic(kit, DT_SONAME, kit_string(kit, "liba.so"));
        kit->hashed = 0x7fffffff;
        kit_put(kit, 24, 8, KIT_VARIABLES);
        kit_expect_error(kit, "symbols", PN_FAULT_TARGET, "count 2147483647 symbols");
        assert_true(kit_has(kit, "ELF-LIE-002"));
        assert_string_equal(kit->links.soname, "liba.so");
        free(kit);
}

/* The dynamic section of a separate debug file is not there; its section table says so. A file whose section
 * table does not is a lie. */
static void stages_forgive_debug_files_alone(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (int debug = 0; debug < 2; debug++) {
                kit_init(kit);
                kit->hashed = 0x7fffffff;
                kit_put(kit, 40, 8, 0x8000);
                kit_put(kit, 60, 2, 2);
                kit_put(kit, 0x8040 + 4, 4, debug ? SHT_NOBITS : SHT_PROGBITS);
                kit_put(kit, 0x8040 + 8, 8, SHF_ALLOC);
                kit_put(kit, 0x8040 + 16, 8, KIT_CODE);
                kit_put(kit, 0x8040 + 24, 8, KIT_CODE);
                kit_put(kit, 0x8040 + 32, 8, 16);
                if (debug)
                        kit_expect(kit, "debug", "");
                else
                        kit_expect_error(kit, "no debug file", PN_FAULT_TARGET, "symbols");
        }
        free(kit);
}

static void stages_look_at_what_is_no_program(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        make(kit);
        kit_finish(kit);
        kit_put(kit, 16, 2, ET_REL);
        kit_expect(kit, "object", "");
        kit_put(kit, 16, 2, ET_CORE);
        kit_expect(kit, "core", "");
        kit_put(kit, 64 + 56 * (size_t)(kit->segments - 1) + 16, 8, 0x7000000); /* PT_DYNAMIC, nowhere */
        kit_expect(kit, "core without what it had", "");
        kit_put(kit, 16, 2, ET_DYN);
        kit_expect_error(kit, "library", PN_FAULT_TARGET, "PT_DYNAMIC");
        free(kit);
}

/* ---------------------------------------------------------------- the file changes, reading fails */

static ssize_t fails_behind(void *from, void *buf, size_t len, uint64_t offset)
{
        const struct pn_view *bytes = from;

        if (offset >= 0x8000) {
                errno = EIO;
                return -1;
        }
        if (len > bytes->len - offset)
                len = bytes->len - offset;
        memcpy(buf, bytes->data + offset, len);
        return (ssize_t)len;
}

static void stages_pass_errors_of_reading_on(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));
        struct pn_names *names = malloc(sizeof(*names));
        struct pn_view view;
        struct pn_object object;
        struct pn_elf elf;
        struct pn_stage_input input = {&object, &elf, names};
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_non_null(kit);
        assert_non_null(names);
        make(kit);
        kit_finish(kit);
        view = (struct pn_view){kit->bytes, kit->size};
        pn_object_from_view(&object, &view);
        pn_names_set(names, "x", 1);
        assert_int_equal(pn_elf_open(&object, &elf, &err), 0);
        object.read_at = fails_behind;
        assert_int_equal(pn_stages_run(&input, kit_sink, kit, NULL, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_int_equal(err.code, EIO);
        assert_int_equal(pn_stages_run(&input, kit_sink, kit, NULL, NULL), -1);
        pn_elf_clear(&elf);
        free(names);
        free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(stages_tell_every_finding_of_a_file),
                cmocka_unit_test(stages_say_when_a_finding_is_not_taken),
                cmocka_unit_test(stages_go_on_after_an_error),
                cmocka_unit_test(stages_forgive_debug_files_alone),
                cmocka_unit_test(stages_look_at_what_is_no_program),
                cmocka_unit_test(stages_pass_errors_of_reading_on),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
