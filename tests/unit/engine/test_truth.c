/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <yara.h>

#include "scanner/engine/truth.h"
#include "tests/unit/engine/filter_kit.h"
#include "tests/unit/engine/pack_kit.h"

#define STRINGS 3
#define PLACES 128

/* A file, and what somebody knows of it. */
struct file {
        uint8_t bytes[96];
        size_t len;
        struct pn_place place[STRINGS][PLACES];
        uint64_t count[STRINGS];
        enum { ALL, COUNTED, OCCURS, NOTHING, LOOSE } known[STRINGS];
        bool blind; /* reading is not possible */
        struct pn_names names;
};

static const char *const texts[STRINGS] = {"aa", "b", "abc"};

static void look(struct file *file)
{
        for (unsigned s = 0; s < STRINGS; s++) {
                size_t len = strlen(texts[s]);

                file->count[s] = 0;
                for (size_t i = 0; i + len <= file->len; i++)
                        if (memcmp(file->bytes + i, texts[s], len) == 0)
                                file->place[s][file->count[s]++] =
                                        (struct pn_place){i, s, (uint32_t)len, true};
        }
}

static void tell_string(void *ctx, uint32_t s, struct pn_string_facts *ret)
{
        const struct file *file = ctx;

        if (file->known[s] == NOTHING)
                return;
        ret->seen = file->count[s] == 0 ? PN_SEEN_NO : file->known[s] == LOOSE ? PN_SEEN_MAY : PN_SEEN_YES;
        ret->counted = file->known[s] <= COUNTED;
        ret->placed = file->known[s] == ALL;
        ret->count = ret->counted ? file->count[s] : 77;
        ret->place = file->place[s];
}

static enum pn_check look_at(void *ctx, uint32_t s, uint64_t offset)
{
        const struct file *file = ctx;

        if (file->blind)
                return PN_CHECK_MAY;
        for (uint64_t i = 0; i < file->count[s]; i++)
                if (file->place[s][i].offset == offset)
                        return PN_CHECK_YES;
        return PN_CHECK_NO;
}

static bool read_number(void *ctx, uint64_t offset, uint8_t *buf, size_t len)
{
        const struct file *file = ctx;

        if (file->blind)
                return false;
        assert_true(offset <= file->len && file->len - offset >= len);
        memcpy(buf, file->bytes + offset, len);
        return true;
}

static struct pn_truth_source source_of(struct file *file)
{
        return (struct pn_truth_source){file->len, &file->names, file, tell_string, look_at, read_number};
}

static enum pn_truth truth_of(struct kit *kit, struct file *file, uint32_t rule)
{
        struct pn_truth_source source = source_of(file);
        struct pn_truths *truths;
        struct pn_pack pack;
        struct pn_err err = PN_ERR_INIT;
        enum pn_truth truth;

        if (pn_pack_open((struct pn_view){kit->blob, kit->len}, &pack, &err) < 0)
                fail_msg("%s", err.text);
        truths = pn_truths_new(&pack);
        assert_non_null(truths);
        pn_truths_start(truths, &source);
        truth = pn_truths_of(truths, rule);
        assert_int_equal(truth, pn_truths_of(truths, rule));
        (void)pn_truths_free(truths);
        return truth;
}

static struct kit *kit_of_strings(void)
{
        static const char *const names[STRINGS] = {"$a", "$b", "$c"};
        struct kit *kit = kit_new();

        kit_rule(kit, "r", PN_RULE_ALWAYS);
        for (unsigned s = 0; s < STRINGS; s++)
                kit_plain(kit, names[s], 0, texts[s]);
        return kit;
}

/* ---------------------------------------------------------------- random formulas, twice: nodes and YARA */

struct writer {
        struct kit *kit;
        uint64_t *seed;
        char text[16384];
        size_t len;
};

