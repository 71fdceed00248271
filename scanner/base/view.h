/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_BASE_VIEW_H
#define PN_BASE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes that somebody else chose. The getters fail instead of running over. */
struct pn_view {
        const uint8_t *data;
        size_t len;
};

/* The `len` bytes at `off`. */
static inline bool pn_view_sub(struct pn_view v, uint64_t off, uint64_t len, struct pn_view *ret)
{
        if (off > v.len || v.len - off < len)
                return false;
        *ret = (struct pn_view){v.data + off, (size_t)len};
        return true;
}

/* An unsigned number of `size` (1, 2, 4 or 8) bytes at `off`, little endian unless `big`. */
static inline bool pn_view_uint(struct pn_view v, uint64_t off, unsigned size, bool big, uint64_t *ret)
{
        uint64_t value = 0;

        if (off > v.len || v.len - off < size)
                return false;
        for (unsigned i = 0; i < size; i++)
                value |= (uint64_t)v.data[off + i] << 8 * (big ? size - 1 - i : i);
        *ret = value;
        return true;
}

#endif
