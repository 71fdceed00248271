/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/exact_forms.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/fd.h"
#include "scanner/engine/digest.h"
#include "scanner/engine/exact_state.h"
#include "scanner/engine/exact_store.h"

#define STORE_BYTES_MAX (4ULL << 30)
#define MODULES_MAX 16

/* Bytes that grow; `failed` stays once memory has run out. */
struct bytes {
        uint8_t *data;
        size_t len, room;
        bool failed;
};

struct forms {
        const struct pn_yr_set *set;
        struct pn_digest *digest;
        uint32_t *mark;   /* for each rule: the last form it went into, plus one */
        uint32_t *member; /* of the form being made, in the set's order */
        uint32_t member_count;
        struct bytes source; /* of that form */
        struct bytes store;
        uint32_t number, sample;
};

static void add(struct bytes *bytes, const void *data, size_t len)
{
        if (bytes->failed || len > STORE_BYTES_MAX - bytes->len) {
                bytes->failed = true;
                return;
        }
        if (len > bytes->room - bytes->len) {
                size_t room = bytes->room ? bytes->room : 4096;
                uint8_t *more;

                while (room - bytes->len < len)
                        room *= 2;
                more = realloc(bytes->data, room);
                if (!more) {
                        bytes->failed = true;
                        return;
                }
                bytes->data = more;
                bytes->room = room;
        }
        if (len > 0)
                memcpy(bytes->data + bytes->len, data, len);
        bytes->len += len;
}

static void add_text(struct bytes *bytes, const char *text)
{
        add(bytes, text, strlen(text));
}

/* ---------------------------------------------------------------- the whole set, for its errors */

static int add_files(struct pn_exact *exact, const struct pn_yr_set *set, struct pn_err *err)
{
        for (uint32_t i = 0; i < set->file_count; i++) {
                const struct pn_yr_file *file = &set->file[i];

                if (!file->included && pn_exact_add(exact, file->name, file->source, file->len, err) < 0)
                        return -1;
        }
        return pn_exact_end(exact, err); /* without the sample: one rule that fails on the sample is that
                                            rule's error, later, and no other's */
}

static int check_set(const struct pn_yr_set *set, struct pn_err *err)
{
        struct pn_exact_source *source = calloc(set->file_count + 1UL, sizeof(*source));
        struct pn_exact *exact = NULL;
        int result = -1;

        for (uint32_t i = 0; source && i < set->file_count; i++)
                source[i] =
                        (struct pn_exact_source){set->file[i].name, set->file[i].source, set->file[i].len};
        if (!source)
                pn_err_fill(err, PN_FAULT_HOST, ENOMEM, "compile rules");
        else if (pn_exact_new(&exact, err) == 0) {
                pn_exact_set_sources(exact, source, set->file_count);
                result = add_files(exact, set, err);
        }
        /* the two count the same or they do not mean the same rules */
        if (result == 0 && pn_exact_rule_count(exact) != set->rule_count)
                result = pn_err_set(err, PN_FAULT_BUG, 0, "libyara sees %u rules, the parser %u",
                                    pn_exact_rule_count(exact), set->rule_count);
        (void)pn_exact_free(exact);
        free(source);
        return result;
}

/* ---------------------------------------------------------------- the source of one rule alone */

static int compare(const void *a, const void *b)
{
        uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

        return (left > right) - (left < right);
}

static void take(struct forms *forms, uint32_t rule)
{
        if (forms->mark[rule] == forms->number + 1)
                return;
        forms->mark[rule] = forms->number + 1;
        forms->member[forms->member_count++] = rule;
}

/* The rule, the global rules of its namespace, and what any of them names, in the order of the set: nothing
 * else can change what libyara says of it. */
static void take_members(struct forms *forms, const uint32_t *global, uint32_t global_count)
{
        const struct pn_yr_set *set = forms->set;

        forms->member_count = 0;
        take(forms, forms->number);
        for (uint32_t i = 0; i < global_count; i++)
                if (set->rule[global[i]].space == set->rule[forms->number].space)
                        take(forms, global[i]);
        for (uint32_t i = 0; i < forms->member_count; i++) {
                const struct pn_yr_rule *rule = &set->rule[forms->member[i]];

                for (uint32_t k = 0; k < rule->needs_count; k++)
                        take(forms, rule->needs[k]);
        }
        qsort(forms->member, forms->member_count, sizeof(*forms->member), compare);
}

static bool listed(const char *const *module, uint32_t count, const char *name)
{
        for (uint32_t i = 0; i < count; i++)
                if (strcmp(module[i], name) == 0)
                        return true;
        return false;
}

