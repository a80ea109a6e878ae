/* A ring of messages between two threads: one puts, one takes, nobody waits.
 * A message lies in one piece, aligned to 8 bytes; it is written and read in place. What the taker
 * sees is what the putter had written before ring_push. */
#ifndef EDGE_BASE_RING_H
#define EDGE_BASE_RING_H

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ring {
    unsigned char *data;            /* owned */
    size_t size;                    /* a power of two */
    alignas(64) atomic_size_t head; /* bytes ever put; written by the putter */
    size_t tail_seen;               /* the putter's last look at tail */
    size_t claimed;                 /* what ring_push adds to head; 0 when nothing is claimed */
    alignas(64) atomic_size_t tail; /* bytes ever taken; written by the taker */
};

/* `size`: bytes, a power of two, at least 64. False when out of memory. */
bool ring_init(struct ring *r, size_t size);
void ring_fini(struct ring *r); /* when neither thread uses it any more */

/* Room for a message of n (at least 1) bytes, or NULL when the ring is too full for it, now or ever
 * (over a half of the ring it may never fit). A claim that was not pushed is forgotten by the next.
 * [putter] */
void *ring_claim(struct ring *r, size_t n);
void ring_push(struct ring *r); /* makes the claimed message the taker's [putter] */

/* The oldest message and its length, or NULL when there is none; valid until ring_pop. [taker] */
const void *ring_peek(struct ring *r, size_t *n);
void ring_pop(struct ring *r); /* frees the message that ring_peek gave [taker] */

/* Bytes in use: exact for the one thread when the other rests, else too many for the putter and too
 * few for the taker, by what is moving. [either] */
size_t ring_used(const struct ring *r);

#endif
