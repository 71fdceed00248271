/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/exact.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/view.h"
#include "scanner/engine/exact_state.h"
#include "scanner/engine/include_path.h"
#include "scanner/finding/sample.h"

#define SELFTEST_TIMEOUT_S 10 /* a set of rules that needs longer for 192 bytes is of no use on a node */

/* The first error of one file of rules. */
struct pn_exact_complaint {
        const struct pn_exact *exact;
        bool any;
        int line;
        const char *path; /* of the file, which may be an included one */
        char text[PN_ERR_TEXT_MAX];
        char include[PN_ERR_TEXT_MAX]; /* why the include was refused that libyara is about to complain of */
};

bool pn_exact_module_allowed(const char *module)
{
        static const char *const allowed[] = {"elf", "hash", "math", "time", "string", "pe"};

        for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
                if (strcmp(module, allowed[i]) == 0)
                        return true;
        return false;
}

/* OpenSSL must not read openssl.cnf when the module hash first uses it: that is after the jail has closed. */
int pn_exact_library_open(void)
{
        if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
                return -1;
        if (yr_initialize() != ERROR_SUCCESS)
                return -1;
        if (yr_set_configuration_uint32(YR_CONFIG_MAX_MATCH_DATA, PN_EVIDENCE_BYTES) == ERROR_SUCCESS)
                return 0;
        pn_exact_library_close();
        return -1;
}

void pn_exact_library_close(void)
{
        (void)yr_finalize();
}

int pn_exact_names_declare(YR_COMPILER *compiler)
{
        for (size_t i = 0; i < PN_NAMES; i++)
                if (yr_compiler_define_string_variable(compiler, pn_name_words[i],
                                                       i == PN_NAME_FILETYPE ? "ELF" : "") != ERROR_SUCCESS)
                        return -1;
        return 0;
}

/* ---------------------------------------------------------------- include */

static const struct pn_exact_source *find_source(const struct pn_exact *exact, const char *path)
{
        for (size_t i = 0; i < exact->source_count; i++)
                if (pn_include_path_is(path, exact->source[i].name))
                        return &exact->source[i];
        return NULL;
}

/* Why `source`, which `written` means, cannot be included at this depth; NULL when it can. What libyara would
 * refuse itself is refused before, because it leaks then. */
static const char *refusal(const struct pn_exact *exact, const struct pn_exact_source *source, int depth)
{
        if (!source)
                return "is not one of the files of rules";
        if (memchr(source->text, '\0', source->len))
                return "holds a NUL byte";
        for (int i = 0; i <= depth; i++)
                if (strcmp(exact->path[i], source->name) == 0)
                        return "includes itself";
        return depth < PN_EXACT_INCLUDES_MAX ? NULL : "is nested too deeply";
}

/* libyara hands over names as they are written, so the paths they mean are kept beside its stack. */
static const char *on_include(const char *written, const char *calling_file, const char *calling_namespace,
                              void *user_data)
{
        struct pn_exact *exact = user_data;
        struct pn_exact_complaint *complaint = exact->complaint;
        const int depth = exact->compiler->file_name_stack_ptr;
        const struct pn_exact_source *source = NULL;
        char path[PN_INCLUDE_PATH_MAX], *text;
        const char *why;

        (void)calling_file;
        (void)calling_namespace;
        if (pn_include_path(exact->path[depth], written, path))
                source = find_source(exact, path);
        why = refusal(exact, source, depth);
        if (why) {
                (void)snprintf(complaint->include, sizeof(complaint->include), "include \"%.*s\" %s",
                               PN_ERR_TEXT_MAX / 2, written, why);
                return NULL;
        }
        text = strndup(source->text, source->len);
        if (text)
                exact->path[depth + 1] = source->name;
        return text;
}

static void on_include_end(const char *text, void *user_data)
{
        (void)user_data;
        free((void *)(uintptr_t)text);
}

void pn_exact_set_sources(struct pn_exact *exact, const struct pn_exact_source *source, size_t count)
{
        exact->source = source;
        exact->source_count = count;
}

/* ---------------------------------------------------------------- a set of rules */

static int prepare(struct pn_exact *exact)
{
        if (pn_exact_library_open() < 0)
                return -1;
        exact->initialized = true;
        if (yr_compiler_create(&exact->compiler) != ERROR_SUCCESS)
                return -1;
        yr_compiler_set_include_callback(exact->compiler, on_include, on_include_end, exact);
        return pn_exact_names_declare(exact->compiler);
}

int pn_exact_new(struct pn_exact **ret, struct pn_err *err)
{
        struct pn_exact *exact = calloc(1, sizeof(*exact));

        if (!exact)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "prepare libyara");
        pn_blocks_init(&exact->blocks, PN_EXACT_BLOCK_BYTES, PN_EXACT_OVERLAP_BYTES);
        if (prepare(exact) < 0) {
                (void)pn_exact_free(exact);
                return pn_err_set(err, PN_FAULT_HOST, 0, "prepare libyara");
        }
        *ret = exact;
        return 0;
}

