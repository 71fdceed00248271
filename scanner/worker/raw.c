/* SPDX-License-Identifier: Apache-2.0 */
/* The raw matcher: reads the bytes of every file the walker hands over, tells ELF files by their magic,
 * digests those, and passes them on to the parser. Parses no structure, so that nothing in a file can make it
 * skip another. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/engine/digest.h"
#include "scanner/engine/elf.h"
#include "scanner/worker/role.h"

#define BLOCK_BYTES (1U << 20) /* fits a second-level cache, and costs one system call per MiB */

struct raw {
        struct pn_worker *worker;
        struct pn_digest *digest;
        uint8_t *block;
        uint64_t read_bytes; /* in this scan */
        uint64_t files;
        struct pn_msg_out on; /* files for the parser, being written */
        bool over; /* limits.total_bytes was reached and told */
};

struct answer {
        uint32_t flags;
        uint64_t read_bytes;
        uint8_t sha256[PN_SHA256_BYTES];
};

static int tell(struct raw *raw, enum pn_issue_class cls, uint64_t object, const char *text,
                struct pn_err *err)
{
        return pn_worker_tell_issue(raw->worker, cls, object, text, NULL, err);
}

/* Is there room for another `bytes`? Tells once when there is not. */
static bool within_total(struct raw *raw, uint64_t bytes, uint64_t object, struct pn_err *err)
{
        if (raw->read_bytes + bytes <= raw->worker->limits.total_bytes)
                return true;
        if (!raw->over)
                (void)tell(raw, PN_ISSUE_LIMIT, object, "limits.total_bytes reached", err);
        raw->over = true;
        return false;
}

/* Digests all of the file, as it is now. 0 when that worked, 1 when an issue was told instead, -1. */
static int digest_file(struct raw *raw, int fd, uint64_t object, const struct stat *st, struct answer *answer,
                       struct pn_err *err)
{
        uint64_t at = 0;

        if (pn_digest_start(raw->digest, err) < 0)
                return -1;
        for (;;) {
                ssize_t n = pn_fd_pread_full(fd, raw->block, BLOCK_BYTES, at);

                if (n < 0) {
                        char text[PN_WORDS_MAX] = "read: ";

                        (void)strncat(text, strerrordesc_np(errno) ?: "unknown error", 64);
                        return tell(raw, PN_ISSUE_CONTENT, object, text, err) < 0 ? -1 : 1;
                }
                if (n > 0 && !within_total(raw, (uint64_t)n, object, err))
                        return 1;
                at += (uint64_t)n;
                raw->read_bytes += (uint64_t)n;
                if (n > 0 && pn_digest_add(raw->digest, raw->block, (size_t)n, err) < 0)
                        return -1;
                if (n < (ssize_t)BLOCK_BYTES)
                        break;
                if (at > (uint64_t)st->st_size + BLOCK_BYTES) /* grows as we read: do not run after it */
                        break;
        }
        answer->read_bytes = at;
        if (at != (uint64_t)st->st_size || !pn_worker_unchanged(fd, st))
                return tell(raw, PN_ISSUE_CONTENT, object, "changed during the scan", err) < 0 ? -1 : 1;
        if (pn_digest_end(raw->digest, answer->sha256, err) < 0)
                return -1;
        answer->flags |= PN_FLAG_DIGEST;
        return 0;
}

static int look(struct raw *raw, int fd, uint64_t object, struct answer *answer, struct pn_err *err)
{
        struct stat st;
        uint8_t head[4];
        ssize_t n;

        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return pn_err_set(err, PN_FAULT_TARGET, 0,
                                  "a descriptor of something that is no regular file");
        n = pn_fd_pread_full(fd, head, sizeof(head), 0);
        if (n < 0)
                return tell(raw, PN_ISSUE_CONTENT, object, "its first bytes cannot be read", err);
        answer->read_bytes = (uint64_t)n;
        if (!pn_elf_magic((struct pn_view){head, (size_t)n}))
                return 0;
        answer->flags |= PN_FLAG_ELF;
        if ((uint64_t)st.st_size > raw->worker->limits.hash_bytes)
                return tell(raw, PN_ISSUE_LIMIT, object, "larger than limits.hash_bytes: no digest was made",
                            err);
        return digest_file(raw, fd, object, &st, answer, err) < 0 ? -1 : 0;
}

