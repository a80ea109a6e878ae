/* OpenSSL behind our own names. */
#include "edge/guard/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

const char *crypto_version(void) { return OpenSSL_version(OPENSSL_VERSION_STRING); }

static const EVP_MD *md_of(enum digest d)
{
    return d == DIGEST_SHA256 ? EVP_sha256() : d == DIGEST_SHA1 ? EVP_sha1() : EVP_md5();
}

size_t crypto_digest(enum digest d, struct str text, unsigned char out[CRYPTO_DIGEST_MAX])
{
    unsigned n = 0;
    return EVP_Digest(text.p, text.n, out, &n, md_of(d), NULL) == 1 ? n : 0;
}

size_t crypto_hmac(enum digest d, struct str key, struct str text,
                   unsigned char out[CRYPTO_DIGEST_MAX])
{
    unsigned n = 0;
    if (key.n > INT32_MAX ||
        !HMAC(md_of(d), key.p, (int)key.n, (const unsigned char *)text.p, text.n, out, &n))
        return 0;
    return n;
}

bool crypto_random(void *out, size_t n) { return n <= 256 && RAND_bytes(out, (int)n) == 1; }

bool crypto_same(struct str a, struct str b)
{
    return a.n == b.n && CRYPTO_memcmp(a.p, b.p, a.n) == 0;
}

void crypto_wipe(void *at, size_t n) { OPENSSL_cleanse(at, n); }
