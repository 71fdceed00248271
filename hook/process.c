/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/process.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the hook and its workers need at least. What they use themselves is bounded in the workers' jail. */
static const struct {
        int resource;
        const char *name;
        rlim_t need;
} limits[] = {
        {RLIMIT_NOFILE, "RLIMIT_NOFILE", 256},         /* batches of descriptors, directories of the walk */
        {RLIMIT_AS, "RLIMIT_AS", 640U << 20},          /* the parser's block, libyara */
        {RLIMIT_DATA, "RLIMIT_DATA", 512U << 20},      /* the same */
        {RLIMIT_STACK, "RLIMIT_STACK", 512U << 10},    /* the walker's and libyara's frames */
        {RLIMIT_FSIZE, "RLIMIT_FSIZE", 16U << 20},     /* rules in a memory file, the audit record */
        {RLIMIT_CPU, "RLIMIT_CPU", 5},                 /* seconds */
};

/* crun gives the hook the container's limits: a pod must not be able to starve its own guard into a wrong answer.
 * (A guard that dies refuses; this gives the refusal a name, and avoids it where we may raise the limit.) */
static int raise_limits(struct pn_err *err)
{
        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                struct rlimit now, more;

                if (getrlimit(limits[i].resource, &now) < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "getrlimit %s", limits[i].name);
                if (now.rlim_cur >= limits[i].need)
                        continue;
                more = (struct rlimit){limits[i].need, now.rlim_max > limits[i].need ? now.rlim_max : limits[i].need};
                if (setrlimit(limits[i].resource, &more) == 0)
                        continue;
                return pn_err_set(err, PN_FAULT_TARGET, 0,
                                  "%s is %llu here and the hook needs %llu (crun applies the container's limits)",
                                  limits[i].name, (unsigned long long)now.rlim_cur,
                                  (unsigned long long)limits[i].need);
        }
        return 0;
}

static void reset_signals(void)
{
        struct sigaction action = {.sa_handler = SIG_DFL};
        sigset_t none;

        for (int sig = 1; sig <= SIGRTMAX; sig++)
                (void)sigaction(sig, &action, NULL); /* fails for SIGKILL and SIGSTOP, which have no other */
        action.sa_handler = SIG_IGN;
        (void)sigaction(SIGPIPE, &action, NULL); /* the runtime may close its end of the error pipe */
        (void)sigaction(SIGXFSZ, &action, NULL); /* a file size limit is the sink's error, not our death */
        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Missing descriptors 0 to 2 would be handed to the next file that is opened, and then be written to. */
static void fill_standard_fds(void)
{
        int fd;

        do {
                fd = open("/dev/null", O_RDWR);
        } while (fd >= 0 && fd <= 2);
        if (fd > 2)
                (void)close(fd);
}

static void close_from_three(void)
{
        if (close_range(3, ~0U, 0) == 0)
                return;
        /* before Linux 5.9 */
        for (int fd = 3; fd < 65536; fd++)
                (void)close(fd);
}

int pn_process_prepare(bool *ret_stdin_open, struct pn_err *err)
{
        reset_signals();
        *ret_stdin_open = fcntl(STDIN_FILENO, F_GETFD) >= 0;
        close_from_three();
        fill_standard_fds();
        (void)umask(077);
        (void)clearenv();
        if (chdir("/") < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "chdir /");
        if (prctl(PR_SET_DUMPABLE, 0) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "prctl PR_SET_DUMPABLE");
        return raise_limits(err);
}

static int memory_status; /* set once by main(), through pn_process_guard_json() */

static void *json_memory(size_t len)
{
        static const char text[] = "postern: error: out of memory\n";
        void *block = malloc(len);

        if (!block) {
                (void)!write(STDERR_FILENO, text, sizeof(text) - 1);
                _exit(memory_status);
        }
        return block;
}

void pn_process_guard_json(int status)
{
        memory_status = status;
        json_set_alloc_funcs(json_memory, free);
}

char *pn_process_worker_path(void)
{
        static const char name[] = "/postern-worker";
        char path[PATH_MAX + sizeof(name)];
        ssize_t n = readlink("/proc/self/exe", path, PATH_MAX);

        if (n > 0) {
                char *slash;

                path[n] = '\0';
                slash = strrchr(path, '/');
                if (slash) {
                        memcpy(slash, name, sizeof(name));
                        if (access(path, X_OK) == 0)
                                return strdup(path);
                }
        }
        return strdup(PN_LIBEXECDIR "/postern-worker");
}
