/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_PACK_H
#define PN_ENGINE_PACK_H

/* A compiled set of rules, without libyara's part: what the compiler (scanner/engine/compile) writes and the matcher
 * reads. One block of memory: a header, then tables of fixed records in native byte order, each aligned to 8; everything
 * refers by index. pn_pack_open() checks every index, so that a wrong pack is an error and never a crash.
 *
 * Soundness, which everything rests on: whenever libyara would say that a rule matches,
 *   - one of the strings of its clause occurs, by one of its anchors (or the rule is `always`), and
 *   - its formula is not false.
 * "Occurs" of a string that is `loose` means "may occur". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/base/view.h"
#include "scanner/engine/filter.h"

#define PN_PACK_MAGIC   0x4b41504eU /* "NPAK" */
#define PN_PACK_VERSION 1U
#define PN_PACK_BYTES_MAX (256U << 20)
#define PN_PACK_DEPTH_MAX 100U /* of a formula; the compiler cuts what is deeper to MAYBE */
#define PN_NONE UINT32_MAX

/* A run of records of one table. */
struct pn_run {
        uint32_t first, count;
};

/* ---------------------------------------------------------------- rules */

#define PN_RULE_PRIVATE 1U /* never told */
#define PN_RULE_GLOBAL  2U /* its formula is part of the other rules of its namespace, through `formula` */
#define PN_RULE_ALWAYS  4U /* no sound clause: its formula is evaluated on every file */

struct pn_pack_rule {
        uint32_t name, space; /* text: identifier; name of the file that is its namespace */
        uint32_t id, title, remedy, source; /* text, as pn_exact.h says of metadata; id is never empty */
        uint8_t severity, confidence;
        uint8_t flags, pad;
        struct pn_run strings; /* its own */
        struct pn_run needs;   /* in `index`: rules its formula refers to, at any depth */
        uint32_t formula;      /* node: with the global rules of its namespace */
        uint32_t exact;        /* number of its libyara form */
};

/* ---------------------------------------------------------------- strings */

#define PN_STRING_LOOSE      1U /* a hit means "may occur": regular expressions, long jumps, base64 */
#define PN_STRING_UNANCHORED 2U /* no anchor: nothing is known of it */
#define PN_STRING_CLAUSE     4U /* its windows are in the filter of the first pass */
#define PN_STRING_PRIVATE    8U /* is no evidence */

struct pn_pack_string {
        uint32_t rule, name; /* name: text with "$" */
        uint32_t flags;
        struct pn_run variants, anchors;
        struct pn_run candidates; /* in `index`: rules whose clause it is in; not private ones: they are asked through
                                     `needs` */
};

/* One way to write a string: segments of bytes with jumps between them. A jump of [0, 0] does not occur. A variant of a
 * string that is not loose has one segment, so that it has one place and one length. */
#define PN_VARIANT_NOCASE   1U
#define PN_VARIANT_FULLWORD 2U
#define PN_VARIANT_WIDE     4U /* its bytes are interleaved with zeros already; for whole words */
#define PN_VARIANT_XOR      8U /* with one key from xor_min to xor_max, the same for all bytes */

struct pn_pack_variant {
        uint32_t string;
        uint8_t flags, xor_min, xor_max, pad;
        struct pn_run segments;
};

struct pn_pack_segment {
        uint32_t jump_min, jump_max; /* bytes between the segment before and this one; 0, 0 for the first. UINT32_MAX: no
                                        end */
        uint32_t bytes, masks;       /* in `bytes`; masks PN_NONE: all 0xff. b fits when (b & mask) == byte; of NOCASE
                                        variants, bytes are lower case */
        uint32_t len;
};

/* Every occurrence of a string holds at least one of its anchors at its place: `len` bytes at `offset` of `segment`.
 * Of XOR variants: `window` is XORed with `key` already, and tells an occurrence with that key alone. */
struct pn_pack_anchor {
        uint32_t variant;
        uint32_t segment; /* its number in the variant */
        uint32_t offset;  /* in the segment */
        uint8_t len;      /* 1 to 8; below PN_WINDOW_MIN it is not in any filter */
        uint8_t key, nocase, pad;
        uint8_t bytes[PN_WINDOW_MAX]; /* the window */
};

/* Windows of the first pass, without doubles: number i is the filter's number i. */
struct pn_pack_window {
        struct pn_run anchors; /* in `index`: anchors of clause strings with this window */
};

/* ---------------------------------------------------------------- formulas */

/* A node's children come before it in the table. Values are, as libyara has them, true and false, whole numbers of 64
 * bit (additions wrap), or undefined, which truth values can be too; and MAYBE (of a number: unknown), which may be any of
 * these, and which nothing that follows may turn into certainty but what holds for every value. libyara's rules (exec.c of
 * libyara), which matter because `not` does not make undefined true:
 *   - arithmetic, comparisons, STRING_IN, STRING_AT, COUNT_IN and NOT of undefined are undefined; so are division by 0, a shift by
 *     less than 0 (by more than 63 it is 0), an index beyond the count, INT_AT outside the file (also below 0), and a
 *     computed number that happens to be 0xFFFABADAFABADAFF, libyara's sign for undefined
 *   - AND, OR and ATLEAST read undefined as false and are never undefined; a formula that is undefined does not match, and
 *     RULE of it is false
 *   - STRING_AT of an undefined offset is false in libyara 4.2 and undefined later: the compiler writes one below NOT only
 *     where its offset is always defined
 * A text is named by the offset of its first byte in the table of texts. Below RULE there is never the same rule again,
 * and PN_PACK_DEPTH_MAX holds with the formulas of the rules in it. */
