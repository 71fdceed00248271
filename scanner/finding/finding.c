/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/finding.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int path_copy(struct pn_path *dst, const struct pn_path *src)
{
        char *bytes = NULL;

        if (src && src->len > 0) {
                bytes = malloc(src->len);
                if (!bytes)
                        return -1;
                memcpy(bytes, src->bytes, src->len);
        }
        *dst = (struct pn_path){bytes, bytes ? src->len : 0, src && src->cut};
        return 0;
}

/* Room for one more of `size` bytes behind `count` in `*array`. */
static void *grow(void **array, size_t count, size_t size)
{
        void *more = reallocarray(*array, count + 1, size);

        if (!more)
                return NULL;
        *array = more;
        return (char *)more + count * size;
}

void pn_findings_clear(struct pn_findings *all)
{
        for (size_t i = 0; i < all->finding_count; i++)
                free(all->finding[i].path.bytes);
        for (size_t i = 0; i < all->issue_count; i++)
                free(all->issue[i].path.bytes);
        for (size_t i = 0; i < all->note_count; i++)
                free(all->note[i].path.bytes);
        free(all->finding);
        free(all->issue);
        free(all->note);
        *all = (struct pn_findings){0};
}

static unsigned rank(const struct pn_finding *finding)
{
        if (strcmp(finding->rule, PN_TEST_RULE) == 0)
                return UINT_MAX;
        return (unsigned)finding->severity * 8 + (unsigned)finding->confidence;
}

static void drop(struct pn_findings *all, const struct pn_finding *finding)
{
        if ((unsigned)finding->severity <= PN_SEVERITY_CRITICAL &&
            (unsigned)finding->confidence <= PN_CONFIDENCE_HIGH)
                all->dropped[finding->severity][finding->confidence]++;
}

/* The place for a finding when all are taken: that of the least bad, if that is less bad. */
static struct pn_finding *weakest(struct pn_findings *all, const struct pn_finding *than)
{
        struct pn_finding *least = &all->finding[0];

        for (size_t i = 1; i < all->finding_count; i++)
                if (rank(&all->finding[i]) < rank(least))
                        least = &all->finding[i];
        return rank(least) < rank(than) ? least : NULL;
}

int pn_findings_add(struct pn_findings *all, const struct pn_finding *finding)
{
        bool full = all->finding_count >= PN_FINDINGS_KEPT;
        struct pn_finding *slot;
        struct pn_path path;

        all->finding_total++;
        slot = full ? weakest(all, finding) : grow((void **)&all->finding, all->finding_count, sizeof(*slot));
        if (full && !slot)
                drop(all, finding);
        if (!slot)
                return full ? 0 : -1;
        if (path_copy(&path, &finding->path) < 0)
                return -1;
        if (full) {
                drop(all, slot);
                free(slot->path.bytes);
        } else {
                all->finding_count++;
        }
        *slot = *finding;
        slot->path = path;
        return 0;
}

int pn_findings_add_issue(struct pn_findings *all, enum pn_issue_class cls, const struct pn_path *path,
                          const char *fmt, ...)
{
        struct pn_issue *slot;
        va_list ap;

        all->issue_total[cls]++;
        all->tally.errors++;
        if (all->issue_count >= PN_ISSUES_KEPT)
                return 0;
        slot = grow((void **)&all->issue, all->issue_count, sizeof(*slot));
        if (!slot)
                return -1;
        slot->cls = cls;
        if (path_copy(&slot->path, path) < 0)
                return -1;
        va_start(ap, fmt);
        (void)vsnprintf(slot->text, sizeof(slot->text), fmt, ap);
        va_end(ap);
        all->issue_count++;
        return 0;
}

int pn_findings_add_note(struct pn_findings *all, const struct pn_path *path, const char *fmt, ...)
{
        struct pn_note *slot;
        va_list ap;

        all->note_total++;
        if (all->note_count >= PN_ISSUES_KEPT)
                return 0;
        slot = grow((void **)&all->note, all->note_count, sizeof(*slot));
        if (!slot)
                return -1;
        if (path_copy(&slot->path, path) < 0)
                return -1;
        va_start(ap, fmt);
        (void)vsnprintf(slot->text, sizeof(slot->text), fmt, ap);
        va_end(ap);
        all->note_count++;
        return 0;
}

int pn_findings_take(struct pn_findings *all, struct pn_findings *scan)
{
        struct pn_findings earlier = *all;
        int ret = 0;

        *all = *scan;
        *scan = (struct pn_findings){0};
        for (size_t i = 0; i < earlier.issue_count; i++) {
                earlier.issue_total[earlier.issue[i].cls]--;
                if (pn_findings_add_issue(all, earlier.issue[i].cls, &earlier.issue[i].path, "%s",
                                          earlier.issue[i].text) < 0)
                        ret = -1;
        }
        for (unsigned cls = 0; cls < PN_ISSUE_CLASSES; cls++) { /* those that were counted and not kept */
                all->issue_total[cls] += earlier.issue_total[cls];
                all->tally.errors += earlier.issue_total[cls];
        }
        for (size_t i = 0; i < earlier.note_count; i++)
                if (pn_findings_add_note(all, &earlier.note[i].path, "%s", earlier.note[i].text) < 0)
                        ret = -1;
        all->note_total += earlier.note_total - earlier.note_count;
        pn_findings_clear(&earlier);
        return ret;
}

static const char *const severities[] = {NULL, "low", "medium", "high", "critical"};
static const char *const confidences[] = {NULL, "low", "medium", "high"};
static const char *const classes[] = {"content", "malformed", "limit", "unscannable", "deadline", "node"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static unsigned find(const char *const *words, size_t count, const char *word)
{
        for (unsigned i = 1; i < count; i++)
                if (strcmp(words[i], word) == 0)
                        return i;
        return 0;
}

const char *pn_severity_name(enum pn_severity severity)
{
        return (unsigned)severity < COUNT(severities) ? severities[severity] : NULL;
}

const char *pn_confidence_name(enum pn_confidence confidence)
{
        return (unsigned)confidence < COUNT(confidences) ? confidences[confidence] : NULL;
}

const char *pn_issue_class_name(enum pn_issue_class cls)
{
        return (unsigned)cls < COUNT(classes) ? classes[cls] : NULL;
}

enum pn_severity pn_severity_parse(const char *word)
{
        return (enum pn_severity)find(severities, COUNT(severities), word);
}

enum pn_confidence pn_confidence_parse(const char *word)
{
        return (enum pn_confidence)find(confidences, COUNT(confidences), word);
}
