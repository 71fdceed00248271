/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_EXACT_H
#define PN_ENGINE_EXACT_H

/* The exact match: YARA rules by libyara. Foreign codes become ours here. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/names.h"
#include "scanner/engine/object.h"
#include "scanner/finding/finding.h"

#define PN_EXACT_BLOCK_BYTES (32U << 20)  /* bytes of a file in memory at once */
#define PN_EXACT_OVERLAP_BYTES (1U << 20) /* of two neighbouring blocks: no match longer than this is cut */

struct pn_exact;

/* An empty compiler. The modules that rules may import are elf, hash, math, time, string and pe; the
 * variables they may ask about are those of names.h. Returns 0, or -1 with PN_FAULT_HOST. */
int pn_exact_new(struct pn_exact **ret, struct pn_err *err);
struct pn_exact *pn_exact_free(struct pn_exact *exact);

/* The files that others may include (scanner/engine/include_path.h), borrowed until pn_exact_ready(); without
 * them, and of anything else, every `include` is refused. An included file belongs to the namespace of the
 * one that includes it. */
struct pn_exact_source {
        const char *name, *text;
        size_t len;
};
void pn_exact_set_sources(struct pn_exact *exact, const struct pn_exact_source *source, size_t count);

/* Is source `number` included by one of them, so that it is not to be added by itself? */
bool pn_exact_is_included(const struct pn_exact_source *source, size_t count, size_t number);

/* Adds one file of rule source (`name` is its namespace and stands in messages).
 * Returns 0, or -1 with PN_FAULT_CONFIG and "<file>:<line>: <reason>", or PN_FAULT_HOST when memory ran out.
 * After an error nothing but pn_exact_free() works. */
int pn_exact_add(struct pn_exact *exact, const char *name, const char *source, size_t len,
                 struct pn_err *err);

/* Compiles what was added: PN_FAULT_CONFIG for a set without any rule. */
int pn_exact_end(struct pn_exact *exact, struct pn_err *err);

/* The same, and scans a built-in sample that holds the test marker: rules that miss it are
 * PN_FAULT_CONFIG too. */
int pn_exact_ready(struct pn_exact *exact, struct pn_err *err);

/* Smaller blocks than PN_EXACT_BLOCK_BYTES, for a test that wants many edges in little memory. `block_bytes`
 * must be at least four times the overlap and the lead of a block (scanner/engine/blocks.h). */
void pn_exact_set_blocks(struct pn_exact *exact, uint32_t block_bytes, uint32_t overlap_bytes);

/* Of the library, for the manifest: "4.2.3". */
const char *pn_exact_version(void);

uint32_t pn_exact_rule_count(const struct pn_exact *exact);

/* One rule that matched. Fills everything of pn_finding but path, size and digest from the rule's metadata:
 *
 *     id          the rule's identifier when absent; one that is too long is cut and ends in "~" and 16 hex
 *                 digits made from all of it, so that two rules never share an id
 *     description title          remedy         remedy           source   source
 *     severity    low | medium | high | critical; high when absent or unknown
 *     confidence  low | medium | high; medium when absent or unknown
 *
 * Private rules are not told. Returning -1 ends the scan with PN_FAULT_BUG. */
typedef int pn_exact_sink(void *ctx, const struct pn_finding *finding);

struct pn_exact_limits {
        uint64_t
                matches; /* places where one string may match in one file; libyara gives up after a million */
        int timeout_s;   /* libyara counts whole seconds; none left is a timeout */
};

/* Matches every rule against all of `file`, known by `names` (NULL: it has none), block by block with
 * overlap, so that a file may be larger than any buffer: holes longer than the overlap are skipped, strings
 * that cross a block's edge, lie on the last byte or behind the end of the ELF are found, and a condition
 * sees the whole file (filesize, counts, offsets). *ret_bytes is what was read of it, each byte counted once.
 * A hole that was skipped reads as zeros in conditions. What a condition sees is not the whole file in one
 * case: facts of the modules elf and pe are taken from the first block. Returns 0 when every rule has a
 * complete answer; else -1 and what was told so far stands: PN_FAULT_TARGET (too many matches, the file ended
 * before its size, a rule failed on this file: the text names the rule where libyara does), PN_FAULT_BUDGET
 * (timeout, memory), PN_FAULT_HOST with errno (reading failed), PN_FAULT_BUG (anything unknown). */
int pn_exact_scan(struct pn_exact *exact, const struct pn_object *file, const struct pn_names *names,
                  const struct pn_exact_limits *limits, pn_exact_sink *sink, void *ctx, uint64_t *ret_bytes,
                  struct pn_err *err);

#endif
