/* SPDX-License-Identifier: Apache-2.0 */
#include "hook/cli/rules_digest.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

#include "scanner/base/fd.h"

#define READ_BYTES (256U << 10)

static int failed(struct pn_err *err)
{
        return pn_err_set(err, PN_FAULT_HOST, 0, "SHA-256: libcrypto failed");
}

int pn_rules_digest_bytes(const void *bytes, size_t len, uint8_t ret[32], struct pn_err *err)
{
        return EVP_Digest(bytes, len, ret, NULL, EVP_sha256(), NULL) == 1 ? 0 : failed(err);
}

static int digest(EVP_MD_CTX *context, int fd, uint64_t bytes, uint8_t *room, uint8_t ret[32],
                  struct pn_err *err)
{
        if (EVP_DigestInit_ex(context, EVP_sha256(), NULL) != 1)
                return failed(err);
        for (uint64_t done = 0; done < bytes;) {
                uint64_t left = bytes - done;
                ssize_t n = pn_fd_pread_full(fd, room, left < READ_BYTES ? (size_t)left : READ_BYTES, done);

                if (n <= 0)
                        return pn_err_set(err, PN_FAULT_HOST, n < 0 ? errno : 0,
                                          "SHA-256: read %llu of %llu bytes", (unsigned long long)done,
                                          (unsigned long long)bytes);
                if (EVP_DigestUpdate(context, room, (size_t)n) != 1)
                        return failed(err);
                done += (uint64_t)n;
        }
        return EVP_DigestFinal_ex(context, ret, NULL) == 1 ? 0 : failed(err);
}

int pn_rules_digest_fd(int fd, uint64_t bytes, uint8_t ret[32], struct pn_err *err)
{
        pn_autofree uint8_t *room = malloc(READ_BYTES);
        EVP_MD_CTX *context = EVP_MD_CTX_new();
        int got = room && context ? digest(context, fd, bytes, room, ret, err)
                                  : pn_err_set(err, PN_FAULT_HOST, ENOMEM, "SHA-256");

        EVP_MD_CTX_free(context);
        return got;
}
