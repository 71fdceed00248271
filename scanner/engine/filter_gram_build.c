/* SPDX-License-Identifier: Apache-2.0 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/filter_state.h"

/* Sizes of the tables, as multiples of what is in them. */
#define BITS_PER_GRAM 128U /* one position in a hundred passes by chance */
#define BITS_LOG_MAX 22U   /* half a megabyte: a processor's second cache */
#define OFFSETS_PER_GRAM 8U
#define OFFSETS_LOG_MAX 20U
#define STARTS_PER_WINDOW 4U

/* Windows of eight bytes are the first set, shorter ones the second: with grams of three bytes, so that their
 * stride is longer, unless there are so many that grams of three bytes, which are met far more often, cost
 * more than they save. */
#define SHORT_MANY 2000U

/* Tables of a set that is being filled. */
struct making {
        const struct pn_gram_set *set;
        uint32_t *bits;
        uint8_t *offsets;
        uint32_t *starts;
        struct pn_gram_entry *entry;
};

/* ---------------------------------------------------------------- which windows are in which set */

static uint32_t log_for(uint64_t wanted, uint32_t max)
{
        uint32_t log = PN_GRAM_LOG_MIN;

        while (log < max && ((uint64_t)1 << log) < wanted)
                log++;
        return log;
}

/* Windows of `first` to `last` bytes. */
static void plan_set(const uint32_t with_len[PN_WINDOW_MAX + 1], uint32_t first, uint32_t last,
                     struct pn_gram_set *ret)
{
        uint64_t grams;
        uint32_t shortest = 0, shift;

        for (uint32_t len = last; len >= first; len--)
                if (with_len[len] > 0) {
                        ret->windows += with_len[len];
                        ret->lengths |= 1U << len;
                        shortest = len;
                }
        if (ret->windows == 0)
                return;
        ret->gram = last == PN_WINDOW_MAX || ret->windows > SHORT_MANY ? 4 : 3;
        ret->stride = shortest - ret->gram + 1;
        grams = (uint64_t)ret->windows * ret->stride;
        ret->bits_log = log_for(grams * BITS_PER_GRAM, BITS_LOG_MAX);
        ret->offsets_log = log_for(grams * OFFSETS_PER_GRAM, OFFSETS_LOG_MAX);
        ret->starts_log = log_for((uint64_t)ret->windows * STARTS_PER_WINDOW, PN_GRAM_LOG_MAX);
        shift = 8 * (4 - ret->gram);
        ret->bits_factor = 0x9e3779b1U << shift;
        ret->offsets_factor = 0x85ebca6bU << shift;
}

static int plan(const struct pn_window *windows, uint32_t count, struct pn_gram_header *ret,
                struct pn_err *err)
{
        uint32_t with_len[PN_WINDOW_MAX + 1] = {0};

        if (count > PN_WINDOWS_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "%u windows are more than %u", count,
                                  PN_WINDOWS_MAX);
        for (uint32_t i = 0; i < count; i++) {
                if (windows[i].len < PN_WINDOW_MIN || windows[i].len > PN_WINDOW_MAX)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "window %u has %u bytes", i,
                                          windows[i].len);
                with_len[windows[i].len]++;
        }
        *ret = (struct pn_gram_header){.magic = PN_GRAM_MAGIC, .version = PN_GRAM_VERSION, .windows = count};
        plan_set(with_len, PN_WINDOW_MAX, PN_WINDOW_MAX, &ret->set[0]);
        plan_set(with_len, PN_WINDOW_MIN, PN_WINDOW_MAX - 1, &ret->set[1]);
        ret->bytes = pn_filter_aligned(sizeof(*ret));
        for (uint32_t i = 0; i < PN_GRAM_SETS; i++)
                ret->bytes = pn_gram_layout(&ret->set[i], ret->bytes).end;
        return 0;
}

/* ---------------------------------------------------------------- tables */

