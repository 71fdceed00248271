/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/hashset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "scanner/base/fd.h"
#include "scanner/base/text.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define CLEAN_TWIN "124c80a43dc1e9ccf265bd761a5aa061183e8cde29745b81e4b32bc6d7c90c97"
#define DEBIAN_560 "319feb5a9cddd81955d915b5632b4a5f8f9080281fb46e2f6d69d53f693c23ae"

static int add(struct pn_hashset *set, const char *text, struct pn_err *err)
{
        return pn_hashset_add(set, "deny.tsv", text, strlen(text), err);
}

static bool find(const struct pn_hashset *set, const char *hex, struct pn_finding *ret)
{
        uint8_t digest[PN_SHA256_BYTES];

        assert_true(pn_text_unhex(digest, sizeof(digest), hex, strlen(hex)));
        return pn_hashset_find(set, digest, ret);
}

static void hashset_fills_a_finding_from_the_entry(void **state)
{
        struct pn_hashset *set = pn_hashset_new();
        struct pn_finding got = {.size_bytes = 7, .evidence_count = 0};
        struct pn_err err = PN_ERR_INIT;
        uint8_t digest[PN_SHA256_BYTES];

        (void)state;
        assert_int_equal(add(set, "# head\n\n" B "\ttrojan\thigh\tmedium\tEvil One\tlist (primary)\n", &err),
                         0);
        memset(digest, 0xbb, sizeof(digest));
        assert_int_equal(pn_hashset_count(set), 1);
        assert_true(pn_hashset_find(set, digest, &got));
        assert_string_equal(got.detector, "hash");
        assert_string_equal(got.rule, "deny-hash:Evil One");
        assert_string_equal(got.title, "the file is on a deny list as trojan: Evil One");
        assert_string_equal(got.source, "list (primary)");
        assert_true(strstr(got.remedy, "rebuild") != NULL);
        assert_int_equal(got.severity, PN_SEVERITY_HIGH);
        assert_int_equal(got.confidence, PN_CONFIDENCE_MEDIUM);
        assert_true(got.has_sha256);
        assert_memory_equal(got.sha256, digest, sizeof(digest));
        assert_int_equal(got.size_bytes, 7); /* what is not its own it leaves alone */
        set = pn_hashset_free(set);
        assert_null(set);
}

static void hashset_finds_each_of_many_and_no_neighbour(void **state)
{
        struct pn_hashset *set = pn_hashset_new();
        struct pn_finding got = {0};
        uint8_t digest[PN_SHA256_BYTES] = {0};
        char text[128];

        (void)state;
        for (unsigned i = 0; i < 256; i += 2) { /* one add each, highest first: the merge has to sort */
                (void)snprintf(text, sizeof(text), "%062u%02x\tminer\tlow\thigh\tn%u\ts\n", 0, 254 - i,
                               254 - i);
                assert_int_equal(add(set, text, NULL), 0);
        }
        assert_int_equal(pn_hashset_count(set), 128);
        for (unsigned i = 0; i < 256; i++) {
                digest[PN_SHA256_BYTES - 1] = (uint8_t)i;
                (void)snprintf(text, sizeof(text), "deny-hash:n%u", i);
                assert_int_equal(pn_hashset_find(set, digest, &got), i % 2 == 0);
                if (i % 2 == 0)
                        assert_string_equal(got.rule, text);
        }
        pn_hashset_free(set);
}

static void hashset_leaves_the_finding_alone_when_nothing_is_denied(void **state)
{
        struct pn_hashset *set = pn_hashset_new();
        struct pn_finding got, before;

        (void)state;
        memset(&got, 0x5a, sizeof(got));
        before = got;
        assert_false(find(set, A, &got)); /* an empty set */
        assert_int_equal(add(set, B "\tknown-good\tlow\thigh\tn\ts\n", NULL), 0);
        assert_false(find(set, A, &got));
        assert_false(find(set, B, &got));
        assert_memory_equal(&got, &before, sizeof(got));
        pn_hashset_free(set);
}

