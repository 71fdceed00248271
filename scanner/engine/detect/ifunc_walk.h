/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_IFUNC_WALK_H
#define PN_DETECT_IFUNC_WALK_H

/* Follows the code of a resolver (x86-64) along every branch, into what it calls and back, with what is known
 * of registers and stack: numbers, addresses of the image, places on the stack. Runs nothing. */

#include <stdbool.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/detect/frames.h"
#include "scanner/engine/detect/ifunc_slots.h"
#include "scanner/engine/detect/work.h"

#define PN_WALK_STEPS_MAX 16384U         /* instructions followed per resolver; clean ones have at most 90 */
#define PN_WALK_ALL_STEPS_MAX (1U << 19) /* per file: a fifth of a second */
#define PN_WALK_FUNCTIONS_MAX 64U        /* counted per resolver; 4 are a finding */
#define PN_WALK_VISITS_MAX 4U            /* of one instruction: paths join, loops end */
#define PN_WALK_PENDING_MAX 256U         /* branches still to be followed */

struct pn_walker; /* about a megabyte */

/* NULL when memory ran out. */
struct pn_walker *pn_walker_new(struct pn_work *work, struct pn_frames *frames, struct pn_slots *slots);
struct pn_walker *pn_walker_free(struct pn_walker *walker);

/* Adds to `facts`. 0; or -1 as pn_image_peek(), and PN_FAULT_BUDGET when the file's resolvers have used their
 * steps. */
int pn_walker_follow(struct pn_walker *walker, uint64_t resolver, struct pn_ifunc_facts *facts,
                     struct pn_err *err);

#endif
