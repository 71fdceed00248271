/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_FINDING_FINDING_H
#define PN_FINDING_FINDING_H

/* The types that cross all rooms: what a scan found (findings), what it could not decide (issues), what it did
 * not look at and why that is all right (notes), and how much it did (tally). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/finding/tally.h"

enum pn_severity { PN_SEVERITY_LOW = 1, PN_SEVERITY_MEDIUM, PN_SEVERITY_HIGH, PN_SEVERITY_CRITICAL };
enum pn_confidence { PN_CONFIDENCE_LOW = 1, PN_CONFIDENCE_MEDIUM, PN_CONFIDENCE_HIGH };

/* The marker that proves that the whole way works (as EICAR does for others): any ELF file that holds it is
 * refused in enforce mode whatever the policy says of severities, and no exception covers it. */
#define PN_TEST_RULE "POSTERN-TEST-001"

#define PN_SHA256_BYTES    32
#define PN_RULE_ID_MAX     64   /* bytes with the NUL */
#define PN_WORDS_MAX       256  /* title, remedy and source, bytes with the NUL */
#define PN_STRING_ID_MAX   32   /* a YARA string's name, bytes with the NUL */
#define PN_EVIDENCE_MAX    4    /* places kept per finding */
#define PN_EVIDENCE_BYTES  32   /* bytes kept per place */
#define PN_FINDINGS_KEPT   256  /* findings kept per scan; the rest is counted */
#define PN_ISSUES_KEPT     64   /* issues and notes kept per scan; the rest is counted */
#define PN_PATH_BYTES_MAX  8192 /* bytes of a path that travel; longer ones are cut and say so */

/* A name below the root that was scanned, without a leading slash: raw bytes that the image chose. */
struct pn_path {
        char *bytes; /* not NUL-terminated; owned */
        uint32_t len;
        bool cut; /* longer than PN_PATH_BYTES_MAX: never equal to anything */
};

struct pn_evidence {
        char string[PN_STRING_ID_MAX];
        uint64_t offset; /* in the file */
        uint32_t match_bytes;
        uint8_t kept;
        uint8_t bytes[PN_EVIDENCE_BYTES];
};

/* One rule or deny hash that hit one file. All text but `path` is from root-owned files. */
struct pn_finding {
        enum pn_severity severity;
        enum pn_confidence confidence;
        char detector[8]; /* "yara" or "hash" */
        char rule[PN_RULE_ID_MAX];
        char title[PN_WORDS_MAX];  /* what it is, one sentence */
        char remedy[PN_WORDS_MAX]; /* what to do */
        char source[PN_WORDS_MAX]; /* where the fact is from */
        struct pn_path path;
        uint64_t size_bytes;
        uint8_t sha256[PN_SHA256_BYTES];
        bool has_sha256; /* false when the file is larger than limits.hash_bytes */
        unsigned evidence_count;
        struct pn_evidence evidence[PN_EVIDENCE_MAX];
};

/* Why a scan has no complete answer, by who can cause it; policy's on_error has a key for each. */
enum pn_issue_class {
        PN_ISSUE_CONTENT,     /* unreadable, changed under the scan, a worker died or lied: the image's doing */
        PN_ISSUE_MALFORMED,   /* an ELF file whose headers lie or end too early */
        PN_ISSUE_LIMIT,       /* a limit of the policy was reached */
        PN_ISSUE_UNSCANNABLE, /* a named kind of file or mount that postern does not open */
        PN_ISSUE_DEADLINE,    /* the deadline passed */
        PN_ISSUE_NODE,        /* rules, worker, jail, memory: the node's doing */
        PN_ISSUE_CLASSES,
};

struct pn_issue {
        enum pn_issue_class cls;
        struct pn_path path; /* may be empty */
        char text[PN_WORDS_MAX];
};

/* Not looked at, and no reason to refuse: pseudo file systems, the host's own root bound into the container. */
struct pn_note {
        struct pn_path path;
        char text[PN_WORDS_MAX];
};

/* Everything one scan says. Owned by the caller, freed with pn_findings_clear(). */
struct pn_findings {
        struct pn_finding *finding;
        size_t finding_count;
        uint64_t finding_total;
        uint64_t dropped[PN_SEVERITY_CRITICAL + 1][PN_CONFIDENCE_HIGH + 1]; /* counted and not kept: the least bad */
        struct pn_issue *issue;
        size_t issue_count;
        uint64_t issue_total[PN_ISSUE_CLASSES];
        struct pn_note *note;
        size_t note_count;
        uint64_t note_total;
        struct pn_tally tally;
        char view[64];  /* what was scanned: "container", "host path and bind sources", "directory" */
        char walls[64]; /* the jail in force, such as "seccomp, landlock 7" */
        int64_t elapsed_ms;
        enum pn_fault node_fault; /* PN_FAULT_CONFIG when an issue of class node is about rules that do not compile */
};

void pn_findings_clear(struct pn_findings *all);

/* Each copies what it is given. Over the ceiling the totals grow, and a finding takes the place of one that is less
 * bad (severity, then confidence): no flood of weak findings hides a strong one, and `dropped` says what was left out.
 * -1 when memory ran out (the total has
 * grown all the same, so nothing is lost silently). `path` may be NULL. */
int pn_findings_add(struct pn_findings *all, const struct pn_finding *finding);
int pn_findings_add_issue(struct pn_findings *all, enum pn_issue_class cls, const struct pn_path *path,
                          const char *fmt, ...) __attribute__((format(printf, 4, 5)));
int pn_findings_add_note(struct pn_findings *all, const struct pn_path *path, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* `all`, which holds issues and notes alone, becomes what `scan` found, with its own issues and notes behind; `scan` is
 * empty afterwards. -1 when memory ran out (every issue is counted all the same). */
int pn_findings_take(struct pn_findings *all, struct pn_findings *scan);

/* The lower-case words used in policies, rule metadata and records; NULL or 0 for what is none of them. */
const char *pn_severity_name(enum pn_severity severity);
const char *pn_confidence_name(enum pn_confidence confidence);
const char *pn_issue_class_name(enum pn_issue_class cls);
enum pn_severity pn_severity_parse(const char *word);
enum pn_confidence pn_confidence_parse(const char *word);

#endif
