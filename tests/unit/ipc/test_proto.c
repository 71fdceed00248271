/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/ipc/proto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---------------------------------------------------------------- every message there and back */

/* The bodies of the grammar in proto.h, one letter a field: d u32, q u64, b bytes, t text, h digest, F
 * finding, L limits; behind a star as often as `count` says. */
static const struct message {
        enum pn_msg_type type;
        const char *name, *body;
} messages[] = {
        {PN_MSG_LIMITS, "LIMITS", "L"},      {PN_MSG_ROOT, "ROOT", "bb"},
        {PN_MSG_RULES, "RULES", ""},         {PN_MSG_GO, "GO", ""},
        {PN_MSG_READY, "READY", "t"},        {PN_MSG_VIEW, "VIEW", "q"},
        {PN_MSG_OBJECTS, "OBJECTS", "*qdb"}, {PN_MSG_NOTE, "NOTE", "tbd"},
        {PN_MSG_ISSUE, "ISSUE", "dtbd"},     {PN_MSG_RAW, "RAW", "*dqddh"},
        {PN_MSG_FINDING, "FINDING", "F"},    {PN_MSG_PARSED, "PARSED", "qd"},
        {PN_MSG_END, "END", "qqq"},          {PN_MSG_FAIL, "FAIL", "t"},
        {PN_MSG_FILES, "FILES", "*qqddb"},
        {PN_MSG_PART, "PART", "qqh"},        {PN_MSG_PAIRS, "PAIRS", "ddd"},
        {PN_MSG_LINKS, "LINKS", "dbbdbb"},
};

static const struct pn_limits some_limits = {1, 2, 3, 4, 5, 6};

static struct pn_finding some_finding(void)
{
        struct pn_finding f = {
                .severity = PN_SEVERITY_HIGH, .confidence = PN_CONFIDENCE_MEDIUM, .evidence_count = 2};

        (void)snprintf(f.detector, sizeof(f.detector), "yara");
        (void)snprintf(f.rule, sizeof(f.rule), "a_rule");
        (void)snprintf(f.title, sizeof(f.title), "what it is");
        (void)snprintf(f.remedy, sizeof(f.remedy), "what to do");
        (void)snprintf(f.source, sizeof(f.source), "where from");
        for (unsigned i = 0; i < f.evidence_count; i++) {
                (void)snprintf(f.evidence[i].string, sizeof(f.evidence[i].string), "$s%u", i);
                f.evidence[i].offset = UINT64_MAX - i;
                f.evidence[i].match_bytes = 100 + i;
                f.evidence[i].kept = (uint8_t)(PN_EVIDENCE_BYTES - i);
                memset(f.evidence[i].bytes, 0x80 + (int)i, f.evidence[i].kept);
        }
        return f;
}

static void put_field(struct pn_msg_out *out, char field, unsigned turn)
{
        uint8_t digest[PN_SHA256_BYTES];
        struct pn_finding finding = some_finding();

        memset(digest, (int)turn, sizeof(digest));
        switch (field) {
        case 'd':
                pn_msg_u32(out, 0xfedc0000U + turn);
                break;
        case 'q':
                pn_msg_u64(out, 0xfedcba9876540000ULL + turn);
                break;
        case 'b':
                pn_msg_bytes(out, "by\0tes\xff", 7 - turn % 2);
                break;
        case 't':
                pn_msg_bytes(out, "te xt~", 6);
                break;
        case 'h':
                pn_msg_raw(out, digest, sizeof(digest));
                break;
        default:
                pn_msg_finding(out, &finding);
        }
}

