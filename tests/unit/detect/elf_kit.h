/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_ELF_KIT_H
#define PN_TEST_ELF_KIT_H

/* ELF files made in memory for the detectors' tests: x86-64, 64 bit, two segments, a dynamic section, and
 * code written byte by byte. Nothing of it is ever run.
 *
 *     offset      address
 *     0           0         ELF header, program headers, symbols, strings, relocations, hash, frames: R+X
 *     0x1000      0x1000    code
 *     KIT_DATA    +0x1000   dynamic section, slots (at KIT_SLOTS), variables (at KIT_VARIABLES): R+W, then
 * zeros */

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/base/view.h"
#include "scanner/engine/detect/stages.h"

#define KIT_CODE 0x1000U
#define KIT_DATA 0x20000U
#define KIT_BYTES 0x22000U
#define KIT_SLOTS (KIT_DATA + 0x1000U + 0x800U)
#define KIT_VARIABLES (KIT_DATA + 0x1000U + 0x1000U)
#define KIT_ZEROS (KIT_DATA + 0x1000U + 0x2000U)
#define KIT_SYMBOLS 0x240U
#define KIT_STRINGS 0x900U
#define KIT_RELOCS 0xb00U
#define KIT_HASH 0xd00U
#define KIT_PACKED 0xe00U
#define KIT_FRAMES 0xf00U
#define KIT_FOUND_MAX 16

struct kit {
        uint8_t bytes[KIT_BYTES];
        size_t size;
        const char *path; /* what the file is called below the root */
        unsigned segments, symbols, relocs, dynamics;
        uint32_t strings;
        uint32_t at;     /* where the next code goes */
        uint32_t hashed; /* symbols that DT_HASH counts, 0: all */
        bool finished;

        int result;
        struct pn_err err;
        struct pn_stage_links links;
        char found[KIT_FOUND_MAX][PN_RULE_ID_MAX];
        struct pn_finding finding[KIT_FOUND_MAX];
        unsigned found_count;
        int sink_says;
};

static inline void kit_put(struct kit *kit, size_t at, unsigned size, uint64_t value)
{
        for (unsigned i = 0; i < size; i++)
                kit->bytes[at + i] = (uint8_t)(value >> 8 * i);
}

static inline size_t kit_segment(struct kit *kit, uint32_t type, uint32_t flags, uint64_t offset,
                                 uint64_t vaddr, uint64_t file_bytes, uint64_t mem_bytes)
{
        size_t at = 64 + 56 * (size_t)kit->segments++;

        kit_put(kit, at, 4, type);
        kit_put(kit, at + 4, 4, flags);
        kit_put(kit, at + 8, 8, offset);
        kit_put(kit, at + 16, 8, vaddr);
        kit_put(kit, at + 32, 8, file_bytes);
        kit_put(kit, at + 40, 8, mem_bytes);
        kit_put(kit, at + 48, 8, 0x1000);
        return at;
}

/* A library with two segments and nothing in it. */
static inline void kit_init(struct kit *kit)
{
        memset(kit, 0, sizeof(*kit));
        kit->size = KIT_BYTES;
        kit->path = "usr/lib/libkit.so.1";
        kit->at = KIT_CODE;
        kit->strings = 1;
        kit->symbols = 1;
        memcpy(kit->bytes, ELFMAG, SELFMAG);
        kit->bytes[EI_CLASS] = ELFCLASS64;
        kit->bytes[EI_DATA] = ELFDATA2LSB;
        kit->bytes[EI_VERSION] = EV_CURRENT;
        kit_put(kit, 16, 2, ET_DYN);
        kit_put(kit, 18, 2, EM_X86_64);
        kit_put(kit, 20, 4, EV_CURRENT);
        kit_put(kit, 32, 8, 64);
        kit_put(kit, 52, 2, 64);
        kit_put(kit, 54, 2, 56);
        kit_put(kit, 58, 2, 64);
        (void)kit_segment(kit, PT_LOAD, PF_R | PF_X, 0, 0, KIT_DATA, KIT_DATA);
        (void)kit_segment(kit, PT_LOAD, PF_R | PF_W, KIT_DATA, KIT_DATA + 0x1000, KIT_BYTES - KIT_DATA,
                          0x3000);
}

