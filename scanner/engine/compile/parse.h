/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_PARSE_H
#define PN_COMPILE_PARSE_H

/* What the files of the parser share (parse.c, include.c, parse_rule.c, parse_hex.c, parse_expr.c,
 * parse_set.c, scope.c); nobody else includes this. Recursive descent with one token ahead. Everything
 * returns 0, or -1 with `err` filled. */

#include "scanner/engine/compile/lexer.h"
#include "scanner/engine/compile/lookup.h"

#define PN_YR_INCLUDE_MAX 16U /* files that are open at once (libyara: YR_MAX_INCLUDE_DEPTH) */
#define PN_YR_INCLUDE_BYTES_MAX                                                                              \
        (256UL << 20)           /* read through includes in all: a file may be included again and again */
#define PN_YR_LOOPS_MAX 4U      /* loops in loops (libyara: YR_MAX_LOOP_NESTING) */
#define PN_YR_LOOP_NAMES_MAX 2U /* variables of one loop (libyara: YR_MAX_LOOP_VARS) */
#define PN_YR_MEMBERS_MAX (1U << 20) /* strings or rules of one `of`, doubles counted */

/* A stack of things of one size while their number is not known yet. */
struct pn_yr_pile {
        void *item;
        uint32_t count, room;
};

/* Kinds of names in the lookups. */
enum pn_yr_name_kind {
        PN_YR_NAME_RULE = 1, /* of the namespace: index in the set */
        PN_YR_NAME_PREFIX,   /* of the namespace: `a*` was used in a set of rules */
        PN_YR_NAME_MODULE,   /* of the namespace: index in `module` */
        PN_YR_NAME_STRING,   /* of the rule: index of its first string of that name */
        PN_YR_NAME_PATH,     /* of the set: index of the file */
        PN_YR_NAME_IMPORT,   /* of the set, and above: PN_YR_NAME_IMPORT + file: it imports that */
};

struct pn_yr_module {
        const char *name;
        uint32_t rule; /* the last one that used it, plus 1 */
};

struct pn_yr_import {
        const char *name;
        struct pn_yr_import *next;
};

struct pn_yr_variable {
        const char *name;
        uint32_t len;
};

struct pn_yr_parser {
        struct pn_yr_set *set;
        struct pn_arena *arena;
        struct pn_err *err;
        const struct pn_yr_source *sources;
        struct pn_yr_import **import; /* of each file, the last one first */
        bool *parsed;                 /* of each file */
        uint32_t open[PN_YR_INCLUDE_MAX], open_count;
        size_t include_bytes;
        struct pn_yr_lexer lexer;
        struct pn_yr_token token;             /* the one ahead */
        size_t behind;                        /* where the token before it ended */
        struct pn_yr_pile rules;              /* struct pn_yr_rule, of the whole set */
        struct pn_yr_pile users;              /* uint32_t, of each rule: the last one that named it, plus 1 */
        struct pn_yr_pile modules;            /* struct pn_yr_module, of the namespace */
        struct pn_yr_pile nodes;              /* struct pn_yr_expr *, lists being read */
        struct pn_yr_pile numbers;            /* uint32_t, members being read */
        struct pn_yr_pile needs;              /* uint32_t, of the rule */
        struct pn_yr_pile used;               /* const char *, modules of the rule */
        struct pn_yr_pile strings;            /* struct pn_yr_string, of the rule */
        struct pn_yr_pile metas;              /* struct pn_yr_meta, of the rule */
        struct pn_lookup files, names, local; /* of the set, the namespace, the rule */
        uint32_t space, space_rule;           /* its file and its first rule */
        struct pn_yr_rule rule;               /* being read; its index is rules.count */
        bool *referenced;                     /* of each of its strings */
        uint32_t *them;                       /* all of its strings, when somebody asked */
        struct pn_yr_variable variable[PN_YR_LOOPS_MAX * PN_YR_LOOP_NAMES_MAX];
        uint32_t variable_count, loops, depth;
        bool in_for_of;
        bool has_prefixes; /* the namespace has a PN_YR_NAME_PREFIX */
};