static void check_field(struct pn_msg_in *in, char field, unsigned turn)
{
        uint8_t digest[PN_SHA256_BYTES];
        struct pn_finding finding = some_finding(), got;
        struct pn_view view;
        char text[8];

        memset(digest, (int)turn, sizeof(digest));
        switch (field) {
        case 'd':
                assert_int_equal(pn_msg_get_u32(in), 0xfedc0000U + turn);
                break;
        case 'q':
                assert_int_equal(pn_msg_get_u64(in), 0xfedcba9876540000ULL + turn);
                break;
        case 'b':
                view = pn_msg_get_bytes(in, 7);
                assert_int_equal(view.len, 7 - turn % 2);
                assert_memory_equal(view.data, "by\0tes\xff", view.len);
                break;
        case 't':
                pn_msg_get_text(in, text, sizeof(text));
                assert_string_equal(text, "te xt~");
                break;
        case 'h':
                view = pn_msg_get_raw(in, sizeof(digest));
                assert_memory_equal(view.data, digest, sizeof(digest));
                break;
        default:
                pn_msg_get_finding(in, &got);
                assert_memory_equal(&got, &finding, sizeof(got));
        }
}

static uint16_t write_message(struct pn_msg_out *out, const struct message *m)
{
        uint16_t count = m->body[0] == '*' ? PN_MSG_BATCH_MAX : 0;

        pn_msg_begin(out, m->type, 0, 0x1122334455667788ULL);
        pn_msg_set_count(out, count);
        if (m->body[0] == 'L') {
                pn_msg_limits(out, &some_limits, 7);
                return count;
        }
        for (unsigned turn = 0; turn < (count ? count : 1); turn++)
                for (const char *field = m->body + (count > 0); *field; field++)
                        put_field(out, *field, turn);
        return count;
}

static void every_message_comes_back_as_it_was_written(void **state)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_msg_out out;

        (void)state;
        assert_int_equal(sizeof(messages) / sizeof(messages[0]), PN_MSG_TYPES - 1);
        for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
                uint16_t count = write_message(&out, &messages[i]);
                struct pn_limits limits;
                struct pn_msg_in in;
                uint64_t time_ms;

                print_message("%s, %zu bytes\n", messages[i].name, out.len);
                assert_string_equal(pn_msg_name(messages[i].type), messages[i].name);
                assert_false(out.full);
                assert_int_equal(pn_msg_open(out.bytes, out.len, &in, &err), 0);
                assert_int_equal(in.type, messages[i].type);
                assert_int_equal(in.count, count);
                assert_int_equal(in.number, messages[i].body[0] == 'L' ? 0 : 0x1122334455667788ULL);
                if (messages[i].body[0] == 'L') {
                        pn_msg_get_limits(&in, &limits, &time_ms);
                        assert_memory_equal(&limits, &some_limits, sizeof(limits));
                        assert_int_equal(time_ms, 7);
                }
                for (unsigned turn = 0; messages[i].body[0] != 'L' && turn < (count ? count : 1); turn++)
                        for (const char *field = messages[i].body + (count > 0); *field; field++)
                                check_field(&in, *field, turn);
                assert_int_equal(pn_msg_done(&in, &err), 0);
        }
}

/* ---------------------------------------------------------------- refusals */

/* Reads a message as its type wants it. 0 when all of it was well. */
static int read_message(const uint8_t *bytes, size_t len, const struct message *m, struct pn_err *err)
{
        struct pn_finding finding;
        struct pn_limits limits;
        struct pn_msg_in in;
        uint64_t time_ms;
        char text[256];

        if (pn_msg_open(bytes, len, &in, err) < 0)
                return -1;
        for (unsigned turn = 0; turn < (in.count ? in.count : 1); turn++) {
                for (const char *field = m->body + (m->body[0] == '*'); *field; field++) {
                        if (*field == 'd')
                                (void)pn_msg_get_u32(&in);
                        else if (*field == 'q')
                                (void)pn_msg_get_u64(&in);
                        else if (*field == 'b')
                                (void)pn_msg_get_bytes(&in, PN_PATH_BYTES_MAX);
                        else if (*field == 't')
                                pn_msg_get_text(&in, text, sizeof(text));
                        else if (*field == 'h')
                                (void)pn_msg_get_raw(&in, PN_SHA256_BYTES);
                        else if (*field == 'L')
                                pn_msg_get_limits(&in, &limits, &time_ms);
                        else
                                pn_msg_get_finding(&in, &finding);
                }
        }
        return pn_msg_done(&in, err);
}

