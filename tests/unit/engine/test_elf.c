/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/base/view.h"
#include "scanner/engine/elf.h"

#define SIZE 2000
#define PHOFF 64
#define SHOFF 1000
#define SECTIONS 4

/* ---------------------------------------------------------------- a builder for both classes and orders */

struct image {
        uint8_t bytes[SIZE];
        bool is64, big;
};

/* The fields that tests change, by name; where they stand in 32 and in 64 bit files. */
struct place {
        unsigned at32, size32, at64, size64;
};

static const struct place e_type = {16, 2, 16, 2}, e_machine = {18, 2, 18, 2}, e_version = {20, 4, 20, 4},
                          e_entry = {24, 4, 24, 8}, e_phoff = {28, 4, 32, 8}, e_shoff = {32, 4, 40, 8},
                          e_ehsize = {40, 2, 52, 2}, e_phentsize = {42, 2, 54, 2}, e_phnum = {44, 2, 56, 2},
                          e_shentsize = {46, 2, 58, 2}, e_shnum = {48, 2, 60, 2};
static const struct place p_type = {0, 4, 0, 4}, p_flags = {24, 4, 4, 4}, p_offset = {4, 4, 8, 8},
                          p_vaddr = {8, 4, 16, 8}, p_filesz = {16, 4, 32, 8}, p_memsz = {20, 4, 40, 8},
                          p_align = {28, 4, 48, 8};
static const struct place sh_type = {4, 4, 4, 4}, sh_flags = {8, 4, 8, 8}, sh_size = {20, 4, 32, 8},
                          sh_info = {28, 4, 44, 4};

static void put(struct image *image, size_t base, struct place place, uint64_t value)
{
        unsigned at = image->is64 ? place.at64 : place.at32, size = image->is64 ? place.size64 : place.size32;

        for (unsigned i = 0; i < size; i++)
                image->bytes[base + at + i] = (uint8_t)(value >> 8 * (image->big ? size - 1 - i : i));
}

static size_t segment(const struct image *image, unsigned i)
{
        return PHOFF + i * (image->is64 ? 56u : 32u);
}

static size_t section(const struct image *image, unsigned i)
{
        return SHOFF + i * (image->is64 ? 64u : 40u);
}

static void put_segment(struct image *image, unsigned i, uint32_t type, uint64_t offset, uint64_t size)
{
        put(image, segment(image, i), p_type, type);
        put(image, segment(image, i), p_flags, 5);
        put(image, segment(image, i), p_offset, offset);
        put(image, segment(image, i), p_vaddr, 0x10000 + offset);
        put(image, segment(image, i), p_filesz, size);
        put(image, segment(image, i), p_memsz, size + 16);
        put(image, segment(image, i), p_align, 4096);
}

/* A program: an interpreter, code, a dynamic section and a note, and sections whose table ends before the
 * file. */
static void build(struct image *image, bool is64, bool big, uint16_t machine, uint16_t type)
{
        *image = (struct image){.is64 = is64, .big = big};
        memcpy(image->bytes, ELFMAG, SELFMAG);
        image->bytes[EI_CLASS] = is64 ? ELFCLASS64 : ELFCLASS32;
        image->bytes[EI_DATA] = big ? ELFDATA2MSB : ELFDATA2LSB;
        image->bytes[EI_VERSION] = EV_CURRENT;
        put(image, 0, e_type, type);
        put(image, 0, e_machine, machine);
        put(image, 0, e_version, EV_CURRENT);
        put(image, 0, e_entry, 0x12345);
        put(image, 0, e_phoff, PHOFF);
        put(image, 0, e_shoff, SHOFF);
        put(image, 0, e_ehsize, is64 ? 64 : 52);
        put(image, 0, e_phentsize, is64 ? 56 : 32);
        put(image, 0, e_phnum, 4);
        put(image, 0, e_shentsize, is64 ? 64 : 40);
        put(image, 0, e_shnum, SECTIONS);
        put_segment(image, 0, PT_INTERP, 400, 30);
        put_segment(image, 1, PT_LOAD, 0, 600);
        put_segment(image, 2, PT_DYNAMIC, 700, 200);
        put_segment(image, 3, PT_NOTE, 900, 50);
        for (unsigned i = 1; i < SECTIONS; i++) {
                put(image, section(image, i), sh_type, SHT_PROGBITS);
                put(image, section(image, i), sh_flags, SHF_ALLOC);
        }
}

