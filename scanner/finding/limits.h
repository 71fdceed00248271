/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_FINDING_LIMITS_H
#define PN_FINDING_LIMITS_H

#include <stdint.h>

/* What the walk and the workers may use; every one is a policy key "limits.<name>" and reaching one is an issue of
 * the class `limit`, never a clean answer. */
struct pn_limits {
        uint64_t files;       /* regular files in the tree */
        uint64_t directories; /* directories in the tree */
        uint64_t depth;       /* directories below each other */
        uint64_t total_bytes; /* bytes of ELF files, holes too, and heads of others, read in one scan */
        uint64_t hash_bytes;  /* an ELF file larger than this has no digest (its bytes are matched all the same) */
        uint64_t matches;     /* places where one string may match in one file */
};

#endif
