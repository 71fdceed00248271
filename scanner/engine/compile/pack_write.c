/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/pack_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- strings */

static void add_segments(struct pn_build *build, const struct pn_variant *variant)
{
        for (uint32_t i = 0; i < variant->segment_count; i++) {
                const struct pn_segment *segment = &variant->segment[i];
                struct pn_pack_segment record = {.jump_min = segment->jump_min,
                                                 .jump_max = segment->jump_max,
                                                 .masks = PN_NONE,
                                                 .len = segment->len};

                record.bytes = pn_build_add(build, PN_PACK_BYTES, segment->bytes, segment->len);
                if (segment->masks)
                        record.masks = pn_build_add(build, PN_PACK_BYTES, segment->masks, segment->len);
                (void)pn_build_add(build, PN_PACK_SEGMENTS, &record, 1);
        }
}

static void add_variants(struct pn_build *build, uint32_t string, const struct pn_lowered *lowered)
{
        for (uint32_t i = 0; i < lowered->variant_count; i++) {
                const struct pn_variant *variant = &lowered->variant[i];
                struct pn_pack_variant record = {
                        .string = string,
                        .flags = variant->flags,
                        .xor_min = variant->xor_min,
                        .xor_max = variant->xor_max,
                        .segments = {pn_build_count(build, PN_PACK_SEGMENTS), variant->segment_count}};

                add_segments(build, variant);
                (void)pn_build_add(build, PN_PACK_VARIANTS, &record, 1);
        }
}

static void add_anchors(struct pn_build *build, uint32_t first_variant, const struct pn_lowered *lowered)
{
        for (uint32_t i = 0; i < lowered->anchor_count; i++) {
                const struct pn_anchor *anchor = &lowered->anchor[i];
                struct pn_pack_anchor record = {.variant = first_variant + anchor->variant,
                                                .segment = anchor->segment,
                                                .offset = anchor->offset,
                                                .len = anchor->window.len,
                                                .key = anchor->key,
                                                .nocase = anchor->window.nocase};

                memcpy(record.bytes, anchor->window.bytes, anchor->window.len);
                (void)pn_build_add(build, PN_PACK_ANCHORS, &record, 1);
        }
}

static void add_string(struct pn_build *build, uint32_t rule, const char *name,
                       const struct pn_lowered *lowered)
{
        uint32_t number = pn_build_count(build, PN_PACK_STRINGS);
        struct pn_pack_string record = {
                .rule = rule,
                .name = pn_build_text(build, name, strlen(name)),
                .flags = lowered->flags,
                .variants = {pn_build_count(build, PN_PACK_VARIANTS), lowered->variant_count},
                .anchors = {pn_build_count(build, PN_PACK_ANCHORS), lowered->anchor_count},
        };

        add_variants(build, number, lowered);
        add_anchors(build, record.variants.first, lowered);
        (void)pn_build_add(build, PN_PACK_STRINGS, &record, 1);
}

void pn_pack_strings(struct pn_build *build, const struct pn_yr_set *set, const struct pn_lowered *lowered)
{
        for (uint32_t i = 0; i < set->rule_count; i++)
                for (uint32_t k = 0; k < set->rule[i].string_count; k++)
                        add_string(build, i, set->rule[i].string[k].name, lowered++);
}

/* ---------------------------------------------------------------- rules */

/* FNV-1a: the ids are the operator's own, nobody makes them collide on purpose. */
void pn_pack_id(char ret[PN_RULE_ID_MAX], const char *id)
{
        uint64_t mix = 0xcbf29ce484222325ULL;

        if (strlen(id) < PN_RULE_ID_MAX) {
                (void)snprintf(ret, PN_RULE_ID_MAX, "%s", id);
                return;
        }
        for (const char *p = id; *p; p++)
                mix = (mix ^ (uint8_t)*p) * 0x100000001b3ULL;
        (void)snprintf(ret, PN_RULE_ID_MAX, "%.*s~%016llx", PN_RULE_ID_MAX - 18, id, (unsigned long long)mix);
}

/* The first text of that name; `otherwise` when there is none, or it is empty. */
static const char *meta_text(const struct pn_yr_rule *rule, const char *name, const char *otherwise)
{
        for (uint32_t i = 0; i < rule->meta_count; i++) {
                const struct pn_yr_meta *meta = &rule->meta[i];

                if (meta->kind == PN_YR_META_TEXT && strcmp(meta->name, name) == 0)
                        return meta->text.len > 0 && meta->text.data[0] != '\0'
                                       ? (const char *)meta->text.data
                                       : otherwise;
        }
        return otherwise;
}

