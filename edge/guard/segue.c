/* The style of our own: HMAC-SHA256 over "segue\nKEY\nEXPIRES\nRULE\nPATH", where RULE is "exact",
 * "prefix" or, in a path, how many components PATH has. conf/SIGNING.md has it with vectors.
 *   in the query  ?expires=UNIX&key=ID[&scope=PREFIX]&signature=BASE64URL
 *   in the path   /s/KEY-EXPIRES-DEPTH-BASE64URL/...
 * A key's name begins with '~' where this server made the token itself, with a key that it derived.
 * Paths are decoded: what a player or a proxy encodes differently is the same path. */
#include "edge/guard/scheme.h"

#include "edge/base/scan.h"

#include <stdio.h>
#include <string.h>

enum { SIGNATURE = 43, COMPONENTS_MAX = 64, SIGNED_MAX = GUARD_PATH_MAX + 256 };

struct signed_text {
    struct str id; /* with '~' */
    struct str expires;
    struct str rule;
    struct str path;
};

/* False: too long, or no SHA-256. */
static bool make_signature(struct str secret, const struct signed_text *t, char out[SIGNATURE])
{
    char text[SIGNED_MAX];
    unsigned char mac[CRYPTO_DIGEST_MAX];
    const struct str parts[] = {STR("segue\n"), t->id,   STR("\n"), t->expires,
                                STR("\n"),      t->rule, STR("\n"), t->path};
    size_t n = 0;
    struct buf b;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].n > sizeof text - n)
            return false;
        if (parts[i].n)
            memcpy(text + n, parts[i].p, parts[i].n);
        n += parts[i].n;
    }
    if (crypto_hmac(DIGEST_SHA256, secret, (struct str){text, n}, mac) != CRYPTO_SHA256)
        return false;
    buf_init(&b, SIGNATURE);
    unsigned char *at = buf_reserve(&b, SIGNATURE);
    if (at)
        put_base64(&b, mac, CRYPTO_SHA256, "-_");
    bool good = b.len == SIGNATURE;
    if (good)
        memcpy(out, b.data, SIGNATURE);
    buf_fini(&b);
    return good;
}

static enum deny check(struct str secret, const struct signed_text *t, struct str signature)
{
    char right[SIGNATURE];
    if (signature.n != SIGNATURE)
        return DENY_MALFORMED;
    if (!make_signature(secret, t, right))
        return DENY_BAD_SIGNATURE;
    return crypto_same((struct str){right, SIGNATURE}, signature) ? DENY_NONE : DENY_BAD_SIGNATURE;
}

/* A public key's tokens are signed by way of a `segue` key: mostly the first, but another may have
 * been the first when it was made. */
static enum deny check_own(const struct keyring *keys, const struct guard_key *k,
                           const struct signed_text *t, struct str signature)
{
    unsigned char other[CRYPTO_SHA256];
    enum deny d = check(k->own, t, signature);
    for (size_t i = 0; i < keys->count && d == DENY_BAD_SIGNATURE && k->pubkey; i++)
        if (keys->keys[i].scheme == SCHEME_SEGUE && keyring_own(&keys->keys[i], k->id, other))
            d = check((struct str){(char *)other, sizeof other}, t, signature);
    crypto_wipe(other, sizeof other);
    return d;
}

/* What was right lately is not made again. */
static enum deny check_once(const struct keyring *keys, const struct guard_request *r,
                            const struct guard_key *k, bool own, const struct signed_text *t,
                            struct str signature)
{
    const struct str parts[] = {t->id, t->expires, t->rule, t->path, signature};
    if (recall_has(r->recall, parts, 5))
        return DENY_NONE;
    enum deny d = own ? check_own(keys, k, t, signature) : check(k->secret, t, signature);
    if (!d)
        recall_note(r->recall, parts, 5);
    return d;
}

unsigned guard_depth(struct str path)
{
    unsigned depth = 0;
    while (path.n && depth <= COMPONENTS_MAX)
        depth += str_cut(&path, '/').n > 0;
    return depth;
}

/* The first `depth` components, or the empty str where there are fewer. */
static struct str first_components(struct str path, unsigned depth)
{
    size_t n = 0;
    for (unsigned i = 0; i < depth; i++) {
        if (n + 1 >= path.n)
            return (struct str){NULL, 0};
        n += 1 + str_find(str_from(path, n + 1), '/');
    }
    return str_slice(path, 0, n);
}

struct path_token {
    struct str id, expires, depth, signature;
    unsigned components;
    int64_t until;
};

static bool split(struct str token, struct path_token *t)
{
    int64_t depth;
    t->id = str_cut(&token, '-');
    t->expires = str_cut(&token, '-');
    t->depth = str_cut(&token, '-');
    t->signature = token;
    if (!read_time(t->expires, &t->until) || !read_time(t->depth, &depth))
        return false;
    t->components = (unsigned)depth;
    return t->id.n && depth > 0 && depth <= COMPONENTS_MAX;
}

