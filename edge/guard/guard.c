/* Which credential a request brings, and what becomes of it. One only: a token in the path or a
 * parameter of the query; cookies, which a browser sends with everything, count where the URL says
 * nothing. Two of them say two things, and are refused. */
#include "edge/guard/guard.h"

#include "edge/base/must.h"
#include "edge/guard/scheme.h"

static bool takes(const struct keyring *keys, enum scheme s) { return keys->schemes & 1u << s; }

/* Bit s: the query has a credential of scheme s, and there are keys for it. */
static unsigned in_query(const struct keyring *keys, const struct guard_request *r)
{
    unsigned found = 0;
    if (!r->query.n)
        return 0;
    if (takes(keys, SCHEME_SEGUE) && segue_is_there(r))
        found |= 1u << SCHEME_SEGUE;
    if (takes(keys, SCHEME_S3) && s3_is_there(r))
        found |= 1u << SCHEME_S3;
    if (takes(keys, SCHEME_CLOUDFRONT) && cloudfront_is_there(r, false))
        found |= 1u << SCHEME_CLOUDFRONT;
    if (takes(keys, SCHEME_AKAMAI) && akamai_is_there(keys, r, false))
        found |= 1u << SCHEME_AKAMAI;
    if (takes(keys, SCHEME_SECURE_LINK) && secure_link_is_there(r))
        found |= 1u << SCHEME_SECURE_LINK;
    return found;
}

static enum deny read_cookies(const struct keyring *keys, const struct guard_request *r,
                              struct buf *text, struct policy *p)
{
    bool cloudfront = takes(keys, SCHEME_CLOUDFRONT) && cloudfront_is_there(r, true);
    bool akamai = takes(keys, SCHEME_AKAMAI) && akamai_is_there(keys, r, true);
    if (cloudfront && akamai)
        return DENY_MALFORMED;
    if (cloudfront)
        return cloudfront_read(keys, r, true, text, p);
    return akamai ? akamai_read(keys, r, true, text, p) : DENY_MISSING;
}

static enum deny read_query(const struct keyring *keys, const struct guard_request *r,
                            unsigned found, struct buf *text, struct policy *p)
{
    switch (found) {
    case 1u << SCHEME_SEGUE:
        return segue_read(keys, r, p);
    case 1u << SCHEME_S3:
        return s3_read(keys, r, text, p);
    case 1u << SCHEME_CLOUDFRONT:
        return cloudfront_read(keys, r, false, text, p);
    case 1u << SCHEME_AKAMAI:
        return akamai_read(keys, r, false, text, p);
    case 1u << SCHEME_SECURE_LINK:
        return secure_link_read(keys, r, text, p);
    case 0:
        return read_cookies(keys, r, text, p);
    default:
        return DENY_MALFORMED;
    }
}

enum deny guard_check(const struct keyring *keys, const struct guard_request *r,
                      int64_t max_expires, struct policy *p)
{
    struct buf text;
    struct policy_asked asked = {
        .path = r->path,
        .method = str_eq(r->method, STR("HEAD")) ? METHOD_BIT_HEAD : METHOD_BIT_GET,
        .client = r->client,
        .now = r->now,
        .max_expires = max_expires,
    };
    unsigned found = in_query(keys, r);
    if (r->token.p && found)
        return DENY_MALFORMED;
    buf_init(&text, GUARD_TEXT_MAX);
    enum deny d = r->token.p ? segue_read_path(keys, r, p) : read_query(keys, r, found, &text, p);
    if (!d)
        d = policy_decide(p, &asked);
    buf_fini(&text);
    return d;
}

enum err guard_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out)
{
    switch (k->scheme) {
    case SCHEME_S3:
        return s3_sign(k, w, out);
    case SCHEME_CLOUDFRONT:
        return cloudfront_sign(k, w, out);
    case SCHEME_AKAMAI:
        return akamai_sign(k, w, out);
    case SCHEME_SECURE_LINK:
        return secure_link_sign(k, w, out);
    default:
        must(k->scheme == SCHEME_SEGUE);
        return segue_sign(k, w, out);
    }
}
