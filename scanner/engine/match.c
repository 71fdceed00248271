/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/match_state.h"

static void list_zero_strings(struct pn_match *match)
{
        const struct pn_pack *pack = match->pack;

        for (uint32_t i = 0; i < pack->strings; i++) {
                const struct pn_pack_string *string = &pack->string[i];
                bool zero = false;

                for (uint32_t k = 0; k < string->anchors.count && !zero; k++)
                        zero = pn_match_is_zero(&pack->anchor[string->anchors.first + k]);
                if (zero && (string->flags & PN_STRING_CLAUSE) != 0)
                        match->zero[match->zeros++] = i;
        }
}

static void *table(uint32_t count, size_t size)
{
        return calloc((size_t)count + 1, size);
}

static int make_tables(struct pn_match *match)
{
        const struct pn_pack *pack = match->pack;

        match->truths = pn_truths_new(pack);
        match->string = table(pack->strings, sizeof(*match->string));
        match->rule_stamp = table(pack->rules, sizeof(*match->rule_stamp));
        match->node_stamp = table(pack->nodes, sizeof(*match->node_stamp));
        match->found = table(pack->strings, sizeof(*match->found));
        match->wanted = table(pack->strings, sizeof(*match->wanted));
        match->zero = table(pack->strings, sizeof(*match->zero));
        match->rule_list = table(pack->rules, sizeof(*match->rule_list));
        match->pair = table(pack->rules, sizeof(*match->pair));
        match->memory = aligned_alloc(4096, PN_MATCH_LEAD_BYTES + PN_MATCH_BLOCK_BYTES + PN_MATCH_SIDE_BYTES +
                                                    PN_MATCH_HEAD_BYTES);
        if (!match->truths || !match->string || !match->rule_stamp || !match->node_stamp || !match->found ||
            !match->wanted || !match->zero || !match->rule_list || !match->pair || !match->memory)
                return -1;
        match->block = match->memory + PN_MATCH_LEAD_BYTES;
        match->side = match->block + PN_MATCH_BLOCK_BYTES;
        match->head = match->side + PN_MATCH_SIDE_BYTES;
        return 0;
}

int pn_match_new(const struct pn_pack *pack, struct pn_filter *filter, struct pn_match **ret,
                 struct pn_err *err)
{
        struct pn_match *match = calloc(1, sizeof(*match));

        if (match) {
                match->pack = pack;
                match->filter = filter;
        }
        if (!match || make_tables(match) < 0) {
                (void)pn_match_free(match);
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "prepare the matcher");
        }
        list_zero_strings(match);
        *ret = match;
        return 0;
}

struct pn_match *pn_match_free(struct pn_match *match)
{
        if (!match)
                return NULL;
        (void)pn_truths_free(match->truths);
        pn_match_second_clear(&match->second);
        free(match->string);
        free(match->rule_stamp);
        free(match->node_stamp);
        free(match->found);
        free(match->wanted);
        free(match->zero);
        free(match->rule_list);
        free(match->pair);
        free(match->memory);
        free(match->pool);
        free(match);
        return NULL;
}

/* ---------------------------------------------------------------- first pass */

static void found(struct pn_match *match, uint32_t string, struct pn_string_state *state, enum pn_seen seen,
                  const struct pn_place *place)
{
        state->seen = (uint8_t)seen;
        if (seen == PN_SEEN_YES)
                state->one = *place;
        match->found[match->founds++] = string;
        match->answer.strings_found++;
}

static bool check_anchor(struct pn_match *match, const struct pn_piece *piece, uint32_t number, uint64_t end)
{
        const struct pn_pack_anchor *anchor = &match->pack->anchor[number];
        uint32_t string = match->pack->variant[anchor->variant].string;
        struct pn_string_state *state = pn_match_string(match, string);
        struct pn_place place = {0};
        enum pn_check check = PN_CHECK_NO;

        if (state->seen != PN_SEEN_UNKNOWN)
                return true;
        if (!pn_match_check(match, number, piece, end - anchor->len, state, &check, &place))
                return false;
        if (check != PN_CHECK_NO)
                found(match, string, state, check == PN_CHECK_YES ? PN_SEEN_YES : PN_SEEN_MAY, &place);
        return true;
}

static bool on_window(struct pn_match *match, const struct pn_piece *piece, uint32_t number, uint64_t end)
{
        const struct pn_pack_window *window = &match->pack->window[number];

        if (number >= match->pack->windows) {
                match->bug = "the filter told of a window that the rules do not have";
                return false;
        }
        match->answer.window_hits++;
        for (uint32_t i = 0; i < window->anchors.count; i++)
                if (!check_anchor(match, piece, match->pack->index[window->anchors.first + i], end))
                        return false;
        return true;
}

static int first_block(struct pn_match *match, const struct pn_piece *piece, size_t fresh, struct pn_err *err)
{
        return pn_match_filter(match, match->filter, piece, fresh, on_window, err);
}

