/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/lexer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/text.h"

static const struct keyword {
        const char *word;
        int kind;
} keywords[] = {
        /* sorted */
        {"all", PN_YR_T_ALL},
        {"and", PN_YR_T_AND},
        {"any", PN_YR_T_ANY},
        {"ascii", PN_YR_T_ASCII},
        {"at", PN_YR_T_AT},
        {"base64", PN_YR_T_BASE64},
        {"base64wide", PN_YR_T_BASE64WIDE},
        {"condition", PN_YR_T_CONDITION},
        {"contains", PN_YR_T_CONTAINS},
        {"defined", PN_YR_T_DEFINED},
        {"endswith", PN_YR_T_ENDSWITH},
        {"entrypoint", PN_YR_T_ENTRYPOINT},
        {"false", PN_YR_T_FALSE},
        {"filesize", PN_YR_T_FILESIZE},
        {"for", PN_YR_T_FOR},
        {"fullword", PN_YR_T_FULLWORD},
        {"global", PN_YR_T_GLOBAL},
        {"icontains", PN_YR_T_ICONTAINS},
        {"iendswith", PN_YR_T_IENDSWITH},
        {"iequals", PN_YR_T_IEQUALS},
        {"import", PN_YR_T_IMPORT},
        {"in", PN_YR_T_IN},
        {"istartswith", PN_YR_T_ISTARTSWITH},
        {"matches", PN_YR_T_MATCHES},
        {"meta", PN_YR_T_META},
        {"nocase", PN_YR_T_NOCASE},
        {"none", PN_YR_T_NONE},
        {"not", PN_YR_T_NOT},
        {"of", PN_YR_T_OF},
        {"or", PN_YR_T_OR},
        {"private", PN_YR_T_PRIVATE},
        {"rule", PN_YR_T_RULE},
        {"startswith", PN_YR_T_STARTSWITH},
        {"strings", PN_YR_T_SECTION_STRINGS},
        {"them", PN_YR_T_THEM},
        {"true", PN_YR_T_TRUE},
        {"wide", PN_YR_T_WIDE},
        {"xor", PN_YR_T_XOR},
};

static const struct {
        char text[3];
        int kind;
} pairs[] = {
        {"..", PN_YR_T_DOT_DOT}, {"<=", PN_YR_T_LE},  {">=", PN_YR_T_GE},  {"==", PN_YR_T_EQ},
        {"!=", PN_YR_T_NE},      {"<<", PN_YR_T_SHL}, {">>", PN_YR_T_SHR},
};

void pn_yr_refuse_fill(struct pn_err *err, const char *name, struct pn_yr_place place, const char *fmt, ...)
{
        char reason[PN_ERR_TEXT_MAX], file[100];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(reason, sizeof(reason), fmt, ap);
        va_end(ap);
        (void)pn_text_escape(file, sizeof(file), name, strlen(name));
        pn_err_fill(err, PN_FAULT_CONFIG, 0, "%s:%u:%u: %s", file, place.line, place.column, reason);
}

void pn_yr_lexer_open(struct pn_yr_lexer *lexer, const struct pn_yr_source *source, uint32_t file,
                      struct pn_arena *arena)
{
        *lexer = (struct pn_yr_lexer){.name = source->name,
                                      .text = source->text ? source->text : "",
                                      .len = source->len,
                                      .file = file,
                                      .line = 1,
                                      .arena = arena};
}

struct pn_yr_place pn_yr_lexer_place(const struct pn_yr_lexer *lexer, size_t at)
{
        size_t column = at - lexer->line_begin + 1;

        return (struct pn_yr_place){lexer->file, lexer->line,
                                    column > UINT32_MAX ? UINT32_MAX : (uint32_t)column};
}

#define refuse_at(lexer, at, err, ...)                                                                       \
        pn_yr_refuse(err, (lexer)->name, pn_yr_lexer_place(lexer, at), __VA_ARGS__)

