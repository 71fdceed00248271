/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "scanner/engine/compile/parse.h"
#include "scanner/engine/names.h"

/* ---------------------------------------------------------------- modules */

/* For `imports` of a file and of all that include it. */
static int note_import(struct pn_yr_parser *parser, uint32_t file, const char *name, size_t len)
{
        struct pn_yr_import *import;
        uint32_t known;

        if (pn_lookup_get(&parser->files, PN_YR_NAME_IMPORT + file, name, len, &known))
                return 0;
        import = pn_arena_get(parser->arena, 1, sizeof(*import));
        if (!import || !pn_lookup_put(&parser->files, PN_YR_NAME_IMPORT + file, name, len, 0))
                return pn_yr_no_memory(parser);
        *import = (struct pn_yr_import){name, parser->import[file]};
        parser->import[file] = import;
        parser->set->file[file].import_count++;
        return 0;
}

int pn_yr_import(struct pn_yr_parser *parser, const struct pn_yr_token *token)
{
        struct pn_yr_module module = {.name = (const char *)token->text.data};
        size_t len = token->text.len;
        uint32_t known;

        if (len == 0 || memchr(module.name, '\0', len))
                return pn_yr_fail(parser, token->place, "invalid name of a module");
        for (uint32_t i = 0; i < parser->open_count; i++)
                if (note_import(parser, parser->open[i], module.name, len) < 0)
                        return -1;
        if (pn_lookup_get(&parser->names, PN_YR_NAME_MODULE, module.name, len, &known))
                return 0;
        if (!pn_lookup_put(&parser->names, PN_YR_NAME_MODULE, module.name, len, parser->modules.count))
                return pn_yr_no_memory(parser);
        return pn_yr_push(parser, &parser->modules, &module, sizeof(module));
}

static int use_module(struct pn_yr_parser *parser, uint32_t index, struct pn_yr_expr *expr)
{
        struct pn_yr_module *module = (struct pn_yr_module *)parser->modules.item + index;

        expr->kind = PN_YR_E_MODULE;
        expr->text = (struct pn_yr_bytes){(const uint8_t *)module->name, (uint32_t)strlen(module->name)};
        if (module->rule == parser->rules.count + 1)
                return 0;
        module->rule = parser->rules.count + 1;
        return pn_yr_push_pointer(parser, &parser->used, module->name);
}

/* ---------------------------------------------------------------- rules */

static bool is_external(const struct pn_yr_token *token)
{
        for (int i = 0; i < PN_NAMES; i++)
                if (strlen(pn_name_words[i]) == token->word_len &&
                    memcmp(pn_name_words[i], token->word, token->word_len) == 0)
                        return true;
        return false;
}

int pn_yr_declare_rule(struct pn_yr_parser *parser, const struct pn_yr_token *token)
{
        const uint32_t nobody = 0;
        uint32_t other;

        if (parser->rules.count == PN_YR_RULES_MAX)
                return pn_yr_fail(parser, token->place, "more than %u rules", PN_YR_RULES_MAX);
        if (is_external(token) ||
            pn_lookup_get(&parser->names, PN_YR_NAME_RULE, token->word, token->word_len, &other))
                return pn_yr_fail(parser, token->place, "duplicated identifier \"%.*s\"",
                                  (int)token->word_len, token->word);
        for (uint32_t len = 1; parser->has_prefixes && len <= token->word_len; len++)
                if (pn_lookup_get(&parser->names, PN_YR_NAME_PREFIX, token->word, len, &other))
                        return pn_yr_fail(parser, token->place, "rule \"%.*s\" comes behind a use of `%.*s*`",
                                          (int)token->word_len, token->word, (int)len, token->word);
        parser->rule.place = token->place;
        if (pn_yr_word(parser, &parser->rule.name) < 0)
                return -1;
        if (!pn_lookup_put(&parser->names, PN_YR_NAME_RULE, parser->rule.name, token->word_len,
                           parser->rules.count))
                return pn_yr_no_memory(parser);
        return pn_yr_push(parser, &parser->users, &nobody, sizeof(nobody));
}

int pn_yr_need_rule(struct pn_yr_parser *parser, uint32_t rule)
{
        uint32_t *user = (uint32_t *)parser->users.item + rule, self = parser->rules.count;

        if (rule == self || *user == self + 1)
                return 0;
        *user = self + 1;
        return pn_yr_push(parser, &parser->needs, &rule, sizeof(rule));
}

static int push_member(struct pn_yr_parser *parser, uint32_t member)
{
        if (parser->numbers.count == PN_YR_MEMBERS_MAX)
                return pn_yr_fail(parser, parser->token.place, "more than %u members", PN_YR_MEMBERS_MAX);
        return pn_yr_push(parser, &parser->numbers, &member, sizeof(member));
}

