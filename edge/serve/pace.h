/* The pace of one answer: its body is given the spans a piece at a time, as a listener's bucket
 * allows (guard/pace.h), and waits in between. [loop]
 * The bucket is the connection's, and of one client and one track: ranges of a file and segments of
 * it that follow each other share it. What a connection owes when it ends, or turns to another
 * track, is left under client and track for the next one to take over (limiter_leave_debt). So
 * listeners behind one address have each their own, and a connection for every segment gains
 * nothing. */
#ifndef EDGE_SERVE_PACE_H
#define EDGE_SERVE_PACE_H

#include "edge/serve/exchange.h"

/* The reply is written: pace it if it is sound. False: all of it may go at once; else x->pace is
 * set, and pace_send sends it. */
bool pace_begin(struct exchange *x);
/* body_send for an answer with x->pace. It is parked until its time has come, too, or until the
 * track's index is there. */
enum step pace_send(struct exchange *x);
/* It waits for nothing but the time: its timer calls exchange_go. */
bool pace_waits(const struct exchange *x);
uint64_t pace_left(const struct exchange *x); /* bytes beyond those of x->body.left */
/* The answer is over, sent or not. */
void pace_end(struct exchange *x);

/* The connection ends: leave what it owes. */
void pace_leave(struct conn *c);

#endif
