/* Bodies of errors: application/problem+json (RFC 9457). [any thread] */
#ifndef EDGE_HTTP_PROBLEM_H
#define EDGE_HTTP_PROBLEM_H

#include "edge/base/buf.h"

#define PROBLEM_TYPE "application/problem+json"

/* {"type":"about:blank","title":...,"status":...,"detail":...} and a line feed; `detail` may hold
 * anything (bytes that are not UTF-8 become U+FFFD) and is left out when empty. A failure stays in
 * the buffer. */
void problem_write(struct buf *b, int status, struct str detail);

/* s as the inside of a JSON string, the quotes not included (RFC 8259 7). */
void problem_json_text(struct buf *b, struct str s);

#endif
