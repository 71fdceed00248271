/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/object.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "scanner/base/fd.h"
#include "scanner/base/view.h"

static ssize_t fd_read_at(void *from, void *buf, size_t len, uint64_t offset)
{
        const int *fd = from;

        if (offset > INT64_MAX) {
                errno = EOVERFLOW;
                return -1;
        }
        return pn_fd_pread_full(*fd, buf, len, offset);
}

/* A file system without holes says EINVAL (ENOTSUP on some FUSE): then everything is data. A hole that begins
 * while we look gives ENXIO or the end of the file for the second call: the run reaches to where we know. */
static int fd_data_at(void *from, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end)
{
        const int *fd = from;
        off_t start, end;

        if (offset > INT64_MAX)
                return 0;
        start = lseek(*fd, (off_t)offset, SEEK_DATA);
        if (start < 0 && (errno == EINVAL || errno == ENOTSUP)) {
                *ret_start = offset;
                *ret_end = INT64_MAX;
                return offset < INT64_MAX;
        }
        if (start < 0)
                return errno == ENXIO ? 0 : -1;
        end = lseek(*fd, start, SEEK_HOLE);
        if (end < 0 && errno != ENXIO)
                return -1;
        *ret_start = (uint64_t)start;
        *ret_end = end > start ? (uint64_t)end : INT64_MAX;
        return 1;
}

void pn_object_from_fd(struct pn_object *object, int *fd, uint64_t size_bytes)
{
        *object = (struct pn_object){size_bytes, fd, fd_read_at, fd_data_at};
}

static ssize_t view_read_at(void *from, void *buf, size_t len, uint64_t offset)
{
        const struct pn_view *view = from;

        if (offset >= view->len)
                return 0;
        if (len > view->len - offset)
                len = view->len - (size_t)offset;
        memcpy(buf, view->data + offset, len);
        return (ssize_t)len;
}

static int view_data_at(void *from, uint64_t offset, uint64_t *ret_start, uint64_t *ret_end)
{
        const struct pn_view *view = from;

        if (offset >= view->len)
                return 0;
        *ret_start = offset;
        *ret_end = view->len;
        return 1;
}

void pn_object_from_view(struct pn_object *object, const struct pn_view *view)
{
        void *from;

        memcpy(&from, &view, sizeof(from)); /* read_at() takes it back as const */
        *object = (struct pn_object){view->len, from, view_read_at, view_data_at};
}
