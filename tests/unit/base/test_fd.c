/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* This program runs twice: as it is, and under tests/hostile/no_openat2 with this variable set, so that both
 * ways of pn_fd_open_entry() are seen. */
#define NO_OPENAT2 "POSTERN_EXPECT_NO_OPENAT2"

struct place {
        char dir[64];
        int fd;
};

static int remove_below(int dirfd)
{
        static const char *const names[] = {"file",     "loose",  "link",    "fifo",
                                            "sub/file", "sub/up", "sub/abs", "sub/dot"};

        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                (void)unlinkat(dirfd, names[i], 0);
        return unlinkat(dirfd, "sub", AT_REMOVEDIR);
}

static int place_make(void **ctx)
{
        struct place *place = calloc(1, sizeof(*place));

        if (!place)
                return -1;
        (void)snprintf(place->dir, sizeof(place->dir), "/tmp/postern-fd-XXXXXX");
        if (!mkdtemp(place->dir))
                return -1;
        place->fd = open(place->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        *ctx = place;
        return place->fd < 0 || mkdirat(place->fd, "sub", 0700) < 0 ? -1 : 0;
}

static int place_remove(void **ctx)
{
        struct place *place = *ctx;

        (void)remove_below(place->fd);
        (void)close(place->fd);
        (void)rmdir(place->dir);
        free(place);
        return 0;
}

static void write_file(int dirfd, const char *name, const void *data, size_t len, mode_t mode)
{
        pn_autofd fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, data, len), (ssize_t)len);
        assert_int_equal(fchmod(fd, mode),
                         0); /* not by the mode of open(2): the umask would take bits away */
}

static bool is_open(int fd)
{
        return fcntl(fd, F_GETFD) >= 0;
}

/* ---------------------------------------------------------------- scope */

static void autofd_closes_with_its_scope_and_keeps_errno(void **ctx)
{
        int seen;

        (void)ctx;
        {
                pn_autofd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

                seen = fd;
                assert_true(is_open(seen));
                errno = ENOTTY;
        }
        assert_int_equal(errno, ENOTTY);
        assert_false(is_open(seen));
        {
                pn_autofd fd = 987654; /* close(2) fails, and the first reason stays */

                errno = fd > 0 ? ENOTTY : 0;
        }
        assert_int_equal(errno, ENOTTY);
}

static void stolen_fd_stays_open(void **ctx)
{
        int kept = -1;

        (void)ctx;
        {
                pn_autofd fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

                kept = pn_steal_fd(&fd);
                assert_int_equal(fd, -1);
        }
        assert_true(is_open(kept));
        (void)close(kept);
}

/* ---------------------------------------------------------------- open_entry */

static void open_entry_gives_path_descriptor_closed_on_exec(void **ctx)
{
        const struct place *place = *ctx;
        pn_autofd fd = -1;
        char byte;

        write_file(place->fd, "file", "x", 1, 0600);
        fd = pn_fd_open_entry(place->fd, "file");
        assert_true(fd >= 0);
        assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        assert_true(fcntl(fd, F_GETFL) & O_PATH);
        assert_int_equal(read(fd, &byte, 1), -1);
}

static void open_entry_gives_link_itself(void **ctx)
{
        static const char *const targets[] = {"file",  "/etc/passwd",     "gone",
                                              "../..", "/proc/self/root", "link"};
        const struct place *place = *ctx;

        write_file(place->fd, "file", "x", 1, 0600);
        for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
                pn_autofd fd = -1;
                struct stat st;

                assert_int_equal(symlinkat(targets[i], place->fd, "link"), 0);
                fd = pn_fd_open_entry(place->fd, "link");
                assert_true(fd >= 0);
                assert_int_equal(fstat(fd, &st), 0);
                assert_true(S_ISLNK(st.st_mode));
                assert_int_equal(unlinkat(place->fd, "link", 0), 0);
        }
}

static void open_entry_does_not_follow_magic_link(void **ctx)
{
        pn_autofd self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);
        pn_autofd fd = pn_fd_open_entry(self, "root");
        struct stat st;

        (void)ctx;
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_true(S_ISLNK(st.st_mode));
}

static void open_entry_refuses_all_but_one_name_below(void **ctx)
{
        static const struct {
                const char *name;
                int code;
        } rows[] = {
                {"", EINVAL},         {"/", EINVAL},    {"/etc", EINVAL},
                {"sub/file", EINVAL}, {"sub/", EINVAL}, {"./file", EINVAL},
                {"../file", EINVAL},  {"..", EXDEV},    {"gone", ENOENT},
        };
        const struct place *place = *ctx;

        write_file(place->fd, "sub/file", "x", 1, 0600);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                errno = 0;
                assert_int_equal(pn_fd_open_entry(place->fd, rows[i].name), -1);
                if (errno != rows[i].code)
                        fail_msg("`%s`: errno %d, not %d", rows[i].name, errno, rows[i].code);
        }
}

