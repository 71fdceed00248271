/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

#include "scanner/engine/detect/elf_dynamic.h"

/* What cannot be read is told, with its place, and hides no file. */
static void no_end(struct kit *kit)
{
        kit_finish(kit);
        kit_put(kit, 64 + 56 * (size_t)(kit->segments - 1) + 16, 8,
                0x4000); /* PT_DYNAMIC, over endless ones */
        for (size_t i = 0x4000; i < KIT_DATA; i += 16)
                kit_put(kit, i, 8, DT_DEBUG);
        kit_put(kit, 64 + 56 + 4, 4, PF_R | PF_W);
}

static void address_outside(struct kit *kit)
{
        kit_finish(kit);
        kit_put(kit, 64 + 56 * (size_t)(kit->segments - 1) + 16, 8, 0x7000000);
}

static void address_in_zeros(struct kit *kit)
{
        kit_finish(kit);
        kit_put(kit, 64 + 56 * (size_t)(kit->segments - 1) + 16, 8, KIT_ZEROS);
}

static void hash_outside(struct kit *kit)
{
        kit_finish(kit);
        kit_dynamic(kit, DT_NULL, 0);
        kit_put(kit, KIT_DATA + 16 * 3 + 8, 8, 0x7000000);
}

static void hash_counts_too_many(struct kit *kit)
{
        kit->hashed = 0x7fffffff;
}

static void symbols_outside(struct kit *kit)
{
        kit_finish(kit);
        kit_put(kit, KIT_DATA + 8, 8, 0x7000000);
}

static void relocs_too_many(struct kit *kit)
{
        kit_dynamic(kit, DT_RELA, KIT_RELOCS);
        kit_dynamic(kit, DT_RELASZ, UINT64_MAX - 7);
}

static void relocs_outside(struct kit *kit)
{
        kit_dynamic(kit, DT_JMPREL, KIT_ZEROS);
        kit_dynamic(kit, DT_PLTRELSZ, 48);
}

static void reloc_names_symbol_outside(struct kit *kit)
{
        kit_reloc(kit, kit_slot(0), R_X86_64_64, 0x10000000, 0);
}

static void gnu_hash_too_large(struct kit *kit)
{
        kit_dynamic(kit, DT_GNU_HASH, KIT_PACKED);
        kit_put(kit, KIT_PACKED, 4, UINT32_MAX);
        kit_put(kit, KIT_PACKED + 8, 4, UINT32_MAX);
}

static const struct {
        const char *name;
        void (*make)(struct kit *kit);
        const char *text;
} lies[] = {
        {"a dynamic section without end", no_end, "PT_DYNAMIC"},
        {"a dynamic section outside", address_outside, "PT_DYNAMIC at address 117440512"},
        {"a dynamic section of zeros", address_in_zeros, "PT_DYNAMIC"},
        {"a hash table outside", hash_outside, "DT_HASH is address 117440512"},
        {"a hash table that counts too many", hash_counts_too_many, "count 2147483647 symbols"},
        {"symbols outside", symbols_outside, "DT_SYMTAB"},
        {"more relocations than bytes", relocs_too_many, "relocations of 18446744073709551608 bytes"},
        {"relocations in zeros", relocs_outside, "relocations: a table has an entry at address"},
        {"a relocation of a symbol outside", reloc_names_symbol_outside, "DT_SYMTAB"},
        {"a GNU hash table larger than the file", gnu_hash_too_large, "DT_GNU_HASH"},
};

static void dynamic_lies_are_errors_that_say_where(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
                kit_init(kit);
                lies[i].make(kit);
                kit_expect_error(kit, lies[i].name, PN_FAULT_TARGET, lies[i].text);
        }
        free(kit);
}

/* The same symbol, counted by DT_GNU_HASH alone: one bucket, one word of bloom, a chain. */
static void count_by_gnu_hash(struct kit *kit, unsigned first, unsigned bucket, unsigned chain)
{
        kit_init(kit);
        (void)kit_symbol(kit, "getauxval", STT_FUNC, 0);
        (void)kit_symbol(kit, "f", STT_FUNC, KIT_CODE);
        (void)kit_symbol(kit, "lzma_crc32", STT_GNU_IFUNC, kit_resolver(kit));
        kit->hashed = 1;
        kit_dynamic(kit, DT_GNU_HASH, KIT_PACKED);
        kit_put(kit, KIT_PACKED, 4, 1);
        kit_put(kit, KIT_PACKED + 4, 4, first);
        kit_put(kit, KIT_PACKED + 8, 4, 1);
        kit_put(kit, KIT_PACKED + 16 + 8, 4, bucket);
        for (unsigned i = 0; i < chain; i++)
                kit_put(kit, KIT_PACKED + 16 + 12 + 4 * i, 4, i + 1 == chain ? 0x1235 : 0x1234);
}

static void dynamic_counts_symbols_by_gnu_hash(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        count_by_gnu_hash(kit, 2, 2, 2);
        kit_expect(kit, "a chain of two", "ELF-LZMA-001");
        count_by_gnu_hash(kit, 2, 2, 1);
        kit_expect(kit, "a chain that ends before", "");
        count_by_gnu_hash(kit, 3, 0, 0);
        kit_expect(kit, "no bucket: what is in front of the first", "");
        count_by_gnu_hash(kit, 4, 0, 0);
        kit_expect(kit, "no bucket: four in front of the first", "ELF-LZMA-001");
        free(kit);
}

/* ld.so goes by the address: what p_offset says is for tools. */
static void dynamic_is_read_by_its_address(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        kit_dynamic(kit, DT_SONAME, kit_string(kit, "liba.so"));
        kit_finish(kit);
        kit_put(kit, 64 + 56 * (size_t)(kit->segments - 1) + 8, 8, 0x4000);
        kit_expect(kit, "offset", "");
        assert_string_equal(kit->links.soname, "liba.so");
        free(kit);
}

/* Names of a string table that is larger than the cache are looked at in another order, and all of them. */
static void dynamic_reads_large_string_tables(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        (void)kit_symbol(kit, "f", STT_FUNC, KIT_CODE);
        (void)kit_symbol(kit, "lzma_crc64", STT_GNU_IFUNC, kit_resolver(kit));
        (void)kit_symbol(kit, "g", STT_FUNC, KIT_CODE);
        kit_finish(kit);
        kit_put(kit, KIT_DATA + 16 * 2 + 8, 8, 64 << 20);
        kit_expect(kit, "large", "ELF-LZMA-001");
        free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(dynamic_lies_are_errors_that_say_where),
                cmocka_unit_test(dynamic_counts_symbols_by_gnu_hash),
                cmocka_unit_test(dynamic_is_read_by_its_address),
                cmocka_unit_test(dynamic_reads_large_string_tables),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
