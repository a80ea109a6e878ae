/* The run is part of the flight's path, behind a byte that no path has. */
#include "edge/store/ahead.h"

#include "edge/base/buf.h"
#include "edge/store/disk.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { SPAN_TEXT = 48 };

struct reading {
    struct flight flight; /* first */
    struct ahead_opts opts;
    struct object *source;
    struct index_span span;
    size_t room;
    char path[];
};

static void add(struct reading *r, enum counter which, uint64_t n)
{
    atomic_fetch_add_explicit(&r->opts.counters->value[which], n, memory_order_relaxed);
}

static void reading_free(struct reading *r)
{
    object_unref(r->source);
    free(r);
}

static void run(struct job *job)
{
    struct reading *r = (struct reading *)job;
    struct object *result = object_ref(r->source);
    _Atomic uint64_t *bytes = &r->opts.counters->value[COUNTER_ORIGIN_READ_BYTES];
    enum err e = source_warm(r->source->source, r->span, r->room, &job->cancelled, bytes);
    add(r, COUNTER_ORIGIN_READS, 1);
    if (e) {
        object_unref(result);
        result = object_of_failure(&r->source->key, e, str_of(err_text(e)));
    }
    flight_land(r->opts.flights, &r->flight, result);
    object_unref(result);
    reading_free(r);
}

static struct reading *reading_new(const struct ahead_opts *opts, struct object *source,
                                   struct index_span span, size_t room)
{
    size_t length = source->key.path.n + SPAN_TEXT;
    struct reading *r = calloc(1, sizeof *r + length);
    if (!r)
        return NULL;
    int n = snprintf(r->path, length, "%.*s\n%" PRIu64 "-%" PRIu64, STR_ARG(source->key.path),
                     span.offset, span.length);
    r->flight.key = key_make(OBJECT_REPLY, (struct str){r->path, (size_t)n},
                             source->source->version, CONTAINER_COUNT, 0);
    r->flight.job.run = run;
    r->opts = *opts;
    r->source = object_ref(source);
    r->span = span;
    r->room = room;
    return r;
}

struct waiter *ahead_read(const struct supply_seat *seat, struct object *source,
                          struct index_span span, size_t room, waiter_fn *landed, void *owner)
{
    struct ahead_opts opts = supply_ahead(seat->supply);
    struct waiter *waiter = waiter_new(seat->mailbox, landed, owner);
    struct reading *r = waiter ? reading_new(&opts, source, span, room) : NULL;
    if (!r) {
        free(waiter);
        return NULL;
    }
    if (flight_start(opts.flights, &r->flight, waiter)) {
        pool_submit(opts.io, &r->flight.job);
        return waiter;
    }
    reading_free(r);
    counters_add(seat->counters, COUNTER_FLIGHTS_JOINED, 1);
    return waiter;
}

void ahead_leave(const struct supply_seat *seat, struct waiter *waiter)
{
    if (flight_leave(supply_ahead(seat->supply).flights, waiter))
        counters_add(seat->counters, COUNTER_FLIGHTS_CANCELLED, 1);
}
