/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/filter_state.h"

/* The sets take turns at as much of the buffer as stays in a processor's first cache. */
#define TURN_BYTES (16U << 10)

struct set {
        struct pn_gram_set head;
        const uint32_t *bits;
        const uint8_t *offsets;
        const uint32_t *starts;
        const struct pn_gram_entry *entry;
};

struct gram_filter {
        struct pn_filter base;
        struct set set[PN_GRAM_SETS];
        uint64_t ones[PN_WINDOW_MAX + 1]; /* pn_gram_ones() */
        bool shifts;                      /* the processor shifts by a variable in one step (BMI2) */
};

/* ---------------------------------------------------------------- opening */

static bool in_range(uint32_t log)
{
        return log >= PN_GRAM_LOG_MIN && log <= PN_GRAM_LOG_MAX;
}

static bool set_fits(const struct pn_gram_set *set)
{
        const uint32_t lengths = ((2U << PN_WINDOW_MAX) - 1) & ~((1U << PN_WINDOW_MIN) - 1);

        return set->windows == 0 ||
               (set->windows <= PN_WINDOWS_MAX && set->stride >= 1 && set->stride <= PN_GRAM_STRIDE_MAX &&
                (set->lengths & ~lengths) == 0 && in_range(set->bits_log) && in_range(set->offsets_log) &&
                in_range(set->starts_log));
}

static int check_header(struct pn_view database, struct pn_gram_header *ret, struct pn_err *err)
{
        uint64_t end = pn_filter_aligned(sizeof(*ret)), windows = 0;
        bool fits;

        if (database.len < sizeof(*ret))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "database of %zu bytes", database.len);
        memcpy(ret, database.data, sizeof(*ret));
        if (ret->magic != PN_GRAM_MAGIC)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "not such a database");
        if (ret->version != PN_GRAM_VERSION)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "database has version %u, not %u", ret->version,
                                  PN_GRAM_VERSION);
        fits = ret->windows <= PN_WINDOWS_MAX && ret->bytes == database.len;
        for (uint32_t i = 0; fits && i < PN_GRAM_SETS; i++) {
                fits = set_fits(&ret->set[i]);
                end = fits ? pn_gram_layout(&ret->set[i], end).end : end;
                windows += ret->set[i].windows;
        }
        if (!fits || end != database.len || windows != ret->windows)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "sizes in the database do not fit");
        return 0;
}

/* What a scan follows: the runs, the numbers and the lengths. */
static int check_tables(const struct set *set, uint32_t windows, struct pn_err *err)
{
        const uint32_t starts = 1U << set->head.starts_log;
        bool rising = set->starts[0] == 0 && set->starts[starts] == set->head.windows;

        for (uint32_t i = 0; i < starts; i++)
                rising &= set->starts[i] <= set->starts[i + 1];
        if (!rising)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "runs of the database do not fit");
        for (uint32_t i = 0; i < set->head.windows; i++)
                if (set->entry[i].window >= windows || set->entry[i].len < PN_WINDOW_MIN ||
                    set->entry[i].len > PN_WINDOW_MAX)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "entry %u of the database does not fit",
                                          i);
        return 0;
}

static int open_sets(struct gram_filter *self, struct pn_view database, const struct pn_gram_header *header,
                     struct pn_err *err)
{
        uint64_t begin = pn_filter_aligned(sizeof(*header));

        for (uint32_t i = 0; i < PN_GRAM_SETS; i++) {
                struct pn_gram_layout layout = pn_gram_layout(&header->set[i], begin);
                struct set *set = &self->set[i];

                set->head = header->set[i];
                set->bits = (const uint32_t *)(database.data + layout.bits);
                set->offsets = database.data + layout.offsets;
                set->starts = (const uint32_t *)(database.data + layout.starts);
                set->entry = (const struct pn_gram_entry *)(database.data + layout.entries);
                if (set->head.windows > 0 && check_tables(set, header->windows, err) < 0)
                        return -1;
                begin = layout.end;
        }
        return 0;
}

/* By a variable, in one step: a third of the time of a scan. */
static bool processor_shifts(void)
{
#ifdef __x86_64__
        return __builtin_cpu_supports("bmi2");
#else
        return false;
#endif
}

static void gram_close(struct pn_filter *filter)
{
        free(filter);
}

static int gram_open(struct pn_view database, struct pn_filter **ret, struct pn_err *err)
{
        struct pn_gram_header header;
        struct gram_filter *self;

        if (check_header(database, &header, err) < 0)
                return -1;
        self = calloc(1, sizeof(*self));
        if (!self)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "open");
        self->base.backend = &pn_filter_backend_gram;
        self->base.plain = !processor_shifts();
        for (uint32_t len = 0; len <= PN_WINDOW_MAX; len++)
                self->ones[len] = pn_gram_ones(len);
        if (open_sets(self, database, &header, err) < 0) {
                free(self);
                return -1;
        }
        *ret = &self->base;
        return 0;
}

/* ---------------------------------------------------------------- scanning */

struct run {
        const struct gram_filter *filter;
        const struct set *set;
        const uint8_t *buf;
        size_t len;
        pn_filter_hit *hit;
        void *ctx;
};

/* The eight bytes at `at`, zeros behind the end of the buffer. */
static inline uint64_t eight(const struct run *run, size_t at)
{
        uint64_t ret = 0;

        if (run->len - at >= sizeof(ret))
                memcpy(&ret, run->buf + at, sizeof(ret));
        else
                memcpy(&ret, run->buf + at, run->len - at);
        return ret;
}

