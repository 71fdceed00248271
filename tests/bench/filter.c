/* SPDX-License-Identifier: Apache-2.0 */

/* filter-bench WINDOWS-FILE FILE...: how fast both backends of the filter are, in bytes per second of CPU
 * time.
 *
 * WINDOWS-FILE has one window a line, 4 to 8 bytes in hex, with an `i` in front when case does not count. All
 * rounds are interleaved and medians are told, because machines are shared. `memory`: the files as they lie
 * in memory; `read`: with pread() into one buffer, as the scanner does it, and next to it the reading alone.
 * Then buffers that somebody made to be slow. One line for each measurement, fields separated by tabs. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/base/text.h"
#include "scanner/engine/compile/filter_hs.h"

#define ROUNDS 7U
#define MADE_BYTES (8U << 20)    /* of a buffer that is made to be slow */
#define FILES_BYTES (1ULL << 30) /* of files: what comes after is left out */

static const char *const backend_name[] = {"hyperscan", "gram"};
static const enum pn_filter_kind backend_kind[] = {PN_FILTER_HYPERSCAN, PN_FILTER_GRAM};
#define BACKENDS 2U

struct set {
        struct pn_window *window;
        uint32_t count;
};

struct file {
        const char *name;
        size_t offset, len; /* in `bytes` of the corpus */
};

struct corpus {
        struct file *file;
        uint32_t count;
        uint8_t *bytes, *buffer; /* all of them; room for the largest */
        size_t len, largest;
};

