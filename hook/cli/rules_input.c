/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/cli/rules_input.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/generation/generation.h"

/* ---------------------------------------------------------------- from the policy */

int pn_rules_input_policy(const char *config, struct pn_rules_input *ret, struct pn_err *err)
{
        struct pn_rules_input input = {0};

        if (pn_policy_load(config, &input.policy, err) < 0)
                return -1;
        *ret = input;
        return 0;
}

int pn_rules_input_content(struct pn_rules_input *input, struct pn_err *err)
{
        return pn_content_load_all(input->policy, &input->content, err);
}

void pn_rules_input_clear(struct pn_rules_input *input)
{
        pn_content_clear(&input->content);
        input->policy = pn_policy_free(input->policy);
}

/* ---------------------------------------------------------------- from named files */

static int read_file(const char *path, struct pn_content *content, struct pn_err *err)
{
        pn_autofd fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        pn_autofree char *text = NULL;
        struct pn_scan_rules *more;
        struct stat st;
        size_t len = 0;
        char *name;

        if (fd < 0 || fstat(fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "open `%s`", path);
        if (!S_ISREG(st.st_mode))
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "`%s` is not a regular file", path);
        if (pn_fd_read_all(fd, PN_RULES_BYTES_MAX, &text, &len) < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "read `%s`", path);
        name = strdup(path);
        more = name ? reallocarray(content->rules, content->rules_count + 1U, sizeof(*more)) : NULL;
        if (!more) {
                free(name);
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read `%s`", path);
        }
        content->rules = more;
        content->rules[content->rules_count++] = (struct pn_scan_rules){name, text, len};
        text = NULL;
        return 0;
}

/* What the names stand for, by the same rule as for the policy's places. */
static int read_place(const char *path, struct pn_content *content, struct pn_err *err)
{
        char *place[] = {(char *)(uintptr_t)path, NULL}, *none[] = {NULL};
        struct pn_generation_source *file = NULL;
        struct stat st;
        size_t count = 0;
        int ret = 0;

        if (stat(path, &st) < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, errno, "`%s`", path);
        if (!S_ISDIR(st.st_mode))
                return read_file(path, content, err);
        if (pn_generation_sources(place, none, &file, &count, err) < 0)
                return -1;
        if (count == 0)
                ret = pn_err_set(err, PN_FAULT_CONFIG, 0, "directory `%s` holds no *.yar and no *.yara",
                                 path);
        for (size_t i = 0; i < count && ret == 0; i++)
                ret = read_file(file[i].path, content, err);
        pn_generation_sources_free(file, count);
        return ret;
}

int pn_rules_input_paths(const char *const *paths, struct pn_rules_input *ret, struct pn_err *err)
{
        struct pn_rules_input input = {0};

        for (; *paths; paths++)
                if (read_place(*paths, &input.content, err) < 0) {
                        pn_rules_input_clear(&input);
                        return -1;
                }
        *ret = input;
        return 0;
}

/* ---------------------------------------------------------------- the compiler */

/* `name` beside this program, else in `elsewhere`. The caller's to free. NULL when memory ran out, or with
 * `must_be_there` when it is in neither place. */
static char *beside_or(const char *name, const char *elsewhere, bool must_be_there)
{
        char path[PATH_MAX + NAME_MAX + 2];
        ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);
        char *slash, *other = NULL;

        if (n > 0) {
                path[n] = '\0';
                slash = strrchr(path, '/');
                if (slash) {
                        (void)snprintf(slash + 1, NAME_MAX + 1, "%s", name);
                        if (access(path, R_OK) == 0)
                                return strdup(path);
                }
        }
        if (asprintf(&other, "%s/%s", elsewhere, name) < 0)
                return NULL;
        if (must_be_there && access(other, F_OK) < 0) {
                free(other);
                return NULL;
        }
        return other;
}

int pn_rules_input_run(const struct pn_rules_input *input, const struct pn_rules_options *options,
                       struct pn_rules_made *ret, struct pn_err *err)
{
        pn_autofree char *compiler = options->compiler ? strdup(options->compiler)
                                                       : beside_or("postern-compiler", PN_LIBEXECDIR, false);
        pn_autofree char *grams =
                options->grams ? strdup(options->grams) : beside_or("grams.bin", PN_DATADIR, true);
        struct pn_rules_job job = {.compiler = compiler,
                                   .grams = grams,
                                   .rules = input->content.rules,
                                   .rules_count = input->content.rules_count,
                                   .deadline_ms = pn_clock_now_ms() + PN_RULES_DEADLINE_MS};

        if (!compiler)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "find the compiler");
        if (pn_rules_run(&job, ret, err) < 0)
                return -1;
        if (!grams)
                (void)pn_rules_complain(
                        0, "warning: no table of 4-grams (`%s/grams.bin`): windows are chosen without it",
                        PN_DATADIR);
        return 0;
}

const char *pn_rules_state_dir(const struct pn_rules_options *options, const struct pn_policy *policy)
{
        return options->state ?: policy->state_dir;
}
