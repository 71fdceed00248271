/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "scanner/engine/compile/parse.h"

/* Adds the parts of `path` to what `out` holds: without "." and doubled slashes, ".." taken back as text.
 * `out` has room for both and a slash. Returns the new length. */
static size_t append(char *out, size_t len, const char *path, size_t path_len)
{
        const char *end = path + path_len;

        while (path < end) {
                const char *slash = memchr(path, '/', (size_t)(end - path));
                size_t part = (size_t)((slash ? slash : end) - path);
                const char *last = len > 0 ? memrchr(out, '/', len) : NULL;
                const char *tail = last ? last + 1 : out;
                size_t tail_len = len - (size_t)(tail - out);
                bool up = part == 2 && memcmp(path, "..", 2) == 0;

                if (up && tail_len > 0 && !(tail_len == 2 && memcmp(tail, "..", 2) == 0)) {
                        len = last ? (size_t)(last - out) + (last == out) : 0;
                } else if (part > 0 && !(part == 1 && *path == '.') && !(up && len == 1 && *out == '/')) {
                        if (len > 0 && out[len - 1] != '/')
                                out[len++] = '/';
                        memcpy(out + len, path, part);
                        len += part;
                }
                path += part + (slash != NULL);
        }
        return len;
}

/* `path` as seen from the directory of `from` (NULL: from nowhere), in one spelling. */
static int resolve(struct pn_yr_parser *parser, const char *from, const char *path, size_t path_len,
                   const char **ret, size_t *ret_len)
{
        const char *slash = from ? strrchr(from, '/') : NULL;
        bool rooted = path_len > 0 && *path == '/';
        size_t directory = slash && !rooted ? (size_t)(slash - from) : 0, len = 0;
        char *out = pn_arena_get(parser->arena, directory + path_len + 3, 1);

        if (!out)
                return pn_yr_no_memory(parser);
        if (rooted || (slash && *from == '/'))
                out[len++] = '/';
        if (directory > 0)
                len = append(out, len, from, directory);
        *ret_len = append(out, len, path, path_len);
        *ret = out;
        return 0;
}

int pn_yr_include(struct pn_yr_parser *parser, const struct pn_yr_token *token, uint32_t *ret_file)
{
        const char *path, *from = parser->sources[token->place.file].name;
        size_t len;

        if (resolve(parser, from, token->word, token->word_len, &path, &len) < 0)
                return -1;
        if (!pn_lookup_get(&parser->files, PN_YR_NAME_PATH, path, len, ret_file))
                return pn_yr_fail(parser, token->place,
                                  "include of a file that is not one of the rules: \"%.*s\"",
                                  token->word_len > 100 ? 100 : (int)token->word_len, token->word);
        return 0;
}

static int name_files(struct pn_yr_parser *parser)
{
        for (uint32_t i = 0; i < parser->set->file_count; i++) {
                const char *name = parser->sources[i].name, *path;
                const struct pn_yr_place start = {i, 1, 1};
                uint32_t other;
                size_t len;

                if (resolve(parser, NULL, name, strlen(name), &path, &len) < 0)
                        return -1;
                if (pn_lookup_get(&parser->files, PN_YR_NAME_PATH, path, len, &other))
                        return pn_yr_fail(parser, start, "the same file is given twice");
                if (!pn_lookup_put(&parser->files, PN_YR_NAME_PATH, path, len, i))
                        return pn_yr_no_memory(parser);
        }
        return 0;
}

/* Marks what the file includes. What is wrong in it is told when it is parsed, with what stands before it. */
static int mark_includes(struct pn_yr_parser *parser, uint32_t file)
{
        const struct pn_yr_source *source = &parser->sources[file];
        struct pn_err ignored = PN_ERR_INIT;
        struct pn_yr_lexer lexer;
        struct pn_yr_token token;

        if (source->len == 0 || !memmem(source->text, source->len, "include", 7))
                return 0;
        pn_yr_lexer_open(&lexer, source, file, NULL);
        while (pn_yr_lexer_next(&lexer, &token, &ignored) == 0 && token.kind != PN_YR_T_END) {
                const char *path;
                uint32_t other;
                size_t len;

                if (token.kind != PN_YR_T_INCLUDE)
                        continue;
                if (resolve(parser, source->name, token.word, token.word_len, &path, &len) < 0)
                        return -1;
                if (pn_lookup_get(&parser->files, PN_YR_NAME_PATH, path, len, &other))
                        parser->set->file[other].included = true;
        }
        return 0;
}

int pn_yr_find_includes(struct pn_yr_parser *parser)
{
        if (name_files(parser) < 0)
                return -1;
        for (uint32_t i = 0; i < parser->set->file_count; i++)
                if (mark_includes(parser, i) < 0)
                        return -1;
        return 0;
}
