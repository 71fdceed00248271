/* SPDX-License-Identifier: Apache-2.0 */
/* What hostile workers can say: a sequence of steps through real sockets into the supervisor's session.
 *
 *     step = op:u8 length:u8 *byte                     ; op = what * 3 + role, modulo
 *     what = 0 a datagram of these bytes    1 one with descriptors    2 a message: type:u8 count:u8 number:u8
 * body 3 this role is heard    4 this role has exited (status: the first byte)
 *
 * A second book is kept of what was said. Only what an honest scan says may ever count as complete, and
 * nothing may be left over: no descriptor, no memory. */

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scanner/ipc/fdpass.h"
#include "scanner/scan/session.h"

#define CHECK(that)                                                                                          \
        do {                                                                                                 \
                if (!(that))                                                                                 \
                        abort();                                                                             \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The second book: what each role has said so far, well-formed or not. */
struct book {
        uint64_t readies, ends, words_after_end, errors, strange;
        uint64_t objects, answers, passed_on, parsed, end_number, pairs;
        bool closed, left_well, left;
};

static struct pn_session session;
static struct pn_findings all;
static struct book books[PN_PEERS];
static int mouth[PN_PEERS];

static const char mounts[] = "7 1 0:40 / / rw - overlay o rw\n8 1 0:41 / /p rw - fuse.\033\xff p rw\n";
static const struct pn_scan_root root = {PN_ROOT_HOST, -1, "/r", ""};
static struct pn_scan_request request = {.limits.files = 1000,
                                         .root = &root,
                                         .root_count = 1,
                                         .mountinfo = mounts,
                                         .mountinfo_len = sizeof(mounts) - 1};

static uint64_t count_flags(struct pn_msg_in in, uint32_t flag)
{
        uint64_t set = 0;

        for (unsigned i = 0; i < in.count; i++) {
                set += (pn_msg_get_u32(&in) & flag) != 0;
                (void)pn_msg_get_u64(&in);
                (void)pn_msg_get_u64(&in); /* pairs and findings */
                (void)pn_msg_get_raw(&in, PN_SHA256_BYTES);
        }
        return set;
}

static uint64_t count_pairs(struct pn_msg_in in)
{
        uint64_t pairs = 0;

        for (unsigned i = 0; i < in.count; i++) {
                (void)pn_msg_get_u32(&in);
                (void)pn_msg_get_u64(&in);
                pairs += pn_msg_get_u32(&in);
                (void)pn_msg_get_u32(&in);
                (void)pn_msg_get_raw(&in, PN_SHA256_BYTES);
        }
        return pairs;
}

static void note_down(struct book *book, const uint8_t *bytes, size_t len, bool with_fds)
{
        struct pn_msg_in in;

        if (len == 0 && !with_fds) {
                book->closed = true; /* looks like the end of the stream */
                return;
        }
        book->strange += book->closed;
        book->words_after_end += book->ends > 0;
        if (with_fds || pn_msg_open(bytes, len, &in, NULL) < 0) {
                book->strange++;
                return;
        }
        book->readies += in.type == PN_MSG_READY;
        book->errors += in.type == PN_MSG_ISSUE || in.type == PN_MSG_FAIL;
        book->objects += in.type == PN_MSG_OBJECTS ? in.count : 0;
        book->answers += in.type == PN_MSG_RAW ? in.count : 0;
        book->passed_on += in.type == PN_MSG_RAW ? count_flags(in, PN_FLAG_ELF) : 0;
        book->pairs += in.type == PN_MSG_RAW ? count_pairs(in) : 0;
        if (in.type == PN_MSG_PARSED) {
                struct pn_msg_in copy = in;

                (void)pn_msg_get_u64(&copy);
                book->pairs += pn_msg_get_u32(&copy);
        }
        book->parsed += in.type == PN_MSG_PARSED;
        if (in.type == PN_MSG_END) {
                book->ends++;
                book->end_number = in.number;
        }
}

/* May what was said count as a complete scan? */
static bool honest(void)
{
        const struct book *w = &books[PN_PEER_WALK], *r = &books[PN_PEER_RAW], *p = &books[PN_PEER_PARSE];

        for (int i = 0; i < PN_PEERS; i++) {
                const struct book *b = &books[i];

                if (b->readies != 1 || b->ends != 1 || b->words_after_end != 0 || b->errors != 0 ||
                    b->strange != 0 || !b->left_well)
                        return false;
        }
        return w->objects > 0 && w->objects == w->end_number && r->answers == w->objects &&
               r->end_number == r->answers && p->parsed == r->passed_on && p->end_number == p->parsed && p->pairs == r->pairs;
}

static void say(int role, const uint8_t *bytes, size_t len, unsigned fds)
{
        union {
                struct cmsghdr align;
                char bytes[CMSG_SPACE(32 * sizeof(int))];
        } control = {0};
        struct iovec iov = {(void *)(uintptr_t)bytes, len};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

        if (books[role].left)
                return;
        if (fds > 0) {
                struct cmsghdr *head;

                msg.msg_control = control.bytes;
                msg.msg_controllen = CMSG_SPACE(fds * sizeof(int));
                head = CMSG_FIRSTHDR(&msg);
                *head = (struct cmsghdr){CMSG_LEN(fds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS};
                memset(CMSG_DATA(head), 0, fds * sizeof(int)); /* all of descriptor 0 */
        }
        if (sendmsg(mouth[role], &msg, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
                note_down(&books[role], bytes, len, fds > 0);
}

static void say_message(int role, const uint8_t *bytes, size_t len)
{
        static struct pn_msg_out out;

        if (len < 3)
                return;
        pn_msg_begin(&out, (enum pn_msg_type)(bytes[0] % (PN_MSG_TYPES + 1)), bytes[1], bytes[2]);
        if (bytes[0] % (PN_MSG_TYPES + 1) == PN_MSG_READY && len == 3)
                pn_msg_bytes(&out, PN_WIRE_VERSION, strlen(PN_WIRE_VERSION));
        else
                pn_msg_raw(&out, bytes + 3, len - 3);
        say(role, out.bytes, out.len, 0);
}

static void leave(int role, int status)
{
        if (books[role].left)
                return;
        books[role].left = true;
        books[role].left_well = status == 0;
        session.peer[role].exited = true;
        session.peer[role].status = status % 3 == 0 ? W_EXITCODE(status, 0) : W_EXITCODE(0, status % 65);
        if (!session.failed) /* as in scan.c: nobody acts on a session that is over */
                pn_session_exited(&session, (enum pn_peer_role)role);
}

static void step(uint8_t op, const uint8_t *bytes, size_t len)
{
        int role = op % PN_PEERS;

        switch (op / PN_PEERS % 5) {
        case 0:
                say(role, bytes, len, 0);
                break;
        case 1:
                say(role, bytes, len, 1 + (len > 0 ? bytes[0] % 32U : 0));
                break;
        case 2:
                say_message(role, bytes, len);
                break;
        case 3:
                pn_session_pump(&session, (enum pn_peer_role)role);
                break;
        default:
                leave(role, len > 0 ? bytes[0] : 0);
        }
}

static void begin(void)
{
        pn_session_begin(&session, &request, &all);
        memset(books, 0, sizeof(books));
        for (int i = 0; i < PN_PEERS; i++) {
                int pair[2];

                CHECK(pn_fdpass_pair(pair, 0, NULL) == 0);
                session.peer[i].control = pair[0];
                mouth[i] = pair[1];
        }
        all.tally.workers_started = PN_PEERS;
}

/* The descriptors that a leak would take are the lowest that are free. */
static int first_free(void)
{
        int fd = dup(0);

        (void)close(fd);
        return fd;
}

static void check_all(bool over)
{
        const char *why;
        bool complete = pn_tally_complete(&all.tally, &why);

        CHECK(!complete || (over && honest()));
        CHECK(complete || all.tally.errors > 0); /* somebody is told */
        CHECK(all.tally.errors == 0 || all.issue_count > 0);
        CHECK(all.issue_count <= PN_ISSUES_KEPT && all.note_count <= PN_ISSUES_KEPT);
        CHECK(all.issue_total[PN_ISSUE_DEADLINE] == 0);
        for (size_t i = 0; i < all.note_count; i++)
                for (const char *p = all.note[i].text; *p; p++)
                        CHECK(*p >= 0x20 && *p <= 0x7e);
        for (size_t i = 0; i < all.issue_count; i++)
                for (const char *p = all.issue[i].text; *p; p++)
                        CHECK(*p >= 0x20 && *p <= 0x7e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        int free_before = first_free();
        bool over;

        if (!request.denied) {
                static const char list[] = "0000000000000000000000000000000000000000000000000000000000000000"
                                           "\tbackdoor\thigh\thigh\tzeros\tfuzz\n";
                struct pn_hashset *denied = pn_hashset_new();

                CHECK(denied && pn_hashset_add(denied, "list", list, sizeof(list) - 1, NULL) == 0);
                request.denied = denied;
        }
        begin();
        while (size >= 2) {
                size_t len = data[1] < size - 2 ? data[1] : size - 2;

                step(data[0], data + 2, len);
                data += 2 + len;
                size -= 2 + len;
        }
        for (int i = 0; i < PN_PEERS; i++)
                pn_session_pump(&session, (enum pn_peer_role)i);
        over = pn_session_over(&session);
        pn_session_end(&session);
        check_all(over);
        CHECK(!session.objects.entry && session.objects.open == 0);
        pn_findings_clear(&all);
        for (int i = 0; i < PN_PEERS; i++) {
                (void)close(session.peer[i].control);
                (void)close(mouth[i]);
        }
        CHECK(first_free() == free_before);
        return 0;
}
