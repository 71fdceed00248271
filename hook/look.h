/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_HOOK_LOOK_H
#define PN_HOOK_LOOK_H

/* A scan with the rules that are in use: those of the generation that was compiled for this policy's places; when there is
 * none, or none that is whole, straight from their source by libyara alone, which is slow and says the same. */

#include "policy/policy.h"
#include "scanner/scan/scan.h"

/* Fills what `request` says of rules, digests and verification (the rest is the caller's) and runs it. A generation that
 * the workers refuse is left for an older one, and that for the source; a note says so, and another when a source has
 * changed since it was compiled. Everything else there is to say is in *all as after pn_scan_run().
 * -1 with PN_FAULT_CONFIG or PN_FAULT_HOST when there are no rules to scan with; then nothing was scanned. */
int pn_look(const struct pn_policy *policy, struct pn_scan_request *request, struct pn_findings *all, struct pn_err *err);

#endif
