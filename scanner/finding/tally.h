/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_FINDING_TALLY_H
#define PN_FINDING_TALLY_H

#include <stdbool.h>
#include <stdint.h>

/* What each role of a scan says it did. Only the supervisor writes it, from records it has checked. */
struct pn_tally {
        bool walk_ended;          /* the walker's end record came */
        bool raw_ended;           /* the raw matcher's */
        bool parse_ended;         /* the parser's */
        unsigned workers_started; /* always three in a scan */
        unsigned workers_exited;  /* that left with status 0 after their end record */
        uint64_t walk_counted;    /* regular files in the walker's end record */
        uint64_t objects_seen;    /* object records that came from the walker */
        uint64_t raw_answers;     /* complete answers of the raw matcher */
        uint64_t raw_counted;     /* files in the raw matcher's end record */
        uint64_t parse_asked;     /* files the raw matcher passed on to the parser */
        uint64_t parse_answers;   /* complete answers of the parser */
        uint64_t parse_counted;   /* files in the parser's end record */
        uint64_t pairs_asked;     /* rules the raw matcher could not rule out, file by file: the parser's to decide */
        uint64_t pairs_answered;
        uint64_t errors;          /* error records and issues of any class */
        uint64_t directories;     /* for people: directories, links, special files, bytes read */
        uint64_t links;
        uint64_t specials;
        uint64_t bytes;
};

/* The acceptance sentence: an allow exists only after, for every object the walker counted, a complete answer
 * came from the raw matcher (and from the parser where one was asked for), the walker's end record has matching
 * counts, and no error record exists.
 * Returns true when all of it holds; else false and *ret_why names the first thing missing (static text). */
bool pn_tally_complete(const struct pn_tally *tally, const char **ret_why);

#endif
