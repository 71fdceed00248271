/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/hashset.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum field { F_SHA256, F_VERDICT, F_SEVERITY, F_CONFIDENCE, F_NAME, F_SOURCE, FIELDS };

static const char *const field_names[FIELDS] = {"sha256",     "verdict", "severity",
                                                "confidence", "name",    "source"};

struct entry {
        uint8_t digest[PN_SHA256_BYTES];
        uint8_t severity, confidence;
        bool good;
        size_t words; /* in the arena: verdict, name and source, each with its NUL */
};

struct entries {
        struct entry *at;
        size_t count, room;
};

struct pn_hashset {
        struct entries all; /* sorted by digest, each digest once */
        char *arena;
        size_t arena_len, arena_room;
};

/* Where the reader is, for messages. */
struct reader {
        struct pn_hashset *set;
        const char *file;
        size_t line;
        struct entries fresh;
        struct pn_err *err;
};

/* A word of a line. */
struct span {
        const char *at;
        size_t len;
        size_t column;
};

static const char *const good_verdicts[] = {"clean-control", "known-good"};

struct pn_hashset *pn_hashset_new(void)
{
        return calloc(1, sizeof(struct pn_hashset));
}

struct pn_hashset *pn_hashset_free(struct pn_hashset *set)
{
        if (set) {
                free(set->all.at);
                free(set->arena);
                free(set);
        }
        return NULL;
}

