/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_REPORT_REPORT_H
#define PN_REPORT_REPORT_H

#include "hook/report/record.h"
#include "policy/policy.h"

#define PN_JOURNAL_SOCKET "/run/systemd/journal/socket"
#define PN_SYSLOG_SOCKET  "/dev/log"
#define PN_AUDIT_FILE     "/var/log/postern/audit.jsonl" /* when no policy could be read */
#define PN_AUDIT_BYTES    (64ULL << 20)                  /* likewise: then it is renamed to <file>.1 */

/* Tells everybody, once: the line on standard error (when the outcome is not a plain admission, or `verbose`), the
 * record in the journal (or syslog) and in the audit file. Never fails and never blocks for long: a sink that
 * cannot take it (full disk, missing directory, dead journal) is named in one more line on standard error and
 * changes nothing. `policy` may be NULL when none could be read: then the defaults for the sinks hold.
 * SIGPIPE must be ignored by the caller. */
void pn_report(const struct pn_outcome *outcome, const struct pn_policy *policy, bool verbose);

/* The sinks, one by one. 0, or -1 with PN_FAULT_HOST. */

/* Appends `line` (no newline in it) and a newline to `path`, created 0600, O_APPEND, under an flock(2) that is
 * waited for at most 200 ms; renames it to "<path>.1" first when it would grow past `max_bytes`. A torn last line
 * (disk full) never swallows the next record: a newline is put before it. Not a regular file, not root's (nor the
 * caller's own), a link, a file with a second name: refused. */
int pn_audit_append(const char *path, uint64_t max_bytes, const char *line, size_t len, struct pn_err *err);

/* Sends `record` to the journal by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): MESSAGE, PRIORITY,
 * SYSLOG_IDENTIFIER=postern, MESSAGE_ID, POSTERN_VERDICT, POSTERN_CONTAINER, POSTERN_RULE, POSTERN_PATH,
 * POSTERN_RECORD (the whole JSON). Where the journal does not take it, one RFC 3164 line with the JSON to /dev/log,
 * cut when that does not take all of it. Never blocks. `journal_socket` and `syslog_socket` are paths. */
int pn_journal_send(const char *journal_socket, const char *syslog_socket, const char *message, int priority,
                    const json_t *record, struct pn_err *err);

#endif