/* In a block of exactly its length, so that the sanitizers see a step over its end. */
static int read_exactly(const uint8_t *bytes, size_t len, const struct message *m, struct pn_err *err)
{
        uint8_t *block = malloc(len);
        int ret;

        assert_true(block || len == 0);
        if (len > 0)
                memcpy(block, bytes, len);
        ret = read_message(block, len, m, err);
        free(block);
        return ret;
}

static void every_message_that_is_cut_is_refused(void **state)
{
        struct pn_msg_out out;

        (void)state;
        for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
                (void)write_message(&out, &messages[i]);
                for (size_t len = 0; len < out.len; len++) {
                        struct pn_err err = PN_ERR_INIT;

                        assert_int_equal(read_exactly(out.bytes, len, &messages[i], &err), -1);
                        assert_int_equal(err.fault, PN_FAULT_TARGET);
                        assert_string_not_equal(err.text, "");
                }
                assert_int_equal(read_exactly(out.bytes, out.len, &messages[i], NULL), 0);
        }
}

static void every_message_with_bytes_left_over_is_refused(void **state)
{
        struct pn_msg_out out;

        (void)state;
        for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
                struct pn_err err = PN_ERR_INIT;

                (void)write_message(&out, &messages[i]);
                pn_msg_raw(&out, "", 1);
                assert_int_equal(read_exactly(out.bytes, out.len, &messages[i], &err), -1);
                assert_int_equal(err.fault, PN_FAULT_TARGET);
                assert_non_null(strstr(err.text, "1 bytes left over"));
        }
}

static const struct header {
        const char *name;
        uint32_t magic;
        uint16_t type, count;
        const char *words; /* NULL: is taken */
} headers[] = {
        {"a message without parts", PN_MSG_MAGIC, PN_MSG_GO, 0, NULL},
        {"one part", PN_MSG_MAGIC, PN_MSG_FILES, 1, NULL},
        {"as many parts as may be", PN_MSG_MAGIC, PN_MSG_FILES, PN_MSG_BATCH_MAX, NULL},
        {"one part too many", PN_MSG_MAGIC, PN_MSG_FILES, PN_MSG_BATCH_MAX + 1,
         "FILES message with 17 parts"},
        {"65535 parts", PN_MSG_MAGIC, PN_MSG_RAW, UINT16_MAX, "RAW message with 65535 parts"},
        {"objects without parts", PN_MSG_MAGIC, PN_MSG_OBJECTS, 0, "OBJECTS message with 0 parts"},
        {"answers without parts", PN_MSG_MAGIC, PN_MSG_RAW, 0, "RAW message with 0 parts"},
        {"files without parts", PN_MSG_MAGIC, PN_MSG_FILES, 0, "FILES message with 0 parts"},
        {"parts where there are none", PN_MSG_MAGIC, PN_MSG_END, 1, "END message with 1 parts"},
        {"another magic", PN_MSG_MAGIC + 1, PN_MSG_GO, 0, "without its magic"},
        {"the magic turned round", 0x504e5731U, PN_MSG_GO, 0, "without its magic"},
        {"no magic", 0, PN_MSG_GO, 0, "without its magic"},
        {"type 0", PN_MSG_MAGIC, 0, 0, "unknown type 0"},
        {"the first type that is none", PN_MSG_MAGIC, PN_MSG_TYPES, 0, "unknown type 19"},
        {"the last type that is none", PN_MSG_MAGIC, UINT16_MAX, 0, "unknown type 65535"},
};

static void a_header_that_cannot_be_is_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
                struct pn_err err = PN_ERR_INIT;
                struct pn_msg_out out;
                struct pn_msg_in in;
                int ret;

                print_message("%s\n", headers[i].name);
                pn_msg_begin(&out, (enum pn_msg_type)headers[i].type, headers[i].count, 5);
                memcpy(out.bytes, &headers[i].magic, sizeof(headers[i].magic));
                ret = pn_msg_open(out.bytes, out.len, &in, &err);
                assert_int_equal(ret, headers[i].words ? -1 : 0);
                assert_int_equal(err.fault, headers[i].words ? PN_FAULT_TARGET : PN_FAULT_NONE);
                if (headers[i].words)
                        assert_non_null(strstr(err.text, headers[i].words));
        }
}

