/* The strict parser of HTTP/1 request heads (RFC 9112). [any thread]
 * Bytes in, a description of the request out. Nothing is copied: every struct str of the result
 * points into the bytes that were given (or at a string literal, where an absolute target has no
 * path), so it lives as long as they stay where they are. */
#ifndef EDGE_HTTP_H1_PARSE_H
#define EDGE_HTTP_H1_PARSE_H

#include "edge/base/err.h"
#include "edge/base/str.h"
#include "edge/http/fields.h"

enum method { METHOD_GET, METHOD_HEAD, METHOD_OPTIONS, METHOD_POST, METHOD_OTHER };

enum { H1_FIELDS_MAX = 200 }; /* field lines in one head */

struct h1_limits {
    size_t max_head; /* bytes of the whole head, its blank line included */
    size_t max_line; /* bytes of the request line, without its CRLF */
};

struct h1_kept {
    struct str value; /* without white space around it */
    enum field id;    /* below FIELD_REQUEST_COUNT */
};

/* After an error only `why`, and `method_text` and `target` (empty when it did not come so far),
 * have a meaning. */
struct h1_request {
    enum method method;
    uint8_t minor;        /* 0 or 1: of HTTP/1.x */
    bool keep_alive;      /* the connection may carry another request after this one */
    bool expect_continue; /* the client waits for a 100 before it sends the body */
    bool ranges;          /* Range came on more than one line */
    struct str method_text;
    struct str target;    /* as it was sent */
    struct str authority; /* an absolute target's, else Host's; may be empty in 1.0 */
    struct str path;      /* raw, begins with '/'; "*" for OPTIONS *; empty for CONNECT */
    struct str query;     /* raw, without the '?'; p is NULL when there is no '?' */
    struct str head;      /* all of it: head.n bytes are used up */
    size_t fields_at;     /* where in head the first field line begins */
    uint64_t body;        /* bytes that follow the head: POST's Content-Length, else 0 */
    uint64_t seen;        /* bit f: kept[] holds a field with id f */
    const char *why;      /* on error: static, what was wrong and what was expected */
    unsigned kept_count;
    struct h1_kept kept[H1_FIELDS_MAX]; /* the fields that we know, in the order they came; a head
                                         * that was read before needs room for kept_count only */
};

/* Read the request head at the start of `bytes`. *searched is the caller's memory of how far the
 * search for the head's end has come: 0 for a new head, then untouched between calls that give
 * the same bytes and more, so that a head sent byte by byte costs no more than one sent whole.
 * `posts_allowed`: tell the length of a POST's body in out->body.
 *   ERR_NONE        a whole request; out->head.n bytes are used up
 *   ERR_AGAIN       no whole head yet
 *   ERR_SYNTAX      a bare LF or CR, a control byte, a folded line, white space before a colon, ...
 *   ERR_TARGET      the request target has none of the forms of RFC 9112 3.2
 *   ERR_HOST        Host is missing (1.1), repeated or malformed (RFC 9112 3.2)
 *   ERR_LENGTH      Content-Length is malformed or contradicts itself (RFC 9112 6.3)
 *   ERR_FRAMING     Content-Length with Transfer-Encoding, or that in 1.0 (RFC 9112 6.1)
 *   ERR_BODY        a body on GET, HEAD or OPTIONS
 *   ERR_CODING      a transfer coding other than chunked (RFC 9112 6.1)
 *   ERR_VERSION     well-formed, but neither HTTP/1.0 nor HTTP/1.1
 *   ERR_URI_LONG    the request line alone is over max_line
 *   ERR_HEAD_LARGE  over max_head or H1_FIELDS_MAX
 * Unknown methods are no error: METHOD_OTHER. After any error but ERR_AGAIN the connection closes:
 * where the next request begins is not known. */
MUST_USE enum err h1_parse(struct str bytes, const struct h1_limits *limits, bool posts_allowed,
                           size_t *searched, struct h1_request *out);

/* The first value of a field that we know. must(f < FIELD_REQUEST_COUNT) */
bool h1_field(const struct h1_request *r, enum field f, struct str *value);
/* One after the other, for fields that may come on several lines; *cursor begins at 0. */
bool h1_field_next(const struct h1_request *r, enum field f, size_t *cursor, struct str *value);
/* The same for a field of any name, by reading the head once more; *cursor begins at 0. */
bool h1_other(const struct h1_request *r, struct str name, size_t *cursor, struct str *value);

#endif
