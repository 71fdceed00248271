/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/scan/session.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "scanner/base/text.h"
#include "scanner/ipc/fdpass.h"
#include "scanner/target/mountinfo.h"

static const char *const role_names[PN_PEERS] = {"walker", "raw matcher", "parser"};

void pn_session_begin(struct pn_session *session, const struct pn_scan_request *request, struct pn_findings *ret)
{
        memset(session, 0, sizeof(*session));
        session->request = request;
        session->all = ret;
        session->reach = pn_reach_new(); /* NULL: nothing is known of what loads what; no verdict rests on it */
        for (int i = 0; i < PN_PEERS; i++)
                session->peer[i] = (struct pn_peer){.pid_fd = -1, .control = -1};
}

void pn_session_fail(struct pn_session *session, enum pn_issue_class cls, const struct pn_path *path, const char *fmt,
                     ...)
{
        char text[PN_WORDS_MAX];
        va_list ap;

        if (session->failed)
                return;
        session->failed = true;
        va_start(ap, fmt);
        (void)vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
        (void)pn_findings_add_issue(session->all, cls, path, "%s", text);
}

void pn_session_deadline(struct pn_session *session)
{
        struct pn_object_entry *oldest = pn_objects_oldest(&session->objects);
        const struct pn_tally *tally = &session->all->tally;

        pn_session_fail(session, PN_ISSUE_DEADLINE, oldest ? &oldest->path : NULL,
                        "the deadline passed after %llu of at least %llu files",
                        (unsigned long long)tally->raw_answers, (unsigned long long)tally->objects_seen);
}

/* A message that cannot be: whoever wrote it holds hostile bytes. */
static int refuse(struct pn_session *session, enum pn_peer_role role, const char *why)
{
        pn_session_fail(session, PN_ISSUE_CONTENT, NULL, "the %s broke the protocol: %s", role_names[role], why);
        return -1;
}

/* The object, after the walker has been heard: its word about an object may still wait behind another's. */
static struct pn_object_entry *object_of(struct pn_session *session, uint64_t number)
{
        struct pn_object_entry *entry = pn_objects_get(&session->objects, number);

        if (!entry && number >= session->objects.end && !session->failed) {
                pn_session_pump(session, PN_PEER_WALK);
                entry = pn_objects_get(&session->objects, number);
        }
        return entry;
}

static uint32_t get_flags(struct pn_msg_in *in, uint32_t known)
{
        uint32_t flags = pn_msg_get_u32(in);

        if (flags & ~known)
                in->bad = true;
        return flags;
}

/* A path with its flags behind it; points into the message. */
static struct pn_path get_path(struct pn_msg_in *in)
{
        struct pn_view bytes = pn_msg_get_bytes(in, PN_PATH_BYTES_MAX);

        return (struct pn_path){(char *)(uintptr_t)bytes.data, (uint32_t)bytes.len, get_flags(in, PN_FLAG_CUT) != 0};
}

static int on_ready(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        char version[64];

        pn_msg_get_text(in, version, sizeof(version));
        if (pn_msg_done(in, err) < 0)
                return -1;
        if (strcmp(version, PN_WIRE_VERSION) != 0) {
                pn_session_fail(session, PN_ISSUE_NODE, NULL, "the worker is version %s, this program %s", version,
                                PN_WIRE_VERSION);
                return -1;
        }
        session->said_ready[role] = true;
        if (in->number > 0 && in->number < 100)
                (void)snprintf(session->all->walls, sizeof(session->all->walls), "seccomp, landlock %u",
                               (unsigned)in->number);
        else
                (void)snprintf(session->all->walls, sizeof(session->all->walls), "seccomp");
        return 0;
}

#define MOUNT_TYPE_SHOWN 64 /* bytes with the NUL */

/* The type of a mount, fit to be shown: whoever mounts chooses the half of it behind the dot ("fuse.x"). */
static bool find_mount(struct pn_session *session, uint64_t id, char ret_type[MOUNT_TYPE_SHOWN])
{
        struct pn_view text = {(const uint8_t *)session->request->mountinfo, session->request->mountinfo_len};
        struct pn_mountinfo line;

        if (id == 0 || !session->request->mountinfo || !pn_mountinfo_find(text, id, &line))
                return false;
        (void)pn_text_escape(ret_type, MOUNT_TYPE_SHOWN, line.type.data, line.type.len);
        return true;
}

