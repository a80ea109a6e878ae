/* From a settled answer to bytes: the reply head, and the spans of the body. [loop] */
#ifndef EDGE_SERVE_REPLY_H
#define EDGE_SERVE_REPLY_H

#include "edge/serve/exchange.h"

/* Weigh preconditions and ranges (RFC 9110 13, 14) of a found object: sets x->reply. */
void reply_decide(struct exchange *x);

/* Would all of it be sent, whatever it is: no condition, no range, not a head alone? */
bool reply_is_whole(const struct exchange *x);

/* Write the head into the service's scratch and lay out x->body.   ERR_NOMEM, ERR_TOO_BIG */
MUST_USE enum err reply_write(struct exchange *x);

#endif
