/* SPDX-License-Identifier: Apache-2.0 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/view.h"
#include "scanner/engine/match.h"

/* Whatever pn_pack_open() takes for a pack can be matched with, and told of, without a fault. */
static void use(const struct pn_pack *pack)
{
        static const char text[] = "\x7f"
                                   "ELF abcdefgh first text second text 0123456789 AAAAAAAA";
        const struct pn_view view = {(const uint8_t *)text, sizeof(text)};
        struct pn_window *windows = calloc((size_t)pack->windows + 1, sizeof(*windows));
        struct pn_filter *filter = NULL;
        struct pn_match *match = NULL;
        struct pn_match_answer answer;
        static struct pn_names names;
        struct pn_object file;
        const struct pn_match_request request = {.file = &file, .names = &names, .matches = 100};
        uint8_t *database = NULL;
        size_t len = 0;

        for (uint32_t i = 0; windows && i < pack->windows; i++) {
                const struct pn_pack_anchor *anchor =
                        &pack->anchor[pack->index[pack->window[i].anchors.first]];

                windows[i] = (struct pn_window){.len = anchor->len, .nocase = anchor->nocase != 0};
                memcpy(windows[i].bytes, anchor->bytes, anchor->len);
        }
        pn_names_set(&names, "usr/bin/a.out", 13);
        pn_object_from_view(&file, &view);
        if (windows && pn_filter_gram_build(windows, pack->windows, &database, &len, NULL) == 0 &&
            pn_filter_open(PN_FILTER_GRAM, (struct pn_view){database, len}, &filter, NULL) == 0 &&
            pn_match_new(pack, filter, &match, NULL) == 0 &&
            pn_match_file(match, &request, &answer, NULL) == 0) {
                for (uint32_t i = 0; i < answer.pair_count; i++) {
                        struct pn_finding finding;

                        pn_match_tell(match, answer.pair[i].rule, &finding);
                }
        }
        (void)pn_match_free(match);
        (void)pn_filter_free(filter);
        free(database);
        free(windows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        uint8_t *blob = aligned_alloc(64, (size + 64) & ~(size_t)63);
        struct pn_pack pack;

        if (!blob)
                return 0;
        memcpy(blob, data, size);
        if (size >= sizeof(struct pn_pack_header)) { /* what a fuzzer needs long to guess */
                const struct pn_pack_header known = {
                        .magic = PN_PACK_MAGIC, .version = PN_PACK_VERSION, .len = size};

                memcpy(blob, &known, offsetof(struct pn_pack_header, table));
        }
        if (pn_pack_open((struct pn_view){blob, size}, &pack, NULL) == 0)
                use(&pack);
        free(blob);
        return 0;
}
