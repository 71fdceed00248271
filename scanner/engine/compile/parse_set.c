/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/parse.h"

/* Sets and loops:
 *
 *     of    = quantifier "of" ( strings [ "in" range | "at" value ] | rules )
 *     for   = "for" quantifier ( "of" strings | name [ "," name ] "in" iterator ) ":" "(" expr ")"
 *     strings = "them" | "(" $a { "," $b* } ")"
 *     rules = "(" a { "," b* } ")"
 *     iterator = range | "(" value { "," value } ")" | name of a module's array or dictionary
 *     range = "(" value ".." value ")" */

bool pn_yr_quantifier_word(const struct pn_yr_parser *parser, enum pn_yr_quantifier *ret)
{
        static const struct {
                int token;
                enum pn_yr_quantifier quantifier;
        } words[] = {{PN_YR_T_ALL, PN_YR_Q_ALL}, {PN_YR_T_ANY, PN_YR_Q_ANY}, {PN_YR_T_NONE, PN_YR_Q_NONE}};

        for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++)
                if (pn_yr_is(parser, words[i].token)) {
                        *ret = words[i].quantifier;
                        return true;
                }
        return false;
}

int pn_yr_parse_range(struct pn_yr_parser *parser, struct pn_yr_expr **ret_low, struct pn_yr_expr **ret_high)
{
        if (pn_yr_expect(parser, '(', "`(`") < 0 || pn_yr_parse_value(parser, ret_low) < 0 ||
            pn_yr_expect(parser, PN_YR_T_DOT_DOT, "`..`") < 0 || pn_yr_parse_value(parser, ret_high) < 0)
                return -1;
        return pn_yr_expect(parser, ')', "`)`");
}

/* ---------------------------------------------------------------- sets */

static int parse_member(struct pn_yr_parser *parser, bool of_rules)
{
        struct pn_yr_token token = parser->token;
        bool wildcard;

        if (!of_rules) {
                if (!pn_yr_is(parser, PN_YR_T_STRING) && !pn_yr_is(parser, PN_YR_T_STRINGS))
                        return pn_yr_unexpected(parser, "the name of a string");
                return pn_yr_push_strings(parser, &token) < 0 ? -1 : pn_yr_next(parser);
        }
        if (!pn_yr_is(parser, PN_YR_T_NAME))
                return pn_yr_unexpected(parser, "the name of a rule");
        if (pn_yr_next(parser) < 0)
                return -1;
        wildcard = pn_yr_is(parser, '*');
        if (wildcard && pn_yr_next(parser) < 0)
                return -1;
        return pn_yr_push_rules(parser, &token, wildcard);
}

static int parse_set(struct pn_yr_parser *parser, bool rules_too, struct pn_yr_expr *expr)
{
        struct pn_yr_place place = parser->token.place;
        uint32_t mark = parser->numbers.count;

        if (pn_yr_is(parser, PN_YR_T_THEM))
                return pn_yr_next(parser) < 0 ? -1 : pn_yr_all_strings(parser, place, expr);
        if (pn_yr_expect(parser, '(', "`them` or `(`") < 0)
                return -1;
        expr->of_rules = rules_too && pn_yr_is(parser, PN_YR_T_NAME);
        if (parse_member(parser, expr->of_rules) < 0)
                return -1;
        while (pn_yr_is(parser, ','))
                if (pn_yr_next(parser) < 0 || parse_member(parser, expr->of_rules) < 0)
                        return -1;
        if (pn_yr_take(parser, &parser->numbers, mark, sizeof(uint32_t), &expr->member, &expr->member_count) <
            0)
                return -1;
        return pn_yr_expect(parser, ')', "`,` or `)`");
}

int pn_yr_parse_of(struct pn_yr_parser *parser, struct pn_yr_place place, enum pn_yr_quantifier quantifier,
                   struct pn_yr_expr *count, struct pn_yr_expr **ret)
{
        int r = 0;

        if (pn_yr_node(parser, PN_YR_E_OF, place, ret) < 0 || pn_yr_expect(parser, PN_YR_T_OF, "`of`") < 0 ||
            parse_set(parser, true, *ret) < 0)
                return -1;
        (*ret)->quantifier = quantifier;
        (*ret)->count = count;
        if (!(*ret)->of_rules && pn_yr_is(parser, PN_YR_T_IN))
                r = pn_yr_next(parser) < 0 ? -1 : pn_yr_parse_range(parser, &(*ret)->a, &(*ret)->b);
        else if (!(*ret)->of_rules && pn_yr_is(parser, PN_YR_T_AT))
                r = pn_yr_next(parser) < 0 ? -1 : pn_yr_parse_value(parser, &(*ret)->at);
        return r < 0 ? -1 : pn_yr_measure(parser, *ret);
}

/* ---------------------------------------------------------------- loops */

