/* SPDX-License-Identifier: Apache-2.0 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hook/oci_state.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct pn_state state = {0};
        struct pn_err err = PN_ERR_INIT;

        if (pn_state_parse((const char *)data, size, &state, &err) < 0) {
                if (err.fault == PN_FAULT_NONE || err.text[0] == '\0' || state.id || state.bundle)
                        abort(); /* a refusal without a reason, or with a result */
                return 0;
        }
        if (state.id[0] == '\0' || strlen(state.id) > PN_STATE_ID_MAX || state.bundle[0] != '/' ||
            state.pid < 0 || !state.status)
                abort();
        pn_state_clear(&state);
        return 0;
}
