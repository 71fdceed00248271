/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/filter_state.h"

#ifdef PN_HAVE_HYPERSCAN

#include <errno.h>
#include <hs/hs_runtime.h>
#include <stdlib.h>

struct hs_filter {
        struct pn_filter base;
        uint32_t windows;
        const uint8_t *length;   /* of each window, in the database */
        hs_database_t *database; /* NULL when there is no window */
        hs_scratch_t *scratch;
};

static void hs_close(struct pn_filter *filter)
{
        struct hs_filter *self = (struct hs_filter *)filter;

        (void)hs_free_scratch(self->scratch);
        (void)hs_free_database(self->database);
        free(self);
}

/* Everything in front of Hyperscan's part. */
static int check(struct pn_view database, struct pn_filter_hs_header *ret, struct pn_err *err)
{
        if (database.len < sizeof(*ret))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "database of %zu bytes", database.len);
        __builtin_memcpy(ret, database.data, sizeof(*ret));
        if (ret->magic != PN_FILTER_HS_MAGIC)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "not such a database");
        if (ret->version != PN_FILTER_HS_VERSION)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "database has version %u, not %u", ret->version,
                                  PN_FILTER_HS_VERSION);
        if (ret->windows > PN_WINDOWS_MAX || ret->offset != pn_filter_aligned(sizeof(*ret) + ret->windows) ||
            ret->offset > database.len || ret->bytes != database.len - ret->offset ||
            (ret->windows == 0) != (ret->bytes == 0))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "sizes in the database do not fit");
        for (uint32_t i = 0; i < ret->windows; i++)
                if (database.data[sizeof(*ret) + i] < PN_WINDOW_MIN ||
                    database.data[sizeof(*ret) + i] > PN_WINDOW_MAX)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "window %u has a wrong length", i);
        return 0;
}

static int load_error(hs_error_t code, struct pn_err *err)
{
        static const struct {
                hs_error_t code;
                const char *words;
        } rows[] = {
                {HS_DB_VERSION_ERROR, "made by another version of the library"},
                {HS_DB_PLATFORM_ERROR, "made for another processor"},
                {HS_DB_MODE_ERROR, "made for another mode"},
        };

        if (code == HS_NOMEM)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "load the database");
        if (code == HS_ARCH_ERROR)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "this processor lacks SSSE3 or SSE4.2");
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (rows[i].code == code)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "database was %s", rows[i].words);
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "database is damaged (code %d)", code);
}

static int load(struct hs_filter *self, struct pn_view part, struct pn_err *err)
{
        hs_error_t code = hs_valid_platform();

        if (code == HS_SUCCESS)
                code = hs_deserialize_database((const char *)part.data, part.len, &self->database);
        if (code == HS_SUCCESS)
                code = hs_alloc_scratch(self->database, &self->scratch);
        return code == HS_SUCCESS ? 0 : load_error(code, err);
}

static int hs_open(struct pn_view database, struct pn_filter **ret, struct pn_err *err)
{
        struct pn_filter_hs_header header;
        struct hs_filter *self;

        if (check(database, &header, err) < 0)
                return -1;
        self = calloc(1, sizeof(*self));
        if (!self)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "open");
        self->base.backend = &pn_filter_backend_hs;
        self->windows = header.windows;
        self->length = database.data + sizeof(header);
        if (header.windows > 0 &&
            load(self, (struct pn_view){database.data + header.offset, header.bytes}, err) < 0) {
                hs_close(&self->base);
                return -1;
        }
        *ret = &self->base;
        return 0;
}

struct hs_run {
        const struct hs_filter *filter;
        size_t len;
        pn_filter_hit *hit;
        void *ctx;
        bool wrong; /* the library told what cannot be */
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *ctx)
{
        struct hs_run *run = ctx;

        (void)from;
        (void)flags;
        if (id >= run->filter->windows || to > run->len || to < run->filter->length[id]) {
                run->wrong = true;
                return 1;
        }
        return run->hit(run->ctx, id, (size_t)to) ? 0 : 1;
}

static int hs_run_scan(struct pn_filter *filter, const uint8_t *buf, size_t len, pn_filter_hit *hit,
                       void *ctx, struct pn_err *err)
{
        struct hs_filter *self = (struct hs_filter *)filter;
        struct hs_run run = {self, len, hit, ctx, false};
        hs_error_t code;

        if (!self->database)
                return 0;
        if (len > UINT32_MAX)
                return pn_err_set(err, PN_FAULT_BUG, 0, "hyperscan filter: %zu bytes at once", len);
        code = hs_scan(self->database, (const char *)buf, (unsigned)len, 0, self->scratch, on_match, &run);
        if (run.wrong || (code != HS_SUCCESS && code != HS_SCAN_TERMINATED))
                return pn_err_set(err, PN_FAULT_BUG, 0, "hyperscan filter: scan ended with code %d%s", code,
                                  run.wrong ? " after a window that cannot be" : "");
        return 0;
}

#else

static int hs_open(struct pn_view database, struct pn_filter **ret, struct pn_err *err)
{
        (void)database;
        (void)ret;
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "postern was built without Vectorscan or Hyperscan");
}

static void hs_close(struct pn_filter *filter)
{
        (void)filter;
}

/* No filter of this kind can have been opened. */
static int hs_run_scan(struct pn_filter *filter, const uint8_t *buf, size_t len, pn_filter_hit *hit,
                       void *ctx, struct pn_err *err)
{
        (void)filter;
        (void)buf;
        (void)len;
        (void)hit;
        (void)ctx;
        return pn_err_set(err, PN_FAULT_BUG, 0, "postern was built without Vectorscan or Hyperscan");
}

#endif

const struct pn_filter_backend pn_filter_backend_hs = {"hyperscan", hs_open, hs_close, hs_run_scan};
