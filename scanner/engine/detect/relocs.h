/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_RELOCS_H
#define PN_DETECT_RELOCS_H

/* Every relocation that the loader, or a static program's start code, carries out. x86-64 only.
 *
 *     RELA = *(slot info addend)  REL = *(slot info)  RELR = *(address / bitmap)   info = symbol, type */

#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/detect/elf_dynamic.h"
#include "scanner/engine/detect/image.h"

enum pn_reloc_kind {
        PN_RELOC_OTHER,
        PN_RELOC_RELATIVE,  /* slot = base + value */
        PN_RELOC_IRELATIVE, /* slot = what the resolver at base + value says */
        PN_RELOC_SYMBOL,    /* slot = address of a symbol */
        PN_RELOC_TLS,       /* DTPMOD or DTPOFF: what __tls_get_addr is called with */
};

struct pn_reloc {
        enum pn_reloc_kind kind;
        uint64_t slot, value;
        uint32_t symbol;
};

typedef void pn_reloc_tell(void *ctx, const struct pn_reloc *reloc);

/* DT_RELA, DT_REL, DT_JMPREL and DT_RELR of a file with PT_DYNAMIC. For one without: what lies in sections of
 * relocations that are loaded, and what looks like IRELATIVE at the head of segments that nobody may write,
 * where linkers put it. 0, or -1 with PN_FAULT_TARGET, or as pn_image_peek(). */
int pn_relocs_each(struct pn_image *image, const struct pn_dynamic *dynamic, bool relative,
                   pn_reloc_tell *tell, void *ctx, struct pn_err *err);

#endif
