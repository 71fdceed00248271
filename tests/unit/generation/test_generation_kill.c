/* SPDX-License-Identifier: Apache-2.0 */
/* A writer that is killed, or whose system calls fail, at every single one of them, and writers and readers
 * all at once: a reader gets the old generation or the new one, whole, and the next writer goes on as if
 * nothing had been. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>

#include "tests/unit/generation/stage.h"

/* exit statuses of a child; a sanitizer that gives up has its own */
enum { STORED = 30, FAILED };
#define CALLS_MAX 5000 /* system calls of one store; some more with sanitizers */

/* A child that stores the tag-th and tells by its exit status how that went; it waits to be let go. */
static pid_t begin(struct stage *stage, const struct pn_generation_new *new)
{
        struct pn_err err = PN_ERR_INIT;
        char name[32];
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
                (void)raise(SIGSTOP);
                _exit(pn_generation_store(stage->state, new, name, &err) == 0 ? STORED : FAILED);
        }
        assert_true(pid > 0);
        assert_int_equal(pid, waitpid(pid, &status, 0));
        assert_true(WIFSTOPPED(status));
        assert_int_equal(0, ptrace(PTRACE_SETOPTIONS, pid, NULL,
                                   (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD))); /* NOLINT */
        return pid;
}

/* To the next begin or end of a system call. Returns false when the child has ended; *ret_status is its
 * status. */
static bool step(pid_t pid, int *ret_status)
{
        assert_int_equal(0, ptrace(PTRACE_SYSCALL, pid, NULL, NULL));
        assert_int_equal(pid, waitpid(pid, ret_status, 0));
        return WIFSTOPPED(*ret_status);
}

static void end(pid_t pid)
{
        int status;

        assert_int_equal(0, kill(pid, SIGKILL));
        assert_int_equal(pid, waitpid(pid, &status, 0));
}

/* The tag of what is in use. */
static unsigned used(struct stage *stage)
{
        struct pn_generation in_use;
        struct pn_err err;
        unsigned tag;

        if (open_in_use(stage, &in_use, &err) != 1 || err.fault != PN_FAULT_NONE)
                fail_msg("%s", err.text);
        assert_false(in_use.stale);
        tag = tag_of(&in_use);
        pn_generation_close(&in_use);
        return tag;
}

static void a_writer_killed_anywhere_leaves_the_old_or_the_new(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;
        unsigned calls = 0, olds = 0, news = 0;

        new_fill(stage, 2, &new);
        must_store(stage, 1, "g-000001");
        for (bool ended = false; !ended; calls++) {
                struct pn_err err = PN_ERR_INIT;
                pid_t pid = begin(stage, &new);
                int status = 0;
                unsigned tag;

                assert_true(calls < CALLS_MAX);
                for (unsigned i = 0; i <= calls && !ended; i++)
                        ended = !step(pid, &status);
                if (!ended)
                        end(pid);
                tag = used(stage);
                assert_true(tag == 1 || tag == 2);
                assert_true(!ended || tag == 2);
                olds += tag == 1;
                news += tag == 2;
                if (store(stage, 1, NULL, &err) < 0)
                        fail_msg("after call %u: %s", calls, err.text);
                assert_int_equal(1, used(stage));
        }
        assert_true(olds > 50 && news > 10); /* killed on both sides of the switch */
        new_free(&new);
}

/* The first of all: none, or the new one. */
static void a_first_writer_killed_anywhere_leaves_none_or_the_new(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;
        bool ended = false;

        new_fill(stage, 2, &new);
        for (unsigned calls = 0; !ended; calls++) {
                pid_t pid = begin(stage, &new);
                struct pn_generation in_use;
                struct pn_err err;
                int status = 0, got;

                assert_true(calls < CALLS_MAX);
                for (unsigned i = 0; i <= calls && !ended; i++)
                        ended = !step(pid, &status);
                if (!ended)
                        end(pid);
                got = open_in_use(stage, &in_use, &err);
                if (got < 0 || (ended && got == 0))
                        fail_msg("after call %u: %s", calls, err.text);
                if (got == 1)
                        assert_int_equal(2, tag_of(&in_use));
                pn_generation_close(&in_use);
                (void)nftw(stage->state, stage_remove_one, 8, FTW_DEPTH | FTW_PHYS);
        }
        new_free(&new);
}