/* ---- parse.c */
int pn_yr_next(struct pn_yr_parser *parser);
/* These three are -1: macros, so that analyzers know it. */
void pn_yr_fail_fill(struct pn_yr_parser *parser, struct pn_yr_place place, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
void pn_yr_unexpected_fill(struct pn_yr_parser *parser, const char *wanted);
void pn_yr_no_memory_fill(struct pn_yr_parser *parser);
#define pn_yr_fail(...) (pn_yr_fail_fill(__VA_ARGS__), -1)
#define pn_yr_unexpected(parser, wanted) (pn_yr_unexpected_fill(parser, wanted), -1)
#define pn_yr_no_memory(parser) (pn_yr_no_memory_fill(parser), -1)
int pn_yr_expect(struct pn_yr_parser *parser, int kind, const char *wanted);
static inline bool pn_yr_is(const struct pn_yr_parser *parser, int kind)
{
        return parser->token.kind == kind;
}
int pn_yr_enter(struct pn_yr_parser *parser); /* one deeper; the caller leaves by parser->depth-- */
int pn_yr_push(struct pn_yr_parser *parser, struct pn_yr_pile *pile, const void *item, size_t size);
int pn_yr_push_pointer(struct pn_yr_parser *parser, struct pn_yr_pile *pile, const void *pointer);
/* What is on top of `mark`, as an array in the arena; the pile is `mark` high again. */
int pn_yr_take(struct pn_yr_parser *parser, struct pn_yr_pile *pile, uint32_t mark, size_t size, void *ret,
               uint32_t *ret_count);
int pn_yr_word(struct pn_yr_parser *parser, const char **ret); /* the token's, in the arena */

/* ---- include.c */
int pn_yr_find_includes(struct pn_yr_parser *parser);
int pn_yr_include(struct pn_yr_parser *parser, const struct pn_yr_token *token, uint32_t *ret_file);

/* ---- parse_rule.c, parse_hex.c */
int pn_yr_parse_rule(struct pn_yr_parser *parser);
int pn_yr_parse_hex(struct pn_yr_parser *parser, const struct pn_yr_token *token, struct pn_yr_hex **ret);

/* ---- parse_expr.c */
int pn_yr_node(struct pn_yr_parser *parser, enum pn_yr_expr_kind kind, struct pn_yr_place place,
               struct pn_yr_expr **ret);
int pn_yr_measure(struct pn_yr_parser *parser,
                  struct pn_yr_expr *expr); /* its height, once its parts are known */
int pn_yr_parse_expr(struct pn_yr_parser *parser, struct pn_yr_expr **ret);
int pn_yr_parse_value(struct pn_yr_parser *parser,
                      struct pn_yr_expr **ret); /* what has a value and is not a test */

/* ---- parse_set.c */
int pn_yr_parse_range(struct pn_yr_parser *parser, struct pn_yr_expr **ret_low, struct pn_yr_expr **ret_high);
/* From `of` on; `count` is NULL for all, any, none. */
int pn_yr_parse_of(struct pn_yr_parser *parser, struct pn_yr_place place, enum pn_yr_quantifier quantifier,
                   struct pn_yr_expr *count, struct pn_yr_expr **ret);
int pn_yr_parse_for(struct pn_yr_parser *parser, struct pn_yr_expr **ret);
bool pn_yr_quantifier_word(const struct pn_yr_parser *parser, enum pn_yr_quantifier *ret);

/* ---- scope.c */
int pn_yr_import(struct pn_yr_parser *parser, const struct pn_yr_token *token);
int pn_yr_declare_rule(struct pn_yr_parser *parser, const struct pn_yr_token *token);
int pn_yr_need_rule(struct pn_yr_parser *parser, uint32_t rule);
int pn_yr_find_string(struct pn_yr_parser *parser, const struct pn_yr_token *token, uint32_t *ret);
int pn_yr_push_strings(struct pn_yr_parser *parser, const struct pn_yr_token *token);
int pn_yr_push_rules(struct pn_yr_parser *parser, const struct pn_yr_token *token, bool wildcard);
int pn_yr_all_strings(struct pn_yr_parser *parser, struct pn_yr_place place, struct pn_yr_expr *expr);
int pn_yr_declare_variable(struct pn_yr_parser *parser, const struct pn_yr_token *token);
int pn_yr_parse_identifier(struct pn_yr_parser *parser, struct pn_yr_expr **ret);

#endif
