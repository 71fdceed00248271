/* SPDX-License-Identifier: Apache-2.0 */
/* One datagram. Whatever is read of it and found good is written again and must give the same bytes: no two
 * messages mean the same, and nothing of one is ignored. */

#include "scanner/ipc/proto.h"

#include <stdlib.h>
#include <string.h>

#define CHECK(that)                                                                                          \
        do {                                                                                                 \
                if (!(that))                                                                                 \
                        abort();                                                                             \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* d u32, q u64, b bytes, t text, h digest, F finding, L limits; behind a star as often as `count` says. */
static const char *const bodies[PN_MSG_TYPES] = {
        [PN_MSG_LIMITS] = "L",   [PN_MSG_ROOT] = "bb",  [PN_MSG_RULES] = "",       [PN_MSG_GO] = "",
        [PN_MSG_READY] = "t",    [PN_MSG_VIEW] = "q",   [PN_MSG_OBJECTS] = "*qdb", [PN_MSG_NOTE] = "tbd",
        [PN_MSG_ISSUE] = "dtbd", [PN_MSG_RAW] = "*dqddh", [PN_MSG_FINDING] = "F",    [PN_MSG_PARSED] = "qd",
        [PN_MSG_END] = "qqq",    [PN_MSG_FAIL] = "t",   [PN_MSG_FILES] = "*qqddb",
        [PN_MSG_PART] = "qqh",   [PN_MSG_PAIRS] = "ddd", [PN_MSG_LINKS] = "dbbdbb",
};

static void check_text(const char *text, size_t cap)
{
        size_t len = strnlen(text, cap);

        CHECK(len < cap);
        for (size_t i = 0; i < len; i++)
                CHECK(text[i] >= 0x20 && text[i] <= 0x7e);
}

static void take_finding(struct pn_msg_in *in, struct pn_msg_out *out)
{
        struct pn_finding f;

        pn_msg_get_finding(in, &f);
        check_text(f.detector, sizeof(f.detector));
        check_text(f.rule, sizeof(f.rule));
        check_text(f.title, sizeof(f.title));
        check_text(f.remedy, sizeof(f.remedy));
        check_text(f.source, sizeof(f.source));
        CHECK(f.evidence_count <= PN_EVIDENCE_MAX);
        for (unsigned i = 0; i < f.evidence_count; i++) {
                check_text(f.evidence[i].string, sizeof(f.evidence[i].string));
                CHECK(f.evidence[i].kept <= PN_EVIDENCE_BYTES);
        }
        CHECK(!f.path.bytes && !f.has_sha256);
        if (in->bad)
                return;
        CHECK(pn_severity_name(f.severity) && pn_confidence_name(f.confidence));
        pn_msg_finding(out, &f);
}

static void take_view(struct pn_view part, const struct pn_msg_in *in, size_t max)
{
        CHECK(part.len <= max && (part.data || part.len == 0));
        CHECK(!in->bad || part.len == 0);
        for (size_t i = 0; i < part.len; i++)
                CHECK(part.data[i] <= 0xff); /* touch it */
}

static void take(char field, struct pn_msg_in *in, struct pn_msg_out *out)
{
        char text[PN_WORDS_MAX];
        struct pn_limits limits;
        struct pn_view part;
        uint64_t time_ms;

        if (field == 'd') {
                pn_msg_u32(out, pn_msg_get_u32(in));
        } else if (field == 'q') {
                pn_msg_u64(out, pn_msg_get_u64(in));
        } else if (field == 'b') {
                part = pn_msg_get_bytes(in, PN_PATH_BYTES_MAX);
                take_view(part, in, PN_PATH_BYTES_MAX);
                pn_msg_bytes(out, part.data, part.len);
        } else if (field == 't') {
                pn_msg_get_text(in, text, sizeof(text));
                check_text(text, sizeof(text));
                CHECK(!in->bad || text[0] == '\0');
                pn_msg_bytes(out, text, strlen(text));
        } else if (field == 'h') {
                part = pn_msg_get_raw(in, PN_SHA256_BYTES);
                take_view(part, in, PN_SHA256_BYTES);
                pn_msg_raw(out, part.data, part.len);
        } else if (field == 'F') {
                take_finding(in, out);
        } else {
                pn_msg_get_limits(in, &limits, &time_ms);
                pn_msg_limits(out, &limits, time_ms);
                memcpy(out->bytes + 8, &in->number, sizeof(in->number));
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct pn_msg_out out;
        struct pn_err err = PN_ERR_INIT;
        struct pn_msg_in in;
        const char *body;
        bool parts;

        if (pn_msg_open(data, size, &in, &err) < 0) {
                CHECK(err.fault == PN_FAULT_TARGET && err.text[0] != '\0');
                return 0;
        }
        CHECK(bodies[in.type] && in.count <= PN_MSG_BATCH_MAX);
        body = bodies[in.type];
        parts = body[0] == '*';
        CHECK(parts == (in.count > 0));
        pn_msg_begin(&out, in.type, in.count, in.number);
        for (unsigned turn = 0; turn < (parts ? in.count : 1U); turn++)
                for (const char *field = body + parts; *field; field++)
                        take(*field, &in, &out);
        if (pn_msg_done(&in, &err) < 0) {
                CHECK(err.fault == PN_FAULT_TARGET && err.text[0] != '\0');
                return 0;
        }
        CHECK(size > PN_MSG_BYTES_MAX ||
              (!out.full && out.len == size && memcmp(out.bytes, data, size) == 0));
        return 0;
}
