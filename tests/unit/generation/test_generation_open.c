/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: which generation is used, and what makes one unusable. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/generation/stage.h"

/* ---------------------------------------------------------------- damage to the newest one, g-000002 */

static void remove_name(struct stage *stage, const char *name)
{
        assert_int_equal(0, unlink(in_rules(stage, name)));
}

static void set_size(struct stage *stage, const char *name, off_t bytes)
{
        assert_int_equal(0, truncate(in_rules(stage, name), bytes));
}

static void set_mode(struct stage *stage, const char *name, mode_t mode)
{
        assert_int_equal(0, chmod(in_rules(stage, name), mode));
}

static void set_owner(struct stage *stage, const char *name)
{
        assert_int_equal(0, lchown(in_rules(stage, name), STRANGER, 0));
}

static void set_link(struct stage *stage, const char *name, const char *target)
{
        (void)remove(in_rules(stage, name));
        assert_int_equal(0, symlink(target, in_rules(stage, name)));
}

/* Replaces the first `from` of the manifest by `to`. */
static void edit(struct stage *stage, const char *from, const char *to)
{
        const char *path = in_rules(stage, "g-000002/manifest.json");
        pn_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
        pn_autofree char *text = NULL;
        char *edited = NULL, *found;
        size_t len = 0;

        assert_true(fd >= 0);
        assert_int_equal(0, pn_fd_read_all(fd, 1 << 20, &text, &len));
        found = strstr(text, from);
        assert_non_null(found);
        assert_true(asprintf(&edited, "%.*s%s%s", (int)(found - text), text, to, found + strlen(from)) > 0);
        write_text(path, edited);
        free(edited);
}

static void pack_missing(struct stage *stage)
{
        remove_name(stage, "g-000002/rules.pack");
}

static void report_missing(struct stage *stage)
{
        remove_name(stage, "g-000002/report.json");
}

static void promised_filter_missing(struct stage *stage)
{
        remove_name(stage, "g-000002/filter.hs");
}

static void part_cut(struct stage *stage)
{
        set_size(stage, "g-000002/exact.store", PART_BYTES - 1);
}

static void part_longer(struct stage *stage)
{
        set_size(stage, "g-000002/filter.gram", PART_BYTES + 1);
}

static void part_empty(struct stage *stage)
{
        set_size(stage, "g-000002/deny.tsv", 0);
}

static void part_of_a_stranger(struct stage *stage)
{
        set_owner(stage, "g-000002/rules.pack");
}

static void part_for_the_group(struct stage *stage)
{
        set_mode(stage, "g-000002/rules.pack", 0660);
}

static void part_is_a_link(struct stage *stage)
{
        set_link(stage, "g-000002/rules.pack", "../g-000001/rules.pack");
}

static void part_is_a_directory(struct stage *stage)
{
        remove_name(stage, "g-000002/rules.pack");
        assert_int_equal(0, mkdir(in_rules(stage, "g-000002/rules.pack"), 0700));
}

static void manifest_missing(struct stage *stage)
{
        remove_name(stage, "g-000002/manifest.json");
}

static void manifest_cut(struct stage *stage)
{
        set_size(stage, "g-000002/manifest.json", 100);
}

static void manifest_empty(struct stage *stage)
{
        set_size(stage, "g-000002/manifest.json", 0);
}

static void manifest_too_large(struct stage *stage)
{
        set_size(stage, "g-000002/manifest.json", (off_t)PN_MANIFEST_BYTES_MAX + 1);
}

static void manifest_for_others(struct stage *stage)
{
        set_mode(stage, "g-000002/manifest.json", 0606);
}

static void manifest_is_a_link(struct stage *stage)
{
        set_link(stage, "g-000002/manifest.json", "../g-000001/manifest.json");
}

static void another_schema(struct stage *stage)
{
        edit(stage, "\"schema\":1", "\"schema\":2,\"later\":true");
}

static void another_postern(struct stage *stage)
{
        edit(stage, "\"postern\":\"" PN_VERSION "\"", "\"postern\":\"9.8.7\"");
}

static void another_name(struct stage *stage)
{
        edit(stage, "\"name\":\"g-000002\"", "\"name\":\"g-000001\"");
}

