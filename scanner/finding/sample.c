/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/sample.h"

#include <string.h>

#include "scanner/finding/marker.h"

#define EHSIZE_AT 52

_Static_assert(PN_SAMPLE_BYTES >= PN_SAMPLE_HEAD_BYTES + PN_MARKER_BYTES, "the marker fits behind the header");

void pn_sample_fill(uint8_t sample[PN_SAMPLE_BYTES])
{
        static const uint8_t head[] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0,  0, 0, 0,
                                       0,    0,   0,   0,   0, 1, 0, 62, 0, 1};

        memset(sample, 0, PN_SAMPLE_BYTES);
        memcpy(sample, head, sizeof(head));
        sample[EHSIZE_AT] = PN_SAMPLE_HEAD_BYTES;
        pn_marker_fill((char *)sample + PN_SAMPLE_HEAD_BYTES);
}
