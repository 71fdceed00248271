/* SPDX-License-Identifier: Apache-2.0 */
/* The parser: ELF structure, its detectors, and libyara's word on the rules that the raw matcher could not
 * rule out. It can add findings; it has no way to take back what the raw matcher told. */

#include "scanner/worker/parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "scanner/base/text.h"
#include "scanner/engine/detect/preload.h"
#include "scanner/engine/detect/stages.h"
#include "scanner/engine/elf.h"

#define PAIRS_MAX (1U << 22) /* rules waiting for their files: sixteen times as many as a set may have */

struct parser {
        struct pn_worker *worker;
        struct pn_parser_rules rules;
        struct pn_names names;
        struct pn_stage_links links;
        uint64_t files;
        uint64_t object;
        struct pn_err *err; /* of the sink, whose caller does not know it */
        struct {
                uint64_t object;
                uint32_t rule;
        } * waiting;    /* pairs that came before their files */
        uint32_t *pair; /* of the file at hand */
        size_t waiting_count, waiting_room, waiting_next;
};

/* Which class of issue an error about one file is. A failing read is the file system's word about this file.
 */
static enum pn_issue_class issue_of(const struct pn_err *err)
{
        return err->fault == PN_FAULT_BUDGET ? PN_ISSUE_LIMIT : PN_ISSUE_CONTENT;
}

static int tell_issue(struct parser *parser, enum pn_issue_class cls, const struct pn_err *why,
                      struct pn_err *err)
{
        return pn_worker_tell_issue(parser->worker, cls, parser->object, why->text, NULL, err);
}

static int on_finding(void *ctx, const struct pn_finding *finding)
{
        struct parser *parser = ctx;

        pn_msg_begin(&parser->worker->out, PN_MSG_FINDING, 0, parser->object);
        pn_msg_finding(&parser->worker->out, finding);
        return pn_worker_tell(parser->worker, parser->err);
}

/* ---------------------------------------------------------------- structure */

/* Names are hostile; on the wire text is printable. */
static void put_name(struct pn_msg_out *out, const char *name)
{
        char text[PN_LINK_NAME];

        (void)pn_text_escape(text, sizeof(text), name, strnlen(name, PN_LINK_NAME));
        pn_msg_bytes(out, text, strlen(text));
}

static int tell_links(struct parser *parser, struct pn_err *err)
{
        const struct pn_stage_links *links = &parser->links;
        struct pn_msg_out *out = &parser->worker->out;

        if (links->needed_count == 0 && links->soname[0] == '\0')
                return 0;
        pn_msg_begin(out, PN_MSG_LINKS, 0, parser->object);
        pn_msg_u32(out, links->cut ? PN_FLAG_CUT : 0);
        put_name(out, links->soname);
        put_name(out, links->runpath);
        pn_msg_u32(out, links->needed_count);
        for (unsigned i = 0; i < links->needed_count; i++)
                put_name(out, links->needed[i]);
        return pn_worker_tell(parser->worker, err);
}

static int run_stages(struct parser *parser, const struct pn_object *file, const struct pn_elf *elf,
                      struct pn_err *err)
{
        const struct pn_stage_input input = {file, elf, &parser->names};
        struct pn_err why = PN_ERR_INIT;

        memset(&parser->links, 0, sizeof(parser->links));
        parser->err = err;
        if (pn_stages_run(&input, on_finding, parser, &parser->links, &why) < 0) {
                if (why.fault == PN_FAULT_BUG || err->fault != PN_FAULT_NONE) {
                        if (err->fault == PN_FAULT_NONE)
                                *err = why;
                        return -1;
                }
                if (tell_issue(parser, why.fault == PN_FAULT_TARGET ? PN_ISSUE_MALFORMED : issue_of(&why),
                               &why, err) < 0)
                        return -1;
        }
        return tell_links(parser, err);
}