static void open_entry_does_not_wait_for_fifo(void **ctx)
{
        const struct place *place = *ctx;
        pn_autofd fd = -1;
        struct stat st;

        assert_int_equal(mkfifoat(place->fd, "fifo", 0600), 0);
        (void)alarm(20);
        fd = pn_fd_open_entry(place->fd, "fifo");
        (void)alarm(0);
        assert_true(fd >= 0);
        assert_int_equal(fstat(fd, &st), 0);
        assert_true(S_ISFIFO(st.st_mode));
}

/* ---------------------------------------------------------------- open_in_root */

static bool have_openat2(void)
{
        return syscall(SYS_openat2, -1, "", NULL, 0) < 0 && errno != ENOSYS;
}

static void the_world_is_the_one_this_run_is_for(void **ctx)
{
        (void)ctx;
        if (getenv(NO_OPENAT2))
                assert_false(have_openat2());
}

static void open_in_root_resolves_links_as_a_process_rooted_there(void **ctx)
{
        static const struct {
                const char *path;
                bool found;
        } rows[] = {
                {"sub/file", true},
                {"/sub/file", true},
                {"sub/abs", true}, /* -> /sub/file, of that root */
                {"sub/up", true},  /* -> ../../../sub/file: climbing stops at the root */
                {"../../sub/file", true},
                {"sub/dot/sub/file", true}, /* -> .. */
                {"sub/dot/../../../sub/abs", true},
                {"gone", false},
                {"etc/passwd", false},
                {"/proc/self/root/etc/passwd", false},
        };
        const struct place *place = *ctx;
        struct stat want;

        if (!have_openat2()) {
                assert_int_equal(pn_fd_open_in_root(place->fd, "sub"), -1);
                assert_int_equal(errno, ENOSYS);
                return;
        }
        write_file(place->fd, "sub/file", "x", 1, 0600);
        assert_int_equal(fstatat(place->fd, "sub/file", &want, 0), 0);
        assert_int_equal(symlinkat("/sub/file", place->fd, "sub/abs"), 0);
        assert_int_equal(symlinkat("../../../sub/file", place->fd, "sub/up"), 0);
        assert_int_equal(symlinkat("..", place->fd, "sub/dot"), 0);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                pn_autofd fd = pn_fd_open_in_root(place->fd, rows[i].path);
                struct stat st;

                if ((fd >= 0) != rows[i].found)
                        fail_msg("`%s`: descriptor %d, errno %d", rows[i].path, fd, errno);
                if (fd < 0)
                        continue;
                assert_int_equal(fstat(fd, &st), 0);
                assert_true(st.st_ino == want.st_ino && st.st_dev == want.st_dev);
                assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
        }
}

/* openat2(2) gives up with EAGAIN when anybody on the node renames while it resolves a "..". */
static void open_in_root_outlasts_renames_of_others(void **ctx)
{
        struct place *place = *ctx;
        pid_t child;

        if (!have_openat2())
                return;
        write_file(place->fd, "a", "x", 1, 0600);
        child = fork();
        if (child == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;) {
                        (void)renameat(place->fd, "a", place->fd, "b");
                        (void)renameat(place->fd, "b", place->fd, "a");
                }
        }
        assert_true(child > 0);
        for (unsigned i = 0; i < 20000; i++) {
                pn_autofd fd = pn_fd_open_in_root(place->fd, "sub/../sub/../sub/../sub/../sub/../sub/..");

                assert_true(fd >= 0);
        }
        assert_int_equal(kill(child, SIGKILL), 0);
        assert_int_equal(waitpid(child, NULL, 0), child);
        (void)unlinkat(place->fd, "a", 0);
        (void)unlinkat(place->fd, "b", 0);
}

static void open_in_root_refuses_magic_links(void **ctx)
{
        pn_autofd proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
        int want = have_openat2() ? ELOOP : ENOSYS;

        (void)ctx;
        assert_int_equal(pn_fd_open_in_root(proc, "/self/root/etc"), -1);
        assert_int_equal(errno, want);
}

/* ---------------------------------------------------------------- read_all */

static void read_all_gives_every_byte_and_a_nul(void **ctx)
{
        static const size_t sizes[] = {0, 1, 4095, 4096, 4097, 8192, 100000};
        const struct place *place = *ctx;

        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                pn_autofree char *want = malloc(sizes[i] + 1), *data = NULL;
                pn_autofd fd = -1;
                size_t len = 0;

                assert_non_null(want);
                for (size_t k = 0; k < sizes[i]; k++)
                        want[k] = (char)(k * 7);
                write_file(place->fd, "file", want, sizes[i], 0600);
                fd = openat(place->fd, "file", O_RDONLY | O_CLOEXEC);
                assert_int_equal(pn_fd_read_all(fd, sizes[i], &data, &len), 0);
                assert_int_equal(len, sizes[i]);
                assert_memory_equal(data, want, len);
                assert_int_equal(data[len], '\0');
        }
}

