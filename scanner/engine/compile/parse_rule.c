/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "scanner/engine/compile/parse.h"

/* ---------------------------------------------------------------- tags and meta */

static int parse_tags(struct pn_yr_parser *parser)
{
        uint32_t mark = parser->nodes.count, other;

        if (!pn_yr_is(parser, ':'))
                return 0;
        if (pn_yr_next(parser) < 0)
                return -1;
        do {
                const struct pn_yr_token *token = &parser->token;
                const char *tag;

                if (!pn_yr_is(parser, PN_YR_T_NAME))
                        return pn_yr_unexpected(parser, "a tag");
                if (pn_lookup_get(&parser->local, PN_YR_NAME_RULE, token->word, token->word_len, &other))
                        return pn_yr_fail(parser, token->place, "duplicated tag \"%.*s\"",
                                          (int)token->word_len, token->word);
                if (!pn_lookup_put(&parser->local, PN_YR_NAME_RULE, token->word, token->word_len, 0))
                        return pn_yr_no_memory(parser);
                if (pn_yr_word(parser, &tag) < 0 || pn_yr_push_pointer(parser, &parser->nodes, tag) < 0 ||
                    pn_yr_next(parser) < 0)
                        return -1;
        } while (!pn_yr_is(parser, '{'));
        return pn_yr_take(parser, &parser->nodes, mark, sizeof(void *), &parser->rule.tag,
                          &parser->rule.tag_count);
}

static int parse_meta_value(struct pn_yr_parser *parser, struct pn_yr_meta *meta)
{
        bool negative = pn_yr_is(parser, '-');

        if (negative && pn_yr_next(parser) < 0)
                return -1;
        if (pn_yr_is(parser, PN_YR_T_NUMBER)) {
                meta->kind = PN_YR_META_INT;
                meta->number = negative ? -parser->token.number : parser->token.number;
        } else if (!negative && pn_yr_is(parser, PN_YR_T_TEXT)) {
                meta->kind = PN_YR_META_TEXT;
                meta->text = parser->token.text;
        } else if (!negative && (pn_yr_is(parser, PN_YR_T_TRUE) || pn_yr_is(parser, PN_YR_T_FALSE))) {
                meta->kind = PN_YR_META_BOOL;
                meta->number = pn_yr_is(parser, PN_YR_T_TRUE);
        } else {
                return pn_yr_unexpected(parser, negative ? "a number" : "a text, a number, true or false");
        }
        return pn_yr_next(parser);
}

static int parse_meta(struct pn_yr_parser *parser)
{
        parser->metas.count = 0;
        if (!pn_yr_is(parser, PN_YR_T_META))
                return 0;
        if (pn_yr_next(parser) < 0 || pn_yr_expect(parser, ':', "`:`") < 0)
                return -1;
        do {
                struct pn_yr_meta meta = {0};

                if (!pn_yr_is(parser, PN_YR_T_NAME))
                        return pn_yr_unexpected(parser, "the name of a meta value");
                if (pn_yr_word(parser, &meta.name) < 0 || pn_yr_next(parser) < 0 ||
                    pn_yr_expect(parser, '=', "`=`") < 0 || parse_meta_value(parser, &meta) < 0 ||
                    pn_yr_push(parser, &parser->metas, &meta, sizeof(meta)) < 0)
                        return -1;
        } while (pn_yr_is(parser, PN_YR_T_NAME));
        return pn_yr_take(parser, &parser->metas, 0, sizeof(struct pn_yr_meta), &parser->rule.meta,
                          &parser->rule.meta_count);
}

/* ---------------------------------------------------------------- modifiers */

enum { ON_TEXT = 1 << PN_YR_TEXT, ON_BYTES = ON_TEXT | 1 << PN_YR_REGEX, ON_ALL = ON_BYTES | 1 << PN_YR_HEX };

