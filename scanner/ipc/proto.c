/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/ipc/proto.h"

#include <string.h>

#include "scanner/base/text.h"

#define HEADER_BYTES 16U

static const char *const names[PN_MSG_TYPES] = {
        [PN_MSG_LIMITS] = "LIMITS", [PN_MSG_ROOT] = "ROOT",       [PN_MSG_RULES] = "RULES",   [PN_MSG_GO] = "GO",
        [PN_MSG_READY] = "READY",   [PN_MSG_VIEW] = "VIEW",       [PN_MSG_OBJECTS] = "OBJECTS", [PN_MSG_NOTE] = "NOTE",
        [PN_MSG_ISSUE] = "ISSUE",   [PN_MSG_RAW] = "RAW",         [PN_MSG_FINDING] = "FINDING", [PN_MSG_PARSED] = "PARSED",
        [PN_MSG_END] = "END",       [PN_MSG_FAIL] = "FAIL",       [PN_MSG_FILES] = "FILES",
        [PN_MSG_PART] = "PART",     [PN_MSG_PAIRS] = "PAIRS",     [PN_MSG_LINKS] = "LINKS",
};

const char *pn_msg_name(enum pn_msg_type type)
{
        return (unsigned)type < PN_MSG_TYPES && names[type] ? names[type] : "unknown";
}

void pn_msg_raw(struct pn_msg_out *out, const void *bytes, size_t len)
{
        if (out->full || len > sizeof(out->bytes) - out->len) {
                out->full = true;
                return;
        }
        if (len > 0)
                memcpy(out->bytes + out->len, bytes, len);
        out->len += len;
}

void pn_msg_u32(struct pn_msg_out *out, uint32_t value)
{
        pn_msg_raw(out, &value, sizeof(value));
}

void pn_msg_u64(struct pn_msg_out *out, uint64_t value)
{
        pn_msg_raw(out, &value, sizeof(value));
}

void pn_msg_bytes(struct pn_msg_out *out, const void *bytes, size_t len)
{
        pn_msg_u32(out, (uint32_t)len);
        pn_msg_raw(out, bytes, len);
}

void pn_msg_begin(struct pn_msg_out *out, enum pn_msg_type type, uint16_t count, uint64_t number)
{
        uint16_t small[2] = {(uint16_t)type, count};

        out->len = 0;
        out->full = false;
        pn_msg_u32(out, PN_MSG_MAGIC);
        pn_msg_raw(out, small, sizeof(small));
        pn_msg_u64(out, number);
}

void pn_msg_set_count(struct pn_msg_out *out, uint16_t count)
{
        memcpy(out->bytes + 6, &count, sizeof(count));
}

void pn_msg_words(struct pn_msg_out *out, const char *words, size_t cap)
{
        const size_t len = strnlen(words, cap - 1);
        char shown[PN_WORDS_MAX];

        for (size_t i = 0; i < len; i++)
                if (words[i] < 0x20 || words[i] > 0x7e) {
                        (void)pn_text_escape(shown, cap < sizeof(shown) ? cap : sizeof(shown), words, len);
                        pn_msg_bytes(out, shown, strlen(shown));
                        return;
                }
        pn_msg_bytes(out, words, len);
}

/* finding = severity:u32 confidence:u32 detector rule title remedy source *each bytes* evidence-count:u32
 *           count * (string:bytes offset:u64 match:u32 kept:bytes)
 * Path, size and digest do not travel: the supervisor has them from the walker and the raw matcher. */
void pn_msg_finding(struct pn_msg_out *out, const struct pn_finding *f)
{
        pn_msg_u32(out, f->severity);
        pn_msg_u32(out, f->confidence);
        pn_msg_words(out, f->detector, sizeof(f->detector));
        pn_msg_words(out, f->rule, sizeof(f->rule));
        pn_msg_words(out, f->title, sizeof(f->title));
        pn_msg_words(out, f->remedy, sizeof(f->remedy));
        pn_msg_words(out, f->source, sizeof(f->source));
        pn_msg_u32(out, f->evidence_count);
        for (unsigned i = 0; i < f->evidence_count && i < PN_EVIDENCE_MAX; i++) {
                const struct pn_evidence *e = &f->evidence[i];

                pn_msg_words(out, e->string, sizeof(e->string));
                pn_msg_u64(out, e->offset);
                pn_msg_u32(out, e->match_bytes);
                pn_msg_bytes(out, e->bytes, e->kept);
        }
}

void pn_msg_limits(struct pn_msg_out *out, const struct pn_limits *limits, uint64_t time_ms)
{
        pn_msg_begin(out, PN_MSG_LIMITS, 0, 0);
        pn_msg_u64(out, limits->files);
        pn_msg_u64(out, limits->directories);
        pn_msg_u64(out, limits->depth);
        pn_msg_u64(out, limits->total_bytes);
        pn_msg_u64(out, limits->hash_bytes);
        pn_msg_u64(out, limits->matches);
        pn_msg_u64(out, time_ms);
}

/* Those of several parts have at least one; the others have none. */
static bool count_fits(enum pn_msg_type type, unsigned count)
{
        bool parts = type == PN_MSG_OBJECTS || type == PN_MSG_RAW || type == PN_MSG_FILES;

        return parts ? count > 0 && count <= PN_MSG_BATCH_MAX : count == 0;
}

