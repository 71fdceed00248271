/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/target/mountinfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/target/pseudofs.h"

#define LONG "/var/lib/containers/storage/overlay/l/"

static const struct good {
        const char *name, *line;
        uint64_t id, parent;
        uint32_t major, minor;
        const char *root, *point, *options, *type, *source, *super;
} goods[] = {
        {"docker",
         "1021 98 0:81 / /var/lib/docker/overlay2/4f5e/merged rw,relatime shared:457 - overlay overlay "
         "rw,lowerdir=/var/lib/docker/overlay2/l/QN:/var/lib/docker/overlay2/l/ZK,upperdir=/u,workdir=/w",
         1021, 98, 0, 81, "/", "/var/lib/docker/overlay2/4f5e/merged", "rw,relatime", "overlay", "overlay",
         "rw,lowerdir=/var/lib/docker/overlay2/l/QN:/var/lib/docker/overlay2/l/ZK,upperdir=/u,workdir=/w"},
        {"podman",
         "540 531 0:52 / / rw,nodev,relatime - overlay overlay rw,lowerdir=" LONG "A:" LONG "B,metacopy=on",
         540, 531, 0, 52, "/", "/", "rw,nodev,relatime", "overlay", "overlay",
         "rw,lowerdir=" LONG "A:" LONG "B,metacopy=on"},
        {"containerd_with_relative_lowerdirs",
         "612 600 0:61 / / rw,relatime master:311 - overlay overlay "
         "rw,lowerdir=21/fs:20/fs:19/fs,upperdir=22/fs",
         612, 600, 0, 61, "/", "/", "rw,relatime", "overlay", "overlay",
         "rw,lowerdir=21/fs:20/fs:19/fs,upperdir=22/fs"},
        {"escaped_blanks_stay_escaped",
         "36 35 98:0 /mnt\\0401 /mnt\\0112 rw master:1 - ext3 /dev/my\\134root rw", 36, 35, 98, 0,
         "/mnt\\0401", "/mnt\\0112", "rw", "ext3", "/dev/my\\134root", "rw"},
        {"many_optional_fields",
         "1 0 8:1 / / rw shared:1 master:2 propagate_from:3 unbindable - ext4 /dev/sda rw", 1, 0, 8, 1, "/",
         "/", "rw", "ext4", "/dev/sda", "rw"},
        {"empty_source", "22 1 0:20 / /sys rw - sysfs  rw", 22, 1, 0, 20, "/", "/sys", "rw", "sysfs", "",
         "rw"},
        {"a_source_that_is_a_dash", "22 1 0:20 / /x rw - tmpfs - rw", 22, 1, 0, 20, "/", "/x", "rw", "tmpfs",
         "-", "rw"},
        {"fuse_subtype", "22 1 0:20 / /x rw - fuse.\033[31m s rw", 22, 1, 0, 20, "/", "/x", "rw",
         "fuse.\033[31m", "s", "rw"},
        {"deleted_root", "22 1 0:20 /gone//deleted /x rw - ext4 s rw", 22, 1, 0, 20, "/gone//deleted", "/x",
         "rw", "ext4", "s", "rw"},
        {"largest_numbers", "9999999999999999999 0 4294967295:4294967295 / / rw - t s rw",
         9999999999999999999ULL, 0, 4294967295U, 4294967295U, "/", "/", "rw", "t", "s", "rw"},
        {"blanks_in_super_options", "22 1 0:20 / /x rw - cgroup2 s rw a b", 22, 1, 0, 20, "/", "/x", "rw",
         "cgroup2", "s", "rw a b"},
};

