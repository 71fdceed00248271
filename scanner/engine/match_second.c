/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/fd.h"
#include "scanner/engine/match_state.h"

void pn_match_second_clear(struct pn_match_second *second)
{
        free(second->anchor);
        free(second->run);
        free(second->window);
        free(second->shorts);
        *second = (struct pn_match_second){0};
}

/* ---------------------------------------------------------------- which strings */

/* A string whose places, or only whose occurrence, would make a formula clearer. */
static void want(struct pn_match *match, uint32_t number, enum pn_want want)
{
        const struct pn_pack_string *string = &match->pack->string[number];
        struct pn_string_state *state;

        if ((string->flags & PN_STRING_UNANCHORED) != 0)
                return;
        state = pn_match_string(match, number);
        if (state->seen == PN_SEEN_MAY ||
            (state->seen == PN_SEEN_UNKNOWN && (string->flags & PN_STRING_CLAUSE) != 0))
                return;
        if (want == PN_WANT_OCCURS && state->seen != PN_SEEN_UNKNOWN)
                return;
        if (state->want == PN_WANT_NOTHING)
                match->wanted[match->wants++] = number;
        if (want > state->want)
                state->want = (uint8_t)want;
        state->counted = state->placed = state->want == PN_WANT_PLACES;
}

/* What is too deep is not asked for, and stays unknown. */
static void walk(struct pn_match *match, uint32_t number, unsigned depth)
{
        const struct pn_pack *pack = match->pack;
        const struct pn_pack_node *node = &pack->node[number];

        if (match->node_stamp[number] == match->stamp || depth >= PN_TRUTH_DEPTH_MAX)
                return;
        match->node_stamp[number] = match->stamp;
        switch ((enum pn_op)node->op) {
        case PN_OP_RULE:
                walk(match, pack->rule[node->ref].formula, depth + 1);
                return;
        case PN_OP_STRING:
                want(match, node->ref, PN_WANT_OCCURS);
                return;
        case PN_OP_STRING_AT: /* of a string that is not loose, the evaluation looks there itself */
                if ((pack->string[node->ref].flags & PN_STRING_LOOSE) != 0)
                        want(match, node->ref, PN_WANT_OCCURS);
                break;
        case PN_OP_STRING_IN:
        case PN_OP_COUNT:
        case PN_OP_COUNT_IN:
        case PN_OP_OFFSET:
        case PN_OP_LENGTH:
                want(match, node->ref, PN_WANT_PLACES);
                break;
        default:
                break;
        }
        for (uint32_t i = 0; i < node->kids.count; i++)
                walk(match, pack->index[node->kids.first + i], depth + 1);
}

/* ---------------------------------------------------------------- their windows */

static int by_window(const void *a, const void *b, void *ctx)
{
        const struct pn_match *match = ctx;
        const struct pn_pack_anchor *left = &match->pack->anchor[*(const uint32_t *)a];
        const struct pn_pack_anchor *right = &match->pack->anchor[*(const uint32_t *)b];

        if (left->len != right->len)
                return left->len - right->len;
        if (left->nocase != right->nocase)
                return left->nocase - right->nocase;
        return memcmp(left->bytes, right->bytes, left->len);
}

static bool is_letter(uint8_t byte)
{
        return byte >= 'a' && byte <= 'z';
}

static uint8_t upper(uint8_t byte)
{
        return (uint8_t)(is_letter(byte) ? byte & ~0x20U : byte);
}

/* Long anchors to the front of second->anchor, short ones behind them. */
static int collect(struct pn_match *match, size_t *ret_long, size_t *ret_all)
{
        struct pn_match_second *second = &match->second;
        size_t count = 0, longs = 0;

        for (uint32_t i = 0; i < match->wants; i++)
                count += match->pack->string[match->wanted[i]].anchors.count;
        if (pn_match_grow(&second->anchor, &second->anchor_room, count, sizeof(*second->anchor)) < 0)
                return -1;
        *ret_all = count;
        for (uint32_t i = 0; i < match->wants; i++) {
                struct pn_run run = match->pack->string[match->wanted[i]].anchors;

                for (uint32_t k = run.first; k < run.first + run.count; k++) {
                        bool is_long = match->pack->anchor[k].len >= PN_WINDOW_MIN;

                        second->anchor[is_long ? longs++ : --count] = k;
                }
        }
        *ret_long = longs;
        return 0;
}

