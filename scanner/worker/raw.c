/* SPDX-License-Identifier: Apache-2.0 */
/* The raw matcher: reads the bytes of every file the walker hands over, tells ELF files by their magic,
 * digests those and sieves them through the rules (scanner/engine/match.h) in the same pass, tells what is
 * certain, and passes them on to the parser with the rules that it is to decide. Parses no structure, so that
 * nothing in a file can make it skip another. Without a generation of rules it only digests, and libyara
 * matches every rule. */

#include "scanner/worker/raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/engine/detect/preload.h"
#include "scanner/engine/elf.h"

#define BLOCK_BYTES (1U << 20) /* fits a second-level cache, and costs one system call per MiB */

/* One file of a batch. */
struct answer {
        uint64_t object, size_bytes, read_bytes;
        size_t pairs, pair_count; /* run in raw->pair */
        size_t told, told_count;  /* run in raw->told */
        struct pn_view path;      /* into the message */
        uint32_t flags, path_flags;
        uint8_t sha256[PN_SHA256_BYTES];
};

/* A file being looked at. */
struct look {
        struct raw *raw;
        struct answer *answer;
        int fd;
        struct stat st;
};

static int tell(struct raw *raw, enum pn_issue_class cls, uint64_t object, const char *text,
                struct pn_err *err)
{
        return pn_worker_tell_issue(raw->worker, cls, object, text, NULL, err);
}

/* An issue about a file, with the reason; 1, or -1. */
static int tell_reason(struct raw *raw, enum pn_issue_class cls, uint64_t object, const char *what, int code,
                       struct pn_err *err)
{
        char text[PN_WORDS_MAX];

        (void)snprintf(text, sizeof(text), "%s: %.64s", what, strerrordesc_np(code) ?: "unknown error");
        return tell(raw, cls, object, text, err) < 0 ? -1 : 1;
}

/* Is there room for another `size` bytes? Tells once when there is not. */
static bool within_total(struct look *look, uint64_t size, struct pn_err *err)
{
        struct raw *raw = look->raw;

        if (!raw->over && size <= raw->worker->limits.total_bytes &&
            raw->read_bytes <= raw->worker->limits.total_bytes - size) {
                raw->read_bytes += size;
                return true;
        }
        if (!raw->over)
                (void)tell(raw, PN_ISSUE_LIMIT, look->answer->object, "limits.total_bytes reached", err);
        raw->over = true;
        return false;
}

/* Digests all of the file, as it is now. 0, 1 when an issue was told instead, -1. */
static int read_to_digest(struct look *look, uint64_t *ret_read, struct pn_err *err)
{
        struct raw *raw = look->raw;
        uint64_t at = 0;

        for (;;) {
                ssize_t n = pn_fd_pread_full(look->fd, raw->block, BLOCK_BYTES, at);

                if (n < 0)
                        return tell_reason(raw, PN_ISSUE_CONTENT, look->answer->object, "read", errno, err);
                at += (uint64_t)n;
                if (n > 0 && pn_digest_add(raw->digest, raw->block, (size_t)n, err) < 0)
                        return -1;
                if (n < (ssize_t)BLOCK_BYTES)
                        break;
                if (at > (uint64_t)look->st.st_size + BLOCK_BYTES) /* grows as we read: do not run after it */
                        break;
        }
        *ret_read = at;
        return 0;
}

static int on_bytes(void *ctx, const uint8_t *bytes, size_t len, struct pn_err *err)
{
        struct raw *raw = ctx;

        return pn_digest_add(raw->digest, bytes, len, err);
}

/* ---------------------------------------------------------------- the rules */

static int add_pair(struct raw *raw, struct answer *answer, const struct pn_match_pair *pair,
                    struct pn_err *err)
{
        if (raw->pair_count == raw->pair_room) {
                size_t room = raw->pair_room * 2 + 64;
                uint32_t *more = reallocarray(raw->pair, room, sizeof(*more));

                if (!more)
                        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a rule");
                raw->pair = more;
                raw->pair_room = room;
        }
        raw->pair[raw->pair_count++] = pair->rule | (pair->certain ? PN_PAIR_CERTAIN : 0);
        answer->pair_count++;
        return 0;
}

