/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_PACK_KIT_H
#define PN_TEST_PACK_KIT_H

/* Packs by hand, for tests and fuzz targets: tables that grow, no choice of windows, nothing checked. Rules
 * come one after the other, each with its strings, each with its variants and anchors. */

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/pack.h"
#include "scanner/finding/finding.h"

#define KIT_RECORDS 4096
#define KIT_BYTES (1U << 17)

struct kit {
        struct pn_pack_rule rule[KIT_RECORDS];
        struct pn_pack_string string[KIT_RECORDS];
        struct pn_pack_variant variant[KIT_RECORDS];
        struct pn_pack_segment segment[KIT_RECORDS];
        struct pn_pack_anchor anchor[KIT_RECORDS];
        struct pn_pack_window window[KIT_RECORDS];
        struct pn_pack_node node[KIT_RECORDS];
        uint32_t index[4 * KIT_RECORDS];
        uint8_t bytes[KIT_BYTES];
        char text[KIT_BYTES];
        uint32_t rules, strings, variants, segments, anchors, windows, nodes, indexes, byte_count, text_bytes;
        struct pn_window plain[KIT_RECORDS]; /* the windows, as a filter wants them */
        struct pn_run always;
        uint8_t *blob; /* of kit_finish() */
        size_t len;
};

static inline struct kit *kit_new(void)
{
        struct kit *kit = calloc(1, sizeof(*kit));

        assert(kit);
        kit->text_bytes = 1; /* "" */
        return kit;
}

static inline void kit_free(struct kit *kit)
{
        if (kit)
                free(kit->blob);
        free(kit);
}

static inline uint32_t kit_text(struct kit *kit, const char *text)
{
        uint32_t at = kit->text_bytes;

        assert(at + strlen(text) + 1 < KIT_BYTES);
        memcpy(kit->text + at, text, strlen(text) + 1);
        kit->text_bytes += (uint32_t)strlen(text) + 1;
        return at;
}

static inline uint32_t kit_bytes(struct kit *kit, const void *bytes, size_t len)
{
        uint32_t at = kit->byte_count;

        assert(at + len < KIT_BYTES);
        memcpy(kit->bytes + at, bytes, len);
        kit->byte_count += (uint32_t)len;
        return at;
}

static inline uint32_t kit_index(struct kit *kit, uint32_t number)
{
        assert(kit->indexes < sizeof(kit->index) / sizeof(kit->index[0]));
        kit->index[kit->indexes] = number;
        return kit->indexes++;
}

/* ---------------------------------------------------------------- rules */

/* Its strings are those that are added until the next rule; its formula is set by kit_formula(). */
static inline uint32_t kit_rule(struct kit *kit, const char *name, uint8_t flags)
{
        struct pn_pack_rule *rule = &kit->rule[kit->rules];

        assert(kit->rules < KIT_RECORDS);
        *rule = (struct pn_pack_rule){
                .severity = PN_SEVERITY_HIGH, .confidence = PN_CONFIDENCE_MEDIUM, .flags = flags};
        rule->name = rule->id = kit_text(kit, name);
        rule->title = kit_text(kit, "a title");
        rule->strings.first = kit->strings;
        rule->exact = kit->rules;
        return kit->rules++;
}

static inline uint32_t kit_string(struct kit *kit, const char *name, uint32_t flags)
{
        struct pn_pack_string *string = &kit->string[kit->strings];

        assert(kit->strings < KIT_RECORDS && kit->rules > 0);
        *string =
                (struct pn_pack_string){.rule = kit->rules - 1, .name = kit_text(kit, name), .flags = flags};
        string->variants.first = kit->variants;
        string->anchors.first = kit->anchors;
        kit->rule[kit->rules - 1].strings.count++;
        return kit->strings++;
}

static inline void kit_segment(struct kit *kit, uint32_t jump_min, uint32_t jump_max, const void *bytes,
                               const void *masks, uint32_t len)
{
        assert(kit->segments < KIT_RECORDS);
        kit->segment[kit->segments++] =
                (struct pn_pack_segment){jump_min, jump_max, kit_bytes(kit, bytes, len),
                                         masks ? kit_bytes(kit, masks, len) : PN_NONE, len};
        kit->variant[kit->variants - 1].segments.count++;
}

