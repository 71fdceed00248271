/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/oci_bundle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scanner/base/fd.h"
#include "scanner/base/jsonx.h"
#include "scanner/base/text.h"

#define PN_CONFIG_NAME "config.json"

/* `path` itself when it is absolute, else <base>/<path>. NULL when memory runs out. */
static char *path_join(const char *base, const char *path)
{
        size_t len = strlen(base);
        char *ret;

        if (path[0] == '/')
                return strdup(path);
        while (len > 0 && base[len - 1] == '/')
                len--;
        return asprintf(&ret, "%.*s/%s", (int)len, base, path) < 0 ? NULL : ret;
}

static int no_memory(struct pn_err *err)
{
        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, PN_CONFIG_NAME);
}

static int get(const char *prefix, const json_t *object, const char *key, enum pn_jsonx_kind kind,
               bool required, json_t **ret, struct pn_err *err)
{
        return pn_jsonx_get(PN_CONFIG_NAME, prefix, object, key, kind, required, PN_FAULT_HOST, ret, err);
}

static int unlike(const char *prefix, const json_t *object, const char *const *known, struct pn_err *err)
{
        return pn_jsonx_unlike(PN_CONFIG_NAME, prefix, object, known, PN_FAULT_HOST, err);
}

/* A string of `object`; "" when it is absent. Borrowed. */
static int get_string(const char *prefix, const json_t *object, const char *key, bool required,
                      const char **ret, struct pn_err *err)
{
        json_t *value;

        if (get(prefix, object, key, PN_JSONX_STRING, required, &value, err) < 0)
                return -1;
        *ret = value ? json_string_value(value) : "";
        if (required && **ret == '\0')
                return pn_err_set(err, PN_FAULT_HOST, 0, PN_CONFIG_NAME ": %s%s: must not be empty", prefix,
                                  key);
        return 0;
}

static int take_root(const json_t *config, const char *bundle_dir, struct pn_bundle *bundle,
                     struct pn_err *err)
{
        const char *path;
        json_t *root;

        if (unlike("", config, (const char *const[]){"root", "mounts", NULL}, err) < 0 ||
            get("", config, "root", PN_JSONX_OBJECT, true, &root, err) < 0 ||
            unlike("root.", root, (const char *const[]){"path", NULL}, err) < 0 ||
            get_string("root.", root, "path", true, &path, err) < 0)
                return -1;
        bundle->root_path = path_join(bundle_dir, path);
        return bundle->root_path ? 0 : no_memory(err);
}

/* runc and crun take a mount for a bind mount by its type or by its options. */
static int find_bind(const char *prefix, const json_t *object, const char *type, bool *ret,
                     struct pn_err *err)
{
        json_t *options, *option;
        size_t i;

        *ret = strcmp(type, "bind") == 0;
        if (get(prefix, object, "options", PN_JSONX_ARRAY, false, &options, err) < 0)
                return -1;
        json_array_foreach(options, i, option)
        {
                const char *word = json_string_value(option);

                if (!word)
                        return pn_err_set(err, PN_FAULT_HOST, 0,
                                          PN_CONFIG_NAME ": %soptions[%zu]: must be a string", prefix, i);
                *ret = *ret || strcmp(word, "bind") == 0 || strcmp(word, "rbind") == 0;
        }
        return 0;
}

static int take_mount(const json_t *object, size_t index, const char *bundle_dir, struct pn_mount *mount,
                      struct pn_err *err)
{
        const char *destination, *type, *source;
        char prefix[48];

        if (!json_is_object(object))
                return pn_err_set(err, PN_FAULT_HOST, 0, PN_CONFIG_NAME ": mounts[%zu]: must be an object",
                                  index);
        (void)snprintf(prefix, sizeof(prefix), "mounts[%zu].", index);
        if (unlike(prefix, object, (const char *const[]){"destination", "type", "source", "options", NULL}, err) < 0 ||
            get_string(prefix, object, "destination", true, &destination, err) < 0 ||
            get_string(prefix, object, "type", false, &type, err) < 0 ||
            find_bind(prefix, object, type, &mount->bind, err) < 0 ||
            get_string(prefix, object, "source", mount->bind, &source, err) < 0)
                return -1;
        /* Runtimes take a relative destination from the container's "/" (an old habit, still accepted). */
        mount->destination = path_join("/", destination);
        mount->type = strdup(type);
        mount->source = mount->bind ? path_join(bundle_dir, source) : strdup(source);
        return mount->destination && mount->type && mount->source ? 0 : no_memory(err);
}

