/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/scan/fake_worker.h"

#include <sys/resource.h>

#include "scanner/base/clock.h"
#include "scanner/scan/spawn.h"

static size_t open_fds(void)
{
        DIR *dir = opendir("/proc/self/fd");
        size_t count = 0;

        assert_non_null(dir);
        while (readdir(dir))
                count++;
        (void)closedir(dir);
        return count;
}

static bool no_children(void)
{
        return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD;
}

static void three_workers_are_started_and_ended(void **state)
{
        size_t before = open_fds();
        struct pn_peer peers[PN_PEERS];
        struct pn_err err = PN_ERR_INIT;
        pid_t pids[PN_PEERS];

        (void)state;
        assert_int_equal(pn_spawn(fake_path("any", "is-deaf"), peers, &err), 0);
        for (int i = 0; i < PN_PEERS; i++) {
                int room = 0;
                socklen_t len = sizeof(room);

                pids[i] = peers[i].pid;
                assert_int_equal(kill(pids[i], 0), 0);
                assert_int_equal(fcntl(peers[i].pid_fd, F_GETFD), FD_CLOEXEC);
                assert_int_equal(fcntl(peers[i].control, F_GETFD), FD_CLOEXEC);
                /* what a session may have to hold rests on this, so not on a setting of the node */
                assert_int_equal(getsockopt(peers[i].control, SOL_SOCKET, SO_SNDBUF, &room, &len), 0);
                assert_int_equal(room, 128 << 10);
                pn_spawn_reap(&peers[i]); /* does not wait */
                assert_false(peers[i].exited);
        }
        assert_int_equal(open_fds(), before + 2 * PN_PEERS);
        pn_spawn_end(peers, 5000);
        for (int i = 0; i < PN_PEERS; i++) {
                assert_true(peers[i].exited && WIFSIGNALED(peers[i].status) &&
                            WTERMSIG(peers[i].status) == SIGKILL);
                assert_int_equal(kill(pids[i], 0), -1);
        }
        assert_int_equal(open_fds(), before);
        assert_true(no_children());
}

static void what_ended_by_itself_keeps_its_status(void **state)
{
        struct pn_peer peers[PN_PEERS];
        struct pn_err err = PN_ERR_INIT;
        int64_t until = pn_clock_now_ms() + 10000;

        (void)state;
        assert_int_equal(pn_spawn(fake_path("raw", "fails"), peers, &err), 0);
        while (!peers[PN_PEER_RAW].exited && pn_clock_now_ms() < until)
                pn_spawn_reap(&peers[PN_PEER_RAW]);
        assert_true(WIFEXITED(peers[PN_PEER_RAW].status));
        assert_int_equal(WEXITSTATUS(peers[PN_PEER_RAW].status), 3);
        pn_spawn_reap(&peers[PN_PEER_RAW]); /* once more does no harm */
        assert_int_equal(WEXITSTATUS(peers[PN_PEER_RAW].status), 3);
        pn_spawn_end(peers, 5000);
        assert_int_equal(WEXITSTATUS(peers[PN_PEER_RAW].status), 3);
        assert_true(no_children());
        pn_spawn_end(peers, 5000); /* nor this */
}

static void nobody_is_waited_for_longer_than_the_grace(void **state)
{
        struct pn_peer peers[PN_PEERS];
        struct pn_err err = PN_ERR_INIT;
        int64_t begin;

        (void)state;
        assert_int_equal(pn_spawn(fake_path("any", "hangs"), peers, &err), 0);
        begin = pn_clock_now_ms();
        pn_spawn_end(peers, 0);
        assert_true(pn_clock_now_ms() - begin < 100);
        while (waitpid(-1, NULL, 0) > 0) /* they are dead all the same */
                ;
        assert_true(no_children());
}

static void without_descriptors_it_fails_and_leaves_nothing(void **state)
{
        const char *worker = fake_path("any", "hangs");
        size_t before = open_fds();
        struct rlimit all, few;
        unsigned failed = 0;
        int top = dup(0);

        (void)state;
        (void)close(top);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
        for (rlim_t more = 0; more < 20; more++) {
                struct pn_peer peers[PN_PEERS];
                struct pn_err err = PN_ERR_INIT;
                int ret;

                few = (struct rlimit){(rlim_t)top + more, all.rlim_max};
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
                ret = pn_spawn(worker, peers, &err);
                pn_spawn_end(peers, 5000);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
                failed += ret < 0;
                if (ret < 0)
                        assert_true(err.fault == PN_FAULT_HOST || err.fault == PN_FAULT_CONFIG);
                assert_int_equal(open_fds(), before);
                assert_true(no_children());
        }
        assert_true(failed >= 10 && failed < 20);
}

/* 0 when no worker could be started and that was said. */
static int spawn_without_processes(const char *worker)
{
        struct pn_peer peers[PN_PEERS];
        struct pn_err err = PN_ERR_INIT;
        const struct rlimit none = {0, 0};
        int ret;

        if (setresuid(65534, 65534, 65534) < 0 || setrlimit(RLIMIT_NPROC, &none) < 0)
                return 1;
        ret = pn_spawn(worker, peers, &err);
        pn_spawn_end(peers, 5000);
        if (ret == 0 || err.fault != PN_FAULT_HOST || err.code != EAGAIN ||
            !strstr(err.text, "start the walk worker"))
                return 2;
        return waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD ? 0 : 3;
}

static void without_processes_it_fails_with_a_reason(void **state)
{
        const char *worker = fake_path("any", "hangs");
        pid_t pid;
        int status;

        (void)state;
        assert_int_equal(chmod(fake_dir, 0755), 0);
        pid = fork();
        if (pid == 0)
                _exit(spawn_without_processes(worker));
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(three_workers_are_started_and_ended),
                cmocka_unit_test(what_ended_by_itself_keeps_its_status),
                cmocka_unit_test(nobody_is_waited_for_longer_than_the_grace),
                cmocka_unit_test(without_descriptors_it_fails_and_leaves_nothing),
                cmocka_unit_test(without_processes_it_fails_with_a_reason),
        };

        fake_worker(argc, argv);
        return cmocka_run_group_tests(tests, fake_group_begin, fake_group_end);
}
