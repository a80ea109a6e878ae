/* Escaping for the access log: see escape.h. Both copy clean runs whole and look at single bytes
 * only where something is to be written differently. */
#include "edge/watch/escape.h"

static bool clean(unsigned char c) { return c >= 0x20 && c <= 0x7e && c != '"' && c != '\\'; }

static size_t clean_run(struct str s)
{
    size_t n = 0;
    while (n < s.n && clean((unsigned char)s.p[n]))
        n++;
    return n;
}

static void add_hex(struct buf *out, struct str lead, unsigned char c)
{
    static const char digits[] = "0123456789ABCDEF";
    buf_adds(out, lead);
    buf_addc(out, digits[c >> 4]);
    buf_addc(out, digits[c & 15]);
}

void escape_combined(struct buf *out, struct str s)
{
    for (;;) {
        size_t n = clean_run(s);
        buf_add(out, s.p, n);
        if (n == s.n)
            return;
        add_hex(out, STR("\\x"), (unsigned char)s.p[n]);
        s = str_from(s, n + 1);
    }
}

static bool between(unsigned char c, unsigned low, unsigned high) { return c >= low && c <= high; }

/* What may follow a lead byte: RFC 3629 section 4 leaves no overlong form, no surrogate and nothing
 * past U+10FFFF. */
static bool second_fits(unsigned char lead, unsigned char second)
{
    switch (lead) {
    case 0xe0:
        return between(second, 0xa0, 0xbf);
    case 0xed:
        return between(second, 0x80, 0x9f);
    case 0xf0:
        return between(second, 0x90, 0xbf);
    case 0xf4:
        return between(second, 0x80, 0x8f);
    default:
        return between(second, 0x80, 0xbf);
    }
}

static size_t length_by_lead(unsigned char lead)
{
    if (between(lead, 0xc2, 0xdf))
        return 2;
    if (between(lead, 0xe0, 0xef))
        return 3;
    return between(lead, 0xf0, 0xf4) ? 4 : 0;
}

/* Bytes of the multi-byte character that s begins with; 0 when it is not well formed. */
static size_t utf8_length(struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t length = length_by_lead(p[0]);
    if (length == 0 || length > s.n || !second_fits(p[0], p[1]))
        return 0;
    for (size_t i = 2; i < length; i++) {
        if (!between(p[i], 0x80, 0xbf))
            return 0;
    }
    return length;
}

/* The one character or byte that s begins with; how many bytes that were. */
static size_t add_json_one(struct buf *out, struct str s)
{
    unsigned char c = (unsigned char)s.p[0];
    size_t length = utf8_length(s);
    if (length) {
        buf_add(out, s.p, length);
        return length;
    }
    if (c == '"' || c == '\\') {
        buf_addc(out, '\\');
        buf_addc(out, (char)c);
    } else {
        add_hex(out, STR("\\u00"), c);
    }
    return 1;
}

void escape_json(struct buf *out, struct str s)
{
    for (;;) {
        size_t n = clean_run(s);
        buf_add(out, s.p, n);
        s = str_from(s, n);
        if (s.n == 0)
            return;
        s = str_from(s, add_json_one(out, s));
    }
}
