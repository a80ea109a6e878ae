/* What a credential allows, whatever its scheme, and whether that is what is asked. [any thread] */
#ifndef EDGE_GUARD_POLICY_H
#define EDGE_GUARD_POLICY_H

#include "edge/base/str.h"

enum deny {
    DENY_NONE,
#define DENY(name, label, text) DENY_##name,
#include "edge/guard/deny.def"
#undef DENY
    DENY_COUNT
};

/* "bad signature"; static. must(DENY_NONE < d < DENY_COUNT) */
const char *deny_text(enum deny d);

enum scheme {
    SCHEME_SEGUE,
    SCHEME_S3,
    SCHEME_CLOUDFRONT,
    SCHEME_AKAMAI,
    SCHEME_SECURE_LINK,
    SCHEME_COUNT
};

enum path_rule {
    PATH_EXACT,
    PATH_PREFIX, /* whole path components: "/a" and "/a/" open "/a/b" and not "/ab" */
    PATH_GLOB,   /* '*' any run, '?' any one byte, '!' between alternatives where `list` is set */
    PATH_URL,    /* a glob over a whole URL: see policy_url */
};

enum { METHOD_BIT_GET = 1, METHOD_BIT_HEAD = 2 };

struct guard_key;

struct policy {
    enum scheme scheme;
    const struct guard_key *key; /* whose signature it has; of the keyring */
    int64_t not_before;          /* the first second, since 1970 */
    int64_t expires;             /* the last second */
    unsigned methods;            /* METHOD_BIT_s */
    enum path_rule rule;
    bool list;          /* of globs */
    bool in_path;       /* the credential is part of the path: relative URIs inherit it */
    bool own;           /* this server made it: it is not held to the longest lifetimes */
    bool bound;         /* to the network below */
    struct str path;    /* what the rule names; borrowed from the request or its scratch */
    struct str subject; /* what it is held against; the same */
    uint8_t network[16];
    unsigned bits; /* of the network, of 128 */
};

/* What is asked of it. */
struct policy_asked {
    struct str path;       /* decoded, without a token */
    unsigned method;       /* one METHOD_BIT_ */
    const uint8_t *client; /* 16 bytes, IPv4 mapped into IPv6 */
    int64_t now;           /* seconds since 1970 */
    int64_t max_expires;   /* seconds from now that it may be valid at most; 0: any */
};

/* The one decision about a policy whose signature is right. */
enum deny policy_decide(const struct policy *p, const struct policy_asked *asked);

/* "192.0.2.0/24", "2001:db8::1": into 16 bytes and a length. False: it is no network. */
bool policy_network(struct str text, uint8_t network[16], unsigned *bits);
bool policy_within(const uint8_t client[16], const uint8_t network[16], unsigned bits);
bool policy_below(struct str path, struct str prefix); /* as PATH_PREFIX */
bool policy_glob(struct str pattern, struct str text);
/* A glob "https://host/path?query" over "host/path?query" of which the scheme is not known: the
 * pattern's has to match "https" or "http". A query is not taken for the path's continuation: of
 * the pattern, either what matches the path alone matches it too, or it is behind a '?'. */
bool policy_url(struct str pattern, struct str url);

#endif