static bool was_asked(const struct pn_scan_request *request, uint64_t kind)
{
        for (unsigned i = 0; i < request->root_count; i++)
                if (request->root[i].kind == kind)
                        return true;
        return false;
}

static int on_view(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        uint64_t mount = pn_msg_get_u64(in);
        bool view = in->number == PN_ROOT_VIEW;
        char type[MOUNT_TYPE_SHOWN];
        const char *words;

        if (pn_msg_done(in, err) < 0)
                return -1;
        if (session->said_view || in->number > PN_ROOT_HOST || !was_asked(session->request, in->number))
                return refuse(session, role, "it named its view twice or wrongly");
        session->said_view = true;
        words = view ? "container" : session->request->root_count > 1 ? "host path and bind sources" : "directory";
        if (find_mount(session, mount, type))
                (void)snprintf(session->all->view, sizeof(session->all->view), "%s (%.32s)", words, type);
        else
                (void)snprintf(session->all->view, sizeof(session->all->view), "%s", words);
        return 0;
}

static int on_objects(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        const struct pn_objects *objects = &session->objects;

        if (in->number != objects->end)
                return refuse(session, role, "objects out of order");
        for (unsigned i = 0; i < in->count; i++) {
                uint64_t size = pn_msg_get_u64(in);
                uint32_t flags = get_flags(in, PN_FLAG_CUT);
                struct pn_view bytes = pn_msg_get_bytes(in, PN_PATH_BYTES_MAX);
                struct pn_path path = {NULL, 0, flags != 0};

                if (in->bad)
                        break;
                if (objects->end >= session->request->limits.files || objects->open >= PN_SESSION_OPEN_MAX ||
                    objects->open_bytes >= PN_SESSION_OPEN_BYTES)
                        return refuse(session, role, "a flood of files");
                path.bytes = malloc(bytes.len + 1);
                if (!path.bytes)
                        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a file");
                memcpy(path.bytes, bytes.len ? bytes.data : (const uint8_t *)"", bytes.len);
                path.len = (uint32_t)bytes.len;
                if (pn_objects_add(&session->objects, path, size) < 0)
                        return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "remember a file");
                session->all->tally.objects_seen++;
        }
        return pn_msg_done(in, err);
}

static int on_note(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        char text[PN_WORDS_MAX], type[MOUNT_TYPE_SHOWN];
        struct pn_path path;

        (void)role;
        pn_msg_get_text(in, text, sizeof(text));
        path = get_path(in);
        if (pn_msg_done(in, err) < 0)
                return -1;
        /* long tables of mounts and many notes: looked up for those that are kept only, or the deadline would pass here */
        if (session->all->note_count < PN_ISSUES_KEPT && find_mount(session, in->number, type))
                (void)pn_findings_add_note(session->all, &path, "not looked at: %s (mount of type %s)", text, type);
        else
                (void)pn_findings_add_note(session->all, &path, "not looked at: %s", text);
        return 0;
}

static int on_issue(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        char text[PN_WORDS_MAX];
        uint32_t cls = pn_msg_get_u32(in);
        struct pn_object_entry *entry = NULL;
        struct pn_path path;

        pn_msg_get_text(in, text, sizeof(text));
        path = get_path(in);
        if (pn_msg_done(in, err) < 0)
                return -1;
        /* a rule's form that is damaged is the node's, and only the parser meets it; one that lies could as well be silent */
        if (cls >= PN_ISSUE_CLASSES || (cls == PN_ISSUE_NODE && role != PN_PEER_PARSE) || cls == PN_ISSUE_DEADLINE)
                return refuse(session, role, "an issue of a class that is not a worker's to tell");
        if (in->number != PN_MSG_NONE) {
                /* the walker speaks of paths: object_of() would read its next word while this one is in hand */
                entry = role == PN_PEER_WALK ? NULL : object_of(session, in->number);
                if (!entry)
                        return refuse(session, role, "an issue of an unknown object");
        }
        (void)pn_findings_add_issue(session->all, (enum pn_issue_class)cls, entry ? &entry->path : &path, "%s", text);
        return 0;
}