static const struct text {
        const char *name, *bytes;
        uint32_t len, says; /* bytes there, and what the length says */
        bool good;
} texts[] = {
        {"empty", "", 0, 0, true},
        {"the lowest and the highest", " ~", 2, 2, true},
        {"as long as fits", "1234567", 7, 7, true},
        {"one too long", "12345678", 8, 8, false},
        {"longer than there is", "1234", 4, 5, false},
        {"a length of 4 GiB", "1234", 4, UINT32_MAX, false},
        {"a newline", "a\nb", 3, 3, false},
        {"an escape", "\033[m", 3, 3, false},
        {"a NUL", "a\0b", 3, 3, false},
        {"DEL", "\x7f", 1, 1, false},
        {"UTF-8", "\xc3\xa9", 2, 2, false},
        {"C1", "\x9b", 1, 1, false},
};

static void text_is_printable_and_fits_or_is_refused(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                struct pn_msg_out out;
                struct pn_msg_in in;
                char got[8] = "before";

                print_message("%s\n", texts[i].name);
                pn_msg_begin(&out, PN_MSG_FAIL, 0, 0);
                pn_msg_u32(&out, texts[i].says);
                pn_msg_raw(&out, texts[i].bytes, texts[i].len);
                assert_int_equal(pn_msg_open(out.bytes, out.len, &in, NULL), 0);
                pn_msg_get_text(&in, got, sizeof(got));
                assert_int_equal(in.bad, !texts[i].good);
                assert_string_equal(got, texts[i].good ? texts[i].bytes : "");
                assert_int_equal(pn_msg_done(&in, NULL), texts[i].good ? 0 : -1);
        }
}

/* One field of a finding set wrong: where it stands, its value. */
static const struct lie {
        const char *name;
        size_t at;
        uint32_t value;
} lies[] = {
        {"no severity", 16, 0},
        {"a severity over critical", 16, 5},
        {"a severity of 32 bits", 16, UINT32_MAX},
        {"no confidence", 20, 0},
        {"a confidence over high", 20, 4},
        {"a detector that is too long", 24, 8},
        {"no rule at all", 24 + 4 + 4, UINT32_MAX},
        {"evidence over its ceiling", 24 + 8 + 10 + 14 + 14 + 14, PN_EVIDENCE_MAX + 1},
        {"evidence of 32 bits", 24 + 8 + 10 + 14 + 14 + 14, UINT32_MAX},
        {"less evidence than there is", 24 + 8 + 10 + 14 + 14 + 14, 1},
        {"more bytes kept than a place holds", 24 + 8 + 10 + 14 + 14 + 14 + 4 + 7 + 12,
         PN_EVIDENCE_BYTES + 1},
};

static void a_finding_that_cannot_be_is_refused(void **state)
{
        const struct pn_finding finding = some_finding();

        (void)state;
        for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
                struct pn_finding got;
                struct pn_msg_out out;
                struct pn_msg_in in;
                uint32_t before;

                print_message("%s\n", lies[i].name);
                pn_msg_begin(&out, PN_MSG_FINDING, 0, 0);
                pn_msg_finding(&out, &finding);
                memcpy(&before, out.bytes + lies[i].at, sizeof(before));
                assert_true(before > 0 &&
                            before <= PN_EVIDENCE_BYTES); /* a field of that kind stands there */
                memcpy(out.bytes + lies[i].at, &lies[i].value, sizeof(lies[i].value));
                assert_int_equal(pn_msg_open(out.bytes, out.len, &in, NULL), 0);
                pn_msg_get_finding(&in, &got);
                assert_int_equal(pn_msg_done(&in, NULL), -1);
                assert_true(got.evidence_count <= PN_EVIDENCE_MAX);
        }
}

