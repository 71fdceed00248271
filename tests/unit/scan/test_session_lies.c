/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker that somebody has taken over may try to say. Each is a refusal with a reason, and never a
 * complete answer. */

#include "tests/unit/scan/conversation.h"

/* ---------------------------------------------------------------- who may say what, and when */

static const struct right {
        enum pn_msg_type type;
        char what;                  /* its letter; 0: a message that no worker says */
        const char *before, *after; /* its READY: letters of the roles that may */
} rights[] = {
        {PN_MSG_LIMITS, 0, "", ""},     {PN_MSG_ROOT, 0, "", ""},         {PN_MSG_RULES, 0, "", ""},
        {PN_MSG_GO, 0, "", ""},         {PN_MSG_READY, 'R', "wrp", ""},   {PN_MSG_VIEW, 'V', "", "w"},
        {PN_MSG_OBJECTS, 'O', "", "w"}, {PN_MSG_NOTE, 'N', "", "w"},      {PN_MSG_ISSUE, 'J', "", "wrp"},
        {PN_MSG_RAW, 'A', "", "r"},     {PN_MSG_FINDING, 'F', "", "rp"},   {PN_MSG_PARSED, 'P', "", "p"},
        {PN_MSG_END, 'E', "", "wrp"},   {PN_MSG_FAIL, 'X', "wrp", "wrp"}, {PN_MSG_FILES, 0, "", ""},
        {PN_MSG_PART, 0, "", ""},       {PN_MSG_PAIRS, 0, "", ""},        {PN_MSG_LINKS, 'K', "", "p"},
};

static void only_the_words_of_the_table_are_taken(void **state)
{
        static const char *const names[] = {"walker", "raw matcher", "parser"};

        (void)state;
        assert_int_equal(sizeof(rights) / sizeof(rights[0]), PN_MSG_TYPES - 1);
        for (size_t i = 0; i < 6 * sizeof(rights) / sizeof(rights[0]); i++) {
                const struct right *row = &rights[i / 6];
                const char letter = "wrp"[i % 3];
                const bool ready = i % 6 >= 3, may = strchr(ready ? row->after : row->before, letter) != NULL;
                char word[8], refusal[96];

                (void)snprintf(word, sizeof(word), "%cR", letter);
                if (ready)
                        say(word);
                pn_msg_begin(&talk.out, row->type, 0, 0);
                pn_msg_set_count(&talk.out, row->type == PN_MSG_FILES);
                if (row->what)
                        put_message(row->what, row->what == 'V' ? PN_ROOT_HOST : 0, 1, "");
                talk_send(role_of(letter));
                hear_all();
                (void)snprintf(refusal, sizeof(refusal), "the %s broke the protocol: %s", names[i % 3],
                               pn_msg_name(row->type));
                if (may != !(talk.all.issue_count > 0 && strstr(talk.all.issue[0].text, refusal)))
                        fail_msg("%s by %c, %s READY: %s", pn_msg_name(row->type), letter,
                                 ready ? "after" : "before",
                                 talk.all.issue_count ? talk.all.issue[0].text : "taken");
                assert_true(may || talk.session->failed);
                talk_again();
        }
}

/* ---------------------------------------------------------------- lies */

#define READY "wR wV2 rR pR "

