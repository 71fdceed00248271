/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

#define UPX "ELF-PACKED-001"
#define PACKED "ELF-PACKED-002"

/* A program without PT_DYNAMIC and without sections, as packers write them. */
static void make(struct kit *kit)
{
        kit_init(kit);
        kit_put(kit, 16, 2, ET_EXEC);
        kit_put(kit, 24, 8, KIT_CODE);
        kit_put(kit, 56, 2, kit->segments);
        kit->finished = true;
}

static void fill_randomly(struct kit *kit, size_t from, size_t to)
{
        uint32_t x = 1;

        for (size_t i = from; i < to; i++) {
                x = x * 1664525 + 1013904223;
                kit->bytes[i] = (uint8_t)(x >> 24);
        }
}

static void packed_by_upx_is_found(void **state)
{
        static const struct {
                const char *name;
                size_t at;
                const char *word;
                bool sections;
                const char *want;
        } rows[] = {
                {"behind the program headers", 64 + 2 * 56 + 4, "UPX!", false, UPX},
                {"behind the program headers, with sections", 64 + 2 * 56 + 4, "UPX!", true, UPX},
                {"at the end", KIT_BYTES - 36, "UPX!", false, UPX},
                {"at the end, with sections", KIT_BYTES - 36, "UPX!", true, ""},
                {"in between", 0x5000, "UPX!", false, ""},
                {"not quite", KIT_BYTES - 36, "UPX?", false, ""},
        };
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                make(kit);
                memcpy(kit->bytes + rows[i].at, rows[i].word, 4);
                if (rows[i].sections)
                        kit_put(kit, 60, 2, 1);
                kit_expect(kit, rows[i].name, rows[i].want);
                if (rows[i].want[0])
                        assert_true(kit->finding[0].severity < PN_SEVERITY_HIGH);
        }
        free(kit);
}

static void packed_by_anybody_is_found(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        make(kit);
        kit_expect(kit, "code", "");
        make(kit);
        fill_randomly(kit, KIT_CODE, KIT_DATA);
        kit_expect(kit, "random code", PACKED);
        kit_put(kit, 60, 2, 1);
        kit_expect(kit, "with sections", "");
        make(kit);
        fill_randomly(kit, KIT_DATA, KIT_BYTES);
        kit_expect(kit, "random data that cannot run", "");
        kit_put(kit, 64 + 56 + 4, 4, PF_R | PF_W | PF_X);
        kit_expect(kit, "random data that can", PACKED);
        free(kit);
}

static void packed_is_not_a_library_with_random_bytes(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        kit_put(kit, 24, 8, KIT_CODE);
        fill_randomly(kit, KIT_CODE, KIT_DATA);
        kit_expect(kit, "with PT_DYNAMIC", "");
        free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(packed_by_upx_is_found),
                cmocka_unit_test(packed_by_anybody_is_found),
                cmocka_unit_test(packed_is_not_a_library_with_random_bytes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
