/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_POLICY_FIELD_H
#define PN_POLICY_FIELD_H

/* The fields that people fill in by hand in exceptions and in the break-glass file. */

#include <stdbool.h>
#include <stdint.h>

/* Words for people: not empty, not only blanks, no control characters, shorter than PN_WORDS_MAX bytes.
 * Returns NULL, or what the words must be (static text). */
const char *pn_field_words(const char *text);

/* Both are strict: nothing before or behind, no other zone than UTC, no date that the calendar does not have,
 * no leap second, nothing before 1970.
 *
 *     time = day "T" 2DIGIT ":" 2DIGIT ":" 2DIGIT "Z"      ; RFC 3339, upper case, whole seconds
 *     day  = 4DIGIT "-" 2DIGIT "-" 2DIGIT                  ; its end: the first second of the next day
 */
bool pn_field_time(const char *text, int64_t *ret_s);
bool pn_field_day(const char *text, int64_t *ret_s);

#endif
