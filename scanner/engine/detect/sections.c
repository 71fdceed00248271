/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/sections.h"

#include <elf.h>

bool pn_sections_begin(struct pn_image *image, struct pn_image_table *ret)
{
        const struct pn_elf *elf = image->elf;
        unsigned each = elf->is64 ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
        uint64_t all = (uint64_t)elf->section_count * each;

        *ret = (struct pn_image_table){
                .image = image, .in_file = true, .at = elf->sections_offset, .entry_bytes = each};
        if (elf->section_count == 0 || elf->section_count > PN_ELF_SECTIONS_MAX ||
            elf->sections_offset == 0 || all > image->file->size_bytes ||
            elf->sections_offset > image->file->size_bytes - all)
                return false;
        ret->left = elf->section_count;
        return true;
}

int pn_sections_next(struct pn_image_table *table, struct pn_section *ret, struct pn_err *err)
{
        const struct pn_image *image = table->image;
        unsigned word = image->elf->is64 ? 8 : 4;
        const uint8_t *entry;
        int result = pn_image_next(table, &entry, err);

        if (result <= 0)
                return result;
        /* name type | flags vaddr offset bytes | link info | align entry_bytes: numbers of 4, word, 4 and
         * word bytes */
        ret->name = (uint32_t)pn_image_uint(image, entry, 4);
        ret->type = (uint32_t)pn_image_uint(image, entry + 4, 4);
        ret->flags = pn_image_uint(image, entry + 8, word);
        ret->vaddr = pn_image_uint(image, entry + 8 + word, word);
        ret->offset = pn_image_uint(image, entry + 8 + 2 * word, word);
        ret->bytes = pn_image_uint(image, entry + 8 + 3 * word, word);
        ret->link = (uint32_t)pn_image_uint(image, entry + 8 + 4 * word, 4);
        ret->info = (uint32_t)pn_image_uint(image, entry + 12 + 4 * word, 4);
        ret->entry_bytes = pn_image_uint(image, entry + 16 + 5 * word, word);
        return 1;
}

int pn_sections_emptied(struct pn_image *image, struct pn_err *err)
{
        struct pn_image_table table;
        struct pn_section section;
        bool emptied = false;
        int result;

        if (!pn_sections_begin(image, &table))
                return 0;
        while ((result = pn_sections_next(&table, &section, err)) > 0) {
                if (!(section.flags & SHF_ALLOC) || section.type == SHT_NOTE)
                        continue;
                if (section.type != SHT_NOBITS)
                        return 0;
                emptied = true;
        }
        return result < 0 ? -1 : emptied;
}
