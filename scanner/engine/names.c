/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/names.h"

#include <string.h>

const char *const pn_name_words[PN_NAMES] = {"filename", "filepath", "extension", "filetype"};

void pn_names_set(struct pn_names *names, const void *path, size_t len)
{
        char *directory = names->room, *name, *dot;
        const char *bytes = path, *slash;

        if (len > PN_NAMES_PATH_MAX)
                len = PN_NAMES_PATH_MAX;
        slash = len > 0 ? memrchr(bytes, '/', len) : NULL;
        directory[0] = '/';
        if (slash)
                memcpy(directory + 1, bytes, (size_t)(slash - bytes));
        directory[slash ? slash - bytes + 1 : 1] = '\0';
        name = names->room + PN_NAMES_PATH_MAX + 2;
        if (slash)
                len -= (size_t)(slash + 1 - bytes);
        if (len > 0)
                memcpy(name, slash ? slash + 1 : bytes, len);
        name[len] = '\0';
        dot = strrchr(name, '.');
        names->value[PN_NAME_FILENAME] = name;
        names->value[PN_NAME_FILEPATH] = directory;
        names->value[PN_NAME_EXTENSION] = dot ? dot : "";
        names->value[PN_NAME_FILETYPE] = "ELF";
}
