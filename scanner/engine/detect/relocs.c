/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/relocs.h"

#include <elf.h>
#include <inttypes.h>

#include "scanner/engine/detect/sections.h"

#define HEAD_BYTES                                                                                           \
        65536U /* of a segment: notes and .rela.plt of static programs lie there; glibc's has 24 entries */

/* One table: RELA (with addends) or REL. */
struct table {
        uint64_t at, bytes;
        bool rela, in_file;
};

struct walk {
        struct pn_image *image;
        bool relative;
        pn_reloc_tell *tell;
        void *ctx;
        struct pn_err *err;
};

static enum pn_reloc_kind kind_of(uint32_t type)
{
        switch (type) {
        case R_X86_64_RELATIVE:
        case 38: /* R_X86_64_RELATIVE64, x32 */
                return PN_RELOC_RELATIVE;
        case R_X86_64_IRELATIVE:
                return PN_RELOC_IRELATIVE;
        case R_X86_64_64:
        case R_X86_64_32:
        case R_X86_64_GLOB_DAT:
        case R_X86_64_JUMP_SLOT:
                return PN_RELOC_SYMBOL;
        case R_X86_64_DTPMOD64:
        case R_X86_64_DTPOFF64:
                return PN_RELOC_TLS;
        default:
                return PN_RELOC_OTHER;
        }
}

static void decode(struct pn_image *image, const uint8_t *entry, bool rela, struct pn_reloc *ret)
{
        unsigned word = image->elf->is64 ? 8 : 4;
        uint64_t info = pn_image_uint(image, entry + word, word);

        ret->slot = pn_image_uint(image, entry, word);
        ret->kind = kind_of(image->elf->is64 ? (uint32_t)info : (uint8_t)info);
        ret->symbol = (uint32_t)(info >> (image->elf->is64 ? 32 : 8));
        ret->value = rela ? pn_image_uint(image, entry + 2 * (size_t)word, word) : 0;
}

/* By the first byte of `info`: its type, in a little-endian file whose types are all below 256. */
static bool is_relative(const uint8_t *info, unsigned word)
{
        return info[0] == R_X86_64_RELATIVE && (word == 4 || (info[1] | info[2] | info[3]) == 0);
}

/* Without an addend of its own the entry takes what stands in its slot. */
static int take_addend(struct pn_image *image, struct pn_reloc *reloc, struct pn_err *err)
{
        unsigned word = image->elf->is64 ? 8 : 4;
        uint8_t bytes[8];
        int result;

        if (reloc->kind != PN_RELOC_RELATIVE && reloc->kind != PN_RELOC_IRELATIVE)
                return 0;
        result = pn_image_mem(image, reloc->slot, bytes, word, err);
        reloc->value = result > 0 ? pn_image_uint(image, bytes, word) : 0;
        return result < 0 ? -1 : 0;
}

static int each_of_table(const struct walk *walk, struct table where)
{
        unsigned word = walk->image->elf->is64 ? 8 : 4;
        struct pn_image_table table = {.image = walk->image, .in_file = where.in_file, .at = where.at};
        const uint8_t *entry;
        int result;

        table.entry_bytes = (where.rela ? 3 : 2) * word;
        table.left = where.bytes / table.entry_bytes;
        if (where.bytes > walk->image->file->size_bytes)
                return pn_err_set(walk->err, PN_FAULT_TARGET, 0,
                                  "relocations of %" PRIu64 " bytes at %s %" PRIu64 " in a file of %" PRIu64,
                                  where.bytes, where.in_file ? "offset" : "address", where.at,
                                  walk->image->file->size_bytes);
        while ((result = pn_image_next(&table, &entry, walk->err)) > 0) {
                struct pn_reloc reloc;

                if (!walk->relative && is_relative(entry + word, word))
                        continue;
                decode(walk->image, entry, where.rela, &reloc);
                if (!where.rela && take_addend(walk->image, &reloc, walk->err) < 0)
                        return -1;
                walk->tell(walk->ctx, &reloc);
        }
        return result < 0 ? pn_err_wrap(walk->err, "relocations") : 0;
}

/* ---------------------------------------------------------------- RELR */

static int tell_packed(const struct walk *walk, uint64_t slot)
{
        struct pn_reloc reloc = {.kind = PN_RELOC_RELATIVE, .slot = slot};

        if (take_addend(walk->image, &reloc, walk->err) < 0)
                return -1;
        walk->tell(walk->ctx, &reloc);
        return 0;
}

