/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/oci_state.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"

#define SOON_MS 30000 /* a deadline that no test means to reach, even on a loaded machine */

static const char good[] = "{\"ociVersion\":\"1.0.2-dev\",\"id\":\"c1\",\"status\":\"creating\",\"pid\":7,"
                           "\"bundle\":\"/run/bundle\"}";

struct accepted {
        const char *name, *json, *id, *bundle, *status;
        int64_t pid;
};

static const struct accepted accepted[] = {
        {"least", "{\"id\":\"x\",\"bundle\":\"/\"}", "x", "/", "", 0},
        {"pid null", "{\"id\":\"x\",\"bundle\":\"/b\",\"pid\":null}", "x", "/b", "", 0},
        {"pid zero", "{\"id\":\"x\",\"bundle\":\"/b\",\"pid\":0}", "x", "/b", "", 0},
        {"pid largest", "{\"id\":\"x\",\"bundle\":\"/b\",\"pid\":2147483647}", "x", "/b", "", 2147483647},
        {"status null", "{\"id\":\"x\",\"bundle\":\"/b\",\"status\":null}", "x", "/b", "", 0},
        {"white space around", " \r\n\t{\"id\":\"x\",\"bundle\":\"/b\"} \n\n", "x", "/b", "", 0},
        {"escaped slashes", "{\"id\":\"x\",\"bundle\":\"\\/a\\/b\"}", "x", "/a/b", "", 0},
        {"unknown keys", "{\"id\":\"x\",\"bundle\":\"/b\",\"root\":\"rootfs\",\"new\":[{\"id\":7}]}", "x",
         "/b", "", 0},
        {"id of hostile bytes", "{\"id\":\"../\\u001b[2J\\n%n\",\"bundle\":\"/b\"}", "../\x1b[2J\n%n", "/b",
         "", 0},
        {"keys inside annotations",
         "{\"annotations\":{\"id\":\"no\",\"pid\":1},\"id\":\"x\",\"bundle\":\"/b\"}", "x", "/b", "", 0},
        {"brackets in a string do not nest",
         "{\"id\":\"x\",\"bundle\":\"/"
         "b\",\"annotations\":{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[["
         "[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[[[[[\"}}",
         "x", "/b", "", 0},
};

static void state_accepts_what_runtimes_may_write(void **ctx)
{
        (void)ctx;
        for (size_t i = 0; i < sizeof(accepted) / sizeof(accepted[0]); i++) {
                const struct accepted *row = &accepted[i];
                struct pn_state state = {0};
                struct pn_err err = PN_ERR_INIT;

                if (pn_state_parse(row->json, strlen(row->json), &state, &err) < 0)
                        fail_msg("%s: %s", row->name, err.text);
                assert_string_equal(state.id, row->id);
                assert_string_equal(state.bundle, row->bundle);
                assert_string_equal(state.status, row->status);
                assert_int_equal(state.pid, row->pid);
                pn_state_clear(&state);
                assert_null(state.id);
        }
}

struct refused {
        const char *name, *json, *says;
        enum pn_fault fault;
};