static inline uint32_t kit_string(struct kit *kit, const char *word)
{
        uint32_t at = kit->strings;

        assert_true(KIT_STRINGS + at + strlen(word) + 1 <= KIT_RELOCS);
        memcpy(kit->bytes + KIT_STRINGS + at, word, strlen(word) + 1);
        kit->strings += (uint32_t)strlen(word) + 1;
        return at;
}

static inline void kit_dynamic(struct kit *kit, int64_t tag, uint64_t value)
{
        kit_put(kit, KIT_DATA + 16 * (size_t)kit->dynamics, 8, (uint64_t)tag);
        kit_put(kit, KIT_DATA + 16 * (size_t)kit->dynamics++ + 8, 8, value);
}

/* A symbol; `value` 0 imports it. Returns its index. */
static inline unsigned kit_symbol(struct kit *kit, const char *word, unsigned type, uint64_t value)
{
        size_t at = KIT_SYMBOLS + 24 * (size_t)kit->symbols;

        assert_true(at + 24 <= KIT_STRINGS);
        kit_put(kit, at, 4, kit_string(kit, word));
        kit_put(kit, at + 4, 1, ELF64_ST_INFO(STB_GLOBAL, type));
        kit_put(kit, at + 6, 2, value ? 1 : SHN_UNDEF);
        kit_put(kit, at + 8, 8, value);
        return kit->symbols++;
}

static inline void kit_reloc(struct kit *kit, uint64_t slot, uint32_t type, uint32_t symbol, uint64_t addend)
{
        size_t at = KIT_RELOCS + 24 * (size_t)kit->relocs++;

        assert_true(at + 24 <= KIT_HASH);
        kit_put(kit, at, 8, slot);
        kit_put(kit, at + 8, 8, ELF64_R_INFO((uint64_t)symbol, type));
        kit_put(kit, at + 16, 8, addend);
}

/* The n-th slot of the GOT. */
static inline uint64_t kit_slot(unsigned n)
{
        return KIT_SLOTS + 8 * (uint64_t)n;
}

/* ---------------------------------------------------------------- code */

#define KIT_BYTES_OF(text) text, sizeof(text) - 1

static inline void kit_code(struct kit *kit, const char *bytes, size_t len)
{
        assert_true(kit->at + len <= KIT_DATA);
        memcpy(kit->bytes + kit->at, bytes, len);
        kit->at += (uint32_t)len;
}

/* An instruction that ends in the distance to `target`. */
static inline void kit_code_to(struct kit *kit, const char *bytes, size_t len, uint64_t target)
{
        kit_code(kit, bytes, len);
        kit_put(kit, kit->at, 4, target - (kit->at + 4));
        kit->at += 4;
}

#define kit_call(kit, target) kit_code_to(kit, "\xe8", 1, target)
#define kit_jump(kit, target) kit_code_to(kit, "\xe9", 1, target)
#define kit_jump_if(kit, target) kit_code_to(kit, "\x0f\x84", 2, target)
#define kit_call_slot(kit, slot) kit_code_to(kit, "\xff\x15", 2, slot)
#define kit_jump_slot(kit, slot) kit_code_to(kit, "\xff\x25", 2, slot)
#define kit_lea(kit, target) kit_code_to(kit, "\x48\x8d\x05", 3, target) /* rax */
#define kit_load(kit, slot) kit_code_to(kit, "\x48\x8b\x05", 3, slot)    /* rax */
#define kit_store(kit, slot) kit_code_to(kit, "\x48\x89\x05", 3, slot)   /* rax */
#define kit_ret(kit) kit_code(kit, "\xc3", 1)

/* lea rax, f; ret: what a resolver is. */
static inline uint32_t kit_resolver(struct kit *kit)
{
        uint32_t at = kit->at;

        kit_lea(kit, at);
        kit_ret(kit);
        return at;
}

/* ---------------------------------------------------------------- a file, and what is found in it */

