/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_SCAN_REACH_H
#define PN_SCAN_REACH_H

/* Reachability: would an sshd of this root load a file in which something was found? ld.so(8) loads what DT_NEEDED names,
 * by the name of the file or the DT_SONAME of what is loaded already. Which directories it looks into (DT_RUNPATH,
 * ld.so.cache) is not followed: a library counts wherever in the root it lies, so that the answer may say yes too often
 * and never no. It raises a severity; nothing rests on a "no". */

#include <stdbool.h>

#include "scanner/finding/finding.h"

#define PN_REACH_NEEDED_MAX 64U          /* DT_NEEDED entries of one file */
#define PN_REACH_NAME_MAX   128U         /* bytes of one, with the NUL */
#define PN_REACH_BYTES_MAX  (32U << 20)  /* of all that is kept; above it nothing is raised, and a note says so */

struct pn_reach_file {
        char soname[PN_REACH_NAME_MAX], runpath[PN_REACH_NAME_MAX];
        char needed[PN_REACH_NEEDED_MAX][PN_REACH_NAME_MAX];
        unsigned needed_count;
        bool cut; /* something did not fit */
};

struct pn_reach;

struct pn_reach *pn_reach_new(void);
struct pn_reach *pn_reach_free(struct pn_reach *reach);

/* Remembers one file; copies. All of these take a NULL `reach`. */
void pn_reach_add(struct pn_reach *reach, const struct pn_path *path, const struct pn_reach_file *file);

/* Raises by one the severity of every finding in a file that an sshd (a file of that name) would load, and says so in its
 * title. */
void pn_reach_judge(struct pn_reach *reach, struct pn_findings *all);

#endif
