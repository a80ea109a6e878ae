/* OpenSSL's EVP. What OpenSSL keeps of a private key for a moment it wipes itself when it frees. */
#include "edge/guard/pubkey.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

enum { RSA_LEAST = 2048, RSA_MOST = 4096 };

struct pubkey {
    EVP_PKEY *key;
};

static const EVP_MD *md_of(enum digest d) { return d == DIGEST_SHA256 ? EVP_sha256() : EVP_sha1(); }

/* Nobody is there to be asked. */
static int no_password(char *room, int size, int writing, void *arg)
{
    (void)room;
    (void)size;
    (void)writing;
    (void)arg;
    return -1;
}

static bool has_private(struct str pem)
{
    return pem.n && memmem(pem.p, pem.n, "PRIVATE KEY-----", 16);
}

/* NULL: there is none. */
static EVP_PKEY *read_pem(struct str pem, bool private)
{
    BIO *bio = pem.n <= PUBKEY_PEM_MAX ? BIO_new_mem_buf(pem.p, (int)pem.n) : NULL;
    EVP_PKEY *k = NULL;
    if (bio)
        k = private ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL)
                    : PEM_read_bio_PUBKEY(bio, NULL, no_password, NULL);
    BIO_free(bio);
    ERR_clear_error();
    return k;
}

static EVP_PKEY *public_half(EVP_PKEY *k)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(k, &der);
    const unsigned char *at = der;
    EVP_PKEY *half = n > 0 ? d2i_PUBKEY(NULL, &at, n) : NULL;
    OPENSSL_free(der);
    return half;
}

static const char *wrong_with(EVP_PKEY *k)
{
    char group[32] = "";
    size_t n;
    int bits = EVP_PKEY_get_bits(k);
    switch (EVP_PKEY_get_base_id(k)) {
    case EVP_PKEY_RSA:
        return bits < RSA_LEAST || bits > RSA_MOST ? "RSA of 2048 to 4096 bits is taken" : NULL;
    case EVP_PKEY_EC:
        return EVP_PKEY_get_group_name(k, group, sizeof group, &n) == 1 &&
                       strcmp(group, "prime256v1") == 0
                   ? NULL
                   : "of elliptic curves P-256 is taken";
    default:
        return "no key of RSA or P-256";
    }
}

enum err pubkey_new(struct str pem, struct pubkey **out, const char **why)
{
    *why = "no PEM text of a public or private key without a password";
    EVP_PKEY *read = read_pem(pem, has_private(pem));
    if (!read)
        return ERR_CONFIG;
    *why = wrong_with(read);
    EVP_PKEY *half = *why ? NULL : public_half(read);
    struct pubkey *k = half ? malloc(sizeof *k) : NULL;
    EVP_PKEY_free(read);
    if (!k) {
        EVP_PKEY_free(half);
        return *why ? ERR_CONFIG : ERR_NOMEM;
    }
    k->key = half;
    *out = k;
    return ERR_NONE;
}

void pubkey_free(struct pubkey *k)
{
    if (k)
        EVP_PKEY_free(k->key);
    free(k);
}

bool pubkey_checks(const struct pubkey *k, enum digest d, struct str text, struct str signature)
{
    EVP_MD_CTX *c = EVP_MD_CTX_new();
    bool good = c && EVP_DigestVerifyInit(c, NULL, md_of(d), NULL, k->key) == 1 &&
                EVP_DigestVerify(c, (const unsigned char *)signature.p, signature.n,
                                 (const unsigned char *)text.p, text.n) == 1;
    EVP_MD_CTX_free(c);
    ERR_clear_error();
    return good;
}

enum err pubkey_sign(struct str pem, enum digest d, struct str text, struct buf *out)
{
    size_t n = PUBKEY_SIGNATURE_MAX;
    EVP_PKEY *k = has_private(pem) ? read_pem(pem, true) : NULL;
    EVP_MD_CTX *c = k ? EVP_MD_CTX_new() : NULL;
    unsigned char *at = c ? buf_reserve(out, n) : NULL;
    bool good = at && !wrong_with(k) && EVP_DigestSignInit(c, NULL, md_of(d), NULL, k) == 1 &&
                EVP_DigestSign(c, at, &n, (const unsigned char *)text.p, text.n) == 1;
    if (good)
        buf_wrote(out, n);
    EVP_MD_CTX_free(c);
    EVP_PKEY_free(k);
    ERR_clear_error();
    return good ? buf_status(out) : buf_status(out) ? buf_status(out) : ERR_CONFIG;
}
