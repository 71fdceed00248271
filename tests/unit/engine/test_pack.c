/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/engine/names.h"
#include "scanner/engine/pack.h"
#include "tests/unit/engine/pack_kit.h"

/* Everything a pack can hold, once:
 *   rule 0  string 0 (clause, exact), string 1 (loose, two segments), string 2 (xor of two keys, exact)
 *   rule 1  string 3 (no anchor), string 4 (nocase, clause)
 *   rule 2  always */
static struct kit *full(void)
{
        static const uint8_t masks[] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xf0};
        struct kit *kit = kit_new();
        uint32_t has, count, number, node;

        kit_rule(kit, "first", 0);
        kit_plain(kit, "$a", PN_STRING_CLAUSE, "abcdefgh-i");
        kit_string(kit, "$b", PN_STRING_LOOSE);
        kit_variant(kit, 0, "012345", masks, 6);
        kit->bytes[kit->segment[kit->segments - 1].bytes + 5] = 0x30;
        kit_segment(kit, 2, 9, "wxyz", NULL, 4);
        kit_anchor(kit, 0, 1, 4, 0);
        kit_string(kit, "$c", 0);
        kit_variant(kit, PN_VARIANT_XOR, "xored", NULL, 5);
        kit->variant[kit->variants - 1].xor_min = 1;
        kit->variant[kit->variants - 1].xor_max = 2;
        kit_anchor(kit, 0, 0, 5, 1);
        kit_anchor(kit, 0, 0, 5, 2);
        has = kit_leaf(kit, PN_OP_STRING, 0);
        count = kit_leaf(kit, PN_OP_COUNT, 2);
        number = kit_int(kit, 1);
        node = kit_two(kit, PN_OP_GT, 0, count, number);
        node = kit_two(kit, PN_OP_AND, 0, has, node);
        kit_formula(kit, node);
        kit_rule(kit, "second", PN_RULE_GLOBAL);
        kit_string(kit, "$d", PN_STRING_UNANCHORED | PN_STRING_LOOSE);
        kit_string(kit, "$e", PN_STRING_CLAUSE);
        kit_variant(kit, PN_VARIANT_NOCASE, "nocase", NULL, 6);
        kit_anchor(kit, 0, 0, 6, 0);
        kit_formula(kit, kit_leaf(kit, PN_OP_RULE, 0));
        kit->rule[1].needs = (struct pn_run){kit_index(kit, 0), 1};
        kit_rule(kit, "third", PN_RULE_ALWAYS);
        number = kit_int(kit, 0);
        kit_one(kit, PN_OP_INT_AT, 16 | PN_INT_BIG, number);
        kit_formula(kit, kit_node(kit, PN_OP_TEXT_EQ, PN_NAME_FILENAME, kit_text(kit, "x"), NULL, 0));
        return kit;
}

