/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/compile/filter_hs.h"

#ifdef PN_HAVE_HYPERSCAN

#include <errno.h>
#include <hs/hs.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/fd.h"
#include "scanner/engine/filter_state.h"

#define PATTERN_MAX (4 * PN_WINDOW_MAX + 1) /* \xHH of each byte */

/* The arguments of hs_compile_multi(). */
struct patterns {
        char (*text)[PATTERN_MAX];
        const char **pattern;
        unsigned *flags, *id;
};

static void patterns_clear(struct patterns *patterns)
{
        free(patterns->text);
        free((void *)patterns->pattern);
        free(patterns->flags);
        free(patterns->id);
}

static void pattern_write(char text[PATTERN_MAX], const struct pn_window *window)
{
        static const char digit[] = "0123456789abcdef";

        for (uint32_t i = 0; i < window->len; i++) {
                *text++ = '\\';
                *text++ = 'x';
                *text++ = digit[window->bytes[i] >> 4];
                *text++ = digit[window->bytes[i] & 0xf];
        }
        *text = '\0';
}

static int patterns_make(const struct pn_window *windows, uint32_t count, struct patterns *ret,
                         struct pn_err *err)
{
        ret->text = calloc(count, sizeof(*ret->text));
        ret->pattern = calloc(count, sizeof(*ret->pattern));
        ret->flags = calloc(count, sizeof(*ret->flags));
        ret->id = calloc(count, sizeof(*ret->id));
        if (!ret->text || !ret->pattern || !ret->flags || !ret->id)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "write %u patterns", count);
        for (uint32_t i = 0; i < count; i++) {
                pattern_write(ret->text[i], &windows[i]);
                ret->pattern[i] = ret->text[i];
                ret->flags[i] = HS_FLAG_DOTALL | (windows[i].nocase ? HS_FLAG_CASELESS : 0);
                ret->id[i] = i;
        }
        return 0;
}

/* Hyperscan's words and number of the pattern. */
static int compile_error(hs_compile_error_t *why, hs_error_t code, struct pn_err *err)
{
        int ret = pn_err_set(err, PN_FAULT_HOST, code == HS_NOMEM ? ENOMEM : 0,
                             "compile for Hyperscan: %s (code %d)",
                             why && why->message ? why->message : "no reason given", code);

        (void)hs_free_compile_error(why);
        return ret;
}

static int compile(const struct patterns *patterns, uint32_t count, bool generic, hs_database_t **ret,
                   struct pn_err *err)
{
        hs_platform_info_t platform;
        hs_compile_error_t *why = NULL;
        hs_error_t code;

        memset(&platform, 0, sizeof(platform)); /* any processor that the library runs on */
        if (!generic && hs_populate_platform(&platform) != HS_SUCCESS)
                return pn_err_set(err, PN_FAULT_HOST, 0, "Hyperscan does not know this processor");
        code = hs_compile_multi(patterns->pattern, patterns->flags, patterns->id, count, HS_MODE_BLOCK,
                                &platform, ret, &why);
        return code == HS_SUCCESS ? 0 : compile_error(why, code, err);
}

/* Our header, the lengths, and `part`. */
static int wrap(const struct pn_window *windows, uint32_t count, struct pn_view part, uint8_t **ret,
                size_t *ret_len, struct pn_err *err)
{
        struct pn_filter_hs_header header = {PN_FILTER_HS_MAGIC, PN_FILTER_HS_VERSION, count, 0, 0, part.len};
        uint64_t all;
        uint8_t *block;

        header.offset = pn_filter_aligned(sizeof(header) + count);
        all = pn_filter_aligned(header.offset + part.len);
        block = aligned_alloc(PN_FILTER_ALIGN, all);
        if (!block)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "keep %zu bytes of a Hyperscan database",
                                  part.len);
        memset(block, 0, all);
        memcpy(block, &header, sizeof(header));
        for (uint32_t i = 0; i < count; i++)
                block[sizeof(header) + i] = windows[i].len;
        if (part.len > 0)
                memcpy(block + header.offset, part.data, part.len);
        *ret = block;
        *ret_len = header.offset + part.len;
        return 0;
}

static int compile_and_wrap(const struct pn_window *windows, uint32_t count, bool generic,
                            const struct patterns *patterns, uint8_t **ret, size_t *ret_len,
                            struct pn_err *err)
{
        hs_database_t *database = NULL;
        pn_autofree char *bytes = NULL;
        size_t len = 0;
        hs_error_t code;

        if (compile(patterns, count, generic, &database, err) < 0)
                return -1;
        code = hs_serialize_database(database, &bytes, &len);
        (void)hs_free_database(database);
        if (code != HS_SUCCESS)
                return pn_err_set(err, PN_FAULT_HOST, 0, "serialise a Hyperscan database (code %d)", code);
        return wrap(windows, count, (struct pn_view){(const uint8_t *)bytes, len}, ret, ret_len, err);
}

int pn_filter_hs_build(const struct pn_window *windows, uint32_t count, bool generic, uint8_t **ret,
                       size_t *ret_len, struct pn_err *err)
{
        struct patterns patterns = {NULL};
        int result;

        if (count > PN_WINDOWS_MAX)
                return pn_err_set(err, PN_FAULT_CONFIG, 0, "%u windows are more than %u", count,
                                  PN_WINDOWS_MAX);
        for (uint32_t i = 0; i < count; i++)
                if (windows[i].len < PN_WINDOW_MIN || windows[i].len > PN_WINDOW_MAX)
                        return pn_err_set(err, PN_FAULT_CONFIG, 0, "window %u has %u bytes", i,
                                          windows[i].len);
        if (count == 0) /* Hyperscan refuses to compile nothing */
                return wrap(windows, 0, (struct pn_view){NULL, 0}, ret, ret_len, err);
        result = patterns_make(windows, count, &patterns, err);
        if (result == 0)
                result = compile_and_wrap(windows, count, generic, &patterns, ret, ret_len, err);
        patterns_clear(&patterns);
        return result;
}

const char *pn_filter_hs_version(void)
{
        return hs_version();
}

#else

int pn_filter_hs_build(const struct pn_window *windows, uint32_t count, bool generic, uint8_t **ret,
                       size_t *ret_len, struct pn_err *err)
{
        (void)windows;
        (void)count;
        (void)generic;
        (void)ret;
        (void)ret_len;
        return pn_err_set(err, PN_FAULT_CONFIG, 0, "postern was built without Vectorscan or Hyperscan");
}

const char *pn_filter_hs_version(void)
{
        return "none";
}

#endif
