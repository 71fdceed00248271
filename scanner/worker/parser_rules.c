/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/worker/parser.h"

#define IDS_MAX 4096U /* rules that match one file and are compared; more than that is an issue itself */

/* One file being decided. */
struct decide {
        struct pn_worker *worker;
        const struct pn_parser_file *file;
        struct pn_err *err;         /* of the sinks, which libyara's callback cannot return */
        char (*id)[PN_RULE_ID_MAX]; /* rules that the sieve and libyara one by one say match; NULL: nobody
                                       compares */
        size_t id_count;
        bool certain; /* the pair at hand: its finding was told by the raw matcher */
        bool failed;  /* a rule of this file has no answer: nothing to compare */
        bool *met;    /* which of `id` the whole set has found too */
};

/* CONFIG: a form in the store is not what was compiled, whatever the file holds. */
static enum pn_issue_class issue_of(const struct pn_err *err)
{
        if (err->fault == PN_FAULT_CONFIG)
                return PN_ISSUE_NODE;
        return err->fault == PN_FAULT_BUDGET ? PN_ISSUE_LIMIT : PN_ISSUE_CONTENT;
}

static int tell_issue(struct decide *decide, const struct pn_err *why)
{
        decide->failed = true;
        return pn_worker_tell_issue(decide->worker, issue_of(why), decide->file->object, why->text, NULL,
                                    decide->err);
}

static int tell_finding(struct decide *decide, const struct pn_finding *finding)
{
        pn_msg_begin(&decide->worker->out, PN_MSG_FINDING, 0, decide->file->object);
        pn_msg_finding(&decide->worker->out, finding);
        return pn_worker_tell(decide->worker, decide->err);
}

static struct pn_exact_limits limits_of(const struct pn_worker *worker)
{
        return (struct pn_exact_limits){.matches = worker->limits.matches,
                                        .timeout_s = pn_clock_left_ms(worker->deadline_ms) / 1000 + 1};
}

/* ---------------------------------------------------------------- one by one */

static int on_single(void *ctx, const struct pn_finding *finding)
{
        struct decide *decide = ctx;

        if (decide->id && decide->id_count < IDS_MAX)
                memcpy(decide->id[decide->id_count++], finding->rule, PN_RULE_ID_MAX);
        return decide->certain ? 0 : tell_finding(decide, finding);
}

static int decide_pair(struct decide *decide, struct pn_store *store, uint32_t pair, uint64_t *read)
{
        const struct pn_exact_limits limits = limits_of(decide->worker);
        struct pn_err why = PN_ERR_INIT;
        uint64_t bytes = 0;
        bool matched = false;
        int ret;

        decide->certain = (pair & PN_PAIR_CERTAIN) != 0;
        ret = pn_store_scan(store, pair & ~PN_PAIR_CERTAIN, decide->file->file, decide->file->names, &limits,
                            on_single, decide, &matched, &bytes, &why);
        *read += bytes;
        if (ret < 0)
                return tell_issue(decide, &why);
        if (matched || !decide->certain)
                return 0;
        pn_err_fill(&why, PN_FAULT_TARGET, 0, "rule number %u: the sieve is certain of it, libyara says no",
                    pair & ~PN_PAIR_CERTAIN);
        return tell_issue(decide, &why);
}

/* Of those that are certain libyara is asked about the first: a file full of what is known to be bad is told
 * by the raw matcher and must not take libyara's time rule by rule. Where all is compared, about all. */
static int decide_pairs(struct decide *decide, struct pn_store *store, uint64_t *read)
{
        bool asked = false;

        for (size_t i = 0; i < decide->file->pair_count; i++) {
                const bool certain = (decide->file->pair[i] & PN_PAIR_CERTAIN) != 0;

                if (certain && asked && !decide->id)
                        continue;
                asked = asked || certain;
                if (decide_pair(decide, store, decide->file->pair[i], read) < 0)
                        return -1;
        }
        return 0;
}

/* ---------------------------------------------------------------- the whole set */

/* Without a generation what it finds is told; beside one it is compared with what the sieve and libyara one
 * by one say. */
static int on_all(void *ctx, const struct pn_finding *finding)
{
        struct decide *decide = ctx;
        struct pn_err why = PN_ERR_INIT;

        if (!decide->id)
                return tell_finding(decide, finding);
        for (size_t i = 0; i < decide->id_count; i++)
                if (strcmp(decide->id[i], finding->rule) == 0) {
                        decide->met[i] = true;
                        return 0;
                }
        pn_err_fill(&why, PN_FAULT_TARGET, 0, "verify: rule %s matches and the sieve has lost it",
                    finding->rule);
        return tell_finding(decide, finding) < 0 ? -1 : tell_issue(decide, &why);
}

static int tell_extra(struct decide *decide)
{
        for (size_t i = 0; i < decide->id_count; i++) {
                struct pn_err why = PN_ERR_INIT;
                bool met = false;

                for (size_t k = 0; k < decide->id_count; k++) /* several rules may share an id */
                        met = met || (decide->met[k] && strcmp(decide->id[i], decide->id[k]) == 0);
                if (met)
                        continue;
                pn_err_fill(&why, PN_FAULT_TARGET, 0, "verify: rule %s alone matches, the whole set says no",
                            decide->id[i]);
                if (tell_issue(decide, &why) < 0)
                        return -1;
        }
        return 0;
}

static int decide_all(struct decide *decide, struct pn_exact *all, uint64_t *read)
{
        const struct pn_exact_limits limits = limits_of(decide->worker);
        struct pn_err why = PN_ERR_INIT;
        uint64_t bytes = 0;
        int ret = pn_exact_scan(all, decide->file->file, decide->file->names, &limits, on_all, decide, &bytes,
                                &why);

        *read += bytes;
        if (ret < 0)
                return tell_issue(decide, &why);
        return decide->id && !decide->failed ? tell_extra(decide) : 0;
}

