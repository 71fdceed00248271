/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_CONDITIONS_H
#define PN_TEST_CONDITIONS_H

/* Conditions at random, in the language's own words, over four strings $_0 to $_3 and two rules p0 and p1. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct random_text {
        uint64_t seed;
        char text[4096];
        size_t len;
        unsigned loops; /* for..in around here */
        bool in_for_of;
};

static inline unsigned pick(struct random_text *to, unsigned below)
{
        to->seed = to->seed * 6364136223846793005ULL + 1442695040888963407ULL;
        return (unsigned)(to->seed >> 33) % below;
}

__attribute__((format(printf, 2, 3))) static inline void put(struct random_text *to, const char *fmt, ...)
{
        va_list args;
        int n;

        va_start(args, fmt);
        n = vsnprintf(to->text + to->len, sizeof(to->text) - to->len, fmt, args);
        va_end(args);
        if (n > 0 && (size_t)n < sizeof(to->text) - to->len)
                to->len += (size_t)n;
}

/* "_2", or nothing where `$` of a loop may be meant. */
static inline void put_string(struct random_text *to)
{
        if (!to->in_for_of || pick(to, 3) == 0)
                put(to, "_%u", pick(to, 4));
}

static inline void put_number(struct random_text *to, unsigned depth)
{
        static const char *const arithmetic[] = {"+", "-", "*", "\\", "%", "&", "|", "^", "<<", ">>"};
        static const char *const reader[] = {"uint8", "uint16", "uint32",   "int8",
                                             "int16", "int32",  "uint16be", "uint32be"};

        switch (pick(to, depth ? 12 : 5)) {
        case 0:
                put(to, "%u", pick(to, 12));
                return;
        case 1:
                put(to, "filesize");
                return;
        case 2:
                put(to, "#");
                put_string(to);
                return;
        case 3:
                if (to->loops > 0)
                        put(to, "%c", 'i' + (int)pick(to, to->loops));
                else
                        put(to, "%u", pick(to, 100));
                return;
        case 4:
                put(to, pick(to, 2) ? "@" : "!");
                put_string(to);
                return;
        case 5:
        case 6:
                put(to, pick(to, 3) ? "@" : "!");
                put_string(to);
                put(to, "[");
                put_number(to, depth - 1);
                put(to, "]");
                return;
        case 7:
        case 8:
                put(to, "%s(", reader[pick(to, 8)]);
                put_number(to, depth - 1);
                put(to, ")");
                return;
        case 9:
                put(to, pick(to, 2) ? "-(" : "~(");
                put_number(to, depth - 1);
                put(to, ")");
                return;
        case 10:
                put(to, "#");
                put_string(to);
                put(to, " in (0..");
                put_number(to, depth - 1);
                put(to, ")");
                return;
        default:
                put(to, "(");
                put_number(to, depth - 1);
                put(to, " %s ", arithmetic[pick(to, 10)]);
                put_number(to, depth - 1);
                put(to, ")");
        }
}

static inline void put_set(struct random_text *to)
{
        unsigned members = 1 + pick(to, 4);

        if (pick(to, 3) == 0) {
                put(to, pick(to, 2) ? "them" : "($_*)");
                return;
        }
        put(to, "(");
        for (unsigned i = 0; i < members; i++)
                put(to, "%s$_%u", i ? ", " : "", pick(to, 4));
        put(to, ")");
}

static inline void put_quantifier(struct random_text *to, unsigned depth, bool percent)
{
        static const char *const word[] = {"any", "all", "none"};

        switch (pick(to, percent ? 7 : 6)) {
        case 0:
        case 1:
        case 2:
                put(to, "%s", word[pick(to, 3)]);
                return;
        case 3:
        case 4:
                put(to, "%d", (int)pick(to, 6) - 1);
                return;
        case 5:
                put(to, "(");
                put_number(to, depth ? depth - 1 : 0);
                put(to, ")");
                return;
        default:
                put(to, "%u%%", 1 + pick(to, 100));
        }
}

static inline void put_truth(struct random_text *to, unsigned depth);

static inline void put_comparison(struct random_text *to, unsigned depth)
{
        static const char *const op[] = {"<", "<=", ">", ">=", "==", "!="};

        put_number(to, depth);
        put(to, " %s ", op[pick(to, 6)]);
        if (pick(to, 12) == 0)
                put(to, "%u.5", pick(to, 9));
        else
                put_number(to, depth);
}

