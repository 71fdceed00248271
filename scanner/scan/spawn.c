/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/scan/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/ipc/fdpass.h"

/* The kernel's least (4608 bytes): four batches wait between two roles. Their descriptors, 64 a socket, count against
 * RLIMIT_NOFILE of whoever sends (unix(7), ETOOMANYREFS); with a longer queue the walker's would leave the raw matcher
 * no room to send, and nobody would ever go on. */
#define QUEUE_BYTES 1
/* Two of the longest messages, or some hundred short ones: what a worker can have said and we not heard, whatever
 * net.core.wmem_default of this node is. */
#define CONTROL_BYTES (64 << 10)
#define FIRST_FREE    10 /* above every descriptor that a worker is given */
#define WORKER_FD     6  /* the program itself, closed by exec; nothing is left open above it */

#define STATUS_LOST   255

static const char *const names[PN_PEERS] = {"walk", "raw", "parse"};

/* Runs in the child between fork and exec: async-signal-safe calls only. */
static void become(int worker, const char *role, const int sockets[3])
{
        char parent[16];
        char *const argv[] = {(char *)(uintptr_t)"postern-worker", (char *)(uintptr_t)role, parent, NULL};
        char *const envp[] = {NULL};
        int null = open("/dev/null", O_RDWR | O_CLOEXEC), high[3];
        sigset_t none;

        (void)sigemptyset(&none);
        (void)sigprocmask(SIG_SETMASK, &none, NULL);
        (void)snprintf(parent, sizeof(parent), "%d", (int)getppid());
        for (int i = 0; i < 3; i++) {
                high[i] = sockets[i] < 0 ? -1 : fcntl(sockets[i], F_DUPFD_CLOEXEC, FIRST_FREE);
                if (sockets[i] >= 0 && high[i] < 0)
                        _exit(127);
        }
        if (null < 0 || (worker = fcntl(worker, F_DUPFD_CLOEXEC, FIRST_FREE)) < 0)
                _exit(127);
        for (int fd = 0; fd < 3; fd++)
                if (dup2(null, fd) < 0)
                        _exit(127);
        for (int i = 0; i < 3; i++) {
                (void)close(3 + i);
                if (high[i] >= 0 && dup2(high[i], 3 + i) < 0)
                        _exit(127);
        }
        if ((worker = dup3(worker, WORKER_FD, O_CLOEXEC)) < 0)
                _exit(127);
        /* for callers that were careless; before Linux 5.9 those must do without */
        (void)close_range(WORKER_FD + 1, ~0U, 0);
        (void)execveat(worker, "", argv, envp, AT_EMPTY_PATH);
        _exit(127);
}

static int start(int worker, enum pn_peer_role role, const int sockets[3], struct pn_peer *peer, struct pn_err *err)
{
        pid_t pid = fork();

        if (pid < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "start the %s worker", names[role]);
        if (pid == 0)
                become(worker, names[role], sockets);
        peer->pid = pid;
        peer->pid_fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (peer->pid_fd < 0) {
                pn_err_fill(err, PN_FAULT_HOST, errno, "pidfd_open");
                (void)kill(pid, SIGKILL); /* nobody could wait for it with an end in sight later */
                (void)waitpid(pid, NULL, 0);
                peer->pid = 0;
                return -1;
        }
        return 0;
}

int pn_spawn(const char *path, struct pn_peer peers[PN_PEERS], struct pn_err *err)
{
        pn_autofd worker = -1;
        int link[PN_PEERS][2] = {{-1, -1}, {-1, -1}, {-1, -1}}; /* [role]: its output end, the next one's input end */
        int ret = 0;

        for (int i = 0; i < PN_PEERS; i++)
                peers[i] = (struct pn_peer){.pid_fd = -1, .control = -1};
        if (pn_fd_open_trusted(AT_FDCWD, path, &worker, err) < 0)
                return pn_err_wrap(err, "worker");
        for (int i = 0; i + 1 < PN_PEERS && ret == 0; i++)
                ret = pn_fdpass_pair(link[i], QUEUE_BYTES, err);
        for (int i = 0; i < PN_PEERS && ret == 0; i++) {
                int control[2] = {-1, -1};
                int sockets[3];

                ret = pn_fdpass_pair(control, CONTROL_BYTES, err);
                if (ret < 0)
                        break;
                peers[i].control = control[0];
                sockets[0] = control[1];
                sockets[1] = i > 0 ? link[i - 1][1] : -1;
                sockets[2] = link[i][0];
                ret = start(worker, (enum pn_peer_role)i, sockets, &peers[i], err);
                (void)close(control[1]);
        }
        for (int i = 0; i + 1 < PN_PEERS; i++)
                pn_fdpass_close_all(link[i], 2);
        return ret;
}

void pn_spawn_reap(struct pn_peer *peer)
{
        pid_t got;

        if (peer->pid <= 0 || peer->exited)
                return;
        got = waitpid(peer->pid, &peer->status, WNOHANG);
        if (got < 0) /* ECHILD: SIGCHLD was ignored and the kernel kept no status; that is not a good one */
                peer->status = W_EXITCODE(STATUS_LOST, 0);
        peer->exited = got != 0;
}

void pn_spawn_end(struct pn_peer peers[PN_PEERS], int grace_ms)
{
        int64_t until = pn_clock_now_ms() + grace_ms;

        for (int i = 0; i < PN_PEERS; i++)
                if (peers[i].pid > 0 && !peers[i].exited)
                        (void)kill(peers[i].pid, SIGKILL);
        for (int i = 0; i < PN_PEERS; i++) {
                struct pollfd gone = {peers[i].pid_fd, POLLIN, 0};

                while (peers[i].pid > 0 && !peers[i].exited && peers[i].pid_fd >= 0)
                        if (poll(&gone, 1, pn_clock_left_ms(until)) >= 0 || errno != EINTR)
                                break;
                pn_spawn_reap(&peers[i]);
                if (peers[i].pid_fd >= 0)
                        (void)close(peers[i].pid_fd);
                if (peers[i].control >= 0)
                        (void)close(peers[i].control);
                peers[i].pid_fd = peers[i].control = -1;
        }
}
