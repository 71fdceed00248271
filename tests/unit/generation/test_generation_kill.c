/* SPDX-License-Identifier: Apache-2.0 */
/* A writer that is killed, or whose system calls fail, at every single one of them, and writers and readers
 * all at once: a reader gets the old generation or the new one, whole, and the next writer goes on as if
 * nothing had been. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <signal.h>
#include <sys/syscall.h>
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

/* To the next begin or end of a system call, which take turns: it is enough to stop at every second one,
 * since nothing happens on the disk between the end of one call and the begin of the next. Returns false when
 * the child has ended; *ret_status is its status. */
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

static bool is_whole(const char *dir)
{
        char path[512];
        struct stat st;

        for (enum pn_part i = 0; i < PN_PARTS; i++) {
                (void)snprintf(path, sizeof(path), "%s/%s", dir, pn_part_names[i]);
                if (stat(path, &st) < 0 || st.st_size != PART_BYTES)
                        return false;
        }
        (void)snprintf(path, sizeof(path), "%s/manifest.json", dir);
        return stat(path, &st) == 0 && st.st_size > 100;
}

/* Whatever bears a generation's name is all there: neither half-written nor half-removed. Returns how many
 * there are that are newer than `current`. */
static unsigned check_all(struct stage *stage)
{
        char current[64] = "", path[600];
        DIR *dir = opendir(at(stage, "state/rules"));
        struct dirent *entry;
        unsigned newer = 0;

        assert_non_null(dir);
        assert_true(readlink(in_rules(stage, "current"), current, sizeof(current) - 1) > 0);
        while ((entry = readdir(dir)) != NULL) {
                if (strncmp(entry->d_name, "g-", 2) != 0)
                        continue;
                (void)snprintf(path, sizeof(path), "%s", in_rules(stage, entry->d_name));
                if (!is_whole(path))
                        fail_msg("%s is not whole", entry->d_name);
                newer += strcmp(entry->d_name, current) > 0;
        }
        (void)closedir(dir);
        return newer;
}

static void a_writer_killed_anywhere_leaves_the_old_or_the_new(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;
        unsigned calls = 0, olds = 0, news = 0;

        new_fill(stage, 2, &new);
        must_store(stage, 1, "g-000001");
        for (bool ended = false; !ended; calls += 2) {
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
                assert_true(check_all(stage) <= 1);
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
        for (unsigned calls = 0; !ended; calls += 2) {
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
                        assert_int_equal(0, check_all(stage));
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

/* ---------------------------------------------------------------- order */

/* 'f' for a file or directory that is flushed, 'r' for a rename; nothing for what fails or is something else.
 */
static char letter_of(pid_t pid)
{
        struct __ptrace_syscall_info info;

        if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) <= 0 || /* NOLINT */
            info.op != PTRACE_SYSCALL_INFO_ENTRY)
                return '\0';
        switch (info.entry.nr) {
        case SYS_fsync:
                return 'f';
#ifdef SYS_renameat
        case SYS_renameat:
#endif
        case SYS_renameat2:
                return 'r';
        default:
                return '\0';
        }
}

/* Every part, the manifest and their directory are flushed before the generation gets its name, that name
 * before `current` points to it, and `current` before anything else is done: a crash of the machine keeps the
 * order. */
static void everything_is_flushed_before_it_counts(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;
        char order[256] = "";
        size_t len = 0;
        int status;
        pid_t pid;

        new_fill(stage, 2, &new);
        must_store(stage, 1, "g-000001");
        pid = begin(stage, &new);
        while (step(pid, &status)) {
                char letter = letter_of(pid);

                if (letter && len < sizeof(order) - 1)
                        order[len++] = letter;
        }
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == STORED);
        assert_string_equal("ffffffff"
                            "rf"
                            "rf"
                            "r",
                            order); /* six parts, manifest, directory; name; current; previous */
        new_free(&new);
}

/* ---------------------------------------------------------------- a reader that is overtaken */

static pid_t begin_to_read(struct stage *stage)
{
        struct pn_generation in_use;
        struct pn_err err;
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
                (void)raise(SIGSTOP);
                status = open_in_use(stage, &in_use, &err);
                _exit(status == 1 && err.fault == PN_FAULT_NONE ? (int)(in_use.rules - 100) : FAILED);
        }
        assert_true(pid > 0);
        assert_int_equal(pid, waitpid(pid, &status, 0));
        assert_int_equal(0, ptrace(PTRACE_SETOPTIONS, pid, NULL,
                                   (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD))); /* NOLINT */
        return pid;
}

/* Wherever it is stopped, so many generations come that the one it had found is gone: it finds another, and
 * complains of nothing. */
static void a_reader_that_is_overtaken_looks_again(void **state)
{
        struct stage *stage = *state;
        bool ended = false;
        int status = 0;

        for (unsigned calls = 1; !ended; calls += 2) {
                struct pn_err err = PN_ERR_INIT;
                pid_t pid;

                assert_true(calls < CALLS_MAX);
                assert_int_equal(0, store(stage, 1, NULL, &err));
                pid = begin_to_read(stage);
                for (unsigned i = 0; i < calls && !ended; i++)
                        ended = !step(pid, &status);
                for (unsigned i = 0; i < 2 * PN_GENERATIONS_KEPT; i++)
                        assert_int_equal(0, store(stage, 2, NULL, &err));
                if (!ended) {
                        assert_int_equal(0, ptrace(PTRACE_DETACH, pid, NULL, NULL));
                        assert_int_equal(pid, waitpid(pid, &status, 0));
                }
                assert_true(WIFEXITED(status));
                if (WEXITSTATUS(status) != 1 && WEXITSTATUS(status) != 2)
                        fail_msg("after call %u: %d", calls, WEXITSTATUS(status));
        }
}

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
                ON_STAGE(everything_is_flushed_before_it_counts),
                ON_STAGE(a_reader_that_is_overtaken_looks_again),
                ON_STAGE(readers_see_whole_ones_while_writers_write),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
