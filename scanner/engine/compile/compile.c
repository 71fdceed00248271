/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/compile.h"

#include <errno.h>
#include <stdlib.h>

#include "scanner/engine/compile/cost.h"
#include "scanner/engine/compile/pack_write.h"

static int lower_strings(const struct pn_yr_set *set, const struct pn_grams *grams, struct pn_arena *arena,
                         struct pn_lowered **ret, struct pn_err *err)
{
        struct pn_lowered *lowered;
        size_t count = 0;

        for (uint32_t i = 0; i < set->rule_count; i++)
                count += set->rule[i].string_count;
        lowered = *ret = count < UINT32_MAX ? pn_arena_get(arena, count, sizeof(**ret)) : NULL;
        if (!lowered)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "lower %zu strings", count);
        for (uint32_t i = 0; i < set->rule_count; i++) {
                const struct pn_yr_rule *rule = &set->rule[i];

                for (uint32_t k = 0; k < rule->string_count; k++)
                        if (pn_string_lower(&rule->string[k], grams, arena, lowered++, err) < 0)
                                return pn_err_wrap(err, "rule `%.64s`, string `%.32s`", rule->name,
                                                   rule->string[k].name);
        }
        return 0;
}

/* Everything between the strings and the blob; `of_anchor` is the caller's to free() whatever comes of it. */
static int fill(const struct pn_yr_set *set, const struct pn_lowered *lowered, struct pn_build *build,
                struct pn_arena *arena, struct pn_compiled *ret, uint32_t **of_anchor, struct pn_err *err)
{
        struct pn_formulas formulas;
        struct pn_clause *clause = NULL, *decided = NULL;

        pn_pack_strings(build, set, lowered);
        if (pn_formulas_make(set, build, arena, &formulas, err) < 0 ||
            pn_clauses_find(build, formulas.node, set->rule_count, lowered, false, arena, &clause, err) < 0 ||
            pn_pack_rules(build, set, &formulas, clause, err) < 0 ||
            pn_pack_windows(build, &ret->window, &ret->window_count, of_anchor, err) < 0 ||
            pn_clauses_find(build, formulas.node, set->rule_count, lowered, true, arena, &decided, err) < 0 ||
            pn_cost_find(set, &(struct pn_cost_view){build, &formulas, clause, decided, lowered, *of_anchor},
                         ret, err) < 0)
                return -1;
        pn_node_forget_depths(build);
        return pn_build_finish(build, &ret->pack, &ret->pack_len, err);
}

static int compile(const struct pn_yr_set *set, const struct pn_grams *grams, struct pn_arena *arena,
                   struct pn_compiled *ret, struct pn_err *err)
{
        struct pn_lowered *lowered = NULL;
        uint32_t *of_anchor = NULL;
        struct pn_build build;
        int result;

        if (lower_strings(set, grams, arena, &lowered, err) < 0 || pn_build_init(&build, err) < 0)
                return -1;
        result = fill(set, lowered, &build, arena, ret, &of_anchor, err);
        free(of_anchor);
        pn_build_clear(&build);
        return result;
}

int pn_compile(const struct pn_yr_set *set, const struct pn_grams *grams, struct pn_compiled *ret,
               struct pn_err *err)
{
        struct pn_compiled compiled = {.pack = NULL};
        struct pn_arena *arena;
        int result;

        if (set->rule_count == 0)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "there is no rule to compile");
        arena = pn_arena_new();
        if (!arena)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "compile rules");
        result = compile(set, grams, arena, &compiled, err);
        (void)pn_arena_free(arena);
        if (result < 0)
                pn_compiled_clear(&compiled);
        else
                *ret = compiled;
        return result;
}

void pn_compiled_clear(struct pn_compiled *compiled)
{
        free(compiled->pack);
        free(compiled->window);
        free(compiled->cost);
        *compiled = (struct pn_compiled){.pack = NULL};
}
