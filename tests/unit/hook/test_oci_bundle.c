/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/oci_bundle.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "scanner/base/fd.h"

static int parse(const char *dir, const char *json, struct pn_bundle *ret, struct pn_err *err)
{
        return pn_bundle_parse(dir, json, strlen(json), ret, err);
}

static void bundle_takes_root_path_from_the_bundle_when_it_is_relative(void **ctx)
{
        static const struct {
                const char *dir, *path, *want;
        } rows[] = {
                {"/run/b", "rootfs", "/run/b/rootfs"},
                {"/run/b/", "rootfs", "/run/b/rootfs"},
                {"/run/b///", "a/b", "/run/b/a/b"},
                {"/", "rootfs", "/rootfs"},
                {"/run/b", "/var/lib/x/merged", "/var/lib/x/merged"},
                {"/run/b", "/", "/"},
                {"/run/b", ".", "/run/b/."},
                {"/run/b", "../c/rootfs", "/run/b/../c/rootfs"},
                {"/run/b", "a\\u001b\\n%s b", "/run/b/a\x1b\n%s b"},
        };

        (void)ctx;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                pn_autofree char *json = NULL;
                struct pn_bundle bundle = {0};
                struct pn_err err = PN_ERR_INIT;

                assert_true(asprintf(&json, "{\"root\":{\"path\":\"%s\"}}", rows[i].path) > 0);
                if (parse(rows[i].dir, json, &bundle, &err) < 0)
                        fail_msg("%s: %s", rows[i].path, err.text);
                assert_string_equal(bundle.root_path, rows[i].want);
                assert_int_equal(bundle.mount_count, 0);
                pn_bundle_clear(&bundle);
                assert_null(bundle.root_path);
        }
}

static void bundle_reads_every_form_of_mount(void **ctx)
{
        static const struct {
                const char *json, *destination, *type, *source;
                bool bind;
        } rows[] = {
                {"{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"/s\"}", "/d", "bind", "/s", true},
                {"{\"destination\":\"/d\",\"source\":\"/s\",\"options\":[\"ro\",\"rbind\"]}", "/d", "", "/s",
                 true},
                {"{\"destination\":\"/d\",\"type\":\"none\",\"source\":\"/s\",\"options\":[\"bind\",\"rw\"]}",
                 "/d", "none", "/s", true},
                {"{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"data/x\"}", "/d", "bind",
                 "/run/b/data/x", true},
                {"{\"destination\":\"/d\",\"type\":\"bind\",\"source\":\"../x\"}", "/d", "bind",
                 "/run/b/../x", true},
                {"{\"destination\":\"/d\",\"type\":\"tmpfs\",\"source\":\"tmpfs\"}", "/d", "tmpfs", "tmpfs",
                 false},
                {"{\"destination\":\"/d\",\"type\":\"tmpfs\"}", "/d", "tmpfs", "", false},
                {"{\"destination\":\"/d\",\"type\":null,\"source\":null,\"options\":null}", "/d", "", "",
                 false},
                {"{\"destination\":\"/"
                 "d\",\"type\":\"overlay\",\"source\":\"overlay\",\"options\":[\"lowerdir=/bind\"]}",
                 "/d", "overlay", "overlay", false},
                {"{\"destination\":\"/d\",\"type\":\"tmpfs\",\"options\":[\"Bind\",\"bind,ro\"]}", "/d",
                 "tmpfs", "", false},
                {"{\"destination\":\"d/e\",\"type\":\"proc\"}", "/d/e", "proc", "", false},
                {"{\"destination\":\"/../d\",\"type\":\"proc\",\"uidMappings\":[{}]}", "/../d", "proc", "",
                 false},
        };

        (void)ctx;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                pn_autofree char *json = NULL;
                struct pn_bundle bundle = {0};
                struct pn_err err = PN_ERR_INIT;

                assert_true(asprintf(&json, "{\"mounts\":[%s],\"root\":{\"path\":\"r\"}}", rows[i].json) > 0);
                if (parse("/run/b", json, &bundle, &err) < 0)
                        fail_msg("%s: %s", rows[i].json, err.text);
                assert_int_equal(bundle.mount_count, 1);
                assert_string_equal(bundle.mount[0].destination, rows[i].destination);
                assert_string_equal(bundle.mount[0].type, rows[i].type);
                assert_string_equal(bundle.mount[0].source, rows[i].source);
                assert_int_equal(bundle.mount[0].bind, rows[i].bind);
                pn_bundle_clear(&bundle);
        }
}