static void directory_of_a_stranger(struct stage *stage)
{
        set_owner(stage, "g-000002");
}

static void directory_for_others(struct stage *stage)
{
        set_mode(stage, "g-000002", 01777);
}

static void directory_is_a_link(struct stage *stage)
{
        char to[128];

        (void)snprintf(to, sizeof(to), "%s", at(stage, "moved"));
        assert_int_equal(0, rename(in_rules(stage, "g-000002"), to));
        set_link(stage, "g-000002", "../../moved");
}

static void directory_missing(struct stage *stage)
{
        set_link(stage, "current", "g-000077");
}

static void current_of_a_stranger(struct stage *stage)
{
        set_owner(stage, "current");
}

static void current_points_out(struct stage *stage)
{
        set_link(stage, "current", "../../rules.d");
}

static void current_points_through(struct stage *stage)
{
        set_link(stage, "current", "./g-000002");
}

static void current_is_a_file(struct stage *stage)
{
        remove_name(stage, "current");
        write_text(in_rules(stage, "current"), "g-000002");
}

static const struct damage {
        const char *name;
        void (*do_it)(struct stage *stage);
        const char *text;
        bool only_the_link; /* the second one itself is whole and may be found without the link */
} damages[] = {
        {"pack_missing", pack_missing, "generation `g-000002`: open `rules.pack`: No such file", false},
        {"report_missing", report_missing, "open `report.json`: No such file", false},
        {"promised_filter_missing", promised_filter_missing, "open `filter.hs`: No such file", false},
        {"part_cut", part_cut, "`exact.store` has 199999 bytes, and the manifest says 200000", false},
        {"part_longer", part_longer, "`filter.gram` has 200001 bytes, and the manifest says 200000", false},
        {"part_empty", part_empty, "`deny.tsv` has 0 bytes, and the manifest says 200000", false},
        {"part_of_a_stranger", part_of_a_stranger, "`rules.pack` is not owned by root (uid 65534)", false},
        {"part_for_the_group", part_for_the_group, "`rules.pack` can be written by group or others", false},
        {"part_is_a_link", part_is_a_link, "open `rules.pack`: Too many levels of symbolic links", false},
        {"part_is_a_directory", part_is_a_directory, "`rules.pack` is not a regular file", false},
        {"manifest_missing", manifest_missing, "open `manifest.json`: No such file", false},
        {"manifest_cut", manifest_cut, "manifest.json: line 1, column", false},
        {"manifest_empty", manifest_empty, "manifest.json: line 1, column 0", false},
        {"manifest_too_large", manifest_too_large,
         "read `manifest.json` (at most 16777216 bytes): File too large", false},
        {"manifest_for_others", manifest_for_others, "`manifest.json` can be written by group or others",
         false},
        {"manifest_is_a_link", manifest_is_a_link, "open `manifest.json`: Too many levels", false},
        {"another_schema", another_schema, "schema: is 2, and this postern knows 1 alone", false},
        {"another_postern", another_postern, "made by postern 9.8.7, and this is " PN_VERSION, false},
        {"another_name", another_name, "name: is `g-000001`", false},
        {"directory_of_a_stranger", directory_of_a_stranger, "`g-000002` is not owned by root", false},
        {"directory_for_others", directory_for_others, "`g-000002` can be written by group or others", false},
        {"directory_is_a_link", directory_is_a_link, "open directory `g-000002`: Not a directory", false},
        {"directory_missing", directory_missing, "open directory `g-000077`: No such file", true},
        {"current_of_a_stranger", current_of_a_stranger, "`current` is not owned by root (uid 65534)", true},
        {"current_points_out", current_points_out, "`current` does not point to a generation", true},
        {"current_points_through", current_points_through, "`current` does not point to a generation", true},
        {"current_is_a_file", current_is_a_file, "`current` is not a symbolic link", true},
};

static const struct damage *damage_now; /* cmocka gives a test one state, and that is the stage */

static void expect_text(const struct pn_err *err, const char *text)
{
        if (!strstr(err->text, text))
                fail_msg("%s: %s", damage_now->name, err->text);
        assert_int_equal(PN_FAULT_CONFIG, err->fault);
}