/* A variant of the last string, with its first segment. */
static inline uint32_t kit_variant(struct kit *kit, uint8_t flags, const void *bytes, const void *masks,
                                   uint32_t len)
{
        assert(kit->variants < KIT_RECORDS);
        kit->variant[kit->variants] = (struct pn_pack_variant){
                .string = kit->strings - 1, .flags = flags, .segments = {kit->segments, 0}};
        kit->string[kit->strings - 1].variants.count++;
        kit->variants++;
        kit_segment(kit, 0, 0, bytes, masks, len);
        return kit->variants - 1;
}

/* An anchor of the last variant, `len` bytes at `offset` of `segment`. */
static inline uint32_t kit_anchor(struct kit *kit, uint32_t segment, uint32_t offset, uint8_t len,
                                  uint8_t key)
{
        const struct pn_pack_variant *variant = &kit->variant[kit->variants - 1];
        const uint8_t *bytes = kit->bytes + kit->segment[variant->segments.first + segment].bytes + offset;
        struct pn_pack_anchor *anchor = &kit->anchor[kit->anchors];

        assert(kit->anchors < KIT_RECORDS);
        *anchor = (struct pn_pack_anchor){.variant = kit->variants - 1,
                                          .segment = segment,
                                          .offset = offset,
                                          .len = len,
                                          .key = key,
                                          .nocase = (variant->flags & PN_VARIANT_NOCASE) != 0};
        for (unsigned i = 0; i < len; i++)
                anchor->bytes[i] = bytes[i] ^ key;
        kit->string[kit->strings - 1].anchors.count++;
        return kit->anchors++;
}

/* A plain text with one variant and one anchor at its begin. */
static inline uint32_t kit_plain(struct kit *kit, const char *name, uint32_t flags, const char *text)
{
        uint32_t len = (uint32_t)strlen(text), string = kit_string(kit, name, flags);

        kit_variant(kit, 0, text, NULL, len);
        kit_anchor(kit, 0, 0, len < PN_WINDOW_MAX ? (uint8_t)len : PN_WINDOW_MAX, 0);
        return string;
}

/* ---------------------------------------------------------------- formulas */

static inline uint32_t kit_node(struct kit *kit, enum pn_op op, uint32_t ref, int64_t number,
                                const uint32_t *kids, uint32_t count)
{
        struct pn_pack_node node = {
                .op = (uint16_t)op, .ref = ref, .kids = {kit->indexes, count}, .number = number};

        assert(kit->nodes < KIT_RECORDS);
        for (uint32_t i = 0; i < count; i++)
                kit_index(kit, kids[i]);
        kit->node[kit->nodes] = node;
        return kit->nodes++;
}

static inline uint32_t kit_leaf(struct kit *kit, enum pn_op op, uint32_t ref)
{
        return kit_node(kit, op, ref, 0, NULL, 0);
}

static inline uint32_t kit_int(struct kit *kit, int64_t number)
{
        return kit_node(kit, PN_OP_INT, 0, number, NULL, 0);
}

static inline uint32_t kit_one(struct kit *kit, enum pn_op op, uint32_t ref, uint32_t a)
{
        return kit_node(kit, op, ref, 0, &a, 1);
}

static inline uint32_t kit_two(struct kit *kit, enum pn_op op, uint32_t ref, uint32_t a, uint32_t b)
{
        const uint32_t kids[] = {a, b};

        return kit_node(kit, op, ref, 0, kids, 2);
}

/* The formula of the last rule. */
static inline void kit_formula(struct kit *kit, uint32_t node)
{
        kit->rule[kit->rules - 1].formula = node;
}

/* ---------------------------------------------------------------- the whole */

