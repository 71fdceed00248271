/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/view.h"
#include "scanner/engine/exact.h"
#include "scanner/finding/marker.h"

/* Any bytes, by fixed rules, once in blocks of a few kilobytes and once in one piece: both must tell the
 * same. */

#define FINDINGS_MAX 32
#define BLOCK_BYTES 4096 /* some edges in a small file; above four times the overlap and its lead */
#define OVERLAP 700      /* above the longest match of the rules below */

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char rules[] =
        "import \"hash\" import \"math\"\n"
        "rule text { strings: $a = \"abc\" $b = \"ab\" nocase wide $c = \"ab\" fullword condition: any of "
        "them }\n"
        "rule counts { strings: $a = \"ab\" condition: #a % 3 == 1 and @a[#a] & 1 == 1 }\n"
        "rule hex { strings: $a = { 61 ?? 62 [2-9] ( 63 | 64 65 ) } condition: $a }\n"
        "rule gap { strings: $a = { 61 62 [205-400] 63 64 } condition: #a & 1 == 1 or !a[1] > 300 }\n"
        "rule regex { strings: $a = /^a[bc]{1,20}$/ $b = /\\bx[yz]{0,30}\\b/ $c = /q.{1,40}r/s condition: "
        "any of them }\n"
        "rule whole { condition: filesize > 10 and hash.md5(0, filesize) != \"\" and "
        "math.entropy(0, filesize) > 3 and uint8(filesize - 1) == 97 }\n"
        "rule near_the_end { strings: $a = \"zz\" condition: $a in (filesize - 100..filesize) or $a at 0 }\n"
        "rule absent { strings: $a = \"NEVERHERE\" condition: not $a and uint32be(0) == 0x7f454c46 }\n";

static struct pn_exact *in_blocks, *whole;

struct told {
        unsigned count;
        struct pn_finding finding[FINDINGS_MAX];
};

static void require(bool holds, const char *what)
{
        if (holds)
                return;
        (void)fprintf(stderr, "%s\n", what);
        abort();
}

static struct pn_exact *prepare(void)
{
        struct pn_exact *exact = NULL;
        struct pn_err err = PN_ERR_INIT;
        char marker[PN_MARKER_BYTES], source[256];

        pn_marker_fill(marker);
        (void)snprintf(source, sizeof(source),
                       "rule m { meta: id = \"%s\" strings: $m = \"%.*s\" condition: $m }", PN_TEST_RULE,
                       PN_MARKER_BYTES, marker);
        require(pn_exact_new(&exact, &err) == 0 &&
                        pn_exact_add(exact, "m", source, strlen(source), &err) == 0 &&
                        pn_exact_add(exact, "f", rules, sizeof(rules) - 1, &err) == 0 &&
                        pn_exact_ready(exact, &err) == 0,
                err.text);
        return exact;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
        (void)argc;
        (void)argv;
        in_blocks = prepare();
        whole = prepare();
        pn_exact_set_blocks(in_blocks, BLOCK_BYTES, OVERLAP);
        return 0;
}

static int take(void *ctx, const struct pn_finding *finding)
{
        struct told *told = ctx;

        require(told->count < FINDINGS_MAX, "more findings than rules");
        told->finding[told->count++] = *finding;
        return 0;
}

static int scan(struct pn_exact *exact, const struct pn_view *view, struct told *told)
{
        static const struct pn_exact_limits limits = {100000, 20};
        struct pn_object object;
        struct pn_err err = PN_ERR_INIT;
        uint64_t bytes = 0;
        int result;

        pn_object_from_view(&object, view);
        told->count = 0;
        result = pn_exact_scan(exact, &object, NULL, &limits, take, told, &bytes, &err);
        require(result == 0 ? err.fault == PN_FAULT_NONE
                            : err.fault == PN_FAULT_TARGET || err.fault == PN_FAULT_BUDGET,
                err.text);
        require(result < 0 || bytes == view->len, "not all was read");
        return result;
}

static bool same(const struct pn_finding *a, const struct pn_finding *b)
{
        if (strcmp(a->rule, b->rule) != 0 || a->evidence_count != b->evidence_count)
                return false;
        for (unsigned i = 0; i < a->evidence_count; i++)
                if (a->evidence[i].offset != b->evidence[i].offset ||
                    a->evidence[i].match_bytes != b->evidence[i].match_bytes ||
                    strcmp(a->evidence[i].string, b->evidence[i].string) != 0)
                        return false;
        return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct told a, b;
        struct pn_view view = {data, size};

        if (scan(in_blocks, &view, &a) < 0 || scan(whole, &view, &b) < 0)
                return 0;
        require(a.count == b.count, "other rules match in blocks");
        for (unsigned i = 0; i < a.count; i++)
                require(same(&a.finding[i], &b.finding[i]), a.finding[i].rule);
        return 0;
}
