/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/exact_kit.h"

/* ---------------------------------------------------------------- compiling */

static void rules_that_are_wrong_are_refused_by_file_and_line(void **state)
{
        static const struct {
                const char *name, *source, *words;
        } rows[] = {
                {"syntax", "rule a { condition: true }\nrule b {\n condition: $x }", "bad.yar:3: "},
                {"unknown identifier", "\n\nrule a { condition: owner == \"x\" }",
                 "bad.yar:3: undefined identifier"},
                {"include", "include \"other.yar\"\nrule a { condition: true }", "bad.yar:1: "},
                {"include of a real file", "include \"/etc/passwd\"", "bad.yar:1: "},
                {"include of rules that are right",
                 "include \"" PN_SOURCE_DIR "/policy/rules/postern_test.yar\"", "bad.yar:1: "},
                {"same name twice", "rule a { condition: true }\nrule a { condition: true }",
                 "bad.yar:2: duplicated"},
                {"module dotnet", "import \"pe\"\nimport \"dotnet\"\nrule a { condition: pe.is_pe }",
                 "bad.yar:2: module \"dotnet\" may not"},
                {"module not used", "/* */ import/**/\"dotnet\"\nrule a { condition: true }",
                 "bad.yar:1: module \"dotnet\" may not"},
                {"module escaped", "import \"\\x64otnet\" rule a { condition: true }",
                 "module \"dotnet\" may not"},
                {"module after a regex", "rule a { strings: $a = /\\/*\"/ condition: $a } import \"dotnet\"",
                 "bad.yar:1: module \"dotnet\" may not"},
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
                "/* import \"dotnet\" */ // import \"dotnet\"\n"
                "import \"elf\" import \"math\" import \"hash\" import \"time\"\n"
                "rule a { meta: m = \"import \\\"dotnet\\\"\" strings: $a = \"import \\\"dotnet\\\"\" "
                "$b = /import \"dotnet\"/ condition: any of them }";
        struct pn_exact *exact = with_rules(source);
        static struct told told;

        (void)state;
        assert_int_equal(pn_exact_rule_count(exact), 2);
        scan_text(exact, "x import \"dotnet\" x", &told);
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

/* ---------------------------------------------------------------- include */

static const struct pn_exact_source tree[] = {
        {"d/a.yar", "include \"sub/b.yar\"\nrule a { condition: b }", 0},
        {"d/sub/b.yar", "include\t\"../c.yar\" rule b { condition: c }", 0},
        {"./d//c.yar", "rule c { condition: filesize == 3 }", 0},
        {"e.yar",
         "rule c { strings: $a = \"include \\\"d/a.yar\\\"\" $b = /include \"x/ condition: any of them }\n"
         "// include \"d/a.yar\"\n/* \" include \"d/a.yar\" */ rule included { condition: \"a\" == \"\\\\\" "
         "}",
         0},
};

static void files_that_were_given_may_be_included(void **state)
{
        struct pn_exact_source source[4];
        struct pn_exact *exact = NULL;
        struct pn_err err = PN_ERR_INIT;
        static struct told told;

        (void)state;
        memcpy(source, tree, sizeof(source));
        for (size_t i = 0; i < 4; i++)
                source[i].len = strlen(source[i].text);
        assert_int_equal(pn_exact_new(&exact, &err), 0);
        pn_exact_set_sources(exact, source, 4);
        add_marker_rule(exact);
        for (size_t i = 0; i < 4; i++) {
                assert_int_equal(pn_exact_is_included(source, 4, i), i == 1 || i == 2);
                if (i != 1 && i != 2 &&
                    pn_exact_add(exact, source[i].name, source[i].text, source[i].len, &err) < 0)
                        fail_msg("%s", err.text);
        }
        assert_int_equal(pn_exact_ready(exact, &err), 0);
        assert_int_equal(pn_exact_rule_count(exact), 6);
        scan_text(exact, "abc", &told);
        assert_int_equal(told.count, 3);
        (void)pn_exact_free(exact);
}

static void includes_that_are_wrong_are_refused_by_file_and_line(void **state)
{
        static const struct {
                const char *a, *b, *words;
        } rows[] = {
                {"\ninclude \"b.yar\"", "\n\nrule b { condition: nonesuch }",
                 "b.yar:3: undefined identifier"},
                {"include \"b.yar\"", "\ninclude \"c.yar\"",
                 "b.yar:2: include \"c.yar\" is not one of the files"},
                {"include \"b.yar\"\n\nrule a { condition: x }", "rule b { condition: true }",
                 "a.yar:3: undefined"},
                {"include \"b.yar\"", "\ninclude \"a.yar\"", "b.yar:2: include \"a.yar\" includes itself"},
                {"include \"./a.yar\"", "", "a.yar:1: include \"./a.yar\" includes itself"},
                {"include \"b.yar\"", "\nimport \"dotnet\"", "b.yar:2: module \"dotnet\" may not"},
                {"include \"../d/b.yar\"", "", "a.yar:1: include \"../d/b.yar\" is not"},
                {"include \"/b.yar\"", "", "a.yar:1: include \"/b.yar\" is not"},
                {"include \"nul.yar\"", "", "a.yar:1: include \"nul.yar\" holds a NUL byte"},
        };

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct pn_exact_source source[] = {{"a.yar", rows[i].a, strlen(rows[i].a)},
                                                         {"b.yar", rows[i].b, strlen(rows[i].b)},
                                                         {"nul.yar", "// \0", 4}};
                struct pn_exact *exact = NULL;
                struct pn_err err = PN_ERR_INIT;

                assert_int_equal(pn_exact_new(&exact, &err), 0);
                pn_exact_set_sources(exact, source, 3);
                assert_int_equal(pn_exact_add(exact, "a.yar", rows[i].a, strlen(rows[i].a), &err), -1);
                expect_error(&err, PN_FAULT_CONFIG, rows[i].words);
                (void)pn_exact_free(exact);
        }
}

static void includes_nest_as_deep_as_libyara_lets_them(void **state)
{
        static char name[18][16], text[18][32];
        struct pn_exact_source source[18];

        (void)state;
        for (size_t files = 17; files <= 18; files++) {
                struct pn_exact *exact = NULL;
                struct pn_err err = PN_ERR_INIT;
                int result;

                for (size_t i = 0; i < files; i++) {
                        (void)snprintf(name[i], sizeof(name[i]), "%zu.yar", i);
                        (void)snprintf(text[i], sizeof(text[i]), "include \"%zu.yar\"", i + 1);
                        if (i + 1 == files)
                                text[i][0] = '\0';
                        source[i] = (struct pn_exact_source){name[i], text[i], strlen(text[i])};
                }
                assert_int_equal(pn_exact_new(&exact, &err), 0);
                pn_exact_set_sources(exact, source, files);
                result = pn_exact_add(exact, "0.yar", text[0], strlen(text[0]), &err);
                assert_int_equal(result, files == 17 ? 0 : -1);
                if (result < 0)
                        expect_error(&err, PN_FAULT_CONFIG,
                                     "16.yar:1: include \"17.yar\" is nested too deeply");
                (void)pn_exact_free(exact);
        }
}

static void rules_of_the_whole_set_may_ask_for_names(void **state)
{
        struct pn_exact *exact =
                with_rules("rule n { condition: filename == \"ls\" and filepath == \"/bin\" }\n"
                           "rule nameless { condition: filename == \"\" and filetype == \"ELF\" }");
        const struct pn_view view = {(const uint8_t *)"x", 1};
        static struct pn_names names;
        static struct told told;
        struct pn_object object;
        struct pn_err err = PN_ERR_INIT;
        uint64_t bytes;

        (void)state;
        pn_object_from_view(&object, &view);
        pn_names_set(&names, "bin/ls", 6);
        for (int i = 0; i < 4; i++) {
                told.count = 0;
                assert_int_equal(pn_exact_scan(exact, &object, i % 2 ? NULL : &names, &roomy, take, &told,
                                               &bytes, &err),
                                 0);
                assert_int_equal(told.count, 1);
                assert_string_equal(told.finding[0].rule, i % 2 ? "nameless" : "n");
        }
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
        assert_int_equal(pn_exact_scan(exact, &object, NULL, &roomy, take, &told, &bytes, &err), -1);
        expect_error(&err, PN_FAULT_BUG, "rule `a`");
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
        if (pn_exact_scan(exact, &object, NULL, &roomy, take, &told, &bytes, &err) < 0)
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

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(rules_that_are_wrong_are_refused_by_file_and_line),
                cmocka_unit_test(words_in_comments_and_strings_import_nothing),
                cmocka_unit_test(a_set_without_rules_or_without_the_marker_rule_is_refused),
                cmocka_unit_test(a_nul_byte_does_not_hide_the_rules_behind_it),
                cmocka_unit_test(the_rules_of_the_product_find_the_marker),
                cmocka_unit_test(two_files_may_use_the_same_rule_name),
                cmocka_unit_test(files_that_were_given_may_be_included),
                cmocka_unit_test(includes_that_are_wrong_are_refused_by_file_and_line),
                cmocka_unit_test(includes_nest_as_deep_as_libyara_lets_them),
                cmocka_unit_test(rules_of_the_whole_set_may_ask_for_names),
                cmocka_unit_test(metadata_become_the_finding),
                cmocka_unit_test(two_long_ids_stay_two),
                cmocka_unit_test(evidence_is_of_many_strings_first),
                cmocka_unit_test(a_finding_that_is_not_taken_ends_the_scan),
                cmocka_unit_test(a_sparse_terabyte_is_found_quickly),
                cmocka_unit_test(holes_are_zeros_to_a_condition),
                cmocka_unit_test(reading_that_fails_is_the_hosts_fault),
                cmocka_unit_test(holes_that_cannot_be_known_are_the_hosts_fault),
                cmocka_unit_test(a_file_that_ends_early_is_scanned_and_told),
                cmocka_unit_test(an_empty_file_may_be_the_first),
                cmocka_unit_test(a_file_that_shrinks_between_two_looks_is_told_and_reads_as_zeros),
                cmocka_unit_test(bytes_of_the_last_file_are_not_seen_in_the_next),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