int pn_msg_open(const void *datagram, size_t len, struct pn_msg_in *ret, struct pn_err *err)
{
        uint16_t small[2];

        *ret = (struct pn_msg_in){.body = {datagram, len}};
        if (pn_msg_get_u32(ret) != PN_MSG_MAGIC)
                return pn_err_set(err, PN_FAULT_TARGET, 0, "message without its magic (%zu bytes)", len);
        memcpy(small, pn_msg_get_raw(ret, sizeof(small)).data ?: (const uint8_t *)"\0\0\0", sizeof(small));
        ret->number = pn_msg_get_u64(ret);
        ret->count = small[1];
        if (ret->bad)
                return pn_err_set(err, PN_FAULT_TARGET, 0, "message of %zu bytes, shorter than its header", len);
        if (small[0] == 0 || small[0] >= PN_MSG_TYPES)
                return pn_err_set(err, PN_FAULT_TARGET, 0, "message of unknown type %u", small[0]);
        ret->type = (enum pn_msg_type)small[0];
        if (!count_fits(ret->type, ret->count))
                return pn_err_set(err, PN_FAULT_TARGET, 0, "%s message with %u parts", pn_msg_name(ret->type),
                                  ret->count);
        return 0;
}

struct pn_view pn_msg_get_raw(struct pn_msg_in *in, size_t len)
{
        struct pn_view part = {NULL, 0};

        if (in->bad || !pn_view_sub(in->body, 0, len, &part)) {
                in->bad = true;
                return (struct pn_view){NULL, 0};
        }
        in->body.data += len;
        in->body.len -= len;
        return part;
}

uint32_t pn_msg_get_u32(struct pn_msg_in *in)
{
        struct pn_view part = pn_msg_get_raw(in, sizeof(uint32_t));
        uint32_t value = 0;

        if (part.data)
                memcpy(&value, part.data, sizeof(value));
        return value;
}

uint64_t pn_msg_get_u64(struct pn_msg_in *in)
{
        struct pn_view part = pn_msg_get_raw(in, sizeof(uint64_t));
        uint64_t value = 0;

        if (part.data)
                memcpy(&value, part.data, sizeof(value));
        return value;
}

struct pn_view pn_msg_get_bytes(struct pn_msg_in *in, size_t max)
{
        uint32_t len = pn_msg_get_u32(in);

        if (len > max)
                in->bad = true;
        return pn_msg_get_raw(in, len);
}

void pn_msg_get_text(struct pn_msg_in *in, char *dst, size_t cap)
{
        struct pn_view part = pn_msg_get_bytes(in, cap - 1);

        for (size_t i = 0; i < part.len; i++)
                if (part.data[i] < 0x20 || part.data[i] > 0x7e)
                        in->bad = true;
        if (in->bad)
                part.len = 0;
        if (part.len > 0)
                memcpy(dst, part.data, part.len);
        dst[part.len] = '\0';
}

static void get_evidence(struct pn_msg_in *in, struct pn_evidence *e)
{
        struct pn_view kept;

        pn_msg_get_text(in, e->string, sizeof(e->string));
        e->offset = pn_msg_get_u64(in);
        e->match_bytes = pn_msg_get_u32(in);
        kept = pn_msg_get_bytes(in, sizeof(e->bytes));
        e->kept = (uint8_t)kept.len;
        if (kept.len > 0)
                memcpy(e->bytes, kept.data, kept.len);
}

void pn_msg_get_finding(struct pn_msg_in *in, struct pn_finding *ret)
{
        uint32_t severity, confidence;

        *ret = (struct pn_finding){0};
        severity = pn_msg_get_u32(in);
        confidence = pn_msg_get_u32(in);
        if (severity < PN_SEVERITY_LOW || severity > PN_SEVERITY_CRITICAL || confidence < PN_CONFIDENCE_LOW ||
            confidence > PN_CONFIDENCE_HIGH)
                in->bad = true;
        ret->severity = (enum pn_severity)severity;
        ret->confidence = (enum pn_confidence)confidence;
        pn_msg_get_text(in, ret->detector, sizeof(ret->detector));
        pn_msg_get_text(in, ret->rule, sizeof(ret->rule));
        pn_msg_get_text(in, ret->title, sizeof(ret->title));
        pn_msg_get_text(in, ret->remedy, sizeof(ret->remedy));
        pn_msg_get_text(in, ret->source, sizeof(ret->source));
        ret->evidence_count = pn_msg_get_u32(in);
        if (ret->evidence_count > PN_EVIDENCE_MAX) {
                in->bad = true;
                ret->evidence_count = 0;
        }
        for (unsigned i = 0; i < ret->evidence_count; i++)
                get_evidence(in, &ret->evidence[i]);
}

void pn_msg_get_limits(struct pn_msg_in *in, struct pn_limits *ret, uint64_t *ret_time_ms)
{
        ret->files = pn_msg_get_u64(in);
        ret->directories = pn_msg_get_u64(in);
        ret->depth = pn_msg_get_u64(in);
        ret->total_bytes = pn_msg_get_u64(in);
        ret->hash_bytes = pn_msg_get_u64(in);
        ret->matches = pn_msg_get_u64(in);
        *ret_time_ms = pn_msg_get_u64(in);
}

int pn_msg_done(const struct pn_msg_in *in, struct pn_err *err)
{
        if (in->bad)
                return pn_err_set(err, PN_FAULT_TARGET, 0, "malformed %s message", pn_msg_name(in->type));
        if (in->body.len != 0)
                return pn_err_set(err, PN_FAULT_TARGET, 0, "%s message with %zu bytes left over",
                                  pn_msg_name(in->type), in->body.len);
        return 0;
}
