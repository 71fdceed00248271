/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_kit.h"

#define STORE "ELF-IFUNC-001"
#define INDIRECT "ELF-IFUNC-002"
#define CLOSURE "ELF-IFUNC-003"
#define MANY 4097U /* resolvers, one more than are kept */

typedef void make(struct kit *kit);

/* ---------------------------------------------------------------- resolvers */

static void publish(struct kit *kit, uint64_t resolver)
{
        (void)kit_symbol(kit, "chosen", STT_GNU_IFUNC, resolver);
}

static void plain(struct kit *kit)
{
        publish(kit, kit_resolver(kit));
}

/* `count` functions that call each other in a row, the resolver included. */
static void chain(struct kit *kit, unsigned count)
{
        uint32_t last = kit_resolver(kit);

        for (unsigned i = 1; i < count; i++) {
                uint32_t here = kit->at;

                kit_call(kit, last);
                kit_ret(kit);
                last = here;
        }
        publish(kit, last);
}

static void six_functions(struct kit *kit)
{
        chain(kit, 6);
}

static void seven_functions(struct kit *kit)
{
        chain(kit, 7);
}

/* The target of `chain` by jumps that leave the function: .eh_frame_hdr knows where functions begin. */
static void seven_by_jumps(struct kit *kit)
{
        uint32_t start[7];

        for (unsigned i = 0; i < 7; i++) {
                start[i] = kit->at;
                if (i == 0)
                        kit_ret(kit);
                else
                        kit_jump(kit, start[i - 1]);
        }
        kit_put(kit, KIT_FRAMES, 4, 0x3b031b01);
        kit_put(kit, KIT_FRAMES + 8, 4, 7);
        for (unsigned i = 0; i < 7; i++)
                kit_put(kit, KIT_FRAMES + 12 + 8 * i, 4, (uint64_t)start[i] - KIT_FRAMES);
        (void)kit_segment(kit, PT_GNU_EH_FRAME, PF_R, KIT_FRAMES, KIT_FRAMES, 12 + 56, 12 + 56);
        publish(kit, start[6]);
}

static void same_function_often(struct kit *kit)
{
        uint32_t helper = kit_resolver(kit), resolver = kit->at;

        for (int i = 0; i < 20; i++)
                kit_call(kit, helper);
        kit_ret(kit);
        publish(kit, resolver);
}

static void calls_import(struct kit *kit)
{
        unsigned symbol = kit_symbol(kit, "getauxval", STT_FUNC, 0);
        uint32_t stub = kit->at, resolver;

        kit_code(kit, KIT_BYTES_OF("\xf3\x0f\x1e\xfa"));
        kit_jump_slot(kit, kit_slot(0));
        kit_reloc(kit, kit_slot(0), R_X86_64_JUMP_SLOT, symbol, 0);
        resolver = kit->at;
        kit_call(kit, stub);
        kit_call_slot(kit, kit_slot(0)); /* as -fno-plt does */
        kit_ret(kit);
        publish(kit, resolver);
}

/* Behind a function that does not come back there is another function's code. */
static void behind_the_end(struct kit *kit)
{
        unsigned symbol = kit_symbol(kit, "__stack_chk_fail", STT_FUNC, 0);
        uint32_t resolver = kit->at;

        kit_reloc(kit, kit_slot(0), R_X86_64_GLOB_DAT, symbol, 0);
        kit_reloc(kit, kit_slot(1), R_X86_64_RELATIVE, 0, resolver);
        kit_call_slot(kit, kit_slot(0));
        kit_call_slot(kit, kit_slot(1));
        publish(kit, resolver);
}

static void own_variable(struct kit *kit)
{
        uint32_t resolver = kit->at;

        kit_lea(kit, resolver);
        kit_store(kit, KIT_VARIABLES);
        kit_store(kit, KIT_ZEROS);
        kit_ret(kit);
        publish(kit, resolver);
}

static void endless(struct kit *kit)
{
        uint32_t resolver = kit->at;

        kit_call(kit, resolver);
        kit_jump_if(kit, resolver);
        kit_jump(kit, resolver);
        publish(kit, resolver);
}

