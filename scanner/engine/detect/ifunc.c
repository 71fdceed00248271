/* SPDX-License-Identifier: Apache-2.0 */
#include <elf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/detect/frames.h"
#include "scanner/engine/detect/ifunc_slots.h"
#include "scanner/engine/detect/ifunc_walk.h"
#include "scanner/engine/detect/work.h"

static const char *const loader_stems[] = {"ld-", "ld.so", "ld64.so"};

/* A slot may only be seen when the one before it is known; the known back door needs three rounds. */
#define ROUNDS_MAX 8

/* Clean resolvers reach 1 function, 2 with a helper of their own, 4 without optimisation, and 5 where gcc's
 * target_clones bring __cpu_indicator_init(); the known back door reaches 9. */
#define FUNCTIONS_FOUND 7

static int follow_all(struct pn_work *work, struct pn_walker *walker, struct pn_err *err)
{
        work->ifunc = (struct pn_ifunc_facts){0};
        for (unsigned i = 0; i < work->resolver_count; i++)
                if (pn_walker_follow(walker, work->resolver[i], &work->ifunc, err) < 0)
                        return -1;
        return 0;
}

static int follow_in_rounds(struct pn_work *work, struct pn_err *err)
{
        struct pn_frames frames;
        struct pn_slots *slots = calloc(1, sizeof(*slots));
        struct pn_walker *walker = slots ? pn_walker_new(work, &frames, slots) : NULL;
        int result = -1;

        if (!walker)
                (void)pn_err_set(err, PN_FAULT_BUDGET, ENOMEM, "follow IFUNC resolvers");
        else
                result = pn_frames_open(&work->image, &frames, err);
        for (int round = 0; result == 0 && round < ROUNDS_MAX; round++) {
                result = follow_all(work, walker, err);
                if (result < 0 || !slots->wanted)
                        break;
                result = pn_slots_resolve(slots, work, err);
        }
        if (slots && slots->cut)
                work->ifunc.cut++;
        (void)pn_walker_free(walker);
        free(slots);
        return result;
}

static bool is_loader_name(const char *name)
{
        for (size_t i = 0; i < sizeof(loader_stems) / sizeof(loader_stems[0]); i++)
                if (strncmp(name, loader_stems[i], strlen(loader_stems[i])) == 0)
                        return true;
        return false;
}

/* ld.so sets up what it knows of the processor in a resolver: by much code, in variables that become
 * read-only. It runs before everything else anyway and needs no trick for it. No other file needs no library,
 * imports nothing, gives
 * __tls_get_addr() to others, and bears this name and no other; a library under whose name ld.so finds it is
 * none. */
static int is_loader(struct pn_work *work, struct pn_err *err)
{
        const char *name = work->input->names->value[PN_NAME_FILENAME];
        char soname[PN_LINK_NAME];
        bool cut;
        int result;

        if (work->symbols.exports[PN_OWNER_LOADER] == 0 || work->symbols.imports > 0 ||
            work->dynamic.needed_count > 0 || !name || !is_loader_name(name))
                return 0;
        if (!work->dynamic.has_soname)
                return 1;
        result = pn_dynamic_string(&work->image, &work->dynamic, work->dynamic.soname, soname, sizeof(soname),
                                   &cut, err);
        return result > 0 ? is_loader_name(soname) : result;
}

/* The three findings share one walk. */
static int facts_of(struct pn_work *work, struct pn_err *err)
{
        int loader;

        if (work->ifunc_done || work->input->elf->machine != EM_X86_64)
                return 0;
        work->ifunc_done = true;
        if (work->resolver_count == 0)
                return 0;
        loader = is_loader(work, err);
        if (loader != 0)
                return loader < 0 ? -1 : 0;
        if (follow_in_rounds(work, err) < 0)
                return -1;
        if (work->resolvers_cut)
                return pn_err_set(err, PN_FAULT_BUDGET, 0, "more than %d IFUNC resolvers", PN_RESOLVERS_MAX);
        return 0;
}

int pn_stage_ifunc_store(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        if (facts_of(work, err) < 0)
                return -1;
        if (work->ifunc.stores == 0)
                return 0;
        pn_places_add_mem(ret_places, work, "store", work->ifunc.store_at, 16);
        pn_places_add_mem(ret_places, work, "slot", work->ifunc.store_slot, 8);
        return 1;
}

int pn_stage_ifunc_indirect(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        if (facts_of(work, err) < 0)
                return -1;
        if (work->ifunc.indirect == 0)
                return 0;
        pn_places_add_mem(ret_places, work, "call", work->ifunc.indirect_at, 16);
        pn_places_add_mem(ret_places, work, "slot", work->ifunc.indirect_slot, 8);
        return 1;
}

int pn_stage_ifunc_closure(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        if (facts_of(work, err) < 0)
                return -1;
        if (work->ifunc.most_functions < FUNCTIONS_FOUND && work->ifunc.cut == 0)
                return 0;
        pn_places_add_mem(ret_places, work, "resolver", work->ifunc.most_functions_at, 32);
        return 1;
}
