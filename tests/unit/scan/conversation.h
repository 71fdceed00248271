/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_SCAN_CONVERSATION_H
#define PN_TEST_SCAN_CONVERSATION_H

/* A session whose three workers are the test. What they say is written as words, apart by blanks:
 *
 *     word   = role what [number] ["+" count] [flags]
 *     role   = w walker / r raw matcher / p parser
 *     what   = R ready   V view of kind (1 container, 2 host, 3 bind)   O objects   N note at mount   I issue
 * of object J issue about nothing    A answer of the raw matcher (flags e: ELF, h: digest of number-bytes, u:
 * unknown flag)    F finding    P parsed    E end of number files    X fail with fault D end with a
 * descriptor    M wrong magic    C cut short    L one byte left over    Z no bytes
 *     "."    = all three are heard; "!w" = the walker has ended well, "?w" = badly
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scanner/ipc/fdpass.h"
#include "scanner/scan/session.h"

/* A whole and honest scan of three files, the second of them ELF with a finding. */
/* The second file is asked about: three rules, of which one is certain. */
#define HONEST "wR wV2 rR pR wO0+3 rA0 rA1ept rF1 rA2 pF1 pK1 pP1p wE3 rE3 pE1"

struct talk {
        struct pn_session *session;
        struct pn_scan_request request;
        struct pn_findings all;
        struct pn_msg_out out;
        int mouth[PN_PEERS]; /* the workers' ends */
        enum pn_issue_class issue_class;
        const char *version;
};

static struct talk talk;

static const struct pn_scan_root talk_roots[] = {
        {PN_ROOT_HOST, -1, "/root", ""}, {PN_ROOT_VIEW, 0, "/root", ""}, {PN_ROOT_BIND, -1, "/bind", "bind"}};

static inline void talk_begin(void)
{
        struct pn_err err = PN_ERR_INIT;

        pn_session_begin(talk.session, &talk.request, &talk.all);
        for (int i = 0; i < PN_PEERS; i++) {
                int pair[2];

                assert_int_equal(pn_fdpass_pair(pair, 0, &err), 0);
                talk.session->peer[i].control = pair[0];
                talk.mouth[i] = pair[1];
        }
        talk.all.tally.workers_started = PN_PEERS;
}

static inline int talk_make(void **state)
{
        (void)state;
        talk = (struct talk){.session = malloc(sizeof(*talk.session)),
                             .request = {.limits.files = 1000000, .root = talk_roots, .root_count = 1},
                             .mouth = {-1, -1, -1},
                             .issue_class = PN_ISSUE_CONTENT,
                             .version = PN_WIRE_VERSION};
        if (!talk.session)
                return -1;
        talk_begin();
        return 0;
}

static inline void talk_end(void)
{
        for (int i = 0; i < PN_PEERS; i++) {
                (void)close(talk.mouth[i]);
                (void)close(talk.session->peer[i].control);
        }
        pn_findings_clear(&talk.all);
}

static inline int talk_remove(void **state)
{
        (void)state;
        pn_session_end(talk.session);
        talk_end();
        free(talk.session);
        return 0;
}

static inline void talk_again(void)
{
        pn_session_end(talk.session);
        talk_end();
        talk_begin();
}

/* ---------------------------------------------------------------- words */

static inline void put_objects(uint64_t first, unsigned count)
{
        pn_msg_begin(&talk.out, PN_MSG_OBJECTS, (uint16_t)count, first);
        for (unsigned i = 0; i < count; i++) {
                char name[32];

                (void)snprintf(name, sizeof(name), "dir/f%llu", (unsigned long long)first + i);
                pn_msg_u64(&talk.out, 1000 + first + i);
                pn_msg_u32(&talk.out, 0);
                pn_msg_bytes(&talk.out, name, strlen(name));
        }
}

static inline void put_answers(uint64_t first, unsigned count, const char *flags)
{
        uint32_t bits = (strchr(flags, 'e') ? PN_FLAG_ELF : 0) | (strchr(flags, 'h') ? PN_FLAG_DIGEST : 0) |
                        (strchr(flags, 'u') ? 8U : 0);

        pn_msg_begin(&talk.out, PN_MSG_RAW, (uint16_t)count, first);
        for (unsigned i = 0; i < count; i++) {
                uint8_t digest[PN_SHA256_BYTES];

                memset(digest, (int)(first + i), sizeof(digest));
                pn_msg_u32(&talk.out, bits);
                pn_msg_u64(&talk.out, 10);
                pn_msg_u32(&talk.out, strchr(flags, 'p') ? 3 : 0);
                pn_msg_u32(&talk.out, strchr(flags, 't') ? 1 : 0);
                pn_msg_raw(&talk.out, digest, sizeof(digest));
        }
}

static inline void put_words(enum pn_msg_type type, uint64_t number)
{
        pn_msg_begin(&talk.out, type, 0, number);
        if (type == PN_MSG_ISSUE)
                pn_msg_u32(&talk.out, talk.issue_class);
        pn_msg_bytes(&talk.out, "some words", 10);
        if (type == PN_MSG_FAIL)
                return;
        pn_msg_bytes(&talk.out, "a/path", 6);
        pn_msg_u32(&talk.out, 0);
}

static inline void put_numbers(enum pn_msg_type type, uint64_t number, unsigned count)
{
        pn_msg_begin(&talk.out, type, 0, number);
        for (unsigned i = 0; i < count; i++)
                pn_msg_u64(&talk.out, 7);
}

