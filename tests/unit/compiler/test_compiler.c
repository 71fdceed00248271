/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/sha.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/compiler/compiler.h"
#include "scanner/engine/compile/ast.h"
#include "scanner/engine/exact_store.h"
#include "scanner/engine/filter.h"
#include "scanner/engine/pack.h"
#include "scanner/finding/sample.h"
#include "scanner/finding/marker.h"

/* ---------------------------------------------------------------- what goes in */

struct wire {
        uint8_t bytes[1 << 16];
        size_t len;
};

static void put(struct wire *wire, const char *text, size_t len)
{
        uint32_t length = (uint32_t)len;

        assert_true(sizeof(wire->bytes) - wire->len >= len + 4);
        memcpy(wire->bytes + wire->len, &length, 4);
        memcpy(wire->bytes + wire->len + 4, text, len);
        wire->len += len + 4;
}

static void put_file(struct wire *wire, const char *name, const char *text)
{
        put(wire, name, strlen(name));
        put(wire, text, strlen(text));
}

static void put_marker(struct wire *wire)
{
        char marker[PN_MARKER_BYTES], source[512];

        pn_marker_fill(marker);
        (void)snprintf(source, sizeof(source),
                       "rule marker { meta: id = \"%s\" strings: $m = \"%.*s\" condition: $m }", PN_TEST_RULE,
                       PN_MARKER_BYTES, marker);
        put_file(wire, "marker.yar", source);
}

static struct pn_view view_of(const struct wire *wire)
{
        return (struct pn_view){wire->bytes, wire->len};
}

/* ---------------------------------------------------------------- the list of sources */

static void sources_arrive_by_name_and_text(void **state)
{
        static struct wire wire;
        struct pn_yr_source *source = NULL;
        struct pn_err err = PN_ERR_INIT;
        uint32_t count = 99;

        (void)state;
        wire.len = 0;
        assert_int_equal(pn_compiler_sources(view_of(&wire), &source, &count, &err), 0);
        assert_int_equal(count, 0);
        pn_compiler_sources_free(source, count);
        for (int i = 0; i < 40; i++)
                put_file(&wire, i % 2 ? "a.yar" : "dir/b.yar", i % 2 ? "" : "rule");
        assert_int_equal(pn_compiler_sources(view_of(&wire), &source, &count, &err), 0);
        assert_int_equal(count, 40);
        assert_string_equal(source[39].name, "a.yar");
        assert_int_equal(source[39].len, 0);
        assert_string_equal(source[38].name, "dir/b.yar");
        assert_int_equal(source[38].len, 4);
        assert_memory_equal(source[38].text, "rule", 4);
        pn_compiler_sources_free(source, count);
}

