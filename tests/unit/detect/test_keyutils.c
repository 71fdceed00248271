/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

#define NEEDED "ELF-KEYUTILS-001"
#define PLACE "ELF-KEYUTILS-002"

static const struct {
        const char *name, *path, *soname;
        const char *needed[3];
        const char *want;
} rows[] = {
        {"as Debian has it",
         "usr/lib/x86_64-linux-gnu/libkeyutils.so.1.10",
         "libkeyutils.so.1",
         {"libc.so.6"},
         ""},
        {"as Alpine has it", "usr/lib/libkeyutils.so.1", "libkeyutils.so.1", {"libc.musl-x86_64.so.1"}, ""},
        {"as of former days",
         "lib/libkeyutils.so.1.3",
         "libkeyutils.so.1",
         {"libdl.so.2", "libpthread.so.0", "ld-linux-x86-64.so.2"},
         ""},
        {"with a library of its own",
         "lib/libkeyutils.so.1.3",
         "libkeyutils.so.1",
         {"libc.so.6", "libns2.so"},
         NEEDED},
        {"by its soname", "lib/libsomething.so", "libkeyutils.so.1", {"libns2.so"}, NEEDED},
        {"by its file name", "lib/libkeyutils.so.1.3", NULL, {"libns2.so"}, NEEDED},
        {"below tls", "lib64/tls/libkeyutils.so.1.5", "libkeyutils.so.1", {"libc.so.6"}, PLACE},
        {"below tls, deeper", "lib/tls/x86_64/libkeyutils.so.1", NULL, {"libc.so.6"}, PLACE},
        {"both", "lib64/tls/libkeyutils.so.1", NULL, {"libns2.so"}, NEEDED " " PLACE},
        {"below what is not quite tls", "lib/mbedtls/tls2/libkeyutils.so.1", NULL, {"libc.so.6"}, ""},
        {"another library that needs more", "lib/libother.so.1", "libother.so.1", {"libns2.so"}, ""},
        {"another library below tls", "lib/tls/libother.so.1", NULL, {"libc.so.6"}, ""},
};

static void keyutils_with_company_is_found(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                kit_init(kit);
                kit->path = rows[i].path;
                if (rows[i].soname)
                        kit_dynamic(kit, DT_SONAME, kit_string(kit, rows[i].soname));
                for (int j = 0; j < 3 && rows[i].needed[j]; j++)
                        kit_dynamic(kit, DT_NEEDED, kit_string(kit, rows[i].needed[j]));
                kit_expect(kit, rows[i].name, rows[i].want);
        }
        free(kit);
}

static void keyutils_shows_the_name_that_is_foreign(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        kit->path = "lib/libkeyutils.so.1";
        kit_dynamic(kit, DT_NEEDED, kit_string(kit, "libc.so.6"));
        kit_dynamic(kit, DT_NEEDED, kit_string(kit, "libns2.so"));
        kit_expect(kit, "needed", NEEDED);
        assert_memory_equal(kit->finding[0].evidence[0].bytes, "libns2.so", 9);
        free(kit);
}

static void keyutils_test_program_is_no_library(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        kit->path = "usr/bin/libkeyutils.so.test";
        kit_put(kit, 16, 2, ET_EXEC);
        kit_dynamic(kit, DT_NEEDED, kit_string(kit, "libns2.so"));
        kit_expect(kit, "program", "");
        free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(keyutils_with_company_is_found),
                cmocka_unit_test(keyutils_shows_the_name_that_is_foreign),
                cmocka_unit_test(keyutils_test_program_is_no_library),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
