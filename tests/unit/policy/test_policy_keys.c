/* SPDX-License-Identifier: Apache-2.0 */
/* The table of the parser, the schemas, default.json and the tables of the README know the same keys with the
 * same ranges and defaults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/exceptions.h"
#include "policy/keys.h"

/* What the documents write for the directories that the build was configured with. */
#define SHIPPED_DATADIR "/usr/share/postern"
#define SHIPPED_SYSCONFDIR "/etc/postern"

struct documents {
        json_t *schema, *exceptions_schema, *defaults;
        char *readme;
};

static json_t *load(const char *path)
{
        json_error_t why;
        json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &why);

        if (!root)
                print_error("%s: line %d: %s\n", path, why.line, why.text);
        return root;
}

static char *read_text(const char *path)
{
        char *text = calloc(1, 1 << 16);
        FILE *file = fopen(path, "re");

        if (!text || !file || fread(text, 1, (1 << 16) - 1, file) == 0)
                print_error("%s: cannot be read\n", path);
        if (file)
                (void)fclose(file);
        return text;
}

static int load_documents(void **state)
{
        static struct documents docs;

        docs.schema = load(PN_SOURCE_DIR "/policy/schema/policy.schema.json");
        docs.exceptions_schema = load(PN_SOURCE_DIR "/policy/schema/exceptions.schema.json");
        docs.defaults = load(PN_SOURCE_DIR "/policy/default.json");
        docs.readme = read_text(PN_SOURCE_DIR "/policy/README.md");
        *state = &docs;
        return docs.schema && docs.exceptions_schema && docs.defaults && docs.readme ? 0 : -1;
}

static int free_documents(void **state)
{
        struct documents *docs = *state;

        json_decref(docs->schema);
        json_decref(docs->exceptions_schema);
        json_decref(docs->defaults);
        free(docs->readme);
        return 0;
}

/* A string that begins with `from` begins with `to` instead; lists likewise. */
static json_t *moved(json_t *value, const char *from, const char *to)
{
        json_t *item;
        size_t i;

        if (json_is_string(value) && strncmp(json_string_value(value), from, strlen(from)) == 0)
                return json_sprintf("%s%s", to, json_string_value(value) + strlen(from));
        if (json_is_array(value)) {
                json_t *list = json_array();

                json_array_foreach(value, i, item)
                        assert_int_equal(0, json_array_append_new(list, moved(item, from, to)));
                return list;
        }
        return json_incref(value);
}

/* A fallback of the parser as the documents write it; NULL when the key is required. */
static json_t *fallback_of(const struct pn_key *key)
{
        json_auto_t *built = NULL, *half = NULL;

        if (!key->fallback)
                return NULL;
        built = json_loads(key->fallback, JSON_DECODE_ANY, NULL);
        assert_non_null(built);
        half = moved(built, PN_DATADIR, SHIPPED_DATADIR);
        return moved(half, PN_SYSCONFDIR, SHIPPED_SYSCONFDIR);
}

/* Follows "$ref": "#/$defs/<name>". */
static const json_t *resolved(const json_t *schema, const json_t *node)
{
        const char *ref = json_string_value(json_object_get(node, "$ref"));

        if (!ref)
                return node;
        assert_int_equal(0, strncmp(ref, "#/$defs/", 8));
        node = json_object_get(json_object_get(schema, "$defs"), ref + 8);
        assert_non_null(node);
        return node;
}

static size_t count_keys(const struct pn_key *keys)
{
        size_t count = 0;

        while (keys[count].name)
                count++;
        return count;
}

/* ---------------------------------------------------------------- schema */

