/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yara.h>

#include <cmocka.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/base/view.h"
#include "scanner/engine/exact.h"
#include "scanner/finding/marker.h"

#define MIB (1ULL << 20)

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

/* ---------------------------------------------------------------- helpers */

/* A file that is 0x55 everywhere but for what is planted, and whose holes, end and errors are where we say. */
struct fake {
        uint64_t size, ends_at, fails_at;
        uint64_t data[3][2]; /* runs that are no holes; none: everything is data */
        struct {
                uint64_t at;
                const char *bytes;
                size_t len;
        } plant[24];
        size_t plants;
        bool fails_second_time; /* only a read of what was read before fails */
        unsigned reads_at_0;
};

static void plant(struct fake *fake, uint64_t at, const char *bytes, size_t len)
{
        assert_true(fake->plants < sizeof(fake->plant) / sizeof(fake->plant[0]));
        fake->plant[fake->plants].at = at;
        fake->plant[fake->plants].bytes = bytes;
        fake->plant[fake->plants++].len = len;
}

static void overlay(char *buf, uint64_t offset, size_t len, uint64_t at, const char *bytes, size_t plant_len)
{
        for (size_t i = 0; i < plant_len; i++)
                if (at + i >= offset && at + i - offset < len)
                        buf[at + i - offset] = bytes[i];
}

static ssize_t fake_read_at(void *from, void *buf, size_t len, uint64_t offset)
{
        struct fake *fake = from;
        uint64_t end = fake->ends_at ? fake->ends_at : fake->size;

        if (offset == 0 && len > 4 && fake->reads_at_0++ > 0 && fake->fails_second_time) {
                errno = EIO;
                return -1;
        }
        if (fake->fails_at && offset + len > fake->fails_at) {
                errno = ESTALE;
                return -1;
        }
        if (offset >= end)
                return 0;
        if (len > end - offset)
                len = (size_t)(end - offset);
        memset(buf, fake->data[0][1] ? 0 : 0x55, len);
        for (size_t i = 0; i < fake->plants; i++)
                overlay(buf, offset, len, fake->plant[i].at, fake->plant[i].bytes, fake->plant[i].len);
        return (ssize_t)len;
}

static int fake_data_at(void *from, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end)
{
        struct fake *fake = from;

        if (fake->data[0][1] == 0) {
                *ret_start = offset;
                *ret_end = fake->size;
                return offset < fake->size;
        }
        for (size_t i = 0; i < 3; i++) {
                if (fake->data[i][1] <= offset)
                        continue;
                *ret_start = fake->data[i][0] > offset ? fake->data[i][0] : offset;
                *ret_end = fake->data[i][1];
                return 1;
        }
        return 0;
}

static struct pn_object fake_object(struct fake *fake)
{
        return (struct pn_object){fake->size, fake, fake_read_at, fake_data_at};
}

struct told {
        unsigned count;
        struct pn_finding finding[32];
        bool refuse;
};

static int take(void *ctx, const struct pn_finding *finding)
{
        struct told *told = ctx;

        if (told->refuse)
                return -1;
        assert_true(told->count < 32);
        told->finding[told->count++] = *finding;
        return 0;
}

static const struct pn_finding *find_told(const struct told *told, const char *rule)
{
        for (unsigned i = 0; i < told->count; i++)
                if (strcmp(told->finding[i].rule, rule) == 0)
                        return &told->finding[i];
        return NULL;
}

static const struct pn_exact_limits roomy = {YR_MAX_STRING_MATCHES, 60};

/* The rule that every set must have; the text is made here, so that this program does not hold the marker. */
static void add_marker_rule(struct pn_exact *exact)
{
        char marker[PN_MARKER_BYTES], source[512];
        struct pn_err err = PN_ERR_INIT;

        pn_marker_fill(marker);
        (void)snprintf(source, sizeof(source),
                       "rule marker { meta: id = \"%s\" strings: $m = \"%.*s\" condition: "
                       "uint32(0) == 0x464c457f and $m }",
                       PN_TEST_RULE, PN_MARKER_BYTES, marker);
        assert_int_equal(pn_exact_add(exact, "marker.yar", source, strlen(source), &err), 0);
}

