/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/jsonx.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "scanner/base/text.h"

/* Looks at brackets and commas outside strings before jansson recurses and allocates. Its own depth ceiling
 * is 2048; a lower one keeps the recursion far from any stack limit a container may set for us (crun gives
 * the hook the container's RLIMIT_STACK). Returns what is wrong, or NULL. */
static const char *find_excess(const char *text, size_t len)
{
        unsigned depth = 0, values = 0;
        bool quoted = false;

        for (size_t i = 0; i < len; i++) {
                char c = text[i];

                if (quoted) {
                        if (c == '\\')
                                i++;
                        else if (c == '"')
                                quoted = false;
                        continue;
                }
                quoted = c == '"';
                values += c == ',' || c == '{' || c == '[';
                if (c == '{' || c == '[')
                        depth++;
                else if ((c == '}' || c == ']') && depth > 0)
                        depth--;
                if (depth > PN_JSON_DEPTH_MAX)
                        return "objects and arrays in each other";
                if (values > PN_JSON_VALUES_MAX)
                        return "values";
        }
        return NULL;
}

static int load(const char *name, const char *text, size_t len, size_t flags, enum pn_fault fault,
                json_t **ret, struct pn_err *err)
{
        const char *excess;
        json_error_t why;
        json_t *root;
        char shown[JSON_ERROR_TEXT_LENGTH];

        excess = find_excess(text, len);
        if (excess)
                return pn_err_set(err, fault, 0, "%s: too many %s", name, excess);
        root = json_loadb(text, len, JSON_REJECT_DUPLICATES | flags, &why);
        if (!root && why.text[0] == '\0') /* jansson has no words for this one */
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "%s", name);
        if (!root) {
                (void)pn_text_escape(shown, sizeof(shown), why.text, strlen(why.text));
                return pn_err_set(err, fault, 0, "%s: line %d, column %d: %s", name, why.line, why.column,
                                  shown);
        }
        if (!json_is_object(root)) {
                json_decref(root);
                return pn_err_set(err, fault, 0, "%s: must be an object", name);
        }
        *ret = root;
        return 0;
}

int pn_jsonx_load(const char *name, const char *text, size_t len, enum pn_fault fault, json_t **ret,
                  struct pn_err *err)
{
        return load(name, text, len, 0, fault, ret, err);
}

int pn_jsonx_load_wide(const char *name, const char *text, size_t len, enum pn_fault fault, json_t **ret,
                       struct pn_err *err)
{
        return load(name, text, len, JSON_DECODE_INT_AS_REAL, fault, ret, err);
}

static const char *const kinds[] = {
        [PN_JSONX_STRING] = "a string",       [PN_JSONX_INTEGER] = "a whole number",
        [PN_JSONX_BOOLEAN] = "true or false", [PN_JSONX_OBJECT] = "an object",
        [PN_JSONX_ARRAY] = "an array",
};

static bool kind_fits(const json_t *value, enum pn_jsonx_kind kind)
{
        switch (kind) {
        case PN_JSONX_STRING:
                return json_is_string(value);
        case PN_JSONX_INTEGER:
                return json_is_integer(value);
        case PN_JSONX_BOOLEAN:
                return json_is_boolean(value);
        case PN_JSONX_OBJECT:
                return json_is_object(value);
        case PN_JSONX_ARRAY:
                return json_is_array(value);
        }
        return false;
}

int pn_jsonx_get(const char *name, const char *prefix, const json_t *object, const char *key,
                 enum pn_jsonx_kind kind, bool required, enum pn_fault fault, json_t **ret,
                 struct pn_err *err)
{
        json_t *value = json_object_get(object, key);

        if (!value || json_is_null(value)) {
                if (required)
                        return pn_err_set(err, fault, 0, "%s: %s%s: missing", name, prefix, key);
                *ret = NULL;
                return 0;
        }
        if (!kind_fits(value, kind))
                return pn_err_set(err, fault, 0, "%s: %s%s: must be %s", name, prefix, key, kinds[kind]);
        *ret = value;
        return 0;
}

int pn_jsonx_known(const char *name, const char *prefix, const json_t *object, const char *const *known,
                   enum pn_fault fault, struct pn_err *err)
{
        const char *key;
        json_t *value;
        char shown[64];

        json_object_foreach((json_t *)(uintptr_t)object, key, value)
        {
                const char *const *k = known;

                while (*k && strcmp(*k, key) != 0)
                        k++;
                if (*k)
                        continue;
                (void)pn_text_escape(shown, sizeof(shown), key, strlen(key));
                return pn_err_set(err, fault, 0, "%s: %s%s: unknown key", name, prefix, shown);
        }
        return 0;
}

int pn_jsonx_unlike(const char *name, const char *prefix, const json_t *object, const char *const *known,
                    enum pn_fault fault, struct pn_err *err)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)(uintptr_t)object, key, value)
        {
                for (const char *const *k = known; *k; k++)
                        if (strcasecmp(*k, key) == 0 && strcmp(*k, key) != 0)
                                return pn_err_set(err, fault, 0, "%s: %s%s: differs from `%s` in case alone", name,
                                                  prefix, key, *k);
        }
        return 0;
}
