/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/detect/preload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/fd.h"

static bool is_separator(uint8_t c)
{
        return c == ' ' || c == '\t' || c == '\n' || c == ':' || c == '\0';
}

/* The first name in it: its length, and where it begins. 0: there is none. */
static size_t first_name(const uint8_t *text, size_t len, size_t *ret_at)
{
        size_t at = 0, end;

        while (at < len) {
                if (text[at] == '#') {
                        while (at < len && text[at] != '\n')
                                at++;
                } else if (is_separator(text[at])) {
                        at++;
                } else {
                        break;
                }
        }
        for (end = at; end < len && !is_separator(text[end]) && text[end] != '#'; end++)
                ;
        *ret_at = at;
        return end - at;
}

static void tell(const uint8_t *name, size_t len, size_t at, struct pn_finding *ret)
{
        *ret = (struct pn_finding){
                .severity = PN_SEVERITY_MEDIUM, .confidence = PN_CONFIDENCE_MEDIUM, .evidence_count = 1};
        (void)snprintf(ret->detector, sizeof(ret->detector), "elf");
        (void)snprintf(ret->rule, sizeof(ret->rule), "ELF-PRELOAD-001");
        (void)snprintf(ret->title, sizeof(ret->title), "a library is loaded into every program of this root");
        (void)snprintf(
                ret->remedy, sizeof(ret->remedy),
                "Look at the library that the file names; images rarely need one, and rootkits live there.");
        (void)snprintf(ret->source, sizeof(ret->source), "Intezer, BlackBerry: Symbiote (2022); ld.so(8)");
        (void)snprintf(ret->evidence[0].string, sizeof(ret->evidence[0].string), "library");
        ret->evidence[0].offset = at;
        ret->evidence[0].match_bytes = (uint32_t)len;
        ret->evidence[0].kept = (uint8_t)(len < PN_EVIDENCE_BYTES ? len : PN_EVIDENCE_BYTES);
        memcpy(ret->evidence[0].bytes, name, ret->evidence[0].kept);
}

int pn_preload_look(const struct pn_object *file, struct pn_finding *ret, struct pn_err *err)
{
        pn_autofree uint8_t *text = malloc(PN_PRELOAD_BYTES_MAX);
        size_t at = 0, len;
        ssize_t n;

        if (!text)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read " PN_PRELOAD_PATH);
        n = file->read_at(file->from, text, PN_PRELOAD_BYTES_MAX, 0);
        if (n < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read " PN_PRELOAD_PATH);
        len = first_name(text, (size_t)n, &at);
        /* a name behind 64 KiB of comments is a name that somebody hid */
        if (len == 0 && (size_t)n < PN_PRELOAD_BYTES_MAX)
                return 0;
        tell(text + (len > 0 ? at : 0), len, at, ret);
        return 1;
}
