/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_BASE_ERR_H
#define PN_BASE_ERR_H

/* Whose fault an error is. Policy decides by it, so every error names one. */
enum pn_fault {
        PN_FAULT_NONE = 0,
        PN_FAULT_TARGET, /* the image or what the container mounts */
        PN_FAULT_BUDGET, /* a limit or the deadline */
        PN_FAULT_CONFIG, /* policy, rules, exceptions, the command line */
        PN_FAULT_HOST,   /* kernel, file system, runtime */
        PN_FAULT_BUG,    /* postern itself */
};

#define PN_ERR_TEXT_MAX 256

/* A value on the caller's stack: nothing to free, nothing to leak. */
struct pn_err {
        enum pn_fault fault;
        int code; /* errno, 0 when there is none */
        char text[PN_ERR_TEXT_MAX];
};

#define PN_ERR_INIT {PN_FAULT_NONE, 0, ""}

/* Fills `err` (may be NULL) with "<message>: <strerror(code)>", without the reason when `code` is 0.
 * Message: lower case, what was tried, value in backticks, no full stop, no newline.
 * pn_err_set() is -1: a macro, so that compilers and analyzers know it. */
void pn_err_fill(struct pn_err *err, enum pn_fault fault, int code, const char *fmt, ...)
        __attribute__((format(printf, 4, 5)));
#define pn_err_set(...) (pn_err_fill(__VA_ARGS__), -1)

/* Puts "<message>: " before the text; fault and code stay. pn_err_wrap() is -1. */
void pn_err_prefix(struct pn_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
#define pn_err_wrap(...) (pn_err_prefix(__VA_ARGS__), -1)

const char *pn_fault_name(enum pn_fault fault);

#endif
