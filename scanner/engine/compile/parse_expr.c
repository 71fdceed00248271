/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/parse.h"

/* Conditions:
 *
 *     expr  = and { "or" and }
 *     and   = unary { "and" unary }
 *     unary = ( "not" | "defined" ) unary | test
 *     test  = "true" | "false" | string [ "at" value | "in" range ] | of | for | value [ relation value ]
 *     value = arithmetic over terms, see `binary`
 *
 * What is a test has no value: it is no operand of a relation or of arithmetic, in parentheses neither. */

/* ---------------------------------------------------------------- nodes */

int pn_yr_node(struct pn_yr_parser *parser, enum pn_yr_expr_kind kind, struct pn_yr_place place,
               struct pn_yr_expr **ret)
{
        *ret = pn_arena_get(parser->arena, 1, sizeof(**ret));
        if (!*ret)
                return pn_yr_no_memory(parser);
        (*ret)->kind = kind;
        (*ret)->place = place;
        (*ret)->string = PN_YR_NO_STRING;
        (*ret)->height = 1;
        return 0;
}

int pn_yr_measure(struct pn_yr_parser *parser, struct pn_yr_expr *expr)
{
        const struct pn_yr_expr *parts[] = {expr->a, expr->b, expr->at, expr->count, expr->body};
        uint32_t highest = 0;

        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                if (parts[i] && parts[i]->height > highest)
                        highest = parts[i]->height;
        for (uint32_t i = 0; i < expr->list_count; i++)
                if (expr->list[i]->height > highest)
                        highest = expr->list[i]->height;
        expr->height = highest + 1;
        if (expr->height > PN_YR_HEIGHT_MAX)
                return pn_yr_fail(parser, expr->place, "expression is higher than %u", PN_YR_HEIGHT_MAX);
        return 0;
}

static bool has_value(const struct pn_yr_expr *expr)
{
        switch (expr->kind) {
        case PN_YR_E_BOOL:
        case PN_YR_E_STRING:
        case PN_YR_E_STRING_AT:
        case PN_YR_E_STRING_IN:
        case PN_YR_E_OF:
        case PN_YR_E_FOR_OF:
        case PN_YR_E_FOR_IN:
        case PN_YR_E_NOT:
        case PN_YR_E_DEFINED:
        case PN_YR_E_AND:
        case PN_YR_E_OR:
                return false;
        default:
                return !(expr->kind >= PN_YR_E_LT && expr->kind <= PN_YR_E_NE) &&
                       !(expr->kind >= PN_YR_E_CONTAINS && expr->kind <= PN_YR_E_MATCHES);
        }
}

static int need_value(struct pn_yr_parser *parser, const struct pn_yr_expr *expr)
{
        return has_value(expr) ? 0 : pn_yr_fail(parser, expr->place, "a test where a value is expected");
}

/* ---------------------------------------------------------------- terms */

static int parse_constant(struct pn_yr_parser *parser, enum pn_yr_expr_kind kind, struct pn_yr_expr **ret)
{
        if (pn_yr_node(parser, kind, parser->token.place, ret) < 0)
                return -1;
        (*ret)->number = kind == PN_YR_E_BOOL ? pn_yr_is(parser, PN_YR_T_TRUE) : parser->token.number;
        (*ret)->text = parser->token.text;
        return pn_yr_next(parser);
}

/* uint16be(offset) */
static int parse_int_at(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        int64_t number = parser->token.number;

        if (pn_yr_node(parser, PN_YR_E_INT_AT, parser->token.place, ret) < 0 || pn_yr_next(parser) < 0 ||
            pn_yr_expect(parser, '(', "`(`") < 0 || pn_yr_parse_value(parser, &(*ret)->a) < 0 ||
            pn_yr_expect(parser, ')', "`)`") < 0)
                return -1;
        (*ret)->bits = (uint8_t)(number & PN_YR_INT_AT_BITS);
        (*ret)->is_signed = (number & PN_YR_INT_AT_SIGNED) != 0;
        (*ret)->big_endian = (number & PN_YR_INT_AT_BIG) != 0;
        return pn_yr_measure(parser, *ret);
}