static bool is_letter(uint8_t byte)
{
        return (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
}

/* Zeros behind the window's end. */
static uint32_t gram_at(const struct pn_window *window, uint32_t offset)
{
        uint8_t bytes[4] = {0};
        uint32_t gram;

        for (uint32_t i = 0; i < sizeof(bytes) && offset + i < window->len; i++)
                bytes[i] = window->bytes[offset + i];
        memcpy(&gram, bytes, sizeof(gram));
        return le32toh(gram) | PN_GRAM_FOLD;
}

static struct pn_gram_entry entry_of(const struct pn_window *window, uint32_t number)
{
        struct pn_gram_entry ret = {0, 0, number, window->len};
        uint8_t value[PN_WINDOW_MAX] = {0}, mask[PN_WINDOW_MAX] = {0};

        for (uint32_t i = 0; i < window->len; i++) {
                mask[i] = window->nocase && is_letter(window->bytes[i]) ? 0xdf : 0xff;
                value[i] = window->bytes[i] & mask[i];
        }
        memcpy(&ret.value, value, sizeof(value));
        memcpy(&ret.mask, mask, sizeof(mask));
        return ret;
}

static uint64_t start_of(const struct making *making, const struct pn_gram_entry *entry)
{
        return pn_gram_start((entry->value | PN_GRAM_FOLD_LONG) & pn_gram_ones(entry->len),
                             making->set->starts_log);
}

/* Bytes that fill binaries: ones, zeros and, as those look when they are folded, spaces. */
static uint32_t dullness(const struct pn_window *window, uint32_t first, uint32_t len)
{
        uint32_t ret = 0;

        for (uint32_t i = first; i < first + len; i++) {
                ret += (window->bytes[i] | 0x20) == 0x20 || window->bytes[i] == 0xff ? 3 : 0;
                ret += i > first && window->bytes[i] == window->bytes[i - 1] ? 1 : 0;
        }
        return ret;
}

/* A window longer than the stride needs leaves a choice: which of its grams is the first of `stride`
 * neighbours. */
static uint32_t best_offset(const struct making *making, const struct pn_window *window)
{
        uint32_t best = 0, least = UINT32_MAX;
        const uint32_t covered = making->set->stride + making->set->gram - 1;

        for (uint32_t first = 0; first + covered <= window->len; first++) {
                uint32_t dull = dullness(window, first, covered);

                if (dull < least) {
                        least = dull;
                        best = first;
                }
        }
        return best;
}

static void add_grams(struct making *making, const struct pn_window *window)
{
        const struct pn_gram_set *set = making->set;
        uint32_t first = best_offset(making, window);

        for (uint32_t offset = first; offset < first + set->stride; offset++) {
                uint32_t gram = gram_at(window, offset);
                uint32_t bit = pn_gram_hash(gram, set->bits_factor, set->bits_log);

                making->bits[bit / 32] |= 1U << bit % 32;
                making->offsets[pn_gram_hash(gram, set->offsets_factor, set->offsets_log)] |=
                        (uint8_t)(1U << offset);
        }
}

/* Counting sort by hash: `starts` holds counts, then ends, then, when the last entry is in its place, begins.
 */
static void fill(struct making *making, const struct pn_window *windows, uint32_t count)
{
        const uint32_t starts = 1U << making->set->starts_log, lengths = making->set->lengths;

        for (uint32_t i = 0; i < count; i++)
                if (lengths >> windows[i].len & 1) {
                        struct pn_gram_entry entry = entry_of(&windows[i], i);

                        making->starts[start_of(making, &entry)]++;
                        add_grams(making, &windows[i]);
                }
        for (uint32_t i = 1; i <= starts; i++)
                making->starts[i] += making->starts[i - 1];
        for (uint32_t i = count; i-- > 0;)
                if (lengths >> windows[i].len & 1) {
                        struct pn_gram_entry entry = entry_of(&windows[i], i);

                        making->entry[--making->starts[start_of(making, &entry)]] = entry;
                }
}

int pn_filter_gram_build(const struct pn_window *windows, uint32_t count, uint8_t **ret, size_t *ret_len,
                         struct pn_err *err)
{
        struct pn_gram_header header;
        uint64_t begin = pn_filter_aligned(sizeof(header));
        uint8_t *block;

        if (plan(windows, count, &header, err) < 0)
                return pn_err_wrap(err, "build gram filter");
        block = aligned_alloc(PN_FILTER_ALIGN, header.bytes);
        if (!block)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "build gram filter of %u windows", count);
        memset(block, 0, header.bytes);
        memcpy(block, &header, sizeof(header));
        for (uint32_t i = 0; i < PN_GRAM_SETS; i++) {
                struct pn_gram_layout layout = pn_gram_layout(&header.set[i], begin);
                struct making making = {
                        .set = &header.set[i],
                        .bits = (uint32_t *)(block + layout.bits),
                        .offsets = block + layout.offsets,
                        .starts = (uint32_t *)(block + layout.starts),
                        .entry = (struct pn_gram_entry *)(block + layout.entries),
                };

                if (header.set[i].windows > 0)
                        fill(&making, windows, count);
                begin = layout.end;
        }
        *ret = block;
        *ret_len = header.bytes;
        return 0;
}
