/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "scanner/base/view.h"
#include "scanner/engine/match_state.h"
#include "scanner/finding/sample.h"

static void copy_words(char *dst, size_t cap, const char *src)
{
        size_t len = strnlen(src, cap - 1);

        memcpy(dst, src, len);
        dst[len] = '\0';
}

/* The rule of pn_exact.h for ids that are too long, so that both sieves tell the same one. */
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

/* The `n`-th place of a string that is known, NULL when there is none. */
static const struct pn_place *place_of(const struct pn_match *match, uint32_t string, unsigned n)
{
        const struct pn_string_state *state = &match->string[string];

        if (state->stamp != match->stamp || state->seen != PN_SEEN_YES)
                return NULL;
        if (state->placed)
                return n < state->count ? &match->pool[state->first_place + n] : NULL;
        return n == 0 ? &state->one : NULL;
}

static void add_evidence(const struct pn_match *match, const struct pn_place *place, struct pn_finding *ret)
{
        struct pn_evidence *evidence = &ret->evidence[ret->evidence_count++];
        uint32_t want = place->len < PN_EVIDENCE_BYTES ? place->len : PN_EVIDENCE_BYTES;
        ssize_t n;

        copy_words(evidence->string, sizeof(evidence->string),
                   match->pack->text + match->pack->string[place->string].name);
        evidence->offset = place->offset;
        evidence->match_bytes = place->len;
        n = match->file.read_at(match->file.from, evidence->bytes, want, place->offset);
        evidence->kept = n > 0 ? (uint8_t)n : 0;
}

void pn_match_tell(const struct pn_match *match, uint32_t number, struct pn_finding *ret)
{
        const struct pn_pack *pack = match->pack;
        const struct pn_pack_rule *rule = &pack->rule[number];

        *ret = (struct pn_finding){.detector = "yara"};
        ret->severity = rule->severity;
        ret->confidence = rule->confidence;
        copy_id(ret->rule, pack->text + rule->id);
        copy_words(ret->title, sizeof(ret->title), pack->text + rule->title);
        copy_words(ret->remedy, sizeof(ret->remedy), pack->text + rule->remedy);
        copy_words(ret->source, sizeof(ret->source), pack->text + rule->source);
        for (unsigned n = 0; n < PN_EVIDENCE_MAX; n++) {
                for (uint32_t i = 0; i < rule->strings.count; i++) {
                        uint32_t string = rule->strings.first + i;
                        const struct pn_place *place = place_of(match, string, n);

                        if (place && (pack->string[string].flags & PN_STRING_PRIVATE) == 0 &&
                            ret->evidence_count < PN_EVIDENCE_MAX)
                                add_evidence(match, place, ret);
                }
        }
}

/* ---------------------------------------------------------------- self-test */

static int is_certain_of_test_rule(struct pn_match *match, struct pn_view view, bool *ret, struct pn_err *err)
{
        struct pn_names names;
        struct pn_object file;
        struct pn_match_request request = {.file = &file, .names = &names, .matches = UINT64_MAX};
        struct pn_match_answer answer;

        pn_names_set(&names, "", 0);
        pn_object_from_view(&file, &view);
        if (pn_match_file(match, &request, &answer, err) < 0)
                return -1;
        *ret = false;
        for (uint32_t i = 0; i < answer.pair_count; i++) {
                const struct pn_pack_rule *rule = &match->pack->rule[answer.pair[i].rule];

                if (answer.pair[i].certain && strcmp(match->pack->text + rule->id, PN_TEST_RULE) == 0)
                        *ret = true;
        }
        return 0;
}

int pn_match_selftest(struct pn_match *match, struct pn_err *err)
{
        uint8_t sample[PN_SAMPLE_BYTES];
        bool hit = false, noise = false;

        pn_sample_fill(sample);
        if (is_certain_of_test_rule(match, (struct pn_view){sample, sizeof(sample)}, &hit, err) < 0 ||
            is_certain_of_test_rule(match, (struct pn_view){sample, 0}, &noise, err) < 0)
                return pn_err_wrap(err, "match the built-in sample");
        if (!hit)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "the test marker is not found by these rules");
        if (noise)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "the test marker is found in an empty file");
        return 0;
}
