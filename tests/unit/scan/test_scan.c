/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/scan/fake_worker.h"

#include <sys/syscall.h>

#include "scanner/base/clock.h"
#include "scanner/scan/scan.h"

#define HANG_MS 250    /* deadline of a scan that only its deadline ends */
#define AMPLE_MS 20000 /* of one that ends by itself, long before */
#define SLACK_MS 300   /* after the deadline, at most */

static const char *const roles[] = {"walk", "raw", "parse"};

static struct pn_scan_request request_make(const char *worker, int ms)
{
        static const struct pn_scan_root root = {PN_ROOT_HOST, -1, "/some/root", ""};
        static const struct pn_scan_rules rules = {"one.yar", "rule one", 8};

        return (struct pn_scan_request){.worker = worker,
                                        .deadline_ms = pn_clock_now_ms() + ms,
                                        .runtime_fd = -1,
                                        .limits.files = 100,
                                        .root = &root,
                                        .root_count = 1,
                                        .rules = &rules,
                                        .rules_count = 1};
}

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

/* Runs it; nothing may be left. Returns how long it took. */
static int64_t scan(const struct pn_scan_request *request, struct pn_findings *all)
{
        size_t before = open_fds();
        int64_t begin = pn_clock_now_ms(), took;

        *all = (struct pn_findings){0};
        pn_scan_run(request, all);
        took = pn_clock_now_ms() - begin;
        assert_int_equal(open_fds(), before);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
        assert_int_equal(errno, ECHILD);
        assert_true(all->elapsed_ms >= 0 && all->elapsed_ms <= took);
        return took;
}

static bool complete(const struct pn_findings *all)
{
        const char *why;

        return pn_tally_complete(&all->tally, &why);
}

static const char *first_issue(const struct pn_findings *all)
{
        return all->issue_count > 0 ? all->issue[0].text : "";
}

static void a_scan_with_honest_workers_is_complete(void **state)
{
        struct pn_scan_request request = request_make(fake_path("nobody", "x"), AMPLE_MS);
        struct pn_findings all;

        (void)state;
        (void)scan(&request, &all);
        if (!complete(&all))
                fail_msg("%s", first_issue(&all));
        assert_int_equal(all.tally.objects_seen, 2);
        assert_int_equal(all.tally.parse_answers, 1);
        assert_string_equal(all.view, "directory");
        pn_findings_clear(&all);
}

static void a_worker_that_misbehaves_never_makes_a_scan_complete(void **state)
{
        (void)state;
        for (size_t i = 0; strncmp(fake_behaviours[i].name, "tells", 5) != 0; i++) {
                for (size_t role = 0; role < 4; role++) {
                        const bool hangs = fake_behaviours[i].hangs;
                        struct pn_findings all;
                        struct pn_scan_request request = request_make(
                                fake_path(role < 3 ? roles[role] : "any", fake_behaviours[i].name),
                                hangs ? HANG_MS : AMPLE_MS);
                        int64_t took = scan(&request, &all);

                        print_message("%s %s: %s\n", role < 3 ? roles[role] : "any", fake_behaviours[i].name,
                                      first_issue(&all));
                        assert_false(complete(&all));
                        assert_true(all.issue_count > 0 && all.issue[0].text[0] != '\0');
                        assert_true(took < (hangs ? HANG_MS + SLACK_MS : AMPLE_MS / 2));
                        if (hangs && strcmp(fake_behaviours[i].name, "closes") != 0 &&
                            strcmp(fake_behaviours[i].name, "ends-and-stays") != 0)
                                assert_int_equal(all.issue[0].cls, PN_ISSUE_DEADLINE);
                        pn_findings_clear(&all);
                }
        }
}

/* More setup than a socket holds. */
static void tell_much(struct pn_scan_request *request)
{
        static struct pn_scan_root root[500];
        static char label[8001];

        memset(label, 'l', sizeof(label) - 1);
        for (size_t i = 0; i < 500; i++)
                root[i] = (struct pn_scan_root){PN_ROOT_BIND, -1, "/x", label};
        request->root = root;
        request->root_count = 500;
}

