/* What the floor takes from OpenSSL, behind our own names. [any thread]
 * Nothing here keeps state; digests and keys are bytes. */
#ifndef EDGE_GUARD_CRYPTO_H
#define EDGE_GUARD_CRYPTO_H

#include "edge/base/err.h"
#include "edge/base/str.h"

enum { CRYPTO_SHA256 = 32, CRYPTO_DIGEST_MAX = 32, CRYPTO_HEX_MAX = 64 };

enum digest { DIGEST_SHA256, DIGEST_SHA1, DIGEST_MD5 };

const char *crypto_version(void); /* "3.0.22", of the library that is linked */

/* Bytes of the digest, written to out; 0 when OpenSSL has no such digest (a FIPS build's MD5). */
MUST_USE size_t crypto_digest(enum digest d, struct str text, unsigned char out[CRYPTO_DIGEST_MAX]);
/* The same of an HMAC (RFC 2104). */
MUST_USE size_t crypto_hmac(enum digest d, struct str key, struct str text,
                            unsigned char out[CRYPTO_DIGEST_MAX]);

/* n random bytes. False: the system has none. */
MUST_USE bool crypto_random(void *out, size_t n);

/* Compared in a time that depends on the lengths alone. */
bool crypto_same(struct str a, struct str b);
void crypto_wipe(void *at, size_t n);

#endif
