/* Warnings about slow requests, a few in a second at most: when everything is slow, the log must
 * not make it slower. [one thread: the writer] */
#ifndef EDGE_WATCH_SLOW_H
#define EDGE_WATCH_SLOW_H

#include "edge/watch/access_entry.h"

enum { SLOW_PER_SECOND = 10 };

struct slow {
    uint64_t limit_ns; /* 0: nothing is slow */
    uint64_t second;   /* the one that is counted */
    unsigned shown;    /* warnings in it */
    unsigned hidden;   /* slow requests since the last warning that were not shown */
};

/* Logs the entry when it waited longer than the limit. True when it was logged. */
bool slow_note(struct slow *s, const struct access_entry *e);

#endif
