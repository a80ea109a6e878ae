/* One line of the access log before it is text: what a worker tells about an answer that ended. */
#ifndef EDGE_WATCH_ACCESS_ENTRY_H
#define EDGE_WATCH_ACCESS_ENTRY_H

#include "edge/base/str.h"
#include "edge/watch/close.h"

#include <sys/socket.h>

/* The longest that is kept of a field, in bytes; the rest is cut. */
enum {
    ACCESS_MAX_METHOD = 32,
    ACCESS_MAX_TARGET = 4096,
    ACCESS_MAX_VERSION = 16,
    ACCESS_MAX_REFERER = 2048,
    ACCESS_MAX_AGENT = 1024,
    ACCESS_MAX_RANGE = 512,
    ACCESS_MAX_CACHE = 128,
    ACCESS_MAX_DENIED = 32,
};

/* All slices are borrowed for the call only; empty is "not there". */
struct access_entry {
    uint64_t when_ns;     /* since 1970, when the answer ended */
    uint64_t duration_ns; /* from the first byte of the request to the end of the answer */
    uint64_t wait_ns;     /* from the first byte of the request to the first of the answer */
    uint64_t bytes;       /* of the body, sent */
    const struct sockaddr *client; /* AF_INET, AF_INET6; NULL or another family is written "-" */
    struct str method;             /* empty when there was no request line to speak of */
    struct str target;             /* as it was sent */
    struct str version;            /* "HTTP/1.1" */
    struct str referer;
    struct str user_agent;
    struct str range;
    struct str cache;        /* what Cache-Status said: "hit", "miss", ... */
    struct str denied;       /* why access control refused it: "expired", ... */
    int status;              /* 100 to 599 */
    enum close_reason close; /* CLOSE_COUNT while the connection stays open */
    bool aborted;            /* the client went before the answer was whole */
};

#endif