static int look_structure(struct parser *parser, const struct pn_object *file, struct pn_err *err)
{
        struct pn_err why = PN_ERR_INIT;
        struct pn_elf elf;
        int ret;

        if (pn_elf_open(file, &elf, &why) == 0) {
                ret = run_stages(parser, file, &elf, err);
                pn_elf_clear(&elf);
                return ret;
        }
        return tell_issue(parser, why.fault == PN_FAULT_TARGET ? PN_ISSUE_MALFORMED : issue_of(&why), &why,
                          err);
}

/* What is no ELF file was passed on for its path. */
static int look_preload(struct parser *parser, const struct pn_object *file, struct pn_err *err)
{
        struct pn_err why = PN_ERR_INIT;
        struct pn_finding finding;
        int got = pn_preload_look(file, &finding, &why);

        if (got < 0)
                return tell_issue(parser, issue_of(&why), &why, err);
        parser->err = err;
        return got > 0 ? on_finding(parser, &finding) : 0;
}

/* ---------------------------------------------------------------- one file */

struct item {
        uint64_t object;
        uint32_t pair_count, path_flags;
        struct pn_view path;
};

/* The pairs of this file: they came before it, in this order. */
static int take_pairs(struct parser *parser, const struct item *item, struct pn_err *err)
{
        for (uint32_t i = 0; i < item->pair_count; i++) {
                size_t at = parser->waiting_next + i;

                if (at >= parser->waiting_count || parser->waiting[at].object != item->object)
                        return pn_err_set(err, PN_FAULT_BUG, 0, "a file came without its rules");
                parser->pair[i] = parser->waiting[at].rule;
        }
        parser->waiting_next += item->pair_count;
        return 0;
}

static int tell_parsed(struct parser *parser, const struct item *item, uint64_t read_bytes,
                       struct pn_err *err)
{
        parser->files++;
        pn_msg_begin(&parser->worker->out, PN_MSG_PARSED, 0, item->object);
        pn_msg_u64(&parser->worker->out, read_bytes);
        pn_msg_u32(&parser->worker->out, item->pair_count);
        return pn_worker_tell(parser->worker, err);
}

static int look_into(struct parser *parser, const struct item *item, const struct pn_object *file,
                     uint64_t *ret_read, struct pn_err *err)
{
        const struct pn_parser_file job = {file, &parser->names, item->object, parser->pair,
                                           item->pair_count, (item->path_flags & PN_FLAG_CUT) != 0};
        uint8_t head[4];
        ssize_t n = file->read_at(file->from, head, sizeof(head), 0);

        if (n >= 0 && !pn_elf_magic((struct pn_view){head, (size_t)n}) && item->pair_count == 0)
                return look_preload(parser, file, err);
        if (look_structure(parser, file, err) < 0)
                return -1;
        return pn_parser_rules_decide(parser->worker, &parser->rules, &job, ret_read, err);
}

static int look(struct parser *parser, int fd, const struct item *item, struct pn_err *err)
{
        struct pn_object file;
        struct stat st;
        uint64_t read_bytes = 0;

        parser->object = item->object;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return pn_err_set(err, PN_FAULT_TARGET, 0,
                                  "a descriptor of something that is no regular file");
        pn_object_from_fd(&file, &fd, (uint64_t)st.st_size);
        pn_names_set(&parser->names, item->path.data, item->path.len);
        if (take_pairs(parser, item, err) < 0 || look_into(parser, item, &file, &read_bytes, err) < 0)
                return -1;
        if (!pn_worker_unchanged(fd, &st) &&
            pn_worker_tell_issue(parser->worker, PN_ISSUE_CONTENT, item->object, "changed during the scan",
                                 NULL, err) < 0)
                return -1;
        return tell_parsed(parser, item, read_bytes, err);
}

/* ---------------------------------------------------------------- what comes */