enum pn_op {
        PN_OP_FALSE,
        PN_OP_TRUE,
        PN_OP_MAYBE, /* truth value or number */
        PN_OP_NOT,   /* kids: 1 */
        PN_OP_DEFINED, /* kids: 1 number */
        PN_OP_AND,   /* kids: 0 or more */
        PN_OP_OR,
        PN_OP_ATLEAST, /* kids: first a number k, then truth values: true when k or more of them are. k undefined: false; k of 0
                          or less: true */
        PN_OP_RULE,    /* ref: rule */
        PN_OP_STRING,  /* ref: string occurs */
        PN_OP_STRING_AT, /* ref: string; kids: 1 number */
        PN_OP_STRING_IN, /* ref: string; kids: 2 numbers; both ends are in it */
        PN_OP_LT, /* kids: 2 numbers */
        PN_OP_LE,
        PN_OP_GT,
        PN_OP_GE,
        PN_OP_EQ,
        PN_OP_NE,
        PN_OP_TEXT_EQ, /* ref: external variable (enum pn_name); number: text; the reverse order is the compiler's to undo */
        PN_OP_TEXT_NE,
        PN_OP_TEXT_LT,
        PN_OP_TEXT_LE,
        PN_OP_TEXT_GT,
        PN_OP_TEXT_GE,
        PN_OP_TEXT_CONTAINS,
        PN_OP_TEXT_ICONTAINS,
        PN_OP_TEXT_STARTSWITH,
        PN_OP_TEXT_ISTARTSWITH,
        PN_OP_TEXT_ENDSWITH,
        PN_OP_TEXT_IENDSWITH,
        PN_OP_TEXT_IEQUALS,
        PN_OP_INT,      /* number */
        PN_OP_UNDEFINED,
        PN_OP_FILESIZE,
        PN_OP_COUNT,    /* ref: string */
        PN_OP_COUNT_IN, /* ref: string; kids: 2 */
        PN_OP_OFFSET,   /* ref: string; kids: 1, the index from 1 */
        PN_OP_LENGTH,   /* ref: string; kids: 1 */
        PN_OP_INT_AT,   /* ref: PN_INT_... | bits; kids: 1 */
        PN_OP_NEGATIVE,
        PN_OP_BIT_NOT,
        PN_OP_ADD,
        PN_OP_SUB,
        PN_OP_MUL,
        PN_OP_DIV,
        PN_OP_MOD,
        PN_OP_BIT_AND,
        PN_OP_BIT_OR,
        PN_OP_BIT_XOR,
        PN_OP_SHL,
        PN_OP_SHR,
        PN_OPS,
};

#define PN_INT_SIGNED 0x100U
#define PN_INT_BIG    0x200U

struct pn_pack_node {
        uint16_t op, pad;
        uint32_t ref;
        struct pn_run kids; /* in `index` */
        int64_t number;
};

/* ---------------------------------------------------------------- the whole */

enum pn_pack_table {
        PN_PACK_RULES,
        PN_PACK_STRINGS,
        PN_PACK_VARIANTS,
        PN_PACK_SEGMENTS,
        PN_PACK_ANCHORS,
        PN_PACK_WINDOWS,
        PN_PACK_NODES,
        PN_PACK_INDEX,  /* uint32_t */
        PN_PACK_BYTES,  /* of segments, values and masks */
        PN_PACK_TEXT,   /* NUL-terminated strings; the one at 0 is "" */
        PN_PACK_TABLES,
};

struct pn_pack_header {
        uint32_t magic, version;
        uint64_t len; /* of everything */
        struct {
                uint64_t offset; /* from the header's begin, a multiple of 8 */
                uint64_t count;  /* records */
        } table[PN_PACK_TABLES];
        uint32_t always; /* run of rules that are `always`, in `index` */
        uint32_t always_count;
};

/* A pack in memory, looked through; points into `blob`. */
struct pn_pack {
        const struct pn_pack_rule *rule;
        const struct pn_pack_string *string;
        const struct pn_pack_variant *variant;
        const struct pn_pack_segment *segment;
        const struct pn_pack_anchor *anchor;
        const struct pn_pack_window *window;
        const struct pn_pack_node *node;
        const uint32_t *index;
        const uint8_t *bytes;
        const char *text;
        uint32_t rules, strings, variants, segments, anchors, windows, nodes, indexes;
        uint64_t byte_count, text_bytes;
        struct pn_run always;
};

/* Checks magic, version, tables inside `blob` (aligned to 8), every index, run, text, anchor (inside its segment), formula
 * (children before parents, kid counts as the operator wants, depth). Returns 0, or -1 with PN_FAULT_CONFIG and the record
 * that is wrong. */
int pn_pack_open(struct pn_view blob, struct pn_pack *ret, struct pn_err *err);

#endif
