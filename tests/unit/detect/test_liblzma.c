/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

static const struct {
        const char *name, *symbol;
        unsigned type;
        bool imported;
        const char *path, *want;
} rows[] = {
        {"crc32 by IFUNC", "lzma_crc32", STT_GNU_IFUNC, false, "usr/lib/liblzma.so.5", "ELF-LZMA-001"},
        {"crc64 by IFUNC", "lzma_crc64", STT_GNU_IFUNC, false, "usr/lib/liblzma.so.5", "ELF-LZMA-001"},
        {"under another name", "lzma_crc64", STT_GNU_IFUNC, false, "opt/x/libz.so.1", "ELF-LZMA-001"},
        {"plain functions", "lzma_crc64", STT_FUNC, false, "usr/lib/liblzma.so.5.6.1", ""},
        {"who only imports it", "lzma_crc64", STT_GNU_IFUNC, true, "usr/bin/xz", ""},
        {"another function by IFUNC", "lzma_code", STT_GNU_IFUNC, false, "usr/lib/liblzma.so.5", ""},
        {"a longer name", "lzma_crc64_", STT_GNU_IFUNC, false, "usr/lib/liblzma.so.5", ""},
};

static void liblzma_with_ifunc_is_a_warning(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                kit_init(kit);
                kit->path = rows[i].path;
                (void)kit_symbol(kit, rows[i].symbol, rows[i].type, rows[i].imported ? 0 : kit_resolver(kit));
                kit_expect(kit, rows[i].name, rows[i].want);
                if (rows[i].want[0])
                        assert_true(kit->finding[0].severity < PN_SEVERITY_HIGH &&
                                    kit->finding[0].confidence == PN_CONFIDENCE_LOW);
        }
        free(kit);
}

/* Its code is not followed, its symbols are read. */
static void liblzma_of_another_machine_is_found(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        kit_put(kit, 18, 2, EM_AARCH64);
        (void)kit_symbol(kit, "lzma_crc32", STT_GNU_IFUNC, KIT_CODE);
        kit_expect(kit, "aarch64", "ELF-LZMA-001");
        free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(liblzma_with_ifunc_is_a_warning),
                cmocka_unit_test(liblzma_of_another_machine_is_found),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