static inline void kit_windows(struct kit *kit)
{
        static uint32_t done[KIT_RECORDS];

        memset(done, 0, sizeof(done));
        for (uint32_t i = 0; i < kit->anchors; i++) {
                const struct pn_pack_anchor *first = &kit->anchor[i];
                struct pn_pack_window *window = &kit->window[kit->windows];

                if (done[i] ||
                    (kit->string[kit->variant[first->variant].string].flags & PN_STRING_CLAUSE) == 0)
                        continue;
                window->anchors = (struct pn_run){kit->indexes, 0};
                kit->plain[kit->windows] =
                        (struct pn_window){.len = first->len, .nocase = first->nocase != 0};
                memcpy(kit->plain[kit->windows].bytes, first->bytes, first->len);
                kit->windows++;
                for (uint32_t k = i; k < kit->anchors; k++) {
                        const struct pn_pack_anchor *other = &kit->anchor[k];

                        if ((kit->string[kit->variant[other->variant].string].flags & PN_STRING_CLAUSE) ==
                                    0 ||
                            other->len != first->len || other->nocase != first->nocase ||
                            memcmp(other->bytes, first->bytes, first->len) != 0)
                                continue;
                        done[k] = 1;
                        kit_index(kit, k);
                        window->anchors.count++;
                }
        }
}

static inline void kit_lists(struct kit *kit)
{
        for (uint32_t i = 0; i < kit->strings; i++)
                if ((kit->string[i].flags & PN_STRING_CLAUSE) != 0 && kit->string[i].candidates.count == 0)
                        kit->string[i].candidates = (struct pn_run){kit_index(kit, kit->string[i].rule), 1};
        kit->always = (struct pn_run){kit->indexes, 0};
        for (uint32_t i = 0; i < kit->rules; i++) {
                if ((kit->rule[i].flags & PN_RULE_ALWAYS) == 0)
                        continue;
                kit_index(kit, i);
                kit->always.count++;
        }
}

static inline struct pn_view kit_write(struct kit *kit)
{
        const struct {
                const void *data;
                uint64_t count, size;
        } tables[PN_PACK_TABLES] = {
                [PN_PACK_RULES] = {kit->rule, kit->rules, sizeof(kit->rule[0])},
                [PN_PACK_STRINGS] = {kit->string, kit->strings, sizeof(kit->string[0])},
                [PN_PACK_VARIANTS] = {kit->variant, kit->variants, sizeof(kit->variant[0])},
                [PN_PACK_SEGMENTS] = {kit->segment, kit->segments, sizeof(kit->segment[0])},
                [PN_PACK_ANCHORS] = {kit->anchor, kit->anchors, sizeof(kit->anchor[0])},
                [PN_PACK_WINDOWS] = {kit->window, kit->windows, sizeof(kit->window[0])},
                [PN_PACK_NODES] = {kit->node, kit->nodes, sizeof(kit->node[0])},
                [PN_PACK_INDEX] = {kit->index, kit->indexes, sizeof(kit->index[0])},
                [PN_PACK_BYTES] = {kit->bytes, kit->byte_count, 1},
                [PN_PACK_TEXT] = {kit->text, kit->text_bytes, 1},
        };
        struct pn_pack_header header = {.magic = PN_PACK_MAGIC, .version = PN_PACK_VERSION};
        uint64_t len = sizeof(header);

        for (unsigned i = 0; i < PN_PACK_TABLES; i++) {
                len = (len + 7) & ~7ULL;
                header.table[i].offset = len;
                header.table[i].count = tables[i].count;
                len += tables[i].count * tables[i].size;
        }
        header.len = len;
        header.always = kit->always.first;
        header.always_count = kit->always.count;
        free(kit->blob);
        kit->blob = aligned_alloc(64, (len + 63) & ~63ULL);
        assert(kit->blob);
        memset(kit->blob, 0, (len + 63) & ~63ULL);
        memcpy(kit->blob, &header, sizeof(header));
        for (unsigned i = 0; i < PN_PACK_TABLES; i++)
                memcpy(kit->blob + header.table[i].offset, tables[i].data, tables[i].count * tables[i].size);
        kit->len = len;
        return (struct pn_view){kit->blob, len};
}

/* Lists what is still to be listed, and writes all into one block. */
static inline struct pn_view kit_finish(struct kit *kit)
{
        kit_windows(kit);
        kit_lists(kit);
        return kit_write(kit);
}

#endif
