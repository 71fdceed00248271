/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/match_state.h"

#define SECOND_LOOK_PRICE 64U /* of one read(2), in units of pn_check_hit() */

int pn_match_grow(void *table, size_t *room, size_t count, size_t size)
{
        void *old, *more;
        size_t want = *room ? *room : 64;

        if (count <= *room)
                return 0;
        while (want < count)
                want *= 2;
        memcpy(&old, table, sizeof(old));
        more = reallocarray(old, want, size);
        if (!more)
                return -1;
        memcpy(table, &more, sizeof(more));
        *room = want;
        return 0;
}

bool pn_match_is_zero(const struct pn_pack_anchor *anchor)
{
        static const uint8_t zeros[PN_WINDOW_MAX];

        return memcmp(anchor->bytes, zeros, anchor->len) == 0;
}

struct pn_string_state *pn_match_string(struct pn_match *match, uint32_t string)
{
        struct pn_string_state *state = &match->string[string];

        if (state->stamp != match->stamp)
                *state = (struct pn_string_state){
                        .stamp = match->stamp,
                        .budget = pn_match_string_budget(match),
                };
        return state;
}

/* [from, to) of the file into the side buffer, as far as the file has it. */
static bool read_side(struct pn_match *match, uint64_t from, uint64_t to, struct pn_piece *ret)
{
        ssize_t n;

        to = to < match->source.file_bytes ? to : match->source.file_bytes;
        from = from < to ? from : to;
        errno = 0;
        n = match->file.read_at(match->file.from, match->side, (size_t)(to - from), from);
        if (n < 0) {
                match->io_error = errno ? errno : EIO;
                return false;
        }
        *ret = (struct pn_piece){match->side, (size_t)n, from, match->source.file_bytes, true};
        return true;
}

static void pay(uint64_t *budget, uint64_t price)
{
        *budget -= *budget < price ? *budget : price;
}

bool pn_match_check(struct pn_match *match, uint32_t anchor, const struct pn_piece *piece, uint64_t at,
                    struct pn_string_state *state, enum pn_check *ret, struct pn_place *ret_place)
{
        uint64_t budget = state->budget < match->budget ? state->budget : match->budget, before = budget;
        struct pn_piece side;
        uint64_t from, to;

        match->answer.string_checks++;
        *ret = pn_check_hit(match->pack, anchor, piece, at, &budget, ret_place);
        if (*ret == PN_CHECK_OUTSIDE) {
                pn_check_span(match->pack, anchor, at, &from, &to);
                if (!read_side(match, from, to, &side))
                        return false;
                pay(&budget, SECOND_LOOK_PRICE + (to - from) / 16);
                *ret = pn_check_hit(match->pack, anchor, &side, at, &budget, ret_place);
        }
        pay(&state->budget, before - budget);
        pay(&match->budget, before - budget);
        return true;
}

/* ---------------------------------------------------------------- what formulas ask for */

static void tell_string(void *ctx, uint32_t number, struct pn_string_facts *ret)
{
        const struct pn_match *match = ctx;
        const struct pn_pack_string *string = &match->pack->string[number];
        const struct pn_string_state *state = &match->string[number];
        bool fresh = state->stamp == match->stamp;

        if ((string->flags & PN_STRING_UNANCHORED) != 0)
                return;
        ret->seen = fresh ? (enum pn_seen)state->seen : PN_SEEN_UNKNOWN;
        if (ret->seen == PN_SEEN_UNKNOWN && (string->flags & PN_STRING_CLAUSE) != 0)
                ret->seen = PN_SEEN_NO;
        if (!fresh || ret->seen != PN_SEEN_YES)
                return;
        ret->counted = state->counted;
        ret->placed = state->placed;
        ret->count = state->count;
        ret->place = match->pool ? match->pool + state->first_place : NULL;
}

static enum pn_check look_at(void *ctx, uint32_t string, uint64_t offset)
{
        struct pn_match *match = ctx;
        uint64_t from, to, budget = PN_MATCH_BUDGET_MIN;
        struct pn_place place;
        struct pn_piece side;

        pn_check_span_at(match->pack, string, offset, &from, &to);
        if (!read_side(match, from, to, &side))
                return PN_CHECK_MAY;
        return pn_check_at(match->pack, string, &side, offset, &budget, &place);
}

static bool read_bytes(struct pn_match *match, uint64_t offset, void *buf, size_t len, size_t *ret_len)
{
        ssize_t n;

        errno = 0;
        n = match->file.read_at(match->file.from, buf, len, offset);
        if (n < 0)
                match->io_error = errno ? errno : EIO;
        *ret_len = n > 0 ? (size_t)n : 0;
        return n >= 0;
}

static bool read_number(void *ctx, uint64_t offset, uint8_t *buf, size_t len)
{
        struct pn_match *match = ctx;
        size_t have = 0;

        if (!match->head_read && offset < PN_MATCH_HEAD_BYTES) {
                match->head_read = true;
                if (!read_bytes(match, 0, match->head, PN_MATCH_HEAD_BYTES, &match->head_bytes))
                        return false;
        }
        if (match->head_read && offset <= match->head_bytes && match->head_bytes - offset >= len) {
                memcpy(buf, match->head + offset, len);
                return true;
        }
        return read_bytes(match, offset, buf, len, &have) && have == len;
}

void pn_match_source(struct pn_match *match)
{
        match->source = (struct pn_truth_source){
                .file_bytes = match->request->file->size_bytes,
                .names = match->request->names,
                .ctx = match,
                .string = tell_string,
                .string_at = look_at,
                .read = read_number,
        };
}