/* Tells the supervisor first, then passes the ELF files on: nobody answers for what the supervisor has not
 * heard of. */
static int answer_batch(struct raw *raw, uint64_t first, const struct answer *answers, const uint64_t *sizes,
                        const int *fds, uint16_t count, struct pn_err *err)
{
        struct pn_msg_out *on = &raw->on;
        int elf[PN_MSG_BATCH_MAX];
        uint16_t elfs = 0;

        pn_msg_begin(&raw->worker->out, PN_MSG_RAW, count, first);
        pn_msg_begin(on, PN_MSG_FILES, 0, 0);
        for (uint16_t i = 0; i < count; i++) {
                pn_msg_u32(&raw->worker->out, answers[i].flags);
                pn_msg_u64(&raw->worker->out, answers[i].read_bytes);
                pn_msg_raw(&raw->worker->out, answers[i].sha256, sizeof(answers[i].sha256));
                if (!(answers[i].flags & PN_FLAG_ELF))
                        continue;
                pn_msg_u64(on, first + i);
                pn_msg_u64(on, sizes[i]);
                elf[elfs++] = fds[i];
        }
        if (pn_worker_tell(raw->worker, err) < 0)
                return -1;
        pn_msg_set_count(on, elfs);
        return elfs == 0 ? 0 : pn_fdpass_send(PN_WORKER_OUTPUT, on, elf, elfs, err);
}

static int look_batch(struct raw *raw, struct pn_msg_in *in, const int *fds, struct pn_err *err)
{
        struct answer answers[PN_MSG_BATCH_MAX] = {0};
        uint64_t sizes[PN_MSG_BATCH_MAX], first = 0;

        if (in->type != PN_MSG_FILES)
                return pn_err_set(err, PN_FAULT_BUG, 0, "%s message instead of files", pn_msg_name(in->type));
        for (uint16_t i = 0; i < in->count; i++) {
                uint64_t object = pn_msg_get_u64(in);

                sizes[i] = pn_msg_get_u64(in);
                if (i == 0)
                        first = object;
                if (in->bad || object != first + i)
                        return pn_err_set(err, PN_FAULT_BUG, 0, "objects out of order");
                if (look(raw, fds[i], object, &answers[i], err) < 0)
                        return -1;
        }
        if (pn_msg_done(in, err) < 0)
                return -1;
        raw->files += in->count;
        return answer_batch(raw, first, answers, sizes, fds, in->count, err);
}

int pn_worker_raw(struct pn_worker *worker, struct pn_err *err)
{
        struct raw raw = {.worker = worker};
        struct pn_walls walls = {0};
        int got = -1;

        raw.block = malloc(BLOCK_BYTES);
        if (!raw.block)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "allocate a buffer");
        if (pn_digest_new(&raw.digest, err) == 0 && pn_worker_jail_drop(worker, &walls, err) == 0 &&
            pn_worker_jail_close(worker, &walls, err) == 0 &&
            pn_worker_tell_ready(worker, &walls, err) == 0) {
                do {
                        struct pn_msg_in in;
                        int fds[PN_MSG_BATCH_MAX];
                        unsigned count;

                        got = pn_fdpass_recv(PN_WORKER_INPUT, false, worker->in, &in, fds, &count, err);
                        if (got > 0 && look_batch(&raw, &in, fds, err) < 0)
                                got = -1;
                        pn_fdpass_close_all(fds, count);
                } while (got > 0);
        }
        if (got == 0) {
                pn_msg_begin(&worker->out, PN_MSG_END, 0, raw.files);
                for (int i = 0; i < 3; i++)
                        pn_msg_u64(&worker->out, 0);
                got = pn_worker_tell(worker, err);
        }
        (void)close(PN_WORKER_OUTPUT);
        (void)pn_digest_free(raw.digest);
        free(raw.block);
        return got;
}
