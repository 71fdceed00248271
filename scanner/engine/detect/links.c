/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "scanner/engine/detect/work.h"

static int take(struct pn_work *work, bool there, uint64_t name, char buf[PN_LINK_NAME],
                struct pn_stage_links *links, struct pn_err *err)
{
        bool cut = false;
        int result;

        buf[0] = '\0';
        if (!there)
                return 0;
        result = pn_dynamic_string(&work->image, &work->dynamic, name, buf, PN_LINK_NAME, &cut, err);
        if (result <= 0)
                buf[0] = '\0';
        links->cut |= cut || result == 0;
        return result < 0 ? -1 : result;
}

/* Kept without a PT_DYNAMIC of its own: empty. A name that does not fit is kept cut, and `cut` says so. */
int pn_stage_links(struct pn_work *work, struct pn_stage_links *ret, struct pn_err *err)
{
        const struct pn_dynamic *dynamic = &work->dynamic;
        bool runpath = dynamic->has_runpath;

        ret->needed_count = 0;
        ret->cut = dynamic->needed_cut;
        if (take(work, dynamic->has_soname, dynamic->soname, ret->soname, ret, err) < 0 ||
            take(work, runpath || dynamic->has_rpath, runpath ? dynamic->runpath : dynamic->rpath,
                 ret->runpath, ret, err) < 0)
                return -1;
        for (unsigned i = 0; i < dynamic->needed_count; i++) {
                int result;

                if (ret->needed_count == PN_LINKS_MAX) {
                        ret->cut = true;
                        return 0;
                }
                result = take(work, true, dynamic->needed[i], ret->needed[ret->needed_count], ret, err);
                if (result < 0)
                        return -1;
                ret->needed_count += result > 0;
        }
        return 0;
}