/* `says` is the whole message unless it ends in "~": then its beginning. */
static const struct {
        const char *json, *says;
} refused[] = {
        {"", "config.json: line 1, column 0: ~"},
        {"{", "config.json: line 1, column 1: ~"},
        {"[]", "config.json: must be an object"},
        {"{\"root\":{\"path\":\"r\"}}x", "config.json: line 1, column 22: ~"},
        {"{\"root\":{\"path\":\"r\",\"path\":\"s\"}}",
         "config.json: line 1, column 26: duplicate object key~"},
        {"{\"root\":{\"path\":\"r\"},\"root\":{\"path\":\"s\"}}",
         "config.json: line 1, column 27: duplicate object key~"},
        {"{\"root\":{\"path\":\"r\\u0000\"}}", "config.json: line 1, ~"},
        {"{\"root\":{\"path\":\"\xc3\x28\"}}", "config.json: line 1, ~"},
        {"{}", "config.json: root: missing"},
        {"{\"root\":null}", "config.json: root: missing"},
        {"{\"root\":\"rootfs\"}", "config.json: root: must be an object"},
        {"{\"root\":{}}", "config.json: root.path: missing"},
        {"{\"root\":{\"path\":null}}", "config.json: root.path: missing"},
        {"{\"root\":{\"path\":\"\"}}", "config.json: root.path: must not be empty"},
        {"{\"root\":{\"path\":[\"r\"]}}", "config.json: root.path: must be a string"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":{}}", "config.json: mounts: must be an array"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[null]}", "config.json: mounts[0]: must be an object"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":\"/a\"},{\"type\":\"tmpfs\"}]}",
         "config.json: mounts[1].destination: missing"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":\"\"}]}",
         "config.json: mounts[0].destination: must not be empty"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":7}]}",
         "config.json: mounts[0].destination: must be a string"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":\"/a\",\"type\":[]}]}",
         "config.json: mounts[0].type: must be a string"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":\"/a\",\"source\":{}}]}",
         "config.json: mounts[0].source: must be a string"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":\"/a\",\"options\":\"bind\"}]}",
         "config.json: mounts[0].options: must be an array"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":\"/a\",\"options\":[\"ro\",1]}]}",
         "config.json: mounts[0].options[1]: must be a string"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":\"/a\",\"type\":\"bind\"}]}",
         "config.json: mounts[0].source: missing"},
        {"{\"root\":{\"path\":\"r\"},\"mounts\":[{\"destination\":\"/"
         "a\",\"source\":\"\",\"options\":[\"rbind\"]}]}",
         "config.json: mounts[0].source: must not be empty"},
};

static bool says(const char *text, const char *want)
{
        size_t len = strlen(want);

        return want[len - 1] == '~' ? strncmp(text, want, len - 1) == 0 : strcmp(text, want) == 0;
}

static void bundle_refuses_and_names_file_and_key(void **ctx)
{
        (void)ctx;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                struct pn_bundle bundle = {.mount_count = 42};
                struct pn_err err = PN_ERR_INIT;

                if (parse("/run/b", refused[i].json, &bundle, &err) == 0)
                        fail_msg("%s: accepted", refused[i].json);
                if (!says(err.text, refused[i].says))
                        fail_msg("%s: said `%s`, not `%s`", refused[i].json, err.text, refused[i].says);
                assert_int_equal(err.fault, PN_FAULT_HOST);
                assert_int_equal(bundle.mount_count, 42); /* results are untouched on failure */
                assert_null(bundle.mount);
        }
}

