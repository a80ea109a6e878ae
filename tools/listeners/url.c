/* URLs of targets and references in playlists: see url.h. */
#include "tools/listeners/url.h"

#include "edge/base/scan.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

/* Only what may stand in a request target (RFC 9112 3.2); a fragment is none of it. */
static bool is_clean(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] <= 0x20 || s.p[i] >= 0x7f || s.p[i] == '#')
            return false;
    }
    return s.n <= URL_MAX;
}

static enum err parse_port(struct str digits, uint16_t *out)
{
    uint64_t port = 0;
    if (!scan_u64(&digits, &port) || digits.n > 0 || port == 0 || port > 65535)
        return ERR_TARGET;
    *out = (uint16_t)port;
    return ERR_NONE;
}

enum err url_parse(struct str text, struct url *out)
{
    if (!is_clean(text) || !scan_icase(&text, STR("http://")))
        return ERR_TARGET;
    size_t slash = str_find(text, '/');
    out->authority = str_slice(text, 0, slash);
    out->path = slash < text.n ? str_from(text, slash) : STR("/");
    if (str_find(out->authority, '@') < out->authority.n ||
        str_find(out->authority, '?') < out->authority.n)
        return ERR_TARGET;
    size_t colon = str_find(out->authority, ':');
    out->host = str_slice(out->authority, 0, colon);
    out->port = 80;
    if (colon < out->authority.n)
        TRY(parse_port(str_from(out->authority, colon + 1), &out->port));
    return out->host.n > 0 ? ERR_NONE : ERR_TARGET;
}

/* Drop the last component of what `out` holds from `start` on, but never the first slash. */
static void drop_component(struct buf *out, size_t start)
{
    struct str path = str_from(buf_str(out), start);
    size_t slash = str_rfind(path, '/');
    out->len = start + (slash < path.n ? slash : 0);
}

/* RFC 3986 5.2.4, for a path that begins with a slash. */
static void add_without_dots(struct buf *out, struct str path)
{
    size_t start = out->len;
    while (path.n > 0) {
        struct str rest = str_from(path, 1);
        size_t end = str_find(rest, '/');
        struct str name = str_slice(rest, 0, end);
        bool last = end >= rest.n;
        path = str_from(rest, end);
        if (str_eq(name, STR("..")))
            drop_component(out, start);
        if (str_eq(name, STR("..")) || str_eq(name, STR("."))) {
            if (last)
                buf_addc(out, '/');
            continue;
        }
        buf_addc(out, '/');
        buf_adds(out, name);
    }
}

static enum err add_reference(struct buf *out, struct str base, struct str ref)
{
    struct str query = ref, folder = str_slice(base, 0, str_find(base, '?'));
    struct str path = str_cut(&query, '?');
    struct buf whole;
    buf_init(&whole, (size_t)2 * URL_MAX);
    if (path.n == 0) {
        buf_adds(&whole, folder); /* RFC 3986 5.2.2: an empty path means the base's */
    } else if (path.p[0] != '/') {
        size_t slash = str_rfind(folder, '/');
        buf_adds(&whole, str_slice(folder, 0, slash < folder.n ? slash + 1 : 0));
    }
    buf_adds(&whole, path);
    enum err e = buf_status(&whole);
    if (!e)
        add_without_dots(out, buf_str(&whole));
    buf_fini(&whole);
    if (path.n < ref.n) {
        buf_addc(out, '?');
        buf_adds(out, query);
    }
    return e ? e : buf_status(out);
}

enum err url_resolve(struct buf *out, struct str authority, struct str base, struct str ref)
{
    struct url absolute;
    if (ref.n == 0 || !is_clean(ref) || str_starts(ref, STR("//")))
        return ERR_TARGET;
    size_t colon = str_find(ref, ':'), slash = str_find(ref, '/');
    if (colon < slash && colon < str_find(ref, '?')) { /* RFC 3986 4.2: that is a scheme */
        TRY(url_parse(ref, &absolute));
        if (!str_ieq(absolute.authority, authority))
            return ERR_TARGET;
        ref = absolute.path;
    }
    return add_reference(out, base, ref);
}

bool url_is_loopback(const struct sockaddr_in *address)
{
    return ntohl(address->sin_addr.s_addr) >> 24 == 127;
}

static enum err look_up(const char *host, struct sockaddr_in *out)
{
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, NULL, &hints, &found) != 0 || !found)
        return ERR_NOT_FOUND;
    struct sockaddr_in first;
    memcpy(&first, found->ai_addr, sizeof first);
    out->sin_addr = first.sin_addr;
    freeaddrinfo(found);
    return ERR_NONE;
}

enum err url_address(const struct url *u, bool anywhere, struct sockaddr_in *out)
{
    char host[256];
    if (u->host.n >= sizeof host)
        return ERR_NOT_FOUND;
    memcpy(host, u->host.p, u->host.n);
    host[u->host.n] = '\0';
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(u->port)};
    if (str_ieq(u->host, STR("localhost")))
        out->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else if (inet_pton(AF_INET, host, &out->sin_addr) == 1)
        ;
    else if (!anywhere)
        return ERR_FORBIDDEN;
    else
        TRY(look_up(host, out));
    return anywhere || url_is_loopback(out) ? ERR_NONE : ERR_FORBIDDEN;
}
