/* Is the tree there? Asked of a pool thread, since a network file system that is gone makes who
 * looks wait for minutes. [loop] One of these a process. */
#ifndef EDGE_STORE_ROOT_H
#define EDGE_STORE_ROOT_H

#include "edge/loop/pool.h"
#include "edge/loop/timer.h"

#define ROOT_SLOW (2 * CLOCK_SECOND) /* a look that takes longer hangs */

struct root;

struct root_opts {
    const char *path;
    struct loop *loop;
    struct timers *timers;
    struct mailbox *mailbox;
    struct pool *io;
};

enum root_is {
    ROOT_THERE,
    ROOT_GONE,  /* or no directory */
    ROOT_HANGS, /* a look has been under way for ROOT_SLOW */
    ROOT_ASKED, /* `looked` will be called: ask again then */
};

/* All that opts point to is borrowed.   ERR_NOMEM */
MUST_USE enum err root_new(const struct root_opts *opts, struct root **out);
void root_stop(struct root *r); /* while the loop can still run; repeatable; NULL is fine */
void root_free(struct root *r); /* after the pool has ended; NULL is fine */

/* What a look says that was begun at `since` (ns, monotonic) or later. Of several who ask, `looked`
 * is the last one's: it is for all of them. */
enum root_is root_look(struct root *r, uint64_t since, void (*looked)(void *arg), void *arg);

#endif
