/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "scanner/base/fd.h"
#include "scanner/engine/names.h"
#include "scanner/engine/pack_check.h"
#include "scanner/finding/finding.h"

#define ANY UINT32_MAX
#define RULE_FLAGS (PN_RULE_PRIVATE | PN_RULE_GLOBAL | PN_RULE_ALWAYS)

enum reference { REF_NONE, REF_RULE, REF_STRING, REF_TEXT, REF_BITS };

static const struct {
        uint32_t kids_min, kids_max;
        enum reference reference;
} ops[PN_OPS] = {
        [PN_OP_NOT] = {1, 1, REF_NONE},
        [PN_OP_DEFINED] = {1, 1, REF_NONE},
        [PN_OP_AND] = {0, ANY, REF_NONE},
        [PN_OP_OR] = {0, ANY, REF_NONE},
        [PN_OP_ATLEAST] = {1, ANY, REF_NONE},
        [PN_OP_RULE] = {0, 0, REF_RULE},
        [PN_OP_STRING] = {0, 0, REF_STRING},
        [PN_OP_STRING_AT] = {1, 1, REF_STRING},
        [PN_OP_STRING_IN] = {2, 2, REF_STRING},
        [PN_OP_LT... PN_OP_NE] = {2, 2, REF_NONE},
        [PN_OP_TEXT_EQ... PN_OP_TEXT_IEQUALS] = {0, 0, REF_TEXT},
        [PN_OP_COUNT] = {0, 0, REF_STRING},
        [PN_OP_COUNT_IN] = {2, 2, REF_STRING},
        [PN_OP_OFFSET] = {1, 1, REF_STRING},
        [PN_OP_LENGTH] = {1, 1, REF_STRING},
        [PN_OP_INT_AT] = {1, 1, REF_BITS},
        [PN_OP_NEGATIVE] = {1, 1, REF_NONE},
        [PN_OP_BIT_NOT] = {1, 1, REF_NONE},
        [PN_OP_ADD... PN_OP_SHR] = {2, 2, REF_NONE},
};

static int wrong(struct pn_err *err, const char *table, uint32_t number, const char *why)
{
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "pack: %s %u: %s", table, number, why);
}

static bool bits_are_known(uint32_t ref)
{
        uint32_t bits = ref & ~(PN_INT_SIGNED | PN_INT_BIG);

        return bits == 8 || bits == 16 || bits == 32;
}

static bool refers(const struct pn_pack *pack, const struct pn_pack_node *node)
{
        switch (ops[node->op].reference) {
        case REF_RULE:
                return node->ref < pack->rules;
        case REF_STRING:
                return node->ref < pack->strings;
        case REF_TEXT:
                return node->ref < PN_NAMES && node->number >= 0 && (uint64_t)node->number < pack->text_bytes;
        case REF_BITS:
                return bits_are_known(node->ref);
        default:
                return true;
        }
}

/* `depth` has a byte for every node; those of the kids, which come before, are set. */
static const char *why_not_node(const struct pn_pack *pack, uint32_t number, uint8_t *depth)
{
        const struct pn_pack_node *node = &pack->node[number];
        uint8_t deepest = 0;

        if (node->op >= PN_OPS)
                return "unknown operator";
        if (node->kids.count < ops[node->op].kids_min || node->kids.count > ops[node->op].kids_max)
                return "wrong number of kids";
        if (!pn_run_points(pack, node->kids, number))
                return "its kids do not come before it";
        for (uint32_t i = 0; i < node->kids.count; i++) {
                uint8_t kid = depth[pack->index[node->kids.first + i]];

                deepest = kid > deepest ? kid : deepest;
        }
        if (deepest >= PN_PACK_DEPTH_MAX)
                return "is too deep";
        depth[number] = (uint8_t)(deepest + 1);
        return refers(pack, node) ? NULL : "refers to nothing";
}

static int check_nodes(const struct pn_pack *pack, struct pn_err *err)
{
        pn_autofree uint8_t *depth = calloc((size_t)pack->nodes + 1, 1);
        const char *why;

        if (!depth)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "check a pack");
        for (uint32_t i = 0; i < pack->nodes; i++)
                if ((why = why_not_node(pack, i, depth)))
                        return wrong(err, "node", i, why);
        return 0;
}

static bool words_are_inside(const struct pn_pack *pack, const struct pn_pack_rule *rule)
{
        const uint32_t words[] = {rule->name, rule->space, rule->id, rule->title, rule->remedy, rule->source};

        for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (words[i] >= pack->text_bytes)
                        return false;
        return true;
}

static const char *why_not_rule(const struct pn_pack *pack, uint32_t number)
{
        const struct pn_pack_rule *rule = &pack->rule[number];

        if (!words_are_inside(pack, rule))
                return "its text is outside";
        if (pack->text[rule->id] == '\0')
                return "has no id";
        if (rule->severity < PN_SEVERITY_LOW || rule->severity > PN_SEVERITY_CRITICAL ||
            rule->confidence < PN_CONFIDENCE_LOW || rule->confidence > PN_CONFIDENCE_HIGH)
                return "unknown severity or confidence";
        if ((rule->flags & ~RULE_FLAGS) != 0)
                return "unknown flag";
        if (rule->formula >= pack->nodes)
                return "there is no such formula";
        if (!pn_run_points(pack, rule->needs, pack->rules))
                return "needs no such rule";
        if (!pn_run_fits(rule->strings, pack->strings))
                return "its strings are outside";
        for (uint32_t i = 0; i < rule->strings.count; i++)
                if (pack->string[rule->strings.first + i].rule != number)
                        return "has a string of another rule";
        return NULL;
}

/* The run and the flag say the same: a rule without clause that is not in the run would never be evaluated.
 */
static int check_always(const struct pn_pack *pack, struct pn_err *err)
{
        uint32_t flagged = 0;

        for (uint32_t i = 0; i < pack->rules; i++)
                flagged += (pack->rule[i].flags & PN_RULE_ALWAYS) != 0;
        if (!pn_run_points(pack, pack->always, pack->rules) || flagged != pack->always.count)
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "pack: the rules that are always evaluated are others");
        for (uint32_t i = 0; i < pack->always.count; i++) {
                uint32_t rule = pack->index[pack->always.first + i];

                if ((pack->rule[rule].flags & PN_RULE_ALWAYS) == 0 ||
                    (i > 0 && rule <= pack->index[pack->always.first + i - 1]))
                        return wrong(err, "rule", rule, "is out of place among those always evaluated");
        }
        return 0;
}

int pn_pack_check_rules(const struct pn_pack *pack, struct pn_err *err)
{
        const char *why;

        if (pack->text_bytes == 0 || pack->text[0] != '\0' || pack->text[pack->text_bytes - 1] != '\0')
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "pack: the text does not end");
        if (check_nodes(pack, err) < 0)
                return -1;
        for (uint32_t i = 0; i < pack->rules; i++)
                if ((why = why_not_rule(pack, i)))
                        return wrong(err, "rule", i, why);
        return check_always(pack, err);
}
