/* SPDX-License-Identifier: Apache-2.0 */
/* manifest.json: what is taken, and every way not to be one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scanner/generation/dir.h"
#include "scanner/generation/manifest.h"

#define HEX "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define PART "{\"bytes\":9,\"sha256\":\"" HEX "\"}"
#define EXACT "{\"bytes\":9,\"sha256\":\"" HEX "\",\"head\":9,\"head_sha256\":\"" HEX "\"}"
#define SOURCE "{\"path\":\"/r/a.yar\",\"bytes\":3,\"mtime_ns\":-5,\"sha256\":\"" HEX "\"}"

static const char whole[] =
        "{\"schema\":1,\"name\":\"g-000042\",\"made_s\":1774958400,\"postern\":\"0.0.1\",\"libyara\":\"4.2."
        "3\","
        "\"hyperscan\":\"5.4.0\",\"places\":{\"rules\":[\"/r\"],\"deny_hashes\":[]},\"sources\":[" SOURCE "],"
        "\"rules\":2,\"windows\":3,\"parts\":{\"rules.pack\":" PART ",\"filter.hs\":" PART
        ",\"filter.gram\":" PART ",\"exact.store\":" EXACT ",\"deny.tsv\":" PART ",\"report.json\":" PART
        "}}";

/* `whole` with the first `from` replaced. */
static char *edited(const char *from, const char *to)
{
        const char *found = strstr(whole, from);
        char *text = NULL;

        assert_non_null(found);
        assert_true(asprintf(&text, "%.*s%s%s", (int)(found - whole), whole, to, found + strlen(from)) > 0);
        return text;
}

static void a_whole_manifest_is_taken(void **state)
{
        struct pn_manifest m;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        if (pn_manifest_parse("m", whole, strlen(whole), &m, &err) < 0)
                fail_msg("%s", err.text);
        assert_string_equal("g-000042", m.name);
        assert_string_equal("0.0.1", m.postern);
        assert_string_equal("5.4.0", m.hyperscan);
        assert_int_equal(2, m.rule_count);
        assert_int_equal(3, m.window_count);
        assert_int_equal(9, m.part[PN_PART_EXACT].head_bytes);
        assert_int_equal(0xff, m.part[PN_PART_DENY].sha256[31]);
        assert_int_equal(1, json_array_size(m.sources));
        pn_manifest_clear(&m);
}