static void check_leaf(const json_t *schema, const struct pn_key *key, const json_t *node, const char *at)
{
        const json_t *body = resolved(schema, node);
        json_auto_t *fallback = fallback_of(key);
        bool list = json_is_array(fallback);
        const char *low = list ? "minItems" : "minimum", *high = list ? "maxItems" : "maximum";

        if (fallback && !json_equal(fallback, json_object_get(node, "default")))
                fail_msg("%s: the schema has another default", at);
        if (json_integer_value(json_object_get(body, low)) != key->min)
                fail_msg("%s: the schema has another lower end", at);
        if (json_integer_value(json_object_get(body, high)) != key->max)
                fail_msg("%s: the schema has another upper end", at);
        for (size_t i = 1; key->words && key->words[i]; i++)
                if (strcmp(key->words[i],
                           json_string_value(json_array_get(json_object_get(body, "enum"), i - 1)) ?: "") !=
                    0)
                        fail_msg("%s: the schema has other words", at);
        if (key->words && json_array_size(json_object_get(body, "enum")) != 2)
                fail_msg("%s: the schema has more words", at);
}

static bool is_listed(const json_t *list, const char *name)
{
        const json_t *item;
        size_t i;

        json_array_foreach((json_t *)(uintptr_t)list, i,
                           item) if (strcmp(json_string_value(item), name) == 0) return true;
        return false;
}

static void check_schema(const json_t *schema, const struct pn_key *keys, const json_t *node,
                         const char *prefix)
{
        const json_t *properties = json_object_get(node, "properties");

        if (!json_is_false(json_object_get(node, "additionalProperties")))
                fail_msg("%s: the schema lets unknown keys through", prefix);
        if (json_object_size(properties) != count_keys(keys))
                fail_msg("%s: the schema knows other keys", prefix);
        for (; keys->name; keys++) {
                const json_t *below = json_object_get(properties, keys->name);
                char at[PN_KEY_PATH_MAX];

                (void)snprintf(at, sizeof(at), "%.60s%.60s%s", prefix, keys->name, keys->sub ? "." : "");
                if (!below ||
                    !json_is_string(json_object_get(below, "description") ?: json_object_get(below, "$ref")))
                        fail_msg("%s: is not in the schema, or not described", at);
                if (is_listed(json_object_get(node, "required"), keys->name) !=
                    (!keys->sub && !keys->fallback))
                        fail_msg("%s: is required by one only", at);
                if (keys->sub)
                        check_schema(schema, keys->sub, below, at);
                else
                        check_leaf(schema, keys, below, at);
        }
}

static void schema_knows_the_keys_of_the_parser(void **state)
{
        const struct documents *docs = *state;

        assert_string_equal("https://json-schema.org/draft/2020-12/schema",
                            json_string_value(json_object_get(docs->schema, "$schema")));
        check_schema(docs->schema, pn_policy_keys, docs->schema, "");
}

static void schema_of_exceptions_knows_the_keys_of_the_parser(void **state)
{
        const struct documents *docs = *state;
        const json_t *of_policy = json_object_get(json_object_get(docs->schema, "$defs"), "exception");
        const json_t *of_file =
                json_object_get(json_object_get(docs->exceptions_schema, "$defs"), "exception");
        size_t count = 0;

        assert_non_null(of_file);
        assert_true(json_equal((json_t *)(uintptr_t)of_policy, (json_t *)(uintptr_t)of_file));
        assert_true(json_is_false(json_object_get(of_file, "additionalProperties")));
        assert_true(json_is_false(json_object_get(docs->exceptions_schema, "additionalProperties")));
        for (; pn_exception_keys[count]; count++) {
                assert_non_null(
                        json_object_get(json_object_get(of_file, "properties"), pn_exception_keys[count]));
                assert_true(is_listed(json_object_get(of_file, "required"), pn_exception_keys[count]));
        }
        assert_int_equal(count, json_object_size(json_object_get(of_file, "properties")));
        assert_int_equal(count, json_array_size(json_object_get(of_file, "required")));
}

/* ---------------------------------------------------------------- default.json */

static void check_defaults(const struct pn_key *keys, const json_t *object, const char *prefix)
{
        if (json_object_size(object) != count_keys(keys))
                fail_msg("%s: default.json has other keys", prefix);
        for (; keys->name; keys++) {
                json_t *value = json_object_get(object, keys->name);
                json_auto_t *fallback = fallback_of(keys);

                if (!value)
                        fail_msg("%s%s: is not in default.json", prefix, keys->name);
                if (keys->sub)
                        check_defaults(keys->sub, value, keys->name);
                else if (fallback && !json_equal(fallback, value))
                        fail_msg("%s%s: default.json has another default", prefix, keys->name);
        }
}

