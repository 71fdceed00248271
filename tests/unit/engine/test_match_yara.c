/* SPDX-License-Identifier: Apache-2.0 */
/* Random rules over random files made of their own strings, at the edges of blocks above all: the matcher is
 * certain of what libyara says yes to, and of nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yara.h>

#include "tests/unit/engine/match_kit.h"
#include "tests/unit/engine/spec_kit.h"

#define BLOCK (256U << 10)
#define RULES 8U
#define STRINGS 3U /* of a rule */
#define TOTAL_MAX (2 * BLOCK + 4096)

struct round {
        uint64_t *seed;
        struct kit *kit;
        struct spec spec[RULES][STRINGS];
        bool hex[RULES][STRINGS];
        uint8_t mask[RULES][STRINGS]; /* of the last byte of a hex string */
        bool open[RULES];             /* its strings leave a doubt */
        char source[1 << 15];
        size_t len;
        uint8_t *bytes;
        size_t total;
};

static void put(struct round *round, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct round *round, const char *fmt, ...)
{
        va_list args;

        va_start(args, fmt);
        round->len +=
                (size_t)vsnprintf(round->source + round->len, sizeof(round->source) - round->len, fmt, args);
        va_end(args);
        assert_true(round->len < sizeof(round->source));
}

/* ---------------------------------------------------------------- strings */

static void add_hex(struct round *round, const struct spec *spec, uint8_t mask)
{
        uint8_t bytes[16], masks[16];

        memset(masks, 0xff, sizeof(masks));
        memcpy(bytes, spec->text, spec->len);
        masks[spec->len - 1] = mask;
        bytes[spec->len - 1] &= mask;
        kit_variant(round->kit, 0, bytes, masks, spec->len);
        kit_anchor(round->kit, 0, 0, (uint8_t)(spec->len - 1 < 8 ? spec->len - 1 : 8), 0);
        put(round, "{");
        for (uint32_t i = 0; i + 1 < spec->len; i++)
                put(round, " %02x", (uint8_t)spec->text[i]);
        put(round, mask == 0xf0 ? " %x? }" : " ?%x }",
            mask == 0xf0 ? (uint8_t)spec->text[spec->len - 1] >> 4 : spec->text[spec->len - 1] & 0xf);
}

static void random_string(struct round *round, uint32_t rule, uint32_t i, uint32_t flags)
{
        struct spec *spec = &round->spec[rule][i];
        char name[] = {'$', (char)('a' + i), '\0'}, text[200];

        random_spec(round->seed, spec);
        if ((flags & PN_STRING_CLAUSE) != 0 && spec->len < 5)
                memcpy(spec->text + spec->len, "aB0b.", 5), spec->len += 5;
        kit_string(round->kit, name, flags);
        put(round, " %s = ", name);
        round->hex[rule][i] = spec->len > 5 && below(round->seed, 4) == 0;
        if (round->hex[rule][i]) {
                *spec = (struct spec){.ascii = true, .len = spec->len, .text = {0}};
                for (uint32_t k = 0; k < spec->len; k++)
                        spec->text[k] = "aB0b"[below(round->seed, 4)];
                round->mask[rule][i] = below(round->seed, 2) ? 0xf0 : 0x0f;
                add_hex(round, spec, round->mask[rule][i]);
                return;
        }
        add_string(round->kit, spec);
        yara_of(spec, text, sizeof(text));
        put(round, "%s", text);
        /* Of short strings there are more places than are kept; the compiler says of wide ones with a key that they are loose. */
        round->open[rule] = round->open[rule] || is_ambiguous(spec) || spec->len < 3 ||
                            (spec->xor && spec->wide);
}

/* ---------------------------------------------------------------- conditions */

static int64_t random_offset(struct round *round)
{
        return (int64_t)below(round->seed, (uint32_t)round->total + 8);
}

