/* Cursor parsing, part by part; every part has a ceiling, the array it goes to. */
#include "edge/store/redis_url.h"

#include "edge/base/scan.h"

#include <stdio.h>
#include <string.h>

enum { DATABASES = 1 << 16 };

static enum err wrong(const char **why, const char *expected)
{
    *why = expected;
    return ERR_SYNTAX;
}

/* A terminated copy; false when it is too long or has a NUL. */
static bool copy(struct str s, char *out, size_t room)
{
    if (s.n >= room || str_find(s, '\0') < s.n)
        return false;
    if (s.n)
        memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return true;
}

static bool decode(struct str s, char *out, size_t room)
{
    size_t n = 0;
    while (s.n) {
        unsigned char c;
        bool encoded = scan_char(&s, '%');
        if (encoded && !scan_hex2(&s, &c))
            return false;
        if (!encoded) {
            c = (unsigned char)s.p[0];
            s = str_from(s, 1);
        }
        if (c == 0 || n + 1 >= room)
            return false;
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return true;
}

static bool read_database(struct str s, unsigned *out)
{
    uint64_t n;
    if (!scan_u64(&s, &n) || s.n || n >= DATABASES)
        return false;
    *out = (unsigned)n;
    return true;
}

/* What stands before the last @, if there is one. */
static enum err read_user(struct str *rest, struct redis_url *out, const char **why)
{
    size_t at = str_rfind(*rest, '@');
    if (at == rest->n)
        return ERR_NONE;
    struct str secret = str_slice(*rest, 0, at);
    struct str user = str_cut(&secret, ':');
    *rest = str_from(*rest, at + 1);
    if (!secret.n)
        return wrong(why, "USER:PASSWORD or :PASSWORD before the @");
    if (!decode(user, out->user, sizeof out->user))
        return wrong(why, "a user of at most 127 bytes, percent-encoded");
    if (!decode(secret, out->password, sizeof out->password))
        return wrong(why, "a password of at most 511 bytes, percent-encoded");
    return ERR_NONE;
}

static enum err read_socket(struct str rest, struct redis_url *out, const char **why)
{
    TRY(read_user(&rest, out, why));
    struct str path = str_cut(&rest, '?');
    if (!path.n || !copy(path, out->path, sizeof out->path))
        return wrong(why, "the path of a socket, of at most 107 bytes, after unix://");
    if (rest.n && (!scan_lit(&rest, STR("db=")) || !read_database(rest, &out->database)))
        return wrong(why, "nothing but ?db=NUMBER after the path");
    return ERR_NONE;
}

static bool read_port(struct str rest, struct redis_url *out)
{
    struct str digits = rest;
    uint64_t port;
    return scan_u64(&digits, &port) && !digits.n && port > 0 && port <= UINT16_MAX &&
           copy(rest, out->port, sizeof out->port);
}

static enum err read_host(struct str rest, struct redis_url *out, const char **why)
{
    TRY(read_user(&rest, out, why));
    struct str host = str_cut(&rest, '/');
    if (rest.n && !read_database(rest, &out->database))
        return wrong(why, "the number of a database after the /");
    bool bracketed = scan_char(&host, '[');
    size_t end = bracketed ? str_find(host, ']') : str_find(host, ':');
    struct str after = str_from(host, end);
    if (bracketed && !scan_char(&after, ']'))
        return wrong(why, "a ] behind the address");
    host = str_slice(host, 0, end);
    if (!host.n || !copy(host, out->host, sizeof out->host))
        return wrong(why, "a host, of at most 255 bytes");
    snprintf(out->port, sizeof out->port, "6379");
    if (after.n && (!scan_char(&after, ':') || !read_port(after, out)))
        return wrong(why, "a port from 1 to 65535 after the host");
    return ERR_NONE;
}

enum err redis_url_parse(struct str text, struct redis_url *out, const char **why)
{
    *out = (struct redis_url){0};
    if (scan_icase(&text, STR("unix://")))
        return read_socket(text, out, why);
    out->tls = scan_icase(&text, STR("rediss://"));
    if (out->tls || scan_icase(&text, STR("redis://")))
        return read_host(text, out, why);
    return wrong(why, "redis://HOST:PORT/DATABASE, rediss:// the same, or unix://PATH");
}

const char *redis_url_name(const struct redis_url *url, char *out, size_t room)
{
    if (url->path[0])
        snprintf(out, room, "%s", url->path);
    else
        snprintf(out, room, strchr(url->host, ':') ? "[%s]:%s" : "%s:%s", url->host, url->port);
    return out;
}
