/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PN_IPC_PROTO_H
#define PN_IPC_PROTO_H

/* The wire between the supervisor and the three workers: one message is one datagram of a SOCK_SEQPACKET pair,
 * numbers in the machine's own byte order, descriptors as SCM_RIGHTS (unix(7)) beside the message.
 *
 *     message  = magic:u32 type:u16 count:u16 number:u64 body       ; at most PN_MSG_BYTES_MAX
 *     bytes    = length:u32 *byte                                   ; a ceiling for each
 *
 *   supervisor -> worker, before the jail closes
 *     LIMITS   body = files:u64 directories:u64 depth:u64 total:u64 hash:u64 matches:u64 time_ms:u64
 *     ROOT     number = kind    body = path:bytes label:bytes       ; fd: what the path is resolved in (VIEW only)
 *     RULES    number = files                                       ; fd: memory of number * (name:bytes source:bytes)
 *     PART     number = kind    body = bytes:u64 head:u64 sha256    ; fd: a part of the generation of rules (enum
 *                                                                     pn_part_kind); sha256 of all of it, of EXACT of
 *                                                                     its first `head` bytes
 *     GO       number = flags (PN_GO_...): close the jail and begin
 *
 *   worker -> supervisor
 *     READY    number = Landlock ABI   body = version:bytes
 *     VIEW     number = kind           body = mount:u64             ; which of the roots is scanned
 *     OBJECTS  number = first          body = count * (size:u64 flags:u32 path:bytes)
 *     NOTE     number = mount id       body = text:bytes path:bytes flags:u32
 *     ISSUE    number = object or NONE body = class:u32 text:bytes path:bytes flags:u32
 *     RAW      number = first          body = count * (flags:u32 read:u64 pairs:u32 told:u32 sha256)
 *                                      ; pairs: rules the parser was asked about; told: FINDINGs that follow at once
 *     FINDING  number = object         body = a finding, see proto.c
 *     LINKS    number = object         body = flags:u32 soname:bytes runpath:bytes n:u32 n*needed:bytes
 *     PARSED   number = object         body = read:u64 pairs:u32
 *     END      number = files          body = directories:u64 links:u64 specials:u64
 *     FAIL     number = fault          body = text:bytes            ; the worker gives up
 *
 *   walker -> raw matcher -> parser; at most PN_MSG_LINK_BYTES, for the smallest socket buffer
 *     PAIRS    number = object  body = n:u32 n*(rule:u32)           ; raw matcher only, before the FILES with the object;
 *                                                                     PN_PAIR_CERTAIN: was told as a finding
 *     FILES    body = count * (object:u64 size:u64 pairs:u32 flags:u32 path:bytes)
 *                                                                   ; fds: count descriptors of regular files
 *
 * Objects are numbered from 0 by the walker, without gaps. Where the body has `count` parts there is at least one;
 * else count is 0. Everything else than this grammar, an unknown type or flag, a length over its ceiling, bytes left
 * over, is a protocol error. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "scanner/base/err.h"
#include "scanner/base/view.h"
#include "scanner/finding/finding.h"
#include "scanner/finding/limits.h"

#define PN_MSG_MAGIC     0x31574e50U   /* "PNW1" */
#define PN_MSG_BYTES_MAX (32U << 10)   /* of one message; more than one longest path, far below a socket buffer */
#define PN_MSG_LINK_BYTES 4400U        /* of one between two workers: unix(7), the least SO_SNDBUF is 4608 */
#define PN_MSG_LINK_PATH  4000U        /* of a path in it; a longer one is cut and says so */
#define PN_MSG_BATCH_MAX 16U           /* objects in one message: few enough for any RLIMIT_NOFILE */
#define PN_MSG_NONE      UINT64_MAX    /* no object */

/* What a worker says it is, and the supervisor must be too: a worker without its jail (preset sanitize) is another
 * version, which nothing that is shipped will talk to. */
#ifdef PN_TEST_NOJAIL
#define PN_WIRE_VERSION PN_VERSION " without a jail"
#else
#define PN_WIRE_VERSION PN_VERSION
#endif

enum pn_msg_type {
        PN_MSG_LIMITS = 1,
        PN_MSG_ROOT,
        PN_MSG_RULES,
        PN_MSG_GO,
        PN_MSG_READY,
        PN_MSG_VIEW,
        PN_MSG_OBJECTS,
        PN_MSG_NOTE,
        PN_MSG_ISSUE,
        PN_MSG_RAW,
        PN_MSG_FINDING,
        PN_MSG_PARSED,
        PN_MSG_END,
        PN_MSG_FAIL,
        PN_MSG_FILES,
        PN_MSG_PART,
        PN_MSG_PAIRS,
        PN_MSG_LINKS,
        PN_MSG_TYPES,
};

