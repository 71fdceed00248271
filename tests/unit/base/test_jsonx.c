/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/jsonx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/base/fd.h"

static int load(const char *text, json_t **ret, struct pn_err *err)
{
        return pn_jsonx_load("f.json", text, strlen(text), PN_FAULT_CONFIG, ret, err);
}

/* {"a":[[…]]} with `depth` containers in each other. */
static char *nest(unsigned depth)
{
        char *text = calloc(1, 2 * (size_t)depth + 16), *p = text;

        assert_non_null(text);
        p += sprintf(p, "{\"a\":");
        memset(p, '[', depth - 1);
        p += depth - 1;
        memset(p, ']', depth - 1);
        p[depth - 1] = '}';
        return text;
}

static void jsonx_nests_to_its_ceiling_and_no_deeper(void **ctx)
{
        pn_autofree char *deepest = nest(PN_JSON_DEPTH_MAX), *deeper = nest(PN_JSON_DEPTH_MAX + 1);
        struct pn_err err = PN_ERR_INIT;
        json_t *root = NULL;

        (void)ctx;
        assert_int_equal(load(deepest, &root, &err), 0);
        json_decref(root);
        assert_int_equal(load(deeper, &root, &err), -1);
        assert_string_equal(err.text, "f.json: too many objects and arrays in each other");
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
}

/* {"a":[0,0,…]} with `count` values, the object and the array included. */
static char *list(unsigned count)
{
        char *text = malloc(2 * (size_t)count + 16), *p = text;

        assert_non_null(text);
        p += sprintf(p, "{\"a\":[0");
        for (unsigned i = 3; i < count; i++)
                p += sprintf(p, ",0");
        (void)sprintf(p, "]}");
        return text;
}

static void jsonx_holds_values_to_its_ceiling_and_no_more(void **ctx)
{
        /* The last value of a list has no comma behind it: one more than the commas and brackets that count.
         */
        pn_autofree char *most = list(PN_JSON_VALUES_MAX + 1), *more = list(PN_JSON_VALUES_MAX + 2);
        struct pn_err err = PN_ERR_INIT;
        json_t *root = NULL;

        (void)ctx;
        assert_int_equal(load(most, &root, &err), 0);
        json_decref(root);
        assert_int_equal(load(more, &root, &err), -1);
        assert_string_equal(err.text, "f.json: too many values");
}

