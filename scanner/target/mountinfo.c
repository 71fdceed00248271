/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/target/mountinfo.h"

#include <string.h>

/* The field up to the next space; takes it and the space off `line`. */
static bool field(struct pn_view *line, struct pn_view *ret)
{
        const uint8_t *space = line->len ? memchr(line->data, ' ', line->len) : NULL;
        size_t len = space ? (size_t)(space - line->data) : line->len;

        if (len == 0)
                return false;
        *ret = (struct pn_view){line->data, len};
        line->data += space ? len + 1 : len;
        line->len -= space ? len + 1 : len;
        return true;
}

static bool number(struct pn_view text, uint64_t max, uint64_t *ret)
{
        uint64_t value = 0;

        if (text.len == 0 || text.len > 19)
                return false;
        for (size_t i = 0; i < text.len; i++) {
                if (text.data[i] < '0' || text.data[i] > '9')
                        return false;
                value = value * 10 + (uint64_t)(text.data[i] - '0');
        }
        *ret = value;
        return value <= max;
}

static bool device(struct pn_view text, uint32_t *ret_major, uint32_t *ret_minor)
{
        const uint8_t *colon = memchr(text.data, ':', text.len);
        size_t head = colon ? (size_t)(colon - text.data) : 0;
        uint64_t major, minor;

        if (!colon || !number((struct pn_view){text.data, head}, UINT32_MAX, &major) ||
            !number((struct pn_view){colon + 1, text.len - head - 1}, UINT32_MAX, &minor))
                return false;
        *ret_major = (uint32_t)major;
        *ret_minor = (uint32_t)minor;
        return true;
}

static bool parse(struct pn_view line, struct pn_mountinfo *ret)
{
        struct pn_view id, parent, dev, optional;

        if (!field(&line, &id) || !field(&line, &parent) || !field(&line, &dev) || !field(&line, &ret->root) ||
            !field(&line, &ret->point) || !field(&line, &ret->options))
                return false;
        if (!number(id, UINT64_MAX, &ret->id) || !number(parent, UINT64_MAX, &ret->parent) ||
            !device(dev, &ret->major, &ret->minor))
                return false;
        do {
                if (!field(&line, &optional))
                        return false;
        } while (optional.len != 1 || optional.data[0] != '-');
        if (!field(&line, &ret->type))
                return false;
        /* an empty source is written as nothing between two spaces */
        if (line.len > 0 && line.data[0] == ' ') {
                ret->source = (struct pn_view){line.data, 0};
                line.data++;
                line.len--;
        } else if (!field(&line, &ret->source)) {
                return false;
        }
        ret->super = line;
        return true;
}

int pn_mountinfo_next(struct pn_view *text, struct pn_mountinfo *ret)
{
        const uint8_t *end;
        struct pn_view line;

        if (text->len == 0)
                return 0;
        end = memchr(text->data, '\n', text->len);
        line = (struct pn_view){text->data, end ? (size_t)(end - text->data) : text->len};
        text->data += end ? line.len + 1 : line.len;
        text->len -= end ? line.len + 1 : line.len;
        *ret = (struct pn_mountinfo){0};
        return parse(line, ret) ? 1 : -1;
}

bool pn_mountinfo_find(struct pn_view text, uint64_t id, struct pn_mountinfo *ret)
{
        int more;

        while ((more = pn_mountinfo_next(&text, ret)) != 0)
                if (more > 0 && ret->id == id)
                        return true;
        return false;
}

size_t pn_mountinfo_unescape(struct pn_view field_text, char *dst, size_t cap)
{
        size_t out = 0;

        for (size_t i = 0; i < field_text.len && out < cap; i++) {
                const uint8_t *p = field_text.data + i;

                if (p[0] == '\\' && field_text.len - i >= 4 && p[1] >= '0' && p[1] <= '3' && p[2] >= '0' &&
                    p[2] <= '7' && p[3] >= '0' && p[3] <= '7') {
                        dst[out++] = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 | (p[3] - '0'));
                        i += 3;
                } else {
                        dst[out++] = (char)p[0];
                }
        }
        return out;
}
