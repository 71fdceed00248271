/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/view.h"

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "scanner/base/fd.h"

#define PN_MOUNTINFO_BYTES_MAX (32U << 20)

/* The mount namespace of a /proc/PID directory; false when it cannot be told. */
static bool mount_namespace(int proc, struct stat *ret)
{
        return fstatat(proc, "ns/mnt", ret, 0) == 0;
}

static void read_mountinfo(int proc, struct pn_view_of *ret)
{
        pn_autofd fd = openat(proc, "mountinfo", O_RDONLY | O_CLOEXEC);

        if (fd < 0 || pn_fd_read_all(fd, PN_MOUNTINFO_BYTES_MAX, &ret->mountinfo, &ret->mountinfo_len) < 0)
                ret->mountinfo = NULL;
}

static const char *open_root(int64_t pid, int self, struct pn_view_of *ret)
{
        char path[32];
        pn_autofd process = -1, proc = -1, root = -1;
        struct stat theirs, ours;
        struct pollfd gone;

        if (pid <= 0)
                return "the state names no process";
        process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0);
        if (pid > INT32_MAX || process < 0)
                return "its process is gone";
        (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
        proc = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (proc < 0 || !mount_namespace(proc, &theirs) || !mount_namespace(self, &ours))
                return "its process cannot be looked at";
        if (theirs.st_dev == ours.st_dev && theirs.st_ino == ours.st_ino)
                return "the process of the state is in the host's mount namespace";
        root = openat(proc, "root", O_PATH | O_CLOEXEC);
        if (root < 0)
                return "its root cannot be opened";
        read_mountinfo(proc, ret);
        /* all of this was the same process only if it is still there now */
        gone = (struct pollfd){process, POLLIN, 0};
        if (poll(&gone, 1, 0) != 0)
                return "its process has just ended";
        ret->root_fd = pn_steal_fd(&root);
        return "";
}

void pn_view_open(int64_t pid, struct pn_view_of *ret)
{
        pn_autofd self = open("/proc/self", O_PATH | O_DIRECTORY | O_CLOEXEC);

        *ret = (struct pn_view_of){.root_fd = -1};
        ret->missing = open_root(pid, self, ret);
        if (ret->root_fd < 0) {
                free(ret->mountinfo);
                ret->mountinfo = NULL;
                read_mountinfo(self, ret);
        }
}

void pn_view_close(struct pn_view_of *view)
{
        pn_fd_cleanup(&view->root_fd);
        free(view->mountinfo);
        view->mountinfo = NULL;
}
