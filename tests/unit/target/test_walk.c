/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/target/told.h"

#include <linux/capability.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>

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
        assert_int_equal(walk_roots((int[]){file, fifo}, (const char *const[]){"etc/hosts", "run/pipe"}, 2), 0);
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

/* A chain of `levels` directories "d", each with a file "f" in it; returns the last one. */
static int put_chain(unsigned levels)
{
        int at = dup(place.tree);

        for (unsigned i = 0; i < levels; i++) {
                int next = put_dir(at, "d");

                (void)close(at);
                at = next;
                if (i % 100 == 0 || i + 1 == levels)
                        put_file(at, "f");
        }
        return at;
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
        static const char *const names[] = {"new\nline", "\033]0;x\007", "\xff\xfe", " ", "-rf", "%n%s", "...", "\\", "a\tb"};
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

                assert_true(fits != told.file[i].cut);
                assert_int_equal(told.file[i].len, fits ? PN_PATH_BYTES_MAX : PN_PATH_BYTES_MAX - 3);
        }
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
        pn_autofd loop = put_dir(place.tree, "loop");

        (void)state;
        put_file(place.tree, "a");
        put_dirs(loop, "b");
        for (int i = 0; i < 6; i++) /* each doubles what is below */
                put_mount(path_of("tree"), i % 2 ? "tree/loop" : "tree/loop/b", NULL, MS_BIND | MS_REC, NULL);
        assert_int_equal(walk_tree(""), 0);
        whole(1);
        assert_true(told.counts.directories > 10);
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
                {"an overlay of one file system", "overlay", "lowerdir=%s/same,upperdir=%s/up,workdir=%s/work", 1},
                {"an overlay that passes a layer's numbers on", "overlay",
                 "lowerdir=%s/lower,upperdir=%s/up,workdir=%s/work,xino=off", 2},
                {"an overlay that marks them", "overlay", "lowerdir=%s/lower,upperdir=%s/up,workdir=%s/work,xino=on",
                 2},
        };

        (void)state;
        assert_int_equal(mkdir(path_of("lower"), 0700) | mkdir(path_of("same"), 0700) | mkdir(path_of("up"), 0700) |
                                 mkdir(path_of("work"), 0700),
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
        static const char *const targets[] = {"../outside",      "../outside/secret",  "/etc/passwd",         "/",
                                              "/proc/self/root", "/proc/self/exe",     "/proc/self/fd/0",     ".",
                                              "loop",            "/nonexistent",       "../../../../etc"};
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
        const struct one *file = find(told.issue, told.issues, "closed"), *dir = find(told.issue, told.issues, "dir");

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

/* ---------------------------------------------------------------- somebody else at work meanwhile */

static void swap_for_link(const char *path)
{
        if (strcmp(path, "trigger") != 0)
                return;
        assert_int_equal(renameat(place.tree, "dir", place.outside, "was"), 0);
        assert_int_equal(symlinkat("../outside", place.tree, "dir"), 0);
}

static void swap_for_file(const char *path)
{
        if (strcmp(path, "trigger") != 0)
                return;
        assert_int_equal(renameat(place.tree, "dir", place.outside, "was"), 0);
        put_file(place.tree, "dir");
}

static void remove_dir(const char *path)
{
        if (strcmp(path, "trigger") == 0)
                assert_int_equal(unlinkat(place.tree, "dir", AT_REMOVEDIR), 0);
}

static const struct swap {
        const char *name;
        void (*act)(const char *path);
        const char *words;
} swaps[] = {
        {"for a link", swap_for_link, "a directory was replaced during the scan"},
        {"for a file", swap_for_file, "a directory was replaced during the scan"},
        {"removed", remove_dir, "open: No such file or directory"},
};

static void walk_tells_a_directory_that_was_swapped(void **state)
{
        (void)state;
        put_file(place.outside, "secret");
        put_file(place.tree, "trigger");
        for (size_t i = 0; i < sizeof(swaps) / sizeof(swaps[0]); i++) {
                print_message("%s\n", swaps[i].name);
                put_dirs(place.tree, "dir");
                told.on_file = swaps[i].act;
                assert_int_equal(walk_tree(""), 0);
                assert_int_equal(told.files, 1);
                assert_int_equal(told.issues, 1);
                assert_int_equal(told.issue[0].cls, PN_ISSUE_CONTENT);
                assert_string_equal(told.issue[0].text, swaps[i].words);
                assert_string_equal(told.issue[0].path, "dir");
                (void)unlinkat(place.tree, "dir", 0);
                (void)unlinkat(place.outside, "was", AT_REMOVEDIR);
        }
}

static unsigned removed;

static void remove_all(const char *path)
{
        const char *dir = strncmp(path, "v/", 2) == 0 ? "v/" : "";

        for (unsigned i = 0; i < 20; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "%sf%u", dir, i);
                removed += unlinkat(place.tree, name, 0) == 0;
        }
}

