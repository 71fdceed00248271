/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_FILTER_KIT_H
#define PN_TEST_FILTER_KIT_H

/* Random windows, buffers with windows planted, and the search that is too simple to be wrong: for the tests
 * of both backends of the filter. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "scanner/engine/filter.h"

/* ---------------------------------------------------------------- random numbers */

/* splitmix64: one seed, printed, gives the same run again. */
static inline uint64_t draw(uint64_t *state)
{
        uint64_t z = *state += 0x9e3779b97f4a7c15U;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
        z = (z ^ z >> 27) * 0x94d049bb133111ebU;
        return z ^ z >> 31;
}

static inline uint32_t below(uint64_t *state, uint32_t end)
{
        return (uint32_t)(draw(state) % end);
}

/* From the environment, to see a failure again, else from the clock; printed. */
static inline uint64_t seed_of_this_run(void)
{
        const char *text = getenv("PN_TEST_SEED");
        uint64_t seed =
                text ? strtoull(text, NULL, 0) : (uint64_t)time(NULL) * 2654435761U + (uint64_t)getpid();

        printf("PN_TEST_SEED=%llu\n", (unsigned long long)seed);
        return seed;
}

/* ---------------------------------------------------------------- hits */

struct place {
        uint64_t end;
        uint32_t window;
};

struct places {
        struct place *place;
        size_t count, room;
        size_t stop_after; /* 0: never */
};

static inline bool take_place(void *ctx, uint32_t window, size_t end)
{
        struct places *places = ctx;

        if (places->count == places->room) {
                places->room = places->room ? 2 * places->room : 64;
                places->place = realloc(places->place, places->room * sizeof(*places->place));
                assert_non_null(places->place);
        }
        places->place[places->count++] = (struct place){end, window};
        return places->stop_after == 0 || places->count < places->stop_after;
}

static inline int place_order(const void *left, const void *right)
{
        const struct place *a = left, *b = right;

        if (a->end != b->end)
                return a->end < b->end ? -1 : 1;
        return a->window < b->window ? -1 : a->window > b->window;
}

/* As a set. */
static inline void places_sort(struct places *places)
{
        size_t kept = 0;

        if (places->count == 0)
                return;
        qsort(places->place, places->count, sizeof(*places->place), place_order);
        for (size_t i = 1; i < places->count; i++)
                if (place_order(&places->place[kept], &places->place[i]) != 0)
                        places->place[++kept] = places->place[i];
        places->count = kept + 1;
}

/* ---------------------------------------------------------------- the oracle */

static inline uint8_t lower_of(uint8_t byte)
{
        return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte;
}

static inline bool window_is_at(const struct pn_window *window, const uint8_t *at)
{
        for (uint32_t i = 0; i < window->len; i++)
                if ((window->nocase ? lower_of(at[i]) : at[i]) != window->bytes[i])
                        return false;
        return true;
}

static inline void search_simply(const struct pn_window *windows, uint32_t count, const uint8_t *buf,
                                 size_t len, struct places *ret)
{
        for (size_t at = 0; at < len; at++)
                for (uint32_t i = 0; i < count; i++)
                        if (windows[i].len <= len - at && window_is_at(&windows[i], buf + at))
                                (void)take_place(ret, i, at + windows[i].len);
        places_sort(ret);
}

/* ---------------------------------------------------------------- windows and buffers */

static inline bool same_window(const struct pn_window *a, const struct pn_window *b)
{
        return a->len == b->len && a->nocase == b->nocase && memcmp(a->bytes, b->bytes, a->len) == 0;
}

/* Few different bytes, so that windows overlap, contain and nearly equal each other; NUL, 0xff and bytes that
 * differ from letters, or from each other, by the bit of the case. */
static inline uint8_t draw_byte(uint64_t *state)
{
        static const uint8_t some[] = {0,   0,   0xff, 'a', 'A', 'b',  'z',  'Z',
                                       ' ', '@', '`',  '[', '{', 0xdf, 0xe4, 0xc4};

        return below(state, 4) == 0 ? (uint8_t)draw(state) : some[below(state, sizeof(some))];
}

static inline struct pn_window draw_window(uint64_t *state, uint32_t shortest, const struct pn_window *other)
{
        struct pn_window ret = {.len = (uint8_t)(shortest + below(state, PN_WINDOW_MAX - shortest + 1)),
                                .nocase = below(state, 2)};

        for (uint32_t i = 0; i < ret.len; i++)
                ret.bytes[i] = draw_byte(state);
        if (other && below(state, 3) == 0) /* part of another, or one byte away from it */
                memcpy(ret.bytes, other->bytes + (other->len > ret.len ? other->len - ret.len : 0),
                       other->len < ret.len ? other->len : ret.len);
        if (other && below(state, 3) == 0)
                ret.bytes[below(state, ret.len)] ^= 0x20;
        for (uint32_t i = 0; ret.nocase && i < ret.len; i++)
                ret.bytes[i] = lower_of(ret.bytes[i]);
        return ret;
}

