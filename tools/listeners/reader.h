/* One response of HTTP/1.1 at a time, read as its bytes come (RFC 9112). [one thread]
 * Strict, since it is a test's client: what a careful peer would not send is an error. It takes
 * bodies with a Content-Length only, which is what this server sends. Bytes in, values out: no
 * socket. */
#ifndef TOOLS_LISTENERS_READER_H
#define TOOLS_LISTENERS_READER_H

#include "edge/base/buf.h"

enum {
    READER_HEAD_MAX = 8 * 1024,
    READER_KEEP_MAX = 4 * 1024 * 1024, /* of a body that is kept, a playlist */
    READER_INTERIM_MAX = 8,            /* 1xx answers before the final one */
};

struct reader {
    struct buf head;          /* empty but while a head is incomplete */
    struct buf body;          /* what was kept of it */
    uint64_t left;            /* bytes of the body that did not come yet */
    uint64_t length;          /* of the body */
    uint64_t from, to, total; /* Content-Range, `to` exclusive; all 0 when there is none */
    unsigned status;          /* 0 until the head is complete */
    unsigned interim;
    bool keep;  /* the body is wanted */
    bool close; /* the peer closes after this one */
};

void reader_init(struct reader *r);
void reader_fini(struct reader *r);
void reader_begin(struct reader *r, bool keep); /* a new response, everything forgotten */

/* Take n bytes; *used of them belonged to this response.
 *   ERR_NONE                 fine; reader_done() says whether more has to come
 *   ERR_HEAD_LARGE           the head passes READER_HEAD_MAX
 *   ERR_SYNTAX, ERR_VERSION  no HTTP/1.1 head (RFC 9112 4, 5)
 *   ERR_LENGTH, ERR_CODING   Content-Length missing, malformed or twice; a transfer coding
 *   ERR_RANGE                a Content-Range that is malformed or not as long as the body
 *   ERR_TOO_BIG, ERR_NOMEM   a body that is to be kept passes READER_KEEP_MAX; no memory */
MUST_USE enum err reader_feed(struct reader *r, const char *bytes, size_t n, size_t *used);

/* How many bytes may be thrown away unread: the rest of a body that is not kept. */
uint64_t reader_skippable(const struct reader *r);
void reader_skip(struct reader *r, uint64_t n); /* n of them were: at most reader_skippable() */

bool reader_done(const struct reader *r);

#endif
