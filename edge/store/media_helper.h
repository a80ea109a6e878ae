/* One helper process and the conversation with it. [the thread that holds it, unless said]
 * A helper's slot (page, descriptors) lives as long as the pool; the process in it may be replaced.
 */
#ifndef EDGE_STORE_MEDIA_HELPER_H
#define EDGE_STORE_MEDIA_HELPER_H

#include "edge/store/media.h"
#include "segments/record.h"

#include <sys/types.h>

struct media_helper {
    const struct media_opts *opts; /* the pool's */
    pid_t pid;                     /* 0: no process */
    int socket;                    /* our end; -1 without a process */
    int memory;                    /* memfd of the page */
    int poke;                      /* eventfd: media_cancel wakes the waiting thread */
    int timer;                     /* timerfd: deadline, then patience after a stop */
    struct record_page *page;      /* shared with the process */
    uint64_t jobs;                 /* given out so far: the last job's number */
    bool busy;                     /* [under the pool's lock] a thread holds it */
    _Atomic uint64_t starts;       /* [any thread reads] */
    _Atomic uint64_t deaths;
};

/* Makes the slot and starts the process.   ERR_SYSTEM, after which fini is still to be called */
MUST_USE enum err media_helper_init(struct media_helper *h, const struct media_opts *opts);
void media_helper_fini(struct media_helper *h);

/* What a helper is asked; borrowed. */
struct media_ask {
    uint32_t op; /* RECORD_INDEX or RECORD_ENCODE */
    int fd;
    uint64_t size;
    struct str order; /* to encode; else empty */
};

/* Runs one job from request to reply; replaces the process where it has to be. *out comes empty. */
MUST_USE enum err media_helper_run(struct media_helper *h, struct media_task *task,
                                   const struct media_ask *ask, struct media_result *out);

/* [any thread] */
void media_helper_stop(struct media_helper *h, uint64_t job);

#endif
