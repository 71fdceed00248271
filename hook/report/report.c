/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/report/report.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "hook/report/plain.h"
#include "scanner/base/fd.h"

#define STDERR_WAIT_MS 200 /* for a runtime that has stopped reading */

/* One line, one write: lines of parallel starts do not mix, and a pipe with any room at all takes it. */
static void line_print(const char *text)
{
        struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
        char line[PN_LINE_BYTES_MAX + 1];
        int len = snprintf(line, sizeof(line), "%.*s\n", PN_LINE_BYTES_MAX - 1, text);

        if (poll(&ready, 1, STDERR_WAIT_MS) > 0)
                (void)!write(STDERR_FILENO, line, (size_t)len);
}

/* What a failed sink changes is that this line is printed, and nothing else. */
static void complain(const char *sink, const struct pn_err *err)
{
        char raw[PN_ERR_TEXT_MAX + 64], line[PN_LINE_BYTES_MAX];

        (void)snprintf(raw, sizeof(raw), "postern: warning: %s: %s, ignoring", sink, err->text);
        pn_plain_text(line, sizeof(line), raw);
        line_print(line);
}

static bool plain_admission(const struct pn_outcome *o)
{
        return o->decision && o->decision->admitted && !o->decision->would_refuse && o->warning[0] == '\0' &&
               o->break_glass[0] == '\0';
}

static int priority_of(const struct pn_outcome *o)
{
        if (!o->decision || !o->decision->admitted)
                return LOG_ERR;
        if (o->decision->would_refuse)
                return LOG_WARNING;
        return plain_admission(o) && o->decision->reported == 0 ? LOG_INFO : LOG_NOTICE;
}

static void send_all(const struct pn_outcome *o, const struct pn_policy *policy, const char *line)
{
        const char *audit_file = policy ? policy->audit_file : PN_AUDIT_FILE;
        uint64_t max_bytes = policy ? policy->audit_max_bytes : PN_AUDIT_BYTES;
        json_t *record = pn_record_make(o);
        pn_autofree char *text = record ? pn_record_text(record) : NULL;
        struct pn_err err = PN_ERR_INIT;

        if (!text) {
                (void)pn_err_set(&err, PN_FAULT_HOST, ENOMEM, "make the record");
                complain("report", &err);
        }
        if (text && audit_file && pn_audit_append(audit_file, max_bytes, text, strlen(text), &err) < 0)
                complain("audit file", &err);
        if (text && (!policy || policy->journal) &&
            pn_journal_send(PN_JOURNAL_SOCKET, PN_SYSLOG_SOCKET, line, priority_of(o), record, &err) < 0)
                complain("journal", &err);
        json_decref(record);
}

void pn_report(const struct pn_outcome *outcome, const struct pn_policy *policy, bool verbose)
{
        char line[PN_LINE_BYTES_MAX];

        pn_record_line(outcome, line, sizeof(line));
        if (verbose || !plain_admission(outcome))
                line_print(line);
        send_all(outcome, policy, line);
}
