/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "hook/oci_bundle.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct pn_bundle *bundle)
{
        if (bundle->root_path[0] != '/' || bundle->mount_count > PN_MOUNTS_MAX)
                abort();
        for (size_t i = 0; i < bundle->mount_count; i++) {
                const struct pn_mount *mount = &bundle->mount[i];

                if (mount->destination[0] != '/' || !mount->type || !mount->source)
                        abort();
                if (mount->bind && mount->source[0] != '/')
                        abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct pn_bundle bundle = {0};
        struct pn_err err = PN_ERR_INIT;

        if (pn_bundle_parse("/run/bundle", (const char *)data, size, &bundle, &err) < 0) {
                if (err.fault == PN_FAULT_NONE || err.text[0] == '\0' || bundle.root_path || bundle.mount)
                        abort(); /* a refusal without a reason, or with a result */
                return 0;
        }
        check(&bundle);
        pn_bundle_clear(&bundle);
        return 0;
}