/* Adds a finding about an object; a file that was denied before it was matched has both. */
static void add_finding(struct pn_session *session, struct pn_object_entry *entry, struct pn_finding *finding)
{
        finding->path = entry->path;
        finding->size_bytes = entry->size_bytes;
        finding->has_sha256 = entry->has_sha256;
        memcpy(finding->sha256, entry->sha256, sizeof(finding->sha256));
        if (pn_findings_add(session->all, finding) < 0)
                pn_session_fail(session, PN_ISSUE_NODE, &entry->path, "no memory for a finding (%s)", finding->rule);
}

static void take_digest(struct pn_session *session, struct pn_object_entry *entry, const uint8_t *digest)
{
        struct pn_finding finding = {0};

        entry->has_sha256 = true;
        memcpy(entry->sha256, digest, sizeof(entry->sha256));
        if (session->request->denied && pn_hashset_find(session->request->denied, digest, &finding))
                add_finding(session, entry, &finding);
}

static int on_raw(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        for (unsigned i = 0; i < in->count; i++) {
                uint32_t flags = get_flags(in, PN_FLAG_ELF | PN_FLAG_DIGEST);
                uint64_t bytes = pn_msg_get_u64(in), number = in->number + i;
                uint32_t pairs = pn_msg_get_u32(in), told = pn_msg_get_u32(in);
                struct pn_view sha = pn_msg_get_raw(in, PN_SHA256_BYTES);
                struct pn_object_entry *entry = in->bad ? NULL : object_of(session, number);

                if (in->bad)
                        break;
                if (!entry || number != session->all->tally.raw_answers)
                        return refuse(session, role, "an answer that nobody asked for");
                if (!(flags & PN_FLAG_ELF) && (pairs > 0 || told > 0))
                        return refuse(session, role, "rules in a file that the parser is not asked about");
                session->all->tally.raw_answers++;
                session->all->tally.pairs_asked += pairs;
                entry->pairs = pairs;
                entry->told_due = told;
                session->all->tally.bytes += bytes;
                if (flags & PN_FLAG_DIGEST)
                        take_digest(session, entry, sha.data);
                if (flags & PN_FLAG_ELF) {
                        entry->parse_asked = true;
                        session->all->tally.parse_asked++;
                } else {
                        pn_objects_done(&session->objects, number);
                }
        }
        return pn_msg_done(in, err);
}

/* The object the parser speaks of: one that the raw matcher passed on and that is not answered yet. */
static struct pn_object_entry *asked(struct pn_session *session, uint64_t number)
{
        struct pn_object_entry *entry = object_of(session, number);

        if ((!entry || !entry->parse_asked) && !session->failed) {
                pn_session_pump(session, PN_PEER_RAW);
                entry = pn_objects_get(&session->objects, number);
        }
        return entry && entry->parse_asked ? entry : NULL;
}

/* The object of a finding of the raw matcher: it has said with its answer how many follow. */
static struct pn_object_entry *promised(struct pn_session *session, uint64_t number)
{
        struct pn_object_entry *entry = pn_objects_get(&session->objects, number);

        if (!entry || entry->told_due == 0)
                return NULL;
        entry->told_due--;
        return entry;
}

static int on_finding(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        struct pn_object_entry *entry;
        struct pn_finding finding;

        pn_msg_get_finding(in, &finding);
        if (pn_msg_done(in, err) < 0)
                return -1;
        entry = role == PN_PEER_RAW ? promised(session, in->number) : asked(session, in->number);
        if (!entry || ++entry->findings > PN_SESSION_FINDINGS_MAX)
                return refuse(session, role, "a finding in an object that was not asked for, or too many");
        add_finding(session, entry, &finding);
        return 0;
}

