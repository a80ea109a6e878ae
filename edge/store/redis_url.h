/* Where Redis is, as one line says it. [any thread]
 *   redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]     rediss:// the same, by TLS
 *   unix://[[USER]:PASSWORD@]PATH[?db=DATABASE]
 * User and password are percent-decoded; HOST is a name, an IPv4 or a bracketed IPv6 address. */
#ifndef EDGE_STORE_REDIS_URL_H
#define EDGE_STORE_REDIS_URL_H

#include "edge/base/err.h"
#include "edge/base/str.h"

struct redis_url {
    bool tls;
    unsigned database;
    char path[108]; /* of the socket; "" when there is a host */
    char host[256];
    char port[6];
    char user[128];     /* "": the default one */
    char password[512]; /* "": none */
};

/* ERR_SYNTAX: *why says what was expected, without a word of the URL: it may hold a password. */
MUST_USE enum err redis_url_parse(struct str text, struct redis_url *out, const char **why);

/* "host:6379" or the socket's path, for messages; never the password. Returns out. */
const char *redis_url_name(const struct redis_url *url, char *out, size_t room);

#endif
