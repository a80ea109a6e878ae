/* OpenSSL's HKDF and AES, and nothing of our own. */
#include "segments/crypt.h"

#include "edge/base/must.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <string.h>

#define SALT "segue hls aes-128"

enum { VERSION_BYTES = 8, INFO_MAX = BUF_MAX_PATH + VERSION_BYTES };

static enum err derive(EVP_KDF_CTX *context, struct str secret, struct str info,
                       unsigned char key[CRYPT_KEY])
{
    static char digest[] = "SHA256", salt[] = SALT;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)(uintptr_t)secret.p,
                                          secret.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof salt - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)(uintptr_t)info.p, info.n),
        OSSL_PARAM_construct_end(),
    };
    return EVP_KDF_derive(context, key, CRYPT_KEY, params) == 1 ? ERR_NONE : ERR_SYSTEM;
}

enum err crypt_key(struct str secret, struct str track, uint64_t version,
                   unsigned char key[CRYPT_KEY])
{
    struct buf info;
    buf_init(&info, INFO_MAX);
    buf_be64(&info, version); /* first, since it has one length: no two tracks share an info */
    buf_adds(&info, track);
    enum err e = buf_status(&info);
    EVP_KDF *kdf = e ? NULL : EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
    if (!e)
        e = context ? derive(context, secret, buf_str(&info), key) : ERR_SYSTEM;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    buf_fini(&info);
    return e;
}

void crypt_iv(uint32_t number, unsigned char iv[CRYPT_BLOCK])
{
    memset(iv, 0, CRYPT_BLOCK);
    for (unsigned i = 0; i < 4; i++)
        iv[CRYPT_BLOCK - 1 - i] = (unsigned char)(number >> (8 * i));
}

uint64_t crypt_size(uint64_t plain) { return (plain / CRYPT_BLOCK + 1) * CRYPT_BLOCK; }

static bool encrypt(EVP_CIPHER_CTX *context, const unsigned char *key, const unsigned char *iv,
                    struct str plain, unsigned char *to, int n[2])
{
    return EVP_EncryptInit_ex2(context, EVP_aes_128_cbc(), key, iv, NULL) == 1 &&
           EVP_EncryptUpdate(context, to, &n[0], (const unsigned char *)plain.p, (int)plain.n) ==
               1 &&
           EVP_EncryptFinal_ex(context, to + n[0], &n[1]) == 1;
}

enum err crypt_segment(const unsigned char key[CRYPT_KEY], uint32_t number, struct str plain,
                       struct buf *out)
{
    unsigned char iv[CRYPT_BLOCK];
    int n[2] = {0, 0};
    must(plain.n <= BUF_MAX_SEGMENT);
    size_t size = (size_t)crypt_size(plain.n);
    unsigned char *to = buf_reserve(out, size);
    if (!to)
        return buf_status(out);
    crypt_iv(number, iv);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    bool done = context && encrypt(context, key, iv, plain, to, n);
    EVP_CIPHER_CTX_free(context);
    if (!done)
        return ERR_SYSTEM;
    must((size_t)n[0] + (size_t)n[1] == size);
    buf_wrote(out, size);
    return ERR_NONE;
}
