/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_ENGINE_INCLUDE_PATH_H
#define PN_ENGINE_INCLUDE_PATH_H

/* What an `include "..."` of a file of rules means: a path, relative ones from the directory of the file it stands in,
 * resolved as text, so that it can only name one of the files that were given and no file system is asked. */

#include <stdbool.h>

#define PN_INCLUDE_PATH_MAX 4096 /* bytes with the NUL: PATH_MAX */

/* Joins the directory of `includer` and `written`, or takes `written` alone when it is absolute, in one spelling: "." and
 * doubled slashes go, ".." takes a directory back, and stays where there is none. False when the result is too long. */
bool pn_include_path(const char *includer, const char *written, char ret[PN_INCLUDE_PATH_MAX]);

/* Do both name the same file? `resolved` is what pn_include_path() gave; `name` is that of a file that was given. */
bool pn_include_path_is(const char *resolved, const char *name);

#endif