/* An even word is a slot; an odd one says by a bit each which of the next 63 (31) slots are meant. */
static int each_packed(const struct walk *walk, uint64_t vaddr, uint64_t bytes)
{
        unsigned word = walk->image->elf->is64 ? 8 : 4;
        struct pn_image_table table = {
                .image = walk->image, .at = vaddr, .entry_bytes = word, .left = bytes / word};
        uint64_t base = 0;
        const uint8_t *entry;
        int result;

        if (bytes > walk->image->file->size_bytes)
                return pn_err_set(walk->err, PN_FAULT_TARGET, 0, "DT_RELR of %" PRIu64 " bytes", bytes);
        while ((result = pn_image_next(&table, &entry, walk->err)) > 0) {
                uint64_t value = pn_image_uint(walk->image, entry, word);

                if (!(value & 1)) {
                        base = value + word;
                        if (tell_packed(walk, value) < 0)
                                return -1;
                        continue;
                }
                for (unsigned bit = 1; bit < 8 * word; bit++)
                        if (value >> bit & 1 && tell_packed(walk, base + (bit - 1) * (uint64_t)word) < 0)
                                return -1;
                base += (8 * word - 1) * (uint64_t)word;
        }
        return result < 0 ? pn_err_wrap(walk->err, "DT_RELR") : 0;
}

/* ---------------------------------------------------------------- without PT_DYNAMIC */

static int each_of_sections(const struct walk *walk)
{
        struct pn_image_table table;
        struct pn_section section;
        int result;

        if (!pn_sections_begin(walk->image, &table))
                return 0;
        while ((result = pn_sections_next(&table, &section, walk->err)) > 0) {
                struct table where = {section.offset, section.bytes, section.type == SHT_RELA, true};

                if ((section.type != SHT_RELA && section.type != SHT_REL) || !(section.flags & SHF_ALLOC) ||
                    section.bytes > walk->image->file->size_bytes ||
                    section.offset > walk->image->file->size_bytes - section.bytes)
                        continue; /* the start code does not read the section table: a lie there hides nothing
                                     below */
                if (each_of_table(walk, where) < 0)
                        return -1;
        }
        return result;
}

/* 24 bytes that can hardly be anything else: R_X86_64_IRELATIVE without a symbol, a slot that may be written,
 * a resolver in code. */
static bool looks_irelative(const struct pn_image *image, const struct pn_reloc *reloc)
{
        return reloc->kind == PN_RELOC_IRELATIVE && reloc->symbol == 0 &&
               pn_image_flags(image, reloc->slot) & PF_W && pn_image_flags(image, reloc->value) & PF_X;
}

static int each_of_head(const struct walk *walk, const struct pn_elf_segment *load)
{
        unsigned word = walk->image->elf->is64 ? 8 : 4;
        uint64_t bytes = load->file_bytes < HEAD_BYTES ? load->file_bytes : HEAD_BYTES;

        for (uint64_t at = 0; at + 3 * (uint64_t)word <= bytes; at += word) {
                uint8_t entry[24];
                const uint8_t *direct;
                size_t there;
                struct pn_reloc reloc;
                int result = pn_image_peek(walk->image, load->offset + at, &direct, &there, walk->err);

                if (result > 0 && there < 3 * (size_t)word) {
                        result = pn_image_file(walk->image, load->offset + at, entry, 3 * (size_t)word,
                                               walk->err);
                        direct = entry;
                }
                if (result <= 0)
                        return result;
                if (direct[word] != R_X86_64_IRELATIVE)
                        continue;
                decode(walk->image, direct, true, &reloc);
                if (looks_irelative(walk->image, &reloc))
                        walk->tell(walk->ctx, &reloc);
        }
        return 0;
}

int pn_relocs_each(struct pn_image *image, const struct pn_dynamic *dynamic, bool relative,
                   pn_reloc_tell *tell, void *ctx, struct pn_err *err)
{
        struct walk walk = {image, relative, tell, ctx, err};
        const struct table tables[] = {
                {dynamic->rela, dynamic->rela_bytes, true, false},
                {dynamic->rel, dynamic->rel_bytes, false, false},
                {dynamic->jmprel, dynamic->jmprel_bytes, dynamic->jmprel_type != DT_REL, false},
        };

        if (dynamic->there) {
                for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
                        if (each_of_table(&walk, tables[i]) < 0)
                                return -1;
                return relative ? each_packed(&walk, dynamic->relr, dynamic->relr_bytes) : 0;
        }
        for (unsigned i = 0; i < image->load_count; i++)
                if (!(image->load[i]->flags & PF_W) && each_of_head(&walk, image->load[i]) < 0)
                        return -1;
        return each_of_sections(&walk);
}