static int parse_names(struct pn_yr_parser *parser)
{
        for (uint32_t count = 0;; count++) {
                if (!pn_yr_is(parser, PN_YR_T_NAME))
                        return pn_yr_unexpected(parser, "the name of a variable");
                if (count == PN_YR_LOOP_NAMES_MAX)
                        return pn_yr_fail(parser, parser->token.place, "more than %u variables of a loop",
                                          PN_YR_LOOP_NAMES_MAX);
                if (pn_yr_declare_variable(parser, &parser->token) < 0 || pn_yr_next(parser) < 0)
                        return -1;
                if (!pn_yr_is(parser, ','))
                        return 0;
                if (pn_yr_next(parser) < 0)
                        return -1;
        }
}

static int push_value(struct pn_yr_parser *parser)
{
        struct pn_yr_expr *value;

        if (pn_yr_parse_value(parser, &value) < 0)
                return -1;
        return pn_yr_push_pointer(parser, &parser->nodes, value);
}

/* (1..2) or (1, 2, 3) */
static int parse_integers(struct pn_yr_parser *parser, struct pn_yr_expr *expr)
{
        if (pn_yr_next(parser) < 0 || push_value(parser) < 0)
                return -1;
        expr->range = pn_yr_is(parser, PN_YR_T_DOT_DOT);
        if (expr->range && (pn_yr_next(parser) < 0 || push_value(parser) < 0))
                return -1;
        while (!expr->range && pn_yr_is(parser, ','))
                if (pn_yr_next(parser) < 0 || push_value(parser) < 0)
                        return -1;
        return pn_yr_expect(parser, ')', expr->range ? "`)`" : "`..`, `,` or `)`");
}

static int parse_iterator(struct pn_yr_parser *parser, struct pn_yr_expr *expr)
{
        uint32_t mark = parser->nodes.count;
        struct pn_yr_expr *one;

        if (pn_yr_is(parser, '(')) {
                if (parse_integers(parser, expr) < 0)
                        return -1;
        } else {
                if (pn_yr_parse_identifier(parser, &one) < 0)
                        return -1;
                if (one->kind != PN_YR_E_MODULE && one->kind != PN_YR_E_VARIABLE)
                        return pn_yr_fail(parser, one->place, "this is not iterable");
                if (pn_yr_push_pointer(parser, &parser->nodes, one) < 0)
                        return -1;
        }
        return pn_yr_take(parser, &parser->nodes, mark, sizeof(void *), &expr->list, &expr->list_count);
}

static int parse_loop_quantifier(struct pn_yr_parser *parser, struct pn_yr_expr *expr)
{
        if (pn_yr_quantifier_word(parser, &expr->quantifier))
                return pn_yr_next(parser);
        expr->quantifier = PN_YR_Q_NUMBER;
        return pn_yr_parse_value(parser, &expr->count);
}

/* What stands between the quantifier and the colon. */
static int parse_loop_head(struct pn_yr_parser *parser, struct pn_yr_expr *expr)
{
        struct pn_yr_place place = parser->token.place;

        if (pn_yr_is(parser, PN_YR_T_OF)) {
                if (parser->in_for_of)
                        return pn_yr_fail(parser, place, "a loop over strings inside of one");
                expr->kind = PN_YR_E_FOR_OF;
                return pn_yr_next(parser) < 0 ? -1 : parse_set(parser, false, expr);
        }
        expr->kind = PN_YR_E_FOR_IN;
        if (parse_names(parser) < 0 || pn_yr_expect(parser, PN_YR_T_IN, "`in`") < 0)
                return -1;
        return parse_iterator(parser, expr);
}

int pn_yr_parse_for(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        uint32_t variables = parser->variable_count;
        bool outer = parser->in_for_of;

        if (pn_yr_node(parser, PN_YR_E_FOR_IN, parser->token.place, ret) < 0 || pn_yr_next(parser) < 0 ||
            parse_loop_quantifier(parser, *ret) < 0)
                return -1;
        if (parser->loops == PN_YR_LOOPS_MAX)
                return pn_yr_fail(parser, (*ret)->place, "more than %u loops in loops", PN_YR_LOOPS_MAX);
        parser->loops++;
        if (parse_loop_head(parser, *ret) < 0 || pn_yr_expect(parser, ':', "`:`") < 0)
                return -1;
        parser->in_for_of = outer || (*ret)->kind == PN_YR_E_FOR_OF;
        if (pn_yr_expect(parser, '(', "`(`") < 0 || pn_yr_parse_expr(parser, &(*ret)->body) < 0 ||
            pn_yr_expect(parser, ')', "an operator or `)`") < 0)
                return -1;
        parser->in_for_of = outer;
        parser->variable_count = variables;
        parser->loops--;
        return pn_yr_measure(parser, *ret);
}
