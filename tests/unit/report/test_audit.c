/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hook/report/report.h"
#include "scanner/base/clock.h"

#define MAX_BYTES (1U << 20)

/* A directory of its own for each test; `file` is the audit file in it. */
struct fixture {
        char dir[64];
        char file[96];
        char rotated[128];
        struct pn_err err;
};

static int begin(void **state)
{
        struct fixture *f = calloc(1, sizeof(*f));

        strcpy(f->dir, "/tmp/postern-audit.XXXXXX");
        if (!mkdtemp(f->dir))
                return -1;
        snprintf(f->file, sizeof(f->file), "%s/audit.jsonl", f->dir);
        snprintf(f->rotated, sizeof(f->rotated), "%s.1", f->file);
        *state = f;
        return 0;
}

static int end(void **state)
{
        struct fixture *f = *state;
        char command[128];

        (void)umount2(f->dir, MNT_DETACH);
        snprintf(command, sizeof(command), "rm -rf '%s'", f->dir);
        free(f);
        return system(command);
}

static int append(struct fixture *f, const char *line)
{
        return pn_audit_append(f->file, MAX_BYTES, line, strlen(line), &f->err);
}

static char *content(const char *path)
{
        static char buf[4 << 20];
        FILE *in = fopen(path, "re");
        size_t n;

        if (!in)
                fail_msg("open `%s`: %s", path, strerror(errno));
        n = fread(buf, 1, sizeof(buf) - 1, in);
        fclose(in);
        buf[n] = '\0';
        return buf;
}

static void put_file(const char *path, const char *text)
{
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        close(fd);
}

static bool exists(const char *path)
{
        struct stat st;

        return lstat(path, &st) == 0;
}

static void assert_refused(struct fixture *f, const char *why)
{
        f->err = (struct pn_err)PN_ERR_INIT;
        assert_int_equal(append(f, "{}"), -1);
        assert_int_equal(f->err.fault, PN_FAULT_HOST);
        if (!strstr(f->err.text, why))
                fail_msg("`%s` is not in `%s`", why, f->err.text);
}

static void audit_appends_one_line_after_another(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(append(f, "{\"a\":1}"), 0);
        assert_int_equal(append(f, "{\"b\":2}"), 0);
        assert_string_equal(content(f->file), "{\"a\":1}\n{\"b\":2}\n");
}

static void audit_file_is_for_its_owner_only(void **state)
{
        struct fixture *f = *state;
        struct stat st;
        mode_t old = umask(0);

        assert_int_equal(append(f, "{}"), 0);
        umask(old);
        assert_int_equal(stat(f->file, &st), 0);
        assert_int_equal(st.st_mode, S_IFREG | 0600);
}

static void audit_heals_a_torn_last_line(void **state)
{
        struct fixture *f = *state;

        put_file(f->file, "{\"a\":1}\n{\"tor");
        assert_int_equal(append(f, "{\"b\":2}"), 0);
        assert_int_equal(append(f, "{\"c\":3}"), 0);
        assert_string_equal(content(f->file), "{\"a\":1}\n{\"tor\n{\"b\":2}\n{\"c\":3}\n");
}

static void audit_refuses_a_record_of_two_lines(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(append(f, "{}\n{\"forged\":1}"), -1);
        assert_int_equal(f->err.fault, PN_FAULT_BUG);
        assert_false(exists(f->file));
}

static void audit_renames_the_file_before_it_grows_past_its_ceiling(void **state)
{
        struct fixture *f = *state;
        char line[101];

        memset(line, 'x', 100);
        line[100] = '\0';
        for (int i = 0; i < 25; i++)
                assert_int_equal(pn_audit_append(f->file, 1011, line, 100, &f->err), 0);
        assert_int_equal(strlen(content(f->file)), 5 * 101);
        assert_int_equal(strlen(content(f->rotated)), 10 * 101);
}

