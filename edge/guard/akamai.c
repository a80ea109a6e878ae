/* Akamai's EdgeAuth 2.0: "st=FROM~exp=UNTIL~acl=GLOB!GLOB~hmac=HEX" in a parameter, a cookie or
 * field of the key's `name`. The HMAC is over the visible fields as they stand; then, for a token
 * of one URL, "url=" and the path; then "salt=" and the key's salt. With the key's digest, which
 * the token does not name. */
#include "edge/guard/scheme.h"

#include <stdio.h>
#include <string.h>

#define STANDARD_NAME STR("__token__")

struct token {
    struct str ip, acl, hmac;
    int64_t from, until;
    struct str visible; /* all before "~hmac=" */
};

static struct str name_of(const struct guard_key *k) { return k->name.n ? k->name : STANDARD_NAME; }

/* How often it is there; *value is raw. */
static unsigned find(const struct guard_key *k, const struct guard_request *r, bool in_cookie,
                     struct str *value)
{
    struct str more;
    if (!in_cookie)
        return param(r->query, name_of(k), value);
    unsigned n = cookie(r, name_of(k), value);
    if (n || !r->field || !r->field(r->arg, name_of(k), 0, value))
        return n;
    return r->field(r->arg, name_of(k), 1, &more) ? 2 : 1;
}

const struct guard_key *akamai_is_there(const struct keyring *keys, const struct guard_request *r,
                                        bool in_cookie)
{
    struct str v;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->keys[i].scheme == SCHEME_AKAMAI && find(&keys->keys[i], r, in_cookie, &v))
            return &keys->keys[i];
    return NULL;
}

static bool take(struct str field, const char *name, struct str *out)
{
    struct str prefix = str_of(name);
    if (!str_starts(field, prefix) || out->p)
        return false;
    *out = str_from(field, prefix.n);
    return true;
}

/* Each field once; ids and data are signed text and mean nothing here. */
static bool split(struct str s, struct token *t)
{
    struct str st = {NULL, 0}, exp = {NULL, 0}, id = {NULL, 0}, data = {NULL, 0}, rest = s;
    *t = (struct token){.ip = {NULL, 0}};
    while (rest.n && !t->hmac.p) {
        size_t before = s.n - rest.n;
        struct str field = str_cut(&rest, '~');
        if (!take(field, "ip=", &t->ip) && !take(field, "st=", &st) && !take(field, "exp=", &exp) &&
            !take(field, "acl=", &t->acl) && !take(field, "id=", &id) &&
            !take(field, "data=", &data) && !take(field, "hmac=", &t->hmac))
            return false;
        if (t->hmac.p)
            t->visible = str_slice(s, 0, before ? before - 1 : 0);
    }
    return t->hmac.p && !rest.n && read_time(exp, &t->until) && (!st.p || read_time(st, &t->from));
}

static bool make(const struct guard_key *k, struct str visible, struct str url, struct buf *out)
{
    unsigned char mac[CRYPTO_DIGEST_MAX];
    struct buf text;
    buf_init(&text, GUARD_TEXT_MAX);
    buf_adds(&text, visible);
    if (url.n) {
        buf_adds(&text, STR("~url="));
        buf_adds(&text, url);
    }
    if (k->salt.n) {
        buf_adds(&text, STR("~salt="));
        buf_adds(&text, k->salt);
    }
    size_t n = buf_status(&text) ? 0 : crypto_hmac(k->digest, k->secret, buf_str(&text), mac);
    put_hex(out, mac, n);
    buf_fini(&text);
    return n && buf_status(out) == ERR_NONE;
}

static bool check(const struct guard_key *k, const struct token *t, struct str url)
{
    struct buf hex;
    buf_init(&hex, CRYPTO_HEX_MAX);
    bool good = make(k, t->visible, t->acl.p ? (struct str){NULL, 0} : url, &hex) &&
                crypto_same(buf_str(&hex), t->hmac);
    buf_fini(&hex);
    return good;
}

/* Of a digest that one of the keys signs with. */
static bool is_length(const struct keyring *keys, size_t hex)
{
    static const size_t lengths[] = {[DIGEST_SHA256] = 64, [DIGEST_SHA1] = 40, [DIGEST_MD5] = 32};
    for (size_t i = 0; i < keys->count; i++)
        if (keys->keys[i].scheme == SCHEME_AKAMAI && lengths[keys->keys[i].digest] == hex)
            return true;
    return false;
}

/* The first key of that token's name whose signature it is. */
static const struct guard_key *find_key(const struct keyring *keys, struct str name,
                                        const struct token *t, struct str url)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct guard_key *k = &keys->keys[i];
        if (k->scheme == SCHEME_AKAMAI && str_eq(name_of(k), name) && check(k, t, url))
            return k;
    }
    return NULL;
}

enum deny akamai_read(const struct keyring *keys, const struct guard_request *r, bool in_cookie,
                      struct buf *text, struct policy *p)
{
    struct str raw;
    struct token t;
    const struct guard_key *named = akamai_is_there(keys, r, in_cookie);
    if (!named || find(named, r, in_cookie, &raw) != 1 || !put_decoded(text, raw) ||
        buf_status(text) || !split(buf_str(text), &t) || !is_length(keys, t.hmac.n))
        return DENY_MALFORMED;
    const struct guard_key *k = find_key(keys, name_of(named), &t, r->path);
    if (!k)
        return DENY_BAD_SIGNATURE;
    *p = (struct policy){.scheme = SCHEME_AKAMAI,
                         .key = k,
                         .not_before = t.from,
                         .expires = t.until,
                         .methods = METHOD_BIT_GET | METHOD_BIT_HEAD,
                         .rule = t.acl.p ? PATH_GLOB : PATH_EXACT,
                         .list = true,
                         .bound = t.ip.p != NULL,
                         .path = t.acl.p ? t.acl : r->path,
                         .subject = r->path};
    if (t.ip.p && !policy_network(t.ip, p->network, &p->bits))
        return DENY_MALFORMED;
    return DENY_NONE;
}

enum err akamai_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out)
{
    struct buf visible;
    buf_init(&visible, GUARD_TEXT_MAX);
    buf_addf(&visible, "st=%lld~exp=%lld", (long long)w->now, (long long)w->expires);
    if (w->scope.n)
        buf_addf(&visible, "~acl=%.*s*", STR_ARG(w->scope));
    buf_adds(out, w->raw);
    buf_addc(out, '?');
    buf_adds(out, w->query);
    buf_addf(out, "%s%.*s=%.*s~hmac=", w->query.n ? "&" : "", STR_ARG(name_of(k)),
             STR_ARG(buf_str(&visible)));
    bool good = buf_status(&visible) == ERR_NONE &&
                make(k, buf_str(&visible), w->scope.n ? (struct str){NULL, 0} : w->path, out);
    buf_fini(&visible);
    return good ? buf_status(out) : ERR_TOO_BIG;
}
