/* Where a listener goes: http URLs, and the references in a playlist. [any thread]
 * A playlist never leads to another host, and no byte that does not belong into a request line gets
 * into one: whatever a server writes, the load stays where it was sent. */
#ifndef TOOLS_LISTENERS_URL_H
#define TOOLS_LISTENERS_URL_H

#include "edge/base/buf.h"

#include <netinet/in.h>

enum { URL_MAX = 2048 }; /* bytes of an authority and path together */

/* Borrows from the string that was parsed. */
struct url {
    struct str authority; /* "127.0.0.1:8080", as it goes into Host */
    struct str host;
    uint16_t port;   /* 80 when there is none */
    struct str path; /* with the query, never empty, begins with a slash */
};

/* http://HOST[:PORT]/PATH[?QUERY]. ERR_TARGET for anything else: other schemes, user names, port 0,
 * fragments, bytes outside 0x21..0x7e, more than URL_MAX. */
MUST_USE enum err url_parse(struct str text, struct url *out);

/* Append to `out` the path (and query) to which `ref`, found in what `base` names, leads (RFC
 * 3986 5.2). ERR_TARGET as above, and when it is another origin than `authority`. */
MUST_USE enum err url_resolve(struct buf *out, struct str authority, struct str base,
                              struct str ref);

/* The IPv4 address of the host: a literal, "localhost", or, when `anywhere`, a name.
 * ERR_NOT_FOUND when there is none, ERR_FORBIDDEN when it is not in 127.0.0.0/8 and not `anywhere`.
 */
MUST_USE enum err url_address(const struct url *u, bool anywhere, struct sockaddr_in *out);

bool url_is_loopback(const struct sockaddr_in *address);

#endif
