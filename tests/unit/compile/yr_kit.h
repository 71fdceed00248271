/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_YR_KIT_H
#define PN_TEST_YR_KIT_H

/* For tests of the YARA parser: rules from text, and trees as text, such as `(and $0 (== #1 2))`. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/engine/compile/ast.h"

static const char *const kit_name[] = {
        [PN_YR_E_FILESIZE] = "filesize",
        [PN_YR_E_ENTRYPOINT] = "entrypoint",
        [PN_YR_E_DOUBLE] = "double",
        [PN_YR_E_STRING] = "$",
        [PN_YR_E_STRING_AT] = "at $",
        [PN_YR_E_STRING_IN] = "in $",
        [PN_YR_E_COUNT] = "#",
        [PN_YR_E_COUNT_IN] = "in #",
        [PN_YR_E_OFFSET] = "@",
        [PN_YR_E_LENGTH] = "!",
        [PN_YR_E_INT_AT] = "int",
        [PN_YR_E_EXTERNAL] = "external",
        [PN_YR_E_RULE] = "rule",
        [PN_YR_E_VARIABLE] = "variable",
        [PN_YR_E_MODULE] = "module",
        [PN_YR_E_NOT] = "not",
        [PN_YR_E_DEFINED] = "defined",
        [PN_YR_E_NEGATIVE] = "neg",
        [PN_YR_E_BIT_NOT] = "~",
        [PN_YR_E_AND] = "and",
        [PN_YR_E_OR] = "or",
        [PN_YR_E_LT] = "<",
        [PN_YR_E_LE] = "<=",
        [PN_YR_E_GT] = ">",
        [PN_YR_E_GE] = ">=",
        [PN_YR_E_EQ] = "==",
        [PN_YR_E_NE] = "!=",
        [PN_YR_E_ADD] = "+",
        [PN_YR_E_SUB] = "-",
        [PN_YR_E_MUL] = "*",
        [PN_YR_E_DIV] = "\\",
        [PN_YR_E_MOD] = "%",
        [PN_YR_E_BIT_AND] = "&",
        [PN_YR_E_BIT_OR] = "|",
        [PN_YR_E_BIT_XOR] = "^",
        [PN_YR_E_SHL] = "<<",
        [PN_YR_E_SHR] = ">>",
        [PN_YR_E_CONTAINS] = "contains",
        [PN_YR_E_ICONTAINS] = "icontains",
        [PN_YR_E_STARTSWITH] = "starts",
        [PN_YR_E_ISTARTSWITH] = "istarts",
        [PN_YR_E_ENDSWITH] = "ends",
        [PN_YR_E_IENDSWITH] = "iends",
        [PN_YR_E_IEQUALS] = "iequals",
        [PN_YR_E_MATCHES] = "matches",
        [PN_YR_E_OF] = "of",
        [PN_YR_E_FOR_OF] = "for-of",
        [PN_YR_E_FOR_IN] = "for-in",
};

struct kit_out {
        char text[4096];
        size_t len;
};

__attribute__((format(printf, 2, 3))) static inline void kit_print(struct kit_out *out, const char *fmt, ...)
{
        va_list ap;

        va_start(ap, fmt);
        out->len += (size_t)vsnprintf(out->text + out->len, sizeof(out->text) - out->len, fmt, ap);
        va_end(ap);
        assert_true(out->len < sizeof(out->text));
}

static inline void kit_tree(struct kit_out *out, const struct pn_yr_expr *expr);

static inline void kit_head(struct kit_out *out, const struct pn_yr_expr *expr)
{
        static const char *const quantifiers[] = {"", "all", "any", "none", "", "%"};

        kit_print(out, "(%s", kit_name[expr->kind]);
        if (expr->kind >= PN_YR_E_STRING && expr->kind <= PN_YR_E_LENGTH && expr->string != PN_YR_NO_STRING)
                kit_print(out, "%u", expr->string);
        if (expr->kind == PN_YR_E_RULE)
                kit_print(out, "%u", expr->rule);
        if (expr->kind == PN_YR_E_INT_AT)
                kit_print(out, "%u%s%s", expr->bits, expr->is_signed ? "s" : "u",
                          expr->big_endian ? "be" : "");
        if (expr->text.data)
                kit_print(out, " %.*s", (int)expr->text.len, (const char *)expr->text.data);
        if (expr->quantifier)
                kit_print(out, " %s", quantifiers[expr->quantifier]);
        if (expr->member_count > 0) {
                kit_print(out, " %s[", expr->of_rules ? "rules" : "");
                for (uint32_t i = 0; i < expr->member_count; i++)
                        kit_print(out, "%s%u", i ? "," : "", expr->member[i]);
                kit_print(out, "]");
        }
}

static inline void kit_tree(struct kit_out *out, const struct pn_yr_expr *expr)
{
        const struct pn_yr_expr *parts[] = {expr->count, expr->a, expr->b, expr->at};

        if (expr->kind == PN_YR_E_INT || expr->kind == PN_YR_E_BOOL) {
                kit_print(out, expr->kind == PN_YR_E_INT ? "%lld" : "%lld?", (long long)expr->number);
                return;
        }
        if (expr->kind == PN_YR_E_TEXT || expr->kind == PN_YR_E_REGEX) {
                kit_print(out, expr->kind == PN_YR_E_TEXT ? "'%.*s'" : "/%.*s/%s%s", (int)expr->text.len,
                          (const char *)expr->text.data, expr->number & PN_YR_NOCASE ? "i" : "",
                          expr->number & PN_YR_DOTALL ? "s" : "");
                return;
        }
        kit_head(out, expr);
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                if (parts[i]) {
                        kit_print(out, " ");
                        kit_tree(out, parts[i]);
                }
        for (uint32_t i = 0; i < expr->list_count; i++) {
                kit_print(out, i == 1 && expr->range ? ".." : " ");
                kit_tree(out, expr->list[i]);
        }
        if (expr->body) {
                kit_print(out, " : ");
                kit_tree(out, expr->body);
        }
        kit_print(out, ")");
}

/* One file, "r.yar". */
static inline int kit_parse(const char *text, size_t len, struct pn_yr_set *ret, struct pn_err *err)
{
        struct pn_yr_source source = {"r.yar", text, len};

        return pn_yr_parse(&source, 1, ret, err);
}

static inline void kit_parse_ok(const char *text, struct pn_yr_set *ret)
{
        struct pn_err err = PN_ERR_INIT;

        if (kit_parse(text, strlen(text), ret, &err) < 0)
                fail_msg("%s\n%s", text, err.text);
}

/* Refused, with `reason` behind the file's name. Says what is not so. */
static inline bool kit_is_refused(const char *text, const char *reason)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set = {0};

        if (kit_parse(text, strlen(text), &set, &err) == 0) {
                pn_yr_free(&set);
                print_error("accepted: %s\n", text);
                return false;
        }
        assert_null(set.arena);
        if (err.fault == PN_FAULT_CONFIG && strncmp(err.text, "r.yar:", 6) == 0 &&
            strstr(err.text + 6, reason))
                return true;
        print_error("%s\n`%s`, expected `%s`\n", text, err.text, reason);
        return false;
}

static inline void kit_refused(const char *text, const char *reason)
{
        assert_true(kit_is_refused(text, reason));
}

#endif
