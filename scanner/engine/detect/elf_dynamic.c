/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/elf_dynamic.h"

#include <elf.h>
#include <inttypes.h>
#include <stddef.h>
#include <string.h>

#ifndef DT_RELRSZ
#define DT_RELRSZ 35
#define DT_RELR 36
#endif

/* Where an entry's value goes, and what says that it was there. */
struct row {
        int64_t tag;
        size_t value;
        size_t seen; /* 0 for a tag whose absence is the value 0 */
};

#define AT(field) offsetof(struct pn_dynamic, field)
static const struct row rows[] = {
        {DT_STRTAB, AT(strtab), AT(has_strtab)},
        {DT_STRSZ, AT(strings_bytes), 0},
        {DT_SYMTAB, AT(symtab), AT(has_symtab)},
        {DT_HASH, AT(hash), AT(has_hash)},
        {DT_GNU_HASH, AT(gnu_hash), AT(has_gnu_hash)},
        {DT_SONAME, AT(soname), AT(has_soname)},
        {DT_RUNPATH, AT(runpath), AT(has_runpath)},
        {DT_RPATH, AT(rpath), AT(has_rpath)},
        {DT_FLAGS_1, AT(flags_1), 0},
        {DT_RELA, AT(rela), 0},
        {DT_RELASZ, AT(rela_bytes), 0},
        {DT_REL, AT(rel), 0},
        {DT_RELSZ, AT(rel_bytes), 0},
        {DT_JMPREL, AT(jmprel), 0},
        {DT_PLTRELSZ, AT(jmprel_bytes), 0},
        {DT_PLTREL, AT(jmprel_type), 0},
        {DT_RELR, AT(relr), 0},
        {DT_RELRSZ, AT(relr_bytes), 0},
};

static void take(struct pn_dynamic *dynamic, int64_t tag, uint64_t value)
{
        if (tag == DT_NEEDED) {
                if (dynamic->needed_count < PN_DYNAMIC_NEEDED_MAX)
                        dynamic->needed[dynamic->needed_count++] = value;
                else
                        dynamic->needed_cut = true;
                return;
        }
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                if (rows[i].tag != tag)
                        continue;
                memcpy((char *)dynamic + rows[i].value, &value, sizeof(value));
                if (rows[i].seen != 0)
                        *((char *)dynamic + rows[i].seen) = 1;
                return;
        }
}

static int64_t decode_tag(const struct pn_image *image, const uint8_t *entry)
{
        return image->elf->is64 ? (int64_t)pn_image_uint(image, entry, 8)
                                : (int32_t)(uint32_t)pn_image_uint(image, entry, 4);
}

int pn_dynamic_read(struct pn_image *image, struct pn_dynamic *ret, struct pn_err *err)
{
        unsigned word = image->elf->is64 ? 8 : 4;
        struct pn_image_table table = {
                .image = image, .entry_bytes = 2 * word, .left = PN_DYNAMIC_ENTRIES_MAX};
        const uint8_t *entry;
        int result;

        memset(ret, 0, offsetof(struct pn_dynamic, needed));
        ret->needed_count = 0;
        ret->needed_cut = false;
        if (image->elf->type != ET_EXEC && image->elf->type != ET_DYN)
                return 0; /* nothing loads it */
        for (uint32_t i = 0; i < image->elf->segment_count; i++) {
                if (image->elf->segment[i].type != PT_DYNAMIC)
                        continue;
                ret->there = true;
                ret->vaddr = table.at = image->elf->segment[i].vaddr;
        }
        if (!ret->there)
                return 0;
        while ((result = pn_image_next(&table, &entry, err)) > 0) {
                int64_t tag = decode_tag(image, entry);

                if (tag == DT_NULL)
                        return 0;
                take(ret, tag, pn_image_uint(image, entry + word, word));
        }
        if (result < 0)
                return pn_err_wrap(err, "PT_DYNAMIC at address %" PRIu64, ret->vaddr);
        return pn_err_set(err, PN_FAULT_TARGET, 0,
                          "PT_DYNAMIC at address %" PRIu64 " has more than %d entries", ret->vaddr,
                          PN_DYNAMIC_ENTRIES_MAX);
}

int pn_dynamic_string(struct pn_image *image, const struct pn_dynamic *dynamic, uint64_t name, char *buf,
                      size_t room, bool *ret_cut, struct pn_err *err)
{
        uint64_t at;

        *ret_cut = false;
        if (!dynamic->has_strtab || __builtin_add_overflow(dynamic->strtab, name, &at))
                return 0;
        return pn_image_string(image, at, buf, room, ret_cut, err);
}

/* ---------------------------------------------------------------- how many symbols */

/* DT_HASH: buckets, chains; one chain entry for each symbol. */
static int count_by_hash(struct pn_image *image, const struct pn_dynamic *dynamic, uint64_t *ret_count,
                         struct pn_err *err)
{
        /* the two ABIs whose words there are of eight bytes */
        bool wide = image->elf->is64 && (image->elf->machine == EM_ALPHA || image->elf->machine == EM_S390);
        unsigned word = wide ? 8 : 4;
        uint8_t bytes[16];
        int result = pn_image_mem(image, dynamic->hash, bytes, 2 * (size_t)word, err);

