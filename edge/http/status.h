/* Status codes. [any thread] */
#ifndef EDGE_HTTP_STATUS_H
#define EDGE_HTTP_STATUS_H

#include "edge/base/str.h"

/* "HTTP/1.1 206 Partial Content\r\n", ready-made and static. A code that is not in status.def is
 * a bug of ours: must. */
struct str status_line(int status);
/* "Partial Content"; static. For logs and metrics too, so an unknown code gives "Unknown". */
const char *status_text(int status);

#endif