static void each_damage(struct stage *stage, void (*test)(struct stage *stage))
{
        for (size_t i = 0; i < sizeof(damages) / sizeof(damages[0]); i++) {
                damage_now = &damages[i];
                must_store(stage, 1, "g-000001");
                must_store(stage, 2, "g-000002");
                test(stage);
                assert_int_equal(0, nftw(stage->state, stage_remove_one, 8, FTW_DEPTH | FTW_PHYS));
                (void)nftw(at(stage, "moved"), stage_remove_one, 8, FTW_DEPTH | FTW_PHYS);
        }
}

static void expect_last_good(struct stage *stage)
{
        struct pn_generation in_use;
        struct pn_err err;

        damage_now->do_it(stage);
        assert_int_equal(1, open_in_use(stage, &in_use, &err));
        expect_text(&err, damage_now->text);
        assert_non_null(strstr(err.text, "is used instead of the newest"));
        assert_int_equal(damage_now->only_the_link ? 2 : 1, tag_of(&in_use));
        pn_generation_close(&in_use);
}

static void a_damaged_one_gives_way_to_the_last_good_one(void **state)
{
        each_damage(*state, expect_last_good);
}

static void expect_an_error(struct stage *stage)
{
        struct pn_generation in_use;
        struct pn_err err;

        damage_now->do_it(stage);
        if (damage_now->only_the_link)
                remove_name(stage, "g-000002/rules.pack");
        remove_name(stage, "g-000001/rules.pack");
        assert_int_equal(-1, open_in_use(stage, &in_use, &err));
        expect_text(&err, damage_now->text);
        for (enum pn_part i = 0; i < PN_PARTS; i++)
                assert_int_equal(-1, in_use.part[i].fd);
}

static void a_damaged_one_without_a_good_one_is_an_error(void **state)
{
        each_damage(*state, expect_an_error);
}

/* ---------------------------------------------------------------- none at all, or for other places */

static void without_a_state_directory_there_is_none(void **state)
{
        struct stage *stage = *state;
        struct pn_generation in_use;
        struct pn_err err;

        assert_int_equal(0, open_in_use(stage, &in_use, &err));
        assert_int_equal(0, mkdir(at(stage, "state"), 0700));
        assert_int_equal(0, open_in_use(stage, &in_use, &err));
        assert_int_equal(0, mkdir(at(stage, "state/rules"), 0700));
        assert_int_equal(0, open_in_use(stage, &in_use, &err));
        assert_int_equal(PN_FAULT_NONE, err.fault);
}

static void a_missing_link_is_told_and_the_newest_used(void **state)
{
        struct stage *stage = *state;
        struct pn_generation in_use;
        struct pn_err err;

        must_store(stage, 1, "g-000001");
        must_store(stage, 2, "g-000002");
        remove_name(stage, "current");
        assert_int_equal(1, open_in_use(stage, &in_use, &err));
        assert_non_null(strstr(err.text, "open `current`: No such file"));
        assert_int_equal(2, tag_of(&in_use));
        pn_generation_close(&in_use);
}

static void other_places_have_other_generations(void **state)
{
        struct stage *stage = *state;
        char *mine[] = {stage->rules_dir, NULL}, *more[] = {stage->rules_dir, stage->deny_dir, NULL},
             *none[] = {NULL};
        struct pn_generation in_use;
        struct pn_err err = PN_ERR_INIT;

        must_store(stage, 1, "g-000001");
        assert_int_equal(
                0, pn_generation_open(stage->state, more, none, &in_use, &err)); /* the same list, moved */
        assert_int_equal(0, pn_generation_open(stage->state, more, stage->deny, &in_use, &err));
        assert_int_equal(0, pn_generation_open(stage->state, mine, none, &in_use, &err));
        assert_int_equal(0, pn_generation_open(stage->state, none, stage->deny, &in_use, &err));
        assert_int_equal(0, pn_generation_open(stage->state, stage->deny, mine, &in_use, &err));
        assert_int_equal(PN_FAULT_NONE, err.fault);
        assert_int_equal(1, pn_generation_open(stage->state, mine, stage->deny, &in_use, &err));
        pn_generation_close(&in_use);
}

