/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_POLICY_POLICY_H
#define PN_POLICY_POLICY_H

/* What this node accepts: policy.json decoded once into numbers. The file is described by
 * policy/schema/policy.schema.json and, key by key, in policy/README.md. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/finding/finding.h"
#include "scanner/finding/limits.h"

#define PN_POLICY_BYTES_MAX (4U << 20) /* of policy.json, of one exceptions file */
#define PN_EXCEPTIONS_MAX   4096
#define PN_PATHS_MAX        64 /* entries of one list of files or directories */

enum pn_mode { PN_MODE_MONITOR = 1, PN_MODE_ENFORCE };
enum pn_digests { PN_DIGESTS_ALL = 1, PN_DIGESTS_FLAGGED };
enum pn_action { PN_ACTION_REPORT = 1, PN_ACTION_REFUSE };

/* Bytes `sha256` under `rule` at `path` are accepted until `expires_s`, for `reason`, says `owner`. */
struct pn_exception {
        char *rule;
        char *path; /* below the root of the container, without a leading slash; compared byte by byte */
        uint8_t sha256[PN_SHA256_BYTES];
        char *reason;
        char *owner;
        int64_t expires_s; /* seconds since 1970; the first second in which it no longer counts */
        char *file;        /* where the exception stands, for messages */
};

struct pn_policy {
        enum pn_mode mode;
        int64_t deadline_ms;                                                    /* of one hook run */
        enum pn_action action[PN_SEVERITY_CRITICAL + 1][PN_CONFIDENCE_HIGH + 1]; /* confidence low is never REFUSE */
        enum pn_action on_error[PN_ISSUE_CLASSES];
        struct pn_limits limits;
        char **rules;       /* files and directories of YARA source, NULL-terminated */
        enum pn_digests digests; /* of which ELF files: all, or those that a rule may match (then deny_hashes deny nothing else) */
        char **deny_hashes; /* deny files and directories, NULL-terminated */
        struct pn_exception *exception;
        size_t exception_count;
        char **exceptions_dirs; /* directories of exceptions files, NULL-terminated */
        char *state_dir;          /* what postern makes and keeps: generations of compiled rules */
        char *audit_file;         /* NULL: none */
        uint64_t audit_max_bytes; /* the file is renamed to <file>.1 when it grows past this */
        bool journal;
        char *break_glass_file; /* NULL: none */
        char *origin;           /* the file it came from */
};

/* Reads, checks and decodes `path`: owned by root and writable by nobody else (the directory it stands in too),
 * strict JSON without duplicate keys, no unknown key, every number in its range, every exception in
 * `exceptions` and in the directories of `exceptions_dirs` complete. Keys that are absent have the defaults of
 * policy/README.md. *ret is the caller's.
 * Returns 0, or -1 with PN_FAULT_CONFIG and an error that names the file and the key
 * ("policy.json: limits.depth: must be between 1 and 1000000"). */
int pn_policy_load(const char *path, struct pn_policy **ret, struct pn_err *err);

/* The same from memory; `name` stands for the file in messages. Does no I/O: `exceptions_dirs` is only checked. */
int pn_policy_parse(const char *name, const char *json, size_t len, struct pn_policy **ret, struct pn_err *err);

struct pn_policy *pn_policy_free(struct pn_policy *policy);

/* Break-glass: is `path` a root-owned JSON file {"expires": RFC 3339 UTC, "reason": text, "owner": text} whose
 * expiry lies after `now_s` and at most 24 h after it? Returns true and fills `ret_reason` ("<reason>, says
 * <owner>, until <expires>"); false with an empty reason when there is no such file, and false with `err` set
 * when there is one that does not count (expired, too far ahead, wrong owner, unreadable): it is then ignored.
 * `path` may be NULL: there is none. Like those of policy.json, its directory must be root's too. */
bool pn_policy_break_glass(const char *path, int64_t now_s, char ret_reason[PN_WORDS_MAX], struct pn_err *err);

#endif