static const struct lie {
        const char *name, *words;
        enum pn_issue_class cls;
        const char *why;
} lies[] = {
        /* names */
        {"objects that do not begin at 0", READY "wO1+2", PN_ISSUE_CONTENT, "objects out of order"},
        {"objects with a gap", READY "wO0+2 wO3+1", PN_ISSUE_CONTENT, "objects out of order"},
        {"objects told again", READY "wO0+2 wO0+2", PN_ISSUE_CONTENT, "objects out of order"},
        {"objects at the end of numbers", READY "wO18446744073709551615+2", PN_ISSUE_CONTENT,
         "objects out of order"},
        {"no objects", READY "wO0+0", PN_ISSUE_CONTENT, "OBJECTS message with 0 parts"},
        {"more objects than a batch", READY "wO0+17", PN_ISSUE_CONTENT, "OBJECTS message with 17 parts"},
        /* answers of the raw matcher */
        {"an answer before any object", READY "rA0", PN_ISSUE_CONTENT, "an answer that nobody asked for"},
        {"an answer about an unknown object", READY "wO0+1 rA0 rA1", PN_ISSUE_CONTENT, "nobody asked for"},
        {"an answer that leaves one out", READY "wO0+2 rA1", PN_ISSUE_CONTENT, "nobody asked for"},
        {"an answer twice", READY "wO0+2 rA0 rA0", PN_ISSUE_CONTENT, "nobody asked for"},
        {"an answer twice about an open object", READY "wO0+2 rA0e rA0e", PN_ISSUE_CONTENT,
         "nobody asked for"},
        {"an answer over the end of numbers", READY "wO0+1 rA18446744073709551615+2", PN_ISSUE_CONTENT,
         "nobody asked for"},
        {"a batch that begins well", READY "wO0+2 rA0+3", PN_ISSUE_CONTENT, "nobody asked for"},
        {"no answers", READY "wO0+1 rA0+0", PN_ISSUE_CONTENT, "RAW message with 0 parts"},
        {"an unknown flag", READY "wO0+1 rA0u", PN_ISSUE_CONTENT, "malformed RAW message"},
        /* answers of the parser */
        {"parsed an unknown object", READY "pP0", PN_ISSUE_CONTENT, "nobody asked for"},
        {"parsed what is not answered yet", READY "wO0+1 pP0", PN_ISSUE_CONTENT, "nobody asked for"},
        {"parsed what was not passed on", READY "wO0+2 rA0 rA1e pP0", PN_ISSUE_CONTENT, "nobody asked for"},
        {"parsed twice", READY "wO0+2 rA0e rA1e pP0 pP0", PN_ISSUE_CONTENT, "nobody asked for"},
        {"a finding in an unknown object", READY "pF7", PN_ISSUE_CONTENT,
         "a finding in an object that was not"},
        {"a finding in what was not passed on", READY "wO0+1 rA0 pF0", PN_ISSUE_CONTENT,
         "a finding in an object"},
        {"a finding in what is answered", READY "wO0+1 rA0e pP0 pF0", PN_ISSUE_CONTENT,
         "a finding in an object"},
        {"a finding at the end of numbers", READY "wO0+1 rA0e pF18446744073709551615", PN_ISSUE_CONTENT,
         "a finding in an object"},
        /* rules */
        {"rules in a file that is not passed on", READY "wO0+1 rA0p", PN_ISSUE_CONTENT, "rules in a file that"},
        {"a finding in a file that is not passed on", READY "wO0+1 rA0t", PN_ISSUE_CONTENT, "rules in a file that"},
        {"rules left undecided", READY "wO0+1 rA0ep pP0", PN_ISSUE_CONTENT, "about other rules than it was asked"},
        {"rules decided that nobody asked about", READY "wO0+1 rA0e pP0p", PN_ISSUE_CONTENT,
         "about other rules than it was asked"},
        {"a finding announced that does not come", READY "wO0+1 rA0ept pP0p", PN_ISSUE_CONTENT,
         "findings that were announced did not come"},
        {"a finding of the raw matcher's that was not announced", READY "wO0+1 rA0e rF0", PN_ISSUE_CONTENT,
         "a finding in an object"},
        {"a finding of the raw matcher's too many", READY "wO0+1 rA0ept rF0 rF0", PN_ISSUE_CONTENT,
         "a finding in an object"},
        {"a finding of the raw matcher's before its answer", READY "wO0+1 rF0 rA0ept", PN_ISSUE_CONTENT,
         "a finding in an object"},
        /* links */
        {"links of what was not passed on", READY "wO0+1 rA0 pK0", PN_ISSUE_CONTENT, "links of an object"},
        {"links twice", READY "wO0+1 rA0e pK0 pK0", PN_ISSUE_CONTENT, "links of an object"},
        /* issues and notes */
        {"an issue of an unknown object", READY "wO0+1 rI1", PN_ISSUE_CONTENT,
         "an issue of an unknown object"},
        {"an issue of what is answered", READY "wO0+2 rA0 rI0", PN_ISSUE_CONTENT,
         "an issue of an unknown object"},
        {"an issue of the walker's about a number", READY "wO0+1 wI0", PN_ISSUE_CONTENT,
         "an issue of an unknown object"},
        /* the end */
        {"an end twice", READY "wE0 wE0", PN_ISSUE_CONTENT, "a word after its end"},
        {"objects after the end", READY "wE0 wO0+1", PN_ISSUE_CONTENT, "a word after its end"},
        {"an answer after the end", READY "wO0+1 rE0 rA0", PN_ISSUE_CONTENT, "a word after its end"},
        {"a finding after the end", READY "wO0+1 rA0e pE0 pF0", PN_ISSUE_CONTENT, "a word after its end"},
        {"a failure after the end", READY "wE0 wX1", PN_ISSUE_CONTENT, "a word after its end"},
        {"an end after giving up", READY "wO0+1 rA0 wX0 wE1 rE1 pE0", PN_ISSUE_CONTENT,
         "a word after its end"},
        {"an end without a view", "wR rR pR wE0", PN_ISSUE_CONTENT,
         "an end without a word about what was walked"},
        /* beginnings */
        {"ready twice", "wR wR", PN_ISSUE_CONTENT, "the walker broke the protocol: READY"},
        {"a view twice", "wR wV2 wV2", PN_ISSUE_CONTENT, "it named its view twice or wrongly"},
        {"a view nobody asked for", "wR wV1", PN_ISSUE_CONTENT, "it named its view twice or wrongly"},
        {"a view of a bind mount", "wR wV3", PN_ISSUE_CONTENT, "it named its view twice or wrongly"},
        {"a view of no kind", "wR wV0", PN_ISSUE_CONTENT, "it named its view twice or wrongly"},
        {"a view of an unknown kind", "wR wV9", PN_ISSUE_CONTENT, "it named its view twice or wrongly"},
        /* bytes */
        {"a wrong magic", READY "wM0", PN_ISSUE_CONTENT,
         "the walker broke the protocol: message without its magic"},
        {"a message cut short", READY "rC0", PN_ISSUE_CONTENT, "malformed END message"},
        {"a byte left over", READY "pL0", PN_ISSUE_CONTENT, "END message with 1 bytes left over"},
        {"a descriptor", READY "wD0", PN_ISSUE_CONTENT, "descriptors were lost"},
        {"a descriptor before its ready", "pD0", PN_ISSUE_CONTENT, "descriptors were lost"},
        /* silence */
        {"nothing, then a good exit", READY "!r", PN_ISSUE_CONTENT,
         "the raw matcher ended early with status 0"},
        {"a word behind one of no bytes", READY "wO0+1 rA0 wZ wE1 rE1 pE0", PN_ISSUE_CONTENT,
         "a word after it had closed"},
        {"a word behind two of no bytes", READY "wO0+1 rA0 wE1 rE1 pE0 wZ wZ wE1", PN_ISSUE_CONTENT,
         "a word after it had closed"},
        {"a word some time after one of no bytes", READY "wO0+1 rA0 wZ . wE1 rE1 pE0", PN_ISSUE_CONTENT,
         "a word after it had closed"},
        {"no bytes, as if it had closed", READY "wZ . !w", PN_ISSUE_CONTENT, "the walker ended early"},
};

