/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_MATCH_STATE_H
#define PN_ENGINE_MATCH_STATE_H

/* What match.c and match_*.c share; theirs alone. Tables of the size of the pack are made once; what a file
 * wrote there counts only while its stamp is the file's, so that a file without a hit clears nothing. */

#include "scanner/engine/check.h"
#include "scanner/engine/match.h"
#include "scanner/engine/truth.h"

#define PN_MATCH_BLOCK_BYTES                                                                                 \
        (256U << 10) /* read at once: stays in the second-level cache until the filter has seen it */
#define PN_MATCH_LEAD_BYTES                                                                                  \
        4096U /* of the block before, kept in front of it; a page, so that blocks are aligned */
#define PN_MATCH_SIDE_BYTES (2 * PN_CHECK_SIDE_BYTES)
#define PN_MATCH_HEAD_BYTES 4096U      /* of the file, kept for formulas that read numbers */
#define PN_MATCH_PLACES_MAX 4096U      /* kept of one string; above it places are unknown */
#define PN_MATCH_POOL_MAX (256U << 10) /* places kept of all strings together */
#define PN_MATCH_BUDGET_MIN (4U << 20) /* units of pn_check_hit(), for a small file */

enum pn_want { PN_WANT_NOTHING, PN_WANT_OCCURS, PN_WANT_PLACES };

struct pn_string_state {
        uint32_t stamp;
        uint8_t seen; /* enum pn_seen; NO: the second pass looked for it */
        uint8_t want; /* enum pn_want, of the second pass */
        bool done;    /* nothing more is to be learned of it in this pass */
        bool counted, placed;
        uint32_t first_place; /* in the pool, when placed */
        uint64_t count;
        uint64_t last; /* offset that was counted last: a backend that tells a window twice counts once */
        uint64_t budget;
        struct pn_place one; /* where it was seen first */
};

/* The second pass: windows of the strings that open formulas ask for. Kept from file to file as memory only.
 */
struct pn_match_second {
        uint32_t *anchor; /* sorted by window; the last `shorts` by first byte */
        size_t anchors, anchor_room;
        uint32_t *run; /* first anchor of each window, and the end */
        size_t run_room;
        struct pn_window *window;
        size_t windows, window_room;
        uint32_t *shorts; /* anchors shorter than a window of a filter, by their first byte (both cases) */
        size_t short_room;
        uint32_t short_run[257];
};

struct pn_match {
        const struct pn_pack *pack;
        struct pn_filter *filter;
        struct pn_truths *truths;
        uint8_t *memory;              /* lead and block, side, head */
        uint8_t *block, *side, *head; /* in it; the lead is in front of `block` */
        struct pn_string_state *string;
        uint32_t *rule_stamp, *node_stamp;
        uint32_t *found;     /* strings of this file in the order they were found */
        uint32_t *rule_list; /* candidates; in the second pass also rules whose strings were asked for */
        uint32_t *wanted;    /* strings of the second pass */
        uint32_t *zero;      /* clause strings with a window of zeros: holes are full of them */
        uint32_t zeros;
        struct pn_match_pair *pair;
        struct pn_place *pool;
        size_t pool_room;
        struct pn_match_second second;

        /* of one file */
        const struct pn_match_request *request;
        struct pn_match_answer answer;
        struct pn_object file; /* a copy: pn_match_tell() reads the places */
        struct pn_truth_source source;
        uint32_t stamp;
        uint32_t founds, rules, wants, wants_left;
        struct pn_filter *second_filter;
        size_t pool_count;
        uint64_t budget;
        size_t head_bytes;
        bool head_read, in_second, skipped; /* skipped: a hole was left out */
        int io_error;                       /* errno of a read that failed while checking */
        const char *bug;                    /* what a backend did that it must not */
};

/* ---------------------------------------------------------------- match_sweep.c */

/* One block: those of its bytes before `fresh` were seen with the block before. 1 ends the sweep. */
typedef int pn_match_block(struct pn_match *match, const struct pn_piece *piece, size_t fresh,
                           struct pn_err *err);

/* All of the file through `block`, and through the tap when `tap`; holes are skipped when nobody taps. */
int pn_match_sweep(struct pn_match *match, bool tap, pn_match_block *block, struct pn_err *err);

/* `block`'s way to a filter: hits that end in the fresh part, as the offset in the file where the window
 * begins. */
typedef bool pn_match_hit(struct pn_match *match, const struct pn_piece *piece, uint32_t window,
                          uint64_t end);
int pn_match_filter(struct pn_match *match, struct pn_filter *filter, const struct pn_piece *piece,
                    size_t fresh, pn_match_hit *hit, struct pn_err *err);

/* ---------------------------------------------------------------- match_seen.c */

/* The state of a string in this file, begun if need be. */
struct pn_string_state *pn_match_string(struct pn_match *match, uint32_t string);

/* Checks a hit, with a larger piece if need be. False when the scan must end (io_error). */
bool pn_match_check(struct pn_match *match, uint32_t anchor, const struct pn_piece *piece, uint64_t at,
                    struct pn_string_state *state, enum pn_check *ret, struct pn_place *ret_place);

/* What formulas ask for: the functions of struct pn_truth_source. */
void pn_match_source(struct pn_match *match);

/* What may be compared for one string in one pass, in units of pn_check_hit(). */
static inline uint64_t pn_match_string_budget(const struct pn_match *match)
{
        return (PN_MATCH_BUDGET_MIN + match->source.file_bytes) / 16;
}

/* Does the window of this anchor occur in a hole? */
bool pn_match_is_zero(const struct pn_pack_anchor *anchor);

/* Memory for `count` things in *table; `room` is in things and doubles. */
int pn_match_grow(void *table, size_t *room, size_t count, size_t size);

/* ---------------------------------------------------------------- match_second.c */

/* Looks for what the formulas of the `open` first pairs still need. *ret_ran: false when no string could
 * help. */
int pn_match_second(struct pn_match *match, const struct pn_match_pair *open, uint32_t count, bool *ret_ran,
                    struct pn_err *err);
void pn_match_second_clear(struct pn_match_second *second);

#endif
