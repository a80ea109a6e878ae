/* Letters between threads. A mailbox belongs to a loop; anybody may post, its thread delivers.
 * Letters are embedded in what they are about and are the mailbox's from post to delivery, so
 * posting allocates nothing and cannot fail. Delivery is in the order of posting, outside the
 * lock, and a letter may be freed or posted again from its own delivery. */
#ifndef EDGE_LOOP_MAILBOX_H
#define EDGE_LOOP_MAILBOX_H

#include "edge/loop/loop.h"

struct mailbox;

struct letter {
    struct letter *next;                  /* private */
    void (*deliver)(struct letter *self); /* [loop] */
};

MUST_USE enum err mailbox_new(struct loop *l, struct mailbox **out); /* ERR_NOMEM, ERR_SYSTEM */
/* Letters still in it are dropped undelivered: post nothing that must arrive after the loop ended.
 */
void mailbox_free(struct mailbox *m);
/* Deliver what is there: when the loop has ended and nobody posts any more. */
void mailbox_settle(struct mailbox *m);
void mailbox_post(struct mailbox *m, struct letter *letter); /* [any thread] */

#endif