static const struct refused refused[] = {
        {"empty", "", "state: standard input is empty", PN_FAULT_HOST},
        {"white space only", " \n", "state: line ", PN_FAULT_HOST},
        {"cut in the middle", "{\"id\":\"x\",\"bund", "state: line 1, column ", PN_FAULT_HOST},
        {"two documents", "{\"id\":\"x\",\"bundle\":\"/b\"}{}", "end of file expected", PN_FAULT_HOST},
        {"an array", "[\"id\",\"bundle\"]", "state: must be an object", PN_FAULT_HOST},
        {"a number", "7", "state: ", PN_FAULT_HOST},
        {"no id", "{\"bundle\":\"/b\"}", "state: id: missing", PN_FAULT_HOST},
        {"id null", "{\"id\":null,\"bundle\":\"/b\"}", "state: id: missing", PN_FAULT_HOST},
        {"id empty", "{\"id\":\"\",\"bundle\":\"/b\"}", "state: id: must not be empty", PN_FAULT_HOST},
        {"id a number", "{\"id\":7,\"bundle\":\"/b\"}", "state: id: must be a string", PN_FAULT_HOST},
        {"id with NUL", "{\"id\":\"x\\u0000y\",\"bundle\":\"/b\"}", "state: line 1", PN_FAULT_HOST},
        {"bundle with NUL", "{\"id\":\"x\",\"bundle\":\"/b\\u0000/c\"}", "state: line 1", PN_FAULT_HOST},
        {"annotation with NUL", "{\"id\":\"x\",\"bundle\":\"/b\",\"annotations\":{\"a\":\"\\u0000\"}}",
         "state: line 1", PN_FAULT_HOST},
        {"invalid UTF-8", "{\"id\":\"\xff\",\"bundle\":\"/b\"}", "state: line 1", PN_FAULT_HOST},
        {"id twice", "{\"id\":\"x\",\"id\":\"y\",\"bundle\":\"/b\"}", "duplicate", PN_FAULT_HOST},
        {"annotation twice", "{\"id\":\"x\",\"bundle\":\"/b\",\"annotations\":{\"a\":\"\",\"a\":\"\"}}",
         "duplicate", PN_FAULT_HOST},
        {"no bundle", "{\"id\":\"x\"}", "state: bundle: missing", PN_FAULT_HOST},
        {"bundle empty", "{\"id\":\"x\",\"bundle\":\"\"}", "state: bundle: must not be empty", PN_FAULT_HOST},
        {"bundle relative", "{\"id\":\"x\",\"bundle\":\"b\"}", "state: bundle: must be an absolute path",
         PN_FAULT_HOST},
        {"bundle an object", "{\"id\":\"x\",\"bundle\":{}}", "state: bundle: must be a string",
         PN_FAULT_HOST},
        {"pid negative", "{\"id\":\"x\",\"bundle\":\"/b\",\"pid\":-1}",
         "state: pid: must be between 0 and 2147483647", PN_FAULT_HOST},
        {"pid too large", "{\"id\":\"x\",\"bundle\":\"/b\",\"pid\":2147483648}",
         "state: pid: must be between 0", PN_FAULT_HOST},
        {"pid past 64 bits", "{\"id\":\"x\",\"bundle\":\"/b\",\"pid\":18446744073709551617}", "state: line 1",
         PN_FAULT_HOST},
        {"pid a string", "{\"id\":\"x\",\"bundle\":\"/b\",\"pid\":\"1\"}",
         "state: pid: must be a whole number", PN_FAULT_HOST},
        {"pid a fraction", "{\"id\":\"x\",\"bundle\":\"/b\",\"pid\":1.5}",
         "state: pid: must be a whole number", PN_FAULT_HOST},
        {"status a list", "{\"id\":\"x\",\"bundle\":\"/b\",\"status\":[]}", "state: status: must be a string",
         PN_FAULT_HOST},
};

static void state_refuses_and_names_the_key(void **ctx)
{
        (void)ctx;
        for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
                const struct refused *row = &refused[i];
                struct pn_state state = {.pid = 42};
                struct pn_err err = PN_ERR_INIT;

                if (pn_state_parse(row->json, strlen(row->json), &state, &err) == 0)
                        fail_msg("%s: accepted", row->name);
                if (!strstr(err.text, row->says))
                        fail_msg("%s: said `%s`", row->name, err.text);
                assert_int_equal(err.fault, row->fault);
                assert_int_equal(state.pid, 42); /* results are untouched on failure */
                assert_null(state.id);
        }
}

