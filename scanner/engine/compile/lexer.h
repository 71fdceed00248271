/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_LEXER_H
#define PN_COMPILE_LEXER_H

/* YARA source as tokens. They do not depend on where they stand: "{ 0" begins a hex string and "/" a regular
 * expression everywhere, as in libyara's lexer. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/compile/arena.h"
#include "scanner/engine/compile/ast.h"

#define PN_YR_NAME_MAX 128 /* bytes of an identifier (libyara) */

/* Characters that are tokens stand for themselves. */
enum pn_yr_token_kind {
        PN_YR_T_END = 0,
        PN_YR_T_NAME = 256, /* word */
        PN_YR_T_STRING,     /* $a; word, as written; so are the next four */
        PN_YR_T_STRINGS,    /* $a*; without the star */
        PN_YR_T_COUNT,      /* #a */
        PN_YR_T_OFFSET,     /* @a */
        PN_YR_T_LENGTH,     /* !a */
        PN_YR_T_NUMBER,     /* number */
        PN_YR_T_DOUBLE,
        PN_YR_T_TEXT,    /* text */
        PN_YR_T_REGEX,   /* text; number: NOCASE, DOTALL */
        PN_YR_T_HEX,     /* word: what is between the braces */
        PN_YR_T_INT_AT,  /* uint16be; number: bits and the flags below */
        PN_YR_T_INCLUDE, /* word: the path */
        PN_YR_T_DOT_DOT,
        PN_YR_T_LE,
        PN_YR_T_GE,
        PN_YR_T_EQ,
        PN_YR_T_NE,
        PN_YR_T_SHL,
        PN_YR_T_SHR,
        PN_YR_T_ALL, /* keywords from here */
        PN_YR_T_AND,
        PN_YR_T_ANY,
        PN_YR_T_ASCII,
        PN_YR_T_AT,
        PN_YR_T_BASE64,
        PN_YR_T_BASE64WIDE,
        PN_YR_T_CONDITION,
        PN_YR_T_CONTAINS,
        PN_YR_T_DEFINED,
        PN_YR_T_ENDSWITH,
        PN_YR_T_ENTRYPOINT,
        PN_YR_T_FALSE,
        PN_YR_T_FILESIZE,
        PN_YR_T_FOR,
        PN_YR_T_FULLWORD,
        PN_YR_T_GLOBAL,
        PN_YR_T_ICONTAINS,
        PN_YR_T_IENDSWITH,
        PN_YR_T_IEQUALS,
        PN_YR_T_IMPORT,
        PN_YR_T_IN,
        PN_YR_T_ISTARTSWITH,
        PN_YR_T_MATCHES,
        PN_YR_T_META,
        PN_YR_T_NOCASE,
        PN_YR_T_NONE,
        PN_YR_T_NOT,
        PN_YR_T_OF,
        PN_YR_T_OR,
        PN_YR_T_PRIVATE,
        PN_YR_T_RULE,
        PN_YR_T_STARTSWITH,
        PN_YR_T_SECTION_STRINGS,
        PN_YR_T_THEM,
        PN_YR_T_TRUE,
        PN_YR_T_WIDE,
        PN_YR_T_XOR,
};

#define PN_YR_INT_AT_BITS 0x0ff
#define PN_YR_INT_AT_SIGNED 0x100
#define PN_YR_INT_AT_BIG 0x200

struct pn_yr_token {
        int kind;
        struct pn_yr_place place;
        size_t begin, end; /* in the source */
        int64_t number;
        const char *word; /* in the source */
        uint32_t word_len;
        struct pn_yr_bytes text; /* in the arena */
};

struct pn_yr_lexer {
        const char *name; /* of the file */
        const char *text;
        size_t len, at, line_begin;
        uint32_t file, line;
        struct pn_arena *arena; /* NULL: tokens come without `text` */
        bool open_comment;      /* the file ended in one */
};

void pn_yr_lexer_open(struct pn_yr_lexer *lexer, const struct pn_yr_source *source, uint32_t file,
                      struct pn_arena *arena);

/* The next token; PN_YR_T_END at the end, again and again. Returns 0, or -1 as pn_yr_parse() does. */
int pn_yr_lexer_next(struct pn_yr_lexer *lexer, struct pn_yr_token *ret, struct pn_err *err);

struct pn_yr_place pn_yr_lexer_place(const struct pn_yr_lexer *lexer, size_t at);

/* "<file>:<line>:<column>: <message>". pn_yr_refuse() is -1: a macro, so that analyzers know it. */
void pn_yr_refuse_fill(struct pn_err *err, const char *name, struct pn_yr_place place, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
#define pn_yr_refuse(...) (pn_yr_refuse_fill(__VA_ARGS__), -1)

#endif
