/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/break_glass.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "policy/field.h"
#include "policy/trust.h"
#include "scanner/base/fd.h"
#include "scanner/base/jsonx.h"

enum { EXPIRES, REASON, OWNER, KEYS };

static const char *const keys[] = {
        [EXPIRES] = "expires", [REASON] = "reason", [OWNER] = "owner", [KEYS] = NULL};

/* What is kept of each in the one line that everybody sees; all of it together stays below PN_WORDS_MAX. */
#define REASON_SHOWN 150
#define OWNER_SHOWN 50

static int get_keys(const char *name, const json_t *root, const char *ret_text[KEYS], struct pn_err *err)
{
        for (int i = 0; i < KEYS; i++) {
                const char *problem;
                json_t *value;

                if (pn_jsonx_get(name, "", root, keys[i], PN_JSONX_STRING, true, PN_FAULT_CONFIG, &value,
                                 err) < 0)
                        return -1;
                ret_text[i] = json_string_value(value);
                problem = i == EXPIRES ? NULL : pn_field_words(ret_text[i]);
                if (problem)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s: %s: %s", name, keys[i], problem);
        }
        return 0;
}

static int check_expiry(const char *name, const char *text, int64_t now_s, struct pn_err *err)
{
        int64_t expires_s;

        if (!pn_field_time(text, &expires_s))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s: expires: must be a time YYYY-MM-DDTHH:MM:SSZ",
                                  name);
        if (expires_s <= now_s)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s: expires: has passed (%s)", name, text);
        if (expires_s - now_s > PN_BREAK_GLASS_MAX_S)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s: expires: must be at most 24 hours ahead (%s)",
                                  name, text);
        return 0;
}

int pn_break_glass_parse(const char *name, const char *json, size_t len, int64_t now_s,
                         char ret_reason[PN_WORDS_MAX], struct pn_err *err)
{
        const char *text[KEYS] = {NULL};
        json_auto_t *root = NULL;

        if (pn_jsonx_load(name, json, len, PN_FAULT_CONFIG, &root, err) < 0)
                return -1;
        if (pn_jsonx_known(name, "", root, keys, PN_FAULT_CONFIG, err) < 0)
                return -1;
        if (get_keys(name, root, text, err) < 0)
                return -1;
        if (check_expiry(name, text[EXPIRES], now_s, err) < 0)
                return -1;
        (void)snprintf(ret_reason, PN_WORDS_MAX, "%.*s, says %.*s, until %s", REASON_SHOWN, text[REASON],
                       OWNER_SHOWN, text[OWNER], text[EXPIRES]);
        return 0;
}

bool pn_policy_break_glass(const char *path, int64_t now_s, char ret_reason[PN_WORDS_MAX], struct pn_err *err)
{
        pn_autofree char *data = NULL;
        struct pn_err why = PN_ERR_INIT;
        size_t len = 0;

        ret_reason[0] = '\0';
        if (!path)
                return false;
        if (pn_trust_read(path, PN_BREAK_GLASS_BYTES_MAX, &data, &len, &why) == 0 &&
            pn_break_glass_parse(path, data, len, now_s, ret_reason, &why) == 0)
                return true;
        if (why.code != ENOENT && err)
                *err = why;
        return false;
}
