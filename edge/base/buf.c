/* Growable bytes with a ceiling: see buf.h. */
#include "edge/base/buf.h"

#include "edge/base/must.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64 };

static void buf_audit(const struct buf *b)
{
    audit(b->len <= b->room);
    audit(b->room <= b->max);
    audit(b->data || b->room == 0);
    (void)b;
}

void buf_init(struct buf *b, size_t max) { *b = (struct buf){.max = max}; }

void buf_fini(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = ERR_NONE;
}

static bool grow(struct buf *b, size_t need)
{
    size_t room = b->room ? b->room : SMALLEST;
    while (room < need)
        room = room > b->max / 2 ? b->max : room * 2;
    if (room > b->max)
        room = b->max;
    unsigned char *data = realloc(b->data, room);
    if (!data) {
        b->failed = ERR_NOMEM;
        return false;
    }
    b->data = data;
    b->room = room;
    return true;
}

unsigned char *buf_reserve(struct buf *b, size_t n)
{
    buf_audit(b);
    if (b->failed)
        return NULL;
    if (n > b->max - b->len) {
        b->failed = ERR_TOO_BIG;
        return NULL;
    }
    if ((n > b->room - b->len || !b->data) && !grow(b, b->len + n))
        return NULL;
    return b->data + b->len;
}

void buf_wrote(struct buf *b, size_t n)
{
    must(n <= b->room - b->len);
    b->len += n;
}

void buf_add(struct buf *b, const void *bytes, size_t n)
{
    if (n == 0)
        return;
    unsigned char *at = buf_reserve(b, n);
    if (!at)
        return;
    memcpy(at, bytes, n);
    b->len += n;
}

void buf_adds(struct buf *b, struct str s) { buf_add(b, s.p, s.n); }
void buf_addc(struct buf *b, char c) { buf_add(b, &c, 1); }

void buf_add_u64(struct buf *b, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_add(b, digits + at, sizeof digits - at);
}

void buf_addf(struct buf *b, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    must(n >= 0);
    unsigned char *at = buf_reserve(b, (size_t)n + 1);
    if (at) {
        vsnprintf((char *)at, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

static void add_be(struct buf *b, uint64_t value, size_t bytes)
{
    unsigned char out[8];
    for (size_t i = 0; i < bytes; i++)
        out[i] = (unsigned char)(value >> (8 * (bytes - 1 - i)));
    buf_add(b, out, bytes);
}

void buf_be8(struct buf *b, unsigned value) { add_be(b, value, 1); }
void buf_be16(struct buf *b, unsigned value) { add_be(b, value, 2); }
void buf_be24(struct buf *b, uint32_t value) { add_be(b, value, 3); }
void buf_be32(struct buf *b, uint32_t value) { add_be(b, value, 4); }
void buf_be64(struct buf *b, uint64_t value) { add_be(b, value, 8); }

enum err buf_status(const struct buf *b) { return b->failed; }

struct str buf_str(const struct buf *b) { return (struct str){(const char *)b->data, b->len}; }

unsigned char *buf_take(struct buf *b, size_t *len)
{
    unsigned char *data = b->data;
    *len = b->len;
    buf_init(b, b->max);
    return data;
}
