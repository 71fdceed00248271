/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/compiler/compiler.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/base/jsonx.h"
#include "scanner/engine/exact.h"
#include "scanner/worker/sandbox.h"

#define MEMORY_BYTES (4ULL << 30) /* 40,000 rules need a quarter */
#define PART_BYTES (1ULL << 30)   /* of the largest file that is written */
#define CPU_S 300U
#define FILES 32U
#define GRAMS_BYTES_MAX (64U << 20) /* the table has 4 MiB */

static bool is_memory(int fd, int seal)
{
        int seals = fcntl(fd, F_GET_SEALS);

        return seals >= 0 && (seals & seal) == seal;
}

bool pn_compiler_called(void)
{
        struct stat st;

        if (!is_memory(PN_COMPILER_SOURCES, F_SEAL_WRITE) || !is_memory(PN_COMPILER_RESULT, 0))
                return false;
        for (int i = 0; i < PN_COMPILER_PART_COUNT; i++)
                if (!is_memory(PN_COMPILER_PARTS + i, 0))
                        return false;
        return fstat(PN_COMPILER_GRAMS, &st) == 0 && S_ISREG(st.st_mode);
}

/* libyara makes and zeroes 9 MB for every rule. Given back to the kernel each time, that is 2,300 page faults
 * and ten times the time of the rest (5.4 ms a rule; 0.5 kept). */
static void keep_memory(void)
{
        (void)mallopt(M_MMAP_THRESHOLD, 32 << 20);
        (void)mallopt(M_TRIM_THRESHOLD, 256 << 20);
        (void)mallopt(M_TOP_PAD, 16 << 20);
}

static int enter_jail(struct pn_err *err)
{
        struct pn_sandbox box = {.role = PN_ROLE_COMPILE,
                                 .parent = getppid(),
                                 .memory_bytes = MEMORY_BYTES,
                                 .cpu_s = CPU_S,
                                 .files = FILES,
                                 .file_bytes = PART_BYTES};
        struct pn_walls walls;

        box.id = PN_WORKER_ID_FIRST + (unsigned)box.parent;
        if (pn_sandbox_drop(&box, &walls, err) < 0)
                return -1;
        return pn_sandbox_close(&box, &walls, err);
}

static int read_file(int fd, const char *what, uint64_t max, struct pn_view *ret, struct pn_err *err)
{
        struct stat st;
        uint8_t *data;

        if (fstat(fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "look at %s", what);
        if ((uint64_t)st.st_size > max)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s: more than %llu bytes", what,
                                  (unsigned long long)max);
        data = malloc((size_t)st.st_size + 1);
        if (!data)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read %s", what);
        if (pn_fd_pread_full(fd, data, (size_t)st.st_size, 0) != st.st_size) {
                free(data);
                return pn_err_set(err, PN_FAULT_HOST, errno, "read %s", what);
        }
        *ret = (struct pn_view){data, (size_t)st.st_size};
        return 0;
}

static int write_file(int fd, const void *data, size_t len, struct pn_err *err)
{
        size_t done = 0;

        while (done < len) {
                ssize_t n = pwrite(fd, (const char *)data + done, len - done, (off_t)done);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return pn_err_set(err, PN_FAULT_HOST, n < 0 ? errno : EIO, "write a compiled part");
                done += (size_t)n;
        }
        return 0;
}

static int work(struct pn_compiler_made *made, struct pn_err *err)
{
        struct pn_view sources = {0}, grams = {0};
        int result = read_file(PN_COMPILER_SOURCES, "the rules", PN_COMPILER_SOURCE_BYTES_MAX, &sources, err);

        if (result == 0)
                result = read_file(PN_COMPILER_GRAMS, "the table of 4-grams", GRAMS_BYTES_MAX, &grams, err);
        if (result == 0)
                result = pn_compiler_make(sources, grams, made, err);
        for (int i = 0; i < PN_COMPILER_PART_COUNT && result == 0; i++)
                result = write_file(PN_COMPILER_PARTS + i, made->part[i].data, made->part[i].len, err);
        free((void *)(uintptr_t)sources.data);
        free((void *)(uintptr_t)grams.data);
        return result;
}

/* Last, so that a result stands only behind parts that are whole. */
static int tell(const struct pn_compiler_made *made, const struct pn_err *err)
{
        struct pn_err ignored = PN_ERR_INIT;
        pn_autofree char *text = pn_compiler_result(made, err);

        return text && write_file(PN_COMPILER_RESULT, text, strlen(text), &ignored) == 0 ? 0 : 1;
}

int pn_compiler_run(void)
{
        struct pn_compiler_made made = {0};
        struct pn_exact *libraries = NULL; /* held open from before the jail closes */
        struct pn_err err = PN_ERR_INIT;
        int result = -1;

        if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
                return 1;
        keep_memory();
        json_object_seed(0);
        if (pn_exact_new(&libraries, &err) == 0 && enter_jail(&err) == 0)
                result = work(&made, &err);
        result = tell(result == 0 ? &made : NULL, &err);
        pn_compiler_made_clear(&made);
        (void)pn_exact_free(libraries);
        return result;
}
