/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_BASE_JSONX_H
#define PN_BASE_JSONX_H

/* jansson with errors that name the key. `at` is the key's path for messages ("limits.depth", "mounts[3].type"). */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/err.h"

#define PN_JSON_DEPTH_MAX  64         /* arrays and objects in each other */
#define PN_JSON_VALUES_MAX (1U << 18) /* of all kinds; jansson takes up to 230 bytes for one of two bytes of text */

/* Strict: one object at the top, nothing behind it but white space, no duplicate keys, no NUL in strings,
 * within the two ceilings. *ret is the caller's (json_decref). -1 with `fault` and
 * "<name>: line L, column C: <reason>", or with PN_FAULT_HOST when memory ran out. */
int pn_jsonx_load(const char *name, const char *text, size_t len, enum pn_fault fault, json_t **ret,
                  struct pn_err *err);

/* The same for a document whose numbers nobody reads: whole numbers may be larger than 2^63 - 1 (an unlimited
 * rlimit in config.json is 18446744073709551615, which jansson else refuses) and become reals. */
int pn_jsonx_load_wide(const char *name, const char *text, size_t len, enum pn_fault fault, json_t **ret,
                       struct pn_err *err);

/* One key of an object: what it must be and where it goes. */
enum pn_jsonx_kind { PN_JSONX_STRING, PN_JSONX_INTEGER, PN_JSONX_BOOLEAN, PN_JSONX_OBJECT, PN_JSONX_ARRAY };

/* Finds `key` in `object`. Absent or null: *ret = NULL and 0 unless `required`. Of another kind: -1 with `fault`
 * and "<name>: <prefix><key>: must be a string" (or what it must be); missing: "...: missing". *ret is borrowed. */
int pn_jsonx_get(const char *name, const char *prefix, const json_t *object, const char *key, enum pn_jsonx_kind kind,
                 bool required, enum pn_fault fault, json_t **ret, struct pn_err *err);

/* -1 with `fault` and "<name>: <prefix><key>: unknown key" for the first key that is not in the NULL-terminated
 * list. The key is escaped. */
int pn_jsonx_known(const char *name, const char *prefix, const json_t *object, const char *const *known,
                   enum pn_fault fault, struct pn_err *err);

/* -1 with `fault` for the first key that is one of the NULL-terminated list but for the case of its letters: Go's
 * encoding/json, with which runc and the engines read, takes it for that key, and jansson does not. */
int pn_jsonx_unlike(const char *name, const char *prefix, const json_t *object, const char *const *known,
                    enum pn_fault fault, struct pn_err *err);

#endif
