/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_STAGES_H
#define PN_DETECT_STAGES_H

/* Detectors: what the structure of an ELF file says, beside the rules that look at its bytes. One row of
 * stages.c each, with its name, severity, confidence, explanation, and a file, a test and a fuzz target of
 * its own. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/elf.h"
#include "scanner/engine/names.h"
#include "scanner/engine/object.h"
#include "scanner/finding/finding.h"

/* What a detector gets: one ELF file whose headers were found true by pn_elf_open(). */
struct pn_stage_input {
        const struct pn_object *file;
        const struct pn_elf *elf;
        const struct pn_names *names; /* hostile; may raise or choose what is looked at, never excuse */
};

/* Tells one finding: detector "elf", rule such as "ELF-IFUNC-001", title, remedy, source, severity,
 * confidence, up to PN_EVIDENCE_MAX places. Path, size and digest are not its to fill. */
typedef int pn_stage_sink(void *ctx, const struct pn_finding *finding);

/* What a library loads and a program asks for, for reachability: told for every ELF file that has PT_DYNAMIC,
 * below the ceilings of struct pn_stage_links. */
#define PN_LINKS_MAX 64
#define PN_LINK_NAME 128
struct pn_stage_links {
        char soname[PN_LINK_NAME];
        char needed[PN_LINKS_MAX][PN_LINK_NAME];
        unsigned needed_count;
        char runpath[PN_LINK_NAME]; /* DT_RUNPATH, else DT_RPATH; "" */
        bool cut;                   /* something did not fit */
};

/* Runs every detector of the table over one file. Returns 0; or -1 with PN_FAULT_TARGET (a lie that keeps a
 * detector from looking: the text says what and at which offset), PN_FAULT_BUDGET, PN_FAULT_HOST, or
 * PN_FAULT_BUG when the sink said -1. One detector's error does not keep the others from looking: the first
 * error is returned at the end. */
int pn_stages_run(const struct pn_stage_input *input, pn_stage_sink *sink, void *ctx,
                  struct pn_stage_links *ret_links, struct pn_err *err);

#endif
