/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/decide.h"

#include <string.h>

/* ---------------------------------------------------------------- findings */

static bool is_test_rule(const struct pn_finding *f)
{
        return strcmp(f->rule, PN_TEST_RULE) == 0;
}

static bool names_place(const struct pn_exception *e, const struct pn_finding *f)
{
        if (f->path.cut || f->path.len == 0 || f->path.len != strlen(e->path))
                return false;
        return memcmp(f->path.bytes, e->path, f->path.len) == 0 && strcmp(e->rule, f->rule) == 0;
}

static bool names_bytes(const struct pn_exception *e, const struct pn_finding *f)
{
        return f->has_sha256 && memcmp(e->sha256, f->sha256, PN_SHA256_BYTES) == 0;
}

/* The exception that covers `f`, or NULL; *ret_near is one that names its rule and place but other bytes, or
 * has expired. */
static const struct pn_exception *find_exception(const struct pn_policy *policy, const struct pn_finding *f,
                                                 int64_t now_s, const struct pn_exception **ret_near)
{
        *ret_near = NULL;
        if (is_test_rule(f))
                return NULL;
        for (size_t i = 0; i < policy->exception_count; i++) {
                const struct pn_exception *e = &policy->exception[i];

                if (!names_place(e, f))
                        continue;
                if (names_bytes(e, f) && now_s < e->expires_s)
                        return e;
                if (!*ret_near)
                        *ret_near = e;
        }
        return NULL;
}

/* Only the word "report" lets a finding pass: what no policy has spoken about refuses. */
static bool finding_refuses(const struct pn_policy *policy, const struct pn_finding *f)
{
        if (is_test_rule(f))
                return true;
        if (f->confidence == PN_CONFIDENCE_LOW)
                return false;
        if (f->severity > PN_SEVERITY_CRITICAL || f->confidence > PN_CONFIDENCE_HIGH)
                return true;
        return policy->action[f->severity][f->confidence] != PN_ACTION_REPORT;
}

static bool is_worse(const struct pn_finding *f, const struct pn_finding *than)
{
        if (!than)
                return true;
        if (f->severity != than->severity)
                return f->severity > than->severity;
        return f->confidence > than->confidence;
}

static void weigh_finding(const struct pn_policy *policy, const struct pn_finding *f, int64_t now_s,
                          struct pn_decision *d)
{
        const struct pn_exception *near;
        bool worst = false;

        if (find_exception(policy, f, now_s, &near)) {
                d->excepted++;
                return;
        }
        if (finding_refuses(policy, f)) {
                d->refusing++;
                d->verdict = PN_VERDICT_REFUSED;
                worst = is_worse(f, d->finding);
        } else {
                d->reported++;
        }
        if (worst)
                d->finding = f;
        if (near &&
            (worst || !d->stale)) /* what is said of the worst one goes before what is said of others */
                d->stale = near;
}

/* Findings that were counted and not kept: none of them is worse than those that were, and no exception can be asked
 * about them. */
static void weigh_dropped(const struct pn_policy *policy, const struct pn_findings *all, struct pn_decision *d)
{
        for (unsigned severity = 0; severity <= PN_SEVERITY_CRITICAL; severity++) {
                for (unsigned confidence = 0; confidence <= PN_CONFIDENCE_HIGH; confidence++) {
                        const struct pn_finding like = {.severity = (enum pn_severity)severity,
                                                        .confidence = (enum pn_confidence)confidence};
                        uint64_t count = all->dropped[severity][confidence];

                        if (count == 0)
                                continue;
                        if (!finding_refuses(policy, &like)) {
                                d->reported += (unsigned)count;
                                continue;
                        }
                        d->refusing += (unsigned)count;
                        d->verdict = PN_VERDICT_REFUSED;
                        d->why = "there are more findings than were kept";
                }
        }
}

/* ---------------------------------------------------------------- issues */

/* What an issue that refuses makes of the scan, and whether one that is tolerated accounts for answers that
 * are missing. A file that lies or that nobody opens does not: everything else must have been answered. */
static const struct {
        enum pn_verdict verdict;
        bool excuses_gaps;
} classes[PN_ISSUE_CLASSES] = {
        [PN_ISSUE_CONTENT] = {PN_VERDICT_UNDECIDED, true},
        [PN_ISSUE_MALFORMED] = {PN_VERDICT_UNDECIDED, false},
        [PN_ISSUE_LIMIT] = {PN_VERDICT_UNDECIDED, true},
        [PN_ISSUE_UNSCANNABLE] = {PN_VERDICT_UNDECIDED, false},
        [PN_ISSUE_DEADLINE] = {PN_VERDICT_DEADLINE, true},
        [PN_ISSUE_NODE] = {PN_VERDICT_NODE, true},
};

