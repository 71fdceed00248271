/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
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

/* A file that is 0x55 everywhere but for what is planted, and whose holes, end and errors are where we say.
 */
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
        bool ends_second_time;  /* the same, but the file has become shorter */
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

#ifndef UNDER_ASAN
/* This program's malloc(3), also libyara's: the n-th allocation fails, or that and all behind it. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *ptr, size_t size);

static struct {
        unsigned count, fails_at;
        bool for_ever;
} allocations;

static bool allocation_fails(void)
{
        allocations.count++;
        if (allocations.fails_at == 0 || allocations.count < allocations.fails_at ||
            (allocations.count > allocations.fails_at && !allocations.for_ever))
                return false;
        errno = ENOMEM;
        return true;
}

void *malloc(size_t size)
{
        return allocation_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
        return allocation_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *ptr, size_t size)
{
        return allocation_fails() ? NULL : __libc_realloc(ptr, size);
}
#endif

static ssize_t fake_read_at(void *from, void *buf, size_t len, uint64_t offset)
{
        struct fake *fake = from;
        uint64_t end = fake->ends_at ? fake->ends_at : fake->size;

        if (offset == 0 && len > 4 && fake->reads_at_0++ > 0 && fake->fails_second_time) {
                errno = EIO;
                return -1;
        }
        if (fake->ends_second_time && fake->reads_at_0 > 1)
                end = 10;
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
        struct pn_finding finding[256];
        bool refuse;
};

static int take(void *ctx, const struct pn_finding *finding)
{
        struct told *told = ctx;

        if (told->refuse)
                return -1;
        assert_true(told->count < 256);
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
                       "$m and uint32(0) == 0x464c457f }",
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
                fail_msg("expected %s with `%s`, got %s: %s", pn_fault_name(fault), words,
                         pn_fault_name(err->fault), err->text);
}

/* ---------------------------------------------------------------- compiling */

