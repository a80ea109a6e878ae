/* Decoding first, resolving after, both once and segment by segment, so that nothing that is
 * written %2e%2e can climb and nothing is decoded twice. */
#include "edge/http/uri.h"

#include "edge/base/scan.h"
#include "edge/http/octet.h"

#include <string.h>

/* RFC 3629 4: how many bytes the character at the front of s has, or 0 when it is none. */
static size_t utf8_length(struct str s)
{
    const unsigned char *b = (const unsigned char *)s.p;
    unsigned char low = 0x80, high = 0xbf; /* what the second byte may be */
    size_t n = b[0] < 0x80 ? 1 : b[0] < 0xc2 ? 0 : b[0] < 0xe0 ? 2 : b[0] < 0xf0 ? 3 : 4;
    if (n == 1)
        return 1;
    if (n == 0 || b[0] > 0xf4 || s.n < n)
        return 0;
    if (b[0] == 0xe0)
        low = 0xa0; /* shorter forms exist below */
    else if (b[0] == 0xed)
        high = 0x9f; /* surrogates */
    else if (b[0] == 0xf0)
        low = 0x90;
    else if (b[0] == 0xf4)
        high = 0x8f; /* the end of Unicode */
    if (b[1] < low || b[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((b[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

size_t uri_utf8_length(struct str s) { return s.n ? utf8_length(s) : 0; }

static bool is_utf8(struct str s)
{
    while (s.n) {
        size_t n = utf8_length(s);
        if (n == 0)
            return false;
        s = str_from(s, n);
    }
    return true;
}

/* One byte of a path, decoded; false when it may not be there. */
static bool decode_byte(struct str *raw, unsigned char *out)
{
    if (scan_char(raw, '%')) {
        if (!scan_hex2(raw, out) || *out == '/')
            return false;
    } else {
        *out = (unsigned char)raw->p[0];
        *raw = str_from(*raw, 1);
    }
    return *out >= 0x20 && *out != 0x7f;
}

/* The bytes up to the next '/' that stand for themselves: copied in one go. */
static size_t plain_run(struct str raw)
{
    size_t n = 0;
    while (n < raw.n && raw.p[n] != '/' && octet_is(raw.p[n], OCTET_PATH))
        n++;
    return n;
}

/* Decodes up to the next '/' or the end into the `room` bytes at `out`. */
static enum err decode_segment(struct str *raw, char *out, size_t room, struct str *segment)
{
    size_t n = plain_run(*raw);
    if (n > room)
        return ERR_URI_LONG;
    memcpy(out, raw->p, n);
    *raw = str_from(*raw, n);
    *segment = (struct str){out, n};
    if (raw->n == 0 || raw->p[0] == '/')
        return ERR_NONE;
    while (raw->n && raw->p[0] != '/') {
        unsigned char c;
        if (!decode_byte(raw, &c))
            return ERR_TARGET;
        if (n == room)
            return ERR_URI_LONG;
        out[n++] = (char)c;
    }
    segment->n = n;
    return is_utf8(*segment) ? ERR_NONE : ERR_TARGET;
}

/* RFC 3986 5.2.4, for a path of n bytes that ends with '/': what the segment makes of it. */
static enum err resolve(const char *out, struct str segment, size_t *n)
{
    if (str_eq(segment, STR(".")))
        return ERR_NONE;
    if (!str_eq(segment, STR(".."))) {
        *n += segment.n;
        return ERR_NONE;
    }
    if (*n == 1)
        return ERR_TARGET;
    (*n)--;
    while (out[*n - 1] != '/')
        (*n)--;
    return ERR_NONE;
}

/* Nearly every path: nothing to decode, no segment that is empty or begins with a dot. */
static bool stands_for_itself(struct str raw)
{
    char before = 0;
    for (size_t i = 0; i < raw.n; i++) {
        char c = raw.p[i];
        if (!octet_is(c, OCTET_PATH) || (before == '/' && (c == '/' || c == '.')))
            return false;
        before = c;
    }
    return true;
}

enum err uri_decode_path(struct str raw, char *out, size_t room, struct str *path)
{
    size_t n = 0;
    if (raw.n == 0 || raw.p[0] != '/')
        return ERR_TARGET;
    if (raw.n <= room && stands_for_itself(raw)) {
        memcpy(out, raw.p, raw.n);
        *path = (struct str){out, raw.n};
        return ERR_NONE;
    }
    while (scan_char(&raw, '/')) {
        struct str segment;
        if (n == room)
            return ERR_URI_LONG;
        if (n == 0 || out[n - 1] != '/')
            out[n++] = '/';
        TRY(decode_segment(&raw, out + n, room - n, &segment));
        TRY(resolve(out, segment, &n));
    }
    *path = (struct str){out, n};
    return ERR_NONE;
}

void uri_encode_path(struct buf *b, struct str path)
{
    static const char digits[] = "0123456789ABCDEF"; /* RFC 3986 2.1: upper case */
    while (path.n) {
        size_t n = 0;
        while (n < path.n && octet_is(path.p[n], OCTET_PATH))
            n++;
        buf_adds(b, str_slice(path, 0, n));
        path = str_from(path, n);
        if (path.n == 0)
            return;
        unsigned char c = (unsigned char)path.p[0];
        const char coded[3] = {'%', digits[c >> 4], digits[c & 15]};
        buf_add(b, coded, sizeof coded);
        path = str_from(path, 1);
    }
}

bool uri_query(struct str query, struct str name, struct str *raw_value)
{
    while (query.n) {
        struct str value = str_cut(&query, '&');
        if (!str_eq(str_cut(&value, '='), name))
            continue;
        *raw_value = value;
        return true;
    }
    return false;
}

enum err uri_decode(struct str raw, struct buf *b)
{
    while (raw.n) {
        unsigned char c;
        size_t plain = str_find(raw, '%');
        if (memchr(raw.p, '\0', plain))
            return ERR_TARGET;
        buf_adds(b, str_slice(raw, 0, plain));
        raw = str_from(raw, plain);
        if (raw.n == 0)
            break;
        if (!scan_char(&raw, '%') || !scan_hex2(&raw, &c) || c == 0)
            return ERR_TARGET;
        buf_addc(b, (char)c);
    }
    return buf_status(b);
}
