/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>

#include "scanner/engine/detect/sections.h"
#include "scanner/engine/detect/work.h"

static bool is_program(const struct pn_work *work)
{
        return work->input->elf->type == ET_EXEC || work->input->elf->type == ET_DYN;
}

static bool overlap(const struct pn_elf_segment *a, const struct pn_elf_segment *b)
{
        uint64_t distance = a->vaddr <= b->vaddr ? b->vaddr - a->vaddr : a->vaddr - b->vaddr;

        return distance < (a->vaddr <= b->vaddr ? a->mem_bytes : b->mem_bytes);
}

/* Two segments for one address: the one that is mapped later wins, and who reads the first sees other bytes
 * than run. */
int pn_stage_loads_overlap(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        struct pn_image *image = &work->image;

        (void)err;
        if (!is_program(work))
                return 0;
        for (unsigned i = 0; i < image->load_count; i++)
                for (unsigned j = i + 1; j < image->load_count; j++) {
                        if (!overlap(image->load[i], image->load[j]))
                                continue;
                        pn_places_add_file(ret_places, work, "segment", image->load[j]->offset, 16);
                        return 1;
                }
        return 0;
}

/* Machines whose e_entry is not code but a descriptor in data. */
static bool by_descriptor(uint16_t machine)
{
        return machine == EM_PPC64 || machine == EM_IA_64 || machine == EM_PARISC;
}

/* A program that begins outside of its code. */
int pn_stage_entry_outside(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        const struct pn_elf *elf = work->input->elf;

        (void)err;
        if (!is_program(work) || elf->entry == 0 || work->image.load_count == 0 ||
            by_descriptor(elf->machine) || pn_image_flags(&work->image, elf->entry) & PF_X)
                return 0;
        pn_places_add_file(ret_places, work, "header", 0, 32);
        return 1;
}

/* Does a section that is loaded agree with the segment at its address? */
static bool agrees(const struct pn_image *image, const struct pn_section *section)
{
        for (unsigned i = 0; i < image->load_count; i++) {
                const struct pn_elf_segment *load = image->load[i];
                uint64_t inside = section->vaddr - load->vaddr;

                if (inside > load->mem_bytes || section->bytes > load->mem_bytes - inside)
                        continue;
                return section->type == SHT_NOBITS || section->offset == load->offset + inside;
        }
        return false;
}

/* A section table that tells tools of other bytes than those that are loaded. */
int pn_stage_sections_lie(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        struct pn_image_table table;
        struct pn_section section;
        int result;

        if (!is_program(work) || work->image.load_count == 0 || !pn_sections_begin(&work->image, &table))
                return 0;
        while ((result = pn_sections_next(&table, &section, err)) > 0) {
                /* .tbss takes no room of its own; it may lie over what follows */
                if (!(section.flags & SHF_ALLOC) || section.bytes == 0 ||
                    (section.flags & SHF_TLS && section.type == SHT_NOBITS) || agrees(&work->image, &section))
                        continue;
                result = pn_sections_emptied(&work->image, err);
                if (result != 0)
                        return result < 0 ? -1 : 0;
                pn_places_add_file(ret_places, work, "section", table.at - table.entry_bytes,
                                   table.entry_bytes);
                return 1;
        }
        return result;
}
