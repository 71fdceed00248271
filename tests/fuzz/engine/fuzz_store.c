/* SPDX-License-Identifier: Apache-2.0 */
/* Stores of rules: head and entries may be anything, for the digest of both is made here. A form whose digest
 * is not the one of its entry must be refused; one whose digest is right is not looked at, because a fuzzer
 * that sees the comparison can write the digest of anything, and libyara does not survive anything. */

#include <fcntl.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "scanner/base/view.h"
#include "scanner/engine/exact_store.h"

#define FORMS_LOOKED_AT 8U

static struct pn_store *store;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_refuse(uint32_t number)
{
        static const struct pn_exact_limits limits = {1000, 5};
        const struct pn_view view = {(const uint8_t *)"x", 1};
        struct pn_err err = PN_ERR_INIT;
        struct pn_object object;
        bool matched = false;
        uint64_t bytes = 0;

        pn_object_from_view(&object, &view);
        if (pn_store_scan(store, number, &object, NULL, &limits, NULL, NULL, &matched, &bytes, &err) == 0 ||
            err.fault != PN_FAULT_CONFIG || matched)
                abort();
}

/* pn_store_open() has said that it lies inside. */
static void look(const uint8_t *data, size_t size, uint32_t number)
{
        struct pn_store_entry entry;
        uint8_t sha256[32];

        memcpy(&entry, data + sizeof(struct pn_store_head) + number * sizeof(entry), sizeof(entry));
        if (entry.offset > size || size - entry.offset < entry.length)
                abort();
        (void)SHA256(data + entry.offset, (size_t)entry.length, sha256);
        if (memcmp(sha256, entry.sha256, sizeof(sha256)) != 0)
                must_refuse(number);
}

/* What pn_store_open() will ask the digest of, as far as the input says. */
static size_t head_bytes(const uint8_t *data, size_t size)
{
        struct pn_store_head head;
        size_t len = sizeof(head);

        if (size < len)
                return size;
        memcpy(&head, data, sizeof(head));
        len += head.count * sizeof(struct pn_store_entry);
        return len < size ? len : size;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct pn_err err = PN_ERR_INIT;
        uint8_t sha256[32];
        int fd = memfd_create("store", MFD_CLOEXEC);

        if (!store && pn_store_new(&store, &err) < 0)
                abort();
        if (fd < 0 || (size > 0 && pwrite(fd, data, size, 0) != (ssize_t)size))
                abort();
        (void)SHA256(data, head_bytes(data, size), sha256);
        if (pn_store_open(store, fd, sha256, &err) == 0) {
                for (uint32_t i = 0; i < pn_store_count(store) && i < FORMS_LOOKED_AT; i++)
                        look(data, size, i);
        } else if (err.fault != PN_FAULT_CONFIG && err.fault != PN_FAULT_HOST) {
                abort();
        }
        (void)close(fd);
        return 0;
}