static void audit_takes_a_record_larger_than_the_ceiling(void **state)
{
        struct fixture *f = *state;
        char line[501];

        memset(line, 'x', 500);
        line[500] = '\0';
        for (int i = 0; i < 3; i++)
                assert_int_equal(pn_audit_append(f->file, 100, line, 500, &f->err), 0);
        assert_int_equal(strlen(content(f->file)), 501);
        assert_int_equal(strlen(content(f->rotated)), 501);
}

static void audit_replaces_a_link_in_the_place_of_the_old_file(void **state)
{
        struct fixture *f = *state;
        char target[128];

        snprintf(target, sizeof(target), "%s/target", f->dir);
        put_file(target, "mine");
        assert_int_equal(symlink(target, f->rotated), 0);
        assert_int_equal(append(f, "{\"a\":1}"), 0);
        assert_int_equal(pn_audit_append(f->file, 10, "{\"b\":2}", 7, &f->err), 0);
        assert_string_equal(content(target), "mine");
        assert_string_equal(content(f->rotated), "{\"a\":1}\n");
}

static void audit_names_a_rotation_that_fails(void **state)
{
        struct fixture *f = *state;
        char sub[160];

        snprintf(sub, sizeof(sub), "%s/x", f->rotated);
        assert_int_equal(mkdir(f->rotated, 0700), 0);
        assert_int_equal(mkdir(sub, 0700), 0);
        assert_int_equal(append(f, "{\"a\":1}"), 0);
        assert_int_equal(pn_audit_append(f->file, 10, "{\"b\":2}", 7, &f->err), -1);
        assert_non_null(strstr(f->err.text, "rename `"));
        assert_string_equal(content(f->file), "{\"a\":1}\n");
}

static void audit_says_that_the_directory_is_missing(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(rmdir(f->dir), 0);
        assert_refused(f, "open directory `/tmp/postern-audit.");
        assert_int_equal(f->err.code, ENOENT);
        assert_false(exists(f->dir));
        assert_int_equal(mkdir(f->dir, 0700), 0);
}

static void audit_says_that_the_name_is_no_name(void **state)
{
        struct fixture *f = *state;
        char long_name[512];

        snprintf(f->file, sizeof(f->file), "%s/", f->dir);
        assert_refused(f, "Is a directory");
        snprintf(f->file, sizeof(f->file), "%s", f->dir);
        assert_refused(f, "Is a directory");
        memset(long_name, 'x', sizeof(long_name) - 1);
        long_name[sizeof(long_name) - 1] = '\0';
        assert_int_equal(pn_audit_append(long_name, MAX_BYTES, "{}", 2, &f->err), -1);
        assert_int_equal(f->err.code, ENAMETOOLONG);
}

static void audit_refuses_a_link_and_leaves_its_target_alone(void **state)
{
        struct fixture *f = *state;
        char target[128];

        snprintf(target, sizeof(target), "%s/target", f->dir);
        put_file(target, "mine\n");
        assert_int_equal(symlink(target, f->file), 0);
        assert_refused(f, "is a link");
        assert_string_equal(content(target), "mine\n");
        assert_int_equal(unlink(target), 0);
        assert_refused(f, "is a link");
        assert_false(exists(target));
}

static void audit_refuses_a_second_name_of_another_file(void **state)
{
        struct fixture *f = *state;
        char target[128];

        snprintf(target, sizeof(target), "%s/target", f->dir);
        put_file(target, "mine\n");
        assert_int_equal(link(target, f->file), 0);
        assert_refused(f, "more than one name");
        assert_string_equal(content(target), "mine\n");
}

static void audit_refuses_what_is_no_regular_file_without_waiting(void **state)
{
        static const mode_t kinds[] = {S_IFIFO, S_IFSOCK, S_IFCHR};
        struct fixture *f = *state;

        for (size_t i = 0; i < 3; i++) {
                int64_t before = pn_clock_now_ms();

                assert_int_equal(mknod(f->file, kinds[i] | 0600, (dev_t)(1 << 8 | 7)), 0); /* /dev/full */
                assert_refused(f, kinds[i] == S_IFSOCK ? "open `" : "is not a regular file");
                assert_in_range(pn_clock_now_ms() - before, 0, 150);
                assert_int_equal(unlink(f->file), 0);
        }
}