static void every_lie_is_refused_with_its_reason(void **state)
{
        (void)state;
        talk.request.root_count = 1;
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
                print_message("%s\n", lies[i].name);
                say(lies[i].words);
                hear_all();
                talk_is_refused(lies[i].cls, lies[i].why);
                talk_again();
        }
}

static void a_bind_mount_is_no_view_even_when_it_is_walked(void **state)
{
        (void)state;
        talk.request.root_count = 3;
        say("wR wV3");
        talk_is_refused(PN_ISSUE_CONTENT, "it named its view twice or wrongly");
}

/* An honest scan with one word left out is not complete, whichever that is. */
static void an_honest_scan_with_a_word_missing_is_not_complete(void **state)
{
        unsigned words = 0;
        const char *why;

        (void)state;
        for (unsigned missing = 0; missing <= words; missing++) {
                char copy[] = HONEST, *rest = copy, *word;

                words = 0;
                while ((word = strsep(&rest, " ")) != NULL)
                        if (words++ != missing)
                                say_word(word);
                if (missing == 9 || missing == 10) { /* the parser's finding or links: nobody knows of what is not told */
                        talk_is_complete();
                        assert_int_equal(talk.all.finding_count, missing == 9 ? 1 : 2);
                } else if (missing == words) {
                        talk_is_complete();
                } else {
                        assert_false(talk_complete(&why));
                        assert_true(talk.all.issue_count > 0);
                }
                talk_again();
        }
        assert_int_equal(words, 15);
}

/* ---------------------------------------------------------------- whose fault */

