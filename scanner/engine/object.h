/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_OBJECT_H
#define PN_ENGINE_OBJECT_H

/* One file being examined. Its bytes are hostile, may change while they are read and are never mapped: they are
 * copied into private buffers with pread(2). */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct pn_object {
        uint64_t size_bytes; /* st_size when it was opened */
        void *from;          /* what `read_at` reads */
        /* Like pread(2) until `len` bytes or the end of the file: the bytes read, or -1 with errno. */
        ssize_t (*read_at)(void *from, void *buf, size_t len, uint64_t offset);
        /* The next run of bytes that is not a hole at or behind `offset` (lseek(2) SEEK_DATA, SEEK_HOLE).
         * 1 with the run, 0 when there is none, -1 with errno. */
        int (*data_at)(void *from, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end);
};

/* An object that reads a descriptor (owned by the caller) of a regular file of `size_bytes`. */
void pn_object_from_fd(struct pn_object *object, int *fd, uint64_t size_bytes);

/* An object over memory, for self-tests, unit tests and fuzz targets. `view` must outlive it. */
struct pn_view;
void pn_object_from_view(struct pn_object *object, const struct pn_view *view);

#endif
