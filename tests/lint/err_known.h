/* SPDX-License-Identifier: Apache-2.0 */
/* For analysers, which look at one file at a time: these two return -1. Included before every file but err.c. */
#include "scanner/base/err.h"
#define pn_err_set(...) (pn_err_set(__VA_ARGS__), -1)
#define pn_err_wrap(...) (pn_err_wrap(__VA_ARGS__), -1)
