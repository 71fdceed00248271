/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/filter.h"

#include "scanner/engine/filter_state.h"

static const struct pn_filter_backend *backend_of(enum pn_filter_kind kind)
{
        switch (kind) {
        case PN_FILTER_HYPERSCAN:
                return &pn_filter_backend_hs;
        case PN_FILTER_GRAM:
                return &pn_filter_backend_gram;
        }
        return NULL;
}

int pn_filter_open(enum pn_filter_kind kind, struct pn_view database, struct pn_filter **ret,
                   struct pn_err *err)
{
        const struct pn_filter_backend *backend = backend_of(kind);

        if (!backend)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "no filter has the number %d", (int)kind);
        if ((uintptr_t)database.data % PN_FILTER_ALIGN != 0)
                return pn_err_set(err, PN_FAULT_BUG, 0, "%s filter: database is not aligned to %u bytes",
                                  backend->name, PN_FILTER_ALIGN);
        if (backend->open(database, ret, err) < 0)
                return pn_err_wrap(err, "%s filter", backend->name);
        return 0;
}

struct pn_filter *pn_filter_free(struct pn_filter *filter)
{
        if (filter)
                filter->backend->close(filter);
        return NULL;
}

int pn_filter_scan(struct pn_filter *filter, const uint8_t *buf, size_t len, pn_filter_hit *hit, void *ctx,
                   struct pn_err *err)
{
        if (len < PN_WINDOW_MIN)
                return 0;
        return filter->backend->scan(filter, buf, len, hit, ctx, err);
}
