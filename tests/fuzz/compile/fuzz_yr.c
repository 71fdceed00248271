/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/compile/ast.h"

/* Source of rules; a byte 0xff separates files, which are called "a", "b", "c" and "d" and may include each
 * other. */

#define FILES 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

static void check_expr(const struct pn_yr_set *set, uint32_t index, const struct pn_yr_expr *expr)
{
        const struct pn_yr_rule *rule = &set->rule[index];
        const struct pn_yr_expr *parts[] = {expr->count, expr->a, expr->b, expr->at, expr->body};

        require(expr->kind >= PN_YR_E_BOOL && expr->kind <= PN_YR_E_FOR_IN);
        require(expr->height >= 1 && expr->height <= PN_YR_HEIGHT_MAX);
        require(expr->string == PN_YR_NO_STRING || expr->string < rule->string_count);
        require(expr->kind != PN_YR_E_RULE || expr->rule <= index);
        require((expr->kind != PN_YR_E_AND && expr->kind != PN_YR_E_OR) || expr->list_count >= 2);
        require((expr->kind != PN_YR_E_OF && expr->kind != PN_YR_E_FOR_OF) || expr->member_count > 0);
        for (uint32_t i = 0; i < expr->member_count; i++)
                require(expr->member[i] < (expr->of_rules ? index + 1 : rule->string_count));
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
                if (parts[i]) {
                        require(parts[i]->height < expr->height);
                        check_expr(set, index, parts[i]);
                }
        for (uint32_t i = 0; i < expr->list_count; i++) {
                require(expr->list[i]->height < expr->height);
                check_expr(set, index, expr->list[i]);
        }
}

static void check_hex(const struct pn_yr_hex *hex)
{
        require(hex && hex->kind != PN_YR_HEX_JUMP);
        for (; hex; hex = hex->next) {
                require(hex->kind != PN_YR_HEX_BYTE || (hex->value & ~hex->mask) == 0);
                require(hex->kind != PN_YR_HEX_JUMP || (hex->min <= hex->max && hex->next));
                for (uint32_t i = 0; i < hex->alt_count; i++)
                        check_hex(hex->alt[i]);
        }
}

static void check_rule(const struct pn_yr_set *set, uint32_t index)
{
        const struct pn_yr_rule *rule = &set->rule[index];
        const struct pn_yr_file *file = &set->file[rule->place.file];

        require(rule->begin < rule->end && rule->end <= file->len && file->source[rule->end - 1] == '}');
        require(memchr("rpg", file->source[rule->begin], 3) != NULL);
        require(rule->space < set->file_count && rule->condition);
        for (uint32_t i = 0; i < rule->needs_count; i++)
                require(rule->needs[i] < index && set->rule[rule->needs[i]].space == rule->space);
        for (uint32_t i = 0; i < rule->string_count; i++) {
                const struct pn_yr_string *string = &rule->string[i];

                require(string->name[0] == '$' && string->place.line > 0 && string->place.column > 0);
                if (string->kind == PN_YR_HEX)
                        check_hex(string->hex);
                else
                        require(string->text.data && (string->flags & (PN_YR_ASCII | PN_YR_WIDE)) != 0);
        }
        check_expr(set, index, rule->condition);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char *const names[FILES] = {"a", "b", "c", "d"};
        struct pn_yr_source sources[FILES];
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set = {0};
        uint32_t count = 0;

        for (; count < FILES && (size > 0 || count == 0); count++) {
                const uint8_t *end = size > 0 ? memchr(data, 0xff, size) : NULL;
                size_t len = end ? (size_t)(end - data) : size, step = end ? len + 1 : size;

                sources[count] = (struct pn_yr_source){names[count], (const char *)data, len};
                data += step;
                size -= step;
        }
        if (pn_yr_parse(sources, count, &set, &err) < 0) {
                require((err.fault == PN_FAULT_CONFIG || err.fault == PN_FAULT_HOST) && err.text[0] != '\0');
                require(!set.arena);
                return 0;
        }
        require(set.file_count == count);
        for (uint32_t i = 0; i < set.rule_count; i++)
                check_rule(&set, i);
        pn_yr_free(&set);
        return 0;
}
