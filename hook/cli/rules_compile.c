/* SPDX-License-Identifier: Apache-2.0 */
/* postern rules compile: the policy's rules and deny hashes become a generation, which is then the one in
 * use. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "hook/cli/rules.h"
#include "hook/cli/rules_digest.h"
#include "hook/cli/rules_input.h"
#include "hook/exitcode.h"
#include "scanner/base/clock.h"
#include "scanner/base/fd.h"

static const char help[] =
        "usage: postern rules compile [--config FILE] [--state DIR] [--compiler FILE] [--grams FILE]\n"
        "\n"
        "Compiles the policy's rules and deny hashes and puts the result in use. When anything fails, what "
        "was\n"
        "in use stays in use.\n"
        "  --config FILE    policy (default " PN_SYSCONFDIR "/policy.json)\n"
        "  --state DIR      state directory (default: the policy's state_dir)\n"
        "  --compiler FILE  postern-compiler (default: beside this program, else " PN_LIBEXECDIR ")\n"
        "  --grams FILE     table of 4-grams (default: grams.bin beside this program, else " PN_DATADIR ")\n"
        "Exit codes: 0 in use, 2 error, 3 rules missing or broken, 64 usage.\n";

/* The sources, as they were before and after they were read. */
struct listed {
        struct pn_generation_source *item;
        size_t count;
};

static int list(const struct pn_policy *policy, struct listed *ret, struct pn_err *err)
{
        return pn_generation_sources(policy->rules, policy->deny_hashes, &ret->item, &ret->count, err);
}

static const struct pn_scan_rules *nth(const struct pn_content *content, size_t i)
{
        if (i < content->rules_count)
                return &content->rules[i];
        i -= content->rules_count;
        return i < content->deny_count ? &content->deny[i] : NULL;
}

/* The list that a manifest holds must be the one that was compiled: what changed meanwhile would else never
 * be stale. */
static int match(struct listed *before, const struct listed *after, const struct pn_content *content,
                 struct pn_err *err)
{
        static const char changed[] = "`%s` was changed while the rules were read; try again";

        for (size_t i = 0; i < before->count; i++) {
                const struct pn_scan_rules *text = nth(content, i);
                struct pn_generation_source *source = &before->item[i];
                const struct pn_generation_source *then = i < after->count ? &after->item[i] : NULL;

                if (!text || !then || strcmp(source->path, then->path) != 0 ||
                    strcmp(source->path, text->name) != 0 || source->bytes != then->bytes ||
                    source->mtime_ns != then->mtime_ns || source->bytes != text->len)
                        return pn_err_set(err, PN_FAULT_HOST, 0, changed, source->path);
                if (pn_rules_digest_bytes(text->text, text->len, source->sha256, err) < 0)
                        return -1;
        }
        if (after->count != before->count || nth(content, before->count))
                return pn_err_set(err, PN_FAULT_HOST, 0, changed, "a directory of rules");
        return 0;
}

/* The deny files one after the other: each ends with its last line's LF. */
static int deny_part(const struct pn_content *content, struct pn_generation_part *part, struct pn_err *err)
{
        part->fd = memfd_create("deny", MFD_CLOEXEC);
        if (part->fd < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "memfd_create");
        for (unsigned i = 0; i < content->deny_count; i++) {
                const struct pn_scan_rules *deny = &content->deny[i];

                for (size_t done = 0; done < deny->len;) {
                        ssize_t n = write(part->fd, deny->text + done, deny->len - done);

                        if (n < 0 && errno != EINTR)
                                return pn_err_set(err, PN_FAULT_HOST, errno, "write the deny hashes");
                        done += n > 0 ? (size_t)n : 0;
                }
                part->bytes += deny->len;
        }
        return 0;
}

static int digest_parts(struct pn_rules_made *made, struct pn_err *err)
{
        struct pn_generation_part *exact = &made->part[PN_PART_EXACT];

        for (enum pn_part i = 0; i < PN_PARTS; i++) {
                struct pn_generation_part *part = &made->part[i];

                if (part->fd >= 0 && pn_rules_digest_fd(part->fd, part->bytes, part->sha256, err) < 0)
                        return pn_err_wrap(err, "`%s`", pn_part_names[i]);
        }
        return pn_rules_digest_fd(exact->fd, exact->head_bytes, exact->head_sha256, err);
}

static void tell(const struct pn_rules_made *made, const char *name)
{
        size_t weak = 0;

        for (size_t i = 0; i < made->report.count; i++)
                weak += made->report.cost[i].weak;
        for (char **note = made->note; *note; note++)
                (void)pn_rules_complain(0, "%s", *note);
        (void)printf("compiled %u rule%s into %s: %u window%s, %zu weak\n", made->rules,
                     made->rules == 1 ? "" : "s", name, made->windows, made->windows == 1 ? "" : "s", weak);
}

static int put_in_use(const struct pn_rules_options *options, const struct pn_rules_input *input,
                      const struct listed *sources, struct pn_rules_made *made, struct pn_err *err)
{
        struct pn_generation_new new = {.rules = input->policy->rules,
                                        .deny = input->policy->deny_hashes,
                                        .source = sources->item,
                                        .source_count = sources->count,
                                        .libyara = made->libyara,
                                        .hyperscan = made->hyperscan[0] ? made->hyperscan : NULL,
                                        .rule_count = made->rules,
                                        .window_count = made->windows,
                                        .made_s = pn_clock_wall_s()};
        char name[32];

        if (deny_part(&input->content, &made->part[PN_PART_DENY], err) < 0 || digest_parts(made, err) < 0)
                return -1;
        memcpy(new.part, made->part, sizeof(new.part));
        if (pn_generation_store(pn_rules_state_dir(options, input->policy), &new, name, err) < 0) {
                err->fault = PN_FAULT_HOST; /* whosever it is, it is not the rules' */
                return -1;
        }
        tell(made, name);
        return 0;
}

static int read_all(struct pn_rules_input *input, struct listed *sources, struct pn_err *err)
{
        struct listed after = {0};
        int ret;

        if (list(input->policy, sources, err) < 0 || pn_rules_input_content(input, err) < 0 ||
            list(input->policy, &after, err) < 0)
                return -1;
        ret = match(sources, &after, &input->content, err);
        pn_generation_sources_free(after.item, after.count);
        return ret;
}

static int compile(const struct pn_rules_options *options, struct pn_rules_input *input,
                   struct listed *sources, struct pn_err *err)
{
        struct pn_rules_made made;
        int ret;

        if (read_all(input, sources, err) < 0 || pn_rules_input_run(input, options, &made, err) < 0)
                return -1;
        ret = put_in_use(options, input, sources, &made, err);
        pn_rules_made_clear(&made);
        return ret;
}

static int run(const struct pn_rules_options *options)
{
        struct pn_rules_input input = {0};
        struct listed sources = {0};
        struct pn_err err = PN_ERR_INIT;
        int ret;

        if (pn_rules_input_policy(options->config, &input, &err) < 0)
                return pn_rules_complain(PN_CLI_INCOMPLETE, "%s", err.text);
        ret = compile(options, &input, &sources, &err);
        pn_rules_input_clear(&input);
        pn_generation_sources_free(sources.item, sources.count);
        return pn_rules_finish(ret < 0 ? pn_rules_complain_err(&err) : PN_CLI_CLEAN);
}

const struct pn_rules_command pn_rules_compile = {
        .name = "compile",
        .words = "compile the policy's rules and put them in use",
        .help = help,
        .options = PN_RULES_CONFIG | PN_RULES_STATE | PN_RULES_COMPILER | PN_RULES_GRAMS,
        .run = run,
};
