/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/exact_state.h"

#include <errno.h>
#include <string.h>

#include "scanner/base/clock.h"

#define CLOCK_EVERY                                                                                          \
        4096 /* blocks walked over between two looks at the clock; each costs some nanoseconds               \
              */

/* One call of pn_exact_run(). */
struct scan {
        struct pn_exact_runner *runner;
        const struct pn_exact_job *job;
        int64_t deadline_ms;
        bool finished; /* libyara has evaluated every condition */
        bool matched;  /* the only rule that counts */
        bool looking;  /* it still looks for strings, block by block */
        unsigned steps;
        struct pn_block *block;
        YR_MEMORY_BLOCK yara_block;
        struct pn_err first; /* PN_FAULT_NONE while there is no error */
};

/* For what libyara cannot report through its own result: the first one counts. */
static struct pn_err *complain(struct scan *scan)
{
        static struct pn_err *const heard_enough = NULL;

        return scan->first.fault == PN_FAULT_NONE ? &scan->first : heard_enough;
}

static void complain_io(struct scan *scan, const char *what)
{
        int code = errno;

        if (code == ENOMEM)
                (void)pn_err_set(complain(scan), PN_FAULT_BUDGET, code, "%s", what);
        else
                (void)pn_err_set(complain(scan), PN_FAULT_HOST, code ? code : EIO, "%s", what);
}

/* A module that gets no memory says "undefined", and the rule says no. But malloc(3) has left ENOMEM in
 * errno, and nothing that libyara calls while it scans takes it away: so it is looked at whenever we are
 * called, and cleared whenever we return. */
static void look_for_failed_malloc(struct scan *scan)
{
        if (errno == ENOMEM)
                (void)pn_err_set(complain(scan), PN_FAULT_BUDGET, 0, "not enough memory for the rules");
}

/* libyara looks at its own clock often, but not while a module eats the zeros of a large hole. */
static bool late(struct scan *scan)
{
        if (pn_clock_now_ms() < scan->deadline_ms)
                return false;
        (void)pn_err_set(complain(scan), PN_FAULT_BUDGET, 0, "rules took longer than %d s",
                         scan->job->limits->timeout_s);
        return true;
}

/* ---------------------------------------------------------------- matches across blocks */

static void link_match(YR_MATCH *packed, YR_MATCH *prev, YR_MATCH *next)
{
        YR_MATCH match = pn_exact_match(packed);

        match.prev = prev;
        match.next = next;
        memcpy(packed, &match, sizeof(match));
}

static void append(YR_MATCHES *list, YR_MATCH *packed)
{
        YR_MATCH *tail = list->tail;

        if (tail)
                link_match(tail, pn_exact_match(tail).prev, packed);
        else
                list->head = packed;
        link_match(packed, tail, NULL);
        list->tail = packed;
        list->count++;
}

/* Takes from `found`, in its order, what begins in the own part of `block`. */
static void keep_own(YR_MATCHES *kept, const YR_MATCHES *found, const struct pn_block *block)
{
        YR_MATCH *next;

        for (YR_MATCH *packed = found->head; packed; packed = next) {
                YR_MATCH match = pn_exact_match(packed);
                uint64_t at = (uint64_t)(match.base + match.offset);

                next = match.next;
                if (at >= block->own_from && at < block->own_to)
                        append(kept, packed);
        }
}

/* libyara joins what it finds in neighbouring blocks, and is wrong about it: a word that is cut by a block's
 * end is whole to it, `^` is the begin of any block, two places are one when they are equally far behind the
 * starts of their blocks (4.2). So every block is scanned as if nothing had been found before, and keeps what
 * begins in its own part. Memory of what is dropped belongs to libyara's notebook and goes with the scan. */
static void end_block(struct scan *scan)
{
        YR_SCANNER *scanner = scan->runner->scanner;
        uint32_t strings = scan->runner->rules->num_strings;

        for (uint32_t i = 0; i < strings; i++) {
                YR_MATCHES *kept = &scan->runner->kept[i];

                keep_own(kept, &scanner->matches[i], scan->block);
                if (kept->count > YR_MAX_STRING_MATCHES || (uint64_t)kept->count > scan->job->limits->matches)
                        yr_bitmask_set(scanner->strings_temp_disabled,
                                       i); /* an error at the end; save memory */
        }
        if (strings > 0) {
                memset(scanner->matches, 0, strings * sizeof(*scanner->matches));
                memset(scanner->unconfirmed_matches, 0, strings * sizeof(*scanner->unconfirmed_matches));
        }
}

