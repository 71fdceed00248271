/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void pn_err_fill(struct pn_err *err, enum pn_fault fault, int code, const char *fmt, ...)
{
        va_list ap;
        int n;

        if (!err)
                return;
        err->fault = fault;
        err->code = code;
        va_start(ap, fmt);
        n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
        va_end(ap);
        if (code && n >= 0 && (size_t)n < sizeof(err->text))
                (void)snprintf(err->text + n, sizeof(err->text) - (size_t)n, ": %s",
                               strerrordesc_np(code) ?: "unknown error");
}

void pn_err_prefix(struct pn_err *err, const char *fmt, ...)
{
        char head[PN_ERR_TEXT_MAX], all[2 * PN_ERR_TEXT_MAX + 4];
        va_list ap;

        if (!err)
                return;
        va_start(ap, fmt);
        (void)vsnprintf(head, sizeof(head), fmt, ap);
        va_end(ap);
        (void)snprintf(all, sizeof(all), "%s: %s", head, err->text);
        (void)snprintf(err->text, sizeof(err->text), "%.*s", PN_ERR_TEXT_MAX - 1, all);
}

const char *pn_fault_name(enum pn_fault fault)
{
        static const char *const names[] = {
                [PN_FAULT_NONE] = "none",     [PN_FAULT_TARGET] = "target", [PN_FAULT_BUDGET] = "budget",
                [PN_FAULT_CONFIG] = "config", [PN_FAULT_HOST] = "host",     [PN_FAULT_BUG] = "bug",
        };

        return (unsigned)fault < sizeof(names) / sizeof(names[0]) ? names[fault] : "bug";
}