static void audit_refuses_a_file_of_somebody_else(void **state)
{
        struct fixture *f = *state;

        put_file(f->file, "");
        assert_int_equal(chown(f->file, 12345, 12345), 0);
        assert_refused(f, "is not owned by root (uid 12345)");
        assert_string_equal(content(f->file), "");
}

static void audit_says_that_the_file_system_is_read_only(void **state)
{
        struct fixture *f = *state;

        assert_int_equal(mount("tmpfs", f->dir, "tmpfs", MS_RDONLY, "size=64k"), 0);
        assert_refused(f, "Read-only file system");
}

static void audit_keeps_whole_lines_on_a_full_disk_and_goes_on_after_it(void **state)
{
        struct fixture *f = *state;
        char line[1001], filler[128];
        unsigned lines = 0;

        assert_int_equal(mount("tmpfs", f->dir, "tmpfs", 0, "size=32k"), 0);
        snprintf(filler, sizeof(filler), "%s/filler", f->dir);
        memset(line, 'x', 1000);
        line[1000] = '\0';
        put_file(filler, line);
        while (append(f, line) == 0)
                assert_true(++lines < 100);
        assert_in_range(lines, 10, 32);
        assert_int_equal(f->err.fault, PN_FAULT_HOST);
        assert_true(strstr(f->err.text, "no room") || strstr(f->err.text, "No space left on device"));
        assert_int_equal(strlen(content(f->file)), lines * 1001);
        assert_int_equal(unlink(filler), 0);
        assert_int_equal(append(f, line), 0);
        assert_int_equal(strlen(content(f->file)), (lines + 1) * 1001);
        for (char *at = content(f->file), *next; (next = strchr(at, '\n')); at = next + 1)
                assert_int_equal(next - at, 1000);
}

static void audit_waits_200_ms_for_the_lock_and_no_longer(void **state)
{
        struct fixture *f = *state;
        int64_t before;
        int fd;

        put_file(f->file, "");
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        before = pn_clock_now_ms();
        assert_refused(f, "held by another for 200 ms");
        assert_in_range(pn_clock_now_ms() - before, 195, 600);
        close(fd);
        assert_int_equal(append(f, "{}"), 0);
}

