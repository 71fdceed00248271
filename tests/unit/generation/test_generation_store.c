/* SPDX-License-Identifier: Apache-2.0 */
/* Storing: what stands on the disk afterwards, and what stands there when it fails. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "tests/unit/generation/stage.h"

static unsigned names_in(struct stage *stage, const char *prefix)
{
        DIR *dir = opendir(at(stage, "state/rules"));
        struct dirent *entry;
        unsigned count = 0;

        assert_non_null(dir);
        while ((entry = readdir(dir)) != NULL)
                count += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
        (void)closedir(dir);
        return count;
}

static void expect_link(struct stage *stage, const char *link, const char *want)
{
        char target[64] = "";

        assert_true(readlink(in_rules(stage, link), target, sizeof(target) - 1) > 0);
        assert_string_equal(want, target);
}

static void what_is_stored_is_opened(void **state)
{
        struct stage *stage = *state;
        struct pn_generation in_use;
        struct pn_err err;

        must_store(stage, 3, "g-000001");
        assert_int_equal(1, open_in_use(stage, &in_use, &err));
        assert_int_equal(PN_FAULT_NONE, err.fault);
        assert_int_equal(3, tag_of(&in_use));
        assert_string_equal("g-000001", in_use.name);
        assert_string_equal("4.2.3", in_use.libyara);
        assert_string_equal("5.4.0", in_use.hyperscan);
        assert_int_equal(1774958403, in_use.made_s);
        assert_int_equal(77, in_use.part[PN_PART_EXACT].head_bytes);
        assert_int_equal(0x99, in_use.part[PN_PART_EXACT].head_sha256[31]);
        assert_int_equal(0x10 + PN_PART_DENY, in_use.part[PN_PART_DENY].sha256[0]);
        assert_false(in_use.stale);
        pn_generation_close(&in_use);
}

static void a_generation_may_do_without_the_one_filter(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;
        struct pn_generation in_use;
        struct pn_err err = PN_ERR_INIT;
        char name[32];

        new_fill(stage, 1, &new);
        (void)close(new.part[PN_PART_FILTER_HS].fd);
        new.part[PN_PART_FILTER_HS].fd = -1;
        new.hyperscan = NULL;
        assert_int_equal(0, pn_generation_store(stage->state, &new, name, &err));
        assert_int_equal(1, open_in_use(stage, &in_use, &err));
        assert_int_equal(-1, in_use.part[PN_PART_FILTER_HS].fd);
        assert_string_equal("", in_use.hyperscan);
        pn_generation_close(&in_use);
        new_free(&new);
}

static void the_newest_three_stay(void **state)
{
        struct stage *stage = *state;
        char want[32];

        for (unsigned i = 1; i <= 6; i++) {
                (void)snprintf(want, sizeof(want), "g-%06u", i);
                must_store(stage, i, want);
                assert_int_equal(i < PN_GENERATIONS_KEPT ? i : PN_GENERATIONS_KEPT, names_in(stage, "g-"));
        }
        expect_link(stage, "current", "g-000006");
        expect_link(stage, "previous", "g-000005");
        assert_int_equal(0, access(in_rules(stage, "g-000004"), F_OK));
        assert_int_equal(0, names_in(stage, ".new"));
}

/* Somebody went back to an older one by hand: it is the last good one and stays. */
static void the_one_that_was_in_use_stays(void **state)
{
        struct stage *stage = *state;

        for (unsigned i = 1; i <= 3; i++)
                must_store(stage, i, i == 1 ? "g-000001" : i == 2 ? "g-000002" : "g-000003");
        assert_int_equal(0, unlink(at(stage, "state/rules/current")));
        assert_int_equal(0, symlink("g-000001", at(stage, "state/rules/current")));
        must_store(stage, 4, "g-000004");
        expect_link(stage, "previous", "g-000001");
        assert_int_equal(3, names_in(stage, "g-"));
        assert_int_equal(0, access(in_rules(stage, "g-000001"), F_OK));
        assert_int_equal(0, access(in_rules(stage, "g-000003"), F_OK));
}

static void leftovers_of_a_killed_writer_are_removed(void **state)
{
        struct stage *stage = *state;

        must_store(stage, 1, "g-000001");
        assert_int_equal(0, mkdir(in_rules(stage, ".new-generation"), 0700));
        write_text(in_rules(stage, ".new-generation/rules.pack"), "half");
        assert_int_equal(0, symlink("g-000009", in_rules(stage, ".new-link")));
        assert_int_equal(0, mkdir(in_rules(stage, ".new-g-000000"), 0700));
        must_store(stage, 2, "g-000002");
        assert_int_equal(0, names_in(stage, ".new"));
}

