/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for postern-compiler (scanner/compiler/README.md). Its own file name says what it does: `good`
 * reads the sources, finds "rule NAME" in them and writes parts, report and result of the right form with
 * nothing in them; every other name is a way to fail or to lie. What a rule costs is in its name: noisy_,
 * always_, short_. Never part of the product. */

#include <dirent.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GRAMS = 3, PACK, HS, GRAM, EXACT, REPORT, RESULT, FIRST_OTHER };

#define SOURCES_MAX (16U << 20)

static char how[64]; /* our name */
static unsigned rules, windows;

static int is(const char *name)
{
        return strcmp(how, name) == 0;
}

static void put(int fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void put(int fd, const char *fmt, ...)
{
        char text[8192];
        va_list ap;
        int n;

        va_start(ap, fmt);
        n = vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        if (n < 0 || write(fd, text, (size_t)n) != n)
                _exit(40);
}

/* What the README promises a compiler: no environment, these ten descriptors and no other, nothing to write
 * to. */
static void check_world(int argc, char **argv, char **envp)
{
        DIR *dir = opendir("/proc/self/fd");
        struct dirent *entry;

        if (argc != 1 || strcmp(argv[0], "postern-compiler") != 0 || envp[0])
                _exit(50);
        while (dir && (entry = readdir(dir)) != NULL)
                if (atoi(entry->d_name) >= FIRST_OTHER && atoi(entry->d_name) != dirfd(dir))
                        _exit(51);
        if (!dir || isatty(1) || isatty(2))
                _exit(52);
        (void)closedir(dir);
        if (!(fcntl(0, F_GET_SEALS) & F_SEAL_WRITE))
                _exit(53);
}

/* ---------------------------------------------------------------- rules */

static void put_rule(const char *file, unsigned line, const char *name)
{
        const char *weakness = "none", *words = "";
        double hits = 12.5 + rules;

        if (strncmp(name, "noisy_", 6) == 0) {
                weakness = "noisy";
                hits = 50000;
                words = "its string is common; name a longer one";
        } else if (strncmp(name, "always_", 7) == 0) {
                weakness = "always";
                words = "no string must be there\x01; add one";
        } else if (strncmp(name, "short_", 6) == 0) {
                weakness = "short";
        }
        put(REPORT,
            "%s{\"rule\":\"%s\",\"file\":\"%s\",\"line\":%u,\"id\":\"ID-%s\",\"severity\":\"high\","
            "\"confidence\":null,"
            "\"private\":false,\"windows\":3,\"rarest\":[\"4142430001ff2044\"],\"hits_per_gb\":%f,\"share\":"
            "0.25,"
            "\"weakness\":\"%s\",\"to_libyara\":%s,\"words\":\"",
            rules ? "," : "", name, file, line, name, hits, weakness, weakness[0] == 'a' ? "true" : "false");
        for (; *words; words++)
                put(REPORT, *words == 1 ? "\\u0001" : "%c", *words);
        put(REPORT, "\"}");
        rules++;
        windows += 3;
}

static void fail_at(const char *file, unsigned line, const char *reason)
{
        put(RESULT, "{\"ok\":false,\"fault\":\"config\",\"error\":\"%s:%u:1: %s\"}", file, line, reason);
        _exit(0);
}

static void read_source(const char *file, char *text)
{
        unsigned line = 0;

        for (char *at = strtok(text, "\n"); at; at = strtok(NULL, "\n")) {
                char name[64];

                line++;
                if (strstr(at, "BROKEN"))
                        fail_at(file, line, "syntax error\\n\\u001b[31m, unexpected BROKEN");
                if (sscanf(at, "rule %63[A-Za-z0-9_]", name) == 1)
                        put_rule(file, line, name);
        }
}

/* count * (name:bytes source:bytes) */
static void read_sources(void)
{
        static char all[SOURCES_MAX], file[PATH_MAX];
        size_t len = 0, at = 0;
        ssize_t n;

        while ((n = read(0, all + len, sizeof(all) - len - 1)) > 0)
                len += (size_t)n;
        put(REPORT, "{\"schema\":1,\"rules\":[");
        for (unsigned i = 0; at < len; i++) {
                uint32_t length;
                char *text;

                memcpy(&length, all + at, 4);
                at += 4;
                if (len - at < length)
                        _exit(41);
                text = strndup(all + at, length);
                at += length;
                if (i % 2 == 0)
                        (void)snprintf(file, sizeof(file), "%s", text);
                else
                        read_source(file, text);
                free(text);
        }
        put(REPORT, "],\"windows\":%u,\"hits_per_gb\":%u.5}", windows, 100 * rules);
}

/* ---------------------------------------------------------------- results */

static void put_parts(void)
{
        static char block[4096];

        memset(block, 'x', sizeof(block));
        for (int fd = PACK; fd <= EXACT; fd++)
                if (!(fd == HS && (is("no-hyperscan") || is("version-without-filter"))))
                        put(fd, "%.*s", (int)sizeof(block) - 1, block);
}

static void put_result(void)
{
        int no_version = is("no-hyperscan") || is("filter-without-version");

        put(RESULT,
            "{\"ok\":true,\"rules\":%u,\"windows\":%u,\"libyara\":\"%s\",\"hyperscan\":%s,\"exact_head\":%u,",
            is("other-rules") ? rules + 1
            : is("no-rules")  ? 0
                              : rules,
            is("other-windows") ? windows + 1 : windows, is("no-version") ? "" : "4.2.3",
            no_version ? "null" : "\"5.4.0\"", is("head-too-long") ? 5000 : 100);
        put(RESULT, "\"notes\":[%s]%s}",
            is("notes")       ? "\"a note\\nin two lines\""
            : is("bad-notes") ? "7"
                              : "",
            is("unknown-key") ? ",\"more\":1" : "");
}

static void nothing(void)
{
}

static void hang(void)
{
        for (;;)
                (void)pause();
}

static void die(void)
{
        (void)raise(SIGSEGV);
}

static void not_json(void)
{
        put(RESULT, "it went well");
}

static void two_objects(void)
{
        put_parts();
        put_result();
        put_result();
}

static void no_parts(void)
{
        put_result();
}

static void half_result(void)
{
        put_parts();
        put(RESULT, "{\"ok\":true,\"rules\":%u", rules);
}

static void exit_after(void)
{
        put_parts();
        put_result();
        _exit(7);
}

static void bad_report(void)
{
        put_parts();
        put(REPORT, "}");
        put_result();
}

static void endless_result(void)
{
        put_parts();
        for (int i = 0; i < 400; i++)
                put(RESULT, "%4096s", "");
        put_result();
}

/* Somebody who can still change a part when the digest has been taken. */
static void left_behind(void)
{
        put_parts();
        put_result();
        if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, EXACT, 0) == MAP_FAILED)
                _exit(42);
        if (fork() == 0)
                (void)sleep(3);
}

