/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/work.h"

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/detect/relocs.h"

#define RESOLVER_SORTS_MAX 64 /* of a full list; a sort takes a fifth of a millisecond */

#ifndef DF_1_PIE
#define DF_1_PIE 0x08000000
#endif

/* The tables are large and are only read as far as they were filled. */
void pn_work_init(struct pn_work *work, const struct pn_stage_input *input)
{
        work->input = input;
        work->symbols = (struct pn_symbols){0};
        work->resolver_count = work->resolver_sorts = 0;
        work->resolvers_cut = work->tls_relocs = work->ifunc_done = false;
        work->least_symbols = 0;
        work->ifunc = (struct pn_ifunc_facts){0};
}

/* ---------------------------------------------------------------- places */

static void add_place(struct pn_places *places, const char *word, uint64_t offset, size_t len,
                      const uint8_t *bytes)
{
        struct pn_evidence *place = &places->place[places->count++];

        memset(place, 0, sizeof(*place));
        (void)snprintf(place->string, sizeof(place->string), "%s", word);
        place->offset = offset;
        place->match_bytes = (uint32_t)len;
        place->kept = (uint8_t)(len < PN_EVIDENCE_BYTES ? len : PN_EVIDENCE_BYTES);
        memcpy(place->bytes, bytes, place->kept);
}

void pn_places_add_file(struct pn_places *places, struct pn_work *work, const char *word, uint64_t offset,
                        size_t len)
{
        uint8_t bytes[PN_EVIDENCE_BYTES];
        size_t take = len < sizeof(bytes) ? len : sizeof(bytes);

        if (places->count < PN_EVIDENCE_MAX && pn_image_file(&work->image, offset, bytes, take, NULL) > 0)
                add_place(places, word, offset, len, bytes);
}

void pn_places_add_mem(struct pn_places *places, struct pn_work *work, const char *word, uint64_t vaddr,
                       size_t len)
{
        uint64_t offset, there;

        if (pn_image_map(&work->image, vaddr, &offset, &there, NULL) == PN_IMAGE_FILE)
                pn_places_add_file(places, work, word, offset, there < len ? (size_t)there : len);
}

/* ---------------------------------------------------------------- what kind of file */

bool pn_work_is_library(const struct pn_work *work)
{
        const struct pn_elf *elf = work->input->elf;
        bool interpreter = false;

        if (elf->type != ET_DYN || !work->dynamic.there || work->dynamic.flags_1 & DF_1_PIE)
                return false;
        for (uint32_t i = 0; i < elf->segment_count; i++)
                interpreter |= elf->segment[i].type == PT_INTERP;
        return !interpreter || work->dynamic.has_soname;
}

int pn_work_is_named(struct pn_work *work, const char *stem, struct pn_err *err)
{
        const char *name = work->input->names->value[PN_NAME_FILENAME];
        char soname[PN_LINK_NAME];
        bool cut;
        int result;

        if (name && strncmp(name, stem, strlen(stem)) == 0)
                return 1;
        if (!work->dynamic.has_soname)
                return 0;
        result = pn_dynamic_string(&work->image, &work->dynamic, work->dynamic.soname, soname, sizeof(soname),
                                   &cut, err);
        return result > 0 ? strncmp(soname, stem, strlen(stem)) == 0 : result;
}

/* ---------------------------------------------------------------- symbols and relocations */

static int by_address(const void *left, const void *right)
{
        const uint64_t *a = left, *b = right;

        return *a < *b ? -1 : *a > *b;
}

static void sort_resolvers(struct pn_work *work)
{
        unsigned kept = 0;

        qsort(work->resolver, work->resolver_count, sizeof(work->resolver[0]), by_address);
        for (unsigned i = 0; i < work->resolver_count; i++)
                if (kept == 0 || work->resolver[kept - 1] != work->resolver[i])
                        work->resolver[kept++] = work->resolver[i];
        work->resolver_count = kept;
}

/* Full of the same ones again and again it is sorted, a few times; then it is full. */
static void add_resolver(void *ctx, uint64_t resolver)
{
        struct pn_work *work = ctx;

        if (work->resolver_count == PN_RESOLVERS_MAX && work->resolver_sorts++ < RESOLVER_SORTS_MAX)
                sort_resolvers(work);
        if (work->resolver_count < PN_RESOLVERS_MAX)
                work->resolver[work->resolver_count++] = resolver;
        else
                work->resolvers_cut = true;
}

static void on_reloc(void *ctx, const struct pn_reloc *reloc)
{
        struct pn_work *work = ctx;

        if (reloc->kind == PN_RELOC_IRELATIVE)
                add_resolver(work, reloc->value);
        if (reloc->kind == PN_RELOC_TLS)
                work->tls_relocs = true;
        if (reloc->kind != PN_RELOC_RELATIVE && reloc->symbol >= work->least_symbols)
                work->least_symbols = (uint64_t)reloc->symbol + 1;
}

int pn_work_gather(struct pn_work *work, struct pn_err *err)
{
        const struct pn_elf *elf = work->input->elf;

        if (elf->type != ET_EXEC && elf->type != ET_DYN)
                return 0;
        if (elf->machine == EM_X86_64 &&
            pn_relocs_each(&work->image, &work->dynamic, false, on_reloc, work, err) < 0)
                return -1;
        if (pn_symbols_read(&work->image, &work->dynamic, work->least_symbols, add_resolver, work,
                            &work->symbols, err) < 0)
                return -1;
        sort_resolvers(work);
        return 0;
}
