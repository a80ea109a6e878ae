/* CloudFront's signed URLs and cookies: a signature by a private key over a policy, which is either
 * canned (this URL, until then: the text is made here from the request) or custom (a JSON text that
 * comes along, with wildcards and more conditions).
 *   in the query   Expires=UNIX | Policy=BASE64, Signature=BASE64, Key-Pair-Id=ID [,
 * Hash-Algorithm] as cookies     the same with "CloudFront-" before each name Base64 has '-', '~'
 * and '_' for '+', '/' and '='. The URL is taken as it was sent, without these parameters; whether
 * it was https is not known here, since TLS may end before us: both are tried. */
#include "edge/guard/cloudfront_policy.h"
#include "edge/guard/pubkey.h"
#include "edge/guard/scheme.h"

#include <string.h>

#define SPECIAL "-~_"

enum { EXPIRES, POLICY, SIGNATURE, KEY_ID, HASH, FIELDS };

static struct str name_of(unsigned which, bool in_cookie)
{
    static const char *const cookies[FIELDS] = {"CloudFront-Expires", "CloudFront-Policy",
                                                "CloudFront-Signature", "CloudFront-Key-Pair-Id",
                                                "CloudFront-Hash-Algorithm"};
    return str_from(str_of(cookies[which]), in_cookie ? 0 : strlen("CloudFront-"));
}

static unsigned find(const struct guard_request *r, unsigned which, bool in_cookie, struct str *v)
{
    struct str name = name_of(which, in_cookie);
    return in_cookie ? cookie(r, name, v) : param(r->query, name, v);
}

bool cloudfront_is_there(const struct guard_request *r, bool in_cookie)
{
    struct str v;
    return find(r, SIGNATURE, in_cookie, &v) || find(r, KEY_ID, in_cookie, &v) ||
           find(r, POLICY, in_cookie, &v);
}

/* ---- the URL ---- */

/* What may stand in a JSON text as it is. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\')
            return false;
    return true;
}

static bool is_own(struct str parameter)
{
    struct str name = str_cut(&parameter, '=');
    for (unsigned i = 0; i < FIELDS; i++)
        if (str_eq(name, name_of(i, false)))
            return true;
    return false;
}

/* "host/path?query", without the parameters of our own. */
static bool put_url(struct buf *out, const struct guard_request *r)
{
    struct str rest = r->query;
    bool any = false;
    buf_adds(out, r->host);
    buf_adds(out, r->raw);
    while (rest.n) {
        struct str parameter = str_cut(&rest, '&');
        if (is_own(parameter))
            continue;
        buf_addc(out, any ? '&' : '?');
        buf_adds(out, parameter);
        any = true;
    }
    return r->host.n && buf_status(out) == ERR_NONE && is_plain(buf_str(out));
}

static void put_policy(struct buf *out, struct str scheme, struct str url, struct str expires)
{
    buf_adds(out, STR("{\"Statement\":[{\"Resource\":\""));
    buf_adds(out, scheme);
    buf_adds(out, STR("://"));
    buf_adds(out, url);
    buf_adds(out, STR("\",\"Condition\":{\"DateLessThan\":{\"AWS:EpochTime\":"));
    buf_adds(out, expires);
    buf_adds(out, STR("}}}]}"));
}

/* ---- reading ---- */

struct credential {
    struct str field[FIELDS]; /* decoded; p is NULL where it is not there */
    struct str signature;     /* bytes */
    const struct guard_key *key;
    enum digest digest;
};

/* Once each, the policy canned or custom and not both. */
static bool read_fields(const struct guard_request *r, bool in_cookie, struct buf *text,
                        struct credential *c)
{
    size_t from[FIELDS], to[FIELDS];
    bool there[FIELDS];
    for (unsigned i = 0; i < FIELDS; i++) {
        struct str raw;
        unsigned n = find(r, i, in_cookie, &raw);
        there[i] = n > 0;
        from[i] = text->len;
        if (n > 1 || (n && (!raw.n || !put_decoded(text, raw) || buf_status(text))))
            return false;
        to[i] = text->len;
    }
    for (unsigned i = 0; i < FIELDS; i++)
        c->field[i] = there[i] ? str_slice(buf_str(text), from[i], to[i]) : (struct str){NULL, 0};
    return there[SIGNATURE] && there[KEY_ID] && there[EXPIRES] != there[POLICY];
}

