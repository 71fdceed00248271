/* SPDX-License-Identifier: Apache-2.0 */

/* no_openat2 [--also NAME]... -- COMMAND ARG...   runs COMMAND where openat2(2) and the named system calls do
 * not exist (ENOSYS), as on kernels before 5.6, so that whole suites can run there. Children inherit it. */

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define EXIT_SETUP 125 /* as env(1) and timeout(1): not the command's own status */

static int usage(void)
{
        (void)fprintf(stderr, "usage: no_openat2 [--also NAME]... -- COMMAND ARG...\n");
        return EXIT_SETUP;
}

static int hide(scmp_filter_ctx filter, const char *name)
{
        int nr = seccomp_syscall_resolve_name(name);
        int r;

        if (nr == __NR_SCMP_ERROR) {
                (void)fprintf(stderr, "no_openat2: no system call is named `%s`\n", name);
                return -1;
        }
        r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), nr, 0);
        if (r < 0)
                (void)fprintf(stderr, "no_openat2: %s: %s\n", name, strerror(-r));
        return r;
}

/* Without no_new_privs where root may do so: the suites look at that bit themselves. */
static int load(scmp_filter_ctx filter)
{
        int r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);

        if (r == 0)
                r = seccomp_load(filter);
        if (r < 0) {
                (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1);
                r = seccomp_load(filter);
        }
        if (r < 0)
                (void)fprintf(stderr, "no_openat2: load the filter: %s\n", strerror(-r));
        return r;
}

int main(int argc, char **argv)
{
        scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
        int i = 1;

        if (!filter || hide(filter, "openat2") < 0)
                return EXIT_SETUP;
        for (; i + 1 < argc && strcmp(argv[i], "--also") == 0; i += 2)
                if (hide(filter, argv[i + 1]) < 0)
                        return EXIT_SETUP;
        if (i + 1 >= argc || strcmp(argv[i], "--") != 0)
                return usage();
        if (load(filter) < 0)
                return EXIT_SETUP;
        seccomp_release(filter);
        (void)execvp(argv[i + 1], argv + i + 1);
        (void)fprintf(stderr, "no_openat2: run `%s`: %s\n", argv[i + 1], strerror(errno));
        return EXIT_SETUP;
}
