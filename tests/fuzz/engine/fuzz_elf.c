/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <stdlib.h>

#include "scanner/base/view.h"
#include "scanner/engine/elf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

/* What pn_elf_open() promises of a file it took. */
static void check(const struct pn_elf *elf, size_t size)
{
        uint64_t entry_bytes = elf->is64 ? 56 : 32;

        require(elf->segment_count <= PN_ELF_SEGMENTS_MAX);
        require(elf->extent_bytes >= (elf->is64 ? 64 : 52) && elf->extent_bytes <= size);
        require((elf->segment_count == 0) == (elf->segment == NULL));
        if (elf->segment_count > 0)
                require(elf->segments_offset <= size &&
                        (size - elf->segments_offset) / entry_bytes >= elf->segment_count);
        for (uint32_t i = 0; i < elf->segment_count; i++)
                if (!elf->is64)
                        require(elf->segment[i].offset <= UINT32_MAX &&
                                elf->segment[i].file_bytes <= UINT32_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct pn_view view = {data, size};
        struct pn_object object;
        struct pn_elf elf = {0};
        struct pn_err err = PN_ERR_INIT;

        pn_object_from_view(&object, &view);
        if (pn_elf_open(&object, &elf, &err) == 0) {
                require(pn_elf_magic(view));
                check(&elf, size);
        } else {
                require(err.fault == PN_FAULT_TARGET && err.text[0] != '\0' && elf.segment == NULL);
        }
        pn_elf_clear(&elf);
        return 0;
}
