/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_IPC_FDPASS_H
#define PN_IPC_FDPASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/ipc/proto.h"

/* A connected pair of SOCK_SEQPACKET sockets, close-on-exec; `queue_bytes` bounds what may wait in it each way
 * (0: the system's default), and so how far a sender runs ahead of its reader. -1 with PN_FAULT_HOST and no socket. */
int pn_fdpass_pair(int ret_sockets[2], int queue_bytes, struct pn_err *err);

/* Sends one message with `fd_count` descriptors (they stay the caller's). Waits for room; where the system has too
 * many descriptors under way (ETOOMANYREFS, unix(7)) it tries again every millisecond: whoever set the deadline
 * kills us. -1 with PN_FAULT_BUG (the message did not fit), PN_FAULT_NONE (the peer is gone: it is the one to say
 * why) or PN_FAULT_HOST. */
int pn_fdpass_send(int sock, const struct pn_msg_out *out, const int *fds, unsigned fd_count, struct pn_err *err);

/* The same for whoever owns the deadline (a pn_clock_now_ms() value): waits no longer; PN_FAULT_BUDGET when it has
 * passed and there was no room. */
#define PN_FDPASS_FOREVER INT64_MAX
int pn_fdpass_send_until(int sock, int64_t deadline_ms, const struct pn_msg_out *out, const int *fds,
                         unsigned fd_count, struct pn_err *err);

/* Receives one message into `buffer` (PN_MSG_BYTES_MAX bytes) and up to PN_MSG_BATCH_MAX descriptors, close-on-exec,
 * the caller's to close. Without `ret_fds` (NULL) it takes none: the kernel drops what was sent, and nobody has to
 * close(2) a descriptor whose file system may hang in it. With `nonblock` it does not wait.
 * Returns 1 with a message, 0 at the end of the stream, -2 when nothing is there (nonblock), or -1: PN_FAULT_TARGET
 * for a datagram or descriptor array over the ceiling or with a wrong number of descriptors for its type,
 * PN_FAULT_HOST otherwise. No descriptor is ever leaked. */
int pn_fdpass_recv(int sock, bool nonblock, void *buffer, struct pn_msg_in *ret, int ret_fds[PN_MSG_BATCH_MAX],
                   unsigned *ret_fd_count, struct pn_err *err);

void pn_fdpass_close_all(int *fds, unsigned count);

#endif
