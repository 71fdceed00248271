/* SPDX-License-Identifier: Apache-2.0 */

/* postern-ngrams OUT [LIST]: counts the 4-grams of clean binaries. LIST, or standard input, has a file name
 * in each line; those that are ELF files count, up to PN_NGRAMS_BYTES_MAX. OUT is the table of grams.h,
 * written whole or not at all. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/engine/compile/grams.h"

#define PN_NGRAMS_BYTES_MAX (512ULL << 20) /* more would hardly move a logarithm and takes a minute */
#define READ_BYTES (1U << 20)
#define EXIT_USAGE 64

static int complain(const struct pn_err *err)
{
        (void)fprintf(stderr, "postern-ngrams: %s\n", err->text);
        return EXIT_FAILURE;
}

/* Counts one file up to `*left` bytes. What is no regular file or no ELF file counts nothing. */
static int count_file(struct pn_gram_count *count, const char *name, uint8_t *buf, uint64_t *left,
                      struct pn_err *err)
{
        pn_autofd fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
        uint64_t offset = 0;
        struct stat st;

        if (fd < 0 || fstat(fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "open `%s`", name);
        while (S_ISREG(st.st_mode) && *left != 0) {
                const size_t want = *left < READ_BYTES ? (size_t)*left : READ_BYTES;
                const ssize_t got = pn_fd_pread_full(fd, buf, want, offset);

                if (got < 0)
                        return pn_err_set(err, PN_FAULT_HOST, errno, "read `%s`", name);
                if (got < 4 || (offset == 0 && memcmp(buf, "\177ELF", 4) != 0))
                        break;
                pn_gram_count_add(count, buf, (size_t)got);
                *left -= (uint64_t)got;
                offset += (uint64_t)got;
        }
        return 0;
}

static int count_list(struct pn_gram_count *count, FILE *list, uint8_t *buf, struct pn_err *err)
{
        pn_autofree char *line = NULL;
        uint64_t left = PN_NGRAMS_BYTES_MAX;
        size_t room = 0;
        ssize_t len;

        while (left != 0 && (len = getline(&line, &room, list)) > 0) {
                struct pn_err one = PN_ERR_INIT;

                if (line[len - 1] == '\n')
                        line[len - 1] = '\0';
                if (line[0] != '\0' && count_file(count, line, buf, &left, &one) < 0)
                        (void)fprintf(stderr, "postern-ngrams: %s, ignoring\n", one.text);
        }
        if (ferror(list))
                return pn_err_set(err, PN_FAULT_HOST, errno, "read the list of files");
        return 0;
}

static int write_all(int fd, const uint8_t *bytes, size_t len)
{
        while (len != 0) {
                const ssize_t wrote = write(fd, bytes, len);

                if (wrote < 0 && errno == EINTR)
                        continue;
                if (wrote <= 0)
                        return -1;
                bytes += wrote;
                len -= (size_t)wrote;
        }
        return 0;
}

static int write_table(const char *name, const uint8_t *bytes, size_t len, struct pn_err *err)
{
        pn_autofree char *temp = NULL;
        pn_autofd fd = -1;

        if (asprintf(&temp, "%s.XXXXXX", name) < 0) {
                temp = NULL;
                return pn_err_set(err, PN_FAULT_HOST, errno, "write `%s`", name);
        }
        fd = mkostemp(temp, O_CLOEXEC);
        if (fd < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "create `%s`", temp);
        if (write_all(fd, bytes, len) < 0 || fchmod(fd, 0644) < 0 || fsync(fd) < 0 ||
            rename(temp, name) < 0) {
                const int code = errno;

                (void)unlink(temp);
                return pn_err_set(err, PN_FAULT_HOST, code, "write `%s`", name);
        }
        return 0;
}

static int make_table(const char *out, FILE *list, struct pn_err *err)
{
        struct pn_gram_count *count = pn_gram_count_new();
        pn_autofree uint8_t *buf = malloc(READ_BYTES);
        pn_autofree uint8_t *table = NULL;
        size_t len = 0;
        int ret = -1;

        if (count == NULL || buf == NULL)
                (void)pn_err_set(err, PN_FAULT_HOST, ENOMEM, "count 4-grams");
        else if (count_list(count, list, buf, err) == 0 && pn_gram_count_file(count, &table, &len, err) == 0)
                ret = write_table(out, table, len, err);
        pn_gram_count_free(count);
        return ret < 0 ? pn_err_wrap(err, "make `%s`", out) : 0;
}

int main(int argc, char **argv)
{
        struct pn_err err = PN_ERR_INIT;
        FILE *list = stdin;
        int ret;

        if (argc < 2 || argc > 3) {
                (void)fputs("usage: postern-ngrams OUT [LIST]\n", stderr);
                return EXIT_USAGE;
        }
        if (argc == 3)
                list = fopen(argv[2], "re");
        if (list == NULL) {
                (void)pn_err_set(&err, PN_FAULT_CONFIG, errno, "open `%s`", argv[2]);
                return complain(&err);
        }
        ret = make_table(argv[1], list, &err);
        (void)fclose(list);
        return ret < 0 ? complain(&err) : EXIT_SUCCESS;
}
