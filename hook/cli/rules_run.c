/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/cli/rules_run.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook/cli/rules_result.h"
#include "scanner/base/clock.h"
#include "scanner/base/fd.h"

/* The compiler's descriptors, as scanner/compiler/README.md numbers them. */
enum { FD_SOURCES = 0, FD_GRAMS = 3, FD_PARTS = 4, FD_RESULT = 9, FD_PROGRAM = 10, FDS = 10 };
#define FIRST_FREE 32 /* above every descriptor that the compiler is given */

static const enum pn_part fd_parts[PN_RULES_FDS] = {PN_PART_PACK, PN_PART_FILTER_HS, PN_PART_FILTER_GRAM,
                                                    PN_PART_EXACT, PN_PART_REPORT};

/* One run: what the compiler gets, by its numbers; -1 where that is /dev/null. */
struct run {
        const struct pn_rules_job *job;
        int program, fd[FDS];
        pid_t pid;
        int pid_fd, status;
        struct pn_err *err;
};

/* ---------------------------------------------------------------- what it gets */

static int memory(const char *name, int *ret_fd, struct pn_err *err)
{
        *ret_fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        return *ret_fd < 0 ? pn_err_set(err, PN_FAULT_HOST, errno, "memfd_create") : 0;
}

static int write_all(int fd, const void *bytes, size_t len, struct pn_err *err)
{
        const char *at = bytes;

        while (len > 0) {
                ssize_t n = write(fd, at, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "write the sources");
                at += n;
                len -= (size_t)n;
        }
        return 0;
}

/* bytes = length:u32 *byte, as scanner/ipc/proto.h has it. */
static int write_bytes(int fd, const void *bytes, size_t len, struct pn_err *err)
{
        uint32_t length = (uint32_t)len;

        if (write_all(fd, &length, sizeof(length), err) < 0)
                return -1;
        return write_all(fd, bytes, len, err);
}

static int seal(int fd, const char *what, struct pn_err *err)
{
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
                return 0;
        return pn_err_set(err, PN_FAULT_HOST, errno, "seal %s", what);
}

static int pack_sources(const struct pn_rules_job *job, int fd, struct pn_err *err)
{
        size_t total = 0;

        for (unsigned i = 0; i < job->rules_count; i++) {
                const struct pn_scan_rules *rules = &job->rules[i];

                if (rules->len > PN_RULES_SOURCES_MAX - total)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                          "the rules have more than %u bytes together", PN_RULES_SOURCES_MAX);
                total += rules->len;
                if (write_bytes(fd, rules->name, strlen(rules->name), err) < 0 ||
                    write_bytes(fd, rules->text, rules->len, err) < 0)
                        return -1;
        }
        if (lseek(fd, 0, SEEK_SET) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "rewind the sources");
        return seal(fd, "the sources", err);
}

/* A compiler or table that is not to be trusted is the installation's fault, not that of the rules. */
static int open_installed(const char *path, const char *what, int *ret_fd, struct pn_err *err)
{
        if (pn_fd_open_trusted(AT_FDCWD, path, ret_fd, err) == 0)
                return 0;
        err->fault = PN_FAULT_HOST;
        return pn_err_wrap(err, "%s", what);
}

static int open_all(struct run *run)
{
        const struct pn_rules_job *job = run->job;

        if (open_installed(job->compiler, "compiler", &run->program, run->err) < 0 ||
            memory("sources", &run->fd[FD_SOURCES], run->err) < 0 ||
            pack_sources(job, run->fd[FD_SOURCES], run->err) < 0)
                return -1;
        if (job->grams ? open_installed(job->grams, "table of 4-grams", &run->fd[FD_GRAMS], run->err) < 0
                       : memory("grams", &run->fd[FD_GRAMS], run->err) < 0)
                return -1;
        for (int i = 0; i < PN_RULES_FDS; i++)
                if (memory(pn_part_names[fd_parts[i]], &run->fd[FD_PARTS + i], run->err) < 0)
                        return -1;
        return memory("result", &run->fd[FD_RESULT], run->err);
}

/* ---------------------------------------------------------------- the process */

/* Runs in the child between fork and exec: async-signal-safe calls only. */
static void become(const struct run *run, pid_t parent)
{
        static const struct rlimit no_core = {0, 0}, size = {PN_RULES_PART_MAX, PN_RULES_PART_MAX};
        char *const argv[] = {(char *)(uintptr_t) "postern-compiler", NULL};
        char *const envp[] = {NULL};
        int null = open("/dev/null", O_RDWR | O_CLOEXEC), high[FDS], program;
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)signal(SIGPIPE, SIG_DFL);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent || chdir("/") < 0)
                _exit(127);
        if (setrlimit(RLIMIT_CORE, &no_core) < 0 || setrlimit(RLIMIT_FSIZE, &size) < 0)
                _exit(127);
        for (int i = 0; i < FDS; i++)
                if ((high[i] = fcntl(run->fd[i] < 0 ? null : run->fd[i], F_DUPFD_CLOEXEC, FIRST_FREE)) < 0)
                        _exit(127);
        if ((program = fcntl(run->program, F_DUPFD_CLOEXEC, FIRST_FREE)) < 0)
                _exit(127);
        for (int i = 0; i < FDS; i++)
                if (dup2(high[i], i) < 0)
                        _exit(127);
        if (dup3(program, FD_PROGRAM, O_CLOEXEC) < 0)
                _exit(127);
        (void)close_range(FD_PROGRAM + 1, ~0U, 0); /* before Linux 5.9: all of ours close with exec anyway */
        (void)execveat(FD_PROGRAM, "", argv, envp, AT_EMPTY_PATH);
        _exit(127);
}

