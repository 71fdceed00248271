/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/scan/conversation.h"

/* ---------------------------------------------------------------- honest workers */

static void an_honest_scan_is_complete(void **state)
{
        const struct pn_tally *t = &talk.all.tally;

        (void)state;
        say(HONEST);
        talk_is_complete();
        assert_int_equal(t->objects_seen, 3);
        assert_int_equal(t->walk_counted, 3);
        assert_int_equal(t->raw_answers, 3);
        assert_int_equal(t->raw_counted, 3);
        assert_int_equal(t->parse_asked, 1);
        assert_int_equal(t->parse_answers, 1);
        assert_int_equal(t->parse_counted, 1);
        assert_int_equal(t->pairs_asked, 3);
        assert_int_equal(t->pairs_answered, 3);
        assert_int_equal(t->directories, 7);
        assert_int_equal(t->bytes, 30);
        assert_int_equal(t->workers_exited, 3);
}

static void a_finding_has_the_walkers_path_and_the_raw_matchers_digest(void **state)
{
        const struct pn_finding *f;
        uint8_t digest[PN_SHA256_BYTES];

        (void)state;
        say("wR wV2 rR pR wO0+2 rA0 rA1eh pF1 pP1 wE2 rE2 pE1");
        talk_is_complete();
        assert_int_equal(talk.all.finding_count, 1);
        f = &talk.all.finding[0];
        assert_int_equal(f->path.len, 6);
        assert_memory_equal(f->path.bytes, "dir/f1", 6);
        assert_int_equal(f->size_bytes, 1001);
        assert_true(f->has_sha256);
        memset(digest, 1, sizeof(digest));
        assert_memory_equal(f->sha256, digest, sizeof(digest));
        assert_string_equal(f->rule, "a_rule");
}

/* So that what nobody fills in is not zero by chance. */
static __attribute__((noinline)) void dirty_stack(void)
{
        volatile uint8_t bytes[32768];

        for (size_t i = 0; i < sizeof(bytes); i++)
                bytes[i] = 0xa5;
}

static void a_file_on_the_deny_list_is_a_finding_of_its_own(void **state)
{
        static const char list[] = "0101010101010101010101010101010101010101010101010101010101010101"
                                   "\tbackdoor\thigh\thigh\ta name\ta source\n";
        struct pn_hashset *denied = pn_hashset_new();

        (void)state;
        assert_int_equal(pn_hashset_add(denied, "list", list, sizeof(list) - 1, NULL), 0);
        talk.request.denied = denied;
        say("wR wV2 rR pR wO0+3 rA0h rA1eh rA2h pF1 pP1 wE3 rE3 pE1");
        dirty_stack();
        talk_is_complete();
        assert_int_equal(talk.all.finding_count, 2);
        assert_string_equal(talk.all.finding[0].rule, "deny-hash:a name");
        assert_memory_equal(talk.all.finding[0].path.bytes, "dir/f1", 6);
        assert_int_equal(talk.all.finding[0].size_bytes, 1001);
        assert_int_equal(talk.all.finding[0].evidence_count, 0);
        assert_string_equal(talk.all.finding[1].rule, "a_rule");
        talk_again();
        say("wR wV2 rR pR wO0+2 rA0 rA1e pP1 wE2 rE2 pE1"); /* the bytes are there but are no digest */
        talk_is_complete();
        assert_int_equal(talk.all.finding_count, 0);
        talk.request.denied = pn_hashset_free(denied);
}

/* Each worker has its own socket: what was said later may be heard earlier. */
static void the_order_in_which_workers_are_heard_does_not_matter(void **state)
{
        static const char *const orders[] = {"wrp", "wpr", "rwp", "rpw", "pwr", "prw"};

        (void)state;
        for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
                print_message("%s\n", orders[i]);
                say(HONEST);
                for (int k = 0; k < 3; k++)
                        pn_session_pump(talk.session, role_of(orders[i][k]));
                assert_false(talk.session->failed);
                talk_is_complete();
                assert_int_equal(talk.all.finding_count, 2);
                talk_again();
        }
}

static unsigned random_number(unsigned *seed)
{
        *seed = *seed * 1103515245U + 12345U;
        return *seed >> 16;
}