/* True when one of them looks at one block only. */
static bool write_imports(struct forms *forms)
{
        const char *module[MODULES_MAX];
        uint32_t count = 0;

        for (uint32_t i = 0; i < forms->member_count; i++) {
                const struct pn_yr_rule *rule = &forms->set->rule[forms->member[i]];

                for (uint32_t k = 0; k < rule->module_count && count < MODULES_MAX; k++)
                        if (!listed(module, count, rule->module[k]))
                                module[count++] = rule->module[k];
        }
        for (uint32_t i = 0; i < count; i++) {
                add_text(&forms->source, "import \"");
                add_text(&forms->source, module[i]);
                add_text(&forms->source, "\"\n");
        }
        return listed(module, count, "elf") || listed(module, count, "pe");
}

/* A comment with the word costs memory and no more. */
static bool write_rules(struct forms *forms)
{
        static const char word[] = "entrypoint";
        bool big = false;

        for (uint32_t i = 0; i < forms->member_count; i++) {
                const struct pn_yr_rule *rule = &forms->set->rule[forms->member[i]];
                const char *text = forms->set->file[rule->place.file].source + rule->begin;
                const size_t len = rule->end - rule->begin;

                big = big || memmem(text, len, word, sizeof(word) - 1);
                add(&forms->source, text, len);
                add_text(&forms->source, "\n");
        }
        add(&forms->source, "", 1);
        return big;
}

/* ---------------------------------------------------------------- its form */

/* Is there a string that may be longer than blocks overlap? Only libyara knows into which parts it has cut
 * one. */
static bool has_long_string(const YR_RULES *rules)
{
        for (uint32_t i = 0; i < rules->num_strings; i++) {
                int64_t gaps = 0;

                for (const YR_STRING *part = &rules->strings_table[i]; part && part->chained_to;
                     part = part->chained_to)
                        gaps += part->chain_gap_max;
                if (gaps > PN_EXACT_OVERLAP_BYTES / 2)
                        return true;
        }
        return false;
}

static size_t on_write(const void *ptr, size_t size, size_t count, void *user_data)
{
        struct bytes *bytes = user_data;

        add(bytes, ptr, size * count);
        return bytes->failed ? 0 : count;
}

static int no_memory(struct pn_err *err)
{
        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "compile rules one by one");
}

/* Fills in the entry of the form that begins at `from`. */
static int write_entry(struct forms *forms, size_t from, const YR_RULES *rules, bool big, struct pn_err *err)
{
        const size_t at = sizeof(struct pn_store_head) + forms->number * sizeof(struct pn_store_entry);
        struct pn_store_entry entry = {.offset = from, .length = forms->store.len - from};

        while (forms->member[entry.rule] != forms->number)
                entry.rule++;
        entry.flags = big || has_long_string(rules) ? PN_STORE_BIG : 0;
        if (pn_digest_start(forms->digest, err) < 0 ||
            pn_digest_add(forms->digest, forms->store.data + from, (size_t)entry.length, err) < 0 ||
            pn_digest_end(forms->digest, entry.sha256, err) < 0)
                return -1;
        memcpy(forms->store.data + at, &entry, sizeof(entry));
        return 0;
}

static int save(struct forms *forms, YR_RULES *rules, bool big, struct pn_err *err)
{
        const size_t from = forms->store.len;
        YR_STREAM stream = {.user_data = &forms->store, .write = on_write};
        int result = yr_rules_save_stream(rules, &stream);

        if (forms->store.failed || result == ERROR_INSUFFICIENT_MEMORY)
                return no_memory(err);
        if (result != ERROR_SUCCESS || rules->num_rules != forms->member_count)
                return pn_err_set(err, PN_FAULT_BUG, 0, "save rule `%s`: libyara error %d, %u rules of %u",
                                  forms->set->rule[forms->number].name, result, rules->num_rules,
                                  forms->member_count);
        return write_entry(forms, from, rules, big, err);
}

static void on_complaint(int level, const char *file, int line, const YR_RULE *rule, const char *message,
                         void *text)
{
        (void)file;
        (void)line;
        (void)rule;
        if (level == YARA_ERROR_LEVEL_ERROR && ((char *)text)[0] == '\0')
                (void)snprintf(text, PN_ERR_TEXT_MAX, "%s", message);
}

/* The set as a whole was right, so what libyara does not like now is ours. */
static int compile(struct forms *forms, YR_COMPILER *compiler, YR_RULES **ret, struct pn_err *err)
{
        const struct pn_yr_rule *rule = &forms->set->rule[forms->number];
        char text[PN_ERR_TEXT_MAX] = "";
        int errors;

        yr_compiler_set_include_callback(compiler, NULL, NULL, NULL);
        yr_compiler_set_callback(compiler, on_complaint, text);
        if (pn_exact_names_declare(compiler) < 0)
                return no_memory(err);
        errno = 0;
        errors = yr_compiler_add_string(compiler, (const char *)forms->source.data,
                                        forms->set->file[rule->space].name);
        if (errno == ENOMEM || compiler->last_error == ERROR_INSUFFICIENT_MEMORY)
                return no_memory(err);
        if (errors > 0)
                return pn_err_set(err, PN_FAULT_BUG, 0, "rule `%s` of %s alone: %s", rule->name,
                                  forms->set->file[rule->place.file].name, text[0] ? text : "no reason");
        if (yr_compiler_get_rules(compiler, ret) != ERROR_SUCCESS || errno == ENOMEM)
                return no_memory(err);
        return 0;
}