static const struct {
        int token;
        uint32_t flag, kinds;
} modifiers[] = {
        {PN_YR_T_ASCII, PN_YR_ASCII, ON_BYTES},   {PN_YR_T_WIDE, PN_YR_WIDE, ON_BYTES},
        {PN_YR_T_NOCASE, PN_YR_NOCASE, ON_BYTES}, {PN_YR_T_FULLWORD, PN_YR_FULLWORD, ON_BYTES},
        {PN_YR_T_PRIVATE, PN_YR_PRIVATE, ON_ALL}, {PN_YR_T_XOR, PN_YR_XOR, ON_TEXT},
        {PN_YR_T_BASE64, PN_YR_BASE64, ON_TEXT},  {PN_YR_T_BASE64WIDE, PN_YR_BASE64WIDE, ON_TEXT},
};

static const struct {
        uint32_t one, other;
        const char *names;
} conflicts[] = {
        {PN_YR_XOR, PN_YR_NOCASE, "xor nocase"},
        {PN_YR_BASE64, PN_YR_NOCASE, "base64 nocase"},
        {PN_YR_BASE64, PN_YR_FULLWORD, "base64 fullword"},
        {PN_YR_BASE64, PN_YR_XOR, "base64 xor"},
        {PN_YR_BASE64WIDE, PN_YR_NOCASE, "base64wide nocase"},
        {PN_YR_BASE64WIDE, PN_YR_FULLWORD, "base64wide fullword"},
        {PN_YR_BASE64WIDE, PN_YR_XOR, "base64wide xor"},
};

static int parse_xor_number(struct pn_yr_parser *parser, uint8_t *ret)
{
        if (!pn_yr_is(parser, PN_YR_T_NUMBER))
                return pn_yr_unexpected(parser, "a number");
        if (parser->token.number > 255)
                return pn_yr_fail(parser, parser->token.place, "a key of xor is above 255");
        *ret = (uint8_t)parser->token.number;
        return pn_yr_next(parser);
}

/* Nothing, (n) or (n-m) */
static int parse_xor(struct pn_yr_parser *parser, struct pn_yr_string *string)
{
        struct pn_yr_place place = parser->token.place;

        string->xor_min = 0;
        string->xor_max = 255;
        if (!pn_yr_is(parser, '('))
                return 0;
        if (pn_yr_next(parser) < 0 || parse_xor_number(parser, &string->xor_min) < 0)
                return -1;
        string->xor_max = string->xor_min;
        if (pn_yr_is(parser, '-') &&
            (pn_yr_next(parser) < 0 || parse_xor_number(parser, &string->xor_max) < 0))
                return -1;
        if (string->xor_min > string->xor_max)
                return pn_yr_fail(parser, place, "the lower key of xor is above the upper one");
        return pn_yr_expect(parser, ')', "`)`");
}

/* Nothing or ("alphabet"). Both base64 modifiers of a string must have the same one. */
static int parse_alphabet(struct pn_yr_parser *parser, struct pn_yr_string *string, uint32_t flag)
{
        struct pn_yr_place place = parser->token.place;
        const char *alphabet = NULL, *first = string->alphabet;

        if (pn_yr_is(parser, '(')) {
                if (pn_yr_next(parser) < 0)
                        return -1;
                if (!pn_yr_is(parser, PN_YR_T_TEXT))
                        return pn_yr_unexpected(parser, "an alphabet");
                if (parser->token.text.len != 64)
                        return pn_yr_fail(parser, place, "an alphabet of base64 has 64 bytes");
                alphabet = (const char *)parser->token.text.data;
                if (pn_yr_next(parser) < 0 || pn_yr_expect(parser, ')', "`)`") < 0)
                        return -1;
        }
        if ((string->flags & (PN_YR_BASE64 | PN_YR_BASE64WIDE) & ~flag) &&
            (!first != !alphabet || (first && alphabet && memcmp(first, alphabet, 64) != 0)))
                return pn_yr_fail(parser, place, "more than one alphabet of base64");
        string->alphabet = alphabet;
        return 0;
}

