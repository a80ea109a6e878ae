/* Public-key signatures, behind our own names: RSA with PKCS #1 v1.5 padding (RFC 8017 8.2), 2048
 * to 4096 bits, and ECDSA on P-256 (FIPS 186-4 6). [any thread] */
#ifndef EDGE_GUARD_PUBKEY_H
#define EDGE_GUARD_PUBKEY_H

#include "edge/base/buf.h"
#include "edge/guard/crypto.h"

enum { PUBKEY_PEM_MAX = 8 * 1024, PUBKEY_SIGNATURE_MAX = 512 };

struct pubkey; /* never changes */

/* Of a PEM text with a public or a private key; of a private one the public half alone is kept.
 *   ERR_CONFIG  it is no such key; *why says what is wrong   ERR_NOMEM */
MUST_USE enum err pubkey_new(struct str pem, struct pubkey **out, const char **why);
void pubkey_free(struct pubkey *k); /* NULL is fine */

bool pubkey_checks(const struct pubkey *k, enum digest d, struct str text, struct str signature);

/* Append the signature (bytes) that the private key of the PEM text makes.
 *   ERR_CONFIG  there is no private key in it   ERR_TOO_BIG, ERR_NOMEM  of the buffer */
MUST_USE enum err pubkey_sign(struct str pem, enum digest d, struct str text, struct buf *out);

#endif