static void not_code(struct kit *kit)
{
        uint32_t code = kit->at;

        kit_call_slot(kit, KIT_VARIABLES);
        kit_ret(kit);
        kit_put(kit, code + 2, 4, KIT_VARIABLES - (KIT_VARIABLES + 6));
        memcpy(kit->bytes + KIT_VARIABLES - 0x1000, kit->bytes + code, 7);
        publish(kit, KIT_VARIABLES);
}

static void nowhere(struct kit *kit)
{
        publish(kit, 0x7fff00000000);
}

/* ---------------------------------------------------------------- tampering */

static void relative_slot(struct kit *kit)
{
        kit_reloc(kit, kit_slot(3), R_X86_64_RELATIVE, 0, kit_resolver(kit));
}

static void call_slot(struct kit *kit)
{
        uint32_t resolver;

        relative_slot(kit);
        resolver = kit->at;
        kit_call_slot(kit, kit_slot(3));
        kit_ret(kit);
        publish(kit, resolver);
}

/* The slot is filled by DT_RELR: a word for slot 1, and a bitmap that says slots 3 and 4. */
static void call_packed_slot(struct kit *kit)
{
        uint32_t target = kit_resolver(kit), resolver = kit->at;

        kit_put(kit, kit_slot(3) - 0x1000, 8, target);
        kit_put(kit, KIT_PACKED, 8, kit_slot(1));
        kit_put(kit, KIT_PACKED + 8, 8, 1 | 1 << 2 | 1 << 3);
        kit_dynamic(kit, 36, KIT_PACKED); /* DT_RELR */
        kit_dynamic(kit, 35, 16);
        kit_lea(kit, resolver);
        kit_store(kit, kit_slot(3));
        kit_ret(kit);
        publish(kit, resolver);
}

/* Of two bitmaps: the second one goes on where the first one ends, after 63 slots. */
static void call_far_packed_slot(struct kit *kit)
{
        uint32_t resolver = kit->at;

        kit_put(kit, KIT_PACKED, 8, kit_slot(0));
        kit_put(kit, KIT_PACKED + 8, 8, 1);
        kit_put(kit, KIT_PACKED + 16, 8, 1 | 1 << 1);
        kit_dynamic(kit, 36, KIT_PACKED);
        kit_dynamic(kit, 35, 24);
        kit_lea(kit, resolver);
        kit_store(kit, kit_slot(64));
        kit_ret(kit);
        publish(kit, resolver);
}

static void call_register(struct kit *kit)
{
        uint32_t resolver;

        relative_slot(kit);
        resolver = kit->at;
        kit_load(kit, kit_slot(3));
        kit_code(kit, KIT_BYTES_OF("\x48\x89\xc3\x53\x59")); /* mov rbx, rax; push rbx; pop rcx */
        kit_code(kit, KIT_BYTES_OF("\xff\xd1"));             /* call rcx */
        kit_ret(kit);
        publish(kit, resolver);
}

static void tail_jump(struct kit *kit)
{
        uint32_t resolver;

        relative_slot(kit);
        resolver = kit->at;
        kit_jump_slot(kit, kit_slot(3));
        publish(kit, resolver);
}

static void call_variable(struct kit *kit)
{
        uint32_t resolver = kit->at;

        kit_call_slot(kit, KIT_VARIABLES);
        kit_ret(kit);
        publish(kit, resolver);
}

static void store_slot(struct kit *kit)
{
        uint32_t resolver;

        relative_slot(kit);
        resolver = kit->at;
        kit_lea(kit, resolver);
        kit_store(kit, kit_slot(3));
        kit_ret(kit);
        publish(kit, resolver);
}

static void store_import(struct kit *kit)
{
        unsigned symbol = kit_symbol(kit, "cpuid", STT_FUNC, 0);
        uint32_t resolver = kit->at;

        kit_reloc(kit, kit_slot(0), R_X86_64_GLOB_DAT, symbol, 0);
        kit_lea(kit, resolver);
        kit_store(kit, kit_slot(0));
        kit_ret(kit);
        publish(kit, resolver);
}

static void store_read_only_later(struct kit *kit)
{
        uint32_t resolver = kit->at;

        (void)kit_segment(kit, PT_GNU_RELRO, PF_R, KIT_VARIABLES - 0x1000, KIT_VARIABLES, 0x10, 0x10);
        kit_lea(kit, resolver);
        kit_store(kit, KIT_VARIABLES + 8);
        kit_ret(kit);
        publish(kit, resolver);
}

