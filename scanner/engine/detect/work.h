/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_WORK_H
#define PN_DETECT_WORK_H

/* One file under the detectors: what one of them read is there for the next. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/detect/elf_dynamic.h"
#include "scanner/engine/detect/image.h"
#include "scanner/engine/detect/stages.h"
#include "scanner/engine/detect/symbols.h"
#include "scanner/finding/finding.h"

#define PN_RESOLVERS_MAX 4096 /* IFUNC resolvers of one file; glibc's libmvec has 162 */

/* What the code of all resolvers of a file does, with one place for each kind of thing. */
struct pn_ifunc_facts {
        unsigned resolvers;         /* that were walked */
        unsigned most_functions;    /* that one of them reaches */
        unsigned most_instructions; /* seen in one of them */
        unsigned indirect;   /* calls or jumps through a slot that may be written and has no symbol's name */
        unsigned stores;     /* into slots that the loader fills, or into what is read-only after it */
        unsigned unfollowed; /* calls whose target cannot be known */
        unsigned cut;        /* resolvers whose code did not end within the limits */
        uint64_t most_functions_at, indirect_at,
                store_at; /* addresses: of the resolver, of the instruction */
        uint64_t indirect_slot, store_slot;
};

struct pn_work {
        const struct pn_stage_input *input;
        struct pn_image image;
        struct pn_dynamic dynamic;

        struct pn_symbols symbols;
        uint64_t resolver[PN_RESOLVERS_MAX]; /* of symbols and IRELATIVE; sorted, each once, when gathered */
        unsigned resolver_count, resolver_sorts;
        bool resolvers_cut;
        uint64_t least_symbols; /* named by relocations */
        bool tls_relocs;

        bool ifunc_done;
        struct pn_ifunc_facts ifunc;
};

/* What a detector has to show: places with a word each. */
struct pn_places {
        unsigned count;
        struct pn_evidence place[PN_EVIDENCE_MAX];
};

/* Adds a place: `len` bytes at `offset` of the file, or at `vaddr`. What cannot be read is left out. */
void pn_places_add_file(struct pn_places *places, struct pn_work *work, const char *word, uint64_t offset,
                        size_t len);
void pn_places_add_mem(struct pn_places *places, struct pn_work *work, const char *word, uint64_t vaddr,
                       size_t len);

/* A detector: 1 for a hit with its places, 0, or -1 as pn_stages_run() says. */
typedef int pn_stage_look(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err);

pn_stage_look pn_stage_ifunc_store, pn_stage_ifunc_indirect, pn_stage_ifunc_closure;
pn_stage_look pn_stage_tls, pn_stage_liblzma, pn_stage_keyutils_needed, pn_stage_keyutils_place;
pn_stage_look pn_stage_hooks, pn_stage_hooks_of_several;
pn_stage_look pn_stage_upx, pn_stage_packed;
pn_stage_look pn_stage_loads_overlap, pn_stage_entry_outside, pn_stage_sections_lie;

/* Is it a library: a shared object that is no position independent program? By what ld.so looks at; a program
 * interpreter alone does not make a library a program. */
bool pn_work_is_library(const struct pn_work *work);

/* Does the file's own name, or its DT_SONAME, begin with `stem`? 1, 0, -1 as pn_image_peek(). */
int pn_work_is_named(struct pn_work *work, const char *stem, struct pn_err *err);

void pn_work_init(struct pn_work *work, const struct pn_stage_input *input);

/* Gathers symbols, resolvers and facts of relocations. 0 or -1. */
int pn_work_gather(struct pn_work *work, struct pn_err *err);

/* Soname, needed, runpath. 0 or -1 as pn_image_peek(). */
int pn_stage_links(struct pn_work *work, struct pn_stage_links *ret, struct pn_err *err);

#endif
