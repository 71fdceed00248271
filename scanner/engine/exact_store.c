/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/exact_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scanner/base/fd.h"
#include "scanner/engine/digest.h"
#include "scanner/engine/exact_state.h"

#define BLOCK_BYTES (16U << 20) /* keeps the process below 32 MiB; rules for which an edge matters are big   \
                                 */
#define BLOCK_BYTES_BIG (128U << 20) /* a quarter of the parser's address space */
#define FORMS_MAX (1U << 18)         /* rules of one set (PN_YR_RULES_MAX) */
#define FORM_BYTES_MAX (64U << 20)   /* ten thousand times the usual */

struct pn_store {
        struct pn_digest *digest;
        struct pn_blocks blocks;
        bool initialized;
        int fd;
        struct pn_store_head head;
        struct pn_store_entry *entry;
};

/* ---------------------------------------------------------------- opening */

int pn_store_new(struct pn_store **ret, struct pn_err *err)
{
        struct pn_store *store = calloc(1, sizeof(*store));

        if (!store)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "prepare the store of rules");
        store->fd = -1;
        pn_blocks_init(&store->blocks, BLOCK_BYTES, PN_EXACT_OVERLAP_BYTES);
        store->initialized = pn_exact_library_open() == 0;
        if (!store->initialized)
                pn_err_fill(err, PN_FAULT_HOST, 0, "prepare libyara");
        if (!store->initialized || pn_digest_new(&store->digest, err) < 0) {
                (void)pn_store_free(store);
                return -1;
        }
        *ret = store;
        return 0;
}

struct pn_store *pn_store_free(struct pn_store *store)
{
        if (!store)
                return NULL;
        pn_blocks_clear(&store->blocks);
        (void)pn_digest_free(store->digest);
        if (store->initialized)
                pn_exact_library_close();
        free(store->entry);
        free(store);
        return NULL;
}

uint32_t pn_store_count(const struct pn_store *store)
{
        return store->entry ? store->head.count : 0;
}

static int read_all(int fd, void *buf, size_t len, uint64_t offset, struct pn_err *err)
{
        ssize_t n = pn_fd_pread_full(fd, buf, len, offset);

        if (n < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read the store of rules");
        if ((size_t)n < len)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "the store of rules ends at %llu",
                                  (unsigned long long)(offset + (uint64_t)n));
        return 0;
}

static int check_head(const struct pn_store_head *head, struct pn_err *err)
{
        if (head->magic != PN_STORE_MAGIC || head->version != PN_STORE_VERSION)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "not a store of rules of version %u",
                                  PN_STORE_VERSION);
        if (head->count == 0 || head->count > FORMS_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "the store of rules has %u forms", head->count);
        if (head->sample >= head->count)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "the store's test rule %u is not one of %u",
                                  head->sample, head->count);
        return 0;
}

static int check_entry(const struct pn_store_entry *entry, uint32_t number, uint64_t from, uint64_t size,
                       struct pn_err *err)
{
        if (entry->offset < from || entry->offset > size || size - entry->offset < entry->length)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "form %u lies outside the store of rules", number);
        if (entry->length == 0 || entry->length > FORM_BYTES_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "form %u of the store has %llu bytes", number,
                                  (unsigned long long)entry->length);
        if (entry->flags & ~PN_STORE_BIG)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "form %u of the store has flags 0x%x", number,
                                  entry->flags);
        return 0;
}

static int check_digest(struct pn_store *store, const void *first, size_t first_len, const void *rest,
                        size_t rest_len, const uint8_t want[32], struct pn_err *err)
{
        uint8_t got[PN_DIGEST_BYTES];

        if (pn_digest_start(store->digest, err) < 0 ||
            pn_digest_add(store->digest, first, first_len, err) < 0 ||
            pn_digest_add(store->digest, rest, rest_len, err) < 0 ||
            pn_digest_end(store->digest, got, err) < 0)
                return -1;
        if (memcmp(got, want, sizeof(got)) != 0)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "the digest is not the one that was written down");
        return 0;
}

static int load_entries(struct pn_store *store, int fd, uint64_t size, const uint8_t sha256[32],
                        struct pn_err *err)
{
        const size_t len = store->head.count * sizeof(*store->entry);

        store->entry = malloc(len);
        if (!store->entry)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "open the store of rules");
        if (read_all(fd, store->entry, len, sizeof(store->head), err) < 0)
                return -1;
        if (check_digest(store, &store->head, sizeof(store->head), store->entry, len, sha256, err) < 0)
                return pn_err_wrap(err, "the store of rules");
        for (uint32_t i = 0; i < store->head.count; i++)
                if (check_entry(&store->entry[i], i, sizeof(store->head) + len, size, err) < 0)
                        return -1;
        return 0;
}

