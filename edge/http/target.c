/* Origin, absolute, authority and asterisk form, told apart by the first byte and the method. */
#include "edge/http/target.h"

#include "edge/base/scan.h"
#include "edge/http/octet.h"

static bool scan_ip_literal(struct str *s)
{
    struct str in = *s;
    size_t n = 0;
    if (!scan_char(&in, '['))
        return false;
    while (n < in.n && (scan_hex(in.p[n]) >= 0 || in.p[n] == ':' || in.p[n] == '.'))
        n++;
    *s = str_from(in, n);
    return n > 0 && scan_char(s, ']');
}

static bool scan_host(struct str *s)
{
    size_t n = 0;
    if (s->n && s->p[0] == '[')
        return scan_ip_literal(s);
    while (n < s->n && octet_is(s->p[n], OCTET_HOST))
        n++;
    *s = str_from(*s, n);
    return n > 0;
}

bool target_is_authority(struct str s)
{
    uint64_t port = 0;
    if (!scan_host(&s))
        return false;
    if (s.n == 0)
        return true;
    if (!scan_char(&s, ':'))
        return false;
    return s.n == 0 || (scan_u64(&s, &port) && s.n == 0 && port <= 65535);
}

static enum err refuse(struct h1_request *r, const char *why)
{
    r->why = why;
    return ERR_TARGET;
}

static void split_query(struct h1_request *r, struct str rest)
{
    size_t at = str_find(rest, '?');
    r->path = str_slice(rest, 0, at);
    r->query = at < rest.n ? str_from(rest, at + 1) : (struct str){NULL, 0};
}

/* RFC 9112 3.2.2: servers take the absolute form from everybody, not only from proxies. */
static enum err absolute_form(struct h1_request *r)
{
    struct str rest = r->target;
    size_t n = 0;
    if (!scan_icase(&rest, STR("http://")) && !scan_icase(&rest, STR("https://")))
        return refuse(r, "the target must begin with '/', http:// or https://");
    while (n < rest.n && rest.p[n] != '/' && rest.p[n] != '?')
        n++;
    r->authority = str_slice(rest, 0, n);
    if (!target_is_authority(r->authority))
        return refuse(r, "the target's authority is not HOST or HOST:PORT");
    split_query(r, str_from(rest, n));
    if (r->path.n == 0) /* RFC 9112 3.2.1 and 3.2.4 */
        r->path = r->method == METHOD_OPTIONS && !r->query.p ? STR("*") : STR("/");
    return ERR_NONE;
}

/* RFC 9112 3.2.3: CONNECT alone, and CONNECT has nothing else. */
static enum err authority_form(struct h1_request *r)
{
    if (!target_is_authority(r->target))
        return refuse(r, "the target of CONNECT must be HOST:PORT");
    r->authority = r->target;
    r->path = str_slice(r->target, 0, 0);
    return ERR_NONE;
}

enum err target_parse(struct h1_request *r)
{
    r->authority = (struct str){NULL, 0};
    r->query = (struct str){NULL, 0};
    if (str_eq(r->method_text, STR("CONNECT")))
        return authority_form(r);
    if (r->target.p[0] == '/') {
        split_query(r, r->target);
        return ERR_NONE;
    }
    if (!str_eq(r->target, STR("*")))
        return absolute_form(r);
    if (r->method != METHOD_OPTIONS) /* RFC 9112 3.2.4 */
        return refuse(r, "the target * is for OPTIONS only");
    r->path = r->target;
    return ERR_NONE;
}
