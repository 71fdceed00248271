/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/admit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hook/look.h"
#include "hook/oci_bundle.h"
#include "hook/oci_state.h"
#include "hook/report/report.h"
#include "hook/view.h"
#include "policy/decide.h"
#include "scanner/base/clock.h"
#include "scanner/base/fd.h"

#define PN_MOUNT_PATH_MAX 4000 /* of a destination, source or type: PATH_MAX is 4096, and a message must hold two */
#define PN_STATE_WAIT_MS 10000 /* at most for the state, however long the deadline is: runtimes write it at once */

/* What a fault on the way to the scan is for the policy. */
static enum pn_issue_class issue_of(enum pn_fault fault)
{
        switch (fault) {
        case PN_FAULT_TARGET:
                return PN_ISSUE_CONTENT;
        case PN_FAULT_BUDGET:
                return PN_ISSUE_DEADLINE;
        default:
                return PN_ISSUE_NODE;
        }
}

static void add_fault(struct pn_findings *all, const struct pn_err *err)
{
        if (err->fault == PN_FAULT_CONFIG || err->fault == PN_FAULT_BUG)
                all->node_fault = err->fault;
        (void)pn_findings_add_issue(all, issue_of(err->fault), NULL, "%s", err->text);
}

static enum pn_exit exit_of(const struct pn_decision *decision, const struct pn_findings *all)
{
        if (decision->admitted)
                return PN_EXIT_ADMITTED;
        switch (decision->verdict) {
        case PN_VERDICT_REFUSED:
                return PN_EXIT_REFUSED;
        case PN_VERDICT_UNDECIDED:
                return PN_EXIT_UNDECIDED;
        case PN_VERDICT_DEADLINE:
                return PN_EXIT_DEADLINE;
        case PN_VERDICT_NODE:
                if (all->node_fault == PN_FAULT_CONFIG)
                        return PN_EXIT_CONFIG;
                return all->node_fault == PN_FAULT_BUG ? PN_EXIT_BUG : PN_EXIT_HOST;
        case PN_VERDICT_CLEAN:
                break;
        }
        return PN_EXIT_BUG; /* clean and not admitted: decide() promises that this cannot be */
}

/* Types that are empty, the kernel's, or a copy of what lies below (tmpcopyup), before the first instruction. */
static bool harmless_type(const char *type)
{
        static const char *const types[] = {"proc",   "sysfs",     "cgroup",     "cgroup2", "devpts",  "mqueue",
                                            "tmpfs",  "ramfs",     "hugetlbfs",  "bpf",     "debugfs", "tracefs",
                                            "pstore", "configfs",  "securityfs", NULL};

        for (const char *const *t = types; *t; t++)
                if (strcmp(type, *t) == 0)
                        return true;
        return false;
}

/* root.path, the view of it, and every mount of config.json that brings content: what must be mounted in the view, and
 * what is read from its source for want of one. *ret is the caller's to free. */
static unsigned make_roots(const struct pn_bundle *bundle, const struct pn_view_of *view, struct pn_scan_root **ret,
                           struct pn_findings *all)
{
        struct pn_scan_root *root = calloc(bundle->mount_count + 2, sizeof(*root));
        unsigned count = 0;

        *ret = root;
        if (!root)
                return 0;
        root[count++] = (struct pn_scan_root){PN_ROOT_HOST, -1, bundle->root_path, ""};
        if (view->root_fd >= 0)
                root[count++] = (struct pn_scan_root){PN_ROOT_VIEW, view->root_fd, bundle->root_path, ""};
        for (size_t i = 0; i < bundle->mount_count; i++) {
                const struct pn_mount *mount = &bundle->mount[i];
                const char *label = mount->destination + strspn(mount->destination, "/");

                if (!mount->bind && harmless_type(mount->type))
                        continue;
                if (strlen(label) > PN_MOUNT_PATH_MAX || strlen(mount->source) > PN_MOUNT_PATH_MAX ||
                    strlen(mount->type) > PN_MOUNT_PATH_MAX)
                        (void)pn_findings_add_issue(all, PN_ISSUE_CONTENT, NULL,
                                                    "config.json: mounts[%zu]: a path of more than %d bytes", i,
                                                    PN_MOUNT_PATH_MAX);
                else
                        root[count++] = (struct pn_scan_root){mount->bind ? PN_ROOT_BIND : PN_ROOT_MOUNT, -1,
                                                              mount->bind ? mount->source : mount->type, label};
        }
        return count;
}

/* Says that a scan had to do without the container's own view. */
static void tell_unseen(const char *missing, struct pn_findings *all)
{
        if (strncmp(all->view, "container", 9) != 0 && all->view[0] != '\0')
                (void)pn_findings_add_note(all, NULL, "no view through the container's process: %s",
                                           missing[0] ? missing : "what config.json mounts is not mounted there");
}

