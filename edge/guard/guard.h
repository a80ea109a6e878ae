/* Who may have what: a request's credential into a policy, and the policy into a decision.
 * [any thread] Time is an argument; nothing is kept but in the request's recall. */
#ifndef EDGE_GUARD_GUARD_H
#define EDGE_GUARD_GUARD_H

#include "edge/base/buf.h"
#include "edge/guard/keyring.h"
#include "edge/guard/recall.h"

enum { GUARD_TEXT_MAX = 32 * 1024, GUARD_PATH_MAX = 4 * 1024, GUARD_PARTS = 64 };

/* The request as the schemes read it; borrowed for the call. */
struct guard_request {
    struct str method;     /* "GET" or "HEAD" */
    struct str path;       /* decoded, without a token: "/audio/a b.mp3" */
    struct str raw;        /* the same as it was sent: "/audio/a%20b.mp3" */
    struct str query;      /* raw, without '?' */
    struct str token;      /* of "/s/TOKEN/..."; p is NULL when the path has none */
    struct str host;       /* with the port, as it was sent */
    bool authorized;       /* it has an Authorization field */
    const uint8_t *client; /* 16 bytes, IPv4 mapped into IPv6 */
    int64_t now;           /* seconds since 1970 */
    /* The value of any field of the head, number `at` of its name; false: there is none. */
    bool (*field)(void *arg, struct str name, size_t at, struct str *value);
    void *arg;
    struct recall *recall; /* of this keyring; NULL: none */
};

/* DENY_NONE: it may be had, *p says how it was opened (its strings are not valid any more). */
enum deny guard_check(const struct keyring *keys, const struct guard_request *r,
                      int64_t max_expires, struct policy *p);

/* Fields that a credential sets in the answer, each "Name: value\r\n", once each; only S3's has
 * some. DENY_MALFORMED  a value with a control byte, two of one, or too much of it */
enum deny guard_overrides(const struct policy *p, struct str query, struct buf *lines);

/* What is made for one URL. */
struct guard_wish {
    struct str method; /* "GET" */
    struct str scheme; /* "https" */
    struct str host;   /* with the port; may be empty where the style does not sign it */
    struct str path;   /* decoded */
    struct str raw;    /* percent-encoded as it stands in the URL */
    struct str query;  /* of the URL, without signature; raw */
    struct str scope;  /* a prefix to open instead of the one path; may be empty */
    int64_t now;
    int64_t expires;
};

/* Append the signed form of the URL's path and query.
 *   ERR_CONFIG  the key's style cannot say that (a scope in S3's)   or what became of the buffer */
MUST_USE enum err guard_sign(const struct guard_key *k, const struct guard_wish *w,
                             struct buf *out);
/* The token of "/s/TOKEN/", with the first `depth` components of the decoded path; `own` is for
 * what this server hands on.   ERR_CONFIG  the path has fewer */
MUST_USE enum err guard_sign_path(const struct guard_key *k, struct str path, unsigned depth,
                                  int64_t expires, bool own, struct buf *out);
unsigned guard_depth(struct str path); /* its components */

#endif