/* #a, #a in (low..high) */
static int parse_count(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        if (pn_yr_node(parser, PN_YR_E_COUNT, parser->token.place, ret) < 0 ||
            pn_yr_find_string(parser, &parser->token, &(*ret)->string) < 0 || pn_yr_next(parser) < 0)
                return -1;
        if (!pn_yr_is(parser, PN_YR_T_IN))
                return 0;
        (*ret)->kind = PN_YR_E_COUNT_IN;
        if (pn_yr_next(parser) < 0 || pn_yr_parse_range(parser, &(*ret)->a, &(*ret)->b) < 0)
                return -1;
        return pn_yr_measure(parser, *ret);
}

/* @a, @a[i], !a, !a[i] */
static int parse_occurrence(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        enum pn_yr_expr_kind kind = pn_yr_is(parser, PN_YR_T_OFFSET) ? PN_YR_E_OFFSET : PN_YR_E_LENGTH;

        if (pn_yr_node(parser, kind, parser->token.place, ret) < 0 ||
            pn_yr_find_string(parser, &parser->token, &(*ret)->string) < 0 || pn_yr_next(parser) < 0)
                return -1;
        if (!pn_yr_is(parser, '['))
                return 0;
        if (pn_yr_next(parser) < 0 || pn_yr_parse_value(parser, &(*ret)->a) < 0 ||
            pn_yr_expect(parser, ']', "`]`") < 0)
                return -1;
        return pn_yr_measure(parser, *ret);
}

/* What is in them keeps being a test or a value. */
static int parse_parentheses(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        if (pn_yr_next(parser) < 0 || pn_yr_parse_expr(parser, ret) < 0)
                return -1;
        return pn_yr_expect(parser, ')', "an operator or `)`");
}

static int parse_sign(struct pn_yr_parser *parser, struct pn_yr_expr **ret);

static int parse_term(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        switch (parser->token.kind) {
        case '(':
                return parse_parentheses(parser, ret);
        case '-':
        case '~':
                return parse_sign(parser, ret);
        case PN_YR_T_NUMBER:
                return parse_constant(parser, PN_YR_E_INT, ret);
        case PN_YR_T_DOUBLE:
                return parse_constant(parser, PN_YR_E_DOUBLE, ret);
        case PN_YR_T_TEXT:
                return parse_constant(parser, PN_YR_E_TEXT, ret);
        case PN_YR_T_REGEX:
                return parse_constant(parser, PN_YR_E_REGEX, ret);
        case PN_YR_T_FILESIZE:
                return parse_constant(parser, PN_YR_E_FILESIZE, ret);
        case PN_YR_T_ENTRYPOINT:
                return parse_constant(parser, PN_YR_E_ENTRYPOINT, ret);
        case PN_YR_T_INT_AT:
                return parse_int_at(parser, ret);
        case PN_YR_T_COUNT:
                return parse_count(parser, ret);
        case PN_YR_T_OFFSET:
        case PN_YR_T_LENGTH:
                return parse_occurrence(parser, ret);
        case PN_YR_T_NAME:
                return pn_yr_parse_identifier(parser, ret);
        default:
                return pn_yr_unexpected(parser, "an expression");
        }
}

/* -a, ~a */
static int parse_sign(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        enum pn_yr_expr_kind kind = pn_yr_is(parser, '-') ? PN_YR_E_NEGATIVE : PN_YR_E_BIT_NOT;

        if (pn_yr_enter(parser) < 0 || pn_yr_node(parser, kind, parser->token.place, ret) < 0 ||
            pn_yr_next(parser) < 0 || parse_term(parser, &(*ret)->a) < 0 || need_value(parser, (*ret)->a) < 0)
                return -1;
        parser->depth--;
        return pn_yr_measure(parser, *ret);
}

/* ---------------------------------------------------------------- arithmetic */

static const struct {
        int token;
        unsigned strength;
        enum pn_yr_expr_kind kind;
} binary[] = {
        {'|', 1, PN_YR_E_BIT_OR}, {'^', 2, PN_YR_E_BIT_XOR},     {'&', 3, PN_YR_E_BIT_AND},
        {'+', 5, PN_YR_E_ADD},    {PN_YR_T_SHL, 4, PN_YR_E_SHL}, {PN_YR_T_SHR, 4, PN_YR_E_SHR},
        {'-', 5, PN_YR_E_SUB},    {'*', 6, PN_YR_E_MUL},         {'\\', 6, PN_YR_E_DIV},
        {'%', 6, PN_YR_E_MOD},
};