static void scan(const struct pn_admit *admit, const struct pn_policy *policy, const struct pn_state *state,
                 const struct pn_bundle *bundle, struct pn_findings *all)
{
        pn_autofd runtime = (int)syscall(SYS_pidfd_open, getppid(), 0);
        struct pn_scan_request request = {.worker = admit->worker,
                                          .deadline_ms = admit->begin_ms + policy->deadline_ms,
                                          .runtime_fd = runtime,
                                          .limits = policy->limits};
        struct pn_scan_root *roots = NULL;
        struct pn_view_of view;
        struct pn_err err = PN_ERR_INIT;

        pn_view_open(state->pid, &view);
        request.root_count = make_roots(bundle, &view, &roots, all);
        request.root = roots;
        request.mountinfo = view.mountinfo;
        request.mountinfo_len = view.mountinfo_len;
        if (request.root_count == 0)
                (void)pn_findings_add_issue(all, PN_ISSUE_NODE, NULL, "no memory to begin a scan");
        else if (pn_look(policy, &request, all, &err) < 0)
                add_fault(all, &err);
        tell_unseen(view.missing, all);
        free(roots);
        pn_view_close(&view);
}

/* Everything between the policy and the decision; each step that fails leaves an issue. */
static void look(const struct pn_admit *admit, const struct pn_policy *policy, const struct pn_state *state,
                 const struct pn_err *state_err, struct pn_bundle *bundle, struct pn_findings *all)
{
        struct pn_err err = PN_ERR_INIT;

        if (admit->unfit)
                add_fault(all, admit->unfit);
        else if (state_err->fault != PN_FAULT_NONE)
                add_fault(all, state_err);
        else if (pn_bundle_read(state->bundle, bundle, &err) < 0)
                add_fault(all, &err);
        else
                scan(admit, policy, state, bundle, all);
}

static enum pn_exit decide_and_tell(const struct pn_policy *policy, const struct pn_state *state,
                                    const struct pn_bundle *bundle, const struct pn_findings *all, bool verbose)
{
        char break_glass[PN_WORDS_MAX] = "";
        struct pn_err glass = PN_ERR_INIT;
        struct pn_decision decision;
        struct pn_outcome outcome = {.program = "postern-hook", .when_s = pn_clock_wall_s()};
        bool broken = policy->break_glass_file &&
                      pn_policy_break_glass(policy->break_glass_file, outcome.when_s, break_glass, &glass);

        pn_policy_decide(policy, all, outcome.when_s, broken, &decision);
        outcome.id = state->id ?: "";
        outcome.bundle = state->bundle ?: "";
        outcome.root = bundle->root_path ?: "";
        outcome.pid = state->pid;
        outcome.mode = policy->mode;
        outcome.exit_code = exit_of(&decision, all);
        outcome.decision = &decision;
        outcome.findings = all;
        outcome.break_glass = break_glass;
        outcome.warning = glass.text;
        pn_report(&outcome, policy, verbose);
        return (enum pn_exit)outcome.exit_code;
}

enum pn_exit pn_admit(const struct pn_admit *admit)
{
        struct pn_state state = {0};
        struct pn_bundle bundle = {0};
        struct pn_findings all = {0};
        struct pn_policy *policy = NULL;
        struct pn_err state_err = PN_ERR_INIT, err = PN_ERR_INIT;
        int64_t wait_ms = PN_STATE_WAIT_MS;
        enum pn_exit ret;

        (void)pn_policy_load(admit->config, &policy, &err);
        if (policy && policy->deadline_ms < wait_ms)
                wait_ms = policy->deadline_ms;
        /* drained in any case: crun fails a start whose hook leaves its pipe unread */
        (void)pn_state_read(admit->state_fd, admit->begin_ms + wait_ms, &state, &state_err);
        if (!policy) {
                struct pn_outcome outcome = {.program = "postern-hook",
                                             .id = state.id ?: "",
                                             .bundle = state.bundle ?: "",
                                             .root = "",
                                             .pid = state.pid,
                                             .when_s = pn_clock_wall_s(),
                                             .exit_code = err.fault == PN_FAULT_HOST ? PN_EXIT_HOST : PN_EXIT_CONFIG,
                                             .error = &err,
                                             .break_glass = "",
                                             .warning = ""};

                pn_report(&outcome, NULL, admit->verbose);
                ret = (enum pn_exit)outcome.exit_code;
        } else {
                look(admit, policy, &state, &state_err, &bundle, &all);
                ret = decide_and_tell(policy, &state, &bundle, &all, admit->verbose);
        }
        pn_findings_clear(&all);
        pn_bundle_clear(&bundle);
        pn_state_clear(&state);
        (void)pn_policy_free(policy);
        return ret;
}
