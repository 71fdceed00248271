/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/work.h"

#define HOOKS_FOUND 5 /* of the list: rootkits that are loaded by LD_PRELOAD have 7 to 33 */

/* A C library and a sanitizer export hundreds of other functions too: hooks are at least one in this many. */
#define HOOKS_SHARE 12

static bool is_hooking(const struct pn_work *work)
{
        unsigned hooks = work->symbols.exports[PN_OWNER_LIBC];

        return pn_work_is_library(work) && hooks >= HOOKS_FOUND &&
               (uint64_t)hooks * HOOKS_SHARE >= work->symbols.functions;
}

int pn_stage_hooks(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        (void)err;
        if (!is_hooking(work))
                return 0;
        pn_places_add_mem(ret_places, work, "hook", work->symbols.first[PN_OWNER_LIBC], 16);
        return 1;
}

/* Functions of the C library together with those of PAM or pcap: nobody but a thief of passwords, or one who
 * hides from tcpdump, stands in front of both. Who else has names of two of them is so large that they do not
 * stand out. */
int pn_stage_hooks_of_several(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        const struct pn_symbols *symbols = &work->symbols;
        unsigned others = symbols->exports[PN_OWNER_PAM] + symbols->exports[PN_OWNER_PCAP];

        (void)err;
        if (!pn_work_is_library(work) || others == 0 ||
            symbols->exports[PN_OWNER_LIBC] + others < HOOKS_FOUND || symbols->exports[PN_OWNER_LIBC] < 2 ||
            (uint64_t)(symbols->exports[PN_OWNER_LIBC] + others) * HOOKS_SHARE < symbols->functions)
                return 0;
        pn_places_add_mem(ret_places, work, "hook", symbols->first[PN_OWNER_LIBC], 16);
        pn_places_add_mem(ret_places, work, "hook",
                          symbols->first[symbols->exports[PN_OWNER_PAM] ? PN_OWNER_PAM : PN_OWNER_PCAP], 16);
        return 1;
}