static void too_large(void)
{
        put_parts();
        if (ftruncate(EXACT, (off_t)2 << 30) < 0)
                _exit(43);
        put_result();
}

static void fault(const char *word, const char *text)
{
        put(RESULT, "{\"ok\":false,\"fault\":\"%s\",\"error\":\"%s\"}", word, text);
}

static void fault_host(void)
{
        fault("host", "no memory for it");
}

static void fault_of_nobody(void)
{
        fault("nobody", "x");
}

static void fault_without_words(void)
{
        fault("config", "");
}

static void honest(void)
{
        put_parts();
        put_result();
}

static const struct {
        const char *name;
        void (*act)(void);
} ways[] = {
        {"good", honest},
        {"no-hyperscan", honest},
        {"notes", honest},
        {"filter-without-version", honest},
        {"version-without-filter", honest},
        {"other-rules", honest},
        {"other-windows", honest},
        {"no-rules", honest},
        {"no-version", honest},
        {"head-too-long", honest},
        {"bad-notes", honest},
        {"unknown-key", honest},
        {"nothing", nothing},
        {"hang", hang},
        {"die", die},
        {"not-json", not_json},
        {"two-objects", two_objects},
        {"no-parts", no_parts},
        {"half-result", half_result},
        {"exit-after", exit_after},
        {"bad-report", bad_report},
        {"endless-result", endless_result},
        {"left-behind", left_behind},
        {"too-large", too_large},
        {"fault-host", fault_host},
        {"fault-of-nobody", fault_of_nobody},
        {"fault-without-words", fault_without_words},
};

int main(int argc, char **argv, char **envp)
{
        char path[PATH_MAX];
        ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

        path[n > 0 ? n : 0] = '\0';
        (void)snprintf(how, sizeof(how), "%s", basename(path));
        check_world(argc, argv, envp);
        read_sources();
        for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++)
                if (is(ways[i].name)) {
                        ways[i].act();
                        return 0;
                }
        return 60;
}