static bool read_hash(struct credential *c)
{
    struct str hash = c->field[HASH];
    c->digest = str_eq(hash, STR("SHA256")) ? DIGEST_SHA256 : DIGEST_SHA1;
    return !hash.p || c->digest == DIGEST_SHA256 || str_eq(hash, STR("SHA1"));
}

static bool was_signed(const struct guard_request *r, const struct credential *c, struct str text,
                       bool note)
{
    const char digest = (char)c->digest;
    const struct str parts[] = {c->key->id, {&digest, 1}, text, c->signature};
    if (note)
        recall_note(r->recall, parts, 4);
    return note || recall_has(r->recall, parts, 4);
}

static bool is_signed(const struct guard_request *r, const struct credential *c, struct str text)
{
    return c->key->digests & 1u << c->digest &&
           pubkey_checks(c->key->pubkey, c->digest, text, c->signature) &&
           was_signed(r, c, text, true);
}

static enum deny read_canned(const struct guard_request *r, const struct credential *c,
                             struct policy *p)
{
    static const char *const schemes[] = {"https", "http"};
    int64_t until;
    struct buf url, text;
    buf_init(&url, GUARD_TEXT_MAX);
    buf_init(&text, GUARD_TEXT_MAX);
    bool sane = read_time(c->field[EXPIRES], &until) && until > 0 && put_url(&url, r);
    enum deny d = sane ? DENY_BAD_SIGNATURE : DENY_MALFORMED;
    /* First what is remembered of either, then the costly look. */
    for (size_t i = 0; i < 4 && d == DENY_BAD_SIGNATURE; i++) {
        buf_reset(&text);
        put_policy(&text, str_of(schemes[i % 2]), buf_str(&url), c->field[EXPIRES]);
        if (buf_status(&text))
            d = DENY_MALFORMED;
        else if (i < 2 ? was_signed(r, c, buf_str(&text), false) : is_signed(r, c, buf_str(&text)))
            d = DENY_NONE;
    }
    buf_fini(&url);
    buf_fini(&text);
    if (d)
        return d;
    p->expires = until - 1;
    p->rule = PATH_EXACT;
    p->path = p->subject = r->path;
    return DENY_NONE;
}

/* A wildcard is held against the path as it was sent, and must not match what becomes another path:
 * "/album/../other", or the same in "%2e". */
static bool is_what_it_says(const struct guard_request *r)
{
    struct buf b;
    buf_init(&b, GUARD_PATH_MAX);
    bool same =
        put_decoded(&b, r->raw) && buf_status(&b) == ERR_NONE && str_eq(buf_str(&b), r->path);
    buf_fini(&b);
    return same;
}

static bool has_wildcard(struct str s) { return str_find(s, '*') < s.n || str_find(s, '?') < s.n; }

static enum deny take_custom(const struct guard_request *r, struct str json, struct buf *text,
                             struct policy *p)
{
    struct cloudfront_policy said;
    buf_reset(text); /* the credential has done its duty */
    if (!cloudfront_policy_read(json, text, &said))
        return DENY_MALFORMED;
    size_t n = text->len;
    bool plain = is_plain(buf_str(text)), wild = has_wildcard(buf_str(text));
    if (!plain || !put_url(text, r))
        return DENY_MALFORMED;
    p->not_before = said.not_before;
    p->expires = said.expires;
    p->bound = said.bound;
    memcpy(p->network, said.network, sizeof p->network);
    p->bits = said.bits;
    p->rule = PATH_URL;
    p->path = str_slice(buf_str(text), 0, n);
    p->subject = str_from(buf_str(text), n);
    return wild && !is_what_it_says(r) ? DENY_WRONG_PATH : DENY_NONE;
}

static enum deny read_custom(const struct guard_request *r, const struct credential *c,
                             struct buf *text, struct policy *p)
{
    struct buf json;
    enum deny d = DENY_MALFORMED;
    buf_init(&json, CLOUDFRONT_POLICY_MAX);
    if (put_unbase64(&json, c->field[POLICY], SPECIAL) && buf_status(&json) == ERR_NONE)
        d = was_signed(r, c, buf_str(&json), false) || is_signed(r, c, buf_str(&json))
                ? DENY_NONE
                : DENY_BAD_SIGNATURE;
    if (!d)
        d = take_custom(r, buf_str(&json), text, p);
    buf_fini(&json);
    return d;
}