static void a_number_is_never_used_again(void **state)
{
        struct stage *stage = *state;

        must_store(stage, 1, "g-000001");
        assert_int_equal(0, unlink(at(stage, "state/rules/current")));
        assert_int_equal(0, symlink("g-000041", at(stage, "state/rules/current"))); /* dangling */
        must_store(stage, 2, "g-000042");
        assert_int_equal(0, mkdir(in_rules(stage, "g-1234567"), 0700));
        must_store(stage, 3, "g-1234568");
}

static void names_that_are_not_exact_do_not_count(void **state)
{
        static const char *const others[] = {"g-7",      "g-0000007", "g-00000a",
                                             "g-",       "x-000009",  "g-000009~",
                                             "G-000009", "g-+00009",  "g-0000000000000009"};
        struct stage *stage = *state;

        must_store(stage, 1, "g-000001");
        for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
                assert_int_equal(0, mkdir(in_rules(stage, others[i]), 0700));
        must_store(stage, 2, "g-000002");
        assert_int_equal(0, access(in_rules(stage, "g-7"), F_OK)); /* not ours to remove */
}

/* ---------------------------------------------------------------- refusals */

/* After a store that failed: the first one is in use, as if nothing had been tried. */
static void expect_first(struct stage *stage)
{
        struct pn_generation in_use;
        struct pn_err err;

        assert_int_equal(1, open_in_use(stage, &in_use, &err));
        assert_int_equal(PN_FAULT_NONE, err.fault);
        assert_int_equal(1, tag_of(&in_use));
        pn_generation_close(&in_use);
}

static void expect_refusal(struct stage *stage, const struct pn_generation_new *new, enum pn_fault fault,
                           const char *text)
{
        struct pn_err err = PN_ERR_INIT;
        char name[32] = "untouched";

        assert_int_equal(-1, pn_generation_store(stage->state, new, name, &err));
        if (!strstr(err.text, text) || err.fault != fault)
                fail_msg("%s: %s", pn_fault_name(err.fault), err.text);
        assert_string_equal("untouched", name);
}

static void a_part_that_ends_early_is_refused(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;

        must_store(stage, 1, "g-000001");
        new_fill(stage, 2, &new);
        new.part[PN_PART_EXACT].bytes++;
        expect_refusal(stage, &new, PN_FAULT_HOST, "`exact.store` ends after 200000 of 200001 bytes");
        assert_int_equal(0, names_in(stage, ".new"));
        assert_int_equal(1, names_in(stage, "g-"));
        expect_first(stage);
        new_free(&new);
}

static void a_generation_without_a_part_is_refused(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;

        must_store(stage, 1, "g-000001");
        new_fill(stage, 2, &new);
        (void)close(new.part[PN_PART_PACK].fd);
        new.part[PN_PART_PACK].fd = -1;
        expect_refusal(stage, &new, PN_FAULT_BUG, "without `rules.pack`");
        expect_first(stage);
        new_free(&new);
}

static void a_manifest_that_no_reader_takes_is_not_stored(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;

        must_store(stage, 1, "g-000001");
        new_fill(stage, 2, &new);
        new.libyara = "a version of many more characters than there is room for";
        expect_refusal(stage, &new, PN_FAULT_BUG, "libyara: must be");
        new.libyara = "4.2.3";
        new.part[PN_PART_EXACT].head_bytes = PART_BYTES + 1;
        expect_refusal(stage, &new, PN_FAULT_BUG, "parts.exact.store.head: must be");
        expect_first(stage);
        new_free(&new);
}

static void the_directory_must_be_ours_alone(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;

        new_fill(stage, 2, &new);
        must_store(stage, 1, "g-000001");
        assert_int_equal(0, chmod(at(stage, "state/rules"), 0770));
        expect_refusal(stage, &new, PN_FAULT_CONFIG, "`rules` can be written by group or others (mode 0770)");
        assert_int_equal(0, chmod(at(stage, "state/rules"), 0700));
        assert_int_equal(0, chmod(at(stage, "state"), 01777));
        expect_refusal(stage, &new, PN_FAULT_CONFIG, "/state` can be written by group or others (mode 1777)");
        assert_int_equal(0, chmod(at(stage, "state"), 0700));
        assert_int_equal(0, chown(at(stage, "state/rules"), STRANGER, 0));
        expect_refusal(stage, &new, PN_FAULT_CONFIG, "`rules` is not owned by root (uid 65534)");
        assert_int_equal(0, chown(at(stage, "state/rules"), geteuid(), 0));
        expect_first(stage);
        new_free(&new);
}

static void a_link_in_the_place_of_the_directory_is_not_followed(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;

        new_fill(stage, 2, &new);
        assert_int_equal(0, mkdir(at(stage, "state"), 0700));
        assert_int_equal(0, mkdir(at(stage, "elsewhere"), 0700));
        assert_int_equal(0, symlink("../elsewhere", at(stage, "state/rules")));
        expect_refusal(stage, &new, PN_FAULT_CONFIG, "open directory `rules`");
        assert_int_equal(0, rmdir(at(stage, "elsewhere"))); /* nothing went there */
        new_free(&new);
}

