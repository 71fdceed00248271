/* SPDX-License-Identifier: Apache-2.0 */

/* hash-bench FILE...: what SHA-256 of many files costs, in bytes per second of CPU time.
 *
 *   openssl    one file after the other, as the scanner does it (scanner/engine/digest.c)
 *   ipsec-mb   many files at once in the lanes of intel-ipsec-mb, as they come or the largest first (a lane
 * that has no more work waits for the longest). Only files of less than 64 KiB: a job counts its bytes in 16
 * bits, and no job goes on where another ended. So openssl has a row for these files, too sha256sum  the
 * command, with its start and its reading
 *
 * Rounds are interleaved, medians are told, and the digests of one way are compared with those of the other.
 */

#include <fcntl.h>
#include <intel-ipsec-mb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/engine/digest.h"

#define ROUNDS 5U
#define FILES_BYTES (1ULL << 30)
#define JOB_BYTES_MAX 65534U

struct file {
        char *name;
        const uint8_t *bytes;
        size_t len;
        uint8_t sha256[2][PN_DIGEST_BYTES]; /* by openssl, by ipsec-mb */
};

struct bench {
        struct file *file;
        char **command; /* sha256sum and the names */
        uint32_t count;
        size_t len, small_len;
        uint8_t *buffer; /* room for the largest */
        struct pn_digest *digest;
        IMB_MGR *manager;
};

static void die(const char *what, const char *name)
{
        (void)fprintf(stderr, "hash-bench: %s `%s`\n", what, name);
        exit(1);
}

static void *room(size_t bytes)
{
        void *ret = calloc(1, bytes + 1);

        if (!ret)
                die("no memory for", "the files");
        return ret;
}

/* ---------------------------------------------------------------- input */

static size_t read_into(const char *name, uint8_t *to, size_t len)
{
        pn_autofd fd = open(name, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || pn_fd_pread_full(fd, to, len, 0) != (ssize_t)len)
                die("cannot read", name);
        return len;
}

static void read_files(struct bench *bench, char **names, uint32_t count)
{
        size_t largest = 0;
        struct stat st;

        bench->file = room(count * sizeof(*bench->file));
        bench->command = room((count + 2) * sizeof(*bench->command));
        bench->command[0] = (char *)(uintptr_t)"sha256sum";
        for (uint32_t i = 0; i < count; i++) {
                struct file *file = &bench->file[bench->count];
                uint8_t *bytes;

                if (stat(names[i], &st) < 0 || st.st_size == 0 ||
                    bench->len + (size_t)st.st_size > FILES_BYTES)
                        continue;
                bytes = room((size_t)st.st_size);
                *file = (struct file){names[i], bytes, read_into(names[i], bytes, (size_t)st.st_size), {{0}}};
                bench->command[++bench->count] = names[i];
                bench->len += file->len;
                bench->small_len += file->len <= JOB_BYTES_MAX ? file->len : 0;
                largest = file->len > largest ? file->len : largest;
        }
        bench->buffer = room(largest);
}

/* ---------------------------------------------------------------- ways */

static void openssl_one(struct bench *bench, struct file *file, const uint8_t *bytes)
{
        struct pn_err err = PN_ERR_INIT;

        if (pn_digest_start(bench->digest, &err) < 0 ||
            pn_digest_add(bench->digest, bytes, file->len, &err) < 0 ||
            pn_digest_end(bench->digest, file->sha256[0], &err) < 0)
                die(err.text, file->name);
}

static void by_openssl(struct bench *bench)
{
        for (uint32_t i = 0; i < bench->count; i++)
                openssl_one(bench, &bench->file[i], bench->file[i].bytes);
}

static void by_openssl_small(struct bench *bench)
{
        for (uint32_t i = 0; i < bench->count; i++)
                if (bench->file[i].len <= JOB_BYTES_MAX)
                        openssl_one(bench, &bench->file[i], bench->file[i].bytes);
}

static void by_openssl_read(struct bench *bench)
{
        for (uint32_t i = 0; i < bench->count; i++) {
                (void)read_into(bench->file[i].name, bench->buffer, bench->file[i].len);
                openssl_one(bench, &bench->file[i], bench->buffer);
        }
}

static void job_done(const IMB_JOB *job)
{
        if (job && job->status != IMB_STATUS_COMPLETED)
                die("ipsec-mb failed on", ((const struct file *)job->user_data)->name);
}

