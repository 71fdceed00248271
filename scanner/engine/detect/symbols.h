/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_DETECT_SYMBOLS_H
#define PN_DETECT_SYMBOLS_H

/* One pass over the dynamic symbols: what the detectors ask of them. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/engine/detect/elf_dynamic.h"
#include "scanner/engine/detect/image.h"

#define PN_SYMBOL_NAME_MAX 24 /* the longest name anybody asks for, with its NUL, and one more */

/* Which names are looked for, by who has them in a clean system. */
enum pn_symbol_owner {
        PN_OWNER_LOADER,
        PN_OWNER_LZMA,
        PN_OWNER_LIBC,
        PN_OWNER_PAM,
        PN_OWNER_PCAP,
        PN_SYMBOL_OWNERS
};

struct pn_symbols {
        uint64_t count;     /* of the table, as far as hashes and relocations know of it */
        uint64_t functions; /* defined, global or weak, functions */
        uint64_t imports;   /* of others */
        bool imports_tls_get_addr;
        uint64_t ifunc_count; /* symbols of type STT_GNU_IFUNC that are defined here */
        uint64_t lzma_ifunc;  /* address of lzma_crc32 or lzma_crc64 when it is one of them, or 0 */
        unsigned exports[PN_SYMBOL_OWNERS]; /* names of the list that are defined here */
        uint64_t first[PN_SYMBOL_OWNERS];   /* where one of them is */
};

/* Told of each defined symbol of type STT_GNU_IFUNC. */
typedef void pn_symbols_tell(void *ctx, uint64_t resolver);

/* `least` symbols are there whatever the hash tables say (relocations name them). 0, or -1 as
 * pn_image_peek(), or PN_FAULT_TARGET. */
int pn_symbols_read(struct pn_image *image, const struct pn_dynamic *dynamic, uint64_t least,
                    pn_symbols_tell *tell, void *ctx, struct pn_symbols *ret, struct pn_err *err);

#endif
