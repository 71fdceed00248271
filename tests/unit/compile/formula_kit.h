/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_FORMULA_KIT_H
#define PN_TEST_FORMULA_KIT_H

/* Rules from text to a pack, and what its formulas say of a few bytes: for the tests of formulas and clauses.
 * Strings of the rules are plain texts, so that looking for them needs nothing of the matcher. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/engine/compile/ast.h"
#include "scanner/engine/compile/compile.h"
#include "scanner/engine/truth.h"

#define KIT_STRINGS_MAX 64
#define KIT_PLACES_MAX 256

struct kit {
        struct pn_yr_set set;
        struct pn_grams *grams;
        struct pn_compiled compiled;
        struct pn_pack pack;
        struct pn_truths *truths;
};

static inline void kit_make_files(struct kit *kit, const struct pn_yr_source *source, uint32_t count)
{
        struct pn_err err = PN_ERR_INIT;

        memset(kit, 0, sizeof(*kit));
        if (pn_yr_parse(source, count, &kit->set, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(pn_grams_open((struct pn_view){NULL, 0}, &kit->grams, &err), 0);
        if (pn_compile(&kit->set, kit->grams, &kit->compiled, &err) < 0)
                fail_msg("%s", err.text);
        if (pn_pack_open((struct pn_view){kit->compiled.pack, kit->compiled.pack_len}, &kit->pack, &err) < 0)
                fail_msg("%s", err.text);
        kit->truths = pn_truths_new(&kit->pack);
        assert_non_null(kit->truths);
}

static inline void kit_make(struct kit *kit, const char *text)
{
        kit_make_files(kit, &(struct pn_yr_source){"kit.yar", text, strlen(text)}, 1);
}

static inline void kit_clear(struct kit *kit)
{
        (void)pn_truths_free(kit->truths);
        pn_compiled_clear(&kit->compiled);
        (void)pn_grams_free(kit->grams);
        pn_yr_free(&kit->set);
}

static inline uint32_t kit_rule(const struct kit *kit, const char *name)
{
        for (uint32_t i = 0; i < kit->pack.rules; i++)
                if (strcmp(kit->pack.text + kit->pack.rule[i].name, name) == 0)
                        return i;
        fail_msg("no rule `%s`", name);
        return 0;
}

/* ---------------------------------------------------------------- what is known of a file */

struct kit_facts {
        const struct kit *kit;
        const uint8_t *data;
        size_t len;
        uint64_t blind; /* strings, by bit, of which only is known that they may occur */
        struct pn_names names;
        uint64_t count[KIT_STRINGS_MAX];
        struct pn_place place[KIT_STRINGS_MAX][KIT_PLACES_MAX];
};

static inline void kit_search(struct kit_facts *facts, uint32_t number)
{
        const struct pn_pack *pack = &facts->kit->pack;
        const struct pn_pack_segment *segment =
                &pack->segment[pack->variant[pack->string[number].variants.first].segments.first];

        assert_true(pack->string[number].variants.count == 1 && number < KIT_STRINGS_MAX);
        facts->count[number] = 0;
        for (size_t at = 0; at + segment->len <= facts->len; at++) {
                if (memcmp(facts->data + at, pack->bytes + segment->bytes, segment->len) != 0)
                        continue;
                assert_true(facts->count[number] < KIT_PLACES_MAX);
                facts->place[number][facts->count[number]++] = (struct pn_place){
                        .offset = at, .string = number, .len = segment->len, .len_known = true};
        }
}

static inline void kit_look(struct kit_facts *facts, const struct kit *kit, const void *data, size_t len)
{
        facts->kit = kit;
        facts->data = data;
        facts->len = len;
        facts->blind = 0;
        pn_names_set(&facts->names, "usr/bin/abc.so", 14);
        for (uint32_t i = 0; i < kit->pack.strings; i++)
                kit_search(facts, i);
}

static inline void kit_string(void *ctx, uint32_t string, struct pn_string_facts *ret)
{
        const struct kit_facts *facts = ctx;

        *ret = (struct pn_string_facts){.seen = PN_SEEN_NO};
        if (facts->count[string] == 0)
                return;
        ret->seen = PN_SEEN_MAY;
        if (facts->blind >> string & 1)
                return;
        *ret = (struct pn_string_facts){.seen = PN_SEEN_YES,
                                        .counted = true,
                                        .placed = true,
                                        .count = facts->count[string],
                                        .place = facts->place[string]};
}

static inline enum pn_check kit_string_at(void *ctx, uint32_t string, uint64_t offset)
{
        const struct kit_facts *facts = ctx;

        if (facts->blind >> string & 1)
                return PN_CHECK_MAY;
        for (uint64_t i = 0; i < facts->count[string]; i++)
                if (facts->place[string][i].offset == offset)
                        return PN_CHECK_YES;
        return PN_CHECK_NO;
}

static inline bool kit_read(void *ctx, uint64_t offset, uint8_t *buf, size_t len)
{
        const struct kit_facts *facts = ctx;

        memcpy(buf, facts->data + offset, len);
        return true;
}

static inline enum pn_truth kit_truth(struct kit *kit, struct kit_facts *facts, uint32_t rule)
{
        struct pn_truth_source source = {.file_bytes = facts->len,
                                         .names = &facts->names,
                                         .ctx = facts,
                                         .string = kit_string,
                                         .string_at = kit_string_at,
                                         .read = kit_read};

        pn_truths_start(kit->truths, &source);
        return pn_truths_of(kit->truths, rule);
}

/* Is the rule a candidate: always, or by one of its clause's strings? */
static inline bool kit_is_candidate(const struct kit *kit, const struct kit_facts *facts, uint32_t rule)
{
        const struct pn_pack *pack = &kit->pack;

        for (uint32_t i = 0; i < pack->always.count; i++)
                if (pack->index[pack->always.first + i] == rule)
                        return true;
        for (uint32_t i = 0; i < pack->strings; i++)
                for (uint32_t k = 0; k < pack->string[i].candidates.count && facts->count[i] > 0; k++)
                        if (pack->index[pack->string[i].candidates.first + k] == rule)
                                return true;
        return false;
}

/* The names of the strings in whose clause `rule` is, "$a $b"; "always"; "never" when it has no string at
 * all. */
static inline const char *kit_clause(const struct kit *kit, uint32_t rule, char *ret, size_t cap)
{
        const struct pn_pack *pack = &kit->pack;

        if (pack->rule[rule].flags & PN_RULE_ALWAYS)
                return "always";
        ret[0] = '\0';
        for (uint32_t i = 0; i < pack->strings; i++)
                for (uint32_t k = 0; k < pack->string[i].candidates.count; k++)
                        if (pack->index[pack->string[i].candidates.first + k] == rule) {
                                strncat(ret, ret[0] ? " " : "", cap - strlen(ret) - 1);
                                strncat(ret, pack->text + pack->string[i].name, cap - strlen(ret) - 1);
                        }
        return ret[0] ? ret : "never";
}

#endif
