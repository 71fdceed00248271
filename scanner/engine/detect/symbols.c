/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/symbols.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Strings that fit into the cache are looked up as the symbols come; larger ones in their own order, in
 * batches. */
#define NEAR_STRINGS_BYTES (PN_IMAGE_PAGES / 2 * PN_IMAGE_PAGE_BYTES)
#define BATCH 32768U
#define BUCKETS 4096U

/* Functions that rootkits loaded by LD_PRELOAD put themselves in front of, by the library that has them. */
static const struct {
        char name[PN_SYMBOL_NAME_MAX];
        enum pn_symbol_owner owner;
} names[] = {
        /* in the order of strcmp(), for a search by halves */
        {"__fxstat", PN_OWNER_LIBC},
        {"__fxstat64", PN_OWNER_LIBC},
        {"__lxstat", PN_OWNER_LIBC},
        {"__lxstat64", PN_OWNER_LIBC},
        {"__tls_get_addr", PN_OWNER_LOADER},
        {"__xstat", PN_OWNER_LIBC},
        {"__xstat64", PN_OWNER_LIBC},
        {"accept", PN_OWNER_LIBC},
        {"accept4", PN_OWNER_LIBC},
        {"access", PN_OWNER_LIBC},
        {"connect", PN_OWNER_LIBC},
        {"execve", PN_OWNER_LIBC},
        {"execvp", PN_OWNER_LIBC},
        {"fopen", PN_OWNER_LIBC},
        {"fopen64", PN_OWNER_LIBC},
        {"getspnam", PN_OWNER_LIBC},
        {"link", PN_OWNER_LIBC},
        {"lstat", PN_OWNER_LIBC},
        {"lstat64", PN_OWNER_LIBC},
        {"lzma_crc32", PN_OWNER_LZMA},
        {"lzma_crc64", PN_OWNER_LZMA},
        {"open", PN_OWNER_LIBC},
        {"open64", PN_OWNER_LIBC},
        {"openat", PN_OWNER_LIBC},
        {"opendir", PN_OWNER_LIBC},
        {"pam_acct_mgmt", PN_OWNER_PAM},
        {"pam_authenticate", PN_OWNER_PAM},
        {"pam_get_item", PN_OWNER_PAM},
        {"pam_open_session", PN_OWNER_PAM},
        {"pam_set_item", PN_OWNER_PAM},
        {"pcap_loop", PN_OWNER_PCAP},
        {"pcap_stats", PN_OWNER_PCAP},
        {"read", PN_OWNER_LIBC},
        {"readdir", PN_OWNER_LIBC},
        {"readdir64", PN_OWNER_LIBC},
        {"recvmsg", PN_OWNER_LIBC},
        {"rename", PN_OWNER_LIBC},
        {"stat", PN_OWNER_LIBC},
        {"stat64", PN_OWNER_LIBC},
        {"unlink", PN_OWNER_LIBC},
        {"unlinkat", PN_OWNER_LIBC},
        {"write", PN_OWNER_LIBC},
};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* What is known of a symbol whose name is still to be looked at. */
struct named {
        uint32_t name;
        bool defined, ifunc;
        uint64_t value;
};

/* Symbols whose names are looked at together. */
struct batch {
        struct named symbol[BATCH];
        uint32_t order[BATCH];
        uint32_t end[BUCKETS]; /* of the symbols whose strings lie in each part of DT_STRTAB */
        size_t count;
};

struct pass {
        struct pn_image *image;
        const struct pn_dynamic *dynamic;
        struct pn_symbols *symbols;
        pn_symbols_tell *tell;
        void *ctx;
        struct pn_err *err;
        struct batch *batch; /* NULL when names are looked up at once */
};

static size_t bucket_of(const struct pass *pass, uint32_t name)
{
        uint64_t bucket = name / (pass->dynamic->strings_bytes / BUCKETS + 1);

        return bucket < BUCKETS ? (size_t)bucket : BUCKETS - 1;
}

static int find_name(const char *word)
{
        size_t low = 0, high = NAMES;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(word, names[middle].name);

                if (order == 0)
                        return (int)middle;
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return -1;
}

