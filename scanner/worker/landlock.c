/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/worker/walls.h"

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scanner/base/fd.h"

/* landlock(7). Our own names: the headers of the build may be older than the kernel that runs it. The numbers
 * are the same on every architecture. */
#define CREATE_RULESET 444
#define ADD_RULE 445
#define RESTRICT_SELF 446

#define CREATE_VERSION 1U
#define RULE_PATH_BENEATH 1

#define READ_FILE (1ULL << 2)
#define READ_DIR (1ULL << 3)

struct ruleset_attr {
        uint64_t fs, net, scoped; /* an older kernel takes the longer struct as long as the rest of it is 0 */
};

struct path_attr {
        uint64_t allowed;
        int32_t parent_fd;
} __attribute__((packed));

/* What a version lets us forbid: everything it knows. */
static const struct {
        int abi;
        struct ruleset_attr adds;
        const char *reason;
} versions[] = {
        {1, {.fs = (1ULL << 13) - 1}, "execute, read, write, make and remove"},
        {2, {.fs = 1ULL << 13}, "refer: link and rename between directories"},
        {3, {.fs = 1ULL << 14}, "truncate"},
        {4, {.net = (1ULL << 2) - 1}, "bind and connect TCP"},
        {5, {.fs = 1ULL << 15}, "ioctl of devices"},
        {6, {.scoped = (1ULL << 2) - 1}, "abstract unix sockets and signals to the outside"},
};

static int rule_add(int ruleset, int fd, struct pn_err *err)
{
        struct path_attr rule = {.allowed = READ_FILE, .parent_fd = fd};
        struct stat st;

        if (fstat(fd, &st) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "look at what Landlock is to allow");
        if (S_ISDIR(st.st_mode))
                rule.allowed |= READ_DIR;
        if (syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "add a Landlock rule");
        return 0;
}

int pn_landlock_enter(const int *readable, unsigned count, int *ret_abi, struct pn_err *err)
{
        long abi = syscall(CREATE_RULESET, NULL, 0, CREATE_VERSION);
        struct ruleset_attr attr = {0};
        pn_autofd ruleset = -1;

        if (abi < 0 && (errno == ENOSYS || errno == EOPNOTSUPP)) {
                *ret_abi = 0;
                return 0;
        }
        if (abi < 1)
                return pn_err_set(err, PN_FAULT_HOST, abi < 0 ? errno : 0, "ask for the version of Landlock");
        for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
                if (versions[i].abi > abi)
                        continue;
                attr.fs |= versions[i].adds.fs;
                attr.net |= versions[i].adds.net;
                attr.scoped |= versions[i].adds.scoped;
        }
        ruleset = (int)syscall(CREATE_RULESET, &attr, sizeof(attr), 0);
        if (ruleset < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "make a Landlock ruleset");
        for (unsigned i = 0; i < count; i++)
                if (rule_add(ruleset, readable[i], err) < 0)
                        return -1;
        if (syscall(RESTRICT_SELF, ruleset, 0) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "enter Landlock");
        *ret_abi = (int)abi;
        return 0;
}
