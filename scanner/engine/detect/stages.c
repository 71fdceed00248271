/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/stages.h"

#include <stdio.h>
#include <string.h>

#include "scanner/engine/detect/sections.h"
#include "scanner/engine/detect/work.h"

struct row {
        const char *rule;
        enum pn_severity severity;
        enum pn_confidence confidence;
        pn_stage_look *look;
        const char *title, *remedy, *source;
};

#define HIGH_HIGH PN_SEVERITY_HIGH, PN_CONFIDENCE_HIGH
#define HIGH_MEDIUM PN_SEVERITY_HIGH, PN_CONFIDENCE_MEDIUM
#define MEDIUM_LOW PN_SEVERITY_MEDIUM, PN_CONFIDENCE_LOW
#define LOW_LOW PN_SEVERITY_LOW, PN_CONFIDENCE_LOW

#define REBUILD                                                                                              \
        "Replace the library by the distribution's own build; treat what ran from this image as "            \
        "compromised."
#define COMPARE "Compare the file with the one in its package; replace it when it differs."
#define WHO_PUT "Find out which package the file is from, and why it is made like this."
#define XZ "CVE-2024-3094; tukaani-project/xz 5.6.0, 5.6.1; postern's own measurements"
#define PRELOAD                                                                                              \
        "Intezer and BlackBerry: Symbiote (2022-06); Intezer: OrBit (2022-07); timb-machine/linux-malware"
#define EBURY "ESET: Operation Windigo (2014), Ebury is alive but unseen (2024)"
#define GABI "System V ABI, object files; Linux binfmt_elf.c; postern's own measurements"

/* High severity with medium or high confidence refuses a start by the default policy: only what found nothing
 * on any clean file it was tried on, and what no honest compiler makes. */
static const struct row rows[] = {
        {"ELF-IFUNC-001", PN_SEVERITY_CRITICAL, PN_CONFIDENCE_HIGH, pn_stage_ifunc_store,
         "an IFUNC resolver writes into a slot that the loader fills: it takes over calls before the program "
         "starts",
         REBUILD, XZ},
        {"ELF-IFUNC-002", HIGH_MEDIUM, pn_stage_ifunc_indirect,
         "an IFUNC resolver calls through a nameless slot that may be written, as the xz back door does",
         REBUILD, XZ},
        {"ELF-IFUNC-003", MEDIUM_LOW, pn_stage_ifunc_closure,
         "an IFUNC resolver runs far more code than choosing a function takes", COMPARE, XZ},
        {"ELF-TLS-001", MEDIUM_LOW, pn_stage_tls,
         "a library imports __tls_get_addr and has no thread-local variables: the xz back door uses it as a "
         "landmark",
         COMPARE, XZ},
        {"ELF-LZMA-001", MEDIUM_LOW, pn_stage_liblzma,
         "lzma_crc32 or lzma_crc64 is chosen by IFUNC: code of xz 5.6.0 or 5.6.1, whatever its version says",
         "Check that it is a clean rebuild; 5.6.0 and 5.6.1 as released carry a back door.", XZ},
        {"ELF-KEYUTILS-001", HIGH_MEDIUM, pn_stage_keyutils_needed,
         "libkeyutils needs a library that a clean one does not need, as Ebury makes it", REBUILD, EBURY},
        {"ELF-KEYUTILS-002", HIGH_MEDIUM, pn_stage_keyutils_place,
         "libkeyutils below a directory tls, where Ebury puts its own", REBUILD, EBURY},
        {"ELF-HOOKS-001", MEDIUM_LOW, pn_stage_hooks,
         "a library stands in front of many functions of the C library, as rootkits loaded by LD_PRELOAD do",
         WHO_PUT, PRELOAD},
        {"ELF-HOOKS-002", HIGH_MEDIUM, pn_stage_hooks_of_several,
         "a library stands in front of functions of the C library and of PAM or pcap at once: it steals or "
         "hides",
         REBUILD, PRELOAD},
        {"ELF-LIE-001", LOW_LOW, pn_stage_loads_overlap,
         "two segments of the program claim the same memory: tools may see other bytes than those that run",
         WHO_PUT, GABI},
        {"ELF-LIE-002", LOW_LOW, pn_stage_entry_outside, "the program begins outside of its code", WHO_PUT,
         GABI},
        {"ELF-LIE-003", LOW_LOW, pn_stage_sections_lie,
         "the section table tells tools of other bytes than those that are loaded", WHO_PUT, GABI},
        {"ELF-PACKED-001", MEDIUM_LOW, pn_stage_upx, "the program is packed with UPX",
         "Unpack it (upx -d) and scan it again, or have it built without a packer.", "upx/upx, src/p_unix.h"},
        {"ELF-PACKED-002", LOW_LOW, pn_stage_packed,
         "the program is packed or encrypted: only a loader of its own can read it", WHO_PUT, GABI},
};