int pn_store_open(struct pn_store *store, int fd, const uint8_t sha256[32], struct pn_err *err)
{
        struct stat st;

        free(store->entry);
        store->entry = NULL;
        store->fd = -1;
        if (fstat(fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "look at the store of rules");
        if (read_all(fd, &store->head, sizeof(store->head), 0, err) < 0 || check_head(&store->head, err) < 0)
                return -1;
        if (load_entries(store, fd, (uint64_t)st.st_size, sha256, err) < 0) {
                free(store->entry);
                store->entry = NULL;
                return -1;
        }
        store->fd = fd;
        return 0;
}

/* ---------------------------------------------------------------- one form */

/* Bytes whose digest was right, and how far libyara has read them. */
struct form {
        uint8_t *bytes;
        size_t len, at;
};

static size_t on_read(void *ptr, size_t size, size_t count, void *user_data)
{
        struct form *form = user_data;

        if (size == 0 || count > (form->len - form->at) / size)
                return 0;
        memcpy(ptr, form->bytes + form->at, size * count);
        form->at += size * count;
        return count;
}

/* What comes of it is the caller's, also after an error. */
static int read_form(struct pn_store *store, const struct pn_store_entry *entry, struct form *form,
                     struct pn_err *err)
{
        form->len = (size_t)entry->length;
        form->bytes = malloc(form->len);
        if (!form->bytes)
                return pn_err_set(err, PN_FAULT_BUDGET, ENOMEM, "load a rule");
        if (read_all(store->fd, form->bytes, form->len, entry->offset, err) < 0)
                return -1;
        return check_digest(store, form->bytes, form->len, NULL, 0, entry->sha256, err);
}

static int load(struct form *form, YR_RULES **ret, struct pn_err *err)
{
        YR_STREAM stream = {.user_data = form, .read = on_read};
        int result = yr_rules_load_stream(&stream, ret);

        if (result == ERROR_INSUFFICIENT_MEMORY)
                return pn_err_set(err, PN_FAULT_BUDGET, 0, "not enough memory to load it");
        if (result != ERROR_SUCCESS)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "libyara does not load it (libyara error %d)",
                                  result);
        return 0;
}

/* Opens `runner` on form `number`; it is the caller's to close, also after an error. */
static int open_runner(struct pn_store *store, uint32_t number, struct pn_exact_runner *runner,
                       struct pn_err *err)
{
        const struct pn_store_entry *entry = &store->entry[number];
        struct form form = {0};
        YR_RULES *rules = NULL;
        int result = read_form(store, entry, &form, err);

        if (result == 0)
                result = load(&form, &rules, err);
        free(form.bytes);
        if (result < 0)
                return -1;
        if (pn_exact_runner_open(runner, rules, &store->blocks) < 0)
                return pn_err_set(err, PN_FAULT_BUDGET, 0, "not enough memory to load it");
        if (entry->rule >= rules->num_rules)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "rule %u of %u", entry->rule, rules->num_rules);
        runner->only = &rules->rules_table[entry->rule];
        store->blocks.block_bytes = entry->flags & PN_STORE_BIG ? BLOCK_BYTES_BIG : BLOCK_BYTES;
        return 0;
}

/* What a big block took is given back: the next one may be months away. */
static void close_runner(struct pn_store *store, struct pn_exact_runner *runner)
{
        pn_exact_runner_close(runner);
        if (store->blocks.block_bytes == BLOCK_BYTES)
                return;
        pn_blocks_clear(&store->blocks);
        pn_blocks_init(&store->blocks, BLOCK_BYTES, PN_EXACT_OVERLAP_BYTES);
}

static int check_number(const struct pn_store *store, uint32_t number, struct pn_err *err)
{
        if (number < pn_store_count(store))
                return 0;
        return pn_err_set(err, PN_FAULT_BUG, 0, "rule %u of a store of %u", number, pn_store_count(store));
}

int pn_store_scan(struct pn_store *store, uint32_t number, const struct pn_object *file,
                  const struct pn_names *names, const struct pn_exact_limits *limits, pn_exact_sink *sink,
                  void *ctx, bool *ret_matched, uint64_t *ret_bytes, struct pn_err *err)
{
        const struct pn_exact_job job = {file, names, limits, sink, ctx};
        struct pn_exact_runner runner = {0};
        int result;

        if (check_number(store, number, err) < 0)
                return -1;
        if (open_runner(store, number, &runner, err) < 0) {
                close_runner(store, &runner);
                return pn_err_wrap(err, "form %u of the store of rules", number);
        }
        result = pn_exact_run(&runner, &job, ret_matched, ret_bytes, err);
        if (result < 0 && err && err->fault != PN_FAULT_HOST && strncmp(err->text, "rule `", 6) != 0)
                pn_err_prefix(err, "rule `%s`", runner.only->identifier);
        close_runner(store, &runner);
        return result;
}

int pn_store_selftest(struct pn_store *store, struct pn_err *err)
{
        struct pn_exact_runner runner = {0};
        int result;

        if (check_number(store, store->head.sample, err) < 0)
                return -1;
        result = open_runner(store, store->head.sample, &runner, err);
        if (result == 0)
                result = pn_exact_sample_scan(&runner, err);
        close_runner(store, &runner);
        return result < 0 ? pn_err_wrap(err, "test rule of the store of rules") : 0;
}