static void put(struct writer *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(struct writer *w, const char *fmt, ...)
{
        va_list args;

        va_start(args, fmt);
        w->len += (size_t)vsnprintf(w->text + w->len, sizeof(w->text) - w->len, fmt, args);
        va_end(args);
        assert_true(w->len < sizeof(w->text));
}

static uint32_t number(struct writer *w, unsigned depth);

static uint32_t constant(struct writer *w)
{
        static const int64_t numbers[] = {0,  1,  2,   3,      5,         7,         10,       30,
                                          63, 64, 255, 0x6162, 1LL << 31, 1LL << 40, INT64_MAX};
        int64_t value = numbers[below(w->seed, sizeof(numbers) / sizeof(numbers[0]))];

        put(w, "%lld", (long long)value);
        return kit_int(w->kit, value);
}

static uint32_t string_number(struct writer *w, unsigned depth)
{
        static const char *const signs[] = {"#", "@", "!"};
        static const enum pn_op ops[] = {PN_OP_COUNT, PN_OP_OFFSET, PN_OP_LENGTH};
        uint32_t s = below(w->seed, STRINGS), kind = below(w->seed, 4), a, b;

        if (kind == 3) {
                put(w, "#%c in (", 'a' + s);
                a = number(w, depth);
                put(w, "..");
                b = number(w, depth);
                put(w, ")");
                return kit_two(w->kit, PN_OP_COUNT_IN, s, a, b);
        }
        put(w, "%s%c", signs[kind], 'a' + s);
        if (kind == 0)
                return kit_leaf(w->kit, PN_OP_COUNT, s);
        put(w, "[");
        a = number(w, depth);
        put(w, "]");
        return kit_one(w->kit, ops[kind], s, a);
}

static uint32_t read_at(struct writer *w, unsigned depth)
{
        uint32_t bits = 8U << below(w->seed, 3), sign = below(w->seed, 2), big = below(w->seed, 2), a;

        put(w, "%sint%u%s(", sign ? "" : "u", bits, big ? "be" : "");
        a = number(w, depth);
        put(w, ")");
        return kit_one(w->kit, PN_OP_INT_AT, bits | (sign ? PN_INT_SIGNED : 0) | (big ? PN_INT_BIG : 0), a);
}

static uint32_t calculation(struct writer *w, unsigned depth)
{
        static const struct {
                const char *sign;
                enum pn_op op;
        } rows[] = {{"+", PN_OP_ADD},    {"-", PN_OP_SUB},     {"*", PN_OP_MUL},  {"&", PN_OP_BIT_AND},
                    {"|", PN_OP_BIT_OR}, {"^", PN_OP_BIT_XOR}, {"<<", PN_OP_SHL}, {">>", PN_OP_SHR},
                    {"\\", PN_OP_DIV},   {"%", PN_OP_MOD}};
        uint32_t i = below(w->seed, sizeof(rows) / sizeof(rows[0])), a, b;

        put(w, "(");
        a = number(w, depth);
        put(w, " %s (", rows[i].sign);
        b = number(w, depth);
        if (rows[i].op == PN_OP_DIV || rows[i].op == PN_OP_MOD) { /* libyara 4.2 dies of INT64_MIN / -1 */
                put(w, " & 7");
                b = kit_two(w->kit, PN_OP_BIT_AND, 0, b, kit_int(w->kit, 7));
        }
        put(w, "))");
        return kit_two(w->kit, rows[i].op, 0, a, b);
}

static uint32_t number(struct writer *w, unsigned depth)
{
        uint32_t a;

        switch (depth == 0 ? below(w->seed, 2) : below(w->seed, 9)) {
        case 0:
        case 2:
                return constant(w);
        case 1:
                put(w, "filesize");
                return kit_leaf(w->kit, PN_OP_FILESIZE, 0);
        case 3:
        case 4:
                return string_number(w, depth - 1);
        case 5:
                return read_at(w, depth - 1);
        case 6:
                put(w, "(-(");
                a = number(w, depth - 1);
                put(w, "))");
                return kit_one(w->kit, PN_OP_NEGATIVE, 0, a);
        case 7:
                put(w, "(~(");
                a = number(w, depth - 1);
                put(w, "))");
                return kit_one(w->kit, PN_OP_BIT_NOT, 0, a);
        default:
                return calculation(w, depth - 1);
        }
}

static uint32_t boolean(struct writer *w, unsigned depth);

static uint32_t comparison(struct writer *w, unsigned depth)
{
        static const char *const signs[] = {"<", "<=", ">", ">=", "==", "!="};
        uint32_t i = below(w->seed, 6), a, b;

        put(w, "(");
        a = number(w, depth);
        put(w, " %s ", signs[i]);
        b = number(w, depth);
        put(w, ")");
        return kit_two(w->kit, (enum pn_op)(PN_OP_LT + i), 0, a, b);
}

static uint32_t text_test(struct writer *w)
{
        static const struct {
                const char *sign;
                enum pn_op op;
        } rows[] = {{"==", PN_OP_TEXT_EQ},
                    {"!=", PN_OP_TEXT_NE},
                    {"<", PN_OP_TEXT_LT},
                    {"<=", PN_OP_TEXT_LE},
                    {">", PN_OP_TEXT_GT},
                    {">=", PN_OP_TEXT_GE},
                    {"contains", PN_OP_TEXT_CONTAINS},
                    {"icontains", PN_OP_TEXT_ICONTAINS},
                    {"startswith", PN_OP_TEXT_STARTSWITH},
                    {"istartswith", PN_OP_TEXT_ISTARTSWITH},
                    {"endswith", PN_OP_TEXT_ENDSWITH},
                    {"iendswith", PN_OP_TEXT_IENDSWITH},
                    {"iequals", PN_OP_TEXT_IEQUALS}};
        static const char *const words[] = {"",        "a",     "A",      "lib", "libx.so",
                                            "LIBX.SO", "\\xff", "x.so.1", "so"};
        uint32_t i = below(w->seed, sizeof(rows) / sizeof(rows[0])), k = below(w->seed, 9),
                 name = below(w->seed, 3);

        put(w, "(%s %s \"%s\")", pn_name_words[name], rows[i].sign, words[k]);
        return kit_node(w->kit, rows[i].op, name, kit_text(w->kit, k == 6 ? "\xff" : words[k]), NULL, 0);
}

static uint32_t of_strings(struct writer *w, unsigned depth)
{
        uint32_t kids[1 + STRINGS], k = 1 + below(w->seed, 4), all = below(w->seed, 2);

        (void)depth;
        put(w, "(%u of (%s))", k, all ? "$a,$b,$c" : "$a,$c");
        kids[0] = kit_int(w->kit, k);
        kids[1] = kit_leaf(w->kit, PN_OP_STRING, 0);
        kids[2] = kit_leaf(w->kit, PN_OP_STRING, all ? 1 : 2);
        kids[3] = kit_leaf(w->kit, PN_OP_STRING, 2);
        return kit_node(w->kit, PN_OP_ATLEAST, 0, 0, kids, all ? 4 : 3);
}

static uint32_t string_test(struct writer *w, unsigned depth)
{
        uint32_t s = below(w->seed, STRINGS), a, b;

        put(w, "($%c", 'a' + s);
        switch (below(w->seed, 3)) {
        case 0:
                put(w, ")");
                return kit_leaf(w->kit, PN_OP_STRING, s);
        case 1:
                put(w, " at ");
                a = number(w, depth);
                put(w, ")");
                return kit_one(w->kit, PN_OP_STRING_AT, s, a);
        default:
                put(w, " in (");
                a = number(w, depth);
                put(w, "..");
                b = number(w, depth);
                put(w, "))");
                return kit_two(w->kit, PN_OP_STRING_IN, s, a, b);
        }
}

static uint32_t junction(struct writer *w, unsigned depth)
{
        uint32_t both = below(w->seed, 2), a, b;

        put(w, "(");
        a = boolean(w, depth);
        put(w, both ? " and " : " or ");
        b = boolean(w, depth);
        put(w, ")");
        return kit_two(w->kit, both ? PN_OP_AND : PN_OP_OR, 0, a, b);
}

static uint32_t boolean(struct writer *w, unsigned depth)
{
        uint32_t a;

        if (depth == 0)
                return below(w->seed, 2) ? string_test(w, 0) : comparison(w, 1);
        switch (below(w->seed, 9)) {
        case 0:
        case 1:
                put(w, "(not ");
                a = boolean(w, depth - 1);
                put(w, ")");
                return kit_one(w->kit, PN_OP_NOT, 0, a);
        case 2:
                put(w, "(defined ");
                a = below(w->seed, 2) ? number(w, depth - 1) : boolean(w, depth - 1);
                put(w, ")");
                return kit_one(w->kit, PN_OP_DEFINED, 0, a);
        case 3:
        case 4:
                return junction(w, depth - 1);
        case 5:
                return comparison(w, depth - 1);
        case 6:
                return text_test(w);
        case 7:
                return of_strings(w, depth - 1);
        default:
                return string_test(w, depth - 1);
        }
}

static void random_file(uint64_t *seed, struct file *file)
{
        static const char letters[] = "aaaabbc.\xff";

        file->len = below(seed, 40);
        for (size_t i = 0; i < file->len; i++)
                file->bytes[i] = (uint8_t)letters[below(seed, sizeof(letters) - 1)];
        look(file);
        memset(file->known, 0, sizeof(file->known));
        file->blind = false;
}

static int on_message(YR_SCAN_CONTEXT *context, int message, void *data, void *user_data)
{
        bool *yes = user_data;

        (void)context;
        (void)data;
        *yes = *yes || message == CALLBACK_MSG_RULE_MATCHING;
        return CALLBACK_CONTINUE;
}

static void ignore(int level, const char *file, int line, const YR_RULE *rule, const char *message,
                   void *user_data)
{
        (void)level, (void)file, (void)line, (void)rule, (void)message, (void)user_data;
}

/* NULL when libyara refuses the rule, for constants that it calculates itself. */
static YR_RULES *compile(const struct writer *w, const struct pn_names *names)
{
        YR_COMPILER *compiler = NULL;
        YR_RULES *rules = NULL;
        static char rule[sizeof(w->text) + 256];

        assert_int_equal(yr_compiler_create(&compiler), ERROR_SUCCESS);
        yr_compiler_set_callback(compiler, ignore, NULL);
        for (unsigned i = 0; i < PN_NAMES; i++)
                assert_int_equal(
                        yr_compiler_define_string_variable(compiler, pn_name_words[i], names->value[i]),
                        ERROR_SUCCESS);
        (void)snprintf(rule, sizeof(rule),
                       "rule r { strings: $a = \"aa\" $b = \"b\" $c = \"abc\" condition: %s and (#a >= 0 and "
                       "#b >= 0 and "
                       "#c >= 0) }",
                       w->text);
        if (yr_compiler_add_string(compiler, rule, NULL) == 0)
                assert_int_equal(yr_compiler_get_rules(compiler, &rules), ERROR_SUCCESS);
        yr_compiler_destroy(compiler);
        return rules;
}

static const char *const truths[] = {"false", "true", "maybe"};

/* With all known the answer is libyara's; with less it is that, or maybe. */
static bool judge(struct writer *w, struct file *file, YR_RULES *rules)
{
        bool yes = false;
        enum pn_truth truth = truth_of(w->kit, file, 0);
        int result;

        result = yr_rules_scan_mem(rules, file->bytes, file->len, 0, on_message, &yes, 10);
        if (result == ERROR_INTERNAL_FATAL_ERROR)
                return false; /* libyara 4.2 fails on some ranges */
        assert_int_equal(result, ERROR_SUCCESS);
        if (truth != (yes ? PN_TRUE : PN_FALSE))
                fail_msg("%s is %s for %.*s", w->text, truths[truth], (int)file->len,
                         (const char *)file->bytes);
        for (unsigned n = 0; n < 6; n++) {
                for (unsigned s = 0; s < STRINGS; s++)
                        file->known[s] = below(w->seed, LOOSE + 1);
                file->blind = below(w->seed, 2);
                for (unsigned s = 0; s < STRINGS; s++)
                        w->kit->string[s].flags = file->known[s] == LOOSE ? PN_STRING_LOOSE : 0;
                (void)kit_write(w->kit);
                truth = truth_of(w->kit, file, 0);
                if (truth != PN_MAYBE && truth != (yes ? PN_TRUE : PN_FALSE))
                        fail_msg("%s is %s for %.*s with %d %d %d %d", w->text, truths[truth], (int)file->len,
                                 (const char *)file->bytes, file->known[0], file->known[1], file->known[2],
                                 file->blind);
        }
        for (unsigned s = 0; s < STRINGS; s++)
                w->kit->string[s].flags = 0;
        (void)kit_write(w->kit);
        return true;
}

static void random_formulas_are_what_libyara_says(void **state)
{
        static struct writer w;
        static struct file file;
        uint64_t seed = seed_of_this_run();
        unsigned compared = 0;

        (void)state;
        assert_int_equal(yr_initialize(), ERROR_SUCCESS);
        pn_names_set(&file.names, "usr/lib/libx.so", 15);
        for (unsigned n = 0; n < 400; n++) {
                YR_RULES *rules;

                w = (struct writer){.kit = kit_of_strings(), .seed = &seed};
                kit_formula(w.kit, boolean(&w, 4));
                (void)kit_finish(w.kit);
                rules = compile(&w, &file.names);
                for (unsigned k = 0; k < 6 && rules; k++) {
                        random_file(&seed, &file);
                        compared += judge(&w, &file, rules);
                }
                if (rules)
                        (void)yr_rules_destroy(rules);
                kit_free(w.kit);
        }
        assert_int_equal(yr_finalize(), ERROR_SUCCESS);
        assert_true(compared > 1000); /* libyara took most of them */
}

/* ---------------------------------------------------------------- numbers at their edges */

static void numbers_end_as_libyaras_do(void **state)
{
        static const struct {
                const char *name;
                enum pn_op op;
                int64_t a, b, want;
                enum { NUMBER, NONE, OPEN } kind;
        } rows[] = {
                {"addition wraps", PN_OP_ADD, INT64_MAX, 1, INT64_MIN, NUMBER},
                {"subtraction wraps", PN_OP_SUB, INT64_MIN, 1, INT64_MAX, NUMBER},
                {"multiplication wraps", PN_OP_MUL, INT64_MAX, 2, -2, NUMBER},
                {"division towards zero", PN_OP_DIV, -7, 2, -3, NUMBER},
                {"rest has the sign of the first", PN_OP_MOD, -7, 2, -1, NUMBER},
                {"division by zero", PN_OP_DIV, 7, 0, 0, NONE},
                {"rest of zero", PN_OP_MOD, 7, 0, 0, NONE},
                {"the smallest by -1", PN_OP_DIV, INT64_MIN, -1, 0, OPEN},
                {"rest of the smallest by -1", PN_OP_MOD, INT64_MIN, -1, 0, OPEN},
                {"shift by 63", PN_OP_SHL, 1, 63, INT64_MIN, NUMBER},
                {"shift by 64", PN_OP_SHL, 1, 64, 0, NUMBER},
                {"shift by less than nothing", PN_OP_SHL, 1, -1, 0, NONE},
                {"shift right keeps the sign", PN_OP_SHR, -8, 1, -4, NUMBER},
                {"shift right by 64", PN_OP_SHR, -1, 64, 0, NUMBER},
                {"shift right by less than nothing", PN_OP_SHR, 1, INT64_MIN, 0, NONE},
                {"libyara's sign for undefined", PN_OP_ADD, (int64_t)0xFFFABADAFABADAFEULL, 1, 0, NONE},
        };
        static struct file file;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct kit *kit = kit_of_strings();
                uint32_t a = kit_int(kit, rows[i].a), b = kit_int(kit, rows[i].b);
                uint32_t value = kit_two(kit, rows[i].op, 0, a, b), want = kit_int(kit, rows[i].want);
                enum pn_truth equal, defined;

                kit_formula(kit, kit_two(kit, PN_OP_EQ, 0, value, want));
                kit_rule(kit, "defined", PN_RULE_ALWAYS);
                kit_formula(kit, kit_one(kit, PN_OP_DEFINED, 0, value));
                (void)kit_finish(kit);
                equal = truth_of(kit, &file, 0);
                defined = truth_of(kit, &file, 1);
                if (equal != (rows[i].kind == NUMBER ? PN_TRUE
                              : rows[i].kind == NONE ? PN_FALSE
                                                     : PN_MAYBE) ||
                    defined != (rows[i].kind == NUMBER ? PN_TRUE
                                : rows[i].kind == NONE ? PN_FALSE
                                                       : PN_MAYBE))
                        fail_msg("%s: %s, defined %s", rows[i].name, truths[equal], truths[defined]);
                kit_free(kit);
        }
}