static void store_behind_read_only(struct kit *kit)
{
        uint32_t resolver = kit->at;

        (void)kit_segment(kit, PT_GNU_RELRO, PF_R, KIT_VARIABLES - 0x1000, KIT_VARIABLES, 0x10, 0x10);
        kit_lea(kit, resolver);
        kit_store(kit, KIT_VARIABLES + 16);
        kit_ret(kit);
        publish(kit, resolver);
}

static void store_on_one_branch(struct kit *kit)
{
        uint32_t store, resolver;

        relative_slot(kit);
        store = kit->at;
        kit_lea(kit, store);
        kit_store(kit, kit_slot(3));
        kit_ret(kit);
        resolver = kit->at;
        kit_jump_if(kit, store);
        kit_ret(kit);
        publish(kit, resolver);
}

/* As the known one: a context on the stack, filled by a helper from a table of offsets; base and offset
 * added. */
static void store_by_context(struct kit *kit)
{
        uint32_t table, helper, writer, resolver;

        relative_slot(kit);
        table = kit->at;
        kit_put(kit, table, 8, kit_slot(3) - table);
        kit->at += 8;
        helper = kit->at; /* *(rdi + 8) = table[0]; *(rdi) = table */
        kit_load(kit, table);
        kit_code(kit, KIT_BYTES_OF("\x48\x89\x47\x08"));
        kit_lea(kit, table);
        kit_code(kit, KIT_BYTES_OF("\x48\x89\x07"));
        kit_ret(kit);
        writer = kit->at; /* helper(rdi); rax = *(rdi) + *(rdi + 8); *rax = rax */
        kit_code(kit, KIT_BYTES_OF("\x55\x48\x89\xe5\x48\x83\xec\x20\x48\x83\xe4\xf0"));
        kit_call(kit, helper);
        kit_code(kit, KIT_BYTES_OF("\x48\x8b\x07\x48\x03\x47\x08\x48\x89\x00\xc9"));
        kit_ret(kit);
        resolver = kit->at; /* sub rsp, 0x28; lea rdi, [rsp + 8]; writer(rdi); add rsp, 0x28 */
        kit_code(kit, KIT_BYTES_OF("\x48\x83\xec\x28\x48\x8d\x7c\x24\x08"));
        kit_call(kit, writer);
        kit_code(kit, KIT_BYTES_OF("\x48\x83\xc4\x28"));
        kit_ret(kit);
        publish(kit, resolver);
}

/* The context is filled by a function with a frame of its own, aligned, that calls another one; the store
 * comes after. */
static void store_after_a_frame(struct kit *kit)
{
        uint32_t inner, helper, resolver;

        relative_slot(kit);
        inner = kit->at; /* push rbx; *(rdi) = slot; pop rbx */
        kit_code(kit, KIT_BYTES_OF("\x53"));
        kit_lea(kit, kit_slot(3));
        kit_code(kit, KIT_BYTES_OF("\x48\x89\x07\x5b"));
        kit_ret(kit);
        helper = kit->at; /* push rbp; mov rbp, rsp; sub rsp, 0x28; and rsp, -16; inner(rdi); leave */
        kit_code(kit, KIT_BYTES_OF("\x55\x48\x89\xe5\x48\x83\xec\x28\x48\x83\xe4\xf0"));
        kit_call(kit, inner);
        kit_code(kit, KIT_BYTES_OF("\xc9"));
        kit_ret(kit);
        resolver = kit->at; /* sub rsp, 0x28; lea rdi, [rsp + 8]; helper(rdi); rax = [rsp + 8]; *rax = rax */
        kit_code(kit, KIT_BYTES_OF("\x48\x83\xec\x28\x48\x8d\x7c\x24\x08"));
        kit_call(kit, helper);
        kit_code(kit, KIT_BYTES_OF("\x48\x8b\x44\x24\x08\x48\x89\x00\x48\x83\xc4\x28"));
        kit_ret(kit);
        publish(kit, resolver);
}

