/* SPDX-License-Identifier: Apache-2.0 */
/* The walk while somebody else is at work in the tree, and what makes it stop. */

#include "tests/unit/target/told.h"

#include <pthread.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <time.h>

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

/* In the image's own tree nobody else can remove a file, so that one that is gone is told; in a volume others
 * may. */
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
                assert_true(told.counts.directories <= place.limits.depth); /* they are one below the other */
                assert_int_equal(told.counts.files, told.files);
        }
}

/* Or a tree of links alone would keep the walk busy for ever. */
static void walk_stops_at_as_many_links_or_special_files_as_files(void **state)
{
        (void)state;
        place.limits.files = 2;
        for (int special = 0; special < 2; special++) {
                pn_autofd dir = put_dir(place.tree, special ? "specials" : "links");

                for (char name[] = "0"; name[0] < '3'; name[0]++) {
                        if (name[0] == '2') { /* two are just enough */
                                assert_int_equal(walk_roots(&dir, (const char *const[]){""}, 1), 0);
                                whole(0);
                        }
                        assert_int_equal(special ? mkfifoat(dir, name, 0600) : symlinkat("x", dir, name), 0);
                }
                assert_int_equal(walk_roots(&dir, (const char *const[]){""}, 1), 0);
                assert_int_equal(told.issues, 1);
                assert_string_equal(told.issue[0].text, "limits.files (2) reached");
        }
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
                assert_int_equal(pn_walk_new(&place.limits, fds, place.host_root, &sink, &walk, &told.err),
                                 0);
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
                PLACED(walk_tells_a_directory_that_was_swapped),
                PLACED(walk_tells_files_that_go_while_it_looks),
                PLACED(walk_ends_when_a_directory_was_moved_out),
                PLACED(walk_never_leaves_a_tree_that_is_swapped_under_it),
                PLACED(walk_stops_at_each_limit_and_says_which),
                PLACED(walk_stops_at_as_many_links_or_special_files_as_files),
                PLACED(walk_gives_up_without_descriptors),
                PLACED(walk_ends_when_nobody_listens),
        };

        return cmocka_run_group_tests(tests, place_group, NULL);
}