static double cpu_s(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void die(const char *what, const char *name)
{
        (void)fprintf(stderr, "filter-bench: %s `%s`\n", what, name);
        exit(1);
}

static void *room(size_t bytes)
{
        void *ret = aligned_alloc(64, (bytes + 64) / 64 * 64);

        if (!ret)
                die("no memory for", "the files");
        return ret;
}

/* ---------------------------------------------------------------- input */

static bool window_of_line(char *line, struct pn_window *ret)
{
        size_t len;

        memset(ret, 0, sizeof(*ret));
        line[strcspn(line, "\n")] = '\0';
        ret->nocase = line[0] == 'i';
        line += ret->nocase;
        len = strlen(line);
        ret->len = (uint8_t)(len / 2);
        return len % 2 == 0 && len / 2 >= PN_WINDOW_MIN && len / 2 <= PN_WINDOW_MAX &&
               pn_text_unhex(ret->bytes, len / 2, line, len);
}

static struct set read_windows(const char *name)
{
        struct set ret = {room(PN_WINDOWS_MAX * sizeof(struct pn_window)), 0};
        FILE *file = fopen(name, "re");
        char line[64];

        if (!file)
                die("cannot open", name);
        while (ret.count < PN_WINDOWS_MAX && fgets(line, sizeof(line), file))
                if (!window_of_line(line, &ret.window[ret.count++]))
                        die("not a window:", line);
        (void)fclose(file);
        return ret;
}

static ssize_t read_into(const char *name, uint8_t *to, size_t len)
{
        pn_autofd fd = open(name, O_RDONLY | O_CLOEXEC);

        return fd < 0 ? -1 : pn_fd_pread_full(fd, to, len, 0);
}

static struct corpus read_files(char **names, int count)
{
        struct corpus ret = {room((size_t)count * sizeof(struct file)), 0, NULL, NULL, 0, 0};
        struct stat st;

        for (int i = 0; i < count; i++) {
                if (stat(names[i], &st) < 0 || ret.len + (size_t)st.st_size > FILES_BYTES)
                        continue;
                ret.file[ret.count++] = (struct file){names[i], ret.len, (size_t)st.st_size};
                ret.len += (size_t)st.st_size;
                ret.largest = (size_t)st.st_size > ret.largest ? (size_t)st.st_size : ret.largest;
        }
        ret.bytes = room(ret.len);
        ret.buffer = room(ret.largest);
        for (uint32_t i = 0; i < ret.count; i++)
                if (read_into(ret.file[i].name, ret.bytes + ret.file[i].offset, ret.file[i].len) !=
                    (ssize_t)ret.file[i].len)
                        die("cannot read", ret.file[i].name);
        return ret;
}

/* ---------------------------------------------------------------- buffers made to be slow */

enum made { MADE_ZEROS, MADE_RANDOM, MADE_SUFFIX, MADE_PREFIX, MADE_MIDDLE, MADE_ONE, MADE_ALL, MADES };

static const char *const made_name[] = {"zeros",          "random",        "suffix intact", "prefix intact",
                                        "middle changed", "one near-miss", "all windows"};

static uint64_t draw(uint64_t *state)
{
        uint64_t z = *state += 0x9e3779b97f4a7c15U;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
        return z ^ z >> 27;
}

static void make(enum made kind, const struct set *set, uint8_t *buf, size_t len)
{
        static const uint32_t changed[MADES] = {
                [MADE_PREFIX] = PN_WINDOW_MAX, [MADE_MIDDLE] = PN_WINDOW_MAX / 2};
        uint64_t state = 1;

        for (size_t i = 0; i < len; i++)
                buf[i] = kind == MADE_RANDOM ? (uint8_t)(draw(&state) >> 32) : 0;
        if (kind == MADE_ZEROS || kind == MADE_RANDOM || set->count == 0)
                return;
        for (size_t at = 0; len - at >= PN_WINDOW_MAX;) {
                const struct pn_window *window =
                        &set->window[kind == MADE_ONE ? 0 : (draw(&state) >> 20) % set->count];
                uint32_t wrong = changed[kind] < window->len ? changed[kind] : window->len - 1U;

                memcpy(buf + at, window->bytes, window->len);
                if (kind != MADE_ALL)
                        buf[at + wrong] ^= 0x11;
                at += window->len;
        }
}

/* ---------------------------------------------------------------- measuring */

struct bench {
        struct set set;
        struct corpus corpus;
        uint8_t *made[MADES];
        uint8_t *database[BACKENDS];
        struct pn_filter *filter[BACKENDS]; /* NULL: not there */
};

static bool count_hit(void *ctx, uint32_t window, size_t end)
{
        (void)window;
        (void)end;
        ++*(uint64_t *)ctx;
        return true;
}

static uint64_t scan(struct pn_filter *filter, const uint8_t *buf, size_t len)
{
        struct pn_err err = PN_ERR_INIT;
        uint64_t hits = 0;

        if (filter && pn_filter_scan(filter, buf, len, count_hit, &hits, &err) < 0)
                die(err.text, "scan");
        return hits;
}

/* NULL as filter: reading alone. */
static uint64_t scan_files(const struct bench *bench, struct pn_filter *filter, bool reading)
{
        const struct corpus *corpus = &bench->corpus;
        uint64_t hits = 0;

        for (uint32_t i = 0; i < corpus->count; i++) {
                const struct file *file = &corpus->file[i];

                if (reading && read_into(file->name, corpus->buffer, file->len) != (ssize_t)file->len)
                        die("cannot read", file->name);
                hits += scan(filter, reading ? corpus->buffer : corpus->bytes + file->offset, file->len);
        }
        return hits;
}

struct row {
        const char *what, *backend;
        double seconds[ROUNDS];
        uint64_t hits;
        size_t bytes;
};

static int by_value(const void *left, const void *right)
{
        double a = *(const double *)left, b = *(const double *)right;

        return a < b ? -1 : a > b;
}

static void tell(struct row *row)
{
        qsort(row->seconds, ROUNDS, sizeof(row->seconds[0]), by_value);
        printf("%-16s\t%-9s\t%.3f GB/cpu-s\tbest %.3f\t%llu hits\n", row->what, row->backend,
               (double)row->bytes / row->seconds[ROUNDS / 2] / 1e9,
               (double)row->bytes / row->seconds[0] / 1e9, (unsigned long long)row->hits);
}

/* Files in memory and read, and reading alone. */
static void measure_files(const struct bench *bench)
{
        struct row row[2 * BACKENDS + 1] = {{0}};
        const uint32_t rows = sizeof(row) / sizeof(row[0]);

        for (uint32_t round = 0; round < ROUNDS; round++)
                for (uint32_t i = 0; i < rows; i++) {
                        bool alone = i == rows - 1, reading = alone || i >= BACKENDS;
                        struct pn_filter *filter = alone ? NULL : bench->filter[i % BACKENDS];
                        double before = cpu_s();

                        row[i].what = alone ? "reading alone" : reading ? "files, read" : "files, memory";
                        row[i].backend = alone ? "" : backend_name[i % BACKENDS];
                        row[i].bytes = bench->corpus.len;
                        row[i].hits = filter || alone ? scan_files(bench, filter, reading) : 0;
                        row[i].seconds[round] = cpu_s() - before;
                }
        for (uint32_t i = 0; i < rows; i++)
                if (i == rows - 1 || bench->filter[i % BACKENDS])
                        tell(&row[i]);
}

static void measure_made(const struct bench *bench)
{
        struct row row[MADES][BACKENDS] = {{{0}}};

        for (uint32_t round = 0; round < ROUNDS; round++)
                for (uint32_t i = 0; i < MADES * BACKENDS; i++) {
                        struct row *one = &row[i / BACKENDS][i % BACKENDS];
                        double before = cpu_s();

                        one->what = made_name[i / BACKENDS];
                        one->backend = backend_name[i % BACKENDS];
                        one->bytes = MADE_BYTES;
                        one->hits = scan(bench->filter[i % BACKENDS], bench->made[i / BACKENDS], MADE_BYTES);
                        one->seconds[round] = cpu_s() - before;
                }
        for (uint32_t i = 0; i < MADES * BACKENDS; i++)
                if (bench->filter[i % BACKENDS])
                        tell(&row[i / BACKENDS][i % BACKENDS]);
}

/* ---------------------------------------------------------------- building and opening */

static int build(uint32_t backend, const struct set *set, uint8_t **ret, size_t *ret_len, struct pn_err *err)
{
        if (backend_kind[backend] == PN_FILTER_GRAM)
                return pn_filter_gram_build(set->window, set->count, ret, ret_len, err);
        return pn_filter_hs_build(set->window, set->count, false, ret, ret_len, err);
}

/* The fastest of a few, in microseconds; the last one stays. */
static void build_and_open(struct bench *bench, uint32_t backend)
{
        double build_us = 1e12, open_us = 1e12;
        struct pn_err err = PN_ERR_INIT;
        size_t len = 0;

        for (uint32_t round = 0; round < 5; round++) {
                double before = cpu_s(), built;

                bench->filter[backend] = pn_filter_free(bench->filter[backend]);
                free(bench->database[backend]);
                bench->database[backend] = NULL;
                before = cpu_s();
                if (build(backend, &bench->set, &bench->database[backend], &len, &err) < 0 ||
                    (built = cpu_s(), false) ||
                    pn_filter_open(backend_kind[backend], (struct pn_view){bench->database[backend], len},
                                   &bench->filter[backend], &err) < 0) {
                        printf("%-16s\t%-9s\t%s\n", "not there", backend_name[backend], err.text);
                        return;
                }
                build_us = (built - before) * 1e6 < build_us ? (built - before) * 1e6 : build_us;
                open_us = (cpu_s() - built) * 1e6 < open_us ? (cpu_s() - built) * 1e6 : open_us;
        }
        printf("%-16s\t%-9s\tbuild %.0f us\topen %.0f us\t%zu bytes\n", "database", backend_name[backend],
               build_us, open_us, len);
}

int main(int argc, char **argv)
{
        struct bench bench = {0};

        if (argc < 3)
                die("usage: filter-bench WINDOWS-FILE FILE...", "");
        bench.set = read_windows(argv[1]);
        bench.corpus = read_files(argv + 2, argc - 2);
        printf("%u windows, %u files, %.1f MB\n", bench.set.count, bench.corpus.count,
               (double)bench.corpus.len / 1e6);
        for (uint32_t i = 0; i < BACKENDS; i++)
                build_and_open(&bench, i);
        for (uint32_t i = 0; i < MADES; i++) {
                bench.made[i] = room(MADE_BYTES);
                make(i, &bench.set, bench.made[i], MADE_BYTES);
        }
        measure_files(&bench);
        measure_made(&bench);
        return 0;
}