/* At most `count` different windows; returns how many. */
static inline uint32_t draw_windows(uint64_t *state, uint32_t shortest, uint32_t count, struct pn_window *ret)
{
        uint32_t made = 0;

        for (uint32_t tries = 0; tries < count; tries++) {
                struct pn_window window =
                        draw_window(state, shortest, made > 0 ? &ret[below(state, made)] : NULL);
                bool known = false;

                for (uint32_t i = 0; i < made; i++)
                        known |= same_window(&ret[i], &window);
                if (!known)
                        ret[made++] = window;
        }
        return made;
}

/* One window into the buffer, letters in any case, sometimes with one bit wrong. */
static inline void plant_window(uint64_t *state, const struct pn_window *window, uint8_t *buf, size_t len,
                                size_t at)
{
        uint32_t wrong = below(state, 4) == 0 ? below(state, window->len) : PN_WINDOW_MAX;

        if (window->len > len || at > len - window->len)
                return;
        for (uint32_t i = 0; i < window->len; i++) {
                uint8_t byte = window->bytes[i];

                if (lower_of(byte ^ 0x20) == lower_of(byte) && below(state, window->nocase ? 2 : 32) == 0)
                        byte ^= 0x20;
                buf[at + i] = i == wrong ? byte ^ (uint8_t)(1U << below(state, 8)) : byte;
        }
}

static inline void draw_buffer(uint64_t *state, const struct pn_window *windows, uint32_t count, uint8_t *buf,
                               size_t len)
{
        for (size_t i = 0; i < len; i++)
                buf[i] = draw_byte(state);
        for (size_t i = 0; count > 0 && len > 0 && i < len / 8 + 1; i++)
                plant_window(state, &windows[below(state, count)], buf, len, below(state, (uint32_t)len));
        if (count == 0)
                return;
        plant_window(state, &windows[below(state, count)], buf, len, 0);
        for (uint32_t i = 0; i < 2; i++) {
                const struct pn_window *last = &windows[below(state, count)];

                plant_window(state, last, buf, len, len >= last->len ? len - last->len : 0);
        }
}

/* `len` bytes right before, or right behind, memory that must not be touched. */
struct fence {
        uint8_t *map;
        size_t map_len;
        uint8_t *first, *last; /* a page's begin; the end of the last page */
};

static inline void fence_make(struct fence *fence, size_t len)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE), pages = (len + page - 1) / page;

        fence->map_len = (pages + 2) * page;
        fence->map = mmap(NULL, fence->map_len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        assert_true(fence->map != MAP_FAILED);
        fence->first = fence->map + page;
        fence->last = fence->first + pages * page;
        assert_int_equal(mprotect(fence->first, pages * page, PROT_READ | PROT_WRITE), 0);
}

static inline void fence_clear(struct fence *fence)
{
        assert_int_equal(munmap(fence->map, fence->map_len), 0);
}

/* ---------------------------------------------------------------- checks */

static inline void expect_same(const char *what, const struct pn_window *windows, const struct places *want,
                               const struct places *have)
{
        for (size_t i = 0; i < want->count || i < have->count; i++) {
                bool extra = i >= want->count ||
                             (i < have->count && place_order(&have->place[i], &want->place[i]) < 0);
                const struct place *odd = extra ? &have->place[i] : &want->place[i];

                if (i < want->count && i < have->count && place_order(&have->place[i], &want->place[i]) == 0)
                        continue;
                fail_msg("%s: window %u (%u bytes%s) that ends at %llu is %s", what, odd->window,
                         windows[odd->window].len, windows[odd->window].nocase ? ", nocase" : "",
                         (unsigned long long)odd->end, extra ? "told but not there" : "missing");
        }
}

static inline void expect_scan(const char *what, struct pn_filter *filter, const struct pn_window *windows,
                               uint32_t count, const uint8_t *buf, size_t len)
{
        struct places want = {0}, have = {0};
        struct pn_err err = PN_ERR_INIT;

        search_simply(windows, count, buf, len, &want);
        assert_int_equal(pn_filter_scan(filter, buf, len, take_place, &have, &err), 0);
        places_sort(&have);
        expect_same(what, windows, &want, &have);
        free(want.place);
        free(have.place);
}

/* All lengths of buffers, from both sides of memory that ends. */
static inline void expect_scans(const char *what, struct pn_filter *filter, const struct pn_window *windows,
                                uint32_t count, uint64_t *state)
{
        struct fence fence;

        fence_make(&fence, 512);
        for (size_t len = 0; len <= 512; len += len < 100 ? 1 : 37) {
                draw_buffer(state, windows, count, fence.first, len);
                expect_scan(what, filter, windows, count, fence.first, len);
                draw_buffer(state, windows, count, fence.last - len, len);
                expect_scan(what, filter, windows, count, fence.last - len, len);
        }
        fence_clear(&fence);
}

#endif