static void ipsec_all(struct bench *bench, struct file **order, uint32_t count)
{
        const IMB_JOB *done;

        for (uint32_t i = 0; i < count; i++) {
                IMB_JOB *job = IMB_GET_NEXT_JOB(bench->manager);

                memset(job, 0, sizeof(*job));
                job->cipher_mode = IMB_CIPHER_NULL;
                job->cipher_direction = IMB_DIR_ENCRYPT;
                job->chain_order = IMB_ORDER_HASH_CIPHER;
                job->hash_alg = IMB_AUTH_SHA_256;
                job->src = order[i]->bytes;
                job->msg_len_to_hash_in_bytes = order[i]->len;
                job->auth_tag_output = order[i]->sha256[1];
                job->auth_tag_output_len_in_bytes = PN_DIGEST_BYTES;
                job->user_data = order[i];
                job_done(IMB_SUBMIT_JOB(bench->manager));
        }
        while ((done = IMB_FLUSH_JOB(bench->manager)))
                job_done(done);
}

static int by_size(const void *left, const void *right)
{
        const struct file *a = *(struct file *const *)left, *b = *(struct file *const *)right;

        return a->len > b->len ? -1 : a->len < b->len;
}

static void by_ipsec(struct bench *bench, bool sorted)
{
        struct file **order = room(bench->count * sizeof(struct file *));
        uint32_t count = 0;

        for (uint32_t i = 0; i < bench->count; i++)
                if (bench->file[i].len <= JOB_BYTES_MAX)
                        order[count++] = &bench->file[i];
        if (sorted)
                qsort(order, count, sizeof(struct file *), by_size);
        ipsec_all(bench, order, count);
        for (uint32_t i = 0; i < count; i++) {
                if (memcmp(order[i]->sha256[0], order[i]->sha256[1], PN_DIGEST_BYTES) != 0)
                        die("digests differ:", order[i]->name);
                memset(order[i]->sha256[1], 0, PN_DIGEST_BYTES);
        }
        free(order);
}

static void by_ipsec_as_they_come(struct bench *bench)
{
        by_ipsec(bench, false);
}

static void by_ipsec_largest_first(struct bench *bench)
{
        by_ipsec(bench, true);
}

static void by_command(struct bench *bench)
{
        int status = 0;
        pid_t child = fork();

        if (child == 0) {
                int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

                (void)dup2(null, STDOUT_FILENO);
                (void)execvp(bench->command[0], bench->command);
                _exit(127);
        }
        if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
                die("cannot run", bench->command[0]);
}

/* ---------------------------------------------------------------- measuring */

/* Of this process and of the children that have ended. */
static double cpu_s(void)
{
        double ret = 0;

        for (int who = RUSAGE_CHILDREN; who <= RUSAGE_SELF; who++) {
                struct rusage use;

                (void)getrusage(who, &use);
                ret += (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
                       (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
        }
        return ret;
}

static int by_value(const void *left, const void *right)
{
        double a = *(const double *)left, b = *(const double *)right;

        return a < b ? -1 : a > b;
}

int main(int argc, char **argv)
{
        static const struct {
                const char *name;
                void (*run)(struct bench *bench);
                bool small;
        } rows[] = {
                {"openssl, memory", by_openssl, false},
                {"openssl, read", by_openssl_read, false},
                {"sha256sum", by_command, false},
                {"openssl, small files", by_openssl_small, true},
                {"ipsec-mb, as they come", by_ipsec_as_they_come, true},
                {"ipsec-mb, largest first", by_ipsec_largest_first, true},
        };
        enum { ROWS = sizeof(rows) / sizeof(rows[0]) };
        double seconds[ROWS][ROUNDS];
        struct bench bench = {0};
        struct pn_err err = PN_ERR_INIT;
        IMB_ARCH arch = IMB_ARCH_NONE;

        if (argc < 2)
                die("usage: hash-bench FILE...", "");
        bench.manager = alloc_mb_mgr(0);
        if (!bench.manager || pn_digest_new(&bench.digest, &err) < 0)
                die("cannot start", err.text);
        init_mb_mgr_auto(bench.manager, &arch);
        read_files(&bench, argv + 1, (uint32_t)(argc - 1));
        for (uint32_t round = 0; round < ROUNDS; round++)
                for (uint32_t i = 0; i < ROWS; i++) {
                        double before = cpu_s();

                        rows[i].run(&bench);
                        seconds[i][round] = cpu_s() - before;
                }
        printf("%u files, %.1f MB, of them %.1f MB in small ones; ipsec-mb %s, architecture %d\n",
               bench.count, (double)bench.len / 1e6, (double)bench.small_len / 1e6, imb_get_version_str(),
               (int)arch);
        for (uint32_t i = 0; i < ROWS; i++) {
                double bytes = (double)(rows[i].small ? bench.small_len : bench.len) / 1e9;

                qsort(seconds[i], ROUNDS, sizeof(seconds[i][0]), by_value);
                printf("%-24s\t%.3f GB/cpu-s\tbest %.3f\n", rows[i].name, bytes / seconds[i][ROUNDS / 2],
                       bytes / seconds[i][0]);
        }
        free_mb_mgr(bench.manager);
        return 0;
}