/* Something about string number `i` of the last rule. */
static uint32_t random_test(struct round *round, uint32_t i)
{
        struct kit *kit = round->kit;
        uint32_t s = kit->rule[kit->rules - 1].strings.first + i, a, b;
        int64_t from = random_offset(round), to = random_offset(round), n = below(round->seed, 4);
        char name = (char)('a' + i);

        switch (below(round->seed, 7)) {
        case 0:
                put(round, "not $%c", name);
                return kit_one(kit, PN_OP_NOT, 0, kit_leaf(kit, PN_OP_STRING, s));
        case 1:
                put(round, "#%c > %lld", name, (long long)n);
                a = kit_leaf(kit, PN_OP_COUNT, s);
                b = kit_int(kit, n);
                return kit_two(kit, PN_OP_GT, 0, a, b);
        case 2:
                put(round, "$%c at %lld", name, (long long)from);
                return kit_one(kit, PN_OP_STRING_AT, s, kit_int(kit, from));
        case 3:
                from = from < to ? from : to;
                put(round, "$%c in (%lld..%lld)", name, (long long)from, (long long)to);
                a = kit_int(kit, from);
                b = kit_int(kit, to);
                return kit_two(kit, PN_OP_STRING_IN, s, a, b);
        case 4:
                put(round, "@%c[%lld] < %lld", name, (long long)n + 1, (long long)from);
                a = kit_one(kit, PN_OP_OFFSET, s, kit_int(kit, n + 1));
                b = kit_int(kit, from);
                return kit_two(kit, PN_OP_LT, 0, a, b);
        case 5:
                put(round, "#%c == %lld", name, (long long)n);
                a = kit_leaf(kit, PN_OP_COUNT, s);
                b = kit_int(kit, n);
                return kit_two(kit, PN_OP_EQ, 0, a, b);
        default:
                put(round, "$%c", name);
                return kit_leaf(kit, PN_OP_STRING, s);
        }
}

/* A rule of three strings: with a clause, `$a and (…)`; without, `(…)` alone. */
static void random_rule(struct round *round, uint32_t number)
{
        bool clause = below(round->seed, 3) != 0;
        uint32_t kids[1 + STRINGS], rest[2];
        char name[16];

        (void)snprintf(name, sizeof(name), "r%u", number);
        kit_rule(round->kit, name, clause ? 0 : PN_RULE_ALWAYS);
        put(round, "rule %s { strings:", name);
        for (uint32_t i = 0; i < STRINGS; i++)
                random_string(round, number, i, clause && i == 0 ? PN_STRING_CLAUSE : 0);
        put(round, " condition: ");
        kids[0] = kit_leaf(round->kit, clause ? PN_OP_STRING : PN_OP_TRUE,
                           clause ? round->kit->rule[number].strings.first : 0);
        put(round, "%s and (", clause ? "$a" : "true");
        rest[0] = random_test(round, 1);
        put(round, " or ");
        rest[1] = random_test(round, 2);
        kids[1] = kit_node(round->kit, PN_OP_OR, 0, 0, rest, 2);
        put(round, ") and (");
        rest[0] = random_test(round, below(round->seed, STRINGS));
        put(round, " or #a + #b + #c > 2)\n}\n");
        kids[2] = kit_leaf(round->kit, PN_OP_COUNT, round->kit->rule[number].strings.first);
        for (uint32_t i = 1; i < STRINGS; i++) {
                uint32_t more = kit_leaf(round->kit, PN_OP_COUNT, round->kit->rule[number].strings.first + i);

                kids[2] = kit_two(round->kit, PN_OP_ADD, 0, kids[2], more);
        }
        rest[1] = kit_two(round->kit, PN_OP_GT, 0, kids[2], kit_int(round->kit, 2));
        kids[2] = kit_node(round->kit, PN_OP_OR, 0, 0, rest, 2);
        kit_formula(round->kit, kit_node(round->kit, PN_OP_AND, 0, 0, kids, 3));
}

/* ---------------------------------------------------------------- files */

