/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/finding/hashset.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "scanner/base/text.h"

#define CHECK(that)                                                                                          \
        do {                                                                                                 \
                if (!(that))                                                                                 \
                        abort();                                                                             \
        } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool printable(const char *text)
{
        for (; *text; text++)
                if ((unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e)
                        return false;
        return true;
}

/* Whatever a list says, a finding made from it has words and printable text. */
static void look_up(const struct pn_hashset *set, const uint8_t digest[PN_SHA256_BYTES])
{
        struct pn_finding got = {0};

        if (!pn_hashset_find(set, digest, &got))
                return;
        CHECK(pn_severity_name(got.severity) && pn_confidence_name(got.confidence));
        CHECK(strncmp(got.rule, "deny-hash:", 10) == 0 && got.rule[10] != '\0');
        CHECK(printable(got.rule) && printable(got.title) && printable(got.remedy) && printable(got.source));
        CHECK(memcmp(got.sha256, digest, PN_SHA256_BYTES) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static const char good[] = "0000000000000000000000000000000000000000000000000000000000000000"
                                   "\tknown-good\tlow\tlow\tnothing\tfuzz\n";
        const uint8_t zero[PN_SHA256_BYTES] = {0};
        uint8_t digest[PN_SHA256_BYTES];
        struct pn_hashset *set = pn_hashset_new();
        struct pn_err err = PN_ERR_INIT;
        struct pn_finding got;
        size_t count;

        CHECK(set && pn_hashset_add(set, "good", good, sizeof(good) - 1, NULL) == 0);
        if (pn_hashset_add(set, "fuzz", (const char *)data, size, &err) < 0) {
                CHECK(pn_hashset_count(set) == 1);
                CHECK(err.fault == PN_FAULT_CONFIG && strncmp(err.text, "fuzz:", 5) == 0);
        }
        count = pn_hashset_count(set);
        CHECK(!pn_hashset_find(set, zero, &got)); /* known-good stays so */
        for (size_t i = 0; i + 2 * sizeof(digest) <= size; i++)
                if (pn_text_unhex(digest, sizeof(digest), (const char *)data + i, 2 * sizeof(digest)))
                        look_up(set, digest);
        if (err.fault == PN_FAULT_NONE) { /* the same again changes nothing */
                CHECK(pn_hashset_add(set, "fuzz", (const char *)data, size, NULL) == 0);
                CHECK(pn_hashset_count(set) == count);
        }
        pn_hashset_free(set);
        return 0;
}