static void default_policy_has_every_key_with_its_default(void **state)
{
        const struct documents *docs = *state;

        check_defaults(pn_policy_keys, docs->defaults, "");
}

static void default_policy_only_monitors(void **state)
{
        const struct documents *docs = *state;
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;
        char *json = json_dumps(docs->defaults, 0);

        if (pn_policy_parse("default.json", json, strlen(json), &policy, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(PN_MODE_MONITOR, policy->mode);
        free(json);
        (void)pn_policy_free(policy);
}

/* ---------------------------------------------------------------- README */

/* The cell `column` (1 is the key) of the row "| `<at>` | ..." into `cell`. */
static void get_cell(const char *readme, const char *at, int column, char *cell, size_t cap)
{
        char head[PN_KEY_PATH_MAX + 16];
        const char *row, *end;

        (void)snprintf(head, sizeof(head), "\n| `%s` |", at);
        row = strstr(readme, head);
        if (!row) {
                fail_msg("%s: is not in the README", at);
                return;
        }
        for (row += 2; column > 1; column--) {
                row += strcspn(row, "|");
                row += *row == '|';
        }
        end = strchr(row, '|');
        assert_non_null(end);
        (void)snprintf(cell, cap, "%.*s", (int)(end - row), row);
}

static void check_row(const char *readme, const struct pn_key *key, const char *at)
{
        json_auto_t *fallback = fallback_of(key), *told = NULL;
        char cell[512], range[128];

        get_cell(readme, at, 3, cell, sizeof(cell));
        if (!fallback) {
                assert_string_equal(" - ", cell);
        } else {
                cell[strcspn(cell + 2, "`") + 2] = '\0';
                told = json_loads(cell + 2, JSON_DECODE_ANY, NULL);
                if (!told || !json_equal(fallback, told))
                        fail_msg("%s: the README has another default: %s", at, cell);
        }
        get_cell(readme, at, 2, cell, sizeof(cell));
        (void)snprintf(range, sizeof(range), " %" JSON_INTEGER_FORMAT " to %" JSON_INTEGER_FORMAT " ",
                       key->min, key->max);
        if (key->max > 0 && !strstr(cell, range))
                fail_msg("%s: the README has another range: %s", at, cell);
        for (size_t i = 1; key->words && key->words[i]; i++)
                if (!strstr(cell, key->words[i]))
                        fail_msg("%s: the README does not have the word %s", at, key->words[i]);
}

static size_t check_readme(const char *readme, const struct pn_key *keys, const char *prefix)
{
        size_t rows = 0;

        for (; keys->name; keys++) {
                char at[PN_KEY_PATH_MAX];

                (void)snprintf(at, sizeof(at), "%.60s%.60s%s", prefix, keys->name, keys->sub ? "." : "");
                if (keys->sub) {
                        rows += check_readme(readme, keys->sub, at);
                        continue;
                }
                check_row(readme, keys, at);
                rows++;
        }
        return rows;
}

static void readme_knows_the_keys_of_the_parser(void **state)
{
        const struct documents *docs = *state;
        size_t known = check_readme(docs->readme, pn_policy_keys, ""), rows = 0;
        char cell[512];

        for (size_t i = 0; pn_exception_keys[i]; i++, known++)
                get_cell(docs->readme, pn_exception_keys[i], 2, cell, sizeof(cell));
        for (const char *row = docs->readme; (row = strstr(row, "\n| `")) != NULL; row++)
                rows++;
        assert_int_equal(known, rows); /* no row for a key that is gone */
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(schema_knows_the_keys_of_the_parser),
                cmocka_unit_test(schema_of_exceptions_knows_the_keys_of_the_parser),
                cmocka_unit_test(default_policy_has_every_key_with_its_default),
                cmocka_unit_test(default_policy_only_monitors),
                cmocka_unit_test(readme_knows_the_keys_of_the_parser),
        };

        return cmocka_run_group_tests(tests, load_documents, free_documents);
}
