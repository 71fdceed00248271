/* SPDX-License-Identifier: Apache-2.0 */
/* match compile OUT RULES...        compiles files of rules into the directory OUT
 * match run [OPTION...] OUT         matches files, their names on standard input; prints "n<file>:<rule>\t<path>"
 *     --filter hyperscan|gram       which first sieve (default: hyperscan where it was compiled)
 *     --digest                      SHA-256 of every file in the same pass
 *     --no-exact                    leave libyara out: prints what stays possible, "?" before it
 *     --quiet                       print nothing but the figures
 *     --repeat N                    matches the list N times
 *     --lose N                      drops every N-th pair, as a matcher that is wrong would
 * match oracle OUT                  the same words, from libyara alone: every rule by itself against every file
 * match check RULES...              0 when libyara and we both compile them
 *
 * The matcher without its jail, for the benchmarks and for the comparison with yara. Figures go to standard error as one
 * JSON object. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/engine/compile/compile.h"
#include "scanner/engine/compile/exact_forms.h"
#include "scanner/engine/compile/filter_hs.h"
#include "scanner/engine/digest.h"
#include "scanner/engine/exact_store.h"
#include "scanner/engine/match.h"

struct figures {
        double load_ms, cpu_s, wall_s, exact_s;
        uint64_t files, bytes, window_hits, string_checks, strings_found, candidates, evaluated, second_passes, pairs, certain;
        uint64_t matches, errors;
};

struct run {
        const char *out;
        enum pn_filter_kind kind; /* 0: whichever is there */
        bool digest, no_exact, quiet, oracle, asked;
        unsigned repeat, lose, pairs; /* pairs: so far, for `lose` */
        struct pn_pack pack;
        struct pn_filter *filter;
        struct pn_match *match;
        struct pn_store *store;
        struct pn_digest *sha;
        struct figures f;
};

