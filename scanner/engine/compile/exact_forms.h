/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILE_EXACT_FORMS_H
#define PN_COMPILE_EXACT_FORMS_H

/* The libyara forms of a set of rules: the store that scanner/engine/exact_store.h reads. */

#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/compile/ast.h"

/* First the whole set is compiled by libyara at once, which finds what is wrong in it: PN_FAULT_CONFIG with
 * "<file>:<line>: <reason>". Then every rule alone: the imports of its file, the rules it needs and the global rules of
 * its namespace (each only once), itself; compiled, saved, forgotten. External variables are declared as names.h says.
 * Modules that rules may import: elf, hash, math, time, string, pe.
 * The test rule (PN_TEST_RULE) must be in the set, or it is PN_FAULT_CONFIG.
 * *ret is the caller's to free(); ret_head is the length of the part before the first form. */
int pn_exact_forms(const struct pn_yr_set *set, uint8_t **ret, size_t *ret_len, size_t *ret_head, struct pn_err *err);

#endif
