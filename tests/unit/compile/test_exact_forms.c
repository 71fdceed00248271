/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/engine/exact_kit.h"

#include <openssl/sha.h>
#include <sys/mman.h>

#include "scanner/engine/compile/exact_forms.h"
#include "scanner/engine/exact_store.h"

/* ---------------------------------------------------------------- sets made by hand */

#define FILES 3
#define RULES 12

/* A rule: in which file, its text, what it names and uses. */
struct row {
        uint32_t file, space;
        const char *name;
        const char *text;
        uint32_t flags;
        uint32_t needs[3], needs_count;
        const char *module[2];
        uint32_t module_count;
};

struct made {
        struct pn_yr_set set;
        struct pn_yr_file file[FILES];
        struct pn_yr_rule rule[RULES];
        struct pn_yr_meta meta;
        char source[FILES][4096];
        const char *module[RULES][2];
        uint32_t needs[RULES][3];
};

static const char *const names[FILES] = {"a.yar", "b.yar", "marker.yar"};

static void make_rule(struct made *made, uint32_t number, const struct row *row)
{
        struct pn_yr_rule *rule = &made->rule[number];
        char *source = made->source[row->file];

        *rule = (struct pn_yr_rule){.name = row->name, .flags = row->flags, .space = row->space};
        rule->place.file = row->file;
        strcat(source, "/* between */");
        rule->begin = strlen(source);
        strcat(source, row->text);
        rule->end = strlen(source);
        strcat(source, "\n");
        memcpy(made->needs[number], row->needs, sizeof(row->needs));
        memcpy(made->module[number], row->module, sizeof(row->module));
        rule->needs = made->needs[number];
        rule->needs_count = row->needs_count;
        rule->module = made->module[number];
        rule->module_count = row->module_count;
}

/* `head` of the files: their imports and includes. The rule of the marker comes last. */
static struct pn_yr_set *make(struct made *made, const struct row *rows, uint32_t count, const char *head_a,
                              const char *head_b)
{
        static char text[512];
        char marker[PN_MARKER_BYTES];
        struct row last = {2, 2, "marker", text, .needs_count = 0};

        *made = (struct made){0};
        (void)snprintf(made->source[0], sizeof(made->source[0]), "%s\n", head_a);
        (void)snprintf(made->source[1], sizeof(made->source[1]), "%s\n", head_b);
        pn_marker_fill(marker);
        (void)snprintf(text, sizeof(text),
                       "rule marker { meta: id = \"%s\" strings: $m = \"%.*s\" condition: $m }", PN_TEST_RULE,
                       PN_MARKER_BYTES, marker);
        for (uint32_t i = 0; i < count; i++)
                make_rule(made, i, &rows[i]);
        make_rule(made, count, &last);
        made->meta = (struct pn_yr_meta){
                "id", PN_YR_META_TEXT, {(const uint8_t *)PN_TEST_RULE, sizeof(PN_TEST_RULE) - 1}, 0};
        made->rule[count].meta = &made->meta;
        made->rule[count].meta_count = 1;
        for (uint32_t i = 0; i < FILES; i++)
                made->file[i] = (struct pn_yr_file){
                        names[i], made->source[i], strlen(made->source[i]), false, NULL, 0};
        made->set = (struct pn_yr_set){made->file, FILES, made->rule, count + 1, NULL};
        return &made->set;
}

/* ---------------------------------------------------------------- what came out */

struct store {
        uint8_t *bytes;
        size_t len, head;
        int fd;
        struct pn_store *opened;
};

static struct store forms_of(const struct pn_yr_set *set)
{
        struct store store = {.fd = memfd_create("store", MFD_CLOEXEC)};
        struct pn_err err = PN_ERR_INIT;
        uint8_t sha256[32];

        if (pn_exact_forms(set, &store.bytes, &store.len, &store.head, &err) < 0)
                fail_msg("%s", err.text);
        (void)SHA256(store.bytes, store.head, sha256);
        assert_int_equal(pwrite(store.fd, store.bytes, store.len, 0), (ssize_t)store.len);
        assert_int_equal(pn_store_new(&store.opened, &err), 0);
        if (pn_store_open(store.opened, store.fd, sha256, &err) < 0 ||
            pn_store_selftest(store.opened, &err) < 0)
                fail_msg("%s", err.text);
        assert_int_equal(pn_store_count(store.opened), set->rule_count);
        return store;
}

static void end(struct store *store)
{
        (void)pn_store_free(store->opened);
        (void)close(store->fd);
        free(store->bytes);
}

static struct pn_store_entry entry_of(const struct store *store, uint32_t number)
{
        struct pn_store_entry entry;

        memcpy(&entry, store->bytes + sizeof(struct pn_store_head) + number * sizeof(entry), sizeof(entry));
        return entry;
}