static void lists_that_are_not_whole_are_refused(void **state)
{
        static struct wire wire;
        struct pn_yr_source *source = NULL;
        uint32_t count = 0;

        (void)state;
        wire.len = 0;
        put_file(&wire, "a.yar", "rule a");
        put_file(&wire, "b.yar", "rule b");
        for (size_t len = 1; len < wire.len; len++) {
                struct pn_err err = PN_ERR_INIT;

                if (len == wire.len / 2)
                        continue; /* just the first */
                assert_int_equal(
                        pn_compiler_sources((struct pn_view){wire.bytes, len}, &source, &count, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_BUG);
        }
        assert_null(source);
        wire.len = 0;
        put_file(&wire, "", "rule a");
        assert_int_equal(pn_compiler_sources(view_of(&wire), &source, &count, NULL), -1);
        wire.len = 0;
        put(&wire, "a\0b", 3);
        put(&wire, "rule a", 6);
        assert_int_equal(pn_compiler_sources(view_of(&wire), &source, &count, NULL), -1);
}

static void too_many_sources_are_refused(void **state)
{
        const size_t each = 10, count = PN_YR_FILES_MAX + 1;
        uint8_t *bytes = calloc(count, each);
        static const uint8_t one[] = {2, 0, 0, 0, 'a', 'b', 0, 0, 0, 0};
        struct pn_yr_source *source = NULL;
        struct pn_err err = PN_ERR_INIT;
        uint32_t got = 0;

        (void)state;
        assert_non_null(bytes);
        for (size_t i = 0; i < count; i++)
                memcpy(bytes + i * each, one, each);
        assert_int_equal(
                pn_compiler_sources((struct pn_view){bytes, (count - 1) * each}, &source, &got, &err), 0);
        assert_int_equal(got, PN_YR_FILES_MAX);
        pn_compiler_sources_free(source, got);
        assert_int_equal(pn_compiler_sources((struct pn_view){bytes, count * each}, &source, &got, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_CONFIG);
        free(bytes);
}

/* ---------------------------------------------------------------- the result */

static void an_error_is_told_in_printable_letters(void **state)
{
        struct pn_err err = {PN_FAULT_CONFIG, 0, "a\"b.yar:3:1: \xff`\\`\n"};
        pn_autofree char *text = pn_compiler_result(NULL, &err);

        (void)state;
        assert_string_equal(text, "{\"ok\":false,\"fault\":\"config\",\"error\":\"a\\\"b.yar:3:1: "
                                  "\\\\xff`\\\\x5c`\\\\x0a\"}");
}

/* ---------------------------------------------------------------- the program, in its jail */

struct run {
        int fd[PN_COMPILER_RESULT + 1]; /* 0 and 3 to 9 */
        int status;
        json_t *result;
};

static struct run run_begin(const struct wire *wire, int seals)
{
        struct run run = {.status = -1};

        for (int i = 0; i <= PN_COMPILER_RESULT; i++)
                run.fd[i] = memfd_create("compiler", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        assert_int_equal(pwrite(run.fd[0], wire->bytes, wire->len, 0), (ssize_t)wire->len);
        assert_int_equal(fcntl(run.fd[0], F_ADD_SEALS, seals), 0);
        return run;
}

/* In the child: the descriptors at their places, then the program. */
static void become(const struct run *run)
{
        int high[PN_COMPILER_RESULT + 1];

        for (int signal = 1; signal < NSIG; signal++) /* cmocka's */
                (void)sigaction(signal, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
        for (int i = 0; i <= PN_COMPILER_RESULT; i++)
                high[i] = fcntl(run->fd[i], F_DUPFD_CLOEXEC, 100);
        for (int i = 0; i <= PN_COMPILER_RESULT; i++)
                if (i != 1 && i != 2 && dup2(high[i], i) < 0)
                        _exit(127);
        _exit(pn_compiler_called() ? pn_compiler_run() : 64);
}

static void run_program(struct run *run)
{
        char text[65536];
        ssize_t n;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
                become(run);
        assert_int_equal(waitpid(pid, &run->status, 0), pid);
        n = pread(run->fd[PN_COMPILER_RESULT], text, sizeof(text) - 1, 0);
        assert_true(n >= 0);
        run->result = json_loadb(text, (size_t)n, 0, NULL);
}

static void run_end(struct run *run)
{
        for (int i = 0; i <= PN_COMPILER_RESULT; i++)
                (void)close(run->fd[i]);
        json_decref(run->result);
}

static struct pn_view part_of(const struct run *run, enum pn_compiler_part part)
{
        off_t len = lseek(run->fd[PN_COMPILER_PARTS + part], 0, SEEK_END);
        void *data = aligned_alloc(64, ((size_t)len + 64) & ~63UL);

        assert_int_equal(pread(run->fd[PN_COMPILER_PARTS + part], data, (size_t)len, 0), len);
        return (struct pn_view){data, (size_t)len};
}

static json_int_t number(const struct run *run, const char *key)
{
        return json_integer_value(json_object_get(run->result, key));
}

static void check_store(const struct run *run)
{
        struct pn_view bytes = part_of(run, PN_COMPILER_EXACT);
        struct pn_store *store = NULL;
        struct pn_err err = PN_ERR_INIT;
        uint8_t sha256[32];

        (void)SHA256(bytes.data, (size_t)number(run, "exact_head"), sha256);
        assert_int_equal(pn_store_new(&store, &err), 0);
        if (pn_store_open(store, run->fd[PN_COMPILER_PARTS + PN_COMPILER_EXACT], sha256, &err) < 0 ||
            pn_store_selftest(store, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(pn_store_count(store), number(run, "rules"));
        (void)pn_store_free(store);
        free((void *)(uintptr_t)bytes.data);
}

static void check_filter(const struct run *run, enum pn_compiler_part part, enum pn_filter_kind kind)
{
        struct pn_view bytes = part_of(run, part);
        struct pn_filter *filter = NULL;
        struct pn_err err = PN_ERR_INIT;

        if (pn_filter_open(kind, bytes, &filter, &err) < 0)
                fail_msg("%s", err.text);
        (void)pn_filter_free(filter);
        free((void *)(uintptr_t)bytes.data);
}

static void check_pack(const struct run *run)
{
        struct pn_view bytes = part_of(run, PN_COMPILER_PACK);
        struct pn_err err = PN_ERR_INIT;
        struct pn_pack pack;

        if (pn_pack_open(bytes, &pack, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(pack.rules, number(run, "rules"));
        assert_int_equal(pack.windows, number(run, "windows"));
        free((void *)(uintptr_t)bytes.data);
}

static void check_report(const struct run *run)
{
        struct pn_view bytes = part_of(run, PN_COMPILER_REPORT);
        json_t *report = json_loadb((const char *)bytes.data, bytes.len, 0, NULL);

        assert_int_equal(json_array_size(json_object_get(report, "rules")), number(run, "rules"));
        json_decref(report);
        free((void *)(uintptr_t)bytes.data);
}

static void rules_become_all_parts_behind_the_walls(void **state)
{
        static struct wire wire;
        struct run run;

        (void)state;
        wire.len = 0;
        put_marker(&wire);
        put_file(&wire, "rules/a.yar",
                 "include \"inc/b.yar\"\nimport \"elf\"\nimport \"pe\"\n"
                 "rule a { strings: $a = \"some long text\" $h = { 01 02 03 04 05 06 07 08 } condition: all "
                 "of them }\n"
                 "rule e { condition: elf.type == elf.ET_EXEC and not pe.is_pe and inner }");
        put_file(&wire, "rules/inc/b.yar", "rule inner { condition: filename == \"sshd\" }");
        run = run_begin(&wire, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
        run_program(&run);
        assert_int_equal(run.status, 0);
        assert_non_null(run.result);
        if (!json_is_true(json_object_get(run.result, "ok")))
                fail_msg("%s", json_string_value(json_object_get(run.result, "error")));
        assert_int_equal(number(&run, "rules"), 4);
        assert_string_equal(json_string_value(json_object_get(run.result, "libyara")), pn_exact_version());
        check_store(&run);
        check_pack(&run);
        check_report(&run);
        check_filter(&run, PN_COMPILER_FILTER_GRAM, PN_FILTER_GRAM);
        if (json_is_string(json_object_get(run.result, "hyperscan")))
                check_filter(&run, PN_COMPILER_FILTER_HS, PN_FILTER_HYPERSCAN);
        else
                assert_int_equal(lseek(run.fd[PN_COMPILER_PARTS + PN_COMPILER_FILTER_HS], 0, SEEK_END), 0);
        run_end(&run);
}

static void rules_that_are_wrong_are_a_result_with_place_and_no_parts(void **state)
{
        static const struct {
                const char *text, *words;
        } rows[] = {
                {"rule a {\n condition: }", "a.yar:2:"},
                {"rule a { condition: nonesuch }", "a.yar:1:"},
                {"rule a { strings: $a = \"x\" condition: true }", "a.yar:1:"},
                {"import \"dotnet\" rule a { condition: true }", "a.yar:1:"},
                {"include \"/etc/passwd\" rule a { condition: true }", "a.yar:1:"},
        };
        static struct wire wire;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct run run;
                const char *error;

                wire.len = 0;
                put_marker(&wire);
                put_file(&wire, "a.yar", rows[i].text);
                run = run_begin(&wire, F_SEAL_WRITE);
                run_program(&run);
                assert_int_equal(run.status, 0);
                error = json_string_value(json_object_get(run.result, "error"));
                assert_true(json_is_false(json_object_get(run.result, "ok")));
                assert_string_equal(json_string_value(json_object_get(run.result, "fault")), "config");
                if (!error || !strstr(error, rows[i].words))
                        fail_msg("%s: %s", rows[i].text, error);
                for (int part = 0; part < PN_COMPILER_PART_COUNT; part++)
                        assert_int_equal(lseek(run.fd[PN_COMPILER_PARTS + part], 0, SEEK_END), 0);
                run_end(&run);
        }
}

static void a_set_without_the_test_rule_is_refused(void **state)
{
        static struct wire wire;
        struct run run;

        (void)state;
        wire.len = 0;
        put_file(&wire, "a.yar", "rule a { condition: true }");
        run = run_begin(&wire, F_SEAL_WRITE);
        run_program(&run);
        assert_int_equal(run.status, 0);
        assert_non_null(strstr(json_string_value(json_object_get(run.result, "error")), "POSTERN-TEST-001"));
        run_end(&run);
}

static void without_its_descriptors_it_does_nothing(void **state)
{
        static struct wire wire;
        struct run run;

        (void)state;
        wire.len = 0;
        put_marker(&wire);
        run = run_begin(&wire, F_SEAL_GROW); /* could still be written to */
        run_program(&run);
        assert_int_equal(WEXITSTATUS(run.status), 64);
        assert_null(run.result);
        run_end(&run);
        for (int i = 0; i <= PN_COMPILER_RESULT; i++) {
                if (i == 1 || i == 2)
                        continue;
                run = run_begin(&wire, F_SEAL_WRITE);
                (void)close(run.fd[i]);
                run.fd[i] = open("/dev/null", O_RDWR | O_CLOEXEC);
                run_program(&run);
                assert_int_equal(WEXITSTATUS(run.status), 64);
                run_end(&run);
        }
}

static void parts_that_cannot_be_written_are_an_error_of_the_host(void **state)
{
        static struct wire wire;
        struct run run;

        (void)state;
        wire.len = 0;
        put_marker(&wire);
        run = run_begin(&wire, F_SEAL_WRITE);
        assert_int_equal(fcntl(run.fd[PN_COMPILER_PARTS + PN_COMPILER_EXACT], F_ADD_SEALS, F_SEAL_GROW), 0);
        run_program(&run);
        assert_int_equal(run.status, 0);
        assert_true(json_is_false(json_object_get(run.result, "ok")));
        assert_string_equal(json_string_value(json_object_get(run.result, "fault")), "host");
        run_end(&run);
        run = run_begin(&wire, F_SEAL_WRITE);
        assert_int_equal(fcntl(run.fd[PN_COMPILER_RESULT], F_ADD_SEALS, F_SEAL_GROW), 0);
        run_program(&run);
        assert_int_equal(WEXITSTATUS(run.status), 1);
        run_end(&run);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(sources_arrive_by_name_and_text),
                cmocka_unit_test(lists_that_are_not_whole_are_refused),
                cmocka_unit_test(too_many_sources_are_refused),
                cmocka_unit_test(an_error_is_told_in_printable_letters),
                cmocka_unit_test(rules_become_all_parts_behind_the_walls),
                cmocka_unit_test(rules_that_are_wrong_are_a_result_with_place_and_no_parts),
                cmocka_unit_test(a_set_without_the_test_rule_is_refused),
                cmocka_unit_test(without_its_descriptors_it_does_nothing),
                cmocka_unit_test(parts_that_cannot_be_written_are_an_error_of_the_host),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
