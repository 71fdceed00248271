/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "scanner/base/view.h"
#include "scanner/engine/detect/stages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static int take(void *ctx, const struct pn_finding *finding)
{
        unsigned *count = ctx;

        ++*count;
        require(finding->severity >= PN_SEVERITY_LOW && finding->severity <= PN_SEVERITY_CRITICAL);
        require(finding->confidence >= PN_CONFIDENCE_LOW && finding->confidence <= PN_CONFIDENCE_HIGH);
        require(strcmp(finding->detector, "elf") == 0 && finding->rule[0] && finding->title[0]);
        require(finding->evidence_count <= PN_EVIDENCE_MAX);
        for (unsigned i = 0; i < finding->evidence_count; i++)
                require(finding->evidence[i].kept <= PN_EVIDENCE_BYTES &&
                        finding->evidence[i].kept <= finding->evidence[i].match_bytes);
        return 0;
}

static void check(const struct pn_stage_links *links)
{
        require(links->needed_count <= PN_LINKS_MAX);
        require(memchr(links->soname, 0, PN_LINK_NAME) && memchr(links->runpath, 0, PN_LINK_NAME));
        for (unsigned i = 0; i < links->needed_count; i++)
                require(memchr(links->needed[i], 0, PN_LINK_NAME) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const paths[] = {"usr/lib/liblzma.so.5", "lib/tls/libkeyutils.so.1",
                                            "lib64/ld-linux-x86-64.so.2"};
        static struct pn_stage_links links;
        static struct pn_names names;
        const char *path = paths[size % 3];
        struct pn_view view = {data, size};
        struct pn_object object;
        struct pn_elf elf;
        struct pn_stage_input input = {&object, &elf, &names};
        struct pn_err err = PN_ERR_INIT;
        unsigned count = 0;

        pn_object_from_view(&object, &view);
        if (pn_elf_open(&object, &elf, &err) < 0)
                return 0;
        pn_names_set(&names, path, strlen(path));
        memset(&links, 0xff, sizeof(links));
        err = (struct pn_err)PN_ERR_INIT;
        if (pn_stages_run(&input, take, &count, &links, &err) < 0)
                require((err.fault == PN_FAULT_TARGET || err.fault == PN_FAULT_BUDGET) && err.text[0]);
        else
                require(err.fault == PN_FAULT_NONE);
        require(count <= 14);
        check(&links);
        pn_elf_clear(&elf);
        return 0;
}
