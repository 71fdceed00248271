/* SPDX-License-Identifier: Apache-2.0 */
/* The parser: ELF structure and the exact match of the rules, on the files the raw matcher asks about. It can
 * add findings; it has no way to take back what the raw matcher told. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/engine/elf.h"
#include "scanner/engine/exact.h"
#include "scanner/worker/role.h"

struct parser {
        struct pn_worker *worker;
        struct pn_exact *exact;
        uint64_t files;
        uint64_t object;
        struct pn_err *err; /* of the sink, which libyara's callback cannot return */
};

/* Which class of issue an error about one file is. A failing read is the file system's word about this file.
 */
static enum pn_issue_class issue_of(const struct pn_err *err)
{
        return err->fault == PN_FAULT_BUDGET ? PN_ISSUE_LIMIT : PN_ISSUE_CONTENT;
}

static int on_finding(void *ctx, const struct pn_finding *finding)
{
        struct parser *parser = ctx;

        pn_msg_begin(&parser->worker->out, PN_MSG_FINDING, 0, parser->object);
        pn_msg_finding(&parser->worker->out, finding);
        return pn_worker_tell(parser->worker, parser->err);
}

static int look_structure(struct parser *parser, const struct pn_object *file, struct pn_err *err)
{
        struct pn_err why = PN_ERR_INIT;
        struct pn_elf elf;

        if (pn_elf_open(file, &elf, &why) == 0) {
                pn_elf_clear(&elf);
                return 0;
        }
        return pn_worker_tell_issue(parser->worker,
                                    why.fault == PN_FAULT_TARGET ? PN_ISSUE_MALFORMED : issue_of(&why),
                                    parser->object, why.text, NULL, err);
}

static int look_rules(struct parser *parser, const struct pn_object *file, uint64_t *ret_read,
                      struct pn_err *err)
{
        struct pn_err why = PN_ERR_INIT;
        struct pn_exact_limits limits = {.matches = parser->worker->limits.matches};

        limits.timeout_s = pn_clock_left_ms(parser->worker->deadline_ms) / 1000 + 1;
        parser->err = err;
        if (pn_exact_scan(parser->exact, file, &limits, on_finding, parser, ret_read, &why) == 0)
                return 0;
        return pn_worker_tell_issue(parser->worker, issue_of(&why), parser->object, why.text, NULL, err);
}

static int look(struct parser *parser, int fd, uint64_t object, struct pn_err *err)
{
        struct pn_object file;
        struct stat st;
        uint64_t read_bytes = 0;

        parser->object = object;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return pn_err_set(err, PN_FAULT_TARGET, 0,
                                  "a descriptor of something that is no regular file");
        pn_object_from_fd(&file, &fd, (uint64_t)st.st_size);
        if (look_structure(parser, &file, err) < 0 || look_rules(parser, &file, &read_bytes, err) < 0)
                return -1;
        if (!pn_worker_unchanged(fd, &st) && pn_worker_tell_issue(parser->worker, PN_ISSUE_CONTENT, object,
                                                                  "changed during the scan", NULL, err) < 0)
                return -1;
        parser->files++;
        pn_msg_begin(&parser->worker->out, PN_MSG_PARSED, 0, object);
        pn_msg_u64(&parser->worker->out, read_bytes);
        return pn_worker_tell(parser->worker, err);
}

static int look_batch(struct parser *parser, struct pn_msg_in *in, const int *fds, struct pn_err *err)
{
        if (in->type != PN_MSG_FILES)
                return pn_err_set(err, PN_FAULT_BUG, 0, "%s message instead of files", pn_msg_name(in->type));
        for (uint16_t i = 0; i < in->count; i++) {
                uint64_t object = pn_msg_get_u64(in);

                (void)pn_msg_get_u64(in);
                if (in->bad)
                        break;
                if (look(parser, fds[i], object, err) < 0)
                        return -1;
        }
        return pn_msg_done(in, err);
}

/* Compiles every file of rules; behind the jail, because a rule is content too. */
static int compile(struct pn_worker *worker, struct pn_exact *exact, struct pn_err *err)
{
        struct stat st;
        pn_autofree uint8_t *data = NULL;
        struct pn_msg_in in = {.type = PN_MSG_RULES};

        if (worker->rules_fd < 0 || fstat(worker->rules_fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "no rules");
        data = malloc((size_t)st.st_size + 1);
        if (!data || pn_fd_pread_full(worker->rules_fd, data, (size_t)st.st_size, 0) != st.st_size)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read the rules");
        in.body = (struct pn_view){data, (size_t)st.st_size};
        for (uint64_t i = 0; i < worker->rules_files; i++) {
                struct pn_view name = pn_msg_get_bytes(&in, 4096), source = pn_msg_get_bytes(&in, UINT32_MAX);
                char file[4097];

                if (in.bad)
                        break;
                memcpy(file, name.data, name.len);
                file[name.len] = '\0';
                if (pn_exact_add(exact, file, (const char *)source.data, source.len, err) < 0)
                        return -1;
        }
        if (pn_msg_done(&in, err) < 0)
                return -1;
        return pn_exact_ready(exact, err);
}

static int work(struct parser *parser, struct pn_err *err)
{
        struct pn_worker *worker = parser->worker;
        int got;

        do {
                struct pn_msg_in in;
                int fds[PN_MSG_BATCH_MAX];
                unsigned count;

                got = pn_fdpass_recv(PN_WORKER_INPUT, false, worker->in, &in, fds, &count, err);
                if (got > 0 && look_batch(parser, &in, fds, err) < 0)
                        got = -1;
                pn_fdpass_close_all(fds, count);
        } while (got > 0);
        if (got < 0)
                return -1;
        pn_msg_begin(&worker->out, PN_MSG_END, 0, parser->files);
        for (int i = 0; i < 3; i++)
                pn_msg_u64(&worker->out, 0);
        return pn_worker_tell(worker, err);
}

int pn_worker_parse(struct pn_worker *worker, struct pn_err *err)
{
        struct parser parser = {.worker = worker};
        struct pn_walls walls = {0};
        int ret = -1;

        if (pn_exact_new(&parser.exact, err) == 0 && pn_worker_jail_drop(worker, &walls, err) == 0 &&
            pn_worker_jail_close(worker, &walls, err) == 0 && compile(worker, parser.exact, err) == 0 &&
            pn_worker_tell_ready(worker, &walls, err) == 0)
                ret = work(&parser, err);
        (void)pn_exact_free(parser.exact);
        return ret;
}
