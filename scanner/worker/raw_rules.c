/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/fd.h"
#include "scanner/worker/raw.h"

#define ALIGNMENT 64U         /* of filter databases */
#define BLOCK_BYTES (1 << 20) /* of a part that is only looked through */

static const char *const names[PN_PART_KINDS] = {
        [PN_PART_KIND_PACK] = "rules.pack",         [PN_PART_KIND_FILTER_HS] = "filter.hs",
        [PN_PART_KIND_FILTER_GRAM] = "filter.gram", [PN_PART_KIND_DENY] = "deny.tsv",
        [PN_PART_KIND_EXACT] = "exact.store",
};

static int differs(int kind, struct pn_err *err)
{
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "`%s` is not what was compiled: its digest differs",
                          names[kind]);
}

/* Looks whether a part that is not used here is what was stored; a deny list may be larger than our memory.
 */
static int look_through(const struct pn_worker_part *part, int kind, struct pn_digest *digest,
                        struct pn_err *err)
{
        pn_autofree uint8_t *bytes = malloc(BLOCK_BYTES);
        uint8_t sha256[PN_SHA256_BYTES];
        uint64_t at = 0;
        ssize_t n;

        if (!bytes)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "load `%s`", names[kind]);
        if (pn_digest_start(digest, err) < 0)
                return -1;
        do {
                n = pn_fd_pread_full(part->fd, bytes, BLOCK_BYTES, at);
                if (n < 0)
                        return pn_err_set(err, PN_FAULT_CONFIG, errno, "read `%s`", names[kind]);
                if (n > 0 && pn_digest_add(digest, bytes, (size_t)n, err) < 0)
                        return -1;
                at += (uint64_t)n;
        } while (n == BLOCK_BYTES && at <= part->bytes);
        if (pn_digest_end(digest, sha256, err) < 0)
                return -1;
        if (at != part->bytes || memcmp(sha256, part->sha256, sizeof(sha256)) != 0)
                return differs(kind, err);
        return 0;
}

/* Reads a whole part into memory of ours and looks whether it is what was stored. */
static int load(const struct pn_worker_part *part, int kind, struct pn_digest *digest, uint8_t **ret,
                struct pn_err *err)
{
        uint8_t sha256[PN_SHA256_BYTES];
        size_t room = (part->bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
        pn_autofree uint8_t *bytes = part->bytes <= PN_PACK_BYTES_MAX ? aligned_alloc(ALIGNMENT, room) : NULL;
        ssize_t n;

        if (!bytes)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "load `%s`", names[kind]);
        n = pn_fd_pread_full(part->fd, bytes, part->bytes, 0);
        if (n < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "read `%s`", names[kind]);
        if (pn_digest_start(digest, err) < 0 || pn_digest_add(digest, bytes, (size_t)n, err) < 0 ||
            pn_digest_end(digest, sha256, err) < 0)
                return -1;
        if ((uint64_t)n != part->bytes || memcmp(sha256, part->sha256, sizeof(sha256)) != 0)
                return differs(kind, err);
        *ret = bytes;
        bytes = NULL;
        return 0;
}

/* The fast one where it fits this processor and library, else our own; one whose bytes have changed is an
 * error. */
static int open_filters(struct pn_worker *worker, struct pn_digest *digest, struct pn_raw_rules *rules,
                        struct pn_err *err)
{
        static const struct {
                int part;
                enum pn_filter_kind kind;
        } backends[] = {{PN_PART_KIND_FILTER_HS, PN_FILTER_HYPERSCAN},
                        {PN_PART_KIND_FILTER_GRAM, PN_FILTER_GRAM}};
        struct pn_err why = PN_ERR_INIT;

        for (size_t i = 0; i < sizeof(backends) / sizeof(backends[0]); i++) {
                const struct pn_worker_part *part = &worker->part[backends[i].part];

                if (part->fd < 0)
                        continue;
                if (load(part, backends[i].part, digest, &rules->filter_bytes, err) < 0)
                        return -1;
                if (pn_filter_open(backends[i].kind, (struct pn_view){rules->filter_bytes, part->bytes},
                                   &rules->filter, &why) == 0)
                        return 0;
                free(rules->filter_bytes);
                rules->filter_bytes = NULL;
        }
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "no filter fits this machine: %.160s", why.text);
}

static bool uses_names(const struct pn_pack *pack)
{
        for (uint32_t i = 0; i < pack->nodes; i++)
                if (pack->node[i].op >= PN_OP_TEXT_EQ && pack->node[i].op <= PN_OP_TEXT_IEQUALS)
                        return true;
        return false;
}

int pn_raw_rules_load(struct pn_worker *worker, struct pn_digest *digest, struct pn_raw_rules *ret,
                      struct pn_err *err)
{
        const struct pn_worker_part *pack = &worker->part[PN_PART_KIND_PACK];
        const struct pn_worker_part *deny = &worker->part[PN_PART_KIND_DENY];

        if (pack->fd < 0)
                return 0;
        if (deny->fd >= 0 && look_through(deny, PN_PART_KIND_DENY, digest, err) < 0)
                return -1;
        if (load(pack, PN_PART_KIND_PACK, digest, &ret->pack_bytes, err) < 0 ||
            pn_pack_open((struct pn_view){ret->pack_bytes, pack->bytes}, &ret->pack, err) < 0)
                return pn_err_wrap(err, "generation of rules");
        if (open_filters(worker, digest, ret, err) < 0)
                return pn_err_wrap(err, "generation of rules");
        ret->uses_names = uses_names(&ret->pack);
        if (pn_match_new(&ret->pack, ret->filter, &ret->match, err) < 0)
                return -1;
        return pn_match_selftest(ret->match, err);
}

void pn_raw_rules_clear(struct pn_raw_rules *rules)
{
        (void)pn_match_free(rules->match);
        (void)pn_filter_free(rules->filter);
        free(rules->filter_bytes);
        free(rules->pack_bytes);
        *rules = (struct pn_raw_rules){0};
}
