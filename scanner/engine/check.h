/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_CHECK_H
#define PN_ENGINE_CHECK_H

/* The exact check of one string where one of its windows was seen, or at a given offset. Says what libyara
 * would say of a string that is not loose: whole words by libyara's rule, and of variants that fit at one
 * offset the first decides. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/engine/pack.h"

#define PN_CHECK_SIDE_BYTES                                                                                  \
        (64U << 10) /* looked at before and behind a hit, at most; what needs more may occur */

/* `len` bytes of a file of `file_bytes`, from `base`. */
struct pn_piece {
        const uint8_t *data;
        size_t len;
        uint64_t base, file_bytes;
        bool last_try; /* there will be no larger piece: what would need one may occur */
};

struct pn_place {
        uint64_t offset;
        uint32_t string, len;
        bool len_known; /* false: variants of several lengths fit here, and which is libyara's is not known */
};

enum pn_check {
        PN_CHECK_NO,
        PN_CHECK_YES,     /* the string occurs at *ret_place */
        PN_CHECK_MAY,     /* it may occur: loose, beyond what is looked at, or the budget was used up */
        PN_CHECK_OUTSIDE, /* bytes outside the piece are needed: ask again with pn_check_span() */
};

/* The window of anchor number `anchor` begins at offset `at` of the file. Every occurrence of a string that
 * is not loose is YES for exactly one of the anchors that are seen in it. *budget counts what is compared (in
 * units of about 16 bytes); when it is used up everything is MAY. */
enum pn_check pn_check_hit(const struct pn_pack *pack, uint32_t anchor, const struct pn_piece *piece,
                           uint64_t at, uint64_t *budget, struct pn_place *ret_place);

/* Does `string`, which has variants and is not loose, occur at `offset`? */
enum pn_check pn_check_at(const struct pn_pack *pack, uint32_t string, const struct pn_piece *piece,
                          uint64_t offset, uint64_t *budget, struct pn_place *ret_place);

/* The bytes of the file [*ret_from, *ret_to) that decide a hit, at most PN_CHECK_SIDE_BYTES on each side; or
 * all that pn_check_at() needs, cut to the same length. */
void pn_check_span(const struct pn_pack *pack, uint32_t anchor, uint64_t at, uint64_t *ret_from,
                   uint64_t *ret_to);
void pn_check_span_at(const struct pn_pack *pack, uint32_t string, uint64_t offset, uint64_t *ret_from,
                      uint64_t *ret_to);

#endif
