/* Bytes in and out of one connection by TLS, as the side that calls. [loop]
 * OpenSSL over a non-blocking socket: the same answers as link.h's, but that one call may be
 * several system calls, and that reading may have to write and the other way round: whoever waits
 * on a socket tries again whatever it is told. SIGPIPE has to be ignored. */
#ifndef EDGE_WIRE_LINK_TLS_H
#define EDGE_WIRE_LINK_TLS_H

#include "edge/base/err.h"
#include "edge/wire/link.h"

/* Whose certificates are believed: shared by all connections of a kind. [any thread] */
struct tls_trust;
/* `authorities`: a PEM file, or NULL for those of the system. Reads them, so before any loop runs.
 *   ERR_CONFIG  the file cannot be read, or holds no certificate   ERR_NOMEM */
MUST_USE enum err tls_trust_new(const char *authorities, struct tls_trust **out);
void tls_trust_free(struct tls_trust *t); /* NULL is fine */

struct link_tls;
/* Over fd, which stays the caller's. `host`: the name or address that was called, which has to be
 * in the peer's certificate.   ERR_NOMEM */
MUST_USE enum err link_tls_new(struct tls_trust *t, int fd, const char *host,
                               struct link_tls **out);
/* Says nothing to the peer: the end of its socket is the end. NULL is fine. */
void link_tls_free(struct link_tls *l);

/* LINK_OK: both sides have what they need, and the peer is who it should be. LINK_AGAIN: the socket
 * will say. LINK_GONE: not to be trusted, or broken. */
struct link_result link_tls_greet(struct link_tls *l);
/* Why that, for people; borrowed until the next call on this thread. */
const char *link_tls_why(const struct link_tls *l);

/* After link_tls_greet has said LINK_OK. */
struct link_result link_tls_read(struct link_tls *l, void *at, size_t room);
/* What was not taken (LINK_AGAIN) has to be offered again, with more behind it or not, from
 * wherever it is by then. */
struct link_result link_tls_write(struct link_tls *l, const void *bytes, size_t n);

#endif