/* The same with anybody heard at any time between the words. */
static void nor_when_they_are_heard(void **state)
{
        unsigned seed = 1;

        (void)state;
        for (unsigned round = 0; round < 500; round++) {
                static const char letters[] = "wrp";
                char copy[] = HONEST, *rest = copy, *word;

                while ((word = strsep(&rest, " ")) != NULL) {
                        say_word(word);
                        while (random_number(&seed) % 3 == 0)
                                pn_session_pump(talk.session, role_of(letters[random_number(&seed) % 3]));
                }
                talk_is_complete();
                talk_again();
        }
}

/* One ELF file that takes long must not make those behind it pile up. */
static void files_answered_behind_an_open_one_are_forgotten(void **state)
{
        (void)state;
        say("wR wV2 rR pR wO0+1 rA0e .");
        for (unsigned i = 1; i < 5000; i++) {
                put_objects(i, 1);
                talk_send(PN_PEER_WALK);
                put_answers(i, 1, "");
                talk_send(PN_PEER_RAW);
                hear_all();
                assert_int_equal(talk.session->objects.open, 1);
        }
        say("pP0 wE5000 rE5000 pE1");
        talk_is_complete();
}

/* ---------------------------------------------------------------- what is said of the mounts */

#define MOUNTS                                                                                               \
        "7 1 0:40 / / rw - overlay o rw\n"                                                                   \
        "8 1 0:41 / /p rw - proc p rw\n"                                                                     \
        "9 1 0:42 / /f rw - fuse.\033[31mred\xff s rw\n"

static void notes_and_the_view_name_the_mount_in_printable_text(void **state)
{
        (void)state;
        talk.request.mountinfo = MOUNTS;
        talk.request.mountinfo_len = strlen(MOUNTS);
        say("wR wV2 wN8 wN9 wN10 wN0 .");
        assert_string_equal(talk.all.view, "directory (overlay)");
        assert_int_equal(talk.all.note_count, 4);
        assert_string_equal(talk.all.note[0].text, "not looked at: some words (mount of type proc)");
        assert_string_equal(talk.all.note[1].text,
                            "not looked at: some words (mount of type fuse.\\x1b[31mred\\xff)");
        assert_string_equal(talk.all.note[2].text, "not looked at: some words");
        assert_string_equal(talk.all.note[3].text, "not looked at: some words");
        assert_memory_equal(talk.all.note[0].path.bytes, "a/path", 6);
}

static void the_view_says_what_was_walked(void **state)
{
        (void)state;
        say("wR wV2 .");
        assert_string_equal(talk.all.view, "directory");
        talk_again();
        talk.request.root_count = 3;
        say("wR wV1 .");
        assert_string_equal(talk.all.view, "container");
        talk_again();
        say("wR wV2 .");
        assert_string_equal(talk.all.view, "host path and bind sources");
}

static void the_walls_are_those_that_were_told(void **state)
{
        (void)state;
        say("wR7 .");
        assert_string_equal(talk.all.walls, "seccomp, landlock 7");
        say("rR0 .");
        assert_string_equal(talk.all.walls, "seccomp");
        say("pR4000 .");
        assert_string_equal(talk.all.walls, "seccomp");
}

/* ---------------------------------------------------------------- deaths and the deadline */