static inline uint32_t gram_at(const struct run *run, size_t at)
{
        return (uint32_t)le64toh(eight(run, at)) | PN_GRAM_FOLD;
}

/* Is there a window of `len` bytes at `at`? False ends the scan. */
static inline bool look(const struct run *run, size_t at, uint64_t bytes, uint32_t len)
{
        const struct set *set = run->set;
        const uint64_t folded = (bytes | PN_GRAM_FOLD_LONG) & run->filter->ones[len];
        const uint32_t *start = set->starts + pn_gram_start(folded, set->head.starts_log);

        for (uint32_t i = start[0]; i < start[1]; i++) {
                const struct pn_gram_entry *entry = &set->entry[i];

                /* two lengths may share a start: each window is told by its own */
                if (entry->len == len && ((bytes ^ entry->value) & entry->mask) == 0 && entry->len <= run->len - at &&
                    !run->hit(run->ctx, entry->window, at + entry->len))
                        return false;
        }
        return true;
}

/* A gram that may be one of ours lies at `at`. False ends the scan. */
static __attribute__((noinline)) bool look_around(const struct run *run, size_t at)
{
        const struct pn_gram_set *head = &run->set->head;
        uint32_t offsets =
                run->set->offsets[pn_gram_hash(gram_at(run, at), head->offsets_factor, head->offsets_log)];

        for (; offsets; offsets &= offsets - 1) {
                uint32_t offset = (uint32_t)__builtin_ctz(offsets);
                uint64_t bytes;

                if (offset > at)
                        break;
                bytes = eight(run, at - offset);
                for (uint32_t left = head->lengths; left; left &= left - 1)
                        if (!look(run, at - offset, bytes, (uint32_t)__builtin_ctz(left)))
                                return false;
        }
        return true;
}

static inline uint32_t bit_of(const struct set *set, uint32_t gram)
{
        const uint32_t bit = pn_gram_hash(gram, set->head.bits_factor, set->head.bits_log);

        return set->bits[bit / 32] >> bit % 32 & 1U;
}

static inline uint32_t bit_at(const struct set *set, const uint8_t *at)
{
        uint32_t gram;

        memcpy(&gram, at, sizeof(gram));
        return bit_of(set, le32toh(gram) | PN_GRAM_FOLD);
}

#define TOGETHER 8U /* positions between two branches */
#define BIT(i) (bit_at(set, here + (i)*stride) << (i))
#define DONE SIZE_MAX

/* Looks at every `stride`-th position from `at` to `end`, in steps of TOGETHER; returns where it stopped, or
 * DONE. Compiled once for each stride. The bits of several positions are gathered before one branch looks at
 * them: it is hardly ever taken, and the processor has all their loads under way at once. */
static inline __attribute__((always_inline)) size_t walk(const struct run *run, const size_t stride,
                                                         size_t at, size_t end)
{
        const struct set *set = run->set;

        for (; at < end && run->len - at >= (TOGETHER - 1) * stride + sizeof(uint32_t);
             at += TOGETHER * stride) {
                const uint8_t *here = run->buf + at;
                uint32_t found = BIT(0) | BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7);

                for (; __builtin_expect(found != 0, 0); found &= found - 1)
                        if (!look_around(run, at + (uint32_t)__builtin_ctz(found) * stride))
                                return DONE;
        }
        if (at < end) /* the last bytes of the buffer */
                for (; at < run->len; at += stride)
                        if (bit_of(set, gram_at(run, at)) && !look_around(run, at))
                                return DONE;
        return at;
}

static inline __attribute__((always_inline)) size_t walk_any(const struct run *run, size_t at, size_t end)
{
        switch (run->set->head.stride) {
        case 1:
                return walk(run, 1, at, end);
        case 2:
                return walk(run, 2, at, end);
        case 3:
                return walk(run, 3, at, end);
        case 4:
                return walk(run, 4, at, end);
        default:
                return walk(run, PN_GRAM_STRIDE_MAX, at, end);
        }
}

static size_t walk_plain(const struct run *run, size_t at, size_t end)
{
        return walk_any(run, at, end);
}

#ifdef __x86_64__
#define SHIFTING __attribute__((target("bmi2")))
#else
#define SHIFTING
#endif

static SHIFTING size_t walk_shifting(const struct run *run, size_t at, size_t end)
{
        return walk_any(run, at, end);
}

static int gram_scan(struct pn_filter *filter, const uint8_t *buf, size_t len, pn_filter_hit *hit, void *ctx,
                     struct pn_err *err)
{
        const struct gram_filter *self = (const struct gram_filter *)filter;
        size_t at[PN_GRAM_SETS] = {0};

        (void)err;
        for (size_t end = 0; end < len;) {
                end = len - end < TURN_BYTES ? len : end + TURN_BYTES;
                for (uint32_t i = 0; i < PN_GRAM_SETS; i++) {
                        const struct run run = {self, &self->set[i], buf, len, hit, ctx};

                        if (self->set[i].head.windows == 0)
                                continue;
                        at[i] = filter->plain ? walk_plain(&run, at[i], end)
                                              : walk_shifting(&run, at[i], end);
                        if (at[i] == DONE)
                                return 0;
                }
        }
        return 0;
}

const struct pn_filter_backend pn_filter_backend_gram = {"gram", gram_open, gram_close, gram_scan};
