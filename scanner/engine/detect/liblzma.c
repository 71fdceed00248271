/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/work.h"

/* Only xz 5.5.x, 5.6.0 and 5.6.1 choose their CRC functions by IFUNC. A clean rebuild of those does it too,
 * so this says which version it is, whatever the file is called, and no more. */
int pn_stage_liblzma(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        (void)err;
        if (work->symbols.lzma_ifunc == 0)
                return 0;
        pn_places_add_mem(ret_places, work, "resolver", work->symbols.lzma_ifunc, 32);
        return 1;
}
