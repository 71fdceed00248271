/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hook/cli/cmd.h"
#include "hook/exitcode.h"
#include "hook/look.h"
#include "hook/process.h"
#include "hook/report/record.h"
#include "policy/decide.h"
#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/base/text.h"

static const char help[] =
        "usage: postern scan [--config FILE] [--worker FILE] [--fail-on SEVERITY] [--verify] [--json]\n"
        "                    DIRECTORY\n"
        "\n"
        "Scans DIRECTORY as the hook scans a container's root file system, with the policy's rules, digests,\n"
        "limits and exceptions, and starts nothing. One JSON record on standard output with --json.\n"
        "  --config FILE        policy (default " PN_SYSCONFDIR "/policy.json)\n"
        "  --worker FILE        postern-worker (default: beside this program, else " PN_LIBEXECDIR ")\n"
        "  --fail-on SEVERITY   low, medium, high or critical: findings from there on make the exit code 1\n"
        "                       (default: those that the policy refuses in enforce mode)\n"
        "  --verify             libyara matches every rule against every file too (slow); a difference is an issue\n"
        "Exit codes: 0 clean, 1 findings, 2 error or incomplete, 3 rules missing or broken, 64 usage.\n";

static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"worker", required_argument, NULL, 'w'},
        {"fail-on", required_argument, NULL, 'f'}, {"json", no_argument, NULL, 'j'},
        {"verify", no_argument, NULL, 'v'},        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
};

struct scan {
        const char *config, *worker, *directory;
        enum pn_severity fail_on; /* 0: as the policy says */
        bool json, verify, help;
};

static int usage(const char *why, const char *what)
{
        (void)fprintf(stderr, "postern: %s%s%.64s%s; try `postern scan --help`\n", why, what[0] ? " `" : "", what,
                      what[0] ? "`" : "");
        return -1;
}

static int parse(int argc, char **argv, struct scan *ret)
{
        int option;

        opterr = 0;
        optind = 1;
        while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1) {
                switch (option) {
                case 'c':
                        ret->config = optarg;
                        break;
                case 'w':
                        ret->worker = optarg;
                        break;
                case 'f':
                        ret->fail_on = pn_severity_parse(optarg);
                        if (!ret->fail_on)
                                return usage("--fail-on must be low, medium, high or critical, not", optarg);
                        break;
                case 'j':
                        ret->json = true;
                        break;
                case 'v':
                        ret->verify = true;
                        break;
                case 'h':
                        ret->help = true;
                        return 0;
                default:
                        return usage("unknown option, or one without its value,", argv[optind - 1]);
                }
        }
        if (optind + 1 != argc)
                return usage("one directory must be named", "");
        ret->directory = argv[optind];
        return 0;
}

/* Findings and issues one by one, for people. */
static void print(const struct pn_findings *all)
{
        for (size_t i = 0; i < all->finding_count; i++) {
                const struct pn_finding *f = &all->finding[i];
                char path[PN_PATH_BYTES_MAX];

                (void)pn_text_escape(path, sizeof(path), f->path.bytes, f->path.len);
                (void)printf("%s: %s (%s severity, %s confidence): %s\n", path, f->rule,
                             pn_severity_name(f->severity), pn_confidence_name(f->confidence), f->title);
        }
        for (size_t i = 0; i < all->issue_count; i++) {
                const struct pn_issue *issue = &all->issue[i];
                char path[PN_PATH_BYTES_MAX];

                (void)pn_text_escape(path, sizeof(path), issue->path.bytes ?: "", issue->path.len);
                (void)printf("%s%s%s (%s)\n", path, path[0] ? ": " : "", issue->text,
                             pn_issue_class_name(issue->cls));
        }
}

static bool found(const struct scan *scan, const struct pn_findings *all, const struct pn_decision *decision)
{
        if (!scan->fail_on)
                return decision->verdict == PN_VERDICT_REFUSED;
        for (size_t i = 0; i < all->finding_count; i++)
                if (all->finding[i].severity >= scan->fail_on)
                        return true;
        for (unsigned severity = scan->fail_on; severity <= PN_SEVERITY_CRITICAL; severity++)
                for (unsigned confidence = 0; confidence <= PN_CONFIDENCE_HIGH; confidence++)
                        if (all->dropped[severity][confidence] > 0)
                                return true;
        return false;
}