static void a_link_in_the_place_of_the_lock_is_not_followed(void **state)
{
        struct stage *stage = *state;
        struct pn_generation_new new;

        must_store(stage, 1, "g-000001");
        new_fill(stage, 2, &new);
        assert_int_equal(0, unlink(at(stage, "state/rules/lock")));
        assert_int_equal(0, symlink("g-000001/manifest.json", at(stage, "state/rules/lock")));
        expect_refusal(stage, &new, PN_FAULT_HOST, "open `lock`");
        expect_first(stage);
        new_free(&new);
}

/* ---------------------------------------------------------------- file systems that say no */

/* A file system of its own at `state`, seen by this process alone. */
static void mount_state(struct stage *stage, const char *options)
{
        static bool apart;

        if (!apart && (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
                fail_msg("a mount namespace: %s", strerror(errno));
        apart = true;
        assert_int_equal(0, mkdir(at(stage, "state"), 0700));
        if (mount("none", stage->state, "tmpfs", 0, options) < 0)
                fail_msg("tmpfs: %s", strerror(errno));
}

static void unmount_state(struct stage *stage)
{
        assert_int_equal(0, umount(stage->state));
}

static void expect_errno(struct stage *stage, int code)
{
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(-1, store(stage, 2, NULL, &err));
        assert_int_equal(PN_FAULT_HOST, err.fault);
        if (err.code != code)
                fail_msg("%s", err.text);
        assert_int_equal(1, names_in(stage, "g-"));
        expect_first(stage);
}

/* One generation fits and a second one does not, wherever the end comes: in any part, in the manifest. */
static void a_full_disk_leaves_the_old_one(void **state)
{
        static const char *const sizes[] = {"1300k", "1320k", "1500k", "1800k", "2100k", "2350k", "2356k"};
        struct stage *stage = *state;

        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                char options[64];

                (void)snprintf(options, sizeof(options), "mode=0700,size=%s", sizes[i]);
                mount_state(stage, options);
                must_store(stage, 1, "g-000001");
                expect_errno(stage, ENOSPC);
                assert_int_equal(0, names_in(stage, ".new"));
                unmount_state(stage);
                assert_int_equal(0, rmdir(stage->state));
        }
}

/* The names run out instead of the bytes: directory, parts, manifest, links. */
static void a_disk_without_free_names_leaves_the_old_one(void **state)
{
        struct stage *stage = *state;
        bool stored = false;

        for (unsigned inodes = 14; !stored; inodes++) {
                char options[64], name[32] = "";
                struct pn_err err = PN_ERR_INIT;

                assert_true(inodes < 40);
                (void)snprintf(options, sizeof(options), "mode=0700,nr_inodes=%u", inodes);
                mount_state(stage, options);
                must_store(stage, 1, "g-000001");
                stored = store(stage, 2, name, &err) == 0;
                if (!stored) {
                        assert_int_equal(ENOSPC, err.code);
                        assert_int_equal(0, names_in(stage, ".new"));
                        expect_first(stage);
                }
                unmount_state(stage);
                assert_int_equal(0, rmdir(stage->state));
        }
}

static void a_read_only_disk_leaves_the_old_one(void **state)
{
        struct stage *stage = *state;

        mount_state(stage, "mode=0700");
        must_store(stage, 1, "g-000001");
        assert_int_equal(0, mount(NULL, stage->state, NULL, MS_REMOUNT | MS_RDONLY, NULL));
        expect_errno(stage, EROFS);
        unmount_state(stage);
}

int main(void)
{
#define ON_STAGE(f) cmocka_unit_test_setup_teardown(f, stage_new, stage_free)
        static const struct CMUnitTest tests[] = {
                ON_STAGE(what_is_stored_is_opened),
                ON_STAGE(a_generation_may_do_without_the_one_filter),
                ON_STAGE(the_newest_three_stay),
                ON_STAGE(the_one_that_was_in_use_stays),
                ON_STAGE(leftovers_of_a_killed_writer_are_removed),
                ON_STAGE(a_number_is_never_used_again),
                ON_STAGE(names_that_are_not_exact_do_not_count),
                ON_STAGE(a_part_that_ends_early_is_refused),
                ON_STAGE(a_generation_without_a_part_is_refused),
                ON_STAGE(a_manifest_that_no_reader_takes_is_not_stored),
                ON_STAGE(the_directory_must_be_ours_alone),
                ON_STAGE(a_link_in_the_place_of_the_directory_is_not_followed),
                ON_STAGE(a_link_in_the_place_of_the_lock_is_not_followed),
                ON_STAGE(a_full_disk_leaves_the_old_one),
                ON_STAGE(a_disk_without_free_names_leaves_the_old_one),
                ON_STAGE(a_read_only_disk_leaves_the_old_one),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
