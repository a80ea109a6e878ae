/* What a run counts, the live line and the report. [one thread] */
#ifndef TOOLS_LISTENERS_STATS_H
#define TOOLS_LISTENERS_STATS_H

#include "edge/base/str.h"

#include <stdio.h>

/* What can go wrong: FAULT(name, what it means). */
#define FAULTS(FAULT)                                               \
    FAULT(connect, "connections refused or lost before they stood") \
    FAULT(status, "answers of another status than was asked for")   \
    FAULT(http, "answers that are not HTTP/1.1 as it should be")    \
    FAULT(range, "answers with another range than was asked for")   \
    FAULT(playlist, "playlists that cannot be read")                \
    FAULT(cut, "answers that ended before their length")            \
    FAULT(late, "answers that did not end within the deadline")

enum fault {
#define FAULT(name, text) FAULT_##name,
    FAULTS(FAULT)
#undef FAULT
        FAULT_COUNT
};

/* 16 buckets an octave of microseconds: a percentile is at most 6 % too high. */
enum { TIMES_BUCKETS = 16 * 40 };

struct times {
    uint64_t counts[TIMES_BUCKETS];
    uint64_t count;
    uint64_t max; /* ns */
};

struct stats {
    uint64_t playing;  /* listeners that hear something or have stalled, now */
    uint64_t peak;     /* the most that ever were */
    uint64_t starts;   /* tracks that began to play */
    uint64_t stalls;   /* times the sound stopped before the track did */
    uint64_t requests; /* answered whole */
    uint64_t bytes;    /* of heads and bodies */
    uint64_t reconnects;
    uint64_t played;  /* ns of sound heard */
    uint64_t stalled; /* ns of silence in stalls */
    uint64_t faults[FAULT_COUNT];
    struct times ttfb;    /* from the request's last byte to the answer's first */
    struct times startup; /* from wanting to hear a track to hearing it */
    /* the same since the last live line */
    struct times second_ttfb;
    uint64_t second_bytes;
};

void times_add(struct times *t, uint64_t ns);
double times_ms(const struct times *t, double share); /* 0.99: the 99th percentile; 0 if empty */

const char *fault_name(enum fault f);
uint64_t stats_faults(const struct stats *s); /* of all kinds */

/* Both cover `seconds`; the live line then begins a new second. */
void stats_live(struct stats *s, FILE *out, double at, double seconds);
void stats_report(const struct stats *s, FILE *out, uint64_t listeners, double seconds);
void stats_json(const struct stats *s, FILE *out, uint64_t listeners, double seconds);

#endif