static bool class_refuses(const struct pn_policy *policy, const struct pn_findings *all, unsigned cls)
{
        return all->issue_total[cls] > 0 && policy->on_error[cls] != PN_ACTION_REPORT;
}

/* Whether an issue with `verdict` refuses; *ret_issue is the first one, or NULL when it was counted but not
 * kept. */
static bool find_issue(const struct pn_policy *policy, const struct pn_findings *all, enum pn_verdict verdict,
                       const struct pn_issue **ret_issue)
{
        bool refuses[PN_ISSUE_CLASSES], any = false;

        *ret_issue = NULL;
        for (unsigned cls = 0; cls < PN_ISSUE_CLASSES; cls++) {
                refuses[cls] = classes[cls].verdict == verdict && class_refuses(policy, all, cls);
                any = any || refuses[cls];
        }
        for (size_t i = 0; any && i < all->issue_count && !*ret_issue; i++)
                if ((unsigned)all->issue[i].cls < PN_ISSUE_CLASSES && refuses[all->issue[i].cls])
                        *ret_issue = &all->issue[i];
        return any;
}

static void weigh_issues(const struct pn_policy *policy, const struct pn_findings *all, struct pn_decision *d)
{
        static const enum pn_verdict order[] = {PN_VERDICT_DEADLINE, PN_VERDICT_NODE, PN_VERDICT_UNDECIDED};

        for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
                if (!find_issue(policy, all, order[i], &d->issue))
                        continue;
                if (d->verdict == PN_VERDICT_CLEAN)
                        d->verdict = order[i];
                if (!d->issue)
                        d->why = "an error was counted that is not among those kept";
                return;
        }
}

/* ---------------------------------------------------------------- what is missing */

static uint64_t dropped_total(const struct pn_findings *all)
{
        uint64_t total = 0;

        for (unsigned severity = 0; severity <= PN_SEVERITY_CRITICAL; severity++)
                for (unsigned confidence = 0; confidence <= PN_CONFIDENCE_HIGH; confidence++)
                        total += all->dropped[severity][confidence];
        return total;
}

/* What the acceptance sentence misses when every issue is tolerated, or "". */
static const char *find_gap(const struct pn_findings *all)
{
        struct pn_tally rest = all->tally;
        const char *why = "";
        bool excused = false;

        if (all->finding_total != all->finding_count + dropped_total(all))
                return "a finding was lost"; /* what was not kept cannot be weighed */
        for (unsigned cls = 0; cls < PN_ISSUE_CLASSES; cls++) {
                uint64_t total = all->issue_total[cls];

                rest.errors -= total < rest.errors ? total : rest.errors;
                excused = excused || (total > 0 && classes[cls].excuses_gaps);
        }
        if (pn_tally_complete(&rest, &why) || (excused && rest.errors == 0))
                return "";
        return why;
}

static void weigh_gap(const struct pn_findings *all, struct pn_decision *d)
{
        d->why = find_gap(all);
        if (d->why[0] != '\0')
                d->verdict = PN_VERDICT_UNDECIDED;
}

/* ---------------------------------------------------------------- all together */

static void admit(const struct pn_policy *policy, bool break_glass, struct pn_decision *d)
{
        if (d->verdict == PN_VERDICT_CLEAN)
                d->admitted_by = "policy";
        else if (policy->mode == PN_MODE_MONITOR)
                d->admitted_by = "monitor mode";
        else if (break_glass)
                d->admitted_by = "break-glass";
        d->admitted = d->admitted_by[0] != '\0';
        d->would_refuse = d->admitted && d->verdict != PN_VERDICT_CLEAN;
}

void pn_policy_decide(const struct pn_policy *policy, const struct pn_findings *all, int64_t now_s,
                      bool break_glass, struct pn_decision *ret)
{
        struct pn_decision d = {.verdict = PN_VERDICT_CLEAN, .admitted_by = "", .why = ""};

        for (size_t i = 0; i < all->finding_count; i++)
                weigh_finding(policy, &all->finding[i], now_s, &d);
        weigh_dropped(policy, all, &d);
        weigh_issues(policy, all, &d);
        if (d.verdict == PN_VERDICT_CLEAN)
                weigh_gap(all, &d);
        admit(policy, break_glass, &d);
        *ret = d;
}

const char *pn_verdict_name(enum pn_verdict verdict)
{
        static const char *const names[] = {
                [PN_VERDICT_CLEAN] = "clean",         [PN_VERDICT_REFUSED] = "refused",
                [PN_VERDICT_UNDECIDED] = "undecided", [PN_VERDICT_DEADLINE] = "deadline",
                [PN_VERDICT_NODE] = "node error",
        };

        return (unsigned)verdict < sizeof(names) / sizeof(names[0]) && names[verdict] ? names[verdict]
                                                                                      : "unknown";
}
