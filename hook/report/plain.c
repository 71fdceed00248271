/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/report/plain.h"

#include <stdio.h>
#include <string.h>

#include "scanner/base/text.h"

#define ESCAPED 4 /* characters of \xNN */

static const char dots[] = "...";
#define DOTS (sizeof(dots) - 1)

static bool printable(const char *text)
{
        while (*text >= 0x20 && *text <= 0x7e)
                text++;
        return *text == '\0';
}

void pn_plain_text(char *dst, size_t cap, const char *text)
{
        size_t len = strlen(text);

        if (!printable(text)) {
                (void)pn_text_escape(dst, cap, text, len);
                return;
        }
        if (len < cap) {
                memcpy(dst, text, len + 1);
                return;
        }
        (void)snprintf(dst, cap, "%.*s%s", (int)(cap - 1 - DOTS), text, dots);
}

static size_t width(char c)
{
        return c >= 0x20 && c <= 0x7e && c != '\\' ? 1 : ESCAPED;
}

size_t pn_plain_path_length(const struct pn_path *path)
{
        size_t sum = path->cut ? DOTS : 0;

        for (size_t i = 0; i < path->len; i++)
                sum += width(path->bytes[i]);
        return sum;
}

/* Where the longest end of `path` begins that takes at most `room` characters. It begins with a whole
 * component when one fits. */
static size_t tail_begin(const struct pn_path *path, size_t room)
{
        size_t begin = path->len, sum = 0;

        while (begin > 0 && sum + width(path->bytes[begin - 1]) <= room)
                sum += width(path->bytes[--begin]);
        for (size_t i = begin; i + 1 < path->len; i++)
                if (path->bytes[i] == '/')
                        return i;
        return begin;
}

void pn_plain_path(char *dst, size_t cap, const struct pn_path *path)
{
        size_t begin = 0;

        if (path->cut) {
                if (pn_text_escape(dst, cap - DOTS, path->bytes, path->len))
                        memcpy(dst + strlen(dst), dots, sizeof(dots));
                return;
        }
        if (pn_plain_path_length(path) >= cap) {
                memcpy(dst, dots, DOTS);
                begin = tail_begin(path, cap - 1 - DOTS);
                dst += DOTS;
                cap -= DOTS;
        }
        (void)pn_text_escape(dst, cap, begin ? path->bytes + begin : path->bytes, path->len - begin);
}