/* A node refuses a generation whose test rule misses the sample; better now. Takes `rules` over. */
static int try_sample(struct forms *forms, YR_RULES *rules, struct pn_err *err)
{
        struct pn_exact_runner runner;
        struct pn_blocks blocks;
        int result;

        pn_blocks_init(&blocks, PN_EXACT_BLOCK_BYTES, PN_EXACT_OVERLAP_BYTES);
        result = pn_exact_runner_open(&runner, rules, &blocks) < 0 ? no_memory(err) : 0;
        for (uint32_t i = 0; i < forms->member_count; i++)
                if (forms->member[i] == forms->number)
                        runner.only = &rules->rules_table[i];
        if (result == 0)
                result = pn_exact_sample_scan(&runner, err);
        pn_exact_runner_close(&runner);
        pn_blocks_clear(&blocks);
        return result;
}

static int make_form(struct forms *forms, const uint32_t *global, uint32_t global_count, struct pn_err *err)
{
        YR_COMPILER *compiler = NULL;
        YR_RULES *rules = NULL;
        bool big;
        int result;

        take_members(forms, global, global_count);
        forms->source.len = 0;
        big = write_imports(forms);
        big = write_rules(forms) || big;
        if (forms->source.failed || yr_compiler_create(&compiler) != ERROR_SUCCESS)
                return no_memory(err);
        result = compile(forms, compiler, &rules, err);
        if (result == 0)
                result = save(forms, rules, big, err);
        if (result == 0 && forms->number == forms->sample)
                result = try_sample(forms, rules, err);
        else if (rules)
                (void)yr_rules_destroy(rules);
        yr_compiler_destroy(compiler);
        return result;
}

/* ---------------------------------------------------------------- the store */

static bool is_test_rule(const struct pn_yr_rule *rule)
{
        for (uint32_t i = 0; i < rule->meta_count; i++)
                if (rule->meta[i].kind == PN_YR_META_TEXT && strcmp(rule->meta[i].name, "id") == 0 &&
                    strcmp((const char *)rule->meta[i].text.data, PN_TEST_RULE) == 0)
                        return true;
        return false;
}

static int write_head(struct forms *forms, struct pn_err *err)
{
        struct pn_store_head head = {PN_STORE_MAGIC, PN_STORE_VERSION, .count = forms->set->rule_count};
        static const struct pn_store_entry none;

        while (head.sample < head.count && !is_test_rule(&forms->set->rule[head.sample]))
                head.sample++;
        if (head.sample == head.count)
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "no rule has the id %s (policy/rules/postern_test.yar missing?)",
                                  PN_TEST_RULE);
        forms->sample = head.sample;
        add(&forms->store, &head, sizeof(head));
        for (uint32_t i = 0; i < head.count; i++)
                add(&forms->store, &none, sizeof(none));
        return forms->store.failed ? no_memory(err) : 0;
}

static int make_all(struct forms *forms, struct pn_err *err)
{
        const struct pn_yr_set *set = forms->set;
        pn_autofree uint32_t *global = calloc(set->rule_count + 1UL, sizeof(*global));
        uint32_t global_count = 0;

        if (!global || !forms->mark || !forms->member)
                return no_memory(err);
        for (uint32_t i = 0; i < set->rule_count; i++)
                if (set->rule[i].flags & PN_YR_RULE_GLOBAL)
                        global[global_count++] = i;
        if (write_head(forms, err) < 0)
                return -1;
        for (forms->number = 0; forms->number < set->rule_count; forms->number++)
                if (make_form(forms, global, global_count, err) < 0)
                        return -1;
        return 0;
}

int pn_exact_forms(const struct pn_yr_set *set, uint8_t **ret, size_t *ret_len, size_t *ret_head,
                   struct pn_err *err)
{
        struct forms forms = {.set = set};
        int result;

        if (check_set(set, err) < 0)
                return -1;
        if (pn_exact_library_open() < 0)
                return pn_err_set(err, PN_FAULT_HOST, 0, "prepare libyara");
        forms.mark = calloc(set->rule_count + 1UL, sizeof(*forms.mark));
        forms.member = calloc(set->rule_count + 1UL, sizeof(*forms.member));
        result = pn_digest_new(&forms.digest, err);
        if (result == 0)
                result = make_all(&forms, err);
        if (result == 0) {
                *ret_len = forms.store.len;
                *ret_head = sizeof(struct pn_store_head) + set->rule_count * sizeof(struct pn_store_entry);
                *ret = forms.store.data;
                forms.store.data = NULL;
        }
        (void)pn_digest_free(forms.digest);
        pn_exact_library_close();
        free(forms.store.data);
        free(forms.source.data);
        free(forms.member);
        free(forms.mark);
        return result;
}