static inline void put_for_in(struct random_text *to, unsigned depth)
{
        put(to, "for ");
        put_quantifier(to, depth - 1, false);
        put(to, " %c in (", 'i' + (int)to->loops);
        if (pick(to, 2)) {
                put(to, "%u..", pick(to, 4));
                if (pick(to, 2))
                        put(to, "%u", pick(to, 6));
                else
                        put(to, pick(to, 2) ? "#_%u" : "@_%u", pick(to, 4));
        } else {
                put_number(to, depth - 1);
                for (unsigned i = pick(to, 3); i > 0; i--) {
                        put(to, ", ");
                        put_number(to, depth - 1);
                }
        }
        put(to, ") : (");
        to->loops++;
        put_truth(to, depth - 1);
        to->loops--;
        put(to, ")");
}

static inline void put_for_of(struct random_text *to, unsigned depth)
{
        put(to, "for ");
        put_quantifier(to, depth - 1, false);
        put(to, " of ");
        put_set(to);
        put(to, " : (");
        to->in_for_of = true;
        put_truth(to, depth - 1);
        to->in_for_of = false;
        put(to, ")");
}

static inline void put_of(struct random_text *to, unsigned depth)
{
        bool in = pick(to, 3) == 0;

        if (!in && pick(to, 6) == 0) {
                put_quantifier(to, depth, false);
                put(to, " of (p0, p1)");
                return;
        }
        put_quantifier(to, depth, !in);
        put(to, " of ");
        put_set(to);
        if (!in)
                return;
        put(to, " in (");
        put_number(to, depth ? depth - 1 : 0);
        put(to, "..");
        put_number(to, depth ? depth - 1 : 0);
        put(to, ")");
}

static inline void put_junction(struct random_text *to, unsigned depth)
{
        const char *op = pick(to, 2) ? " and " : " or ";

        put(to, "(");
        put_truth(to, depth - 1);
        for (unsigned i = 1 + pick(to, 2); i > 0; i--) {
                put(to, "%s", op);
                put_truth(to, depth - 1);
        }
        put(to, ")");
}

static inline void put_leaf(struct random_text *to, unsigned depth)
{
        static const char *const other[] = {
                "p0",
                "p1",
                "true",
                "false",
                "filename == \"abc.so\"",
                "filename contains \"x\"",
                "\"abd\" > filename",
                "filepath startswith \"/usr\"",
                "entrypoint > 0",
                "extension iequals \".SO\"",
                "math.min(@_0, 5) > 3",
                "filename matches /b/",
                "filename",
                "math.entropy(0, @_1) >= 0.0",
        };

        switch (pick(to, 8)) {
        case 0:
        case 1:
                put(to, "$");
                put_string(to);
                return;
        case 2:
                put(to, "$");
                put_string(to);
                put(to, " at ");
                put_number(to, depth);
                return;
        case 3:
                put(to, "$");
                put_string(to);
                put(to, " in (");
                put_number(to, depth);
                put(to, "..");
                put_number(to, depth);
                put(to, ")");
                return;
        case 4:
                put(to, "%s", other[pick(to, sizeof(other) / sizeof(other[0]))]);
                return;
        case 5:
                put_of(to, depth);
                return;
        case 6:
                if (pick(to, 3) == 0) {
                        put_number(to, depth);
                        return;
                }
                put_comparison(to, depth);
                return;
        default:
                put_comparison(to, depth);
        }
}

static inline void put_truth(struct random_text *to, unsigned depth)
{
        switch (depth ? pick(to, 9) : 8) {
        case 0:
        case 1:
                put(to, "not (");
                put_truth(to, depth - 1);
                put(to, ")");
                return;
        case 2:
        case 3:
        case 4:
                put_junction(to, depth);
                return;
        case 5:
                if (to->loops < 2) {
                        put_for_in(to, depth);
                        return;
                }
                break;
        case 6:
                if (!to->in_for_of) {
                        put_for_of(to, depth);
                        return;
                }
                break;
        case 7:
                if (pick(to, 2) == 0) {
                        put(to, "defined ");
                        put_number(to, depth - 1);
                        return;
                }
                break;
        default:
                break;
        }
        put_leaf(to, depth > 1 ? 1 : depth);
}

#endif
