/* Playlists in a content coding: the only file that knows zlib and brotli. Meant for once an
 * object, never for once a request; a long playlist takes tens of milliseconds. [any thread; pool]
 */
#ifndef EDGE_STORE_ENCODE_H
#define EDGE_STORE_ENCODE_H

#include "edge/base/buf.h"
#include "edge/http/coding.h"

/* Append `in` to `out`, encoded; the same bytes everywhere for one version of the library. must(c
 * is GZIP or BROTLI).   ERR_NOMEM, ERR_TOO_BIG */
MUST_USE enum err encode(enum coding c, struct str in, struct buf *out);

#endif