int pn_parser_rules_decide(struct pn_worker *worker, const struct pn_parser_rules *rules,
                           const struct pn_parser_file *file, uint64_t *ret_read, struct pn_err *err)
{
        struct decide decide = {.worker = worker, .file = file, .err = err};
        pn_autofree void *ids = NULL;
        pn_autofree bool *met = NULL;

        *ret_read = 0;
        if (file->name_cut && rules->asks_names && !rules->store && /* else the raw matcher has told it */
            pn_worker_tell_issue(worker, PN_ISSUE_LIMIT, file->object, PN_WORKER_NAME_CUT, NULL, err) < 0)
                return -1;
        if (rules->store && rules->all) {
                decide.id = ids = calloc(IDS_MAX, PN_RULE_ID_MAX);
                decide.met = met = calloc(IDS_MAX, sizeof(*met));
                if (!ids || !met)
                        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "compare what matches");
        }
        if (rules->store && decide_pairs(&decide, rules->store, ret_read) < 0)
                return -1;
        return rules->all ? decide_all(&decide, rules->all, ret_read) : 0;
}

/* ---------------------------------------------------------------- loading */

int pn_parser_rules_prepare(const struct pn_worker *worker, struct pn_parser_rules *ret, struct pn_err *err)
{
        if (worker->part[PN_PART_KIND_EXACT].fd >= 0 && pn_store_new(&ret->store, err) < 0)
                return -1;
        if (worker->rules_fd >= 0 && pn_exact_new(&ret->all, err) < 0)
                return -1;
        return ret->store || ret->all ? 0 : pn_err_set(err, PN_FAULT_CONFIG, 0, "no rules");
}

/* Splits the memory that the supervisor filled into its files. */
static int split(const struct pn_worker *worker, struct pn_view memory, struct pn_exact_source *source,
                 char **names, struct pn_err *err)
{
        struct pn_msg_in in = {.type = PN_MSG_RULES, .body = memory};

        for (uint64_t i = 0; i < worker->rules_files && !in.bad; i++) {
                struct pn_view name = pn_msg_get_bytes(&in, 4096), text = pn_msg_get_bytes(&in, UINT32_MAX);

                if (in.bad)
                        break;
                names[i] = strndup((const char *)name.data, name.len);
                if (!names[i])
                        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read the rules");
                source[i] = (struct pn_exact_source){names[i], (const char *)text.data, text.len};
        }
        return pn_msg_done(&in, err);
}

/* May a rule ask about the name of a file? A comment may say yes, nothing can say no. */
static bool asks_names(const struct pn_exact_source *source, size_t count)
{
        for (size_t i = 0; i < count; i++)
                for (unsigned k = 0; k < PN_NAMES && source[i].text; k++)
                        if (k != PN_NAME_FILETYPE &&
                            memmem(source[i].text, source[i].len, pn_name_words[k], strlen(pn_name_words[k])))
                                return true;
        return false;
}

static int compile_sources(struct pn_exact *all, const struct pn_exact_source *source, size_t count,
                           struct pn_err *err)
{
        pn_exact_set_sources(all, source, count);
        for (size_t i = 0; i < count; i++)
                if (!pn_exact_is_included(source, count, i) &&
                    pn_exact_add(all, source[i].name, source[i].text, source[i].len, err) < 0)
                        return -1;
        return pn_exact_ready(all, err);
}

/* Compiles every file of rules; behind the jail, because a rule is content too. */
static int compile(struct pn_worker *worker, struct pn_parser_rules *rules, struct pn_err *err)
{
        const size_t count = worker->rules_files;
        struct stat st;
        pn_autofree uint8_t *data = NULL;
        pn_autofree struct pn_exact_source *source = NULL;
        char **names;
        int ret = -1;

        if (fstat(worker->rules_fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "read the rules");
        if (count > (uint64_t)st.st_size / 8)
                return pn_err_set(err, PN_FAULT_BUG, 0, "fewer rules than were announced");
        data = malloc((size_t)st.st_size + 1);
        source = calloc(count + 1, sizeof(*source));
        names = calloc(count + 1, sizeof(*names));
        if (!names)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "read the rules");
        if (!data || !source || pn_fd_pread_full(worker->rules_fd, data, (size_t)st.st_size, 0) != st.st_size)
                pn_err_fill(err, PN_FAULT_HOST, errno, "read the rules");
        else if (split(worker, (struct pn_view){data, (size_t)st.st_size}, source, names, err) == 0) {
                rules->asks_names = asks_names(source, count);
                ret = compile_sources(rules->all, source, count, err);
        }
        for (size_t i = 0; i < count; i++)
                free(names[i]);
        free(names);
        return ret;
}

int pn_parser_rules_load(struct pn_worker *worker, struct pn_parser_rules *rules, struct pn_err *err)
{
        const struct pn_worker_part *exact = &worker->part[PN_PART_KIND_EXACT];

        if (rules->store && (pn_store_open(rules->store, exact->fd, exact->sha256, err) < 0 ||
                             pn_store_selftest(rules->store, err) < 0))
                return pn_err_wrap(err, "exact.store");
        return rules->all ? compile(worker, rules, err) : 0;
}

void pn_parser_rules_clear(struct pn_parser_rules *rules)
{
        (void)pn_store_free(rules->store);
        (void)pn_exact_free(rules->all);
        *rules = (struct pn_parser_rules){0};
}
