/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "scanner/engine/match_state.h"

#define MARGIN_BYTES                                                                                         \
        4096U /* of a hole, read on both sides of the data: windows that reach into it are seen */
#define OVERLAP_BYTES (PN_WINDOW_MAX - 1)

/* Where the sweep is. */
struct sweep {
        uint64_t at, data_to; /* what is read now ends at data_to */
        size_t lead;          /* bytes before the block that are in front of it */
        bool tap, ended;      /* ended: the file is shorter than its size */
};

static uint64_t least(uint64_t a, uint64_t b)
{
        return a < b ? a : b;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
        return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/* Moves over a hole, if there is one here. A file system that moves backwards would keep us here for ever. */
static int skip_hole(struct pn_match *match, struct sweep *sweep, struct pn_err *err)
{
        const struct pn_object *file = match->request->file;
        uint64_t start = file->size_bytes, end = file->size_bytes;
        int n;

        if (sweep->tap) {
                sweep->data_to = file->size_bytes;
                return 0;
        }
        if (sweep->at < sweep->data_to)
                return 0;
        n = file->data_at(file->from, sweep->at, &start, &end);
        if (n > 0 && (start < sweep->at || end <= start)) {
                errno = EIO;
                n = -1;
        }
        if (n < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno ? errno : EIO, "look for the data of a file");
        start = n > 0 ? least(start, file->size_bytes) : file->size_bytes;
        sweep->data_to = n > 0 ? least(plus(end, MARGIN_BYTES), file->size_bytes) : file->size_bytes;
        if (start - sweep->at > MARGIN_BYTES) {
                sweep->at = n > 0 && start < file->size_bytes ? start - MARGIN_BYTES : file->size_bytes;
                sweep->lead = 0;
                match->skipped = true;
        }
        return 0;
}

/* 1 with a block read, 0 at the end. */
static int read_block(struct pn_match *match, struct sweep *sweep, size_t *ret_len, struct pn_err *err)
{
        const struct pn_object *file = match->request->file;
        size_t want = (size_t)least(PN_MATCH_BLOCK_BYTES, sweep->data_to - sweep->at);
        ssize_t n;

        errno = 0;
        n = file->read_at(file->from, match->block, want, sweep->at);
        if (n < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno ? errno : EIO, "read file");
        sweep->ended = (size_t)n < want;
        match->answer.ended_early = match->answer.ended_early || sweep->ended;
        if (!match->in_second)
                match->answer.read_bytes += (uint64_t)n;
        if (sweep->tap && n > 0 &&
            match->request->tap(match->request->tap_ctx, match->block, (size_t)n, err) < 0)
                return -1;
        *ret_len = (size_t)n;
        return n > 0;
}

static void keep_lead(struct pn_match *match, struct sweep *sweep, size_t len)
{
        size_t lead = sweep->lead + len < PN_MATCH_LEAD_BYTES ? sweep->lead + len : PN_MATCH_LEAD_BYTES;

        memmove(match->block - lead, match->block + len - lead, lead);
        sweep->lead = lead;
        sweep->at += len;
}

int pn_match_sweep(struct pn_match *match, bool tap, pn_match_block *block, struct pn_err *err)
{
        const struct pn_object *file = match->request->file;
        struct sweep sweep = {.tap = tap};
        size_t len = 0;
        int more = 1;

        while (more > 0 && sweep.at < file->size_bytes) {
                if (skip_hole(match, &sweep, err) < 0)
                        return -1;
                if (sweep.at >= file->size_bytes)
                        break;
                more = read_block(match, &sweep, &len, err);
                if (more > 0) {
                        const struct pn_piece piece = {match->block - sweep.lead, sweep.lead + len,
                                                       sweep.at - sweep.lead, file->size_bytes, false};

                        int stop = block(match, &piece, sweep.lead, err);

                        if (stop != 0)
                                return stop < 0 ? -1 : 0;
                        keep_lead(match, &sweep, len);
                        more = !sweep.ended;
                }
        }
        return more < 0 ? -1 : 0;
}

/* ---------------------------------------------------------------- a block through a filter */

struct filtering {
        struct pn_match *match;
        const struct pn_piece *piece;
        pn_match_hit *hit;
        size_t skip; /* bytes at the start of what is scanned that were scanned before */
        uint64_t from;
};

static bool on_hit(void *ctx, uint32_t window, size_t end)
{
        struct filtering *filtering = ctx;

        if (end <= filtering->skip)
                return true;
        return filtering->hit(filtering->match, filtering->piece, window, filtering->from + end);
}

int pn_match_filter(struct pn_match *match, struct pn_filter *filter, const struct pn_piece *piece,
                    size_t fresh, pn_match_hit *hit, struct pn_err *err)
{
        size_t skip = fresh < OVERLAP_BYTES ? fresh : OVERLAP_BYTES, start = fresh - skip;
        struct filtering filtering = {match, piece, hit, skip, piece->base + start};

        if (pn_filter_scan(filter, piece->data + start, piece->len - start, on_hit, &filtering, err) < 0)
                return -1;
        if (match->bug)
                return pn_err_set(err, PN_FAULT_BUG, 0, "%s", match->bug);
        if (match->io_error != 0)
                return pn_err_set(err, PN_FAULT_HOST, match->io_error, "read file");
        return 0;
}
