/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/cli/why_words.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "scanner/base/fd.h"
#include "scanner/base/text.h"
#include "scanner/finding/finding.h"

#define FINDINGS_SHOWN 8  /* of a flood the first, and how many more */
#define LINES_SHOWN 16    /* of issues and notes */
#define EXCEPTION_DAYS 30 /* how long the exception that is proposed lasts */

#define EXCEPTIONS_DIR PN_SYSCONFDIR "/exceptions.d"

/* ---------------------------------------------------------------- reading a record, whatever stands in it */

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key)) ?: "";
}

static int64_t number_of(const json_t *object, const char *key)
{
        return json_integer_value(json_object_get(object, key));
}

static bool flag_of(const json_t *object, const char *key)
{
        return json_is_true(json_object_get(object, key));
}

static int sextet(char c)
{
        static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *at = c ? strchr(alphabet, c) : NULL;

        return at ? (int)(at - alphabet) : -1;
}

/* Padding ends it, as anything else does that is no base64. *ret_len is at most 3/4 of the text. */
static char *unbase64(const char *text, size_t *ret_len)
{
        char *raw = malloc(strlen(text) / 4 * 3 + 4);
        uint32_t word = 0;
        unsigned bits = 0;

        *ret_len = 0;
        for (int value; raw && (value = sextet(*text)) >= 0; text++) {
                word = word << 6 | (uint32_t)value;
                bits += 6;
                if (bits < 8)
                        continue;
                bits -= 8;
                raw[(*ret_len)++] = (char)(word >> bits);
        }
        return raw;
}

/* ---------------------------------------------------------------- printing */

static void say(FILE *out, const char *text)
{
        for (; *text; text++)
                if (*text >= 0x20 && *text <= 0x7e)
                        (void)fputc(*text, out);
                else
                        (void)fprintf(out, "\\x%02x", (unsigned char)*text);
}

/* JSON with ASCII only may still hold a DEL, in strings. */
static void say_json(FILE *out, const char *json)
{
        for (; *json; json++)
                if (*json == 0x7f)
                        (void)fputs("\\u007f", out);
                else
                        (void)fputc(*json, out);
}

static void row(FILE *out, const char *label, const char *text)
{
        if (text[0] == '\0')
                return;
        (void)fprintf(out, "  %-12s ", label);
        say(out, text);
        (void)fputc('\n', out);
}

static void row_number(FILE *out, const char *label, int64_t value, const char *unit)
{
        (void)fprintf(out, "  %-12s %" PRId64 "%s\n", label, value, unit);
}

/* The whole path when the record has it: the short form may have lost its head. */
static void say_path(FILE *out, const json_t *item)
{
        size_t len = 0;
        char *raw = unbase64(text_of(item, "path_b64"), &len);
        char *shown = raw && len > 0 ? malloc(4 * len + 8) : NULL;

        if (shown)
                (void)pn_text_escape(shown, 4 * len + 8, raw, len);
        say(out, shown ? shown : text_of(item, "path"));
        if (flag_of(item, "path_cut"))
                (void)fputs("... (cut)", out);
        free(shown);
        free(raw);
}

/* ---------------------------------------------------------------- the verdict */

static const struct {
        const char *verdict; /* "" is any other */
        const char *because;
        const char *advice; /* when no finding or issue has one; may be "" */
} stories[] = {
        {"clean", "nothing was found that this node refuses", ""},
        {"refused", "it holds what this node refuses", ""},
        {"undecided", "the scan has no complete answer", ""},
        {"deadline", "the scan did not end in time", ""},
        {"node error", "this node could not scan it", ""},
        {"error", "it failed before there was a decision",
         "repair what the error names, then start the container again"},
        {"", "", ""},
};

static size_t story_of(const json_t *record)
{
        size_t i = 0;

        while (stories[i].verdict[0] && strcmp(stories[i].verdict, text_of(record, "verdict")) != 0)
                i++;
        return i;
}

static void print_verdict(FILE *out, const json_t *record)
{
        const char *id = text_of(record, "id"), *root = text_of(record, "root");
        const char *because = stories[story_of(record)].because;
        bool admitted = flag_of(record, "admitted"), would = flag_of(record, "would_refuse");

        if (id[0])
                (void)fputs("container ", out);
        say(out, id[0] ? id : root[0] ? root : "a container without a known id");
        (void)fputs(!admitted ? " was refused"
                    : would   ? " was started, postern would refuse it"
                              : " was admitted",
                    out);
        if (admitted && would) {
                (void)fputs(" (admitted by ", out);
                say(out, text_of(record, "admitted_by"));
                (void)fputc(')', out);
        }
        if (because[0])
                (void)fprintf(out, ": %s", because);
        (void)fputs("\n\n", out);
}