/* Two policies share a state directory: each has its own newest one, without a word. */
static void the_newest_for_these_places_is_used(void **state)
{
        struct stage *stage = *state;
        struct pn_generation in_use;
        struct pn_err err;
        char *deny = stage->deny[0];

        must_store(stage, 1, "g-000001");
        must_store(stage, 2, "g-000002");
        stage->deny[0] = NULL;
        must_store(stage, 3, "g-000003");
        stage->deny[0] = deny;
        assert_int_equal(1, open_in_use(stage, &in_use, &err));
        assert_int_equal(PN_FAULT_NONE, err.fault);
        assert_int_equal(2, tag_of(&in_use));
        pn_generation_close(&in_use);
}

static void a_directory_of_others_is_an_error(void **state)
{
        struct stage *stage = *state;
        struct pn_generation in_use;
        struct pn_err err;

        must_store(stage, 1, "g-000001");
        assert_int_equal(0, chmod(at(stage, "state/rules"), 0702));
        assert_int_equal(-1, open_in_use(stage, &in_use, &err));
        assert_non_null(strstr(err.text, "`rules` can be written by group or others (mode 0702)"));
        assert_int_equal(PN_FAULT_CONFIG, err.fault);
        assert_int_equal(0, chmod(at(stage, "state/rules"), 0700));
        assert_int_equal(0, chown(stage->state, STRANGER, 0));
        assert_int_equal(-1, open_in_use(stage, &in_use, &err));
        assert_non_null(strstr(err.text, "is not owned by root"));
        assert_int_equal(0, chown(stage->state, geteuid(), 0));
        assert_int_equal(1, open_in_use(stage, &in_use, &err));
        pn_generation_close(&in_use);
}

static void the_older_ones_come_one_by_one(void **state)
{
        struct stage *stage = *state;
        struct pn_generation older;
        struct pn_err err = PN_ERR_INIT;

        for (unsigned i = 1; i <= 3; i++)
                must_store(stage, i, i == 1 ? "g-000001" : i == 2 ? "g-000002" : "g-000003");
        assert_int_equal(1, pn_generation_open_older(stage->state, stage->rules, stage->deny, "g-000003",
                                                     &older, &err));
        assert_int_equal(2, tag_of(&older));
        pn_generation_close(&older);
        remove_name(stage, "g-000002/manifest.json");
        assert_int_equal(1, pn_generation_open_older(stage->state, stage->rules, stage->deny, "g-000003",
                                                     &older, &err));
        assert_int_equal(1, tag_of(&older));
        pn_generation_close(&older);
        assert_int_equal(0, pn_generation_open_older(stage->state, stage->rules, stage->deny, "g-000001",
                                                     &older, &err));
        assert_int_equal(
                -1, pn_generation_open_older(stage->state, stage->rules, stage->deny, "../x", &older, &err));
        assert_int_equal(PN_FAULT_BUG, err.fault);
}

/* ---------------------------------------------------------------- stale */

static void expect_stale(struct stage *stage, const char *why)
{
        struct pn_generation in_use;
        struct pn_err err;

        assert_int_equal(1, open_in_use(stage, &in_use, &err));
        assert_int_equal(why != NULL, in_use.stale);
        if (why && !strstr(in_use.stale_why, why))
                fail_msg("%s", in_use.stale_why);
        assert_int_equal(why == NULL, in_use.stale_why[0] == '\0');
        pn_generation_close(&in_use);
}

static void touch(const char *path, time_t seconds)
{
        const struct timespec times[2] = {{.tv_sec = seconds}, {.tv_sec = seconds}};

        assert_int_equal(0, utimensat(AT_FDCWD, path, times, 0));
}

static void a_changed_source_makes_it_stale(void **state)
{
        struct stage *stage = *state;

        touch(at(stage, "rules.d/b.yar"), 1000);
        must_store(stage, 1, "g-000001");
        expect_stale(stage, NULL);
        touch(at(stage, "rules.d/b.yar"), 1001);
        expect_stale(stage, "rules.d/b.yar` has been written since");
        touch(at(stage, "rules.d/b.yar"), 1000);
        expect_stale(stage, NULL);
        assert_int_equal(0, truncate(at(stage, "rules.d/b.yar"), 3));
        touch(at(stage, "rules.d/b.yar"), 1000);
        expect_stale(stage, "rules.d/b.yar` has another size");
}

