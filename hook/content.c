/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/content.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/trust.h"
#include "scanner/base/fd.h"

/* Takes one file into the content. */
typedef int take_fn(struct pn_content *content, const char *name, char *text, size_t len, struct pn_err *err);

struct kind {
        const char *const *suffixes;
        const char *optional; /* a directory that may be missing */
        take_fn *take;
};

/* Takes `text` over, also when it fails. */
static int keep(struct pn_scan_rules **list, unsigned *count, const char *name, char *text, size_t len,
                struct pn_err *err)
{
        struct pn_scan_rules *more;
        char *copy = strdup(name);

        if (*count >= PN_RULES_FILES_MAX) {
                free(copy);
                free(text);
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "more than %u files of one kind", PN_RULES_FILES_MAX);
        }
        more = copy ? reallocarray(*list, *count + 1U, sizeof(*more)) : NULL;
        if (!more) {
                free(copy);
                free(text);
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read `%s`", name);
        }
        *list = more;
        more[(*count)++] = (struct pn_scan_rules){copy, text, len};
        return 0;
}

static int take_rules(struct pn_content *content, const char *name, char *text, size_t len, struct pn_err *err)
{
        return keep(&content->rules, &content->rules_count, name, text, len, err);
}

static int take_digests(struct pn_content *content, const char *name, char *text, size_t len, struct pn_err *err)
{
        int ret = pn_hashset_add(content->denied, name, text, len, err);

        if (ret == 0 && content->keep_deny)
                return keep(&content->deny, &content->deny_count, name, text, len, err);
        free(text);
        return ret;
}

static const char *const rule_suffixes[] = {".yar", ".yara", NULL};
static const char *const digest_suffixes[] = {".tsv", NULL};
static const struct kind rules_kind = {rule_suffixes, PN_SYSCONFDIR "/rules.d", take_rules};
static const struct kind digests_kind = {digest_suffixes, PN_SYSCONFDIR "/deny.d", take_digests};

static bool fits(const struct kind *kind, const char *name)
{
        size_t len = strlen(name);

        for (const char *const *suffix = kind->suffixes; name[0] != '.' && *suffix; suffix++)
                if (len > strlen(*suffix) && strcmp(name + len - strlen(*suffix), *suffix) == 0)
                        return true;
        return false;
}

static int load_file(struct pn_content *content, const struct kind *kind, const char *path, struct pn_err *err)
{
        char *text;
        size_t len;

        if (pn_trust_read(path, PN_RULES_BYTES_MAX, &text, &len, err) < 0)
                return -1;
        return kind->take(content, path, text, len, err);
}

static int load_dir(struct pn_content *content, const struct kind *kind, const char *path, struct pn_err *err)
{
        struct dirent **entries = NULL;
        int count = scandir(path, &entries, NULL, alphasort), ret = 0;

        if (count < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "read directory `%s`", path);
        for (int i = 0; i < count; i++) {
                pn_autofree char *file = NULL;

                if (ret == 0 && fits(kind, entries[i]->d_name)) {
                        if (asprintf(&file, "%s/%s", path, entries[i]->d_name) < 0) {
                                file = NULL;
                                ret = pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read `%s`", path);
                        } else {
                                ret = load_file(content, kind, file, err);
                        }
                }
                free(entries[i]);
        }
        free(entries);
        return ret;
}

static int load(struct pn_content *content, const struct kind *kind, char *const *paths, struct pn_err *err)
{
        for (; *paths; paths++) {
                struct stat st;
                int dir = -1;

                if (stat(*paths, &st) < 0) {
                        if (errno == ENOENT && strcmp(*paths, kind->optional) == 0)
                                continue;
                        return pn_err_set(err, PN_FAULT_CONFIG, errno, "`%s`", *paths);
                }
                if (!S_ISDIR(st.st_mode)) {
                        if (load_file(content, kind, *paths, err) < 0)
                                return -1;
                        continue;
                }
                if (pn_trust_open_dir(*paths, &dir, err) < 0)
                        return -1;
                (void)close(dir);
                if (load_dir(content, kind, *paths, err) < 0)
                        return -1;
        }
        return 0;
}

static int load_content(const struct pn_policy *policy, bool keep_deny, struct pn_content *ret, struct pn_err *err)
{
        *ret = (struct pn_content){.denied = pn_hashset_new(), .keep_deny = keep_deny};
        if (!ret->denied)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read the deny hashes");
        if (load(ret, &rules_kind, policy->rules, err) < 0) {
                pn_content_clear(ret);
                return pn_err_wrap(err, "rules");
        }
        if (load(ret, &digests_kind, policy->deny_hashes, err) < 0) {
                pn_content_clear(ret);
                return pn_err_wrap(err, "deny_hashes");
        }
        if (ret->rules_count == 0) {
                pn_content_clear(ret);
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "rules: no file of rules in any of the places named");
        }
        return 0;
}

int pn_content_load(const struct pn_policy *policy, struct pn_content *ret, struct pn_err *err)
{
        return load_content(policy, false, ret, err);
}

int pn_content_load_all(const struct pn_policy *policy, struct pn_content *ret, struct pn_err *err)
{
        return load_content(policy, true, ret, err);
}

static void clear_list(struct pn_scan_rules *list, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                free((void *)(uintptr_t)list[i].name);
                free((void *)(uintptr_t)list[i].text);
        }
        free(list);
}

void pn_content_clear(struct pn_content *content)
{
        clear_list(content->rules, content->rules_count);
        clear_list(content->deny, content->deny_count);
        (void)pn_hashset_free(content->denied);
        *content = (struct pn_content){0};
}
