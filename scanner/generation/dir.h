/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_GENERATION_DIR_H
#define PN_GENERATION_DIR_H

/* The directory <state>/rules: who may own it, the names in it, its links. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"

#define PN_GENDIR_NAME_MAX 32 /* bytes of "g-000042" with the NUL */

/* Opens <state>/rules, whose owner is root or the caller, in a directory of which the same holds, both
 * writable by nobody else. 1, or 0 when one of them is missing; with `create` they are made. -1 with
 * PN_FAULT_CONFIG (not ours alone) or PN_FAULT_HOST. *ret_fd is the caller's. */
int pn_gendir_open(const char *state_dir, bool create, int *ret_fd, struct pn_err *err);

/* Opens the directory `name` in it, which must be ours alone too. Never follows a link. 0, or -1 with
 * PN_FAULT_CONFIG. */
int pn_gendir_enter(int rules_fd, const char *name, int *ret_fd, struct pn_err *err);

/* "g-000042" and 42: exactly the names that pn_gendir_name() makes. */
bool pn_gendir_number(const char *name, uint64_t *ret);
void pn_gendir_name(uint64_t number, char ret[PN_GENDIR_NAME_MAX]);

/* Where the link `link` points: 1 with a generation's name, 0 when there is none, -1 with PN_FAULT_CONFIG
 * when it is no link, another user's, or points anywhere else. */
int pn_gendir_link(int rules_fd, const char *link, char ret_name[PN_GENDIR_NAME_MAX], struct pn_err *err);

/* The numbers of all that bears a generation's name, greatest first. *ret is the caller's to free(). 0, or -1
 * with PN_FAULT_HOST. */
int pn_gendir_list(int rules_fd, uint64_t **ret, size_t *ret_count, struct pn_err *err);

/* Calls `each` for every entry but "." and "..". 0, or -1 with errno. */
int pn_gendir_each(int dirfd, void (*each)(int dirfd, const char *name, void *data), void *data);

#endif