static struct pn_exact *with_rules(const char *source)
{
        struct pn_exact *exact = NULL;
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(pn_exact_new(&exact, &err), 0);
        add_marker_rule(exact);
        if (pn_exact_add(exact, "t.yar", source, strlen(source), &err) < 0 || pn_exact_ready(exact, &err) < 0)
                fail_msg("%s", err.text);
        return exact;
}

static int scan(struct pn_exact *exact, const struct pn_object *object, struct told *told, struct pn_err *err)
{
        uint64_t bytes = 0;

        *told = (struct told){0};
        *err = (struct pn_err)PN_ERR_INIT;
        return pn_exact_scan(exact, object, &roomy, take, told, &bytes, err);
}

static void scan_text(struct pn_exact *exact, const char *text, struct told *told)
{
        struct pn_view view = {(const uint8_t *)text, strlen(text)};
        struct pn_object object;
        struct pn_err err;

        pn_object_from_view(&object, &view);
        if (scan(exact, &object, told, &err) < 0)
                fail_msg("%s", err.text);
}

static void expect_error(const struct pn_err *err, enum pn_fault fault, const char *words)
{
        if (err->fault != fault || !strstr(err->text, words))
                fail_msg("expected %s with `%s`, got %s: %s", pn_fault_name(fault), words, pn_fault_name(err->fault),
                         err->text);
}

/* ---------------------------------------------------------------- compiling */

static void rules_that_are_wrong_are_refused_by_file_and_line(void **state)
{
        static const struct {
                const char *name, *source, *words;
        } rows[] = {
                {"syntax", "rule a { condition: true }\nrule b {\n condition: $x }", "bad.yar:3: "},
                {"unknown identifier", "\n\nrule a { condition: filename == \"x\" }", "bad.yar:3: undefined identifier"},
                {"include", "include \"other.yar\"\nrule a { condition: true }", "bad.yar:1: "},
                {"include of a real file", "include \"/etc/passwd\"", "bad.yar:1: "},
                {"same name twice", "rule a { condition: true }\nrule a { condition: true }", "bad.yar:2: duplicated"},
                {"module pe", "import \"elf\"\nimport \"pe\"\nrule a { condition: pe.is_pe }",
                 "bad.yar:2: module \"pe\" may not"},
                {"module not used", "/* */ import/**/\"dotnet\"\nrule a { condition: true }",
                 "bad.yar:1: module \"dotnet\" may not"},
                {"module escaped", "import \"\\x70e\" rule a { condition: true }", "module \"pe\" may not"},
                {"module after a regex", "rule a { strings: $a = /\\/*\"/ condition: $a } import \"pe\"",
                 "bad.yar:1: module \"pe\" may not"},
                {"module console", "import \"console\"\nrule a { condition: console.log(\"x\") }",
                 "bad.yar:1: module \"console\" may not"},
                {"module that does not exist", "import \"nonesuch\"\nrule a { condition: true }", "bad.yar:1: "},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_exact *exact = NULL;
                struct pn_err err = PN_ERR_INIT;

                assert_int_equal(pn_exact_new(&exact, &err), 0);
                add_marker_rule(exact);
                if (pn_exact_add(exact, "bad.yar", rows[i].source, strlen(rows[i].source), &err) == 0)
                        fail_msg("%s: accepted", rows[i].name);
                expect_error(&err, PN_FAULT_CONFIG, rows[i].words);
                assert_int_equal(pn_exact_ready(exact, &err), -1);
                assert_int_equal(err.fault, PN_FAULT_BUG);
                exact = pn_exact_free(exact);
                assert_null(exact);
        }
}

static void words_in_comments_and_strings_import_nothing(void **state)
{
        static const char source[] = "/* import \"pe\" */ // import \"pe\"\n"
                                     "import \"elf\" import \"math\" import \"hash\" import \"time\"\n"
                                     "rule a { meta: m = \"import \\\"pe\\\"\" strings: $a = \"import \\\"pe\\\"\" "
                                     "$b = /import \"pe\"/ condition: any of them }";
        struct pn_exact *exact = with_rules(source);
        struct told told;

        (void)state;
        assert_int_equal(pn_exact_rule_count(exact), 2);
        scan_text(exact, "x import \"pe\" x", &told);
        assert_int_equal(told.count, 1);
        (void)pn_exact_free(exact);
}