/* Nobody reads it: the supervisor's own send must end with the deadline. */
static void a_worker_that_does_not_take_its_setup_meets_the_deadline(void **state)
{
        struct pn_scan_request request = request_make(fake_path("walk", "is-deaf"), HANG_MS);
        struct pn_findings all;
        int64_t took;

        (void)state;
        tell_much(&request);
        took = scan(&request, &all);
        assert_true(took >= HANG_MS - 1 && took < HANG_MS + SLACK_MS);
        assert_int_equal(all.issue_count, 1);
        assert_int_equal(all.issue[0].cls, PN_ISSUE_DEADLINE);
        pn_findings_clear(&all);
}

static void a_worker_that_is_gone_during_setup_is_told_by_its_end(void **state)
{
        struct pn_scan_request request = request_make(fake_path("walk", "fails"), AMPLE_MS);
        struct pn_findings all;

        (void)state;
        tell_much(&request);
        assert_true(scan(&request, &all) < AMPLE_MS / 2);
        assert_int_equal(all.issue_count, 1);
        assert_int_equal(all.issue[0].cls, PN_ISSUE_NODE);
        assert_string_equal(first_issue(&all), "the walker ended early with status 3"); /* not: broken pipe */
        pn_findings_clear(&all);
}

static void the_deadline_may_have_passed_before_it_begins(void **state)
{
        struct pn_scan_request request = request_make(fake_path("nobody", "x"), -1000);
        struct pn_findings all;

        (void)state;
        assert_true(scan(&request, &all) < SLACK_MS);
        assert_false(complete(&all));
        assert_int_equal(all.issue[0].cls, PN_ISSUE_DEADLINE);
        pn_findings_clear(&all);
}

static void every_worker_is_told_its_part_of_the_setup(void **state)
{
        static const char *const words[] = {
                "walker: limits 77  ;root 2 /some/root ;root with fd 1 /some/root ;root 3 /src mnt/v;",
                "raw matcher: limits 77  ;", "parser: limits 77  ;rules 0 one.yar rule one;rules 1  ;"};
        pn_autofd in = open("/", O_PATH | O_CLOEXEC);
        const struct pn_scan_root root[] = {{PN_ROOT_HOST, -1, "/some/root", ""},
                                            {PN_ROOT_VIEW, in, "/some/root", ""},
                                            {PN_ROOT_BIND, -1, "/src", "mnt/v"}};
        const struct pn_scan_rules rules[] = {{"one.yar", "rule one", 8}, {"", "", 0}};

        (void)state;
        for (size_t role = 0; role < 3; role++) {
                struct pn_scan_request request =
                        request_make(fake_path(roles[role], "tells-setup"), AMPLE_MS);
                struct pn_findings all;

                request.limits.files = 77;
                request.root = root;
                request.root_count = 3;
                request.rules = rules;
                request.rules_count = 2;
                (void)scan(&request, &all);
                assert_string_equal(first_issue(&all), words[role]);
                assert_int_equal(all.issue[0].cls, PN_ISSUE_NODE);
                pn_findings_clear(&all);
        }
}

/* Whatever state the runtime started us in. */
static void workers_are_born_with_nothing_but_their_sockets(void **state)
{
        static const char *const words[] = {
                "walker: fds 0 1 2 3 5, 3 null, 0 blocked, environment empty",
                "raw matcher: fds 0 1 2 3 4 5, 3 null, 0 blocked, environment empty",
                "parser: fds 0 1 2 3 4, 3 null, 0 blocked, environment empty"};
        int input = dup(0), careless[3] = {dup(1), fcntl(1, F_DUPFD, 100), fcntl(1, F_DUPFD, 900)};
        sigset_t all_signals, before;

        (void)state;
        (void)sigfillset(&all_signals);
        (void)sigprocmask(SIG_SETMASK, &all_signals, &before);
        assert_int_equal(setenv("LD_PRELOAD_NOT", "x", 1), 0);
        (void)fcntl(input, F_SETFD, FD_CLOEXEC);
        for (size_t i = 0; i < 6; i++) {
                struct pn_scan_request request =
                        request_make(fake_path(roles[i % 3], "tells-birth"), AMPLE_MS);
                struct pn_findings all;

                if (i == 3)
                        (void)close(0); /* a caller without a standard input */
                (void)scan(&request, &all);
                assert_string_equal(first_issue(&all), words[i % 3]);
                pn_findings_clear(&all);
        }
        (void)dup2(input, 0);
        (void)close(input);
        (void)sigprocmask(SIG_SETMASK, &before, NULL);
        pn_fdpass_close_all(careless, 3);
}

