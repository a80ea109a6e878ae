/* Media types from file names. [any thread] */
#ifndef EDGE_HTTP_MIME_H
#define EDGE_HTTP_MIME_H

#include "edge/base/str.h"

/* By the ending of the last component, without regard to case; "application/octet-stream" for one
 * that mime.def does not have. Static. */
const char *mime_of(struct str path);

#endif