/* What a library loads and a program asks for; kept for reachability. */
static int on_links(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        struct pn_reach_file file = {.cut = get_flags(in, PN_FLAG_CUT) != 0};
        struct pn_object_entry *entry;

        pn_msg_get_text(in, file.soname, sizeof(file.soname));
        pn_msg_get_text(in, file.runpath, sizeof(file.runpath));
        file.needed_count = pn_msg_get_u32(in);
        if (file.needed_count > PN_REACH_NEEDED_MAX)
                in->bad = true;
        for (unsigned i = 0; i < file.needed_count && !in->bad; i++)
                pn_msg_get_text(in, file.needed[i], sizeof(file.needed[i]));
        if (pn_msg_done(in, err) < 0)
                return -1;
        entry = asked(session, in->number);
        if (!entry || entry->linked)
                return refuse(session, role, "links of an object that was not asked for, or twice");
        entry->linked = true;
        pn_reach_add(session->reach, &entry->path, &file);
        return 0;
}

static int on_parsed(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        uint32_t pairs;
        struct pn_object_entry *entry;

        (void)pn_msg_get_u64(in);
        pairs = pn_msg_get_u32(in);
        if (pn_msg_done(in, err) < 0)
                return -1;
        entry = asked(session, in->number);
        if (entry && entry->told_due > 0) { /* the raw matcher's words about it may still wait */
                pn_session_pump(session, PN_PEER_RAW);
                entry = pn_objects_get(&session->objects, in->number);
        }
        if (!entry)
                return refuse(session, role, "an answer that nobody asked for");
        if (entry->told_due > 0)
                return refuse(session, PN_PEER_RAW, "findings that were announced did not come");
        if (pairs != entry->pairs)
                return refuse(session, role, "an answer about other rules than it was asked about");
        session->all->tally.parse_answers++;
        session->all->tally.pairs_answered += pairs;
        pn_objects_done(&session->objects, in->number);
        return 0;
}

static int on_end(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        struct pn_tally *tally = &session->all->tally;
        uint64_t directories = pn_msg_get_u64(in), links = pn_msg_get_u64(in), specials = pn_msg_get_u64(in);

        if (pn_msg_done(in, err) < 0)
                return -1;
        if (role == PN_PEER_WALK && !session->said_view)
                return refuse(session, role, "an end without a word about what was walked");
        session->said_end[role] = true;
        if (role == PN_PEER_WALK) {
                tally->walk_ended = true;
                tally->walk_counted = in->number;
                tally->directories = directories;
                tally->links = links;
                tally->specials = specials;
        } else if (role == PN_PEER_RAW) {
                tally->raw_ended = true;
                tally->raw_counted = in->number;
        } else {
                tally->parse_ended = true;
                tally->parse_counted = in->number;
        }
        return 0;
}

/* A worker gives up and says why; without a fault of its own it lost the next one. Before its READY it has met no
 * hostile byte, and its word decides whose fault that is; after it, whatever it says, the image's. */
static int on_fail(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        char text[PN_WORDS_MAX];
        bool content = in->number == PN_FAULT_TARGET || session->said_ready[role];

        pn_msg_get_text(in, text, sizeof(text));
        if (pn_msg_done(in, err) < 0)
                return -1;
        if (in->number == PN_FAULT_NONE) {
                session->gave_up[role] = true;
                return 0;
        }
        if (in->number == PN_FAULT_CONFIG && !content)
                session->all->node_fault = PN_FAULT_CONFIG;
        pn_session_fail(session, content ? PN_ISSUE_CONTENT : PN_ISSUE_NODE, NULL, "%s: %s", role_names[role], text);
        return -1;
}

#define WALK   (1U << PN_PEER_WALK)
#define RAW    (1U << PN_PEER_RAW)
#define PARSE  (1U << PN_PEER_PARSE)
#define ANYONE (WALK | RAW | PARSE)

/* Who may say what, and when: before or after its READY. Anything not in the table ends the scan. */
static const struct {
        enum pn_msg_type type;
        unsigned roles;
        bool after_ready, extra;
        int (*on)(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err);
} table[] = {
        {PN_MSG_READY, ANYONE, false, false, on_ready},
        {PN_MSG_FAIL, ANYONE, false, false, on_fail},
        {PN_MSG_FAIL, ANYONE, true, false, on_fail},
        {PN_MSG_VIEW, WALK, true, false, on_view},
        {PN_MSG_OBJECTS, WALK, true, false, on_objects},
        {PN_MSG_NOTE, WALK, true, true, on_note},
        {PN_MSG_ISSUE, ANYONE, true, true, on_issue},
        {PN_MSG_RAW, RAW, true, false, on_raw},
        {PN_MSG_FINDING, RAW | PARSE, true, true, on_finding},
        {PN_MSG_LINKS, PARSE, true, false, on_links},
        {PN_MSG_PARSED, PARSE, true, false, on_parsed},
        {PN_MSG_END, ANYONE, true, false, on_end},
};

