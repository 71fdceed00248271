/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "scanner/engine/truth.h"

static char lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool same(const char *a, const char *b, size_t len, bool nocase)
{
        for (size_t i = 0; i < len; i++)
                if (nocase ? lower(a[i]) != lower(b[i]) : a[i] != b[i])
                        return false;
        return true;
}

static bool contains(const char *value, size_t len, const char *constant, size_t want, bool nocase)
{
        for (size_t i = 0; i + want <= len; i++)
                if (same(value + i, constant, want, nocase))
                        return true;
        return false;
}

/* As libyara does it: by char, which is signed on some machines and not on others, and so it is in libyara.
 */
static int compare(const char *a, const char *b)
{
        while (*a == *b && *a != '\0') {
                a++;
                b++;
        }
        if (*a == *b)
                return 0;
        if (*a == '\0' || *b == '\0')
                return *a == '\0' ? -1 : 1;
        return *a < *b ? -1 : 1;
}

bool pn_truth_text(enum pn_op op, const char *value, const char *constant)
{
        size_t len = strlen(value), want = strlen(constant);
        const char *tail = len >= want ? value + (len - want) : value;

        switch (op) {
        case PN_OP_TEXT_EQ:
                return compare(value, constant) == 0;
        case PN_OP_TEXT_NE:
                return compare(value, constant) != 0;
        case PN_OP_TEXT_LT:
                return compare(value, constant) < 0;
        case PN_OP_TEXT_LE:
                return compare(value, constant) <= 0;
        case PN_OP_TEXT_GT:
                return compare(value, constant) > 0;
        case PN_OP_TEXT_GE:
                return compare(value, constant) >= 0;
        case PN_OP_TEXT_CONTAINS:
        case PN_OP_TEXT_ICONTAINS:
                return contains(value, len, constant, want, op == PN_OP_TEXT_ICONTAINS);
        case PN_OP_TEXT_STARTSWITH:
        case PN_OP_TEXT_ISTARTSWITH:
                return len >= want && same(value, constant, want, op == PN_OP_TEXT_ISTARTSWITH);
        case PN_OP_TEXT_ENDSWITH:
        case PN_OP_TEXT_IENDSWITH:
                return len >= want && same(tail, constant, want, op == PN_OP_TEXT_IENDSWITH);
        default:
                return len == want && same(value, constant, want, true);
        }
}