/* Words as a rule's author may write them, and as they come out at the other end. */
static const struct {
        const char *words, *shown;
} wordings[] = {
        {"C:\\x and \"y\"", "C:\\x and \"y\""},
        {"caf\xc3\xa9", "caf\\xc3\\xa9"},
        {"two\nlines", "two\\x0alines"},
        {"\x7f", "\\x7f"},
};

static void words_in_any_letters_come_through_in_printable_ones(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(wordings) / sizeof(wordings[0]); i++) {
                struct pn_finding finding = some_finding(), got;
                char *const words[] = {finding.title, finding.remedy, finding.source, finding.rule};
                const char *const shown[] = {got.title, got.remedy, got.source, got.rule};
                struct pn_msg_out out;
                struct pn_msg_in in;

                for (size_t k = 0; k < 4; k++)
                        (void)snprintf(words[k], PN_RULE_ID_MAX, "%s", wordings[i].words);
                pn_msg_begin(&out, PN_MSG_FINDING, 0, 9);
                pn_msg_finding(&out, &finding);
                assert_int_equal(pn_msg_open(out.bytes, out.len, &in, NULL), 0);
                pn_msg_get_finding(&in, &got);
                assert_int_equal(pn_msg_done(&in, NULL), 0);
                for (size_t k = 0; k < 4; k++)
                        assert_string_equal(shown[k], wordings[i].shown);
        }
}

static void a_finding_in_letters_that_are_all_foreign_still_fits(void **state)
{
        struct pn_finding most = some_finding(), got;
        struct pn_msg_out out;
        struct pn_msg_in in;

        (void)state;
        memset(most.title, 0xe9, sizeof(most.title) - 1);
        memset(most.rule, 0xe9, sizeof(most.rule) - 1);
        memset(most.detector, 0xe9, sizeof(most.detector) - 1);
        memset(most.evidence[0].string, 0xe9, sizeof(most.evidence[0].string) - 1);
        pn_msg_begin(&out, PN_MSG_FINDING, 0, 9);
        pn_msg_finding(&out, &most);
        assert_int_equal(pn_msg_open(out.bytes, out.len, &in, NULL), 0);
        pn_msg_get_finding(&in, &got);
        assert_int_equal(pn_msg_done(&in, NULL), 0);
        assert_int_equal(strncmp(got.title, "\\xe9\\xe9", 8), 0);
}

static void a_finding_with_all_it_may_have_fits(void **state)
{
        struct pn_finding most, got;
        struct pn_msg_out out;
        struct pn_msg_in in;

        (void)state;
        memset(&most, 'x', sizeof(most)); /* texts without a NUL are cut to their fields */
        most.severity = PN_SEVERITY_CRITICAL;
        most.confidence = PN_CONFIDENCE_HIGH;
        most.evidence_count = PN_EVIDENCE_MAX;
        most.detector[sizeof(most.detector) - 1] = most.rule[sizeof(most.rule) - 1] = '\0';
        most.title[PN_WORDS_MAX - 1] = most.remedy[PN_WORDS_MAX - 1] = most.source[PN_WORDS_MAX - 1] = '\0';
        for (unsigned i = 0; i < PN_EVIDENCE_MAX; i++) {
                most.evidence[i].string[PN_STRING_ID_MAX - 1] = '\0';
                most.evidence[i].kept = PN_EVIDENCE_BYTES;
        }
        pn_msg_begin(&out, PN_MSG_FINDING, 0, 9);
        pn_msg_finding(&out, &most);
        assert_false(out.full);
        assert_int_equal(pn_msg_open(out.bytes, out.len, &in, NULL), 0);
        pn_msg_get_finding(&in, &got);
        assert_int_equal(pn_msg_done(&in, NULL), 0);
        assert_string_equal(got.title, most.title);
        assert_string_equal(got.source, most.source);
        assert_memory_equal(got.evidence[3].bytes, most.evidence[3].bytes, PN_EVIDENCE_BYTES);
}

/* ---------------------------------------------------------------- ceilings of the writer and the reader */