static const struct refusal {
        const char *name, *from, *to, *text;
} refusals[] = {
        {"not_an_object", "{\"schema\"", "[{\"schema\"", "m: line 1"},
        {"schema_missing", "\"schema\":1,", "", "m: schema: missing"},
        {"schema_of_the_future", "\"schema\":1", "\"schema\":2",
         "m: schema: is 2, and this postern knows 1 alone"},
        {"schema_as_text", "\"schema\":1", "\"schema\":\"1\"", "m: schema: must be a whole number"},
        {"unknown_key", "\"rules\":2", "\"rules\":2,\"more\":0", "m: more: unknown key"},
        {"key_twice", "\"rules\":2", "\"rules\":2,\"rules\":2", "m: line 1"},
        {"name_missing", "\"name\":\"g-000042\",", "", "m: name: missing"},
        {"name_with_a_slash", "g-000042", "../000042", "m: name: must be a generation's"},
        {"name_with_few_digits", "g-000042", "g-42", "m: name: must be a generation's"},
        {"name_empty", "\"g-000042\"", "\"\"", "m: name: must be short printable ASCII"},
        {"name_too_long", "g-000042", "g-0000000000000000000000000000042",
         "m: name: must be short printable ASCII"},
        {"time_negative", "1774958400", "-1", "m: made_s: must be in its range"},
        {"postern_missing", "\"postern\":\"0.0.1\",", "", "m: postern: missing"},
        {"postern_not_ascii", "0.0.1", "0.0.\\u00fc", "m: postern: must be short printable ASCII"},
        {"libyara_missing", "\"libyara\":\"4.2.3\",", "", "m: libyara: missing"},
        {"libyara_too_long", "4.2.3", "4.2.3-00000000000000000000000000", "m: libyara: must be short"},
        {"hyperscan_number", "\"5.4.0\"", "5", "m: hyperscan: must be a string"},
        {"rules_negative", "\"rules\":2", "\"rules\":-2", "m: rules: must be in its range"},
        {"rules_real", "\"rules\":2", "\"rules\":2.5", "m: rules: must be a whole number"},
        {"windows_too_many", "\"windows\":3", "\"windows\":4294967296", "m: windows: must be in its range"},
        {"places_a_list", "{\"rules\":[\"/r\"],\"deny_hashes\":[]}", "[]", "m: places: must be an object"},
        {"places_without_deny", ",\"deny_hashes\":[]", "", "m: places.deny_hashes: missing"},
        {"places_with_more", "\"deny_hashes\":[]", "\"deny_hashes\":[],\"x\":1", "m: places.x: unknown key"},
        {"place_relative", "[\"/r\"]", "[\"r\"]", "m: places.rules: must be absolute paths"},
        {"place_number", "[\"/r\"]", "[7]", "m: places.rules: must be absolute paths"},
        {"place_raw", "[\"/r\"]", "[\"/r\\u0007\"]", "m: places.rules: must be absolute paths"},
        {"sources_an_object", "[" SOURCE "]", "{}", "m: sources: must be an array"},
        {"source_a_number", SOURCE, "7", "m: sources[0]: must be an object"},
        {"source_with_more", "\"mtime_ns\":-5", "\"mtime_ns\":-5,\"x\":0", "m: sources[0].x: unknown key"},
        {"source_without_time", "\"mtime_ns\":-5,", "", "m: sources[0].mtime_ns: missing"},
        {"source_relative", "/r/a.yar", "r/a.yar", "m: sources[0].path: must be an absolute path"},
        {"source_size_negative", "\"bytes\":3", "\"bytes\":-3", "m: sources[0].bytes: must be in its range"},
        {"source_digest_short", HEX, "0011", "m: sources[0].sha256: must be 64 hex digits"},
        {"parts_missing", ",\"parts\":{", ",\"parts\":null,\"x\":{", "m: x: unknown key"},
        {"part_missing", "\"rules.pack\":" PART ",", "", "m: parts.rules.pack: missing"},
        {"part_unknown", "\"deny.tsv\":", "\"x\":" PART ",\"deny.tsv\":", "m: parts.x: unknown key"},
        {"part_with_a_head", "\"filter.gram\":" PART, "\"filter.gram\":" EXACT,
         "m: parts.filter.gram.head: unknown key"},
        {"part_digest_no_hex", "\"filter.hs\":{\"bytes\":9,\"sha256\":\"0",
         "\"filter.hs\":{\"bytes\":9,\"sha256\":\"g", "m: parts.filter.hs.sha256: must be 64 hex digits"},
        {"exact_without_head", "\"exact.store\":" EXACT, "\"exact.store\":" PART,
         "m: parts.exact.store.head: missing"},
        {"head_longer_than_its_part", "\"head\":9", "\"head\":10",
         "m: parts.exact.store.head: must be in its range"},
};

static void each_other_one_is_refused_by_name(void **state)
{
        (void)state;
        for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
                const struct refusal *row = &refusals[i];
                char *text = edited(row->from, row->to);
                struct pn_err err = PN_ERR_INIT;
                struct pn_manifest m;

                if (pn_manifest_parse("m", text, strlen(text), &m, &err) == 0)
                        fail_msg("%s: is taken", row->name);
                if (strncmp(err.text, row->text, strlen(row->text)) != 0)
                        fail_msg("%s: %s", row->name, err.text);
                assert_int_equal(PN_FAULT_CONFIG, err.fault);
                free(text);
        }
}

