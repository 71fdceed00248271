/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_COMPILER_COMPILER_H
#define PN_COMPILER_COMPILER_H

/* Rules become the parts of a generation. What comes in and goes out is said in README.md. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/base/view.h"

#define PN_COMPILER_SOURCE_BYTES_MAX (256U << 20) /* all rules together; public collections have 40 MB */
#define PN_COMPILER_NAME_MAX 4096U
#define PN_COMPILER_NOTE_MAX 320
#define PN_COMPILER_NOTES 4

enum pn_compiler_fd {
        PN_COMPILER_SOURCES = 0,
        PN_COMPILER_GRAMS = 3,
        PN_COMPILER_PARTS = 4, /* the first of them */
        PN_COMPILER_RESULT = 9,
};

/* In the order of their descriptors. */
enum pn_compiler_part {
        PN_COMPILER_PACK,
        PN_COMPILER_FILTER_HS,
        PN_COMPILER_FILTER_GRAM,
        PN_COMPILER_EXACT,
        PN_COMPILER_REPORT,
        PN_COMPILER_PART_COUNT,
};

struct pn_compiler_made {
        struct {
                void *data; /* owned; NULL: the part stays empty */
                size_t len;
        } part[PN_COMPILER_PART_COUNT];
        size_t exact_head;
        uint32_t rules, windows;
        char note[PN_COMPILER_NOTES][PN_COMPILER_NOTE_MAX];
        unsigned notes;
};

/* The files of rules as they came: `*ret` and what it points to are freed by pn_compiler_sources_free();
 * texts point into `wire`. -1 with PN_FAULT_BUG (whoever sent them does not keep to the format),
 * PN_FAULT_CONFIG (too many) or HOST. */
struct pn_yr_source;
int pn_compiler_sources(struct pn_view wire, struct pn_yr_source **ret, uint32_t *ret_count,
                        struct pn_err *err);
void pn_compiler_sources_free(struct pn_yr_source *source, uint32_t count);

/* Makes all parts in memory. Returns 0 with *ret to be cleared, or -1. */
int pn_compiler_make(struct pn_view wire, struct pn_view grams, struct pn_compiler_made *ret,
                     struct pn_err *err);
void pn_compiler_made_clear(struct pn_compiler_made *made);

/* The result as JSON, the caller's to free(); NULL when memory ran out. `made` NULL: of the error. */
char *pn_compiler_result(const struct pn_compiler_made *made, const struct pn_err *err);

/* Were the descriptors given that the program needs? */
bool pn_compiler_called(void);

/* The whole program: enters the jail, reads, makes, writes. Returns its exit status. */
int pn_compiler_run(void);

#endif
