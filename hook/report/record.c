/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/report/record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "hook/report/plain.h"
#include "scanner/base/text.h"

#define TEXT_FLAGS (JSON_COMPACT | JSON_ENSURE_ASCII)

/* Ceilings of the lists as text; what is left of PN_RECORD_BYTES_MAX is more than all the rest can take. */
#define FINDINGS_BYTES_MAX (128U << 10)
#define ISSUES_BYTES_MAX (48U << 10)
#define NOTES_BYTES_MAX (32U << 10)

#define ID_SHOWN 4096    /* all of it: `postern why` looks for it */
#define PLACE_SHOWN 1024 /* bundle and root: of a node's own paths people want all */

/* Items that fit, and no more. */
struct list {
        json_t *array;
        size_t ceiling_bytes;
        size_t used_bytes;
};

/* All helpers take over `value`, which is NULL when memory ran out; false says the same. */
static bool put(json_t *object, const char *key, json_t *value)
{
        return json_object_set_new(object, key, value) == 0;
}

static json_t *number(uint64_t value)
{
        return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static bool list_add(struct list *list, json_t *item)
{
        size_t size = item ? json_dumpb(item, NULL, 0, TEXT_FLAGS) + 1 : 0;

        if (size > list->ceiling_bytes - list->used_bytes) {
                json_decref(item);
                return true;
        }
        list->used_bytes += size;
        return json_array_append_new(list->array, item) == 0;
}

/* "<name>", "<name>_dropped": how many of `total` are not in the record. */
static bool list_put(json_t *object, const char *name, struct list *list, uint64_t total)
{
        char dropped[32];
        uint64_t kept = json_array_size(list->array);

        (void)snprintf(dropped, sizeof(dropped), "%s_dropped", name);
        return put(object, name, list->array) &&
               put(object, dropped, number(total > kept ? total - kept : 0));
}

static json_t *words(const char *text)
{
        char plain[4 * PN_WORDS_MAX];

        pn_plain_text(plain, sizeof(plain), text);
        return json_string(plain);
}

/* A string that somebody else chose, at most `max` characters of it. */
static json_t *name(const char *raw, size_t max)
{
        char *shown = malloc(max + 1);
        json_t *ret = NULL;

        if (shown) {
                (void)pn_text_escape(shown, max + 1, raw, strlen(raw));
                ret = json_string(shown);
        }
        free(shown);
        return ret;
}

static json_t *time_utc(int64_t when_s)
{
        time_t t = (time_t)when_s;
        char text[40];
        struct tm tm;

        if (!gmtime_r(&t, &tm) || strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
                return json_null();
        return json_string(text);
}

static json_t *hex(const uint8_t *bytes, size_t len)
{
        char text[2 * PN_SHA256_BYTES + 1];

        pn_text_hex(text, sizeof(text), bytes, len);
        return json_string(text);
}

static json_t *base64(const void *bytes, size_t len)
{
        size_t cap = 4 * ((len + 2) / 3) + 1;
        char *text = malloc(cap);
        json_t *ret = NULL;

        if (text) {
                pn_text_base64(text, cap, bytes, len);
                ret = json_string(text);
        }
        free(text);
        return ret;
}

static bool put_path(json_t *object, const struct pn_path *path)
{
        char shown[PN_TEXT_SHOWN_MAX + 1];

        pn_plain_path(shown, sizeof(shown), path);
        return put(object, "path", json_string(shown)) &&
               put(object, "path_b64", base64(path->bytes, path->len)) &&
               put(object, "path_cut", json_boolean(path->cut));
}

/* `item` when all went well, else nothing. */
static json_t *whole(json_t *item, bool good)
{
        if (good)
                return item;
        json_decref(item);
        return NULL;
}

static json_t *evidence_item(const struct pn_evidence *e)
{
        json_t *o = json_object();
        size_t kept = e->kept < PN_EVIDENCE_BYTES ? e->kept : PN_EVIDENCE_BYTES;

        return whole(o, put(o, "string", words(e->string)) && put(o, "offset", number(e->offset)) &&
                                put(o, "match_bytes", number(e->match_bytes)) &&
                                put(o, "bytes", hex(e->bytes, kept)));
}

static json_t *evidence_make(const struct pn_finding *f)
{
        json_t *array = json_array();
        bool good = true;

        for (unsigned i = 0; good && i < f->evidence_count && i < PN_EVIDENCE_MAX; i++)
                good = json_array_append_new(array, evidence_item(&f->evidence[i])) == 0;
        return whole(array, good);
}

static json_t *finding_make(const struct pn_finding *f, bool decides)
{
        json_t *o = json_object();

        return whole(
                o,
                put(o, "rule", words(f->rule)) && put(o, "title", words(f->title)) &&
                        put(o, "severity", json_string(pn_severity_name(f->severity) ?: "unknown")) &&
                        put(o, "confidence", json_string(pn_confidence_name(f->confidence) ?: "unknown")) &&
                        put(o, "decides", json_boolean(decides)) && put(o, "detector", words(f->detector)) &&
                        put_path(o, &f->path) && put(o, "size_bytes", number(f->size_bytes)) &&
                        put(o, "sha256", f->has_sha256 ? hex(f->sha256, PN_SHA256_BYTES) : json_null()) &&
                        put(o, "evidence", evidence_make(f)) && put(o, "source", words(f->source)) &&
                        put(o, "remedy", words(f->remedy)));
}

static json_t *issue_make(const struct pn_issue *issue, bool decides)
{
        json_t *o = json_object();

        return whole(o, put(o, "class", json_string(pn_issue_class_name(issue->cls) ?: "unknown")) &&
                                put(o, "decides", json_boolean(decides)) && put_path(o, &issue->path) &&
                                put(o, "text", words(issue->text)));
}

static json_t *note_make(const struct pn_note *note)
{
        json_t *o = json_object();

        return whole(o, put_path(o, &note->path) && put(o, "text", words(note->text)));
}

/* What decided goes first, so that no flood of others can push it out. */
static bool put_findings(json_t *o, const struct pn_findings *all, const struct pn_finding *first)
{
        struct list list = {json_array(), FINDINGS_BYTES_MAX, 0};
        bool good = !first || list_add(&list, finding_make(first, true));

        for (size_t i = 0; good && i < all->finding_count; i++)
                if (&all->finding[i] != first)
                        good = list_add(&list, finding_make(&all->finding[i], false));
        return list_put(o, "findings", &list, all->finding_total) && good &&
               put(o, "findings_total", number(all->finding_total));
}

static bool put_issues(json_t *o, const struct pn_findings *all, const struct pn_issue *first, bool decides)
{
        struct list list = {json_array(), ISSUES_BYTES_MAX, 0};
        bool good = !first || list_add(&list, issue_make(first, decides));
        json_t *totals = json_object();
        uint64_t total = 0;

        for (size_t i = 0; good && i < all->issue_count; i++)
                if (&all->issue[i] != first)
                        good = list_add(&list, issue_make(&all->issue[i], false));
        for (unsigned cls = 0; cls < PN_ISSUE_CLASSES; cls++) {
                total += all->issue_total[cls];
                good = put(totals, pn_issue_class_name(cls), number(all->issue_total[cls])) && good;
        }
        good = put(o, "issues_total", totals) && good;
        return list_put(o, "issues", &list, total) && good;
}

static bool put_notes(json_t *o, const struct pn_findings *all)
{
        struct list list = {json_array(), NOTES_BYTES_MAX, 0};
        bool good = true;

        for (size_t i = 0; good && i < all->note_count; i++)
                good = list_add(&list, note_make(&all->note[i]));
        return list_put(o, "notes", &list, all->note_total) && good &&
               put(o, "notes_total", number(all->note_total));
}

static json_t *counts_make(const struct pn_tally *t)
{
        json_t *o = json_object();

        return whole(o, put(o, "files", number(t->objects_seen)) && put(o, "elf", number(t->parse_asked)) &&
                                put(o, "directories", number(t->directories)) &&
                                put(o, "links", number(t->links)) &&
                                put(o, "special_files", number(t->specials)) &&
                                put(o, "bytes", number(t->bytes)));
}

static json_t *stale_make(const struct pn_exception *e)
{
        json_t *o;

        if (!e)
                return json_null();
        o = json_object();
        return whole(o, put(o, "file", name(e->file, PN_TEXT_SHOWN_MAX)) &&
                                put(o, "rule", name(e->rule, PN_TEXT_SHOWN_MAX)) &&
                                put(o, "path", name(e->path, PN_TEXT_SHOWN_MAX)) &&
                                put(o, "sha256", hex(e->sha256, PN_SHA256_BYTES)) &&
                                put(o, "reason", name(e->reason, PN_TEXT_SHOWN_MAX)) &&
                                put(o, "owner", name(e->owner, PN_TEXT_SHOWN_MAX)) &&
                                put(o, "expires", time_utc(e->expires_s)));
}

static json_t *error_make(const struct pn_err *err)
{
        json_t *o;

        if (!err)
                return json_null();
        o = json_object();
        return whole(o, put(o, "fault", json_string(pn_fault_name(err->fault))) &&
                                put(o, "text", words(err->text)));
}

static json_t *mode_make(enum pn_mode mode)
{
        if (mode == PN_MODE_ENFORCE)
                return json_string("enforce");
        return mode == PN_MODE_MONITOR ? json_string("monitor") : json_null();
}

/* A syslog daemon may keep no more than the first few hundred bytes: verdict, container and reason come
 * first. */
static bool put_head(json_t *o, const struct pn_outcome *out)
{
        char reason[PN_LINE_BYTES_MAX];
        const struct pn_decision *d = out->decision;
        const char *verdict = d ? pn_verdict_name(d->verdict) : "error";

        pn_record_reason(out, reason, sizeof(reason));
        return put(o, "schema", json_integer(PN_RECORD_SCHEMA)) &&
               put(o, "verdict", json_string(verdict ?: "unknown")) &&
               put(o, "id", name(out->id, ID_SHOWN)) && put(o, "reason", json_string(reason)) &&
               put(o, "time", time_utc(out->when_s)) && put(o, "program", words(out->program)) &&
               put(o, "version", json_string(PN_VERSION)) &&
               put(o, "bundle", name(out->bundle, PLACE_SHOWN)) &&
               put(o, "root", name(out->root, PLACE_SHOWN)) && put(o, "pid", json_integer(out->pid)) &&
               put(o, "mode", mode_make(out->mode));
}

static bool put_decision(json_t *o, const struct pn_outcome *out)
{
        static const struct pn_decision none = {.admitted_by = ""};
        const struct pn_decision *d = out->decision ? out->decision : &none;
        bool admitted = out->decision ? d->admitted : out->exit_code == 0;

        return put(o, "admitted", json_boolean(admitted)) &&
               put(o, "would_refuse", json_boolean(d->would_refuse)) &&
               put(o, "admitted_by", words(d->admitted_by)) &&
               put(o, "exit_code", json_integer(out->exit_code)) && put(o, "refusing", number(d->refusing)) &&
               put(o, "excepted", number(d->excepted)) && put(o, "reported", number(d->reported)) &&
               put(o, "error", error_make(out->error)) && put(o, "break_glass", words(out->break_glass)) &&
               put(o, "warning", words(out->warning)) && put(o, "stale_exception", stale_make(d->stale));
}

static bool put_scan(json_t *o, const struct pn_outcome *out)
{
        static const struct pn_findings nothing;
        const struct pn_findings *all = out->findings ? out->findings : &nothing;
        const struct pn_decision *d = out->decision;

        return put_findings(o, all, d ? d->finding : NULL) &&
               put_issues(o, all, d ? d->issue : NULL, d && !d->finding) && put_notes(o, all) &&
               put(o, "counts", counts_make(&all->tally)) && put(o, "view", words(all->view)) &&
               put(o, "walls", words(all->walls)) && put(o, "elapsed_ms", json_integer(all->elapsed_ms));
}

json_t *pn_record_make(const struct pn_outcome *outcome)
{
        json_t *o = json_object();

        return whole(o, put_head(o, outcome) && put_decision(o, outcome) && put_scan(o, outcome));
}

char *pn_record_text(const json_t *record)
{
        return json_dumps(record, TEXT_FLAGS);
}
