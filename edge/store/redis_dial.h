/* From a URL to a socket that connects, without ever blocking a loop. */
#ifndef EDGE_STORE_REDIS_DIAL_H
#define EDGE_STORE_REDIS_DIAL_H

#include "edge/store/redis_url.h"

#include <sys/socket.h>

enum { DIAL_ADDRESSES = 4 };

struct dial {
    struct sockaddr_storage at[DIAL_ADDRESSES];
    socklen_t len[DIAL_ADDRESSES];
    unsigned count;
    unsigned next; /* the one that is tried next */
};

/* A socket's path or a numeric address; false: the name has to be looked up. [any thread] */
bool dial_numeric(const struct redis_url *url, struct dial *out);
/* Look the name up; count stays 0 where that fails. Blocks. [pool] */
void dial_resolve(const struct redis_url *url, struct dial *out);
/* A non-blocking socket on its way to the next address, or -1. [any thread] */
int dial_connect(struct dial *d);

#endif