/* `%` is the percent sign when `of` comes next. */
static bool is_percent(const struct pn_yr_parser *parser)
{
        struct pn_yr_lexer lexer = parser->lexer;
        struct pn_err ignored = PN_ERR_INIT;
        struct pn_yr_token token;

        lexer.arena = NULL;
        return pn_yr_is(parser, '%') && pn_yr_lexer_next(&lexer, &token, &ignored) == 0 &&
               token.kind == PN_YR_T_OF;
}

/* The operator ahead when it binds as tight as `strength` or tighter. */
static bool find_binary(const struct pn_yr_parser *parser, unsigned strength, size_t *ret)
{
        for (size_t i = 0; i < sizeof(binary) / sizeof(binary[0]); i++)
                if (pn_yr_is(parser, binary[i].token)) {
                        *ret = i;
                        return binary[i].strength >= strength;
                }
        return false;
}

/* All of them are left-associative. */
static int parse_binary(struct pn_yr_parser *parser, unsigned strength, struct pn_yr_expr **ret)
{
        struct pn_yr_expr *left;
        size_t found;

        if (parse_term(parser, &left) < 0)
                return -1;
        while (find_binary(parser, strength, &found)) {
                if (is_percent(parser)) {
                        if (strength > 1)
                                return pn_yr_unexpected(parser, "parentheses around the percentage");
                        break;
                }
                if (need_value(parser, left) < 0 ||
                    pn_yr_node(parser, binary[found].kind, parser->token.place, ret) < 0 ||
                    pn_yr_next(parser) < 0)
                        return -1;
                (*ret)->a = left;
                left = *ret;
                if (parse_binary(parser, binary[found].strength + 1, &left->b) < 0 ||
                    need_value(parser, left->b) < 0 || pn_yr_measure(parser, left) < 0)
                        return -1;
        }
        *ret = left;
        return 0;
}

int pn_yr_parse_value(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        if (pn_yr_enter(parser) < 0 || parse_binary(parser, 1, ret) < 0 || need_value(parser, *ret) < 0)
                return -1;
        parser->depth--;
        return 0;
}

/* ---------------------------------------------------------------- tests */

static const struct {
        int token;
        enum pn_yr_expr_kind kind;
} relations[] = {
        {'<', PN_YR_E_LT},
        {PN_YR_T_LE, PN_YR_E_LE},
        {'>', PN_YR_E_GT},
        {PN_YR_T_GE, PN_YR_E_GE},
        {PN_YR_T_EQ, PN_YR_E_EQ},
        {PN_YR_T_NE, PN_YR_E_NE},
        {PN_YR_T_CONTAINS, PN_YR_E_CONTAINS},
        {PN_YR_T_ICONTAINS, PN_YR_E_ICONTAINS},
        {PN_YR_T_STARTSWITH, PN_YR_E_STARTSWITH},
        {PN_YR_T_ISTARTSWITH, PN_YR_E_ISTARTSWITH},
        {PN_YR_T_ENDSWITH, PN_YR_E_ENDSWITH},
        {PN_YR_T_IENDSWITH, PN_YR_E_IENDSWITH},
        {PN_YR_T_IEQUALS, PN_YR_E_IEQUALS},
        {PN_YR_T_MATCHES, PN_YR_E_MATCHES},
};

/* From the operator on, when there is one. */
static int parse_relation(struct pn_yr_parser *parser, struct pn_yr_expr *left, struct pn_yr_expr **ret)
{
        size_t i = 0, count = sizeof(relations) / sizeof(relations[0]);

        *ret = left;
        while (i < count && !pn_yr_is(parser, relations[i].token))
                i++;
        if (i == count)
                return 0;
        if (need_value(parser, left) < 0 ||
            pn_yr_node(parser, relations[i].kind, parser->token.place, ret) < 0 || pn_yr_next(parser) < 0)
                return -1;
        (*ret)->a = left;
        if (relations[i].kind != PN_YR_E_MATCHES) {
                if (pn_yr_parse_value(parser, &(*ret)->b) < 0)
                        return -1;
        } else if (!pn_yr_is(parser, PN_YR_T_REGEX)) {
                return pn_yr_unexpected(parser, "a regular expression");
        } else if (parse_constant(parser, PN_YR_E_REGEX, &(*ret)->b) < 0) {
                return -1;
        }
        return pn_yr_measure(parser, *ret);
}

