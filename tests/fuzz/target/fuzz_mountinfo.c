/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/target/mountinfo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(that)                                                                                          \
        do {                                                                                                 \
                if (!(that))                                                                                 \
                        abort();                                                                             \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_inside(struct pn_view part, struct pn_view line, bool may_be_empty)
{
        CHECK(part.data >= line.data && part.len <= line.len - (size_t)(part.data - line.data));
        CHECK(may_be_empty || part.len > 0);
        CHECK(part.len == 0 || !memchr(part.data, '\n', part.len));
}

static void check_unescape(struct pn_view part)
{
        char *text = malloc(part.len + 1);
        size_t len;

        CHECK(text);
        len = pn_mountinfo_unescape(part, text, part.len);
        CHECK(len <= part.len && (part.len == 0 || len >= part.len / 4));
        CHECK(memchr(part.data, '\\', part.len) || (len == part.len && memcmp(text, part.data, len) == 0));
        CHECK(pn_mountinfo_unescape(part, text, len / 2) <= len / 2);
        free(text);
}

static void check_line(const struct pn_mountinfo *m, struct pn_view line)
{
        const struct pn_view parts[] = {m->root, m->point, m->options, m->type, m->source, m->super};

        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
                check_inside(parts[i], line, i >= 4);
                check_unescape(parts[i]);
                CHECK(i == 0 || parts[i].data > parts[i - 1].data);
                CHECK(i == 5 || parts[i].len == 0 || !memchr(parts[i].data, ' ', parts[i].len));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct pn_view text = {data, size};

        for (;;) {
                const struct pn_view before = text;
                struct pn_mountinfo m, found;
                int more = pn_mountinfo_next(&text, &m);

                CHECK((more == 0) == (before.len == 0));
                if (more == 0)
                        return 0;
                CHECK(text.len < before.len && text.data + text.len == before.data + before.len);
                if (more < 0)
                        continue;
                check_line(&m, (struct pn_view){before.data, before.len - text.len});
                CHECK(pn_mountinfo_find((struct pn_view){data, size}, m.id, &found) && found.id == m.id);
        }
}