static void state_refuses_raw_nul_byte(void **ctx)
{
        static const char text[] = "{\"id\":\"x\",\"bundle\":\"/b\"}\0{}";
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(pn_state_parse(text, sizeof(text) - 1, &state, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
}

/* {"id":<count times x>,"bundle":"/b"} */
static int parse_id_of(size_t count, struct pn_state *ret, struct pn_err *err)
{
        pn_autofree char *id = calloc(1, count + 1), *json = NULL;

        assert_non_null(id);
        memset(id, 'x', count);
        assert_true(asprintf(&json, "{\"id\":\"%s\",\"bundle\":\"/b\"}", id) > 0);
        return pn_state_parse(json, strlen(json), ret, err);
}

static void state_refuses_id_over_its_ceiling(void **ctx)
{
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(parse_id_of(PN_STATE_ID_MAX, &state, &err), 0);
        assert_int_equal(strlen(state.id), PN_STATE_ID_MAX);
        pn_state_clear(&state);
        assert_int_equal(parse_id_of(PN_STATE_ID_MAX + 1, &state, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
        assert_string_equal(err.text, "state: id: longer than 1024 bytes");
}

static void state_refuses_deep_nesting_before_it_recurses(void **ctx)
{
        enum { DEEP = 1000000 };
        pn_autofree char *json = malloc(DEEP + 1);
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_non_null(json);
        memset(json, '[', DEEP);
        assert_int_equal(pn_state_parse(json, DEEP, &state, &err), -1);
        assert_non_null(strstr(err.text, "state: too many objects and arrays in each other"));
}

/* What a real runtime wrote, byte by byte but for the paths. */
static void read_recorded(const char *name, struct pn_state *ret)
{
        pn_autofree char *path = NULL;
        pn_autofd fd = -1;
        struct pn_err err = PN_ERR_INIT;

        assert_true(asprintf(&path, "%s/tests/fuzz/corpus/oci_state/%s.json", PN_SOURCE_DIR, name) > 0);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        if (pn_state_read(fd, pn_clock_now_ms() + SOON_MS, ret, &err) < 0)
                fail_msg("%s: %s", name, err.text);
}

static void state_of_runc_1_1_5_is_read(void **ctx)
{
        struct pn_state state = {0};

        (void)ctx;
        read_recorded("runc-1.1.5", &state);
        assert_string_equal(state.id, "web-1");
        assert_string_equal(state.bundle, "/run/bundle");
        assert_string_equal(state.status, "creating");
        assert_true(state.pid > 1);
        pn_state_clear(&state);
}

static void state_of_crun_1_8_1_is_read(void **ctx)
{
        struct pn_state state = {0};

        (void)ctx;
        read_recorded("crun-1.8.1", &state);
        assert_string_equal(state.id, "web-1");
        assert_string_equal(state.bundle, "/run/bundle");
        assert_string_equal(state.status, "created");
        assert_true(state.pid > 1);
        pn_state_clear(&state);
}

/* A pipe whose other end a child fills: `head`, then `fill_bytes` spaces in small writes with `pause_us`
 * between them, then `tail`. The child leaves with 0 only if it could write it all. */
struct writer {
        int fd;
        pid_t pid;
};

static void put(int fd, const char *data, size_t len)
{
        while (len > 0) {
                ssize_t n = write(fd, data, len);

                if (n <= 0)
                        _exit(1);
                data += n;
                len -= (size_t)n;
        }
}

static struct writer start_writer(const char *head, size_t fill_bytes, useconds_t pause_us, const char *tail)
{
        static char spaces[4096];
        struct writer ret;
        int ends[2];

        memset(spaces, ' ', sizeof(spaces));
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        ret.pid = fork();
        assert_true(ret.pid >= 0);
        if (ret.pid == 0) {
                (void)close(ends[0]);
                put(ends[1], head, strlen(head));
                while (fill_bytes > 0) {
                        size_t n = pause_us ? 1 : fill_bytes < sizeof(spaces) ? fill_bytes : sizeof(spaces);

                        put(ends[1], spaces, n);
                        fill_bytes -= n;
                        if (pause_us)
                                (void)usleep(pause_us);
                }
                put(ends[1], tail, strlen(tail));
                _exit(0);
        }
        (void)close(ends[1]);
        ret.fd = ends[0];
        return ret;
}

/* Returns whether the writer could write everything. */
static bool end_writer(struct writer *writer)
{
        int status;

        (void)close(writer->fd);
        assert_int_equal(waitpid(writer->pid, &status, 0), writer->pid);
        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void state_is_read_to_the_end_however_large(void **ctx)
{
        static const size_t sizes[] = {0, 65535, 65536, 300 << 10, 15 << 20};

        (void)ctx;
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
                struct writer writer = start_writer("{\"annotations\":{\"a\":\"", sizes[i], 0,
                                                    "\"},\"id\":\"last\",\"bundle\":\"/b\"}");
                struct pn_state state = {0};
                struct pn_err err = PN_ERR_INIT;

                if (pn_state_read(writer.fd, pn_clock_now_ms() + SOON_MS, &state, &err) < 0)
                        fail_msg("%zu bytes: %s", sizes[i], err.text);
                assert_string_equal(state.id, "last");
                pn_state_clear(&state);
                assert_true(end_writer(&writer));
        }
}

static void state_of_exactly_the_ceiling_is_read_and_one_byte_more_is_refused(void **ctx)
{
        (void)ctx;
        for (size_t extra = 0; extra < 2; extra++) {
                struct writer writer = start_writer(good, PN_STATE_BYTES_MAX - strlen(good) + extra, 0, "");
                struct pn_state state = {0};
                struct pn_err err = PN_ERR_INIT;
                int r = pn_state_read(writer.fd, pn_clock_now_ms() + SOON_MS, &state, &err);

                assert_int_equal(r, extra ? -1 : 0);
                if (extra)
                        assert_int_equal(err.fault, PN_FAULT_TARGET);
                pn_state_clear(&state);
                assert_true(end_writer(&writer));
        }
}

static void state_over_the_ceiling_is_drained_so_that_the_writer_ends(void **ctx)
{
        struct writer writer = start_writer(good, (size_t)PN_STATE_BYTES_MAX + (8U << 20), 0, "");
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(pn_state_read(writer.fd, pn_clock_now_ms() + SOON_MS, &state, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_TARGET);
        assert_string_equal(err.text, "state: more than 16777216 bytes on standard input");
        assert_true(end_writer(&writer));
}

static void state_refuses_writer_that_never_ends(void **ctx)
{
        int64_t start = pn_clock_now_ms();
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;
        int ends[2];

        (void)ctx;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        assert_int_equal(write(ends[1], good, strlen(good)), (ssize_t)strlen(good));
        assert_int_equal(pn_state_read(ends[0], start + 150, &state, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUDGET);
        assert_true(pn_clock_now_ms() >= start + 150);
        assert_null(state.id);
        (void)close(ends[0]);
        (void)close(ends[1]);
}

static void state_deadline_does_not_move_with_dripping_bytes(void **ctx)
{
        struct writer writer = start_writer(good, 1000, 20000, "");
        int64_t start = pn_clock_now_ms();
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(pn_state_read(writer.fd, start + 200, &state, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUDGET);
        assert_true(pn_clock_now_ms() < start + 10000);
        (void)kill(writer.pid, SIGKILL);
        assert_false(end_writer(&writer));
}

static void state_refuses_when_the_deadline_has_passed_already(void **ctx)
{
        struct writer writer = start_writer(good, 0, 0, "");
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(pn_state_read(writer.fd, pn_clock_now_ms() - 1, &state, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUDGET);
        (void)end_writer(&writer);
}

static void on_alarm(int sig)
{
        (void)sig;
}

static void state_reading_survives_interrupting_signals(void **ctx)
{
        struct sigaction action = {.sa_handler = on_alarm}; /* no SA_RESTART: system calls return EINTR */
        struct itimerval every = {.it_interval = {0, 3000}, .it_value = {0, 3000}}, never = {0};
        struct writer writer = start_writer("{\"id\":\"x\",", 20, 10000, "\"bundle\":\"/b\"}");
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
        assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
        if (pn_state_read(writer.fd, pn_clock_now_ms() + SOON_MS, &state, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
        assert_string_equal(state.bundle, "/b");
        pn_state_clear(&state);
        assert_true(end_writer(&writer));
}

static void state_refuses_closed_standard_input(void **ctx)
{
        static const int missing[] = {-1, 987654};
        int64_t start = pn_clock_now_ms();

        (void)ctx;
        for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
                struct pn_state state = {0};
                struct pn_err err = PN_ERR_INIT;

                assert_int_equal(pn_state_read(missing[i], start + SOON_MS, &state, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_HOST);
                assert_string_equal(err.text, "state: standard input is closed");
        }
        assert_true(pn_clock_now_ms() < start + SOON_MS);
}

static void state_refuses_what_is_no_stream_of_bytes(void **ctx)
{
        static const struct {
                const char *path, *says;
        } rows[] = {
                {"/dev/null", "state: standard input is empty"},
                {"/", "state: read standard input: Is a directory"},
        };

        (void)ctx;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                pn_autofd fd = open(rows[i].path, O_RDONLY | O_CLOEXEC);
                struct pn_state state = {0};
                struct pn_err err = PN_ERR_INIT;

                assert_true(fd >= 0);
                assert_int_equal(pn_state_read(fd, pn_clock_now_ms() + SOON_MS, &state, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_HOST);
                assert_string_equal(err.text, rows[i].says);
        }
}

static void state_refuses_writer_that_leaves_in_the_middle(void **ctx)
{
        struct writer writer = start_writer("{\"id\":\"x\",\"bundle\":\"/b\"", 0, 0, "");
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;

        (void)ctx;
        assert_int_equal(pn_state_read(writer.fd, pn_clock_now_ms() + SOON_MS, &state, &err), -1);
        assert_int_equal(err.fault, PN_FAULT_HOST);
        assert_true(end_writer(&writer));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(state_accepts_what_runtimes_may_write),
                cmocka_unit_test(state_refuses_and_names_the_key),
                cmocka_unit_test(state_refuses_raw_nul_byte),
                cmocka_unit_test(state_refuses_id_over_its_ceiling),
                cmocka_unit_test(state_refuses_deep_nesting_before_it_recurses),
                cmocka_unit_test(state_of_runc_1_1_5_is_read),
                cmocka_unit_test(state_of_crun_1_8_1_is_read),
                cmocka_unit_test(state_is_read_to_the_end_however_large),
                cmocka_unit_test(state_of_exactly_the_ceiling_is_read_and_one_byte_more_is_refused),
                cmocka_unit_test(state_over_the_ceiling_is_drained_so_that_the_writer_ends),
                cmocka_unit_test(state_refuses_writer_that_never_ends),
                cmocka_unit_test(state_deadline_does_not_move_with_dripping_bytes),
                cmocka_unit_test(state_refuses_when_the_deadline_has_passed_already),
                cmocka_unit_test(state_reading_survives_interrupting_signals),
                cmocka_unit_test(state_refuses_closed_standard_input),
                cmocka_unit_test(state_refuses_what_is_no_stream_of_bytes),
                cmocka_unit_test(state_refuses_writer_that_leaves_in_the_middle),
        };

        return cmocka_run_group_tests_name("oci_state", tests, NULL, NULL);
}