static int bad(const struct reader *r, size_t column, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

static int bad(const struct reader *r, size_t column, const char *fmt, ...)
{
        char what[PN_ERR_TEXT_MAX];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(what, sizeof(what), fmt, ap);
        va_end(ap);
        return pn_err_set(r->err, PN_FAULT_CONFIG, 0, "%s:%zu:%zu: %s", r->file, r->line, column, what);
}

static int no_memory(const struct reader *r)
{
        return pn_err_set(r->err, PN_FAULT_HOST, ENOMEM, "read deny file `%s`", r->file);
}

/* What to grow to, so that `more` fit behind `count`; doubles, so that a long file costs few moves. */
static size_t bigger(size_t room, size_t count, size_t more)
{
        if (room == 0)
                room = 64;
        while (room - count < more)
                room *= 2;
        return room;
}

static bool entries_fit(struct entries *all, size_t more)
{
        size_t room = bigger(all->room, all->count, more);
        struct entry *moved;

        if (all->at && all->room == room)
                return true;
        moved = reallocarray(all->at, room, sizeof(*moved));
        if (!moved)
                return false;
        all->room = room;
        all->at = moved;
        return true;
}

static bool arena_fits(struct pn_hashset *set, size_t more)
{
        size_t room = bigger(set->arena_room, set->arena_len, more);
        char *moved;

        if (set->arena && set->arena_room == room)
                return true;
        moved = realloc(set->arena, room);
        if (!moved)
                return false;
        set->arena_room = room;
        set->arena = moved;
        return true;
}

static int keep_word(struct reader *r, struct span word)
{
        struct pn_hashset *set = r->set;

        if (!arena_fits(set, word.len + 1))
                return no_memory(r);
        memcpy(set->arena + set->arena_len, word.at, word.len);
        set->arena[set->arena_len + word.len] = '\0';
        set->arena_len += word.len + 1;
        return 0;
}

static int keep_entry(struct reader *r, const struct entry *entry)
{
        struct entries *fresh = &r->fresh;

        if (fresh->count >= PN_HASHSET_ENTRIES_MAX - r->set->all.count)
                return bad(r, 1, "more than %u entries in all deny files", PN_HASHSET_ENTRIES_MAX);
        if (!entries_fit(fresh, 1))
                return no_memory(r);
        fresh->at[fresh->count++] = *entry;
        return 0;
}

/* Cuts a line at its TABs: exactly FIELDS words, none empty, all printable ASCII. */
static int split(const struct reader *r, const char *line, size_t len, struct span word[FIELDS])
{
        unsigned field = 0;

        word[0] = (struct span){line, 0, 1};
        for (size_t i = 0; i < len; i++) {
                unsigned char c = (unsigned char)line[i];

                if (c == '\t' && field < F_SOURCE)
                        word[++field] = (struct span){line + i + 1, 0, i + 2};
                else if (c < 0x20 || c > 0x7e)
                        return bad(r, i + 1, "not printable ASCII or a TAB too many");
                else
                        word[field].len++;
        }
        if (field != F_SOURCE)
                return bad(r, len + 1, "%s is missing", field_names[field + 1]);
        for (field = 0; field < FIELDS; field++)
                if (word[field].len == 0)
                        return bad(r, word[field].column, "%s is empty", field_names[field]);
        return 0;
}

static bool is_verdict(struct span word)
{
        for (size_t i = 0; i < word.len; i++)
                if (word.at[i] != '-' && (word.at[i] < 'a' || word.at[i] > 'z'))
                        return false;
        return word.len < 32 && word.at[0] != '-';
}

static bool is_good(struct span word)
{
        for (size_t i = 0; i < COUNT(good_verdicts); i++)
                if (word.len == strlen(good_verdicts[i]) && memcmp(word.at, good_verdicts[i], word.len) == 0)
                        return true;
        return false;
}

/* The word with a NUL, for the parsers of words; a word longer than all of theirs becomes "". */
static const char *terminated(struct span word, char buf[16])
{
        size_t len = word.len < 16 ? word.len : 0;

        memcpy(buf, word.at, len);
        buf[len] = '\0';
        return buf;
}

static int read_entry(struct reader *r, const char *line, size_t len)
{
        struct span word[FIELDS];
        struct entry entry = {.words = r->set->arena_len};
        char buf[16];

        if (split(r, line, len, word) < 0)
                return -1;
        if (!pn_text_unhex(entry.digest, PN_SHA256_BYTES, word[F_SHA256].at, word[F_SHA256].len))
                return bad(r, 1, "sha256 must be 64 hex digits");
        if (!is_verdict(word[F_VERDICT]))
                return bad(r, word[F_VERDICT].column, "verdict must be a word of a to z and -");
        entry.good = is_good(word[F_VERDICT]);
        entry.severity = (uint8_t)pn_severity_parse(terminated(word[F_SEVERITY], buf));
        if (entry.severity == 0)
                return bad(r, word[F_SEVERITY].column, "severity must be low, medium, high or critical");
        entry.confidence = (uint8_t)pn_confidence_parse(terminated(word[F_CONFIDENCE], buf));
        if (entry.confidence == 0)
                return bad(r, word[F_CONFIDENCE].column, "confidence must be low, medium or high");
        if (keep_word(r, word[F_VERDICT]) < 0 || keep_word(r, word[F_NAME]) < 0 ||
            keep_word(r, word[F_SOURCE]) < 0)
                return -1;
        return keep_entry(r, &entry);
}

static int read_lines(struct reader *r, const char *text, size_t len)
{
        while (len > 0) {
                const char *end = memchr(text, '\n', len);
                size_t line_len = end ? (size_t)(end - text) : len;

                r->line++;
                if (!end)
                        return bad(r, line_len + 1, "the file ends inside a line");
                if (line_len > PN_HASHSET_LINE_MAX)
                        return bad(r, PN_HASHSET_LINE_MAX + 1, "line longer than %d bytes",
                                   PN_HASHSET_LINE_MAX);
                if (line_len > 0 && text[0] != '#' && read_entry(r, text, line_len) < 0)
                        return -1;
                text += line_len + 1;
                len -= line_len + 1;
        }
        return 0;
}

/* How much an entry weighs against others for its digest: known good, may refuse, severity, confidence. */
static unsigned weight(const struct entry *e)
{
        return (unsigned)e->good << 16 | (unsigned)(e->confidence != PN_CONFIDENCE_LOW) << 12 |
               (unsigned)e->severity << 4 | e->confidence;
}

static int by_digest(const void *a, const void *b)
{
        return memcmp(((const struct entry *)a)->digest, ((const struct entry *)b)->digest, PN_SHA256_BYTES);
}

/* The one to keep comes first; `words` grows with each entry read, so it tells which was read first. */
static int by_digest_and_weight(const void *a, const void *b)
{
        const struct entry *x = a, *y = b;
        int order = by_digest(a, b);

        if (order != 0)
                return order;
        if (weight(x) != weight(y))
                return weight(x) > weight(y) ? -1 : 1;
        return x->words < y->words ? -1 : x->words > y->words;
}

/* Fresh entries behind the old ones, all sorted, the first of each digest kept. */
static int merge(struct reader *r)
{
        struct entries *all = &r->set->all;
        const struct entries *fresh = &r->fresh;
        size_t total = all->count + fresh->count, kept = 0;

        if (fresh->count == 0)
                return 0;
        if (!entries_fit(all, fresh->count))
                return no_memory(r);
        memcpy(all->at + all->count, fresh->at, fresh->count * sizeof(*all->at));
        qsort(all->at, total, sizeof(*all->at), by_digest_and_weight);
        for (size_t i = 0; i < total; i++)
                if (kept == 0 || by_digest(&all->at[kept - 1], &all->at[i]) != 0)
                        all->at[kept++] = all->at[i];
        all->count = kept;
        return 0;
}

int pn_hashset_add(struct pn_hashset *set, const char *name, const char *text, size_t len, struct pn_err *err)
{
        struct reader r = {.set = set, .file = name, .err = err};
        size_t before = set->arena_len;
        int done = read_lines(&r, text, len);

        if (done == 0)
                done = merge(&r);
        if (done < 0)
                set->arena_len = before;
        free(r.fresh.at);
        return done;
}

size_t pn_hashset_count(const struct pn_hashset *set)
{
        return set->all.count;
}

/* What an operator does about an entry: by how sure it is, then by what it names. */
static const char *remedy_for(const struct entry *e, const char *verdict)
{
        if (e->confidence == PN_CONFIDENCE_LOW)
                return "The list that names this file is not sure: compare the file with its package.";
        if (strcmp(verdict, "tool") == 0 || strcmp(verdict, "exploit") == 0)
                return "Remove the file from the image, or except it if it is there on purpose.";
        return "Do not run this image: find the layer that brought the file and rebuild without it.";
}

bool pn_hashset_find(const struct pn_hashset *set, const uint8_t digest[PN_SHA256_BYTES],
                     struct pn_finding *ret)
{
        struct entry key = {.good = false};
        const char *verdict, *name, *source;
        const struct entry *e;

        memcpy(key.digest, digest, PN_SHA256_BYTES);
        e = set->all.count ? bsearch(&key, set->all.at, set->all.count, sizeof(key), by_digest) : NULL;
        if (!e || e->good)
                return false;
        verdict = set->arena + e->words;
        name = verdict + strlen(verdict) + 1;
        source = name + strlen(name) + 1;
        ret->severity = (enum pn_severity)e->severity;
        ret->confidence = (enum pn_confidence)e->confidence;
        (void)snprintf(ret->detector, sizeof(ret->detector), "hash");
        (void)snprintf(ret->rule, sizeof(ret->rule), "deny-hash:%s", name);
        (void)snprintf(ret->title, sizeof(ret->title), "the file is on a deny list as %s: %s", verdict, name);
        (void)snprintf(ret->remedy, sizeof(ret->remedy), "%s", remedy_for(e, verdict));
        (void)snprintf(ret->source, sizeof(ret->source), "%s", source);
        memcpy(ret->sha256, digest, PN_SHA256_BYTES);
        ret->has_sha256 = true;
        return true;
}
