/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/include_path.h"

#include <string.h>

/* A path that grows and shrinks by components; `root`: the length of its leading slash. */
struct way {
        char *text;
        size_t len, root;
};

static bool step_on(struct way *way, const char *name, size_t len)
{
        const size_t slash = way->len > way->root ? 1 : 0;

        if (len + slash >= PN_INCLUDE_PATH_MAX - way->len)
                return false;
        if (slash)
                way->text[way->len++] = '/';
        memcpy(way->text + way->len, name, len);
        way->len += len;
        return true;
}

static bool step_back(struct way *way)
{
        const char *slash =
                way->len > way->root ? memrchr(way->text + way->root, '/', way->len - way->root) : NULL;
        const size_t last = slash ? (size_t)(slash - way->text) + 1 : way->root;

        if (way->len == last && way->root > 0)
                return true; /* ".." of the root is the root */
        if (way->len == last || (way->len - last == 2 && memcmp(way->text + last, "..", 2) == 0))
                return step_on(way, "..", 2);
        way->len = slash ? last - 1 : way->root;
        return true;
}

static bool step(struct way *way, const char *name, size_t len)
{
        if (len == 0 || (len == 1 && name[0] == '.'))
                return true;
        if (len == 2 && memcmp(name, "..", 2) == 0)
                return step_back(way);
        return step_on(way, name, len);
}

static bool steps(struct way *way, const char *path, size_t len)
{
        const char *end = path + len;

        if (way->len == 0 && len > 0 && path[0] == '/') {
                way->text[0] = '/';
                way->root = way->len = 1;
        }
        while (path < end) {
                const char *stop = memchr(path, '/', (size_t)(end - path)) ?: end;

                if (!step(way, path, (size_t)(stop - path)))
                        return false;
                path = stop < end ? stop + 1 : end;
        }
        return true;
}

bool pn_include_path(const char *includer, const char *written, char ret[PN_INCLUDE_PATH_MAX])
{
        struct way way = {.text = ret};
        const char *slash = written[0] == '/' ? NULL : strrchr(includer, '/');

        /* with its slash: the directory of "/x" is "/" */
        if (slash && !steps(&way, includer, (size_t)(slash + 1 - includer)))
                return false;
        if (!steps(&way, written, strlen(written)))
                return false;
        ret[way.len] = '\0';
        return true;
}

bool pn_include_path_is(const char *resolved, const char *name)
{
        char text[PN_INCLUDE_PATH_MAX];

        return pn_include_path("", name, text) && strcmp(resolved, text) == 0;
}