static int group(struct pn_match *match, size_t longs)
{
        struct pn_match_second *second = &match->second;

        second->windows = 0;
        if (pn_match_grow(&second->run, &second->run_room, longs + 1, sizeof(*second->run)) < 0 ||
            pn_match_grow(&second->window, &second->window_room, longs + 1, sizeof(*second->window)) < 0)
                return -1;
        if (longs > 0)
                qsort_r(second->anchor, longs, sizeof(*second->anchor), by_window, match);
        for (size_t i = 0; i < longs; i++) {
                const struct pn_pack_anchor *anchor = &match->pack->anchor[second->anchor[i]];
                struct pn_window *window = &second->window[second->windows];

                if (i > 0 && by_window(&second->anchor[i - 1], &second->anchor[i], match) == 0)
                        continue;
                *window = (struct pn_window){.len = anchor->len, .nocase = anchor->nocase != 0};
                memcpy(window->bytes, anchor->bytes, anchor->len);
                second->run[second->windows++] = (uint32_t)i;
        }
        second->run[second->windows] = (uint32_t)longs;
        return 0;
}

/* Short anchors by first byte; one without case stands under both. */
static int group_shorts(struct pn_match *match, size_t from, size_t to)
{
        struct pn_match_second *second = &match->second;
        uint32_t at = 0;

        if (pn_match_grow(&second->shorts, &second->short_room, 2 * (to - from) + 1,
                          sizeof(*second->shorts)) < 0)
                return -1;
        for (unsigned byte = 0; byte < 256; byte++) {
                second->short_run[byte] = at;
                for (size_t i = from; i < to; i++) {
                        const struct pn_pack_anchor *anchor = &match->pack->anchor[second->anchor[i]];

                        if (anchor->bytes[0] == byte || (anchor->nocase && upper(anchor->bytes[0]) == byte))
                                second->shorts[at++] = second->anchor[i];
                }
        }
        second->short_run[256] = at;
        return 0;
}

/* ---------------------------------------------------------------- hits */

static void finish(struct pn_match *match, struct pn_string_state *state)
{
        state->done = true;
        match->wants_left--;
}

static void give_up(struct pn_match *match, struct pn_string_state *state)
{
        state->counted = state->placed = false;
        finish(match, state);
}

/* A place more than is kept, or no memory for it: places are unknown, the count is not. */
static void keep(struct pn_match *match, struct pn_string_state *state, const struct pn_place *place)
{
        if (!state->placed)
                return;
        if (state->count > PN_MATCH_PLACES_MAX || match->pool_count >= PN_MATCH_POOL_MAX ||
            pn_match_grow(&match->pool, &match->pool_room, match->pool_count + 1, sizeof(*match->pool)) < 0)
                state->placed = false;
        else
                match->pool[match->pool_count++] = *place;
}

static void saw(struct pn_match *match, struct pn_string_state *state, enum pn_check check,
                const struct pn_place *place)
{
        bool places = state->want == PN_WANT_PLACES;

        if (check == PN_CHECK_MAY) {
                state->seen = state->seen == PN_SEEN_YES ? PN_SEEN_YES : PN_SEEN_MAY;
                give_up(match, state);
                return;
        }
        if (state->count > 0 && state->last == place->offset)
                return;
        if (state->seen != PN_SEEN_YES)
                state->one = *place;
        state->seen = PN_SEEN_YES;
        state->last = place->offset;
        state->count++;
        if (!places)
                finish(match, state);
        else if (state->count > match->request->matches)
                give_up(match, state);
        else
                keep(match, state, place);
}

/* The window of anchor `number` begins at `at`. */
static bool on_anchor(struct pn_match *match, const struct pn_piece *piece, uint32_t number, uint64_t at)
{
        uint32_t string = match->pack->variant[match->pack->anchor[number].variant].string;
        struct pn_string_state *state = &match->string[string];
        enum pn_check check = PN_CHECK_NO;
        struct pn_place place = {0};

        if (state->done)
                return true;
        if (!pn_match_check(match, number, piece, at, state, &check, &place))
                return false;
        if (check != PN_CHECK_NO)
                saw(match, state, check, &place);
        return match->wants_left > 0;
}

static bool on_window(struct pn_match *match, const struct pn_piece *piece, uint32_t window, uint64_t end)
{
        const struct pn_match_second *second = &match->second;

        if (window >= second->windows) {
                match->bug = "the second filter told of a window that it was not given";
                return false;
        }
        for (uint32_t i = second->run[window]; i < second->run[window + 1]; i++) {
                uint32_t number = second->anchor[i];

                if (!on_anchor(match, piece, number, end - match->pack->anchor[number].len))
                        return false;
        }
        return true;
}

static bool short_fits(const struct pn_pack_anchor *anchor, const uint8_t *at)
{
        for (unsigned i = 0; i < anchor->len; i++)
                if (at[i] != anchor->bytes[i] && !(anchor->nocase && at[i] == upper(anchor->bytes[i])))
                        return false;
        return true;
}