/* ---------------------------------------------------------------- what is not known */

static void maybe_stays_maybe(void **state)
{
        static struct file file;
        enum { T, F, M, U };
        static const struct {
                enum pn_op op;
                int kid[3];
                unsigned count;
                enum pn_truth want;
        } rows[] = {
                {PN_OP_AND, {T, M}, 2, PN_MAYBE},
                {PN_OP_AND, {M, F}, 2, PN_FALSE},
                {PN_OP_AND, {M, U}, 2, PN_FALSE},
                {PN_OP_AND, {T, T}, 2, PN_TRUE},
                {PN_OP_AND, {0}, 0, PN_TRUE},
                {PN_OP_OR, {0}, 0, PN_FALSE},
                {PN_OP_OR, {F, M}, 2, PN_MAYBE},
                {PN_OP_OR, {M, T}, 2, PN_TRUE},
                {PN_OP_OR, {M, U}, 2, PN_MAYBE},
                {PN_OP_OR, {U, F}, 2, PN_FALSE},
                {PN_OP_NOT, {M}, 1, PN_MAYBE},
                {PN_OP_NOT, {U}, 1, PN_FALSE},
                {PN_OP_NOT, {T}, 1, PN_FALSE},
                {PN_OP_NOT, {F}, 1, PN_TRUE},
                {PN_OP_DEFINED, {M}, 1, PN_MAYBE},
                {PN_OP_DEFINED, {U}, 1, PN_FALSE},
                {PN_OP_DEFINED, {F}, 1, PN_TRUE},
                /* the first kid says how many: T is 1, F is 0 */
                {PN_OP_ATLEAST, {T, M, F}, 3, PN_MAYBE},
                {PN_OP_ATLEAST, {T, M, T}, 3, PN_TRUE},
                {PN_OP_ATLEAST, {T, F, U}, 3, PN_FALSE},
                {PN_OP_ATLEAST, {F, T, T}, 3, PN_MAYBE},
                {PN_OP_ATLEAST, {U, T, T}, 3, PN_MAYBE},
                {PN_OP_ATLEAST, {M, F, F}, 3, PN_MAYBE},
                {PN_OP_ATLEAST, {T}, 1, PN_FALSE},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct kit *kit = kit_of_strings();
                uint32_t leaf[4] = {kit_int(kit, 1), kit_int(kit, 0), kit_leaf(kit, PN_OP_MAYBE, 0),
                                    kit_leaf(kit, PN_OP_UNDEFINED, 0)};
                uint32_t kids[3] = {leaf[rows[i].kid[0]], leaf[rows[i].kid[1]], leaf[rows[i].kid[2]]};
                enum pn_truth truth;

                kit_formula(kit, kit_node(kit, rows[i].op, 0, 0, kids, rows[i].count));
                (void)kit_finish(kit);
                truth = truth_of(kit, &file, 0);
                if (truth != rows[i].want)
                        fail_msg("row %zu is %s", i, truths[truth]);
                kit_free(kit);
        }
}