static int add_told(struct raw *raw, struct answer *answer, uint32_t rule, struct pn_err *err)
{
        if (raw->told_count == raw->told_room) {
                size_t room = raw->told_room * 2 + 8;
                struct pn_finding *more = reallocarray(raw->told, room, sizeof(*more));

                if (!more)
                        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a finding");
                raw->told = more;
                raw->told_room = room;
        }
        pn_match_tell(raw->rules.match, rule, &raw->told[raw->told_count++]);
        answer->told_count++;
        return 0;
}

/* What the sieve says of the file. A name that came cut may be asked about by a rule's formula, or by one
 * that only libyara can decide: then nobody can say what the answer would be. */
static int take_pairs(struct raw *raw, struct answer *answer, const struct pn_match_answer *found,
                      struct pn_err *err)
{
        bool asked = raw->rules.uses_names;

        for (uint32_t i = 0; i < found->pair_count; i++) {
                if (add_pair(raw, answer, &found->pair[i], err) < 0 ||
                    (found->pair[i].certain && add_told(raw, answer, found->pair[i].rule, err) < 0))
                        return -1;
                asked = asked || !found->pair[i].certain;
        }
        if (!asked || !(answer->path_flags & PN_FLAG_CUT))
                return 0;
        return tell(raw, PN_ISSUE_LIMIT, answer->object, PN_WORKER_NAME_CUT, err);
}

/* Sieves the file through the rules, and digests it on the way when `tap` says so. 0, 1 when an issue was
 * told, -1. */
static int match_file(struct look *look, bool tap, uint64_t *ret_read, struct pn_err *err)
{
        struct raw *raw = look->raw;
        struct answer *answer = look->answer;
        struct pn_object file;
        struct pn_match_request request = {.file = &file,
                                           .names = &raw->names,
                                           .matches = raw->worker->limits.matches,
                                           .tap = tap ? on_bytes : NULL,
                                           .tap_ctx = raw};
        struct pn_match_answer found = {0};
        struct pn_err why = PN_ERR_INIT;

        pn_names_set(&raw->names, answer->path.data, answer->path.len);
        pn_object_from_fd(&file, &look->fd, (uint64_t)look->st.st_size);
        if (pn_match_file(raw->rules.match, &request, &found, &why) < 0) {
                if (why.fault == PN_FAULT_HOST && why.code != ENOMEM)
                        return tell_reason(raw, PN_ISSUE_CONTENT, answer->object, "read", why.code, err);
                *err = why;
                return -1;
        }
        if (take_pairs(raw, answer, &found, err) < 0)
                return -1;
        *ret_read = found.ended_early ? 0 : (uint64_t)look->st.st_size;
        /* of a larger one nobody knew before how much of it is hole */
        if ((uint64_t)look->st.st_size > raw->worker->limits.hash_bytes &&
            !within_total(look, found.read_bytes, err))
                return 1;
        return 0;
}

/* ---------------------------------------------------------------- one file */

/* What is passed on, and why: the parser knows ELF files by their magic and the other one by its path. */
static bool is_wanted(const struct answer *answer, struct pn_view head)
{
        return pn_elf_magic(head) || (answer->path.len == strlen(PN_PRELOAD_PATH) &&
                                      memcmp(answer->path.data, PN_PRELOAD_PATH, answer->path.len) == 0);
}

