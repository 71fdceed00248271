/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/target/told.h"

#include <linux/capability.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

/* ---------------------------------------------------------------- shapes */

static void walk_tells_every_file_once_with_its_size(void **state)
{
        pn_autofd sub = put_dir(place.tree, "sub");
        pn_autofd deeper = put_dir(sub, "deeper");

        (void)state;
        put_file(place.tree, "a");
        put_file(sub, "b");
        put_file(deeper, "c");
        put_dirs(place.tree, "empty");
        assert_int_equal(walk_tree(""), 0);
        whole(3);
        assert_true(told_file("a") && told_file("sub/b") && told_file("sub/deeper/c"));
        assert_int_equal(find(told.file, told.files, "sub/b")->size, 1);
        assert_int_equal(told.counts.directories, 4);
        assert_int_equal(told.counts.links + told.counts.specials, 0);
}

static void walk_puts_the_label_before_every_path(void **state)
{
        (void)state;
        put_file(place.tree, "a");
        put_dirs(place.tree, "sub");
        put_mount("proc", "tree/sub", "proc", 0, NULL);
        assert_int_equal(walk_tree("mnt/volume"), 0);
        whole(1);
        assert_true(told_file("mnt/volume/a"));
        assert_non_null(find(told.note, told.notes, "mnt/volume/sub"));
}

static void walk_of_a_single_file_tells_its_label(void **state)
{
        pn_autofd file = -1, fifo = -1;

        (void)state;
        put_file(place.tree, "a");
        assert_int_equal(mkfifoat(place.tree, "fifo", 0600), 0);
        file = openat(place.tree, "a", O_PATH | O_CLOEXEC);
        fifo = openat(place.tree, "fifo", O_PATH | O_CLOEXEC);
        assert_int_equal(walk_roots((int[]){file, fifo}, (const char *const[]){"etc/hosts", "run/pipe"}, 2),
                         0);
        whole(1);
        assert_true(told_file("etc/hosts"));
        assert_int_equal(told.counts.specials, 1);
}

static void walk_reaches_every_file_of_a_wide_tree(void **state)
{
        char name[16];

        (void)state;
        for (int i = 0; i < 5000; i++) {
                (void)snprintf(name, sizeof(name), "f%d", i);
                put_file(place.tree, name);
                (void)snprintf(name, sizeof(name), "d%d", i);
                assert_int_equal(mkdirat(place.tree, name, 0700), 0);
        }
        assert_int_equal(walk_tree(""), 0);
        whole(5000);
        assert_true(told_file("f0") && told_file("f4999"));
        assert_int_equal(told.counts.directories, 5001);
}

static void ignore_file(const char *path)
{
        (void)path;
}

static void walk_goes_deeper_than_paths_can_say(void **state)
{
        pn_autofd last = put_chain(4301);
        size_t cut = 0;

        (void)state;
        assert_true(last >= 0);
        put_file(place.tree, "z");
        told.on_file = ignore_file; /* counts descriptors */
        assert_int_equal(walk_tree(""), 0);
        whole(45);
        for (size_t i = 0; i < told.files; i++)
                cut += told.file[i].cut;
        assert_int_equal(cut, 3); /* of levels 4101, 4201 and 4301: 8202 bytes and more */
        assert_true(told.fds_most <= open_fds() + PN_WALK_FDS_MAX + 8);
        assert_int_equal(told.counts.directories, 4302);
}

/* Side branches on the way back show that every level was found again by "..". */
static void walk_comes_back_to_directories_it_had_to_close(void **state)
{
        enum { LEVELS = 3 * PN_WALK_FDS_MAX };
        int at = dup(place.tree);

        (void)state;
        for (unsigned i = 0; i < LEVELS; i++) {
                pn_autofd a = put_dir(at, "a");
                pn_autofd z = put_dir(at, "z");
                int next = put_dir(at, "m");

                put_file(a, "f");
                put_file(z, "f");
                (void)close(at);
                at = next;
        }
        (void)close(at);
        assert_int_equal(walk_tree(""), 0);
        whole(2 * LEVELS);
        assert_int_equal(told.counts.directories, 3 * LEVELS + 1);
}

static void walk_tells_names_as_they_are(void **state)
{
        static const char *const names[] = {"new\nline", "\033]0;x\007", "\xff\xfe", " ",   "-rf",
                                            "%n%s",      "...",          "\\",       "a\tb"};
        char longest[NAME_MAX + 1];

        (void)state;
        memset(longest, 0xe2, NAME_MAX);
        longest[NAME_MAX] = '\0';
        put_file(place.tree, longest);
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                put_file(place.tree, names[i]);
        assert_int_equal(walk_tree(""), 0);
        whole(10);
        assert_true(told_file(longest));
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                assert_true(told_file(names[i]));
}

