/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "scanner/engine/detect/work.h"

/* What a clean libkeyutils needs: the C library, its parts of former days, and the loader. */
static const char *const may_need[] = {"libc.so",  "libc.musl-", "libdl.so", "libpthread.so",
                                       "ld-linux", "ld-musl-",   "ld64.so",  "ld.so"};

static bool is_foreign(const char *name)
{
        for (size_t i = 0; i < sizeof(may_need) / sizeof(may_need[0]); i++)
                if (strncmp(name, may_need[i], strlen(may_need[i])) == 0)
                        return false;
        return true;
}

static int is_keyutils(struct pn_work *work, struct pn_err *err)
{
        return pn_work_is_library(work) ? pn_work_is_named(work, "libkeyutils.so", err) : 0;
}

/* Ebury puts its code into libkeyutils.so or into a library that it makes libkeyutils.so need. */
int pn_stage_keyutils_needed(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        const struct pn_dynamic *dynamic = &work->dynamic;
        int result = is_keyutils(work, err);

        for (unsigned i = 0; result > 0 && i < dynamic->needed_count; i++) {
                char name[PN_LINK_NAME];
                bool cut;

                result = pn_dynamic_string(&work->image, dynamic, dynamic->needed[i], name, sizeof(name),
                                           &cut, err);
                if (result > 0 && is_foreign(name)) {
                        pn_places_add_mem(ret_places, work, "needed", dynamic->strtab + dynamic->needed[i],
                                          strlen(name));
                        return 1;
                }
                if (result == 0)
                        result = 1; /* a name outside the file is one that ld.so does not find either */
        }
        return result < 0 ? -1 : 0;
}

static bool has_component(const char *path, const char *component)
{
        size_t len = strlen(component);

        for (const char *at = path; at; at = strchr(at, '/')) {
                at += *at == '/';
                if (strncmp(at, component, len) == 0 && (at[len] == '/' || at[len] == '\0'))
                        return true;
        }
        return false;
}

/* No distribution has it below a directory tls/, where ld.so used to look first. */
int pn_stage_keyutils_place(struct pn_work *work, struct pn_places *ret_places, struct pn_err *err)
{
        const char *directory = work->input->names->value[PN_NAME_FILEPATH];
        int result = is_keyutils(work, err);

        if (result <= 0 || !directory || !has_component(directory, "tls"))
                return result < 0 ? -1 : 0;
        pn_places_add_mem(ret_places, work, "dynamic", work->dynamic.vaddr, 16);
        return 1;
}
