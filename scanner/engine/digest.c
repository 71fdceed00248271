/* SPDX-License-Identifier: Apache-2.0 */
#include "scanner/engine/digest.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>

struct pn_digest {
        OSSL_LIB_CTX *library;
        EVP_MD *algorithm;
        EVP_MD_CTX *context;
        EVP_MD_CTX *base; /* started once; every file copies it, so that nothing is looked up again */
        int started;
};

/* A library context of our own never reads openssl.cnf, and the flag keeps the default one from doing it when
 * another library (libyara's hash module) is the first to use that. */
static int digest_prepare(struct pn_digest *digest)
{
        if (OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1)
                return -1;
        digest->library = OSSL_LIB_CTX_new();
        if (!digest->library)
                return -1;
        digest->algorithm = EVP_MD_fetch(digest->library, "SHA256", NULL);
        digest->context = EVP_MD_CTX_new();
        digest->base = EVP_MD_CTX_new();
        if (!digest->algorithm || !digest->context || !digest->base)
                return -1;
        if (EVP_MD_get_size(digest->algorithm) != PN_DIGEST_BYTES)
                return -1;
        return EVP_DigestInit_ex2(digest->base, digest->algorithm, NULL) == 1 ? 0 : -1;
}

int pn_digest_new(struct pn_digest **ret, struct pn_err *err)
{
        struct pn_digest *digest = calloc(1, sizeof(*digest));

        if (!digest)
                return pn_err_set(err, PN_FAULT_HOST, ENOMEM, "prepare SHA-256");
        if (digest_prepare(digest) < 0) {
                (void)pn_digest_free(digest);
                return pn_err_set(err, PN_FAULT_HOST, 0, "libcrypto has no SHA-256");
        }
        *ret = digest;
        return 0;
}

struct pn_digest *pn_digest_free(struct pn_digest *digest)
{
        if (!digest)
                return NULL;
        EVP_MD_CTX_free(digest->base);
        EVP_MD_CTX_free(digest->context);
        EVP_MD_free(digest->algorithm);
        OSSL_LIB_CTX_free(digest->library);
        free(digest);
        return NULL;
}

int pn_digest_start(struct pn_digest *digest, struct pn_err *err)
{
        digest->started = EVP_MD_CTX_copy_ex(digest->context, digest->base) == 1;
        return digest->started ? 0 : pn_err_set(err, PN_FAULT_BUG, 0, "start a SHA-256");
}

int pn_digest_add(struct pn_digest *digest, const void *bytes, size_t len, struct pn_err *err)
{
        if (!digest->started)
                return pn_err_set(err, PN_FAULT_BUG, 0, "SHA-256 was not started");
        if (EVP_DigestUpdate(digest->context, bytes, len) == 1)
                return 0;
        digest->started = 0;
        return pn_err_set(err, PN_FAULT_BUG, 0, "add %zu bytes to a SHA-256", len);
}

int pn_digest_end(struct pn_digest *digest, uint8_t ret[PN_DIGEST_BYTES], struct pn_err *err)
{
        uint8_t value[EVP_MAX_MD_SIZE];
        unsigned len = 0;

        if (!digest->started)
                return pn_err_set(err, PN_FAULT_BUG, 0, "SHA-256 was not started");
        digest->started = 0;
        if (EVP_DigestFinal_ex(digest->context, value, &len) != 1 || len != PN_DIGEST_BYTES)
                return pn_err_set(err, PN_FAULT_BUG, 0, "end a SHA-256");
        for (unsigned i = 0; i < PN_DIGEST_BYTES; i++)
                ret[i] = value[i];
        return 0;
}