static int push_rule(struct pn_yr_parser *parser, uint32_t rule)
{
        return push_member(parser, rule) < 0 ? -1 : pn_yr_need_rule(parser, rule);
}

static const char *rule_name(const struct pn_yr_parser *parser, uint32_t rule)
{
        return rule == parser->rules.count ? parser->rule.name
                                           : ((const struct pn_yr_rule *)parser->rules.item)[rule].name;
}

/* A name that was matched by a wildcard may not be given to a later rule. */
static int note_prefix(struct pn_yr_parser *parser, const struct pn_yr_token *token)
{
        uint32_t known;

        parser->has_prefixes = true;
        if (pn_lookup_get(&parser->names, PN_YR_NAME_PREFIX, token->word, token->word_len, &known))
                return 0;
        return pn_lookup_put(&parser->names, PN_YR_NAME_PREFIX, token->word, token->word_len, 0)
                       ? 0
                       : pn_yr_no_memory(parser);
}

int pn_yr_push_rules(struct pn_yr_parser *parser, const struct pn_yr_token *token, bool wildcard)
{
        uint32_t mark = parser->numbers.count, rule;

        if (!wildcard && pn_lookup_get(&parser->names, PN_YR_NAME_RULE, token->word, token->word_len, &rule))
                return push_rule(parser, rule);
        for (rule = parser->space_rule; wildcard && rule <= parser->rules.count; rule++)
                if (strncmp(rule_name(parser, rule), token->word, token->word_len) == 0 &&
                    push_rule(parser, rule) < 0)
                        return -1;
        if (parser->numbers.count == mark)
                return pn_yr_fail(parser, token->place, "undefined identifier \"%.*s%s\"",
                                  (int)token->word_len, token->word, wildcard ? "*" : "");
        return note_prefix(parser, token);
}

/* ---------------------------------------------------------------- strings */

static int undefined_string(struct pn_yr_parser *parser, const struct pn_yr_token *token, const char *star)
{
        return pn_yr_fail(parser, token->place, "undefined string \"$%.*s%s\"",
                          token->word_len > 65 ? 64 : (int)token->word_len - 1, token->word + 1, star);
}

/* `$`, `#`, `@` and `!` alone are the string of the loop. */
int pn_yr_find_string(struct pn_yr_parser *parser, const struct pn_yr_token *token, uint32_t *ret)
{
        *ret = PN_YR_NO_STRING;
        if (token->word_len == 1)
                return parser->in_for_of ? 0
                                         : pn_yr_fail(parser, token->place,
                                                      "`%c` outside of a loop over strings", *token->word);
        if (!pn_lookup_get(&parser->local, PN_YR_NAME_STRING, token->word + 1, token->word_len - 1, ret))
                return undefined_string(parser, token, "");
        parser->referenced[*ret] = true;
        return 0;
}

/* $a; $, which is all that have no name; $a* */
int pn_yr_push_strings(struct pn_yr_parser *parser, const struct pn_yr_token *token)
{
        bool wildcard = token->kind == PN_YR_T_STRINGS;
        uint32_t mark = parser->numbers.count, first, last = parser->rule.string_count;

        first = wildcard ? 0 : last;
        if (!wildcard)
                (void)pn_lookup_get(&parser->local, PN_YR_NAME_STRING, token->word + 1, token->word_len - 1,
                                    &first);
        if (!wildcard && token->word_len > 1 && first < last)
                last = first + 1;
        for (uint32_t i = first; i < last; i++) {
                const char *name = parser->rule.string[i].name;

                if (strncmp(name, token->word, token->word_len) != 0 ||
                    (!wildcard && name[token->word_len] != '\0'))
                        continue;
                parser->referenced[i] = true;
                if (push_member(parser, i) < 0)
                        return -1;
        }
        return parser->numbers.count > mark ? 0 : undefined_string(parser, token, wildcard ? "*" : "");
}

int pn_yr_all_strings(struct pn_yr_parser *parser, struct pn_yr_place place, struct pn_yr_expr *expr)
{
        uint32_t count = parser->rule.string_count;

        if (count == 0)
                return pn_yr_fail(parser, place, "`them` in a rule without strings");
        if (!parser->them) {
                parser->them = pn_arena_get(parser->arena, count, sizeof(uint32_t));
                if (!parser->them)
                        return pn_yr_no_memory(parser);
                for (uint32_t i = 0; i < count; i++)
                        parser->them[i] = i;
        }
        memset(parser->referenced, true, count);
        expr->member = parser->them;
        expr->member_count = count;
        return 0;
}