        if (result < 0)
                return -1;
        if (result == 0)
                return pn_err_set(err, PN_FAULT_TARGET, 0,
                                  "DT_HASH is address %" PRIu64 ", which is not in the file", dynamic->hash);
        *ret_count = pn_image_uint(image, bytes + word, word);
        return 0;
}

struct gnu_hash {
        uint32_t buckets, first; /* first: index of the first symbol that is in the table */
        uint64_t bucket_at, chain_at;
};

static int read_gnu_hash(struct pn_image *image, uint64_t vaddr, struct gnu_hash *ret, struct pn_err *err)
{
        uint64_t bloom_bytes;
        uint8_t bytes[16];
        int result = pn_image_mem(image, vaddr, bytes, sizeof(bytes), err);

        if (result < 0)
                return -1;
        ret->buckets = result > 0 ? (uint32_t)pn_image_uint(image, bytes, 4) : 0;
        ret->first = result > 0 ? (uint32_t)pn_image_uint(image, bytes + 4, 4) : 0;
        bloom_bytes = result > 0 ? pn_image_uint(image, bytes + 8, 4) * (image->elf->is64 ? 8 : 4) : 0;
        if (result == 0 || 4ULL * ret->buckets + bloom_bytes > image->file->size_bytes)
                return pn_err_set(err, PN_FAULT_TARGET, 0,
                                  "DT_GNU_HASH is address %" PRIu64 ", which does not hold such a table",
                                  vaddr);
        ret->bucket_at = vaddr + sizeof(bytes) + bloom_bytes;
        ret->chain_at = ret->bucket_at + 4ULL * ret->buckets;
        return 0;
}

/* DT_GNU_HASH: each bucket names its first symbol, chains lie in the order of symbols, the last of a chain is
 * odd. */
static int count_by_gnu_hash(struct pn_image *image, uint64_t vaddr, uint64_t *ret_count, struct pn_err *err)
{
        struct gnu_hash hash;
        struct pn_image_table table = {.image = image, .entry_bytes = 4};
        const uint8_t *entry;
        uint64_t last = 0;
        int result;

        if (read_gnu_hash(image, vaddr, &hash, err) < 0)
                return -1;
        table.at = hash.bucket_at;
        table.left = hash.buckets;
        while ((result = pn_image_next(&table, &entry, err)) > 0) {
                uint64_t symbol = pn_image_uint(image, entry, 4);

                if (symbol > last)
                        last = symbol;
        }
        if (result < 0)
                return pn_err_wrap(err, "buckets of DT_GNU_HASH");
        *ret_count = hash.first;
        if (last < hash.first || last == 0)
                return 0;
        table = (struct pn_image_table){
                .image = image, .entry_bytes = 4, .left = image->file->size_bytes / 4};
        table.at = hash.chain_at + 4 * (last - hash.first);
        while ((result = pn_image_next(&table, &entry, err)) > 0) {
                last++;
                if (pn_image_uint(image, entry, 4) & 1)
                        break;
        }
        *ret_count = last;
        return result < 0 ? pn_err_wrap(err, "chains of DT_GNU_HASH") : 0;
}

int pn_dynamic_count_symbols(struct pn_image *image, const struct pn_dynamic *dynamic, uint64_t *ret_count,
                             struct pn_err *err)
{
        uint64_t by_hash = 0, by_gnu_hash = 0;

        *ret_count = 0;
        if (!dynamic->there || !dynamic->has_symtab)
                return 0;
        if (dynamic->has_hash && count_by_hash(image, dynamic, &by_hash, err) < 0)
                return -1;
        if (dynamic->has_gnu_hash && count_by_gnu_hash(image, dynamic->gnu_hash, &by_gnu_hash, err) < 0)
                return -1;
        *ret_count = by_hash > by_gnu_hash ? by_hash : by_gnu_hash;
        if (*ret_count > image->file->size_bytes / pn_symbol_bytes(image))
                return pn_err_set(err, PN_FAULT_TARGET, 0, "the hash tables count %" PRIu64 " symbols",
                                  *ret_count);
        return 0;
}

/* ---------------------------------------------------------------- symbols */

unsigned pn_symbol_bytes(const struct pn_image *image)
{
        return image->elf->is64 ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
}

void pn_symbol_decode(const struct pn_image *image, const uint8_t *entry, struct pn_symbol *ret)
{
        bool is64 = image->elf->is64;
        uint8_t info = entry[is64 ? 4 : 12];

        ret->name = (uint32_t)pn_image_uint(image, entry, 4);
        ret->type = info & 15;
        ret->bind = info >> 4;
        ret->section = (uint16_t)pn_image_uint(image, entry + (is64 ? 6 : 14), 2);
        ret->value = pn_image_uint(image, entry + (is64 ? 8 : 4), is64 ? 8 : 4);
        ret->size = pn_image_uint(image, entry + (is64 ? 16 : 8), is64 ? 8 : 4);
}
