/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "hook/cli/rules.h"
#include "hook/exitcode.h"
#include "hook/look.h"
#include "hook/process.h"
#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/base/text.h"
#include "scanner/finding/sample.h"

static const char help[] =
        "usage: postern rules test [--config FILE] [--state DIR] [--worker FILE] [--rules PATH]... "
        "[--verify] "
        "[DIR...]\n"
        "\n"
        "Scans a file with the test marker and its clean twin with the rules in use, and expects the right "
        "answer.\n"
        "Then scans each DIR and prints what matches there; nothing is decided, and no exception counts.\n"
        "  --config FILE    policy (default " PN_SYSCONFDIR "/policy.json)\n"
        "  --state DIR      where compiled rules are (default: as the policy says)\n"
        "  --worker FILE    postern-worker (default: beside this program, else " PN_LIBEXECDIR ")\n"
        "  --rules PATH     these files or directories of rules instead of the policy's, from source\n"
        "  --verify         libyara matches every rule against every file too (slow), and a difference is an "
        "error\n"
        "Exit codes: 0 good, 1 the test failed, 2 error, incomplete or a difference, 3 rules missing or "
        "broken, 64 "
        "usage.\n";

struct job {
        const struct pn_rules_options *options;
        struct pn_policy *policy;
        char *worker;
};

static int scan(const struct job *job, const char *directory, struct pn_findings *all)
{
        pn_autofree char *path = realpath(directory, NULL);
        struct pn_scan_root root = {PN_ROOT_HOST, -1, path, ""};
        struct pn_scan_request request = {.worker = job->worker,
                                          .deadline_ms = pn_clock_now_ms() + 24 * 3600 * 1000LL,
                                          .runtime_fd = -1,
                                          .limits = job->policy->limits,
                                          .root = &root,
                                          .root_count = 1,
                                          .verify = job->options->verify};
        struct pn_err err = PN_ERR_INIT;

        if (!path)
                return pn_rules_complain(PN_CLI_INCOMPLETE, "`%.256s`: %s", directory,
                                         strerrordesc_np(errno));
        if (pn_look(job->policy, &request, all, &err) < 0)
                return pn_rules_complain_err(&err);
        return PN_CLI_CLEAN;
}

static int tell_issues(const struct pn_findings *all)
{
        const char *why;

        for (size_t i = 0; i < all->note_count; i++)
                if (all->note[i].path.len == 0)
                        (void)fprintf(stderr, "postern: rules: %s\n", all->note[i].text);
        for (size_t i = 0; i < all->issue_count; i++) {
                char path[PN_PATH_BYTES_MAX];

                (void)pn_text_escape(path, sizeof(path), all->issue[i].path.bytes ?: "",
                                     all->issue[i].path.len);
                (void)fprintf(stderr, "postern: rules: %s%s%s\n", path, path[0] ? ": " : "",
                              all->issue[i].text);
        }
        if (all->node_fault == PN_FAULT_CONFIG)
                return PN_CLI_NO_RULES;
        return pn_tally_complete(&all->tally, &why) ? PN_CLI_CLEAN : PN_CLI_INCOMPLETE;
}

/* ---------------------------------------------------------------- the sample and its twin */

static int write_sample(int dir, const char *name, bool marked)
{
        uint8_t sample[PN_SAMPLE_BYTES];
        pn_autofd fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

        pn_sample_fill(sample);
        if (!marked)
                memset(sample + PN_SAMPLE_HEAD_BYTES, 'x', sizeof(sample) - PN_SAMPLE_HEAD_BYTES);
        return fd >= 0 && write(fd, sample, sizeof(sample)) == (ssize_t)sizeof(sample) ? 0 : -1;
}

static int judge_sample(const struct pn_findings *all)
{
        const struct pn_finding *only = all->finding_count == 1 ? &all->finding[0] : NULL;

        if (only && strcmp(only->rule, PN_TEST_RULE) == 0 && only->path.len == 6 &&
            memcmp(only->path.bytes, "marked", 6) == 0) {
                (void)puts("the test rule matches the marked file, and nothing matches its clean twin");
                return PN_CLI_CLEAN;
        }
        if (all->finding_total == 0)
                return pn_rules_complain(PN_CLI_FOUND,
                                         "the test rule does not match the file that it must match");
        return pn_rules_complain(PN_CLI_FOUND,
                                 "%llu rules match where the test rule alone must match one file",
                                 (unsigned long long)all->finding_total);
}