/* One occurrence, or nearly one, of a string, anywhere or at an edge. */
static void plant(struct round *round)
{
        static const size_t edges[] = {0, BLOCK, 2 * BLOCK, TOTAL_MAX};
        uint32_t rule = below(round->seed, RULES), i = below(round->seed, STRINGS);
        const struct spec *spec = &round->spec[rule][i];
        size_t step = spec->wide && (!spec->ascii || below(round->seed, 2)) ? 2 : 1, len = step * spec->len,
               at;
        uint8_t key = spec->xor ? (uint8_t)(spec->xor_min + below(round->seed, 41)) : 0;

        if (len > round->total)
                return;
        at = edges[below(round->seed, 4)];
        at = at > round->total ? round->total : at;
        at = below(round->seed, 3) == 0 ? below(round->seed, (uint32_t)round->total)
                                        : at - below(round->seed, 20);
        if (at > round->total - len) /* also when it wrapped */
                at = below(round->seed, 2) ? 0 : round->total - len;
        for (size_t k = 0; k < len; k++)
                round->bytes[at + k] = (step == 2 && k % 2 == 1 ? 0 : (uint8_t)spec->text[k / step]) ^ key;
        if (spec->nocase && below(round->seed, 2))
                round->bytes[at] ^= round->bytes[at] >= 'A' ? 0x20 : 0;
        if (below(round->seed, 8) == 0)
                round->bytes[at + below(round->seed, (uint32_t)len)] ^= 1;
}

static void random_content(struct round *round)
{
        for (size_t i = 0; i < round->total; i++)
                round->bytes[i] = "aB0b.\0x-"[draw(round->seed) >> 40 & 7] ^ (i % 64 < 50 ? 0x80 : 0);
        for (unsigned n = below(round->seed, 40); n > 0; n--)
                plant(round);
}

/* ---------------------------------------------------------------- both */

static int on_message(YR_SCAN_CONTEXT *context, int message, void *data, void *user_data)
{
        const YR_RULE *rule = data;
        bool *yes = user_data;

        (void)context;
        if (message == CALLBACK_MSG_RULE_MATCHING)
                yes[atoi(rule->identifier + 1)] = true;
        return CALLBACK_CONTINUE;
}

static YR_RULES *compile(const struct round *round)
{
        YR_COMPILER *compiler = NULL;
        YR_RULES *rules = NULL;

        assert_int_equal(yr_compiler_create(&compiler), ERROR_SUCCESS);
        if (yr_compiler_add_string(compiler, round->source, NULL) != 0)
                fail_msg("%s", round->source);
        assert_int_equal(yr_compiler_get_rules(compiler, &rules), ERROR_SUCCESS);
        yr_compiler_destroy(compiler);
        return rules;
}

static unsigned judge(const struct round *round, struct bench *bench, YR_RULES *rules)
{
        struct pn_match_answer answer = bench_file(bench, round->bytes, round->total);
        bool yes[RULES] = {false};
        unsigned hits = 0;

        assert_int_equal(yr_rules_scan_mem(rules, round->bytes, round->total, 0, on_message, yes, 60),
                         ERROR_SUCCESS);
        for (uint32_t rule = 0; rule < RULES; rule++) {
                int found = verdict(&answer, rule);

                if (found == 1 && round->open[rule])
                        continue;
                if (found != (yes[rule] ? 2 : 0))
                        fail_msg("rule %u is %d in %zu bytes, libyara says %d\n%s", rule, found, round->total,
                                 yes[rule], round->source);
                hits += yes[rule];
        }
        return hits;
}

static void the_matcher_is_certain_of_what_libyara_says(void **state)
{
        static const size_t totals[] = {1,     30,        300,       5000,          BLOCK - 1,
                                        BLOCK, BLOCK + 1, BLOCK + 9, 2 * BLOCK + 3, TOTAL_MAX};
        static struct round round;
        uint64_t seed = seed_of_this_run();
        unsigned hits = 0;
        uint8_t *bytes = malloc(TOTAL_MAX);

        (void)state;
        assert_non_null(bytes);
        assert_int_equal(yr_initialize(), ERROR_SUCCESS);
        for (unsigned n = 0; n < 30; n++) {
                struct bench bench;
                YR_RULES *rules;

                round = (struct round){.seed = &seed, .kit = kit_new(), .bytes = bytes};
                round.total = totals[n % 10];
                for (uint32_t rule = 0; rule < RULES; rule++)
                        random_rule(&round, rule);
                bench_open(&bench, round.kit);
                rules = compile(&round);
                for (unsigned k = 0; k < 4; k++) {
                        random_content(&round);
                        hits += judge(&round, &bench, rules);
                }
                (void)yr_rules_destroy(rules);
                bench_close(&bench);
        }
        assert_true(hits > 50); /* it compared something */
        assert_int_equal(yr_finalize(), ERROR_SUCCESS);
        free(bytes);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_matcher_is_certain_of_what_libyara_says),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