static int open_bytes(const uint8_t *bytes, size_t len, struct pn_elf *elf, struct pn_err *err)
{
        struct pn_view view = {bytes, len};
        struct pn_object object;
        uint8_t *copy = malloc(len ? len : 1);
        int result;

        assert_non_null(copy); /* of its own size, so that reading behind it is seen */
        if (len)
                memcpy(copy, bytes, len);
        view.data = copy;
        *err = (struct pn_err)PN_ERR_INIT;
        pn_object_from_view(&object, &view);
        result = pn_elf_open(&object, elf, err);
        free(copy);
        return result;
}

static const struct {
        const char *name;
        uint16_t machine;
        bool is64, big;
} kinds[] = {
        {"amd64", EM_X86_64, true, false},   {"x32", EM_X86_64, false, false},
        {"i386", EM_386, false, false},      {"arm", EM_ARM, false, false},
        {"armeb", EM_ARM, false, true},      {"arm64", EM_AARCH64, true, false},
        {"s390x", EM_S390, true, true},      {"ppc", EM_PPC, false, true},
        {"ppc64el", EM_PPC64, true, false},  {"mips64", EM_MIPS, true, true},
        {"sparc64", EM_SPARCV9, true, true}, {"riscv", EM_RISCV, true, false},
        {"unknown", 4711, true, false},      {"bpf", EM_BPF, true, false},
};

/* ---------------------------------------------------------------- what is true */

static void every_class_and_order_is_decoded(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                struct image image;
                struct pn_elf elf = {0};
                struct pn_err err;

                build(&image, kinds[i].is64, kinds[i].big, kinds[i].machine, ET_DYN);
                if (open_bytes(image.bytes, SIZE, &elf, &err) < 0)
                        fail_msg("%s: %s", kinds[i].name, err.text);
                assert_int_equal(elf.is64, kinds[i].is64);
                assert_int_equal(elf.big_endian, kinds[i].big);
                assert_int_equal(elf.machine, kinds[i].machine);
                assert_int_equal(elf.type, ET_DYN);
                assert_int_equal(elf.entry, 0x12345);
                assert_int_equal(elf.segments_offset, PHOFF);
                assert_int_equal(elf.sections_offset, SHOFF);
                assert_int_equal(elf.section_count, SECTIONS);
                assert_int_equal(elf.segment_count, 4);
                assert_int_equal(elf.segment[2].type, PT_DYNAMIC);
                assert_int_equal(elf.segment[2].flags, 5);
                assert_int_equal(elf.segment[2].offset, 700);
                assert_int_equal(elf.segment[2].vaddr, 0x10000 + 700);
                assert_int_equal(elf.segment[2].file_bytes, 200);
                assert_int_equal(elf.segment[2].mem_bytes, 216);
                assert_int_equal(elf.segment[2].align, 4096);
                assert_int_equal(elf.extent_bytes, section(&image, SECTIONS));
                pn_elf_clear(&elf);
                assert_null(elf.segment);
        }
}

static void magic_alone_makes_an_elf_file(void **state)
{
        static const struct {
                const char *bytes;
                size_t len;
                bool is;
        } rows[] = {{"\177ELF", 4, true},  {"\177ELFxyz", 7, true}, {"\177EL", 3, false},  {"", 0, false},
                    {"\177elf", 4, false}, {"#!/bin/sh", 9, false}, {"x\177ELF", 5, false}};

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                assert_int_equal(pn_elf_magic((struct pn_view){(const uint8_t *)rows[i].bytes, rows[i].len}),
                                 rows[i].is);
}

/* ---------------------------------------------------------------- one change each */

struct change {
        enum { HEADER, SEGMENT, SECTION, BYTE } where;
        unsigned index;
        const struct place *place;
        uint64_t value;
};

struct row {
        const char *name, *words; /* words: NULL for a file that must pass */
        struct change change[4];
        uint16_t type; /* 0: a program, else instead */
        size_t len;    /* 0: all, else cut to */
        uint64_t extent;
};

static void apply(struct image *image, const struct row *row)
{
        for (size_t i = 0; i < 4; i++) {
                const struct change *change = &row->change[i];

                if (change->where == BYTE)
                        image->bytes[change->index] = (uint8_t)change->value;
                else if (change->place)
                        put(image,
                            change->where == HEADER    ? 0
                            : change->where == SEGMENT ? segment(image, change->index)
                                                       : section(image, change->index),
                            *change->place, change->value);
        }
}

