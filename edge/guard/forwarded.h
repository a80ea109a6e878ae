/* Whom a proxy speaks for: X-Forwarded-For and Forwarded (RFC 7239), read from the right, where the
 * nearest proxy has written. [any thread]
 * Of what stands there only as much is believed as trusted proxies have said: the first address
 * that is no trusted proxy's is the client, and what is left of it may be anybody's invention. */
#ifndef EDGE_GUARD_FORWARDED_H
#define EDGE_GUARD_FORWARDED_H

#include "edge/base/str.h"

struct network {
    uint8_t address[16]; /* IPv4 mapped into IPv6 */
    unsigned bits;
};

struct networks {
    const struct network *list;
    size_t count;
};

bool networks_have(const struct networks *n, const uint8_t address[16]);

struct forwarded {
    const struct networks *trusted;
    uint8_t client[16]; /* begins as the peer's; the best that is known */
    bool done;          /* what is further left is not to be believed */
};

/* One field line; of several the last one comes first. */
void forwarded_for(struct forwarded *f, struct str line);     /* X-Forwarded-For */
void forwarded_rfc7239(struct forwarded *f, struct str line); /* Forwarded */

#endif