static const struct program {
        const char *name, *path;
        mode_t mode;
        const char *words;
} programs[] = {
        {"missing", "missing", 0, "worker: open"},
        {"writable for others", "loose", 0757, "can be written by group or others"},
        {"writable for the group", "loose", 0775, "can be written by group or others"},
        {"not executable", "loose", 0600, "ended early with status 127"},
        {"no program", "text", 0755, "ended early with status 127"},
        {"a directory", ".", 0700, "is not a regular file"},
};

static void what_cannot_be_a_worker_is_the_nodes_fault(void **state)
{
        char loose[PATH_MAX], text[PATH_MAX];
        FILE *file;

        (void)state;
        (void)snprintf(loose, sizeof(loose), "%s/loose", fake_dir);
        (void)snprintf(text, sizeof(text), "%s/text", fake_dir);
        assert_int_equal(fake_copy(loose), 0);
        file = fopen(text, "we");
        assert_non_null(file);
        assert_true(fputs("no program\n", file) >= 0 && fclose(file) == 0);
        for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
                char path[PATH_MAX];
                struct pn_findings all;
                struct pn_scan_request request = request_make(path, AMPLE_MS);

                print_message("%s\n", programs[i].name);
                (void)snprintf(path, sizeof(path), "%s/%s", fake_dir, programs[i].path);
                if (programs[i].mode)
                        assert_int_equal(chmod(path, programs[i].mode), 0);
                assert_true(scan(&request, &all) < AMPLE_MS / 2);
                assert_false(complete(&all));
                assert_int_equal(all.issue_count, 1);
                assert_int_equal(all.issue[0].cls, PN_ISSUE_NODE);
                if (!strstr(all.issue[0].text, programs[i].words))
                        fail_msg("%s", all.issue[0].text);
                pn_findings_clear(&all);
        }
}

static void a_scan_ends_with_the_runtime_that_waits_for_it(void **state)
{
        struct pn_scan_request request = request_make(fake_path("any", "hangs"), AMPLE_MS);
        struct pn_findings all;
        int ends[2];

        (void)state;
        assert_int_equal(pipe(ends), 0);
        (void)close(ends[1]); /* readable, as a pidfd is when its process has ended */
        request.runtime_fd = ends[0];
        assert_true(scan(&request, &all) < AMPLE_MS / 2);
        assert_false(complete(&all));
        assert_string_equal(first_issue(&all), "the runtime that called the hook has ended");
        (void)close(ends[0]);
        pn_findings_clear(&all);
}

/* A caller that ignores SIGCHLD gets no exit status: that is no good one, and not to be waited for. */
static void a_lost_exit_status_is_not_a_good_one(void **state)
{
        struct pn_scan_request request = request_make(fake_path("nobody", "x"), AMPLE_MS);
        struct pn_findings all;

        (void)state;
        (void)signal(SIGCHLD, SIG_IGN);
        assert_true(scan(&request, &all) < AMPLE_MS / 2);
        (void)signal(SIGCHLD, SIG_DFL);
        assert_false(complete(&all));
        assert_non_null(strstr(first_issue(&all), "ended early with status 255"));
        pn_findings_clear(&all);
}

int main(int argc, char **argv)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_scan_with_honest_workers_is_complete),
                cmocka_unit_test(a_worker_that_misbehaves_never_makes_a_scan_complete),
                cmocka_unit_test(a_worker_that_does_not_take_its_setup_meets_the_deadline),
                cmocka_unit_test(a_worker_that_is_gone_during_setup_is_told_by_its_end),
                cmocka_unit_test(the_deadline_may_have_passed_before_it_begins),
                cmocka_unit_test(every_worker_is_told_its_part_of_the_setup),
                cmocka_unit_test(workers_are_born_with_nothing_but_their_sockets),
                cmocka_unit_test(what_cannot_be_a_worker_is_the_nodes_fault),
                cmocka_unit_test(a_scan_ends_with_the_runtime_that_waits_for_it),
                cmocka_unit_test(a_lost_exit_status_is_not_a_good_one),
        };

        fake_worker(argc, argv);
        return cmocka_run_group_tests(tests, fake_group_begin, fake_group_end);
}