/* The address is put together in the lower half of a register, which empties the upper one. */
static void store_by_half_a_register(struct kit *kit)
{
        uint32_t resolver;

        relative_slot(kit);
        resolver = kit->at; /* mov rax, -1; mov eax, slot; mov [rax], rax */
        kit_code(kit, KIT_BYTES_OF("\x48\xc7\xc0\xff\xff\xff\xff\xb8"));
        kit_put(kit, kit->at, 4, kit_slot(3));
        kit->at += 4;
        kit_code(kit, KIT_BYTES_OF("\x89\xc1\x48\x89\x09")); /* mov ecx, eax; mov [rcx], rcx */
        kit_ret(kit);
        publish(kit, resolver);
}

/* Through the PLT into a function of the file's own, which stores. */
static void store_behind_plt(struct kit *kit)
{
        uint32_t own, stub, resolver;
        unsigned symbol;

        relative_slot(kit);
        own = kit->at;
        kit_store(kit, kit_slot(3));
        kit_ret(kit);
        symbol = kit_symbol(kit, "own", STT_FUNC, own);
        kit_reloc(kit, kit_slot(5), R_X86_64_JUMP_SLOT, symbol, 0);
        stub = kit->at;
        kit_jump_slot(kit, kit_slot(5));
        resolver = kit->at;
        kit_call(kit, stub);
        kit_ret(kit);
        publish(kit, resolver);
}

/* Only a relocation names the resolver. */
static void irelative(struct kit *kit)
{
        uint32_t resolver;

        relative_slot(kit);
        resolver = kit->at;
        kit_call_slot(kit, kit_slot(3));
        kit_ret(kit);
        kit_reloc(kit, kit_slot(9), R_X86_64_IRELATIVE, 0, resolver);
}

static void irelative_in_plt(struct kit *kit)
{
        irelative(kit);
        kit_dynamic(kit, DT_JMPREL, KIT_RELOCS);
        kit_dynamic(kit, DT_PLTRELSZ, 24 * (uint64_t)kit->relocs);
        kit_dynamic(kit, DT_PLTREL, DT_RELA);
        kit->relocs = 0;
}

/* The hash table does not know the symbol, a relocation does. */
static void hidden_from_hash(struct kit *kit)
{
        call_slot(kit);
        kit_reloc(kit, kit_slot(8), R_X86_64_64, kit->symbols - 1, 0);
        kit->hashed = 1;
}

static void hidden_from_hash_and_unused(struct kit *kit)
{
        call_slot(kit);
        kit->hashed = 1;
}

static void other_machine(struct kit *kit)
{
        call_slot(kit);
        kit_put(kit, 18, 2, EM_AARCH64);
}

/* What ld.so looks like, and what it does. */
static void loader(struct kit *kit)
{
        store_slot(kit);
        (void)kit_symbol(kit, "__tls_get_addr", STT_FUNC, KIT_CODE);
        kit_dynamic(kit, DT_SONAME, kit_string(kit, "ld-linux-x86-64.so.2"));
        kit->path = "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2";
}

static void loader_by_another_name(struct kit *kit)
{
        loader(kit);
        kit->path = "usr/lib/x86_64-linux-gnu/liblzma.so.5.6.1";
}

static void loader_by_another_soname(struct kit *kit)
{
        store_slot(kit);
        (void)kit_symbol(kit, "__tls_get_addr", STT_FUNC, KIT_CODE);
        kit_dynamic(kit, DT_SONAME, kit_string(kit, "liblzma.so.5"));
        kit->path = "usr/lib/ld-linux-x86-64.so.2";
}

static void loader_that_needs(struct kit *kit)
{
        loader(kit);
        kit_dynamic(kit, DT_NEEDED, kit_string(kit, "libc.so.6"));
}

static void loader_that_imports(struct kit *kit)
{
        loader(kit);
        (void)kit_symbol(kit, "malloc", STT_FUNC, 0);
}

static void loader_without_tls(struct kit *kit)
{
        store_slot(kit);
        kit->path = "usr/lib/ld-linux-x86-64.so.2";
}