static inline void put_finding(uint64_t number)
{
        const struct pn_finding finding = {.severity = PN_SEVERITY_HIGH,
                                           .confidence = PN_CONFIDENCE_HIGH,
                                           .detector = "yara",
                                           .rule = "a_rule",
                                           .title = "t"};

        pn_msg_begin(&talk.out, PN_MSG_FINDING, 0, number);
        pn_msg_finding(&talk.out, &finding);
}

static inline void put_links(uint64_t number, bool cut)
{
        pn_msg_begin(&talk.out, PN_MSG_LINKS, 0, number);
        pn_msg_u32(&talk.out, cut ? PN_FLAG_CUT : 0);
        pn_msg_bytes(&talk.out, "liba.so.1", 9);
        pn_msg_bytes(&talk.out, "", 0);
        pn_msg_u32(&talk.out, 1);
        pn_msg_bytes(&talk.out, "libb.so.1", 9);
}

static inline void put_message(char what, uint64_t number, unsigned count, const char *flags)
{
        static const uint32_t other_magic = PN_MSG_MAGIC + 1;

        if (what == 'R') {
                pn_msg_begin(&talk.out, PN_MSG_READY, 0, number);
                pn_msg_bytes(&talk.out, talk.version, strlen(talk.version));
        } else if (what == 'O') {
                put_objects(number, count);
        } else if (what == 'A') {
                put_answers(number, count, flags);
        } else if (what == 'F') {
                put_finding(number);
        } else if (what == 'K') {
                put_links(number, strchr(flags, 'u') != NULL);
        } else if (what == 'N' || what == 'I' || what == 'J' || what == 'X') {
                put_words(what == 'N'   ? PN_MSG_NOTE
                          : what == 'X' ? PN_MSG_FAIL
                                        : PN_MSG_ISSUE,
                          what == 'J' ? PN_MSG_NONE : number);
        } else if (what == 'V' || what == 'P') {
                put_numbers(what == 'V' ? PN_MSG_VIEW : PN_MSG_PARSED, number, 1);
                if (what == 'P')
                        pn_msg_u32(&talk.out, strchr(flags, 'p') ? 3 : 0);
        } else {
                assert_non_null(strchr("EDMCLZ", what));
                put_numbers(PN_MSG_END, number, 3);
        }
        if (what == 'M')
                memcpy(talk.out.bytes, &other_magic, sizeof(other_magic));
        else if (what == 'L')
                pn_msg_raw(&talk.out, "", 1);
        talk.out.len = what == 'Z' ? 0 : talk.out.len - (what == 'C');
}

static inline enum pn_peer_role role_of(char letter)
{
        assert_non_null(strchr("wrp", letter));
        return letter == 'w' ? PN_PEER_WALK : letter == 'r' ? PN_PEER_RAW : PN_PEER_PARSE;
}

static inline void talk_send(enum pn_peer_role role)
{
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(pn_fdpass_send(talk.mouth[role], &talk.out, NULL, 0, &err), 0);
}

static inline void say_word(const char *word)
{
        enum pn_peer_role role = role_of(word[0]);
        struct pn_err err = PN_ERR_INIT;
        int file = STDERR_FILENO;
        unsigned long long number;
        unsigned count = 1;
        char *rest;

        number = strtoull(word + 2, &rest, 10);
        if (*rest == '+')
                count = (unsigned)strtoul(rest + 1, &rest, 10);
        put_message(word[1], number, count, rest);
        if (word[1] != 'D')
                talk_send(role);
        else
                assert_int_equal(pn_fdpass_send(talk.mouth[role], &talk.out, &file, 1, &err), 0);
}

static inline void hear_all(void)
{
        for (int i = 0; i < PN_PEERS; i++)
                pn_session_pump(talk.session, (enum pn_peer_role)i);
}

/* The process is gone, with a status as of waitpid(2). */
static inline void leave(enum pn_peer_role role, int status)
{
        talk.session->peer[role].exited = true;
        talk.session->peer[role].status = status;
        pn_session_exited(talk.session, role);
}

static inline void say(const char *words)
{
        char copy[512], *rest = copy, *word;

        (void)snprintf(copy, sizeof(copy), "%s", words);
        while ((word = strsep(&rest, " ")) != NULL) {
                if (*word == '.')
                        hear_all();
                else if (*word == '!' || *word == '?')
                        leave(role_of(word[1]), *word == '!' ? 0 : W_EXITCODE(1, 0));
                else if (*word)
                        say_word(word);
        }
}

/* All have said what they had to say; those who have not left yet leave well. True: a complete answer. */
static inline bool talk_complete(const char **ret_why)
{
        hear_all();
        for (int i = 0; i < PN_PEERS && !pn_session_over(talk.session); i++)
                if (!talk.session->gone[i])
                        leave((enum pn_peer_role)i, 0);
        assert_true(pn_session_over(talk.session));
        pn_session_end(talk.session);
        return pn_tally_complete(&talk.all.tally, ret_why);
}

static inline void talk_is_complete(void)
{
        const char *why;

        if (!talk_complete(&why))
                fail_msg("%s; %s", why, talk.all.issue_count ? talk.all.issue[0].text : "no issue");
        assert_int_equal(talk.all.tally.errors, 0);
}

/* Not complete, and somebody is told why. */
static inline void talk_is_refused(enum pn_issue_class cls, const char *words)
{
        const char *why;

        assert_false(talk_complete(&why));
        assert_int_equal(talk.all.issue_count, 1);
        if (talk.all.issue[0].cls != cls || !strstr(talk.all.issue[0].text, words))
                fail_msg("%s: %s", pn_issue_class_name(talk.all.issue[0].cls), talk.all.issue[0].text);
}

#define TALK(test) cmocka_unit_test_setup_teardown(test, talk_make, talk_remove)

#endif
