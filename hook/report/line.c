/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/report/record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "hook/report/plain.h"
#include "scanner/base/text.h"

#define ROOM (PN_LINE_BYTES_MAX - 1) /* characters: the newline is the 300th */
#define SUBJECT_SHOWN 64             /* what engines use as an id: 64 hex digits */
#define SHORT_ID 12                  /* what engines show of it */
#define RULE_SHOWN 64
#define PATH_SHOWN 60     /* of a path stay when words want its place */
#define REASON_ENOUGH 160 /* characters of a reason that go before the hint */
#define WARNING_MIN 32    /* shorter than this a warning says nothing */

static const char hint_words[] = "; why: postern why ";
static const char warning_words[] = "; warning: ";

/* A reason in its parts. Only the path and the text ever have to be shortened. */
struct reason {
        const struct pn_path *path; /* or NULL */
        const char *joint;          /* between path and text */
        char text[PN_LINE_BYTES_MAX];
        char end[64];
};

/* The line but for its reason. */
struct frame {
        char head[128]; /* "postern: refused <id>: " */
        char tail[24];  /* " (monitor mode)" */
        char hint[96];  /* "; why: postern why <id>", or "" */
};

static const char *verdict_word(const struct pn_outcome *o)
{
        if (!o->decision)
                return "error";
        if (o->decision->admitted)
                return o->decision->would_refuse ? "would refuse" : o->by_hand ? "clean" : "admitted";
        return o->decision->verdict == PN_VERDICT_REFUSED ? "refused" : "undecided";
}

static void subject_write(const struct pn_outcome *o, char dst[SUBJECT_SHOWN + 1])
{
        struct pn_path root = {.bytes = (char *)(uintptr_t)o->root, .len = (uint32_t)strlen(o->root)};

        if (o->id[0] != '\0')
                (void)pn_text_escape(dst, SUBJECT_SHOWN + 1, o->id, strlen(o->id));
        else if (o->decision)
                pn_plain_path(dst, SUBJECT_SHOWN + 1, &root);
        else
                dst[0] = '\0';
}

/* People paste the hint into a root shell, and users choose ids: one with anything in it that a shell or an
 * option parser reads is not repeated there. */
