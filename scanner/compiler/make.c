/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/compiler/compiler.h"
#include "scanner/engine/compile/ast.h"
#include "scanner/engine/compile/compile.h"
#include "scanner/engine/compile/exact_forms.h"
#include "scanner/engine/compile/filter_hs.h"
#include "scanner/engine/compile/grams.h"

/* One part, for the functions that make bytes. */
#define PART(made, which) (uint8_t **)&(made)->part[which].data, &(made)->part[which].len

void pn_compiler_made_clear(struct pn_compiler_made *made)
{
        for (int i = 0; i < PN_COMPILER_PART_COUNT; i++)
                free(made->part[i].data);
        *made = (struct pn_compiler_made){0};
}

static void note(struct pn_compiler_made *made, const char *what, const char *why)
{
        if (made->notes < PN_COMPILER_NOTES)
                (void)snprintf(made->note[made->notes++], PN_COMPILER_NOTE_MAX, "%s: %s", what, why);
}

/* Without a database for Hyperscan the nodes use our own filter. */
static int make_filters(const struct pn_compiled *compiled, struct pn_compiler_made *made, struct pn_err *err)
{
        struct pn_err why = PN_ERR_INIT;

        if (pn_filter_gram_build(compiled->window, compiled->window_count,
                                 PART(made, PN_COMPILER_FILTER_GRAM), err) < 0)
                return -1;
        if (pn_filter_hs_build(compiled->window, compiled->window_count, false,
                               PART(made, PN_COMPILER_FILTER_HS), &why) < 0)
                note(made, "no Hyperscan database", why.text);
        return 0;
}

static int make_pack(const struct pn_yr_set *set, const struct pn_grams *grams, struct pn_compiler_made *made,
                     struct pn_err *err)
{
        struct pn_compiled compiled = {0};
        char *report = NULL;
        int result;

        if (pn_compile(set, grams, &compiled, err) < 0)
                return -1;
        result = make_filters(&compiled, made, err);
        if (result == 0)
                result = pn_cost_report(set, &compiled, &report, &made->part[PN_COMPILER_REPORT].len, err);
        made->part[PN_COMPILER_REPORT].data = report;
        made->part[PN_COMPILER_PACK].data = compiled.pack;
        made->part[PN_COMPILER_PACK].len = compiled.pack_len;
        made->rules = set->rule_count;
        made->windows = compiled.window_count;
        compiled.pack = NULL;
        pn_compiled_clear(&compiled);
        return result;
}

static int make_of_set(const struct pn_yr_set *set, struct pn_view grams_file, struct pn_compiler_made *made,
                       struct pn_err *err)
{
        struct pn_grams *grams = NULL;
        int result;

        if (pn_exact_forms(set, PART(made, PN_COMPILER_EXACT), &made->exact_head, err) < 0)
                return -1;
        if (pn_grams_open(grams_file, &grams, err) < 0)
                return pn_err_wrap(err, "table of 4-grams");
        if (grams_file.len == 0)
                note(made, "no table of 4-grams", "windows are chosen by guess");
        result = make_pack(set, grams, made, err);
        (void)pn_grams_free(grams);
        return result;
}

int pn_compiler_make(struct pn_view wire, struct pn_view grams, struct pn_compiler_made *ret,
                     struct pn_err *err)
{
        struct pn_compiler_made made = {0};
        struct pn_yr_source *source = NULL;
        struct pn_yr_set set = {0};
        uint32_t count = 0;
        int result;

        if (pn_compiler_sources(wire, &source, &count, err) < 0)
                return -1;
        result = pn_yr_parse(source, count, &set, err);
        if (result == 0) {
                result = make_of_set(&set, grams, &made, err);
                pn_yr_free(&set);
        }
        pn_compiler_sources_free(source, count);
        if (result < 0)
                pn_compiler_made_clear(&made);
        else
                *ret = made;
        return result;
}