static void walk_cuts_a_path_over_the_ceiling_and_says_so(void **state)
{
        char label[PN_PATH_BYTES_MAX + 1];
        unsigned fit = 0;
        pn_autofd sub = put_dir(place.tree, "sub");

        (void)state;
        put_file(place.tree, "ab");
        put_file(place.tree, "abc");
        put_file(sub, "f");
        memset(label, 'x', sizeof(label) - 1);
        label[PN_PATH_BYTES_MAX - 3] = '\0'; /* "/ab" fits to the byte */
        assert_int_equal(walk_tree(label), 0);
        whole(3);
        for (size_t i = 0; i < told.files; i++) {
                bool fits = told.file[i].len == PN_PATH_BYTES_MAX;

                fit += fits;
                assert_true(fits != told.file[i].cut);
                assert_int_equal(told.file[i].len, fits ? PN_PATH_BYTES_MAX : PN_PATH_BYTES_MAX - 3);
        }
        assert_int_equal(fit, 1);
}

/* ---------------------------------------------------------------- one file under many names */

static void walk_tells_hard_links_once(void **state)
{
        pn_autofd sub = put_dir(place.tree, "sub");

        (void)state;
        put_file(place.tree, "a");
        for (int i = 0; i < 50; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "l%d", i);
                assert_int_equal(linkat(place.tree, "a", i % 2 ? sub : place.tree, name, 0), 0);
        }
        put_file(sub, "other");
        assert_int_equal(walk_tree(""), 0);
        whole(2);
        /* nor in a second root of the same run */
        assert_int_equal(walk_roots((int[]){place.tree, sub}, (const char *const[]){"", "again"}, 2), 0);
        whole(2);
}

static void walk_ends_in_a_tree_that_is_bound_into_itself(void **state)
{
        pn_autofd dir = put_dir(place.tree, "dir");
        char loop[64] = "tree";

        (void)state;
        put_file(place.tree, "a");
        put_file(dir, "b");
        put_dirs(place.tree, "loop");
        for (int i = 0; i < 6; i++) { /* each doubles what is below */
                (void)strcat(loop, "/loop");
                put_mount(path_of("tree"), loop, NULL, MS_BIND | MS_REC, NULL);
        }
        assert_int_equal(walk_tree(""), 0);
        whole(2);
        assert_true(told.counts.directories >= 14); /* two in each of seven mounts */
}

/* Links to one inode, on file systems whose numbers are a claim of somebody else. */
static void walk_tells_every_link_where_inode_numbers_may_lie(void **state)
{
        static const struct {
                const char *name, *type, *data;
                size_t files;
        } rows[] = {
                {"a tmpfs", "tmpfs", NULL, 1},
                {"a ramfs, whose numbers wrap", "ramfs", NULL, 2},
                {"an overlay of one file system", "overlay",
                 "lowerdir=%s/same,upperdir=%s/up,workdir=%s/work", 1},
                {"an overlay that passes a layer's numbers on", "overlay",
                 "lowerdir=%s/lower,upperdir=%s/up,workdir=%s/work,xino=off", 2},
                {"an overlay that marks them", "overlay",
                 "lowerdir=%s/lower,upperdir=%s/up,workdir=%s/work,xino=on", 2},
        };

        (void)state;
        assert_int_equal(mkdir(path_of("lower"), 0700) | mkdir(path_of("same"), 0700) |
                                 mkdir(path_of("up"), 0700) | mkdir(path_of("work"), 0700),
                         0);
        put_mount("lower", "lower", "tmpfs", 0, NULL);
        put_dirs(place.tree, "v");
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *from = i < 2 ? "tree/v" : i == 2 ? "same" : "lower";
                pn_autofd fd = -1;
                char data[512] = "";

                print_message("%s\n", rows[i].name);
                if (i < 2)
                        put_mount("v", "tree/v", rows[i].type, 0, NULL);
                fd = open(path_of(from), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                assert_true(fd >= 0);
                (void)unlinkat(fd, "f", 0);
                (void)unlinkat(fd, "g", 0);
                put_file(fd, "f");
                assert_int_equal(linkat(fd, "f", fd, "g", 0), 0);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
                if (rows[i].data)
                        (void)snprintf(data, sizeof(data), rows[i].data, place.dir, place.dir, place.dir);
#pragma GCC diagnostic pop
                if (i >= 2)
                        put_mount("v", "tree/v", rows[i].type, 0, data);
                assert_int_equal(walk_tree(""), 0);
                whole(rows[i].files);
                pn_fd_cleanup(&fd);
                assert_int_equal(umount2(path_of("tree/v"), MNT_DETACH), 0);
        }
}

