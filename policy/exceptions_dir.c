/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/exceptions.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/trust.h"
#include "scanner/base/fd.h"
#include "scanner/base/text.h"

static int is_exceptions_file(const struct dirent *entry)
{
        size_t len = strlen(entry->d_name);

        return entry->d_name[0] != '.' && len > 5 && strcmp(entry->d_name + len - 5, ".json") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int read_file(struct pn_policy *policy, int dirfd, const char *path, const char *name,
                     struct pn_err *err)
{
        pn_autofree char *data = NULL, *file = NULL;
        char shown[PN_TEXT_SHOWN_MAX];
        size_t len = 0;

        if (pn_fd_read_trusted(dirfd, name, PN_POLICY_BYTES_MAX, &data, &len, err) < 0)
                return pn_err_wrap(err, "in `%s`", path);
        (void)pn_text_escape(shown, sizeof(shown), name, strlen(name));
        if (asprintf(&file, "%s/%s", path, shown) < 0) {
                file = NULL;
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read `%s`", name);
        }
        return pn_exceptions_parse(policy, file, data, len, err);
}

static int read_files(struct pn_policy *policy, int dirfd, const char *path, struct dirent **entries,
                      int count, struct pn_err *err)
{
        if (count > PN_EXCEPTION_FILES_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "directory `%s` holds more than %d exceptions files", path,
                                  PN_EXCEPTION_FILES_MAX);
        for (int i = 0; i < count; i++)
                if (read_file(policy, dirfd, path, entries[i]->d_name, err) < 0)
                        return -1;
        return 0;
}

int pn_exceptions_read_dir(struct pn_policy *policy, const char *path, struct pn_err *err)
{
        struct pn_err why = PN_ERR_INIT;
        struct dirent **entries = NULL;
        pn_autofd dirfd = -1;
        int count, ret;

        if (pn_trust_open_dir(path, &dirfd, &why) < 0) {
                if (why.code == ENOENT)
                        return 0;
                if (err)
                        *err = why;
                return -1;
        }
        count = scandirat(dirfd, ".", &entries, is_exceptions_file, by_name);
        if (count < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "read directory `%s`", path);
        ret = read_files(policy, dirfd, path, entries, count, err);
        for (int i = 0; i < count; i++)
                free(entries[i]);
        free(entries);
        return ret;
}
