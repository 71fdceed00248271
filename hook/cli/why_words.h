/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_CLI_WHY_WORDS_H
#define PN_CLI_WHY_WORDS_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/* Prints `record` (hook/report/README.md) for people: printable ASCII, whatever stands in it. Keys that are missing
 * or of another kind are left out. `older` records of the same container are mentioned. `now_s` is for the expiry
 * of the exception that is proposed. */
void pn_why_words(FILE *out, const json_t *record, uint64_t older, int64_t now_s);

/* Prints `record` as indented JSON, printable ASCII too. Returns 0, or -1 when memory ran out. */
int pn_why_json(FILE *out, const json_t *record);

#endif