static void a_new_source_makes_it_stale(void **state)
{
        static const char *const names[] = {"rules.d/0.yar", "rules.d/aa.yara", "rules.d/zz.yar",
                                            "deny.d/a.tsv",  "deny.d/z.tsv",    "rules.d/\xff\n.yar"};
        struct stage *stage = *state;

        must_store(stage, 1, "g-000001");
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                write_text(at(stage, names[i]), "");
                expect_stale(stage, "` is new");
                assert_int_equal(0, unlink(at(stage, names[i])));
                expect_stale(stage, NULL);
        }
}

static void files_that_are_no_sources_change_nothing(void **state)
{
        static const char *const names[] = {"rules.d/c.txt", "rules.d/.c.yar", "rules.d/c.tsv",
                                            "rules.d/.yar",  "rules.d/c.yar~", "deny.d/c.yar",
                                            "deny.d/.c.tsv"};
        struct stage *stage = *state;

        must_store(stage, 1, "g-000001");
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
                write_text(at(stage, names[i]), "x");
        expect_stale(stage, NULL);
}

static void a_source_that_is_gone_makes_it_stale(void **state)
{
        static const char *const names[] = {"rules.d/a.yara", "rules.d/b.yar", "deny.d/d.tsv"};
        struct stage *stage = *state;

        must_store(stage, 1, "g-000001");
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
                char want[64], away[128];

                (void)snprintf(want, sizeof(want), "%s` is gone", names[i]);
                (void)snprintf(away, sizeof(away), "%s", at(stage, "away"));
                assert_int_equal(0, rename(at(stage, names[i]), away));
                expect_stale(stage, want);
                assert_int_equal(0, rename(away, at(stage, names[i])));
                expect_stale(stage, NULL);
        }
}

static void a_directory_that_is_gone_makes_it_stale(void **state)
{
        struct stage *stage = *state;

        must_store(stage, 1, "g-000001");
        assert_int_equal(0, unlink(at(stage, "deny.d/d.tsv")));
        assert_int_equal(0, rmdir(stage->deny_dir));
        expect_stale(stage, "deny.d/d.tsv` is gone");
}

static void a_place_may_be_a_file(void **state)
{
        struct stage *stage = *state;
        char file[600];

        (void)snprintf(file, sizeof(file), "%s", at(stage, "rules.d/a.txt"));
        stage->rules[0] = file;
        must_store(stage, 1, "g-000001");
        expect_stale(stage, NULL);
        assert_int_equal(0, truncate(file, 1));
        expect_stale(stage, "a.txt` has another size");
        assert_int_equal(0, unlink(file));
        expect_stale(stage, "a.txt` is gone");
}

static void what_cannot_be_listed_is_stale(void **state)
{
        struct stage *stage = *state;

        must_store(stage, 1, "g-000001");
        assert_int_equal(0, unlink(at(stage, "deny.d/d.tsv")));
        assert_int_equal(0, rmdir(stage->deny_dir));
        assert_int_equal(0, symlink("deny.d", stage->deny_dir)); /* in a circle */
        expect_stale(stage, "list the files of");
}

int main(void)
{
#define ON_STAGE(f) cmocka_unit_test_setup_teardown(f, stage_new, stage_free)
        static const struct CMUnitTest tests[] = {
                ON_STAGE(a_damaged_one_gives_way_to_the_last_good_one),
                ON_STAGE(a_damaged_one_without_a_good_one_is_an_error),
                ON_STAGE(without_a_state_directory_there_is_none),
                ON_STAGE(a_missing_link_is_told_and_the_newest_used),
                ON_STAGE(other_places_have_other_generations),
                ON_STAGE(the_newest_for_these_places_is_used),
                ON_STAGE(a_directory_of_others_is_an_error),
                ON_STAGE(the_older_ones_come_one_by_one),
                ON_STAGE(a_changed_source_makes_it_stale),
                ON_STAGE(a_new_source_makes_it_stale),
                ON_STAGE(files_that_are_no_sources_change_nothing),
                ON_STAGE(a_source_that_is_gone_makes_it_stale),
                ON_STAGE(a_directory_that_is_gone_makes_it_stale),
                ON_STAGE(a_place_may_be_a_file),
                ON_STAGE(what_cannot_be_listed_is_stale),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
