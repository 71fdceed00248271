/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_REGEX_H
#define PN_COMPILE_REGEX_H

/* Regular expressions as libyara reads them (re_lexer.l and re_grammar.y of libyara), as far as necessary
 * literals want to know:
 *
 *     regex   = cat *("|" cat)
 *     cat     = *(one [("*" | "+" | "?" | "{" n "}" | "{" [n] "," [m] "}") ["?"]] | "^" | "$" | "\b" | "\B")
 *     one     = "(" regex ")" | "." | class | escape | character
 *     class   = "[" ["^"] ["]"] *(member | member "-" member) "]"
 *     escape  = "\" ("w" | "W" | "s" | "S" | "d" | "D" | "x" hex hex | "n" | "t" | "r" | "f" | "a" |
 * punctuation)
 *
 * Anything else is not understood, which is an answer. */

#include "scanner/engine/compile/arena.h"
#include "scanner/engine/compile/ast.h"

#define PN_RE_NODES_MAX 8192U   /* of one expression; a run of characters is one */
#define PN_RE_CLASS_MAX 16U     /* bytes of a class that is written out; larger ones are gaps */
#define PN_RE_REPEAT_MAX 32767U /* of a quantifier, as in libyara */

enum pn_re_kind {
        PN_RE_EMPTY = 1, /* matches nothing: anchors, word boundaries */
        PN_RE_BYTES,     /* these bytes in a row */
        PN_RE_CLASS,     /* one of these bytes */
        PN_RE_GAP,       /* anything, of any length */
        PN_RE_CAT,       /* kids one after the other */
        PN_RE_ALT,       /* one of the kids */
        PN_RE_REPEAT,    /* the kid `min` to `max` times */
};

struct pn_re {
        enum pn_re_kind kind;
        const uint8_t *bytes;
        uint32_t len;
        uint32_t min, max; /* max PN_RE_REPEAT_MAX: no end */
        struct pn_re *kid, *next;
};

/* Everything lives in the arena. `fold`: letters become lower case. NULL when it is not understood or memory
 * ran out. */
struct pn_re *pn_re_parse(struct pn_yr_bytes text, bool fold, struct pn_arena *arena);

#endif