enum deny segue_read_path(const struct keyring *keys, const struct guard_request *r,
                          struct policy *p)
{
    struct path_token t;
    if (!split(r->token, &t))
        return DENY_MALFORMED;
    struct str name = t.id;
    bool own = scan_char(&name, '~');
    const struct guard_key *k =
        own ? keyring_any(keys, name) : keyring_find(keys, SCHEME_SEGUE, name);
    struct str path = first_components(r->path, t.components);
    if (!k)
        return DENY_UNKNOWN_KEY;
    if (!path.n)
        return DENY_WRONG_PATH;
    struct signed_text said = {t.id, t.expires, t.depth, path};
    enum deny d = check_once(keys, r, k, own, &said, t.signature);
    *p = (struct policy){.scheme = SCHEME_SEGUE,
                         .key = k,
                         .expires = t.until,
                         .methods = METHOD_BIT_GET | METHOD_BIT_HEAD,
                         .rule = PATH_PREFIX,
                         .in_path = true,
                         .own = own,
                         .path = path,
                         .subject = r->path};
    return d;
}

bool segue_is_there(const struct guard_request *r)
{
    struct str v;
    return param(r->query, STR("signature"), &v) || param(r->query, STR("key"), &v);
}

enum deny segue_read(const struct keyring *keys, const struct guard_request *r, struct policy *p)
{
    struct str id, expires, signature, scope = {NULL, 0};
    int64_t until;
    unsigned scoped = param(r->query, STR("scope"), &scope);
    if (param(r->query, STR("key"), &id) != 1 || scoped > 1 ||
        param(r->query, STR("expires"), &expires) != 1 || !read_time(expires, &until) ||
        param(r->query, STR("signature"), &signature) != 1)
        return DENY_MALFORMED;
    const struct guard_key *k = keyring_find(keys, SCHEME_SEGUE, id);
    if (!k)
        return DENY_UNKNOWN_KEY;
    struct buf b;
    buf_init(&b, GUARD_PATH_MAX);
    bool decoded = put_decoded(&b, scope) && buf_status(&b) == ERR_NONE;
    struct str prefix = buf_str(&b);
    struct signed_text said = {id, expires, scoped ? STR("prefix") : STR("exact"),
                               scoped ? prefix : r->path};
    enum deny d = decoded ? check_once(keys, r, k, false, &said, signature) : DENY_MALFORMED;
    *p = (struct policy){.scheme = SCHEME_SEGUE,
                         .key = k,
                         .expires = until,
                         .methods = METHOD_BIT_GET | METHOD_BIT_HEAD,
                         .rule = PATH_EXACT,
                         .path = r->path,
                         .subject = r->path};
    if (!d && scoped && !policy_below(r->path, prefix))
        d = DENY_WRONG_PATH;
    buf_fini(&b);
    return d;
}

enum err segue_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out)
{
    char until[24], signature[SIGNATURE];
    int n = snprintf(until, sizeof until, "%lld", (long long)w->expires);
    struct signed_text said = {k->id,
                               {until, (size_t)n},
                               w->scope.n ? STR("prefix") : STR("exact"),
                               w->scope.n ? w->scope : w->path};
    if (!make_signature(k->secret, &said, signature))
        return ERR_TOO_BIG;
    buf_adds(out, w->raw);
    buf_addc(out, '?');
    buf_adds(out, w->query);
    buf_addf(out, "%sexpires=%s&key=%.*s", w->query.n ? "&" : "", until, STR_ARG(k->id));
    if (w->scope.n) {
        buf_adds(out, STR("&scope="));
        put_encoded(out, w->scope, true);
    }
    buf_addf(out, "&signature=%.*s", SIGNATURE, signature);
    return buf_status(out);
}

enum err guard_sign_path(const struct guard_key *k, struct str path, unsigned depth,
                         int64_t expires, bool own, struct buf *out)
{
    char until[24], digits[12], id[KEY_ID_MAX + 2], signature[SIGNATURE];
    struct str prefix = first_components(path, depth);
    if (!depth || depth > COMPONENTS_MAX || !prefix.n)
        return ERR_CONFIG;
    int n = snprintf(until, sizeof until, "%lld", (long long)expires);
    int m = snprintf(digits, sizeof digits, "%u", depth);
    int i = snprintf(id, sizeof id, "%s%.*s", own ? "~" : "", STR_ARG(k->id));
    struct signed_text said = {{id, (size_t)i}, {until, (size_t)n}, {digits, (size_t)m}, prefix};
    if (!make_signature(own ? k->own : k->secret, &said, signature))
        return ERR_TOO_BIG;
    buf_addf(out, "%s-%s-%s-%.*s", id, until, digits, SIGNATURE, signature);
    return buf_status(out);
}
