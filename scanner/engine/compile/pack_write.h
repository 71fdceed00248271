/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_PACK_WRITE_H
#define PN_COMPILE_PACK_WRITE_H

/* The tables of a pack, but for nodes, which are formula.c's. */

#include "scanner/engine/compile/clause.h"
#include "scanner/engine/compile/formula.h"
#include "scanner/finding/finding.h"

/* Variants, segments, anchors and strings of all rules, as they were lowered; `candidates` and CLAUSE are
 * pn_pack_rules()' to fill. */
void pn_pack_strings(struct pn_build *build, const struct pn_yr_set *set, const struct pn_lowered *lowered);

/* Rules with what is told of them, who is a candidate when a string occurs, and who is always one. Private
 * rules never are: they are asked through `needs`. Returns 0, or -1 with PN_FAULT_HOST. */
int pn_pack_rules(struct pn_build *build, const struct pn_yr_set *set, const struct pn_formulas *formulas,
                  const struct pn_clause *clause, struct pn_err *err);

/* Windows of the clause strings' anchors, without doubles, in the order of their bytes. *ret (the caller's to
 * free()) is what the filter is made of; ret_of (too) says for each anchor its window, or PN_NONE. Returns 0,
 * or -1 with PN_FAULT_HOST, or PN_FAULT_CONFIG when there are more than PN_WINDOWS_MAX. */
int pn_pack_windows(struct pn_build *build, struct pn_window **ret, uint32_t *ret_count, uint32_t **ret_of,
                    struct pn_err *err);

/* A rule's id as findings have it: the text, or when it is longer than PN_RULE_ID_MAX - 1 its begin, "~" and
 * 16 hex digits made from all of it. As scanner/engine/exact.h says. */
void pn_pack_id(char ret[PN_RULE_ID_MAX], const char *id);

#endif