static int take_mounts(const json_t *config, const char *bundle_dir, struct pn_bundle *bundle,
                       struct pn_err *err)
{
        json_t *mounts, *object;
        size_t i;

        if (get("", config, "mounts", PN_JSONX_ARRAY, false, &mounts, err) < 0)
                return -1;
        if (json_array_size(mounts) == 0)
                return 0;
        if (json_array_size(mounts) > PN_MOUNTS_MAX)
                return pn_err_set(err, PN_FAULT_TARGET, 0, PN_CONFIG_NAME ": mounts: more than %d",
                                  PN_MOUNTS_MAX);
        bundle->mount = calloc(json_array_size(mounts), sizeof(*bundle->mount));
        if (!bundle->mount)
                return no_memory(err);
        json_array_foreach(mounts, i, object)
        {
                bundle->mount_count = i + 1;
                if (take_mount(object, i, bundle_dir, &bundle->mount[i], err) < 0)
                        return -1;
        }
        return 0;
}

int pn_bundle_parse(const char *bundle_dir, const char *json, size_t len, struct pn_bundle *ret,
                    struct pn_err *err)
{
        struct pn_bundle bundle = {0};
        json_t *config;
        int r;

        if (bundle_dir[0] != '/')
                return pn_err_set(err, PN_FAULT_BUG, 0, "the bundle's path is not absolute");
        if (pn_jsonx_load_wide(PN_CONFIG_NAME, json, len, PN_FAULT_HOST, &config, err) < 0)
                return -1;
        r = take_root(config, bundle_dir, &bundle, err);
        if (r == 0)
                r = take_mounts(config, bundle_dir, &bundle, err);
        json_decref(config);
        if (r < 0) {
                pn_bundle_clear(&bundle);
                return -1;
        }
        *ret = bundle;
        return 0;
}

/* Opens config.json for reading after it was seen to be a regular file: opening a FIFO or a device would
 * already be an act (a blocked open, a watchdog that starts). Returns the descriptor, or -1 with `err`. */
static int open_config(int dirfd, struct pn_err *err)
{
        pn_autofd entry = pn_fd_open_entry(dirfd, PN_CONFIG_NAME);
        char self[32];
        struct stat st;
        int fd;

        if (entry < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open `" PN_CONFIG_NAME "`");
        if (fstat(entry, &st) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "stat `" PN_CONFIG_NAME "`");
        if (!S_ISREG(st.st_mode))
                return pn_err_set(err, PN_FAULT_HOST, 0, "`" PN_CONFIG_NAME "` is not a regular file");
        (void)snprintf(self, sizeof(self), "/proc/self/fd/%d", entry);
        fd = open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        if (fd < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open `" PN_CONFIG_NAME "`");
        return fd;
}

static int read_config(int dirfd, const char *bundle_dir, struct pn_bundle *ret, struct pn_err *err)
{
        pn_autofd fd = open_config(dirfd, err);
        pn_autofree char *data = NULL;
        size_t len = 0;

        if (fd < 0)
                return -1;
        if (pn_fd_read_all(fd, PN_CONFIG_BYTES_MAX, &data, &len) < 0)
                return pn_err_set(err, errno == EFBIG ? PN_FAULT_TARGET : PN_FAULT_HOST, errno,
                                  "read `" PN_CONFIG_NAME "` (at most %u bytes)", PN_CONFIG_BYTES_MAX);
        return pn_bundle_parse(bundle_dir, data, len, ret, err);
}

int pn_bundle_read(const char *bundle_dir, struct pn_bundle *ret, struct pn_err *err)
{
        char shown[PN_TEXT_SHOWN_MAX / 2]; /* leaves room for the reason in PN_ERR_TEXT_MAX */
        pn_autofd dirfd = -1;

        (void)pn_text_escape(shown, sizeof(shown), bundle_dir, strlen(bundle_dir));
        if (bundle_dir[0] != '/')
                return pn_err_set(err, PN_FAULT_HOST, 0, "bundle `%s`: must be an absolute path", shown);
        dirfd = open(bundle_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dirfd < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open bundle `%s`", shown);
        if (read_config(dirfd, bundle_dir, ret, err) < 0)
                return pn_err_wrap(err, "bundle `%s`", shown);
        return 0;
}

void pn_bundle_clear(struct pn_bundle *bundle)
{
        for (size_t i = 0; i < bundle->mount_count; i++) {
                free(bundle->mount[i].destination);
                free(bundle->mount[i].type);
                free(bundle->mount[i].source);
        }
        free(bundle->mount);
        free(bundle->root_path);
        *bundle = (struct pn_bundle){0};
}