static double clock_s(clockid_t id)
{
        struct timespec now;

        (void)clock_gettime(id, &now);
        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static _Noreturn void die(const char *what, const struct pn_err *err)
{
        (void)fprintf(stderr, "match: %s%s%s\n", what, err ? ": " : "", err ? err->text : "");
        exit(2);
}

static char *slurp(const char *path, size_t *ret_len)
{
        pn_autofd fd = open(path, O_RDONLY | O_CLOEXEC);
        char *text = NULL;

        if (fd < 0 || pn_fd_read_all(fd, 1U << 30, &text, ret_len) < 0)
                die(path, &(struct pn_err){.text = "cannot be read"});
        return text;
}

static void spill(const char *dir, const char *name, const void *bytes, size_t len)
{
        char path[4096];
        FILE *file;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        file = fopen(path, "we");
        if (!file || fwrite(bytes, 1, len, file) != len || fclose(file) != 0)
                die(path, &(struct pn_err){.text = "cannot be written"});
}

/* ---------------------------------------------------------------- compile */

static struct pn_yr_set parse(char **names, unsigned count, struct pn_err *err)
{
        struct pn_yr_source *source = calloc(count, sizeof(*source));
        struct pn_yr_set set;

        for (unsigned i = 0; i < count; i++) {
                source[i].name = names[i];
                source[i].text = slurp(names[i], &source[i].len);
        }
        if (pn_yr_parse(source, count, &set, err) < 0)
                die("parse", err);
        free(source);
        return set;
}

static struct pn_grams *load_grams(struct pn_err *err)
{
        const char *path = getenv("POSTERN_GRAMS");
        struct pn_grams *grams;
        struct pn_view view = {NULL, 0};

        if (path)
                view.data = (const uint8_t *)slurp(path, &view.len);
        if (pn_grams_open(view, &grams, err) < 0)
                die("table of 4-grams", err);
        return grams;
}

static int compile(const char *out, char **names, unsigned count)
{
        struct pn_err err = PN_ERR_INIT;
        double begin = clock_s(CLOCK_PROCESS_CPUTIME_ID), parsed, packed, filtered, formed;
        struct pn_yr_set set = parse(names, count, &err);
        struct pn_grams *grams = load_grams(&err);
        struct pn_compiled compiled;
        uint8_t *gram, *hs, *forms, *head;
        size_t gram_len, hs_len = 0, forms_len, head_len;
        char *report;
        size_t report_len;

        parsed = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        if (pn_compile(&set, grams, &compiled, &err) < 0)
                die("compile", &err);
        packed = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        if (pn_filter_gram_build(compiled.window, compiled.window_count, &gram, &gram_len, &err) < 0)
                die("gram filter", &err);
        if (pn_filter_hs_build(compiled.window, compiled.window_count, false, &hs, &hs_len, &err) < 0)
                hs = NULL;
        filtered = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        if (pn_exact_forms(&set, &forms, &forms_len, &head_len, &err) < 0)
                die("libyara", &err);
        formed = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        if (mkdir(out, 0755) < 0 && errno != EEXIST)
                die(out, &(struct pn_err){.text = "cannot be made"});
        head = malloc(sizeof(head_len));
        memcpy(head, &head_len, sizeof(head_len));
        spill(out, "rules.pack", compiled.pack, compiled.pack_len);
        spill(out, "filter.gram", gram, gram_len);
        spill(out, "exact.store", forms, forms_len);
        spill(out, "exact.head", head, sizeof(head_len));
        if (hs)
                spill(out, "filter.hs", hs, hs_len);
        if (pn_cost_report(&set, &compiled, &report, &report_len, &err) == 0)
                spill(out, "report.json", report, report_len);
        (void)fprintf(stderr,
                      "{\"rules\": %u, \"windows\": %u, \"parse_ms\": %.1f, \"pack_ms\": %.1f, \"filter_ms\": %.1f, "
                      "\"libyara_ms\": %.1f, \"pack_bytes\": %zu, \"gram_bytes\": %zu, \"hs_bytes\": %zu, "
                      "\"store_bytes\": %zu}\n",
                      set.rule_count, compiled.window_count, (parsed - begin) * 1e3, (packed - parsed) * 1e3,
                      (filtered - packed) * 1e3, (formed - filtered) * 1e3, compiled.pack_len, gram_len, hs_len,
                      forms_len);
        return 0;
}

static int check(char **names, unsigned count)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_yr_set set = parse(names, count, &err);
        struct pn_exact *exact = NULL;
        struct pn_exact_source *source = calloc(set.file_count, sizeof(*source));

        for (uint32_t i = 0; i < set.file_count; i++)
                source[i] = (struct pn_exact_source){set.file[i].name, set.file[i].source, set.file[i].len};
        if (pn_exact_new(&exact, &err) < 0)
                die("libyara", &err);
        pn_exact_set_sources(exact, source, set.file_count);
        for (uint32_t i = 0; i < set.file_count; i++)
                if (!set.file[i].included && pn_exact_add(exact, source[i].name, source[i].text, source[i].len, &err) < 0)
                        die("libyara", &err);
        return 0;
}

/* ---------------------------------------------------------------- run */

static struct pn_view part(const char *dir, const char *name)
{
        char path[4096];
        size_t len;
        char *bytes, *aligned;

        (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
        bytes = slurp(path, &len);
        aligned = aligned_alloc(64, (len + 64) / 64 * 64);
        memcpy(aligned, bytes, len);
        free(bytes);
        return (struct pn_view){(uint8_t *)aligned, len};
}

/* Of this process: ru_maxrss is that of whoever started it, too. */
static long peak_kib(void)
{
        size_t len;
        char *text = slurp("/proc/self/status", &len), *line = strstr(text, "VmHWM:");
        long kib = line ? strtol(line + 6, NULL, 10) : 0;

        free(text);
        return kib;
}

static void digest_of(struct run *run, const void *bytes, size_t len, uint8_t ret[32])
{
        struct pn_err err = PN_ERR_INIT;

        if (pn_digest_start(run->sha, &err) < 0 || pn_digest_add(run->sha, bytes, len, &err) < 0 ||
            pn_digest_end(run->sha, ret, &err) < 0)
                die("digest", &err);
}

static void load(struct run *run)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_view pack, filter = {NULL, 0}, head;
        char path[4096];
        uint8_t sha[32], *store_head;
        size_t head_len;
        double begin;
        int fd;

