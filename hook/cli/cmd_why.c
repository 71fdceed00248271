/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/cli/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hook/cli/why_words.h"
#include "hook/exitcode.h"
#include "hook/report/lookup.h"
#include "hook/report/plain.h"
#include "hook/report/report.h"
#include "scanner/base/clock.h"
#include "scanner/base/text.h"

#define COMPLAINT_MAX 2048 /* two file names of the command line, as people type them */
#define ID_SHOWN 128

static const char usage[] =
        "usage: postern why [--audit FILE] [--json] ID\n"
        "       postern why [--audit FILE] [--json] --last\n"
        "\n"
        "Says why the container ID was refused, or would be: from the newest record of it in the\n"
        "audit file (" PN_AUDIT_FILE ") and in FILE.1. The first 6 or more\n"
        "characters of an ID will do.\n"
        "\n"
        "  --audit FILE  read this audit file\n"
        "  --json        print the record itself\n"
        "  --last        the newest record of any container\n"
        "\n"
        "Exit codes: 0 found, 1 no such record, 2 unreadable audit file, 64 usage\n";

struct options {
        const char *audit;
        const char *id; /* NULL with --last */
        bool json;
        bool last;
        bool help;
};

/* Returns -1. */
__attribute__((format(printf, 1, 2))) static int complain(const char *fmt, ...)
{
        char raw[COMPLAINT_MAX], plain[COMPLAINT_MAX];
        va_list ap;

        va_start(ap, fmt);
        (void)vsnprintf(raw, sizeof(raw), fmt, ap);
        va_end(ap);
        pn_plain_text(plain, sizeof(plain), raw);
        (void)fprintf(stderr, "postern: why: %s\n", plain);
        return -1;
}

static int options_read(int argc, char **argv, struct options *ret)
{
        static const struct option longs[] = {
                {"audit", required_argument, NULL, 'a'},
                {"json", no_argument, NULL, 'j'},
                {"last", no_argument, NULL, 'l'},
                {"help", no_argument, NULL, 'h'},
                {NULL, 0, NULL, 0},
        };

        *ret = (struct options){.audit = PN_AUDIT_FILE};
        optind = 0; /* glibc: begin anew, another command line was read before */
        for (int c; (c = getopt_long(argc, argv, ":h", longs, NULL)) != -1;)
                if (c == 'a')
                        ret->audit = optarg;
                else if (c == 'j')
                        ret->json = true;
                else if (c == 'l')
                        ret->last = true;
                else if (c == 'h')
                        ret->help = true;
                else
                        return complain(c == ':' ? "`%s` needs a value" : "unknown option `%s`",
                                        argv[optind - 1]),
                               -1;
        if (ret->help)
                return 0;
        if (argc - optind != (ret->last ? 0 : 1))
                return complain("%s", ret->last ? "--last takes no ID" : "one ID is needed");
        ret->id = ret->last ? NULL : argv[optind];
        if (ret->id && ret->id[0] == '\0')
                return complain("the ID is empty");
        return 0;
}

static int print_record(const struct options *o, const struct pn_lookup *found)
{
        int ret = 0;

        if (o->json)
                ret = pn_why_json(stdout, found->record);
        else
                pn_why_words(stdout, found->record, o->last ? 0 : found->older, pn_clock_wall_s());
        if (ret < 0 || fflush(stdout) != 0 || ferror(stdout)) {
                (void)complain("write to standard output: %s", strerrordesc_np(errno) ?: "failed");
                return PN_CLI_INCOMPLETE;
        }
        return PN_CLI_CLEAN;
}

static int print_nothing(const struct options *o, const struct pn_lookup *found)
{
        char id[ID_SHOWN + 1] = "";

        if (found->files == 0) {
                (void)complain("no audit file: neither `%s` nor `%s.1` is there", o->audit, o->audit);
                return PN_CLI_INCOMPLETE;
        }
        if (o->id)
                (void)pn_text_escape(id, sizeof(id), o->id, strlen(o->id));
        if (found->id_count > 1) {
                (void)complain("`%s` is the beginning of more than one container:", id);
                for (unsigned i = 0; i < found->id_count; i++)
                        (void)complain("  %s", found->id[i]);
        } else if (o->id) {
                (void)complain("no record of container `%s` in `%s` and `%s.1`", id, o->audit, o->audit);
        } else {
                (void)complain("no record in `%s` and `%s.1`", o->audit, o->audit);
        }
        return PN_CLI_FOUND;
}

int pn_cmd_why(int argc, char **argv)
{
        struct pn_err err = PN_ERR_INIT;
        struct pn_lookup found;
        struct options o;
        int ret;

        if (options_read(argc, argv, &o) < 0) {
                (void)fputs(usage, stderr);
                return PN_CLI_USAGE;
        }
        if (o.help)
                return fputs(usage, stdout) < 0 || fflush(stdout) != 0 ? PN_CLI_INCOMPLETE : PN_CLI_CLEAN;
        if (pn_lookup_find(o.audit, o.id, &found, &err) < 0) {
                (void)complain("%s", err.text);
                return PN_CLI_INCOMPLETE;
        }
        if (found.broken > 0)
                (void)complain("skipped %" PRIu64 " broken line%s in `%s` and `%s.1`", found.broken,
                               found.broken == 1 ? "" : "s", o.audit, o.audit);
        ret = found.record ? print_record(&o, &found) : print_nothing(&o, &found);
        pn_lookup_clear(&found);
        return ret;
}
