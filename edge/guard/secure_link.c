/* nginx's secure_link: MD5 over an expression with the secret in it, base64url without padding, in
 * `md5`, with `expires` beside it. MD5 is broken as a signature: the style is there for links that
 * exist. The expression is the key's `name`, with $secure_link_expires, $uri, $remote_addr and
 * $secret in it; without one it is the example of nginx's manual. */
#include "edge/guard/scheme.h"

#include <stdio.h>
#include <string.h>

enum { MD5_TEXT = 22, ADDRESS_MAX = 48 };

#define STANDARD STR("$secure_link_expires$uri$remote_addr $secret")

/* As inet_ntop writes it for nginx: IPv4 dotted, IPv6 compressed (RFC 5952). */
static void put_address(struct buf *b, const uint8_t ip[16])
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    if (crypto_same((struct str){(const char *)ip, 12}, (struct str){(const char *)mapped, 12})) {
        buf_addf(b, "%u.%u.%u.%u", ip[12], ip[13], ip[14], ip[15]);
        return;
    }
    int gap = -1, longest = 1;
    for (int i = 0; i < 8; i++) {
        int n = 0;
        while (i + n < 8 && !ip[2 * (i + n)] && !ip[2 * (i + n) + 1])
            n++;
        if (n > longest) {
            gap = i;
            longest = n;
        }
    }
    for (int i = 0; i < 8; i++) {
        if (i == gap) {
            buf_adds(b, STR("::"));
            i += longest - 1;
            continue;
        }
        bool colon = i && (gap < 0 || i != gap + longest);
        buf_addf(b, "%s%x", colon ? ":" : "", (unsigned)ip[2 * i] << 8 | ip[2 * i + 1]);
    }
}

struct values {
    struct str expires, uri;
    const uint8_t *client;
};

static void put_expression(struct buf *b, const struct guard_key *k, const struct values *v)
{
    struct str rest = k->name.n ? k->name : STANDARD;
    while (rest.n) {
        size_t plain = str_find(rest, '$');
        buf_adds(b, str_slice(rest, 0, plain));
        rest = str_from(rest, plain);
        if (str_starts(rest, STR("$secure_link_expires"))) {
            buf_adds(b, v->expires);
            rest = str_from(rest, 20);
        } else if (str_starts(rest, STR("$uri"))) {
            buf_adds(b, v->uri);
            rest = str_from(rest, 4);
        } else if (str_starts(rest, STR("$remote_addr"))) {
            if (v->client)
                put_address(b, v->client);
            rest = str_from(rest, 12);
        } else if (str_starts(rest, STR("$secret"))) {
            buf_adds(b, k->secret);
            rest = str_from(rest, 7);
        } else if (rest.n) {
            buf_addc(b, '$');
            rest = str_from(rest, 1);
        }
    }
}

static bool make(const struct guard_key *k, const struct values *v, struct buf *out)
{
    unsigned char md5[CRYPTO_DIGEST_MAX];
    struct buf text;
    buf_init(&text, GUARD_TEXT_MAX);
    put_expression(&text, k, v);
    bool good =
        buf_status(&text) == ERR_NONE && crypto_digest(DIGEST_MD5, buf_str(&text), md5) == 16;
    if (good)
        put_base64(out, md5, 16, "-_");
    if (text.data)
        crypto_wipe(text.data, text.len); /* the secret is in it */
    buf_fini(&text);
    return good && buf_status(out) == ERR_NONE;
}

bool secure_link_is_there(const struct guard_request *r)
{
    struct str v;
    return param(r->query, STR("md5"), &v);
}

/* The link names no key: all of the style are tried. */
enum deny secure_link_read(const struct keyring *keys, const struct guard_request *r,
                           struct buf *text, struct policy *p)
{
    struct str md5;
    struct values v = {.uri = r->path, .client = r->client};
    int64_t until;
    if (param(r->query, STR("md5"), &md5) != 1 || md5.n != MD5_TEXT ||
        param(r->query, STR("expires"), &v.expires) != 1 || !read_time(v.expires, &until))
        return DENY_MALFORMED;
    for (size_t i = 0; i < keys->count; i++) {
        const struct guard_key *k = &keys->keys[i];
        if (k->scheme != SCHEME_SECURE_LINK)
            continue;
        buf_reset(text);
        if (!make(k, &v, text) || !crypto_same(buf_str(text), md5))
            continue;
        *p = (struct policy){.scheme = SCHEME_SECURE_LINK,
                             .key = k,
                             .expires = until,
                             .methods = METHOD_BIT_GET | METHOD_BIT_HEAD,
                             .rule = PATH_EXACT,
                             .path = r->path,
                             .subject = r->path};
        return DENY_NONE;
    }
    return DENY_BAD_SIGNATURE;
}

enum err secure_link_sign(const struct guard_key *k, const struct guard_wish *w, struct buf *out)
{
    char until[24];
    int n = snprintf(until, sizeof until, "%lld", (long long)w->expires);
    struct values v = {{until, (size_t)n}, w->path, NULL};
    /* A link that is bound to an address cannot be made without knowing it. */
    if (w->scope.n || strstr(k->name.n ? k->name_text : "$remote_addr", "$remote_addr"))
        return ERR_CONFIG;
    buf_adds(out, w->raw);
    buf_addc(out, '?');
    buf_adds(out, w->query);
    buf_addf(out, "%sexpires=%s&md5=", w->query.n ? "&" : "", until);
    return make(k, &v, out) ? buf_status(out) : ERR_TOO_BIG;
}
