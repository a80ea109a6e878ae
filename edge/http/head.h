/* Writing reply heads into memory of the caller's. [any thread]
 * Additions are copies and nothing else: no formatting machinery, no allocation. One that does not
 * fit is left out and remembered, so a writer adds everything and looks once, at the end. */
#ifndef EDGE_HTTP_HEAD_H
#define EDGE_HTTP_HEAD_H

#include "edge/base/str.h"

#include <string.h>

struct head {
    char *start; /* borrowed */
    char *at;    /* where the next byte goes; start <= at <= end */
    char *end;
    bool failed; /* something did not fit, or was not fit to be sent: sticky */
};

void head_init(struct head *h, char *memory, size_t room);

/* Bytes as they are: ready-made lines. */
static inline void head_lit(struct head *h, struct str bytes)
{
    if (h->failed || bytes.n > (size_t)(h->end - h->at)) {
        h->failed = true;
        return;
    }
    if (bytes.n)
        memcpy(h->at, bytes.p, bytes.n);
    h->at += bytes.n;
}

void head_status(struct head *h, int status); /* the status line; the status is in status.def */

/* "name: value\r\n". A value with a control byte in it (HTAB is none) fails the head: nothing a
 * peer sent can end a line here (RFC 9110 5.5). */
void head_field(struct head *h, struct str name, struct str value);
/* "Content-Length: 123\r\n": the prefix has its colon and space. */
void head_field_u64(struct head *h, struct str prefix, uint64_t value);
/* "Content-Range: bytes 0-99/1000\r\n" of the half-open [from, to); must(from < to <= size). */
void head_content_range(struct head *h, uint64_t from, uint64_t to, uint64_t size);
/* The same for a 416: an asterisk where the range would be (RFC 9110 14.4). */
void head_content_range_none(struct head *h, uint64_t size);

/* What was written so far; empty (p NULL) when it failed. */
struct str head_bytes(const struct head *h);
/* The blank line, then the same. */
struct str head_end(struct head *h);

#endif