static void every_shorter_text_is_refused(void **state)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_manifest m;

        (void)state;
        for (size_t len = 0; len < sizeof(whole) - 1; len++)
                if (pn_manifest_parse("m", whole, len, &m, &err) == 0)
                        fail_msg("%zu bytes are taken", len);
}

static void what_is_optional_may_be_left_out(void **state)
{
        static const char *const edits[][2] = {
                {"\"hyperscan\":\"5.4.0\"", "\"hyperscan\":null"},
                {"\"filter.hs\":" PART ",", ""},
                {"[" SOURCE "]", "[]"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
                char *text = edited(edits[i][0], edits[i][1]);
                struct pn_err err = PN_ERR_INIT;
                struct pn_manifest m;

                if (pn_manifest_parse("m", text, strlen(text), &m, &err) < 0)
                        fail_msg("%s", err.text);
                assert_int_equal(i != 1, m.has[PN_PART_FILTER_HS]);
                assert_int_equal(i == 0, m.hyperscan == NULL);
                pn_manifest_clear(&m);
                free(text);
        }
}

/* A path of any bytes is written, read and compared as itself, and two that look alike are not one. */
static void paths_of_any_bytes_are_kept_apart(void **state)
{
        char strange[] = "/r/\xff\n\"\\x0a", alike[] = "/r/\xff\\x0a\"\\x0a", *one[] = {strange, NULL},
             *other[] = {alike, NULL}, *none[] = {NULL};
        struct pn_generation_source source = {.path = strange, .bytes = 3, .mtime_ns = 4};
        struct pn_generation_new new = {
                .rules = one, .deny = none, .source = &source, .source_count = 1, .libyara = "4.2.3"};
        struct pn_err err = PN_ERR_INIT;
        struct pn_manifest m;
        char *text, why[256];
        size_t len;

        (void)state;
        assert_int_equal(0, pn_manifest_make(&new, "g-000001", &text, &len, &err));
        assert_int_equal(0, pn_manifest_parse("m", text, len, &m, &err));
        assert_true(pn_manifest_is_for(&m, one, none));
        assert_false(pn_manifest_is_for(&m, other, none));
        assert_false(pn_manifest_is_for(&m, none, one));
        assert_false(pn_manifest_is_stale(&m, &source, 1, why, sizeof(why)));
        source.path = alike;
        assert_true(pn_manifest_is_stale(&m, &source, 1, why, sizeof(why)));
        pn_manifest_clear(&m);
        free(text);
}

static void only_exact_names_are_generations(void **state)
{
        static const struct {
                const char *name;
                int64_t number; /* -1: none */
        } rows[] = {
                {"g-000000", 0},
                {"g-000042", 42},
                {"g-1234567", 1234567},
                {"g-999999999999999", 999999999999999},
                {"g-1000000000000000", -1},
                {"g-0000042", -1},
                {"g-00042", -1},
                {"g-", -1},
                {"", -1},
                {"g-00004x", -1},
                {"g-000042/", -1},
                {"G-000042", -1},
                {"g-+00042", -1},
                {" g-000042", -1},
                {".new-g-000042", -1},
                {"g-00000\xb2", -1},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint64_t number = 7;

                if (pn_gendir_number(rows[i].name, &number) != (rows[i].number >= 0))
                        fail_msg("%s", rows[i].name);
                assert_int_equal(rows[i].number >= 0 ? rows[i].number : 7, number);
        }
}

int main(void)
{
        static const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_whole_manifest_is_taken),
                cmocka_unit_test(each_other_one_is_refused_by_name),
                cmocka_unit_test(every_shorter_text_is_refused),
                cmocka_unit_test(what_is_optional_may_be_left_out),
                cmocka_unit_test(paths_of_any_bytes_are_kept_apart),
                cmocka_unit_test(only_exact_names_are_generations),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
