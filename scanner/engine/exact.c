/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/exact.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/view.h"
#include "scanner/engine/exact_state.h"
#include "scanner/finding/marker.h"

#define SELFTEST_HEAD_BYTES 64 /* an ELF header: the rule asks for one */
#define SELFTEST_TIMEOUT_S 10  /* a set of rules that needs longer for 192 bytes is of no use on a node */

/* The first error of one file of rules. */
struct complaint {
        bool any;
        int line;
        char text[PN_ERR_TEXT_MAX];
};

bool pn_exact_module_allowed(const char *module)
{
        static const char *const allowed[] = {"elf", "hash", "math", "time", "string"};

        for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
                if (strcmp(module, allowed[i]) == 0)
                        return true;
        return false;
}

/* OpenSSL must not read openssl.cnf when the module hash first uses it: that is after the jail has closed. */
static int prepare(struct pn_exact *exact)
{
        if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
                return -1;
        if (yr_initialize() != ERROR_SUCCESS)
                return -1;
        exact->initialized = true;
        if (yr_set_configuration_uint32(YR_CONFIG_MAX_MATCH_DATA, PN_EVIDENCE_BYTES) != ERROR_SUCCESS)
                return -1;
        if (yr_compiler_create(&exact->compiler) != ERROR_SUCCESS)
                return -1;
        yr_compiler_set_include_callback(exact->compiler, NULL, NULL, NULL);
        return 0;
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
        if (exact->scanner)
                yr_scanner_destroy(exact->scanner);
        if (exact->rules)
                (void)yr_rules_destroy(exact->rules);
        if (exact->compiler)
                yr_compiler_destroy(exact->compiler);
        if (exact->initialized)
                (void)yr_finalize();
        pn_blocks_clear(&exact->blocks);
        free(exact->kept);
        free(exact);
        return NULL;
}

void pn_exact_set_blocks(struct pn_exact *exact, uint32_t block_bytes, uint32_t overlap_bytes)
{
        pn_blocks_clear(&exact->blocks);
        pn_blocks_init(&exact->blocks, block_bytes, overlap_bytes);
}

uint32_t pn_exact_rule_count(const struct pn_exact *exact)
{
        return exact->rules ? exact->rules->num_rules : 0;
}

static void on_complaint(int level, const char *file, int line, const YR_RULE *rule, const char *message,
                         void *user_data)
{
        struct complaint *first = user_data;

        (void)file;
        (void)rule;
        if (level != YARA_ERROR_LEVEL_ERROR || first->any)
                return;
        first->any = true;
        first->line = line;
        (void)snprintf(first->text, sizeof(first->text), "%s", message);
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
 * comments and strings. `data` gets the first one that is not allowed. */
static int on_object(void *key, size_t key_length, void *value, void *data)
{
        char *refused = data, name[PN_RULE_ID_MAX] = "";

        (void)value;
        if (key_length >= sizeof(name))
                key_length = sizeof(name) - 1;
        memcpy(name, key, key_length);
        if (refused[0] == '\0' && !pn_exact_module_allowed(name))
                memcpy(refused, name, sizeof(name));
        return ERROR_SUCCESS;
}

static int check_imports(YR_COMPILER *compiler, const char *name, const char *source, size_t len,
                         struct pn_err *err)
{
        char refused[PN_RULE_ID_MAX] = "";

        if (yr_hash_table_iterate(compiler->objects_table, name, on_object, refused) != ERROR_SUCCESS)
                return pn_err_set(err, PN_FAULT_BUG, 0, "list the modules of `%s`", name);
        if (refused[0] == '\0')
                return 0;
        return pn_err_set(err, PN_FAULT_CONFIG, 0,
                          "%s:%d: module \"%s\" may not be imported (elf, hash, math, time, string may)",
                          name, import_line(source, len, refused), refused);
}

static int compile(YR_COMPILER *compiler, const char *name, const char *source, size_t len,
                   struct pn_err *err)
{
        struct complaint first = {0};
        char *text = malloc(len + 1);
        bool starved;
        int errors;

        if (!text)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "compile rules `%s`", name);
        memcpy(text, source, len);
        text[len] = '\0';
        yr_compiler_set_callback(compiler, on_complaint, &first);
        errno = 0;
        errors = yr_compiler_add_string(compiler, text, name);
        starved = errno == ENOMEM; /* libyara does not say so everywhere */
        yr_compiler_set_callback(compiler, NULL, NULL);
        free(text);
        if (starved || compiler->last_error == ERROR_INSUFFICIENT_MEMORY)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "compile rules `%s`", name);
        if (errors == 0)
                return check_imports(compiler, name, source, len, err);
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "%s:%d: %s", name, first.any ? first.line : 0,
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
        if (compile(exact->compiler, name, source, len, err) == 0)
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

/* The smallest ELF file that is true: a relocatable without sections, with the marker behind its header. */
static void fill_sample(uint8_t sample[SELFTEST_HEAD_BYTES + 2 * PN_MARKER_BYTES])
{
        static const uint8_t head[] = {0x7f, 'E', 'L', 'F', 2, 1, 1, 0,  0, 0, 0,
                                       0,    0,   0,   0,   0, 1, 0, 62, 0, 1};

        memset(sample, 0, SELFTEST_HEAD_BYTES + 2 * PN_MARKER_BYTES);
        memcpy(sample, head, sizeof(head));
        sample[52] = SELFTEST_HEAD_BYTES;
        pn_marker_fill((char *)sample + SELFTEST_HEAD_BYTES);
}

static int selftest(struct pn_exact *exact, struct pn_err *err)
{
        const struct pn_exact_limits limits = {YR_MAX_STRING_MATCHES, SELFTEST_TIMEOUT_S};
        uint8_t sample[SELFTEST_HEAD_BYTES + 2 * PN_MARKER_BYTES];
        const struct pn_view view = {sample, sizeof(sample)};
        struct pn_object object;
        uint64_t bytes = 0;
        bool hit = false;

        fill_sample(sample);
        pn_object_from_view(&object, &view);
        if (pn_exact_scan(exact, &object, &limits, on_selftest, &hit, &bytes, err) < 0) {
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

/* Also here a failed malloc(3) counts, whatever libyara makes of it. */
static int finish(struct pn_exact *exact)
{
        errno = 0;
        if (yr_compiler_get_rules(exact->compiler, &exact->rules) != ERROR_SUCCESS)
                return -1;
        exact->kept = calloc(exact->rules->num_strings + 1, sizeof(*exact->kept));
        if (!exact->kept || yr_scanner_create(exact->rules, &exact->scanner) != ERROR_SUCCESS)
                return -1;
        return errno == ENOMEM ? -1 : 0;
}

int pn_exact_ready(struct pn_exact *exact, struct pn_err *err)
{
        int result;

        if (!exact->compiler)
                return pn_err_set(err, PN_FAULT_BUG, 0, "a set of rules with errors cannot be used");
        result = finish(exact);
        yr_compiler_destroy(exact->compiler);
        exact->compiler = NULL;
        if (result < 0)
                result = pn_err_set(err, PN_FAULT_HOST, ENOMEM, "compile rules");
        else if (exact->rules->num_rules == 0)
                result = pn_err_set(err, PN_FAULT_CONFIG, 0, "the set of rules is empty");
        else
                result = selftest(exact, err);
        if (result < 0 && exact->scanner) {
                yr_scanner_destroy(exact->scanner);
                exact->scanner = NULL;
        }
        return result;
}