static void print_facts(FILE *out, const json_t *record)
{
        const json_t *counts = json_object_get(record, "counts"), *error = json_object_get(record, "error");

        row(out, "reason", text_of(record, "reason"));
        row(out, "error", text_of(error, "text"));
        row(out, "fault of", text_of(error, "fault"));
        row(out, "what to do", stories[story_of(record)].advice);
        row(out, "when", text_of(record, "time"));
        row(out, "mode", text_of(record, "mode"));
        row(out, "verdict", text_of(record, "verdict"));
        row_number(out, "exit code", number_of(record, "exit_code"), "");
        row(out, "bundle", text_of(record, "bundle"));
        row(out, "root", text_of(record, "root"));
        row(out, "break-glass", text_of(record, "break_glass"));
        row(out, "warning", text_of(record, "warning"));
        row(out, "view", text_of(record, "view"));
        row(out, "walls", text_of(record, "walls"));
        if (number_of(counts, "files") > 0)
                (void)fprintf(out,
                              "  %-12s %" PRId64 " files, %" PRId64 " of them ELF, %" PRId64
                              " bytes in %" PRId64 " ms\n",
                              "scanned", number_of(counts, "files"), number_of(counts, "elf"),
                              number_of(counts, "bytes"), number_of(record, "elapsed_ms"));
}

/* ---------------------------------------------------------------- findings */

static void print_bytes(FILE *out, const json_t *evidence)
{
        const char *hex = text_of(evidence, "bytes");
        uint8_t bytes[PN_EVIDENCE_BYTES];
        size_t len = strlen(hex) / 2;

        (void)fprintf(out, "  %-12s ", "bytes");
        say(out, text_of(evidence, "string"));
        (void)fprintf(out, " at offset %" PRId64 ", %" PRId64 " bytes", number_of(evidence, "offset"),
                      number_of(evidence, "match_bytes"));
        if (len > 0 && len <= sizeof(bytes) && pn_text_unhex(bytes, len, hex, strlen(hex))) {
                (void)fputc(':', out);
                for (size_t i = 0; i < len; i++)
                        (void)fprintf(out, " %02x", bytes[i]);
                (void)fputs("  |", out);
                for (size_t i = 0; i < len; i++)
                        (void)fputc(bytes[i] >= 0x20 && bytes[i] <= 0x7e ? bytes[i] : '.', out);
                (void)fputc('|', out);
        }
        (void)fputc('\n', out);
}

static void print_finding(FILE *out, const json_t *f)
{
        const json_t *evidence;
        size_t i;

        (void)fprintf(out, "\n%s", flag_of(f, "decides") ? "decided by " : "also found ");
        say(out, text_of(f, "rule"));
        (void)fputs(": ", out);
        say(out, text_of(f, "title"));
        (void)fprintf(out, "\n  %-12s ", "file");
        say_path(out, f);
        (void)fprintf(out, " (%" PRId64 " bytes)\n  %-12s severity ", number_of(f, "size_bytes"), "how sure");
        say(out, text_of(f, "severity"));
        (void)fputs(", confidence ", out);
        say(out, text_of(f, "confidence"));
        (void)fputs(", detector ", out);
        say(out, text_of(f, "detector"));
        (void)fputc('\n', out);
        json_array_foreach(json_object_get(f, "evidence"), i, evidence) print_bytes(out, evidence);
        row(out, "sha256", text_of(f, "sha256"));
        row(out, "source", text_of(f, "source"));
        row(out, "what to do", text_of(f, "remedy"));
}

static void print_findings(FILE *out, const json_t *record)
{
        const json_t *finding;
        int64_t total = number_of(record, "findings_total");
        size_t i;

        json_array_foreach(json_object_get(record, "findings"), i, finding) if (i < FINDINGS_SHOWN)
                print_finding(out, finding);
        if (total > FINDINGS_SHOWN || number_of(record, "findings_dropped") > 0)
                (void)fprintf(out,
                              "\n%" PRId64 " findings in all, %" PRId64
                              " of them only counted; --json prints the others\n",
                              total, number_of(record, "findings_dropped"));
}

/* ---------------------------------------------------------------- exceptions */

/* One exception for exactly these bytes, or NULL when there can be none: the test marker, no digest, a path
 * that is cut or that JSON cannot say, and what never refuses. */
static json_t *exception_make(const json_t *f, const char *expires)
{
        size_t len = 0;
        pn_autofree char *raw = unbase64(text_of(f, "path_b64"), &len);
        const char *rule = text_of(f, "rule"), *sha256 = text_of(f, "sha256");

        if (!raw || len == 0 || flag_of(f, "path_cut") || rule[0] == '\0' || sha256[0] == '\0' ||
            strcmp(rule, PN_TEST_RULE) == 0 || strcmp(text_of(f, "confidence"), "low") == 0)
                return NULL;
        return json_pack("{s:s, s:o, s:s, s:s, s:s, s:s}", "rule", rule, "path", json_stringn(raw, len),
                         "sha256", sha256, "reason", "say here why these bytes are acceptable", "owner",
                         "say here who answers for it", "expires", expires);
}