static void end_last_block(struct scan *scan)
{
        uint32_t strings = scan->runner->rules->num_strings;

        if (strings > 0)
                memcpy(scan->runner->scanner->matches, scan->runner->kept,
                       strings * sizeof(*scan->runner->kept));
}

/* ---------------------------------------------------------------- what libyara calls */

static const uint8_t *on_fetch(YR_MEMORY_BLOCK *yara_block)
{
        struct scan *scan = yara_block->context;
        const uint8_t *bytes;

        look_for_failed_malloc(scan);
        if (late(scan))
                return NULL;
        bytes = pn_blocks_load(scan->runner->blocks, scan->block);
        if (!bytes)
                complain_io(scan, "read file");
        yara_block->size = scan->block->len;
        errno = 0;
        return bytes;
}

static YR_MEMORY_BLOCK *give(struct scan *scan, struct pn_block *block)
{
        scan->block = block;
        if (!block)
                return NULL;
        scan->yara_block = (YR_MEMORY_BLOCK){block->len, block->base, scan, on_fetch};
        return &scan->yara_block;
}

static YR_MEMORY_BLOCK *next_to_scan(struct scan *scan)
{
        struct pn_blocks *blocks = scan->runner->blocks;
        struct pn_block *block = NULL;
        bool alone = scan->block && scan->block->own_from == 0 && scan->block->own_to == UINT64_MAX;
        int n;

        if (scan->block && !alone)
                end_block(scan);
        n = scan->first.fault == PN_FAULT_NONE ? pn_blocks_next(blocks, &block) : 0;
        if (n < 0)
                complain_io(scan, "look for the data of a file");
        if (n > 0)
                return give(scan, block);
        if (!alone)
                end_last_block(scan);
        scan->looking = false;
        return give(scan, NULL);
}

static YR_MEMORY_BLOCK *next_to_walk(struct scan *scan)
{
        if (++scan->steps % CLOCK_EVERY == 0 && late(scan))
                return give(scan, NULL);
        return give(scan, pn_blocks_walk(scan->runner->blocks));
}

/* After an error there are no more blocks, and libyara is told so that it evaluates no condition on half a
 * file. */
static YR_MEMORY_BLOCK *on_next(YR_MEMORY_BLOCK_ITERATOR *iterator)
{
        struct scan *scan = iterator->context;
        YR_MEMORY_BLOCK *block;

        look_for_failed_malloc(scan);
        block = scan->looking ? next_to_scan(scan) : next_to_walk(scan);
        errno = 0;
        if (scan->first.fault == PN_FAULT_HOST || scan->first.fault == PN_FAULT_BUDGET)
                iterator->last_error = ERROR_COULD_NOT_READ_FILE;
        return block;
}

static YR_MEMORY_BLOCK *on_first(YR_MEMORY_BLOCK_ITERATOR *iterator)
{
        struct scan *scan = iterator->context;

        if (!scan->looking)
                pn_blocks_rewind(scan->runner->blocks);
        return on_next(iterator);
}

static uint64_t on_size(YR_MEMORY_BLOCK_ITERATOR *iterator)
{
        const struct scan *scan = iterator->context;

        return scan->runner->blocks->size_bytes;
}

static void too_many(struct scan *scan, const YR_STRING *string)
{
        const YR_RULE *rule = &scan->runner->rules->rules_table[string->rule_idx];
        const YR_RULE *only = scan->runner->only;

        if (only && rule != only)
                (void)pn_err_set(complain(scan), PN_FAULT_TARGET, 0,
                                 "rule `%s`: string `%s` of rule `%s` matches in too many places",
                                 only->identifier, string->identifier, rule->identifier);
        else
                (void)pn_err_set(complain(scan), PN_FAULT_TARGET, 0,
                                 "rule `%s`: string `%s` matches in too many places", rule->identifier,
                                 string->identifier);
}

/* Also of rules that did not match and of private ones: their conditions have counted what we do not trust.
 */