/* ---------------------------------------------------------------- what is rightly not looked at */

static void walk_notes_pseudo_file_systems_and_stays_out(void **state)
{
        struct pn_walk_id id;
        pn_autofd proc = -1;

        (void)state;
        put_dirs(place.tree, "proc");
        put_dirs(place.tree, "sys");
        put_file(place.tree, "version");
        put_file(place.tree, "a");
        put_mount("proc", "tree/proc", "proc", 0, NULL);
        put_mount("sysfs", "tree/sys", "sysfs", 0, NULL);
        put_mount("/proc/version", "tree/version", NULL, MS_BIND, NULL);
        proc = open(path_of("tree/proc"), O_PATH | O_CLOEXEC);
        assert_int_equal(pn_walk_identify(proc, &id, NULL, NULL), 0);
        assert_int_equal(walk_tree(""), 0);
        whole(1);
        assert_int_equal(told.notes, 3);
        assert_string_equal(find(told.note, told.notes, "proc")->text, "proc");
        assert_int_equal(find(told.note, told.notes, "proc")->mount, id.mount);
        assert_string_equal(find(told.note, told.notes, "sys")->text, "sysfs");
        assert_string_equal(find(told.note, told.notes, "version")->text, "proc");
        assert_int_equal(told.counts.directories, 1);
        assert_int_equal(walk_roots(&proc, (const char *const[]){"p"}, 1), 0); /* as a root, too */
        whole(0);
        assert_string_equal(told.note[0].text, "proc");
}

static void walk_notes_the_hosts_root_and_stays_out(void **state)
{
        pn_autofd host = open("/", O_PATH | O_CLOEXEC);

        (void)state;
        assert_int_equal(pn_walk_identify(host, &place.host_root, NULL, NULL), 0);
        put_dirs(place.tree, "host");
        put_file(place.tree, "a");
        put_mount("/", "tree/host", NULL, MS_BIND | MS_REC, NULL);
        assert_int_equal(walk_tree(""), 0);
        whole(1);
        assert_int_equal(told.notes, 1);
        assert_string_equal(find(told.note, told.notes, "host")->text, "the host's own root");
        assert_int_equal(told.counts.directories, 1);
}

static void walk_follows_no_link(void **state)
{
        static const char *const targets[] = {
                "../outside",     "../outside/secret", "/etc/passwd", "/",    "/proc/self/root",
                "/proc/self/exe", "/proc/self/fd/0",   ".",           "loop", "/nonexistent",
                "../../../../etc"};
        size_t count = sizeof(targets) / sizeof(targets[0]);

        (void)state;
        put_file(place.outside, "secret");
        for (size_t i = 0; i < count; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "l%zu", i);
                assert_int_equal(symlinkat(targets[i], place.tree, name), 0);
        }
        assert_int_equal(symlinkat("loop", place.tree, "loop"), 0);
        put_file(place.tree, "a");
        assert_int_equal(walk_tree(""), 0);
        whole(1);
        assert_int_equal(told.counts.links, count + 1);
        assert_int_equal(told.counts.directories, 1);
        assert_int_equal(told.notes, 0);
}

static void walk_never_opens_what_is_no_regular_file(void **state)
{
        int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC), opened = 0;
        char events[4096] __attribute__((aligned(8)));
        ssize_t n;

        (void)state;
        assert_int_equal(mkfifoat(place.tree, "fifo", 0600), 0);
        assert_int_equal(mknodat(place.tree, "socket", S_IFSOCK | 0600, 0), 0);
        assert_int_equal(mknodat(place.tree, "null", S_IFCHR | 0600, makedev(1, 3)), 0);
        assert_int_equal(mknodat(place.tree, "whiteout", S_IFCHR, makedev(0, 0)), 0);
        assert_int_equal(mknodat(place.tree, "disk", S_IFBLK | 0600, makedev(7, 200)), 0);
        put_file(place.tree, "regular");
        assert_true(inotify_add_watch(watch, path_of("tree"), IN_OPEN | IN_ACCESS) >= 0);
        assert_int_equal(walk_tree(""), 0);
        whole(1);
        assert_int_equal(told.counts.specials, 5);
        while ((n = read(watch, events, sizeof(events))) > 0) {
                for (ssize_t at = 0; at < n;) {
                        const struct inotify_event *event = (const struct inotify_event *)(events + at);

                        at += (ssize_t)(sizeof(*event) + event->len);
                        if (event->len == 0)
                                continue; /* the directory itself */
                        assert_string_equal(event->name, "regular");
                        opened++;
                }
        }
        assert_true(opened > 0); /* or the watch saw nothing at all */
        (void)close(watch);
}