static int parse_modifier(struct pn_yr_parser *parser, struct pn_yr_string *string, uint32_t *given,
                          bool *ret_more)
{
        size_t i = 0, count = sizeof(modifiers) / sizeof(modifiers[0]);
        uint32_t flag;

        while (i < count &&
               !(pn_yr_is(parser, modifiers[i].token) && (modifiers[i].kinds & (1U << string->kind))))
                i++;
        *ret_more = i < count;
        if (i == count)
                return 0;
        flag = modifiers[i].flag;
        if (*given & flag)
                return pn_yr_fail(parser, parser->token.place, "duplicated modifier");
        *given |= flag;
        string->flags |= flag;
        if (pn_yr_next(parser) < 0)
                return -1;
        if (flag == PN_YR_XOR)
                return parse_xor(parser, string);
        if (flag == PN_YR_BASE64 || flag == PN_YR_BASE64WIDE)
                return parse_alphabet(parser, string, flag);
        return 0;
}

static int parse_modifiers(struct pn_yr_parser *parser, struct pn_yr_string *string)
{
        uint32_t given = 0; /* /i and nocase may stand together */
        bool more = true;

        while (more)
                if (parse_modifier(parser, string, &given, &more) < 0)
                        return -1;
        for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++)
                if ((given & conflicts[i].one) && (given & conflicts[i].other))
                        return pn_yr_fail(parser, string->place, "invalid modifiers of \"%.64s\": %s",
                                          string->name, conflicts[i].names);
        if (string->kind != PN_YR_HEX && !(string->flags & PN_YR_WIDE))
                string->flags |= PN_YR_ASCII;
        return 0;
}

/* ---------------------------------------------------------------- strings */

static int name_string(struct pn_yr_parser *parser, struct pn_yr_string *string)
{
        const struct pn_yr_token *token = &parser->token;
        uint32_t other;

        if (parser->strings.count == PN_YR_STRINGS_MAX)
                return pn_yr_fail(parser, token->place, "more than %u strings in a rule", PN_YR_STRINGS_MAX);
        string->place = token->place;
        if (pn_yr_word(parser, &string->name) < 0)
                return -1;
        if (token->word_len == 1)
                string->flags |= PN_YR_ANONYMOUS;
        if (pn_lookup_get(&parser->local, PN_YR_NAME_STRING, token->word + 1, token->word_len - 1, &other))
                return token->word_len == 1 ? 0
                                            : pn_yr_fail(parser, token->place, "duplicated string \"%.64s\"",
                                                         string->name);
        return pn_lookup_put(&parser->local, PN_YR_NAME_STRING, string->name + 1, token->word_len - 1,
                             parser->strings.count)
                       ? 0
                       : pn_yr_no_memory(parser);
}

static int parse_string_value(struct pn_yr_parser *parser, struct pn_yr_string *string)
{
        switch (parser->token.kind) {
        case PN_YR_T_TEXT:
                string->kind = PN_YR_TEXT;
                string->text = parser->token.text;
                if (string->text.len == 0)
                        return pn_yr_fail(parser, parser->token.place, "empty string \"%.64s\"",
                                          string->name);
                break;
        case PN_YR_T_REGEX:
                string->kind = PN_YR_REGEX;
                string->text = parser->token.text;
                string->flags |= (uint32_t)parser->token.number;
                break;
        case PN_YR_T_HEX:
                string->kind = PN_YR_HEX;
                if (pn_yr_parse_hex(parser, &parser->token, &string->hex) < 0)
                        return -1;
                break;
        default:
                return pn_yr_unexpected(parser, "a text, a hex string or a regular expression");
        }
        return pn_yr_next(parser);
}