static enum deny read_credential(const struct keyring *keys, const struct guard_request *r,
                                 struct credential *c, struct buf *text, struct policy *p)
{
    if (!read_hash(c))
        return DENY_MALFORMED;
    c->key = keyring_find(keys, SCHEME_CLOUDFRONT, c->field[KEY_ID]);
    if (!c->key)
        return DENY_UNKNOWN_KEY;
    *p = (struct policy){
        .scheme = SCHEME_CLOUDFRONT, .key = c->key, .methods = METHOD_BIT_GET | METHOD_BIT_HEAD};
    return c->field[POLICY].p ? read_custom(r, c, text, p) : read_canned(r, c, p);
}

enum deny cloudfront_read(const struct keyring *keys, const struct guard_request *r, bool in_cookie,
                          struct buf *text, struct policy *p)
{
    struct credential c;
    struct buf signature;
    enum deny d = DENY_MALFORMED;
    buf_init(&signature, PUBKEY_SIGNATURE_MAX);
    if (read_fields(r, in_cookie, text, &c) &&
        put_unbase64(&signature, c.field[SIGNATURE], SPECIAL) && !buf_status(&signature)) {
        c.signature = buf_str(&signature);
        d = read_credential(keys, r, &c, text, p);
    }
    buf_fini(&signature);
    return d;
}

/* ---- making ---- */

/* What the policy is about: the URL, or with a scope all that lies below it. */
static bool put_resource(struct buf *out, const struct guard_wish *w)
{
    struct guard_request r = {.host = w->host, .raw = w->raw, .query = w->query};
    if (!w->scope.n)
        return str_find(w->raw, '*') == w->raw.n && put_url(out, &r);
    buf_adds(out, w->host);
    put_encoded(out, w->scope, true);
    buf_addc(out, '*');
    return w->host.n && buf_status(out) == ERR_NONE;
}

static void put_padded(struct buf *out, struct str bytes)
{
    put_base64(out, (const unsigned char *)bytes.p, bytes.n, SPECIAL);
    for (size_t n = bytes.n; n % 3; n++)
        buf_addc(out, SPECIAL[2]);
}

static enum err put_signed(const struct guard_key *k, const struct guard_wish *w, struct str policy,
                           struct str until, struct buf *out)
{
    struct buf signature;
    buf_init(&signature, PUBKEY_SIGNATURE_MAX);
    enum err e = pubkey_sign(k->secret, k->digest, policy, &signature);
    buf_adds(out, w->raw);
    buf_addc(out, '?');
    buf_adds(out, w->query);
    buf_adds(out, w->query.n ? STR("&") : STR(""));
    if (w->scope.n) {
        buf_adds(out, STR("Policy="));
        put_padded(out, policy);
    } else {
        buf_adds(out, STR("Expires="));
        buf_adds(out, until);
    }
    buf_addf(out, "&Key-Pair-Id=%.*s&Signature=", STR_ARG(k->id));
    put_padded(out, buf_str(&signature));
    buf_adds(out, k->digest == DIGEST_SHA256 ? STR("&Hash-Algorithm=SHA256") : STR(""));
    buf_fini(&signature);
    return e ? e : buf_status(out);
}

enum err cloudfront_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out)
{
    struct buf url, policy, until;
    buf_init(&url, GUARD_TEXT_MAX);
    buf_init(&policy, CLOUDFRONT_POLICY_MAX);
    buf_init(&until, 24);
    buf_addf(&until, "%lld", (long long)w->expires);
    enum err e = w->scheme.n && put_resource(&url, w) ? ERR_NONE : ERR_CONFIG;
    put_policy(&policy, w->scheme, buf_str(&url), buf_str(&until));
    if (!e)
        e = buf_status(&policy);
    if (!e)
        e = put_signed(k, w, buf_str(&policy), buf_str(&until), out);
    buf_fini(&url);
    buf_fini(&policy);
    buf_fini(&until);
    return e;
}
