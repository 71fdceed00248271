/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/regex.h"

#include <string.h>

struct parser {
        const uint8_t *at, *end;
        struct pn_arena *arena;
        uint8_t *bytes; /* room for all characters of the expression */
        uint32_t used, nodes;
        bool fold;
};

static struct pn_re *parse_alt(struct parser *p, unsigned depth);

static struct pn_re *node_new(struct parser *p, enum pn_re_kind kind)
{
        struct pn_re *re = p->nodes++ < PN_RE_NODES_MAX ? pn_arena_get(p->arena, 1, sizeof(*re)) : NULL;

        if (re != NULL)
                re->kind = kind;
        return re;
}

static int peek(const struct parser *p, size_t ahead)
{
        return (size_t)(p->end - p->at) > ahead ? p->at[ahead] : -1;
}

static bool take(struct parser *p, char c)
{
        if (peek(p, 0) != c)
                return false;
        p->at++;
        return true;
}

static bool is_digit(int c)
{
        return c >= '0' && c <= '9';
}

static bool is_letter(int c)
{
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static int hex_digit(int c)
{
        if (is_digit(c))
                return c - '0';
        return (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static uint8_t folded(const struct parser *p, int c)
{
        return (uint8_t)(p->fold && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* ---------------------------------------------------------------- escapes */

enum escape { ESCAPE_BYTE, ESCAPE_SET, ESCAPE_EMPTY, ESCAPE_UNKNOWN };

/* Takes what stands behind a backslash. Letters without a meaning are themselves today and may mean something
 * in another version of libyara, so they are taken for a set: of one character, whichever. */
static enum escape take_escape(struct parser *p, bool in_class, uint8_t *ret)
{
        static const char names[] = "ntrfa", values[] = "\n\t\r\f\a";
        const int c = peek(p, 0);
        const char *name;

        if (c < 0 || c == 0)
                return ESCAPE_UNKNOWN;
        p->at++;
        if (c == 'x') {
                const int high = hex_digit(peek(p, 0)), low = hex_digit(peek(p, 1));

                if (high < 0 || low < 0)
                        return ESCAPE_UNKNOWN;
                p->at += 2;
                *ret = (uint8_t)(high << 4 | low);
                return ESCAPE_BYTE;
        }
        name = strchr(names, c);
        if (name != NULL) {
                *ret = (uint8_t)values[name - names];
                return ESCAPE_BYTE;
        }
        if ((c == 'b' || c == 'B') && !in_class)
                return ESCAPE_EMPTY;
        if (is_digit(c))
                return ESCAPE_UNKNOWN;
        *ret = (uint8_t)c;
        return is_letter(c) ? ESCAPE_SET : ESCAPE_BYTE;
}

/* ---------------------------------------------------------------- classes */

struct members {
        bool has[256];
        bool unsure; /* more or less than what `has` says */
};

/* One member, which begins a range when "-" and something that is not "]" stand behind it: also an escaped
 * letter does. */
static bool take_member(struct parser *p, struct members *members)
{
        uint8_t low = 0, high;
        enum escape kind = ESCAPE_BYTE;

        if (take(p, '\\'))
                kind = take_escape(p, true, &low);
        else if (p->at < p->end)
                low = *p->at++;
        else
                return false;
        if (kind == ESCAPE_UNKNOWN)
                return false;
        members->unsure |= kind == ESCAPE_SET || low == '\n' || low >= 0x7f;
        high = low;
        if (peek(p, 0) == '-' && peek(p, 1) >= 0 && peek(p, 1) != ']') {
                p->at++;
                if (take(p, '\\'))
                        kind = take_escape(p, true, &high);
                else
                        high = *p->at++;
                if (kind == ESCAPE_UNKNOWN || high < low)
                        return false;
                members->unsure |= kind == ESCAPE_SET;
        }
        memset(members->has + low, true, (size_t)(high - low) + 1);
        return true;
}

static struct pn_re *class_node(struct parser *p, struct members *members)
{
        uint8_t byte[256];
        uint32_t count = 0;
        struct pn_re *re;

        for (int c = 'A'; p->fold && c <= 'Z'; c++) {
                members->has[c | 0x20] |= members->has[c];
                members->has[c] = false;
        }
        for (unsigned c = 0; c < 256; c++)
                if (members->has[c])
                        byte[count++] = (uint8_t)c;
        if (members->unsure || count == 0 || count > PN_RE_CLASS_MAX)
                return node_new(p, PN_RE_GAP);
        re = node_new(p, PN_RE_CLASS);
        if (re == NULL)
                return NULL;
        re->bytes = (const uint8_t *)pn_arena_copy(p->arena, byte, count);
        re->len = count;
        return re->bytes == NULL ? NULL : re;
}

/* Behind "[". A negated class has too many members to be written out. */
static struct pn_re *parse_class(struct parser *p)
{
        struct members members = {.unsure = false};

        members.unsure = take(p, '^');
        if (take(p, ']'))
                members.has[']'] = true;
        while (!take(p, ']'))
                if (!take_member(p, &members))
                        return NULL;
        return class_node(p, &members);
}

/* ---------------------------------------------------------------- one thing, and how often */

static struct pn_re *byte_node(struct parser *p, uint8_t byte)
{
        struct pn_re *re = node_new(p, PN_RE_BYTES);

        if (re == NULL)
                return NULL;
        re->bytes = p->bytes + p->used;
        re->len = 1;
        p->bytes[p->used++] = folded(p, byte);
        return re;
}

static struct pn_re *parse_escape(struct parser *p)
{
        uint8_t byte = 0;

        switch (take_escape(p, false, &byte)) {
        case ESCAPE_BYTE:
                return byte_node(p, byte);
        case ESCAPE_SET:
                return node_new(p, PN_RE_GAP);
        case ESCAPE_EMPTY:
                return node_new(p, PN_RE_EMPTY);
        case ESCAPE_UNKNOWN:
                break;
        }
        return NULL;
}

static struct pn_re *parse_one(struct parser *p, unsigned depth)
{
        struct pn_re *re;

        if (take(p, '(')) {
                re = parse_alt(p, depth + 1);
                return take(p, ')') ? re : NULL;
        }
        if (take(p, '.'))
                return node_new(p, PN_RE_GAP);
        if (take(p, '['))
                return parse_class(p);
        if (take(p, '\\'))
                return parse_escape(p);
        if (take(p, '^') || take(p, '$'))
                return node_new(p, PN_RE_EMPTY);
        if (peek(p, 0) <= 0 || strchr("*+?", peek(p, 0)) != NULL)
                return NULL;
        return byte_node(p, *p->at++);
}

static bool take_number(struct parser *p, uint32_t *ret)
{
        uint32_t sum = 0;

        for (*ret = 0; is_digit(peek(p, 0)); p->at++) {
                sum = sum * 10 + (uint32_t)(peek(p, 0) - '0');
                if (sum > PN_RE_REPEAT_MAX)
                        return false;
        }
        *ret = sum;
        return true;
}

/* "{" begins a quantifier only when all of one stands there; else it is a character. */
static bool is_range(const struct parser *p)
{
        size_t at = 1, digits;

        if (peek(p, 0) != '{')
                return false;
        while (is_digit(peek(p, at)))
                at++;
        digits = at - 1;
        if (peek(p, at) == '}')
                return digits != 0;
        if (peek(p, at++) != ',')
                return false;
        while (is_digit(peek(p, at)))
                at++;
        return peek(p, at) == '}';
}

static bool take_range(struct parser *p, uint32_t *min, uint32_t *max)
{
        p->at++;
        if (!take_number(p, min))
                return false;
        *max = *min;
        if (take(p, ',')) {
                *max = PN_RE_REPEAT_MAX;
                if (peek(p, 0) != '}' && !take_number(p, max))
                        return false;
        }
        return take(p, '}') && *min <= *max;
}

/* *ret_some: there is one. False when it is not understood. */
static bool take_quantifier(struct parser *p, uint32_t *min, uint32_t *max, bool *ret_some)
{
        const bool range = is_range(p);

        *min = *max = 1;
        *ret_some = true;
        if (range) {
                if (!take_range(p, min, max))
                        return false;
        } else if (take(p, '*')) {
                *min = 0;
                *max = PN_RE_REPEAT_MAX;
        } else if (take(p, '+')) {
                *max = PN_RE_REPEAT_MAX;
        } else if (take(p, '?')) {
                *min = 0;
        } else {
                *ret_some = false;
                return true;
        }
        (void)take(p, '?'); /* lazy or greedy makes no difference here */
        return !is_range(p) && (peek(p, 0) <= 0 || strchr("*+?", peek(p, 0)) == NULL);
}

static struct pn_re *parse_repeat(struct parser *p, unsigned depth)
{
        struct pn_re *one, *repeat;
        uint32_t min, max;
        bool some;

        if (is_range(p))
                return NULL;
        one = parse_one(p, depth);
        if (one == NULL || !take_quantifier(p, &min, &max, &some))
                return NULL;
        if (!some)
                return one;
        repeat = node_new(p, PN_RE_REPEAT);
        if (repeat == NULL)
                return NULL;
        repeat->kid = one;
        repeat->min = min;
        repeat->max = max;
        return repeat;
}

/* ---------------------------------------------------------------- rows of them */

static bool ends_cat(const struct parser *p)
{
        return peek(p, 0) < 0 || peek(p, 0) == '|' || peek(p, 0) == ')';
}

static struct pn_re *parse_cat(struct parser *p, unsigned depth)
{
        struct pn_re *cat = node_new(p, PN_RE_CAT), *last = NULL;

        if (cat == NULL)
                return NULL;
        while (!ends_cat(p)) {
                struct pn_re *re = parse_repeat(p, depth);

                if (re == NULL)
                        return NULL;
                if (last != NULL && last->kind == PN_RE_BYTES && re->kind == PN_RE_BYTES) {
                        last->len += re->len; /* its byte was written right behind */
                        p->nodes--;
                        continue;
                }
                *(last == NULL ? &cat->kid : &last->next) = re;
                last = re;
        }
        return cat;
}

static struct pn_re *parse_alt(struct parser *p, unsigned depth)
{
        struct pn_re *alt, *last;

        if (depth > PN_YR_DEPTH_MAX)
                return NULL;
        last = parse_cat(p, depth);
        if (last == NULL || peek(p, 0) != '|')
                return last;
        alt = node_new(p, PN_RE_ALT);
        if (alt == NULL)
                return NULL;
        alt->kid = last;
        while (take(p, '|')) {
                last->next = parse_cat(p, depth);
                last = last->next;
                if (last == NULL)
                        return NULL;
        }
        return alt;
}

struct pn_re *pn_re_parse(struct pn_yr_bytes text, bool fold, struct pn_arena *arena)
{
        struct parser p = {.arena = arena, .fold = fold};
        struct pn_re *re;

        if (text.len == 0)
                return NULL;
        p.at = text.data;
        p.end = text.data + text.len;
        p.bytes = pn_arena_get(arena, text.len, 1);
        if (p.bytes == NULL)
                return NULL;
        re = parse_alt(&p, 0);
        return re != NULL && p.at == p.end ? re : NULL;
}
