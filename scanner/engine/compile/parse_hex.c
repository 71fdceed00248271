/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "scanner/engine/compile/parse.h"

/* Hex strings:
 *
 *     hex   = tokens
 *     tokens = token { token | jump } token | token        a jump is never the first or the last
 *     token = [ "~" ] nibble nibble | "(" tokens { "|" tokens } ")"
 *     jump  = "[" n "]" | "[" [ n ] "-" [ m ] "]"           no number before the dash: none behind it
 *
 * Jumps inside alternatives have an end, of at most 200 (libyara: YR_STRING_CHAINING_THRESHOLD). */

#define JUMP_IN_ALT_MAX 200

struct hex {
        struct pn_yr_parser *parser;
        const struct pn_yr_token *token;
        const char *at, *end, *line; /* `line`: where it begins */
        uint32_t line_number, count, depth;
};

static int fail(struct hex *hex, const char *reason)
{
        struct pn_yr_place place = hex->token->place;

        place.line = hex->line_number;
        place.column = (uint32_t)(hex->at - hex->line) + 1;
        return pn_yr_fail(hex->parser, place, "invalid hex string: %s", reason);
}

static void skip_to(struct hex *hex, const char *to)
{
        while (hex->at < to)
                if (*hex->at++ == '\n') {
                        hex->line = hex->at;
                        hex->line_number++;
                }
}

static void skip_blanks(struct hex *hex)
{
        while (hex->at < hex->end && strchr(" \t\r\n", *hex->at))
                skip_to(hex, hex->at + 1);
}

/* Blanks and comments; the lexer has seen that all comments end. */
static void skip(struct hex *hex)
{
        for (skip_blanks(hex); hex->end - hex->at >= 2 && *hex->at == '/'; skip_blanks(hex)) {
                const char *inside = hex->at + 2, *found;
                size_t left = (size_t)(hex->end - inside);

                if (hex->at[1] == '*') {
                        found = memmem(inside, left, "*/", 2);
                        skip_to(hex, found ? found + 2 : hex->end);
                } else {
                        found = memchr(inside, '\n', left);
                        skip_to(hex, found ? found : hex->end);
                }
        }
}

static bool nibble(char c, uint8_t *value, uint8_t *mask)
{
        static const char digits[] = "0123456789abcdef";
        const char *found;

        *mask = 0;
        *value = 0;
        if (c == '?')
                return true;
        found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c | 0x20 : c) : NULL;
        if (!found)
                return false;
        *mask = 0xf;
        *value = (uint8_t)(found - digits);
        return true;
}

static int parse_byte(struct hex *hex, struct pn_yr_hex *ret)
{
        uint8_t value[2], mask[2];

        ret->kind = PN_YR_HEX_BYTE;
        if (*hex->at == '~') {
                ret->negated = true;
                hex->at++;
        }
        if (hex->at == hex->end || !nibble(hex->at[0], &value[0], &mask[0]))
                return fail(hex, "expected a byte");
        if (hex->end - hex->at < 2 || !nibble(hex->at[1], &value[1], &mask[1]))
                return fail(hex, "half of a byte");
        ret->value = (uint8_t)(value[0] << 4 | value[1]);
        ret->mask = (uint8_t)(mask[0] << 4 | mask[1]);
        if (ret->negated && ret->mask == 0)
                return fail(hex, "`~` of any byte");
        hex->at += 2;
        return 0;
}

/* As libyara reads it: what is above 63 bits stays there, and the low 32 bits are the number. */
static int parse_bound(struct hex *hex, bool *ret_given, int32_t *ret)
{
        int64_t value = 0;

        skip_blanks(hex);
        *ret_given = hex->at < hex->end && *hex->at >= '0' && *hex->at <= '9';
        for (; hex->at < hex->end && *hex->at >= '0' && *hex->at <= '9'; hex->at++)
                if (__builtin_mul_overflow(value, 10, &value) ||
                    __builtin_add_overflow(value, *hex->at - '0', &value))
                        value = INT64_MAX;
        skip_blanks(hex);
        *ret = (int32_t)(uint32_t)(uint64_t)value;
        return *ret < 0 ? fail(hex, "invalid negative jump length") : 0;
}

