/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/compiler/compiler.h"
#include "scanner/engine/compile/ast.h"
#include "scanner/ipc/proto.h"

void pn_compiler_sources_free(struct pn_yr_source *source, uint32_t count)
{
        for (uint32_t i = 0; i < count; i++)
                free((void *)(uintptr_t)source[i].name);
        free(source);
}

static int take(struct pn_msg_in *in, struct pn_yr_source *source, struct pn_err *err)
{
        struct pn_view name = pn_msg_get_bytes(in, PN_COMPILER_NAME_MAX);
        struct pn_view text = pn_msg_get_bytes(in, PN_COMPILER_SOURCE_BYTES_MAX);

        if (in->bad || name.len == 0 || memchr(name.data, '\0', name.len))
                return pn_err_set(err, PN_FAULT_BUG, 0, "the list of files of rules is not whole");
        source->name = strndup((const char *)name.data, name.len);
        if (!source->name)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a file of rules");
        source->text = text.len > 0 ? (const char *)text.data : "";
        source->len = text.len;
        return 0;
}

static int grow(struct pn_yr_source **source, uint32_t count, uint32_t *room, struct pn_err *err)
{
        struct pn_yr_source *more;

        if (count == PN_YR_FILES_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "more than %u files of rules", PN_YR_FILES_MAX);
        if (count < *room)
                return 0;
        *room = *room > 0 ? 2 * *room : 16;
        more = reallocarray(*source, *room, sizeof(*more));
        if (!more)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a file of rules");
        *source = more;
        return 0;
}

int pn_compiler_sources(struct pn_view wire, struct pn_yr_source **ret, uint32_t *ret_count,
                        struct pn_err *err)
{
        struct pn_msg_in in = {.type = PN_MSG_RULES, .body = wire};
        struct pn_yr_source *source = NULL;
        uint32_t count = 0, room = 0;

        while (in.body.len > 0) {
                if (grow(&source, count, &room, err) < 0 || take(&in, &source[count], err) < 0) {
                        pn_compiler_sources_free(source, count);
                        return -1;
                }
                count++;
        }
        *ret = source;
        *ret_count = count;
        return 0;
}