static void bundle_refuses_relative_bundle_directory(void **ctx)
{
        struct pn_bundle bundle = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(parse("run/b", "{\"root\":{\"path\":\"r\"}}", &bundle, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUG);
        assert_int_equal(pn_bundle_read("run/b", &bundle, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_string_equal(err.text, "bundle `run/b`: must be an absolute path");
}

static void bundle_reads_numbers_past_64_bits(void **ctx)
{
        struct pn_bundle bundle = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        if (parse("/b",
                  "{\"root\":{\"path\":\"r\"},\"process\":{\"rlimits\":[{\"hard\":18446744073709551615}]}}",
                  &bundle, &err) < 0)
                fail_msg("%s", err.text);
        assert_string_equal(bundle.root_path, "/b/r");
        pn_bundle_clear(&bundle);
}

/* {"root":…,"mounts":[{"destination":"/d"} × count]} */
static int parse_mounts(size_t count, struct pn_bundle *ret, struct pn_err *err)
{
        pn_autofree char *json = malloc(64 + 32 * count);
        size_t len;

        assert_non_null(json);
        len = (size_t)sprintf(json, "{\"root\":{\"path\":\"r\"},\"mounts\":[");
        for (size_t i = 0; i < count; i++)
                len += (size_t)sprintf(json + len, "%s{\"destination\":\"/d\"}", i ? "," : "");
        len += (size_t)sprintf(json + len, "]}");
        return pn_bundle_parse("/b", json, len, ret, err);
}

static void bundle_refuses_mounts_over_their_ceiling(void **ctx)
{
        struct pn_bundle bundle = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(parse_mounts(PN_MOUNTS_MAX, &bundle, &err), 0);
        assert_int_equal(bundle.mount_count, PN_MOUNTS_MAX);
        pn_bundle_clear(&bundle);
        assert_int_equal(parse_mounts(PN_MOUNTS_MAX + 1, &bundle, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
        assert_string_equal(err.text, "config.json: mounts: more than 16384");
}

/* ---------------------------------------------------------------- on disk */

struct place {
        char dir[64];
        int fd;
};

static int place_make(void **ctx)
{
        struct place *place = calloc(1, sizeof(*place));

        if (!place)
                return -1;
        (void)snprintf(place->dir, sizeof(place->dir), "/tmp/postern-bundle-XXXXXX");
        if (!mkdtemp(place->dir))
                return -1;
        place->fd = open(place->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
        *ctx = place;
        return place->fd < 0 ? -1 : 0;
}

static int place_remove(void **ctx)
{
        struct place *place = *ctx;

        if (unlinkat(place->fd, "config.json", 0) < 0)
                (void)unlinkat(place->fd, "config.json", AT_REMOVEDIR);
        (void)unlinkat(place->fd, "elsewhere.json", 0);
        (void)close(place->fd);
        (void)rmdir(place->dir);
        free(place);
        return 0;
}

static void write_file(const struct place *place, const char *name, const char *text, off_t size_bytes)
{
        pn_autofd fd = openat(place->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        assert_true(fd >= 0);
        assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
        if (size_bytes)
                assert_int_equal(ftruncate(fd, size_bytes), 0);
}

static void refuses(const char *dir, enum pn_fault fault, const char *part)
{
        struct pn_bundle bundle = {0};
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(pn_bundle_read(dir, &bundle, &err), -1);
        if (!strstr(err.text, part))
                fail_msg("said `%s`, not `%s`", err.text, part);
        assert_int_equal(err.fault, fault);
        assert_null(bundle.root_path);
}

static void bundle_on_disk_is_read(void **ctx)
{
        const struct place *place = *ctx;
        struct pn_bundle bundle = {0};
        struct pn_err err = PN_ERR_INIT;
        char want[80];

        write_file(place, "config.json", "{\"root\":{\"path\":\"rootfs\"}}", 0);
        if (pn_bundle_read(place->dir, &bundle, &err) < 0)
                fail_msg("%s", err.text);
        (void)snprintf(want, sizeof(want), "%s/rootfs", place->dir);
        assert_string_equal(bundle.root_path, want);
        pn_bundle_clear(&bundle);
}

static void bundle_refuses_directory_that_is_missing_or_a_file(void **ctx)
{
        const struct place *place = *ctx;
        char path[96];

        (void)snprintf(path, sizeof(path), "%s/gone\033[2J\n", place->dir);
        refuses(path, PN_FAULT_HOST, "gone\\x1b[2J\\x0a`: No such file or directory");
        write_file(place, "elsewhere.json", "{}", 0);
        (void)snprintf(path, sizeof(path), "%s/elsewhere.json", place->dir);
        refuses(path, PN_FAULT_HOST, "Not a directory");
}

static void bundle_refuses_missing_config(void **ctx)
{
        const struct place *place = *ctx;

        char path[96];

        refuses(place->dir, PN_FAULT_HOST, "`: open `config.json`: No such file or directory");
        (void)snprintf(path, sizeof(path), "%s/\033[2J/..", place->dir);
        assert_int_equal(mkdirat(place->fd, "\033[2J", 0700), 0);
        refuses(path, PN_FAULT_HOST, "/\\x1b[2J/..`: open `config.json`: No such file or directory");
        assert_int_equal(unlinkat(place->fd, "\033[2J", AT_REMOVEDIR), 0);
}

static void bundle_refuses_link_in_place_of_config(void **ctx)
{
        const struct place *place = *ctx;

        write_file(place, "elsewhere.json", "{\"root\":{\"path\":\"rootfs\"}}", 0);
        assert_int_equal(symlinkat("elsewhere.json", place->fd, "config.json"), 0);
        refuses(place->dir, PN_FAULT_HOST, "`config.json` is not a regular file");
}

static void bundle_refuses_fifo_in_place_of_config_without_waiting(void **ctx)
{
        const struct place *place = *ctx;

        assert_int_equal(mkfifoat(place->fd, "config.json", 0600), 0);
        (void)alarm(20); /* a blocked open would hang the suite */
        refuses(place->dir, PN_FAULT_HOST, "`config.json` is not a regular file");
        (void)alarm(0);
}

static void bundle_refuses_directory_in_place_of_config(void **ctx)
{
        const struct place *place = *ctx;

        assert_int_equal(mkdirat(place->fd, "config.json", 0700), 0);
        refuses(place->dir, PN_FAULT_HOST, "`config.json` is not a regular file");
}

static void bundle_refuses_device_in_place_of_config(void **ctx)
{
        const struct place *place = *ctx;

        if (mknodat(place->fd, "config.json", S_IFCHR | 0600, makedev(1, 3)) < 0)
                skip(); /* needs CAP_MKNOD */
        refuses(place->dir, PN_FAULT_HOST, "`config.json` is not a regular file");
}

static void bundle_refuses_config_over_its_ceiling(void **ctx)
{
        const struct place *place = *ctx;

        write_file(place, "config.json", "{}", (off_t)PN_CONFIG_BYTES_MAX + 1);
        refuses(place->dir, PN_FAULT_TARGET, "(at most 16777216 bytes)");
        write_file(place, "config.json", "{}", (off_t)PN_CONFIG_BYTES_MAX);
        refuses(place->dir, PN_FAULT_HOST,
                "config.json: line 1, column 3"); /* read, and found to hold NUL bytes */
}

static void bundle_error_of_the_longest_name_keeps_its_reason(void **ctx)
{
        char path[4000];

        (void)ctx;
        memset(path, '\n', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        refuses(path, PN_FAULT_HOST, "File name too long");
}

/* ---------------------------------------------------------------- recorded */

static void read_recorded(const char *name, struct pn_bundle *ret)
{
        pn_autofree char *path = NULL, *data = NULL;
        pn_autofd fd = -1;
        struct pn_err err = PN_ERR_INIT;
        size_t len;

        assert_true(asprintf(&path, "%s/tests/fuzz/corpus/oci_bundle/%s.json", PN_SOURCE_DIR, name) > 0);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(pn_fd_read_all(fd, PN_CONFIG_BYTES_MAX, &data, &len), 0);
        if (pn_bundle_parse("/run/bundle", data, len, ret, &err) < 0)
                fail_msg("%s: %s", name, err.text);
}

static void bundle_of_runc_1_1_5_is_read(void **ctx)
{
        struct pn_bundle bundle = {0};
        const struct pn_mount *last;

        (void)ctx;
        read_recorded("runc-1.1.5-spec", &bundle);
        assert_string_equal(bundle.root_path, "/run/bundle/rootfs");
        assert_int_equal(bundle.mount_count, 8);
        last = &bundle.mount[7];
        assert_string_equal(last->destination, "/vol");
        assert_string_equal(last->source, "/srv/volume");
        assert_true(last->bind);
        for (size_t i = 0; i < 7; i++)
                assert_false(bundle.mount[i].bind);
        pn_bundle_clear(&bundle);
}

static void bundle_of_crun_1_8_1_is_read(void **ctx)
{
        struct pn_bundle bundle = {0};

        (void)ctx;
        read_recorded("crun-1.8.1-spec", &bundle);
        assert_string_equal(bundle.root_path, "/run/bundle/rootfs");
        assert_true(bundle.mount_count > 5);
        pn_bundle_clear(&bundle);
}

#define ON_DISK(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bundle_takes_root_path_from_the_bundle_when_it_is_relative),
                cmocka_unit_test(bundle_reads_every_form_of_mount),
                cmocka_unit_test(bundle_refuses_and_names_file_and_key),
                cmocka_unit_test(bundle_refuses_relative_bundle_directory),
                cmocka_unit_test(bundle_reads_numbers_past_64_bits),
                cmocka_unit_test(bundle_refuses_mounts_over_their_ceiling),
                ON_DISK(bundle_on_disk_is_read),
                ON_DISK(bundle_refuses_directory_that_is_missing_or_a_file),
                ON_DISK(bundle_refuses_missing_config),
                ON_DISK(bundle_refuses_link_in_place_of_config),
                ON_DISK(bundle_refuses_fifo_in_place_of_config_without_waiting),
                ON_DISK(bundle_refuses_directory_in_place_of_config),
                ON_DISK(bundle_refuses_device_in_place_of_config),
                ON_DISK(bundle_refuses_config_over_its_ceiling),
                cmocka_unit_test(bundle_error_of_the_longest_name_keeps_its_reason),
                cmocka_unit_test(bundle_of_runc_1_1_5_is_read),
                cmocka_unit_test(bundle_of_crun_1_8_1_is_read),
        };

        return cmocka_run_group_tests_name("oci_bundle", tests, NULL, NULL);
}
