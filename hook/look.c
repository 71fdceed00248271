/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hook/content.h"
#include "scanner/base/fd.h"
#include "scanner/generation/generation.h"

static const struct {
        enum pn_part from;
        enum pn_part_kind to;
} parts[] = {
        {PN_PART_PACK, PN_PART_KIND_PACK},
        {PN_PART_FILTER_HS, PN_PART_KIND_FILTER_HS},
        {PN_PART_FILTER_GRAM, PN_PART_KIND_FILTER_GRAM},
        {PN_PART_EXACT, PN_PART_KIND_EXACT},
        {PN_PART_DENY, PN_PART_KIND_DENY},
};

static void hand_over(const struct pn_generation *generation, struct pn_scan_part to[PN_PART_KINDS])
{
        for (int i = 0; i < PN_PART_KINDS; i++)
                to[i] = (struct pn_scan_part){.fd = -1};
        for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
                const struct pn_generation_part *part = &generation->part[parts[i].from];
                struct pn_scan_part *dst = &to[parts[i].to];

                *dst = (struct pn_scan_part){
                        .fd = part->fd, .bytes = part->bytes, .head_bytes = part->head_bytes};
                memcpy(dst->sha256, parts[i].to == PN_PART_KIND_EXACT ? part->head_sha256 : part->sha256,
                       sizeof(dst->sha256));
        }
}

/* The deny set of a generation; that its bytes are the ones that were compiled is the raw matcher's to say.
 */
static int read_denied(const struct pn_generation *generation, struct pn_hashset **ret, struct pn_err *err)
{
        const struct pn_generation_part *part = &generation->part[PN_PART_DENY];
        pn_autofree char *text = NULL;
        struct pn_hashset *denied = pn_hashset_new();
        ssize_t n;

        if (denied && part->fd < 0) {
                *ret = denied;
                return 0;
        }
        text = denied ? malloc(part->bytes + 1) : NULL;
        if (!text) {
                (void)pn_hashset_free(denied);
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read the deny hashes");
        }
        n = pn_fd_pread_full(part->fd, text, part->bytes, 0);
        if (n < 0 || (uint64_t)n != part->bytes)
                pn_err_fill(err, PN_FAULT_CONFIG, n < 0 ? errno : 0, "read the deny hashes of `%s`",
                            generation->name);
        else if (pn_hashset_add(denied, generation->name, text, (size_t)n, err) == 0) {
                *ret = denied;
                return 0;
        }
        (void)pn_hashset_free(denied);
        return -1;
}

static void keep(struct pn_findings *all, struct pn_findings *found)
{
        if (pn_findings_take(all, found) < 0)
                (void)pn_findings_add_issue(all, PN_ISSUE_NODE, NULL, "no memory for what was found");
}

/* Why the rules cannot be used; a worker that needs none may have told an issue before. */
static const char *node_issue(const struct pn_findings *found)
{
        for (size_t i = 0; i < found->issue_count; i++)
                if (found->issue[i].cls == PN_ISSUE_NODE)
                        return found->issue[i].text;
        return "too many issues to keep the reason";
}

/* Scans with one generation. 0 when its answer stands, 1 when it cannot be used: `err` says why. */
static int scan_with(const struct pn_generation *generation, struct pn_scan_request *request,
                     struct pn_findings *all, struct pn_err *err)
{
        struct pn_scan_part to[PN_PART_KINDS];
        struct pn_hashset *denied = NULL;
        struct pn_findings found = {0};

        if (read_denied(generation, &denied, err) < 0)
                return 1;
        hand_over(generation, to);
        request->part = to;
        request->denied = denied;
        pn_scan_run(request, &found);
        request->part = NULL;
        request->denied = NULL;
        (void)pn_hashset_free(denied);
        if (found.node_fault != PN_FAULT_CONFIG) {
                keep(all, &found);
                return 0;
        }
        pn_err_fill(err, PN_FAULT_CONFIG, 0, "%.200s", node_issue(&found));
        pn_findings_clear(&found);
        return 1;
}

static void tell_unusable(const char *name, const struct pn_err *why, struct pn_findings *all)
{
        (void)pn_findings_add_note(all, NULL, "rules %s cannot be used: %.180s", name, why->text);
}

/* The generation in use, then older ones. 0 when a scan stands, 1 when no generation served, -1 never. */
static int scan_with_any(const struct pn_policy *policy, struct pn_scan_request *request,
                         struct pn_findings *all)
{
        struct pn_generation generation;
        struct pn_err err = PN_ERR_INIT;
        int got =
                pn_generation_open(policy->state_dir, policy->rules, policy->deny_hashes, &generation, &err);

        if (got < 0 || (got > 0 && err.fault != PN_FAULT_NONE))
                (void)pn_findings_add_note(all, NULL, "rules: %.200s", err.text);
        while (got > 0) {
                char name[sizeof(generation.name)];
                int ret;

                err = (struct pn_err)PN_ERR_INIT;
                if (generation.stale)
                        (void)pn_findings_add_note(
                                all, NULL,
                                "rules %s are older than their source (%.120s): run `postern "
                                "rules compile`",
                                generation.name, generation.stale_why);
                ret = scan_with(&generation, request, all, &err);
                memcpy(name, generation.name, sizeof(name));
                pn_generation_close(&generation);
                if (ret == 0)
                        return 0;
                tell_unusable(name, &err, all);
                err = (struct pn_err)PN_ERR_INIT;
                got = pn_generation_open_older(policy->state_dir, policy->rules, policy->deny_hashes, name,
                                               &generation, &err);
        }
        return 1;
}

static void scan_source(struct pn_scan_request *request, struct pn_findings *all)
{
        struct pn_findings found = {0};

        pn_scan_run(request, &found);
        keep(all, &found);
}

int pn_look(const struct pn_policy *policy, struct pn_scan_request *request, struct pn_findings *all,
            struct pn_err *err)
{
        struct pn_content content = {0};
        int ret = 0;

        request->digest_flagged = policy->digests == PN_DIGESTS_FLAGGED;
        if (request->verify) {
                if (pn_content_load(policy, &content, err) < 0)
                        return -1;
                request->rules = content.rules;
                request->rules_count = content.rules_count;
        }
        if (scan_with_any(policy, request, all) > 0) {
                if (!request->verify && (ret = pn_content_load(policy, &content, err)) < 0)
                        return -1;
                request->rules = content.rules;
                request->rules_count = content.rules_count;
                request->denied = content.denied;
                scan_source(request, all);
        }
        request->rules = NULL;
        request->denied = NULL;
        pn_content_clear(&content);
        return ret;
}
