/* One HTTP/1.1 connection: its bytes, its timeouts, its end. [loop]
 * A connection has at most one exchange; what a client sends ahead waits, in the socket or, when it
 * came together with the request before it, in `saved`. An idle connection holds no buffer.
 * conn_end is the one way out. */
#ifndef EDGE_SERVE_CONN_H
#define EDGE_SERVE_CONN_H

#include "edge/serve/service.h"
#include "edge/watch/close.h"
#include "edge/wire/address.h"

struct conn {
    struct loop_io io;      /* first: on_io casts back */
    struct loop_task again; /* another turn: more to send, or the end */
    struct timer timer;
    struct service *service;
    struct exchange *exchange; /* NULL between requests */
    struct conn *next, **link; /* of service->conns */
    unsigned char *saved;      /* owned: a head that is not whole, or requests sent ahead */
    uint32_t saved_len;
    uint32_t searched;   /* how far the saved head was searched for its end */
    uint64_t head_since; /* when the first byte of it came; 0: none did */
    int fd;
    uint32_t lingered;   /* bytes thrown away since the write side was shut */
    uint32_t unsent;     /* what the client had still to take when the timer last looked */
    uint32_t skip;       /* bytes of a request's body that are still to be thrown away */
    struct address peer; /* or whom a proxy of connections speaks for */
    uint64_t listener;   /* whom and what it is paced for: limiter_listener; 0: nobody yet */
    uint64_t pace_full;  /* when that bucket is full again: guard/pace.h */
    struct limiter_entry *place; /* among its address's connections; NULL: not counted */
    uint8_t stalls;              /* looks of the timer in a row that saw the client take nothing */
    uint8_t reason;              /* why it lingers: an enum close_reason */
    bool readable; /* the socket may have more: edge-triggered, so this is remembered */
    bool hangup;   /* the peer will send no more */
    bool proxied;  /* the header of the PROXY protocol has not come yet */
    bool served;   /* a request was answered on it */
    bool linger;   /* answered for the last time: reading only to let the client read */
    bool working;  /* within conn_work: answers that end now need not wake it */
    bool ended;    /* closed; freed at the end of the turn */
};

/* The only close: counts the reason, ends the exchange that is under way, frees at the turn's end.
 */
void conn_end(struct conn *c, enum close_reason reason);

/* The exchange is over. `keep`: the next request may come; else the connection ends with
 * `reason`, after a while in which the client can read the answer where it still sends. */
void conn_exchange_over(struct conn *c, bool keep, enum close_reason reason);

/* The service drains: answer what has come, and end it if nothing has. */
void conn_drain(struct conn *c);

/* Call conn's exchange again in a later turn. */
void conn_later(struct conn *c);
/* The deadline for progress in sending, from now. */
void conn_expect_writable(struct conn *c);

#endif
