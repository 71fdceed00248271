/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/marker.h"

#include <stddef.h>
#include <stdint.h>

void pn_marker_fill(char dst[PN_MARKER_BYTES])
{
        static const uint8_t xored[PN_MARKER_BYTES] = PN_MARKER_XORED;
        /* volatile: at -O2 the compiler would do the XOR itself and put the marker into .rodata */
        volatile uint8_t key = PN_MARKER_KEY;

        for (size_t i = 0; i < PN_MARKER_BYTES; i++)
                dst[i] = (char)(xored[i] ^ key);
}
