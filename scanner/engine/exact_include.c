/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "scanner/engine/exact.h"
#include "scanner/engine/include_path.h"

/* Which files include which, before libyara has seen them: as much of the language as is needed to tell the
 * word `include` from one in a comment, a string or a regular expression. (Division is a backslash in YARA: a
 * slash begins one of these.) */
struct reader {
        const char *at, *end;
};

static bool is_word(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static bool begins(const struct reader *reader, const char *text)
{
        const size_t len = strlen(text);

        return (size_t)(reader->end - reader->at) >= len && memcmp(reader->at, text, len) == 0;
}

/* Behind the next `text`, or to the end. */
static void skip_past(struct reader *reader, const char *text)
{
        const char *found = memmem(reader->at, (size_t)(reader->end - reader->at), text, strlen(text));

        reader->at = found ? found + strlen(text) : reader->end;
}

/* A string or a regular expression, which end with their line at the latest. */
static void skip_quoted(struct reader *reader)
{
        const char quote = *reader->at++;

        while (reader->at < reader->end && *reader->at != '\n') {
                const char c = *reader->at++;

                if (c == quote)
                        return;
                if (c == '\\' && reader->at < reader->end && *reader->at != '\n')
                        reader->at++;
        }
}

/* At `include` followed by blanks and a quote: what stands in the quotes. */
static bool take_include(struct reader *reader, const char **ret, size_t *ret_len)
{
        const char *from, *stop;

        reader->at += strlen("include");
        from = reader->at;
        while (from < reader->end && (*from == ' ' || *from == '\t'))
                from++;
        if (from == reader->at || from == reader->end || *from != '"')
                return false;
        from++;
        stop = memchr(from, '"', (size_t)(reader->end - from));
        if (!stop)
                return false;
        *ret = from;
        *ret_len = (size_t)(stop - from);
        reader->at = stop + 1;
        return true;
}

static bool next_include(struct reader *reader, const char **ret, size_t *ret_len)
{
        while (reader->at < reader->end) {
                if (begins(reader, "//"))
                        skip_past(reader, "\n");
                else if (begins(reader, "/*"))
                        skip_past(reader, "*/");
                else if (*reader->at == '"' || *reader->at == '/')
                        skip_quoted(reader);
                else if (!is_word(*reader->at))
                        reader->at++;
                else if (begins(reader, "include") && take_include(reader, ret, ret_len))
                        return true;
                else
                        while (reader->at < reader->end && is_word(*reader->at))
                                reader->at++;
        }
        return false;
}

static bool includes(const struct pn_exact_source *source, const char *name)
{
        struct reader reader = {source->text, source->text + source->len};
        char written[PN_INCLUDE_PATH_MAX], path[PN_INCLUDE_PATH_MAX];
        const char *text;
        size_t len;

        if (source->len == 0 || !memmem(source->text, source->len, "include", strlen("include")))
                return false;
        while (next_include(&reader, &text, &len)) {
                if (len >= sizeof(written))
                        continue;
                memcpy(written, text, len);
                written[len] = '\0';
                if (pn_include_path(source->name, written, path) && pn_include_path_is(path, name))
                        return true;
        }
        return false;
}

bool pn_exact_is_included(const struct pn_exact_source *source, size_t count, size_t number)
{
        for (size_t i = 0; i < count; i++)
                if (includes(&source[i], source[number].name))
                        return true;
        return false;
}