static inline void kit_finish(struct kit *kit)
{
        if (kit->finished)
                return;
        kit->finished = true;
        kit_dynamic(kit, DT_SYMTAB, KIT_SYMBOLS);
        kit_dynamic(kit, DT_STRTAB, KIT_STRINGS);
        kit_dynamic(kit, DT_STRSZ, kit->strings);
        kit_dynamic(kit, DT_HASH, KIT_HASH);
        kit_put(kit, KIT_HASH + 4, 4, kit->hashed ? kit->hashed : kit->symbols);
        if (kit->relocs > 0) {
                kit_dynamic(kit, DT_RELA, KIT_RELOCS);
                kit_dynamic(kit, DT_RELASZ, 24 * (uint64_t)kit->relocs);
        }
        kit_dynamic(kit, DT_NULL, 0);
        (void)kit_segment(kit, PT_DYNAMIC, PF_R | PF_W, KIT_DATA, KIT_DATA + 0x1000,
                          16 * (uint64_t)kit->dynamics, 16 * (uint64_t)kit->dynamics);
        kit_put(kit, 56, 2, kit->segments);
}

static int kit_sink(void *ctx, const struct pn_finding *finding)
{
        struct kit *kit = ctx;

        assert_true(kit->found_count < KIT_FOUND_MAX);
        assert_string_equal(finding->detector, "elf");
        assert_true(finding->title[0] && finding->remedy[0] && finding->source[0]);
        (void)snprintf(kit->found[kit->found_count], PN_RULE_ID_MAX, "%s", finding->rule);
        kit->finding[kit->found_count++] = *finding;
        return kit->sink_says;
}

/* Runs the detectors over the file, which lies in memory of its own size so that reading behind it is seen.
 */
static inline void kit_look(struct kit *kit)
{
        struct pn_view view = {malloc(kit->size), kit->size};
        struct pn_object object;
        struct pn_elf elf;
        struct pn_names *names = malloc(sizeof(*names));
        struct pn_stage_input input = {&object, &elf, names};

        assert_non_null(view.data);
        assert_non_null(names);
        {
                uint8_t *copy;

                memcpy(&copy, &view.data, sizeof(copy));
                memcpy(copy, kit->bytes, kit->size);
        }
        pn_object_from_view(&object, &view);
        pn_names_set(names, kit->path, strlen(kit->path));
        kit->err = (struct pn_err)PN_ERR_INIT;
        kit->found_count = 0;
        memset(&kit->links, 0xff, sizeof(kit->links)); /* nothing is left as it was */
        if (pn_elf_open(&object, &elf, &kit->err) < 0)
                fail_msg("the kit made no ELF file: %s", kit->err.text);
        kit->result = pn_stages_run(&input, kit_sink, kit, &kit->links, &kit->err);
        pn_elf_clear(&elf);
        free(names);
        {
                void *bytes;

                memcpy(&bytes, &view.data, sizeof(bytes));
                free(bytes);
        }
}

static inline bool kit_has(const struct kit *kit, const char *rule)
{
        for (unsigned i = 0; i < kit->found_count; i++)
                if (strcmp(kit->found[i], rule) == 0)
                        return true;
        return false;
}

/* Finds exactly the rules of `want`, a list with blanks, and no error. */
static inline void kit_expect(struct kit *kit, const char *name, const char *want)
{
        char got[KIT_FOUND_MAX * PN_RULE_ID_MAX] = "";

        kit_finish(kit);
        kit_look(kit);
        for (unsigned i = 0; i < kit->found_count; i++) {
                size_t used = strlen(got);

                (void)snprintf(got + used, sizeof(got) - used, "%s%s", i ? " " : "", kit->found[i]);
        }
        if (kit->result != 0)
                fail_msg("%s: %s", name, kit->err.text);
        if (strcmp(got, want) != 0)
                fail_msg("%s: found `%s`, not `%s`", name, got, want);
}

/* Ends with an error of that fault whose text holds `text`. */
static inline void kit_expect_error(struct kit *kit, const char *name, enum pn_fault fault, const char *text)
{
        kit_finish(kit);
        kit_look(kit);
        if (kit->result == 0)
                fail_msg("%s: no error", name);
        if (kit->err.fault != fault || !strstr(kit->err.text, text))
                fail_msg("%s: fault %s, `%s`", name, pn_fault_name(kit->err.fault), kit->err.text);
}

#endif
