/* A flight without waiters, so that a file is written once at a time; its job is submitted again
 * for each chunk, and its life ends on the loop, in `end`. */
#include "edge/store/deposit.h"

#include "edge/store/redis_record.h"

#include <stdlib.h>
#include <string.h>

struct deposit {
    struct flight flight; /* first */
    const struct work_opts *opts;
    struct redis *redis;
    struct object *source;
    struct key key;    /* of the file's body, in Redis */
    struct buf record; /* so far */
    uint32_t next;     /* the chunk that is read or written */
    unsigned ttl;      /* seconds */
    size_t len;        /* bytes of the chunk */
    enum err err;      /* of reading it */
    unsigned char *bytes;
};

static void deposit_free(struct deposit *d)
{
    object_unref(d->source);
    buf_fini(&d->record);
    free(d->bytes);
    free(d);
}

static void end(struct deposit *d, enum counter result)
{
    atomic_fetch_add_explicit(&d->opts->supply->counters->value[result], 1, memory_order_relaxed);
    flight_land(d->opts->flights, &d->flight, NULL);
    redis_room_give(d->redis, RECORD_CHUNK);
    deposit_free(d);
}

/* [pool] The file is looked at after the last byte was read: else the chunks may be of two
 * versions. */
static void run(struct job *job)
{
    struct deposit *d = (struct deposit *)job;
    struct source *s = d->source->source;
    uint64_t from = (uint64_t)d->next * RECORD_CHUNK;
    d->len =
        d->source->size - from < RECORD_CHUNK ? (size_t)(d->source->size - from) : RECORD_CHUNK;
    d->err = source_read(s, from, d->bytes, d->len, &job->cancelled);
    if (!d->err && !source_is_whole(s))
        d->err = ERR_IO;
    if (!d->err)
        record_add_chunk(&d->record, (struct str){(const char *)d->bytes, d->len});
}

static void on_record_written(void *owner, enum err e)
{
    end(owner, e ? COUNTER_REDIS_WRITES_FAILED : COUNTER_REDIS_WRITES_STORED);
}

static enum err write_record(struct deposit *d)
{
    TRY(record_end(&d->record));
    struct redis_write what = {&d->key, REDIS_RECORD, d->ttl, buf_str(&d->record)};
    return redis_write(d->redis, &what, on_record_written, d);
}

static void on_chunk_written(void *owner, enum err e)
{
    struct deposit *d = owner;
    if (e)
        end(d, COUNTER_REDIS_WRITES_FAILED);
    else if (++d->next < record_chunks(d->source->size))
        pool_submit(d->opts->supply->io, &d->flight.job);
    else if (write_record(d))
        end(d, COUNTER_REDIS_WRITES_DROPPED);
}

static void on_read(struct job *job)
{
    struct deposit *d = (struct deposit *)job;
    struct redis_write what = {&d->key, d->next, d->ttl, {(const char *)d->bytes, d->len}};
    if (d->err || redis_write(d->redis, &what, on_chunk_written, d))
        end(d, COUNTER_REDIS_WRITES_DROPPED);
}

static struct deposit *deposit_new(const struct work_opts *opts, struct redis *redis,
                                   struct object *source)
{
    struct deposit *d = calloc(1, sizeof *d);
    struct str path = source->key.path;
    uint64_t version = source->source->version;
    if (!d)
        return NULL;
    d->opts = opts;
    d->redis = redis;
    d->key = key_make(OBJECT_BODY, path, version, CONTAINER_COUNT, 0);
    d->flight.key = key_make(OBJECT_CHUNK, path, version, CONTAINER_COUNT, UINT32_MAX);
    d->flight.kept = true;
    d->flight.job.run = run;
    d->flight.job.done = on_read;
    d->ttl = redis_ttl(redis, &d->key);
    buf_init(&d->record, RECORD_MAX);
    d->bytes = malloc(RECORD_CHUNK);
    if (d->bytes && !record_begin(&d->key, object_etag(source), source->size, &d->record))
        return d;
    deposit_free(d);
    return NULL;
}

void deposit_begin(const struct work_opts *opts, struct redis *redis, struct mailbox *home,
                   struct object *source)
{
    bool room = redis_room_take(redis, RECORD_CHUNK);
    struct deposit *d = room ? deposit_new(opts, redis, source) : NULL;
    bool first = d && flight_start(opts->flights, &d->flight, NULL);
    if (first) {
        d->source = object_ref(source); /* its path is the keys' */
        d->flight.job.home = home;
        pool_submit(opts->supply->io, &d->flight.job);
        return;
    }
    if (d)
        deposit_free(d);
    else
        atomic_fetch_add(&opts->supply->counters->value[COUNTER_REDIS_WRITES_DROPPED], 1);
    if (room)
        redis_room_give(redis, RECORD_CHUNK);
}
