/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_EXACT_STATE_H
#define PN_ENGINE_EXACT_STATE_H

/* What the exact*.c share; nobody else includes this. */

#include <stdbool.h>
#include <string.h>
#include <yara.h>

#include "scanner/engine/blocks.h"
#include "scanner/engine/exact.h"

struct pn_exact {
        YR_COMPILER *compiler; /* until pn_exact_ready() */
        YR_RULES *rules;
        YR_SCANNER *scanner; /* from then on */
        YR_MATCHES *kept;    /* for each string, what the blocks scanned so far have found */
        struct pn_blocks blocks;
        bool initialized;
};

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