static void print_exceptions(FILE *out, const json_t *record, int64_t now_s)
{
        time_t then = (time_t)now_s + (time_t)EXCEPTION_DAYS * 24 * 3600;
        json_t *list = json_array(), *whole;
        pn_autofree char *json = NULL;
        char expires[32] = "";
        const json_t *finding;
        struct tm tm;
        size_t i;

        if (gmtime_r(&then, &tm))
                (void)strftime(expires, sizeof(expires), "%Y-%m-%dT%H:%M:%SZ", &tm);
        json_array_foreach(json_object_get(record, "findings"), i, finding) if (i < FINDINGS_SHOWN)(void)
                json_array_append_new(list, exception_make(finding, expires));
        if (json_array_size(list) == 0) {
                (void)fputs("\nno exception can be written for this\n", out);
                json_decref(list);
                return;
        }
        whole = json_pack("{s:o}", "exceptions", list);
        json = whole ? json_dumps(whole, JSON_INDENT(2) | JSON_ENSURE_ASCII) : NULL;
        json_decref(whole);
        (void)fputs("\nto accept exactly these bytes all the same, fill in reason and owner and save "
                    "as\n" EXCEPTIONS_DIR "/NAME.json (owned by root, mode 0644):\n",
                    out);
        say_json(out, json ? json : "");
        (void)fputc('\n', out);
}

static void print_stale(FILE *out, const json_t *record)
{
        const json_t *stale = json_object_get(record, "stale_exception");

        if (!json_is_object(stale))
                return;
        (void)fputs("\nan exception fits in all but its digest or its expiry, and does not count\n", out);
        row(out, "file", text_of(stale, "file"));
        row(out, "rule", text_of(stale, "rule"));
        row(out, "path", text_of(stale, "path"));
        row(out, "sha256", text_of(stale, "sha256"));
        row(out, "expires", text_of(stale, "expires"));
        row(out, "owner", text_of(stale, "owner"));
        row(out, "reason", text_of(stale, "reason"));
}

/* ---------------------------------------------------------------- what was not decided or not looked at */

static const struct {
        const char *cls;
        const char *advice;
} advices[] = {
        {"content", "pull or rebuild the image; read the file by hand if it stays so"},
        {"malformed", "rebuild the file; a linker never writes such headers"},
        {"limit", "make the image smaller, or raise that key of `limits` in " PN_SYSCONFDIR "/policy.json"},
        {"unscannable",
         "leave it out of the image, or set on_error.unscannable in " PN_SYSCONFDIR "/policy.json"},
        {"deadline",
         "try again when the disk is less busy, or raise deadline_ms in " PN_SYSCONFDIR "/policy.json"},
        {"node", "repair this node (rules, worker, memory): the container is not to blame"},
};

static void print_line(FILE *out, const json_t *item)
{
        (void)fputs("  ", out);
        if (text_of(item, "path")[0]) {
                say_path(out, item);
                (void)fputs(": ", out);
        }
        say(out, text_of(item, "text"));
        if (text_of(item, "class")[0]) {
                (void)fputs(" (", out);
                say(out, text_of(item, "class"));
                (void)fputc(')', out);
        }
        (void)fputc('\n', out);
}

static void print_lines(FILE *out, const char *head, const json_t *array, int64_t dropped)
{
        const json_t *item;
        int64_t more = dropped;
        size_t i;

        if (json_array_size(array) == 0 && dropped == 0)
                return;
        (void)fprintf(out, "\n%s\n", head);
        json_array_foreach(array, i, item) if (i < LINES_SHOWN) print_line(out, item);
        else more++;
        if (more > 0)
                (void)fprintf(out, "  and %" PRId64 " more\n", more);
}

static void print_issues(FILE *out, const json_t *record)
{
        const json_t *totals = json_object_get(record, "issues_total");

        print_lines(out, "no complete answer, because", json_object_get(record, "issues"),
                    number_of(record, "issues_dropped"));
        for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
                if (number_of(totals, advices[i].cls) > 0)
                        row(out, "what to do", advices[i].advice);
}

/* ---------------------------------------------------------------- all together */

void pn_why_words(FILE *out, const json_t *record, uint64_t older, int64_t now_s)
{
        print_verdict(out, record);
        print_facts(out, record);
        print_findings(out, record);
        print_issues(out, record);
        print_lines(out, "not looked at", json_object_get(record, "notes"),
                    number_of(record, "notes_dropped"));
        print_stale(out, record);
        if (strcmp(text_of(record, "verdict"), "refused") == 0)
                print_exceptions(out, record, now_s);
        if (older > 0)
                (void)fprintf(out, "\n%" PRIu64 " older record%s of this container in the audit file\n",
                              older, older == 1 ? "" : "s");
}

int pn_why_json(FILE *out, const json_t *record)
{
        pn_autofree char *json = json_dumps(record, JSON_INDENT(2) | JSON_ENSURE_ASCII);

        if (!json)
                return -1;
        say_json(out, json);
        (void)fputc('\n', out);
        return 0;
}