static int look_at_name(struct pass *pass, const struct named *symbol)
{
        struct pn_symbols *symbols = pass->symbols;
        char word[PN_SYMBOL_NAME_MAX];
        enum pn_symbol_owner owner;
        bool cut;
        int at, result = pn_dynamic_string(pass->image, pass->dynamic, symbol->name, word, sizeof(word), &cut,
                                           pass->err);

        if (result < 0)
                return -1;
        at = result > 0 && !cut ? find_name(word) : -1;
        if (at < 0)
                return 0;
        owner = names[at].owner;
        if (owner == PN_OWNER_LOADER && !symbol->defined)
                symbols->imports_tls_get_addr = true;
        if (!symbol->defined)
                return 0;
        if (symbols->exports[owner]++ == 0)
                symbols->first[owner] = symbol->value;
        if (owner == PN_OWNER_LZMA && symbol->ifunc)
                symbols->lzma_ifunc = symbol->value;
        return 0;
}

/* Strings near each other after each other: sorted by counting. */
static int end_batch(struct pass *pass)
{
        struct batch *batch = pass->batch;

        memset(batch->end, 0, sizeof(batch->end));
        for (size_t i = 0; i < batch->count; i++)
                batch->end[bucket_of(pass, batch->symbol[i].name)]++;
        for (size_t i = 1; i < BUCKETS; i++)
                batch->end[i] += batch->end[i - 1];
        for (size_t i = batch->count; i-- > 0;)
                batch->order[--batch->end[bucket_of(pass, batch->symbol[i].name)]] = (uint32_t)i;
        for (size_t i = 0; i < batch->count; i++)
                if (look_at_name(pass, &batch->symbol[batch->order[i]]) < 0)
                        return -1;
        batch->count = 0;
        return 0;
}

static int on_symbol(struct pass *pass, const struct pn_symbol *symbol)
{
        bool defined = symbol->section != SHN_UNDEF, ifunc = symbol->type == STT_GNU_IFUNC;
        struct named named = {symbol->name, defined, ifunc, symbol->value};

        if (defined && ifunc) {
                pass->symbols->ifunc_count++;
                pass->tell(pass->ctx, symbol->value);
        }
        if (symbol->bind == STB_LOCAL || symbol->name == 0 ||
            (symbol->type != STT_FUNC && symbol->type != STT_NOTYPE && !ifunc))
                return 0;
        pass->symbols->functions += defined;
        pass->symbols->imports += !defined;
        if (!pass->batch)
                return look_at_name(pass, &named);
        pass->batch->symbol[pass->batch->count++] = named;
        return pass->batch->count == BATCH ? end_batch(pass) : 0;
}

static int each_symbol(struct pass *pass)
{
        struct pn_image_table table = {.image = pass->image,
                                       .at = pass->dynamic->symtab,
                                       .entry_bytes = pn_symbol_bytes(pass->image),
                                       .left = pass->symbols->count};
        const uint8_t *entry;
        int result;

        while ((result = pn_image_next(&table, &entry, pass->err)) > 0) {
                struct pn_symbol symbol;

                pn_symbol_decode(pass->image, entry, &symbol);
                if (on_symbol(pass, &symbol) < 0)
                        return -1;
        }
        if (result < 0)
                return pn_err_wrap(pass->err, "DT_SYMTAB");
        return pass->batch ? end_batch(pass) : 0;
}

int pn_symbols_read(struct pn_image *image, const struct pn_dynamic *dynamic, uint64_t least,
                    pn_symbols_tell *tell, void *ctx, struct pn_symbols *ret, struct pn_err *err)
{
        struct pass pass = {image, dynamic, ret, tell, ctx, err, NULL};
        int result;

        *ret = (struct pn_symbols){0};
        if (pn_dynamic_count_symbols(image, dynamic, &ret->count, err) < 0)
                return -1;
        if (!dynamic->there || !dynamic->has_symtab)
                return 0;
        if (ret->count < least)
                ret->count = least;
        if (dynamic->strings_bytes > NEAR_STRINGS_BYTES) {
                pass.batch = malloc(sizeof(*pass.batch));
                if (!pass.batch)
                        return pn_err_set(err, PN_FAULT_BUDGET, ENOMEM,
                                          "sort the names of %" PRIu64 " symbols", ret->count);
                pass.batch->count = 0;
        }
        result = each_symbol(&pass);
        free(pass.batch);
        return result;
}