static void rules_that_are_wrong_are_refused_by_file_and_line(void **state)
{
        static const struct {
                const char *name, *source, *words;
        } rows[] = {
                {"syntax", "rule a { condition: true }\nrule b {\n condition: $x }", "bad.yar:3: "},
                {"unknown identifier", "\n\nrule a { condition: filename == \"x\" }",
                 "bad.yar:3: undefined identifier"},
                {"include", "include \"other.yar\"\nrule a { condition: true }", "bad.yar:1: "},
                {"include of a real file", "include \"/etc/passwd\"", "bad.yar:1: "},
                {"include of rules that are right",
                 "include \"" PN_SOURCE_DIR "/policy/rules/postern_test.yar\"", "bad.yar:1: "},
                {"same name twice", "rule a { condition: true }\nrule a { condition: true }",
                 "bad.yar:2: duplicated"},
                {"module pe", "import \"elf\"\nimport \"pe\"\nrule a { condition: pe.is_pe }",
                 "bad.yar:2: module \"pe\" may not"},
                {"module not used", "/* */ import/**/\"dotnet\"\nrule a { condition: true }",
                 "bad.yar:1: module \"dotnet\" may not"},
                {"module escaped", "import \"\\x70e\" rule a { condition: true }", "module \"pe\" may not"},
                {"module after a regex", "rule a { strings: $a = /\\/*\"/ condition: $a } import \"pe\"",
                 "bad.yar:1: module \"pe\" may not"},
                {"module console", "import \"console\"\nrule a { condition: console.log(\"x\") }",
                 "bad.yar:1: module \"console\" may not"},
                {"module that does not exist", "import \"nonesuch\"\nrule a { condition: true }",
                 "bad.yar:1: "},
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
        static const char source[] =
                "/* import \"pe\" */ // import \"pe\"\n"
                "import \"elf\" import \"math\" import \"hash\" import \"time\"\n"
                "rule a { meta: m = \"import \\\"pe\\\"\" strings: $a = \"import \\\"pe\\\"\" "
                "$b = /import \"pe\"/ condition: any of them }";
        struct pn_exact *exact = with_rules(source);
        static struct told told;

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
                {"rule a { meta: id = \"POSTERN-TEST-001\" condition: false }",
                 "the test marker is not found"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_exact *exact = NULL;
                struct pn_err err = PN_ERR_INIT;

                assert_int_equal(pn_exact_new(&exact, &err), 0);
                if (rows[i].source)
                        assert_int_equal(
                                pn_exact_add(exact, "a.yar", rows[i].source, strlen(rows[i].source), &err),
                                0);
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
        static struct told told;
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
                "rule a123456789012345678901234567890123456789012345678901234567890123456789_one { "
                "condition: true }\n"
                "rule a123456789012345678901234567890123456789012345678901234567890123456789_two { "
                "condition: true }\n"
                "rule b { meta: id = \"63-bytes-long-1234567890123456789012345678901234567890123456789\" "
                "condition: true }");
        static struct told told;

        (void)state;
        scan_text(exact, "x", &told);
        assert_int_equal(told.count, 3);
        assert_int_equal(strlen(told.finding[0].rule), PN_RULE_ID_MAX - 1);
        assert_string_not_equal(told.finding[0].rule, told.finding[1].rule);
        assert_string_equal(told.finding[2].rule,
                            "63-bytes-long-1234567890123456789012345678901234567890123456789");
        (void)pn_exact_free(exact);
}

static void evidence_is_of_many_strings_first(void **state)
{
        struct pn_exact *exact = with_rules("rule e { strings: $a = \"AAAA\" $long = /B{40}/ $p = \"CCCC\" "
                                            "private condition: all of them }");
        static struct told told;
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
#define OVER ((uint64_t)PN_EXACT_OVERLAP_BYTES)

/* One needle at each of these offsets and nowhere else: counted once each, at the right place. */
static void a_string_is_counted_once_wherever_it_lies(void **state)
{
        static const uint64_t offsets[] = {
                0,
                (1 << 12) - 4,
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
        static struct told told;
        struct pn_err err;
        struct pn_exact *exact;
        char source[4096];
        int len = snprintf(source, sizeof(source),
                           "rule exact_places { strings: $a = \"NEEDLE_7\" condition: #a == %zu", count + 1);

        (void)state;
        for (size_t i = 0; i < count; i++) {
                plant(&fake, offsets[i], "NEEDLE_7", 8);
                len += snprintf(source + len, sizeof(source) - (size_t)len,
                                " and @a[%zu] == %llu and $a at %llu", i + 1, (unsigned long long)offsets[i],
                                (unsigned long long)offsets[i]);
        }
        plant(&fake, fake.size - 8, "NEEDLE_7", 8); /* to the last byte */
        (void)snprintf(
                source + len, sizeof(source) - (size_t)len,
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

/* Real block sizes: what a condition can ask about a file that is never in memory at once. */
static void a_condition_sees_the_whole_file(void **state)
{
        static const struct {
                const char *name, *rule;
                bool hits;
        } rows[] = {
                {"size", "condition: filesize == 68157440", true},
                {"first_bytes", "condition: uint16(0) == 0x5a4d", true},
                {"across_the_edge", "condition: uint32(33554430) == 0x54474445", true},
                {"last_bytes", "condition: uint32be(filesize - 4) == 0x54414953", true},
                {"behind_the_end", "condition: uint32(filesize - 3) >= 0", false},
                {"whole_word", "strings: $a = \"word\" fullword condition: #a == 1 and @a == 33654433", true},
                {"begin_of_file", "strings: $a = /^MZ/ condition: #a == 1 and @a == 0", true},
                {"begin_of_a_block", "strings: $a = /^wor/ condition: $a", false},
                {"end_of_file", "strings: $a = /TAIS$/ condition: #a == 1 and @a == filesize - 4", true},
                {"end_of_a_block", "strings: $a = /wor$/ condition: $a", false},
                {"same_distance", "strings: $a = \"MZ\" condition: #a == 3", true},
                {"gap", "strings: $a = { 47 41 50 [300-500] 50 41 47 } condition: #a == 1 and !a == 406",
                 true},
                {"gap_of_two_blocks", "strings: $a = { 48 44 [100-900] 58 58 58 } condition: $a", false},
        };
        struct fake fake = {.size = 65 * MIB};
        struct pn_object object;
        static struct told told;
        struct pn_err err;
        struct pn_exact *exact;
        char source[4096];
        int len = 0;

        (void)state;
        plant(&fake, 0, "MZ", 2);
        plant(&fake, 777, "MZ", 2);
        plant(&fake, BLOCK - OVER - 16 + 777, "MZ", 2); /* as far behind the second block's begin */
        plant(&fake, BLOCK - OVER - 16 + 1300, "XXX",
              3);                                    /* in reach of the first MZ, if offsets were mixed up */
        plant(&fake, BLOCK - OVER - 17, "xword", 5); /* a word to one that begins behind the x */
        plant(&fake, BLOCK - 2, "EDGT", 4);
        plant(&fake, BLOCK + 100000, ".word.", 6);
        plant(&fake, 2 * BLOCK - OVER - 16 - 4, "wordy", 5); /* a word to one that ends before the y */
        plant(&fake, 2 * BLOCK - OVER - 600, "GAP", 3); /* and a string with a long gap across that edge */
        plant(&fake, 2 * BLOCK - OVER - 600 + 403, "PAG", 3);
        plant(&fake, fake.size - 4, "TAIS", 4);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                len += snprintf(source + len, sizeof(source) - (size_t)len, "rule %s { %s }\n", rows[i].name,
                                rows[i].rule);
        exact = with_rules(source);
        object = fake_object(&fake);
        if (scan(exact, &object, &told, &err) < 0)
                fail_msg("%s", err.text);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                if (!find_told(&told, rows[i].name) == rows[i].hits)
                        fail_msg("%s: %s", rows[i].name, rows[i].hits ? "missed" : "hit");
        (void)pn_exact_free(exact);
}

static bool same_finding(const struct pn_finding *a, const struct pn_finding *b)
{
        if (strcmp(a->rule, b->rule) != 0 || a->evidence_count != b->evidence_count)
                return false;
        for (unsigned i = 0; i < a->evidence_count; i++)
                if (a->evidence[i].offset != b->evidence[i].offset ||
                    a->evidence[i].match_bytes != b->evidence[i].match_bytes ||
                    a->evidence[i].kept != b->evidence[i].kept ||
                    strcmp(a->evidence[i].string, b->evidence[i].string) != 0 ||
                    memcmp(a->evidence[i].bytes, b->evidence[i].bytes, a->evidence[i].kept) != 0)
                        return false;
        return true;
}

/* What a scan in blocks and a scan in one piece must agree about, to the last count and offset. */
static void expect_same(struct pn_exact *pieces, struct pn_exact *whole, const struct pn_object *object)
{
        static struct told a, b;
        struct pn_err err_a, err_b;
        int result_a = scan(pieces, object, &a, &err_a), result_b = scan(whole, object, &b, &err_b);

        if (result_a != 0 || result_b != 0)
                fail_msg("in blocks: %s; in one piece: %s", err_a.text, err_b.text);
        for (unsigned i = 0; i < a.count && i < b.count; i++)
                if (!same_finding(&a.finding[i], &b.finding[i]))
                        fail_msg("in blocks: %s at %llu; in one piece: %s at %llu", a.finding[i].rule,
                                 (unsigned long long)a.finding[i].evidence[0].offset, b.finding[i].rule,
                                 (unsigned long long)b.finding[i].evidence[0].offset);
        assert_int_equal(a.count, b.count);
}

/* For each string, rules that spell out a number made of its count, its last offset and its last length. */
static void spell_out(char *source, size_t cap, const char *const *strings, size_t count)
{
        size_t len = (size_t)snprintf(source, cap, "import \"hash\" import \"math\"\n");

        for (size_t i = 0; i < count; i++) {
                for (int bit = 0; bit < 8; bit++)
                        len += (size_t)snprintf(source + len, cap - len,
                                                "rule s%zu_%d { strings: $a = %s condition: #a > 0 and "
                                                "((#a * 31 + @a[#a] * 7 + !a[#a]) >> %d) & 1 == 1 }\n",
                                                i, bit, strings[i], bit);
                len += (size_t)snprintf(
                        source + len, cap - len,
                        "rule h%zu { strings: $a = %s condition: hash.md5(@a[1], filesize - @a[1]) == "
                        "hash.md5(@a[#a], filesize - @a[#a]) or math.entropy(@a[#a], 5000) < 2 or "
                        "uint16(@a[#a] + 1) & 7 == 2 }\n",
                        i, strings[i]);
        }
        assert_true(len < cap);
}

static uint32_t roll(uint32_t *seed)
{
        *seed = *seed * 1664525U + 1013904223U;
        return *seed >> 16;
}

static void blocks_and_one_piece_agree(void **state)
{
        static const char *const strings[] = {
                "\"abc\"",
                "\"ab\" fullword",
                "\"ab\" wide fullword",
                "/^a+b/",
                "/[bc]+$/",
                "/\\ba?b\\b/",
                "\"Ab\" nocase",
                "{ 61 62 [0-3] 63 }",
                "{ 61 62 63 [205-260] 62 62 62 }",
                "/a.{1,8}c/s",
                "/(ab|ba){2,9}/",
                "\"abc\" xor(1-2)",
                "{ 61 61 61 [1-250] 62 62 63 [220-240] 61 61 }",
        };
        static const char alphabet[] = "aaabbbcc. \0\0";
        static char source[64 << 10];
        static char content[16 << 10];
        struct pn_exact *pieces, *whole;
        uint32_t seed = 7;

        (void)state;
        spell_out(source, sizeof(source), strings, sizeof(strings) / sizeof(strings[0]));
        pieces = with_rules(source);
        whole = with_rules(source);
        for (int round = 0; round < 40; round++) {
                struct pn_view view = {(const uint8_t *)content, 1 + roll(&seed) % sizeof(content)};
                struct pn_object object;

                pn_exact_set_blocks(pieces, 4096 + roll(&seed) % 999, 700 + roll(&seed) % 300);
                for (size_t i = 0; i < view.len; i++)
                        content[i] = alphabet[roll(&seed) % (sizeof(alphabet) - 1)];
                pn_object_from_view(&object, &view);
                expect_same(pieces, whole, &object);
        }
        (void)pn_exact_free(pieces);
        (void)pn_exact_free(whole);
}

static void holes_and_zeros_agree(void **state)
{
        static const char *const strings[] = {"\"abc\"", "\"ab\" fullword", "{ 61 62 63 [205-260] 63 00 }",
                                              "/c+\\x00{3}/"};
        static char source[64 << 10];
        struct pn_exact *pieces, *whole;
        uint32_t seed = 99;

        (void)state;
        spell_out(source, sizeof(source), strings, sizeof(strings) / sizeof(strings[0]));
        pieces = with_rules(source);
        whole = with_rules(source);
        pn_exact_set_blocks(pieces, 4096, 1000);
        for (int round = 0; round < 60; round++) {
                struct fake fake = {.size = 40000 + roll(&seed)};
                struct pn_object object = fake_object(&fake);
                uint64_t at = roll(&seed) % 3 ? roll(&seed) % 9000 : 0;

                for (size_t i = 0; i < 3; i++) {
                        fake.data[i][0] = at;
                        fake.data[i][1] = at + 1 + roll(&seed) % 6000;
                        for (unsigned k = 0; k < 5 && fake.data[i][1] - at > 8; k++)
                                plant(&fake, at + roll(&seed) % (fake.data[i][1] - at - 7),
                                      k % 2 ? " abc" : "abcc.ab", 7 - 3 * (k % 2));
                        at = fake.data[i][1] + 1 + roll(&seed) % 9000;
                }
                if (fake.size < fake.data[2][1])
                        fake.size = object.size_bytes = fake.data[2][1] + roll(&seed) % 2;
                object.size_bytes = fake.size;
                expect_same(pieces, whole, &object);
        }
        (void)pn_exact_free(pieces);
        (void)pn_exact_free(whole);
}

/* libyara's elf module believes the last block that begins like an ELF file. */
static void a_second_elf_header_does_not_hide_the_first(void **state)
{
        struct pn_exact *exact = with_rules("import \"elf\" rule e { condition: elf.type == elf.ET_DYN and "
                                            "elf.machine == elf.EM_X86_64 }");
        char header[2][64] = {{0}, {0}};
        struct fake fake = {.size = 20000};
        struct pn_object object = fake_object(&fake);
        static struct told told;
        struct pn_err err;

        (void)state;
        memcpy(header[0], "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\76\0\1", 21);
        memcpy(header[1], "\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\3\0\1", 21);
        pn_exact_set_blocks(exact, 8192, 1000);
        plant(&fake, 0, header[0], 64);
        plant(&fake, 8192 - 1000 - 16, header[1], 64);
        if (scan(exact, &object, &told, &err) < 0)
                fail_msg("%s", err.text);
        assert_non_null(find_told(&told, "e"));
        (void)pn_exact_free(exact);
}

/* ---------------------------------------------------------------- holes, ends, errors */

static void a_sparse_terabyte_is_found_quickly(void **state)
{
        static const char marker[] = "NEEDLE_7";
        char path[] = "/var/tmp/pn-sparse-XXXXXX";
        uint64_t size = 1ULL << 40, bytes = 0;
        pn_autofd fd = mkstemp(path);
        struct pn_exact *exact = with_rules(
                "import \"elf\" rule both { strings: $a = \"NEEDLE_7\" condition: #a == 3 and $a at 0 and "
                "@a[2] == 0x8000000000 and $a at filesize - 8 and filesize == 1099511627776 and "
                "uint32(5000000) == 0 and "
                "uint16(filesize - 2) == 0x375f }");
        struct pn_object object;
        static struct told told;
        struct pn_err err = PN_ERR_INIT;
        int64_t from = pn_clock_now_ms();

        (void)state;
        assert_true(fd >= 0);
        (void)unlink(path);
        if (ftruncate(fd, (off_t)size) < 0 && errno == EFBIG)
                skip();
        assert_int_equal(pwrite(fd, marker, 8, 0), 8);
        assert_int_equal(pwrite(fd, marker, 8, 1LL << 39), 8);
        assert_int_equal(pwrite(fd, marker, 8, (off_t)size - 8), 8);
        pn_object_from_fd(&object, &fd, size);
        if (pn_exact_scan(exact, &object, &roomy, take, &told, &bytes, &err) < 0)
                fail_msg("%s", err.text);
        assert_non_null(find_told(&told, "both"));
        assert_true(bytes >= 24 && bytes < 16 * MIB);
        assert_true(pn_clock_now_ms() - from < 20000);
        (void)pn_exact_free(exact);
}

static void holes_are_zeros_to_a_condition(void **state)
{
        struct fake fake = {.size = 200 * MIB, .data = {{100 * MIB, 100 * MIB + 1}}};
        struct pn_object object = fake_object(&fake);
        struct pn_exact *exact = with_rules(
                "import \"hash\" rule h { condition: uint32(0) == 0 and uint32(40000000) == 0 and "
                "uint8(104857600) == 0x41 "
                "and "
                "uint32(filesize - 4) == 0 and hash.md5(0, 80000000) == hash.md5(120000000, 80000000) }");
        static struct told told;
        struct pn_err err;

        (void)state;
        plant(&fake, 100 * MIB, "A", 1);
        if (scan(exact, &object, &told, &err) < 0)
                fail_msg("%s", err.text);
        assert_non_null(find_told(&told, "h"));
        (void)pn_exact_free(exact);
}

static void reading_that_fails_is_the_hosts_fault(void **state)
{
        static const struct {
                const char *name;
                uint64_t size, fails_at;
                bool second_time;
        } rows[] = {
                {"small file", 5000, 1, false},
                {"at the end of a small file", 5000, 4999, false},
                {"in the second block", 65 * MIB, 40 * MIB, false},
                {"when a condition looks again", 65 * MIB, 0, true},
        };
        struct pn_exact *exact =
                with_rules("rule a { strings: $a = \"NEEDLE_7\" condition: $a and uint8(0) != 1 }");

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct fake fake = {.size = rows[i].size,
                                    .fails_at = rows[i].fails_at,
                                    .fails_second_time = rows[i].second_time};
                struct pn_object object = fake_object(&fake);
                static struct told told;
                struct pn_err err;

                plant(&fake, 10, "NEEDLE_7", 8);
                if (scan(exact, &object, &told, &err) == 0)
                        fail_msg("%s: no error", rows[i].name);
                expect_error(&err, PN_FAULT_HOST, "read file");
                assert_int_equal(err.code, rows[i].second_time ? EIO : ESTALE);
                if (!rows[i].second_time)
                        assert_null(find_told(&told, "absent")); /* nobody knows */
        }
        (void)pn_exact_free(exact);
}

static int no_data_at(void *from, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end)
{
        (void)from;
        (void)offset;
        *ret_start = *ret_end = 0;
        errno = EIO;
        return -1;
}

static int standing_data_at(void *from, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end)
{
        (void)from;
        (void)offset;
        *ret_start = 0;
        *ret_end = 1;
        return 1;
}

static void holes_that_cannot_be_known_are_the_hosts_fault(void **state)
{
        struct pn_exact *exact = with_rules("rule a { condition: true }");
        struct fake fake = {.size = 65 * MIB};
        struct pn_object object = fake_object(&fake);
        static struct told told;
        struct pn_err err;

        (void)state;
        object.data_at = no_data_at;
        assert_int_equal(scan(exact, &object, &told, &err), -1);
        expect_error(&err, PN_FAULT_HOST, "look for the data");
        assert_int_equal(told.count, 0);
        object.data_at = standing_data_at;
        assert_int_equal(scan(exact, &object, &told, &err), -1);
        expect_error(&err, PN_FAULT_HOST, "look for the data");
        assert_int_equal(told.count, 0);
        (void)pn_exact_free(exact);
}

static void a_file_that_ends_early_is_scanned_and_told(void **state)
{
        static const uint64_t rows[][2] = {
                {5000, 4000}, {65 * MIB, 40 * MIB}, {65 * MIB, 32 * MIB}, {65 * MIB, 100}};
        struct pn_exact *exact =
                with_rules("rule a { strings: $a = \"NEEDLE_7\" condition: #a == 2 and $a at filesize - 8 }");

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct fake fake = {.size = rows[i][0], .ends_at = rows[i][1]};
                struct pn_object object = fake_object(&fake);
                static struct told told;
                struct pn_err err;
                char words[64];

                plant(&fake, 10, "NEEDLE_7", 8);
                plant(&fake, rows[i][1] - 8, "NEEDLE_7", 8);
                (void)snprintf(words, sizeof(words), "file ended at %llu of %llu bytes",
                               (unsigned long long)rows[i][1], (unsigned long long)rows[i][0]);
                assert_int_equal(scan(exact, &object, &told, &err), -1);
                expect_error(&err, PN_FAULT_TARGET, words);
                assert_non_null(find_told(&told, "a"));
        }
        (void)pn_exact_free(exact);
}

static void an_empty_file_may_be_the_first(void **state)
{
        struct pn_exact *exact = with_rules("rule nothing { condition: filesize == 0 }");
        static struct told told;

        (void)state;
        pn_exact_set_blocks(exact, 8192, 1000); /* without the buffer that the self-test has left */
        scan_text(exact, "", &told);
        assert_int_equal(told.count, 1);
        (void)pn_exact_free(exact);
}

static void a_file_that_shrinks_between_two_looks_is_told_and_reads_as_zeros(void **state)
{
        struct pn_exact *exact = with_rules("rule stale { condition: uint32(5000) == 0x55555555 }");
        struct fake fake = {.size = 65 * MIB, .ends_second_time = true};
        struct pn_object object = fake_object(&fake);
        static struct told told;
        struct pn_err err;

        (void)state;
        assert_int_equal(scan(exact, &object, &told, &err), -1);
        expect_error(&err, PN_FAULT_TARGET, "file ended at 10 of 68157440 bytes");
        assert_null(find_told(&told, "stale"));
        (void)pn_exact_free(exact);
}

static void bytes_of_the_last_file_are_not_seen_in_the_next(void **state)
{
        struct pn_exact *exact = with_rules("rule a { strings: $a = \"SECRET\" condition: $a }\n"
                                            "rule e { condition: entrypoint >= 0 }\n"
                                            "rule nothing { condition: filesize == 0 }");
        char elf[128] = "\177ELF\1\1\1";
        struct fake fake = {.size = 100, .ends_at = 10};
        struct pn_object object = fake_object(&fake);
        struct pn_view view = {(const uint8_t *)elf, sizeof(elf)};
        static struct told told;
        struct pn_err err;

        (void)state;
        elf[16] = 2; /* an executable with its entry in its only segment */
        elf[18] = 3;
        elf[24] = 60;
        elf[28] = 52;
        elf[42] = 32;
        elf[44] = 1;
        elf[52] = 1;
        elf[68] = elf[72] = 127;
        overlay(elf, 0, sizeof(elf), 110, "SECRET", 6);
        pn_object_from_view(&object, &view);
        assert_int_equal(scan(exact, &object, &told, &err), 0);
        assert_non_null(find_told(&told, "a"));
        assert_non_null(find_told(&told, "e"));
        object = fake_object(&fake);
        assert_int_equal(scan(exact, &object, &told, &err), -1);
        assert_int_equal(told.count, 0);
        scan_text(exact, "", &told);
        assert_int_equal(told.count, 1);
        assert_string_equal(told.finding[0].rule, "nothing");
        (void)pn_exact_free(exact);
}

/* ---------------------------------------------------------------- limits */

static void too_many_matches_are_an_error_that_names_the_rule(void **state)
{
        static const struct {
                const char *name;
                uint64_t limit;
                size_t size;
                uint32_t block;
                bool error;
        } rows[] = {
                {"as many as allowed", 100, 100, 0, false},
                {"one more", 100, 101, 0, true},
                {"one more, in two blocks", 9000, 9001, 8192, true},
                {"as many as allowed, in two blocks", 9000, 9000, 8192, false},
                {"more than libyara counts", 2 * YR_MAX_STRING_MATCHES, YR_MAX_STRING_MATCHES + 1, 0, true},
                {"more than libyara counts, in blocks", 2 * YR_MAX_STRING_MATCHES, YR_MAX_STRING_MATCHES + 1,
                 1 << 19, true},
        };
        char *text = malloc(YR_MAX_STRING_MATCHES + 1);

        (void)state;
        assert_non_null(text);
        memset(text, 'Q', YR_MAX_STRING_MATCHES + 1);
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_exact *exact = with_rules(
                        "private rule dense { strings: $q = \"Q\" condition: #q < 5 }\n"
                        "rule other { strings: $q = { 51 51 } condition: uint8(0) == 0x51 or $q at 0 }");
                struct pn_exact_limits limits = {rows[i].limit, 60};
                struct pn_view view = {(const uint8_t *)text, rows[i].size};
                struct pn_object object;
                static struct told told;
                struct pn_err err = PN_ERR_INIT;
                uint64_t bytes;

                told.count = 0;
                if (rows[i].block)
                        pn_exact_set_blocks(exact, rows[i].block, 1000);
                pn_object_from_view(&object, &view);
                if (pn_exact_scan(exact, &object, &limits, take, &told, &bytes, &err) !=
                    (rows[i].error ? -1 : 0))
                        fail_msg("%s: %s", rows[i].name, err.text);
                if (rows[i].error)
                        expect_error(&err, PN_FAULT_TARGET,
                                     "rule `dense`: string `$q` matches in too many places");
                assert_non_null(find_told(&told, "other"));
                scan_text(exact, "QQ", &told); /* the string is looked for again */
                assert_non_null(find_told(&told, "other"));
                assert_int_equal(find_told(&told, "other")->evidence_count, 1);
                (void)pn_exact_free(exact);
        }
        free(text);
}

static void a_rule_that_fails_on_a_file_is_named_as_its_fault(void **state)
{
        struct pn_exact *exact =
                with_rules("rule a { strings: $r = "
                           "/a(b|c|d|e|f)?(b|c)?(b|d)?x{1,200}.{1,200}.{1,200}y{0,90}z/ condition: $r }");
        static struct told told;
        struct pn_err err;
        static char text[8192];
        struct pn_view view = {(const uint8_t *)text, sizeof(text)};
        struct pn_object object;

        (void)state;
        memset(text, 'x', sizeof(text));
        text[0] = 'a';
        pn_object_from_view(&object, &view);
        if (scan(exact, &object, &told, &err) < 0)
                expect_error(&err, PN_FAULT_TARGET, "rule `a`: ");
        else
                skip();
        (void)pn_exact_free(exact);
}

static void rules_that_take_too_long_are_over_budget(void **state)
{
        static const struct {
                const char *name, *rule;
                uint64_t size;
                bool sparse;
                int timeout_s;
        } rows[] = {
                {"loops in a condition",
                 "rule a { condition: for all i in (0..filesize - 1) : ( for all j in (0..filesize - 1) : "
                 "(uint8(j) != 1 or i == j) ) }",
                 1 << 20, false, 1},
                {"a digest of a large hole",
                 "import \"hash\" rule a { condition: hash.md5(0, filesize) == \"x\" }", 1ULL << 44, true, 1},
                {"steps over a huge hole", "rule a { condition: uint8(filesize - 1) == 9 }", 1ULL << 62, true,
                 1},
                {"no time left", "rule a { condition: true }", 10, false,
                 0}, /* which is for ever to libyara */
                {"less than none", "rule a { condition: true }", 10, false, -5},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                struct pn_exact *exact = with_rules(rows[i].rule);
                struct pn_exact_limits limits = {YR_MAX_STRING_MATCHES, rows[i].timeout_s};
                struct fake fake = {.size = rows[i].size};
                struct pn_object object = fake_object(&fake);
                static struct told told;
                struct pn_err err = PN_ERR_INIT;
                int64_t from = pn_clock_now_ms();
                uint64_t bytes;

                told.count = 0;
                if (rows[i].sparse)
                        fake.data[0][1] = 1;
                if (pn_exact_scan(exact, &object, &limits, take, &told, &bytes, &err) == 0)
                        fail_msg("%s: no error", rows[i].name);
                if (err.fault != PN_FAULT_BUDGET || pn_clock_now_ms() - from > 8000)
                        fail_msg("%s: %s after %lld ms", rows[i].name, err.text,
                                 (long long)(pn_clock_now_ms() - from));
                if (rows[i].timeout_s <= 0)
                        expect_error(&err, PN_FAULT_BUDGET, "no time is left");
                (void)pn_exact_free(exact);
        }
}

#ifndef UNDER_ASAN
/* What earlier tests have freed is room too: takes that, as a list, so that nothing is lost. */
static void exhaust_memory(void)
{
        static void **taken;
        void **more;

        while ((more = malloc(MIB))) {
                *more = taken;
                taken = more;
        }
}
#endif

/* In a child, so that the ceiling is the child's. Exit status 0: the scan failed with PN_FAULT_BUDGET. */
static void memory_that_runs_out_is_an_error_and_no_crash(void **state)
{
#ifdef UNDER_ASAN
        (void)state;
        skip(); /* the shadow needs more address space than any ceiling that makes sense */
#else
        struct pn_exact *exact = with_rules("rule a { strings: $a = \"NEEDLE_7\" condition: $a }");
        int status = 0;
        pid_t pid = fork();

        (void)state;
        assert_true(pid >= 0);
        if (pid == 0) {
                struct rlimit ceiling = {1 << 20, 1 << 20};
                struct fake fake = {.size = 65 * MIB};
                struct pn_object object = fake_object(&fake);
                static struct told told;
                struct pn_err err;

                if (setrlimit(RLIMIT_AS, &ceiling) < 0)
                        _exit(10);
                exhaust_memory();
                _exit(scan(exact, &object, &told, &err) == -1 && err.fault == PN_FAULT_BUDGET ? 0 : 11);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        (void)pn_exact_free(exact);
#endif
}

#ifndef UNDER_ASAN
enum { TOLD = 0, BUDGET = 1, SILENT = 2 };

static int scan_starved(struct pn_exact *exact, unsigned fails_at, bool for_ever)
{
        struct fake fake = {.size = 20000};
        struct pn_object object = fake_object(&fake);
        static struct told told;
        struct pn_err err;
        int result;

        plant(&fake, 10, "NEEDLE_7", 8);
        allocations.count = 0;
        allocations.fails_at = fails_at;
        allocations.for_ever = for_ever;
        result = scan(exact, &object, &told, &err);
        allocations.fails_at = 0;
        if (result < 0)
                return err.fault == PN_FAULT_BUDGET ? BUDGET : SILENT;
        return find_told(&told, "a") ? TOLD : SILENT;
}
#endif

/* A module without memory calls its value undefined and the rule does not match: that must not pass for an
 * answer. A crash is one, the worker's death is seen. */
static void an_allocation_that_fails_never_hides_a_hit(void **state)
{
#ifdef UNDER_ASAN
        (void)state;
        skip(); /* malloc(3) belongs to the sanitizer */
#else
        struct pn_exact *exact = with_rules("import \"hash\" import \"math\" rule a { strings: $a = "
                                            "\"NEEDLE_7\" $b = /x(y|z)+/ condition: $a and not $b "
                                            "and math.entropy(0, filesize) < 3 and hash.md5(0, 9) != \"x\" "
                                            "and hash.sha256(0, 9) != \"y\" and "
                                            "math.mean(0, 10) > 1 and hash.crc32(0, 9) > 1 }");
        unsigned count, budget = 0;

        (void)state;
        pn_exact_set_blocks(exact, 8192, 1000);
        assert_int_equal(scan_starved(exact, 0, false), TOLD);
        count = allocations.count;
        assert_true(count > 10);
        for (unsigned i = 1; i <= 2 * count; i++) {
                int status = 0;
                pid_t pid = fork();

                assert_true(pid >= 0);
                if (pid == 0) {
                        (void)signal(SIGSEGV, SIG_DFL); /* cmocka's would run the other tests again */
                        _exit(scan_starved(exact, 1 + i / 2, i % 2));
                }
                assert_int_equal(waitpid(pid, &status, 0), pid);
                if (WIFEXITED(status) && WEXITSTATUS(status) == SILENT)
                        fail_msg("allocation %u of %u fails, and nobody is told", 1 + i / 2, count);
                budget += WIFEXITED(status) && WEXITSTATUS(status) == BUDGET;
        }
        assert_true(budget > count);
        (void)pn_exact_free(exact);
#endif
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_that_are_wrong_are_refused_by_file_and_line),
                cmocka_unit_test(words_in_comments_and_strings_import_nothing),
                cmocka_unit_test(a_set_without_rules_or_without_the_marker_rule_is_refused),
                cmocka_unit_test(a_nul_byte_does_not_hide_the_rules_behind_it),
                cmocka_unit_test(the_rules_of_the_product_find_the_marker),
                cmocka_unit_test(two_files_may_use_the_same_rule_name),
                cmocka_unit_test(metadata_become_the_finding),
                cmocka_unit_test(two_long_ids_stay_two),
                cmocka_unit_test(evidence_is_of_many_strings_first),
                cmocka_unit_test(a_finding_that_is_not_taken_ends_the_scan),
                cmocka_unit_test(a_string_is_counted_once_wherever_it_lies),
                cmocka_unit_test(a_condition_sees_the_whole_file),
                cmocka_unit_test(blocks_and_one_piece_agree),
                cmocka_unit_test(holes_and_zeros_agree),
                cmocka_unit_test(a_second_elf_header_does_not_hide_the_first),
                cmocka_unit_test(a_sparse_terabyte_is_found_quickly),
                cmocka_unit_test(holes_are_zeros_to_a_condition),
                cmocka_unit_test(reading_that_fails_is_the_hosts_fault),
                cmocka_unit_test(holes_that_cannot_be_known_are_the_hosts_fault),
                cmocka_unit_test(a_file_that_ends_early_is_scanned_and_told),
                cmocka_unit_test(an_empty_file_may_be_the_first),
                cmocka_unit_test(a_file_that_shrinks_between_two_looks_is_told_and_reads_as_zeros),
                cmocka_unit_test(bytes_of_the_last_file_are_not_seen_in_the_next),
                cmocka_unit_test(too_many_matches_are_an_error_that_names_the_rule),
                cmocka_unit_test(a_rule_that_fails_on_a_file_is_named_as_its_fault),
                cmocka_unit_test(rules_that_take_too_long_are_over_budget),
                cmocka_unit_test(memory_that_runs_out_is_an_error_and_no_crash),
                cmocka_unit_test(an_allocation_that_fails_never_hides_a_hit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