static void too_much_code(struct kit *kit)
{
        uint32_t resolver = kit->at;

        for (int i = 0; i < 20000; i++)
                kit_code(kit, KIT_BYTES_OF("\x90"));
        kit_ret(kit);
        (void)kit_segment(kit, PT_GNU_EH_FRAME, PF_R, KIT_FRAMES, KIT_FRAMES, 12 + 8, 12 + 8);
        kit_put(kit, KIT_FRAMES, 4, 0x3b031b01);
        kit_put(kit, KIT_FRAMES + 8, 4, 1);
        kit_put(kit, KIT_FRAMES + 12, 4, (uint64_t)resolver - KIT_FRAMES);
        publish(kit, resolver);
}

static const struct {
        const char *name;
        make *make;
        const char *want;
} rows[] = {
        {"a resolver that takes an address", plain, ""},
        {"six functions", six_functions, ""},
        {"seven functions", seven_functions, CLOSURE},
        {"seven functions by jumps", seven_by_jumps, CLOSURE},
        {"one helper, often", same_function_often, ""},
        {"an import", calls_import, ""},
        {"code behind a call that ends the program", behind_the_end, ""},
        {"variables of its own", own_variable, ""},
        {"code without end", endless, ""},
        {"a resolver in data", not_code, ""},
        {"a resolver outside", nowhere, ""},
        {"a call through a slot", call_slot, INDIRECT},
        {"a store into a slot of DT_RELR", call_packed_slot, STORE},
        {"a store into a slot of the second bitmap", call_far_packed_slot, STORE},
        {"a call of a register", call_register, INDIRECT},
        {"a jump through a slot", tail_jump, INDIRECT},
        {"a call through a variable", call_variable, INDIRECT},
        {"a store into a slot", store_slot, STORE},
        {"a store into the slot of an import", store_import, STORE},
        {"a store into RELRO", store_read_only_later, STORE},
        {"a store behind RELRO", store_behind_read_only, ""},
        {"a store on one branch", store_on_one_branch, STORE},
        {"a store by way of a context", store_by_context, STORE},
        {"a store after a function with a frame", store_after_a_frame, STORE},
        {"a store by half a register", store_by_half_a_register, STORE},
        {"a store behind the PLT", store_behind_plt, STORE},
        {"IRELATIVE", irelative, INDIRECT},
        {"IRELATIVE in DT_JMPREL", irelative_in_plt, INDIRECT},
        {"a symbol that only a relocation names", hidden_from_hash, INDIRECT},
        {"a symbol that nothing names", hidden_from_hash_and_unused, ""},
        {"another machine", other_machine, ""},
        {"the loader", loader, ""},
        {"the loader under another name", loader_by_another_name, STORE},
        {"the loader under another soname", loader_by_another_soname, STORE},
        {"a loader that needs a library", loader_that_needs, STORE},
        {"a loader that imports", loader_that_imports, STORE},
        {"a loader that gives nothing", loader_without_tls, STORE},
        {"more code than is followed", too_much_code, CLOSURE},
};

static void ifunc_tells_tampering_from_choosing(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                kit_init(kit);
                rows[i].make(kit);
                kit_expect(kit, rows[i].name, rows[i].want);
        }
        free(kit);
}

/* A program without PT_DYNAMIC: no segment and no table but what the start code reads. */
static void make_static(struct kit *kit, uint64_t relocs_at)
{
        uint32_t target = kit_resolver(kit), resolver = kit->at;

        kit_put(kit, 16, 2, ET_EXEC);
        kit_put(kit, 24, 8, resolver);
        kit_call_slot(kit, KIT_VARIABLES);
        kit_ret(kit);
        kit_put(kit, relocs_at, 8, kit_slot(0));
        kit_put(kit, relocs_at + 8, 8, R_X86_64_IRELATIVE);
        kit_put(kit, relocs_at + 16, 8, target);
        kit_put(kit, relocs_at + 24, 8, kit_slot(1));
        kit_put(kit, relocs_at + 32, 8, R_X86_64_IRELATIVE);
        kit_put(kit, relocs_at + 40, 8, resolver);
        kit_put(kit, 56, 2, kit->segments);
        kit->finished = true;
}