/* In the image's own tree nobody else can remove a file, so that one that is gone is told; in a volume others may. */
static void walk_tells_files_that_go_while_it_looks(void **state)
{
        char name[16];

        (void)state;
        for (unsigned volume = 0; volume < 2; volume++) {
                if (volume) {
                        put_dirs(place.tree, "v");
                        put_mount("v", "tree/v", "tmpfs", 0, NULL);
                }
                for (unsigned i = 0; i < 20; i++) {
                        (void)snprintf(name, sizeof(name), "%sf%u", volume ? "v/" : "", i);
                        put_file(place.tree, name);
                }
                removed = 0;
                told.on_file = remove_all;
                assert_int_equal(walk_tree(""), 0);
                assert_int_equal(removed, 20);
                assert_int_equal(told.files, 1);
                assert_int_equal(told.issues, volume ? 0 : 19);
                assert_int_equal(told.notes, volume ? 19 : 0);
                assert_string_equal(volume ? told.note[0].text : told.issue[0].text,
                                    volume ? "removed during the scan" : "open: No such file or directory");
                assert_int_equal(told.counts.files, 1);
        }
}

static void move_chain(const char *path)
{
        if (strcmp(path, "trigger") != 0 && strstr(path, "leaf"))
                assert_int_equal(renameat(place.tree, "d/d/d", place.outside, "d"), 0);
}

/* Whoever moves a directory while the walk is below it would lead it out by "..". */
static void walk_ends_when_a_directory_was_moved_out(void **state)
{
        pn_autofd last = put_chain(PN_WALK_FDS_MAX + 20);
        pn_autofd side = put_dir(place.outside, "aside");

        (void)state;
        put_file(side, "secret");
        put_file(place.outside, "secret");
        put_file(last, "leaf");
        told.on_file = move_chain;
        assert_int_equal(walk_tree(""), 0);
        assert_int_equal(told.issues, 1);
        assert_int_equal(told.issue[0].cls, PN_ISSUE_CONTENT);
        assert_string_equal(told.issue[0].text, "a directory was moved during the scan");
        assert_string_equal(told.issue[0].path, "d/d");
        for (size_t i = 0; i < told.files; i++)
                assert_null(strstr(told.file[i].path, "secret"));
        assert_int_equal(walk_roots((int[]){place.tree, place.tree}, (const char *const[]){"", "2"}, 2), 0);
}

static atomic_bool racing;

/* Directory, link to the outside, directory, ...: as fast as it goes. */
static void *race(void *arg)
{
        (void)arg;
        while (atomic_load(&racing)) {
                (void)renameat2(place.tree, "dir", place.tree, "link", RENAME_EXCHANGE);
                (void)renameat2(place.tree, "file", place.tree, "out", RENAME_EXCHANGE);
        }
        return NULL;
}

static void walk_never_leaves_a_tree_that_is_swapped_under_it(void **state)
{
        struct timespec now, end;
        pn_autofd dir = put_dir(place.tree, "dir");
        uint64_t secret;
        pthread_t thread;
        struct stat st;

        (void)state;
        put_file(dir, "inside");
        put_file(place.tree, "file");
        put_file(place.outside, "secret");
        assert_int_equal(fstatat(place.outside, "secret", &st, 0), 0);
        secret = st.st_ino;
        assert_int_equal(symlinkat("../outside", place.tree, "link"), 0);
        assert_int_equal(symlinkat("../outside/secret", place.tree, "out"), 0);
        atomic_store(&racing, true);
        assert_int_equal(pthread_create(&thread, NULL, race, NULL), 0);
        assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &end), 0);
        end.tv_nsec += 400000000;
        do {
                assert_int_equal(walk_tree(""), 0);
                assert_true(told.files <= 4);
                for (size_t i = 0; i < told.files; i++)
                        assert_true(told.file[i].ino != secret);
                assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
        } while (now.tv_sec * 1000000000 + now.tv_nsec < end.tv_sec * 1000000000 + end.tv_nsec);
        atomic_store(&racing, false);
        assert_int_equal(pthread_join(thread, NULL), 0);
}

/* ---------------------------------------------------------------- limits */

static void put_limited_tree(void)
{
        pn_autofd a = put_dir(place.tree, "a");
        pn_autofd b = put_dir(a, "b");
        pn_autofd c = put_dir(b, "c");

        put_file(place.tree, "f1");
        put_file(a, "f2");
        put_file(b, "f3");
        put_file(c, "f4");
        assert_int_equal(symlinkat("x", place.tree, "l1") | symlinkat("x", place.tree, "l2"), 0);
}