static void read_all_refuses_one_byte_over_its_ceiling(void **ctx)
{
        static const size_t sizes[] = {1, 4096, 4097, 70000};
        const struct place *place = *ctx;
        char block[70000] = {0};

        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                char *data = NULL;
                pn_autofd fd = -1;
                size_t len = 42;

                write_file(place->fd, "file", block, sizes[i], 0600);
                fd = openat(place->fd, "file", O_RDONLY | O_CLOEXEC);
                assert_int_equal(pn_fd_read_all(fd, sizes[i] - 1, &data, &len), -1);
                assert_int_equal(errno, EFBIG);
                assert_null(data);
                assert_int_equal(len, 42);
        }
}

static void read_all_of_endless_file_ends(void **ctx)
{
        pn_autofd fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
        char *data = NULL;
        size_t len = 0;

        (void)ctx;
        assert_int_equal(pn_fd_read_all(fd, 1 << 20, &data, &len), -1);
        assert_int_equal(errno, EFBIG);
}

static void read_all_says_why_it_failed(void **ctx)
{
        const struct place *place = *ctx;
        char *data = NULL;
        size_t len = 0;

        assert_int_equal(pn_fd_read_all(place->fd, 10, &data, &len), -1);
        assert_int_equal(errno, EISDIR);
        assert_int_equal(pn_fd_read_all(-1, 10, &data, &len), -1);
        assert_int_equal(errno, EBADF);
}

static void on_alarm(int sig)
{
        (void)sig;
}

static void read_all_goes_on_after_signals(void **ctx)
{
        struct sigaction action = {.sa_handler = on_alarm};
        struct itimerval every = {.it_interval = {0, 5000}, .it_value = {0, 5000}}, never = {0};
        pn_autofree char *data = NULL;
        size_t len = 0;
        int ends[2], status;
        pid_t pid;

        (void)ctx;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)usleep(100000);
                _exit(write(ends[1], "late", 4) == 4 ? 0 : 1);
        }
        (void)close(ends[1]);
        assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
        assert_int_equal(pn_fd_read_all(ends[0], 10, &data, &len), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
        assert_string_equal(data, "late");
        assert_int_equal(waitpid(pid, &status, 0), pid);
        (void)close(ends[0]);
}

/* ---------------------------------------------------------------- pread_full */

static void pread_full_reads_to_the_end_and_no_further(void **ctx)
{
        static const struct {
                size_t len;
                uint64_t offset;
                ssize_t want;
        } rows[] = {{5, 0, 5}, {10, 0, 10}, {11, 0, 10}, {5, 8, 2}, {5, 10, 0}, {5, 4096, 0}, {0, 0, 0}};
        const struct place *place = *ctx;
        pn_autofd fd = -1;

        write_file(place->fd, "file", "0123456789", 10, 0600);
        fd = openat(place->fd, "file", O_RDONLY | O_CLOEXEC);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char buf[16] = {0};

                assert_int_equal(pn_fd_pread_full(fd, buf, rows[i].len, rows[i].offset), rows[i].want);
                assert_memory_equal(buf, &"0123456789"[rows[i].want ? rows[i].offset : 0],
                                    (size_t)rows[i].want);
                assert_int_equal(buf[rows[i].want], '\0');
        }
}

static void pread_full_refuses_what_cannot_be_read(void **ctx)
{
        const struct place *place = *ctx;
        pn_autofd null = open("/dev/null", O_RDONLY | O_CLOEXEC);
        char buf[4];

        assert_int_equal(pn_fd_pread_full(place->fd, buf, 4, 0), -1);
        assert_int_equal(errno, EISDIR);
        assert_int_equal(pn_fd_pread_full(null, buf, 4, UINT64_MAX), -1);
        assert_int_equal(errno, EINVAL);
}

/* ---------------------------------------------------------------- trusted files */

static void refuses_trust(const struct place *place, const char *name, const char *part)
{
        struct pn_err err = PN_ERR_INIT;
        int fd = 42;

        assert_int_equal(pn_fd_open_trusted(place->fd, name, &fd, &err), -1);
        if (!strstr(err.text, part))
                fail_msg("said `%s`, not `%s`", err.text, part);
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        assert_int_equal(fd, 42);
}

