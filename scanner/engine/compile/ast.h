/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_AST_H
#define PN_COMPILE_AST_H

/* What a set of YARA rules says, as a tree. The language is the one of libyara 4.2 to 4.5 (yara.readthedocs.io,
 * "Writing YARA rules"; grammar.y, lexer.l, hex_grammar.y of libyara). Everything lives in the set's arena and dies with
 * it; nothing points into the source but `source` of a file. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"

#define PN_YR_FILES_MAX   16384U      /* files of one set, included ones too */
#define PN_YR_RULES_MAX   (1U << 18)  /* rules of one set */
#define PN_YR_STRINGS_MAX 10000U      /* strings of one rule (libyara: max_strings_per_rule) */
#define PN_YR_DEPTH_MAX   100U        /* of nested expressions, hex alternatives and includes (libyara: 16 includes, 4 loops) */
#define PN_YR_HEIGHT_MAX  1000U       /* of an expression's tree, so that who walks it may recurse; a sum is as high as long */
#define PN_YR_TEXT_MAX    (1U << 16)  /* bytes of one string, literal or expression's text; tokens of a hex string */
#define PN_YR_SOURCE_MAX  (1U << 28)  /* bytes of one file */

struct pn_arena;

/* Where something stands; columns count bytes from 1. */
struct pn_yr_place {
        uint32_t file, line, column;
};

struct pn_yr_bytes {
        const uint8_t *data; /* decoded; may hold NULs */
        uint32_t len;
};

/* ---------------------------------------------------------------- strings */

enum pn_yr_string_kind { PN_YR_TEXT = 1, PN_YR_HEX, PN_YR_REGEX };

#define PN_YR_ASCII      0x001U /* also set when neither ascii nor wide was written; never on hex strings */
#define PN_YR_WIDE       0x002U
#define PN_YR_NOCASE     0x004U /* of a regular expression also its own /i */
#define PN_YR_FULLWORD   0x008U
#define PN_YR_PRIVATE    0x010U
#define PN_YR_XOR        0x020U
#define PN_YR_BASE64     0x040U
#define PN_YR_BASE64WIDE 0x080U
#define PN_YR_DOTALL     0x100U /* the regular expression's /s */
#define PN_YR_ANONYMOUS  0x200U /* written as `$ =` */

enum pn_yr_hex_kind { PN_YR_HEX_BYTE = 1, PN_YR_HEX_JUMP, PN_YR_HEX_ALT };

/* One token of a hex string; `next` is the one behind it. */
struct pn_yr_hex {
        enum pn_yr_hex_kind kind;
        uint8_t value, mask;    /* BYTE: matches b when (b & mask) == value; `??` has mask 0 */
        bool negated;           /* BYTE: `~`, matches when it does not (libyara 4.3) */
        uint32_t min, max;      /* JUMP: bytes; max UINT32_MAX: no end */
        struct pn_yr_hex **alt; /* ALT: heads of the alternatives */
        uint32_t alt_count;
        struct pn_yr_hex *next;
};

struct pn_yr_string {
        enum pn_yr_string_kind kind;
        const char *name; /* with "$"; of anonymous ones made up: "$" */
        uint32_t flags;
        uint8_t xor_min, xor_max;
        const char *alphabet;     /* of base64: 64 bytes, or NULL for the usual one */
        struct pn_yr_bytes text;  /* TEXT: decoded. REGEX: between the slashes, as written but for `\/` */
        struct pn_yr_hex *hex;    /* HEX */
        struct pn_yr_place place;
};

/* ---------------------------------------------------------------- expressions */

enum pn_yr_expr_kind {
        PN_YR_E_BOOL = 1, /* number */
        PN_YR_E_INT,      /* number */
        PN_YR_E_DOUBLE,
        PN_YR_E_TEXT,     /* text */
        PN_YR_E_REGEX,    /* text, number: pn_yr flags NOCASE, DOTALL */
        PN_YR_E_FILESIZE,
        PN_YR_E_ENTRYPOINT,
        PN_YR_E_STRING,    /* string, or NONE for `$` of a for..of */
        PN_YR_E_STRING_AT, /* string; a: offset */
        PN_YR_E_STRING_IN, /* string; a, b: range, both ends in it */
        PN_YR_E_COUNT,     /* string */
        PN_YR_E_COUNT_IN,  /* string; a, b */
        PN_YR_E_OFFSET,    /* string; a: index from 1, NULL: the first */
        PN_YR_E_LENGTH,    /* string; a */
        PN_YR_E_INT_AT,    /* bits, is_signed, big_endian; a: offset. intXX(), uintXXbe() */
        PN_YR_E_EXTERNAL,  /* text: name of an external variable */
        PN_YR_E_RULE,      /* rule: index in the set; a rule's own: false, its verdict is not there yet */
        PN_YR_E_VARIABLE,  /* of a loop; text: its name; list: as of a module's, when it is a structure or a dictionary */
        PN_YR_E_MODULE,    /* anything that begins with the name of an imported module; text: that name; list: arguments
                              and indexes in it, in any order */
        PN_YR_E_NOT,
        PN_YR_E_DEFINED,
        PN_YR_E_NEGATIVE,
        PN_YR_E_BIT_NOT,
        PN_YR_E_AND, /* list: two or more, flattened */
        PN_YR_E_OR,  /* list */
        PN_YR_E_LT,  /* a, b; from here to IEQUALS */
        PN_YR_E_LE,
        PN_YR_E_GT,
        PN_YR_E_GE,
        PN_YR_E_EQ,
        PN_YR_E_NE,
        PN_YR_E_ADD,
        PN_YR_E_SUB,
        PN_YR_E_MUL,
        PN_YR_E_DIV,
        PN_YR_E_MOD,
        PN_YR_E_BIT_AND,
        PN_YR_E_BIT_OR,
        PN_YR_E_BIT_XOR,
        PN_YR_E_SHL,
        PN_YR_E_SHR,
        PN_YR_E_CONTAINS,
        PN_YR_E_ICONTAINS,
        PN_YR_E_STARTSWITH,
        PN_YR_E_ISTARTSWITH,
        PN_YR_E_ENDSWITH,
        PN_YR_E_IENDSWITH,
        PN_YR_E_IEQUALS,
        PN_YR_E_MATCHES,
        PN_YR_E_OF,     /* quantifier; strings or rules; a, b: `in` range or NULL; at: `at` offset (libyara 4.3) or NULL */
        PN_YR_E_FOR_OF, /* quantifier; strings or rules; body */
        PN_YR_E_FOR_IN, /* quantifier; list: the iterator's expressions (range: two, `range`); body */
};

