/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_TEST_EXACT_KIT_H
#define PN_TEST_EXACT_KIT_H

/* Files that need no disk, and rules with the marker: for the tests of the exact match. */

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <yara.h>

#include <cmocka.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/base/view.h"
#include "scanner/engine/exact.h"
#include "scanner/finding/marker.h"

#define MIB (1ULL << 20)
#define BLOCK ((uint64_t)PN_EXACT_BLOCK_BYTES)
#define OVER ((uint64_t)PN_EXACT_OVERLAP_BYTES)

/* ---------------------------------------------------------------- helpers */

/* A file that is 0x55 everywhere but for what is planted, and whose holes, end and errors are where we say.
 */
struct fake {
        uint64_t size, ends_at, fails_at;
        uint64_t data[3][2]; /* runs that are no holes; none: everything is data */
        struct {
                uint64_t at;
                const char *bytes;
                size_t len;
        } plant[24];
        size_t plants;
        bool fails_second_time; /* only a read of what was read before fails */
        bool ends_second_time;  /* the same, but the file has become shorter */
        unsigned reads_at_0;
};

static inline void plant(struct fake *fake, uint64_t at, const char *bytes, size_t len)
{
        assert_true(fake->plants < sizeof(fake->plant) / sizeof(fake->plant[0]));
        fake->plant[fake->plants].at = at;
        fake->plant[fake->plants].bytes = bytes;
        fake->plant[fake->plants++].len = len;
}

static inline void overlay(char *buf, uint64_t offset, size_t len, uint64_t at, const char *bytes,
                           size_t plant_len)
{
        for (size_t i = 0; i < plant_len; i++)
                if (at + i >= offset && at + i - offset < len)
                        buf[at + i - offset] = bytes[i];
}

static inline ssize_t fake_read_at(void *from, void *buf, size_t len, uint64_t offset)
{
        struct fake *fake = from;
        uint64_t end = fake->ends_at ? fake->ends_at : fake->size;

        if (offset == 0 && len > 4 && fake->reads_at_0++ > 0 && fake->fails_second_time) {
                errno = EIO;
                return -1;
        }
        if (fake->ends_second_time && fake->reads_at_0 > 1)
                end = 10;
        if (fake->fails_at && offset + len > fake->fails_at) {
                errno = ESTALE;
                return -1;
        }
        if (offset >= end)
                return 0;
        if (len > end - offset)
                len = (size_t)(end - offset);
        memset(buf, fake->data[0][1] ? 0 : 0x55, len);
        for (size_t i = 0; i < fake->plants; i++)
                overlay(buf, offset, len, fake->plant[i].at, fake->plant[i].bytes, fake->plant[i].len);
        return (ssize_t)len;
}

static inline int fake_data_at(void *from, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end)
{
        struct fake *fake = from;

        if (fake->data[0][1] == 0) {
                *ret_start = offset;
                *ret_end = fake->size;
                return offset < fake->size;
        }
        for (size_t i = 0; i < 3; i++) {
                if (fake->data[i][1] <= offset)
                        continue;
                *ret_start = fake->data[i][0] > offset ? fake->data[i][0] : offset;
                *ret_end = fake->data[i][1];
                return 1;
        }
        return 0;
}

static inline struct pn_object fake_object(struct fake *fake)
{
        return (struct pn_object){fake->size, fake, fake_read_at, fake_data_at};
}

struct told {
        unsigned count;
        struct pn_finding finding[256];
        bool refuse;
};

static inline int take(void *ctx, const struct pn_finding *finding)
{
        struct told *told = ctx;

        if (told->refuse)
                return -1;
        assert_true(told->count < 256);
        told->finding[told->count++] = *finding;
        return 0;
}

static inline const struct pn_finding *find_told(const struct told *told, const char *rule)
{
        for (unsigned i = 0; i < told->count; i++)
                if (strcmp(told->finding[i].rule, rule) == 0)
                        return &told->finding[i];
        return NULL;
}

static const struct pn_exact_limits roomy __attribute__((unused)) = {YR_MAX_STRING_MATCHES, 60};

/* The rule that every set must have; the text is made here, so that this program does not hold the marker. */
static inline void add_marker_rule(struct pn_exact *exact)
{
        char marker[PN_MARKER_BYTES], source[512];
        struct pn_err err = PN_ERR_INIT;

        pn_marker_fill(marker);
        (void)snprintf(source, sizeof(source),
                       "rule marker { meta: id = \"%s\" strings: $m = \"%.*s\" condition: "
                       "$m and uint32(0) == 0x464c457f }",
                       PN_TEST_RULE, PN_MARKER_BYTES, marker);
        assert_int_equal(pn_exact_add(exact, "marker.yar", source, strlen(source), &err), 0);
}

static inline struct pn_exact *with_rules(const char *source)
{
        struct pn_exact *exact = NULL;
        struct pn_err err = PN_ERR_INIT;

        assert_int_equal(pn_exact_new(&exact, &err), 0);
        add_marker_rule(exact);
        if (pn_exact_add(exact, "t.yar", source, strlen(source), &err) < 0 || pn_exact_ready(exact, &err) < 0)
                fail_msg("%s", err.text);
        return exact;
}

static inline int scan(struct pn_exact *exact, const struct pn_object *object, struct told *told,
                       struct pn_err *err)
{
        uint64_t bytes = 0;

        *told = (struct told){0};
        *err = (struct pn_err)PN_ERR_INIT;
        return pn_exact_scan(exact, object, NULL, &roomy, take, told, &bytes, err);
}

static inline void scan_text(struct pn_exact *exact, const char *text, struct told *told)
{
        struct pn_view view = {(const uint8_t *)text, strlen(text)};
        struct pn_object object;
        struct pn_err err;

        pn_object_from_view(&object, &view);
        if (scan(exact, &object, told, &err) < 0)
                fail_msg("%s", err.text);
}

static inline void expect_error(const struct pn_err *err, enum pn_fault fault, const char *words)
{
        if (err->fault != fault || !strstr(err->text, words))
                fail_msg("expected %s with `%s`, got %s: %s", pn_fault_name(fault), words,
                         pn_fault_name(err->fault), err->text);
}

#endif
