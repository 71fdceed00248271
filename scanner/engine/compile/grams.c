/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/grams.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define GRAMS_VERSION 1U
#define BUCKETS ((size_t)1 << PN_GRAMS_BITS)
#define STEPS 8.0 /* of the logarithm, in each doubling */
#define GB 1e9

/* The file's begin; native byte order, as all that is made on the node is. */
struct head {
        uint32_t magic, version, bits, pad;
        uint64_t positions;
};

struct pn_grams {
        const uint8_t *value; /* NULL: the table that knows nothing */
        uint64_t positions;
};

struct pn_gram_count {
        uint64_t positions;
        uint32_t bucket[];
};

static uint8_t fold(uint8_t c)
{
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* Two hashes of the four folded bytes (the first one lowest), each into its own half of the table:
 * multiplied, and the high bits. Rarely do both meet something common (Cormode, Muthukrishnan: the count-min
 * sketch). */
static void gram_buckets(const uint8_t b[4], uint32_t ret[2])
{
        const uint32_t gram = (uint32_t)fold(b[0]) | (uint32_t)fold(b[1]) << 8 | (uint32_t)fold(b[2]) << 16 |
                              (uint32_t)fold(b[3]) << 24;

        ret[0] = gram * 0x9e3779b1U >> (33 - PN_GRAMS_BITS);
        ret[1] = ((gram ^ gram >> 15) * 0x85ebca6bU >> (33 - PN_GRAMS_BITS)) + (uint32_t)(BUCKETS / 2);
}

/* ---------------------------------------------------------------- without a table */

/* How much of a binary is which byte, roughly: what a stock x86-64 library looks like, after
 * folding ('h' is also 0x48, the REX.W prefix). Later rows win. */
static const struct {
        uint8_t from, to;
        double share;
} byte_shares[] = {
        {0x00, 0xff, 0.0025}, /* anything */
        {0x01, 0x10, 0.008},  /* small numbers, lengths */
        {'0', '9', 0.006},    {'a', 'z', 0.010},   {'-', '/', 0.006},   {'_', '_', 0.010},
        {'a', 'a', 0.020},    {'c', 'f', 0.018},   {'i', 'i', 0.020},   {'l', 'l', 0.015},
        {'n', 'o', 0.020},    {'r', 't', 0.020},   {' ', ' ', 0.030},   {0x24, 0x24, 0.015},
        {0x83, 0x83, 0.010},  {0x85, 0x85, 0.010}, {0x89, 0x89, 0.015}, {0x8b, 0x8b, 0.015},
        {0x8d, 0x8d, 0.012},  {0x90, 0x90, 0.012}, {0xc0, 0xc0, 0.010}, {0xc7, 0xc7, 0.010},
        {0xcc, 0xcc, 0.010},  {0xe8, 0xe8, 0.012}, {0x0f, 0x0f, 0.015}, {'h', 'h', 0.020},
        {0xff, 0xff, 0.050},  {0x00, 0x00, 0.300},
};

#define RUN_FACTOR 50.0 /* fill bytes come in runs, so the shares of their bytes are not independent */

static double byte_share(uint8_t byte)
{
        double share = 0;

        for (size_t i = 0; i < sizeof(byte_shares) / sizeof(byte_shares[0]); i++)
                if (byte >= byte_shares[i].from && byte <= byte_shares[i].to)
                        share = byte_shares[i].share;
        return share;
}

double pn_grams_guess_per_gb(const uint8_t *bytes, unsigned len)
{
        double expected = GB;
        bool run = len > 1;

        for (unsigned i = 0; i < len; i++) {
                expected *= byte_share(fold(bytes[i]));
                run = run && bytes[i] == bytes[0];
        }
        return run ? fmin(expected * RUN_FACTOR, GB) : expected;
}

/* ---------------------------------------------------------------- with one */

int pn_grams_open(struct pn_view file, struct pn_grams **ret, struct pn_err *err)
{
        struct pn_grams *grams;
        struct head head;

        if (file.len != 0) {
                if (file.len != sizeof(head) + BUCKETS)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "table of 4-grams: %zu bytes, not %zu",
                                          file.len, sizeof(head) + BUCKETS);
                memcpy(&head, file.data, sizeof(head));
                if (head.magic != PN_GRAMS_MAGIC || head.version != GRAMS_VERSION ||
                    head.bits != PN_GRAMS_BITS)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                          "table of 4-grams: wrong magic, version or size");
                if (head.positions == 0)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "table of 4-grams: made of nothing");
        }
        grams = calloc(1, sizeof(*grams));
        if (grams == NULL)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open the table of 4-grams");
        if (file.len != 0) {
                grams->value = file.data + sizeof(head);
                grams->positions = head.positions;
        }
        *ret = grams;
        return 0;
}

struct pn_grams *pn_grams_free(struct pn_grams *grams)
{
        free(grams);
        return NULL;
}

double pn_grams_per_gb(const struct pn_grams *grams, const uint8_t bytes[4])
{
        double guess = pn_grams_guess_per_gb(bytes, 4);
        uint32_t at[2];
        uint8_t value;

        if (grams->value == NULL)
                return guess;
        gram_buckets(bytes, at);
        value = grams->value[at[0]] < grams->value[at[1]] ? grams->value[at[0]] : grams->value[at[1]];
        if (value != 0)
                return exp2((value - 1) / STEPS) / (double)grams->positions * GB;
        /* never seen: at most half an occurrence in what was counted, and among those the guess decides */
        return fmin(0.9, 0.5 * GB / (double)grams->positions) * (0.2 + 0.8 * fmin(1, guess));
}

/* ---------------------------------------------------------------- counting */

struct pn_gram_count *pn_gram_count_new(void)
{
        return calloc(1, sizeof(struct pn_gram_count) + BUCKETS * sizeof(uint32_t));
}

struct pn_gram_count *pn_gram_count_free(struct pn_gram_count *count)
{
        free(count);
        return NULL;
}

/* The larger one has counted something else, too, and need not grow. */
static void bump(uint32_t *a, uint32_t *b)
{
        const uint32_t least = *a < *b ? *a : *b;

        if (least == UINT32_MAX)
                return;
        *a += *a == least;
        *b += *b == least;
}

void pn_gram_count_add(struct pn_gram_count *count, const uint8_t *bytes, size_t len)
{
        uint32_t at[2];

        for (size_t i = 0; len >= 4 && i <= len - 4; i++) {
                gram_buckets(bytes + i, at);
                bump(&count->bucket[at[0]], &count->bucket[at[1]]);
                count->positions++;
        }
}

int pn_gram_count_file(const struct pn_gram_count *count, uint8_t **ret, size_t *ret_len, struct pn_err *err)
{
        const struct head head = {PN_GRAMS_MAGIC, GRAMS_VERSION, PN_GRAMS_BITS, 0, count->positions};
        uint8_t *file;

        if (count->positions == 0)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "count 4-grams: no bytes were given");
        file = malloc(sizeof(head) + BUCKETS);
        if (file == NULL)
                return pn_err_set(err, PN_FAULT_HOST, errno, "count 4-grams");
        memcpy(file, &head, sizeof(head));
        for (size_t i = 0; i < BUCKETS; i++) {
                double value = count->bucket[i] == 0 ? 0 : 1 + round(STEPS * log2(count->bucket[i]));

                file[sizeof(head) + i] = (uint8_t)fmin(value, UINT8_MAX);
        }
        *ret = file;
        *ret_len = sizeof(head) + BUCKETS;
        return 0;
}
