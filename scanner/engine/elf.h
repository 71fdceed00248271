/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_ELF_H
#define PN_ENGINE_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/base/view.h"
#include "scanner/engine/object.h"

#define PN_ELF_SEGMENTS_MAX 65535 /* program headers: e_phnum, or sh_info of section 0 for PN_XNUM (elf(5)) */
#define PN_ELF_SECTIONS_MAX 65535 /* sections looked at to know a debug file; each is one small read */

struct pn_elf_segment {
        uint32_t type, flags;
        uint64_t offset, vaddr, file_bytes, mem_bytes, align;
};

/* The ELF header and the program headers, decoded once into native numbers: 32 and 64 bit, both byte orders. */
struct pn_elf {
        bool is64, big_endian;
        uint16_t type, machine;
        uint64_t entry;
        uint64_t segments_offset, sections_offset;
        uint32_t segment_count, section_count;
        struct pn_elf_segment *segment; /* owned */
        uint64_t extent_bytes; /* end of the last byte that a header or a segment claims; what is behind it in the
                                  file is an overlay */
};

/* Is this the head of an ELF file (0x7f "ELF")? By magic alone, never by name or mode. */
bool pn_elf_magic(struct pn_view head);

/* Decodes the headers of `file` as the kernel (fs/binfmt_elf.c) and ld.so look at them, and checks that they are
 * true: class, byte order, version and entry sizes that fit each other and the machine, the program header table
 * inside the file, PT_LOAD, PT_DYNAMIC and PT_INTERP of executables and libraries inside the file. What neither
 * of them reads (the section table of a stripped file, the segments of a separate debug file) is not held
 * against a file. The table may lie anywhere in the file.
 * Returns 0 with *ret to be cleared by pn_elf_clear(); or -1 with PN_FAULT_TARGET when the file lies or is cut
 * short (the text says what and at which offset), PN_FAULT_HOST with errno when reading failed, or
 * PN_FAULT_BUDGET when memory ran out. */
int pn_elf_open(const struct pn_object *file, struct pn_elf *ret, struct pn_err *err);
void pn_elf_clear(struct pn_elf *elf);

#endif
