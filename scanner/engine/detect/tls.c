/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>

#include "scanner/engine/detect/work.h"

/* __tls_get_addr() is called by compilers, with what a DTPMOD or DTPOFF relocation made. A library that
 * imports it and has neither those nor a TLS segment calls it for another reason: the xz back door finds
 * ld.so by its address. Programs are left out: linkers keep the import there after they have made the call
 * needless. */
int pn_stage_tls(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        const struct pn_elf *elf = work->input->elf;

        (void)err;
        if (elf->machine != EM_X86_64 || !work->symbols.imports_tls_get_addr || work->tls_relocs ||
            !pn_work_is_library(work))
                return 0;
        for (uint32_t i = 0; i < elf->segment_count; i++)
                if (elf->segment[i].type == PT_TLS)
                        return 0;
        pn_places_add_mem(ret_places, work, "dynamic", work->dynamic.vaddr, 16);
        return 1;
}