static uint32_t add_words(struct pn_build *build, const struct pn_yr_rule *rule, const char *name)
{
        const char *words = meta_text(rule, name, "");

        return pn_build_text(build, words, strnlen(words, PN_WORDS_MAX - 1));
}

static void add_rule(struct pn_build *build, const struct pn_yr_set *set, const struct pn_formulas *formulas,
                     uint32_t number)
{
        const struct pn_yr_rule *rule = &set->rule[number];
        const struct pn_needs *needs = &formulas->needs[number];
        enum pn_severity severity = pn_severity_parse(meta_text(rule, "severity", ""));
        enum pn_confidence confidence = pn_confidence_parse(meta_text(rule, "confidence", ""));
        const char *space = set->file[rule->space].name;
        char id[PN_RULE_ID_MAX];
        struct pn_pack_rule record = {
                .name = pn_build_text(build, rule->name, strlen(rule->name)),
                .space = pn_build_text(build, space, strlen(space)),
                .title = add_words(build, rule, "description"),
                .remedy = add_words(build, rule, "remedy"),
                .source = add_words(build, rule, "source"),
                .severity = (uint8_t)(severity ? severity : PN_SEVERITY_HIGH),
                .confidence = (uint8_t)(confidence ? confidence : PN_CONFIDENCE_MEDIUM),
                .flags = (uint8_t)((rule->flags & PN_YR_RULE_PRIVATE ? PN_RULE_PRIVATE : 0) |
                                   (rule->flags & PN_YR_RULE_GLOBAL ? PN_RULE_GLOBAL : 0)),
                .strings = {formulas->string[number], rule->string_count},
                .needs = {pn_build_add(build, PN_PACK_INDEX, needs->rule, needs->count), needs->count},
                .formula = formulas->node[number],
                .exact = number,
        };

        pn_pack_id(id, meta_text(rule, "id", rule->name));
        record.id = pn_build_text(build, id, strlen(id));
        (void)pn_build_add(build, PN_PACK_RULES, &record, 1);
}

/* For each string the rules in whose clause it is: counted, given room in the index, filled. */
static void add_candidates(struct pn_build *build, const struct pn_yr_set *set,
                           const struct pn_clause *clause, uint32_t *fill)
{
        struct pn_pack_string *string = pn_build_rows(build, PN_PACK_STRINGS);
        uint32_t strings = pn_build_count(build, PN_PACK_STRINGS), *index;

        for (uint32_t i = 0; i < set->rule_count; i++)
                for (uint32_t k = 0; k < clause[i].count && !(set->rule[i].flags & PN_YR_RULE_PRIVATE); k++)
                        string[clause[i].string[k]].candidates.count++;
        for (uint32_t i = 0; i < strings; i++) {
                string[i].candidates.first = pn_build_count(build, PN_PACK_INDEX);
                for (uint32_t k = 0; k < string[i].candidates.count; k++)
                        (void)pn_build_add(build, PN_PACK_INDEX, &fill[i], 1);
                if (string[i].candidates.count > 0)
                        string[i].flags |= PN_STRING_CLAUSE;
        }
        index = pn_build_rows(build, PN_PACK_INDEX);
        if (build->failed)
                return;
        for (uint32_t i = 0; i < set->rule_count; i++)
                for (uint32_t k = 0; k < clause[i].count && !(set->rule[i].flags & PN_YR_RULE_PRIVATE); k++) {
                        uint32_t number = clause[i].string[k];

                        index[string[number].candidates.first + fill[number]++] = i;
                }
}

static void add_always(struct pn_build *build, const struct pn_yr_set *set, const struct pn_clause *clause)
{
        struct pn_pack_rule *rule = pn_build_rows(build, PN_PACK_RULES);

        build->always.first = pn_build_count(build, PN_PACK_INDEX);
        for (uint32_t i = 0; i < set->rule_count && !build->failed; i++) {
                if (clause[i].found || (set->rule[i].flags & PN_YR_RULE_PRIVATE))
                        continue;
                rule[i].flags |= PN_RULE_ALWAYS;
                (void)pn_build_add(build, PN_PACK_INDEX, &i, 1);
                build->always.count++;
        }
}

