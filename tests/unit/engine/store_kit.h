/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_STORE_KIT_H
#define PN_TEST_STORE_KIT_H

/* Stores of rules in memory, made without the compiler of postern. Include after cmocka. */

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <yara.h>

#include "scanner/engine/exact_store.h"
#include "scanner/engine/names.h"
#include "scanner/finding/marker.h"

#define STORE_FORMS_MAX 16

/* One form: its source, the name of the rule that counts, flags of its entry. */
struct form_row {
        const char *source, *rule;
        uint32_t flags;
};

struct made {
        uint8_t bytes[1 << 20];
        size_t len, head;
        uint8_t sha256[32];
};

static inline size_t made_write(const void *ptr, size_t size, size_t count, void *user_data)
{
        struct made *made = user_data;

        assert_true(size * count <= sizeof(made->bytes) - made->len);
        memcpy(made->bytes + made->len, ptr, size * count);
        made->len += size * count;
        return count;
}

static inline void made_complaint(int level, const char *file, int line, const YR_RULE *rule,
                                  const char *message, void *user_data)
{
        (void)level;
        (void)file;
        (void)rule;
        (void)user_data;
        (void)fprintf(stderr, "line %d: %s\n", line, message);
}

/* Compiles one form behind what is there; returns the number of the rule in it. */
static inline uint32_t made_form(struct made *made, const struct form_row *row)
{
        YR_STREAM stream = {.user_data = made, .write = made_write};
        YR_COMPILER *compiler = NULL;
        YR_RULES *rules = NULL;
        uint32_t number = UINT32_MAX;

        assert_int_equal(yr_compiler_create(&compiler), ERROR_SUCCESS);
        yr_compiler_set_callback(compiler, made_complaint, NULL);
        for (size_t i = 0; i < PN_NAMES; i++)
                assert_int_equal(yr_compiler_define_string_variable(compiler, pn_name_words[i], ""),
                                 ERROR_SUCCESS);
        assert_int_equal(yr_compiler_add_string(compiler, row->source, "t.yar"), 0);
        assert_int_equal(yr_compiler_get_rules(compiler, &rules), ERROR_SUCCESS);
        for (uint32_t i = 0; i < rules->num_rules; i++)
                if (strcmp(rules->rules_table[i].identifier, row->rule) == 0)
                        number = i;
        assert_int_equal(yr_rules_save_stream(rules, &stream), ERROR_SUCCESS);
        (void)yr_rules_destroy(rules);
        yr_compiler_destroy(compiler);
        return number;
}

/* Writes the digests of the entries' forms and of the head anew. */
static inline void made_seal(struct made *made)
{
        (void)SHA256(made->bytes, made->head, made->sha256);
}

static inline void made_store(struct made *made, const struct form_row *rows, uint32_t count)
{
        struct pn_store_head head = {PN_STORE_MAGIC, PN_STORE_VERSION, .count = count};
        struct pn_store_entry entry[STORE_FORMS_MAX] = {0};

        assert_true(count <= STORE_FORMS_MAX);
        assert_int_equal(yr_initialize(), ERROR_SUCCESS);
        made->len = made->head = sizeof(head) + count * sizeof(entry[0]);
        for (uint32_t i = 0; i < count; i++) {
                entry[i].offset = made->len;
                entry[i].rule = made_form(made, &rows[i]);
                entry[i].flags = rows[i].flags;
                entry[i].length = made->len - entry[i].offset;
                (void)SHA256(made->bytes + entry[i].offset, (size_t)entry[i].length, entry[i].sha256);
                if (strcmp(rows[i].rule, "marker") == 0)
                        head.sample = i;
        }
        memcpy(made->bytes, &head, sizeof(head));
        memcpy(made->bytes + sizeof(head), entry, count * sizeof(entry[0]));
        made_seal(made);
        (void)yr_finalize();
}

static inline int made_fd(const struct made *made)
{
        int fd = memfd_create("store", MFD_CLOEXEC);

        assert_true(fd >= 0);
        assert_int_equal(pwrite(fd, made->bytes, made->len, 0), (ssize_t)made->len);
        return fd;
}

/* The form of the test rule; made here, so that this program does not hold the marker. */
static inline struct form_row marker_row(void)
{
        static char source[512];
        char marker[PN_MARKER_BYTES];

        pn_marker_fill(marker);
        (void)snprintf(source, sizeof(source),
                       "rule marker { meta: id = \"%s\" strings: $m = \"%.*s\" condition: $m }", PN_TEST_RULE,
                       PN_MARKER_BYTES, marker);
        return (struct form_row){source, "marker", 0};
}

#endif
