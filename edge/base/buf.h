/* Bytes that grow up to a ceiling. [one thread at a time]
 * A buffer is made with its ceiling; an addition that would pass it, or for which there is no
 * memory, is refused, the buffer remembers that (`failed`) and takes nothing more, so a writer
 * may add many things and look once, with buf_status. */
#ifndef EDGE_BASE_BUF_H
#define EDGE_BASE_BUF_H

#include "edge/base/err.h"
#include "edge/base/str.h"

/* All ceilings of the project by name, in bytes. */
enum {
    BUF_MAX_REPLY_HEAD = 4 * 1024,
    BUF_MAX_PROBLEM = 2 * 1024,
    BUF_MAX_PATH = 4 * 1024,
    BUF_MAX_LOG_LINE = 16 * 1024,
    BUF_MAX_LOG_BATCH = 256 * 1024,
    BUF_MAX_CONFIG = 1024 * 1024,
    BUF_MAX_PLAYLIST = 64 * 1024 * 1024,
    BUF_MAX_SEGMENT = 64 * 1024 * 1024,
    BUF_MAX_INDEX = 256 * 1024 * 1024,
    BUF_MAX_METRICS = 1024 * 1024,
    BUF_MAX_LIBRARY = 16 * 1024 * 1024,
};

struct buf {
    unsigned char *data; /* owned; NULL until something is added */
    size_t len;          /* bytes in use */
    size_t room;         /* bytes allocated; len <= room <= max */
    size_t max;          /* the ceiling */
    enum err failed;     /* ERR_NONE, ERR_TOO_BIG or ERR_NOMEM: sticky */
};

void buf_init(struct buf *b, size_t max);
void buf_fini(struct buf *b);  /* frees; the buffer is as after buf_init with the same ceiling */
void buf_reset(struct buf *b); /* empties, keeps the memory, forgets a failure */

/* Make room for n more bytes; NULL (and `failed`) when that is not to be had. The caller may
 * write at most n bytes there, then says with buf_wrote how many it did. */
unsigned char *buf_reserve(struct buf *b, size_t n);
void buf_wrote(struct buf *b, size_t n);

void buf_add(struct buf *b, const void *bytes, size_t n);
void buf_adds(struct buf *b, struct str s);
void buf_addc(struct buf *b, char c);
void buf_add_u64(struct buf *b, uint64_t value); /* decimal */
void buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Big-endian integers, as ISO BMFF and MPEG-TS have them. */
void buf_be8(struct buf *b, unsigned value);
void buf_be16(struct buf *b, unsigned value);
void buf_be24(struct buf *b, uint32_t value);
void buf_be32(struct buf *b, uint32_t value);
void buf_be64(struct buf *b, uint64_t value);

MUST_USE enum err buf_status(const struct buf *b);
struct str buf_str(const struct buf *b); /* borrowed until the next addition */

/* The bytes, now the caller's (free() them), and the buffer emptied; NULL when it was empty. */
unsigned char *buf_take(struct buf *b, size_t *len);

#endif
