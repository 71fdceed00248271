/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/build.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BLOB_ALIGN 64 /* a cache line, and what a filter's database wants too */

static const size_t record_bytes[PN_PACK_TABLES] = {
        [PN_PACK_RULES] = sizeof(struct pn_pack_rule),
        [PN_PACK_STRINGS] = sizeof(struct pn_pack_string),
        [PN_PACK_VARIANTS] = sizeof(struct pn_pack_variant),
        [PN_PACK_SEGMENTS] = sizeof(struct pn_pack_segment),
        [PN_PACK_ANCHORS] = sizeof(struct pn_pack_anchor),
        [PN_PACK_WINDOWS] = sizeof(struct pn_pack_window),
        [PN_PACK_NODES] = sizeof(struct pn_pack_node),
        [PN_PACK_INDEX] = sizeof(uint32_t),
        [PN_PACK_BYTES] = 1,
        [PN_PACK_TEXT] = 1,
};

static bool make_room(struct pn_build_table *rows, size_t bytes, size_t count)
{
        size_t room = rows->room ? rows->room : 64;
        uint8_t *data;

        if (count > PN_PACK_BYTES_MAX / bytes || rows->count > PN_PACK_BYTES_MAX / bytes - count)
                return false;
        while (room < rows->count + count)
                room *= 2;
        if (room == rows->room)
                return true;
        data = realloc(rows->data, room * bytes);
        if (!data)
                return false;
        rows->data = data;
        rows->room = room;
        return true;
}

uint32_t pn_build_add(struct pn_build *build, enum pn_pack_table table, const void *records, size_t count)
{
        struct pn_build_table *rows = &build->table[table];
        size_t bytes = record_bytes[table];
        uint32_t first = (uint32_t)rows->count;

        if (build->failed || !make_room(rows, bytes, count)) {
                build->failed = true;
                return 0;
        }
        if (count > 0)
                memcpy(rows->data + rows->count * bytes, records, count * bytes);
        rows->count += count;
        return first;
}

int pn_build_init(struct pn_build *build, struct pn_err *err)
{
        static const struct pn_pack_node node[] = {
                {.op = PN_OP_FALSE}, {.op = PN_OP_TRUE}, {.op = PN_OP_MAYBE}};

        *build = (struct pn_build){.failed = false};
        (void)pn_build_add(build, PN_PACK_NODES, node, sizeof(node) / sizeof(node[0]));
        (void)pn_build_add(build, PN_PACK_TEXT, "", 1);
        if (!build->failed)
                return 0;
        pn_build_clear(build);
        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make a pack");
}

void pn_build_clear(struct pn_build *build)
{
        for (unsigned i = 0; i < PN_PACK_TABLES; i++)
                free(build->table[i].data);
        free(build->text_slot);
        *build = (struct pn_build){.failed = true};
}

/* ---------------------------------------------------------------- texts */

/* FNV-1a; the texts are the rules' own. */
static uint64_t hash_text(const char *text, size_t len)
{
        uint64_t mix = 0xcbf29ce484222325ULL;

        for (size_t i = 0; i < len; i++)
                mix = (mix ^ (uint8_t)text[i]) * 0x100000001b3ULL;
        return mix ^ mix >> 32;
}

/* The slot of a text, or the free one where it belongs. */
static uint32_t *find_slot(const struct pn_build *build, const char *text, size_t len)
{
        const char *all = pn_build_rows(build, PN_PACK_TEXT);
        size_t at = hash_text(text, len) & (build->text_slots - 1);

        while (build->text_slot[at] != 0) {
                const char *have = all + build->text_slot[at];

                if (strncmp(have, text, len) == 0 && have[len] == '\0')
                        break;
                at = (at + 1) & (build->text_slots - 1);
        }
        return &build->text_slot[at];
}

static bool grow_slots(struct pn_build *build)
{
        const char *all = pn_build_rows(build, PN_PACK_TEXT);
        size_t slots = build->text_slots ? 2 * build->text_slots : 256, old_slots = build->text_slots;
        uint32_t *old = build->text_slot, *slot;

        if (build->texts < build->text_slots / 2)
                return true;
        slot = calloc(slots, sizeof(*slot));
        if (!slot)
                return false;
        build->text_slot = slot;
        build->text_slots = slots;
        for (size_t i = 0; i < old_slots; i++)
                if (old[i] != 0)
                        *find_slot(build, all + old[i], strlen(all + old[i])) = old[i];
        free(old);
        return true;
}

uint32_t pn_build_text(struct pn_build *build, const void *text, size_t len)
{
        uint32_t *slot, offset;

        len = len ? strnlen(text, len) : 0;
        if (len == 0)
                return 0;
        if (!grow_slots(build)) {
                build->failed = true;
                return 0;
        }
        slot = find_slot(build, text, len);
        if (*slot != 0)
                return *slot;
        offset = pn_build_add(build, PN_PACK_TEXT, text, len);
        (void)pn_build_add(build, PN_PACK_TEXT, "", 1);
        if (build->failed)
                return 0;
        build->texts++;
        return *slot = offset;
}

/* ---------------------------------------------------------------- one block */

static size_t lay_out(const struct pn_build *build, struct pn_pack_header *header)
{
        size_t at = sizeof(*header);

        for (unsigned i = 0; i < PN_PACK_TABLES; i++) {
                at = (at + 7) & ~(size_t)7;
                header->table[i].offset = at;
                header->table[i].count = build->table[i].count;
                at += build->table[i].count * record_bytes[i];
        }
        return at;
}

int pn_build_finish(const struct pn_build *build, uint8_t **ret, size_t *ret_len, struct pn_err *err)
{
        struct pn_pack_header header = {.magic = PN_PACK_MAGIC, .version = PN_PACK_VERSION};
        size_t len = lay_out(build, &header), room = (len + BLOB_ALIGN - 1) & ~(size_t)(BLOB_ALIGN - 1);
        uint8_t *blob;

        for (unsigned i = 0; i < PN_PACK_TABLES; i++)
                if (build->table[i].count > PN_PACK_BYTES_MAX / 2 / record_bytes[i])
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "the rules are too many for one pack");
        if (build->failed)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make a pack");
        if (len > PN_PACK_BYTES_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "the rules are too many for one pack: %zu bytes",
                                  len);
        blob = aligned_alloc(BLOB_ALIGN, room);
        if (!blob)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make a pack of %zu bytes", len);
        memset(blob, 0, room);
        header.len = len;
        header.always = build->always.first;
        header.always_count = build->always.count;
        memcpy(blob, &header, sizeof(header));
        for (unsigned i = 0; i < PN_PACK_TABLES; i++)
                if (build->table[i].count > 0)
                        memcpy(blob + header.table[i].offset, build->table[i].data,
                               build->table[i].count * record_bytes[i]);
        *ret = blob;
        *ret_len = len;
        return 0;
}
