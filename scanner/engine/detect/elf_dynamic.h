/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_ELF_DYNAMIC_H
#define PN_DETECT_ELF_DYNAMIC_H

/* The dynamic section as ld.so reads it: by the address of the last PT_DYNAMIC, to DT_NULL, the last entry of
 * a tag wins.
 *
 *     dynamic = *(tag value) DT_NULL          names: addresses into DT_STRTAB
 *     symbol = name info other shndx value size   counted by DT_HASH or DT_GNU_HASH, and by what relocations
 * name */

#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/detect/image.h"

#define PN_DYNAMIC_ENTRIES_MAX 16384 /* of PT_DYNAMIC; one for each library and about forty more */
#define PN_DYNAMIC_NEEDED_MAX 1024   /* DT_NEEDED kept; stock files have at most 80 */

struct pn_dynamic {
        bool there;
        uint64_t vaddr; /* of the section */
        uint64_t strtab, strings_bytes, symtab, hash, gnu_hash, flags_1;
        uint64_t soname, runpath, rpath; /* offsets into the strings */
        bool has_strtab, has_symtab, has_hash, has_gnu_hash, has_soname, has_runpath, has_rpath;
        uint64_t rela, rela_bytes, rel, rel_bytes, jmprel, jmprel_bytes, jmprel_type, relr, relr_bytes;
        uint64_t needed[PN_DYNAMIC_NEEDED_MAX];
        unsigned needed_count;
        bool needed_cut;
};

struct pn_symbol {
        uint32_t name;
        uint8_t type, bind;
        uint16_t section; /* SHN_UNDEF: imported */
        uint64_t value, size;
};

/* 0, with `there` false for a file without PT_DYNAMIC; -1 with PN_FAULT_TARGET, or as pn_image_peek(). */
int pn_dynamic_read(struct pn_image *image, struct pn_dynamic *ret, struct pn_err *err);

/* The string at `name` of DT_STRTAB. 1, 0 when there is none, -1 as pn_image_peek(). */
int pn_dynamic_string(struct pn_image *image, const struct pn_dynamic *dynamic, uint64_t name, char *buf,
                      size_t room, bool *ret_cut, struct pn_err *err);

/* How many symbols the hash tables know of. 0 or -1 with PN_FAULT_TARGET, or as pn_image_peek(). */
int pn_dynamic_count_symbols(struct pn_image *image, const struct pn_dynamic *dynamic, uint64_t *ret_count,
                             struct pn_err *err);

unsigned pn_symbol_bytes(const struct pn_image *image);
void pn_symbol_decode(const struct pn_image *image, const uint8_t *entry, struct pn_symbol *ret);

#endif
