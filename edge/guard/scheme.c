/* Reading parameters strictly: what stands there twice means nothing. */
#include "edge/guard/scheme.h"

#include "edge/base/scan.h"

#include <string.h>

unsigned param(struct str query, struct str name, struct str *value)
{
    unsigned count = 0;
    while (query.n) {
        struct str v = str_cut(&query, '&');
        if (!str_eq(str_cut(&v, '='), name))
            continue;
        if (count++ == 0)
            *value = v;
    }
    return count < 2 ? count : 2;
}

unsigned cookie(const struct guard_request *r, struct str name, struct str *value)
{
    struct str line;
    unsigned count = 0;
    for (size_t at = 0; r->field && r->field(r->arg, STR("Cookie"), at, &line); at++)
        while (line.n) {
            struct str v = str_trim(str_cut(&line, ';'));
            if (str_eq(str_cut(&v, '='), name) && count++ == 0)
                *value = v;
        }
    return count < 2 ? count : 2;
}

bool read_time(struct str s, int64_t *out)
{
    uint64_t n;
    if ((s.n > 1 && s.p[0] == '0') || !scan_u64(&s, &n) || s.n || n >> 53)
        return false;
    *out = (int64_t)n;
    return true;
}

void put_hex(struct buf *b, const unsigned char *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        buf_addc(b, digits[bytes[i] >> 4]);
        buf_addc(b, digits[bytes[i] & 15]);
    }
}

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

void put_base64(struct buf *b, const unsigned char *bytes, size_t n, const char *special)
{
    for (size_t i = 0; i < n; i += 3) {
        size_t left = n - i < 3 ? n - i : 3;
        unsigned v = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0) |
                     (left > 2 ? bytes[i + 2] : 0);
        for (size_t j = 0; j <= left; j++) {
            unsigned d = v >> (18 - 6 * j) & 63;
            buf_addc(b, d < 62 ? alphabet[d] : special[d - 62]);
        }
    }
}

/* 0 to 63, or -1. */
static int digit_of(char c, const char *special)
{
    const char *at = c ? strchr(alphabet, c) : NULL;
    return at ? (int)(at - alphabet) : c == special[0] ? 62 : c == special[1] ? 63 : -1;
}

bool put_unbase64(struct buf *b, struct str text, const char *special)
{
    size_t pad = 0;
    while (pad < 2 && pad < text.n && text.p[text.n - 1 - pad] == special[2])
        pad++;
    if (!text.n || text.n % 4)
        return false;
    for (size_t i = 0; i < text.n; i += 4) {
        size_t left = i + 4 == text.n ? 4 - pad : 4;
        unsigned v = 0;
        for (size_t j = 0; j < left; j++) {
            int d = digit_of(text.p[i + j], special);
            if (d < 0)
                return false;
            v |= (unsigned)d << (18 - 6 * j);
        }
        for (size_t j = 0; j + 1 < left; j++)
            buf_addc(b, (char)(v >> (16 - 8 * j) & 0xff));
        if (left < 4 && v & (left == 3 ? 0xffu : 0xffffu))
            return false; /* bits that no byte has */
    }
    return true;
}

bool put_decoded(struct buf *b, struct str raw)
{
    while (raw.n) {
        unsigned char c = (unsigned char)raw.p[0];
        if (c != '%')
            raw = str_from(raw, 1);
        else if (!scan_char(&raw, '%') || !scan_hex2(&raw, &c))
            return false;
        buf_addc(b, (char)c);
    }
    return true;
}

void put_encoded(struct buf *b, struct str text, bool slash)
{
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (alnum || (c && strchr("-._~", c)) || (slash && c == '/')) {
            buf_addc(b, c);
            continue;
        }
        buf_addc(b, '%');
        buf_addc(b, digits[(unsigned char)c >> 4]);
        buf_addc(b, digits[(unsigned char)c & 15]);
    }
}
