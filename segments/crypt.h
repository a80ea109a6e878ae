/* AES-128 of whole segments (RFC 8216 4.3.2.4): CBC with PKCS7, begun anew for each segment; keys
 * come from one secret, so every edge that has it makes the same ones. [any thread] */
#ifndef SEGMENTS_CRYPT_H
#define SEGMENTS_CRYPT_H

#include "edge/base/buf.h"

enum { CRYPT_KEY = 16, CRYPT_BLOCK = 16, CRYPT_SECRET_MIN = 16, CRYPT_SECRET_MAX = 1024 };

/* The key of one track in one version, by HKDF-SHA256 (RFC 5869).   ERR_SYSTEM: OpenSSL refuses */
MUST_USE enum err crypt_key(struct str secret, struct str track, uint64_t version,
                            unsigned char key[CRYPT_KEY]);

/* The initialisation vector of segment `number`: its media sequence number, big-endian. */
void crypt_iv(uint32_t number, unsigned char iv[CRYPT_BLOCK]);

/* Bytes that `plain` bytes become. */
uint64_t crypt_size(uint64_t plain);

/* Append segment `number`, encrypted.   ERR_NOMEM, ERR_TOO_BIG, ERR_SYSTEM */
MUST_USE enum err crypt_segment(const unsigned char key[CRYPT_KEY], uint32_t number,
                                struct str plain, struct buf *out);

#endif
