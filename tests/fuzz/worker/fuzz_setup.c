/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker may be told before it begins: datagrams through a real socket, each
 *
 *     datagram = descriptors:u8 length:u16 *byte       ; numbers little endian
 *
 * It either has a setup with which it can begin, or an error with a reason, and holds no descriptor that it
 * does not know of. */

#include "scanner/worker/setup.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CHECK(that)                                                                                          \
        do {                                                                                                 \
                if (!(that))                                                                                 \
                        abort();                                                                             \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void say(int sock, const uint8_t *bytes, size_t len, unsigned fds)
{
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(32 * sizeof(int))];
        } control = {0};
        struct iovec iov = {(void *)(uintptr_t)bytes, len};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        if (fds > 0) {
                struct cmsghdr *head;

                msg.msg_control = control.bytes;
                msg.msg_controllen = CMSG_SPACE(fds * sizeof(int));
                head = CMSG_FIRSTHDR(&msg);
                *head = (struct cmsghdr){CMSG_LEN(fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
                memset(CMSG_DATA(head), 0, fds * sizeof(int));
        }
        (void)!sendmsg(sock, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static int first_free(void)
{
        int fd = dup(0);

        (void)close(fd);
        return fd;
}

static void check_worker(const struct pn_worker *worker, bool good)
{
        CHECK(worker->root_count <= PN_WORKER_ROOTS);
        for (unsigned i = 0; good && i < worker->root_count; i++) {
                const struct pn_worker_root *root = &worker->root[i];

                CHECK(root->kind > 0 && root->kind < PN_ROOT_KINDS && root->path && root->label);
                CHECK((root->in_fd >= 0) == (root->kind == PN_ROOT_VIEW));
                CHECK(root->fd == -1 && strlen(root->label) <= PN_PATH_BYTES_MAX);
        }
        CHECK(!good || worker->deadline_ms > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct pn_worker worker;
        int free_before = first_free(), pair[2], ret;
        struct pn_err err = PN_ERR_INIT;

        worker = (struct pn_worker)PN_WORKER_INIT;
        CHECK(pn_fdpass_pair(pair, 0, NULL) == 0);
        while (size >= 3) {
                size_t len = data[1] | (size_t)data[2] << 8;

                if (len > size - 3)
                        len = size - 3;
                say(pair[0], data + 3, len, data[0] % 33U);
                data += 3 + len;
                size -= 3 + len;
        }
        (void)close(pair[0]);
        ret = pn_worker_set_up(&worker, pair[1], &err);
        CHECK(ret == 0 || (ret == -1 && err.fault != PN_FAULT_NONE && err.text[0] != '\0'));
        check_worker(&worker, ret == 0);
        pn_worker_clear(&worker);
        (void)close(pair[1]);
        CHECK(first_free() == free_before);
        return 0;
}