/* ---------------------------------------------------------------- identifiers in conditions */

static const struct pn_yr_variable *find_variable(const struct pn_yr_parser *parser,
                                                  const struct pn_yr_token *token)
{
        for (uint32_t i = 0; i < parser->variable_count; i++) {
                const struct pn_yr_variable *variable = &parser->variable[i];

                if (variable->len == token->word_len &&
                    memcmp(variable->name, token->word, variable->len) == 0)
                        return variable;
        }
        return NULL;
}

int pn_yr_declare_variable(struct pn_yr_parser *parser, const struct pn_yr_token *token)
{
        if (find_variable(parser, token))
                return pn_yr_fail(parser, token->place, "duplicated loop identifier \"%.*s\"",
                                  (int)token->word_len, token->word);
        parser->variable[parser->variable_count++] = (struct pn_yr_variable){token->word, token->word_len};
        return 0;
}

/* Variables of loops hide everything, modules hide rules. */
static int resolve(struct pn_yr_parser *parser, struct pn_yr_expr *expr)
{
        const struct pn_yr_token *token = &parser->token;
        bool variable = find_variable(parser, token) != NULL;
        const char *name;
        uint32_t index;

        if (variable || is_external(token)) {
                expr->kind = variable ? PN_YR_E_VARIABLE : PN_YR_E_EXTERNAL;
                if (pn_yr_word(parser, &name) < 0)
                        return -1;
                expr->text = (struct pn_yr_bytes){(const uint8_t *)name, token->word_len};
                return 0;
        }
        if (pn_lookup_get(&parser->names, PN_YR_NAME_MODULE, token->word, token->word_len, &index))
                return use_module(parser, index, expr);
        if (!pn_lookup_get(&parser->names, PN_YR_NAME_RULE, token->word, token->word_len, &expr->rule))
                return pn_yr_fail(parser, token->place, "undefined identifier \"%.*s\"", (int)token->word_len,
                                  token->word);
        expr->kind = PN_YR_E_RULE;
        return pn_yr_need_rule(parser, expr->rule);
}

/* ( a, b ) of a function */
static int parse_arguments(struct pn_yr_parser *parser)
{
        if (pn_yr_next(parser) < 0)
                return -1;
        while (!pn_yr_is(parser, ')')) {
                struct pn_yr_expr *argument;

                if (pn_yr_parse_expr(parser, &argument) < 0 ||
                    pn_yr_push_pointer(parser, &parser->nodes, argument) < 0)
                        return -1;
                if (!pn_yr_is(parser, ','))
                        break;
                if (pn_yr_next(parser) < 0)
                        return -1;
                if (pn_yr_is(parser, ')'))
                        return pn_yr_unexpected(parser, "an argument");
        }
        return pn_yr_expect(parser, ')', "`,` or `)`");
}

static int parse_index(struct pn_yr_parser *parser)
{
        struct pn_yr_expr *index;

        if (pn_yr_next(parser) < 0 || pn_yr_parse_value(parser, &index) < 0 ||
            pn_yr_push_pointer(parser, &parser->nodes, index) < 0)
                return -1;
        return pn_yr_expect(parser, ']', "`]`");
}

static int parse_field(struct pn_yr_parser *parser)
{
        return pn_yr_next(parser) < 0 ? -1 : pn_yr_expect(parser, PN_YR_T_NAME, "the name of a field");
}

int pn_yr_parse_identifier(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        struct pn_yr_place place = parser->token.place;
        uint32_t mark = parser->nodes.count;
        bool structured;
        int r = 0;

        if (!pn_yr_is(parser, PN_YR_T_NAME))
                return pn_yr_unexpected(parser, "a name");
        if (pn_yr_node(parser, PN_YR_E_MODULE, place, ret) < 0 || resolve(parser, *ret) < 0 ||
            pn_yr_next(parser) < 0)
                return -1;
        structured = (*ret)->kind == PN_YR_E_MODULE || (*ret)->kind == PN_YR_E_VARIABLE;
        while (r == 0 && (pn_yr_is(parser, '.') || pn_yr_is(parser, '[') || pn_yr_is(parser, '('))) {
                if (!structured)
                        return pn_yr_unexpected(
                                parser, "an operator: this is not a structure, an array or a function");
                r = pn_yr_is(parser, '.')   ? parse_field(parser)
                    : pn_yr_is(parser, '[') ? parse_index(parser)
                                            : parse_arguments(parser);
        }
        if (r < 0 ||
            pn_yr_take(parser, &parser->nodes, mark, sizeof(void *), &(*ret)->list, &(*ret)->list_count) < 0)
                return -1;
        return pn_yr_measure(parser, *ret);
}