/* 0 when all was done, 1 when an issue was told instead, -1. */
static int look_into(struct look *look, bool elf, struct pn_err *err)
{
        struct raw *raw = look->raw;
        struct answer *answer = look->answer;
        const bool fits = (uint64_t)look->st.st_size <= raw->worker->limits.hash_bytes;
        const bool all = fits && !(raw->worker->flags & PN_GO_FLAGGED);
        const bool match = elf && raw->rules.match;
        uint64_t read = 0;
        bool digested = false;
        int ret = 0;

        if (fits && !within_total(look, (uint64_t)look->st.st_size, err))
                return 1;
        if (!fits && tell(raw, PN_ISSUE_LIMIT, answer->object,
                          "larger than limits.hash_bytes: no digest was made", err) < 0)
                return -1;
        if (pn_digest_start(raw->digest, err) < 0)
                return -1;
        if (match) {
                ret = match_file(look, all, &read, err);
                digested = all;
        }
        if (ret == 0 && fits && !digested && (all || answer->pair_count > 0 || !elf)) {
                if (pn_digest_start(raw->digest, err) < 0)
                        return -1;
                ret = read_to_digest(look, &read, err);
                digested = true;
        }
        if (ret != 0)
                return ret;
        if (match || digested) {
                answer->read_bytes = read;
                if (read != (uint64_t)look->st.st_size || !pn_worker_unchanged(look->fd, &look->st))
                        return tell(raw, PN_ISSUE_CONTENT, answer->object, "changed during the scan", err) < 0
                                       ? -1
                                       : 1;
        }
        if (!digested)
                return 0;
        answer->flags |= PN_FLAG_DIGEST;
        return pn_digest_end(raw->digest, answer->sha256, err);
}

static int look(struct raw *raw, int fd, struct answer *answer, struct pn_err *err)
{
        struct look look = {.raw = raw, .answer = answer, .fd = fd};
        uint8_t head[4];
        ssize_t n;

        if (fstat(fd, &look.st) < 0 || !S_ISREG(look.st.st_mode))
                return pn_err_set(err, PN_FAULT_TARGET, 0,
                                  "a descriptor of something that is no regular file");
        n = pn_fd_pread_full(fd, head, sizeof(head), 0);
        if (n < 0)
                return tell(raw, PN_ISSUE_CONTENT, answer->object, "its first bytes cannot be read", err);
        answer->read_bytes = (uint64_t)n;
        if (!is_wanted(answer, (struct pn_view){head, (size_t)n}))
                return 0;
        answer->flags |= PN_FLAG_ELF;
        return look_into(&look, pn_elf_magic((struct pn_view){head, (size_t)n}), err) < 0 ? -1 : 0;
}

/* ---------------------------------------------------------------- a batch */

static int tell_batch(struct raw *raw, const struct answer *answers, uint16_t count, struct pn_err *err)
{
        struct pn_msg_out *out = &raw->worker->out;

        pn_msg_begin(out, PN_MSG_RAW, count, answers[0].object);
        for (uint16_t i = 0; i < count; i++) {
                pn_msg_u32(out, answers[i].flags);
                pn_msg_u64(out, answers[i].read_bytes);
                pn_msg_u32(out, (uint32_t)answers[i].pair_count);
                pn_msg_u32(out, (uint32_t)answers[i].told_count);
                pn_msg_raw(out, answers[i].sha256, sizeof(answers[i].sha256));
        }
        if (pn_worker_tell(raw->worker, err) < 0)
                return -1;
        for (uint16_t i = 0; i < count; i++)
                for (size_t k = 0; k < answers[i].told_count; k++) {
                        pn_msg_begin(out, PN_MSG_FINDING, 0, answers[i].object);
                        pn_msg_finding(out, &raw->told[answers[i].told + k]);
                        if (pn_worker_tell(raw->worker, err) < 0)
                                return -1;
                }
        return 0;
}

#define PAIRS_SENT ((PN_MSG_LINK_BYTES - 32U) / 4U)

static int pass_pairs(struct raw *raw, const struct answer *answer, struct pn_err *err)
{
        struct pn_msg_out *on = &raw->on;

        for (size_t done = 0; done < answer->pair_count;) {
                size_t n = answer->pair_count - done < PAIRS_SENT ? answer->pair_count - done : PAIRS_SENT;

                pn_msg_begin(on, PN_MSG_PAIRS, 0, answer->object);
                pn_msg_u32(on, (uint32_t)n);
                for (size_t i = 0; i < n; i++)
                        pn_msg_u32(on, raw->pair[answer->pairs + done + i]);
                if (pn_fdpass_send(PN_WORKER_OUTPUT, on, NULL, 0, err) < 0)
                        return -1;
                done += n;
        }
        return 0;
}

/* Tells the supervisor first, then passes files on: nobody answers for what the supervisor has not heard of.
 */
