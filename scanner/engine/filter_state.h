/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_FILTER_STATE_H
#define PN_ENGINE_FILTER_STATE_H

/* What the backends of the filter share; for filter*.c alone. Each backend's own state begins with a struct
 * pn_filter. */

#include "scanner/engine/filter.h"

struct pn_filter_backend {
        const char *name;
        int (*open)(struct pn_view database, struct pn_filter **ret, struct pn_err *err);
        void (*close)(struct pn_filter *filter); /* frees it */
        int (*scan)(struct pn_filter *filter, const uint8_t *buf, size_t len, pn_filter_hit *hit, void *ctx,
                    struct pn_err *err);
};

struct pn_filter {
        const struct pn_filter_backend *backend;
        bool plain; /* gram: without instructions that not every processor has; a test may set it */
};

extern const struct pn_filter_backend pn_filter_backend_hs, pn_filter_backend_gram;

/* The database of Hyperscan, in front of what hs_serialize_database() made:
 *
 *     database = header length:u8[windows] (zeros up to a multiple of 64) *byte   ; no byte without windows
 *
 * Native byte order. The bytes are Hyperscan's own format with a checksum; that they are what the compiler
 * made is known by the digest of the generation. */
#define PN_FILTER_HS_MAGIC 0x53484e50U /* "PNHS" */
#define PN_FILTER_HS_VERSION 1U

struct pn_filter_hs_header {
        uint32_t magic, version;
        uint32_t windows, pad;
        uint64_t offset, bytes; /* of Hyperscan's part */
};

#define PN_FILTER_ALIGN 64U

static inline uint64_t pn_filter_aligned(uint64_t bytes)
{
        return (bytes + PN_FILTER_ALIGN - 1) & ~(uint64_t)(PN_FILTER_ALIGN - 1);
}

/* The gram database (filter_gram.c looks, filter_gram_build.c makes). Sampling: a window of `len` bytes
 * covers, wherever it lies in a buffer, exactly one of `stride` neighbouring grams (4 bytes, or 3) at a
 * position that is a multiple of the stride, for any stride up to len - gram + 1. So `stride` grams of each
 * window are in the tables, and one position in `stride` is looked at. Windows of eight bytes and shorter
 * ones are two sets, because the stride is that of the shortest.
 *
 *     database = header set[0] set[1]
 *     set      = bits offsets starts entries        ; each begins at a multiple of 64; none without windows
 *     bits     = u32[2^bits_log / 32]               ; is there a window with such a gram?
 *     offsets  = u8[2^offsets_log]                  ; where in the window is it? a bit for each offset
 *     starts   = u32[2^starts_log + 1]              ; by hash of all of a window: its run of entries
 *     entries  = struct pn_gram_entry[windows]
 *
 * The first two are found by hashes of the gram with its case folded (what differs from another byte by the
 * bit in which letters differ is folded with it). What stands in them can cost time or hits but no memory
 * error; the other two are checked when the database is opened. However many windows share a gram, one
 * position costs at most a look for each offset and length, so that bytes made to nearly match cannot make a
 * scan slow. Native byte order. */
#define PN_GRAM_MAGIC 0x52474e50U /* "PNGR" */
#define PN_GRAM_VERSION 1U
#define PN_GRAM_SETS 2U
#define PN_GRAM_STRIDE_MAX 5U
#define PN_GRAM_LOG_MIN 8U
#define PN_GRAM_LOG_MAX 26U

struct pn_gram_set {
        uint32_t windows;
        uint32_t gram; /* bytes; for who fills the tables: the factors of the hashes hold it too */
        uint32_t stride;
        uint32_t lengths; /* bit n: there are windows of n bytes */
        uint32_t bits_log, offsets_log, starts_log;
        uint32_t bits_factor, offsets_factor; /* of the hashes */
        uint32_t pad;
};

struct pn_gram_header {
        uint32_t magic, version;
        uint64_t bytes; /* of everything */
        uint32_t windows, pad;
        struct pn_gram_set set[PN_GRAM_SETS]; /* all zeros: not there */
};

/* A window is there when ((eight bytes ^ value) & mask) == 0, all as they lie in memory: mask has 0xff, 0xdf
 * for letters of a window without case, zeros behind its end. */
struct pn_gram_entry {
        uint64_t value, mask;
        uint32_t window, len;
};

/* Where the tables of a set are, from the begin of the database. */
struct pn_gram_layout {
        uint64_t bits, offsets, starts, entries, end;
};

/* Fields of the set must be in their ranges. */
static inline struct pn_gram_layout pn_gram_layout(const struct pn_gram_set *set, uint64_t begin)
{
        struct pn_gram_layout ret = {begin, begin, begin, begin, begin};

        if (set->windows == 0)
                return ret;
        ret.offsets = ret.bits + pn_filter_aligned(((uint64_t)1 << set->bits_log) / 8);
        ret.starts = ret.offsets + pn_filter_aligned((uint64_t)1 << set->offsets_log);
        ret.entries =
                ret.starts + pn_filter_aligned((((uint64_t)1 << set->starts_log) + 1) * sizeof(uint32_t));
        ret.end = ret.entries + pn_filter_aligned(set->windows * sizeof(struct pn_gram_entry));
        return ret;
}

#define PN_GRAM_FOLD 0x20202020U
#define PN_GRAM_FOLD_LONG 0x2020202020202020U

/* Of four bytes, little endian, folded. A factor that is a multiple of 2^8 makes it a hash of the first
 * three: what the fourth adds to the product is beyond its 32 bits. */
static inline uint32_t pn_gram_hash(uint32_t gram, uint32_t factor, uint32_t log)
{
        return (gram * factor) >> (32 - log);
}

/* Of all of a window: the folded bytes with zeros behind its end. */
static inline uint64_t pn_gram_start(uint64_t folded, uint32_t log)
{
        return (folded * 0x9e3779b97f4a7c15U) >> (64 - log);
}

/* Ones in the first `len` bytes of eight, as they lie in memory. */
static inline uint64_t pn_gram_ones(uint32_t len)
{
        uint8_t bytes[8];
        uint64_t ret;

        for (uint32_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = i < len ? 0xff : 0;
        __builtin_memcpy(&ret, bytes, sizeof(ret));
        return ret;
}

#endif
