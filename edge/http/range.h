/* Byte ranges (RFC 9110 14). [any thread] */
#ifndef EDGE_HTTP_RANGE_H
#define EDGE_HTTP_RANGE_H

#include "edge/base/err.h"
#include "edge/base/str.h"

#include <string.h>

enum {
    RANGE_MAX = 16,  /* ranges of one answer */
    RANGE_WORK = 64, /* ranges held apart while others may still join them */
};

struct range {
    uint64_t from; /* first byte */
    uint64_t to;   /* the byte after the last: half-open, from < to <= size */
};

struct range_set {
    unsigned count; /* 1 to RANGE_MAX */
    struct range list[RANGE_MAX];
};

/* What a Range field asks of an object of `size` bytes.
 *   ERR_NONE    *out holds one or more ranges, no two of which overlap or touch; each stands where
 *               the first of those that were joined into it stood (RFC 9110 15.3.7.2)
 *   ERR_IGNORE  answer 200 with the whole: another unit than bytes, more than RANGE_MAX ranges
 *               after joining (or RANGE_WORK before all are read), ranges that ask for more than
 *               the whole together (RFC 9110 14.2), or an empty object of which the start or the
 *               end is asked: players ask so for any file
 *   ERR_RANGE   answer 416: malformed, reversed, or nothing of it lies in the object */
MUST_USE enum err range_resolve(struct str value, uint64_t size, struct range_set *out);

/* "bytes=0-": all of it, as ffmpeg, mpv and browsers ask for any file. */
static inline bool range_is_whole(struct str value)
{
    static const char all[] = "bytes=0-";
    return value.n == sizeof all - 1 && memcmp(value.p, all, sizeof all - 1) == 0;
}

#endif