static const struct death {
        const char *name, *before;
        enum pn_peer_role role;
        int status;
        enum pn_issue_class cls;
        const char *words, *path;
} deaths[] = {
        {"before a word", "", PN_PEER_RAW, W_EXITCODE(127, 0), PN_ISSUE_NODE,
         "the raw matcher ended early with status 127", ""},
        {"before a word, well", "", PN_PEER_WALK, 0, PN_ISSUE_NODE, "the walker ended early with status 0",
         ""},
        {"after its ready", "wR", PN_PEER_WALK, 0, PN_ISSUE_CONTENT, "the walker ended early with status 0",
         ""},
        {"with a file in hand", "wR wV2 rR wO0+2 rA0", PN_PEER_RAW, W_EXITCODE(3, 0), PN_ISSUE_CONTENT,
         "the raw matcher ended early with status 3", "dir/f1"},
        {"by a signal", "wR wV2 rR pR wO0+3 rA0 rA1e rA2", PN_PEER_PARSE, W_EXITCODE(0, 11), PN_ISSUE_CONTENT,
         "the parser was killed by signal 11 (SIGSEGV) here or shortly after", "dir/f1"},
        {"by the jail", "wR wV2 rR pR wO0+3 rA0 rA1e rA2", PN_PEER_PARSE, W_EXITCODE(0, 31), PN_ISSUE_CONTENT,
         "signal 31 (SIGSYS)", "dir/f1"},
        {"by a signal without a name", "", PN_PEER_PARSE, W_EXITCODE(0, 40), PN_ISSUE_CONTENT,
         "signal 40 (SIG?)", ""},
        {"after its end, badly", HONEST, PN_PEER_PARSE, W_EXITCODE(1, 0), PN_ISSUE_CONTENT,
         "the parser ended early with status 1", ""},
        {"after its end, by a signal", HONEST, PN_PEER_WALK, W_EXITCODE(0, 9), PN_ISSUE_CONTENT,
         "the walker was killed by signal 9", ""},
};

static void a_death_is_an_issue_with_the_file_in_hand(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(deaths) / sizeof(deaths[0]); i++) {
                print_message("%s\n", deaths[i].name);
                say(deaths[i].before);
                hear_all();
                leave(deaths[i].role, deaths[i].status);
                assert_true(pn_session_over(talk.session));
                talk_is_refused(deaths[i].cls, deaths[i].words);
                assert_int_equal(talk.all.issue[0].path.len, strlen(deaths[i].path));
                assert_memory_equal(talk.all.issue[0].path.bytes, deaths[i].path, strlen(deaths[i].path));
                talk_again();
        }
}

static void last_words_are_heard_before_a_death_is_told(void **state)
{
        (void)state;
        say("wR wV2 wO0+1 wX1");
        leave(PN_PEER_WALK, W_EXITCODE(1, 0));
        talk_is_refused(PN_ISSUE_CONTENT, "walker: some words");
}

/* Who lost the next one waits for that one's death, which is the reason. */
static void whoever_lost_the_next_is_not_the_reason(void **state)
{
        (void)state;
        say("wR wV2 rR pR wO0+2 rA0 rA1e wX0 rX0 . ?w ?r");
        assert_false(pn_session_over(talk.session));
        leave(PN_PEER_PARSE, W_EXITCODE(0, 11));
        talk_is_refused(PN_ISSUE_CONTENT, "the parser was killed by signal 11");
        talk_again();
        say("wR wV2 rR pR wO0+1 rA0 wX0 rX0 pE0 . ?w ?r !p"); /* nobody has a reason: not to be waited for */
        assert_true(pn_session_over(talk.session));
        talk_is_refused(PN_ISSUE_CONTENT, "the walker did not reach its end");
}

static void the_deadline_is_an_issue_of_its_own_class(void **state)
{
        (void)state;
        say("wR wV2 rR pR wO0+3 rA0 .");
        pn_session_deadline(talk.session);
        talk_is_refused(PN_ISSUE_DEADLINE, "the deadline passed after 1 of at least 3 files");
        assert_memory_equal(talk.all.issue[0].path.bytes, "dir/f1", 6);
}

static void the_first_failure_stands(void **state)
{
        (void)state;
        say("wR wO1 .");
        pn_session_deadline(talk.session);
        leave(PN_PEER_RAW, W_EXITCODE(0, 9));
        talk_is_refused(PN_ISSUE_CONTENT, "objects out of order");
}

/* ---------------------------------------------------------------- the acceptance sentence */

