/* Sending an answer: memory by sendmsg, files by sendfile, a bounded number of bytes a turn. [loop]
 */
#ifndef EDGE_SERVE_BODY_H
#define EDGE_SERVE_BODY_H

#include "edge/serve/exchange.h"

enum { BODY_TAIL = 1024 }; /* bytes of a file at risk that are held back: see reply.c */

/* Send what can be sent now.
 *   STEP_ON    all of it went
 *   STEP_PARK  more later: the socket is full, the turn's share is used up, or the file is read
 * ahead; each wakes the exchange STEP_END   it cannot go on: x->gone and x->reason are set */
enum step body_send(struct exchange *x);
/* Forget a read that is under way. */
void body_cancel(struct exchange *x);

#endif
