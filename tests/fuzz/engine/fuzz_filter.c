/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "scanner/engine/filter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
        if (!holds)
                abort();
}

/* ---------------------------------------------------------------- a database that somebody else chose */

struct seen {
        size_t len;
        uint32_t windows; /* numbers told are below it */
        unsigned hits;
};

static bool take(void *ctx, uint32_t window, size_t end)
{
        struct seen *seen = ctx;

        require(window < seen->windows && end >= PN_WINDOW_MIN && end <= seen->len);
        return ++seen->hits < 1000;
}

static void open_and_scan(enum pn_filter_kind kind, const uint8_t *data, size_t size)
{
        struct pn_filter *filter = NULL;
        struct pn_err err = PN_ERR_INIT;
        struct seen seen = {size, PN_WINDOWS_MAX, 0};
        uint8_t *copy = aligned_alloc(64, (size + 64) / 64 * 64);

        require(copy != NULL);
        memcpy(copy, data, size);
        if (pn_filter_open(kind, (struct pn_view){copy, size}, &filter, &err) == 0)
                (void)pn_filter_scan(filter, data, size, take, &seen, &err);
        else
                require(err.fault == PN_FAULT_CONFIG && err.text[0] != '\0' && !filter);
        (void)pn_filter_free(filter);
        free(copy);
}

/* ---------------------------------------------------------------- windows and a buffer, against a simple
 * search */

#define WINDOWS_MAX 32U

struct task {
        struct pn_window window[WINDOWS_MAX];
        uint32_t count;
        const uint8_t *buf;
        size_t len;
        uint64_t found[WINDOWS_MAX]; /* a bit for each of the first 64 ends */
};

static uint8_t lower(uint8_t byte)
{
        return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte + 32) : byte;
}

static bool is_at(const struct pn_window *window, const uint8_t *at)
{
        for (uint32_t i = 0; i < window->len; i++)
                if ((window->nocase ? lower(at[i]) : at[i]) != window->bytes[i])
                        return false;
        return true;
}

static bool note(void *ctx, uint32_t window, size_t end)
{
        struct task *task = ctx;

        require(window < task->count && end <= task->len && end >= task->window[window].len);
        require(is_at(&task->window[window], task->buf + end - task->window[window].len));
        if (end < 64)
                task->found[window] |= (uint64_t)1 << end;
        return true;
}

/* input = (length and case, bytes)[count] buffer */
static void task_read(struct task *task, const uint8_t *data, size_t size)
{
        uint32_t wanted = size > 0 ? data[0] % WINDOWS_MAX : 0;

        data += size > 0;
        size -= size > 0;
        for (; task->count < wanted && size > PN_WINDOW_MAX; task->count++) {
                struct pn_window *window = &task->window[task->count];

                window->len = (uint8_t)(PN_WINDOW_MIN + data[0] % 5);
                window->nocase = data[0] & 0x80;
                for (uint32_t i = 0; i < window->len; i++)
                        window->bytes[i] = window->nocase ? lower(data[1 + i]) : data[1 + i];
                data += 1 + window->len;
                size -= 1U + window->len;
        }
        task->buf = data;
        task->len = size;
}

static void compare(const uint8_t *data, size_t size)
{
        struct task task = {.count = 0};
        struct pn_filter *filter = NULL;
        struct pn_err err = PN_ERR_INIT;
        uint8_t *database = NULL;
        size_t len = 0;

        task_read(&task, data, size);
        require(pn_filter_gram_build(task.window, task.count, &database, &len, &err) == 0);
        require(pn_filter_open(PN_FILTER_GRAM, (struct pn_view){database, len}, &filter, &err) == 0);
        require(pn_filter_scan(filter, task.buf, task.len, note, &task, &err) == 0);
        for (uint32_t i = 0; i < task.count; i++)
                for (size_t end = task.window[i].len; end <= task.len && end < 64; end++)
                        if (is_at(&task.window[i], task.buf + end - task.window[i].len))
                                require(task.found[i] >> end & 1);
        (void)pn_filter_free(filter);
        free(database);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        if (size == 0)
                return 0;
        switch (data[0] % 3) {
        case 0:
                open_and_scan(PN_FILTER_GRAM, data + 1, size - 1);
                break;
        case 1:
                open_and_scan(PN_FILTER_HYPERSCAN, data + 1, size - 1);
                break;
        default:
                compare(data + 1, size - 1);
                break;
        }
        return 0;
}