/* Windows that are too short for a filter, if they end in the fresh part. */
static bool scan_shorts(struct pn_match *match, const struct pn_piece *piece, size_t fresh)
{
        const struct pn_match_second *second = &match->second;
        size_t start = fresh > PN_WINDOW_MIN - 2 ? fresh - (PN_WINDOW_MIN - 2) : 0;

        for (size_t i = start; i < piece->len && second->short_run[256] > 0; i++) {
                uint32_t from = second->short_run[piece->data[i]],
                         to = second->short_run[piece->data[i] + 1U];

                for (; from < to; from++) {
                        const struct pn_pack_anchor *anchor = &match->pack->anchor[second->shorts[from]];

                        if (piece->len - i < anchor->len || i + anchor->len <= fresh ||
                            !short_fits(anchor, piece->data + i))
                                continue;
                        if (!on_anchor(match, piece, second->shorts[from], piece->base + i))
                                return false;
                }
        }
        return true;
}

static int second_block(struct pn_match *match, const struct pn_piece *piece, size_t fresh,
                        struct pn_err *err)
{
        if (match->wants_left > 0 && match->second.windows > 0 &&
            pn_match_filter(match, match->second_filter, piece, fresh, on_window, err) < 0)
                return -1;
        if (match->wants_left > 0 && !scan_shorts(match, piece, fresh) && match->io_error != 0)
                return pn_err_set(err, PN_FAULT_HOST, match->io_error, "read file");
        return match->wants_left > 0 ? 0 : 1;
}

static int sweep(struct pn_match *match, struct pn_err *err)
{
        struct pn_match_second *second = &match->second;
        pn_autofree uint8_t *database = NULL;
        size_t len = 0;
        int result;

        match->in_second = true;
        if (second->windows > 0) {
                if (pn_filter_gram_build(second->window, (uint32_t)second->windows, &database, &len, err) < 0)
                        return -1;
                if (pn_filter_open(PN_FILTER_GRAM, (struct pn_view){database, len}, &match->second_filter,
                                   err) < 0)
                        return -1;
        }
        result = pn_match_sweep(match, false, second_block, err);
        match->second_filter = pn_filter_free(match->second_filter);
        return result;
}

/* ---------------------------------------------------------------- what came of it */

static bool has_zero_window(const struct pn_match *match, uint32_t string)
{
        struct pn_run run = match->pack->string[string].anchors;

        for (uint32_t i = run.first; i < run.first + run.count; i++)
                if (pn_match_is_zero(&match->pack->anchor[i]))
                        return true;
        return false;
}

static void conclude(struct pn_match *match, uint32_t number)
{
        struct pn_string_state *state = &match->string[number];

        if (match->skipped && has_zero_window(match, number)) {
                state->counted = state->placed = false;
                state->seen = state->seen == PN_SEEN_UNKNOWN ? PN_SEEN_MAY : state->seen;
        }
        if (state->seen == PN_SEEN_UNKNOWN)
                state->seen = PN_SEEN_NO;
        if (state->seen == PN_SEEN_YES && state->want == PN_WANT_PLACES && state->count == 0)
                state->seen = PN_SEEN_MAY; /* it was there in the first pass: the file changes under us */
}

static int by_string_and_offset(const void *a, const void *b)
{
        const struct pn_place *left = a, *right = b;

        if (left->string != right->string)
                return left->string < right->string ? -1 : 1;
        return left->offset < right->offset ? -1 : left->offset > right->offset;
}

static void sort_places(struct pn_match *match)
{
        if (match->pool_count > 0)
                qsort(match->pool, match->pool_count, sizeof(*match->pool), by_string_and_offset);
        for (size_t i = match->pool_count; i-- > 0;)
                match->string[match->pool[i].string].first_place = (uint32_t)i;
}

static int forget(struct pn_match *match)
{
        for (uint32_t i = 0; i < match->wants; i++)
                match->string[match->wanted[i]].counted = match->string[match->wanted[i]].placed = false;
        return 0;
}

/* Filters take no more windows than PN_WINDOWS_MAX; what would need more stays unknown. */
int pn_match_second(struct pn_match *match, const struct pn_match_pair *open, uint32_t count, bool *ret_ran,
                    struct pn_err *err)
{
        size_t longs = 0, all = 0;

        *ret_ran = false;
        for (uint32_t i = 0; i < count; i++)
                walk(match, match->pack->rule[open[i].rule].formula, 0);
        if (match->wants == 0)
                return 0;
        if (collect(match, &longs, &all) < 0 || group(match, longs) < 0 ||
            group_shorts(match, longs, all) < 0)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "prepare the second pass");
        if (match->second.windows > PN_WINDOWS_MAX)
                return forget(match);
        match->wants_left = match->wants;
        match->budget = PN_MATCH_BUDGET_MIN + match->source.file_bytes;
        for (uint32_t i = 0; i < match->wants; i++)
                match->string[match->wanted[i]].budget = pn_match_string_budget(match);
        if (sweep(match, err) < 0)
                return -1;
        for (uint32_t i = 0; i < match->wants; i++)
                conclude(match, match->wanted[i]);
        sort_places(match);
        *ret_ran = true;
        return 0;
}