struct pn_exact *pn_exact_free(struct pn_exact *exact)
{
        if (!exact)
                return NULL;
        pn_exact_runner_close(&exact->runner);
        if (exact->compiler)
                yr_compiler_destroy(exact->compiler);
        if (exact->initialized)
                pn_exact_library_close();
        pn_blocks_clear(&exact->blocks);
        free(exact);
        return NULL;
}

void pn_exact_set_blocks(struct pn_exact *exact, uint32_t block_bytes, uint32_t overlap_bytes)
{
        pn_blocks_clear(&exact->blocks);
        pn_blocks_init(&exact->blocks, block_bytes, overlap_bytes);
}

const char *pn_exact_version(void)
{
        return YR_VERSION;
}

uint32_t pn_exact_rule_count(const struct pn_exact *exact)
{
        return exact->runner.rules ? exact->runner.rules->num_rules : 0;
}

static void on_complaint(int level, const char *file, int line, const YR_RULE *rule, const char *message,
                         void *user_data)
{
        struct pn_exact_complaint *first = user_data;
        const int depth = first->exact->compiler->file_name_stack_ptr;

        (void)file;
        (void)rule;
        if (level != YARA_ERROR_LEVEL_ERROR || first->any)
                return;
        first->any = true;
        first->line = line;
        first->path = first->exact->path[depth > PN_EXACT_INCLUDES_MAX ? 0 : depth];
        (void)snprintf(first->text, sizeof(first->text), "%s", first->include[0] ? first->include : message);
}

/* The line that imports `module`, for the message alone: a comment may fool it, the verdict does not come
 * from here. */
static int import_line(const char *source, size_t len, const char *module)
{
        const char *end = source + len, *at = source;

        for (int line = 1; at < end; line++) {
                const char *stop = memchr(at, '\n', (size_t)(end - at)) ?: end;
                const char *word = memmem(at, (size_t)(stop - at), "import", 6);

                if (word && memmem(word, (size_t)(stop - word), module, strlen(module)))
                        return line;
                at = stop + 1;
        }
        return 0;
}

/* The compiler has an object for every module that the source really imported, whatever stands in its
 * comments and strings; those without a namespace are the external variables. (yr_hash_table_iterate() of 4.2
 * crashes on these.) Returns the first module of this file that is not allowed, or NULL; `name` has room for
 * it. */
static const char *refused_module(const YR_COMPILER *compiler, const char *space, char name[PN_RULE_ID_MAX])
{
        const YR_HASH_TABLE *table = compiler->objects_table;

        for (int i = 0; i < table->size; i++) {
                for (const YR_HASH_TABLE_ENTRY *entry = table->buckets[i]; entry; entry = entry->next) {
                        size_t len =
                                entry->key_length < PN_RULE_ID_MAX ? entry->key_length : PN_RULE_ID_MAX - 1;

                        if (!entry->ns || strcmp(entry->ns, space) != 0)
                                continue;
                        memcpy(name, entry->key, len);
                        name[len] = '\0';
                        if (!pn_exact_module_allowed(name))
                                return name;
                }
        }
        return NULL;
}

/* The file is only for the message too: the first one where the module stands. */
static int refuse_import(const struct pn_exact *exact, const char *name, const char *source, size_t len,
                         const char *module, struct pn_err *err)
{
        int line = import_line(source, len, module);

        for (size_t i = 0; i < exact->source_count && line == 0; i++) {
                line = import_line(exact->source[i].text, exact->source[i].len, module);
                if (line > 0)
                        name = exact->source[i].name;
        }
        return pn_err_set(err, PN_FAULT_CONFIG, 0,
                          "%s:%d: module \"%s\" may not be imported (elf, hash, math, time, string, pe may)",
                          name, line, module);
}

static int check_imports(const struct pn_exact *exact, const char *name, const char *source, size_t len,
                         struct pn_err *err)
{
        char room[PN_RULE_ID_MAX];
        const char *refused = refused_module(exact->compiler, name, room);

        return refused ? refuse_import(exact, name, source, len, refused, err) : 0;
}

static int compile(struct pn_exact *exact, const char *name, const char *source, size_t len,
                   struct pn_err *err)
{
        struct pn_exact_complaint first = {.exact = exact, .path = name};
        YR_COMPILER *compiler = exact->compiler;
        char *text = malloc(len + 1);
        bool starved;
        int errors;

