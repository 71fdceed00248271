/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_IFUNC_SLOTS_H
#define PN_DETECT_IFUNC_SLOTS_H

/* The slots that resolvers read, call through or write to, and what the loader puts into them. Only those
 * that were asked for are kept: the relocations of a large library do not fit into a worker's memory. */

#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/detect/relocs.h"
#include "scanner/engine/detect/work.h"

#define PN_SLOTS_MAX 8192U /* per file, a power of two; a quarter of them is used at most */

struct pn_slot {
        uint64_t vaddr; /* 0: free */
        bool known;     /* looked for in the relocations */
        bool filled;    /* one of them fills it */
        enum pn_reloc_kind kind;
        uint64_t value; /* RELATIVE, IRELATIVE */
        uint32_t symbol;
        bool defined; /* SYMBOL: it is one of this file, at `value` */
        bool ends;    /* SYMBOL: a function that does not come back */
};

struct pn_slots {
        struct pn_slot slot[PN_SLOTS_MAX];
        unsigned count;
        bool wanted; /* some are not known yet */
        bool cut;
};

/* What is known of the slot at `vaddr`; asks for it when it is new. NULL when there is no room. */
const struct pn_slot *pn_slots_ask(struct pn_slots *slots, uint64_t vaddr);

/* Looks up all that were asked for: one pass over the relocations. 0 or -1 as pn_relocs_each(). */
int pn_slots_resolve(struct pn_slots *slots, struct pn_work *work, struct pn_err *err);

#endif
