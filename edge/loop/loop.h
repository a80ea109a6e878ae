/* One event_base a thread, and what a thread waits for. [loop] unless said otherwise.
 * A loop belongs to the thread that runs it: everything here is called by that thread, except
 * loop_new, loop_free and what mailbox.h allows others. libevent says *when*; bytes are moved by
 * the one who is told. */
#ifndef EDGE_LOOP_LOOP_H
#define EDGE_LOOP_LOOP_H

#include "edge/base/err.h"

#include <event2/event_struct.h>
#include <stdbool.h>
#include <stdint.h>

struct loop;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_CLOSED = 4 };

/* `what` is a set of LOOP_READ, LOOP_WRITE, LOOP_CLOSED (the peer will send no more). */
struct loop_io;
typedef void loop_io_fn(struct loop_io *io, unsigned what);

/* Embedded in the struct that owns the descriptor; found again by the embedding's offset. */
struct loop_io {
    struct event event;
    struct loop *loop;
    loop_io_fn *on_io;
};

/* Called once, later in the same turn's end, then forgotten: see loop_later. */
struct loop_task {
    struct loop_task *next; /* private */
    void (*run)(struct loop_task *);
    bool queued; /* private */
};

MUST_USE enum err loop_new(struct loop **out); /* ERR_NOMEM, ERR_SYSTEM */
void loop_free(struct loop *l);
void loop_run(struct loop *l); /* until loop_stop */
void loop_stop(struct loop *l);

/* The time, in nanoseconds of the monotonic clock, when this turn's callback began. */
uint64_t loop_now(const struct loop *l);
/* Bring that up to the clock, and answer it: for callbacks of libevent's that do not come through
 * loop_io or a task. */
uint64_t loop_refresh(struct loop *l);
struct event_base *loop_base(struct loop *l);

/* Watch fd for all three, edge-triggered and for good: no system call until loop_unwatch. A
 * callback must use up what it is told of (read or write until it would block, or call itself
 * again by loop_later).   ERR_SYSTEM */
MUST_USE enum err loop_watch(struct loop *l, struct loop_io *io, int fd, loop_io_fn *on_io);
/* The same for reading only, level-triggered: listeners, eventfds. */
MUST_USE enum err loop_watch_level(struct loop *l, struct loop_io *io, int fd, loop_io_fn *on_io);
void loop_unwatch(struct loop_io *io); /* before the descriptor is closed; may be repeated */

/* Run the task after the events of this turn, before the next wait; queueing twice is once. */
void loop_later(struct loop *l, struct loop_task *task);
/* Run what is still queued, after loop_run has returned. */
void loop_settle(struct loop *l);
void loop_later_cancel(struct loop *l, struct loop_task *task);

/* "2.1.12-stable", of the library that is linked; and whether it is older than 2.1.12, before
 * which known holes are open. [any thread] */
const char *loop_backend_version(void);
bool loop_backend_is_old(void);

#endif