static void count_all(struct scan *scan, const YR_SCAN_CONTEXT *context)
{
        const YR_RULES *rules = scan->runner->rules;

        for (uint32_t i = 0; i < rules->num_strings; i++) {
                int32_t count = context->matches[i].count;

                if (count > YR_MAX_STRING_MATCHES || (uint64_t)count > scan->job->limits->matches)
                        too_many(scan, &rules->strings_table[i]);
        }
}

static int tell(struct scan *scan, YR_SCAN_CONTEXT *context, const YR_RULE *rule)
{
        struct pn_finding finding;

        pn_exact_tell(context, rule, &finding);
        if (scan->job->sink(scan->job->ctx, &finding) == 0)
                return CALLBACK_CONTINUE;
        (void)pn_err_set(complain(scan), PN_FAULT_BUG, 0, "rule `%s`: the finding was not taken",
                         rule->identifier);
        return CALLBACK_ERROR;
}

/* Not through the message of a match, which libyara sends of every rule but of private ones. */
static int tell_only(struct scan *scan, YR_SCAN_CONTEXT *context)
{
        const YR_RULE *only = scan->runner->only;
        const size_t index = (size_t)(only - scan->runner->rules->rules_table);

        scan->matched = yr_bitmask_is_set(context->rule_matches_flags, index) &&
                        yr_bitmask_is_not_set(context->ns_unsatisfied_flags, only->ns->idx);
        return scan->matched && scan->job->sink ? tell(scan, context, only) : CALLBACK_CONTINUE;
}

static int import(struct scan *scan, const char *module)
{
        if (pn_exact_module_allowed(module))
                return CALLBACK_CONTINUE;
        (void)pn_err_set(complain(scan), PN_FAULT_BUG, 0, "module `%s` was to be loaded", module);
        return CALLBACK_ERROR;
}

static int answer(struct scan *scan, YR_SCAN_CONTEXT *context, int message, void *data)
{
        switch (message) {
        case CALLBACK_MSG_RULE_MATCHING:
                return scan->runner->only ? CALLBACK_CONTINUE : tell(scan, context, data);
        case CALLBACK_MSG_IMPORT_MODULE:
                return import(scan, ((const YR_MODULE_IMPORT *)data)->module_name);
        case CALLBACK_MSG_TOO_MANY_MATCHES:
                too_many(scan, data);
                return CALLBACK_CONTINUE; /* the other rules still have an answer to give */
        case CALLBACK_MSG_SCAN_FINISHED:
                count_all(scan, context);
                scan->finished = true;
                return scan->runner->only ? tell_only(scan, context) : CALLBACK_CONTINUE;
        default:
                return CALLBACK_CONTINUE; /* told for information */
        }
}

static int on_message(YR_SCAN_CONTEXT *context, int message, void *data, void *user_data)
{
        int result;

        look_for_failed_malloc(user_data);
        result = answer(user_data, context, message, data);
        errno = 0;
        return result;
}

/* ---------------------------------------------------------------- results */

static const struct {
        int code;
        enum pn_fault fault;
        const char *text;
} results[] = {
        {ERROR_INSUFFICIENT_MEMORY, PN_FAULT_BUDGET, "not enough memory"},
        {ERROR_SCAN_TIMEOUT, PN_FAULT_BUDGET, "rules took too long"},
        {ERROR_TOO_MANY_MATCHES, PN_FAULT_TARGET, "too many matches"},
        {ERROR_TOO_MANY_RE_FIBERS, PN_FAULT_TARGET, "a regular expression branches too often on this file"},
        {ERROR_EXEC_STACK_OVERFLOW, PN_FAULT_TARGET, "a condition needs too much stack on this file"},
        {ERROR_INTERNAL_FATAL_ERROR, PN_FAULT_TARGET, "a condition fails on this file"},
        {ERROR_INTEGER_OVERFLOW, PN_FAULT_TARGET, "a condition overflows on this file"},
#ifdef ERROR_TOO_SLOW_SCANNING
        {ERROR_TOO_SLOW_SCANNING, PN_FAULT_BUDGET, "a rule is too slow on this file"},
#endif
};

static int foreign(struct scan *scan, int result, struct pn_err *err)
{
        const YR_RULE *rule = yr_scanner_last_error_rule(scan->runner->scanner);
        size_t count = sizeof(results) / sizeof(results[0]), i = 0;

        while (i < count && results[i].code != result)
                i++;
        if (i == count)
                return pn_err_set(err, PN_FAULT_BUG, 0, "libyara ends with error %d", result);
        if (scan->runner->only)
                rule = scan->runner->only;
        if (!rule)
                return pn_err_set(err, results[i].fault, 0, "%s (libyara error %d)", results[i].text, result);
        return pn_err_set(err, results[i].fault, 0, "rule `%s`: %s (libyara error %d)", rule->identifier,
                          results[i].text, result);
}