static bool says(struct store *store, uint32_t number, const char *text)
{
        const struct pn_view view = {(const uint8_t *)text, strlen(text)};
        struct pn_object object;
        struct pn_err err = PN_ERR_INIT;
        bool matched = false;
        uint64_t bytes;

        pn_object_from_view(&object, &view);
        if (pn_store_scan(store->opened, number, &object, NULL, &roomy, NULL, NULL, &matched, &bytes, &err) <
            0)
                fail_msg("form %u: %s", number, err.text);
        return matched;
}

struct reading {
        const uint8_t *at;
        size_t left;
};

static size_t on_read(void *ptr, size_t size, size_t count, void *user_data)
{
        struct reading *reading = user_data;

        if (size * count > reading->left)
                return 0;
        memcpy(ptr, reading->at, size * count);
        reading->at += size * count;
        reading->left -= size * count;
        return count;
}

/* "global(1) need(0) *rule": rules of the form in order, the reported one with a star; then modules. */
static void describe(const struct store *store, uint32_t number, char *ret, size_t cap)
{
        const struct pn_store_entry entry = entry_of(store, number);
        struct reading reading = {store->bytes + entry.offset, (size_t)entry.length};
        YR_STREAM stream = {.user_data = &reading, .read = on_read};
        YR_RULES *rules = NULL;

        ret[0] = '\0';
        assert_int_equal(yr_rules_load_stream(&stream, &rules), ERROR_SUCCESS);
        assert_int_equal(reading.left, 0);
        for (uint32_t i = 0; i < rules->num_rules; i++) {
                const YR_RULE *rule = &rules->rules_table[i];

                (void)snprintf(ret + strlen(ret), cap - strlen(ret), "%s%s%s:%s", i ? " " : "",
                               i == entry.rule ? "*" : "", rule->ns->name, rule->identifier);
        }
        (void)yr_rules_destroy(rules);
}

/* ---------------------------------------------------------------- tests */

static const struct row family[] = {
        {0, 0, "p", "private rule p { strings: $a = \"AAAA\" condition: $a }", PN_YR_RULE_PRIVATE},
        {0, 0, "q", "rule q { strings: $b = \"BBBB\" condition: p and $b }", 0, {0}, 1},
        {0, 0, "g", "global rule g { condition: filesize > 5 }", PN_YR_RULE_GLOBAL},
        {0, 0, "r", "rule r : tag { condition: q or filesize == 10 }", 0, {1}, 1},
        {0,
         0,
         "h",
         "global private rule h { condition: not w }",
         PN_YR_RULE_GLOBAL | PN_YR_RULE_PRIVATE,
         {5},
         1},
        {0, 0, "w", "rule w { strings: $c = \"CCCC\" condition: $c }", 0},
        {1, 1, "p", "rule p { condition: filename == \"\" and filetype == \"ELF\" }", 0},
        {1, 1, "any_p", "rule any_p { condition: any of (p*) }", 0, {6}, 1},
};

/* `h` names `w`, which stands behind it in the table above; libyara wants it before. */
static struct pn_yr_set *make_family(struct made *made)
{
        struct row rows[8];

        memcpy(rows, family, sizeof(rows));
        rows[4] = family[5];
        rows[5] = family[4];
        rows[5].needs[0] = 4;
        return make(made, rows, 8, "", "");
}

static void a_form_holds_its_rule_what_it_names_and_the_global_rules(void **state)
{
        static const char *const want[] = {
                "*a.yar:p a.yar:g a.yar:w a.yar:h",
                "a.yar:p *a.yar:q a.yar:g a.yar:w a.yar:h",
                "*a.yar:g a.yar:w a.yar:h",
                "a.yar:p a.yar:q a.yar:g *a.yar:r a.yar:w a.yar:h",
                "a.yar:g *a.yar:w a.yar:h",
                "a.yar:g a.yar:w *a.yar:h",
                "*b.yar:p",
                "b.yar:p *b.yar:any_p",
                "*marker.yar:marker",
        };
        static struct made made;
        struct store store = forms_of(make_family(&made));
        char got[512];

        (void)state;
        for (uint32_t i = 0; i < 9; i++) {
                describe(&store, i, got, sizeof(got));
                assert_string_equal(got, want[i]);
        }
        end(&store);
}