static const struct gap {
        const char *name, *words, *why;
} gaps[] = {
        {"the walker counted one more", "wR wV2 rR pR wO0+1 rA0 wE2 rE1 pE0",
         "counted other files than it handed"},
        {"the walker counted one less", "wR wV2 rR pR wO0+2 rA0 rA1 wE1 rE2 pE0", "counted other files"},
        {"the raw matcher left one out", "wR wV2 rR pR wO0+2 rA0 wE2 rE2 pE0",
         "raw matcher left files unanswered"},
        {"the raw matcher counted less", "wR wV2 rR pR wO0+2 rA0 rA1 wE2 rE1 pE0",
         "raw matcher counted other"},
        {"the parser left one out", "wR wV2 rR pR wO0+1 rA0e wE1 rE1 pE0", "parser left files unanswered"},
        {"the parser counted more", "wR wV2 rR pR wO0+1 rA0e pP0 wE1 rE1 pE2", "parser counted other"},
        {"no file", "wR wV2 rR pR wE0 rE0 pE0", "the root file system holds no file at all"},
};

static void what_does_not_add_up_is_told(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(gaps) / sizeof(gaps[0]); i++) {
                print_message("%s\n", gaps[i].name);
                say(gaps[i].words);
                talk_is_refused(PN_ISSUE_CONTENT, gaps[i].why);
                talk_again();
        }
}

/* A policy may tolerate a limit; that must not excuse what a worker left out. */
static void what_does_not_add_up_is_told_beside_other_issues(void **state)
{
        const char *why;

        (void)state;
        talk.issue_class = PN_ISSUE_LIMIT;
        say("wR wV2 rR pR wO0+2 wJ rA0 rA1e wE2 rE2 pE0");
        assert_false(talk_complete(&why));
        assert_int_equal(talk.all.issue_total[PN_ISSUE_LIMIT], 1);
        assert_int_equal(talk.all.issue_total[PN_ISSUE_CONTENT], 1);
        assert_string_equal(talk.all.issue[1].text, "the parser left files unanswered");
        talk_again();
        say("wR wV2 rR pR wO0+2 wJ rA0 rA1e pP1 wE2 rE2 pE1"); /* all is there but what the issue says */
        assert_false(talk_complete(&why));
        assert_string_equal(why, "an error was reported");
        assert_int_equal(talk.all.tally.errors, 1);
}

static void issues_name_the_file_or_the_path_they_are_about(void **state)
{
        (void)state;
        say("wR wV2 rR pR wO0+2 wJ rI1 rA0 rA1e pI1 .");
        assert_false(talk.session->failed);
        assert_int_equal(talk.all.issue_count, 3);
        assert_memory_equal(talk.all.issue[0].path.bytes, "a/path", 6);
        assert_memory_equal(talk.all.issue[1].path.bytes, "dir/f1", 6);
        assert_memory_equal(talk.all.issue[2].path.bytes, "dir/f1", 6);
        assert_string_equal(talk.all.issue[2].text, "some words");
}

/* What a worker says of a file comes by another socket than what the others say of it. */
static void a_finding_of_the_raw_matcher_is_heard_before_the_file_is_done(void **state)
{
        (void)state;
        say("wR wV2 rR pR wO0+1 rA0ept rF0 pP0p");
        pn_session_pump(talk.session, PN_PEER_PARSE);
        assert_false(talk.session->failed);
        assert_int_equal(talk.all.finding_count, 1);
        assert_int_equal(talk.session->objects.open, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TALK(an_honest_scan_is_complete),
                TALK(a_finding_has_the_walkers_path_and_the_raw_matchers_digest),
                TALK(a_file_on_the_deny_list_is_a_finding_of_its_own),
                TALK(the_order_in_which_workers_are_heard_does_not_matter),
                TALK(nor_when_they_are_heard),
                TALK(files_answered_behind_an_open_one_are_forgotten),
                TALK(notes_and_the_view_name_the_mount_in_printable_text),
                TALK(the_view_says_what_was_walked),
                TALK(the_walls_are_those_that_were_told),
                TALK(a_death_is_an_issue_with_the_file_in_hand),
                TALK(last_words_are_heard_before_a_death_is_told),
                TALK(whoever_lost_the_next_is_not_the_reason),
                TALK(the_deadline_is_an_issue_of_its_own_class),
                TALK(the_first_failure_stands),
                TALK(what_does_not_add_up_is_told),
                TALK(what_does_not_add_up_is_told_beside_other_issues),
                TALK(a_finding_of_the_raw_matcher_is_heard_before_the_file_is_done),
                TALK(issues_name_the_file_or_the_path_they_are_about),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