static int conclude(struct scan *scan, int result, struct pn_err *err)
{
        const struct pn_blocks *blocks = scan->runner->blocks;

        if (scan->first.fault != PN_FAULT_NONE) {
                if (err)
                        *err = scan->first;
                return -1;
        }
        if (result != ERROR_SUCCESS)
                return foreign(scan, result, err);
        if (!scan->finished)
                return pn_err_set(err, PN_FAULT_BUG, 0, "libyara ended without an answer");
        if (blocks->ended_early)
                return pn_err_set(err, PN_FAULT_TARGET, 0, "file ended at %llu of %llu bytes",
                                  (unsigned long long)blocks->size_bytes,
                                  (unsigned long long)blocks->file->size_bytes);
        return 0;
}

/* Of every file anew, because the scanner keeps the last one's. */
static int name(YR_SCANNER *scanner, const struct pn_names *names, struct pn_err *err)
{
        for (size_t i = 0; i < PN_NAMES; i++) {
                const char *otherwise = i == PN_NAME_FILETYPE ? "ELF" : "";
                int result = yr_scanner_define_string_variable(scanner, pn_name_words[i],
                                                               names ? names->value[i] : otherwise);

                if (result == ERROR_INSUFFICIENT_MEMORY)
                        return pn_err_set(err, PN_FAULT_BUDGET, 0, "not enough memory for the rules");
                if (result != ERROR_SUCCESS)
                        return pn_err_set(err, PN_FAULT_BUG, 0, "set `%s` for the rules: libyara error %d",
                                          pn_name_words[i], result);
        }
        return 0;
}

/* No SCAN_FLAGS_FAST_MODE: it stops at a string's first match, which may be one that keep_own() drops. */
static void prepare(struct scan *scan)
{
        struct pn_exact_runner *runner = scan->runner;

        pn_blocks_start(runner->blocks, scan->job->file);
        memset(runner->kept, 0, runner->rules->num_strings * sizeof(*runner->kept));
        runner->scanner->entry_point = YR_UNDEFINED; /* libyara keeps the last file's */
        runner->scanner->last_error_string = NULL;
        yr_scanner_set_callback(runner->scanner, on_message, scan);
        yr_scanner_set_flags(runner->scanner, SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING);
        yr_scanner_set_timeout(runner->scanner, scan->job->limits->timeout_s);
}

int pn_exact_run(struct pn_exact_runner *runner, const struct pn_exact_job *job, bool *ret_matched,
                 uint64_t *ret_bytes, struct pn_err *err)
{
        struct scan scan = {.runner = runner, .job = job, .looking = true};
        YR_MEMORY_BLOCK_ITERATOR iterator = {&scan, on_first, on_next, on_size, ERROR_SUCCESS};
        int result;

        if (job->limits->timeout_s <= 0)
                return pn_err_set(err, PN_FAULT_BUDGET, 0, "no time is left for the rules");
        if (name(runner->scanner, job->names, err) < 0)
                return -1;
        scan.deadline_ms = pn_clock_now_ms() + 1000LL * job->limits->timeout_s;
        prepare(&scan);
        errno = 0;
        result = yr_scanner_scan_mem_blocks(runner->scanner, &iterator);
        look_for_failed_malloc(&scan);
        *ret_bytes = runner->blocks->read_bytes;
        result = conclude(&scan, result, err);
        runner->blocks->file = NULL;
        if (result == 0)
                *ret_matched = scan.matched;
        return result;
}

int pn_exact_scan(struct pn_exact *exact, const struct pn_object *file, const struct pn_names *names,
                  const struct pn_exact_limits *limits, pn_exact_sink *sink, void *ctx, uint64_t *ret_bytes,
                  struct pn_err *err)
{
        const struct pn_exact_job job = {file, names, limits, sink, ctx};
        bool matched;

        if (!exact->runner.scanner)
                return pn_err_set(err, PN_FAULT_BUG, 0, "the rules are not ready");
        return pn_exact_run(&exact->runner, &job, &matched, ret_bytes, err);
}