static int test_sample(const struct job *job)
{
        char directory[] = "/tmp/postern-test-XXXXXX";
        struct pn_findings all = {0};
        pn_autofd dir = -1;
        int ret = PN_CLI_INCOMPLETE;

        if (!mkdtemp(directory))
                return pn_rules_complain(PN_CLI_INCOMPLETE, "make `%s`: %s", directory,
                                         strerrordesc_np(errno));
        dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (dir < 0 || write_sample(dir, "marked", true) < 0 || write_sample(dir, "clean", false) < 0)
                (void)pn_rules_complain(ret, "write the sample to `%s`: %s", directory,
                                        strerrordesc_np(errno));
        else if ((ret = scan(job, directory, &all)) == PN_CLI_CLEAN &&
                 (ret = tell_issues(&all)) == PN_CLI_CLEAN)
                ret = judge_sample(&all);
        (void)unlinkat(dir, "marked", 0);
        (void)unlinkat(dir, "clean", 0);
        (void)rmdir(directory);
        pn_findings_clear(&all);
        return ret;
}

/* ---------------------------------------------------------------- directories */

static int test_directory(const struct job *job, const char *directory)
{
        struct pn_findings all = {0};
        int ret = scan(job, directory, &all);

        if (ret == PN_CLI_CLEAN) {
                for (size_t i = 0; i < all.finding_count; i++) {
                        char path[PN_PATH_BYTES_MAX];

                        (void)pn_text_escape(path, sizeof(path), all.finding[i].path.bytes,
                                             all.finding[i].path.len);
                        (void)printf("%s: %s\n", path, all.finding[i].rule);
                }
                (void)printf("%llu files, %llu ELF, %llu matches, %llu rules asked of libyara%s\n",
                             (unsigned long long)all.tally.objects_seen,
                             (unsigned long long)all.tally.parse_answers,
                             (unsigned long long)all.finding_total,
                             (unsigned long long)all.tally.pairs_answered,
                             job->options->verify ? ", all compared with it" : "");
                ret = tell_issues(&all);
        }
        pn_findings_clear(&all);
        return ret;
}

static int take_rules(struct pn_policy *policy, const struct pn_rules_options *options)
{
        char **rules = calloc(options->rules_count + 1UL, sizeof(*rules));

        for (unsigned i = 0; rules && i < options->rules_count; i++) {
                rules[i] = realpath(options->rules[i], NULL);
                if (!rules[i])
                        rules[i] = strdup(options->rules[i]); /* named by the error to come */
        }
        if (!rules)
                return -1;
        for (char **old = policy->rules; *old; old++)
                free(*old);
        free(policy->rules);
        policy->rules = rules;
        return 0;
}

/* `--state` and `--rules` stand before the policy's. */
static int override(const struct job *job)
{
        const struct pn_rules_options *options = job->options;

        if (options->state) {
                free(job->policy->state_dir);
                job->policy->state_dir = strdup(options->state);
                if (!job->policy->state_dir)
                        return -1;
        }
        return options->rules_count == 0 ? 0 : take_rules(job->policy, options);
}

static int run(const struct pn_rules_options *options)
{
        struct job job = {.options = options};
        struct pn_err err = PN_ERR_INIT;
        int worst;

        if (pn_policy_load(options->config, &job.policy, &err) < 0)
                return pn_rules_complain(PN_CLI_INCOMPLETE, "%s", err.text);
        job.worker = options->worker ? realpath(options->worker, NULL) : pn_process_worker_path();
        if (!job.worker || override(&job) < 0) {
                worst = pn_rules_complain(PN_CLI_INCOMPLETE, "worker `%.256s`: %s", options->worker ?: "",
                                          strerrordesc_np(errno));
        } else {
                worst = test_sample(&job);
                for (int i = 0; i < options->operand_count; i++) {
                        int ret = test_directory(&job, options->operand[i]);

                        worst = ret > worst ? ret : worst;
                }
        }
        free(job.worker);
        (void)pn_policy_free(job.policy);
        return pn_rules_finish(worst);
}

const struct pn_rules_command pn_rules_test = {
        .name = "test",
        .words = "match the test marker, and directories, by the rules in use",
        .help = help,
        .options = PN_RULES_CONFIG | PN_RULES_STATE | PN_RULES_WORKER | PN_RULES_RULES | PN_RULES_VERIFY,
        .operands_max = -1,
        .run = run,
};
