/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/generation/manifest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/fd.h"
#include "scanner/base/text.h"

#define HEX_MAX 65

/* A path of any bytes as JSON can hold it; NULL when memory ran out or it is longer than any path of ours. */
static json_t *path_of(const char *path)
{
        pn_autofree char *shown = malloc(PN_MANIFEST_PATH_MAX);

        if (!shown || !pn_text_escape(shown, PN_MANIFEST_PATH_MAX, path, strlen(path)))
                return NULL;
        return json_string(shown);
}

static json_t *places_of(char *const *places)
{
        json_t *list = json_array();

        for (; list && *places; places++) {
                if (json_array_append_new(list, path_of(*places)) == 0)
                        continue;
                json_decref(list);
                return NULL;
        }
        return list;
}

static json_t *source_of(const struct pn_generation_source *source)
{
        char hex[HEX_MAX];

        pn_text_hex(hex, sizeof(hex), source->sha256, sizeof(source->sha256));
        return json_pack("{s:o,s:I,s:I,s:s}", "path", path_of(source->path), "bytes",
                         (json_int_t)source->bytes, "mtime_ns", (json_int_t)source->mtime_ns, "sha256", hex);
}

static json_t *sources_of(const struct pn_generation_new *new)
{
        json_t *list = json_array();

        for (size_t i = 0; list && i < new->source_count; i++) {
                if (json_array_append_new(list, source_of(&new->source[i])) == 0)
                        continue;
                json_decref(list);
                return NULL;
        }
        return list;
}

static json_t *part_of(const struct pn_generation_part *part, enum pn_part kind)
{
        char hex[HEX_MAX], head_hex[HEX_MAX];

        pn_text_hex(hex, sizeof(hex), part->sha256, sizeof(part->sha256));
        if (kind != PN_PART_EXACT)
                return json_pack("{s:I,s:s}", "bytes", (json_int_t)part->bytes, "sha256", hex);
        pn_text_hex(head_hex, sizeof(head_hex), part->head_sha256, sizeof(part->head_sha256));
        return json_pack("{s:I,s:s,s:I,s:s}", "bytes", (json_int_t)part->bytes, "sha256", hex, "head",
                         (json_int_t)part->head_bytes, "head_sha256", head_hex);
}

static json_t *parts_of(const struct pn_generation_new *new)
{
        json_t *parts = json_object();

        for (enum pn_part i = 0; parts && i < PN_PARTS; i++) {
                if (new->part[i].fd < 0 ||
                    json_object_set_new(parts, pn_part_names[i], part_of(&new->part[i], i)) == 0)
                        continue;
                json_decref(parts);
                return NULL;
        }
        return parts;
}

int pn_manifest_make(const struct pn_generation_new *new, const char *name, char **ret, size_t *ret_len,
                     struct pn_err *err)
{
        struct pn_manifest check;
        json_auto_t *root = NULL;
        pn_autofree char *text = NULL;

        root = json_pack("{s:i,s:s,s:I,s:s,s:s,s:s?,s:{s:o,s:o},s:o,s:I,s:I,s:o}", "schema",
                         PN_MANIFEST_SCHEMA, "name", name, "made_s", (json_int_t) new->made_s, "postern",
                         PN_VERSION, "libyara", new->libyara, "hyperscan", new->hyperscan, "places", "rules",
                         places_of(new->rules), "deny_hashes", places_of(new->deny), "sources",
                         sources_of(new), "rules", (json_int_t) new->rule_count, "windows",
                         (json_int_t) new->window_count, "parts", parts_of(new));
        text = root ? json_dumps(root, JSON_COMPACT) : NULL;
        if (!text)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make the manifest");
        *ret_len = strlen(text);
        if (*ret_len > PN_MANIFEST_BYTES_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "the manifest of %zu sources is larger than %u bytes", new->source_count,
                                  PN_MANIFEST_BYTES_MAX);
        /* nothing is put in use that its readers would refuse */
        if (pn_manifest_parse(PN_MANIFEST_NAME, text, *ret_len, &check, err) < 0) {
                if (err && err->fault == PN_FAULT_CONFIG)
                        err->fault = PN_FAULT_BUG;
                return -1;
        }
        pn_manifest_clear(&check);
        *ret = text;
        text = NULL;
        return 0;
}
