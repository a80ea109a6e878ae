/* The decision, and the three small matchers it needs: prefixes, globs, networks. */
#include "edge/guard/policy.h"

#include "edge/base/must.h"
#include "edge/base/scan.h"
#include "edge/guard/keyring.h"

#include <string.h>

const char *deny_text(enum deny d)
{
    static const char *const texts[DENY_COUNT] = {
#define DENY(name, label, text) [DENY_##name] = text,
#include "edge/guard/deny.def"
#undef DENY
    };
    must(d > DENY_NONE && d < DENY_COUNT);
    return texts[d];
}

bool policy_below(struct str path, struct str prefix)
{
    if (!prefix.n || !str_starts(path, prefix))
        return false;
    return path.n == prefix.n || prefix.p[prefix.n - 1] == '/' || path.p[prefix.n] == '/';
}

/* Greedy with one place to come back to: the last '*'. Linear in practice, never worse than the
 * product of the lengths, and both have ceilings. */
bool policy_glob(struct str pattern, struct str text)
{
    size_t p = 0, t = 0, star = SIZE_MAX, back = 0;
    while (t < text.n) {
        if (p < pattern.n && pattern.p[p] == '*') {
            star = p++;
            back = t;
        } else if (p < pattern.n && (pattern.p[p] == '?' || pattern.p[p] == text.p[t])) {
            p++;
            t++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            t = ++back;
        } else {
            return false;
        }
    }
    while (p < pattern.n && pattern.p[p] == '*')
        p++;
    return p == pattern.n;
}

/* The query is behind a '?' of the pattern. */
static bool glob_parts(struct str pattern, struct str path, struct str query)
{
    for (size_t i = 0; i < pattern.n; i++)
        if (pattern.p[i] == '?' && policy_glob(str_slice(pattern, 0, i), path) &&
            policy_glob(str_from(pattern, i + 1), query))
            return true;
    return false;
}

bool policy_url(struct str pattern, struct str url)
{
    struct str query = url, path = str_cut(&query, '?'), rest = pattern;
    size_t at = 0;
    while (at < pattern.n && !str_starts(str_from(pattern, at), STR("://")))
        at++;
    struct str scheme = str_slice(pattern, 0, at);
    if (at < pattern.n)
        rest = str_from(pattern, at + 3);
    else
        scheme = str_slice(pattern, 0, str_starts(pattern, STR("*"))); /* "*", or no URL */
    if (!policy_glob(scheme, STR("https")) && !policy_glob(scheme, STR("http")))
        return false;
    return policy_glob(rest, url) &&
           (path.n == url.n || policy_glob(rest, path) || glob_parts(rest, path, query));
}

static bool glob_list(struct str patterns, struct str text)
{
    while (patterns.n)
        if (policy_glob(str_cut(&patterns, '!'), text))
            return true;
    return false;
}

bool policy_within(const uint8_t client[16], const uint8_t network[16], unsigned bits)
{
    for (unsigned i = 0; i < 16 && bits > 8 * i; i++) {
        unsigned left = bits - 8 * i;
        unsigned mask = left >= 8 ? 0xff : (0xff00u >> left) & 0xff;
        if ((client[i] ^ network[i]) & mask)
            return false;
    }
    return true;
}

static bool read_v4(struct str *s, uint8_t out[4])
{
    for (int i = 0; i < 4; i++) {
        uint64_t part;
        bool zero = s->n > 1 && s->p[0] == '0' && s->p[1] >= '0' && s->p[1] <= '9';
        if ((i && !scan_char(s, '.')) || zero || !scan_u64(s, &part) || part > 255)
            return false;
        out[i] = (uint8_t)part;
    }
    return true;
}

static bool read_group(struct str *s, unsigned *out)
{
    size_t n = 0;
    *out = 0;
    while (n < s->n && n < 4 && scan_hex(s->p[n]) >= 0)
        *out = *out << 4 | (unsigned)scan_hex(s->p[n++]);
    *s = str_from(*s, n);
    return n > 0;
}

/* RFC 4291 2.2: groups, one "::", and perhaps an IPv4 address at the end. */
static bool read_v6(struct str *s, uint8_t out[16])
{
    int at = 0, gap = -1;
    if (scan_lit(s, STR("::")))
        gap = 0;
    while (at < 16 && s->n && s->p[0] != '/') {
        unsigned group;
        struct str v4 = *s;
        if (at <= 12 && str_find(*s, '.') < s->n && read_v4(&v4, out + at)) {
            *s = v4;
            at += 4;
            break;
        }
        if (!read_group(s, &group))
            return false;
        out[at++] = (uint8_t)(group >> 8);
        out[at++] = (uint8_t)group;
        if (gap < 0 && scan_lit(s, STR("::")))
            gap = at;
        else if (s->n && s->p[0] != '/' && !scan_char(s, ':'))
            return false;
    }
    if (gap < 0)
        return at == 16;
    if (at == 16)
        return false;
    memmove(out + 16 - (at - gap), out + gap, (size_t)(at - gap));
    memset(out + gap, 0, (size_t)(16 - at));
    return true;
}

bool policy_network(struct str text, uint8_t network[16], unsigned *bits)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    struct str s = text;
    uint64_t length;
    bool v4 = str_find(text, ':') == text.n;
    memset(network, 0, 16);
    if (v4)
        memcpy(network, mapped, sizeof mapped);
    if (v4 ? !read_v4(&s, network + 12) : !read_v6(&s, network))
        return false;
    *bits = 128;
    if (s.n == 0)
        return true;
    if (!scan_char(&s, '/') || !scan_u64(&s, &length) || s.n || length > (v4 ? 32u : 128u))
        return false;
    *bits = (unsigned)length + (v4 ? 96 : 0);
    return true;
}

static bool is_path(const struct policy *p)
{
    switch (p->rule) {
    case PATH_EXACT:
        return str_eq(p->path, p->subject);
    case PATH_PREFIX:
        return policy_below(p->subject, p->path);
    case PATH_GLOB:
        return p->list ? glob_list(p->path, p->subject) : policy_glob(p->path, p->subject);
    case PATH_URL:
        return policy_url(p->path, p->subject);
    }
    return false;
}

enum deny policy_decide(const struct policy *p, const struct policy_asked *asked)
{
    int64_t longest = asked->max_expires;
    if (p->key->longest && (!longest || p->key->longest < longest))
        longest = p->key->longest;
    if (asked->now < p->not_before)
        return DENY_NOT_YET;
    if (asked->now > p->expires)
        return DENY_EXPIRED;
    if (longest && !p->own && p->expires - asked->now > longest)
        return DENY_MALFORMED;
    if (!(p->methods & asked->method) || !is_path(p) || !guard_key_opens(p->key, asked->path))
        return DENY_WRONG_PATH;
    if (p->bound && !policy_within(asked->client, p->network, p->bits))
        return DENY_WRONG_CLIENT;
    return DENY_NONE;
}