static int tell(const struct scan *scan, const struct pn_policy *policy, const char *root,
                const struct pn_findings *all)
{
        struct pn_decision decision;
        struct pn_outcome outcome = {.program = "postern scan", .by_hand = true, .id = "", .bundle = "", .root = root,
                                     .when_s = pn_clock_wall_s(), .mode = policy->mode, .decision = &decision,
                                     .findings = all, .break_glass = "", .warning = ""};
        const char *why;
        char line[512];
        json_t *record;
        int ret;

        pn_policy_decide(policy, all, outcome.when_s, false, &decision);
        if (found(scan, all, &decision))
                ret = PN_CLI_FOUND;
        else if (all->node_fault == PN_FAULT_CONFIG)
                ret = PN_CLI_NO_RULES;
        else if (pn_tally_complete(&all->tally, &why))
                ret = PN_CLI_CLEAN;
        else
                ret = PN_CLI_INCOMPLETE;
        outcome.exit_code = ret;
        if (scan->json) {
                record = pn_record_make(&outcome);
                if (!record || json_dumpf(record, stdout, JSON_COMPACT) < 0 || puts("") < 0)
                        ret = PN_CLI_INCOMPLETE;
                json_decref(record);
                return ret;
        }
        print(all);
        for (size_t i = 0; i < all->note_count; i++) /* about the scan itself: what was not looked at is in the record */
                if (all->note[i].path.len == 0)
                        (void)fprintf(stderr, "postern: %s\n", all->note[i].text);
        pn_record_line(&outcome, line, sizeof(line));
        (void)fprintf(stderr, "%s\n", line);
        return ret;
}

static int run(const struct scan *scan, const struct pn_policy *policy, const char *worker)
{
        pn_autofree char *path = realpath(scan->directory, NULL);
        struct pn_scan_root root = {PN_ROOT_HOST, -1, path, ""};
        struct pn_scan_request request = {.worker = worker,
                                          .deadline_ms = pn_clock_now_ms() + policy->deadline_ms,
                                          .runtime_fd = -1,
                                          .limits = policy->limits,
                                          .root = &root,
                                          .root_count = 1,
                                          .verify = scan->verify};
        pn_autofd mountinfo = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
        pn_autofree char *text = NULL;
        struct pn_findings all = {0};
        struct pn_err err = PN_ERR_INIT;
        int ret;

        if (!path) {
                (void)fprintf(stderr, "postern: `%.256s`: %m\n", scan->directory);
                return PN_CLI_INCOMPLETE;
        }
        if (mountinfo >= 0 && pn_fd_read_all(mountinfo, 32U << 20, &text, &request.mountinfo_len) == 0)
                request.mountinfo = text;
        if (pn_look(policy, &request, &all, &err) < 0) {
                (void)fprintf(stderr, "postern: %s\n", err.text);
                ret = PN_CLI_NO_RULES;
        } else {
                ret = tell(scan, policy, path, &all);
        }
        pn_findings_clear(&all);
        return ret;
}

int pn_cmd_scan(int argc, char **argv)
{
        struct scan scan = {.config = PN_SYSCONFDIR "/policy.json"};
        struct pn_policy *policy = NULL;
        struct pn_err err = PN_ERR_INIT;
        pn_autofree char *worker = NULL;
        int ret;

        if (parse(argc, argv, &scan) < 0)
                return PN_CLI_USAGE;
        if (scan.help)
                return fputs(help, stdout) < 0 ? PN_CLI_INCOMPLETE : PN_CLI_CLEAN;
        worker = scan.worker ? realpath(scan.worker, NULL) : pn_process_worker_path();
        if (!worker) {
                (void)fprintf(stderr, "postern: worker `%.256s`: %m\n", scan.worker ?: "");
                return PN_CLI_INCOMPLETE;
        }
        if (pn_policy_load(scan.config, &policy, &err) < 0) {
                (void)fprintf(stderr, "postern: %s\n", err.text);
                return PN_CLI_INCOMPLETE;
        }
        ret = run(&scan, policy, worker);
        (void)pn_policy_free(policy);
        return ret;
}
