/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/report/report.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "scanner/base/fd.h"

#define IDENTIFIER "postern"
#define MESSAGE_ID "5c0e5a3c7f0b4c52a5a0d2c6f1b7e893" /* of "the outcome of one start", for journalctl -x */
#define SYSLOG_CUT_BYTES 8192                         /* what syslog daemons take, where it is not less */
#define FACILITY_DAEMON (3 << 3)

/* Bytes that grow; `bytes` is freed by the owner. */
struct bytes {
        char *bytes;
        size_t len;
};

/* Connects a datagram socket that never blocks. Returns it, or -1 with errno. */
static int socket_open(const char *path)
{
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        pn_autofd fd = -1;
        size_t len = strlen(path);

        if (len >= sizeof(address.sun_path)) {
                errno = ENAMETOOLONG;
                return -1;
        }
        memcpy(address.sun_path, path, len + 1);
        fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return -1;
        return pn_steal_fd(&fd);
}

/* "NAME=value", or with a newline in the value "NAME", its length in 64 bits little endian, and the value. */
static void field(FILE *out, const char *name, const char *value)
{
        size_t len = strlen(value);
        uint64_t wire = htole64(len);

        if (!strchr(value, '\n')) {
                (void)fprintf(out, "%s=%s\n", name, value);
                return;
        }
        (void)fprintf(out, "%s\n", name);
        (void)fwrite(&wire, sizeof(wire), 1, out);
        (void)fwrite(value, len, 1, out);
        (void)fputc('\n', out);
}

static const char *text_of(const json_t *object, const char *key)
{
        return json_string_value(json_object_get(object, key)) ?: "";
}

static int fields_make(const char *message, int priority, const json_t *record, const char *text,
                       struct bytes *ret)
{
        const json_t *finding = json_array_get(json_object_get(record, "findings"), 0);
        const json_t *issue = json_array_get(json_object_get(record, "issues"), 0);
        FILE *out = open_memstream(&ret->bytes, &ret->len);
        char digits[16];
        bool good;

        if (!out)
                return -1;
        (void)snprintf(digits, sizeof(digits), "%d", priority);
        field(out, "MESSAGE", message);
        field(out, "PRIORITY", digits);
        field(out, "SYSLOG_IDENTIFIER", IDENTIFIER);
        field(out, "MESSAGE_ID", MESSAGE_ID);
        field(out, "POSTERN_VERDICT", text_of(record, "verdict"));
        field(out, "POSTERN_CONTAINER", text_of(record, "id"));
        field(out, "POSTERN_RULE", text_of(finding, "rule"));
        field(out, "POSTERN_PATH", text_of(finding ? finding : issue, "path"));
        field(out, "POSTERN_RECORD", text);
        good = !ferror(out);
        return fclose(out) == 0 && good ? 0 : -1;
}

/* Where MFD_EXEC must be asked for (vm.memfd_noexec=2) a plain one is refused; the other one is not the first
 * choice because it carries a seal that older journals take for none. */
static int memfd_make(void)
{
        int fd = memfd_create("postern-record", MFD_CLOEXEC | MFD_ALLOW_SEALING);

#ifdef MFD_NOEXEC_SEAL
        if (fd < 0 && errno == EACCES)
                fd = memfd_create("postern-record", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);
#endif
        return fd;
}

/* What is too large for a datagram travels as a sealed memfd: the journal reads it in place. */
static int send_memfd(int sock, const struct bytes *data)
{
        pn_autofd fd = memfd_make();
        union {
                struct cmsghdr head;
                char space[CMSG_SPACE(sizeof(int))];
        } control = {0};
        struct msghdr message = {.msg_control = &control, .msg_controllen = sizeof(control)};

        if (fd < 0)
                return -1;
        for (size_t done = 0; done < data->len;) {
                ssize_t n = write(fd, data->bytes + done, data->len - done);

                if (n < 0)
                        return -1;
                done += (size_t)n;
        }
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                return -1;
        control.head = (struct cmsghdr){
                .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
        return sendmsg(sock, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

/* 0, or -1 with errno. */
static int journal_send(const char *path, const struct bytes *data)
{
        pn_autofd sock = socket_open(path);

        if (sock < 0)
                return -1;
        if (send(sock, data->bytes, data->len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                return 0;
        return errno == EMSGSIZE || errno == ENOBUFS ? send_memfd(sock, data) : -1;
}

/* RFC 3164: "<pri>Mmm dd hh:mm:ss tag[pid]: text", in local time and English. */
static int syslog_make(int priority, const char *text, struct bytes *ret)
{
        static const char months[][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
        time_t now = time(NULL);
        struct tm tm = {.tm_mday = 1};
        int n;

        (void)localtime_r(&now, &tm);
        n = asprintf(&ret->bytes, "<%d>%s %2d %02d:%02d:%02d %s[%d]: %s", FACILITY_DAEMON | priority,
                     months[tm.tm_mon % 12], tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, IDENTIFIER,
                     (int)getpid(), text);
        if (n < 0) {
                ret->bytes = NULL;
                return -1;
        }
        ret->len = (size_t)n;
        return 0;
}

/* 0, or -1 with errno. A record cut short still begins with verdict, container and reason. */
static int syslog_send(const char *path, const struct bytes *line)
{
        pn_autofd sock = socket_open(path);

        if (sock < 0)
                return -1;
        if (send(sock, line->bytes, line->len, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                return 0;
        if ((errno != EMSGSIZE && errno != ENOBUFS) || line->len <= SYSLOG_CUT_BYTES)
                return -1;
        return send(sock, line->bytes, SYSLOG_CUT_BYTES, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -1 : 0;
}

int pn_journal_send(const char *journal_socket, const char *syslog_socket, const char *message, int priority,
                    const json_t *record, struct pn_err *err)
{
        pn_autofree char *text = pn_record_text(record);
        struct bytes fields = {0}, line = {0};
        int journal_errno, ret = 0;

        if (!text || fields_make(message, priority, record, text, &fields) < 0 ||
            syslog_make(priority, text, &line) < 0) {
                ret = pn_err_set(err, PN_FAULT_HOST, ENOMEM, "make a journal entry");
        } else if (journal_send(journal_socket, &fields) < 0) {
                journal_errno = errno;
                if (syslog_send(syslog_socket, &line) < 0)
                        ret = pn_err_set(err, PN_FAULT_HOST, errno, "send to `%s`: %s; send to `%s`",
                                         journal_socket, strerrordesc_np(journal_errno) ?: "unknown error",
                                         syslog_socket);
        }
        free(fields.bytes);
        free(line.bytes);
        return ret;
}
