/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_CLI_RULES_RESULT_H
#define PN_CLI_RULES_RESULT_H

#include "hook/cli/rules_run.h"

#define PN_RULES_FDS 5 /* parts that the compiler writes: all but the deny hashes */

/* Reads the compiler's result object from `fd` into `made`, whose parts have their descriptors and sizes, and
 * holds both against each other and against the report: a result that does not fit its parts is PN_FAULT_BUG.
 * A result that says that it failed is that error. */
int pn_rules_result_read(int fd, struct pn_rules_made *made, struct pn_err *err);

#endif