static const struct bad {
        const char *name, *line;
} bads[] = {
        {"an_empty_line", "\n"},
        {"no_separator", "36 35 98:0 / / rw shared:1 ext3 /dev/root rw"},
        {"two_blanks_between_fields", "36  35 98:0 / / rw - ext3 /dev/root rw"},
        {"a_blank_in_front", " 36 35 98:0 / / rw - ext3 /dev/root rw"},
        {"letters_in_the_id", "3x 35 98:0 / / rw - ext3 /dev/root rw"},
        {"a_sign_in_the_id", "+36 35 98:0 / / rw - ext3 /dev/root rw"},
        {"an_id_of_twenty_digits", "18446744073709551616 35 98:0 / / rw - ext3 /dev/root rw"},
        {"letters_in_the_parent", "36 p 98:0 / / rw - ext3 /dev/root rw"},
        {"no_colon_in_the_device", "36 35 980 / / rw - ext3 /dev/root rw"},
        {"no_major", "36 35 :0 / / rw - ext3 /dev/root rw"},
        {"no_minor", "36 35 98: / / rw - ext3 /dev/root rw"},
        {"a_minor_of_33_bits", "36 35 98:4294967296 / / rw - ext3 /dev/root rw"},
        {"a_major_of_33_bits", "36 35 4294967296:0 / / rw - ext3 /dev/root rw"},
        {"an_empty_optional_field", "36 35 98:0 / / rw  - ext3 /dev/root rw"},
        {"nothing_behind_the_separator", "36 35 98:0 / / rw -"},
        {"a_blank_behind_the_separator", "36 35 98:0 / / rw - "},
        {"no_source", "36 35 98:0 / / rw - ext3"},
        {"a_double_separator_word", "36 35 98:0 / / rw -- ext3 /dev/root rw"},
};

static struct pn_view view_of(const char *text)
{
        return (struct pn_view){(const uint8_t *)text, strlen(text)};
}

static void same_text(struct pn_view got, const char *want)
{
        assert_int_equal(got.len, strlen(want));
        assert_memory_equal(got.data, want, got.len);
}

static void mountinfo_reads_real_lines(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
                const struct good *row = &goods[i];
                struct pn_view text = view_of(row->line);
                struct pn_mountinfo got;

                print_message("%s\n", row->name);
                assert_int_equal(pn_mountinfo_next(&text, &got), 1);
                assert_int_equal(got.id, row->id);
                assert_int_equal(got.parent, row->parent);
                assert_int_equal(got.major, row->major);
                assert_int_equal(got.minor, row->minor);
                same_text(got.root, row->root);
                same_text(got.point, row->point);
                same_text(got.options, row->options);
                same_text(got.type, row->type);
                same_text(got.source, row->source);
                same_text(got.super, row->super);
                assert_int_equal(pn_mountinfo_next(&text, &got), 0);
        }
}

static void mountinfo_refuses_what_is_no_such_line(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
                struct pn_view text = view_of(bads[i].line);
                struct pn_mountinfo got;

                print_message("%s\n", bads[i].name);
                assert_int_equal(pn_mountinfo_next(&text, &got), -1);
                assert_int_equal(pn_mountinfo_next(&text, &got), 0); /* it was taken off */
        }
}

/* Every prefix in a block of its own, so that the sanitizers see a step over its end. */
static void mountinfo_refuses_every_line_that_is_cut_before_its_source(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
                const char *line = goods[i].line, *dash = strstr(line, " - ");
                size_t source = (size_t)(strchr(dash + 3, ' ') - line) + 1;

                for (size_t len = 1; len < strlen(line); len++) {
                        uint8_t *part = malloc(len);
                        struct pn_view text = {part, len};
                        struct pn_mountinfo got;

                        assert_non_null(part);
                        memcpy(part, line, len);
                        assert_int_equal(pn_mountinfo_next(&text, &got), len > source ? 1 : -1);
                        assert_int_equal(text.len, 0);
                        free(part);
                }
        }
}

static void mountinfo_finds_behind_lines_that_it_refuses(void **state)
{
        struct pn_view text =
                view_of("nonsense\n\n7 1 0:1 / /a rw - tmpfs a rw\n7\n8 1 0:2 / /b rw - proc b rw");
        struct pn_mountinfo got;

        (void)state;
        assert_true(pn_mountinfo_find(text, 8, &got));
        same_text(got.type, "proc");
        assert_true(pn_mountinfo_find(text, 7, &got));
        same_text(got.type, "tmpfs");
        assert_false(pn_mountinfo_find(text, 1, &got)); /* a parent is not an id */
        assert_false(pn_mountinfo_find(text, 0, &got));
        assert_false(pn_mountinfo_find((struct pn_view){NULL, 0}, 7, &got));
}

