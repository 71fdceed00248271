/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_BASE_TEXT_H
#define PN_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PN_TEXT_SHOWN_MAX 256 /* bytes of one name in any message; the whole name is in path_b64 */

/* The one encoder for everything that an image, a label or a command line has written and a person or a log
 * will read: bytes 0x20..0x7e stay, except the backslash; all others, and the backslash, become \xNN.
 * Writes at most `cap` bytes with the NUL, never splits an escape, ends in "..." when it had to cut.
 * `cap` must be at least 8. Returns true when everything fitted. */
bool pn_text_escape(char *dst, size_t cap, const void *src, size_t len);

/* Base64 (RFC 4648 section 4) of `len` bytes; `cap` must be at least 4 * ((len + 2) / 3) + 1. */
void pn_text_base64(char *dst, size_t cap, const void *src, size_t len);

/* Lower-case hex; `cap` must be at least 2 * len + 1. */
void pn_text_hex(char *dst, size_t cap, const void *src, size_t len);

/* Exactly `2 * len` hex digits of either case into `dst`. Returns false on anything else. */
bool pn_text_unhex(uint8_t *dst, size_t len, const char *src, size_t src_len);

#endif