static void jsonx_does_not_count_what_stands_in_strings(void **ctx)
{
        static const char filler[] = "[{,\\\"[{,\\\\";
        char text[64 * sizeof(filler) + 32] = "{\"a\":\"";
        struct pn_err err = PN_ERR_INIT;
        json_t *root = NULL;

        (void)ctx;
        for (int i = 0; i < 64; i++)
                strcat(text, filler);
        strcat(text, "\",\"b\":1}");
        if (load(text, &root, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(json_integer_value(json_object_get(root, "b")), 1);
        json_decref(root);
}

static void jsonx_counts_what_stands_after_an_escaped_quote(void **ctx)
{
        char text[256] = "{\"a\\\"\":\"\\\\\",\"b\":";
        struct pn_err err = PN_ERR_INIT;
        json_t *root = NULL;

        (void)ctx;
        memset(text + strlen(text), '[', PN_JSON_DEPTH_MAX);
        assert_int_equal(load(text, &root, &err), -1);
        assert_string_equal(err.text, "f.json: too many objects and arrays in each other");
}

static const struct {
        const char *name, *text, *part;
} broken[] = {
        {"nothing", "", "f.json: line 1, column 0: "},
        {"second line", "{\n \"a\" 1}", "f.json: line 2, column "},
        {"duplicate key", "{\"a\":1,\"a\":2}", "duplicate object key"},
        {"duplicate below", "{\"o\":{\"a\":1,\"a\":1}}", "duplicate object key"},
        {"duplicate by escape", "{\"a\":1,\"\\u0061\":2}", "duplicate object key"},
        {"NUL in a value", "{\"a\":\"\\u0000\"}", "f.json: line 1"},
        {"NUL in a key", "{\"\\u0000\":1}", "f.json: line 1"},
        {"something behind", "{} {}", "end of file expected"},
        {"comma behind", "{\"a\":1,}", "f.json: line 1"},
        {"comment", "{/* */}", "f.json: line 1"},
        {"array", "[1]", "f.json: must be an object"},
        {"string", "\"a\"", "f.json: "},
        {"number too large", "{\"a\":9223372036854775808}", "too big integer"},
        {"terminal escape in the excerpt", "{\"a\": \x1b[2J}", "f.json: line 1"},
        {"invalid UTF-8", "{\"a\":\"\xc3\x28\"}", "f.json: line 1"},
        {"overlong UTF-8", "{\"a\":\"\xc0\xaf\"}", "f.json: line 1"},
        {"byte order mark", "\xef\xbb\xbf{}", "f.json: line 1"},
        {"lone surrogate", "{\"a\":\"\\ud800\"}", "f.json: line 1"},
};

static void jsonx_refuses_and_says_where(void **ctx)
{
        (void)ctx;
        for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
                struct pn_err err = PN_ERR_INIT;
                json_t *root = NULL;

                if (load(broken[i].text, &root, &err) == 0)
                        fail_msg("%s: accepted", broken[i].name);
                if (!strstr(err.text, broken[i].part))
                        fail_msg("%s: said `%s`", broken[i].name, err.text);
                for (const char *p = err.text; *p; p++)
                        assert_in_range(*p, 0x20, 0x7e);
                assert_int_equal(err.fault, PN_FAULT_CONFIG);
                assert_null(root);
        }
}

static void jsonx_wide_takes_numbers_past_64_bits_and_is_as_strict_in_the_rest(void **ctx)
{
        static const char wide[] = "{\"a\":18446744073709551615,\"b\":-1}", twice[] = "{\"a\":1,\"a\":1}";
        struct pn_err err = PN_ERR_INIT;
        json_t *root = NULL;

        (void)ctx;
        assert_int_equal(pn_jsonx_load_wide("f", wide, strlen(wide), PN_FAULT_HOST, &root, &err), 0);
        assert_true(json_is_real(json_object_get(root, "a")));
        json_decref(root);
        assert_int_equal(pn_jsonx_load_wide("f", twice, strlen(twice), PN_FAULT_HOST, &root, &err), -1);
        assert_non_null(strstr(err.text, "duplicate"));
}

static void *no_memory(size_t size)
{
        (void)size;
        return NULL;
}

static void jsonx_without_memory_is_the_hosts_fault(void **ctx)
{
        struct pn_err err = PN_ERR_INIT;
        json_t *root = NULL;
        int r;

        (void)ctx;
        json_set_alloc_funcs(no_memory, free);
        r = load("{}", &root, &err);
        json_set_alloc_funcs(malloc, free);
        assert_int_equal(r, -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_string_equal(err.text, "f.json: Cannot allocate memory");
}

static void jsonx_get_finds_each_kind_and_names_what_a_wrong_one_must_be(void **ctx)
{
        static const struct {
                const char *key, *must;
                enum pn_jsonx_kind kind;
        } rows[] = {
                {"s", "f.json: at.%s: must be a string", PN_JSONX_STRING},
                {"i", "f.json: at.%s: must be a whole number", PN_JSONX_INTEGER},
                {"b", "f.json: at.%s: must be true or false", PN_JSONX_BOOLEAN},
                {"o", "f.json: at.%s: must be an object", PN_JSONX_OBJECT},
                {"a", "f.json: at.%s: must be an array", PN_JSONX_ARRAY},
        };
        enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
        struct pn_err err = PN_ERR_INIT;
        json_t *root = NULL, *value;

        (void)ctx;
        assert_int_equal(load("{\"s\":\"\",\"i\":0,\"b\":false,\"o\":{},\"a\":[],\"r\":1.0}", &root, &err),
                         0);
        for (size_t i = 0; i < ROWS; i++) {
                for (size_t k = 0; k < ROWS; k++) {
                        const char *key = i == k ? "r" : rows[k].key;
                        char want[64];

                        value = NULL;
                        assert_int_equal(pn_jsonx_get("f.json", "at.", root, rows[i].key, rows[i].kind, true,
                                                      PN_FAULT_CONFIG, &value, &err),
                                         0);
                        assert_ptr_equal(value, json_object_get(root, rows[i].key));
                        assert_int_equal(pn_jsonx_get("f.json", "at.", root, key, rows[i].kind, false,
                                                      PN_FAULT_CONFIG, &value, &err),
                                         -1);
                        (void)strcpy(want, rows[i].must);
                        *strstr(want, "%s") = '\0';
                        assert_memory_equal(err.text, want, strlen(want));
                        assert_non_null(strstr(err.text, strstr(rows[i].must, ": must")));
                }
        }
        json_decref(root);
}

static void jsonx_get_tells_absent_from_missing(void **ctx)
{
        static const char *const keys[] = {"gone", "n"};
        struct pn_err err = PN_ERR_INIT;
        json_t *root = NULL;

        (void)ctx;
        assert_int_equal(load("{\"n\":null}", &root, &err), 0);
        for (size_t i = 0; i < 2; i++) {
                json_t *value = root;

                assert_int_equal(pn_jsonx_get("f", "", root, keys[i], PN_JSONX_STRING, false, PN_FAULT_HOST,
                                              &value, &err),
                                 0);
                assert_null(value);
                assert_int_equal(pn_jsonx_get("f", "", root, keys[i], PN_JSONX_STRING, true, PN_FAULT_HOST,
                                              &value, &err),
                                 -1);
                assert_int_equal(err.fault, PN_FAULT_HOST);
                assert_non_null(strstr(err.text, ": missing"));
        }
        json_decref(root);
}

static void jsonx_known_refuses_other_keys_and_escapes_them(void **ctx)
{
        static const char *const known[] = {"a", "b", NULL};
        struct pn_err err = PN_ERR_INIT;
        json_t *root = NULL;

        (void)ctx;
        assert_int_equal(load("{\"b\":1,\"a\":2}", &root, &err), 0);
        assert_int_equal(pn_jsonx_known("f", "x.", root, known, PN_FAULT_CONFIG, &err), 0);
        json_decref(root);
        assert_int_equal(load("{\"a\":1,\"A\\u001b[2J\\n\":2}", &root, &err), 0);
        assert_int_equal(pn_jsonx_known("f", "x.", root, known, PN_FAULT_CONFIG, &err), -1);
        assert_string_equal(err.text, "f: x.A\\x1b[2J\\x0a: unknown key");
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        json_decref(root);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(jsonx_nests_to_its_ceiling_and_no_deeper),
                cmocka_unit_test(jsonx_holds_values_to_its_ceiling_and_no_more),
                cmocka_unit_test(jsonx_does_not_count_what_stands_in_strings),
                cmocka_unit_test(jsonx_counts_what_stands_after_an_escaped_quote),
                cmocka_unit_test(jsonx_refuses_and_says_where),
                cmocka_unit_test(jsonx_wide_takes_numbers_past_64_bits_and_is_as_strict_in_the_rest),
                cmocka_unit_test(jsonx_without_memory_is_the_hosts_fault),
                cmocka_unit_test(jsonx_get_finds_each_kind_and_names_what_a_wrong_one_must_be),
                cmocka_unit_test(jsonx_get_tells_absent_from_missing),
                cmocka_unit_test(jsonx_known_refuses_other_keys_and_escapes_them),
        };

        return cmocka_run_group_tests_name("jsonx", tests, NULL, NULL);
}