static void names_that_are_not_known_decide_nothing(void **state)
{
        static struct file file;
        struct kit *kit = kit_of_strings();
        struct pn_truth_source source = source_of(&file);
        struct pn_truths *all;
        struct pn_pack pack;

        (void)state;
        kit_formula(kit, kit_node(kit, PN_OP_TEXT_EQ, PN_NAME_FILETYPE, kit_text(kit, "ELF"), NULL, 0));
        assert_int_equal(pn_pack_open(kit_finish(kit), &pack, NULL), 0);
        all = pn_truths_new(&pack);
        assert_non_null(all);
        source.names = NULL;
        pn_truths_start(all, &source);
        assert_int_equal(pn_truths_of(all, 0), PN_MAYBE);
        pn_names_set(&file.names, "x", 1);
        source.names = &file.names;
        pn_truths_start(all, &source);
        assert_int_equal(pn_truths_of(all, 0), PN_TRUE);
        (void)pn_truths_free(all);
        kit_free(kit);
}

/* ---------------------------------------------------------------- rules in rules */

static void a_rule_may_refer_to_rules_and_undefined_becomes_false(void **state)
{
        static struct file file;
        struct kit *kit = kit_of_strings();

        (void)state;
        kit_formula(kit, kit_leaf(kit, PN_OP_UNDEFINED, 0));
        kit_rule(kit, "not_first", PN_RULE_ALWAYS);
        kit_formula(kit, kit_one(kit, PN_OP_NOT, 0, kit_leaf(kit, PN_OP_RULE, 0)));
        kit_rule(kit, "both", PN_RULE_ALWAYS);
        kit_formula(kit,
                    kit_two(kit, PN_OP_OR, 0, kit_leaf(kit, PN_OP_RULE, 0), kit_leaf(kit, PN_OP_RULE, 1)));
        (void)kit_finish(kit);
        assert_int_equal(truth_of(kit, &file, 0), PN_FALSE);
        assert_int_equal(truth_of(kit, &file, 1), PN_TRUE);
        assert_int_equal(truth_of(kit, &file, 2), PN_TRUE);
        kit_free(kit);
}