static int dispatch(struct pn_session *session, enum pn_peer_role role, struct pn_msg_in *in, struct pn_err *err)
{
        if (session->said_end[role] || session->gave_up[role])
                return refuse(session, role, "a word after its end");
        for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
                if (table[i].type != in->type || !(table[i].roles & 1U << role) ||
                    table[i].after_ready != session->said_ready[role])
                        continue;
                if (table[i].extra && ++session->extras[role] > PN_SESSION_EXTRAS_MAX)
                        return refuse(session, role, "a flood of messages");
                return table[i].on(session, role, in, err);
        }
        return refuse(session, role, pn_msg_name(in->type));
}

/* Does something stand behind the end? Then that was a datagram of no bytes (for SOCK_SEQPACKET, FIONREAD counts all that
 * waits). */
static bool is_more(int sock)
{
        int bytes = 0;

        return ioctl(sock, FIONREAD, &bytes) < 0 || bytes > 0;
}

void pn_session_pump(struct pn_session *session, enum pn_peer_role role)
{
        for (unsigned i = 0; i < PN_SESSION_PUMP_MAX && !session->failed && session->peer[role].control >= 0; i++) {
                struct pn_err err = PN_ERR_INIT;
                struct pn_msg_in in;
                int got = pn_fdpass_recv(session->peer[role].control, true, session->in[role], &in, NULL, NULL, &err);

                if (got == 0)
                        session->closed[role] = true;
                if (got == -2 || (got == 0 && !is_more(session->peer[role].control)))
                        return;
                if (session->closed[role])
                        refuse(session, role, "a word after it had closed");
                else if (got < 0 || dispatch(session, role, &in, &err) < 0)
                        pn_session_fail(session, err.fault == PN_FAULT_HOST ? PN_ISSUE_NODE : PN_ISSUE_CONTENT, NULL,
                                        "the %s broke the protocol: %s", role_names[role], err.text);
        }
}

void pn_session_exited(struct pn_session *session, enum pn_peer_role role)
{
        struct pn_peer *peer = &session->peer[role];
        struct pn_object_entry *oldest;

        pn_spawn_reap(peer);
        if (!peer->exited)
                return;
        session->gone[role] = true;
        pn_session_pump(session, role); /* its last words */
        if (session->said_end[role] && WIFEXITED(peer->status) && WEXITSTATUS(peer->status) == 0) {
                session->all->tally.workers_exited++;
                return;
        }
        if (session->gave_up[role])
                return;
        oldest = pn_objects_oldest(&session->objects);
        if (WIFSIGNALED(peer->status))
                pn_session_fail(session, PN_ISSUE_CONTENT, oldest ? &oldest->path : NULL,
                                "the %s was killed by signal %d (SIG%s) here or shortly after", role_names[role],
                                WTERMSIG(peer->status), sigabbrev_np(WTERMSIG(peer->status)) ?: "?");
        else
                pn_session_fail(session, session->said_ready[role] ? PN_ISSUE_CONTENT : PN_ISSUE_NODE,
                                oldest ? &oldest->path : NULL, "the %s ended early with status %d", role_names[role],
                                WEXITSTATUS(peer->status));
}

bool pn_session_over(const struct pn_session *session)
{
        return session->failed || (session->gone[0] && session->gone[1] && session->gone[2]);
}

void pn_session_end(struct pn_session *session)
{
        struct pn_tally told = session->all->tally;
        const char *why;

        told.errors = 0;
        if (!session->failed && !pn_tally_complete(&told, &why))
                pn_session_fail(session, PN_ISSUE_CONTENT, NULL, "%s", why);
        if (!session->failed && told.objects_seen == 0)
                pn_session_fail(session, PN_ISSUE_CONTENT, NULL, "the root file system holds no file at all");
        pn_reach_judge(session->reach, session->all);
        session->reach = pn_reach_free(session->reach);
        pn_objects_clear(&session->objects);
}
