/* Cursor parsing: see scan.h. */
#include "edge/base/scan.h"

#include "edge/base/must.h"

bool scan_char(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = str_from(*s, 1);
    return true;
}

bool scan_lit(struct str *s, struct str literal)
{
    if (!str_starts(*s, literal))
        return false;
    *s = str_from(*s, literal.n);
    return true;
}

bool scan_icase(struct str *s, struct str literal)
{
    if (s->n < literal.n || !str_ieq(str_slice(*s, 0, literal.n), literal))
        return false;
    *s = str_from(*s, literal.n);
    return true;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool scan_u64(struct str *s, uint64_t *out)
{
    uint64_t value = 0;
    size_t i = 0;
    for (; i < s->n && is_digit(s->p[i]); i++) {
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(s->p[i] - '0'), &value))
            return false;
    }
    if (i == 0)
        return false;
    *s = str_from(*s, i);
    *out = value;
    return true;
}

bool scan_digits(struct str *s, int count, unsigned *out)
{
    must(count >= 1 && count <= 9);
    unsigned value = 0;
    if (s->n < (size_t)count)
        return false;
    for (int i = 0; i < count; i++) {
        if (!is_digit(s->p[i]))
            return false;
        value = value * 10 + (unsigned)(s->p[i] - '0');
    }
    *s = str_from(*s, (size_t)count);
    *out = value;
    return true;
}

int scan_hex(char c)
{
    if (is_digit(c))
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool scan_hex2(struct str *s, unsigned char *out)
{
    if (s->n < 2 || scan_hex(s->p[0]) < 0 || scan_hex(s->p[1]) < 0)
        return false;
    *out = (unsigned char)(scan_hex(s->p[0]) * 16 + scan_hex(s->p[1]));
    *s = str_from(*s, 2);
    return true;
}

/* RFC 9110 5.6.2: letters, digits and fifteen marks, as one bit a character. */
bool scan_is_tchar(unsigned char c)
{
    static const uint64_t set[4] = {0x03ff6cfa00000000u, 0x57ffffffc7fffffeu, 0, 0};
    return (set[c >> 6] >> (c & 63)) & 1;
}

bool scan_token(struct str *s, struct str *out)
{
    size_t i = 0;
    while (i < s->n && scan_is_tchar((unsigned char)s->p[i]))
        i++;
    if (i == 0)
        return false;
    *out = str_slice(*s, 0, i);
    *s = str_from(*s, i);
    return true;
}

size_t scan_blank(struct str *s)
{
    size_t i = 0;
    while (i < s->n && (s->p[i] == ' ' || s->p[i] == '\t'))
        i++;
    *s = str_from(*s, i);
    return i;
}
