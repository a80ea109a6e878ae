/* Conditional requests (RFC 9110 13): one question, one answer. [any thread] */
#ifndef EDGE_HTTP_PRECOND_H
#define EDGE_HTTP_PRECOND_H

#include "edge/http/h1_parse.h"

enum precond {
    PRECOND_PROCEED,      /* answer as if there were no conditions */
    PRECOND_NOT_MODIFIED, /* 304 */
    PRECOND_FAILED,       /* 412 */
    PRECOND_IGNORE_RANGE, /* proceed, but with the whole: If-Range did not match */
};

#define PRECOND_NO_DATE INT64_MIN /* `modified` of an object that has no modification date */

/* Weigh the request's conditions in the order of RFC 9110 13.2.2 against an object that exists.
 * `etag` with its quotes, empty when there is none; `modified` and `now` in seconds since 1970;
 * `safe_method`: GET or HEAD. */
enum precond precond_decide(const struct h1_request *r, struct str etag, int64_t modified,
                            int64_t now, bool safe_method);

#endif
