/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/scan/reach.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct pn_path path_of(const char *text)
{
        return (struct pn_path){(char *)(uintptr_t)text, (uint32_t)strlen(text), false};
}

/* "PATH SONAME NEEDED..." */
static void add(struct pn_reach *reach, const char *words)
{
        struct pn_reach_file file = {0};
        char copy[512], *rest = copy, *word, path[128] = "";
        unsigned turn = 0;
        struct pn_path name;

        (void)snprintf(copy, sizeof(copy), "%s", words);
        for (; (word = strsep(&rest, " ")) != NULL; turn++) {
                if (turn == 0)
                        (void)snprintf(path, sizeof(path), "%s", word);
                else if (turn == 1)
                        (void)snprintf(file.soname, sizeof(file.soname), "%s", strcmp(word, "-") == 0 ? "" : word);
                else
                        (void)snprintf(file.needed[file.needed_count++], PN_REACH_NAME_MAX, "%s", word);
        }
        name = path_of(path);
        pn_reach_add(reach, &name, &file);
}

static void find(struct pn_findings *all, const char *path, enum pn_severity severity)
{
        struct pn_finding finding = {.severity = severity, .confidence = PN_CONFIDENCE_HIGH, .title = "a title"};

        finding.path = path_of(path);
        assert_int_equal(pn_findings_add(all, &finding), 0);
}

static const struct {
        const char *name;
        const char *files[6];
        const char *found;
        bool raised;
} rows[] = {
        {"a library that sshd names", {"usr/sbin/sshd - liblzma.so.5", "usr/lib/liblzma.so.5.4.1 liblzma.so.5"},
         "usr/lib/liblzma.so.5.4.1", true},
        {"one that it loads through another",
         {"usr/sbin/sshd - libsystemd.so.0", "lib/libsystemd.so.0 libsystemd.so.0 liblzma.so.5",
          "lib/liblzma.so.5.6.1 liblzma.so.5"}, "lib/liblzma.so.5.6.1", true},
        {"a chain that is told backwards",
         {"lib/c.so c.so", "lib/b.so b.so c.so", "lib/a.so a.so b.so", "usr/sbin/sshd - a.so"}, "lib/c.so", true},
        {"by its file name, without a soname", {"usr/sbin/sshd - libx.so", "opt/libx.so -"}, "opt/libx.so", true},
        {"by a file name in other letters, which comes printable",
         {"usr/sbin/sshd - lib\\xc3\\xa9.so", "opt/lib\xc3\xa9.so -"}, "opt/lib\xc3\xa9.so", true},
        {"by a path", {"usr/sbin/sshd - /opt/evil/libx.so", "opt/evil/libx.so -"}, "opt/evil/libx.so", true},
        {"sshd itself", {"usr/sbin/sshd - libc.so.6"}, "usr/sbin/sshd", true},
        {"libraries that name each other", {"sbin/sshd - a.so", "a.so a.so b.so", "b.so b.so a.so"}, "b.so", true},
        {"one that nobody names", {"usr/sbin/sshd - libc.so.6", "lib/liblzma.so.5 liblzma.so.5"}, "lib/liblzma.so.5",
         false},
        {"no sshd", {"usr/bin/ssh - liblzma.so.5", "lib/liblzma.so.5 liblzma.so.5"}, "lib/liblzma.so.5", false},
        {"a program whose name only begins so", {"usr/sbin/sshd-keygen - x.so", "lib/x.so x.so"}, "lib/x.so", false},
        {"what loads sshd's libraries, and is not loaded", {"usr/sbin/sshd - a.so", "a.so a.so", "b.so b.so a.so"}, "b.so",
         false},
        {"an empty name names nobody", {"usr/sbin/sshd - lib/", "x/y -"}, "x/y", false},
};

static void a_library_that_an_sshd_would_load_is_worse(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_reach *reach = pn_reach_new();
                struct pn_findings all = {0};

                print_message("%s\n", rows[i].name);
                for (unsigned k = 0; k < 6 && rows[i].files[k]; k++)
                        add(reach, rows[i].files[k]);
                find(&all, rows[i].found, PN_SEVERITY_MEDIUM);
                pn_reach_judge(reach, &all);
                assert_int_equal(all.finding[0].severity, rows[i].raised ? PN_SEVERITY_HIGH : PN_SEVERITY_MEDIUM);
                assert_string_equal(all.finding[0].title,
                                    rows[i].raised ? "a title; the sshd of this root loads it" : "a title");
                pn_findings_clear(&all);
                (void)pn_reach_free(reach);
        }
}

static void nothing_is_worse_than_critical(void **state)
{
        struct pn_reach *reach = pn_reach_new();
        struct pn_findings all = {0};

        (void)state;
        add(reach, "sbin/sshd - a.so");
        find(&all, "sbin/sshd", PN_SEVERITY_CRITICAL);
        pn_reach_judge(reach, &all);
        assert_int_equal(all.finding[0].severity, PN_SEVERITY_CRITICAL);
        pn_findings_clear(&all);
        (void)pn_reach_free(reach);
}

static void what_did_not_fit_is_noted(void **state)
{
        struct pn_reach *reach = pn_reach_new();
        struct pn_reach_file file = {.cut = true};
        struct pn_path path = path_of("lib/a.so");
        struct pn_findings all = {0};

        (void)state;
        pn_reach_add(reach, &path, &file);
        find(&all, "lib/a.so", PN_SEVERITY_LOW);
        pn_reach_judge(reach, &all);
        assert_int_equal(all.note_count, 1);
        assert_int_equal(all.finding[0].severity, PN_SEVERITY_LOW);
        pn_findings_clear(&all);
        (void)pn_reach_free(reach);
}

/* An image that names everything by one name and asks for it everywhere costs no more than another. */
static void a_hostile_graph_takes_linear_time(void **state)
{
        struct pn_reach *reach = pn_reach_new();
        struct pn_reach_file file = {.soname = "a.so", .needed_count = PN_REACH_NEEDED_MAX};
        struct pn_findings all = {0};

        (void)state;
        for (unsigned i = 0; i < PN_REACH_NEEDED_MAX; i++)
                (void)snprintf(file.needed[i], PN_REACH_NAME_MAX, "a.so");
        for (unsigned i = 0; i < 60000; i++) {
                char name[32];
                struct pn_path path;

                (void)snprintf(name, sizeof(name), "%u/%s", i, i == 7 ? "sshd" : "a.so");
                path = path_of(name);
                pn_reach_add(reach, &path, &file);
        }
        find(&all, "59999/a.so", PN_SEVERITY_LOW);
        pn_reach_judge(reach, &all);
        assert_int_equal(all.finding[0].severity, PN_SEVERITY_MEDIUM);
        pn_findings_clear(&all);
        (void)pn_reach_free(reach);
}

static void without_memory_nothing_is_raised(void **state)
{
        struct pn_findings all = {0};
        struct pn_reach_file file = {0};
        struct pn_path path = path_of("sbin/sshd");

        (void)state;
        pn_reach_add(NULL, &path, &file);
        find(&all, "sbin/sshd", PN_SEVERITY_LOW);
        pn_reach_judge(NULL, &all);
        assert_int_equal(all.finding[0].severity, PN_SEVERITY_LOW);
        assert_null(pn_reach_free(NULL));
        pn_findings_clear(&all);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_library_that_an_sshd_would_load_is_worse),
                cmocka_unit_test(nothing_is_worse_than_critical),
                cmocka_unit_test(what_did_not_fit_is_noted),
                cmocka_unit_test(a_hostile_graph_takes_linear_time),
                cmocka_unit_test(without_memory_nothing_is_raised),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
