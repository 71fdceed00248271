/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_POLICY_DECIDE_H
#define PN_POLICY_DECIDE_H

#include "policy/policy.h"
#include "scanner/finding/finding.h"

/* What the policy makes of a scan, mode aside. */
enum pn_verdict {
        PN_VERDICT_CLEAN = 1, /* complete, and nothing that refuses */
        PN_VERDICT_REFUSED,   /* a finding refuses */
        PN_VERDICT_UNDECIDED, /* no complete answer, and on_error refuses */
        PN_VERDICT_DEADLINE,  /* the same, because time ran out */
        PN_VERDICT_NODE,      /* the same, by the node's fault: no rules, no worker, no jail */
};

struct pn_decision {
        enum pn_verdict verdict;
        bool admitted;               /* the container may start */
        bool would_refuse;           /* admitted only because of the mode or of break-glass */
        const char *admitted_by;     /* "policy", "monitor mode" or "break-glass"; "" when not admitted */
        const struct pn_finding *finding; /* the worst one that refuses, or NULL; points into the findings */
        const struct pn_issue *issue;     /* the first one that refuses, or NULL; points into the findings */
        const char *why;                  /* what the acceptance sentence misses, or "" */
        unsigned refusing;                /* findings that refuse */
        unsigned excepted;                /* findings under a valid exception */
        unsigned reported;                /* findings that are only reported */
        const struct pn_exception *stale; /* an exception that fits in all but the digest or the expiry, or NULL;
                                           * of several, one that nearly covered `finding` */
};

/* A pure function of its arguments: no I/O, no clock. `now_s` is the wall clock for expiries, `break_glass`
 * whether a valid break-glass file stands.
 *
 *   refuse a finding    when action[severity][confidence] says so, its confidence is not low, and no exception
 *                       that has not expired names its rule, its path and its digest; PN_TEST_RULE refuses always
 *   refuse what was counted and not kept (all->dropped) by its severity and confidence alone
 *   refuse an issue     when on_error[class] says so
 *   refuse the scan     when no issue refuses and pn_tally_complete() still says no, tolerated issues not counted
 *                       as errors; tolerated issues of content, limit, deadline and node account for what is
 *                       missing, those of malformed and unscannable do not: they speak of one file
 *   refuse the scan     when findings were counted that were not kept: they cannot be weighed
 *
 * Issues are weighed by their totals, so those over PN_ISSUES_KEPT count too (`issue` is then NULL and `why` says it).
 *
 * Findings go before issues; of the issues deadline, then node, then the others. */
void pn_policy_decide(const struct pn_policy *policy, const struct pn_findings *all, int64_t now_s, bool break_glass,
                      struct pn_decision *ret);

const char *pn_verdict_name(enum pn_verdict verdict);

#endif
