/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TARGET_PSEUDOFS_H
#define PN_TARGET_PSEUDOFS_H

#include <stdbool.h>
#include <stdint.h>

/* `type` is f_type of statfs(2). */

/* The name of a file system whose files are the kernel's words and nobody's content, or NULL. */
const char *pn_pseudofs_name(uint64_t type);

/* Do device and inode number tell files apart here? Not on FUSE, network and image file systems: there whoever wrote
 * the image or runs the server chooses them, and could hide one file behind another. */
bool pn_pseudofs_honest_inodes(uint64_t type);

#endif
