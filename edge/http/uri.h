/* Paths and queries of request targets (RFC 3986). [any thread] */
#ifndef EDGE_HTTP_URI_H
#define EDGE_HTTP_URI_H

#include "edge/base/buf.h"

/* Percent-decode `raw`, once, and resolve it: "." and ".." segments go away (also those written
 * %2e), empty segments are joined ("//" is "/"), a trailing '/' stays. *path points into `out`,
 * begins with '/', is valid UTF-8 without control bytes and has no "." or ".." segment.
 *   ERR_TARGET    it does not begin with '/'; a malformed %XX; an encoded slash; NUL or another
 *                 control byte; bytes that are not UTF-8 (overlong forms too); ".." above the root
 *   ERR_URI_LONG  it does not fit into `room` bytes */
MUST_USE enum err uri_decode_path(struct str raw, char *out, size_t room, struct str *path);

/* Add a path with everything that is neither pchar nor '/' written %XX (RFC 3986 3.3). */
void uri_encode_path(struct buf *b, struct str path);

/* The raw value of the first `name=value` (or bare `name`: an empty value) in a query; names are
 * compared as they stand. */
bool uri_query(struct str query, struct str name, struct str *raw_value);

/* Percent-decode a query value; '+' stays '+' (RFC 3986 knows no other meaning).
 *   ERR_TARGET  a malformed %XX, or NUL   or what became of the buffer */
MUST_USE enum err uri_decode(struct str raw, struct buf *b);

/* How many bytes the first character of s has; 0 when that is none, or s is empty. UTF-8 as RFC
 * 3629 has it: no overlong forms, no surrogates, nothing over U+10FFFF. */
size_t uri_utf8_length(struct str s);
bool uri_is_utf8(struct str s);

#endif
