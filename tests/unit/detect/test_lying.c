/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

#define OVERLAP "ELF-LIE-001"
#define ENTRY "ELF-LIE-002"
#define SECTIONS "ELF-LIE-003"

#define TABLE 0x8000U

struct section {
        uint32_t type;
        uint64_t flags, vaddr, offset, bytes;
};

static void put_sections(struct kit *kit, const struct section *section, unsigned count)
{
        kit_put(kit, 40, 8, TABLE);
        kit_put(kit, 60, 2, count + 1);
        for (unsigned i = 0; i < count; i++) {
                size_t at = TABLE + 64 * (size_t)(i + 1);

                kit_put(kit, at + 4, 4, section[i].type);
                kit_put(kit, at + 8, 8, section[i].flags);
                kit_put(kit, at + 16, 8, section[i].vaddr);
                kit_put(kit, at + 24, 8, section[i].offset);
                kit_put(kit, at + 32, 8, section[i].bytes);
        }
}

static const struct {
        const char *name;
        struct section section[2];
        const char *want;
} section_rows[] = {
        {"true ones",
         {{SHT_PROGBITS, SHF_ALLOC, KIT_CODE, KIT_CODE, 64}, {SHT_NOBITS, SHF_ALLOC, KIT_ZEROS, 0, 64}},
         ""},
        {"one that is not loaded", {{SHT_PROGBITS, 0, 0, 1, 0x7fffffff}, {SHT_NULL, 0, 0, 0, 0}}, ""},
        {"an empty one anywhere", {{SHT_PROGBITS, SHF_ALLOC, 0x7000000, 0, 0}, {SHT_NULL, 0, 0, 0, 0}}, ""},
        {"the template of thread variables",
         {{SHT_PROGBITS, SHF_ALLOC, KIT_CODE, KIT_CODE, 64},
          {SHT_NOBITS, SHF_ALLOC | SHF_TLS, KIT_ZEROS + 0x10000, 0, 64}},
         ""},
        {"other bytes",
         {{SHT_PROGBITS, SHF_ALLOC, KIT_CODE, KIT_CODE + 64, 64}, {SHT_NULL, 0, 0, 0, 0}},
         SECTIONS},
        {"other bytes of data", {{SHT_PROGBITS, SHF_ALLOC, KIT_VARIABLES, KIT_VARIABLES, 64}}, SECTIONS},
        {"outside of all segments", {{SHT_PROGBITS, SHF_ALLOC, 0x7000000, KIT_CODE, 64}}, SECTIONS},
        {"beyond its segment", {{SHT_PROGBITS, SHF_ALLOC, KIT_DATA - 64, KIT_DATA - 64, 128}}, SECTIONS},
        {"the second one",
         {{SHT_PROGBITS, SHF_ALLOC, KIT_CODE, KIT_CODE, 64}, {SHT_PROGBITS, SHF_ALLOC, 0, 64, 64}},
         SECTIONS},
};

static void lying_section_tables_are_found(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(section_rows) / sizeof(section_rows[0]); i++) {
                kit_init(kit);
                put_sections(kit, section_rows[i].section, 2);
                kit_expect(kit, section_rows[i].name, section_rows[i].want);
        }
        free(kit);
}

static void lying_is_not_what_a_debug_file_does(void **state)
{
        const struct section emptied[2] = {{SHT_NOBITS, SHF_ALLOC, KIT_CODE, 0, 64},
                                           {SHT_NOTE, SHF_ALLOC, 0x200, 0x40, 32}};
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        put_sections(kit, emptied, 2);
        kit_expect(kit, "notes have moved", "");
        free(kit);
}

static void lying_entry_is_found(void **state)
{
        static const struct {
                const char *name;
                uint64_t entry;
                uint16_t machine;
                const char *want;
        } rows[] = {
                {"none", 0, EM_X86_64, ""},
                {"in code", KIT_CODE, EM_X86_64, ""},
                {"in data", KIT_VARIABLES, EM_X86_64, ENTRY},
                {"outside", 0x7000000, EM_X86_64, ENTRY},
                {"a descriptor", KIT_VARIABLES, EM_PPC64, ""},
        };
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                kit_init(kit);
                kit_put(kit, 24, 8, rows[i].entry);
                kit_put(kit, 18, 2, rows[i].machine);
                kit_expect(kit, rows[i].name, rows[i].want);
        }
        free(kit);
}

static void lying_segments_are_found(void **state)
{
        static const struct {
                const char *name;
                uint64_t vaddr, mem_bytes;
                const char *want;
        } rows[] = {
                {"behind all", 0x100000, 0x1000, ""},
                {"next to the last", KIT_DATA + 0x4000, 0x1000, ""},
                {"over the last", KIT_DATA + 0x3ff0, 0x1000, OVERLAP},
                {"within the last", KIT_VARIABLES, 0x100, OVERLAP},
                {"the same", 0, 0x10, OVERLAP},
                {"empty", 0, 0, ""},
        };
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                kit_init(kit);
                (void)kit_segment(kit, PT_LOAD, PF_R, 0, rows[i].vaddr, 0, rows[i].mem_bytes);
                kit_expect(kit, rows[i].name, rows[i].want);
        }
        free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(lying_section_tables_are_found),
                cmocka_unit_test(lying_is_not_what_a_debug_file_does),
                cmocka_unit_test(lying_entry_is_found),
                cmocka_unit_test(lying_segments_are_found),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
