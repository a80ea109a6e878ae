/* What a peer sent, made fit for a log line. [any thread] Neither lets a line break, a control byte
 * or a byte that ends the field through, whatever the input is. */
#ifndef EDGE_WATCH_ESCAPE_H
#define EDGE_WATCH_ESCAPE_H

#include "edge/base/buf.h"

/* As nginx writes combined: ", \, and all outside 0x20..0x7e as \xHH. At most 4 bytes for one. */
void escape_combined(struct buf *out, struct str s);

/* The inside of a JSON string (RFC 8259 7), always valid UTF-8: control characters and DEL as
 * \u00XX, and so is each byte that is no part of well-formed UTF-8. At most 6 bytes for one. */
void escape_json(struct buf *out, struct str s);

#endif
