/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/fd.h"
#include "scanner/engine/pack_check.h"

static const struct {
        const char *name;
        size_t record_bytes;
} tables[PN_PACK_TABLES] = {
        [PN_PACK_RULES] = {"rules", sizeof(struct pn_pack_rule)},
        [PN_PACK_STRINGS] = {"strings", sizeof(struct pn_pack_string)},
        [PN_PACK_VARIANTS] = {"variants", sizeof(struct pn_pack_variant)},
        [PN_PACK_SEGMENTS] = {"segments", sizeof(struct pn_pack_segment)},
        [PN_PACK_ANCHORS] = {"anchors", sizeof(struct pn_pack_anchor)},
        [PN_PACK_WINDOWS] = {"windows", sizeof(struct pn_pack_window)},
        [PN_PACK_NODES] = {"nodes", sizeof(struct pn_pack_node)},
        [PN_PACK_INDEX] = {"index", sizeof(uint32_t)},
        [PN_PACK_BYTES] = {"bytes", 1},
        [PN_PACK_TEXT] = {"text", 1},
};

static int open_header(struct pn_view blob, const struct pn_pack_header **ret, struct pn_err *err)
{
        const struct pn_pack_header *header = (const void *)blob.data;

        if (blob.len < sizeof(*header) || blob.len > PN_PACK_BYTES_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "pack: %zu bytes are not a pack", blob.len);
        if ((uintptr_t)blob.data % 8 != 0)
                return pn_err_set(err, PN_FAULT_BUG, 0, "pack: memory is not aligned");
        if (header->magic != PN_PACK_MAGIC)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "pack: wrong magic %08x", header->magic);
        if (header->version != PN_PACK_VERSION)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "pack: version %u, and %u is wanted",
                                  header->version, PN_PACK_VERSION);
        if (header->len != blob.len)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "pack: %zu bytes of %llu", blob.len,
                                  (unsigned long long)header->len);
        *ret = header;
        return 0;
}

/* Every table inside the blob, so that count and bytes of each fit into 32 bit (PN_PACK_BYTES_MAX). */
static int open_tables(struct pn_view blob, const struct pn_pack_header *header,
                       const void *at[PN_PACK_TABLES], struct pn_err *err)
{
        for (unsigned i = 0; i < PN_PACK_TABLES; i++) {
                uint64_t offset = header->table[i].offset, count = header->table[i].count;

                if (offset % 8 != 0 || offset < sizeof(*header) || offset > blob.len ||
                    (blob.len - offset) / tables[i].record_bytes < count)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "pack: table of %s is outside",
                                          tables[i].name);
                at[i] = blob.data + offset;
        }
        return 0;
}

static void point(const struct pn_pack_header *header, const void *const at[PN_PACK_TABLES],
                  struct pn_pack *ret)
{
        *ret = (struct pn_pack){
                .rule = at[PN_PACK_RULES],
                .string = at[PN_PACK_STRINGS],
                .variant = at[PN_PACK_VARIANTS],
                .segment = at[PN_PACK_SEGMENTS],
                .anchor = at[PN_PACK_ANCHORS],
                .window = at[PN_PACK_WINDOWS],
                .node = at[PN_PACK_NODES],
                .index = at[PN_PACK_INDEX],
                .bytes = at[PN_PACK_BYTES],
                .text = at[PN_PACK_TEXT],
                .rules = (uint32_t)header->table[PN_PACK_RULES].count,
                .strings = (uint32_t)header->table[PN_PACK_STRINGS].count,
                .variants = (uint32_t)header->table[PN_PACK_VARIANTS].count,
                .segments = (uint32_t)header->table[PN_PACK_SEGMENTS].count,
                .anchors = (uint32_t)header->table[PN_PACK_ANCHORS].count,
                .windows = (uint32_t)header->table[PN_PACK_WINDOWS].count,
                .nodes = (uint32_t)header->table[PN_PACK_NODES].count,
                .indexes = (uint32_t)header->table[PN_PACK_INDEX].count,
                .byte_count = header->table[PN_PACK_BYTES].count,
                .text_bytes = header->table[PN_PACK_TEXT].count,
                .always = {header->always, header->always_count},
        };
}

int pn_pack_open(struct pn_view blob, struct pn_pack *ret, struct pn_err *err)
{
        const struct pn_pack_header *header = NULL;
        const void *at[PN_PACK_TABLES] = {NULL};
        struct pn_pack pack;

        if (open_header(blob, &header, err) < 0 || open_tables(blob, header, at, err) < 0)
                return -1;
        point(header, at, &pack);
        if (pn_pack_check_strings(&pack, err) < 0 || pn_pack_check_rules(&pack, err) < 0)
                return -1;
        *ret = pack;
        return 0;
}