static const struct blame {
        const char *name, *words;
        enum pn_issue_class cls;
        enum pn_fault node;
} blames[] = {
        {"rules that do not compile", "pX3", PN_ISSUE_NODE, PN_FAULT_CONFIG},
        {"a jail that does not close", "rX4", PN_ISSUE_NODE, PN_FAULT_NONE},
        {"hostile bytes before its ready", "pX1", PN_ISSUE_CONTENT, PN_FAULT_NONE},
        {"an unknown fault", "pX77", PN_ISSUE_NODE, PN_FAULT_NONE},
        {"the node's, it says after its ready", "pR pX4", PN_ISSUE_CONTENT, PN_FAULT_NONE},
        {"the policy's, it says after its ready", "pR pX3", PN_ISSUE_CONTENT, PN_FAULT_NONE},
        {"our bug, it says after its ready", "rR rX5", PN_ISSUE_CONTENT, PN_FAULT_NONE},
        {"the budget's, it says after its ready", "rR rX2", PN_ISSUE_CONTENT, PN_FAULT_NONE},
};

/* A policy may be milder with the node's faults than with the image's: a worker that has met hostile bytes
 * does not choose between them. */
static void a_worker_that_met_hostile_bytes_cannot_blame_the_node(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(blames) / sizeof(blames[0]); i++) {
                print_message("%s\n", blames[i].name);
                say(blames[i].words);
                talk_is_refused(blames[i].cls, ": some words");
                assert_int_equal(talk.all.node_fault, blames[i].node);
                talk_again();
        }
}

static void a_worker_tells_no_issue_of_the_nodes_or_of_the_deadline(void **state)
{
        static const char *const words[] = {"wR wJ .", "rR rJ .", "pR pJ ."};

        (void)state;
        for (unsigned role = 0; role < PN_PEERS; role++)
                for (unsigned cls = 0; cls <= PN_ISSUE_CLASSES; cls++) {
                        bool damaged = role == PN_PEER_PARSE && cls == PN_ISSUE_NODE; /* a form of a rule */
                        bool may = cls < PN_ISSUE_CLASSES && (cls != PN_ISSUE_NODE || damaged) &&
                                   cls != PN_ISSUE_DEADLINE;

                        talk.issue_class = (enum pn_issue_class)cls;
                        say(words[role]);
                        assert_int_equal(talk.session->failed, !may);
                        assert_int_equal(talk.all.issue_total[PN_ISSUE_NODE], damaged);
                        assert_int_equal(talk.all.issue_total[PN_ISSUE_DEADLINE], 0);
                        assert_int_equal(talk.all.node_fault, PN_FAULT_NONE);
                        assert_int_equal(talk.all.issue_count, 1);
                        if (may)
                                assert_int_equal(talk.all.issue[0].cls, cls);
                        talk_again();
                }
}

static void a_worker_of_another_version_is_refused(void **state)
{
        (void)state;
        talk.version = PN_WIRE_VERSION "-other";
        say("wR");
        talk_is_refused(PN_ISSUE_NODE,
                        "the worker is version " PN_WIRE_VERSION "-other, this program " PN_WIRE_VERSION);
        talk_again();
        talk.version = "1\033[2J";
        say("wR");
        talk_is_refused(PN_ISSUE_CONTENT, "malformed READY message");
        talk_again();
        talk.version = "";
        say("wR");
        talk_is_refused(PN_ISSUE_NODE, "the worker is version , this");
}

/* ---------------------------------------------------------------- floods */

/* Says the message in talk.out again and again, `next` changing it, until the session has had enough. */
static uint64_t flood(enum pn_peer_role role, void (*next)(uint64_t turn), uint64_t most)
{
        uint64_t turn = 0;

        while (!talk.session->failed && turn < most) {
                for (unsigned i = 0; i < 5 && turn < most; i++) {
                        next(turn++);
                        talk_send(role);
                }
                pn_session_pump(talk.session, role);
        }
        return turn;
}

static void next_note(uint64_t turn)
{
        put_message('N', turn, 1, "");
}

static void next_issue(uint64_t turn)
{
        (void)turn;
        put_message('J', 0, 1, "");
}

static void next_finding(uint64_t turn)
{
        (void)turn;
        put_finding(0);
}

static void next_objects(uint64_t turn)
{
        put_objects(turn * PN_MSG_BATCH_MAX, PN_MSG_BATCH_MAX);
}

static void next_long_objects(uint64_t turn)
{
        static char path[PN_PATH_BYTES_MAX];

        pn_msg_begin(&talk.out, PN_MSG_OBJECTS, 3, turn * 3);
        for (int i = 0; i < 3; i++) {
                pn_msg_u64(&talk.out, 1);
                pn_msg_u32(&talk.out, 0);
                pn_msg_bytes(&talk.out, path, sizeof(path));
        }
}

