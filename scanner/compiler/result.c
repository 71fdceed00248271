/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "scanner/base/jsonx.h"
#include "scanner/base/text.h"
#include "scanner/compiler/compiler.h"
#include "scanner/engine/compile/filter_hs.h"
#include "scanner/engine/exact.h"

/* Names of files and pieces of rules are in it, in any letters. */
static json_t *printable(const char *text)
{
        char shown[2 * PN_COMPILER_NOTE_MAX];

        (void)pn_text_escape(shown, sizeof(shown), text, strlen(text));
        return json_string(shown);
}

static json_t *notes_of(const struct pn_compiler_made *made)
{
        json_t *notes = json_array();

        for (unsigned i = 0; i < made->notes; i++)
                if (json_array_append_new(notes, printable(made->note[i])) < 0) {
                        json_decref(notes);
                        return NULL;
                }
        return notes;
}

/* jansson takes the references over, and fails as a whole when one of them is missing. */
static json_t *success(const struct pn_compiler_made *made)
{
        const bool hyperscan = made->part[PN_COMPILER_FILTER_HS].data != NULL;

        return json_pack("{s:b, s:I, s:I, s:s, s:o, s:I, s:o}", "ok", 1, "rules", (json_int_t)made->rules,
                         "windows", (json_int_t)made->windows, "libyara", pn_exact_version(), "hyperscan",
                         hyperscan ? json_string(pn_filter_hs_version()) : json_null(), "exact_head",
                         (json_int_t)made->exact_head, "notes", notes_of(made));
}

static json_t *failure(const struct pn_err *err)
{
        return json_pack("{s:b, s:s, s:o}", "ok", 0, "fault", pn_fault_name(err->fault), "error",
                         printable(err->text));
}

char *pn_compiler_result(const struct pn_compiler_made *made, const struct pn_err *err)
{
        json_t *root = made ? success(made) : failure(err);
        char *text = root ? json_dumps(root, JSON_COMPACT) : NULL;

        json_decref(root);
        return text;
}