/* A value; what it is compared with; what it is a number or a percentage of. */
static int parse_value_test(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        struct pn_yr_place place = parser->token.place;
        struct pn_yr_expr *left;
        bool percent;

        if (parse_binary(parser, 1, &left) < 0)
                return -1;
        percent = pn_yr_is(parser, '%');
        if (!percent && !pn_yr_is(parser, PN_YR_T_OF))
                return parse_relation(parser, left, ret);
        if (need_value(parser, left) < 0 || (percent && pn_yr_next(parser) < 0))
                return -1;
        return pn_yr_parse_of(parser, place, percent ? PN_YR_Q_PERCENT : PN_YR_Q_NUMBER, left, ret);
}

/* $a, $a at offset, $a in (low..high) */
static int parse_string(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        int r = 0;

        if (pn_yr_node(parser, PN_YR_E_STRING, parser->token.place, ret) < 0 ||
            pn_yr_find_string(parser, &parser->token, &(*ret)->string) < 0 || pn_yr_next(parser) < 0)
                return -1;
        if (pn_yr_is(parser, PN_YR_T_AT)) {
                (*ret)->kind = PN_YR_E_STRING_AT;
                r = pn_yr_next(parser) < 0 ? -1 : pn_yr_parse_value(parser, &(*ret)->a);
        } else if (pn_yr_is(parser, PN_YR_T_IN)) {
                (*ret)->kind = PN_YR_E_STRING_IN;
                r = pn_yr_next(parser) < 0 ? -1 : pn_yr_parse_range(parser, &(*ret)->a, &(*ret)->b);
        }
        return r < 0 ? -1 : pn_yr_measure(parser, *ret);
}

static int parse_test(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        struct pn_yr_place place = parser->token.place;
        enum pn_yr_quantifier quantifier;

        switch (parser->token.kind) {
        case PN_YR_T_TRUE:
        case PN_YR_T_FALSE:
                return parse_constant(parser, PN_YR_E_BOOL, ret);
        case PN_YR_T_STRING:
                return parse_string(parser, ret);
        case PN_YR_T_FOR:
                return pn_yr_parse_for(parser, ret);
        default:
                if (!pn_yr_quantifier_word(parser, &quantifier))
                        return parse_value_test(parser, ret);
                return pn_yr_next(parser) < 0 ? -1 : pn_yr_parse_of(parser, place, quantifier, NULL, ret);
        }
}

/* ---------------------------------------------------------------- logic */

static int parse_unary(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        bool negated = pn_yr_is(parser, PN_YR_T_NOT);

        if (!negated && !pn_yr_is(parser, PN_YR_T_DEFINED))
                return parse_test(parser, ret);
        if (pn_yr_enter(parser) < 0 ||
            pn_yr_node(parser, negated ? PN_YR_E_NOT : PN_YR_E_DEFINED, parser->token.place, ret) < 0 ||
            pn_yr_next(parser) < 0 || parse_unary(parser, &(*ret)->a) < 0)
                return -1;
        parser->depth--;
        return pn_yr_measure(parser, *ret);
}

static int parse_chain(struct pn_yr_parser *parser, int token, enum pn_yr_expr_kind kind,
                       int (*part)(struct pn_yr_parser *, struct pn_yr_expr **), struct pn_yr_expr **ret)
{
        struct pn_yr_place place = parser->token.place;
        uint32_t mark = parser->nodes.count;
        struct pn_yr_expr *one;

        if (part(parser, &one) < 0)
                return -1;
        *ret = one;
        if (!pn_yr_is(parser, token))
                return 0;
        if (pn_yr_push_pointer(parser, &parser->nodes, one) < 0)
                return -1;
        while (pn_yr_is(parser, token))
                if (pn_yr_next(parser) < 0 || part(parser, &one) < 0 ||
                    pn_yr_push_pointer(parser, &parser->nodes, one) < 0)
                        return -1;
        if (pn_yr_node(parser, kind, place, ret) < 0 ||
            pn_yr_take(parser, &parser->nodes, mark, sizeof(void *), &(*ret)->list, &(*ret)->list_count) < 0)
                return -1;
        return pn_yr_measure(parser, *ret);
}

static int parse_and(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        return parse_chain(parser, PN_YR_T_AND, PN_YR_E_AND, parse_unary, ret);
}

int pn_yr_parse_expr(struct pn_yr_parser *parser, struct pn_yr_expr **ret)
{
        if (pn_yr_enter(parser) < 0 || parse_chain(parser, PN_YR_T_OR, PN_YR_E_OR, parse_and, ret) < 0)
                return -1;
        parser->depth--;
        return 0;
}