/* Room for `more` pairs behind those that wait; those that were used make room first. */
static int make_room(struct parser *parser, size_t more, struct pn_err *err)
{
        size_t room = parser->waiting_count + more;
        void *waiting, *pair;

        if (parser->waiting_next == parser->waiting_count) {
                parser->waiting_next = parser->waiting_count = 0;
                room = more;
        }
        if (room <= parser->waiting_room)
                return 0;
        if (room > PAIRS_MAX)
                return pn_err_set(err, PN_FAULT_BUG, 0, "more rules than files for them");
        waiting = reallocarray(parser->waiting, room * 2, sizeof(*parser->waiting));
        if (waiting)
                parser->waiting = waiting;
        pair = reallocarray(parser->pair, room * 2, sizeof(*parser->pair));
        if (pair)
                parser->pair = pair;
        if (!waiting || !pair)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember rules");
        parser->waiting_room = room * 2;
        return 0;
}

static int on_pairs(struct parser *parser, struct pn_msg_in *in, struct pn_err *err)
{
        uint32_t count = pn_msg_get_u32(in);

        if (in->bad || count > PN_MSG_LINK_BYTES / 4 || !parser->rules.store)
                return pn_err_set(err, PN_FAULT_BUG, 0, "rules that cannot be asked about");
        if (make_room(parser, count, err) < 0)
                return -1;
        for (uint32_t i = 0; i < count; i++) {
                parser->waiting[parser->waiting_count].object = in->number;
                parser->waiting[parser->waiting_count++].rule = pn_msg_get_u32(in);
        }
        return pn_msg_done(in, err);
}

static int on_files(struct parser *parser, struct pn_msg_in *in, const int *fds, struct pn_err *err)
{
        for (uint16_t i = 0; i < in->count; i++) {
                struct item item = {.object = pn_msg_get_u64(in)};

                (void)pn_msg_get_u64(in);
                item.pair_count = pn_msg_get_u32(in);
                item.path_flags = pn_msg_get_u32(in);
                item.path = pn_msg_get_bytes(in, PN_MSG_LINK_PATH);
                if (in->bad)
                        break;
                if (item.pair_count > parser->waiting_count - parser->waiting_next)
                        return pn_err_set(err, PN_FAULT_BUG, 0, "a file came without its rules");
                if (look(parser, fds[i], &item, err) < 0)
                        return -1;
        }
        return pn_msg_done(in, err);
}

static int on_message(struct parser *parser, struct pn_msg_in *in, const int *fds, struct pn_err *err)
{
        if (in->type == PN_MSG_PAIRS)
                return on_pairs(parser, in, err);
        if (in->type == PN_MSG_FILES)
                return on_files(parser, in, fds, err);
        return pn_err_set(err, PN_FAULT_BUG, 0, "%s message instead of files", pn_msg_name(in->type));
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
                if (got > 0 && on_message(parser, &in, fds, err) < 0)
                        got = -1;
                pn_fdpass_close_all(fds, count);
        } while (got > 0);
        if (got < 0)
                return -1;
        if (parser->waiting_next != parser->waiting_count)
                return pn_err_set(err, PN_FAULT_BUG, 0, "rules came without their file");
        pn_msg_begin(&worker->out, PN_MSG_END, 0, parser->files);
        for (int i = 0; i < 3; i++)
                pn_msg_u64(&worker->out, 0);
        return pn_worker_tell(worker, err);
}

int pn_worker_parse(struct pn_worker *worker, struct pn_err *err)
{
        struct parser *parser = calloc(1, sizeof(*parser));
        struct pn_walls walls = {0};
        int ret = -1;

        if (!parser)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "begin to parse");
        parser->worker = worker;
        if (pn_parser_rules_prepare(worker, &parser->rules, err) == 0 &&
            pn_worker_jail_drop(worker, &walls, err) == 0 && pn_worker_jail_close(worker, &walls, err) == 0 &&
            pn_parser_rules_load(worker, &parser->rules, err) == 0 &&
            pn_worker_tell_ready(worker, &walls, err) == 0)
                ret = work(parser, err);
        pn_parser_rules_clear(&parser->rules);
        free(parser->waiting);
        free(parser->pair);
        free(parser);
        return ret;
}
