/* A look-up asks for the record and the first chunk in one breath, then for the other chunks (or
 * for one chunk alone), a few at a time, each under its deadline; its memory lives until the last
 * of its commands is answered, which may be after its owner was told. A write sends one chunk after
 * the other and the record last, so that no record stands before its chunks, and answers to others
 * never wait behind more than a chunk. */
#include "edge/store/redis.h"

#include "edge/base/must.h"
#include "edge/store/purges.h"
#include "edge/store/redis_record.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redis {
    struct redis_opts *opts;
    struct redis_link *link;
    struct loop *loop;
    struct counters *counters;
    size_t under_way; /* bytes of the objects that are being written */
    unsigned lent;    /* chunks that senders hold */
};

enum err redis_new(struct redis_opts *opts, const struct redis_seat *seat, struct redis **out)
{
    struct redis *r = calloc(1, sizeof *r);
    if (!r)
        return ERR_NOMEM;
    struct redis_link_opts lo = {.loop = seat->loop,
                                 .timers = seat->timers,
                                 .mailbox = seat->mailbox,
                                 .io = opts->io,
                                 .url = &opts->url,
                                 .trust = opts->trust,
                                 .timeout = opts->timeout,
                                 .broken = &opts->broken,
                                 .answers = seat->answers};
    *r = (struct redis){opts, NULL, seat->loop, seat->counters, 0, 0};
    enum err e = redis_link_new(&lo, &r->link);
    if (e)
        free(r);
    else
        *out = r;
    return e;
}

void redis_stop(struct redis *r)
{
    if (r)
        redis_link_stop(r->link);
}

void redis_free(struct redis *r)
{
    if (!r)
        return;
    redis_link_free(r->link);
    must(r->under_way == 0 && r->lent == 0);
    free(r);
}

bool redis_is_up(const struct redis *r) { return r && redis_link_usable(r->link); }

bool redis_keeps(const struct redis *r, enum object_kind kind)
{
    return r && (kind == OBJECT_BODY || kind == OBJECT_INDEX || kind == OBJECT_MASTER ||
                 kind == OBJECT_PLAYLIST || kind == OBJECT_INIT || kind == OBJECT_SEGMENT);
}

/* The key's text: what was written before the newest purge of the path has another one. */
static size_t name_of(const struct redis *r, const struct key *key, char out[RECORD_KEY])
{
    char salt[PURGES_SALT], generation[sizeof r->opts->generation + PURGES_SALT];
    purges_salt(r->opts->purges, key->path, salt);
    snprintf(generation, sizeof generation, "%s%s", r->opts->generation, salt);
    return record_key(key, str_of(generation), out);
}

/* ---- looking ---- */

struct search {
    struct redis *redis;
    const struct key *key; /* borrowed until `found` was called */
    redis_found_fn *found; /* NULL: the owner was told */
    void *owner;
    uint64_t deadline;
    unsigned waiting;    /* commands that are not answered yet */
    bool alone;          /* one chunk is wanted, not the whole */
    uint32_t first;      /* the chunk that is asked for with the record */
    uint32_t next;       /* the chunk whose answer comes next */
    uint32_t asked;      /* the one behind the last that was asked for */
    uint32_t end;        /* the one behind the last that is wanted */
    size_t len;          /* of all that is wanted */
    unsigned char *copy; /* of the record; NULL until it came */
    struct record record;
    unsigned char *bytes;
    char name[RECORD_KEY];
    size_t name_len;
};

/* Tell the owner, once. */
static void tell(struct search *s, enum err e)
{
    redis_found_fn *found = s->found;
    struct redis_found what = {s->bytes, s->len, s->record.size, s->record.etag};
    if (!found)
        return;
    s->found = NULL;
    if (!e)
        s->bytes = NULL;
    found(s->owner, e, e ? NULL : &what);
}

static void search_end_if_answered(struct search *s)
{
    if (s->waiting)
        return;
    must(!s->found);
    free(s->copy);
    free(s->bytes);
    free(s);
}

static enum err ask(struct search *s, struct str name, redis_answer_fn *answer)
{
    struct str words[2] = {STR("GET"), name};
    TRY(redis_link_send(s->redis->link, words, 2, s->deadline, answer, s));
    s->waiting++;
    return ERR_NONE;
}

static enum err ask_chunk(struct search *s, uint32_t chunk);

/* What a reply to GET is worth when it is not the bytes. */
static enum err judge(struct redis *r, enum err e, const struct redis_reply *reply)
{
    if (e)
        return e;
    if (reply->kind == REDIS_BYTES)
        return ERR_NONE;
    if (reply->kind == REDIS_NIL)
        return ERR_NOT_FOUND;
    /* Of another type is one key's matter; loading, no rights and the like are Redis'. */
    if (reply->kind == REDIS_REFUSED && !str_starts(reply->bytes, STR("WRONGTYPE")))
        redis_link_fault(r->link);
    return ERR_MEDIA;
}

