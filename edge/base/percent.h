/* Percent-encoding of paths (RFC 3986 2.1). [any thread] */
#ifndef EDGE_BASE_PERCENT_H
#define EDGE_BASE_PERCENT_H

#include "edge/base/buf.h"

/* Append `path` with every byte as %XX but the unreserved ones (RFC 3986 2.3) and '/': safe within
 * a URI reference, a quoted attribute and HTML, whatever the bytes are. */
void percent_path(struct buf *b, struct str path);

#endif
