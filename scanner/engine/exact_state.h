/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_EXACT_STATE_H
#define PN_ENGINE_EXACT_STATE_H

/* What the exact*.c share; nobody else includes this. */

#include <stdbool.h>
#include <string.h>
#include <yara.h>

#include "scanner/engine/blocks.h"
#include "scanner/engine/exact.h"

/* libyara's rules, ready to scan one file after the other; whoever owns them. */
struct pn_exact_runner {
        YR_RULES *rules;
        YR_SCANNER *scanner;
        YR_MATCHES *kept;    /* for each string, what the blocks scanned so far have found */
        const YR_RULE *only; /* the one rule whose match counts and is told; NULL: all but private ones */
        struct pn_blocks *blocks; /* borrowed */
};

/* Takes `rules` over, also when it fails. Returns 0, or -1: no memory. */
int pn_exact_runner_open(struct pn_exact_runner *runner, YR_RULES *rules, struct pn_blocks *blocks);
void pn_exact_runner_close(struct pn_exact_runner *runner);

struct pn_exact_job {
        const struct pn_object *file;
        const struct pn_names *names; /* NULL: the file has none */
        const struct pn_exact_limits *limits;
        pn_exact_sink *sink; /* NULL: nobody wants to know more than whether `only` matched */
        void *ctx;
};

/* As pn_exact_scan() says. *ret_matched: of `only`. */
int pn_exact_run(struct pn_exact_runner *runner, const struct pn_exact_job *job, bool *ret_matched,
                 uint64_t *ret_bytes, struct pn_err *err);

#define PN_EXACT_INCLUDES_MAX YR_MAX_INCLUDE_DEPTH

struct pn_exact {
        YR_COMPILER *compiler;         /* until pn_exact_ready() */
        struct pn_exact_runner runner; /* from then on */
        struct pn_blocks blocks;
        bool initialized;
        const struct pn_exact_source *source; /* what may be included; borrowed */
        size_t source_count;
        const char *path[PN_EXACT_INCLUDES_MAX + 1]; /* of the file being compiled, and of those it is in */
        struct pn_exact_complaint *complaint;        /* of the compilation that is going on */
};

/* libyara and libcrypto, so that nothing of theirs reads a file later; every 0 is ended by
 * pn_exact_library_close(). */
int pn_exact_library_open(void);
void pn_exact_library_close(void);

/* Declares the external variables (scanner/engine/names.h), before the first source. 0, or -1: no memory. */
int pn_exact_names_declare(YR_COMPILER *compiler);

/* Scans the built-in sample: PN_TEST_RULE must be told, or it is PN_FAULT_CONFIG. */
int pn_exact_sample_scan(struct pn_exact_runner *runner, struct pn_err *err);

/* libyara packs its matches without alignment (4.2 to 4.5), so they are copied before they are looked at. */
static inline YR_MATCH pn_exact_match(const YR_MATCH *packed)
{
        YR_MATCH match;

        memcpy(&match, packed, sizeof(match));
        return match;
}

/* May rules import this module? The others parse formats that no rule of ours needs, behind the same wall. */
bool pn_exact_module_allowed(const char *module);

/* Fills `ret` from the metadata of a rule that matched and the places where its strings did. */
void pn_exact_tell(YR_SCAN_CONTEXT *context, const YR_RULE *rule, struct pn_finding *ret);

#endif