enum pn_yr_quantifier {
        PN_YR_Q_ALL = 1,
        PN_YR_Q_ANY,
        PN_YR_Q_NONE,
        PN_YR_Q_NUMBER,  /* `count` of them */
        PN_YR_Q_PERCENT, /* `count` % of them */
};

#define PN_YR_NO_STRING UINT32_MAX

struct pn_yr_expr {
        enum pn_yr_expr_kind kind;
        struct pn_yr_place place;
        int64_t number;
        struct pn_yr_bytes text;
        uint32_t string; /* index in the rule's strings */
        uint32_t rule;   /* index in the set */
        uint8_t bits;
        bool is_signed, big_endian;
        bool range; /* FOR_IN: list is low and high */
        struct pn_yr_expr *a, *b, *at;
        struct pn_yr_expr **list;
        uint32_t list_count;
        enum pn_yr_quantifier quantifier;
        struct pn_yr_expr *count;
        uint32_t *member; /* OF, FOR_OF: wildcards resolved; indexes of strings, or of rules when `of_rules` (the rule's own
                             among them: false). Doubles stay: libyara counts what is named twice twice */
        uint32_t member_count;
        bool of_rules;
        struct pn_yr_expr *body;
        uint32_t height; /* 1 without parts */
};

/* ---------------------------------------------------------------- rules, files, the set */

enum pn_yr_meta_kind { PN_YR_META_TEXT = 1, PN_YR_META_INT, PN_YR_META_BOOL };

struct pn_yr_meta {
        const char *name;
        enum pn_yr_meta_kind kind;
        struct pn_yr_bytes text; /* NUL-terminated behind `len` */
        int64_t number;
};

#define PN_YR_RULE_PRIVATE 1U
#define PN_YR_RULE_GLOBAL  2U

struct pn_yr_rule {
        const char *name;
        uint32_t flags;
        uint32_t space; /* namespace: index of the file that was given, whatever it includes */
        struct pn_yr_place place;
        size_t begin, end; /* of its text (modifiers too) in the file of `place` */
        const char **tag;
        uint32_t tag_count;
        struct pn_yr_meta *meta;
        uint32_t meta_count;
        struct pn_yr_string *string;
        uint32_t string_count;
        struct pn_yr_expr *condition;
        uint32_t *needs; /* rules its condition names, without doubles and itself; each index is smaller than its own */
        uint32_t needs_count;
        const char **module; /* that its condition uses */
        uint32_t module_count;
};

struct pn_yr_file {
        const char *name;
        const char *source; /* the caller's, must outlive the set */
        size_t len;
        bool included; /* by another file: it has no namespace of its own */
        const char **import;
        uint32_t import_count; /* of it and of what it includes */
};

struct pn_yr_set {
        struct pn_yr_file *file;
        uint32_t file_count;
        struct pn_yr_rule *rule; /* in the order libyara sees them, namespace by namespace */
        uint32_t rule_count;
        struct pn_arena *arena;
};

struct pn_yr_source {
        const char *name; /* path of the file, for messages and for includes */
        const char *text;
        size_t len;
};

/* Parses files of rules; every one that no other includes is a namespace of its own. `include` names one of the files
 * that were given: its path is taken relative to the including file's directory, and "." and ".." are resolved as text;
 * anything else is refused. External variables are those of scanner/engine/names.h.
 * Returns 0 with *ret to be freed by pn_yr_free(), or -1 with PN_FAULT_CONFIG and "<file>:<line>:<column>: <reason>"
 * (PN_FAULT_HOST when memory ran out). Accepts what libyara accepts; where it accepts more (a type libyara would refuse),
 * libyara's own compiler says no later, and says where. */
int pn_yr_parse(const struct pn_yr_source *sources, uint32_t count, struct pn_yr_set *ret, struct pn_err *err);
void pn_yr_free(struct pn_yr_set *set);

#endif
