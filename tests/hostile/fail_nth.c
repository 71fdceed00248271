/* SPDX-License-Identifier: Apache-2.0 */

/* LD_PRELOAD library: the n-th allocation of a process fails.
 *
 *     POSTERN_FAIL_NTH=n      malloc, calloc, realloc and reallocarray are counted from 1; number n returns
 * NULL POSTERN_FAIL_STICKY=1   and so do all after it POSTERN_FAIL_MARK=FILE  FILE is made when that happens:
 * a loop over n ends with the first run without it
 *
 * Counting begins when this library is initialised, so that n is the same in every run of a deterministic
 * program; a forked child goes on with its parent's count. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

/* glibc's own allocator; its names for interposers are stable since 2.0 and in no header. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);

static atomic_ulong counted;
static unsigned long nth; /* 0: off */
static bool sticky;
static char mark[PATH_MAX]; /* a copy: the program may clear its environment */

__attribute__((constructor)) static void start(void)
{
        const char *n = getenv("POSTERN_FAIL_NTH"), *file = getenv("POSTERN_FAIL_MARK");

        sticky = getenv("POSTERN_FAIL_STICKY") != NULL;
        for (size_t i = 0; file && file[i] && i + 1 < sizeof(mark); i++)
                mark[i] = file[i];
        nth = n ? strtoul(n, NULL, 10) : 0;
}

static bool fails(void)
{
        unsigned long number;

        if (nth == 0)
                return false;
        number = atomic_fetch_add(&counted, 1) + 1;
        if (number != nth && !(sticky && number > nth))
                return false;
        if (mark[0]) {
                int fd = open(mark, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

                if (fd >= 0)
                        (void)close(fd);
        }
        errno = ENOMEM;
        return true;
}

void *malloc(size_t size)
{
        return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
        return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *block, size_t size)
{
        return fails() ? NULL : __libc_realloc(block, size);
}

void *reallocarray(void *block, size_t count, size_t size)
{
        size_t bytes;

        if (__builtin_mul_overflow(count, size, &bytes)) {
                errno = ENOMEM;
                return NULL;
        }
        return fails() ? NULL : __libc_realloc(block, bytes);
}