static void audit_gets_the_lock_when_it_is_freed_in_time(void **state)
{
        struct fixture *f = *state;
        int status, fd;
        pid_t pid;

        put_file(f->file, "");
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        pid = fork();
        if (pid == 0)
                _exit(append(f, "{}") == 0 ? 0 : 1);
        usleep(50000);
        assert_string_equal(content(f->file), "");
        assert_int_equal(flock(fd, LOCK_UN), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        close(fd);
        assert_string_equal(content(f->file), "{}\n");
}

static void audit_follows_a_rename_that_came_before_the_lock(void **state)
{
        struct fixture *f = *state;
        int status, fd;
        pid_t pid;

        put_file(f->file, "old\n");
        fd = open(f->file, O_RDONLY | O_CLOEXEC);
        assert_int_equal(flock(fd, LOCK_EX), 0);
        pid = fork();
        if (pid == 0)
                _exit(append(f, "new") == 0 ? 0 : 1);
        usleep(50000); /* it waits for the lock of what is now renamed */
        assert_int_equal(rename(f->file, f->rotated), 0);
        assert_int_equal(flock(fd, LOCK_UN), 0);
        close(fd);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        assert_string_equal(content(f->rotated), "old\n");
        assert_string_equal(content(f->file), "new\n");
}

#define WRITERS 8
#define RECORDS 100

static void writer(const struct fixture *f, int who, uint64_t max_bytes)
{
        struct pn_err err = PN_ERR_INIT;
        char line[400];

        for (int i = 0; i < RECORDS; i++) {
                int n = snprintf(line, sizeof(line), "%d %d ", who, i);

                memset(line + n, 'a' + who, sizeof(line) - (size_t)n);
                while (pn_audit_append(f->file, max_bytes, line, sizeof(line), &err) < 0)
                        if (!strstr(err.text, "for 200 ms")) /* a busy machine: named, and tried again */
                                _exit(1);
        }
        _exit(0);
}

static void write_in_parallel(const struct fixture *f, uint64_t max_bytes)
{
        int status;

        for (int who = 0; who < WRITERS; who++)
                if (fork() == 0)
                        writer(f, who, max_bytes);
        for (int who = 0; who < WRITERS; who++) {
                assert_true(wait(&status) > 0);
                assert_int_equal(status, 0);
        }
}

/* Every line is one that a writer wrote, and whole. Returns how many there are. */
static int check_lines(const char *path, int count[WRITERS])
{
        int all = 0;

        for (char *at = content(path), *next; *at; at = next + 1, all++) {
                int who, i, used;

                next = strchr(at, '\n');
                assert_non_null(next);
                assert_int_equal(next - at, 400);
                *next = '\0';
                assert_int_equal(sscanf(at, "%d %d %n", &who, &i, &used), 2);
                assert_in_range(who, 0, WRITERS - 1);
                for (const char *c = at + used; *c; c++)
                        assert_int_equal(*c, 'a' + who);
                count[who]++;
        }
        return all;
}

static void audit_mixes_no_lines_of_parallel_starts(void **state)
{
        struct fixture *f = *state;
        int count[WRITERS] = {0};

        write_in_parallel(f, MAX_BYTES);
        assert_int_equal(check_lines(f->file, count), WRITERS * RECORDS);
        for (int who = 0; who < WRITERS; who++)
                assert_int_equal(count[who], RECORDS);
        assert_false(exists(f->rotated));
}

static void audit_loses_no_line_of_parallel_starts_when_it_rotates_once(void **state)
{
        struct fixture *f = *state;
        int count[WRITERS] = {0}, all;

        write_in_parallel(f, 200000); /* 800 lines of 401 bytes: one rotation */
        all = check_lines(f->rotated, count);
        assert_in_range(all, 490, 499);
        assert_int_equal(all + check_lines(f->file, count), WRITERS * RECORDS);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
        static const struct CMUnitTest tests[] = {
                TEST(audit_appends_one_line_after_another),
                TEST(audit_file_is_for_its_owner_only),
                TEST(audit_heals_a_torn_last_line),
                TEST(audit_refuses_a_record_of_two_lines),
                TEST(audit_renames_the_file_before_it_grows_past_its_ceiling),
                TEST(audit_takes_a_record_larger_than_the_ceiling),
                TEST(audit_replaces_a_link_in_the_place_of_the_old_file),
                TEST(audit_names_a_rotation_that_fails),
                TEST(audit_says_that_the_directory_is_missing),
                TEST(audit_says_that_the_name_is_no_name),
                TEST(audit_refuses_a_link_and_leaves_its_target_alone),
                TEST(audit_refuses_a_second_name_of_another_file),
                TEST(audit_refuses_what_is_no_regular_file_without_waiting),
                TEST(audit_refuses_a_file_of_somebody_else),
                TEST(audit_says_that_the_file_system_is_read_only),
                TEST(audit_keeps_whole_lines_on_a_full_disk_and_goes_on_after_it),
                TEST(audit_waits_200_ms_for_the_lock_and_no_longer),
                TEST(audit_gets_the_lock_when_it_is_freed_in_time),
                TEST(audit_follows_a_rename_that_came_before_the_lock),
                TEST(audit_mixes_no_lines_of_parallel_starts),
                TEST(audit_loses_no_line_of_parallel_starts_when_it_rotates_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
