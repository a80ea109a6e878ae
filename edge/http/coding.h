/* Content codings (RFC 9110 8.4.1, 12.5.3): which one a client wants. [any thread] */
#ifndef EDGE_HTTP_CODING_H
#define EDGE_HTTP_CODING_H

#include "edge/http/h1_parse.h"

enum coding { CODING_NONE, CODING_GZIP, CODING_BROTLI, CODING_COUNT };

/* The one that its Accept-Encoding weighs most; of equals brotli, then gzip. NONE where it names
 * neither, wants the bytes as they are more than these, or says what cannot be understood. */
enum coding coding_choose(const struct h1_request *r);

/* "gzip", "br"; NULL for NONE. */
const char *coding_name(enum coding c);

#endif
