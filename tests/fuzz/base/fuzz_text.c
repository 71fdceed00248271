/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool holds)
{
        if (!holds)
                abort();
}

/* Takes the escaped text apart again. Returns the number of bytes, which are at most strlen(text). */
static size_t decode(const char *text, uint8_t *dst)
{
        size_t n = 0;

        while (*text) {
                if (*text != '\\') {
                        dst[n++] = (uint8_t)*text++;
                        continue;
                }
                demand(text[1] == 'x' && pn_text_unhex(&dst[n], 1, text + 2, 2));
                n++;
                text += 4;
        }
        return n;
}

/* The first byte says how large the target is, the rest is what an image wrote. The target is a block of its
 * own, so that the sanitizer sees a byte too many. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        size_t cap, len, n;
        uint8_t *back;
        char *dst;
        bool whole;

        if (size == 0)
                return 0;
        cap = 8 + (size_t)data[0] * 4;
        dst = malloc(cap);
        back = malloc(cap);
        demand(dst && back);
        memset(dst, 0xee, cap);
        whole = pn_text_escape(dst, cap, data + 1, size - 1);
        len = strnlen(dst, cap);
        demand(len < cap);
        for (size_t i = 0; i < len; i++)
                demand(dst[i] >= 0x20 && dst[i] <= 0x7e);
        if (!whole) {
                demand(len >= 3 && strcmp(dst + len - 3, "...") == 0);
                dst[len - 3] = '\0';
        }
        n = decode(dst, back);
        demand(whole ? n == size - 1 : n < size - 1);
        demand(memcmp(back, data + 1, n) == 0);
        free(back);
        free(dst);
        return 0;
}
