/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/parse.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- tokens, errors, piles */

int pn_yr_next(struct pn_yr_parser *parser)
{
        parser->behind = parser->token.end;
        return pn_yr_lexer_next(&parser->lexer, &parser->token, parser->err);
}

void pn_yr_fail_fill(struct pn_yr_parser *parser, struct pn_yr_place place, const char *fmt, ...)
{
        char reason[PN_ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(reason, sizeof(reason), fmt, ap);
        va_end(ap);
        pn_yr_refuse_fill(parser->err, parser->sources[place.file].name, place, "%s", reason);
}

/* The token as the source has it, cut and on one line. */
void pn_yr_unexpected_fill(struct pn_yr_parser *parser, const char *wanted)
{
        const struct pn_yr_token *token = &parser->token;
        char shown[32];
        size_t len = token->end - token->begin;

        if (token->kind == PN_YR_T_END) {
                pn_yr_fail_fill(parser, token->place, "end of file, expected %s", wanted);
                return;
        }
        if (len > sizeof(shown) - 1)
                len = sizeof(shown) - 1;
        for (size_t i = 0; i < len; i++) {
                char c = parser->lexer.text[token->begin + i];

                shown[i] = c >= 32 && c < 127 ? c : '.';
        }
        shown[len] = '\0';
        pn_yr_fail_fill(parser, token->place, "`%s`, expected %s", shown, wanted);
}

void pn_yr_no_memory_fill(struct pn_yr_parser *parser)
{
        pn_err_fill(parser->err, PN_FAULT_HOST, 0, "no memory for the rules of `%.100s`",
                    parser->lexer.name ? parser->lexer.name : "");
}

int pn_yr_expect(struct pn_yr_parser *parser, int kind, const char *wanted)
{
        return pn_yr_is(parser, kind) ? pn_yr_next(parser) : pn_yr_unexpected(parser, wanted);
}

int pn_yr_enter(struct pn_yr_parser *parser)
{
        if (parser->depth == PN_YR_DEPTH_MAX)
                return pn_yr_fail(parser, parser->token.place, "nested deeper than %u", PN_YR_DEPTH_MAX);
        parser->depth++;
        return 0;
}

int pn_yr_push(struct pn_yr_parser *parser, struct pn_yr_pile *pile, const void *item, size_t size)
{
        if (pile->count == pile->room) {
                uint32_t room = pile->room ? pile->room * 2 : 32;
                void *grown = room > 1U << 28 ? NULL : reallocarray(pile->item, room, size);

                if (!grown)
                        return pn_yr_no_memory(parser);
                pile->item = grown;
                pile->room = room;
        }
        memcpy((char *)pile->item + pile->count * size, item, size);
        pile->count++;
        return 0;
}

int pn_yr_push_pointer(struct pn_yr_parser *parser, struct pn_yr_pile *pile, const void *pointer)
{
        return pn_yr_push(parser, pile, &pointer, sizeof(pointer));
}

int pn_yr_take(struct pn_yr_parser *parser, struct pn_yr_pile *pile, uint32_t mark, size_t size, void *ret,
               uint32_t *ret_count)
{
        uint32_t count = pile->count - mark;
        void *items = NULL;

        if (count > 0) {
                items = pn_arena_get(parser->arena, count, size);
                if (!items)
                        return pn_yr_no_memory(parser);
                memcpy(items, (char *)pile->item + mark * size, count * size);
        }
        pile->count = mark;
        memcpy(ret, &items, sizeof(items));
        *ret_count = count;
        return 0;
}

int pn_yr_word(struct pn_yr_parser *parser, const char **ret)
{
        *ret = pn_arena_copy(parser->arena, parser->token.word, parser->token.word_len);
        return *ret ? 0 : pn_yr_no_memory(parser);
}

/* ---------------------------------------------------------------- files */

static int parse_file(struct pn_yr_parser *parser, uint32_t file, struct pn_yr_place from);

/* Reads the included file in place of the statement, then goes on behind it. */
static int parse_include(struct pn_yr_parser *parser)
{
        struct pn_yr_lexer outer = parser->lexer;
        struct pn_yr_place place = parser->token.place;
        uint32_t file;

        if (pn_yr_include(parser, &parser->token, &file) < 0 || parse_file(parser, file, place) < 0)
                return -1;
        parser->lexer = outer;
        return pn_yr_next(parser);
}

static int parse_import(struct pn_yr_parser *parser)
{
        if (pn_yr_next(parser) < 0)
                return -1;
        if (!pn_yr_is(parser, PN_YR_T_TEXT))
                return pn_yr_unexpected(parser, "the name of a module");
        return pn_yr_import(parser, &parser->token) < 0 ? -1 : pn_yr_next(parser);
}

static int parse_statements(struct pn_yr_parser *parser)
{
        while (!pn_yr_is(parser, PN_YR_T_END)) {
                int r;

                switch (parser->token.kind) {
                case PN_YR_T_INCLUDE:
                        r = parse_include(parser);
                        break;
                case PN_YR_T_IMPORT:
                        r = parse_import(parser);
                        break;
                case PN_YR_T_RULE:
                case PN_YR_T_PRIVATE:
                case PN_YR_T_GLOBAL:
                        r = pn_yr_parse_rule(parser);
                        break;
                default:
                        r = pn_yr_unexpected(parser, "`rule`, `import` or `include`");
                }
                if (r < 0)
                        return -1;
        }
        return 0;
}

/* libyara would stop there in silence. */
static int refuse_nul(struct pn_yr_parser *parser)
{
        const char *text = parser->lexer.text, *nul = memchr(text, '\0', parser->lexer.len), *line = text;
        struct pn_yr_place place = {.file = parser->lexer.file, .line = 1};

        if (!nul)
                return 0;
        for (const char *at = text; (at = memchr(at, '\n', (size_t)(nul - at))); line = ++at)
                place.line++;
        place.column = (uint32_t)(nul - line) + 1;
        return pn_yr_fail(parser, place, "NUL byte");
}

static int open_file(struct pn_yr_parser *parser, uint32_t file, struct pn_yr_place from)
{
        const struct pn_yr_source *source = &parser->sources[file];

        for (uint32_t i = 0; i < parser->open_count; i++)
                if (parser->open[i] == file)
                        return pn_yr_fail(parser, from,
                                          "the file includes itself, directly or through others");
        if (parser->open_count == PN_YR_INCLUDE_MAX)
                return pn_yr_fail(parser, from, "includes are nested deeper than %u files",
                                  PN_YR_INCLUDE_MAX);
        if (parser->open_count > 0) {
                if (source->len > PN_YR_INCLUDE_BYTES_MAX - parser->include_bytes)
                        return pn_yr_fail(parser, from, "includes read more than %lu bytes",
                                          PN_YR_INCLUDE_BYTES_MAX);
                parser->include_bytes += source->len + 1;
                if (parser->include_bytes > PN_YR_INCLUDE_BYTES_MAX)
                        parser->include_bytes = PN_YR_INCLUDE_BYTES_MAX;
        }
        parser->open[parser->open_count++] = file;
        pn_yr_lexer_open(&parser->lexer, source, file, parser->arena);
        return refuse_nul(parser);
}

static int parse_file(struct pn_yr_parser *parser, uint32_t file, struct pn_yr_place from)
{
        if (open_file(parser, file, from) < 0 || pn_yr_next(parser) < 0 || parse_statements(parser) < 0)
                return -1;
        parser->open_count--;
        parser->parsed[file] = true;
        /* libyara would take the rest of the including file for a comment, too */
        if (parser->lexer.open_comment && parser->open_count > 0)
                return pn_yr_fail(parser, from, "the included file ends inside a comment");
        return 0;
}

/* ---------------------------------------------------------------- the set */

static int parse_spaces(struct pn_yr_parser *parser)
{
        const struct pn_yr_place none = {0};

        /* once for the namespaces, once for what only a circle of includes reaches: it says where */
        for (int circles = 0; circles < 2; circles++)
                for (uint32_t i = 0; i < parser->set->file_count; i++) {
                        if (circles ? parser->parsed[i] : parser->set->file[i].included)
                                continue;
                        pn_lookup_clear(&parser->names);
                        parser->modules.count = 0;
                        parser->has_prefixes = false;
                        parser->space = i;
                        parser->space_rule = parser->rules.count;
                        if (parse_file(parser, i, none) < 0)
                                return -1;
                }
        return 0;
}

/* Lists become arrays, in the order of the source. */
static int finish(struct pn_yr_parser *parser)
{
        struct pn_yr_set *set = parser->set;

        for (uint32_t i = 0; i < set->file_count; i++) {
                struct pn_yr_file *file = &set->file[i];
                uint32_t at = file->import_count;

                file->import = pn_arena_get(parser->arena, file->import_count, sizeof(*file->import));
                if (!file->import)
                        return pn_yr_no_memory(parser);
                for (const struct pn_yr_import *import = parser->import[i]; import; import = import->next)
                        file->import[--at] = import->name;
        }
        return pn_yr_take(parser, &parser->rules, 0, sizeof(struct pn_yr_rule), &set->rule, &set->rule_count);
}

static int prepare(struct pn_yr_parser *parser, uint32_t count)
{
        struct pn_yr_set *set = parser->set;

        set->file_count = count;
        set->file = pn_arena_get(parser->arena, count, sizeof(*set->file));
        parser->import = pn_arena_get(parser->arena, count, sizeof(void *));
        parser->parsed = pn_arena_get(parser->arena, count, sizeof(bool));
        if (!set->file || !parser->import || !parser->parsed)
                return pn_yr_no_memory(parser);
        for (uint32_t i = 0; i < count; i++) {
                const struct pn_yr_source *source = &parser->sources[i];

                if (source->len > PN_YR_SOURCE_MAX)
                        return pn_yr_fail(parser, (struct pn_yr_place){i, 1, 1},
                                          "file is larger than %u bytes", PN_YR_SOURCE_MAX);
                set->file[i] = (struct pn_yr_file){.source = source->text, .len = source->len};
                set->file[i].name = pn_arena_copy(parser->arena, source->name, strlen(source->name));
                if (!set->file[i].name)
                        return pn_yr_no_memory(parser);
        }
        return 0;
}

static void clear(struct pn_yr_parser *parser)
{
        struct pn_yr_pile *piles[] = {&parser->rules, &parser->users,   &parser->modules,
                                      &parser->nodes, &parser->numbers, &parser->needs,
                                      &parser->used,  &parser->strings, &parser->metas};

        for (size_t i = 0; i < sizeof(piles) / sizeof(piles[0]); i++)
                free(piles[i]->item);
        pn_lookup_free(&parser->files);
        pn_lookup_free(&parser->names);
        pn_lookup_free(&parser->local);
}

int pn_yr_parse(const struct pn_yr_source *sources, uint32_t count, struct pn_yr_set *ret, struct pn_err *err)
{
        struct pn_yr_set set = {.arena = pn_arena_new()};
        struct pn_yr_parser parser = {.set = &set, .arena = set.arena, .err = err, .sources = sources};
        int r = -1;

        if (!set.arena)
                return pn_yr_no_memory(&parser);
        if (count > PN_YR_FILES_MAX)
                pn_err_fill(err, PN_FAULT_CONFIG, 0, "more than %u files of rules", PN_YR_FILES_MAX);
        else if (prepare(&parser, count) == 0 && pn_yr_find_includes(&parser) == 0 &&
                 parse_spaces(&parser) == 0 && finish(&parser) == 0)
                r = 0;
        clear(&parser);
        if (r == 0)
                *ret = set;
        else
                pn_yr_free(&set);
        return r;
}

void pn_yr_free(struct pn_yr_set *set)
{
        pn_arena_free(set->arena);
        *set = (struct pn_yr_set){0};
}