static void run_rows(const struct row *rows, size_t count)
{
        for (size_t i = 0; i < count; i++) {
                for (int kind = 0; kind < 4; kind++) {
                        static const uint16_t machine[4] = {EM_ARM, EM_AARCH64, EM_ARM, EM_AARCH64};
                        struct image image;
                        struct pn_elf elf = {0};
                        struct pn_err err;
                        int result;

                        build(&image, kind & 1, kind & 2, machine[kind],
                              rows[i].type ? rows[i].type : ET_EXEC);
                        apply(&image, &rows[i]);
                        result = open_bytes(image.bytes, rows[i].len ? rows[i].len : SIZE, &elf, &err);
                        if (result != (rows[i].words ? -1 : 0))
                                fail_msg("%s (%d): %s", rows[i].name, kind, result ? err.text : "accepted");
                        if (rows[i].words &&
                            (err.fault != PN_FAULT_TARGET || !strstr(err.text, rows[i].words)))
                                fail_msg("%s (%d): %s: %s", rows[i].name, kind, pn_fault_name(err.fault),
                                         err.text);
                        if (result < 0)
                                assert_null(elf.segment);
                        if (rows[i].extent)
                                assert_int_equal(elf.extent_bytes, rows[i].extent);
                        pn_elf_clear(&elf);
                }
        }
}

