/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_MATCH_KIT_H
#define PN_TEST_MATCH_KIT_H

/* A matcher over a pack by hand, and files that misbehave. */

#include <errno.h>

#include "scanner/base/view.h"
#include "scanner/engine/match.h"
#include "tests/unit/engine/filter_kit.h"
#include "tests/unit/engine/pack_kit.h"

struct bench {
        struct kit *kit;
        struct pn_pack pack;
        struct pn_filter *filter;
        uint8_t *database;
        struct pn_match *match;
        struct pn_names names;
};

/* Takes the kit over. */
static inline void bench_open(struct bench *bench, struct kit *kit)
{
        struct pn_err err = PN_ERR_INIT;
        size_t len = 0;

        *bench = (struct bench){.kit = kit};
        if (pn_pack_open(kit_finish(kit), &bench->pack, &err) < 0 ||
            pn_filter_gram_build(kit->plain, kit->windows, &bench->database, &len, &err) < 0 ||
            pn_filter_open(PN_FILTER_GRAM, (struct pn_view){bench->database, len}, &bench->filter, &err) <
                    0 ||
            pn_match_new(&bench->pack, bench->filter, &bench->match, &err) < 0)
                fail_msg("%s", err.text);
        pn_names_set(&bench->names, "usr/bin/true", 12);
}

static inline void bench_close(struct bench *bench)
{
        (void)pn_match_free(bench->match);
        (void)pn_filter_free(bench->filter);
        free(bench->database);
        kit_free(bench->kit);
}

/* A file in memory, with holes, an end that comes too early, reads that fail, bytes that change. */
struct fake {
        const uint8_t *bytes;
        size_t len;
        uint64_t hole_from, hole_to; /* zeros, not in `bytes`; those behind it are */
        uint64_t fails_at;           /* a read that reaches this offset fails */
        size_t fails_below;          /* and one of fewer bytes than this */
        bool data_fails, data_goes_back;
};

static inline ssize_t fake_read(void *from, void *buf, size_t len, uint64_t offset)
{
        struct fake *fake = from;
        uint64_t hole = fake->hole_to - fake->hole_from, end = fake->len + hole;
        uint8_t *out = buf;

        if ((fake->fails_at != 0 && offset + len > fake->fails_at) || len < fake->fails_below) {
                errno = EIO;
                return -1;
        }
        if (offset >= end)
                return 0;
        len = len < end - offset ? len : (size_t)(end - offset);
        for (size_t i = 0; i < len; i++) {
                uint64_t at = offset + i;

                out[i] = at < fake->hole_from ? fake->bytes[at]
                         : at < fake->hole_to ? 0
                                              : fake->bytes[at - hole];
        }
        return (ssize_t)len;
}

static inline int fake_data(void *from, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end)
{
        const struct fake *fake = from;
        uint64_t end = fake->len + fake->hole_to - fake->hole_from;

        if (fake->data_fails) {
                errno = EBADF;
                return -1;
        }
        if (fake->data_goes_back) {
                *ret_start = *ret_end = 0;
                return 1;
        }
        if (offset >= fake->hole_from && offset < fake->hole_to)
                offset = fake->hole_to;
        if (offset >= end)
                return 0;
        *ret_start = offset;
        *ret_end = offset < fake->hole_from ? fake->hole_from : end;
        return 1;
}

static inline struct pn_object object_of(struct fake *fake)
{
        return (struct pn_object){fake->len + fake->hole_to - fake->hole_from, fake, fake_read, fake_data};
}

static inline struct fake fake_of(const void *bytes, size_t len)
{
        return (struct fake){.bytes = bytes, .len = len};
}

static inline int bench_run(struct bench *bench, const struct pn_object *file, struct pn_match_answer *ret,
                            struct pn_err *err)
{
        const struct pn_match_request request = {.file = file, .names = &bench->names, .matches = 1000000};

        return pn_match_file(bench->match, &request, ret, err);
}

static inline struct pn_match_answer bench_file(struct bench *bench, const void *bytes, size_t len)
{
        struct fake fake = fake_of(bytes, len);
        struct pn_object file = object_of(&fake);
        struct pn_match_answer answer = {0};
        struct pn_err err = PN_ERR_INIT;

        if (bench_run(bench, &file, &answer, &err) < 0)
                fail_msg("%s", err.text);
        return answer;
}

/* Of a rule: 0 no, 1 possible, 2 certain. */
static inline int verdict(const struct pn_match_answer *answer, uint32_t rule)
{
        for (uint32_t i = 0; i < answer->pair_count; i++)
                if (answer->pair[i].rule == rule)
                        return answer->pair[i].certain ? 2 : 1;
        return 0;
}

/* What the tap saw. */
struct tapped {
        uint64_t bytes, sum, calls;
        bool fails;
};

static inline int tap(void *ctx, const uint8_t *bytes, size_t len, struct pn_err *err)
{
        struct tapped *tapped = ctx;

        for (size_t i = 0; i < len; i++)
                tapped->sum = tapped->sum * 31 + bytes[i];
        tapped->bytes += len;
        tapped->calls++;
        return tapped->fails ? pn_err_set(err, PN_FAULT_BUDGET, 0, "tapped out") : 0;
}

#endif
