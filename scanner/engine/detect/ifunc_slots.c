/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/ifunc_slots.h"

#include <elf.h>
#include <string.h>

/* Functions that end the program: what stands behind a call of them is not reached. */
static const char *const last_calls[] = {"__stack_chk_fail", "abort",         "_exit", "exit",
                                         "__assert_fail",    "__fortify_fail"};

static struct pn_slot *find(struct pn_slots *slots, uint64_t vaddr)
{
        unsigned at = (unsigned)((vaddr * 0x9E3779B97F4A7C15ULL) >> 40) % PN_SLOTS_MAX;

        while (slots->slot[at].vaddr != 0 && slots->slot[at].vaddr != vaddr)
                at = (at + 1) % PN_SLOTS_MAX;
        return &slots->slot[at];
}

const struct pn_slot *pn_slots_ask(struct pn_slots *slots, uint64_t vaddr)
{
        struct pn_slot *slot;

        if (vaddr == 0)
                return NULL;
        slot = find(slots, vaddr);
        if (slot->vaddr != 0)
                return slot;
        if (slots->count == PN_SLOTS_MAX / 4) {
                slots->cut = true;
                return NULL;
        }
        slots->count++;
        slots->wanted = true;
        *slot = (struct pn_slot){.vaddr = vaddr};
        return slot;
}

static void on_reloc(void *ctx, const struct pn_reloc *reloc)
{
        struct pn_slots *slots = ctx;
        struct pn_slot *slot = reloc->slot ? find(slots, reloc->slot) : NULL;

        if (!slot || slot->vaddr == 0 || slot->known)
                return;
        slot->filled = true;
        slot->kind = reloc->kind;
        slot->value = reloc->value;
        slot->symbol = reloc->symbol;
}

/* Whose symbol fills the slot: one of this file, or one that another has. */
static int look_at_symbol(struct pn_slot *slot, struct pn_work *work, struct pn_err *err)
{
        unsigned each = pn_symbol_bytes(&work->image);
        uint8_t entry[32];
        struct pn_symbol symbol;
        char name[PN_SYMBOL_NAME_MAX];
        bool cut;
        int result = pn_image_mem(&work->image, work->dynamic.symtab + (uint64_t)each * slot->symbol, entry,
                                  each, err);

        if (result <= 0)
                return result;
        pn_symbol_decode(&work->image, entry, &symbol);
        slot->defined = symbol.section != SHN_UNDEF && symbol.value != 0;
        slot->value = slot->defined ? symbol.value : 0;
        result = pn_dynamic_string(&work->image, &work->dynamic, symbol.name, name, sizeof(name), &cut, err);
        for (size_t i = 0; result > 0 && !cut && i < sizeof(last_calls) / sizeof(last_calls[0]); i++)
                slot->ends |= strcmp(name, last_calls[i]) == 0;
        return result < 0 ? -1 : 0;
}

int pn_slots_resolve(struct pn_slots *slots, struct pn_work *work, struct pn_err *err)
{
        if (pn_relocs_each(&work->image, &work->dynamic, true, on_reloc, slots, err) < 0)
                return -1;
        for (unsigned i = 0; i < PN_SLOTS_MAX; i++) {
                struct pn_slot *slot = &slots->slot[i];

                if (slot->vaddr == 0 || slot->known)
                        continue;
                slot->known = true;
                if (slot->filled && slot->kind == PN_RELOC_SYMBOL && work->dynamic.has_symtab &&
                    look_at_symbol(slot, work, err) < 0)
                        return -1;
        }
        slots->wanted = false;
        return 0;
}