static void ifunc_finds_resolvers_of_static_programs(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        make_static(kit, KIT_RELOCS);
        kit_expect(kit, "at the head of the code", INDIRECT);

        kit_init(kit);
        make_static(kit, KIT_DATA - 0x400); /* too far behind */
        kit_expect(kit, "far behind", "");

        kit_put(kit, 40, 8, KIT_DATA - 0x800); /* until a section says so */
        kit_put(kit, 60, 2, 2);
        kit_put(kit, KIT_DATA - 0x800 + 64 + 4, 4, SHT_RELA);
        kit_put(kit, KIT_DATA - 0x800 + 64 + 8, 8, SHF_ALLOC);
        kit_put(kit, KIT_DATA - 0x800 + 64 + 16, 8, KIT_DATA - 0x400);
        kit_put(kit, KIT_DATA - 0x800 + 64 + 24, 8, KIT_DATA - 0x400);
        kit_put(kit, KIT_DATA - 0x800 + 64 + 32, 8, 48);
        kit_expect(kit, "by a section", INDIRECT);
        free(kit);
}

static void ifunc_shows_where(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        kit_init(kit);
        store_slot(kit);
        kit_expect(kit, "store", STORE);
        assert_int_equal(kit->finding[0].severity, PN_SEVERITY_CRITICAL);
        assert_int_equal(kit->finding[0].evidence_count, 2);
        assert_string_equal(kit->finding[0].evidence[0].string, "store");
        assert_memory_equal(kit->finding[0].evidence[0].bytes, "\x48\x89\x05", 3);
        assert_string_equal(kit->finding[0].evidence[1].string, "slot");
        assert_int_equal(kit->finding[0].evidence[1].offset, kit_slot(3) - 0x1000);

        kit_init(kit);
        call_slot(kit);
        kit_expect(kit, "call", INDIRECT);
        assert_int_equal(kit->finding[0].evidence_count, 2);
        assert_string_equal(kit->finding[0].evidence[0].string, "call");
        assert_memory_equal(kit->finding[0].evidence[0].bytes, "\xff\x15", 2);
        assert_int_equal(kit->finding[0].evidence[1].offset, kit_slot(3) - 0x1000);

        kit_init(kit);
        seven_functions(kit);
        kit_expect(kit, "closure", CLOSURE);
        assert_string_equal(kit->finding[0].evidence[0].string, "resolver");
        assert_int_equal(kit->finding[0].evidence[0].offset, kit->at - 6); /* the last one: call, ret */
        free(kit);
}

/* `count` IRELATIVE relocations without addends, of `different` resolvers that all do nothing but return. */
static void make_many(struct kit *kit, unsigned count, unsigned different)
{
        const uint64_t addends = KIT_CODE + 0x2000, table = KIT_CODE + 0xd000;

        kit_init(kit);
        assert_true(different <= 0x2000 && addends + 8 * different <= table);
        for (unsigned i = 0; i < different; i++) {
                kit_put(kit, addends + 8 * i, 8, KIT_CODE + i);
                kit_ret(kit);
        }
        kit_dynamic(kit, DT_REL, table);
        kit_dynamic(kit, DT_RELSZ, 16 * (uint64_t)count);
        assert_true(table + 16 * (uint64_t)count <= KIT_DATA);
        for (unsigned i = 0; i < count; i++) {
                kit_put(kit, table + 16 * i, 8, addends + 8 * (i % different));
                kit_put(kit, table + 16 * i + 8, 8, R_X86_64_IRELATIVE);
        }
}

/* More resolvers than are followed are an answer that is missing, not a clean one. The same one again is no
 * more. */
static void ifunc_refuses_more_resolvers_than_it_follows(void **state)
{
        struct kit *kit = malloc(sizeof(*kit));

        (void)state;
        assert_non_null(kit);
        make_many(kit, 2000, 2000);
        kit_expect(kit, "fewer", "");
        make_many(kit, MANY, 3);
        kit_expect(kit, "the same again", "");
        make_many(kit, MANY, MANY);
        kit_expect_error(kit, "too many", PN_FAULT_BUDGET, "IFUNC resolvers");
        free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(ifunc_tells_tampering_from_choosing),
                cmocka_unit_test(ifunc_finds_resolvers_of_static_programs),
                cmocka_unit_test(ifunc_shows_where),
                cmocka_unit_test(ifunc_refuses_more_resolvers_than_it_follows),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