/* A few at a time: who asks for a small thing meanwhile does not wait for all of a large one. */
static enum err ask_ahead(struct search *s)
{
    while (s->asked < s->end && s->asked < s->next + REDIS_AHEAD) {
        if (s->asked >= s->first + REDIS_AHEAD) /* the first ones have what is left */
            s->deadline = loop_now(s->redis->loop) + s->redis->opts->timeout;
        TRY(ask_chunk(s, s->asked));
        s->asked++;
    }
    return ERR_NONE;
}

static enum err take_record(struct search *s, struct str bytes)
{
    s->copy = malloc(bytes.n + 1);
    if (!s->copy)
        return ERR_NOMEM;
    memcpy(s->copy, bytes.p, bytes.n);
    TRY(record_open((struct str){(const char *)s->copy, bytes.n}, s->key, &s->record));
    if (s->record.size == 0 || s->record.size > s->redis->opts->max_object ||
        s->first >= s->record.chunks)
        return ERR_MEDIA;
    s->end = s->alone ? s->first + 1 : s->record.chunks;
    s->len = s->alone ? record_chunk_size(&s->record, s->first) : (size_t)s->record.size;
    s->bytes = malloc(s->len);
    if (!s->bytes)
        return ERR_NOMEM;
    return ask_ahead(s);
}

static void on_record(void *owner, enum err e, const struct redis_reply *reply)
{
    struct search *s = owner;
    if (s->found) {
        e = judge(s->redis, e, reply);
        if (!e)
            e = take_record(s, reply->bytes);
        if (e)
            tell(s, e);
    }
    s->waiting--;
    search_end_if_answered(s);
}

static enum err take_chunk(struct search *s, struct str bytes)
{
    uint32_t i = s->next++;
    if (!record_chunk_is(&s->record, i, bytes))
        return ERR_MEDIA;
    memcpy(s->bytes + (size_t)(i - s->first) * RECORD_CHUNK, bytes.p, bytes.n);
    return ask_ahead(s);
}

/* Answers come in the order of asking. A chunk that is missing under a good record is as wrong as
 * one that is broken. */
static void on_chunk(void *owner, enum err e, const struct redis_reply *reply)
{
    struct search *s = owner;
    if (s->found) {
        e = judge(s->redis, e, reply);
        if (!e)
            e = take_chunk(s, reply->bytes);
        if (e)
            tell(s, e == ERR_NOT_FOUND ? ERR_MEDIA : e);
        else if (s->next == s->end)
            tell(s, ERR_NONE);
    }
    s->waiting--;
    search_end_if_answered(s);
}

static enum err ask_chunk(struct search *s, uint32_t chunk)
{
    char name[RECORD_KEY];
    struct str record = {s->name, s->name_len};
    size_t n = record_chunk_key(record, chunk, name);
    return ask(s, (struct str){name, n}, on_chunk);
}

static struct search *search_new(struct redis *r, const struct key *key, void *owner)
{
    struct search *s = redis_link_usable(r->link) ? calloc(1, sizeof *s) : NULL;
    if (!s)
        return NULL;
    s->redis = r;
    s->key = key;
    s->owner = owner;
    s->deadline = loop_now(r->loop) + r->opts->timeout;
    s->name_len = name_of(r, key, s->name);
    return s;
}

static bool search_begin(struct search *s, redis_found_fn *found)
{
    struct str name = {s->name, s->name_len};
    if (!name.n || ask(s, name, on_record)) {
        free(s);
        return false;
    }
    s->found = found;
    s->next = s->first;
    s->asked = s->first + 1;
    if (ask_chunk(s, s->first)) /* then its record comes for nothing */
        s->found = NULL;
    return s->found != NULL;
}

bool redis_get(struct redis *r, const struct key *key, redis_found_fn *found, void *owner)
{
    struct search *s = search_new(r, key, owner);
    return s && search_begin(s, found);
}

bool redis_get_chunk(struct redis *r, const struct key *key, uint32_t chunk, redis_found_fn *found,
                     void *owner)
{
    struct search *s = search_new(r, key, owner);
    if (!s)
        return false;
    s->alone = true;
    s->first = chunk;
    return search_begin(s, found);
}

/* ---- writing ---- */

bool redis_holds(const struct redis *r, uint64_t size) { return r && size <= r->opts->max_object; }

bool redis_room_take(struct redis *r, size_t n)
{
    if (n > REDIS_UNDER_WAY - r->under_way)
        return false;
    r->under_way += n;
    return true;
}

bool redis_lend(struct redis *r)
{
    if (r->lent >= REDIS_LENT)
        return false;
    r->lent++;
    return true;
}

void redis_lend_back(struct redis *r)
{
    must(r->lent);
    r->lent--;
}

void redis_room_give(struct redis *r, size_t n)
{
    must(n <= r->under_way);
    r->under_way -= n;
}

struct put {
    struct redis *redis;
    struct object *object;
    struct str bytes; /* the object's */
    struct buf record;
    uint32_t next; /* the chunk that is written next */
    uint32_t chunks;
    char name[RECORD_KEY];
    size_t name_len;
    char ttl[12]; /* seconds, in digits */
};