static int answer_batch(struct raw *raw, const struct answer *answers, const int *fds, uint16_t count,
                        struct pn_err *err)
{
        struct pn_msg_out *on = &raw->on;
        int elf[PN_MSG_BATCH_MAX];
        uint16_t elfs = 0;

        if (tell_batch(raw, answers, count, err) < 0)
                return -1;
        for (uint16_t i = 0; i < count; i++)
                if (pass_pairs(raw, &answers[i], err) < 0)
                        return -1;
        pn_msg_begin(on, PN_MSG_FILES, 0, 0);
        for (uint16_t i = 0; i < count; i++) {
                if (!(answers[i].flags & PN_FLAG_ELF))
                        continue;
                pn_msg_u64(on, answers[i].object);
                pn_msg_u64(on, answers[i].size_bytes);
                pn_msg_u32(on, (uint32_t)answers[i].pair_count);
                pn_msg_u32(on, answers[i].path_flags);
                pn_msg_bytes(on, answers[i].path.data, answers[i].path.len);
                elf[elfs++] = fds[i];
        }
        pn_msg_set_count(on, elfs);
        return elfs == 0 ? 0 : pn_fdpass_send(PN_WORKER_OUTPUT, on, elf, elfs, err);
}

static int look_batch(struct raw *raw, struct pn_msg_in *in, const int *fds, struct pn_err *err)
{
        struct answer answers[PN_MSG_BATCH_MAX] = {0};

        if (in->type != PN_MSG_FILES)
                return pn_err_set(err, PN_FAULT_BUG, 0, "%s message instead of files", pn_msg_name(in->type));
        raw->pair_count = 0;
        raw->told_count = 0;
        for (uint16_t i = 0; i < in->count; i++) {
                struct answer *answer = &answers[i];

                answer->object = pn_msg_get_u64(in);
                answer->size_bytes = pn_msg_get_u64(in);
                (void)pn_msg_get_u32(in);
                answer->path_flags = pn_msg_get_u32(in);
                answer->path = pn_msg_get_bytes(in, PN_MSG_LINK_PATH);
                answer->pairs = raw->pair_count;
                answer->told = raw->told_count;
                if (in->bad || answer->object != answers[0].object + i)
                        return pn_err_set(err, PN_FAULT_BUG, 0, "objects out of order");
                if (look(raw, fds[i], answer, err) < 0)
                        return -1;
        }
        if (pn_msg_done(in, err) < 0)
                return -1;
        raw->files += in->count;
        return answer_batch(raw, answers, fds, in->count, err);
}

static int work(struct raw *raw, struct pn_err *err)
{
        struct pn_worker *worker = raw->worker;
        int got;

        do {
                struct pn_msg_in in;
                int fds[PN_MSG_BATCH_MAX];
                unsigned count;

                got = pn_fdpass_recv(PN_WORKER_INPUT, false, worker->in, &in, fds, &count, err);
                if (got > 0 && look_batch(raw, &in, fds, err) < 0)
                        got = -1;
                pn_fdpass_close_all(fds, count);
        } while (got > 0);
        if (got < 0)
                return -1;
        pn_msg_begin(&worker->out, PN_MSG_END, 0, raw->files);
        for (int i = 0; i < 3; i++)
                pn_msg_u64(&worker->out, 0);
        return pn_worker_tell(worker, err);
}

int pn_worker_raw(struct pn_worker *worker, struct pn_err *err)
{
        struct raw raw = {.worker = worker};
        struct pn_walls walls = {0};
        int ret = -1;

        raw.block = malloc(BLOCK_BYTES);
        if (!raw.block)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "allocate a buffer");
        if (pn_digest_new(&raw.digest, err) == 0 && pn_worker_jail_drop(worker, &walls, err) == 0 &&
            pn_worker_jail_close(worker, &walls, err) == 0 &&
            pn_raw_rules_load(worker, raw.digest, &raw.rules, err) == 0 &&
            pn_worker_tell_ready(worker, &walls, err) == 0)
                ret = work(&raw, err);
        (void)close(PN_WORKER_OUTPUT);
        pn_raw_rules_clear(&raw.rules);
        (void)pn_digest_free(raw.digest);
        free(raw.told);
        free(raw.pair);
        free(raw.block);
        return ret;
}
