/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/exact_state.h"

#include <stdio.h>
#include <string.h>

static const YR_META *meta_string(const YR_RULE *rule, const char *key)
{
        const YR_META *meta;

        yr_rule_metas_foreach(rule, meta)
        {
                if (meta->type == META_TYPE_STRING && strcmp(meta->identifier, key) == 0)
                        return meta;
        }
        return NULL;
}

static const char *meta_text(const YR_RULE *rule, const char *key, const char *otherwise)
{
        const YR_META *meta = meta_string(rule, key);

        return meta && meta->string[0] != '\0' ? meta->string : otherwise;
}

static void copy_words(char *dst, size_t cap, const char *src)
{
        size_t len = strnlen(src, cap - 1);

        memcpy(dst, src, len);
        dst[len] = '\0';
}

/* FNV-1a: the ids are the operator's own, nobody makes them collide on purpose. */
static void copy_id(char dst[PN_RULE_ID_MAX], const char *id)
{
        uint64_t mix = 0xcbf29ce484222325ULL;

        if (strlen(id) < PN_RULE_ID_MAX) {
                copy_words(dst, PN_RULE_ID_MAX, id);
                return;
        }
        for (const char *p = id; *p; p++)
                mix = (mix ^ (uint8_t)*p) * 0x100000001b3ULL;
        (void)snprintf(dst, PN_RULE_ID_MAX, "%.*s~%016llx", PN_RULE_ID_MAX - 18, id, (unsigned long long)mix);
}

static void add_evidence(struct pn_finding *ret, const YR_STRING *string, const YR_MATCH *match)
{
        struct pn_evidence *evidence = &ret->evidence[ret->evidence_count++];
        int32_t kept = match->data_length < PN_EVIDENCE_BYTES ? match->data_length : PN_EVIDENCE_BYTES;

        copy_words(evidence->string, sizeof(evidence->string), string->identifier);
        evidence->offset = (uint64_t)(match->base + match->offset);
        evidence->match_bytes = (uint32_t)match->match_length;
        evidence->kept = kept > 0 ? (uint8_t)kept : 0;
        memcpy(evidence->bytes, match->data, evidence->kept);
}

/* The `n`-th place of every string, so that the few places that are kept are of many strings first. */
static void add_round(YR_SCAN_CONTEXT *context, const YR_RULE *rule, unsigned n, struct pn_finding *ret)
{
        const YR_STRING *string;

        yr_rule_strings_foreach(rule, string)
        {
                const YR_MATCH *packed = context->matches[string->idx].head;
                YR_MATCH match;

                for (unsigned i = 0; packed && i < n; i++)
                        packed = pn_exact_match(packed).next;
                if (!packed || ret->evidence_count == PN_EVIDENCE_MAX)
                        continue;
                match = pn_exact_match(packed);
                if (!match.is_private)
                        add_evidence(ret, string, &match);
        }
}

void pn_exact_tell(YR_SCAN_CONTEXT *context, const YR_RULE *rule, struct pn_finding *ret)
{
        enum pn_severity severity = pn_severity_parse(meta_text(rule, "severity", ""));
        enum pn_confidence confidence = pn_confidence_parse(meta_text(rule, "confidence", ""));

        *ret = (struct pn_finding){.detector = "yara"};
        ret->severity = severity ? severity : PN_SEVERITY_HIGH;
        ret->confidence = confidence ? confidence : PN_CONFIDENCE_MEDIUM;
        copy_id(ret->rule, meta_text(rule, "id", rule->identifier));
        copy_words(ret->title, sizeof(ret->title), meta_text(rule, "description", ""));
        copy_words(ret->remedy, sizeof(ret->remedy), meta_text(rule, "remedy", ""));
        copy_words(ret->source, sizeof(ret->source), meta_text(rule, "source", ""));
        for (unsigned n = 0; n < PN_EVIDENCE_MAX; n++)
                add_round(context, rule, n, ret);
}
