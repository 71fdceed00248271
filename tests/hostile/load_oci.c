/* SPDX-License-Identifier: Apache-2.0 */

/* load_oci STATE CONFIG   reads a state and a config.json as the hook does and prints what it understood; 1
 * and a reason on standard error when it could not. A target for each_nth.sh. */

#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "hook/oci_bundle.h"
#include "hook/oci_state.h"
#include "scanner/base/clock.h"
#include "scanner/base/fd.h"

#define WAIT_MS 20000

static int load(const char *state_file, const char *config_file, struct pn_state *state,
                struct pn_bundle *bundle, struct pn_err *err)
{
        pn_autofd state_fd = open(state_file, O_RDONLY | O_CLOEXEC);
        pn_autofd config_fd = open(config_file, O_RDONLY | O_CLOEXEC);
        pn_autofree char *json = NULL;
        size_t len = 0;

        if (pn_state_read(state_fd, pn_clock_now_ms() + WAIT_MS, state, err) < 0)
                return -1;
        if (pn_fd_read_all(config_fd, PN_CONFIG_BYTES_MAX, &json, &len) < 0)
                return pn_err_set(err, PN_FAULT_HOST, 0, "read `%s`", config_file);
        return pn_bundle_parse(state->bundle, json, len, bundle, err);
}

/* jansson 2.14 does not survive every failing allocation of its own (a null pointer in its lexer, an
 * assertion about its number buffer); what is looked at here is the hook's code around it. */
static void *allocate_or_leave(size_t size)
{
        void *block = malloc(size);

        if (!block) {
                (void)dprintf(STDERR_FILENO, "host fault: out of memory in jansson\n");
                _exit(1);
        }
        return block;
}

int main(int argc, char **argv)
{
        struct pn_state state = {0};
        struct pn_bundle bundle = {0};
        struct pn_err err = PN_ERR_INIT;
        int r;

        if (argc != 3)
                return 2;
        json_set_alloc_funcs(allocate_or_leave, free);
        r = load(argv[1], argv[2], &state, &bundle, &err);
        if (r < 0)
                (void)dprintf(STDERR_FILENO, "%s fault: %s\n", pn_fault_name(err.fault), err.text);
        else
                (void)dprintf(STDOUT_FILENO, "%s %s %s %s %lld\n", state.id, state.bundle, state.status,
                              bundle.root_path, (long long)state.pid);
        for (size_t i = 0; i < bundle.mount_count; i++)
                (void)dprintf(STDOUT_FILENO, "%s %s %s %d\n", bundle.mount[i].destination,
                              bundle.mount[i].type, bundle.mount[i].source, bundle.mount[i].bind);
        pn_bundle_clear(&bundle);
        pn_state_clear(&state);
        return r < 0;
}