static void every_form_says_what_the_whole_set_says(void **state)
{
        static const char *const texts[] = {"",           "AAAA",       "..AAAA..",   "..BBBB..",
                                            "AAAABBBB",   "AAAA  BBBB", "..........", "AAAABBBBCCCC",
                                            "CCCCCCCCCC", "CCCC",       "x"};
        static struct made made;
        const struct pn_yr_set *set = make_family(&made);
        struct store store = forms_of(set);
        struct pn_exact *exact = NULL;
        struct pn_err err = PN_ERR_INIT;
        static struct told told;
        unsigned yes = 0, no = 0;

        (void)state;
        assert_int_equal(pn_exact_new(&exact, &err), 0);
        for (uint32_t i = 0; i < FILES; i++)
                assert_int_equal(pn_exact_add(exact, names[i], made.source[i], strlen(made.source[i]), &err),
                                 0);
        assert_int_equal(pn_exact_ready(exact, &err), 0);
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
                scan_text(exact, texts[i], &told);
                for (uint32_t k = 0; k < set->rule_count; k++) {
                        bool want = false;

                        if (set->rule[k].flags & PN_YR_RULE_PRIVATE)
                                continue; /* not told */
                        for (unsigned n = 0; n < told.count; n++)
                                want = want || strcmp(told.finding[n].rule, set->rule[k].name) == 0;
                        if (says(&store, k, texts[i]) != want)
                                fail_msg("rule %s on `%s`", set->rule[k].name, texts[i]);
                        yes += want;
                        no += !want;
                }
        }
        assert_true(yes > 10 && no > 10);
        assert_true(says(&store, 6, "x")); /* externals as names.h has them */
        (void)pn_exact_free(exact);
        end(&store);
}

static void rules_that_see_more_in_one_block_are_marked(void **state)
{
        static const struct row rows[] = {
                {0, 0, "plain", "rule plain { strings: $a = { 41 42 43 44 [0-3] 45 46 } condition: $a }"},
                {0, 0, "usual",
                 "rule usual { strings: $a = { 41 42 43 44 [0-60000] 45 46 47 48 } condition: $a }"},
                {0, 0, "long",
                 "rule long { strings: $a = { 41 42 43 44 [0-600000] 45 46 47 48 } condition: $a }"},
                {0, 0, "sum",
                 "rule sum { strings: $a = { 41 42 43 44 [0-300000] 45 46 47 48 [0-300000] 45 46 47 48 } "
                 "condition: $a }"},
                {0, 0, "open", "rule open { strings: $a = { 41 42 43 44 [-] 45 46 47 48 } condition: $a }"},
                {0, 0, "entry", "rule entry { condition: entrypoint == 4 }"},
                {0, 0, "elf_", "rule elf_ { condition: elf.type == 2 }", .module = {"elf"},
                 .module_count = 1},
                {0, 0, "pe_", "rule pe_ { condition: pe.is_pe }", .module = {"pe"}, .module_count = 1},
                {0, 0, "math_",
                 "rule math_ { condition: math.entropy(0, 4) > 1.0 and hash.md5(0, 4) != \"\" }",
                 .module = {"math", "hash"}, .module_count = 2},
                {0, 0, "by_need", "rule by_need { condition: elf_ and math_ }", 0, {6, 8}, 2},
        };
        static const bool big[] = {false, false, true, true, true, true, true, true, false, true, false};
        static struct made made;
        struct store store = forms_of(
                make(&made, rows, 10, "import \"elf\" import \"pe\" import \"math\" import \"hash\"", ""));

        (void)state;
        for (uint32_t i = 0; i < 11; i++)
                if ((entry_of(&store, i).flags & PN_STORE_BIG) != (big[i] ? PN_STORE_BIG : 0))
                        fail_msg("%s", made.rule[i].name);
        assert_int_equal(says(&store, 9, "abcd"), false);
        end(&store);
}

static void rules_of_an_included_file_are_in_the_namespace_of_the_other(void **state)
{
        static const struct row rows[] = {
                {1, 0, "inner", "rule inner { condition: filesize == 4 }"},
                {0, 0, "outer", "rule outer { condition: inner }", 0, {0}, 1},
        };
        static struct made made;
        struct pn_yr_set *set = make(&made, rows, 2, "include \"./b.yar\"", "");
        struct store store;
        char got[512];

        (void)state;
        made.file[1].included = true;
        store = forms_of(set);
        describe(&store, 0, got, sizeof(got));
        assert_string_equal(got, "*a.yar:inner");
        describe(&store, 1, got, sizeof(got));
        assert_string_equal(got, "a.yar:inner *a.yar:outer");
        assert_true(says(&store, 1, "abcd"));
        assert_false(says(&store, 1, "abcde"));
        end(&store);
}

/* ---------------------------------------------------------------- refusals */

static void refuse(const struct pn_yr_set *set, enum pn_fault fault, const char *words)
{
        uint8_t untouched, *bytes = &untouched;
        size_t len = 1, head = 2;
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(pn_exact_forms(set, &bytes, &len, &head, &err), -1);
        expect_error(&err, fault, words);
        assert_true(bytes == &untouched && len == 1 && head == 2);
}

