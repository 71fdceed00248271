/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/scan/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scanner/base/clock.h"
#include "scanner/base/fd.h"
#include "scanner/ipc/fdpass.h"
#include "scanner/scan/session.h"

#define GRACE_MS 200 /* for killed workers to be gone; one that hangs in the kernel is not waited for */

/* All rule sources in one sealed memory file: one descriptor, whatever their number and size. */
static int rules_memory(const struct pn_scan_request *request, struct pn_err *err)
{
        pn_autofd fd = memfd_create("postern-rules", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        if (fd < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "memfd_create");
        for (unsigned i = 0; i < request->rules_count; i++) {
                const struct pn_scan_rules *rules = &request->rules[i];
                const struct {
                        const char *bytes;
                        size_t len;
                } part[] = {{rules->name, strlen(rules->name)}, {rules->text, rules->len}};

                for (int k = 0; k < 2; k++) {
                        uint32_t len = (uint32_t)part[k].len;

                        if (part[k].len > UINT32_MAX || write(fd, &len, sizeof(len)) != (ssize_t)sizeof(len) ||
                            write(fd, part[k].bytes, len) != (ssize_t)len)
                                return pn_err_set(err, PN_FAULT_HOST, errno, "hand over the rules");
                }
        }
        if (fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                return pn_err_set(err, PN_FAULT_HOST, errno, "seal the rules");
        return pn_steal_fd(&fd);
}

static int send_roots(const struct pn_scan_request *request, int sock, struct pn_msg_out *out, struct pn_err *err)
{
        for (unsigned i = 0; i < request->root_count; i++) {
                const struct pn_scan_root *root = &request->root[i];

                pn_msg_begin(out, PN_MSG_ROOT, 0, root->kind);
                pn_msg_bytes(out, root->path, strlen(root->path));
                pn_msg_bytes(out, root->label, strlen(root->label));
                if (pn_fdpass_send_until(sock, request->deadline_ms, out, &root->in_fd,
                                         root->kind == PN_ROOT_VIEW ? 1 : 0, err) < 0)
                        return -1;
        }
        return 0;
}

static int send_part(const struct pn_scan_request *request, enum pn_part_kind kind, int sock, struct pn_msg_out *out,
                     struct pn_err *err)
{
        const struct pn_scan_part *part = &request->part[kind];

        if (part->fd < 0)
                return 0;
        pn_msg_begin(out, PN_MSG_PART, 0, kind);
        pn_msg_u64(out, part->bytes);
        pn_msg_u64(out, part->head_bytes);
        pn_msg_raw(out, part->sha256, sizeof(part->sha256));
        return pn_fdpass_send_until(sock, request->deadline_ms, out, &part->fd, 1, err);
}

/* The parts of the generation that a role needs. */
static int send_parts(const struct pn_scan_request *request, int role, int sock, struct pn_msg_out *out,
                      struct pn_err *err)
{
        for (int kind = 1; request->part && kind < PN_PART_KINDS; kind++)
                if (role == (kind == PN_PART_KIND_EXACT ? PN_PEER_PARSE : PN_PEER_RAW) &&
                    send_part(request, (enum pn_part_kind)kind, sock, out, err) < 0)
                        return -1;
        return 0;
}

/* Everything the workers are told, before their jails close. */
static int set_up(const struct pn_scan_request *request, const struct pn_peer *peers, struct pn_msg_out *out,
                  struct pn_err *err)
{
        const uint64_t flags = (request->verify ? PN_GO_VERIFY : 0) | (request->digest_flagged ? PN_GO_FLAGGED : 0);
        const bool sources = !request->part || request->verify;
        pn_autofd rules = sources ? rules_memory(request, err) : -1;
        const int64_t until = request->deadline_ms;

        if (sources && rules < 0)
                return -1;
        for (int i = 0; i < PN_PEERS; i++) {
                pn_msg_limits(out, &request->limits, (uint64_t)pn_clock_left_ms(until));
                if (pn_fdpass_send_until(peers[i].control, until, out, NULL, 0, err) < 0)
                        return -1;
                if (i == PN_PEER_WALK && send_roots(request, peers[i].control, out, err) < 0)
                        return -1;
                if (send_parts(request, i, peers[i].control, out, err) < 0)
                        return -1;
                pn_msg_begin(out, PN_MSG_RULES, 0, request->rules_count);
                if (i == PN_PEER_PARSE && sources &&
                    pn_fdpass_send_until(peers[i].control, until, out, &rules, 1, err) < 0)
                        return -1;
                pn_msg_begin(out, PN_MSG_GO, 0, flags);
                if (pn_fdpass_send_until(peers[i].control, until, out, NULL, 0, err) < 0)
                        return -1;
        }
        return 0;
}

/* Waits for words, deaths, the runtime's end or the deadline, and lets the session act on them. */
static void run(const struct pn_scan_request *request, struct pn_session *session)
{
        while (!pn_session_over(session)) {
                struct pollfd wait[2 * PN_PEERS + 1];
                int left = pn_clock_left_ms(request->deadline_ms);

                if (left == 0) {
                        pn_session_deadline(session);
                        return;
                }
                for (int i = 0; i < PN_PEERS; i++) {
                        const struct pn_peer *peer = &session->peer[i];

                        wait[i] = (struct pollfd){session->closed[i] ? -1 : peer->control, POLLIN, 0};
                        wait[PN_PEERS + i] = (struct pollfd){peer->exited ? -1 : peer->pid_fd, POLLIN, 0};
                }
                wait[2 * PN_PEERS] = (struct pollfd){request->runtime_fd, POLLIN, 0};
                if (poll(wait, 2 * PN_PEERS + 1, left) < 0 && errno != EINTR) {
                        pn_session_fail(session, PN_ISSUE_NODE, NULL, "poll: %s", strerrordesc_np(errno));
                        return;
                }
                if (wait[2 * PN_PEERS].revents) {
                        pn_session_fail(session, PN_ISSUE_NODE, NULL, "the runtime that called the hook has ended");
                        return;
                }
                for (int i = 0; i < PN_PEERS; i++)
                        pn_session_pump(session, (enum pn_peer_role)i);
                for (int i = 0; i < PN_PEERS; i++)
                        if (wait[PN_PEERS + i].revents)
                                pn_session_exited(session, (enum pn_peer_role)i);
        }
}

void pn_scan_run(const struct pn_scan_request *request, struct pn_findings *ret)
{
        struct pn_session *session = calloc(1, sizeof(*session));
        struct pn_err err = PN_ERR_INIT;
        int64_t begin = pn_clock_now_ms();

        if (!session) {
                (void)pn_findings_add_issue(ret, PN_ISSUE_NODE, NULL, "no memory to begin a scan");
                return;
        }
        pn_session_begin(session, request, ret);
        if (pn_spawn(request->worker, session->peer, &err) < 0) {
                pn_session_fail(session, PN_ISSUE_NODE, NULL, "%s", err.text);
        } else {
                ret->tally.workers_started = PN_PEERS;
                /* of a worker that is gone (no fault), its last words and its status say more than a failed send */
                if (set_up(request, session->peer, &session->out, &err) < 0 && err.fault != PN_FAULT_NONE &&
                    err.fault != PN_FAULT_BUDGET)
                        pn_session_fail(session, PN_ISSUE_NODE, NULL, "%s", err.text);
                run(request, session);
        }
        pn_session_end(session);
        pn_spawn_end(session->peer, GRACE_MS);
        free(session);
        ret->elapsed_ms = pn_clock_now_ms() - begin;
}