        if (pn_digest_new(&run->sha, &err) < 0 || (!run->no_exact && pn_store_new(&run->store, &err) < 0))
                die("load", &err);
        (void)snprintf(path, sizeof(path), "%s/filter.hs", run->out);
        if (run->kind == 0)
                run->kind = access(path, R_OK) == 0 ? PN_FILTER_HYPERSCAN : PN_FILTER_GRAM;
        begin = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        pack = part(run->out, "rules.pack");
        digest_of(run, pack.data, pack.len, sha);
        filter = part(run->out, run->kind == PN_FILTER_GRAM ? "filter.gram" : "filter.hs");
        digest_of(run, filter.data, filter.len, sha);
        if (pn_pack_open(pack, &run->pack, &err) < 0 || pn_filter_open(run->kind, filter, &run->filter, &err) < 0 ||
            pn_match_new(&run->pack, run->filter, &run->match, &err) < 0 || pn_match_selftest(run->match, &err) < 0)
                die("load", &err);
        run->f.load_ms = (clock_s(CLOCK_PROCESS_CPUTIME_ID) - begin) * 1e3;
        if (run->no_exact)
                return;
        head = part(run->out, "exact.head");
        memcpy(&head_len, head.data, sizeof(head_len));
        (void)snprintf(path, sizeof(path), "%s/exact.store", run->out);
        fd = open(path, O_RDONLY | O_CLOEXEC);
        store_head = malloc(head_len);
        if (fd < 0 || !store_head || pread(fd, store_head, head_len, 0) != (ssize_t)head_len)
                die(path, &(struct pn_err){.text = "cannot be read"});
        digest_of(run, store_head, head_len, sha);
        free(store_head);
        if (pn_store_open(run->store, fd, sha, &err) < 0)
                die("load", &err);
}

static int on_bytes(void *ctx, const uint8_t *bytes, size_t len, struct pn_err *err)
{
        return pn_digest_add(((struct run *)ctx)->sha, bytes, len, err);
}

static void decide(struct run *run, const struct pn_match_pair *pair, const struct pn_object *file,
                   const struct pn_names *names, const char *path)
{
        const struct pn_pack_rule *rule = &run->pack.rule[pair->rule];
        const struct pn_exact_limits limits = {1000000, 60};
        struct pn_err err = PN_ERR_INIT;
        double begin = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        bool matched = run->no_exact;
        uint64_t bytes;

        run->f.pairs++;
        run->f.certain += pair->certain;
        if (pair->certain && run->quiet && run->asked) { /* as the parser does it */
                run->f.matches++;
                return;
        }
        run->asked = run->asked || pair->certain;
        if (!run->no_exact && pn_store_scan(run->store, rule->exact, file, names, &limits, NULL, NULL, &matched, &bytes, &err) < 0) {
                run->f.errors++;
                if (!run->quiet)
                        (void)printf("error %s\t%s\t%s\n", run->pack.text + rule->name, path, err.text);
        }
        run->f.exact_s += clock_s(CLOCK_PROCESS_CPUTIME_ID) - begin;
        if (pair->certain && !matched && err.fault == PN_FAULT_NONE)
                (void)printf("disagree %s:%s\t%s\n", run->pack.text + rule->space, run->pack.text + rule->name, path);
        run->f.matches += matched;
        if (matched && !run->quiet)
                (void)printf("%s%s:%s\t%s\n", run->no_exact && !pair->certain ? "?" : "", run->pack.text + rule->space,
                             run->pack.text + rule->name, path);
}

static void match_file(struct run *run, const char *path)
{
        static struct pn_names names;
        pn_autofd fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);
        struct stat st;
        struct pn_object file;
        struct pn_match_request request = {.file = &file, .names = &names, .matches = 1000000};
        struct pn_match_answer answer = {0};
        struct pn_err err = PN_ERR_INIT;
        uint8_t sha[32];

        if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
                return;
        pn_object_from_fd(&file, &fd, (uint64_t)st.st_size);
        pn_names_set(&names, path + (path[0] == '/'), strlen(path) - (path[0] == '/'));
        if (run->oracle) {
                for (uint32_t i = 0; i < run->pack.rules; i++)
                        if (!(run->pack.rule[i].flags & PN_RULE_PRIVATE))
                                decide(run, &(struct pn_match_pair){i, false}, &file, &names, path);
                return;
        }
        if (run->digest) {
                request.tap = on_bytes;
                request.tap_ctx = run;
                if (pn_digest_start(run->sha, &err) < 0)
                        die("digest", &err);
        }
        if (pn_match_file(run->match, &request, &answer, &err) < 0)
                die(path, &err);
        if (run->digest && pn_digest_end(run->sha, sha, &err) < 0)
                die("digest", &err);
        run->f.files++;
        run->f.bytes += (uint64_t)st.st_size;
        run->f.window_hits += answer.window_hits;
        run->f.string_checks += answer.string_checks;
        run->f.strings_found += answer.strings_found;
        run->f.candidates += answer.candidates;
        run->f.evaluated += answer.evaluated;
        run->f.second_passes += answer.second_pass;
        run->asked = false;
        for (uint32_t i = 0; i < answer.pair_count; i++)
                if (run->lose == 0 || ++run->pairs % run->lose != 0)
                        decide(run, &answer.pair[i], &file, &names, path);
}

