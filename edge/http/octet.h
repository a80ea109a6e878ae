/* What each byte may be part of, one look-up a byte: for the parsers of this folder only.
 * [any thread] */
#ifndef EDGE_HTTP_OCTET_H
#define EDGE_HTTP_OCTET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    OCTET_TOKEN = 1,  /* tchar (RFC 9110 5.6.2) */
    OCTET_VALUE = 2,  /* in field values: SP, HTAB, VCHAR, obs-text (RFC 9110 5.5) */
    OCTET_TARGET = 4, /* in request targets: VCHAR but '#', and bytes from 0x80 on */
    OCTET_HOST = 8,   /* in host names: unreserved and sub-delims (RFC 3986 3.2.2) */
    OCTET_PATH = 16,  /* stands for itself in a path: pchar and '/' (RFC 3986 3.3) */
    OCTET_ETAG = 32,  /* etagc (RFC 9110 8.8.3) */
};

extern const uint8_t octet_class[256];

static inline bool octet_is(char c, unsigned what) { return octet_class[(uint8_t)c] & what; }

/* Is none of the eight bytes below 0x20 or 0x7f? A subtraction borrows only above a byte that is,
 * so the answer for all eight is exact. */
static inline bool octet_all_plain(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t del = eight ^ ones * 0x7f;
    return !((((eight - ones * 0x20) & ~eight) | ((del - ones) & ~del)) & tops);
}

/* The first byte of [p, end) that is not OCTET_VALUE, or end. */
static inline const char *octet_value_end(const char *p, const char *end)
{
    uint64_t eight;
    for (; end - p >= 8; p += 8) {
        memcpy(&eight, p, sizeof eight);
        if (!octet_all_plain(eight))
            break;
    }
    while (p < end && octet_is(*p, OCTET_VALUE))
        p++;
    return p;
}

#endif