static int start(struct run *run)
{
        pid_t parent = getpid();

        run->pid = fork();
        if (run->pid < 0)
                return pn_err_set(run->err, PN_FAULT_HOST, errno, "start the compiler");
        if (run->pid == 0)
                become(run, parent);
        run->pid_fd = (int)syscall(SYS_pidfd_open, run->pid, 0);
        if (run->pid_fd >= 0)
                return 0;
        pn_err_fill(run->err, PN_FAULT_HOST, errno, "pidfd_open");
        (void)kill(run->pid, SIGKILL); /* nobody could wait for it with an end in sight */
        (void)waitpid(run->pid, NULL, 0);
        return -1;
}

/* Waits for its end, or makes one. */
static int wait_for(struct run *run)
{
        struct pollfd gone = {run->pid_fd, POLLIN, 0};
        bool late = false;
        int got;

        do {
                got = poll(&gone, 1, pn_clock_left_ms(run->job->deadline_ms));
        } while (got < 0 && errno == EINTR);
        if (got <= 0) {
                late = true;
                (void)syscall(SYS_pidfd_send_signal, run->pid_fd, SIGKILL, NULL, 0);
        }
        while (waitpid(run->pid, &run->status, 0) < 0)
                if (errno != EINTR)
                        return pn_err_set(run->err, PN_FAULT_HOST, errno, "wait for the compiler");
        if (late)
                return pn_err_set(run->err, PN_FAULT_BUDGET, 0,
                                  "the compiler was killed: it had no answer in time");
        if (WIFSIGNALED(run->status))
                return pn_err_set(run->err, PN_FAULT_BUG, 0, "the compiler died of signal %d (%s)",
                                  WTERMSIG(run->status), sigabbrev_np(WTERMSIG(run->status)) ?: "?");
        if (!WIFEXITED(run->status) || WEXITSTATUS(run->status) != 0)
                return pn_err_set(run->err, PN_FAULT_BUG, 0,
                                  "the compiler ended with exit status %d and no result",
                                  WEXITSTATUS(run->status));
        return 0;
}

/* ---------------------------------------------------------------- what it gave */

/* Sealed before they are read: a process that the compiler left behind could else change them after the
 * digest. */
static int collect(struct run *run, struct pn_rules_made *made)
{
        int result = run->fd[FD_RESULT];

        for (int i = 0; i < PN_RULES_FDS; i++) {
                struct pn_generation_part *part = &made->part[fd_parts[i]];
                int fd = run->fd[FD_PARTS + i];
                struct stat st;

                if (seal(fd, pn_part_names[fd_parts[i]], run->err) < 0)
                        return -1;
                if (fstat(fd, &st) < 0)
                        return pn_err_set(run->err, PN_FAULT_HOST, errno, "stat %s",
                                          pn_part_names[fd_parts[i]]);
                part->bytes = (uint64_t)st.st_size;
                part->fd = pn_steal_fd(&run->fd[FD_PARTS + i]);
        }
        if (seal(result, "the result", run->err) < 0)
                return -1;
        return pn_rules_result_read(result, made, run->err);
}

static int run_all(struct run *run, struct pn_rules_made *made)
{
        if (open_all(run) < 0 || start(run) < 0)
                return -1;
        if (wait_for(run) < 0)
                return -1;
        return collect(run, made);
}

int pn_rules_run(const struct pn_rules_job *job, struct pn_rules_made *ret, struct pn_err *err)
{
        struct run run = {.job = job, .program = -1, .pid_fd = -1, .err = err};
        struct pn_rules_made made = {0};
        int got;

        for (int i = 0; i < FDS; i++)
                run.fd[i] = -1;
        for (enum pn_part i = 0; i < PN_PARTS; i++)
                made.part[i].fd = -1;
        got = run_all(&run, &made);
        for (int i = 0; i < FDS; i++)
                pn_fd_cleanup(&run.fd[i]);
        pn_fd_cleanup(&run.program);
        pn_fd_cleanup(&run.pid_fd);
        if (got < 0)
                pn_rules_made_clear(&made);
        else
                *ret = made;
        return got;
}

void pn_rules_made_clear(struct pn_rules_made *made)
{
        for (enum pn_part i = 0; i < PN_PARTS; i++)
                pn_fd_cleanup(&made->part[i].fd);
        for (char **note = made->note; note && *note; note++)
                free(*note);
        free(made->note);
        made->note = NULL;
        pn_rules_report_clear(&made->report);
}