static void a_rule_below_itself_is_maybe(void **state)
{
        static struct file file;
        struct kit *kit = kit_of_strings();

        (void)state;
        kit_formula(kit, kit_one(kit, PN_OP_NOT, 0, kit_leaf(kit, PN_OP_RULE, 1)));
        kit_rule(kit, "other", PN_RULE_ALWAYS);
        kit_formula(kit, kit_leaf(kit, PN_OP_RULE, 0));
        (void)kit_finish(kit);
        assert_int_equal(truth_of(kit, &file, 0), PN_MAYBE);
        assert_int_equal(truth_of(kit, &file, 1), PN_MAYBE);
        kit_free(kit);
}

static void a_chain_of_rules_that_is_too_long_is_maybe(void **state)
{
        static struct file file;
        struct kit *kit = kit_of_strings();

        (void)state;
        kit_formula(kit, kit_leaf(kit, PN_OP_TRUE, 0));
        for (uint32_t i = 1; i < 2000; i++) {
                kit_rule(kit, "link", PN_RULE_ALWAYS);
                kit_formula(kit, kit_leaf(kit, PN_OP_RULE, i - 1));
        }
        (void)kit_finish(kit);
        assert_int_equal(truth_of(kit, &file, 900), PN_TRUE);
        assert_int_equal(truth_of(kit, &file, 1999), PN_MAYBE);
        kit_free(kit);
}

/* Two to the power of ninety ways through ninety nodes. */
static void a_formula_that_is_too_much_work_is_maybe(void **state)
{
        static struct file file;
        struct kit *kit = kit_of_strings();
        uint32_t node = kit_leaf(kit, PN_OP_MAYBE, 0);

        (void)state;
        for (unsigned i = 0; i < 90; i++)
                node = kit_two(kit, PN_OP_AND, 0, node, node);
        kit_formula(kit, node);
        (void)kit_finish(kit);
        assert_int_equal(truth_of(kit, &file, 0), PN_MAYBE);
        kit_free(kit);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(random_formulas_are_what_libyara_says),
                cmocka_unit_test(numbers_end_as_libyaras_do),
                cmocka_unit_test(maybe_stays_maybe),
                cmocka_unit_test(names_that_are_not_known_decide_nothing),
                cmocka_unit_test(a_rule_may_refer_to_rules_and_undefined_becomes_false),
                cmocka_unit_test(a_rule_below_itself_is_maybe),
                cmocka_unit_test(a_chain_of_rules_that_is_too_long_is_maybe),
                cmocka_unit_test(a_formula_that_is_too_much_work_is_maybe),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