static bool is_digit(char c)
{
        return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
        return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_letter(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_hex(char c)
{
        return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static unsigned hex_value(char c)
{
        return is_digit(c) ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a') + 10;
}

/* The byte `ahead` of here, NUL behind the end (a NUL in the source is refused wherever it stands). */
static char peek(const struct pn_yr_lexer *lexer, size_t ahead)
{
        return lexer->len - lexer->at > ahead ? lexer->text[lexer->at + ahead] : '\0';
}

static void count_lines(struct pn_yr_lexer *lexer, size_t begin, size_t end)
{
        const char *at = lexer->text + begin, *stop = lexer->text + end;

        while (at < stop && (at = memchr(at, '\n', (size_t)(stop - at)))) {
                at++;
                lexer->line++;
                lexer->line_begin = (size_t)(at - lexer->text);
        }
}

/* Where the comment that begins at `at` ends; SIZE_MAX when it does not, or when none begins there. */
static size_t comment_end(const struct pn_yr_lexer *lexer, size_t at)
{
        const char *found;

        if (lexer->len - at < 2 || lexer->text[at] != '/')
                return SIZE_MAX;
        if (lexer->text[at + 1] == '/') {
                found = memchr(lexer->text + at, '\n', lexer->len - at);
                return found ? (size_t)(found - lexer->text) : lexer->len;
        }
        if (lexer->text[at + 1] != '*')
                return SIZE_MAX;
        found = memmem(lexer->text + at + 2, lexer->len - at - 2, "*/", 2);
        return found ? (size_t)(found - lexer->text) + 2 : SIZE_MAX;
}

/* Blanks and comments. One that does not end is the end of the file, as in libyara. */
static void skip(struct pn_yr_lexer *lexer)
{
        for (;;) {
                size_t begin = lexer->at, end;

                while (is_blank(peek(lexer, 0)))
                        lexer->at++;
                count_lines(lexer, begin, lexer->at);
                if (peek(lexer, 0) != '/' || (peek(lexer, 1) != '/' && peek(lexer, 1) != '*'))
                        return;
                end = comment_end(lexer, lexer->at);
                if (end == SIZE_MAX) {
                        lexer->open_comment = true;
                        end = lexer->len;
                }
                count_lines(lexer, lexer->at, end);
                lexer->at = end;
        }
}

static void take(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, int kind, size_t len)
{
        ret->kind = kind;
        lexer->at += len;
}

static int by_word(const void *key, const void *row)
{
        const struct pn_yr_token *token = key;
        const char *word = ((const struct keyword *)row)->word;
        int order = strncmp(token->word, word, token->word_len);

        return order ? order : -(int)(word[token->word_len] != '\0');
}

/* [u]int(8|16|32)[be] */
static bool is_int_at(const struct pn_yr_token *token, int64_t *ret)
{
        static const char *const sizes[] = {"8", "16", "32"};
        const char *word = token->word, *end = word + token->word_len;
        int64_t number = PN_YR_INT_AT_SIGNED;

        if (word < end && *word == 'u') {
                number = 0;
                word++;
        }
        if (end - word < 4 || memcmp(word, "int", 3) != 0)
                return false;
        word += 3;
        if (end - word >= 2 && memcmp(end - 2, "be", 2) == 0) {
                number |= PN_YR_INT_AT_BIG;
                end -= 2;
        }
        for (unsigned i = 0; i < 3; i++)
                if ((size_t)(end - word) == strlen(sizes[i]) &&
                    memcmp(word, sizes[i], strlen(sizes[i])) == 0) {
                        *ret = number | (8 << i);
                        return true;
                }
        return false;
}

/* `include`, blanks, a path in quotes: anything else is the name "include". Returns 1 when it is one. */
static int lex_include(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err)
{
        size_t at = ret->begin + 7;
        const char *end;

        while (at < lexer->len && (lexer->text[at] == ' ' || lexer->text[at] == '\t'))
                at++;
        if (at == ret->begin + 7 || at >= lexer->len || lexer->text[at] != '"')
                return 0;
        at++;
        end = memchr(lexer->text + at, '"', lexer->len - at);
        if (!end || memchr(lexer->text + at, '\n', (size_t)(end - lexer->text) - at))
                return refuse_at(lexer, at - 1, err, "unterminated path");
        ret->word = lexer->text + at;
        ret->word_len = (uint32_t)(end - ret->word);
        ret->kind = PN_YR_T_INCLUDE;
        lexer->at = (size_t)(end - lexer->text) + 1;
        return 1;
}

static int lex_word(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err)
{
        size_t len = 1;
        const void *found;
        int including = 0;

        while (is_letter(peek(lexer, len)) || is_digit(peek(lexer, len)))
                len++;
        if (len > PN_YR_NAME_MAX)
                return refuse_at(lexer, lexer->at, err, "identifier is longer than %d bytes", PN_YR_NAME_MAX);
        ret->word = lexer->text + lexer->at;
        ret->word_len = (uint32_t)len;
        if (len == 7 && memcmp(ret->word, "include", 7) == 0)
                including = lex_include(lexer, ret, err);
        if (including)
                return including < 0 ? -1 : 0;
        take(lexer, ret, PN_YR_T_NAME, len);
        found = bsearch(ret, keywords, sizeof(keywords) / sizeof(keywords[0]), sizeof(keywords[0]), by_word);
        if (found)
                ret->kind = *(const int *)((const char *)found + offsetof(typeof(keywords[0]), kind));
        else if (is_int_at(ret, &ret->number))
                ret->kind = PN_YR_T_INT_AT;
        return 0;
}

/* Digits of a base; false when they say more than 63 bits can. */
static bool number_of(const char *digits, size_t len, unsigned base, int64_t *ret)
{
        int64_t value = 0;

        for (size_t i = 0; i < len; i++)
                if (__builtin_mul_overflow(value, (int64_t)base, &value) ||
                    __builtin_add_overflow(value, (int64_t)hex_value(digits[i]), &value))
                        return false;
        *ret = value;
        return true;
}

/* 10, 10KB, 10MB, 0x1f, 0o17, 1.5 */
static int lex_number(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err)
{
        const char *begin = lexer->text + lexer->at;
        char second = peek(lexer, 0) == '0' ? peek(lexer, 1) : '\0';
        size_t len = 0;
        int64_t unit = 1;
        bool fits;

        ret->kind = PN_YR_T_NUMBER;
        if ((second == 'x' && is_hex(peek(lexer, 2))) ||
            (second == 'o' && peek(lexer, 2) >= '0' && peek(lexer, 2) <= '7')) {
                for (len = 2; second == 'x' ? is_hex(peek(lexer, len))
                                            : peek(lexer, len) >= '0' && peek(lexer, len) <= '7';)
                        len++;
                fits = number_of(begin + 2, len - 2, second == 'x' ? 16 : 8, &ret->number);
        } else {
                while (is_digit(peek(lexer, len)))
                        len++;
                fits = number_of(begin, len, 10, &ret->number);
                if (peek(lexer, len) == '.' && is_digit(peek(lexer, len + 1))) {
                        for (len++; is_digit(peek(lexer, len));)
                                len++;
                        take(lexer, ret, PN_YR_T_DOUBLE, len);
                        return 0;
                }
                if ((peek(lexer, len) == 'K' || peek(lexer, len) == 'M') && peek(lexer, len + 1) == 'B') {
                        unit = peek(lexer, len) == 'K' ? 1024 : 1048576;
                        len += 2;
                }
        }
        if (!fits || __builtin_mul_overflow(ret->number, unit, &ret->number))
                return refuse_at(lexer, lexer->at, err, "integer overflow in \"%.*s\"",
                                 len > 40 ? 40 : (int)len, begin);
        lexer->at += len;
        return 0;
}

/* Room for `len` decoded bytes of a token; NULL in ret->text.data when nobody wants them. */
static int text_room(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, size_t len, uint8_t **ret_room,
                     struct pn_err *err)
{
        if (len > PN_YR_TEXT_MAX)
                return refuse_at(lexer, lexer->at, err, "text is longer than %u bytes", PN_YR_TEXT_MAX);
        *ret_room = lexer->arena ? pn_arena_get(lexer->arena, len + 1, 1) : NULL;
        if (lexer->arena && !*ret_room)
                return pn_err_set(err, PN_FAULT_HOST, 0, "%s: no memory for the rules", lexer->name);
        ret->text = (struct pn_yr_bytes){*ret_room, (uint32_t)len};
        return 0;
}

/* Bytes of the escape at `at`, its value; 0 when there is no such escape. */
static unsigned escape(const char *at, size_t len, uint8_t *ret)
{
        static const char names[] = "tnr\"\\", values[] = "\t\n\r\"\\";
        const char *found = len >= 2 && at[1] ? strchr(names, at[1]) : NULL;

        if (found) {
                *ret = (uint8_t)values[found - names];
                return 2;
        }
        if (len < 4 || at[1] != 'x' || !is_hex(at[2]) || !is_hex(at[3]))
                return 0;
        *ret = (uint8_t)(hex_value(at[2]) << 4 | hex_value(at[3]));
        return 4;
}

static int lex_text(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err)
{
        const char *text = lexer->text;
        size_t end = lexer->at + 1, len = 0;
        uint8_t *room, byte;

        for (; end < lexer->len && text[end] != '"' && text[end] != '\n'; len++) {
                unsigned size = text[end] == '\\' ? escape(text + end, lexer->len - end, &byte) : 1;

                if (size == 0)
                        return refuse_at(lexer, end, err, "illegal escape sequence");
                end += size;
        }
        if (end >= lexer->len || text[end] != '"')
                return refuse_at(lexer, lexer->at, err, "unterminated string");
        if (text_room(lexer, ret, len, &room, err) < 0)
                return -1;
        for (size_t at = lexer->at + 1; room && at < end;) {
                byte = (uint8_t)text[at];
                at += text[at] == '\\' ? escape(text + at, end - at, &byte) : 1;
                *room++ = byte;
        }
        take(lexer, ret, PN_YR_T_TEXT, end + 1 - lexer->at);
        return 0;
}

/* As written, but for the slashes' backslashes. */
static int lex_regex(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err)
{
        const char *text = lexer->text;
        size_t end = lexer->at + 1, len = 0;
        uint8_t *room;

        for (; end < lexer->len && text[end] != '/' && text[end] != '\n'; end++, len++) {
                if (text[end] != '\\')
                        continue;
                if (lexer->len - end < 2 || text[end + 1] == '\n')
                        break;
                len += text[++end] != '/';
        }
        if (end >= lexer->len || text[end] != '/')
                return refuse_at(lexer, lexer->at, err, "unterminated regular expression");
        if (text_room(lexer, ret, len, &room, err) < 0)
                return -1;
        for (size_t at = lexer->at + 1; room && at < end; at++) {
                if (text[at] == '\\' && text[++at] != '/')
                        *room++ = '\\';
                *room++ = (uint8_t)text[at];
        }
        take(lexer, ret, PN_YR_T_REGEX, end + 1 - lexer->at);
        ret->number = 0;
        if (peek(lexer, 0) == 'i') {
                ret->number |= PN_YR_NOCASE;
                lexer->at++;
        }
        if (peek(lexer, 0) == 's') {
                ret->number |= PN_YR_DOTALL;
                lexer->at++;
        }
        return 0;
}

/* A brace that nothing but hex, blanks and comments separates from the closing one is a hex string. One that
 * a line comment hides still ends it for libyara, when no other does. */
static int lex_brace(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err)
{
        const char *text = lexer->text;
        size_t at = lexer->at + 1, end;
        bool hidden = false;

        while (at < lexer->len && text[at] != '}') {
                if (text[at] == '/') {
                        end = comment_end(lexer, at);
                        if (end == SIZE_MAX)
                                break;
                        hidden = hidden || (text[at + 1] == '/' && memchr(text + at, '}', end - at));
                        at = end;
                } else if (is_hex(text[at]) || (text[at] && strchr(" \t\r\n-|?[]()~", text[at]))) {
                        at++;
                } else {
                        break;
                }
        }
        if (at < lexer->len && text[at] == '}' && at > lexer->at + 1) {
                ret->word = text + lexer->at + 1;
                ret->word_len = at - lexer->at - 1 > UINT32_MAX ? UINT32_MAX : (uint32_t)(at - lexer->at - 1);
                count_lines(lexer, lexer->at, at);
                take(lexer, ret, PN_YR_T_HEX, at + 1 - lexer->at);
                return 0;
        }
        if (hidden)
                return refuse_at(lexer, lexer->at, err, "a comment holds the closing brace");
        take(lexer, ret, '{', 1);
        return 0;
}

/* $a, $a*, #a, @a, !a */
static int lex_reference(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err)
{
        static const char signs[] = "$#@!";
        static const int kinds[] = {PN_YR_T_STRING, PN_YR_T_COUNT, PN_YR_T_OFFSET, PN_YR_T_LENGTH};
        size_t len = 1;

        while (is_letter(peek(lexer, len)) || is_digit(peek(lexer, len)))
                len++;
        if (len > PN_YR_TEXT_MAX)
                return refuse_at(lexer, lexer->at, err, "name is longer than %u bytes", PN_YR_TEXT_MAX);
        ret->word = lexer->text + lexer->at;
        ret->word_len = (uint32_t)len;
        take(lexer, ret, kinds[strchr(signs, *ret->word) - signs], len);
        if (ret->kind == PN_YR_T_STRING && peek(lexer, 0) == '*')
                take(lexer, ret, PN_YR_T_STRINGS, 1);
        return 0;
}

static int lex_sign(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err)
{
        char sign = peek(lexer, 0);

        for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
                if (sign == pairs[i].text[0] && peek(lexer, 1) == pairs[i].text[1]) {
                        take(lexer, ret, pairs[i].kind, 2);
                        return 0;
                }
        if (sign < 32 || sign == 127)
                return refuse_at(lexer, lexer->at, err, "byte 0x%02x outside of a string",
                                 (unsigned)(uint8_t)sign);
        if (strchr("$#@!", sign))
                return lex_reference(lexer, ret, err);
        take(lexer, ret, sign, 1);
        return 0;
}

int pn_yr_lexer_next(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err)
{
        char first;
        int r;

        skip(lexer);
        *ret = (struct pn_yr_token){.place = pn_yr_lexer_place(lexer, lexer->at), .begin = lexer->at};
        if (lexer->at == lexer->len) {
                ret->end = lexer->at;
                return 0;
        }
        first = peek(lexer, 0);
        if (is_letter(first))
                r = lex_word(lexer, ret, err);
        else if (is_digit(first))
                r = lex_number(lexer, ret, err);
        else if (first == '"')
                r = lex_text(lexer, ret, err);
        else if (first == '/')
                r = lex_regex(lexer, ret, err);
        else if (first == '{')
                r = lex_brace(lexer, ret, err);
        else
                r = lex_sign(lexer, ret, err);
        ret->end = lexer->at;
        return r;
}
