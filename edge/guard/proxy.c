/* Two spellings of one thing. Each is read strictly: who may say it is a proxy that was set up by
 * the operator, and writes it as it is written. */
#include "edge/guard/proxy.h"

#include "edge/base/scan.h"
#include "edge/guard/policy.h"

#include <string.h>

enum {
    LINE_MAX = 107, /* bytes of a version 1 line with its CRLF */
    FIXED = 16,     /* bytes of a version 2 header before the addresses */
    INET = 12,      /* bytes of two IPv4 addresses and ports */
    INET6 = 36,
    UNIX = 216,
};

enum command { LOCAL = 0x20, PROXY = 0x21 };
enum family { UNSPEC = 0x00, TCP4 = 0x11, TCP6 = 0x21, STREAM = 0x31 };

/* ---- version 1 ---- */

static bool read_port(struct str s, uint16_t *port)
{
    uint64_t n;
    bool zero = s.n > 1 && s.p[0] == '0';
    if (zero || !scan_u64(&s, &n) || s.n || n > UINT16_MAX)
        return false;
    *port = (uint16_t)n;
    return true;
}

static bool read_address(struct str s, bool v4, uint8_t ip[16])
{
    unsigned bits;
    return v4 == (str_find(s, ':') == s.n) && str_find(s, '/') == s.n &&
           policy_network(s, ip, &bits);
}

/* "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443", without its end. */
static bool read_line(struct str line, struct proxy *out)
{
    uint8_t server[16];
    uint16_t port;
    if (str_eq(line, STR("PROXY UNKNOWN")) || str_starts(line, STR("PROXY UNKNOWN ")))
        return true;
    bool v4 = scan_lit(&line, STR("PROXY TCP4 "));
    if (!v4 && !scan_lit(&line, STR("PROXY TCP6 ")))
        return false;
    out->known = read_address(str_cut(&line, ' '), v4, out->ip) &&
                 read_address(str_cut(&line, ' '), v4, server) &&
                 read_port(str_cut(&line, ' '), &out->port) && read_port(line, &port);
    return out->known;
}

static enum err parse_line(struct str bytes, struct proxy *out)
{
    struct str head = str_slice(bytes, 0, LINE_MAX);
    size_t end = str_find(head, '\n');
    if (end == head.n)
        return head.n < LINE_MAX ? ERR_AGAIN : ERR_SYNTAX;
    if (end == 0 || head.p[end - 1] != '\r' || !read_line(str_slice(head, 0, end - 1), out))
        return ERR_SYNTAX;
    out->n = end + 1;
    return ERR_NONE;
}

/* ---- version 2 ---- */

static unsigned be16(struct str s, size_t at)
{
    return (unsigned)(unsigned char)s.p[at] << 8 | (unsigned char)s.p[at + 1];
}

/* What is said beside: a type, a length and so many bytes, to the end. None of it is used. */
static bool is_whole(struct str rest)
{
    while (rest.n >= 3 && 3 + be16(rest, 1) <= rest.n)
        rest = str_from(rest, 3 + be16(rest, 1));
    return rest.n == 0;
}

static bool read_addresses(struct str body, unsigned family, struct proxy *out)
{
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    size_t n = family == TCP4 ? INET : family == TCP6 ? INET6 : family == STREAM ? UNIX : 0;
    if (body.n < n || (family != UNSPEC && !n) || (n && !is_whole(str_from(body, n))))
        return false;
    out->known = family == TCP4 || family == TCP6;
    if (family == TCP4) {
        memcpy(out->ip, mapped, sizeof mapped);
        memcpy(out->ip + 12, body.p, 4);
        out->port = (uint16_t)be16(body, 8);
    } else if (family == TCP6) {
        memcpy(out->ip, body.p, 16);
        out->port = (uint16_t)be16(body, 32);
    }
    return true;
}

static enum err parse_bytes(struct str bytes, struct proxy *out)
{
    if (bytes.n < FIXED)
        return ERR_AGAIN;
    unsigned command = (unsigned char)bytes.p[12], family = (unsigned char)bytes.p[13];
    size_t n = FIXED + be16(bytes, 14);
    if ((command != LOCAL && command != PROXY) || n > PROXY_MAX)
        return ERR_SYNTAX;
    if (bytes.n < n)
        return ERR_AGAIN;
    if (command == PROXY && !read_addresses(str_slice(bytes, FIXED, n), family, out))
        return ERR_SYNTAX;
    out->n = n;
    return ERR_NONE;
}

/* ---- which of them ---- */

static bool begins(struct str bytes, struct str with)
{
    return str_starts(with, str_slice(bytes, 0, with.n)) && bytes.n;
}

enum err proxy_parse(struct str bytes, struct proxy *out)
{
    static const char signature[] = "\r\n\r\n\0\r\nQUIT\n";
    *out = (struct proxy){.known = false};
    if (begins(bytes, STR("PROXY ")))
        return parse_line(bytes, out);
    if (begins(bytes, (struct str){signature, sizeof signature - 1}))
        return parse_bytes(bytes, out);
    return bytes.n ? ERR_SYNTAX : ERR_AGAIN;
}