static const struct flood {
        const char *name, *before;
        enum pn_peer_role role;
        void (*next)(uint64_t turn);
        uint64_t files, least, most; /* limits.files; how many messages are taken */
        const char *why;
} floods[] = {
        {"notes", READY, PN_PEER_WALK, next_note, 1000, PN_SESSION_EXTRAS_MAX, PN_SESSION_EXTRAS_MAX + 5,
         "the walker broke the protocol: a flood of messages"},
        {"issues", READY, PN_PEER_PARSE, next_issue, 1000, PN_SESSION_EXTRAS_MAX, PN_SESSION_EXTRAS_MAX + 5,
         "the parser broke the protocol: a flood of messages"},
        {"findings in one file", READY "wO0+1 rA0e .", PN_PEER_PARSE, next_finding, 1000,
         PN_SESSION_FINDINGS_MAX, PN_SESSION_FINDINGS_MAX + 5, "or too many"},
        {"more files than the limit", READY, PN_PEER_WALK, next_objects, 40, 3, 7, "a flood of files"},
        {"files nobody answers for", READY, PN_PEER_WALK, next_objects, 10000000,
         PN_SESSION_OPEN_MAX / PN_MSG_BATCH_MAX, PN_SESSION_OPEN_MAX / PN_MSG_BATCH_MAX + 5,
         "a flood of files"},
        {"long names nobody answers for", READY, PN_PEER_WALK, next_long_objects, 10000000,
         PN_SESSION_OPEN_BYTES / PN_PATH_BYTES_MAX / 3, PN_SESSION_OPEN_BYTES / PN_PATH_BYTES_MAX / 3 + 5,
         "a flood of files"},
};

static void floods_end_the_scan(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
                uint64_t taken;
                const char *why;

                print_message("%s\n", floods[i].name);
                talk.request.limits.files = floods[i].files;
                say(floods[i].before);
                hear_all();
                taken = flood(floods[i].role, floods[i].next, 2 * floods[i].most);
                assert_true(taken > floods[i].least && taken <= floods[i].most);
                assert_true(talk.session->failed);
                assert_true(talk.all.issue_count <= PN_ISSUES_KEPT && talk.all.note_count <= PN_ISSUES_KEPT);
                assert_false(talk_complete(&why));
                if (talk.all.issue_count < PN_ISSUES_KEPT)
                        assert_non_null(strstr(talk.all.issue[talk.all.issue_count - 1].text, floods[i].why));
                talk_again();
        }
}

/* Every issue about a number unknown makes the supervisor listen to the walker: not to the one it is
 * listening to, or each message would cost a piece of its stack. */
static void a_walker_cannot_make_the_supervisor_listen_within_listening(void **state)
{
        (void)state;
        say("wR wV2 .");
        for (unsigned i = 0; i < 100; i++)
                say("wI5");
        say("wO0+1");
        pn_session_pump(talk.session, PN_PEER_WALK);
        assert_int_equal(talk.session->extras[PN_PEER_WALK],
                         1); /* the first ends it: the others were not read */
        assert_int_equal(talk.session->objects.end, 0);
        talk_is_refused(PN_ISSUE_CONTENT, "an issue of an unknown object");
}

/* No more than a ceiling at once, or the deadline would not be looked at. */
static void one_pump_takes_no_more_than_its_ceiling(void **state)
{
        int room = 4 << 20;

        (void)state;
        assert_int_equal(setsockopt(talk.mouth[0], SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)), 0);
        say("wR wV2 .");
        for (unsigned i = 0; i < PN_SESSION_PUMP_MAX + 50; i++) {
                next_note(i);
                talk_send(PN_PEER_WALK);
        }
        pn_session_pump(talk.session, PN_PEER_WALK);
        assert_int_equal(talk.session->extras[PN_PEER_WALK], PN_SESSION_PUMP_MAX);
        pn_session_pump(talk.session, PN_PEER_WALK);
        assert_int_equal(talk.session->extras[PN_PEER_WALK], PN_SESSION_PUMP_MAX + 50);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                TALK(only_the_words_of_the_table_are_taken),
                TALK(every_lie_is_refused_with_its_reason),
                TALK(a_bind_mount_is_no_view_even_when_it_is_walked),
                TALK(an_honest_scan_with_a_word_missing_is_not_complete),
                TALK(a_worker_that_met_hostile_bytes_cannot_blame_the_node),
                TALK(a_worker_tells_no_issue_of_the_nodes_or_of_the_deadline),
                TALK(a_worker_of_another_version_is_refused),
                TALK(floods_end_the_scan),
                TALK(a_walker_cannot_make_the_supervisor_listen_within_listening),
                TALK(one_pump_takes_no_more_than_its_ceiling),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