static int tell(const struct row *row, const struct pn_places *places, pn_stage_sink *sink, void *ctx,
                struct pn_err *err)
{
        struct pn_finding finding = {.severity = row->severity, .confidence = row->confidence};

        (void)snprintf(finding.detector, sizeof(finding.detector), "elf");
        (void)snprintf(finding.rule, sizeof(finding.rule), "%s", row->rule);
        (void)snprintf(finding.title, sizeof(finding.title), "%s", row->title);
        (void)snprintf(finding.remedy, sizeof(finding.remedy), "%s", row->remedy);
        (void)snprintf(finding.source, sizeof(finding.source), "%s", row->source);
        finding.evidence_count = places->count;
        memcpy(finding.evidence, places->place, places->count * sizeof(places->place[0]));
        if (sink(ctx, &finding) < 0)
                return pn_err_set(err, PN_FAULT_BUG, 0, "the finding %s was not taken", row->rule);
        return 0;
}

static int look_all(struct pn_work *work, pn_stage_sink *sink, void *ctx, struct pn_err *err)
{
        struct pn_err later = PN_ERR_INIT;
        int result = 0;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_err *into = result == 0 ? err : &later; /* the first error is told */
                struct pn_places places = {.count = 0};
                int hit = rows[i].look(work, &places, into);

                if (hit > 0)
                        hit = tell(&rows[i], &places, sink, ctx, into);
                else if (hit < 0)
                        (void)pn_err_wrap(into, "%s", rows[i].rule);
                if (hit < 0)
                        result = -1;
        }
        return result;
}

/* A separate debug file keeps the program headers of its program and none of the bytes: what they point at is
 * something else, and nothing loads it. */
static int forgive_debug_file(struct pn_work *work, struct pn_err *err)
{
        struct pn_err ignored = PN_ERR_INIT;

        if (err && err->fault == PN_FAULT_TARGET && pn_sections_emptied(&work->image, &ignored) > 0) {
                *err = (struct pn_err)PN_ERR_INIT;
                return 0;
        }
        return -1;
}

static int run(struct pn_work *work, pn_stage_sink *sink, void *ctx, struct pn_stage_links *ret_links,
               struct pn_err *err)
{
        struct pn_err later = PN_ERR_INIT;
        int result = pn_dynamic_read(&work->image, &work->dynamic, err);

        if (result == 0 && ret_links)
                result = pn_stage_links(work, ret_links, err);
        if (pn_work_gather(work, result == 0 ? err : &later) < 0)
                result = -1;
        if (look_all(work, sink, ctx, result == 0 ? err : &later) < 0)
                result = -1;
        return result;
}

int pn_stages_run(const struct pn_stage_input *input, pn_stage_sink *sink, void *ctx,
                  struct pn_stage_links *ret_links, struct pn_err *err)
{
        struct pn_err own = PN_ERR_INIT;
        struct pn_work work;
        int result;

        if (!err)
                err = &own;
        if (ret_links)
                ret_links->soname[0] = ret_links->runpath[0] = '\0', ret_links->needed_count = 0,
                ret_links->cut = false;
        pn_work_init(&work, input);
        result = pn_image_open(&work.image, input->file, input->elf, err);
        if (result == 0)
                result = run(&work, sink, ctx, ret_links, err);
        if (result < 0)
                result = forgive_debug_file(&work, err);
        pn_image_close(&work.image);
        return result;
}