static void what_libyara_refuses_is_told_in_its_words_with_file_and_line(void **state)
{
        static const struct {
                const char *head, *text, *words;
        } rows[] = {
                {"", "\n\nrule a {\n condition: nonesuch }", "a.yar:5: undefined identifier \"nonesuch\""},
                {"", "rule a { condition: filename == 1 }", "a.yar:2: type mismatch"},
                {"import \"dotnet\"", "rule a { condition: true }", "a.yar:1: module \"dotnet\" may not"},
                {"include \"c.yar\"", "rule a { condition: true }",
                 "a.yar:1: include \"c.yar\" is not one of"},
                {"include \"/etc/passwd\"", "rule a { condition: true }",
                 "a.yar:1: include \"/etc/passwd\" is not"},
                {"include \"../b.yar\"", "rule a { condition: true }",
                 "a.yar:1: include \"../b.yar\" is not"},
        };
        static struct made made;

        (void)state;
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const struct row row = {0, 0, "a", rows[i].text};

                refuse(make(&made, &row, 1, rows[i].head, ""), PN_FAULT_CONFIG, rows[i].words);
        }
}

static void an_error_in_an_included_file_names_that_file(void **state)
{
        static const struct row row = {0, 0, "a", "rule a { condition: true }"};
        static struct made made;
        struct pn_yr_set *set =
                make(&made, &row, 1, "include \"b.yar\"", "\n\nrule x { condition: nonesuch }");

        (void)state;
        made.file[1].included = true;
        refuse(set, PN_FAULT_CONFIG, "b.yar:3: undefined identifier \"nonesuch\"");
}

static void a_set_without_a_test_rule_that_hits_is_refused(void **state)
{
        static const struct row row = {0, 0, "a", "rule a { condition: false }"};
        static struct made made;
        struct pn_yr_set *set = make(&made, &row, 1, "", "");

        (void)state;
        made.rule[1].meta_count = 0;
        refuse(set, PN_FAULT_CONFIG, "no rule has the id " PN_TEST_RULE);
        made.rule[0].meta = &made.meta;
        made.rule[0].meta_count = 1;
        refuse(set, PN_FAULT_CONFIG, "the test marker is not found by these rules");
        set = make(&made, &row, 1, "", "");
        set->rule_count = set->file_count = 0;
        refuse(set, PN_FAULT_CONFIG, "the set of rules is empty");
}

static void a_rule_that_fails_on_the_sample_spares_the_others(void **state)
{
        static const struct row rows[] = {
                {0, 0, "fails",
                 "rule fails { strings: $a = \"ELF\" condition: #a in (filesize - 1024..filesize) > 2 }"},
                {0, 0, "fine", "rule fine { condition: filesize == 4 }"},
        };
        static struct made made;
        struct store store = forms_of(make(&made, rows, 2, "", ""));

        (void)state;
        assert_true(says(&store, 1, "abcd"));
        end(&store);
}

static void a_form_that_is_wrong_though_the_set_is_right_is_our_bug(void **state)
{
        static const struct row rows[] = {
                {0, 0, "a", "rule a { condition: elf.type == 2 }"}, /* the module is not listed */
                {0, 0, "b", "rule b { condition: true }"},
        };
        static const struct row needy[] = {
                {0, 0, "a", "rule a { condition: true }"},
                {0, 0, "b", "rule b { condition: a }"}, /* the need is not listed */
        };
        static struct made made;

        (void)state;
        refuse(make(&made, rows, 2, "import \"elf\"", ""), PN_FAULT_BUG, "rule `a` of a.yar alone: ");
        refuse(make(&made, needy, 2, "", ""), PN_FAULT_BUG,
               "rule `b` of a.yar alone: undefined identifier \"a\"");
        make(&made, needy, 2, "rule c { condition: true }", "");
        refuse(&made.set, PN_FAULT_BUG, "libyara sees 4 rules, the parser 3");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_form_holds_its_rule_what_it_names_and_the_global_rules),
                cmocka_unit_test(every_form_says_what_the_whole_set_says),
                cmocka_unit_test(rules_that_see_more_in_one_block_are_marked),
                cmocka_unit_test(rules_of_an_included_file_are_in_the_namespace_of_the_other),
                cmocka_unit_test(what_libyara_refuses_is_told_in_its_words_with_file_and_line),
                cmocka_unit_test(an_error_in_an_included_file_names_that_file),
                cmocka_unit_test(a_set_without_a_test_rule_that_hits_is_refused),
                cmocka_unit_test(a_rule_that_fails_on_the_sample_spares_the_others),
                cmocka_unit_test(a_form_that_is_wrong_though_the_set_is_right_is_our_bug),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