int pn_pack_rules(struct pn_build *build, const struct pn_yr_set *set, const struct pn_formulas *formulas,
                  const struct pn_clause *clause, struct pn_err *err)
{
        uint32_t *fill = calloc((size_t)pn_build_count(build, PN_PACK_STRINGS) + 1, sizeof(*fill));

        if (!fill)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make a pack");
        for (uint32_t i = 0; i < set->rule_count; i++)
                add_rule(build, set, formulas, i);
        add_candidates(build, set, clause, fill);
        add_always(build, set, clause);
        free(fill);
        return build->failed ? pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make a pack") : 0;
}

/* ---------------------------------------------------------------- windows */

struct use {
        struct pn_window window;
        uint32_t anchor;
};

static int by_window(const void *a, const void *b)
{
        const struct use *left = a, *right = b;
        int order = memcmp(left->window.bytes, right->window.bytes, PN_WINDOW_MAX);

        if (order == 0)
                order = (int)left->window.len - (int)right->window.len;
        if (order == 0)
                order = (int)left->window.nocase - (int)right->window.nocase;
        if (order == 0)
                order = (left->anchor > right->anchor) - (left->anchor < right->anchor);
        return order;
}

static bool same_window(const struct use *a, const struct use *b)
{
        return a->window.len == b->window.len && a->window.nocase == b->window.nocase &&
               memcmp(a->window.bytes, b->window.bytes, PN_WINDOW_MAX) == 0;
}

/* The anchors of clause strings, sorted by their windows. */
static uint32_t list_uses(const struct pn_build *build, struct use *use)
{
        const struct pn_pack_string *string = pn_build_rows(build, PN_PACK_STRINGS);
        const struct pn_pack_anchor *anchor = pn_build_rows(build, PN_PACK_ANCHORS);
        uint32_t count = 0;

        for (uint32_t i = 0; i < pn_build_count(build, PN_PACK_STRINGS); i++) {
                for (uint32_t k = 0; k < string[i].anchors.count && (string[i].flags & PN_STRING_CLAUSE);
                     k++) {
                        const struct pn_pack_anchor *from = &anchor[string[i].anchors.first + k];
                        struct use *to = &use[count++];

                        *to = (struct use){.anchor = string[i].anchors.first + k};
                        to->window.len = from->len;
                        to->window.nocase = from->nocase;
                        memcpy(to->window.bytes, from->bytes, from->len);
                }
        }
        qsort(use, count, sizeof(*use), by_window);
        return count;
}

static uint32_t add_windows(struct pn_build *build, const struct use *use, uint32_t uses,
                            struct pn_window *window, uint32_t *of)
{
        uint32_t count = 0;

        for (uint32_t i = 0, next; i < uses; i = next) {
                struct pn_pack_window record = {{pn_build_count(build, PN_PACK_INDEX), 0}};

                for (next = i; next < uses && same_window(&use[next], &use[i]); next++) {
                        (void)pn_build_add(build, PN_PACK_INDEX, &use[next].anchor, 1);
                        of[use[next].anchor] = count;
                        record.anchors.count++;
                }
                (void)pn_build_add(build, PN_PACK_WINDOWS, &record, 1);
                window[count++] = use[i].window;
        }
        return count;
}

int pn_pack_windows(struct pn_build *build, struct pn_window **ret, uint32_t *ret_count, uint32_t **ret_of,
                    struct pn_err *err)
{
        size_t anchors = pn_build_count(build, PN_PACK_ANCHORS);
        struct use *use = calloc(anchors + 1, sizeof(*use));
        struct pn_window *window = calloc(anchors + 1, sizeof(*window));
        uint32_t *of = calloc(anchors + 1, sizeof(*of)), count = 0;
        bool memory = use && window && of;

        if (memory) {
                memset(of, 0xff, (anchors + 1) * sizeof(*of));
                count = add_windows(build, use, list_uses(build, use), window, of);
        }
        free(use);
        if (!memory || build->failed || count > PN_WINDOWS_MAX) {
                free(window);
                free(of);
                if (memory && !build->failed)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                          "the rules need %u windows, more than the filter's %u", count,
                                          PN_WINDOWS_MAX);
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make the windows of the filter");
        }
        *ret = window;
        *ret_count = count;
        *ret_of = of;
        return 0;
}