static int parse_strings(struct pn_yr_parser *parser)
{
        struct pn_yr_rule *rule = &parser->rule;

        parser->strings.count = 0;
        if (!pn_yr_is(parser, PN_YR_T_SECTION_STRINGS))
                return 0;
        if (pn_yr_next(parser) < 0 || pn_yr_expect(parser, ':', "`:`") < 0)
                return -1;
        do {
                struct pn_yr_string string = {0};

                if (!pn_yr_is(parser, PN_YR_T_STRING))
                        return pn_yr_unexpected(parser, "the name of a string");
                if (name_string(parser, &string) < 0 || pn_yr_next(parser) < 0 ||
                    pn_yr_expect(parser, '=', "`=`") < 0 || parse_string_value(parser, &string) < 0 ||
                    parse_modifiers(parser, &string) < 0 ||
                    pn_yr_push(parser, &parser->strings, &string, sizeof(string)) < 0)
                        return -1;
        } while (pn_yr_is(parser, PN_YR_T_STRING));
        if (pn_yr_take(parser, &parser->strings, 0, sizeof(struct pn_yr_string), &rule->string,
                       &rule->string_count) < 0)
                return -1;
        parser->referenced = pn_arena_get(parser->arena, rule->string_count, sizeof(bool));
        return parser->referenced ? 0 : pn_yr_no_memory(parser);
}

/* ---------------------------------------------------------------- the rule */

/* libyara refuses strings that the condition does not name; newer ones let those be that begin with an
 * underscore. */
static int check_referenced(struct pn_yr_parser *parser)
{
        for (uint32_t i = 0; i < parser->rule.string_count; i++) {
                const struct pn_yr_string *string = &parser->rule.string[i];

                if (!parser->referenced[i] && string->name[1] != '_')
                        return pn_yr_fail(parser, string->place, "unreferenced string \"%.64s\"",
                                          string->name);
        }
        return 0;
}

static int parse_condition(struct pn_yr_parser *parser)
{
        parser->needs.count = parser->used.count = 0;
        parser->variable_count = parser->loops = parser->depth = 0;
        parser->in_for_of = false;
        parser->them = NULL;
        if (pn_yr_expect(parser, PN_YR_T_CONDITION, "`condition`") < 0 ||
            pn_yr_expect(parser, ':', "`:`") < 0)
                return -1;
        return pn_yr_parse_expr(parser, &parser->rule.condition);
}

static int parse_body(struct pn_yr_parser *parser)
{
        if (parse_tags(parser) < 0 || pn_yr_expect(parser, '{', "`{`") < 0 || parse_meta(parser) < 0 ||
            parse_strings(parser) < 0 || parse_condition(parser) < 0)
                return -1;
        if (!pn_yr_is(parser, '}'))
                return pn_yr_unexpected(parser, "an operator or `}`");
        return check_referenced(parser);
}

static int finish_rule(struct pn_yr_parser *parser)
{
        struct pn_yr_rule *rule = &parser->rule;

        if (pn_yr_take(parser, &parser->needs, 0, sizeof(uint32_t), &rule->needs, &rule->needs_count) < 0 ||
            pn_yr_take(parser, &parser->used, 0, sizeof(void *), &rule->module, &rule->module_count) < 0)
                return -1;
        rule->end = parser->token.end;
        return pn_yr_push(parser, &parser->rules, rule, sizeof(*rule));
}

int pn_yr_parse_rule(struct pn_yr_parser *parser)
{
        parser->rule = (struct pn_yr_rule){.begin = parser->token.begin, .space = parser->space};
        pn_lookup_clear(&parser->local);
        while (pn_yr_is(parser, PN_YR_T_PRIVATE) || pn_yr_is(parser, PN_YR_T_GLOBAL)) {
                parser->rule.flags |=
                        pn_yr_is(parser, PN_YR_T_GLOBAL) ? PN_YR_RULE_GLOBAL : PN_YR_RULE_PRIVATE;
                if (pn_yr_next(parser) < 0)
                        return -1;
        }
        if (pn_yr_expect(parser, PN_YR_T_RULE, "`rule`") < 0)
                return -1;
        if (!pn_yr_is(parser, PN_YR_T_NAME))
                return pn_yr_unexpected(parser, "the name of the rule");
        if (pn_yr_declare_rule(parser, &parser->token) < 0 || pn_yr_next(parser) < 0 ||
            parse_body(parser) < 0 || finish_rule(parser) < 0)
                return -1;
        return pn_yr_next(parser);
}