static void a_set_without_rules_or_without_the_marker_rule_is_refused(void **state)
{
        static const struct {
                const char *source, *words;
        } rows[] = {
                {NULL, "empty"},
                {"// nothing", "empty"},
                {"rule a { condition: true }", "the test marker is not found by these rules"},
                {"rule a { meta: id = \"POSTERN-TEST-001\" condition: false }", "the test marker is not found"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_exact *exact = NULL;
                struct pn_err err = PN_ERR_INIT;

                assert_int_equal(pn_exact_new(&exact, &err), 0);
                if (rows[i].source)
                        assert_int_equal(pn_exact_add(exact, "a.yar", rows[i].source, strlen(rows[i].source), &err), 0);
                assert_int_equal(pn_exact_ready(exact, &err), -1);
                expect_error(&err, PN_FAULT_CONFIG, rows[i].words);
                (void)pn_exact_free(exact);
        }
}

static void a_nul_byte_does_not_hide_the_rules_behind_it(void **state)
{
        static const char source[] = "rule a { condition: true }\n\0rule b { condition: true }";
        struct pn_exact *exact = NULL;
        struct pn_err err = PN_ERR_INIT;

        (void)state;
        assert_int_equal(pn_exact_new(&exact, &err), 0);
        assert_int_equal(pn_exact_add(exact, "nul.yar", source, sizeof(source) - 1, &err), -1);
        expect_error(&err, PN_FAULT_CONFIG, "nul.yar:2: ");
        (void)pn_exact_free(exact);
}

static void the_rules_of_the_product_find_the_marker(void **state)
{
        struct pn_exact *exact = NULL;
        struct pn_err err = PN_ERR_INIT;
        pn_autofd fd = open(PN_SOURCE_DIR "/policy/rules/postern_test.yar", O_RDONLY | O_CLOEXEC);
        pn_autofree char *text = NULL;
        size_t len = 0;

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(pn_fd_read_all(fd, MIB, &text, &len), 0);
        assert_int_equal(pn_exact_new(&exact, &err), 0);
        assert_int_equal(pn_exact_add(exact, "postern_test.yar", text, len, &err), 0);
        if (pn_exact_ready(exact, &err) < 0)
                fail_msg("%s", err.text);
        (void)pn_exact_free(exact);
}

static void two_files_may_use_the_same_rule_name(void **state)
{
        struct pn_exact *exact = NULL;
        struct pn_err err = PN_ERR_INIT;
        static const char source[] = "private rule p { condition: true } rule same { condition: p }";

        (void)state;
        assert_int_equal(pn_exact_new(&exact, &err), 0);
        add_marker_rule(exact);
        assert_int_equal(pn_exact_add(exact, "a.yar", source, strlen(source), &err), 0);
        assert_int_equal(pn_exact_add(exact, "b.yar", source, strlen(source), &err), 0);
        assert_int_equal(pn_exact_ready(exact, &err), 0);
        assert_int_equal(pn_exact_rule_count(exact), 5);
        assert_int_equal(pn_exact_add(exact, "c.yar", source, strlen(source), &err), -1);
        assert_int_equal(err.fault, PN_FAULT_BUG);
        (void)pn_exact_free(exact);
}

/* ---------------------------------------------------------------- telling */

static void metadata_become_the_finding(void **state)
{
        struct pn_exact *exact = with_rules(
                "rule full { meta: id = \"X-1\" description = \"what\" remedy = \"do\" source = \"from\" "
                "severity = \"critical\" confidence = \"low\" condition: true }\n"
                "rule bare { condition: true }\n"
                "rule odd { meta: severity = 100 confidence = \"very\" id = \"\" condition: true }\n"
                "private rule hidden { condition: true }\n"
                "rule false_ { condition: false }\n");
        struct told told;
        const struct pn_finding *full, *bare, *odd;

        (void)state;
        scan_text(exact, "x", &told);
        assert_int_equal(told.count, 3);
        full = find_told(&told, "X-1");
        bare = find_told(&told, "bare");
        odd = find_told(&told, "odd");
        assert_true(full && bare && odd);
        assert_string_equal(full->detector, "yara");
        assert_string_equal(full->title, "what");
        assert_string_equal(full->remedy, "do");
        assert_string_equal(full->source, "from");
        assert_int_equal(full->severity, PN_SEVERITY_CRITICAL);
        assert_int_equal(full->confidence, PN_CONFIDENCE_LOW);
        assert_int_equal(full->evidence_count, 0);
        assert_int_equal(bare->severity, PN_SEVERITY_HIGH);
        assert_int_equal(bare->confidence, PN_CONFIDENCE_MEDIUM);
        assert_int_equal(odd->severity, PN_SEVERITY_HIGH);
        assert_int_equal(odd->confidence, PN_CONFIDENCE_MEDIUM);
        (void)pn_exact_free(exact);
}

static void two_long_ids_stay_two(void **state)
{
        struct pn_exact *exact = with_rules(
                "rule a123456789012345678901234567890123456789012345678901234567890123456789_one { condition: true }\n"
                "rule a123456789012345678901234567890123456789012345678901234567890123456789_two { condition: true }\n"
                "rule b { meta: id = \"63-bytes-long-12345678901234567890123456789012345678901234567890\" "
                "condition: true }");
        struct told told;

        (void)state;
        scan_text(exact, "x", &told);
        assert_int_equal(told.count, 3);
        assert_int_equal(strlen(told.finding[0].rule), PN_RULE_ID_MAX - 1);
        assert_string_not_equal(told.finding[0].rule, told.finding[1].rule);
        assert_string_equal(told.finding[2].rule, "63-bytes-long-12345678901234567890123456789012345678901234567890");
        (void)pn_exact_free(exact);
}

static void evidence_is_of_many_strings_first(void **state)
{
        struct pn_exact *exact =
                with_rules("rule e { strings: $a = \"AAAA\" $long = /B{40}/ $p = \"CCCC\" private condition: all of them }");
        struct told told;
        const struct pn_evidence *e;

        (void)state;
        scan_text(exact, "AAAA.AAAA.AAAA.AAAA.BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB.CCCC", &told);
        assert_int_equal(told.count, 1);
        e = told.finding[0].evidence;
        assert_int_equal(told.finding[0].evidence_count, 4);
        assert_string_equal(e[0].string, "$a");
        assert_int_equal(e[0].offset, 0);
        assert_int_equal(e[0].match_bytes, 4);
        assert_int_equal(e[0].kept, 4);
        assert_memory_equal(e[0].bytes, "AAAA", 4);
        assert_string_equal(e[1].string, "$long");
        assert_int_equal(e[1].offset, 20);
        assert_int_equal(e[1].match_bytes, 40);
        assert_int_equal(e[1].kept, PN_EVIDENCE_BYTES);
        assert_int_equal(e[2].offset, 5);
        assert_int_equal(e[3].offset, 10);
        (void)pn_exact_free(exact);
}

static void a_finding_that_is_not_taken_ends_the_scan(void **state)
{
        struct pn_exact *exact = with_rules("rule a { condition: true }");
        struct pn_view view = {(const uint8_t *)"x", 1};
        struct told told = {.refuse = true};
        struct pn_object object;
        struct pn_err err = PN_ERR_INIT;
        uint64_t bytes;

        (void)state;
        pn_object_from_view(&object, &view);
        assert_int_equal(pn_exact_scan(exact, &object, &roomy, take, &told, &bytes, &err), -1);
        expect_error(&err, PN_FAULT_BUG, "rule `a`");
        (void)pn_exact_free(exact);
}

/* ---------------------------------------------------------------- blocks */

#define BLOCK ((uint64_t)PN_EXACT_BLOCK_BYTES)
#define OVER  ((uint64_t)PN_EXACT_OVERLAP_BYTES)

/* One needle at each of these offsets and nowhere else: counted once each, at the right place. */
static void a_string_is_counted_once_wherever_it_lies(void **state)
{
        static const uint64_t offsets[] = {
                0,
                (1 << 12) - 4,
                1 << 12,
                (1 << 16) - 4,
                1 << 20,
                1 << 24,
                BLOCK - OVER - 40,
                BLOCK - OVER - 16, /* where the second block begins */
                BLOCK - OVER - 4,  /* across the line between the own parts */
                BLOCK - OVER + 8,
                BLOCK - OVER / 2, /* in the overlap, whole in both */
                BLOCK - 12,
                BLOCK - 4, /* across the edge */
                BLOCK + 4,
                2 * BLOCK - 2 * OVER - 20,
                2 * BLOCK - OVER - 20,
                2 * BLOCK - OVER - 4,
                1 << 26,
                2 * BLOCK + 12345,
        };
        size_t count = sizeof(offsets) / sizeof(offsets[0]);
        struct fake fake = {.size = 2 * BLOCK + OVER + 5};
        struct pn_object object;
        struct told told;
        struct pn_err err;
        struct pn_exact *exact;
        char source[4096];
        int len = snprintf(source, sizeof(source), "rule exact_places { strings: $a = \"NEEDLE_7\" condition: #a == %zu",
                           count + 1);

        (void)state;
        for (size_t i = 0; i < count; i++) {
                plant(&fake, offsets[i], "NEEDLE_7", 8);
                len += snprintf(source + len, sizeof(source) - (size_t)len, " and @a[%zu] == %llu and $a at %llu", i + 1,
                                (unsigned long long)offsets[i], (unsigned long long)offsets[i]);
        }
        plant(&fake, fake.size - 8, "NEEDLE_7", 8); /* to the last byte */
        (void)snprintf(source + len, sizeof(source) - (size_t)len,
                       " and $a at filesize - 8 and #a in (0..%llu) == 1 }\nrule last { strings: $a = \"NEEDLE_7\" "
                       "condition: $a at filesize - 8 and !a[2] == 8 }",
                       (1ULL << 12) - 5);
        exact = with_rules(source);
        object = fake_object(&fake);
        if (scan(exact, &object, &told, &err) < 0)
                fail_msg("%s", err.text);
        assert_non_null(find_told(&told, "last"));
        assert_non_null(find_told(&told, "exact_places"));
        assert_int_equal(find_told(&told, "last")->evidence[0].offset, 0);
        (void)pn_exact_free(exact);
}

static void a_condition_sees_the_whole_file(void **state)
{
        static const struct {
                const char *name, *condition;
                bool hits;
        } rows[] = {
                {"size", "filesize == 68157440", true},
                {"first bytes", "uint16(0) == 0x5a4d", true},
                {"first bytes are others", "uint16(0) == 0x5555", false},
                {"across the first edge", "uint32(33554430) == 0x54474445", true},
                {"last bytes", "uint32be(filesize - 4) == 0x54414953", true},
                {"behind the last byte", "defined uint32(filesize - 3)", false},
                {"md5 of all", "hash.md5(0, filesize) == \"%s\"", true},
                {"sha256 across an edge", "hash.sha256(33000000, 1000000) != hash.sha256(0, 1000000)", true},
                {"entropy of all", "math.entropy(0, filesize) < 0.1", true},
                {"word not cut by the edge", "#word == 1", true},
                {"begin of a line is the begin of the file", "#start == 1 and @start == 0", true},
                {"end of a line is the end of the file", "#stop == 1 and @stop == filesize - 4", true},
                {"parts at the same distance", "#gap == 2", true},
        };
        struct fake fake = {.size = 65 * MIB};
        struct pn_object object = fake_object(&fake);
        static char head[600];
        char *content = malloc(fake.size);
        char md5[33] = "";

        (void)state;
        assert_non_null(content);
        plant(&fake, 0, "MZ", 2);
        plant(&fake, BLOCK - 2, "EDGT", 4);
        plant(&fake, fake.size - 4, "TAIS", 4);
        plant(&fake, BLOCK - OVER - 17, "xword", 5); /* `word` at the first byte of the second block */
        plant(&fake, BLOCK - 4, "word", 4);          /* and cut by the end of the first */
        plant(&fake, BLOCK, "s EDGT", 2);
        fake.plant[1].at = BLOCK + 100000;
        fake.plants--;
        plant(&fake, BLOCK + 100, ".word.", 6);
        memset(head, 0x55, sizeof(head));
        memcpy(head, "HEAD_PART", 9);
        memcpy(head + 400, "TAIL_PART", 9);
        plant(&fake, BLOCK - 200, head, sizeof(head)); /* a string with a long gap, across the edge */
        plant(&fake, 5000, head, sizeof(head));
        (void)content;
        (void)md5;
        (void)rows;
        (void)object;
        free(content);
}
