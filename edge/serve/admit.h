/* Who may have what is asked for: the signature of a request, its client, and how often he asks.
 * [loop] All of it is apart from the way of a request that needs none of it: not inlined, so that
 * its scratch is not on that way's stack. */
#ifndef EDGE_SERVE_ADMIT_H
#define EDGE_SERVE_ADMIT_H

#include "edge/serve/exchange.h"

#define ADMIT_APART __attribute__((noinline, cold))

/* Takes a token out of x->path and looks at the signature where one is needed. True: it goes on;
 * false: the answer, a 403 with its reason, is settled. Only with opts->keys. */
ADMIT_APART bool admit_signed(struct exchange *x);

/* Whom a trusted proxy speaks for, into x->client. Only with opts->proxies. */
ADMIT_APART void admit_forwarded(struct exchange *x);
/* One more request of this client. True: it goes on; false: a 429 is settled. Only with
 * opts->buckets. */
ADMIT_APART bool admit_rate(struct exchange *x);

/* The page that the media is linked from. True: it goes on; false: a 403 is settled. Only with
 * opts->referers. */
ADMIT_APART bool admit_referer(struct exchange *x);

#endif