static void a_header_that_lies_is_refused(void **state)
{
        static const struct row rows[] = {
                {"empty", "no ELF magic", {{BYTE, 0, NULL, 0}}, 0, 0, 0},
                {"only the magic", "file ends in the ELF header, at 4", {{0}}, 0, 4, 0},
                {"only the ident", "file ends in the ELF header, at 16", {{0}}, 0, 16, 0},
                {"one byte of the header missing", "file ends in the ELF header, at 51", {{0}}, 0, 51, 0},
                {"class 0", "EI_CLASS at 4 is 0", {{BYTE, EI_CLASS, NULL, 0}}, 0, 0, 0},
                {"class 3", "EI_CLASS at 4 is 3", {{BYTE, EI_CLASS, NULL, 3}}, 0, 0, 0},
                {"order 0", "EI_DATA at 5 is 0", {{BYTE, EI_DATA, NULL, 0}}, 0, 0, 0},
                {"order 3", "EI_DATA at 5 is 3", {{BYTE, EI_DATA, NULL, 3}}, 0, 0, 0},
                {"version 0", "e_version at 20 is 0", {{HEADER, 0, &e_version, 0}}, 0, 0, 0},
                {"header size 0", "e_ehsize at ", {{HEADER, 0, &e_ehsize, 0}}, 0, 0, 0},
                {"header size of no class", "e_ehsize at ", {{HEADER, 0, &e_ehsize, 65535}}, 0, 0, 0},
                {"entry size 0", "e_phentsize at ", {{HEADER, 0, &e_phentsize, 0}}, 0, 0, 0},
                {"entry size too large", "e_phentsize at ", {{HEADER, 0, &e_phentsize, 57}}, 0, 0, 0},
                {"entry size 0 in a relocatable",
                 "e_phentsize at ",
                 {{HEADER, 0, &e_phentsize, 0}},
                 ET_REL,
                 0,
                 0},
                {"table one byte too far",
                 "past the end of the file at 2000",
                 {{HEADER, 0, &e_phoff, 1873}},
                 0,
                 0,
                 0},
                {"table behind the file",
                 "past the end of the file at 2000",
                 {{HEADER, 0, &e_phoff, 2001}},
                 0,
                 0,
                 0},
                {"table at the far end",
                 "past the end",
                 {{HEADER, 0, &e_phoff, 0xffffffffffffffff}},
                 0,
                 0,
                 0},
                {"too many entries",
                 "past the end of the file at 2000",
                 {{HEADER, 0, &e_phnum, 65534}},
                 0,
                 0,
                 0},
                {"table of a relocatable", "past the end", {{HEADER, 0, &e_phoff, 2001}}, ET_REL, 0, 0},
                {"table of a core file", "past the end", {{HEADER, 0, &e_phoff, 2001}}, ET_CORE, 0, 0},
                {"extended, no sections",
                 "no section 0 at 0",
                 {{HEADER, 0, &e_phnum, 65535}, {HEADER, 0, &e_shoff, 0}},
                 0,
                 0,
                 0},
                {"extended, sections behind the file",
                 "no section 0 at 1990",
                 {{HEADER, 0, &e_phnum, 65535}, {HEADER, 0, &e_shoff, 1990}},
                 0,
                 0,
                 0},
                {"extended, section size lies",
                 "no section 0 at 1000",
                 {{HEADER, 0, &e_phnum, 65535}, {HEADER, 0, &e_shentsize, 8}},
                 0,
                 0,
                 0},
                {"extended, but few",
                 "sh_info of section 0 at 1000 is 4",
                 {{HEADER, 0, &e_phnum, 65535}, {SECTION, 0, &sh_info, 4}},
                 0,
                 0,
                 0},
                {"extended, but none",
                 "sh_info of section 0 at 1000 is 0",
                 {{HEADER, 0, &e_phnum, 65535}},
                 0,
                 0,
                 0},
                {"extended, more than we take",
                 "is 65536",
                 {{HEADER, 0, &e_phnum, 65535}, {SECTION, 0, &sh_info, 65536}},
                 0,
                 0,
                 0},
                {"extended, endless",
                 "is 4294967295",
                 {{HEADER, 0, &e_phnum, 65535}, {SECTION, 0, &sh_info, 0xffffffff}},
                 0,
                 0,
                 0},
                {"extended, more than the file",
                 "65535 program headers at 64 reach past",
                 {{HEADER, 0, &e_phnum, 65535}, {SECTION, 0, &sh_info, 65535}},
                 0,
                 0,
                 0},
        };

        (void)state;
        run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void a_segment_that_lies_is_refused(void **state)
{
        static const struct row rows[] = {
                {"load past the end",
                 "PT_LOAD 1 of 2001 bytes at 0 reaches past the end of the file at 2000",
                 {{SEGMENT, 1, &p_filesz, 2001}},
                 0,
                 0,
                 0},
                {"load behind the end", "PT_LOAD 1", {{SEGMENT, 1, &p_offset, 2001}}, 0, 0, 0},
                {"load that wraps round",
                 "PT_LOAD 1",
                 {{SEGMENT, 1, &p_offset, 16}, {SEGMENT, 1, &p_filesz, 0xfffffffffffffff8}},
                 0,
                 0,
                 0},
                {"offset that wraps round",
                 "PT_LOAD 1",
                 {{SEGMENT, 1, &p_offset, 0xfffffffffffffff0}},
                 0,
                 0,
                 0},
                {"dynamic past the end", "PT_DYNAMIC 2", {{SEGMENT, 2, &p_offset, 1801}}, 0, 0, 0},
                {"interpreter past the end", "PT_INTERP 0", {{SEGMENT, 0, &p_offset, 1971}}, 0, 0, 0},
                {"library too", "PT_LOAD 1", {{SEGMENT, 1, &p_filesz, 2001}}, ET_DYN, 0, 0},
                {"cut short",
                 "PT_DYNAMIC 2 of 200 bytes at 700 reaches past the end of the file at 899",
                 {{0}},
                 0,
                 899,
                 0},
                {"cut in the table", "past the end of the file at 100", {{0}}, 0, 100, 0},
                /* a program that calls itself a debug file but still has bytes to run */
                {"one section emptied",
                 "PT_LOAD 1",
                 {{SEGMENT, 1, &p_filesz, 2001}, {SECTION, 1, &sh_type, SHT_NOBITS}},
                 0,
                 0,
                 0},
                {"no section is allocated",
                 "PT_LOAD 1",
                 {{SEGMENT, 1, &p_filesz, 2001},
                  {SECTION, 1, &sh_flags, 0},
                  {SECTION, 2, &sh_flags, 0},
                  {SECTION, 3, &sh_flags, 0}},
                 0,
                 0,
                 0},
                {"no sections",
                 "PT_LOAD 1",
                 {{SEGMENT, 1, &p_filesz, 2001}, {HEADER, 0, &e_shnum, 0}},
                 0,
                 0,
                 0},
                {"sections behind the file",
                 "PT_LOAD 1",
                 {{SEGMENT, 1, &p_filesz, 2001}, {HEADER, 0, &e_shoff, 1990}},
                 0,
                 0,
                 0},
        };

        (void)state;
        run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

static void what_nobody_reads_is_not_held_against_a_file(void **state)
{
        static const struct row rows[] = {
                {"as built", NULL, {{0}}, 0, 0, 0},
                {"table near the end",
                 NULL,
                 {{HEADER, 0, &e_phnum, 1}, {HEADER, 0, &e_phoff, 1944}},
                 0,
                 0,
                 0},
                {"load to the last byte", NULL, {{SEGMENT, 1, &p_filesz, 2000}}, 0, 0, 2000},
                {"nothing but memory, far away",
                 NULL,
                 {{SEGMENT, 1, &p_filesz, 0}, {SEGMENT, 1, &p_offset, 1 << 30}},
                 0,
                 0,
                 0},
                {"note past the end", NULL, {{SEGMENT, 3, &p_filesz, 5000}}, 0, 0, 0},
                {"sections behind the file", NULL, {{HEADER, 0, &e_shoff, 5000}}, 0, 0, 950},
                {"section size lies", NULL, {{HEADER, 0, &e_shentsize, 3}}, 0, 0, 0},
                {"endless sections",
                 NULL,
                 {{HEADER, 0, &e_shnum, 0}, {SECTION, 0, &sh_size, 0xffffffff}},
                 0,
                 0,
                 950},
                {"relocatable", NULL, {{SEGMENT, 1, &p_filesz, 2001}}, ET_REL, 0, 0},
                {"core file cut by a limit", NULL, {{SEGMENT, 1, &p_filesz, 1 << 20}}, ET_CORE, 0, 0},
                {"no segments, no entry size",
                 NULL,
                 {{HEADER, 0, &e_phnum, 0}, {HEADER, 0, &e_phentsize, 0}, {HEADER, 0, &e_phoff, 0}},
                 ET_REL,
                 0,
                 0},
                {"no segments, table nowhere",
                 NULL,
                 {{HEADER, 0, &e_phnum, 0}, {HEADER, 0, &e_phoff, 99999}},
                 ET_REL,
                 0,
                 0},
                {"separate debug file",
                 NULL,
                 {{SEGMENT, 1, &p_filesz, 2001},
                  {SECTION, 1, &sh_type, SHT_NOBITS},
                  {SECTION, 2, &sh_type, SHT_NOBITS},
                  {SECTION, 3, &sh_type, SHT_NOTE}},
                 ET_DYN,
                 0,
                 0},
        };

        (void)state;
        run_rows(rows, sizeof(rows) / sizeof(rows[0]));
}

/* The kernel goes by the machine: each of these would run on it while the header says something else. */
static void a_class_or_order_that_the_machine_does_not_have_is_refused(void **state)
{
        static const struct {
                const char *name, *words;
                uint16_t machine;
                bool is64, big, written_big;
        } rows[] = {
                {"amd64 as big endian", "EI_DATA 2 at 5 contradicts machine 62", EM_X86_64, true, true,
                 false},
                {"amd64 written big", "EI_CLASS 2 and EI_DATA 2 at 4 contradict machine 62", EM_X86_64, true,
                 true, true},
                {"arm as big endian", "EI_DATA 2 at 5 contradicts machine 40", EM_ARM, false, true, false},
                {"s390 as little endian", "EI_DATA 1 at 5 contradicts machine 22", EM_S390, true, false,
                 true},
                {"i386 with 64 bits", "contradict machine 3", EM_386, true, false, false},
                {"ppc64 with 32 bits", "contradict machine 21", EM_PPC64, false, true, true},
                {"riscv big endian", "contradict machine 243", EM_RISCV, true, true, true},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct image image;
                struct pn_elf elf = {0};
                struct pn_err err;

                build(&image, rows[i].is64, rows[i].written_big, rows[i].machine, ET_EXEC);
                image.bytes[EI_DATA] = rows[i].big ? ELFDATA2MSB : ELFDATA2LSB;
                if (open_bytes(image.bytes, SIZE, &elf, &err) == 0)
                        fail_msg("%s: accepted", rows[i].name);
                if (err.fault != PN_FAULT_TARGET || !strstr(err.text, rows[i].words))
                        fail_msg("%s: %s", rows[i].name, err.text);
        }
}

/* EI_CLASS says 32 bits, everything else is a 64 bit program. */
static void a_lying_class_is_refused_by_its_entry_sizes(void **state)
{
        struct image image;
        struct pn_elf elf = {0};
        struct pn_err err;

        (void)state;
        build(&image, true, false, EM_X86_64, ET_EXEC);
        image.bytes[EI_CLASS] = ELFCLASS32;
        assert_int_equal(open_bytes(image.bytes, SIZE, &elf, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
        build(&image, false, false, EM_AARCH64, ET_EXEC);
        image.bytes[EI_CLASS] = ELFCLASS64;
        assert_int_equal(open_bytes(image.bytes, SIZE, &elf, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
}

static void every_cut_of_a_program_is_refused_or_harmless(void **state)
{
        struct image image;

        (void)state;
        build(&image, true, false, EM_X86_64, ET_DYN);
        for (size_t len = 0; len < SIZE; len++) {
                struct pn_elf elf = {0};
                struct pn_err err;
                int result = open_bytes(image.bytes, len, &elf, &err);

                assert_int_equal(result, len < 900 ? -1 : 0); /* PT_DYNAMIC ends there */
                if (result < 0)
                        assert_int_equal(err.fault, PN_FAULT_TARGET);
                else
                        assert_true(elf.extent_bytes <= len);
                pn_elf_clear(&elf);
        }
}

/* ---------------------------------------------------------------- files that fail */

struct broken {
        const uint8_t *bytes;
        size_t len, fails_from;
};

static ssize_t broken_read_at(void *from, void *buf, size_t len, uint64_t offset)
{
        const struct broken *broken = from;

        if (offset + len > broken->fails_from && offset > 0) {
                errno = EIO;
                return -1;
        }
        if (offset >= broken->len)
                return 0;
        if (len > broken->len - offset)
                len = broken->len - (size_t)offset;
        memcpy(buf, broken->bytes + offset, len);
        return (ssize_t)len;
}

static void reading_that_fails_is_the_hosts_fault(void **state)
{
        struct image image;
        struct broken broken = {image.bytes, SIZE, 0};
        struct pn_object object = {SIZE, &broken, broken_read_at, NULL};
        struct pn_elf elf = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        build(&image, true, false, EM_X86_64, ET_DYN);
        assert_int_equal(pn_elf_open(&object, &elf, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_int_equal(err.code, EIO);
        put_segment(&image, 1, PT_LOAD, 0, 2001); /* now the section table is looked at */
        broken.fails_from = 900;
        assert_int_equal(pn_elf_open(&object, &elf, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        broken.fails_from = SIZE;
        assert_int_equal(pn_elf_open(&object, &elf, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
}

/* st_size said more than there is. */
static void a_file_that_shrank_is_refused(void **state)
{
        struct image image;
        struct broken broken = {image.bytes, 200, SIZE};
        struct pn_object object = {SIZE, &broken, broken_read_at, NULL};
        struct pn_elf elf = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        build(&image, true, false, EM_X86_64, ET_DYN);
        assert_int_equal(pn_elf_open(&object, &elf, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
        assert_string_equal(err.text, "file ended at 200 of 2000 bytes");
        broken.len = 0;
        assert_int_equal(pn_elf_open(&object, &elf, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
}

/* A core file of a process with very many mappings: the count does not fit into e_phnum. */
static void the_largest_table_is_read(void **state)
{
        size_t len = 64 + 64 + 65535u * 56;
        uint8_t *bytes = calloc(1, len);
        struct image image;
        struct pn_elf elf = {0};
        struct pn_err err;

        (void)state;
        assert_non_null(bytes);
        build(&image, true, false, EM_X86_64, ET_CORE);
        put(&image, 0, e_phnum, PN_XNUM);
        put(&image, 0, e_phoff, 128);
        put(&image, 0, e_shoff, 64);
        put(&image, 0, e_shnum, 1);
        memset(image.bytes + 64, 0, 64);
        put(&image, 64, sh_info, 65535);
        memcpy(bytes, image.bytes, 128);
        bytes[len - 56] = PT_NOTE;
        if (open_bytes(bytes, len, &elf, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(elf.segment_count, 65535);
        assert_int_equal(elf.segment[65534].type, PT_NOTE);
        pn_elf_clear(&elf);
        assert_int_equal(open_bytes(bytes, len - 1, &elf, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
        free(bytes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_class_and_order_is_decoded),
                cmocka_unit_test(magic_alone_makes_an_elf_file),
                cmocka_unit_test(a_header_that_lies_is_refused),
                cmocka_unit_test(a_segment_that_lies_is_refused),
                cmocka_unit_test(what_nobody_reads_is_not_held_against_a_file),
                cmocka_unit_test(a_class_or_order_that_the_machine_does_not_have_is_refused),
                cmocka_unit_test(a_lying_class_is_refused_by_its_entry_sizes),
                cmocka_unit_test(every_cut_of_a_program_is_refused_or_harmless),
                cmocka_unit_test(reading_that_fails_is_the_hosts_fault),
                cmocka_unit_test(a_file_that_shrank_is_refused),
                cmocka_unit_test(the_largest_table_is_read),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
