/* SPDX-License-Identifier: Apache-2.0 */
/* Every input is read as a manifest. Whatever is taken keeps the promises of manifest.h and can be compared
 * with what is there now; whatever is refused says why. */
#include <stdlib.h>
#include <string.h>

#include "scanner/generation/dir.h"
#include "scanner/generation/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void promise(int holds)
{
        if (!holds)
                abort();
}

static void check_words(const struct pn_manifest *m)
{
        uint64_t number;

        promise(pn_gendir_number(m->name, &number));
        promise(strlen(m->libyara) < sizeof(((struct pn_generation *)0)->libyara) && m->libyara[0]);
        promise(!m->hyperscan || (strlen(m->hyperscan) < sizeof(((struct pn_generation *)0)->hyperscan)));
        promise(m->postern[0] && m->made_s >= 0);
}

static void check_parts(const struct pn_manifest *m)
{
        for (enum pn_part i = 0; i < PN_PARTS; i++) {
                promise(m->part[i].fd == -1);
                promise(m->has[i] || i == PN_PART_FILTER_HS);
                promise(m->part[i].head_bytes <= m->part[i].bytes);
                promise(i == PN_PART_EXACT || m->part[i].head_bytes == 0);
        }
}

/* The sources of the manifest, as they would be listed when their paths have nothing to escape: not stale.
 * Without the last, or with another size, they are. */
static void check_sources(const struct pn_manifest *m)
{
        size_t count = json_array_size(m->sources);
        struct pn_generation_source *now = calloc(count + 1, sizeof(*now));
        bool plain = true;
        char why[256];

        promise(now != NULL);
        for (size_t i = 0; i < count; i++) {
                const json_t *source = json_array_get(m->sources, i);

                now[i].path = json_string_value(json_object_get(source, "path"));
                now[i].bytes = (uint64_t)json_integer_value(json_object_get(source, "bytes"));
                now[i].mtime_ns = json_integer_value(json_object_get(source, "mtime_ns"));
                promise(now[i].path[0] == '/' && strlen(now[i].path) < PN_MANIFEST_PATH_MAX);
                plain = plain && !strchr(now[i].path, '\\');
        }
        promise(!plain || !pn_manifest_is_stale(m, now, count, why, sizeof(why)));
        promise(plain || count == 0 || pn_manifest_is_stale(m, now, count, why, sizeof(why)));
        if (count > 0) {
                promise(pn_manifest_is_stale(m, now, count - 1, why, sizeof(why)) && why[0] != '\0');
                now[count - 1].bytes++;
                promise(pn_manifest_is_stale(m, now, count, why, sizeof(why)) && why[0] != '\0');
        }
        free(now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *none[] = {NULL}, rules[] = "/r", *one[] = {rules, NULL};
        struct pn_err err = PN_ERR_INIT;
        struct pn_manifest m;

        if (pn_manifest_parse("manifest.json", (const char *)data, size, &m, &err) < 0) {
                promise(err.fault != PN_FAULT_NONE && err.text[0] != '\0');
                return 0;
        }
        check_words(&m);
        check_parts(&m);
        check_sources(&m);
        promise(!(pn_manifest_is_for(&m, none, none) && pn_manifest_is_for(&m, one, none)));
        pn_manifest_clear(&m);
        return 0;
}