static const struct limit {
        const char *name;
        struct pn_limits limits;
        const char *words; /* NULL: is not reached */
} limits[] = {
        {"just enough", {.files = 4, .directories = 4, .depth = 4}, NULL},
        {"files", {.files = 3, .directories = 4, .depth = 4}, "limits.files (3) reached"},
        {"links count as well", {.files = 1, .directories = 4, .depth = 4}, "limits.files (1) reached"},
        {"no file", {.files = 0, .directories = 4, .depth = 4}, "limits.files (0) reached"},
        {"directories", {.files = 4, .directories = 3, .depth = 4}, "limits.directories (3) reached"},
        {"no directory", {.files = 4, .directories = 0, .depth = 4}, "limits.directories (0) reached"},
        {"depth", {.files = 4, .directories = 4, .depth = 2}, "limits.depth (2) reached"},
};

static void walk_stops_at_each_limit_and_says_which(void **state)
{
        (void)state;
        put_limited_tree();
        for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
                const int roots[] = {place.tree, place.tree};

                print_message("%s\n", limits[i].name);
                place.limits = limits[i].limits;
                if (!limits[i].words) {
                        assert_int_equal(walk_tree(""), 0);
                        whole(4);
                        continue;
                }
                assert_int_equal(walk_roots(roots, (const char *const[]){"", "again"}, 2), 0);
                assert_int_equal(told.issues, 1); /* once, and no second root is begun */
                assert_int_equal(told.issue[0].cls, PN_ISSUE_LIMIT);
                assert_string_equal(told.issue[0].text, limits[i].words);
                assert_true(told.files <= place.limits.files);
                assert_true(told.counts.directories <= place.limits.directories);
                assert_int_equal(told.counts.files, told.files);
        }
}

static void remove_many(const char *path)
{
        (void)path;
        for (unsigned i = 0; i < PN_WALK_ISSUES_MAX + 100; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "d%u", i);
                assert_int_equal(unlinkat(place.tree, name, AT_REMOVEDIR), 0);
        }
}

static void walk_ends_after_too_many_issues(void **state)
{
        (void)state;
        for (unsigned i = 0; i < PN_WALK_ISSUES_MAX + 100; i++) {
                char name[16];

                (void)snprintf(name, sizeof(name), "d%u", i);
                assert_int_equal(mkdirat(place.tree, name, 0700), 0);
        }
        put_file(place.tree, "trigger");
        told.on_file = remove_many;
        assert_int_equal(walk_tree(""), 0);
        assert_int_equal(told.issues, PN_WALK_ISSUES_MAX + 1);
        assert_string_equal(told.issue[PN_WALK_ISSUES_MAX].text, "too many unreadable files: the walk ended");
}

static void walk_gives_up_without_descriptors(void **state)
{
        struct rlimit before, few;
        pn_autofd sub = put_dir(place.tree, "sub");
        unsigned refused = 0;

        (void)state;
        put_file(sub, "f");
        put_file(place.tree, "g");
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        /* one more each time, from too few for the walk's first step to enough for all */
        for (rlim_t more = 1; more < 12; more++) {
                const struct pn_walk_sink sink = {&told, tell_file, tell_note, tell_issue};
                pn_autofd fds = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
                struct pn_walk *walk;
                int ret;

                told_clear();
                assert_int_equal(pn_walk_new(&place.limits, fds, place.host_root, &sink, &walk, &told.err), 0);
                few = (struct rlimit){(rlim_t)fds + more, before.rlim_max};
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
                ret = pn_walk_run(walk, place.tree, "", &told.err);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
                (void)pn_walk_free(walk);
                refused += ret < 0;
                assert_int_equal(told.issues, 0);
                assert_int_equal(told.err.fault, ret < 0 ? PN_FAULT_HOST : PN_FAULT_NONE);
                assert_int_equal(told.err.code, ret < 0 ? EMFILE : 0);
                assert_true(ret < 0 || told.files == 2);
        }
        assert_true(refused >= 3 && refused < 10);
}

static void walk_ends_when_nobody_listens(void **state)
{
        (void)state;
        put_file(place.tree, "a");
        put_file(place.tree, "b");
        told.file_ret = -1;
        assert_int_equal(walk_tree(""), -1);
        assert_int_equal(told.files, 1);
        assert_string_equal(told.err.text, "nobody listens: Broken pipe");
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
                PLACED(walk_tells_a_directory_that_was_swapped),
                PLACED(walk_tells_files_that_go_while_it_looks),
                PLACED(walk_ends_when_a_directory_was_moved_out),
                PLACED(walk_never_leaves_a_tree_that_is_swapped_under_it),
                PLACED(walk_stops_at_each_limit_and_says_which),
                PLACED(walk_ends_after_too_many_issues),
                PLACED(walk_gives_up_without_descriptors),
                PLACED(walk_ends_when_nobody_listens),
        };

        return cmocka_run_group_tests(tests, place_group, NULL);
}
