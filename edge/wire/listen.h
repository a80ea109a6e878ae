/* Listening sockets: one a worker and address, by SO_REUSEPORT, so that the kernel shares out the
 * connections. [loop] unless said otherwise. */
#ifndef EDGE_WIRE_LISTEN_H
#define EDGE_WIRE_LISTEN_H

#include "edge/loop/timer.h"
#include "edge/wire/address.h"

struct listener;

/* Takes the descriptor over: non-blocking, close-on-exec. */
typedef void listen_fn(void *arg, int fd, const struct address *peer);

/* Does another listen there? Once an address, before listen_open, whose sockets share it with all
 * that ask for that. Other faults are left for listen_open to tell.
 *   ERR_CONFIG  the address is taken; `why` says so  */
MUST_USE enum err listen_probe(const char *host, const char *port, char why[256]);

/* Bind and listen. `host` is a name or an address ("::" is all, IPv4 too); port "0" lets the kernel
 * choose and *bound says which, in text "HOST:PORT" ("[::1]:80"). Resolves names: before any loop
 * runs.
 *   ERR_CONFIG  the address cannot be had; `why` says what and why  */
MUST_USE enum err listen_open(const char *host, const char *port, int *fd,
                              char bound[ADDRESS_TEXT_MAX + 8], char why[256]);

/* Accept on fd (taken over) and hand each connection to `accepted`. When descriptors run out,
 * accepting pauses until listen_resume or 100 ms have passed: it never spins.
 * *paused counts the pauses.    ERR_NOMEM, ERR_SYSTEM */
struct listen_opts {
    struct loop *loop;
    struct timers *timers;
    listen_fn *accepted;
    void (*paused)(void *arg); /* descriptors ran out; for counting */
    void *arg;
};
MUST_USE enum err listen_start(int fd, const struct listen_opts *opts, struct listener **out);
void listen_resume(struct listener *l); /* a descriptor was given back */
void listen_drain(struct listener *l);  /* take what already waits, then accept no more */
void listen_free(struct listener *l);

#endif