/* Several entries for one digest: which one counts. Each row is tried as one text, in both orders and as two
 * files; "" means that nothing is found. */
static void hashset_lets_one_entry_win_whatever_the_order(void **state)
{
        static const struct {
                const char *name, *one, *two, *wins;
        } rows[] = {
                {"known-good over critical", "known-good\tlow\tlow\tn1\ts", "rootkit\tcritical\thigh\tn2\ts",
                 ""},
                {"clean-control over critical", "clean-control\tlow\tlow\tn1\ts",
                 "rootkit\tcritical\thigh\tn2\ts", ""},
                {"severe over mild", "trojan\thigh\tmedium\tn1\ts", "tool\tmedium\thigh\tn2\ts",
                 "deny-hash:n1"},
                {"sure over less sure", "trojan\thigh\thigh\tn1\ts", "trojan\thigh\tmedium\tn2\ts",
                 "deny-hash:n1"},
                {"may refuse over never", "tool\tmedium\tmedium\tn1\ts", "rootkit\tcritical\tlow\tn2\ts",
                 "deny-hash:n1"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                for (unsigned way = 0; way < 4; way++) {
                        struct pn_hashset *set = pn_hashset_new();
                        struct pn_finding got = {0};
                        char text[2][256], both[512];

                        (void)snprintf(text[way & 1], sizeof(text[0]), A "\t%s\n", rows[i].one);
                        (void)snprintf(text[!(way & 1)], sizeof(text[0]), A "\t%s\n", rows[i].two);
                        (void)snprintf(both, sizeof(both), "%s%s", text[0], text[1]);
                        assert_int_equal(add(set, way & 2 ? both : text[0], NULL), 0);
                        assert_int_equal(add(set, way & 2 ? "" : text[1], NULL), 0);
                        assert_int_equal(pn_hashset_count(set), 1);
                        if (find(set, A, &got) != (rows[i].wins[0] != '\0') ||
                            strcmp(got.rule, rows[i].wins) != 0)
                                fail_msg("%s, way %u: got `%s`", rows[i].name, way, got.rule);
                        pn_hashset_free(set);
                }
        }
}

static void hashset_keeps_the_first_of_equal_entries(void **state)
{
        struct pn_hashset *set = pn_hashset_new();
        struct pn_finding got = {0};

        (void)state;
        assert_int_equal(
                add(set, A "\tworm\thigh\thigh\tfirst\ts\n" A "\tworm\thigh\thigh\tsecond\ts\n", NULL), 0);
        assert_int_equal(add(set, A "\tworm\thigh\thigh\tthird\ts\n", NULL), 0);
        assert_true(find(set, A, &got));
        assert_string_equal(got.rule, "deny-hash:first");
        pn_hashset_free(set);
}

static void hashset_takes_digits_of_either_case_and_cuts_long_names(void **state)
{
        struct pn_hashset *set = pn_hashset_new();
        struct pn_finding got = {0};
        char text[800];

        (void)state;
        (void)snprintf(text, sizeof(text), "%032X%032X\tworm\thigh\thigh\t%0400d\ts\n", 0xABCDEF, 0xABCDEF,
                       0);
        assert_int_equal(add(set, text, NULL), 0);
        (void)snprintf(text, sizeof(text), "%032x%032x", 0xabcdef, 0xabcdef);
        assert_true(find(set, text, &got));
        assert_int_equal(strlen(got.rule), PN_RULE_ID_MAX - 1);
        assert_int_equal(strlen(got.title), PN_WORDS_MAX - 1);
        pn_hashset_free(set);
}

static void hashset_says_what_to_do_by_certainty_and_kind(void **state)
{
        static const struct {
                const char *entry, *says;
        } rows[] = {
                {"rootkit\tcritical\tlow\tn\ts", "not sure"},
                {"tool\tmedium\thigh\tn\ts", "on purpose"},
                {"exploit\tmedium\thigh\tn\ts", "on purpose"},
                {"malicious\tcritical\thigh\tn\ts", "Do not run"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_hashset *set = pn_hashset_new();
                struct pn_finding got = {0};
                char text[128];

                (void)snprintf(text, sizeof(text), A "\t%s\n", rows[i].entry);
                assert_int_equal(add(set, text, NULL), 0);
                assert_true(find(set, A, &got));
                if (!strstr(got.remedy, rows[i].says))
                        fail_msg("%s: `%s`", rows[i].entry, got.remedy);
                pn_hashset_free(set);
        }
}

static void hashset_refuses_bad_lines_and_names_the_place(void **state)
{
        static const struct {
                const char *name, *text, *says;
        } rows[] = {
                {"short digest", "aaaa\tworm\thigh\thigh\tn\ts\n", "deny.tsv:1:1: sha256 must be"},
                {"long digest", A "a\tworm\thigh\thigh\tn\ts\n", "deny.tsv:1:1: sha256 must be"},
                {"digest with a g", "g" A "\tworm\thigh\thigh\tn\ts\n", "deny.tsv:1:1: sha256 must be"},
                {"second line", "# x\n" A "\tworm\tsevere\thigh\tn\ts\n", "deny.tsv:2:71: severity must be"},
                {"severity prefix", A "\tworm\thig\thigh\tn\ts\n", "deny.tsv:1:71: severity must be"},
                {"very long severity", A "\tworm\thighhighhighhighhigh\thigh\tn\ts\n",
                 "deny.tsv:1:71: severity"},
                {"confidence", A "\tworm\thigh\tcritical\tn\ts\n", "deny.tsv:1:76: confidence must be"},
                {"verdict upper case", A "\tWorm\thigh\thigh\tn\ts\n", "deny.tsv:1:66: verdict must be"},
                {"verdict with blank", A "\tknown good\thigh\thigh\tn\ts\n",
                 "deny.tsv:1:66: verdict must be"},
                {"verdict of one dash", A "\t-\thigh\thigh\tn\ts\n", "deny.tsv:1:66: verdict must be"},
                {"verdict of 32 letters", A "\tabcdefghabcdefghabcdefghabcdefgh\thigh\thigh\tn\ts\n",
                 "verdict must be"},
                {"empty name", A "\tworm\thigh\thigh\t\ts\n", "deny.tsv:1:81: name is empty"},
                {"empty source", A "\tworm\thigh\thigh\tn\t\n", "source is empty"},
                {"no source", A "\tworm\thigh\thigh\tn\n", "source is missing"},
                {"only a digest", A "\n", "verdict is missing"},
                {"blanks for TABs", A " worm high high n s\n", "verdict is missing"},
                {"a field too many", A "\tworm\thigh\thigh\tn\ts\tx\n", "TAB too many"},
                {"CR LF", A "\tworm\thigh\thigh\tn\ts\r\n", "not printable"},
                {"escape in the name", A "\tworm\thigh\thigh\t\033[2J\ts\n", "deny.tsv:1:81: not printable"},
                {"DEL", A "\tworm\thigh\thigh\tn\177\ts\n", "not printable"},
                {"UTF-8", A "\tworm\thigh\thigh\t\xc3\xa9\ts\n", "not printable"},
                {"byte order mark", "\xef\xbb\xbf" A "\tworm\thigh\thigh\tn\ts\n",
                 "deny.tsv:1:1: not printable"},
                {"blank before a comment", " # x\n", "verdict is missing"},
                {"cut in an entry", B "\tworm\thigh\thigh\tn\ts\n" A "\tworm\thigh\thigh\tn\ts",
                 "deny.tsv:2:84: the file ends"},
                {"cut in a comment", "# x", "deny.tsv:1:4: the file ends inside a line"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_hashset *set = pn_hashset_new();
                struct pn_finding got = {0};
                struct pn_err err = PN_ERR_INIT;

                assert_int_equal(add(set, C "\tworm\thigh\thigh\told\ts\n", NULL), 0);
                if (add(set, rows[i].text, &err) != -1 || !strstr(err.text, rows[i].says))
                        fail_msg("%s: `%s`", rows[i].name, err.text);
                assert_int_equal(err.fault, PN_FAULT_CONFIG);
                assert_int_equal(pn_hashset_count(set), 1); /* unchanged, and still works */
                assert_false(find(set, A, &got));
                assert_false(find(set, B, &got));
                assert_int_equal(add(set, A "\tworm\thigh\thigh\tnew\ts\n", NULL), 0);
                assert_true(find(set, A, &got));
                assert_string_equal(got.rule, "deny-hash:new");
                assert_true(find(set, C, &got));
                assert_string_equal(got.rule, "deny-hash:old");
                pn_hashset_free(set);
        }
}

static void hashset_refuses_a_nul_byte(void **state)
{
        static const char text[] = A "\tworm\thigh\thigh\tn\0\ts\n";
        struct pn_hashset *set = pn_hashset_new();

        (void)state;
        assert_int_equal(pn_hashset_add(set, "deny.tsv", text, sizeof(text) - 1, NULL), -1);
        assert_int_equal(pn_hashset_count(set), 0);
        pn_hashset_free(set);
}

static void hashset_holds_the_ceiling_of_a_line(void **state)
{
        struct pn_hashset *set = pn_hashset_new();
        struct pn_err err = PN_ERR_INIT;
        char text[PN_HASHSET_LINE_MAX + 2];

        (void)state;
        memset(text, 'x', sizeof(text));
        text[0] = '#';
        text[PN_HASHSET_LINE_MAX] = '\n';
        assert_int_equal(pn_hashset_add(set, "f", text, PN_HASHSET_LINE_MAX + 1, &err), 0);
        text[PN_HASHSET_LINE_MAX] = 'x';
        text[PN_HASHSET_LINE_MAX + 1] = '\n';
        assert_int_equal(pn_hashset_add(set, "f", text, PN_HASHSET_LINE_MAX + 2, &err), -1);
        assert_string_equal(err.text, "f:1:1025: line longer than 1024 bytes");
        pn_hashset_free(set);
}

/* `count` lines, each with a digest of its own. */
static char *lines(unsigned count, size_t *ret_len)
{
        static const char tail[] = "\tw\tlow\tlow\tn\ts\n";
        size_t line = 64 + sizeof(tail) - 1;
        char *text = malloc(count * line + 1);

        assert_non_null(text);
        for (unsigned i = 0; i < count; i++)
                (void)snprintf(text + i * line, line + 1, "%056x%08x%s", 0, i, tail);
        *ret_len = count * line;
        return text;
}

static void hashset_holds_the_ceiling_of_entries_over_all_files(void **state)
{
        struct pn_hashset *set = pn_hashset_new();
        struct pn_err err = PN_ERR_INIT;
        pn_autofree char *text = NULL;
        size_t len;

        (void)state;
        text = lines(PN_HASHSET_ENTRIES_MAX, &len);
        assert_int_equal(pn_hashset_add(set, "f", text, len, &err), 0);
        assert_int_equal(pn_hashset_count(set), PN_HASHSET_ENTRIES_MAX);
        assert_int_equal(add(set, A "\tw\tlow\tlow\tn\ts\n", &err), -1);
        assert_string_equal(err.text, "deny.tsv:1:1: more than 1048576 entries in all deny files");
        assert_int_equal(pn_hashset_count(set), PN_HASHSET_ENTRIES_MAX);
        pn_hashset_free(set);
}

/* ---- what is shipped */

static const struct {
        const char *path;
        size_t entries, low;
} shipped[] = {
        {PN_SOURCE_DIR "/policy/deny/supply-chain.tsv", 53, 7},
        {PN_SOURCE_DIR "/policy/deny/malware.tsv", 1552, 103},
        {PN_SOURCE_DIR "/policy/deny/botnet.tsv", 2081, 201},
};

static char *slurp(const char *path, size_t *ret_len)
{
        pn_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
        char *text = NULL;

        if (fd < 0 || pn_fd_read_all(fd, 16U << 20, &text, ret_len) < 0)
                fail_msg("cannot read %s", path);
        return text;
}

static void shipped_lists_load_completely(void **state)
{
        struct pn_hashset *set = pn_hashset_new();
        struct pn_err err = PN_ERR_INIT;
        size_t total = 0;

        (void)state;
        for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
                size_t len;
                pn_autofree char *text = slurp(shipped[i].path, &len);

                if (pn_hashset_add(set, shipped[i].path, text, len, &err) < 0)
                        fail_msg("%s", err.text);
                total += shipped[i].entries; /* the lists share no digest */
                assert_int_equal(pn_hashset_count(set), total);
        }
        pn_hashset_free(set);
}

static void shipped_lists_deny_the_back_door_and_not_its_clean_twin(void **state)
{
        struct pn_hashset *set = pn_hashset_new();
        struct pn_finding got = {0};
        size_t len;
        pn_autofree char *text = slurp(shipped[0].path, &len);

        (void)state;
        assert_int_equal(pn_hashset_add(set, "supply-chain.tsv", text, len, NULL), 0);
        assert_true(find(set, DEBIAN_560, &got));
        assert_string_equal(got.rule, "deny-hash:liblzma.so.5.6.0");
        assert_int_equal(got.severity, PN_SEVERITY_CRITICAL);
        assert_int_equal(got.confidence, PN_CONFIDENCE_HIGH);
        assert_true(strstr(text, CLEAN_TWIN "\tclean-control\t") != NULL);
        assert_false(find(set, CLEAN_TWIN, &got));
        pn_hashset_free(set);
}

/* Every entry of every list, as pn_hashset_find() gives it back: what may refuse, and what never. */
static void shipped_lists_keep_to_their_confidence(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(shipped) / sizeof(shipped[0]); i++) {
                struct pn_hashset *set = pn_hashset_new();
                size_t len, low = 0;
                pn_autofree char *text = slurp(shipped[i].path, &len);

                assert_int_equal(pn_hashset_add(set, shipped[i].path, text, len, NULL), 0);
                for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
                        struct pn_finding got = {0};

                        if (line[0] == '#')
                                continue;
                        line[64] = '\0';
                        if (!find(set, line, &got)) {
                                assert_string_equal(line, CLEAN_TWIN);
                                continue;
                        }
                        if (strstr(got.title, " as suspected: "))
                                assert_int_equal(got.confidence, PN_CONFIDENCE_LOW);
                        if (strstr(got.title, " as tool: ") || strstr(got.title, " as exploit: ") || i == 2)
                                assert_int_equal(got.severity, PN_SEVERITY_MEDIUM);
                        assert_true(got.source[0] != '\0');
                        low += got.confidence == PN_CONFIDENCE_LOW;
                }
                assert_int_equal(low, shipped[i].low);
                pn_hashset_free(set);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(hashset_fills_a_finding_from_the_entry),
                cmocka_unit_test(hashset_finds_each_of_many_and_no_neighbour),
                cmocka_unit_test(hashset_leaves_the_finding_alone_when_nothing_is_denied),
                cmocka_unit_test(hashset_lets_one_entry_win_whatever_the_order),
                cmocka_unit_test(hashset_keeps_the_first_of_equal_entries),
                cmocka_unit_test(hashset_takes_digits_of_either_case_and_cuts_long_names),
                cmocka_unit_test(hashset_says_what_to_do_by_certainty_and_kind),
                cmocka_unit_test(hashset_refuses_bad_lines_and_names_the_place),
                cmocka_unit_test(hashset_refuses_a_nul_byte),
                cmocka_unit_test(hashset_holds_the_ceiling_of_a_line),
                cmocka_unit_test(hashset_holds_the_ceiling_of_entries_over_all_files),
                cmocka_unit_test(shipped_lists_load_completely),
                cmocka_unit_test(shipped_lists_deny_the_back_door_and_not_its_clean_twin),
                cmocka_unit_test(shipped_lists_keep_to_their_confidence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
