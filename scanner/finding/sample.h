/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_FINDING_SAMPLE_H
#define PN_FINDING_SAMPLE_H

/* The built-in sample of every self-test: the smallest ELF file that is true, a relocatable without sections,
 * with the test marker (scanner/finding/marker.h) behind its header. */

#include <stdint.h>

#define PN_SAMPLE_BYTES      192
#define PN_SAMPLE_HEAD_BYTES 64 /* the ELF header; the marker stands twice behind it */

void pn_sample_fill(uint8_t sample[PN_SAMPLE_BYTES]);

#endif