static const struct escape {
        const char *name, *from, *to;
        size_t cap, len;
} escapes[] = {
        {"space_tab_newline_backslash", "a\\040b\\011c\\012d\\134e", "a b\tc\nd\\e", 64, 9},
        {"hash", "\\043", "#", 64, 1},
        {"the_highest", "\\377", "\377", 64, 1},
        {"a_nul", "a\\000b", "a\0b", 64, 3},
        {"over_377_stays", "\\400", "\\400", 64, 4},
        {"an_eight_stays", "\\048", "\\048", 64, 4},
        {"no_digits_stay", "\\xyz", "\\xyz", 64, 4},
        {"cut_short_stays", "\\04", "\\04", 64, 3},
        {"lone_backslash_stays", "\\", "\\", 64, 1},
        {"not_twice", "\\134040", "\\040", 64, 4},
        {"no_more_than_fits", "abc", "ab", 2, 2},
        {"nothing", "", "", 64, 0},
};

static void mountinfo_undoes_octal_escapes_once(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
                const struct escape *row = &escapes[i];
                char *got = malloc(row->cap);

                print_message("%s\n", row->name);
                assert_non_null(got);
                assert_int_equal(pn_mountinfo_unescape(view_of(row->from), got, row->cap), row->len);
                assert_memory_equal(got, row->to, row->len);
                free(got);
        }
}

/* ---------------------------------------------------------------- kinds of file systems */

static const struct kind {
        const char *name;
        uint64_t type;
        const char *pseudo;
        bool honest;
} kinds[] = {
        {"proc", 0x9fa0, "proc", false},
        {"sysfs", 0x62656572, "sysfs", false},
        {"cgroup2", 0x63677270, "cgroup2", false},
        {"autofs", 0x187, "autofs", false},
        {"nsfs", 0x6e736673, "nsfs", false},
        {"ext4", 0xef53, NULL, true},
        {"xfs", 0x58465342, NULL, true},
        {"btrfs", 0x9123683e, NULL, true},
        {"tmpfs", 0x01021994, NULL, true},
        {"overlayfs", 0x794c7630, NULL, true},
        {"fuse", 0x65735546, NULL, false},
        {"nfs", 0x6969, NULL, false},
        {"squashfs", 0x73717368, NULL, false},
        {"erofs", 0xe0f5e1e2, NULL, false},
        {"9p", 0x01021997, NULL, false},
        {"iso9660", 0x9660, NULL, false},
        {"vfat", 0x4d44, NULL, false},
        {"ramfs_whose_numbers_wrap", 0x858458f6, NULL, false},
        {"one_nobody_knows", 0x12345678, NULL, false},
        {"none", 0, NULL, false},
        {"sign_extended", 0xfffffffff97cff8cULL, NULL, false},
};

static void only_file_systems_with_numbers_of_their_own_tell_files_apart(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
                const char *pseudo = pn_pseudofs_name(kinds[i].type);

                print_message("%s\n", kinds[i].name);
                assert_int_equal(pn_pseudofs_honest_inodes(kinds[i].type), kinds[i].honest);
                assert_int_equal(pseudo != NULL, kinds[i].pseudo != NULL);
                if (pseudo)
                        assert_string_equal(pseudo, kinds[i].pseudo);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(mountinfo_reads_real_lines),
                cmocka_unit_test(mountinfo_refuses_what_is_no_such_line),
                cmocka_unit_test(mountinfo_refuses_every_line_that_is_cut_before_its_source),
                cmocka_unit_test(mountinfo_finds_behind_lines_that_it_refuses),
                cmocka_unit_test(mountinfo_undoes_octal_escapes_once),
                cmocka_unit_test(only_file_systems_with_numbers_of_their_own_tell_files_apart),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
