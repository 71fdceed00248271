/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/ipc/fdpass.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "scanner/base/clock.h"

#define RETRIES_MAX 16 /* of a call that is interrupted for ever: that is an error, not a reason to spin */

int pn_fdpass_pair(int ret_sockets[2], int queue_bytes, struct pn_err *err)
{
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret_sockets) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "socketpair");
        for (int i = 0; i < 2 && queue_bytes > 0; i++) {
                if (setsockopt(ret_sockets[i], SOL_SOCKET, SO_SNDBUF, &queue_bytes, sizeof(queue_bytes)) == 0)
                        continue;
                pn_err_fill(err, PN_FAULT_HOST, errno, "setsockopt SO_SNDBUF");
                pn_fdpass_close_all(ret_sockets, 2);
                return -1;
        }
        return 0;
}

void pn_fdpass_close_all(int *fds, unsigned count)
{
        for (unsigned i = 0; i < count; i++) {
                if (fds[i] >= 0)
                        (void)close(fds[i]);
                fds[i] = -1;
        }
}

/* Waits for room until the deadline; 0 when that has passed. Where descriptors are in the way poll(2) knows nothing. */
static int await_room(int sock, int code, int64_t deadline_ms)
{
        struct pollfd room = {sock, POLLOUT, 0};
        struct timespec pause = {0, 1000000};
        int left = deadline_ms == PN_FDPASS_FOREVER ? 1 : pn_clock_left_ms(deadline_ms);

        if (left > 0 && code == ETOOMANYREFS)
                (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &pause, NULL);
        else if (left > 0 && code == EAGAIN)
                (void)poll(&room, 1, left);
        return left;
}

int pn_fdpass_send(int sock, const struct pn_msg_out *out, const int *fds, unsigned fd_count, struct pn_err *err)
{
        return pn_fdpass_send_until(sock, PN_FDPASS_FOREVER, out, fds, fd_count, err);
}

int pn_fdpass_send_until(int sock, int64_t deadline_ms, const struct pn_msg_out *out, const int *fds,
                         unsigned fd_count, struct pn_err *err)
{
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(PN_MSG_BATCH_MAX * sizeof(int))];
        } control = {0};
        struct iovec iov = {(void *)(uintptr_t)out->bytes, out->len};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        int flags = MSG_NOSIGNAL | (deadline_ms == PN_FDPASS_FOREVER ? 0 : MSG_DONTWAIT);

        if (out->full || fd_count > PN_MSG_BATCH_MAX)
                return pn_err_set(err, PN_FAULT_BUG, 0, "message over its ceiling");
        if (fd_count > 0) {
                struct cmsghdr *head;

                msg.msg_control = control.bytes;
                msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
                head = CMSG_FIRSTHDR(&msg);
                head->cmsg_level = SOL_SOCKET;
                head->cmsg_type = SCM_RIGHTS;
                head->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
                memcpy(CMSG_DATA(head), fds, fd_count * sizeof(int));
        }
        for (;;) {
                ssize_t n = sendmsg(sock, &msg, flags);

                if (n == (ssize_t)out->len)
                        return 0;
                if (n >= 0)
                        return pn_err_set(err, PN_FAULT_HOST, EMSGSIZE, "sendmsg");
                if (errno == EPIPE || errno == ECONNRESET)
                        return pn_err_set(err, PN_FAULT_NONE, errno, "sendmsg");
                if (errno != EINTR && errno != ETOOMANYREFS && !(errno == EAGAIN && (flags & MSG_DONTWAIT)))
                        return pn_err_set(err, PN_FAULT_HOST, errno, "sendmsg");
                if (await_room(sock, errno, deadline_ms) == 0)
                        return pn_err_set(err, PN_FAULT_BUDGET, 0, "sendmsg: the deadline passed");
        }
}

/* Takes the descriptors out of the control data; what does not fit is closed. */
static bool take_fds(struct msghdr *msg, int *fds, unsigned *count)
{
        bool fits = true;

        for (struct cmsghdr *head = CMSG_FIRSTHDR(msg); head; head = CMSG_NXTHDR(msg, head)) {
                size_t bytes = head->cmsg_len - CMSG_LEN(0);

                if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
                        continue;
                for (size_t i = 0; i + sizeof(int) <= bytes; i += sizeof(int)) {
                        int fd;

                        memcpy(&fd, CMSG_DATA(head) + i, sizeof(fd));
                        if (*count < PN_MSG_BATCH_MAX) {
                                fds[(*count)++] = fd;
                        } else {
                                (void)close(fd);
                                fits = false;
                        }
                }
        }
        return fits;
}

/* How many descriptors a message of this type carries. */
static bool fd_count_fits(const struct pn_msg_in *in, unsigned count)
{
        switch (in->type) {
        case PN_MSG_FILES:
                return count == in->count;
        case PN_MSG_RULES:
        case PN_MSG_PART:
                return count == 1;
        case PN_MSG_ROOT:
                return count == (in->number == PN_ROOT_VIEW ? 1U : 0U);
        default:
                return count == 0;
        }
}

int pn_fdpass_recv(int sock, bool nonblock, void *buffer, struct pn_msg_in *ret, int ret_fds[PN_MSG_BATCH_MAX],
                   unsigned *ret_fd_count, struct pn_err *err)
{
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE((PN_MSG_BATCH_MAX + 4) * sizeof(int))];
        } control;
        struct iovec iov = {buffer, PN_MSG_BYTES_MAX};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        unsigned count = 0;
        bool fits;
        ssize_t n = -1;

        if (ret_fds) {
                msg.msg_control = control.bytes;
                msg.msg_controllen = sizeof(control);
                *ret_fd_count = 0;
        }
        /* ECONNRESET says once that the peer died with messages of ours unread; what it sent is still queued */
        for (unsigned tries = 0; tries < RETRIES_MAX; tries++) {
                n = recvmsg(sock, &msg, MSG_CMSG_CLOEXEC | (nonblock ? MSG_DONTWAIT : 0));
                if (n >= 0 || (errno != EINTR && errno != ECONNRESET))
                        break;
        }
        if (n < 0 && nonblock && errno == EAGAIN)
                return -2;
        if (n < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "recvmsg");
        fits = !ret_fds || take_fds(&msg, ret_fds, &count);
        if (ret_fds)
                *ret_fd_count = count;
        if (n == 0 && count == 0 && !(msg.msg_flags & MSG_CTRUNC))
                return 0;
        if (!fits || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
                pn_err_fill(err, PN_FAULT_TARGET, 0, "message over its ceiling, or descriptors were lost");
        else if (pn_msg_open(buffer, (size_t)n, ret, err) < 0)
                ;
        else if (!fd_count_fits(ret, count))
                pn_err_fill(err, PN_FAULT_TARGET, 0, "%s message with %u descriptors", pn_msg_name(ret->type), count);
        else
                return 1;
        if (ret_fds) {
                pn_fdpass_close_all(ret_fds, count);
                *ret_fd_count = 0;
        }
        return -1;
}
