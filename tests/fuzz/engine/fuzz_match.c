/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/view.h"
#include "scanner/engine/match.h"
#include "tests/unit/engine/pack_kit.h"

/*     input = flags:u8 len:u8 text jump:u8 file      ; text: `len` bytes, at least one
 *
 * Rules of one text: that it occurs, how often, where first, with a jump behind it, and not at all. What the
 * matcher says of the first three must be what the simplest search says. */
#define TEXT_MAX 24U
#define NOCASE 1U
#define TAP 2U

static uint8_t lower(uint8_t byte)
{
        return byte >= 'A' && byte <= 'Z' ? byte | 0x20 : byte;
}

static uint64_t occurrences(struct pn_view file, const uint8_t *text, size_t len, bool nocase)
{
        uint64_t count = 0;

        for (size_t i = 0; i + len <= file.len; i++) {
                size_t k = 0;

                while (k < len && (nocase ? lower(file.data[i + k]) == text[k] : file.data[i + k] == text[k]))
                        k++;
                count += k == len;
        }
        return count;
}

static struct kit *make_rules(const uint8_t *text, uint32_t len, bool nocase, uint8_t jump, uint64_t count)
{
        const uint8_t flags = nocase ? PN_VARIANT_NOCASE : 0,
                      window = len < PN_WINDOW_MAX ? (uint8_t)len : PN_WINDOW_MAX;
        const uint32_t clause = len >= PN_WINDOW_MIN ? PN_STRING_CLAUSE : 0;
        const uint8_t rule = len >= PN_WINDOW_MIN ? 0 : PN_RULE_ALWAYS;
        struct kit *kit = kit_new();
        uint32_t a;

        kit_rule(kit, "occurs", rule);
        kit_string(kit, "$a", clause);
        kit_variant(kit, flags, text, NULL, len);
        kit_anchor(kit, 0, len - window, window, 0);
        kit_formula(kit, kit_leaf(kit, PN_OP_STRING, 0));
        kit_rule(kit, "count", PN_RULE_ALWAYS);
        kit_string(kit, "$a", 0);
        kit_variant(kit, flags, text, NULL, len);
        kit_anchor(kit, 0, 0, window, 0);
        kit_anchor(kit, 0, len - window, window, 0);
        a = kit_leaf(kit, PN_OP_COUNT, 1);
        kit_formula(kit, kit_two(kit, PN_OP_EQ, 0, a, kit_int(kit, (int64_t)count)));
        kit_rule(kit, "absent", PN_RULE_ALWAYS);
        kit_formula(kit, kit_one(kit, PN_OP_NOT, 0, kit_leaf(kit, PN_OP_STRING, 1)));
        kit_rule(kit, "jump", rule);
        kit_string(kit, "$a", clause | PN_STRING_LOOSE);
        kit_variant(kit, flags, text, NULL, len);
        kit_segment(kit, jump & 0x0f, jump & 0x80 ? UINT32_MAX : (jump & 0x0fU) + (jump >> 4), text, NULL,
                    len);
        kit_anchor(kit, 1, 0, window, 0);
        kit_formula(kit, kit_leaf(kit, PN_OP_STRING, 2));
        return kit;
}

static int tap(void *ctx, const uint8_t *bytes, size_t len, struct pn_err *err)
{
        uint64_t *sum = ctx;

        (void)err;
        for (size_t i = 0; i < len; i++)
                *sum += bytes[i];
        return 0;
}

static bool is_certain(const struct pn_match_answer *answer, uint32_t rule)
{
        for (uint32_t i = 0; i < answer->pair_count; i++)
                if (answer->pair[i].rule == rule)
                        return answer->pair[i].certain;
        return false;
}

static void match(struct kit *kit, struct pn_view view, bool tapped, uint64_t count)
{
        struct pn_filter *filter = NULL;
        struct pn_match *match = NULL;
        struct pn_match_answer answer;
        struct pn_object file;
        uint64_t sum = 0;
        const struct pn_match_request request = {
                .file = &file, .matches = 1U << 20, .tap = tapped ? tap : NULL, .tap_ctx = &sum};
        struct pn_pack pack;
        uint8_t *database = NULL;
        size_t len = 0;

        pn_object_from_view(&file, &view);
        if (pn_pack_open(kit_finish(kit), &pack, NULL) < 0 ||
            pn_filter_gram_build(kit->plain, kit->windows, &database, &len, NULL) < 0 ||
            pn_filter_open(PN_FILTER_GRAM, (struct pn_view){database, len}, &filter, NULL) < 0 ||
            pn_match_new(&pack, filter, &match, NULL) < 0 ||
            pn_match_file(match, &request, &answer, NULL) < 0)
                abort();
        if (is_certain(&answer, 0) != (count > 0) || !is_certain(&answer, 1) ||
            is_certain(&answer, 2) != (count == 0) || is_certain(&answer, 3))
                abort();
        (void)pn_match_free(match);
        (void)pn_filter_free(filter);
        free(database);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t text[TEXT_MAX];
        struct pn_view file;
        uint64_t count;
        bool nocase;
        uint32_t len;
        struct kit *kit;

        if (size < 4)
                return 0;
        nocase = (data[0] & NOCASE) != 0;
        len = 1 + data[1] % TEXT_MAX;
        if (size < 3U + len)
                return 0;
        for (uint32_t i = 0; i < len; i++)
                text[i] = nocase ? lower(data[2 + i]) : data[2 + i];
        file = (struct pn_view){data + 3 + len, size - 3 - len};
        count = occurrences(file, text, len, nocase);
        kit = make_rules(text, len, nocase, data[2 + len], count);
        match(kit, file, (data[0] & TAP) != 0, count);
        kit_free(kit);
        return 0;
}