/* ---------------------------------------------------------------- failing calls */

#ifdef __x86_64__
/* Lets the call that is about to begin fail with EIO. Returns false when the child has ended. */
static bool fail_call(pid_t pid, int *ret_status)
{
        struct user_regs_struct regs;

        assert_int_equal(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
        regs.orig_rax = (unsigned long long)-1;
        assert_int_equal(0, ptrace(PTRACE_SETREGS, pid, NULL, &regs));
        if (!step(pid, ret_status))
                return false;
        assert_int_equal(0, ptrace(PTRACE_GETREGS, pid, NULL, &regs));
        regs.rax = (unsigned long long)-EIO;
        assert_int_equal(0, ptrace(PTRACE_SETREGS, pid, NULL, &regs));
        return true;
}

static void a_call_that_fails_leaves_the_old_or_the_new_and_says_which(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;
        unsigned failed = 0;
        bool reached = true;

        new_fill(stage, 2, &new);
        must_store(stage, 1, "g-000001");
        for (unsigned nth = 0; reached; nth++) {
                struct pn_err err = PN_ERR_INIT;
                pid_t pid = begin(stage, &new);
                bool alive = true;
                int status = 0;

                assert_true(nth < CALLS_MAX);
                for (unsigned i = 0; i < 2 * nth + 1 && alive; i++)
                        alive = step(pid, &status);
                reached = alive;
                if (alive)
                        alive = fail_call(pid, &status);
                while (alive)
                        alive = step(pid, &status);
                if (WIFEXITED(status) && WEXITSTATUS(status) == FAILED) {
                        failed++;
                        assert_int_equal(1, used(stage));
                } else if (WIFEXITED(status) && WEXITSTATUS(status) == STORED) {
                        assert_int_equal(2, used(stage));
                } else {
                        (void)used(stage); /* the sanitizers' own call */
                }
                if (store(stage, 1, NULL, &err) < 0)
                        fail_msg("after call %u: %s", nth, err.text);
                assert_int_equal(1, used(stage));
        }
        assert_true(failed > 30);
        new_free(&new);
}
#endif

/* ---------------------------------------------------------------- all at once */

static pid_t write_often(struct stage *stage, unsigned tag)
{
        pid_t pid = fork();

        if (pid == 0) {
                for (unsigned i = 0; i < 25; i++) {
                        struct pn_err err = PN_ERR_INIT;

                        if (store(stage, tag, NULL, &err) < 0)
                                _exit(1);
                }
                _exit(0);
        }
        assert_true(pid > 0);
        return pid;
}

static void readers_see_whole_ones_while_writers_write(void **state)
{
        struct stage *stage = *state;
        pid_t writer[2];
        int left = 2;

        must_store(stage, 3, "g-000001");
        writer[0] = write_often(stage, 4);
        writer[1] = write_often(stage, 5);
        while (left > 0) {
                int status;
                unsigned tag = used(stage);

                assert_true(tag == 3 || tag == 4 || tag == 5);
                for (int i = 0; i < 2; i++)
                        if (writer[i] > 0 && waitpid(writer[i], &status, WNOHANG) == writer[i]) {
                                assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
                                writer[i] = 0;
                                left--;
                        }
        }
        must_store(stage, 6, "g-000052");
}

int main(void)
{
#define ON_STAGE(f) cmocka_unit_test_setup_teardown(f, stage_new, stage_free)
        static const struct CMUnitTest tests[] = {
                ON_STAGE(a_writer_killed_anywhere_leaves_the_old_or_the_new),
                ON_STAGE(a_first_writer_killed_anywhere_leaves_none_or_the_new),
#ifdef __x86_64__
                ON_STAGE(a_call_that_fails_leaves_the_old_or_the_new_and_says_which),
#endif
                ON_STAGE(readers_see_whole_ones_while_writers_write),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
