/* Chunks of files that are cold on this machine's disk, from memory or from Redis. [loop]
 * A song that lies in the page cache is sent from there and nothing is asked of Redis. Where the
 * kernel says that a read would wait, the chunk (256 KB) that the answer stands at is looked for in
 * the memory cache, then in Redis; who sends holds one chunk at a time, and all senders of a loop
 * REDIS_LENT. What Redis does not have is read from the disk by who asked, and the whole file is
 * written there behind (deposit.h). */
#ifndef EDGE_STORE_PIECE_H
#define EDGE_STORE_PIECE_H

#include "edge/store/supply.h"

enum piece_is {
    PIECE_HERE,    /* piece_at gives it */
    PIECE_COMES,   /* `came` will be called, once; then it is here, or nowhere */
    PIECE_NOWHERE, /* read the disk */
};

/* Part of whoever sends; zeroed at first. */
struct piece {
    void (*came)(struct piece *);

    /* private */
    const struct supply_seat *seat;
    struct waiter *waiter; /* while it comes */
    struct object *chunk;  /* a reference */
    bool lent;             /* counted in the seat's Redis */
    bool nowhere;          /* it was missing once: the rest of this answer is the disk's */
};

/* Look for the chunk of `source` (a file) that holds the byte at `offset`; gives back the one
 * before it. `came` is set. */
enum piece_is piece_ask(const struct supply_seat *seat, struct object *source, uint64_t offset,
                        struct piece *p);
/* The bytes of the file from `offset` on, *n of them, borrowed until piece_leave or piece_ask;
 * NULL: they are not in the piece. */
const unsigned char *piece_at(const struct piece *p, uint64_t offset, uint64_t *n);
/* Give back what it holds and stop waiting; may be repeated. */
void piece_leave(struct piece *p);

#endif