static int first_pass(struct pn_match *match, struct pn_err *err)
{
        if (pn_match_sweep(match, match->request->tap != NULL, first_block, err) < 0)
                return -1;
        for (uint32_t i = 0; match->skipped && i < match->zeros; i++) {
                struct pn_string_state *state = pn_match_string(match, match->zero[i]);

                if (state->seen == PN_SEEN_UNKNOWN)
                        found(match, match->zero[i], state, PN_SEEN_MAY, NULL);
        }
        return 0;
}

/* ---------------------------------------------------------------- rules */

static void add_candidate(struct pn_match *match, uint32_t rule)
{
        if (match->rule_stamp[rule] == match->stamp)
                return;
        match->rule_stamp[rule] = match->stamp;
        if ((match->pack->rule[rule].flags & PN_RULE_PRIVATE) == 0)
                match->rule_list[match->rules++] = rule;
}

static void list_candidates(struct pn_match *match)
{
        const struct pn_pack *pack = match->pack;

        for (uint32_t i = 0; i < match->founds; i++) {
                struct pn_run run = pack->string[match->found[i]].candidates;

                for (uint32_t k = 0; k < run.count; k++)
                        add_candidate(match, pack->index[run.first + k]);
        }
        match->answer.candidates = match->rules;
        for (uint32_t i = 0; i < pack->always.count; i++)
                add_candidate(match, pack->index[pack->always.first + i]);
}

/* Certain pairs go to the front's end of `pair`... the open ones to the front: the second pass wants those.
 */
static void evaluate(struct pn_match *match, uint32_t rule, uint32_t *open, uint32_t *sure)
{
        enum pn_truth truth = pn_truths_of(match->truths, rule);

        match->answer.evaluated++;
        if (truth == PN_MAYBE)
                match->pair[(*open)++] = (struct pn_match_pair){rule, false};
        else if (truth == PN_TRUE)
                match->rule_list[(*sure)++] = rule;
}

static void first_evaluation(struct pn_match *match, uint32_t *ret_open)
{
        uint32_t count = match->rules, sure = 0;

        *ret_open = 0;
        pn_truths_start(match->truths, &match->source);
        for (uint32_t i = 0; i < count; i++)
                evaluate(match, match->rule_list[i], ret_open, &sure);
        match->rules = sure;
}

static void second_evaluation(struct pn_match *match, uint32_t *open)
{
        uint32_t count = *open;

        *open = 0;
        pn_truths_start(match->truths, &match->source);
        for (uint32_t i = 0; i < count; i++)
                evaluate(match, match->pair[i].rule, open, &match->rules);
}

static int by_rule(const void *a, const void *b)
{
        const struct pn_match_pair *left = a, *right = b;

        return left->rule < right->rule ? -1 : left->rule > right->rule;
}

/* Is there nothing but the formula? A global rule matches only with those behind it, too, which its formula
 * does not have: they may refer to it. */
static bool is_formula_all(const struct pn_pack_rule *rule)
{
        return (rule->flags & PN_RULE_GLOBAL) == 0;
}

static int find_pairs(struct pn_match *match, struct pn_err *err)
{
        uint32_t open = 0;

        list_candidates(match);
        if (match->rules == 0)
                return 0;
        first_evaluation(match, &open);
        if (open > 0 && match->io_error == 0) {
                if (pn_match_second(match, match->pair, open, &match->answer.second_pass, err) < 0)
                        return -1;
                if (match->answer.second_pass)
                        second_evaluation(match, &open);
        }
        if (match->io_error != 0)
                return pn_err_set(err, PN_FAULT_HOST, match->io_error, "read file");
        for (uint32_t i = 0; i < match->rules; i++)
                match->pair[open++] = (struct pn_match_pair){
                        match->rule_list[i], is_formula_all(&match->pack->rule[match->rule_list[i]])};
        qsort(match->pair, open, sizeof(*match->pair), by_rule);
        match->answer.pair_count = open;
        return 0;
}

/* ---------------------------------------------------------------- a file */

static void start(struct pn_match *match, const struct pn_match_request *request)
{
        if (++match->stamp == 0) { /* after four thousand million files */
                memset(match->string, 0, match->pack->strings * sizeof(*match->string));
                memset(match->rule_stamp, 0, match->pack->rules * sizeof(*match->rule_stamp));
                memset(match->node_stamp, 0, match->pack->nodes * sizeof(*match->node_stamp));
                match->stamp = 1;
        }
        match->request = request;
        match->file = *request->file;
        match->answer = (struct pn_match_answer){.pair = match->pair};
        match->founds = match->rules = match->wants = 0;
        match->pool_count = 0;
        match->budget = PN_MATCH_BUDGET_MIN + request->file->size_bytes;
        match->head_bytes = 0;
        match->head_read = match->in_second = match->skipped = false;
        match->io_error = 0;
        match->bug = NULL;
        pn_match_source(match);
}

int pn_match_file(struct pn_match *match, const struct pn_match_request *request, struct pn_match_answer *ret,
                  struct pn_err *err)
{
        int result;

        start(match, request);
        result = first_pass(match, err);
        if (result == 0)
                result = find_pairs(match, err);
        if (result == 0)
                *ret = match->answer;
        match->request = NULL;
        match->source.names = NULL;
        return result;
}