        if (!text)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "compile rules `%s`", name);
        memcpy(text, source, len);
        text[len] = '\0';
        exact->path[0] = name;
        exact->complaint = &first;
        yr_compiler_set_callback(compiler, on_complaint, &first);
        errno = 0;
        errors = yr_compiler_add_string(compiler, text, name);
        starved = errno == ENOMEM; /* libyara does not say so everywhere */
        yr_compiler_set_callback(compiler, NULL, NULL);
        exact->complaint = NULL;
        free(text);
        if (starved || compiler->last_error == ERROR_INSUFFICIENT_MEMORY)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "compile rules `%s`", name);
        if (errors == 0)
                return check_imports(exact, name, source, len, err);
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s:%d: %s", first.path, first.any ? first.line : 0,
                          first.any ? first.text : "libyara gives no reason");
}

int pn_exact_add(struct pn_exact *exact, const char *name, const char *source, size_t len, struct pn_err *err)
{
        const char *nul = memchr(source, '\0', len);
        int line = 1;

        if (!exact->compiler)
                return pn_err_set(err, PN_FAULT_BUG, 0, "rules `%s` come after the end of the set", name);
        for (const char *p = source; nul && p < nul; p++)
                line += *p == '\n';
        if (nul)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s:%d: a NUL byte in the rules", name, line);
        if (compile(exact, name, source, len, err) == 0)
                return 0;
        yr_compiler_destroy(exact->compiler); /* libyara asserts that nobody goes on after an error */
        exact->compiler = NULL;
        return -1;
}

static int on_selftest(void *ctx, const struct pn_finding *finding)
{
        bool *hit = ctx;

        *hit = *hit || strcmp(finding->rule, PN_TEST_RULE) == 0;
        return 0;
}

int pn_exact_sample_scan(struct pn_exact_runner *runner, struct pn_err *err)
{
        const struct pn_exact_limits limits = {YR_MAX_STRING_MATCHES, SELFTEST_TIMEOUT_S};
        uint8_t sample[PN_SAMPLE_BYTES];
        const struct pn_view view = {sample, sizeof(sample)};
        struct pn_object object;
        bool hit = false, matched = false;
        struct pn_exact_job job = {.file = &object, .limits = &limits, .sink = on_selftest, .ctx = &hit};
        uint64_t bytes = 0;

        pn_sample_fill(sample);
        pn_object_from_view(&object, &view);
        if (pn_exact_run(runner, &job, &matched, &bytes, err) < 0) {
                if (err && err->fault == PN_FAULT_TARGET)
                        err->fault = PN_FAULT_CONFIG; /* the sample is ours: the rules are at fault */
                return pn_err_wrap(err, "scan the built-in sample");
        }
        if (!hit)
                return pn_err_set(err, PN_FAULT_CONFIG, 0,
                                  "the test marker is not found by these rules "
                                  "(policy/rules/postern_test.yar missing?)");
        return 0;
}

/* ---------------------------------------------------------------- runners */

/* Also here a failed malloc(3) counts, whatever libyara makes of it. */
int pn_exact_runner_open(struct pn_exact_runner *runner, YR_RULES *rules, struct pn_blocks *blocks)
{
        *runner = (struct pn_exact_runner){.rules = rules, .blocks = blocks};
        errno = 0;
        runner->kept = calloc(rules->num_strings + 1UL, sizeof(*runner->kept));
        if (!runner->kept || yr_scanner_create(rules, &runner->scanner) != ERROR_SUCCESS || errno == ENOMEM)
                return -1;
        return 0;
}

void pn_exact_runner_close(struct pn_exact_runner *runner)
{
        if (runner->scanner)
                yr_scanner_destroy(runner->scanner);
        if (runner->rules)
                (void)yr_rules_destroy(runner->rules);
        free(runner->kept);
        *runner = (struct pn_exact_runner){0};
}

static int finish(struct pn_exact *exact)
{
        YR_RULES *rules = NULL;

        errno = 0;
        if (yr_compiler_get_rules(exact->compiler, &rules) != ERROR_SUCCESS)
                return -1;
        return pn_exact_runner_open(&exact->runner, rules, &exact->blocks) < 0 || errno == ENOMEM ? -1 : 0;
}

int pn_exact_end(struct pn_exact *exact, struct pn_err *err)
{
        int result;

        if (!exact->compiler)
                return pn_err_set(err, PN_FAULT_BUG, 0, "a set of rules with errors cannot be used");
        result = finish(exact);
        yr_compiler_destroy(exact->compiler);
        exact->compiler = NULL;
        if (result < 0)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "compile rules");
        if (exact->runner.rules->num_rules == 0)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "the set of rules is empty");
        return 0;
}

int pn_exact_ready(struct pn_exact *exact, struct pn_err *err)
{
        int result = pn_exact_end(exact, err);

        if (result == 0)
                result = pn_exact_sample_scan(&exact->runner, err);
        if (result < 0)
                pn_exact_runner_close(&exact->runner);
        return result;
}