static void trusted_file_is_read(void **ctx)
{
        static const mode_t modes[] = {0400, 0600, 0644, 0755};
        const struct place *place = *ctx;

        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
                pn_autofree char *data = NULL;
                struct pn_err err = PN_ERR_INIT;
                size_t len = 0;

                write_file(place->fd, "file", "text", 4, modes[i]);
                if (pn_fd_read_trusted(place->fd, "file", 4, &data, &len, &err) < 0)
                        fail_msg("%s", err.text);
                assert_string_equal(data, "text");
                assert_int_equal(unlinkat(place->fd, "file", 0), 0);
        }
}

static void trusted_file_over_its_ceiling_is_refused(void **ctx)
{
        const struct place *place = *ctx;
        struct pn_err err = PN_ERR_INIT;
        char *data = NULL;
        size_t len = 0;

        write_file(place->fd, "file", "12345", 5, 0600);
        assert_int_equal(pn_fd_read_trusted(place->fd, "file", 4, &data, &len, &err), -1);
        assert_string_equal(err.text, "read `file` (at most 4 bytes): File too large");
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        assert_null(data);
}

static void file_that_others_can_write_is_not_trusted(void **ctx)
{
        static const struct {
                mode_t mode;
                const char *part;
        } rows[] = {
                {0620, "`loose` can be written by group or others (mode 0620)"},
                {0602, "(mode 0602)"},
                {0666, "(mode 0666)"},
                {02664, "(mode 2664)"},
        };
        const struct place *place = *ctx;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                write_file(place->fd, "loose", "x", 1, rows[i].mode);
                refuses_trust(place, "loose", rows[i].part);
        }
}

static void file_of_another_user_is_not_trusted(void **ctx)
{
        const struct place *place = *ctx;

        if (geteuid() != 0)
                skip(); /* only root can give a file away */
        write_file(place->fd, "file", "x", 1, 0600);
        assert_int_equal(fchownat(place->fd, "file", 65534, 0, 0), 0);
        refuses_trust(place, "file", "`file` is not owned by root (uid 65534)");
}

static void link_is_not_trusted_whatever_it_points_to(void **ctx)
{
        const struct place *place = *ctx;

        write_file(place->fd, "file", "x", 1, 0600);
        assert_int_equal(symlinkat("file", place->fd, "link"), 0);
        refuses_trust(place, "link", "open `link`: Too many levels of symbolic links");
}

static void what_is_no_regular_file_is_not_trusted(void **ctx)
{
        const struct place *place = *ctx;
        struct pn_err err = PN_ERR_INIT;
        int fd = -1;

        assert_int_equal(mkfifoat(place->fd, "fifo", 0600), 0);
        (void)alarm(20); /* a blocked open would hang the suite */
        refuses_trust(place, "fifo", "`fifo` is not a regular file");
        (void)alarm(0);
        refuses_trust(place, "sub", "`sub` is not a regular file");
        assert_int_equal(pn_fd_open_trusted(AT_FDCWD, "/dev/null", &fd, &err), -1);
        assert_string_equal(err.text, "`/dev/null` is not a regular file");
}

static void missing_file_is_named(void **ctx)
{
        refuses_trust(*ctx, "gone", "open `gone`: No such file or directory");
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(the_world_is_the_one_this_run_is_for),
                cmocka_unit_test(autofd_closes_with_its_scope_and_keeps_errno),
                cmocka_unit_test(stolen_fd_stays_open),
                PLACED(open_entry_gives_path_descriptor_closed_on_exec),
                PLACED(open_entry_gives_link_itself),
                cmocka_unit_test(open_entry_does_not_follow_magic_link),
                PLACED(open_entry_refuses_all_but_one_name_below),
                PLACED(open_entry_does_not_wait_for_fifo),
                PLACED(open_in_root_resolves_links_as_a_process_rooted_there),
                PLACED(open_in_root_outlasts_renames_of_others),
                cmocka_unit_test(open_in_root_refuses_magic_links),
                PLACED(read_all_gives_every_byte_and_a_nul),
                PLACED(read_all_refuses_one_byte_over_its_ceiling),
                cmocka_unit_test(read_all_of_endless_file_ends),
                PLACED(read_all_says_why_it_failed),
                cmocka_unit_test(read_all_goes_on_after_signals),
                PLACED(pread_full_reads_to_the_end_and_no_further),
                PLACED(pread_full_refuses_what_cannot_be_read),
                PLACED(trusted_file_is_read),
                PLACED(trusted_file_over_its_ceiling_is_refused),
                PLACED(file_that_others_can_write_is_not_trusted),
                PLACED(file_of_another_user_is_not_trusted),
                PLACED(link_is_not_trusted_whatever_it_points_to),
                PLACED(what_is_no_regular_file_is_not_trusted),
                PLACED(missing_file_is_named),
        };

        return cmocka_run_group_tests_name("fd", tests, NULL, NULL);
}