static void put_end(struct put *p, enum counter result)
{
    struct redis *r = p->redis;
    redis_room_give(r, p->bytes.n);
    counters_add(r->counters, result, 1);
    object_unref(p->object);
    buf_fini(&p->record);
    free(p);
}

static void on_written(void *owner, enum err e, const struct redis_reply *reply);

static enum err put_next(struct put *p)
{
    char name[RECORD_KEY];
    struct str record = {p->name, p->name_len};
    struct str words[5] = {STR("SET"), record, buf_str(&p->record), STR("EX"), str_of(p->ttl)};
    if (p->next < p->chunks) {
        size_t from = (size_t)p->next * RECORD_CHUNK;
        words[1] = (struct str){name, record_chunk_key(record, p->next, name)};
        words[2] = str_slice(p->bytes, from, from + RECORD_CHUNK);
    }
    p->next++;
    uint64_t deadline = loop_now(p->redis->loop) + p->redis->opts->timeout;
    return redis_link_send(p->redis->link, words, 5, deadline, on_written, p);
}

static void on_written(void *owner, enum err e, const struct redis_reply *reply)
{
    struct put *p = owner;
    if (e || reply->kind != REDIS_STATUS)
        put_end(p, COUNTER_REDIS_WRITES_FAILED);
    else if (p->next > p->chunks)
        put_end(p, COUNTER_REDIS_WRITES_STORED);
    else if (put_next(p))
        put_end(p, COUNTER_REDIS_WRITES_DROPPED);
}

static struct str bytes_of(const struct object *o)
{
    return o->index ? index_record(o->index) : (struct str){(const char *)o->body, o->body_len};
}

/* Within a tenth of the configured one, so that a fleet's entries don't end together. */
unsigned redis_ttl(const struct redis *r, const struct key *key)
{
    uint64_t tenth = r->opts->ttl / 10;
    uint64_t now = loop_now(r->loop);
    uint64_t bits = key->hash ^ hash_table((struct str){(const char *)&now, sizeof now});
    return (unsigned)(r->opts->ttl - tenth + bits % (2 * tenth + 1));
}

static enum err put_begin(struct put *p)
{
    struct redis *r = p->redis;
    const struct key *key = &p->object->key;
    p->name_len = name_of(r, key, p->name);
    if (!p->name_len)
        return ERR_NOMEM;
    buf_init(&p->record, RECORD_MAX);
    TRY(record_pack(key, object_etag(p->object), p->bytes, &p->record));
    p->chunks = (uint32_t)((p->bytes.n + RECORD_CHUNK - 1) / RECORD_CHUNK);
    snprintf(p->ttl, sizeof p->ttl, "%u", redis_ttl(r, key));
    return put_next(p);
}

void redis_put(struct redis *r, struct object *o)
{
    struct str bytes = bytes_of(o);
    if (!redis_keeps(r, (enum object_kind)o->key.kind) || o->failure || o->span_count ||
        bytes.n == 0 || bytes.n > r->opts->max_object || !redis_link_usable(r->link))
        return;
    bool room = redis_room_take(r, bytes.n);
    struct put *p = room ? calloc(1, sizeof *p) : NULL;
    if (!p) {
        counters_add(r->counters, COUNTER_REDIS_WRITES_DROPPED, 1);
        redis_room_give(r, room ? bytes.n : 0);
        return;
    }
    p->redis = r;
    p->object = object_ref(o);
    p->bytes = bytes;
    if (put_begin(p))
        put_end(p, COUNTER_REDIS_WRITES_DROPPED);
}

/* ---- writing bit by bit ---- */

struct bit {
    redis_written_fn *written;
    void *owner;
};

static void on_bit_written(void *owner, enum err e, const struct redis_reply *reply)
{
    struct bit bit = *(struct bit *)owner;
    free(owner);
    bit.written(bit.owner, e ? e : reply->kind == REDIS_STATUS ? ERR_NONE : ERR_IO);
}

enum err redis_write(struct redis *r, const struct redis_write *what, redis_written_fn *written,
                     void *owner)
{
    char name[RECORD_KEY], chunk[RECORD_KEY], ttl[12];
    struct str key = {name, name_of(r, what->key, name)};
    if (!key.n)
        return ERR_NOMEM;
    if (what->chunk != REDIS_RECORD)
        key = (struct str){chunk, record_chunk_key(key, what->chunk, chunk)};
    snprintf(ttl, sizeof ttl, "%u", what->ttl);
    struct str words[5] = {STR("SET"), key, what->value, STR("EX"), str_of(ttl)};
    struct bit *bit = malloc(sizeof *bit);
    if (!bit)
        return ERR_NOMEM;
    *bit = (struct bit){written, owner};
    uint64_t deadline = loop_now(r->loop) + r->opts->timeout;
    enum err e = redis_link_send(r->link, words, 5, deadline, on_bit_written, bit);
    if (e)
        free(bit);
    return e;
}
