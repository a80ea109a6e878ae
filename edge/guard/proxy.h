/* Whom a proxy of connections speaks for: the header of the PROXY protocol, version 1 (a line) or 2
 * (bytes), that stands before a connection's first byte (haproxy.org, proxy-protocol.txt).
 * [any thread] Who may say it is for the caller to know. */
#ifndef EDGE_GUARD_PROXY_H
#define EDGE_GUARD_PROXY_H

#include "edge/base/err.h"
#include "edge/base/str.h"

enum { PROXY_MAX = 4 * 1024 }; /* bytes of a header, with what is said beside the addresses */

struct proxy {
    bool known;     /* false: it speaks for itself (LOCAL), or does not know (UNKNOWN) */
    uint8_t ip[16]; /* of the client, IPv4 mapped into IPv6 */
    uint16_t port;
    size_t n; /* bytes of the header */
};

/* The header at the beginning of `bytes`.
 *   ERR_AGAIN  it is not whole yet   ERR_SYNTAX  it is none */
MUST_USE enum err proxy_parse(struct str bytes, struct proxy *out);

#endif