/* ---------------------------------------------------------------- privilege */

/* Becomes uid 65534 with the capabilities of the walker, or with none; walks; is gone. */
static void walk_as_nobody(uint32_t caps, void (*check)(void))
{
        pid_t pid = fork();
        int status;

        assert_true(pid >= 0);
        if (pid == 0) {
                struct __user_cap_header_struct head = {_LINUX_CAPABILITY_VERSION_3, 0};
                struct __user_cap_data_struct data[2] = {{caps, caps, 0}, {0, 0, 0}};

                if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setresgid(65534, 65534, 65534) < 0 ||
                    setresuid(65534, 65534, 65534) < 0 || syscall(SYS_capset, &head, data) < 0 ||
                    prctl(PR_SET_DUMPABLE, 1) < 0)
                        _exit(2);
                if (walk_tree("") < 0)
                        _exit(3);
                check();
                _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static void all_told(void)
{
        if (told.issues != 0 || told.files != 2 || !told_file("closed") || !told_file("dir/inside"))
                _exit(4);
}

static void none_told(void)
{
        const struct one *file = find(told.issue, told.issues, "closed"),
                         *dir = find(told.issue, told.issues, "dir");

        if (told.files != 0 || told.issues != 2 || !file || !dir || file->cls != PN_ISSUE_CONTENT ||
            dir->cls != PN_ISSUE_CONTENT || !strstr(file->text, "Permission denied"))
                _exit(4);
}

static void walk_reads_what_nobody_may_with_one_capability(void **state)
{
        pn_autofd dir = put_dir(place.tree, "dir");

        (void)state;
        put_file(place.tree, "closed");
        put_file(dir, "inside");
        assert_int_equal(fchmodat(place.tree, "closed", 0, 0) | fchmod(dir, 0), 0);
        walk_as_nobody(1U << CAP_DAC_READ_SEARCH, all_told);
}

static void walk_says_what_it_may_not_read(void **state)
{
        pn_autofd dir = put_dir(place.tree, "dir");

        (void)state;
        put_file(place.tree, "closed");
        put_file(dir, "inside");
        assert_int_equal(fchmodat(place.tree, "closed", 0, 0) | fchmod(dir, 0), 0);
        walk_as_nobody(0, none_told);
}

static void stopped_told(void)
{
        if (told.issues != PN_WALK_ISSUES_MAX + 1 || told.files != 0 ||
            strcmp(told.issue[PN_WALK_ISSUES_MAX].text, "too many unreadable files: the walk ended") != 0)
                _exit(4);
}

static void walk_ends_after_too_many_issues(void **state)
{
        (void)state;
        for (unsigned i = 0; i < PN_WALK_ISSUES_MAX + 100; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "f%u", i);
                put_file(place.tree, name);
                assert_int_equal(fchmodat(place.tree, name, 0, 0), 0);
        }
        walk_as_nobody(0, stopped_told);
}

#define PLACED(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
        const struct CMUnitTest tests[] = {
                PLACED(walk_tells_every_file_once_with_its_size),
                PLACED(walk_puts_the_label_before_every_path),
                PLACED(walk_of_a_single_file_tells_its_label),
                PLACED(walk_reaches_every_file_of_a_wide_tree),
                PLACED(walk_goes_deeper_than_paths_can_say),
                PLACED(walk_comes_back_to_directories_it_had_to_close),
                PLACED(walk_tells_names_as_they_are),
                PLACED(walk_cuts_a_path_over_the_ceiling_and_says_so),
                PLACED(walk_tells_hard_links_once),
                PLACED(walk_ends_in_a_tree_that_is_bound_into_itself),
                PLACED(walk_tells_every_link_where_inode_numbers_may_lie),
                PLACED(walk_notes_pseudo_file_systems_and_stays_out),
                PLACED(walk_notes_the_hosts_root_and_stays_out),
                PLACED(walk_follows_no_link),
                PLACED(walk_never_opens_what_is_no_regular_file),
                PLACED(walk_reads_what_nobody_may_with_one_capability),
                PLACED(walk_says_what_it_may_not_read),
                PLACED(walk_ends_after_too_many_issues),
        };

        return cmocka_run_group_tests(tests, place_group, NULL);
}