enum pn_part_kind {
        PN_PART_KIND_PACK = 1,    /* raw matcher: formulas, strings (scanner/engine/pack.h) */
        PN_PART_KIND_FILTER_HS,   /* raw matcher: database of the first sieve, of the one backend or the other */
        PN_PART_KIND_FILTER_GRAM,
        PN_PART_KIND_DENY,        /* raw matcher: only its digest is looked at, the supervisor has read it */
        PN_PART_KIND_EXACT,       /* parser: libyara's forms (scanner/engine/exact_store.h) */
        PN_PART_KINDS,
};

#define PN_GO_VERIFY  1U /* parser: match every rule by libyara too and compare; it has got the RULES for it */
#define PN_GO_FLAGGED 2U /* raw matcher: digest only files that a rule may match */

#define PN_PAIR_CERTAIN 0x80000000U /* the raw matcher has told the finding; libyara is asked all the same */

enum pn_root_kind {
        PN_ROOT_VIEW = 1, /* root.path below /proc/PID/root: the container's own view */
        PN_ROOT_HOST,     /* root.path as this node sees it */
        PN_ROOT_BIND,     /* the source of a bind mount, for want of a view */
        PN_ROOT_MOUNT,    /* a mount of another kind (path: its type), which only the view shows */
        PN_ROOT_KINDS,
};

#define PN_FLAG_CUT    1U /* the path is longer than PN_PATH_BYTES_MAX */
#define PN_FLAG_ELF    2U /* RAW: passed on to the parser: an ELF file, or one whose path a detector wants */
#define PN_FLAG_DIGEST 4U /* RAW: sha256 is that of the whole file */

/* A message being written. */
struct pn_msg_out {
        uint8_t bytes[PN_MSG_BYTES_MAX];
        size_t len;
        bool full; /* something did not fit: never sent */
};

void pn_msg_begin(struct pn_msg_out *out, enum pn_msg_type type, uint16_t count, uint64_t number);
void pn_msg_u32(struct pn_msg_out *out, uint32_t value);
void pn_msg_u64(struct pn_msg_out *out, uint64_t value);
void pn_msg_raw(struct pn_msg_out *out, const void *bytes, size_t len);
void pn_msg_bytes(struct pn_msg_out *out, const void *bytes, size_t len);
/* Words of rules may be in any letters; on the wire they are printable ASCII, or the reader would take the message for a
 * lie and lose it. What is printable stays as it is. `cap`: bytes with the NUL, 8 to PN_WORDS_MAX. */
void pn_msg_words(struct pn_msg_out *out, const char *words, size_t cap);
void pn_msg_finding(struct pn_msg_out *out, const struct pn_finding *finding);
void pn_msg_limits(struct pn_msg_out *out, const struct pn_limits *limits, uint64_t time_ms);
void pn_msg_set_count(struct pn_msg_out *out, uint16_t count);

/* A message being read; `body` points into the receiver's buffer. */
struct pn_msg_in {
        enum pn_msg_type type;
        uint16_t count;
        uint64_t number;
        struct pn_view body;
        bool bad; /* a getter ran out of bytes or over a ceiling */
};

/* Checks the header. -1 with PN_FAULT_TARGET: whoever wrote it holds hostile bytes. */
int pn_msg_open(const void *datagram, size_t len, struct pn_msg_in *ret, struct pn_err *err);

/* Getters take from the front of `body`; past its end they return 0 or an empty view and set `bad`. */
uint32_t pn_msg_get_u32(struct pn_msg_in *in);
uint64_t pn_msg_get_u64(struct pn_msg_in *in);
struct pn_view pn_msg_get_raw(struct pn_msg_in *in, size_t len);
struct pn_view pn_msg_get_bytes(struct pn_msg_in *in, size_t max);
void pn_msg_get_text(struct pn_msg_in *in, char *dst, size_t cap); /* printable ASCII only, or `bad` */
void pn_msg_get_finding(struct pn_msg_in *in, struct pn_finding *ret);
void pn_msg_get_limits(struct pn_msg_in *in, struct pn_limits *ret, uint64_t *ret_time_ms);

/* Ends reading: -1 with PN_FAULT_TARGET when a getter failed or bytes are left. */
int pn_msg_done(const struct pn_msg_in *in, struct pn_err *err);

const char *pn_msg_name(enum pn_msg_type type);

#endif