static void a_pack_is_what_was_written(void **state)
{
        struct kit *kit = full();
        struct pn_pack pack;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        if (pn_pack_open(kit_finish(kit), &pack, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(pack.rules, 3);
        assert_int_equal(pack.strings, 5);
        assert_int_equal(pack.windows, 2);
        assert_int_equal(pack.always.count, 1);
        assert_string_equal(pack.text + pack.rule[1].id, "second");
        assert_memory_equal(pack.bytes + pack.segment[pack.variant[0].segments.first].bytes, "abcdefgh-i",
                            10);
        kit_free(kit);
}

static void an_empty_pack_is_a_pack(void **state)
{
        struct kit *kit = kit_new();
        struct pn_pack pack;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_pack_open(kit_finish(kit), &pack, &err), 0);
        assert_int_equal(pack.rules, 0);
        kit_free(kit);
}

/* ---------------------------------------------------------------- one wrong thing each */

static struct pn_pack_header *header_of(struct kit *kit)
{
        return (struct pn_pack_header *)(void *)kit->blob;
}

#define BEFORE(name, code)                                                                                   \
        static void name(struct kit *kit)                                                                    \
        {                                                                                                    \
                code;                                                                                        \
        }
#define AFTER(name, code) BEFORE(name, struct pn_pack_header *h = header_of(kit); code)

/* before it is written */
BEFORE(rule_name, kit->rule[0].name = kit->text_bytes)
BEFORE(rule_source, kit->rule[2].source = 1U << 31)
BEFORE(rule_no_id, kit->rule[0].id = 0)
BEFORE(rule_severity, kit->rule[0].severity = 0)
BEFORE(rule_severity_5, kit->rule[0].severity = 5)
BEFORE(rule_confidence, kit->rule[0].confidence = 4)
BEFORE(rule_flags, kit->rule[0].flags = 8)
BEFORE(rule_strings, kit->rule[1].strings.count = 9)
BEFORE(rule_strings_wrap, (kit->rule[1].strings = (struct pn_run){UINT32_MAX, 2}))
BEFORE(rule_others_string, kit->rule[0].strings.count++)
BEFORE(rule_needs, kit->rule[1].needs.count = 1U << 20)
BEFORE(rule_needs_number, kit->index[kit->rule[1].needs.first] = 3)
BEFORE(rule_formula, kit->rule[1].formula = kit->nodes)
BEFORE(string_rule, kit->string[0].rule = 3)
BEFORE(string_name, kit->string[0].name = kit->text_bytes)
BEFORE(string_flags, kit->string[0].flags |= 16)
BEFORE(string_variants, kit->string[0].variants.first = 77)
BEFORE(string_others_variant, kit->string[0].variants.count++)
BEFORE(string_no_variant, kit->string[0].variants.count = 0)
BEFORE(string_anchors, kit->string[0].anchors.count = 77)
BEFORE(string_others_anchor, kit->string[0].anchors.count++)
BEFORE(string_no_anchor, kit->string[0].anchors.count = 0)
BEFORE(string_unanchored_has_one, kit->string[1].flags |= PN_STRING_UNANCHORED)
BEFORE(string_unanchored_clause, kit->string[3].flags |= PN_STRING_CLAUSE)
BEFORE(string_candidates, (kit->string[0].candidates = (struct pn_run){kit_index(kit, 3), 1}))
BEFORE(string_candidates_run, (kit->string[0].candidates = (struct pn_run){1U << 20, 1}))
BEFORE(string_key_not_anchored, kit->variant[2].xor_max = 3)
BEFORE(exact_with_jump, kit->string[1].flags &= ~PN_STRING_LOOSE)
BEFORE(variant_string, kit->variant[0].string = 5)
BEFORE(variant_flags, kit->variant[0].flags = 16)
BEFORE(variant_keys, kit->variant[2].xor_min = 3)
BEFORE(variant_segments, kit->variant[3].segments.first = kit->segments)
BEFORE(variant_no_segment, kit->variant[0].segments.count = 0)
BEFORE(variant_begins_with_jump, kit->segment[0].jump_max = 1)
BEFORE(segment_empty, kit->segment[0].len = 0)
BEFORE(segment_bytes, kit->segment[0].bytes = kit->byte_count - 9)
BEFORE(segment_bytes_wrap, kit->segment[0].bytes = UINT32_MAX)
BEFORE(segment_masks, kit->segment[1].masks = kit->byte_count - 5)
BEFORE(segment_jump, kit->segment[2].jump_min = 10)
BEFORE(anchor_variant, kit->anchor[0].variant = 4)
BEFORE(anchor_segment, kit->anchor[1].segment = 2)
BEFORE(anchor_offset, kit->anchor[0].offset = 3)
BEFORE(anchor_offset_wrap, kit->anchor[0].offset = UINT32_MAX - 3)
BEFORE(anchor_len_0, kit->anchor[1].len = 0)
BEFORE(anchor_len_9, kit->anchor[0].len = 9)
BEFORE(anchor_nocase_2, kit->anchor[0].nocase = 2)
BEFORE(anchor_key, kit->anchor[2].key = 3)
BEFORE(anchor_key_of_plain, kit->anchor[0].key = 1)
BEFORE(anchor_other_bytes, kit->anchor[0].bytes[7] = 'H')
BEFORE(anchor_other_key_bytes, kit->anchor[2].bytes[0] ^= 4)
BEFORE(anchor_on_mask, kit->anchor[1].offset = 2; memcpy(kit->anchor[1].bytes, "2340", 4))
BEFORE(anchor_case_of_nocase, kit->anchor[4].nocase = 0)
BEFORE(anchor_short_of_clause, kit->anchor[0].len = 2)
BEFORE(node_op, kit->node[0].op = PN_OPS)
BEFORE(node_arity, kit->node[3].kids.count--)
BEFORE(node_leaf_with_kid, (kit->node[2].kids = (struct pn_run){kit->node[4].kids.first, 1}))
BEFORE(node_kids, kit->node[4].kids.first = 1U << 30)
BEFORE(node_itself, kit->index[kit->node[4].kids.first] = 4)
BEFORE(node_later, kit->index[kit->node[3].kids.first] = 5)
BEFORE(node_string, kit->node[0].ref = 5)
BEFORE(node_count_of_string, kit->node[1].ref = 5)
BEFORE(node_rule, kit->node[5].ref = 3)
BEFORE(node_bits, kit->node[7].ref = 64)
BEFORE(node_bits_unknown, kit->node[7].ref |= 0x400)
BEFORE(node_external, kit->node[8].ref = PN_NAMES)
BEFORE(node_text, kit->node[8].number = kit->text_bytes)
BEFORE(node_text_negative, kit->node[8].number = -1)
BEFORE(always_unflagged, kit->rule[2].flags = 0)
BEFORE(text_does_not_end, kit->text[kit->text_bytes++] = 'x')
BEFORE(text_does_not_begin, kit->text[0] = 'x')

/* before it is written, behind what kit_finish() lists */
BEFORE(window_empty, kit->window[0].anchors.count = 0)
BEFORE(window_run, kit->window[0].anchors.first = kit->indexes)
BEFORE(window_anchor, kit->index[kit->window[0].anchors.first] = kit->anchors)
BEFORE(window_mixed, kit->window[0].anchors.count = 2)
BEFORE(window_short, kit->anchor[1].len = 3; kit->index[kit->window[0].anchors.first] = 1)
BEFORE(window_missing, kit->windows = 1)
BEFORE(window_to_another, kit->index[kit->window[0].anchors.first] = 1)
BEFORE(always_none, kit->always.count = 0)
BEFORE(always_another, kit->index[kit->always.first] = 1)
BEFORE(always_outside, kit->always.first = kit->indexes)
BEFORE(always_twice, kit->rule[1].flags |= PN_RULE_ALWAYS;
       kit->always = ((struct pn_run){kit_index(kit, 2), 2}); kit_index(kit, 2))

/* in what was written */
AFTER(magic, h->magic++)
AFTER(version, h->version++)
AFTER(length_short, h->len--)
AFTER(length_long, h->len++)
AFTER(table_unaligned, h->table[PN_PACK_BYTES].offset += 4)
AFTER(table_in_header, h->table[PN_PACK_BYTES].offset = 8)
AFTER(table_outside, h->table[PN_PACK_TEXT].offset = (h->len + 15) & ~7ULL)
AFTER(table_too_long, h->table[PN_PACK_RULES].count = h->len)
AFTER(table_wraps, h->table[PN_PACK_NODES].count = UINT64_MAX / sizeof(struct pn_pack_node) + 2)
AFTER(table_far, h->table[PN_PACK_INDEX].offset = UINT64_MAX - 7)
AFTER(no_text, h->table[PN_PACK_TEXT].count = 0)

enum when { EARLY, LATE, WRITTEN };
#define ROW(name, when)                                                                                      \
        {                                                                                                    \
#name, when, name                                                                            \
        }

static void a_wrong_pack_is_refused(void **state)
{
        static const struct {
                const char *name;
                enum when when;
                void (*spoil)(struct kit *kit);
        } rows[] = {
                ROW(rule_name, EARLY),
                ROW(rule_source, EARLY),
                ROW(rule_no_id, EARLY),
                ROW(rule_severity, EARLY),
                ROW(rule_severity_5, EARLY),
                ROW(rule_confidence, EARLY),
                ROW(rule_flags, EARLY),
                ROW(rule_strings, EARLY),
                ROW(rule_strings_wrap, EARLY),
                ROW(rule_others_string, EARLY),
                ROW(rule_needs, EARLY),
                ROW(rule_needs_number, EARLY),
                ROW(rule_formula, EARLY),
                ROW(string_rule, EARLY),
                ROW(string_name, EARLY),
                ROW(string_flags, EARLY),
                ROW(string_variants, EARLY),
                ROW(string_others_variant, EARLY),
                ROW(string_no_variant, EARLY),
                ROW(string_anchors, EARLY),
                ROW(string_others_anchor, EARLY),
                ROW(string_no_anchor, EARLY),
                ROW(string_unanchored_has_one, EARLY),
                ROW(string_unanchored_clause, EARLY),
                ROW(string_candidates, EARLY),
                ROW(string_candidates_run, EARLY),
                ROW(string_key_not_anchored, EARLY),
                ROW(exact_with_jump, EARLY),
                ROW(variant_string, EARLY),
                ROW(variant_flags, EARLY),
                ROW(variant_keys, EARLY),
                ROW(variant_segments, EARLY),
                ROW(variant_no_segment, EARLY),
                ROW(variant_begins_with_jump, EARLY),
                ROW(segment_empty, EARLY),
                ROW(segment_bytes, EARLY),
                ROW(segment_bytes_wrap, EARLY),
                ROW(segment_masks, EARLY),
                ROW(segment_jump, EARLY),
                ROW(anchor_variant, LATE),
                ROW(anchor_segment, EARLY),
                ROW(anchor_offset, EARLY),
                ROW(anchor_offset_wrap, EARLY),
                ROW(anchor_len_0, EARLY),
                ROW(anchor_len_9, EARLY),
                ROW(anchor_nocase_2, EARLY),
                ROW(anchor_key, EARLY),
                ROW(anchor_key_of_plain, EARLY),
                ROW(anchor_other_bytes, EARLY),
                ROW(anchor_other_key_bytes, EARLY),
                ROW(anchor_on_mask, EARLY),
                ROW(anchor_case_of_nocase, EARLY),
                ROW(anchor_short_of_clause, EARLY),
                ROW(node_op, EARLY),
                ROW(node_arity, EARLY),
                ROW(node_leaf_with_kid, EARLY),
                ROW(node_kids, EARLY),
                ROW(node_itself, EARLY),
                ROW(node_later, EARLY),
                ROW(node_string, EARLY),
                ROW(node_count_of_string, EARLY),
                ROW(node_rule, EARLY),
                ROW(node_bits, EARLY),
                ROW(node_bits_unknown, EARLY),
                ROW(node_external, EARLY),
                ROW(node_text, EARLY),
                ROW(node_text_negative, EARLY),
                ROW(always_unflagged, LATE),
                ROW(text_does_not_end, EARLY),
                ROW(text_does_not_begin, EARLY),
                ROW(window_empty, LATE),
                ROW(window_run, LATE),
                ROW(window_anchor, LATE),
                ROW(window_mixed, LATE),
                ROW(window_short, LATE),
                ROW(window_missing, LATE),
                ROW(window_to_another, LATE),
                ROW(always_none, LATE),
                ROW(always_another, LATE),
                ROW(always_outside, LATE),
                ROW(always_twice, LATE),
                ROW(magic, WRITTEN),
                ROW(version, WRITTEN),
                ROW(length_short, WRITTEN),
                ROW(length_long, WRITTEN),
                ROW(table_unaligned, WRITTEN),
                ROW(table_in_header, WRITTEN),
                ROW(table_outside, WRITTEN),
                ROW(table_too_long, WRITTEN),
                ROW(table_wraps, WRITTEN),
                ROW(table_far, WRITTEN),
                ROW(no_text, WRITTEN),
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct kit *kit = full();
                struct pn_pack pack = {0};
                struct pn_err err = PN_ERR_INIT;

                if (rows[i].when == EARLY)
                        rows[i].spoil(kit);
                kit_windows(kit);
                kit_lists(kit);
                if (rows[i].when == LATE)
                        rows[i].spoil(kit);
                (void)kit_write(kit);
                if (rows[i].when == WRITTEN)
                        rows[i].spoil(kit);
                if (pn_pack_open((struct pn_view){kit->blob, kit->len}, &pack, &err) == 0)
                        fail_msg("%s: taken for a pack", rows[i].name);
                assert_int_equal(err.fault, PN_FAULT_CONFIG);
                assert_null(pack.rule);
                kit_free(kit);
        }
}

static void a_formula_that_is_too_deep_is_refused(void **state)
{
        for (unsigned depth = PN_PACK_DEPTH_MAX; depth <= PN_PACK_DEPTH_MAX + 1; depth++) {
                struct kit *kit = kit_new();
                struct pn_pack pack;
                struct pn_err err = PN_ERR_INIT;
                uint32_t node;

                (void)state;
                kit_rule(kit, "deep", PN_RULE_ALWAYS);
                node = kit_leaf(kit, PN_OP_TRUE, 0);
                for (unsigned i = 1; i < depth; i++)
                        node = kit_one(kit, PN_OP_NOT, 0, node);
                kit_formula(kit, node);
                assert_int_equal(pn_pack_open(kit_finish(kit), &pack, &err),
                                 depth <= PN_PACK_DEPTH_MAX ? 0 : -1);
                kit_free(kit);
        }
}

static void a_pack_that_is_cut_is_refused(void **state)
{
        struct kit *kit = full();
        struct pn_view whole = kit_finish(kit);

        (void)state;
        for (size_t len = 0; len < whole.len; len++) {
                struct pn_pack pack;
                struct pn_err err = PN_ERR_INIT;
                uint8_t *cut = aligned_alloc(64, (len + 64) & ~63ULL);

                assert_non_null(cut);
                memcpy(cut, whole.data, len);
                if (len >= sizeof(struct pn_pack_header))
                        ((struct pn_pack_header *)(void *)cut)->len = len; /* a lie that fits */
                assert_int_equal(pn_pack_open((struct pn_view){cut, len}, &pack, &err), -1);
                free(cut);
        }
        kit_free(kit);
}

static void memory_that_is_not_aligned_is_our_own_bug(void **state)
{
        struct kit *kit = full();
        struct pn_view whole = kit_finish(kit);
        uint8_t *moved = aligned_alloc(64, (whole.len + 128) & ~63ULL);
        struct pn_pack pack;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_non_null(moved);
        memcpy(moved + 4, whole.data, whole.len);
        assert_int_equal(pn_pack_open((struct pn_view){moved + 4, whole.len}, &pack, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUG);
        free(moved);
        kit_free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_pack_is_what_was_written),
                cmocka_unit_test(an_empty_pack_is_a_pack),
                cmocka_unit_test(a_wrong_pack_is_refused),
                cmocka_unit_test(a_formula_that_is_too_deep_is_refused),
                cmocka_unit_test(a_pack_that_is_cut_is_refused),
                cmocka_unit_test(memory_that_is_not_aligned_is_our_own_bug),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
