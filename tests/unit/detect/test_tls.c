/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

enum {
        IMPORT = 1,
        EXPORT = 2,
        SEGMENT = 4,
        MODULE = 8,
        OFFSET = 16,
        PIE = 32,
        PROGRAM = 64,
        INTERPRETER = 128,
        SONAME = 256,
        OTHER_MACHINE = 512,
        OTHER_RELOC = 1024
};

static const struct {
        const char *name;
        unsigned with;
        const char *want;
} rows[] = {
        {"a library that imports it for nothing", IMPORT, "ELF-TLS-001"},
        {"with a relocation that has nothing to do with it", IMPORT | OTHER_RELOC, "ELF-TLS-001"},
        {"with an interpreter, as libraries that can be run have", IMPORT | INTERPRETER | SONAME,
         "ELF-TLS-001"},
        {"with a TLS segment", IMPORT | SEGMENT, ""},
        {"with DTPMOD", IMPORT | MODULE, ""},
        {"with DTPOFF", IMPORT | OFFSET, ""},
        {"without the import", 0, ""},
        {"the one who has it", EXPORT, ""},
        {"a position independent program", IMPORT | PIE | INTERPRETER | SONAME, ""},
        {"a program of former days", IMPORT | INTERPRETER, ""},
        {"a program", IMPORT | PROGRAM | INTERPRETER, ""},
        {"another machine", IMPORT | OTHER_MACHINE, ""},
};

static void make(struct kit *kit, unsigned with)
{
        kit_init(kit);
        if (with & (IMPORT | EXPORT))
                (void)kit_symbol(kit, "__tls_get_addr", STT_FUNC, with & EXPORT ? KIT_CODE : 0);
        if (with & SEGMENT)
                (void)kit_segment(kit, PT_TLS, PF_R, KIT_DATA, KIT_DATA + 0x1000, 8, 8);
        if (with & MODULE)
                kit_reloc(kit, kit_slot(0), R_X86_64_DTPMOD64, 0, 0);
        if (with & OFFSET)
                kit_reloc(kit, kit_slot(0), R_X86_64_DTPOFF64, 0, 0);
        if (with & OTHER_RELOC)
                kit_reloc(kit, kit_slot(0), R_X86_64_TPOFF64, 0, 0);
        if (with & PIE)
                kit_dynamic(kit, DT_FLAGS_1, 0x08000000);
        if (with & PROGRAM)
                kit_put(kit, 16, 2, ET_EXEC);
        if (with & INTERPRETER)
                (void)kit_segment(kit, PT_INTERP, PF_R, KIT_STRINGS, KIT_STRINGS, 8, 8);
        if (with & SONAME)
                kit_dynamic(kit, DT_SONAME, kit_string(kit, "libkit.so.1"));
        if (with & OTHER_MACHINE)
                kit_put(kit, 18, 2, EM_AARCH64);
}

static void tls_get_addr_without_tls_is_found_in_libraries(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                make(kit, rows[i].with);
                kit_expect(kit, rows[i].name, rows[i].want);
        }
        free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {cmocka_unit_test(tls_get_addr_without_tls_is_found_in_libraries)};

        return cmocka_run_group_tests(tests, NULL, NULL);
}
