/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/text.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

bool pn_text_escape(char *dst, size_t cap, const void *src, size_t len)
{
        const uint8_t *in = src;
        size_t out = 0, mark = 0; /* mark: the last place where "..." still fits */

        for (size_t i = 0; i < len; i++) {
                bool plain = in[i] >= 0x20 && in[i] <= 0x7e && in[i] != '\\';
                size_t need = plain ? 1 : 4;

                if (out + need + 1 > cap) {
                        memcpy(dst + mark, "...", 4);
                        return false;
                }
                if (plain) {
                        dst[out] = (char)in[i];
                } else {
                        dst[out] = '\\';
                        dst[out + 1] = 'x';
                        dst[out + 2] = digits[in[i] >> 4];
                        dst[out + 3] = digits[in[i] & 15];
                }
                out += need;
                if (out + 4 <= cap)
                        mark = out;
        }
        dst[out] = '\0';
        return true;
}

void pn_text_base64(char *dst, size_t cap, const void *src, size_t len)
{
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const uint8_t *in = src;
        size_t out = 0;

        for (size_t i = 0; i < len && out + 5 <= cap; i += 3) {
                size_t left = len - i;
                uint32_t word = (uint32_t)in[i] << 16;

                if (left > 1)
                        word |= (uint32_t)in[i + 1] << 8;
                if (left > 2)
                        word |= in[i + 2];
                dst[out++] = alphabet[word >> 18];
                dst[out++] = alphabet[(word >> 12) & 63];
                dst[out++] = left > 1 ? alphabet[(word >> 6) & 63] : '=';
                dst[out++] = left > 2 ? alphabet[word & 63] : '=';
        }
        if (out < cap)
                dst[out] = '\0';
}

void pn_text_hex(char *dst, size_t cap, const void *src, size_t len)
{
        const uint8_t *in = src;
        size_t out = 0;

        for (size_t i = 0; i < len && out + 3 <= cap; i++) {
                dst[out++] = digits[in[i] >> 4];
                dst[out++] = digits[in[i] & 15];
        }
        if (out < cap)
                dst[out] = '\0';
}

static int digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        if (c >= 'A' && c <= 'F')
                return c - 'A' + 10;
        return -1;
}

bool pn_text_unhex(uint8_t *dst, size_t len, const char *src, size_t src_len)
{
        if (src_len != 2 * len)
                return false;
        for (size_t i = 0; i < len; i++) {
                int high = digit(src[2 * i]), low = digit(src[2 * i + 1]);

                if (high < 0 || low < 0)
                        return false;
                dst[i] = (uint8_t)(high << 4 | low);
        }
        return true;
}