static void a_message_over_its_ceiling_is_full_and_stays_so(void **state)
{
        static uint8_t bytes[PN_MSG_BYTES_MAX];
        struct pn_msg_out out;

        (void)state;
        pn_msg_begin(&out, PN_MSG_NOTE, 0, 0);
        pn_msg_raw(&out, bytes, PN_MSG_BYTES_MAX - out.len);
        assert_false(out.full);
        assert_int_equal(out.len, PN_MSG_BYTES_MAX);
        pn_msg_raw(&out, bytes, 0);
        assert_false(out.full);
        pn_msg_raw(&out, bytes, 1);
        assert_true(out.full);
        pn_msg_begin(&out, PN_MSG_NOTE, 0, 0);
        pn_msg_raw(&out, bytes, PN_MSG_BYTES_MAX);
        assert_true(out.full);
        pn_msg_u32(&out, 1); /* would fit, but something is missing before it */
        assert_true(out.full);
        assert_true(out.len <= PN_MSG_BYTES_MAX);
        pn_msg_begin(&out, PN_MSG_NOTE, 0, 0);
        assert_false(out.full);
}

/* One longest path and all around it in one message, or the walker could not tell of it. */
static void the_longest_path_fits_into_every_message_that_has_one(void **state)
{
        static char path[PN_PATH_BYTES_MAX], words[PN_WORDS_MAX];
        struct pn_msg_out out;

        (void)state;
        memset(words, 'w', sizeof(words));
        pn_msg_begin(&out, PN_MSG_ISSUE, 0, 0);
        pn_msg_u32(&out, 0);
        pn_msg_bytes(&out, words, sizeof(words) - 1);
        pn_msg_bytes(&out, path, sizeof(path));
        pn_msg_u32(&out, PN_FLAG_CUT);
        assert_false(out.full);
        pn_msg_begin(&out, PN_MSG_ROOT, 0, PN_ROOT_BIND);
        pn_msg_bytes(&out, path, sizeof(path));
        pn_msg_bytes(&out, path, sizeof(path));
        assert_false(out.full);
}

static void what_was_bad_stays_bad_and_yields_nothing(void **state)
{
        struct pn_msg_out out;
        struct pn_msg_in in;

        (void)state;
        pn_msg_begin(&out, PN_MSG_VIEW, 0, 0);
        pn_msg_u32(&out, 9);
        pn_msg_u64(&out, 8);
        assert_int_equal(pn_msg_open(out.bytes, out.len, &in, NULL), 0);
        assert_int_equal(pn_msg_get_bytes(&in, 8).len, 0); /* 9 are promised, 8 allowed, 8 there */
        assert_true(in.bad);
        assert_int_equal(pn_msg_get_u64(&in), 0);
        assert_int_equal(pn_msg_get_u32(&in), 0);
        assert_null(pn_msg_get_raw(&in, 0).data);
        assert_int_equal(pn_msg_done(&in, NULL), -1);
}

static void names_of_types_that_are_none_are_harmless(void **state)
{
        (void)state;
        assert_string_equal(pn_msg_name((enum pn_msg_type)0), "unknown");
        assert_string_equal(pn_msg_name(PN_MSG_TYPES), "unknown");
        assert_string_equal(pn_msg_name((enum pn_msg_type) - 1), "unknown");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_message_comes_back_as_it_was_written),
                cmocka_unit_test(every_message_that_is_cut_is_refused),
                cmocka_unit_test(every_message_with_bytes_left_over_is_refused),
                cmocka_unit_test(a_header_that_cannot_be_is_refused),
                cmocka_unit_test(text_is_printable_and_fits_or_is_refused),
                cmocka_unit_test(a_finding_that_cannot_be_is_refused),
                cmocka_unit_test(a_finding_with_all_it_may_have_fits),
                cmocka_unit_test(words_in_any_letters_come_through_in_printable_ones),
                cmocka_unit_test(a_finding_in_letters_that_are_all_foreign_still_fits),
                cmocka_unit_test(a_message_over_its_ceiling_is_full_and_stays_so),
                cmocka_unit_test(the_longest_path_fits_into_every_message_that_has_one),
                cmocka_unit_test(what_was_bad_stays_bad_and_yields_nothing),
                cmocka_unit_test(names_of_types_that_are_none_are_harmless),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