static int match_all(struct run *run)
{
        double cpu, wall;
        char **paths = NULL, *line = NULL;
        size_t count = 0, room = 0;

        load(run);
        for (ssize_t n; (n = getline(&line, &room, stdin)) > 0;) {
                line[strcspn(line, "\n")] = '\0';
                paths = reallocarray(paths, count + 1, sizeof(*paths));
                paths[count++] = strdup(line);
        }
        cpu = clock_s(CLOCK_PROCESS_CPUTIME_ID);
        wall = clock_s(CLOCK_MONOTONIC);
        for (unsigned turn = 0; turn < run->repeat; turn++)
                for (size_t i = 0; i < count; i++)
                        match_file(run, paths[i]);
        run->f.cpu_s = clock_s(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        run->f.wall_s = clock_s(CLOCK_MONOTONIC) - wall;
        (void)fprintf(stderr,
                      "{\"filter\": \"%s\", \"rules\": %u, \"files\": %llu, \"bytes\": %llu, \"cpu_s\": %.4f, \"wall_s\": %.4f, "
                      "\"gb_per_cpu_s\": %.3f, \"exact_s\": %.4f, \"load_ms\": %.3f, \"window_hits\": %llu, \"string_checks\": "
                      "%llu, \"strings_found\": %llu, \"candidates\": %llu, \"evaluated\": %llu, \"second_passes\": %llu, "
                      "\"pairs\": %llu, \"certain\": %llu, \"matches\": %llu, \"errors\": %llu, \"max_rss_kib\": %ld}\n",
                      run->kind == PN_FILTER_GRAM ? "gram" : "hyperscan", run->pack.rules, (unsigned long long)run->f.files,
                      (unsigned long long)run->f.bytes, run->f.cpu_s, run->f.wall_s,
                      (double)run->f.bytes / 1e9 / run->f.cpu_s, run->f.exact_s, run->f.load_ms,
                      (unsigned long long)run->f.window_hits, (unsigned long long)run->f.string_checks,
                      (unsigned long long)run->f.strings_found, (unsigned long long)run->f.candidates,
                      (unsigned long long)run->f.evaluated, (unsigned long long)run->f.second_passes,
                      (unsigned long long)run->f.pairs, (unsigned long long)run->f.certain,
                      (unsigned long long)run->f.matches, (unsigned long long)run->f.errors, peak_kib());
        return 0;
}

int main(int argc, char **argv)
{
        struct run run = {.repeat = 1};
        int at = 2;

        if (argc >= 4 && strcmp(argv[1], "compile") == 0)
                return compile(argv[2], argv + 3, (unsigned)argc - 3);
        if (argc >= 3 && strcmp(argv[1], "check") == 0)
                return check(argv + 2, (unsigned)argc - 2);
        for (; argc > 2 && at < argc - 1; at++) {
                if (strcmp(argv[at], "--filter") == 0)
                        run.kind = strcmp(argv[++at], "gram") == 0 ? PN_FILTER_GRAM : PN_FILTER_HYPERSCAN;
                else if (strcmp(argv[at], "--digest") == 0)
                        run.digest = true;
                else if (strcmp(argv[at], "--no-exact") == 0)
                        run.no_exact = true;
                else if (strcmp(argv[at], "--quiet") == 0)
                        run.quiet = true;
                else if (strcmp(argv[at], "--lose") == 0)
                        run.lose = (unsigned)strtoul(argv[++at], NULL, 10);
                else if (strcmp(argv[at], "--repeat") == 0)
                        run.repeat = (unsigned)strtoul(argv[++at], NULL, 10);
                else
                        break;
        }
        run.oracle = argc > 1 && strcmp(argv[1], "oracle") == 0;
        if (argc < 3 || (strcmp(argv[1], "run") != 0 && !run.oracle) || at != argc - 1)
                die("usage: match compile OUT RULES... | match run [OPTION...] OUT | match oracle OUT | match check RULES...", NULL);
        run.out = argv[at];
        return match_all(&run);
}