static void hint_write(const char *id, char *dst, size_t cap)
{
        static const char safe[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_.+-";
        size_t len = strlen(id);
        bool engine = len == SUBJECT_SHOWN && strspn(id, "0123456789abcdef") == len;

        dst[0] = '\0';
        if (len == 0 || len > SUBJECT_SHOWN)
                return;
        if (id[0] == '-' || strspn(id, safe) != len)
                id = "--last";
        (void)snprintf(dst, cap, "%s%.*s", hint_words, engine ? SHORT_ID : SUBJECT_SHOWN, id);
}

static void frame_write(const struct pn_outcome *o, struct frame *f)
{
        char subject[SUBJECT_SHOWN + 1], by[sizeof(f->tail) - 4];
        const struct pn_decision *d = o->decision;

        subject_write(o, subject);
        (void)snprintf(f->head, sizeof(f->head), "postern: %s%s%s: ", verdict_word(o), subject[0] ? " " : "",
                       subject);
        f->tail[0] = '\0';
        f->hint[0] = '\0';
        if (d && d->would_refuse && d->admitted_by[0] != '\0') {
                pn_plain_text(by, sizeof(by), d->admitted_by);
                (void)snprintf(f->tail, sizeof(f->tail), " (%s)", by);
        }
        if (!d || !d->admitted || d->would_refuse)
                hint_write(o->id, f->hint, sizeof(f->hint));
        if (strlen(f->head) + strlen(f->tail) + strlen(f->hint) + REASON_ENOUGH > ROOM)
                f->hint[0] = '\0';
}

static void reason_finding(const struct pn_decision *d, struct reason *r)
{
        const struct pn_finding *f = d->finding;
        int used;

        r->path = f->path.len > 0 ? &f->path : NULL;
        r->joint = " matches ";
        pn_plain_text(r->text, RULE_SHOWN + 1, f->rule);
        used = snprintf(r->end, sizeof(r->end), " (%s, %s confidence)",
                        pn_severity_name(f->severity) ?: "unknown",
                        pn_confidence_name(f->confidence) ?: "unknown");
        if (d->refusing > 1 && used > 0)
                (void)snprintf(r->end + used, sizeof(r->end) - (size_t)used, " and %u more", d->refusing - 1);
}

static void reason_issue(const struct pn_issue *issue, struct reason *r)
{
        r->path = issue->path.len > 0 ? &issue->path : NULL;
        r->joint = ": ";
        pn_plain_text(r->text, sizeof(r->text), issue->text);
        (void)snprintf(r->end, sizeof(r->end), " (%s)", pn_issue_class_name(issue->cls) ?: "unknown");
}

static void reason_counts(const struct pn_decision *d, const struct pn_findings *all, struct reason *r)
{
        static const struct pn_tally none;
        const struct pn_tally *t = all ? &all->tally : &none;
        int n = snprintf(r->text, sizeof(r->text), "%" PRIu64 " file%s, %" PRIu64 " ELF", t->objects_seen,
                         t->objects_seen == 1 ? "" : "s", t->parse_asked);

        if (d->reported > 0)
                n += snprintf(r->text + n, sizeof(r->text) - (size_t)n, ", %u reported", d->reported);
        if (d->excepted > 0)
                (void)snprintf(r->text + n, sizeof(r->text) - (size_t)n, ", %u excepted", d->excepted);
}

static void reason_find(const struct pn_outcome *o, struct reason *r)
{
        const struct pn_decision *d = o->decision;

        *r = (struct reason){.joint = ""};
        if (!d)
                pn_plain_text(r->text, sizeof(r->text),
                              o->error ? o->error->text : "no decision, and no reason for it");
        else if (d->finding)
                reason_finding(d, r);
        else if (d->issue)
                reason_issue(d->issue, r);
        else if (d->why && d->why[0] != '\0')
                (void)snprintf(r->text, sizeof(r->text), "incomplete: %s", d->why);
        else
                reason_counts(d, o->findings, r);
}

/* Puts the parts together in at most `room` characters: first the text gives way, down to what a path of
 * PATH_SHOWN leaves it, then the path. */
static void reason_write(const struct reason *r, size_t room, char *dst, size_t cap)
{
        char path[PN_LINE_BYTES_MAX] = "", text[PN_LINE_BYTES_MAX];
        size_t need = r->path ? pn_plain_path_length(r->path) : 0;
        size_t left = room - strlen(r->end) - (r->path ? strlen(r->joint) : 0);

        pn_plain_text(text, left - (need < PATH_SHOWN ? need : PATH_SHOWN) + 1, r->text);
        if (r->path)
                pn_plain_path(path, left - strlen(text) + 1, r->path);
        (void)snprintf(dst, cap, "%s%s%s%s", path, r->path ? r->joint : "", text, r->end);
}

void pn_record_reason(const struct pn_outcome *o, char *dst, size_t cap)
{
        struct frame f;
        struct reason r;

        frame_write(o, &f);
        reason_find(o, &r);
        reason_write(&r, ROOM - strlen(f.head) - strlen(f.tail) - strlen(f.hint), dst, cap);
}

void pn_record_line(const struct pn_outcome *o, char *dst, size_t cap)
{
        char reason[PN_LINE_BYTES_MAX];
        struct frame f;
        size_t used;

        frame_write(o, &f);
        pn_record_reason(o, reason, sizeof(reason));
        (void)snprintf(dst, cap, "%s%s%s%s", f.head, reason, f.tail, f.hint);
        used = strlen(dst);
        if (o->warning[0] == '\0' || used + strlen(warning_words) + WARNING_MIN > ROOM)
                return;
        memcpy(dst + used, warning_words, sizeof(warning_words));
        used += strlen(warning_words);
        pn_plain_text(dst + used, ROOM - used + 1, o->warning);
}
