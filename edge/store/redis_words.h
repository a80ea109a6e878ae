/* What is said on a connection to Redis: commands as bytes, replies out of bytes. [one loop]
 * The only file that knows hiredis, of which it uses the formatter and the reader (all of it the
 * same in 0.14 and 1.x). */
#ifndef EDGE_STORE_REDIS_WORDS_H
#define EDGE_STORE_REDIS_WORDS_H

#include "edge/base/buf.h"

enum {
    REDIS_WORDS_MAX = 8,              /* words of one command */
    REDIS_READ = 64 * 1024,           /* bytes of one read; room that a reader keeps */
    REDIS_REPLY_MAX = 512 * 1024,     /* bytes of one reply; a chunk of 256 KB is the largest */
    REDIS_OUT_MAX = 32 * 1024 * 1024, /* bytes that wait to be sent */
};

enum redis_kind { REDIS_NIL, REDIS_BYTES, REDIS_STATUS, REDIS_REFUSED, REDIS_OTHER, REDIS_MESSAGE };

struct redis_reply {
    enum redis_kind kind; /* REDIS_REFUSED: `bytes` say why; REDIS_MESSAGE: its payload */
    struct str bytes;     /* borrowed until the reader is asked again */
};

/* Write a command of `count` words, or nothing of it.
 *   ERR_BUSY  more than REDIS_OUT_MAX would wait   ERR_NOMEM */
MUST_USE enum err redis_command(struct buf *out, const struct str *words, unsigned count);

struct redis_reader;

/* `messages`: the connection subscribes, so it is told of messages and answered with small arrays;
 * without, an array is a syntax error.   NULL: out of memory */
struct redis_reader *redis_reader_new(bool messages);
void redis_reader_free(struct redis_reader *r); /* NULL is fine */
MUST_USE enum err redis_reader_feed(struct redis_reader *r, const void *bytes, size_t n);
/* The next whole reply. What begins like no answer to a command of ours is refused before anything
 * is made of it.
 *   ERR_AGAIN   more bytes are needed
 *   ERR_SYNTAX  that is no Redis   ERR_TOO_BIG */
MUST_USE enum err redis_reader_next(struct redis_reader *r, struct redis_reply *out);

#endif
