/* One call each of zlib and brotli: playlists are whole in memory. */
#include "edge/store/encode.h"

#include "edge/base/must.h"

#include <brotli/encode.h>
#include <zlib.h>

enum {
    GZIP_LEVEL = 9,
    GZIP_WINDOW = 15 + 16, /* zlib's way to ask for gzip's head, which then names no time */
    GZIP_MEMORY = 8,
    BROTLI_QUALITY = 9 /* above it brotli searches ten times as long for a few percent */
};

static enum err gzip(struct str in, struct buf *out)
{
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)in.p, .avail_in = (unsigned)in.n};
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, GZIP_MEMORY, Z_DEFAULT_STRATEGY))
        return ERR_NOMEM;
    unsigned long room = deflateBound(&z, in.n);
    z.next_out = buf_reserve(out, room);
    z.avail_out = (unsigned)room;
    int rc = z.next_out ? deflate(&z, Z_FINISH) : Z_STREAM_ERROR;
    if (rc == Z_STREAM_END)
        buf_wrote(out, z.total_out);
    deflateEnd(&z);
    TRY(buf_status(out));
    return rc == Z_STREAM_END ? ERR_NONE : ERR_NOMEM;
}

static enum err brotli(struct str in, struct buf *out)
{
    size_t room = BrotliEncoderMaxCompressedSize(in.n);
    unsigned char *at = buf_reserve(out, room);
    if (!at)
        return buf_status(out);
    if (!BrotliEncoderCompress(BROTLI_QUALITY, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, in.n,
                               (const unsigned char *)in.p, &room, at))
        return ERR_NOMEM;
    buf_wrote(out, room);
    return ERR_NONE;
}

enum err encode(enum coding c, struct str in, struct buf *out)
{
    must((c == CODING_GZIP || c == CODING_BROTLI) && in.n <= BUF_MAX_PLAYLIST);
    return c == CODING_GZIP ? gzip(in, out) : brotli(in, out);
}
