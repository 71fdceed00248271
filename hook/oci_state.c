/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/oci_state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/base/jsonx.h"

#define PN_STATE_CHUNK_BYTES (64U << 10) /* what a pipe holds: one read(2) empties it */

struct inbox {
        char *data;
        size_t len;
        size_t cap;
        bool over; /* more than PN_STATE_BYTES_MAX came; what came later was not kept */
};

/* Makes room for one chunk. Doubling: annotations are few kB as a rule and 16 MiB at the worst. */
static int inbox_reserve(struct inbox *in)
{
        size_t cap = in->cap ? in->cap : PN_STATE_CHUNK_BYTES;
        char *more;

        while (cap - in->len < PN_STATE_CHUNK_BYTES)
                cap *= 2;
        if (cap == in->cap)
                return 0;
        more = realloc(in->data, cap);
        if (!more)
                return -1;
        in->data = more;
        in->cap = cap;
        return 0;
}

/* The next chunk, at the end of what is kept, or over it when the ceiling was passed. Returns what read(2)
 * does. */
static ssize_t inbox_read(struct inbox *in, int fd)
{
        ssize_t n;

        if (!in->over && inbox_reserve(in) < 0) {
                errno = ENOMEM;
                return -1;
        }
        n = read(fd, in->over ? in->data : in->data + in->len, PN_STATE_CHUNK_BYTES);
        if (n <= 0 || in->over)
                return n;
        in->len += (size_t)n;
        in->over = in->len > PN_STATE_BYTES_MAX;
        return n;
}

static int over_error(struct pn_err *err)
{
        return pn_err_set(err, PN_FAULT_TARGET, 0, "state: more than %u bytes on standard input",
                          PN_STATE_BYTES_MAX);
}

/* Reads to the end of `fd`. Every turn waits anew for what is left of the time: a writer that drips a byte
 * now and then does not move the deadline. */
static int inbox_fill(struct inbox *in, int fd, int64_t deadline_ms, struct pn_err *err)
{
        for (;;) {
                struct pollfd ready = {.fd = fd, .events = POLLIN};
                int left = pn_clock_left_ms(deadline_ms);
                ssize_t n;

                if (left == 0)
                        return in->over ? over_error(err)
                                        : pn_err_set(err, PN_FAULT_BUDGET, 0,
                                                     "state: standard input did not end before the deadline");
                n = poll(&ready, 1, left);
                if (n < 0 && errno != EINTR)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "state: poll standard input");
                if (n <= 0)
                        continue;
                n = inbox_read(in, fd);
                if (n < 0 && errno != EINTR && errno != EAGAIN)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "state: read standard input");
                if (n == 0)
                        return in->over ? over_error(err) : 0;
        }
}

int pn_state_read(int fd, int64_t deadline_ms, struct pn_state *ret, struct pn_err *err)
{
        struct inbox in = {NULL, 0, 0, false};
        int r;

        /* poll(2) would wait for ever on a negative descriptor and call a closed one ready. */
        if (fd < 0 || fcntl(fd, F_GETFD) < 0)
                return pn_err_set(err, PN_FAULT_HOST, 0, "state: standard input is closed");
        r = inbox_fill(&in, fd, deadline_ms, err);
        if (r == 0)
                r = pn_state_parse(in.data, in.len, ret, err);
        free(in.data);
        return r;
}

static int get(const json_t *root, const char *key, enum pn_jsonx_kind kind, bool required, json_t **ret,
               struct pn_err *err)
{
        return pn_jsonx_get("state", "", root, key, kind, required, PN_FAULT_HOST, ret, err);
}

static int take_string(const json_t *root, const char *key, bool required, char **ret, struct pn_err *err)
{
        json_t *value;

        if (get(root, key, PN_JSONX_STRING, required, &value, err) < 0)
                return -1;
        if (required && json_string_length(value) == 0) {
                (void)pn_err_set(err, PN_FAULT_HOST, 0, "state: %s: must not be empty", key);
                return -1;
        }
        *ret = strdup(value ? json_string_value(value) : "");
        if (*ret)
                return 0;
        (void)pn_err_set(err, PN_FAULT_HOST, ENOMEM, "state: %s", key);
        return -1;
}

static int take_pid(const json_t *root, int64_t *ret, struct pn_err *err)
{
        json_t *value;
        json_int_t pid;

        if (get(root, "pid", PN_JSONX_INTEGER, false, &value, err) < 0)
                return -1;
        pid = value ? json_integer_value(value) : 0;
        /* gVisor writes -1 when there is no process; nothing below may ever hand that to a system call. */
        if (pid < 0 || pid > INT_MAX)
                return pn_err_set(err, PN_FAULT_HOST, 0, "state: pid: must be between 0 and %d", INT_MAX);
        *ret = pid;
        return 0;
}

static int take_all(const json_t *root, struct pn_state *state, struct pn_err *err)
{
        if (take_string(root, "id", true, &state->id, err) < 0)
                return -1;
        if (strlen(state->id) > PN_STATE_ID_MAX)
                return pn_err_set(err, PN_FAULT_TARGET, 0, "state: id: longer than %d bytes",
                                  PN_STATE_ID_MAX);
        if (take_string(root, "bundle", true, &state->bundle, err) < 0)
                return -1;
        if (state->bundle[0] != '/')
                return pn_err_set(err, PN_FAULT_HOST, 0, "state: bundle: must be an absolute path");
        if (take_string(root, "status", false, &state->status, err) < 0)
                return -1;
        return take_pid(root, &state->pid, err);
}

int pn_state_parse(const char *json, size_t len, struct pn_state *ret, struct pn_err *err)
{
        struct pn_state state = {0};
        json_t *root;
        int r;

        if (len == 0)
                return pn_err_set(err, PN_FAULT_HOST, 0, "state: standard input is empty");
        if (pn_jsonx_load("state", json, len, PN_FAULT_HOST, &root, err) < 0)
                return -1;
        r = take_all(root, &state, err);
        json_decref(root);
        if (r < 0) {
                pn_state_clear(&state);
                return -1;
        }
        *ret = state;
        return 0;
}

void pn_state_clear(struct pn_state *state)
{
        free(state->id);
        free(state->bundle);
        free(state->status);
        *state = (struct pn_state){0};
}