static int parse_bounds(struct hex *hex, int32_t *ret_min, int32_t *ret_max)
{
        bool given, has_end;

        if (parse_bound(hex, &given, ret_min) < 0)
                return -1;
        if (hex->at < hex->end && *hex->at == ']') {
                *ret_max = *ret_min;
                if (!given || *ret_min == 0)
                        return fail(hex, "invalid jump length");
                return 0;
        }
        if (hex->at == hex->end || *hex->at != '-')
                return fail(hex, "invalid character in a jump");
        hex->at++;
        if (parse_bound(hex, &has_end, ret_max) < 0)
                return -1;
        if (has_end && !given)
                return fail(hex, "a jump with an end has a beginning");
        if (!has_end)
                *ret_max = INT32_MAX;
        if (*ret_min > *ret_max)
                return fail(hex, "invalid jump range");
        return hex->at < hex->end && *hex->at == ']' ? 0 : fail(hex, "invalid character in a jump");
}

static int parse_jump(struct hex *hex, struct pn_yr_hex *ret)
{
        int32_t min, max;

        hex->at++;
        if (parse_bounds(hex, &min, &max) < 0)
                return -1;
        if (hex->depth > 0 && max == INT32_MAX)
                return fail(hex, "unbounded jump inside alternatives");
        if (hex->depth > 0 && max > JUMP_IN_ALT_MAX)
                return fail(hex, "jump over 200 inside alternatives");
        hex->at++;
        ret->kind = PN_YR_HEX_JUMP;
        ret->min = (uint32_t)min;
        ret->max = max == INT32_MAX ? UINT32_MAX : (uint32_t)max;
        return 0;
}

static int parse_tokens(struct hex *hex, struct pn_yr_hex **ret);

static int parse_alternatives(struct hex *hex, struct pn_yr_hex *ret)
{
        struct pn_yr_parser *parser = hex->parser;
        uint32_t mark = parser->nodes.count;

        if (hex->depth == PN_YR_DEPTH_MAX)
                return fail(hex, "nested too deep");
        hex->depth++;
        do {
                struct pn_yr_hex *head;

                hex->at++; /* "(" or "|" */
                if (parse_tokens(hex, &head) < 0 || pn_yr_push_pointer(parser, &parser->nodes, head) < 0)
                        return -1;
        } while (hex->at < hex->end && *hex->at == '|');
        if (hex->at == hex->end || *hex->at != ')')
                return fail(hex, "expected `)`");
        hex->at++;
        hex->depth--;
        ret->kind = PN_YR_HEX_ALT;
        return pn_yr_take(parser, &parser->nodes, mark, sizeof(void *), &ret->alt, &ret->alt_count);
}

/* NULL when it failed. */
static struct pn_yr_hex *parse_token(struct hex *hex)
{
        struct pn_yr_hex *token = pn_arena_get(hex->parser->arena, 1, sizeof(*token));
        int r;

        if (!token)
                r = pn_yr_no_memory(hex->parser);
        else if (++hex->count > PN_YR_TEXT_MAX)
                r = fail(hex, "too long");
        else if (*hex->at == '[')
                r = parse_jump(hex, token);
        else if (*hex->at == '(')
                r = parse_alternatives(hex, token);
        else
                r = parse_byte(hex, token);
        return r < 0 ? NULL : token;
}

/* Up to the end, "|" or ")". */
static int parse_tokens(struct hex *hex, struct pn_yr_hex **ret)
{
        struct pn_yr_hex **tail = ret, *last = NULL;

        *ret = NULL;
        for (skip(hex); hex->at < hex->end && *hex->at != '|' && *hex->at != ')'; skip(hex)) {
                if (!last && *hex->at == '[')
                        return fail(hex, "begins with a jump");
                last = parse_token(hex);
                if (!last)
                        return -1;
                *tail = last;
                tail = &last->next;
        }
        if (!last)
                return fail(hex, "empty");
        return last->kind == PN_YR_HEX_JUMP ? fail(hex, "ends with a jump") : 0;
}

int pn_yr_parse_hex(struct pn_yr_parser *parser, const struct pn_yr_token *token, struct pn_yr_hex **ret)
{
        struct hex hex = {.parser = parser,
                          .token = token,
                          .at = token->word,
                          .end = token->word + token->word_len,
                          .line_number = token->place.line};

        hex.line = token->word - token->place.column; /* the word stands behind a brace */
        if (parse_tokens(&hex, ret) < 0)
                return -1;
        return hex.at < hex.end ? fail(&hex, "alternatives need parentheses") : 0;
}
