/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_WORKER_JAIL_PROBE_H
#define PN_TEST_WORKER_JAIL_PROBE_H

/* A child that enters the jail, tries one thing and tells through shared memory, which needs no system call.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scanner/worker/sandbox.h"

#define PROBE_TIMEOUT_MS 20000 /* for a child that hangs where it should have died */
#define PROBE_DIES (-SIGSYS)

/* What the child writes and the parent reads. */
struct probe_told {
        struct pn_err err;
        struct pn_walls walls;
        bool entered, done;
        long ret;
        int code;
        char text[8192];
};

struct probe {
        struct pn_sandbox box;
        void (*before)(struct probe *probe);  /* still with the privilege of the test */
        void (*between)(struct probe *probe); /* after drop, before close */
        long (*attempt)(struct probe *probe); /* in the jail; as a system call: -1 and errno, or not */
        const void *arg;
        bool keep_open; /* only drop */
        struct probe_told *told;
        int status; /* of waitpid */
};

static const char *const probe_roles[] = {
        [PN_ROLE_WALK] = "walk", [PN_ROLE_RAW] = "raw", [PN_ROLE_PARSE] = "parse",
        [PN_ROLE_COMPILE] = "compile"};

static inline struct pn_sandbox probe_box(enum pn_role role)
{
        return (struct pn_sandbox){.role = role, .memory_bytes = 256ULL << 20, .cpu_s = 30, .files = 64};
}

static inline void probe_child(struct probe *p)
{
        struct probe_told *told = p->told;

        for (int signal = 1; signal < NSIG;
             signal++) /* cmocka would catch some and go on with the next test */
                (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        if (p->before)
                p->before(p);
        if (pn_sandbox_drop(&p->box, &told->walls, &told->err) < 0)
                _exit(9);
        if (p->between)
                p->between(p);
        if (!p->keep_open && pn_sandbox_close(&p->box, &told->walls, &told->err) < 0)
                _exit(9);
        told->entered = true;
        errno = 0;
        told->ret = p->attempt ? p->attempt(p) : 0;
        told->code = errno;
        told->done = true;
        _exit(0);
}

/* Waits for the child, and kills one that hangs. */
static inline void probe_wait(struct probe *p, pid_t pid)
{
        int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct pollfd wait = {.fd = pidfd, .events = POLLIN};

        assert_true(pidfd >= 0);
        if (poll(&wait, 1, PROBE_TIMEOUT_MS) != 1) {
                (void)fprintf(stderr, "a child hung and was killed\n");
                (void)kill(pid, SIGKILL);
        }
        (void)close(pidfd);
        assert_int_equal(waitpid(pid, &p->status, 0), pid);
}

/* Runs `p` in a child; `told` is the caller's to free with probe_free(). */
static inline void probe_run(struct probe *p)
{
        pid_t pid;

        p->told = mmap(NULL, sizeof(*p->told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_true(p->told != MAP_FAILED);
        p->box.parent = getpid();
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                probe_child(p);
        probe_wait(p, pid);
}

static inline void probe_free(struct probe *p)
{
        (void)munmap(p->told, sizeof(*p->told));
        p->told = NULL;
}

/* 0: it worked, > 0: refused with that errno, < 0: killed by that signal, -1000: never got into the jail. */
static inline int probe_outcome(const struct probe *p)
{
        if (!p->told->entered)
                return -1000;
        if (WIFSIGNALED(p->status))
                return -WTERMSIG(p->status);
        if (!p->told->done)
                return -1000;
        return p->told->ret == -1 ? p->told->code : 0;
}

static inline void jail_is_compiled_out(void **state)
{
        struct pn_sandbox box = probe_box(PN_ROLE_RAW);
        struct pn_walls walls = {.landlock_abi = 7, .uid_dropped = true};
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        box.parent = getppid();
        assert_false(pn_sandbox_compiled_in());
        assert_int_equal(pn_sandbox_drop(&box, &walls, &err), 0);
        assert_int_equal(pn_sandbox_close(&box, &walls, &err), 0);
        assert_int_equal(walls.landlock_abi, 0);
        assert_false(walls.uid_dropped);
}

static inline void jail_tests_need_root(void **state)
{
        (void)state;
        fail_msg("these tests drop privilege and need it to begin with: run them as root");
}

/* The group of a program; in a build without the jail, and without root, there is one test that says so. */
static inline int probe_main(const char *name, const struct CMUnitTest *tests, size_t count)
{
        const struct CMUnitTest without_jail[] = {cmocka_unit_test(jail_is_compiled_out)};
        const struct CMUnitTest without_root[] = {cmocka_unit_test(jail_tests_need_root)};

        if (!pn_sandbox_compiled_in())
                return _cmocka_run_group_tests(name, without_jail, 1, NULL, NULL);
        if (geteuid() != 0)
                return _cmocka_run_group_tests(name, without_root, 1, NULL, NULL);
        return _cmocka_run_group_tests(name, tests, count, NULL, NULL);
}

#endif
